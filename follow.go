package roq

import (
	"context"
	"sync"
	"time"

	"github.com/go-roq/roq/internal/transport"
)

const (
	// How often a tenant that is followed is polled, at most and at least.
	followShortest, followLongest = 2 * time.Second, 8 * time.Second
	// followBuffer is how many changes a follower may be behind.
	followBuffer = 64
)

// FollowUserInvites returns a channel of the changes of the invites of the session's
// tenant: for a page that shows statuses live, with server-sent events or a WebSocket. All
// followers of a tenant in one Client share one watch as by [RoqPlatform.WatchUserInvites],
// at intervals of 2 to 8 s. Twenty open pages cost the platform one request a poll, as one
// page does. The watch does not end when no invite is pending. It ends with the last
// follower.
//
// A change without an ID means that changes were missed: the follower has to read its list
// again. It comes if the last change of the tenant's invites is later than since when the
// watch begins, and if the follower is more than 64 changes behind. As since, use the
// latest UpdatedAt of the tenant's invites, read before what the page shows. The zero time
// always brings such a change if the tenant has an invite.
//
// The watch acts as one of the followers ([Client.AsUser]), because a session's token
// may expire earlier than the page is closed. After a failure it is begun again, 8 s
// later, perhaps as another follower. The channel is closed when ctx ends, and at once if
// the Client is nil or zero or the session is nil or has no tenant.
func (c *Client) FollowUserInvites(ctx context.Context, s *Session, since time.Time) <-chan UserInviteChange {
	f := &follower{changes: make(chan UserInviteChange, followBuffer+1), since: since}
	core, err := c.ready("")
	if err != nil || s == nil || s.User.TenantID == "" || ctx.Err() != nil {
		close(f.changes)
		return f.changes
	}
	f.userID = s.RoqUserID
	core.feeds.join(c, s.User.TenantID, f)
	context.AfterFunc(ctx, func() { core.feeds.leave(s.User.TenantID, f) })
	return f.changes
}

// feeds are the tenants that are followed, by id.
type feeds struct {
	mu   sync.Mutex
	byID map[string]*feed
}

// feed is the watch of a tenant.
type feed struct {
	followers map[*follower]struct{}
	stop      context.CancelFunc
	// latest is when the latest change was that is known.
	latest time.Time
}

// follower is one call of FollowUserInvites.
type follower struct {
	userID string
	// changes has room for one more than followBuffer: that changes were missed.
	changes chan UserInviteChange
	behind  bool
	// since is when the latest change was that the follower knows.
	since time.Time
}

// tell sends a change, or that one was missed.
func (f *follower) tell(change UserInviteChange) {
	if f.behind && len(f.changes) > 0 {
		return // it is told so by what it has not received yet
	}
	f.behind = change.ID == "" || len(f.changes) == followBuffer
	if f.behind {
		change = UserInviteChange{}
	}
	f.changes <- change
}

func (b *feeds) join(c *Client, tenantID string, f *follower) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.byID[tenantID]
	if t == nil {
		ctx, stop := context.WithCancel(context.Background())
		t = &feed{followers: map[*follower]struct{}{}, stop: stop}
		if b.byID == nil {
			b.byID = map[string]*feed{}
		}
		b.byID[tenantID] = t
		go b.run(ctx, c, tenantID, t)
	}
	t.followers[f] = struct{}{}
	f.news(t.latest)
}

func (b *feeds) leave(tenantID string, f *follower) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.byID[tenantID]
	delete(t.followers, f)
	close(f.changes)
	if len(t.followers) == 0 {
		delete(b.byID, tenantID)
		t.stop()
	}
}

// news tells the follower of a change at that time, if it is one that it does not know.
func (f *follower) news(at time.Time) {
	if at.After(f.since) {
		f.since = at
		f.tell(UserInviteChange{})
	}
}

// tell tells the followers of a change at that time, or, if it is zero, that there was any.
func (b *feeds) tell(t *feed, at time.Time, change UserInviteChange) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if at.After(t.latest) {
		t.latest = at
	}
	for f := range t.followers {
		if change.ID == "" {
			f.news(t.latest)
			continue
		}
		f.since = t.latest
		f.tell(change)
	}
}

// run watches a tenant until nobody follows it.
func (b *feeds) run(ctx context.Context, c *Client, tenantID string, t *feed) {
	for ctx.Err() == nil {
		var userID string
		b.mu.Lock()
		for f := range t.followers {
			userID = f.userID
			break
		}
		b.mu.Unlock()
		b.watch(ctx, c.AsUser(userID), tenantID, t)
		_ = transport.Sleep(ctx, followLongest)
	}
}

// watch tells the followers of a tenant what a watch reports.
func (b *feeds) watch(ctx context.Context, p *RoqPlatform, tenantID string, t *feed) {
	q := UserInvitesQuery{Filter: UserInviteFilter{TenantID: &IDFilter{EqualTo: tenantID}}}
	r, err := p.identity().watch(ctx, q, []WatchOption{WithInterval(followShortest, followLongest)})
	if err != nil {
		return
	}
	w := r.watch()
	w.Final = nil
	w.Began = func(latest time.Time) { b.tell(t, latest, UserInviteChange{}) }
	r.run(ctx, w, func(change UserInviteChange, err error) bool {
		if err != nil {
			return passing(err)
		}
		var at time.Time
		if change.Current != nil {
			at = change.Current.UpdatedAt
		}
		b.tell(t, at, change)
		return true
	})
}
