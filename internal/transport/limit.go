package transport

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/time/rate"
)

// Limiter says when a request may leave.
type Limiter interface {
	Wait(ctx context.Context) error
}

// pauser is a Limiter that is told when a server asks to be left alone.
type pauser interface {
	Pause(ctx context.Context, d time.Duration)
}

// NewRate returns a Limiter of so many requests per second.
func NewRate(perSecond float64) Limiter {
	// A bucket of one: requests leave evenly, also those that had to wait.
	return bucket{rate.NewLimiter(rate.Limit(perSecond), 1)}
}

// bucket spreads requests over time.
type bucket struct{ limiter *rate.Limiter }

// Wait returns when it is the next request's turn, or when the context ends.
func (b bucket) Wait(ctx context.Context) error {
	turn := b.limiter.Reserve()
	err := Await(ctx, turn.Delay())
	if err != nil {
		turn.Cancel() // it is somebody else's
	}
	return err
}

// Pause lets no turn be saved up until that moment, so that those who waited for
// it do not leave at once.
func (b bucket) Pause(_ context.Context, d time.Duration) { b.limiter.ReserveN(time.Now().Add(d), 1) }

// limited waits for the limiter.
func (s *Sender) limited(ctx context.Context) error {
	err := s.limit.Wait(ctx)
	if err == nil || errors.Is(err, errNoTime) {
		return err
	}
	if ctx.Err() != nil {
		return interrupted(ctx, nil)
	}
	return fmt.Errorf("the limiter: %w", err)
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
		if err := s.limited(ctx); err != nil || s.pauses.left(origin, longest) == 0 || longest <= 0 {
			return err
		}
	}
}
