package roq

import (
	"context"

	"github.com/go-roq/roq/internal/check"
	"github.com/go-roq/roq/internal/delivery"
	"github.com/go-roq/roq/internal/exchange"
	"github.com/go-roq/roq/internal/trace"
	"github.com/go-roq/roq/internal/wire"
)

// UserInviteToken is the state of the token in an invite's e-mail. It does not contain
// the token itself.
type UserInviteToken struct {
	// Email is the address that the invite was mailed to. It is empty if the platform does
	// not know the token, or does not return the address: decide by Valid.
	Email string
	// Valid is whether the invite can be accepted with the token.
	Valid bool
	// Expired is whether the invite has expired. If neither Valid nor Expired is true, the
	// invite was accepted or canceled, or there is none.
	Expired bool
}

// CheckUserInviteToken reports whether an invite can be accepted with the token in its
// e-mail. It changes nothing, so the page behind the e-mail's link can call it: programs
// that scan e-mail follow links too.
//
// A token that the platform does not know is not valid; that is not an error. A text that
// cannot be a token, because it is empty or has spaces for example, is [ErrInvalidInput].
// The token is a secret: no error, log line or printed value of this package contains it.
//
// It is a query: network errors, 429 and 5xx are retried.
func (p *RoqPlatform) CheckUserInviteToken(ctx context.Context, token string, opts ...CallOption) (check *UserInviteToken, err error) {
	as := p.identity()
	call, err := as.beginToken(ctx, wire.CheckUserInviteToken.Name, token, opts)
	if err != nil {
		return nil, err
	}
	ctx, end := as.core.observe(ctx, call, trace.CallStart{Invites: 1})
	defer func() { end(trace.CallEnd{Err: err}) }()
	var found wire.TokenCheck
	reply := call.Do(ctx, as.as, exchange.Request{
		Operation: wire.CheckUserInviteToken,
		Variables: wire.InviteToken{Token: token},
		Purpose:   exchange.PurposeCall,
		Attempts:  call.Pace.MaxAttempts,
		MaxBytes:  exchange.AnswerBytes(1),
		Restart:   func() { found = wire.TokenCheck{} },
		Sink:      wire.Sink{Into: &found},
	})
	if !reply.Data {
		return nil, failed(reply.Failure)
	}
	return &UserInviteToken{Email: found.Email, Valid: *found.IsValid, Expired: found.IsExpired}, failed(reply.Failure)
}

// AcceptUserInvite accepts the invite with the token in its e-mail, and returns the
// invite in its new state. The invitee is then a user of the tenant. It mails nobody.
//
// The platform decides whether an identity may accept an invite to another address than
// its own. A backend accepts as [Client.AsSuperAdmin], or as the user with the invite's
// address. Call AcceptUserInvite when the invitee confirms, not when the link is
// followed: see [RoqPlatform.CheckUserInviteToken].
//
// The error is [ErrAlreadyAccepted] if the invite was accepted before,
// [ErrAlreadyCanceled] if it was canceled, [ErrInviteExpired] if it has expired, and
// [ErrNotFound] if no invite has the token. The token is a secret: no error, log line or
// printed value of this package contains it.
//
// The request is repeated if it was not sent completely, or if the platform declined to
// process it. If it may have been processed, the token is checked. While the token is
// valid, the request is repeated, because a token can be used only once. If the token is
// not valid, the invites to its address are read. If that is not conclusive, the request
// is made once more; it changes nothing then. An invite that was accepted since the call
// began counts as accepted by this call. If the invite is accepted and this identity may
// not read it, the error is [ErrAlreadyAccepted] too. If the outcome cannot be settled,
// the error is [ErrOutcomeUnknown]; calling again is harmless.
func (p *RoqPlatform) AcceptUserInvite(ctx context.Context, token string, opts ...CallOption) (invite *UserInvite, err error) {
	as := p.identity()
	call, err := as.beginToken(ctx, wire.AcceptUserInvite.Name, token, opts)
	if err != nil {
		return nil, err
	}
	ctx, end := as.core.observe(ctx, call, trace.CallStart{Mutation: true, Invites: 1})
	defer func() { end(trace.CallEnd{Err: err}) }()
	row, failure := delivery.Accept(ctx, call, as.as, token)
	return userInvite(row), failed(failure)
}

// beginToken is begin for an operation with the token of an invite.
func (as *identity) beginToken(ctx context.Context, operation, token string, opts []CallOption) (*exchange.Call, error) {
	if err := check.Token(token); err != nil {
		return nil, invalid(operation, "the invite's token "+err.Error())
	}
	call, _, err := as.begin(ctx, operation, opts)
	if err != nil {
		return nil, err
	}
	call.Private = []string{token}
	return call, nil
}
