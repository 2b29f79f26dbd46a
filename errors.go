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

// The kinds of errors, for [errors.Is]. One error may match several: if a connection
// breaks while an invite is sent, the error is ErrOutcomeUnknown and ErrUnavailable.
var (
	// ErrInvalidInput means that an argument was refused: by this package before
	// anything was sent (then the error is ErrNotSent too), or by the platform (HTTP 400
	// or 422, GRAPHQL_VALIDATION_FAILED, BAD_USER_INPUT).
	ErrInvalidInput = errors.New("roq: invalid input")
	// ErrUnauthorized means that the platform does not accept the credentials or
	// the token (HTTP 401).
	ErrUnauthorized = errors.New("roq: unauthorized")
	// ErrForbidden means that this identity does not have the permission (HTTP 403).
	ErrForbidden = errors.New("roq: forbidden")
	// ErrNotFound means that there is no such invite, user, tenant or address (HTTP 404),
	// or no invite with such a token (USER_TOKEN_NOT_FOUND, INVALID_USER_TOKEN).
	ErrNotFound = errors.New("roq: not found")
	// ErrAlreadyInvited means that the address has a pending invite in the tenant
	// (USER_ALREADY_INVITED, USER_INVITE_ALREADY_SENT, USER_INVITE_ALREADY_EXIST).
	ErrAlreadyInvited = errors.New("roq: already invited")
	// ErrAlreadyAccepted means that the invite was accepted. It can be neither resent
	// nor canceled, nor accepted again (USER_INVITE_ALREADY_ACCEPTED).
	ErrAlreadyAccepted = errors.New("roq: already accepted")
	// ErrAlreadyCanceled means that the invite is canceled. It can be neither canceled
	// again nor accepted, but it can be resent. If the platform refuses without a reason,
	// the invite is read to find the reason.
	ErrAlreadyCanceled = errors.New("roq: already canceled")
	// ErrAlreadyExists means that the address belongs to a user of the tenant
	// (USER_ALREADY_EXISTS).
	ErrAlreadyExists = errors.New("roq: already exists")
	// ErrInviteExpired means that the invite has expired (EXPIRED_USER_TOKEN). It can be
	// resent.
	ErrInviteExpired = errors.New("roq: invite expired")
	// ErrRateLimited means that the platform asked for fewer requests (HTTP 429).
	ErrRateLimited = errors.New("roq: rate limited")
	// ErrUnavailable means that the platform could not be reached or did not return a
	// usable response: network errors, HTTP 5xx, a body that is not GraphQL, an HTTP 4xx
	// from something in front of it.
	ErrUnavailable = errors.New("roq: unavailable")
	// ErrBatchTooLarge means that the platform refuses an invite because of its size,
	// even alone (BULK_USER_INVITE_LIMIT_EXCEEDED, HTTP 413). Other invites are not
	// affected: a batch that is too large is split.
	ErrBatchTooLarge = errors.New("roq: batch too large")
	// ErrNotSent means that nothing happened, and trying again is safe. No request was
	// sent, or none was processed: the platform was too busy (408, 425, 429), or a gateway
	// refused it (4xx). A request that the platform refused as a whole matches the kind of
	// the refusal instead.
	ErrNotSent = errors.New("roq: not sent")
	// ErrOutcomeUnknown means that the platform may have processed the request: it was
	// sent, no usable response came, and reading did not show the outcome. It is not
	// repeated, unless [WithRepeatUnknown] is set. If the reading failed, the error also
	// matches the kinds of that failure, [ErrUnauthorized] for example.
	ErrOutcomeUnknown = errors.New("roq: outcome unknown")
	// ErrNoSession means that the request has no session.
	ErrNoSession = errors.New("roq: no session")
	// ErrInvalidSession means that the session token is malformed or not signed by
	// this environment.
	ErrInvalidSession = errors.New("roq: invalid session")
	// ErrSessionExpired means that the session was valid, and has expired.
	ErrSessionExpired = errors.New("roq: session expired")
	// ErrNoTenant means that a tenant is required, and neither the input nor the
	// session has one.
	ErrNoTenant = errors.New("roq: no tenant")
)

// Error is the error of a call. Its text, fields and formatted output contain no key,
// token or e-mail address.
//
// Compare with [errors.Is] and the Err values; the fields are for logs. For
// SendUserInvites, ResendUserInvite, CancelUserInvite and AcceptUserInvite, the text
// ends with what is known of the outcome: "; nothing was sent", "; the outcome is
// unknown".
type Error struct {
	// Operation is the platform's name of the call: "sendUserInvites".
	Operation string
	// Code is the platform's errorCode or, if there is none, the GraphQL code.
	Code string
	// Message says what was wrong. E-mail addresses in it are masked.
	Message string
	// StatusCode is the HTTP status or, for a GraphQL error, the status inside it; 0 if
	// there was no response.
	StatusCode int
	// Attempts is the number of requests made for the operation.
	Attempts int
	// RequestID is the x-request-id that was sent, or the platform's own if the response
	// has one.
	RequestID string
	// RetryAfter is the wait that the last response asks for; 0 if it asks for none.
	RetryAfter time.Duration
	// Quota is the request quota in the last response.
	Quota Quota

	// Findings lists what is wrong with the input, if it was refused before anything was
	// sent; at most 100 findings.
	Findings []Finding

	kinds exchange.Kind
	// known says what is known of the outcome of a mutation.
	known string
	cause error
}

// Quota is the request quota that a response reports in headers such as
// RateLimit-Remaining. It is not published whether the platform sends any. Quota is zero
// if the response has none.
type Quota struct {
	// Limit is the number of requests allowed in a time window; 0 if unknown.
	Limit int
	// Remaining is how many of them are left.
	Remaining int
	// Reset is the time until the quota resets; 0 if unknown.
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

// Is reports whether target is one of the error's kinds.
func (e *Error) Is(target error) bool { return e.kinds&kindOf(target) != 0 }

// Unwrap returns the cause, so that [errors.Is] and [errors.As] find context and
// network errors.
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
