package roq_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// session returns a session of a user of the tenant.
func (b *backend) session(t *testing.T, userID string) *roq.Session {
	t.Helper()
	s, err := b.client.ParseSession(b.SessionToken(userID))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// told returns what a follower has been told by now: "0: pending, now accepted", or
// "missed".
func (w *watched) told(changes <-chan roq.UserInviteChange) (all []string) {
	for {
		synctest.Wait()
		select {
		case change, open := <-changes:
			switch {
			case !open:
				return append(all, "closed")
			case change == roq.UserInviteChange{}:
				all = append(all, "missed")
			default:
				all = append(all, w.report(change))
			}
		default:
			return all
		}
	}
}

// newcomer invites one more.
func (w *watched) newcomer(ctx context.Context) error {
	sent, err := w.send(ctx, 1, fmt.Sprint("newcomer", len(w.invites)))
	w.invites = append(w.invites, sent.Success...)
	return err
}

func (w *watched) latest() (at time.Time) {
	for _, i := range w.Invites() {
		if i.UpdatedAt.After(at) {
			at = i.UpdatedAt
		}
	}
	return at
}

// Everybody who follows a tenant is told what happens, by one watch.
func TestFollow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, 3)
		ctx, leave := context.WithCancel(t.Context())
		ann := w.session(t, w.user.ID)
		bob := w.session(t, w.AddUser(roqtest.User{TenantID: w.tenant, Email: "bob@acme.example"}).ID)
		elsewhere := w.session(t, w.AddUser(roqtest.User{TenantID: w.AddTenant("Other"), Email: "eve@other.example"}).ID)
		first := w.client.FollowUserInvites(ctx, ann, w.latest())
		second := w.client.FollowUserInvites(t.Context(), bob, w.latest())
		other := w.client.FollowUserInvites(t.Context(), elsewhere, time.Time{})
		both := func(when, want string) {
			t.Helper()
			<-time.After(time.Minute)
			if a, b := fmt.Sprint(w.told(first)), fmt.Sprint(w.told(second)); a != want || b != want {
				t.Errorf("%s: the followers were told %s and %s, want %s", when, a, b, want)
			}
		}
		both("at the beginning", "[]")
		if err := w.accept(0); err != nil {
			t.Fatal(err)
		}
		both("after an accept", "[0: pending, now accepted]")
		if err := w.newcomer(t.Context()); err != nil {
			t.Fatal(err)
		}
		both("after a send", "[3: , now pending]")
		for i := 1; i < 4; i++ {
			if err := w.accept(i); err != nil {
				t.Fatal(err)
			}
		}
		both("at the end", "[1: pending, now accepted 2: pending, now accepted 3: pending, now accepted]")
		// Nobody is pending any more. It goes on.
		if err := w.newcomer(t.Context()); err != nil {
			t.Fatal(err)
		}
		both("after a late send", "[4: , now pending]")
		if err := w.Remove(w.invites[4].ID); err != nil {
			t.Fatal(err)
		}
		both("after a removal", "[4: pending, now gone]")

		before := len(w.asked())
		<-time.After(10 * time.Minute)
		if polls := len(w.asked()) - before; polls < 120 || polls > 2*10*60/8*5/4 { // of two tenants
			t.Errorf("%d polls in ten minutes", polls)
		}
		leave()
		if got := fmt.Sprint(w.told(first)); got != "[closed]" {
			t.Errorf("who has left was told %s", got)
		}
		if err := w.newcomer(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Minute)
		if got := fmt.Sprint(w.told(second)); got != "[5: , now pending]" {
			t.Errorf("who has stayed was told %s", got)
		}
		if got := w.told(other); got != nil {
			t.Errorf("another tenant was told %s", got)
		}
	})
}

// Without followers nothing is asked, and the next one begins anew.
func TestFollowEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, 1)
		for range 2 {
			ctx, leave := context.WithCancel(t.Context())
			changes := w.client.FollowUserInvites(ctx, w.session(t, w.user.ID), w.latest())
			<-time.After(time.Minute)
			before := len(w.asked())
			leave()
			<-time.After(time.Hour)
			if after := len(w.asked()); before == 0 || after != before {
				t.Errorf("%d polls, then %d", before, after)
			}
			if got := fmt.Sprint(w.told(changes)); got != "[closed]" {
				t.Errorf("the follower was told %s", got)
			}
		}
	})
}

// Who cannot be told what happened is told so, once.
func TestFollowMisses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, 100)
		known := w.latest()
		<-time.After(time.Second)
		if err := w.accept(0); err != nil {
			t.Fatal(err)
		}
		session := w.session(t, w.user.ID)
		late := w.client.FollowUserInvites(t.Context(), session, known)
		current := w.client.FollowUserInvites(t.Context(), session, w.latest())
		<-time.After(time.Minute)
		later := w.client.FollowUserInvites(t.Context(), session, known) // the watch runs
		if a, b, c := fmt.Sprint(w.told(late)), fmt.Sprint(w.told(current)), fmt.Sprint(w.told(later)); a != "[missed]" || b != "[]" || c != "[missed]" {
			t.Errorf("told %s, %s, %s", a, b, c)
		}
		for i := 1; i < 100; i++ {
			if err := w.accept(i); err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Second)
		}
		<-time.After(time.Minute)
		got := w.told(current)
		if len(got) != 65 || got[0] != "1: pending, now accepted" || got[63] != "64: pending, now accepted" || got[64] != "missed" {
			t.Errorf("a slow follower was told %d changes: %v", len(got), got)
		}
		if _, err := w.client.AsUser(w.user.ID).ResendUserInvite(t.Context(), w.invites[0].ID); err == nil {
			t.Error("an accepted invite was resent")
		}
		if err := w.newcomer(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Minute)
		if got := fmt.Sprint(w.told(current)); got != "[100: , now pending]" {
			t.Errorf("a follower that has caught up was told %s", got)
		}
	})
}

// Following goes through what is temporary, and through the removal of the user as whom
// the watch runs.
func TestFollowFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, 3)
		ctx, leave := context.WithCancel(t.Context())
		bob := w.AddUser(roqtest.User{TenantID: w.tenant, Email: "bob@acme.example"})
		gone := w.client.FollowUserInvites(ctx, w.session(t, bob.ID), w.latest())
		<-time.After(time.Minute)
		changes := w.client.FollowUserInvites(t.Context(), w.session(t, w.user.ID), w.latest())
		w.Inject(roqtest.Fault{Operation: "userInvites", Status: 503, Times: 40})
		<-time.After(time.Minute)
		if err := w.accept(0); err != nil {
			t.Fatal(err)
		}
		<-time.After(20 * time.Minute)
		if got := fmt.Sprint(w.told(changes)); got != "[0: pending, now accepted]" {
			t.Errorf("after an outage the follower was told %s", got)
		}
		w.RevokeTokens()
		w.Inject(roqtest.Fault{Operation: "userInvites", Status: 403, Times: 3})
		<-time.After(time.Minute)
		if err := w.accept(1); err != nil {
			t.Fatal(err)
		}
		<-time.After(5 * time.Minute)
		if got := fmt.Sprint(w.told(changes)); got != "[1: pending, now accepted]" && got != "[missed]" {
			t.Errorf("after a refusal the follower was told %s", got)
		}
		leave()
		for range gone {
		}
	})
}

// Nobody follows without a tenant.
func TestFollowNothing(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	session := b.session(t, b.user.ID)
	for name, changes := range map[string]<-chan roq.UserInviteChange{
		"nil client":  (*roq.Client)(nil).FollowUserInvites(t.Context(), session, time.Time{}),
		"zero client": new(roq.Client).FollowUserInvites(t.Context(), session, time.Time{}),
		"no session":  b.client.FollowUserInvites(t.Context(), nil, time.Time{}),
		"no tenant":   b.client.FollowUserInvites(t.Context(), &roq.Session{}, time.Time{}),
		"ended":       b.client.FollowUserInvites(ended, session, time.Time{}),
	} {
		if change, open := <-changes; open {
			t.Errorf("%s: told %+v", name, change)
		}
	}
}
