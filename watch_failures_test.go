package roq_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// The end of the context ends the wait at once, and is the last thing that comes.
func TestWatchUserInvitesContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("closing time")
		for name, begin := range map[string]func() (context.Context, context.CancelFunc){
			"while waiting": func() (context.Context, context.CancelFunc) {
				return context.WithTimeoutCause(t.Context(), time.Minute, cause)
			},
			"before": func() (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancelCause(t.Context())
				cancel(cause)
				return ctx, func() {}
			},
		} {
			w := newWatched(t, 1)
			ctx, cancel := begin()
			started := time.Now()
			w.watch(ctx, pendingOnly)
			if len(w.errs) != 1 || !errors.Is(w.errs[0], ctx.Err()) || !errors.Is(w.errs[0], cause) || errors.Is(w.errs[0], roq.ErrUnavailable) {
				t.Errorf("%s: the errors are %v, want the context's", name, w.errs)
			}
			if took := time.Since(started); took != 0 && took != time.Minute {
				t.Errorf("%s: it took %v", name, took)
			}
			cancel()
		}
	})
}

// A failure that may pass is told, and the watch goes on; others end it.
func TestWatchUserInvitesFailures(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault    roqtest.Fault
		want     error
		accepted bool // whether the watch lasts until then
	}{
		"unavailable":           {roqtest.Fault{Skip: 3, Times: 4, Status: 503}, roq.ErrUnavailable, true},
		"throttled":             {roqtest.Fault{Skip: 3, Times: 4, Status: 429}, roq.ErrRateLimited, true},
		"cut":                   {roqtest.Fault{Skip: 3, Times: 4, Drop: roqtest.DropBefore}, roq.ErrUnavailable, true},
		"less than the retries": {roqtest.Fault{Skip: 3, Times: 3, Status: 503}, nil, true},
		"forbidden":             {roqtest.Fault{Skip: 3, Status: 403}, roq.ErrForbidden, false},
		"the very first":        {roqtest.Fault{Times: 4, Status: 503}, roq.ErrUnavailable, false},
		"the first list":        {roqtest.Fault{Skip: 1, Times: 4, Status: 503}, roq.ErrUnavailable, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWatched(t, 1)
				test.fault.Operation = "userInvites"
				w.Inject(test.fault)
				w.after(6*time.Second, func() error { return w.accept(0) }) // while it fails
				w.watch(t.Context(), pendingOnly)
				switch {
				case test.want == nil && len(w.errs) != 0, test.want != nil && (len(w.errs) != 1 || !errors.Is(w.errs[0], test.want)):
					t.Errorf("the errors are %v, want %v", w.errs, test.want)
				}
				if test.accepted {
					w.expect(t, "0: pending, now accepted")
				} else {
					w.expect(t)
				}
			})
		})
	}
}

// A loop that has had enough of failures ends the watch, and so does one that has
// seen what it wanted.
func TestWatchUserInvitesBreak(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, 2)
		w.Inject(roqtest.Fault{Operation: "userInvites", Skip: 3, Times: 4, Status: 503})
		w.after(time.Minute, func() error { return errors.Join(w.accept(0), w.accept(1)) })
		for range 2 {
			for _, err := range w.client.AsUser(w.user.ID).WatchUserInvites(t.Context(), pendingOnly) {
				w.errs = append(w.errs, err)
				break
			}
		}
		if len(w.errs) != 2 || !errors.Is(w.errs[0], roq.ErrUnavailable) || w.errs[1] != nil {
			t.Errorf("the loops ended with %v, want a failure and a change", w.errs)
		}
		before := len(w.asked())
		<-time.After(time.Hour)
		if after := len(w.asked()); after != before {
			t.Errorf("%d requests came after the loops had ended", after-before)
		}
	})
}

// A watch that outlives its tokens gets new ones.
func TestWatchUserInvitesRenewsTokens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, 1)
		w.after(24*time.Hour, func() error { return w.accept(0) })
		w.after(12*time.Hour, func() error { w.RevokeTokens(); return nil })
		w.watch(t.Context(), pendingOnly, roq.WithInterval(time.Minute, 7*time.Minute))
		w.expect(t, "0: pending, now accepted")
		if len(w.errs) != 0 {
			t.Errorf("errors: %v", w.errs)
		}
	})
}
