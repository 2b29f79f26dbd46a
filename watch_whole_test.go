package roq_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-roq/roq"
)

// Five thousand pending invites cost one request a look, and of a thousand
// changes each is reported once.
func TestWatchFiveThousandInvites(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		n, changes int           // pending invites, and how many of them change
		apart      time.Duration // the changes from each other
		more       bool          // whether others change while a look reads them
		want       []string      // the requests of the look that sees them, if it is one
	}{
		"all at once":       {n: 5000, changes: 1000, want: []string{"updatedAt DESC 50 0", "updatedAt DESC 500 50", "updatedAt DESC 500 550"}},
		"one after another": {n: 2000, changes: 1000, apart: 20 * time.Millisecond},
		"and more come":     {n: 1000, changes: 200, more: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := &watched{bubbled: newBubbled(t, nil, roq.WithBatchSize(1000)), end: t.Context().Done()}
				sent, err := w.send(t.Context(), test.n, "invite")
				if err := errors.Join(err, sent.Err()); err != nil {
					t.Fatal(err)
				}
				w.invites = sent.Success
				mails := w.Outbox()
				platform := w.client.AsUser(w.user.ID)
				var mu sync.Mutex
				var want []string
				expect := func(i int, now roq.UserInviteStatus) int {
					mu.Lock()
					defer mu.Unlock()
					if now != "" {
						want = append(want, fmt.Sprintf("%d: pending, now %s", i, now))
					}
					return len(want)
				}
				if test.more {
					w.meddle = on("userInvites", 0, func(resp *http.Response) *http.Response {
						all := w.asked()
						if expect(0, "") == test.changes && all[len(all)-1].what == "updatedAt DESC 50 0" {
							<-time.After(time.Second)
							for i := range 3 { // they push three from this page to the next
								if _, err := w.Accept(mails[i+1].Token); err != nil {
									t.Error(err)
								}
								expect(i+1, roq.StatusAccepted)
							}
						}
						return resp
					})
				}
				w.after(10*time.Second, func() error {
					for n := range test.changes {
						i := n * test.n / test.changes
						var err error
						switch n % 10 {
						case 0, 1, 2, 3:
							_, err = w.Accept(mails[i].Token)
							expect(i, roq.StatusAccepted)
						case 4, 5, 6:
							_, err = platform.CancelUserInvite(t.Context(), w.invites[i].ID)
							expect(i, roq.StatusCanceled)
						default:
							_, err = platform.ResendUserInvite(t.Context(), w.invites[i].ID)
							expect(i, roq.StatusPending)
						}
						if err != nil {
							return err
						}
						if test.apart > 0 && n < test.changes-1 { // nothing is to be left asleep
							<-time.After(test.apart)
						}
					}
					return nil
				})
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				for change, err := range platform.WatchUserInvites(ctx, pendingOnly, roq.WithInterval(2*time.Second, 2*time.Second)) {
					if err != nil {
						t.Fatal(err)
					}
					if w.reports = append(w.reports, w.report(change)); len(w.reports) == test.changes && !test.more || len(w.reports) == test.changes+3 {
						break
					}
				}
				synctest.Wait() // for the last that was expected
				slices.Sort(w.reports)
				slices.Sort(want)
				if !slices.Equal(w.reports, want) {
					t.Errorf("%d changes were reported, want each of %d once", len(slices.Compact(w.reports)), len(want))
				}
				w.countRequests(t, test.want)
			})
		})
	}
}

// countRequests expects one request for each look, but for the net's and those
// of the last look.
func (w *watched) countRequests(t *testing.T, last []string) {
	t.Helper()
	asked := w.asked()
	listed := len(asked)
	for i, a := range asked {
		if i > 0 && a.what == "updatedAt DESC 50 0" {
			listed = i
			break
		}
	}
	// The newest, a page of 500, and pages that share a row with the one before.
	if want := 2 + (len(w.invites)-500+498)/499; listed != want {
		t.Errorf("the first list took %d requests, want %d", listed, want)
	}
	looks := asked[listed:]
	var got []string
	for i, a := range looks {
		if i > 0 && i < len(looks)-max(1, len(last)) && a.at.Sub(looks[i-1].at) < 2*time.Second && last != nil {
			t.Errorf("the request %q is the second of a look", a.what)
		}
		if i >= len(looks)-len(last) {
			got = append(got, a.what)
		}
	}
	if last != nil && !slices.Equal(got, last) {
		t.Errorf("the look that saw the changes made %q, want %q", got, last)
	}
	if len(looks) > 40 {
		t.Errorf("%d requests were made after the first list, want one a look, or two", len(looks))
	}
}

// Invites of a platform with a lifetime expire while they are watched, and a watch
// without a condition follows everything that comes.
func TestWatchInvitesExpire(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, 3)
		w.after(24*time.Hour, func() error { return w.accept(1) })
		w.after(3*24*time.Hour, func() error {
			return w.invite(t.Context(), 2)
		})
		w.after(4*24*time.Hour, func() error { return w.Remove(w.invites[4].ID) })
		begin := time.Now()
		w.watch(t.Context(), roq.UserInvitesQuery{Limit: 2}, roq.WithInterval(time.Second, time.Hour))
		w.expect(t, "1: pending, now accepted", "3: , now pending", "4: , now pending", "4: pending, now gone",
			"0: pending, now expired", "2: pending, now expired", "3: pending, now expired")
		if took := time.Since(begin).Round(24 * time.Hour); took != 10*24*time.Hour || len(w.errs) != 0 {
			t.Errorf("the watch took %v, %v, want until the last has expired", took, w.errs)
		}
		if n := len(w.asked()); n > 450 {
			t.Errorf("%d requests were made in ten days, want about one an hour", n)
		}
	})
}
