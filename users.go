package roq

import (
	"context"
	"time"

	"github.com/go-roq/roq/internal/check"
	"github.com/go-roq/roq/internal/exchange"
	"github.com/go-roq/roq/internal/trace"
	"github.com/go-roq/roq/internal/wire"
)

// User is a user as the environment's REST API returns it.
type User struct {
	// ID is the id of the row. RoqUserID is the user's id on the platform, which
	// [Client.AsUser] takes.
	ID, RoqUserID string
	// TenantID is the tenant that the user belongs to.
	TenantID string
	// Email, FirstName and LastName are the user's.
	Email, FirstName, LastName string
	// CreatedAt and UpdatedAt are the row's, in UTC.
	CreatedAt, UpdatedAt time.Time
}

// FindUsersQuery says which users to find: those that match every field that is
// not empty. At least one field must be set.
type FindUsersQuery struct {
	// Email is the user's address, compared as the platform compares texts.
	Email string
	// RoqUserID is the user's id on the platform. TenantID is the id of the tenant.
	RoqUserID, TenantID string
}

// FindUsers finds users with the environment's REST API at Config.APIURL, with the
// environment's credentials. It is the platform's other way to get the ids of a user and
// a tenant. If nobody is found, it returns an empty slice and no error.
//
// Text that is not valid Unicode is replaced by U+FFFD, as in a [UserInvite]. A repaired
// id matches no other id.
//
// It is a query: network errors, 429 and 5xx are retried.
func (c *Client) FindUsers(ctx context.Context, q FindUsersQuery, opts ...CallOption) (users []User, err error) {
	const operation = "findUsers"
	core, notReady := c.ready(operation)
	if notReady != nil {
		return nil, notReady
	}
	call, _, err := core.begin(ctx, operation, opts)
	if err != nil {
		return nil, err
	}
	ctx, end := core.observe(ctx, call, trace.CallStart{})
	defer func() { end(trace.CallEnd{Err: err}) }()
	if core.cfg.APIURL == "" {
		return nil, invalid(operation, "Config.APIURL must not be empty")
	}
	if err := q.validate(operation); err != nil {
		return nil, err
	}
	header := call.Header()
	header.Set("Authorization", core.conn.Basic)
	var found []wire.User
	failure := call.Get(ctx, exchange.GetRequest{
		Origin: core.cfg.APIURL,
		URL:    withQuery(core.cfg.APIURL+wire.FindManyPath, wire.FindMany{Q: q.where()}),
		Header: header,
		Own:    wire.OwnQuery,
		Read: func(body []byte) (err error) {
			found, err = wire.DecodeUsers(body, func(repaired int) {
				core.opt.logger.WarnContext(ctx, "roq: response repaired", "operation", operation, "request", call.RequestID, "repaired", repaired)
			})
			return err
		},
	})
	if failure != nil {
		return nil, failed(failure)
	}
	users = make([]User, len(found))
	for i, u := range found {
		u.CreatedAt, u.UpdatedAt = u.CreatedAt.UTC(), u.UpdatedAt.UTC()
		users[i] = User(u)
	}
	return users, nil
}

func (q FindUsersQuery) validate(operation string) error {
	f := about()
	if q == (FindUsersQuery{}) {
		f.add("FindUsersQuery", "must set Email, RoqUserID or TenantID")
	}
	for _, id := range []struct{ field, value string }{{"RoqUserID", q.RoqUserID}, {"TenantID", q.TenantID}} {
		if id.value != "" {
			f.check(id.field, check.ID(id.value))
		}
	}
	if q.Email != "" {
		f.check("Email", check.Text(q.Email))
	}
	return f.err(operation)
}

func (q FindUsersQuery) where() wire.UserWhere {
	equals := func(s string) *wire.Equals {
		if s == "" {
			return nil
		}
		return &wire.Equals{Equals: s}
	}
	return wire.UserWhere{Email: equals(q.Email), RoqUserID: equals(q.RoqUserID), TenantID: equals(q.TenantID)}
}
