package roq_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-roq/roq"
)

// pendingOnly is the usual query of a watch.
var pendingOnly = roq.UserInvitesQuery{Filter: roq.UserInviteFilter{Status: &roq.StringFilter{EqualTo: string(roq.StatusPending)}}}

// watched is a bubbled platform with pending invites, and what a watch reports.
type watched struct {
	*bubbled
	mu      sync.Mutex
	invites []roq.UserInvite
	reports []string // "invite 2: pending, now accepted"
	errs    []error
	end     <-chan struct{} // of the test
}

func newWatched(t *testing.T, n int) *watched {
	t.Helper()
	w := &watched{bubbled: newBubbled(t, nil), end: t.Context().Done()}
	if n == 0 {
		return w
	}
	sent, err := w.send(t.Context(), n, "invite")
	if err := errors.Join(err, sent.Err()); err != nil {
		t.Fatal(err)
	}
	w.invites = sent.Success
	return w
}

// after does something while the watch waits.
func (w *watched) after(d time.Duration, do func() error) {
	go func() {
		select {
		case <-w.end:
		case <-time.After(d):
			if err := do(); err != nil {
				panic(err)
			}
		}
	}()
}

// invite invites others.
func (w *watched) invite(ctx context.Context, n int) error {
	sent, err := w.send(ctx, n, "late")
	w.mu.Lock()
	defer w.mu.Unlock()
	w.invites = append(w.invites, sent.Success...)
	return err
}

func (w *watched) accept(i int) error {
	_, err := w.Accept(w.Outbox()[i].Token)
	return err
}

// watch runs the watch to its end.
func (w *watched) watch(ctx context.Context, q roq.UserInvitesQuery, opts ...roq.WatchOption) {
	for change, err := range w.client.AsUser(w.user.ID).WatchUserInvites(ctx, q, opts...) {
		if err != nil {
			w.errs = append(w.errs, err)
			if change != (roq.UserInviteChange{}) {
				panic(fmt.Sprintf("%+v came with %v", change, err))
			}
			continue
		}
		w.reports = append(w.reports, w.report(change))
	}
}

func (w *watched) report(change roq.UserInviteChange) string {
	now := "gone"
	if change.Current != nil {
		now = string(change.Current.Status)
		if change.Current.ID != change.ID {
			panic("another invite came with the change")
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	n := slices.IndexFunc(w.invites, func(i roq.UserInvite) bool { return i.ID == change.ID })
	return fmt.Sprintf("%d: %s, now %s", n, change.PreviousStatus, now)
}

// asked is a request for a list: "order limit offset" and a filter, and when.
type asked struct {
	what string
	at   time.Time
}

func (w *watched) asked() []asked {
	var all []asked
	for _, r := range w.Requests() {
		if r.Operation != "userInvites" {
			continue
		}
		var v struct {
			Limit, Offset int
			Order         struct{ Sort, Order string }
			Filter        map[string]any
		}
		if err := json.Unmarshal(r.Variables, &v); err != nil {
			panic(err)
		}
		what := fmt.Sprintf("%s %s %d %d", v.Order.Sort, v.Order.Order, v.Limit, v.Offset)
		if v.Filter["status"] != nil {
			what += " by status"
		}
		if v.Filter["id"] != nil {
			what += " by id"
		}
		all = append(all, asked{what, r.At})
	}
	return all
}

func (w *watched) expect(t *testing.T, reports ...string) {
	t.Helper()
	if !slices.Equal(w.reports, reports) {
		t.Errorf("reported is\n%s\nwant\n%s", strings.Join(w.reports, "\n"), strings.Join(reports, "\n"))
	}
}

// Every change of the invites that were pending is reported, and of those that
// come, and the loop ends when none is pending any more.
func TestWatchUserInvites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, 4)
		platform := w.client.AsUser(w.user.ID)
		canceled := func(i int) func() error {
			return func() error { _, err := platform.CancelUserInvite(t.Context(), w.invites[i].ID); return err }
		}
		if err := w.accept(0); err != nil { // before: nobody watches it
			t.Fatal(err)
		}
		w.after(10*time.Second, func() error { return w.accept(1) })
		w.after(40*time.Second, func() error { _, err := platform.ResendUserInvite(t.Context(), w.invites[2].ID); return err })
		w.after(80*time.Second, func() error {
			return w.invite(t.Context(), 1)
		})
		w.after(2*time.Minute, canceled(4))
		w.after(3*time.Minute, func() error { return w.Expire(w.invites[2].ID) })
		// One that was settled is followed, and is the same when it comes again.
		w.after(4*time.Minute, func() error { _, err := platform.ResendUserInvite(t.Context(), w.invites[2].ID); return err })
		w.after(5*time.Minute, func() error { return errors.Join(canceled(2)(), w.Remove(w.invites[3].ID)) })
		begin := time.Now()
		w.watch(t.Context(), pendingOnly)
		w.expect(t, "1: pending, now accepted", "2: pending, now pending", "4: , now pending", "4: pending, now canceled",
			"2: pending, now expired", "2: expired, now pending", "2: pending, now canceled", "3: pending, now gone")
		if took := time.Since(begin); took < 5*time.Minute || took > 5*time.Minute+36*time.Second {
			t.Errorf("the watch took %v, want five minutes and an interval", took)
		}
		if len(w.errs) != 0 {
			t.Errorf("errors: %v", w.errs)
		}
	})
}

// Whatever is not pending is not waited for.
func TestWatchUserInvitesEndsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, n := range []int{0, 1} {
			w := newWatched(t, n)
			if n > 0 {
				if err := w.accept(0); err != nil {
					t.Fatal(err)
				}
			}
			begin := time.Now()
			w.watch(t.Context(), roq.UserInvitesQuery{})
			if len(w.reports)+len(w.errs) != 0 || time.Since(begin) != 0 || len(w.asked()) != 2 {
				t.Errorf("of %d: %v, %v in %d requests", n, w.reports, w.errs, len(w.asked()))
			}
		}
	})
}

// The requests in their order, and how far apart they are: longer and longer
// while nothing changes, and short again after a change.
func TestWatchUserInvitesIntervals(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		opts    []roq.WatchOption
		changes int       // after which look something changes
		want    []float64 // between one request and the next, in seconds
	}{
		"by default":      {nil, 8, []float64{2, 3, 4.5, 6.75, 10.125, 15.1875, 22.78125, 30, 30, 2, 3}},
		"set":             {[]roq.WatchOption{roq.WithInterval(time.Second, 3*time.Second)}, 1, []float64{1, 1.5, 1, 1.5, 2.25, 3, 3}},
		"always the same": {[]roq.WatchOption{roq.WithInterval(time.Minute, time.Minute)}, 2, []float64{60, 60, 60, 60}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWatched(t, 2)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				w.meddle = func(_ string, resp *http.Response) *http.Response {
					switch looks := len(w.asked()) - 2; looks {
					case test.changes:
						if err := w.accept(0); err != nil {
							t.Error(err)
						}
					case len(test.want):
						cancel()
					}
					return resp
				}
				w.watch(ctx, pendingOnly, test.opts...)
				w.expect(t, "0: pending, now accepted")
				got := w.asked()
				if got[0].what != "updatedAt DESC 1 0" || got[1].what != "createdAt ASC 500 0 by status" || len(got) != len(test.want)+2 {
					t.Fatalf("the requests are %v", got)
				}
				for i, want := range test.want {
					if what := got[i+2].what; what != "updatedAt DESC 50 0" {
						t.Errorf("look %d is %q", i, what)
					}
					if d := got[i+2].at.Sub(got[i+1].at).Seconds(); d < want || d > want*1.2+0.001 {
						t.Errorf("look %d came after %v s, want from %v to a fifth more", i, d, want)
					}
				}
			})
		})
	}
}

// The random part differs.
func TestWatchUserInvitesJitter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, 1)
		w.after(time.Hour, func() error { return w.accept(0) })
		w.watch(t.Context(), pendingOnly, roq.WithInterval(10*time.Second, 10*time.Second))
		got := w.asked()
		var least, most time.Duration = time.Hour, 0
		for i := 2; i < len(got); i++ {
			if d := got[i].at.Sub(got[i-1].at); d > 0 { // the net's list follows its look at once
				least, most = min(least, d), max(most, d)
			}
		}
		if least < 10*time.Second || most > 12*time.Second || most-least < time.Second {
			t.Errorf("the looks are %v to %v apart, want them spread over 10 s to 12 s", least, most)
		}
	})
}

// What is removed is found by the platform's count, even if as many come, and its
// cost is that of the watch.
func TestWatchUserInvitesRemoved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, 3)
		if err := w.accept(2); err != nil { // not watched
			t.Fatal(err)
		}
		w.after(10*time.Second, func() error { return w.Remove(w.invites[0].ID) })
		w.after(60*time.Second, func() error {
			return errors.Join(w.invite(t.Context(), 1), w.Remove(w.invites[1].ID))
		})
		w.after(2*time.Minute, func() error { return w.Remove(w.invites[2].ID) })
		w.after(3*time.Minute, func() error { return w.Remove(w.invites[3].ID) })
		w.watch(t.Context(), pendingOnly)
		w.expect(t, "0: pending, now gone", "3: , now pending", "1: pending, now gone", "3: pending, now gone")
		var lists, byID int
		for _, a := range w.asked()[2:] {
			switch a.what {
			case "createdAt ASC 500 0 by status":
				lists++
			case "createdAt ASC 500 0 by id":
				byID++
			case "updatedAt DESC 50 0":
			default:
				t.Errorf("a request is %q", a.what)
			}
		}
		if lists != 4 || byID != 3 {
			t.Errorf("%d lists and %d by id, want 4, once for one that nobody watched, and 3", lists, byID)
		}
	})
}

// A list that cannot be read after a removal is read with the next look, and what
// the look had seen is reported once.
func TestWatchUserInvitesRemovedWhileFailing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, 3)
		var failing atomic.Bool
		w.meddle = func(_ string, resp *http.Response) *http.Response {
			all := w.asked()
			if failing.Load() && all[len(all)-1].what == "createdAt ASC 500 0 by status" {
				return instead(503, "")(resp)
			}
			return resp
		}
		w.after(10*time.Second, func() error {
			failing.Store(true)
			return errors.Join(w.Remove(w.invites[0].ID), w.accept(1))
		})
		w.after(5*time.Minute, func() error { failing.Store(false); return nil })
		w.after(10*time.Minute, func() error { return w.accept(2) })
		w.watch(t.Context(), pendingOnly)
		w.expect(t, "1: pending, now accepted", "0: pending, now gone", "2: pending, now accepted")
		if len(w.errs) < 5 || !errors.Is(w.errs[0], roq.ErrUnavailable) {
			t.Errorf("the errors are %v, want one for each look", w.errs)
		}
	})
}

// The condition on the status decides who is taken up later.
func TestWatchUserInvitesTakesUp(t *testing.T) {
	t.Parallel()
	pending, accepted := string(roq.StatusPending), string(roq.StatusAccepted)
	for name, test := range map[string]struct {
		status *roq.StringFilter
		want   bool
	}{
		"no condition": {nil, true}, "an empty one": {&roq.StringFilter{}, true},
		"equal": {&roq.StringFilter{EqualTo: pending}, true}, "not equal": {&roq.StringFilter{NotEqualTo: accepted}, true},
		"one of": {&roq.StringFilter{ValueIn: []string{pending, accepted}}, true}, "none of": {&roq.StringFilter{ValueNotIn: []string{accepted}}, true},
		"another": {&roq.StringFilter{EqualTo: accepted}, false}, "not this one": {&roq.StringFilter{NotEqualTo: pending}, false},
		"one of others": {&roq.StringFilter{ValueIn: []string{accepted, "waiting"}}, false}, "none of these": {&roq.StringFilter{ValueNotIn: []string{pending}}, false},
		"two that do not agree": {&roq.StringFilter{EqualTo: pending, ValueNotIn: []string{pending}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				// What keeps the watch going has a status that this package does not know.
				w := newWatched(t, 1)
				w.meddle = func(_ string, resp *http.Response) *http.Response {
					return edit(resp, `"status":"expired"`, `"status":"waiting"`)
				}
				if err := w.Expire(w.invites[0].ID); err != nil {
					t.Fatal(err)
				}
				q := roq.UserInvitesQuery{Filter: roq.UserInviteFilter{Status: test.status}}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				w.after(10*time.Second, func() error { _, err := w.send(ctx, 1, "late"); return err })
				if !test.want || test.status != nil && test.status.EqualTo+strings.Join(test.status.ValueIn, "") != "" {
					// It is listed at the beginning, whatever the condition.
					w.meddle = both(w.meddle, first("userInvites", 2, func(resp *http.Response) *http.Response {
						return instead(200, `{"data":{"userInvites":{"totalCount":1,"data":[{"id":"`+w.invites[0].ID+`","status":"waiting","createdAt":"2000-01-01T00:00:00Z","updatedAt":"2000-01-01T00:00:00Z"}]}}}`)(resp)
					}))
				}
				w.watch(ctx, q)
				if got := slices.Contains(w.reports, "-1: , now pending"); got != test.want {
					t.Errorf("reported is %v", w.reports)
				}
			})
		})
	}
}

// edit replaces a text in the body of an answer.
func edit(resp *http.Response, old, now string) *http.Response {
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		panic(err)
	}
	return instead(resp.StatusCode, strings.ReplaceAll(string(body), old, now))(resp)
}
