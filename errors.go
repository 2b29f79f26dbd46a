package roq

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/go-roq/roq/internal/exchange"
	"github.com/go-roq/roq/internal/redact"
	"github.com/go-roq/roq/internal/wire"
)

// What can go wrong, for [errors.Is]. One error may match several: an invite
// whose sending was cut off by a dead connection is ErrOutcomeUnknown and
// ErrUnavailable.
var (
	// ErrInvalidInput means that an argument was refused: by this package before
	// anything was sent (then it is ErrNotSent too), or by the platform (HTTP 400
	// or 422, GRAPHQL_VALIDATION_FAILED, BAD_USER_INPUT).
	ErrInvalidInput = errors.New("roq: invalid input")
	// ErrUnauthorized means that the platform does not accept the credentials or
	// the token (HTTP 401).
	ErrUnauthorized = errors.New("roq: unauthorized")
	// ErrForbidden means that this identity may not do that (HTTP 403).
	ErrForbidden = errors.New("roq: forbidden")
	// ErrNotFound means that there is no such invite, user, tenant or address (HTTP 404),
	// or no invite with such a token (USER_TOKEN_NOT_FOUND, INVALID_USER_TOKEN).
	ErrNotFound = errors.New("roq: not found")
	// ErrAlreadyInvited means that the address has a pending invite in the tenant
	// (USER_ALREADY_INVITED, USER_INVITE_ALREADY_SENT).
	ErrAlreadyInvited = errors.New("roq: already invited")
	// ErrAlreadyAccepted means that the invite was accepted, and so can be neither
	// resent nor canceled, nor accepted again (USER_INVITE_ALREADY_ACCEPTED).
	ErrAlreadyAccepted = errors.New("roq: already accepted")
	// ErrAlreadyCanceled means that the invite is canceled, and so can be neither canceled
	// again nor accepted. When the platform refuses that without saying why, the invite is
	// read to tell. A canceled invite can be resent.
	ErrAlreadyCanceled = errors.New("roq: already canceled")
	// ErrAlreadyExists means that the address belongs to a user of the tenant
	// (USER_ALREADY_EXISTS).
	ErrAlreadyExists = errors.New("roq: already exists")
	// ErrInviteExpired means that the time to accept the invite is over
	// (EXPIRED_USER_TOKEN). It can be resent.
	ErrInviteExpired = errors.New("roq: invite expired")
	// ErrRateLimited means that the platform asked for fewer requests (HTTP 429).
	ErrRateLimited = errors.New("roq: rate limited")
	// ErrUnavailable means that the platform could not be reached or did not give
	// a usable answer: network errors, HTTP 5xx, a body that is not GraphQL, an HTTP 4xx
	// from something in front of it.
	ErrUnavailable = errors.New("roq: unavailable")
	// ErrBatchTooLarge means that the platform does not take an invite because of its
	// size, even alone (BULK_USER_INVITE_LIMIT_EXCEEDED, HTTP 413). Others are not
	// affected: a batch that is too large is split.
	ErrBatchTooLarge = errors.New("roq: batch too large")
	// ErrNotSent means that nothing happened: no request left, or none was processed by
	// something that was too busy (408, 425, 429) or in the way (4xx of a gateway). Trying again is safe. A request that
	// the platform refused as a whole matches the kind of the refusal instead.
	ErrNotSent = errors.New("roq: not sent")
	// ErrOutcomeUnknown means that the platform may have done what was asked: the
	// request left, no usable answer came, and reading did not tell. It is not repeated
	// then, unless [WithRepeatUnknown] says so. If the reading failed, the error matches
	// the kinds of that failure too, [ErrUnauthorized] for example.
	ErrOutcomeUnknown = errors.New("roq: outcome unknown")
	// ErrNoSession means that the request carries no session.
	ErrNoSession = errors.New("roq: no session")
	// ErrInvalidSession means that the session token is malformed or not signed by
	// this environment.
	ErrInvalidSession = errors.New("roq: invalid session")
	// ErrSessionExpired means that the session was valid once.
	ErrSessionExpired = errors.New("roq: session expired")
	// ErrNoTenant means that a tenant is needed and neither the input nor the
	// session names one.
	ErrNoTenant = errors.New("roq: no tenant")
)

// Error is every error of a call. Its text, fields and formatting hold no key,
// no token and no e-mail address.
//
// Compare with [errors.Is] and the Err values, and read the fields for the log. The
// text of an error of SendUserInvites, ResendUserInvite, CancelUserInvite and
// AcceptUserInvite ends with what is known of the outcome: "; nothing was sent", "; the
// outcome is unknown".
type Error struct {
	// Operation is the call's name in the platform's words: "sendUserInvites".
	Operation string
	// Code is the platform's errorCode or, where it gave none, the GraphQL code.
	Code string
	// Message says what was wrong, with e-mail addresses blanked.
	Message string
	// StatusCode is HTTP's or, for a GraphQL error, the one inside it; 0 if there
	// was no answer.
	StatusCode int
	// Attempts counts the requests made for the operation.
	Attempts int
	// RequestID is what was sent as x-request-id, or the platform's own if its
	// answer named one.
	RequestID string
	// RetryAfter is how long the last answer asks to be left alone; 0 if it does not.
	RetryAfter time.Duration
	// Quota is what the last answer says of how many requests are left.
	Quota Quota

	// Findings are what was wrong with the input, if it was refused before anything was
	// sent; at most a hundred.
	Findings []Finding

	kinds exchange.Kind
	// known says what is known of the outcome of a mutation.
	known string
	cause error
}

// Quota is what an answer says of how many requests are left, in headers such as
// RateLimit-Remaining (whether the platform sends any is not published). It is zero if the
// answer does not say.
type Quota struct {
	// Limit is how many requests there are in a window of time; 0 if that is not known.
	Limit int
	// Remaining is how many of them are left.
	Remaining int
	// Reset is how long it is until there are more; 0 if that is not known.
	Reset time.Duration
}

// Error implements error: "roq: sendUserInvites: message (CODE, HTTP 409, request 7f3a)".
func (e *Error) Error() string { return e.text() }

func (e Error) text() string {
	var details []string
	if e.Code != "" {
		details = append(details, e.Code)
	}
	if e.StatusCode != 0 {
		details = append(details, fmt.Sprintf("HTTP %d", e.StatusCode))
	}
	if e.RequestID != "" {
		details = append(details, "request "+e.RequestID)
	}
	text := "roq: " + e.Operation + ": " + e.Message
	if len(details) > 0 {
		text += " (" + strings.Join(details, ", ") + ")"
	}
	if e.known != "" {
		text += "; " + e.known
	}
	return text
}

// Format implements [fmt.Formatter]: every verb prints the text of the error.
func (e Error) Format(f fmt.State, verb rune) { redact.Format(f, verb, e.text()) }

// Is reports whether the error is of that kind.
func (e *Error) Is(target error) bool { return e.kinds&kindOf(target) != 0 }

// Unwrap returns the cause, through which context and network errors are found
// by [errors.Is] and [errors.As].
func (e *Error) Unwrap() error { return e.cause }

// of returns the error as that of an operation.
func (e *Error) of(operation string) *Error {
	one := *e
	one.Operation = operation
	one.known = knownUnsent(operation)
	return &one
}

// sentinels are the errors that stand for the kinds of a failure.
var sentinels = map[error]exchange.Kind{
	ErrInvalidInput:    exchange.InvalidInput,
	ErrUnauthorized:    exchange.Unauthorized,
	ErrForbidden:       exchange.Forbidden,
	ErrNotFound:        exchange.NotFound,
	ErrAlreadyInvited:  exchange.AlreadyInvited,
	ErrAlreadyAccepted: exchange.AlreadyAccepted,
	ErrAlreadyCanceled: exchange.AlreadyCanceled,
	ErrAlreadyExists:   exchange.AlreadyExists,
	ErrInviteExpired:   exchange.InviteExpired,
	ErrRateLimited:     exchange.RateLimited,
	ErrUnavailable:     exchange.Unavailable,
	ErrBatchTooLarge:   exchange.BatchTooLarge,
	ErrNotSent:         exchange.NotSent,
	ErrOutcomeUnknown:  exchange.OutcomeUnknown,
	ErrNoSession:       exchange.NoSession,
	ErrInvalidSession:  exchange.InvalidSession,
	ErrSessionExpired:  exchange.SessionExpired,
	ErrNoTenant:        exchange.NoTenant,
}

// kindOf returns the kind that an error stands for, 0 if it is none of this
// package's.
func kindOf(target error) exchange.Kind {
	if t := reflect.TypeOf(target); t == nil || !t.Comparable() {
		return 0
	}
	return sentinels[target]
}

// failed makes the caller's error of a failure; nil stays nil.
func failed(f *exchange.Failure) error {
	if f == nil {
		return nil
	}
	return &Error{
		Operation:  f.Operation,
		Code:       f.Code,
		Message:    f.Message,
		StatusCode: f.Status,
		Attempts:   f.Attempts,
		RequestID:  f.RequestID,
		RetryAfter: f.RetryAfter,
		Quota:      Quota(f.Quota),
		kinds:      f.Kinds,
		known:      f.Known,
		cause:      f.Cause,
	}
}

// invalid returns the error for arguments that were refused before anything was
// sent.
func invalid(operation, message string, kinds ...error) *Error {
	e := &Error{Operation: operation, Message: message, kinds: exchange.InvalidInput | exchange.NotSent, known: knownUnsent(operation)}
	for _, kind := range kinds {
		e.kinds |= sentinels[kind]
	}
	return e
}

// knownUnsent says what is known of a mutation that was refused before anything was
// sent; of another operation there is nothing to say.
func knownUnsent(operation string) string {
	switch operation {
	case wire.SendUserInvitesV2.Name, wire.ResendUserInvite.Name, wire.CancelUserInvite.Name, wire.AcceptUserInvite.Name:
		return "nothing was sent"
	default:
		return ""
	}
}
