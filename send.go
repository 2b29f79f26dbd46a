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

// SendUserInvitesInput says whom to invite to which tenant.
type SendUserInvitesInput struct {
	// TenantID is the tenant that all invitees join. It is required, except with
	// [Client.AsSession], where empty means the session's tenant.
	TenantID string
	// UserInvites are the people to invite: from 1 to 100,000, each mailbox once.
	// Addresses that differ only in case, in their Unicode normal form, in the ASCII form
	// of the domain, or in dots at Google's mail are the same mailbox.
	UserInvites []UserInviteInput
}

// UserInviteInput is one person to invite.
type UserInviteInput struct {
	// CreatedByUserID is the inviter. If empty, it is the identity's own user.
	// [Client.AsSuperAdmin] has no user and requires it.
	CreatedByUserID string
	// Email is one address without a name, up to 254 bytes. Required.
	Email string
	// Locale sets the language of the e-mail, as in "en-US". Up to 64 characters.
	Locale string
	// FirstName and LastName are the invitee's names, for the e-mail and the list. Each is
	// one line of up to 255 characters, without control characters and marks of text
	// direction. These limits are this package's; the platform publishes none.
	FirstName, LastName string
	// Roles are the roles that the invitee gets. If there are none, the invitee gets the
	// inviter's. The rules for names apply to roles too, and no role may be empty.
	Roles []string
	// Variables are for the template of the e-mail (SchemaV2 only). No string in them may
	// contain control characters, line breaks or marks of text direction.
	Variables map[string]any
	// Data is stored with the invite (SchemaV1 only). No string in it may contain NUL.
	Data map[string]any
}

// SendUserInvitesResult has the outcome of every input. Each input is in exactly one of
// the four lists, in input order.
type SendUserInvitesResult struct {
	// Success are the invites that the platform created.
	Success []UserInvite
	// Errors are the inputs that the platform refused and, with [WithSkipInvalid], those
	// that are not valid or repeat an address.
	Errors []UserInviteError
	// Unknown are the inputs that may have been mailed. The error of the call is
	// [ErrOutcomeUnknown].
	Unknown []UserInviteInput
	// NotSent are the inputs that were not mailed, because their batch or an earlier one
	// failed.
	NotSent []UserInviteInput

	// account says which input is in which list. It is nil if SendUserInvites did not
	// make the result.
	account *account
}

// Err returns nil if every input is in Success. Otherwise it returns an error that
// matches, with [errors.Is], every refusal in Errors, [ErrOutcomeUnknown] if Unknown is
// not empty, and [ErrNotSent] if NotSent is not empty or [WithSkipInvalid] skipped an
// input.
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
		all = append(all, &Error{Operation: operation, Message: fmt.Sprintf("it is unknown whether %d invites were sent", n), kinds: exchange.OutcomeUnknown})
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

// UserInviteError is one refused input. Others of the same call may have been sent. The
// platform refused it, or, with [WithSkipInvalid], this package did because it is not
// valid. If the platform refused it, [errors.Is] compares its Code. If it is not valid,
// it matches [ErrInvalidInput] and [ErrNotSent], and [errors.As] finds the [*Error]
// whose Findings name each invalid field. [errors.As] finds a UserInviteError as a value
// and as a pointer.
//
// It prints, logs and marshals without the address and the names of the input. The
// exception is a value in an unexported field of another struct, where fmt cannot call
// its methods. Keep a pointer there: %v, %+v and %#v print only the memory address of a
// pointer.
type UserInviteError struct {
	// Index is the index of the input in [SendUserInvitesInput].UserInvites, or in the
	// stream.
	Index int
	// Email, FirstName and LastName are those of the input.
	Email, FirstName, LastName string
	// Code is the platform's errorCode. It is empty if the platform gave only a text, or
	// if the input is not valid. It is PAYLOAD_TOO_LARGE if an invite alone in its request
	// was refused with HTTP 413.
	Code string
	// Message says why. E-mail addresses in it are masked. For an input that is not valid
	// it names each field: "Email: must not be empty; Roles[1]: must not be empty".
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

// Is reports whether the Code means target, [ErrAlreadyInvited] for example.
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

// Unwrap returns the [*Error] of an input that is not valid, or nil.
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

// WithSkipInvalid makes [RoqPlatform.SendUserInvites] send the valid inputs of a call
// even if others are not valid. An input that is not valid, or that repeats the address
// of an earlier valid input in any spelling, is in [SendUserInvitesResult].Errors. The
// others are sent. If no input is valid, nothing is sent and the call returns no error,
// as when the platform refuses each invite by itself. If the call itself is not valid,
// because TenantID is missing for example, it still fails.
//
// By default one invalid input makes the whole call fail. A stream always skips and
// reports invalid inputs. The option has no effect on streams and on other calls.
func WithSkipInvalid() CallOption {
	return callOption(func(o *callOptions) error {
		o.skipInvalid = true
		return nil
	})
}
