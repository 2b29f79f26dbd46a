package roq_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// turns is a Limiter that counts.
type turns struct {
	each   time.Duration
	fails  error
	waits  atomic.Int64
	paused atomic.Int64
}

func (l *turns) Wait(ctx context.Context) error {
	l.waits.Add(1)
	select {
	case <-time.After(l.each):
		return l.fails
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *turns) Pause(_ context.Context, d time.Duration) { l.paused.Add(int64(d)) }

// Every request waits for its turn, and the wait is no part of an attempt's time or of
// settling.
func TestLimiter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &turns{each: time.Minute}
		b := newBubbled(t, nil, roq.WithLimiter(l), roq.WithTimeout(time.Second), roq.WithSettleTimeout(5*time.Second))
		b.Inject(roqtest.Fault{Operation: "sendUserInvites", Times: 1, Drop: roqtest.DropAfter})
		begin := time.Now()
		if _, err := b.send(t.Context(), 3, "a"); err != nil {
			t.Fatal(err)
		}
		if n, took := l.waits.Load(), time.Since(begin); n != 4 || took != 4*time.Minute { // two for tokens, and a look-up
			t.Errorf("%d turns in %v, want four in four minutes", n, took)
		}
		b.Inject(roqtest.Fault{Operation: "userInvite", Times: 1, Status: 429, Header: map[string][]string{"Retry-After": {"7"}}})
		_, _ = b.client.AsUser(b.user.ID).UserInvite(t.Context(), inviteID)
		if got := time.Duration(l.paused.Load()); got != 7*time.Second {
			t.Errorf("told of a pause of %v", got)
		}
	})
}

// A limiter that fails, or whose turn is too far away, lets nothing leave.
func TestLimiterThatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("no connection to the store")
		b := newBubbled(t, nil, roq.WithLimiter(&turns{fails: broken}))
		_, err := b.send(t.Context(), 1, "a")
		if !errors.Is(err, broken) || !errors.Is(err, roq.ErrUnavailable) || !errors.Is(err, roq.ErrNotSent) || len(b.Requests()) != 0 {
			t.Errorf("%v after %d requests", err, len(b.Requests()))
		}
		b = newBubbled(t, nil, roq.WithLimiter(rate.NewLimiter(rate.Every(time.Hour), 2)))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begin := time.Now()
		if _, err := b.send(ctx, 1, "a"); !errors.Is(err, roq.ErrNotSent) || time.Since(begin) != 0 {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
	if _, err := roq.New(config(), roq.WithLimiter(nil)); err == nil {
		t.Error("WithLimiter(nil) is accepted")
	}
}
