package roq_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// emptyList is the answer of a list that shows nothing.
const emptyList = `{"data":{"userInvites":{"totalCount":0,"data":[]}}}`

// An invite that the list does not show yet is read by its id, and waited for if it
// is there.
func TestWaitUserInviteRightAfterSending(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		behind time.Duration // how long the list shows nothing
		read   *roqtest.Fault
		remove bool
		want   error
	}{
		"the list follows":                  {behind: 30 * time.Second},
		"the list never follows":            {behind: time.Hour},
		"reading fails at first":            {behind: 30 * time.Second, read: &roqtest.Fault{Times: 9, Status: 503}},
		"reading is throttled at first":     {behind: 30 * time.Second, read: &roqtest.Fault{Times: 9, Status: 429}},
		"reading is forbidden":              {behind: 30 * time.Second, read: &roqtest.Fault{Status: 403}, want: roq.ErrForbidden},
		"there is no such invite":           {remove: true, want: roq.ErrNotFound},
		"none, and reading fails at first":  {remove: true, read: &roqtest.Fault{Times: 9, Status: 503}, want: roq.ErrNotFound},
		"none, and the list is behind, too": {remove: true, behind: time.Hour, want: roq.ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWatched(t, 1)
				begin := time.Now()
				w.meddle = on("userInvites", 0, func(resp *http.Response) *http.Response {
					if time.Since(begin) < test.behind {
						return instead(200, emptyList)(resp)
					}
					return resp
				})
				if test.read != nil {
					test.read.Operation = "userInvite"
					w.Inject(*test.read)
				}
				if test.remove {
					if err := w.Remove(w.invites[0].ID); err != nil {
						t.Fatal(err)
					}
				} else {
					w.after(time.Minute, func() error { return w.accept(0) })
				}
				got, err := w.client.AsUser(w.user.ID).WaitUserInvite(t.Context(), w.invites[0].ID)
				if !errors.Is(err, test.want) || (test.want == nil) != (got != nil && got.Status == roq.StatusAccepted) {
					t.Errorf("WaitUserInvite = %+v, %v, want it accepted or %v", got, err, test.want)
				}
				if took := time.Since(begin); test.want == nil && took < time.Minute || took > 2*time.Minute {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// Lists that show nothing for a while do not make an invite gone.
func TestWatchUserInvitesOfStaleLists(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		remove bool // while the lists show nothing
		read   *roqtest.Fault
		want   []string
		err    error
	}{
		"stale":                      {want: []string{"0: pending, now accepted", "1: pending, now accepted"}},
		"stale, and one was removed": {remove: true, want: []string{"0: pending, now gone", "1: pending, now accepted"}},
		"reading fails": {read: &roqtest.Fault{Times: 4, Status: 503}, err: roq.ErrUnavailable,
			want: []string{"0: pending, now accepted", "1: pending, now accepted"}},
		// A proxy's 404 does not say that there is no such invite.
		"reading finds a proxy": {read: &roqtest.Fault{Status: 404, Body: "<html>"}, err: roq.ErrUnavailable,
			want: []string{"0: pending, now accepted", "1: pending, now accepted"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWatched(t, 2)
				var stale atomic.Bool
				w.meddle = on("userInvites", 0, func(resp *http.Response) *http.Response {
					if stale.Load() {
						return instead(200, emptyList)(resp)
					}
					return resp
				})
				w.after(10*time.Second, func() error {
					stale.Store(true)
					if test.read != nil {
						test.read.Operation = "userInvite"
						w.Inject(*test.read)
					}
					if test.remove {
						return w.Remove(w.invites[0].ID)
					}
					return nil
				})
				w.after(time.Minute, func() error { stale.Store(false); return nil })
				w.after(2*time.Minute, func() error {
					if test.remove {
						return w.accept(1)
					}
					return errors.Join(w.accept(0), w.accept(1))
				})
				w.watch(t.Context(), pendingOnly, roq.WithParallel(1))
				w.expect(t, test.want...)
				if (test.err == nil) != (len(w.errs) == 0) || test.err != nil && !errors.Is(errors.Join(w.errs...), test.err) {
					t.Errorf("the errors are %v, want %v", w.errs, test.err)
				}
			})
		})
	}
}

// An invite that a change has taken out of the query is gone, at the second list
// that is without it.
func TestWatchUserInvitesThatNoLongerMatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, 2)
		var changed atomic.Bool
		w.meddle = func(_ string, resp *http.Response) *http.Response {
			if !changed.Load() {
				return resp
			}
			all := w.Requests()
			id := w.invites[0].ID
			if last := all[len(all)-1]; last.Operation == "userInvites" {
				return instead(200, fmt.Sprintf(`{"data":{"userInvites":{"totalCount":1,"data":[{"id":%q,"status":"pending","createdAt":"2000-01-01T00:00:00Z","updatedAt":"2000-01-01T00:00:00Z"}]}}}`, w.invites[1].ID))(resp)
			} else if last.Operation == "userInvite" && strings.Contains(string(last.Variables), id) {
				return instead(200, fmt.Sprintf(`{"data":{"userInvite":{"id":%q,"userTokenId":"another","status":"pending","createdAt":"2000-01-01T00:00:00Z","updatedAt":"2100-01-01T00:00:00Z"}}}`, id))(resp)
			}
			return resp
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		w.after(10*time.Second, func() error { changed.Store(true); return nil })
		tokens := &roq.IDFilter{ValueIn: []string{w.invites[0].UserTokenID, w.invites[1].UserTokenID}}
		w.watch(ctx, roq.UserInvitesQuery{Filter: roq.UserInviteFilter{UserTokenID: tokens}})
		w.expect(t, "0: pending, now gone")
		lists := 0
		for _, a := range w.asked()[2:] {
			if a.what == "createdAt ASC 500 0" {
				lists++
			}
		}
		if lists != 2 {
			t.Errorf("the invites were listed again %d times, want 2", lists)
		}
	})
}

// An invite that was accepted while the lists do not show it is reported as
// accepted, however long they are behind: it cannot have ceased to match.
func TestWatchUserInvitesAcceptedWhileListsAreStale(t *testing.T) {
	t.Parallel()
	for name, filter := range map[string]func(w *watched) roq.UserInviteFilter{
		"no condition":  func(*watched) roq.UserInviteFilter { return roq.UserInviteFilter{} },
		"on the status": func(*watched) roq.UserInviteFilter { return pendingOnly.Filter },
		"on the tenant": func(w *watched) roq.UserInviteFilter {
			return roq.UserInviteFilter{Status: pendingOnly.Filter.Status, TenantID: &roq.IDFilter{EqualTo: w.tenant}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWatched(t, 2)
				var stale atomic.Bool
				w.meddle = on("userInvites", 0, func(resp *http.Response) *http.Response {
					if stale.Load() {
						return instead(200, emptyList)(resp)
					}
					return resp
				})
				w.after(10*time.Second, func() error { stale.Store(true); return w.accept(0) })
				w.after(5*time.Minute, func() error { stale.Store(false); return nil })
				w.after(6*time.Minute, func() error { return w.accept(1) })
				w.watch(t.Context(), roq.UserInvitesQuery{Filter: filter(w)})
				w.expect(t, "0: pending, now accepted", "1: pending, now accepted")
				if len(w.errs) != 0 {
					t.Errorf("errors: %v", w.errs)
				}
			})
		})
	}
}
