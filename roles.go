package roq

import (
	"context"

	"github.com/go-roq/roq/internal/exchange"
	"github.com/go-roq/roq/internal/trace"
	"github.com/go-roq/roq/internal/wire"
)

// Role is a role of the environment's users.
type Role struct {
	// ID is the role's id.
	ID string
	// Key identifies the role in [UserInviteInput].Roles and [UserInvite].RoleKeys, as in
	// "content-creator".
	Key string
	// Name is the display name.
	Name string
}

// InviteRoles returns the roles that can be assigned with an invite, sorted by name. If
// there are none, the list is empty. ROQ's own invite page makes the same query for its
// role field (npm @roq/ui-react 1.0.13). If there is one such role, that page selects it
// and hides the field; if there is none, it hides the field.
//
// It is a query: network errors, 429 and 5xx are retried. More than a hundred roles need
// several requests.
func (p *RoqPlatform) InviteRoles(ctx context.Context, opts ...CallOption) (roles []Role, err error) {
	as := p.identity()
	call, _, err := as.begin(ctx, wire.Roles.Name, opts)
	if err != nil {
		return nil, err
	}
	ctx, end := as.core.observe(ctx, call, trace.CallStart{})
	defer func() { end(trace.CallEnd{Err: err}) }()
	const (
		limit    = 100
		maxPages = 100 // an environment has a handful
	)
	roles = []Role{}
	seen := make(map[string]bool)
	list := wire.ListRoles{Limit: limit, Order: wire.Order{Sort: "name", Order: string(Ascending)}}
	list.Filter.Invite.EqualTo = true
	for range maxPages {
		page, failure := as.rolePage(ctx, call, list)
		if page == nil {
			return nil, failed(failure)
		}
		for _, r := range page.Data {
			if !seen[r.Key] { // between two pages roles may come and go
				roles = append(roles, Role{ID: string(r.ID), Key: r.Key, Name: r.Name})
			}
			seen[r.Key] = true
		}
		list.Offset += len(page.Data)
		if failure != nil || len(page.Data) == 0 || list.Offset >= *page.TotalCount {
			return roles, failed(failure)
		}
	}
	return nil, failed(call.Fail("the list of roles has no end", exchange.Unavailable))
}

// rolePage makes a query for a page of roles. The page is there beside a failure if the
// platform gave both.
func (as *identity) rolePage(ctx context.Context, call *exchange.Call, list wire.ListRoles) (*wire.RolePage, *exchange.Failure) {
	page := new(wire.RolePage)
	reply := call.Do(ctx, as.as, exchange.Request{
		Operation: wire.Roles,
		Variables: list,
		Purpose:   exchange.PurposeCall,
		Attempts:  call.Pace.MaxAttempts,
		MaxBytes:  exchange.AnswerBytes(list.Limit),
		Restart:   func() { *page = wire.RolePage{} },
		Sink:      wire.Sink{Into: page},
	})
	if !reply.Data {
		return nil, reply.Failure
	}
	return page, reply.Failure
}
