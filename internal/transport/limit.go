package transport

import (
	"context"
	"time"

	"golang.org/x/time/rate"
)

// limit spreads the requests of a Sender over time; nil is none.
type limit struct{ bucket *rate.Limiter }

func newLimit(perSecond float64) *limit {
	if perSecond == 0 {
		return nil
	}
	// A bucket of one: requests leave evenly, also those that had to wait.
	return &limit{rate.NewLimiter(rate.Limit(perSecond), 1)}
}

// wait returns when it is the next request's turn, or when the context ends.
func (l *limit) wait(ctx context.Context) error {
	turn := l.bucket.Reserve()
	err := Await(ctx, turn.Delay())
	if err != nil {
		turn.Cancel() // it is somebody else's
	}
	return err
}

// pause lets no turn be saved up until that moment, so that those who waited for
// it do not leave at once.
func (l *limit) pause(until time.Time) {
	if l != nil {
		l.bucket.ReserveN(until, 1)
	}
}

// Turn waits until a request to a server may leave: until a server that asked to be
// left alone may be asked again, but no longer than that, and the rate allows one more.
func (s *Sender) Turn(ctx context.Context, origin string, longest time.Duration) error {
	for {
		begin := time.Now()
		if err := s.WaitOut(ctx, origin, longest); err != nil || s.limit == nil {
			return err
		}
		longest -= time.Since(begin)
		// Who had a turn while the server asked to be left alone takes another one.
		if err := s.limit.wait(ctx); err != nil || s.pauses.left(origin, longest) == 0 || longest <= 0 {
			return err
		}
	}
}
