package roq

import (
	"context"

	"github.com/go-roq/roq/internal/check"
	"github.com/go-roq/roq/internal/delivery"
	"github.com/go-roq/roq/internal/exchange"
	"github.com/go-roq/roq/internal/trace"
	"github.com/go-roq/roq/internal/wire"
)

// UserInviteToken is what the platform says of the token in an invite's e-mail. The
// token itself is not in it.
type UserInviteToken struct {
	// Email is the address that the invite was mailed to; empty if the platform does not
	// know the token, or does not say.
	Email string
	// Valid is whether the invite can be accepted with the token.
	Valid bool
	// Expired is whether the invite's time is over. Neither Valid nor Expired means that
	// the invite was accepted or canceled, or that there is none.
	Expired bool
}

// CheckUserInviteToken reports whether an invite can be accepted with the token of its
// e-mail. It changes nothing, so that a page behind the e-mail's link can be shown with
// it: programs that read e-mail follow links too.
//
// A token that the platform does not know is not valid; that is not an error. The token is
// a secret: it is in no error, log line or printed value of this package.
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

// AcceptUserInvite accepts the invite with the token of its e-mail, and returns the
// invite in its new state: the invitee is a user of the tenant. It mails nobody.
//
// Whether an identity may accept an invite to another address than its own is for the
// platform to say: a backend accepts as [Client.AsSuperAdmin], or as the user with the
// invite's address. Call it when the invitee says so, and not when a link is followed:
// see [RoqPlatform.CheckUserInviteToken].
//
// An invite that was accepted before gives [ErrAlreadyAccepted], a canceled one
// [ErrAlreadyCanceled], an expired one [ErrInviteExpired], and a token of no invite
// [ErrNotFound]. The token is a secret: it is in no error, log line or printed value of
// this package.
//
// The request is repeated if nothing, or not all, of it left this machine, or if the
// platform would not process it. If it may have been processed, the token is checked. While
// the token is valid the request is repeated, because a token can be used only once. If it
// is not valid, the invites to its address are read, and if that is not conclusive the
// request is made once more, which changes nothing then. An invite that was accepted since
// the call began counts as accepted by it. If the invite is accepted and this identity may
// not read it, the error is [ErrAlreadyAccepted] too. What cannot be settled is
// [ErrOutcomeUnknown]; calling again is harmless.
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
