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

// UserInvite is an invitation of one person to a tenant. What the platform has
// no value for is the zero value; times are UTC.
//
// Text that is not Unicode has U+FFFD in its place, so that one bad name does not
// make a page unreadable. An address of that kind is nobody's: no invitee is found by
// it. An ID of that kind ends with a hash, so that it is no other invite's.
type UserInvite struct {
	// ID is the invite's, which [RoqPlatform.ResendUserInvite],
	// [RoqPlatform.CancelUserInvite] and [RoqPlatform.UserInvite] take.
	ID string
	// Email is the address that the invite was mailed to. Its letters may have been
	// put in lower case by the platform.
	Email string
	// FirstName and LastName are the invitee's, as the inviter gave them.
	FirstName, LastName string
	// Locale is the language of the e-mail, as in "en-US".
	Locale string
	// TenantID is the tenant that the invitee joins.
	TenantID string
	// CreatedByUserID is the inviter, AcceptedByUserID the user that the invitee
	// became.
	CreatedByUserID, AcceptedByUserID string
	// UserTokenID is the id of the token in the e-mail's link, and not the token.
	UserTokenID string
	// RoleKeys are the roles that the invitee will have.
	RoleKeys []string
	// Status is where the invite stands.
	Status UserInviteStatus
	// Data is the JSON object that the invite was created with (SchemaV1), for the
	// caller to decode; nil if there is none.
	Data json.RawMessage
	// CreatedAt, UpdatedAt and StatusUpdatedAt are by the platform's clock, in whole
	// milliseconds.
	CreatedAt, UpdatedAt, StatusUpdatedAt time.Time
}

// UserInviteStatus is where an invite stands. A status that this package does
// not know is passed through as it is.
type UserInviteStatus string

// The statuses of an invite. A pending one can be accepted or canceled, and becomes
// expired by time. One that is not accepted can be resent, and is pending again.
const (
	StatusPending  UserInviteStatus = "pending"
	StatusAccepted UserInviteStatus = "accepted"
	StatusCanceled UserInviteStatus = "canceled"
	StatusExpired  UserInviteStatus = "expired"
)

// UserInvitePage is one page of a list, and how many invites match in all.
type UserInvitePage struct {
	// Data are the invites of the page, at most [UserInvitesQuery].Limit.
	Data []UserInvite
	// TotalCount is how many invites match, whatever the page.
	TotalCount int
}

// SendUserInvites invites many people in one request: the platform makes an
// invite for each and mails it. More than [WithBatchSize] go in several requests.
//
// A refused invitee does not make the call fail: see [SendUserInvitesResult].Errors,
// and [SendUserInvitesResult.Err]. A batch that the platform refuses as a whole, for its
// size or for what is in it, is split until the invite that is the reason stands alone.
// That invite is in Errors ([ErrBatchTooLarge] for its size), and the others are sent.
// If all invites are too large, that is the call's error too; if the platform takes none
// of them for another reason, the call fails with that reason, and they are in NotSent.
// If a request fails, the invites of the earlier ones are in the result beside the error
// and the rest is in NotSent.
//
// A request is repeated only if nothing or not all of it left this machine, or if the
// platform would not process it and reading shows that it did not. One that
// may have been processed is settled: the invites are looked up, for as long as
// [WithSettleTimeout] allows, and those found are in Success like any other. The
// rest is in Unknown, is not sent again (see [WithRepeatUnknown]), and the error is
// [ErrOutcomeUnknown].
//
// Everything wrong with the input is found before anything is sent, and named in
// one [ErrInvalidInput]; the result is nil then. With [WithSkipInvalid] the inputs that
// are not valid are in Errors instead, and the others are sent.
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

// UserInvites returns one page of the invites that match, in the platform's own
// order if the query names none. If nothing matches, the page's Data is empty.
// What is wrong with the query is named in one [ErrInvalidInput].
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

// AllUserInvites returns every invite that matches. Query.Limit is the size of a
// page, 100 if zero; Query.Offset is where to begin. The first page says how many
// invites there are. When the loop asks for the second one, the next pages are read
// ahead, as many at once as [WithParallel] says; no more than those are kept.
//
// Without an order the invites come by CreatedAt, the oldest first. An invite that
// matches throughout then comes exactly once, although others come and go meanwhile:
// each page is checked to continue where the one before ended. In an order of the
// caller's an invite comes at most once, and may be missed if others come or go.
//
// Invites that are equal by the order, such as those made in one transaction, may come
// in another order on each page. If fewer invites have come than there are, the list is
// read again, by their addresses, and what had not come comes last. If it still has not
// come, that is an error. For this eight bytes of each id are kept.
//
// An error comes once, last, with a nil invite. Each page is a query, which is
// retried; a page that does not advance is an error.
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

// ResendUserInvite mails an invite once more and returns it. An expired or canceled one
// is pending again: that the platform takes both is what ROQ's own page relies on (npm
// @roq/ui-react 1.0.13), that they become pending is our reading. An accepted one gives
// [ErrAlreadyAccepted].
//
// The request is repeated only if nothing of it left this machine, or if the
// platform would not process it. If it
// may have been processed, reading the invite settles whether it was; what cannot
// be settled is [ErrOutcomeUnknown].
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

// CancelUserInvite withdraws an invite that was not accepted yet and returns it
// in its new state. An accepted one gives [ErrAlreadyAccepted].
//
// The request is repeated if nothing, or not all, of it left this machine, or if
// the platform would not process it. If it may have been processed, reading the
// invite settles whether it was; what cannot be settled is [ErrOutcomeUnknown].
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
