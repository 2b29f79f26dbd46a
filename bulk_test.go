package roq_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// bulk is one of the two loops that change many invites.
type bulk struct {
	name, operation string
	run             func(*roq.RoqPlatform, context.Context, roq.UserInvitesQuery, ...roq.CallOption) iter.Seq2[roq.UserInviteOutcome, error]
	status          roq.UserInviteStatus // afterwards
}

var bulks = []bulk{
	{"resend", "resendUserInvite", (*roq.RoqPlatform).ResendAllUserInvites, roq.StatusPending},
	{"cancel", "cancelUserInvite", (*roq.RoqPlatform).CancelAllUserInvites, roq.StatusCanceled},
}

// tally is how many outcomes of each status a loop has had, and its error.
type tally struct {
	sent, refused, unknown, notSent int
	err                             error
}

func (b bulk) tally(ctx context.Context, t *testing.T, p *roq.RoqPlatform, q roq.UserInvitesQuery, opts ...roq.CallOption) (all tally) {
	t.Helper()
	seen := map[string]bool{}
	for o, err := range b.run(p, ctx, q, opts...) {
		if err != nil {
			if all.err = err; o.Invite.ID != "" {
				t.Errorf("%s: an outcome beside the error", b.name)
			}
			continue
		}
		if all.err != nil || seen[o.Invite.ID] || (o.Err == nil) != (o.Status == roq.OutcomeSent) {
			t.Errorf("%s: %s twice, after the error, or without reason: %v", b.name, o.Status, o.Err)
		}
		seen[o.Invite.ID] = true
		switch o.Status {
		case roq.OutcomeSent:
			all.sent++
			if o.Invite.Status != b.status {
				t.Errorf("%s: the invite is %s", b.name, o.Invite.Status)
			}
		case roq.OutcomeRefused:
			all.refused++
		case roq.OutcomeUnknown:
			all.unknown++
		case roq.OutcomeNotSent:
			all.notSent++
		default:
			t.Errorf("%s: the outcome is %q", b.name, o.Status)
		}
	}
	return all
}

func (a tally) String() string {
	return fmt.Sprint(a.sent, " sent, ", a.refused, " refused, ", a.unknown, " unknown, ", a.notSent, " not sent")
}

// Everything that matches is changed once.
func TestBulk(t *testing.T) {
	t.Parallel()
	for _, b := range bulks {
		w := newWatched(t, 250)
		for i := range 3 {
			if err := w.accept(i); err != nil {
				t.Fatal(err)
			}
		}
		p := w.client.AsUser(w.user.ID)
		if got := b.tally(t.Context(), t, p, pendingOnly, roq.WithParallel(5)); got.String() != "247 sent, 0 refused, 0 unknown, 0 not sent" || got.err != nil {
			t.Errorf("%s: %s, %v", b.name, got, got.err)
		}
		changes := 0
		for _, r := range w.Requests() {
			if r.Operation == b.operation {
				changes++
			}
		}
		if changes != 247 {
			t.Errorf("%s: %d requests for 247 invites", b.name, changes)
		}
		one := roq.UserInvitesQuery{Filter: roq.UserInviteFilter{ID: &roq.IDFilter{EqualTo: w.invites[0].ID}}}
		for o, err := range b.run(p, t.Context(), one) {
			if err != nil || o.Status != roq.OutcomeRefused || !errors.Is(o.Err, roq.ErrAlreadyAccepted) || o.Total != 1 || o.Invite.Email != w.invites[0].Email {
				t.Errorf("%s of an accepted invite: %s, %v, %v", b.name, o.Status, o.Err, err)
			}
		}
		none := roq.UserInvitesQuery{Filter: roq.UserInviteFilter{ID: &roq.IDFilter{EqualTo: inviteID}}}
		if got := b.tally(t.Context(), t, p, none); got != (tally{}) {
			t.Errorf("%s of nothing: %s, %v", b.name, got, got.err)
		}
	}
}

// What may have happened is settled, what did not is retried while others succeed.
func TestBulkInTrouble(t *testing.T) {
	t.Parallel()
	for _, b := range bulks {
		for _, test := range []struct {
			name  string
			fault roqtest.Fault
			want  string
			err   error
		}{
			{"dropped answers", roqtest.Fault{Drop: roqtest.DropAfter, Times: 5}, "40 sent, 0 refused, 0 unknown, 0 not sent", nil},
			{"throttled for a while", roqtest.Fault{Skip: 10, Status: 429, Times: 60}, "40 sent, 0 refused, 0 unknown, 0 not sent", nil},
			{"throttled from the beginning", roqtest.Fault{Status: 429}, "0 sent, 0 refused, 0 unknown, 40 not sent", roq.ErrRateLimited},
			{"throttled for good", roqtest.Fault{Skip: 10, Status: 429}, "10 sent, 0 refused, 0 unknown, 30 not sent", roq.ErrRateLimited},
			{"forbidden", roqtest.Fault{Skip: 10, Status: 403}, "", roq.ErrForbidden},
		} {
			synctest.Test(t, func(t *testing.T) {
				w := newWatched(t, 40)
				test.fault.Operation = b.operation
				w.Inject(test.fault)
				<-time.After(time.Minute) // a resend is told by its time
				mails := len(w.Outbox())
				got := b.tally(t.Context(), t, w.client.AsUser(w.user.ID), pendingOnly)
				if test.want != "" && got.String() != test.want || !errors.Is(got.err, test.err) || got.sent+got.refused+got.unknown+got.notSent != 40 {
					t.Errorf("%s, %s: %s, %v; want %s, %v", b.name, test.name, got, got.err, test.want, test.err)
				}
				if mailed := len(w.Outbox()) - mails; b.name == "resend" && mailed != got.sent || b.name == "cancel" && mailed != 0 {
					t.Errorf("%s, %s: %d mails", b.name, test.name, mailed)
				}
			})
		}
	}
}

// When the context ends or the loop is left, what is in flight is finished.
func TestBulkEnds(t *testing.T) {
	t.Parallel()
	for _, b := range bulks {
		for _, leave := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				w := newWatched(t, 40)
				w.Inject(roqtest.Fault{Operation: b.operation, Delay: time.Second})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var got tally
				for o, err := range b.run(w.client.AsUser(w.user.ID), ctx, pendingOnly, roq.WithParallel(4)) {
					switch {
					case err != nil:
						got.err = err
					case o.Status == roq.OutcomeSent:
						got.sent++
					case o.Status == roq.OutcomeNotSent && errors.Is(o.Err, roq.ErrNotSent):
						got.notSent++
					default:
						t.Errorf("%s: %s, %v", b.name, o.Status, o.Err)
					}
					if got.sent == 6 && leave {
						break
					} else if got.sent == 6 {
						cancel()
					}
				}
				synctest.Wait()
				changed := 0
				for _, r := range w.Requests() {
					if r.Operation == b.operation {
						changed++
					}
				}
				if leave && (got.err != nil || changed > 12) || !leave && (!errors.Is(got.err, context.Canceled) || got.sent != changed || got.sent+got.notSent != 40 || changed > 12) {
					t.Errorf("%s, left %v: %s, %v, %d requests", b.name, leave, got, got.err, changed)
				}
				before := len(w.Requests())
				<-time.After(time.Hour)
				if after := len(w.Requests()); after != before {
					t.Errorf("%s: %d requests after the end", b.name, after-before)
				}
			})
		}
	}
}

// panicking is a transport that panics at the n-th resend.
type panicking struct {
	http.RoundTripper
	left atomic.Int64
}

func (p *panicking) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.Contains(r.Header.Get("User-Agent"), "panics") && p.left.Add(-1) == 0 {
		panic("own panic")
	}
	return p.RoundTripper.RoundTrip(r)
}

// A panic of a transport comes out of the loop, and bad input is an error.
func TestBulkRefuses(t *testing.T) {
	t.Parallel()
	srv := newBackend(t)
	sent, err := srv.send(t.Context(), 20, "invite")
	if err := errors.Join(err, sent.Err()); err != nil {
		t.Fatal(err)
	}
	var none context.Context
	transport := &panicking{RoundTripper: http.DefaultTransport}
	transport.left.Store(8)
	client := newClient(t, srv.Config(), roq.WithUserAgent("panics"), roq.WithHTTPClient(&http.Client{Transport: transport}))
	for _, b := range bulks {
		transport.left.Store(8)
		func() {
			defer func() {
				if p := recover(); fmt.Sprint(p) != "own panic" {
					t.Errorf("%s: recovered %v", b.name, p)
				}
			}()
			b.tally(t.Context(), t, client.AsUser(srv.user.ID), pendingOnly, roq.WithParallel(2))
		}()
		for name, test := range map[string]func() tally{
			"zero platform": func() tally { return b.tally(t.Context(), t, new(roq.RoqPlatform), pendingOnly) },
			"nil context":   func() tally { return b.tally(none, t, srv.client.AsSuperAdmin(), pendingOnly) },
			"nil option":    func() tally { return b.tally(t.Context(), t, srv.client.AsSuperAdmin(), pendingOnly, nil) },
			"bad query": func() tally {
				return b.tally(t.Context(), t, srv.client.AsSuperAdmin(), roq.UserInvitesQuery{Limit: -1})
			},
		} {
			if got := test(); !errors.Is(got.err, roq.ErrInvalidInput) || got.sent != 0 {
				t.Errorf("%s, %s: %s, %v", b.name, name, got, got.err)
			}
		}
	}
}
