package roq

import (
	"cmp"
	"context"
	"encoding/json"
	"iter"
	"time"

	"github.com/go-roq/roq/internal/check"
	"github.com/go-roq/roq/internal/delivery"
	"github.com/go-roq/roq/internal/exchange"
	"github.com/go-roq/roq/internal/listing"
	"github.com/go-roq/roq/internal/trace"
	"github.com/go-roq/roq/internal/wire"
)

// UserInvite is an invitation of one person to a tenant. If the platform has no value
// for a field, the field is zero. Times are UTC.
//
// Text that is not valid Unicode is replaced by U+FFFD, so that one bad name does not
// make a page unreadable. A repaired address matches no invitee. A repaired ID ends with
// a hash, so that it does not match the ID of another invite.
type UserInvite struct {
	// ID is the invite's id. [RoqPlatform.ResendUserInvite],
	// [RoqPlatform.CancelUserInvite] and [RoqPlatform.UserInvite] take it.
	ID string
	// Email is the address that the invite was mailed to. The platform may have
	// changed it to lower case.
	Email string
	// FirstName and LastName are the invitee's names, as the inviter gave them.
	FirstName, LastName string
	// Locale is the language of the e-mail, as in "en-US".
	Locale string
	// TenantID is the tenant that the invitee joins.
	TenantID string
	// CreatedByUserID is the inviter. AcceptedByUserID is the user that the invitee
	// became.
	CreatedByUserID, AcceptedByUserID string
	// UserTokenID is the id of the token in the e-mail's link, not the token itself.
	UserTokenID string
	// RoleKeys are the roles that the invitee will have.
	RoleKeys []string
	// Status is the status of the invite.
	Status UserInviteStatus
	// Data is the JSON object that the invite was created with (SchemaV1), for the
	// caller to decode; nil if there is none.
	Data json.RawMessage
	// CreatedAt, UpdatedAt and StatusUpdatedAt are times of the platform's clock, in
	// whole milliseconds.
	CreatedAt, UpdatedAt, StatusUpdatedAt time.Time
}

// UserInviteStatus is the status of an invite. A status that this package does
// not know is passed through unchanged.
type UserInviteStatus string

// The statuses of an invite. A pending invite can be accepted or canceled, and expires
// after some time. An invite that is not accepted can be resent, and is then pending
// again.
const (
	StatusPending  UserInviteStatus = "pending"
	StatusAccepted UserInviteStatus = "accepted"
	StatusCanceled UserInviteStatus = "canceled"
	StatusExpired  UserInviteStatus = "expired"
)

// UserInvitePage is one page of a list, with the total number of matching invites.
type UserInvitePage struct {
	// Data are the invites of the page, at most [UserInvitesQuery].Limit.
	Data []UserInvite
	// TotalCount is the number of matching invites on all pages.
	TotalCount int
}

// SendUserInvites invites many people in one request. The platform creates an invite
// for each and mails it. More than [WithBatchSize] invites are sent in several requests.
//
// A refused invitee does not make the call fail: see [SendUserInvitesResult].Errors
// and [SendUserInvitesResult.Err]. If the platform refuses a whole batch, for its size
// or its content, the batch is split until the invite that causes the refusal is alone.
// That invite is in Errors ([ErrBatchTooLarge] for its size), and the others are sent.
// If all invites are too large, the call fails with ErrBatchTooLarge too. If the
// platform refuses all of them for another reason, the call fails with that reason, and
// they are in NotSent. If a request fails, the result has the invites of the earlier
// requests, and the rest is in NotSent.
//
// A request is repeated only if it was not sent completely, or if the platform declined
// to process it and reading shows that it did not. A request that may have been
// processed is settled: the invites are looked up until [WithSettleTimeout] expires.
// Those found are in Success like any other. The rest is in Unknown and is not sent
// again (see [WithRepeatUnknown]), and the error is [ErrOutcomeUnknown].
//
// The whole input is checked before anything is sent. If it is not valid, the result is
// nil and one [ErrInvalidInput] reports everything that is wrong. With [WithSkipInvalid]
// the invalid inputs are in Errors instead, and the others are sent.
func (p *RoqPlatform) SendUserInvites(ctx context.Context, in SendUserInvitesInput, opts ...CallOption) (result *SendUserInvitesResult, err error) {
	as := p.identity()
	call, opt, err := as.begin(ctx, wire.SendUserInvitesV2.Name, opts)
	if err != nil {
		return nil, err
	}
	ctx, end := as.core.observe(ctx, call, trace.CallStart{Mutation: true, Invites: len(in.UserInvites)})
	defer func() { end(sent(result, err)) }()
	tenantID, invites, skipped, err := as.prepare(&in, opt.skipInvalid)
	if err != nil {
		return nil, err
	}
	return as.send(ctx, as.delivery(call, tenantID, invites, delivery.NewSize(&as.core.limit, opt.batchSize)), in.UserInvites, skipped)
}

// UserInvites returns one page of the invites that match the query, in the platform's
// own order if the query sets none. If nothing matches, the page's Data is empty. If the
// query is not valid, one [ErrInvalidInput] reports everything that is wrong with it.
//
// It is a query: network errors, 429 and 5xx are retried.
func (p *RoqPlatform) UserInvites(ctx context.Context, q UserInvitesQuery, opts ...CallOption) (page *UserInvitePage, err error) {
	as := p.identity()
	call, _, err := as.begin(ctx, wire.UserInvites.Name, opts)
	if err != nil {
		return nil, err
	}
	ctx, end := as.core.observe(ctx, call, trace.CallStart{})
	defer func() { end(trace.CallEnd{Err: err}) }()
	list, err := q.variables(call.Operation)
	if err != nil {
		return nil, err
	}
	page, failure := as.page(ctx, call, list, exchange.PurposeCall)
	return page, failed(failure)
}

// AllUserInvites returns every invite that matches the query. Limit is the size of a
// page, 100 if zero. Offset is where to begin. The first page reports how many invites
// there are. When the loop asks for the second page, the next pages are read ahead, up
// to [WithParallel] at once. No more pages than that are kept in memory.
//
// If the query sets no order, the invites are sorted by CreatedAt, oldest first. An
// invite that matches during the whole loop is then returned exactly once, even if
// others are added or removed: each page is checked to continue where the previous one
// ended. If the query sets an order, an invite is returned at most once, and may be
// missed if others are added or removed.
//
// Invites that are equal in that order, such as those created in one transaction, may
// be in a different order on each page. If fewer invites were returned than there are,
// the list is read again, sorted by address, and the missing invites are returned last.
// If some are still missing, that is an error. This needs eight bytes of memory for
// each invite.
//
// An error is returned once, last, with a nil invite. Each page is a query, which is
// retried. A page that does not advance is an error.
func (p *RoqPlatform) AllUserInvites(ctx context.Context, q UserInvitesQuery, opts ...CallOption) iter.Seq2[*UserInvite, error] {
	return func(yield func(*UserInvite, error) bool) {
		as := p.identity()
		call, opt, err := as.begin(ctx, wire.UserInvites.Name, opts)
		if err == nil {
			ctx, end := as.core.observe(ctx, call, trace.CallStart{Loop: true})
			defer func() { end(trace.CallEnd{Err: err}) }()
			r := &reader{call: call, opt: opt, as: as, query: q}
			err = r.each(ctx, func(i *UserInvite) bool { return yield(i, nil) })
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// each calls yield with every invite that matches the reader's query.
func (r *reader) each(ctx context.Context, yield func(*UserInvite) bool) error {
	if _, err := r.query.variables(r.call.Operation); err != nil {
		return err
	}
	const pageSize = 100 // if the query has no Limit
	pages := listing.Pages[UserInvite]{
		Key:         (*UserInvite).key,
		Offset:      r.query.Offset,
		Limit:       cmp.Or(r.query.Limit, pageSize),
		Parallel:    r.opt.parallel,
		ByCreatedAt: r.query.Order == nil,
	}
	pages.Fetch = func(ctx context.Context, offset, limit int) (*listing.Page[UserInvite], error) {
		q := r.query
		q.Offset, q.Limit = offset, limit
		if q.Order == nil {
			// Explicit, because the platform's own order is not documented.
			q.Order = &UserInviteOrder{Sort: SortCreatedAt, Order: Ascending}
		}
		return r.page(ctx, q, exchange.PurposePage)
	}
	pages.Again = func(ctx context.Context, offset, limit int) (*listing.Page[UserInvite], error) {
		q := r.query
		q.Offset, q.Limit = offset, limit
		// An address has one invite, or few, so that this is an order of nearly all.
		q.Order = &UserInviteOrder{Sort: SortEmail, Order: Ascending}
		return r.page(ctx, q, exchange.PurposePage)
	}
	return r.failure(pages.Each(ctx, yield))
}

// UserInvite returns the invite with that id, or [ErrNotFound].
//
// It is a query: network errors, 429 and 5xx are retried.
func (p *RoqPlatform) UserInvite(ctx context.Context, id string, opts ...CallOption) (invite *UserInvite, err error) {
	as := p.identity()
	call, err := as.beginOne(ctx, wire.UserInvite.Name, theInvite, id, opts)
	if err != nil {
		return nil, err
	}
	ctx, end := as.core.observe(ctx, call, trace.CallStart{Invites: 1})
	defer func() { end(trace.CallEnd{Err: err}) }()
	found, failure := as.one(ctx, call, id)
	return found, failed(failure)
}

// ResendUserInvite mails an invite again and returns it. An expired or canceled invite
// is then pending again. ROQ's own page relies on the platform resending both (npm
// @roq/ui-react 1.0.13); that they become pending is our reading. For an accepted
// invite the error is [ErrAlreadyAccepted].
//
// The request is repeated only if nothing of it was sent, or if the platform declined
// to process it. If it may have been processed, it is settled by reading the invite.
// If it cannot be settled, the error is [ErrOutcomeUnknown].
func (p *RoqPlatform) ResendUserInvite(ctx context.Context, userInviteID string, opts ...CallOption) (invite *UserInvite, err error) {
	as := p.identity()
	call, err := as.beginOne(ctx, wire.ResendUserInvite.Name, theInvite, userInviteID, opts)
	if err != nil {
		return nil, err
	}
	ctx, end := as.core.observe(ctx, call, trace.CallStart{Mutation: true, Invites: 1})
	defer func() { end(trace.CallEnd{Err: err}) }()
	row, failure := delivery.Resend(ctx, call, as.as, userInviteID)
	return userInvite(row), failed(failure)
}

// CancelUserInvite withdraws an invite that has not been accepted and returns it in
// its new state. For an accepted invite the error is [ErrAlreadyAccepted].
//
// The request is repeated if it was not sent completely, or if the platform declined
// to process it. If it may have been processed, it is settled by reading the invite.
// If it cannot be settled, the error is [ErrOutcomeUnknown].
func (p *RoqPlatform) CancelUserInvite(ctx context.Context, userInviteID string, opts ...CallOption) (invite *UserInvite, err error) {
	as := p.identity()
	call, err := as.beginOne(ctx, wire.CancelUserInvite.Name, theInvite, userInviteID, opts)
	if err != nil {
		return nil, err
	}
	ctx, end := as.core.observe(ctx, call, trace.CallStart{Mutation: true, Invites: 1})
	defer func() { end(trace.CallEnd{Err: err}) }()
	row, failure := delivery.Cancel(ctx, call, as.as, userInviteID)
	return userInvite(row), failed(failure)
}

// theInvite is what an id is of, for the text of an error.
const theInvite = "the invite's id "

// beginOne is begin for an operation on what has that id.
func (as *identity) beginOne(ctx context.Context, operation, what, id string, opts []CallOption) (*exchange.Call, error) {
	if err := check.ID(id); err != nil {
		return nil, invalid(operation, what+err.Error())
	}
	call, _, err := as.begin(ctx, operation, opts)
	return call, err
}

// userInvite turns an invite off the wire into the caller's; nil stays nil.
func userInvite(w *wire.Invite) *UserInvite {
	if w == nil {
		return nil
	}
	i := new(UserInvite)
	i.read(w)
	return i
}

// read makes i the invite off the wire. There may be thousands, so none is copied
// on its way.
func (i *UserInvite) read(w *wire.Invite) {
	*i = UserInvite{
		ID:               w.ID,
		Email:            cmp.Or(w.Email, w.ShownEmail),
		FirstName:        w.FirstName,
		LastName:         w.LastName,
		Locale:           w.Locale,
		TenantID:         w.TenantID,
		CreatedByUserID:  w.CreatedByUserID,
		AcceptedByUserID: w.AcceptedByUserID,
		UserTokenID:      w.UserTokenID,
		RoleKeys:         w.RoleKeys,
		Status:           UserInviteStatus(w.Status),
		Data:             w.Data,
		CreatedAt:        w.CreatedAt,
		UpdatedAt:        w.UpdatedAt,
		StatusUpdatedAt:  w.StatusUpdatedAt,
	}
}
