package roq

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"

	"github.com/go-roq/roq/internal/exchange"
	"github.com/go-roq/roq/internal/redact"
	"github.com/go-roq/roq/internal/wire"
)

// SendUserInvitesInput is who to invite to which tenant.
type SendUserInvitesInput struct {
	// TenantID is the tenant that all of them join. Left empty it is the session's,
	// with [Client.AsSession]; otherwise it is required.
	TenantID string
	// UserInvites is whom to invite: from 1 to 100,000, no mailbox twice. Another case of
	// letters, another normal form of Unicode, a domain in its ASCII form, and dots at
	// Google's mail make the same mailbox.
	UserInvites []UserInviteInput
}

// UserInviteInput is one person to invite.
type UserInviteInput struct {
	// CreatedByUserID is the inviter. Left empty it is the identity's own user;
	// [Client.AsSuperAdmin] has none, and requires it.
	CreatedByUserID string
	// Email is one address without a name, up to 254 bytes. Required.
	Email string
	// Locale chooses the language of the e-mail, as in "en-US". Up to 64 characters.
	Locale string
	// FirstName and LastName are the invitee's, for the e-mail and the list. Each is one
	// line of up to 255 characters, without control characters and marks of text direction.
	// The bounds are this package's: the platform publishes none.
	FirstName, LastName string
	// Roles are the roles that the invitee gets; without any, the inviter's. The rules
	// are those of a name, and none may be empty.
	Roles []string
	// Variables are for the template of the e-mail (SchemaV2 only). No string in them may
	// hold control characters, line breaks or marks of text direction.
	Variables map[string]any
	// Data is kept with the invite (SchemaV1 only). No string in it may hold NUL.
	Data map[string]any
}

// SendUserInvitesResult is the outcome of every input: each is in exactly one of
// the four, in the order of the input.
type SendUserInvitesResult struct {
	// Success are the invites that the platform made.
	Success []UserInvite
	// Errors are the inputs that the platform refused and, with [WithSkipInvalid], those
	// that are not valid.
	Errors []UserInviteError
	// Unknown may have been mailed; the error of the call is [ErrOutcomeUnknown].
	Unknown []UserInviteInput
	// NotSent were not mailed, because their batch or an earlier one failed.
	NotSent []UserInviteInput

	// account says which input is in which list. It is nil if SendUserInvites did not
	// make the result.
	account *account
}

// Err returns nil if every input is in Success, and otherwise an error that
// matches, with [errors.Is], every refusal in Errors, [ErrOutcomeUnknown] if
// there is anything in Unknown, and [ErrNotSent] if there is in NotSent or an
// input was skipped by [WithSkipInvalid].
func (r *SendUserInvitesResult) Err() error {
	if r == nil {
		return nil
	}
	var all []error
	for _, refused := range r.Errors {
		all = append(all, refused)
	}
	operation := wire.SendUserInvitesV2.Name
	if n := len(r.Unknown); n > 0 {
		all = append(all, &Error{Operation: operation, Message: fmt.Sprintf("whether %d invites were sent is unknown", n), kinds: exchange.OutcomeUnknown})
	}
	if n := len(r.NotSent); n > 0 {
		all = append(all, &Error{Operation: operation, Message: fmt.Sprintf("%d invites were not sent", n), kinds: exchange.NotSent})
	}
	if len(all) == 0 {
		return nil
	}
	return &resultError{&all}
}

// resultError is what [errors.Join] makes, and prints without its parts: they
// hold addresses. The pointer stops fmt where it cannot call Format.
type resultError struct{ parts *[]error }

func (e *resultError) Error() string { return e.text() }

func (e resultError) text() string {
	var lines []string
	for i, err := range *e.parts {
		if i == maxFindings {
			lines = append(lines, fmt.Sprintf("and %d more", len(*e.parts)-i))
			break
		}
		lines = append(lines, err.Error())
	}
	return strings.Join(lines, "\n")
}

func (e *resultError) Unwrap() []error { return *e.parts }

// Format implements [fmt.Formatter]: every verb prints the text.
func (e resultError) Format(f fmt.State, verb rune) { redact.Format(f, verb, e.text()) }

// UserInviteError is one input that was refused while others of the same call may
// have gone through: by the platform, or, with [WithSkipInvalid], by this package
// because it is not valid. [errors.Is] compares the Code of the first kind. Of the
// second kind an error is [ErrInvalidInput] and [ErrNotSent], and [errors.As] finds
// the [*Error] whose Findings name each field that is wrong. [errors.As] finds a
// UserInviteError as a value and as a pointer.
//
// It prints, logs and marshals without the address and the names, which are the
// input's, but not in an unexported field of another struct, where fmt cannot call its
// methods: keep a pointer there, of which %v, %+v and %#v print the address in memory.
type UserInviteError struct {
	// Index is the place of the input in [SendUserInvitesInput].UserInvites, or in the
	// stream.
	Index int
	// Email, FirstName and LastName are those of the input.
	Email, FirstName, LastName string
	// Code is the platform's errorCode, empty if it gave only a text, or if the input is
	// not valid. An invite that HTTP 413 refused by itself has PAYLOAD_TOO_LARGE.
	Code string
	// Message says why, with e-mail addresses blanked. For an input that is not valid it
	// names each field: "Email: must not be empty; Roles[1]: must not be empty".
	Message string

	// own is this package's refusal of an input that is not valid; nil otherwise.
	own *Error
	// repeats is whether that is because the address came before.
	repeats bool
}

// Error implements error: "roq: user invite refused: message (CODE)".
func (e UserInviteError) Error() string {
	text := "roq: user invite refused: " + e.Message
	if e.Code != "" {
		text += " (" + e.Code + ")"
	}
	return text
}

// Is reports whether the Code means target, as [ErrAlreadyInvited].
func (e UserInviteError) Is(target error) bool {
	return exchange.KindOfCode(e.Code)&kindOf(target) != 0
}

// As lets [errors.As] find the error as a pointer where it is held as a value, and
// as a value where it is held as a pointer.
func (e UserInviteError) As(target any) bool {
	switch t := target.(type) {
	case **UserInviteError:
		*t = &e
	case *UserInviteError:
		*t = e
	default:
		return false
	}
	return true
}

// Unwrap returns the [*Error] of an input that is not valid, and otherwise nil.
func (e UserInviteError) Unwrap() error {
	if e.own == nil {
		return nil
	}
	return e.own
}

// Format implements [fmt.Formatter]: every verb prints the text of the error.
func (e UserInviteError) Format(f fmt.State, verb rune) { redact.Format(f, verb, e.Error()) }

func (e UserInviteError) redacted() any {
	return struct{ Code, Message string }{e.Code, e.Message}
}

// MarshalJSON implements [json.Marshaler] with Code and Message only.
func (e UserInviteError) MarshalJSON() ([]byte, error) { return json.Marshal(e.redacted()) }

// LogValue implements [slog.LogValuer] with Code and Message only.
func (e UserInviteError) LogValue() slog.Value { return slog.AnyValue(e.redacted()) }

// WithSkipInvalid lets [RoqPlatform.SendUserInvites] send the valid inputs of a call
// although others are not valid. An input that is not valid, or whose address came
// before among the valid ones in any spelling, comes back in
// [SendUserInvitesResult].Errors; the others are sent. If no input is valid, nothing is
// sent and the call has no error, as when the platform refuses each invite by itself.
// What is wrong with the call, such as a missing TenantID, still is its error.
//
// By default one invalid input refuses the whole call. A stream always skips
// what is not valid, and reports it: there, and for other calls, the option changes
// nothing.
func WithSkipInvalid() CallOption {
	return callOption(func(o *callOptions) error {
		o.skipInvalid = true
		return nil
	})
}
