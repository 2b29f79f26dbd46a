package roq

import (
	"context"
	"time"
)

const (
	// How often a tenant that is followed is polled, at most and at least. The latter is
	// also the pause after a failure.
	followShortest, followLongest = 2 * time.Second, 8 * time.Second
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
	core, err := c.ready("")
	if err != nil || s == nil || s.User.TenantID == "" || ctx.Err() != nil {
		closed := make(chan UserInviteChange)
		close(closed)
		return closed
	}
	tenantID := s.User.TenantID
	watch := func(ctx context.Context, userID string, news func(time.Time), tell func(time.Time, UserInviteChange)) {
		c.AsUser(userID).follow(ctx, tenantID, news, tell)
	}
	return core.feeds.Follow(ctx, tenantID, s.RoqUserID, since, watch)
}

// follow watches a tenant's invites without an end.
func (p *RoqPlatform) follow(ctx context.Context, tenantID string, news func(time.Time), tell func(time.Time, UserInviteChange)) {
	q := UserInvitesQuery{Filter: UserInviteFilter{TenantID: &IDFilter{EqualTo: tenantID}}}
	r, err := p.identity().watch(ctx, q, []WatchOption{WithInterval(followShortest, followLongest)})
	if err != nil {
		return
	}
	w := r.watch()
	w.Final, w.Began = nil, news
	r.run(ctx, w, func(change UserInviteChange, err error) bool {
		if err != nil {
			return passing(err)
		}
		var at time.Time
		if change.Current != nil {
			at = change.Current.UpdatedAt
		}
		tell(at, change)
		return true
	})
}
