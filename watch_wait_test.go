package roq_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// What is wrong with a watch is found before anything is sent, all at once.
func TestWatchRefusals(t *testing.T) {
	t.Parallel()
	m := newMock(t, nothingFound())
	p := m.client.AsUser(userID)
	watch := func(p *roq.RoqPlatform, q roq.UserInvitesQuery, opts ...roq.WatchOption) func(context.Context) error {
		return func(ctx context.Context) (err error) {
			for _, failure := range p.WatchUserInvites(ctx, q, opts...) {
				if err != nil {
					t.Errorf("a second error came: %v", failure)
				}
				err = failure
			}
			return err
		}
	}
	wait := func(id string, opts ...roq.WatchOption) func(context.Context) error {
		return func(ctx context.Context) error { _, err := p.WaitUserInvite(ctx, id, opts...); return err }
	}
	like := roq.UserInviteFilter{Status: &roq.StringFilter{Like: "pend%"}}
	for _, test := range []struct {
		do   func(context.Context) error
		want string
	}{
		{watch(p, roq.UserInvitesQuery{Offset: 1}), "Offset: must be 0"},
		{watch(p, roq.UserInvitesQuery{Order: &roq.UserInviteOrder{Sort: roq.SortEmail}}), "Order: must be nil"},
		{watch(p, roq.UserInvitesQuery{Filter: like}), "Filter.Status: must not have Like"},
		{watch(p, roq.UserInvitesQuery{Filter: roq.UserInviteFilter{Status: &roq.StringFilter{ILike: "%"}}}), "Filter.Status: must not have Like"},
		{watch(p, roq.UserInvitesQuery{Limit: -1}), "Limit: must be from 0"},
		{watch(p, roq.UserInvitesQuery{Offset: -1, Limit: -1, Filter: like, Search: &roq.UserInviteSearch{}}), "Offset: must be 0: a watch is of everything that matches; Filter.Status: must not have Like or ILike: statuses that come later are compared here; Limit: must be from 0 to 2147483647; Search.Key: must be"},
		{watch(p, roq.UserInvitesQuery{}, nil), "call option 0 is nil"},
		{watch(m.client.AsUser(""), roq.UserInvitesQuery{}), "AsUser: the user id must not be empty"},
		{wait(""), "the invite's id must not be empty"},
		{wait("a b"), "the invite's id must be printable"},
		{wait(inviteID, roq.WithInterval(0, time.Second)), "WithInterval(0s, 1s): must be more than 0"},
		{wait(inviteID, roq.WithInterval(-1, time.Second)), "WithInterval(-1ns, 1s)"},
		{wait(inviteID, roq.WithInterval(2*time.Second, time.Second)), "the first no longer than the second"},
		{wait(inviteID, roq.WithInterval(time.Second, 25*time.Hour)), "at most 24h0m0s"},
		{func(context.Context) error { return wait(inviteID)(nil) }, "the context is nil"},
	} {
		if err := test.do(t.Context()); !errors.Is(err, roq.ErrInvalidInput) || !errors.Is(err, roq.ErrNotSent) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v, want ErrInvalidInput with %q", err, test.want)
		}
	}
	if len(m.requests) != 0 {
		t.Errorf("%d requests were made", len(m.requests))
	}
}

// An invite is waited for until it is not pending any more, through failures that
// pass.
func TestWaitUserInvite(t *testing.T) {
	t.Parallel()
	unavailable := func(skip, times int) func(*testing.T, *watched) {
		return func(_ *testing.T, w *watched) {
			w.Inject(roqtest.Fault{Operation: "userInvites", Skip: skip, Times: times, Status: 503})
		}
	}
	for name, test := range map[string]struct {
		before func(*testing.T, *watched)
		later  func(*watched) error // after a minute
		want   roq.UserInviteStatus
		err    error
	}{
		"accepted":        {nil, func(w *watched) error { return w.accept(0) }, roq.StatusAccepted, nil},
		"expired":         {nil, func(w *watched) error { return w.Expire(w.invites[0].ID) }, roq.StatusExpired, nil},
		"removed":         {nil, func(w *watched) error { return w.Remove(w.invites[0].ID) }, "", roq.ErrNotFound},
		"nothing happens": {nil, func(*watched) error { return nil }, "", context.DeadlineExceeded},
		"accepted before": {func(t *testing.T, w *watched) {
			if err := w.accept(0); err != nil {
				t.Error(err)
			}
		}, nil, roq.StatusAccepted, nil},
		"never there": {func(t *testing.T, w *watched) {
			if err := w.Remove(w.invites[0].ID); err != nil {
				t.Error(err)
			}
		}, nil, "", roq.ErrNotFound},
		"never there, and down at first": {func(t *testing.T, w *watched) {
			unavailable(0, 5)(t, w)
			if err := w.Remove(w.invites[0].ID); err != nil {
				t.Error(err)
			}
		}, nil, "", roq.ErrNotFound},
		"down at first":     {unavailable(0, 9), func(w *watched) error { return w.accept(0) }, roq.StatusAccepted, nil},
		"down in between":   {unavailable(4, 40), func(w *watched) error { return w.accept(0) }, roq.StatusAccepted, nil},
		"down all the time": {unavailable(0, 0), func(w *watched) error { return w.accept(0) }, "", context.DeadlineExceeded},
		"not ours": {func(_ *testing.T, w *watched) {
			w.Inject(roqtest.Fault{Operation: "userInvites", Skip: 2, Status: 403})
		}, nil, "", roq.ErrForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWatched(t, 2)
				if test.before != nil {
					test.before(t, w)
				}
				if test.later != nil {
					w.after(time.Minute, func() error { return test.later(w) })
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				begin := time.Now()
				got, err := w.client.AsUser(w.user.ID).WaitUserInvite(ctx, w.invites[0].ID)
				if !errors.Is(err, test.err) || (got != nil) != (err == nil) || got != nil && (got.ID != w.invites[0].ID || got.Status != test.want) {
					t.Errorf("WaitUserInvite = %+v, %v, want %q, %v", got, err, test.want, test.err)
				}
				took := time.Since(begin)
				switch {
				case test.later == nil && test.before != nil && took > time.Minute,
					test.later != nil && took < time.Minute,
					!errors.Is(err, context.DeadlineExceeded) && took > 10*time.Minute:
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}
