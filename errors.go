package roq

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

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
	// ErrNotFound means that there is no such invite, user or address (HTTP 404).
	ErrNotFound = errors.New("roq: not found")
	// ErrAlreadyInvited means that the address has a pending invite in the tenant
	// (USER_ALREADY_INVITED, USER_INVITE_ALREADY_SENT).
	ErrAlreadyInvited = errors.New("roq: already invited")
	// ErrAlreadyAccepted means that the invite was accepted, and so can be neither
	// resent nor canceled (USER_INVITE_ALREADY_ACCEPTED).
	ErrAlreadyAccepted = errors.New("roq: already accepted")
	// ErrAlreadyExists means that the address belongs to a user of the tenant
	// (USER_ALREADY_EXISTS).
	ErrAlreadyExists = errors.New("roq: already exists")
	// ErrRateLimited means that the platform asked for fewer requests (HTTP 429).
	ErrRateLimited = errors.New("roq: rate limited")
	// ErrUnavailable means that the platform could not be reached or did not give
	// a usable answer: network errors, HTTP 5xx, a body that is not GraphQL.
	ErrUnavailable = errors.New("roq: unavailable")
	// ErrBatchTooLarge means that the platform takes fewer invites in one request
	// (BULK_USER_INVITE_LIMIT_EXCEEDED, HTTP 413), even when asked with only one.
	ErrBatchTooLarge = errors.New("roq: batch too large")
	// ErrNotSent means that surely nothing happened: what was asked for was never
	// accepted by the platform, for want of valid input, a token or a connection.
	ErrNotSent = errors.New("roq: not sent")
	// ErrOutcomeUnknown means that the platform may have done what was asked: the
	// request left, no usable answer came, and looking for what became of it found
	// nothing. It is not repeated then, unless [WithRepeatUnknown] says so.
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
// Compare with [errors.Is] and the Err values, and read the fields for the log.
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

	kinds []error
	cause error
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
	return text
}

// Format implements [fmt.Formatter]: every verb prints the text of the error.
func (e Error) Format(f fmt.State, verb rune) { format(f, verb, e.text()) }

// Is reports whether the error is of that kind.
func (e *Error) Is(target error) bool { return slices.Contains(e.kinds, target) }

// Unwrap returns the cause, through which context and network errors are found
// by [errors.Is] and [errors.As].
func (e *Error) Unwrap() error { return e.cause }

// hidden is the cause of an Error. It can be asked what it is and not printed:
// the text of an error from outside this package may repeat anything.
type hidden struct {
	text string
	err  error
}

// The methods of hidden pass the questions on to the error from outside.
func (h *hidden) Error() string                { return h.text }
func (h *hidden) Is(target error) bool         { return errors.Is(h.err, target) }
func (h *hidden) As(target any) bool           { return errors.As(h.err, target) }
func (h hidden) Format(f fmt.State, verb rune) { format(f, verb, h.text) }

// kindByCode maps the platform's codes (its own user interface's list, and its
// public server library) to what this package calls them.
func kindByCode(code string) error {
	switch code {
	case "USER_ALREADY_INVITED", "USER_INVITE_ALREADY_SENT":
		return ErrAlreadyInvited
	case "USER_INVITE_ALREADY_ACCEPTED":
		return ErrAlreadyAccepted
	case "USER_ALREADY_EXISTS":
		return ErrAlreadyExists
	case "USER_INVITATION_NOT_FOUND", "USER_NOT_FOUND", "USER_TOKEN_NOT_FOUND", "NOT_FOUND":
		return ErrNotFound
	case "BULK_USER_INVITE_LIMIT_EXCEEDED":
		return ErrBatchTooLarge
	case "FORBIDDEN":
		return ErrForbidden
	case "UNAUTHENTICATED", "UNAUTHORIZED_EXCEPTION", "INVALID_CREDENTIALS", "INVALID_TOKEN", "MISSING_AUTH", "INVALID_AUTH_HEADER":
		return ErrUnauthorized
	case "BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED":
		return ErrInvalidInput
	case "INTERNAL_ERROR", "INTERNAL_SERVER_ERROR":
		return ErrUnavailable
	}
	return nil
}

// kindByStatus maps an HTTP status, of an answer or inside a GraphQL error.
func kindByStatus(status int) error {
	switch {
	case status == http.StatusBadRequest, status == http.StatusUnprocessableEntity:
		return ErrInvalidInput
	case status == http.StatusUnauthorized:
		return ErrUnauthorized
	case status == http.StatusForbidden:
		return ErrForbidden
	case status == http.StatusNotFound:
		return ErrNotFound
	case status == http.StatusRequestEntityTooLarge:
		return ErrBatchTooLarge
	case status == http.StatusTooManyRequests:
		return ErrRateLimited
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status >= 500:
		return ErrUnavailable
	}
	return nil
}

// kindOf says what the platform's error means: its own code first, then the
// status, then the code that the GraphQL server gives every error.
func kindOf(e wire.Error) error {
	kind := kindByCode(e.Code)
	if !e.Own && e.Status != 0 {
		if byStatus := kindByStatus(e.Status); byStatus != nil {
			return byStatus
		}
	}
	if kind == nil {
		kind = kindByStatus(e.Status)
	}
	return kind
}

// invalid returns the error for arguments that were refused before anything was
// sent.
func invalid(operation, message string, kinds ...error) *Error {
	return &Error{Operation: operation, Message: message, kinds: append(kinds, ErrInvalidInput, ErrNotSent)}
}
