package otelroq

import (
	"context"
	"errors"
	"strconv"

	"github.com/go-roq/roq"
)

// errorTypes are the words for errors. Of several that fit, the first counts.
var errorTypes = []struct {
	err  error
	word string
}{
	{roq.ErrOutcomeUnknown, "outcome_unknown"},
	{context.Canceled, "canceled"},
	{roq.ErrNoTenant, "no_tenant"},
	{roq.ErrNoSession, "no_session"},
	{roq.ErrSessionExpired, "session_expired"},
	{roq.ErrInvalidSession, "invalid_session"},
	{roq.ErrUnauthorized, "unauthorized"},
	{roq.ErrForbidden, "forbidden"},
	{roq.ErrNotFound, "not_found"},
	{roq.ErrAlreadyInvited, "already_invited"},
	{roq.ErrAlreadyAccepted, "already_accepted"},
	{roq.ErrAlreadyCanceled, "already_canceled"},
	{roq.ErrAlreadyExists, "already_exists"},
	{roq.ErrInviteExpired, "invite_expired"},
	{roq.ErrBatchTooLarge, "batch_too_large"},
	{roq.ErrInvalidInput, "invalid_input"},
	{roq.ErrRateLimited, "rate_limited"},
	{context.DeadlineExceeded, "deadline_exceeded"},
	{roq.ErrUnavailable, "unavailable"},
	{roq.ErrNotSent, "not_sent"},
}

// errorType returns the word for an error.
func errorType(err error) string {
	for _, t := range errorTypes {
		if errors.Is(err, t.err) {
			return t.word
		}
	}
	return "_OTHER"
}

// requestErrorType returns the word for how a request failed, "" if it did not: a refusal
// is an answer.
func requestErrorType(status int, outcome string) string {
	switch {
	case status >= 400:
		return strconv.Itoa(status)
	case outcome == "answered", outcome == "refused":
		return ""
	default:
		return outcome
	}
}

// message returns the text of an error if it is known to have no secrets.
func message(err error) string {
	if e := (*roq.Error)(nil); errors.As(err, &e) {
		return e.Error()
	}
	return errorType(err)
}
