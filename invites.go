package roq

import (
	"context"
	"encoding/json"
	"iter"
	"time"

	"github.com/go-roq/roq/internal/check"
	"github.com/go-roq/roq/internal/wire"
)

// UserInvite is an invitation of one person to a tenant. What the platform has
// no value for is the zero value; times are UTC.
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

// The statuses of an invite. A pending one can be resent or canceled, and
// becomes accepted or, by time, expired.
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
// invite for each and mails it. More than WithBatchSize go in several requests,
// and a batch that the platform finds too large is halved.
//
// Somebody refused is no error of the call: see SendUserInvitesResult.Errors,
// and [SendUserInvitesResult.Err]. If a request fails, the invites of the
// earlier ones are in the result beside the error and the rest is in NotSent.
//
// A request is repeated only if surely nothing of it left this machine. One that
// may have been processed is settled: the invites are looked up, for as long as
// [WithSettleTimeout] allows, and those found are in Success like any other. The
// rest is in Unknown, is not sent again (see [WithRepeatUnknown]), and the error is
// [ErrOutcomeUnknown].
//
// Everything wrong with the input is found before anything is sent, and named in
// one [ErrInvalidInput]; the result is nil then.
func (p *RoqPlatform) SendUserInvites(ctx context.Context, in SendUserInvitesInput, opts ...CallOption) (*SendUserInvitesResult, error) {
	c, err := p.as.begin(ctx, wire.SendUserInvitesV2.Name, opts)
	if err != nil {
		return nil, err
	}
	invites, err := p.as.prepare(in)
	if err != nil {
		return nil, err
	}
	return c.sendUserInvites(ctx, p.as, invites)
}

// UserInvites returns one page of the invites that match, in the platform's own
// order if the query names none. If nothing matches, the page's Data is empty.
// What is wrong with the query is named in one [ErrInvalidInput].
//
// It is a query: network errors, 429 and 5xx are retried.
func (p *RoqPlatform) UserInvites(ctx context.Context, q UserInvitesQuery, opts ...CallOption) (*UserInvitePage, error) {
	variables, err := q.variables(wire.UserInvites.Name)
	if err != nil {
		return nil, err
	}
	data, err := graphQL(ctx, p.as, wire.UserInvites, variables, opts)
	return userInvitePage(data.Page), err
}

// AllUserInvites returns every invite that matches. Query.Limit is the size of a
// page, 100 if zero; Query.Offset is where to begin. The first page says how many
// there are; once the loop comes to its second invite the next pages are fetched
// ahead, as many at once as [WithParallel] says, and no more than those are kept.
//
// Without an order the invites come by CreatedAt, the oldest first, and an invite
// that matches throughout comes exactly once, although others come and go
// meanwhile (as far as the platform keeps invites with the same CreatedAt in
// order): each page is checked to go on where the one before ended. In an order of
// the caller's an invite comes at most once, and may be missed if others come or go.
//
// An error comes once, last, with a nil invite. Each page is a query, which is
// retried; a page that does not get any further is an error.
func (p *RoqPlatform) AllUserInvites(ctx context.Context, q UserInvitesQuery, opts ...CallOption) iter.Seq2[*UserInvite, error] {
	return func(yield func(*UserInvite, error) bool) {
		c, err := p.as.begin(ctx, wire.UserInvites.Name, opts)
		if err == nil {
			err = c.eachInvite(ctx, p.as, q, func(i *UserInvite) bool { return yield(i, nil) })
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// UserInvite returns the invite with that id, or [ErrNotFound].
//
// It is a query: network errors, 429 and 5xx are retried.
func (p *RoqPlatform) UserInvite(ctx context.Context, id string, opts ...CallOption) (*UserInvite, error) {
	if err := inviteID(wire.UserInvite.Name, id); err != nil {
		return nil, err
	}
	data, err := graphQL(ctx, p.as, wire.UserInvite, wire.GetID{ID: id}, opts)
	return userInvite(data.Invite), err
}

// ResendUserInvite mails a pending or expired invite once more and returns it.
// An accepted one gives [ErrAlreadyAccepted].
//
// The request is repeated only if surely nothing of it left this machine. If it
// may have been processed, reading the invite settles whether it was; what cannot
// be settled is [ErrOutcomeUnknown].
func (p *RoqPlatform) ResendUserInvite(ctx context.Context, userInviteID string, opts ...CallOption) (*UserInvite, error) {
	if err := inviteID(wire.ResendUserInvite.Name, userInviteID); err != nil {
		return nil, err
	}
	return change(ctx, p.as, wire.ResendUserInvite, userInviteID, wasResent, opts)
}

// CancelUserInvite withdraws an invite that was not accepted yet and returns it
// in its new state. An accepted one gives [ErrAlreadyAccepted].
//
// The request is repeated if nothing, or not all, of it left this machine, or if
// the platform would not process it. If it may have been processed, reading the
// invite settles whether it was; what cannot be settled is [ErrOutcomeUnknown].
func (p *RoqPlatform) CancelUserInvite(ctx context.Context, userInviteID string, opts ...CallOption) (*UserInvite, error) {
	if err := inviteID(wire.CancelUserInvite.Name, userInviteID); err != nil {
		return nil, err
	}
	return change(ctx, p.as, wire.CancelUserInvite, userInviteID, wasCanceled, opts)
}

func inviteID(operation, id string) error {
	if err := check.ID(id); err != nil {
		return invalid(operation, "the invite's id "+err.Error())
	}
	return nil
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
		Email:            w.Email,
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

func userInvitePage(w *wire.Page) *UserInvitePage {
	if w == nil {
		return nil
	}
	page := &UserInvitePage{Data: make([]UserInvite, len(w.Data)), TotalCount: *w.TotalCount}
	for i := range w.Data {
		page.Data[i].read(&w.Data[i])
	}
	w.Data.Recycle()
	return page
}
