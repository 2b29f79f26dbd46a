package exchange

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-roq/roq/internal/redact"
	"github.com/go-roq/roq/internal/transport"
	"github.com/go-roq/roq/internal/wire"
)

// Failure is why a call failed. It is never changed once it was returned.
type Failure struct { //nolint:errname // the root makes the Error of it
	Operation string
	// Code is the platform's, Message says what was wrong. Both are fit to be shown.
	Code, Message string
	// Status is HTTP's, or the one inside a GraphQL error; 0 if there was no answer.
	Status    int
	Attempts  int
	RequestID string
	// RetryAfter is how long the last answer asks to be left alone, Quota what it says of
	// how many requests are left.
	RetryAfter time.Duration
	Quota      transport.Quota
	Kinds      Kind
	// Refused is whether the platform answered that it did not do what was asked.
	Refused bool
	// Known says what is known of the outcome of a mutation, for the end of the text.
	Known string
	// Cause is an error from outside, which can be asked what it is and not printed.
	Cause error
}

// Error implements error.
func (f *Failure) Error() string { return f.Message }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Cause }

// Has reports whether the failure is of any of these kinds.
func (f *Failure) Has(k Kind) bool { return f != nil && f.Kinds&k != 0 }

// And returns the failure with something added that explains it.
func (f *Failure) And(message string, kinds Kind) *Failure {
	more := *f
	more.Message += "; " + message
	more.Kinds |= kinds &^ outcomes
	return &more
}

// Because returns the failure with kinds that explain it.
func (f *Failure) Because(kinds Kind) *Failure {
	more := *f
	more.Kinds |= kinds
	return &more
}

// Concluded returns the failure with what is known of the outcome, in place of what
// it said of that.
func (f *Failure) Concluded(outcome Kind, known string) *Failure {
	whole := *f
	whole.Kinds = f.Kinds&^outcomes | outcome
	whole.Known = known
	return &whole
}

// Fail makes a failure of the call so far.
func (c *Call) Fail(message string, kinds Kind) *Failure {
	return &Failure{Operation: c.Operation, Message: message, Attempts: c.Attempts, RequestID: c.RequestID, Kinds: kinds}
}

// Refuse is Fail for what is refused before anything is sent: no request has the
// id.
func (c *Call) Refuse(message string, kinds Kind) *Failure {
	return &Failure{Operation: c.Operation, Message: message, Kinds: kinds}
}

// FailBecause is Fail for an error from outside.
func (c *Call) FailBecause(what string, err error, kinds Kind) *Failure {
	if what != "" {
		what += ": "
	}
	f := c.Fail(what+c.Redact(err.Error()), kinds)
	f.Cause = c.hide(err)
	return f
}

// failure makes the failure of a request whose last attempt was not simply
// answered: with errors beside the data, or not at all. Then its errors are in the
// body.
func (c *Call) failure(result *transport.Result, errs []wire.Error) *Failure {
	f := c.Fail("", 0)
	f.Cause = c.hide(result.Err)
	if answer := result.Answer; answer != nil {
		if errs == nil && result.Outcome != transport.Intercepted {
			errs = wire.Errors(answer.Body)
		}
		f.Status, f.RetryAfter, f.Quota = answer.Status, answer.RetryAfter, answer.Quota()
		f.RequestID = cmp.Or(c.Identifier(answer.Header.Get(transport.RequestID)), f.RequestID)
	}
	messages := make([]string, 0, 1)
	for _, err := range errs {
		f.Kinds |= KindOf(err)
		if err.Message != "" {
			messages = append(messages, err.Message)
		}
	}
	if len(errs) > 0 {
		f.Code = c.Identifier(errs[0].Code)
		f.Status = cmp.Or(errs[0].Status, f.Status)
	}
	if len(messages) == 0 {
		messages = append(messages, describe(result))
	}
	f.Message = c.Redact(strings.Join(messages, "; "))
	f.Kinds |= kindsOf(result, f.Kinds)
	f.Refused = result.Outcome == transport.Refused || result.Outcome == transport.Unauthorized
	if !result.Outcome.Whole() && !result.Maybe && !result.Throttled {
		f.Kinds |= NotSent
	}
	return f
}

// Redact makes a text from outside fit to be shown: without what the call acts
// with, addresses and tokens.
func (c *Call) Redact(text string) string {
	secrets := make([]string, 0, 2+len(c.secrets)+len(c.Private))
	secrets = append(secrets, c.Client.APIKey, strings.TrimPrefix(c.Client.Basic, "Basic "))
	return redact.Text(text, append(append(secrets, c.secrets...), c.Private...)...)
}

// Identifier returns a text from outside if it is a short identifier and none of
// the secrets, and nothing otherwise.
func (c *Call) Identifier(s string) string {
	if s == "" || c.Redact(s) != s {
		return ""
	}
	return redact.Identifier(s)
}

// hide makes a cause of an error from outside; nil stays nil.
func (c *Call) hide(err error) error {
	if err == nil {
		return nil
	}
	return &hidden{text: c.Redact(err.Error()), err: err}
}

// hidden is the cause of a Failure. It can be asked what it is and not printed:
// the text of an error from outside this module may repeat anything.
type hidden struct {
	text string
	err  error
}

// The methods of hidden pass the questions on to the error from outside.
func (h *hidden) Error() string                { return h.text }
func (h *hidden) Is(target error) bool         { return errors.Is(h.err, target) }
func (h *hidden) As(target any) bool           { return errors.As(h.err, target) }
func (h hidden) Format(f fmt.State, verb rune) { redact.Format(f, verb, h.text) }

// describe says what happened where the platform's answer does not.
func describe(result *transport.Result) string {
	switch {
	case result.Interrupted:
		return result.Err.Error()
	case result.Outcome == transport.Redirected:
		return "the response is a redirect, which is not followed"
	case result.Outcome == transport.Intercepted:
		return fmt.Sprintf("%s, answered with %s by something in front of the platform", status(result.Answer.Status), wire.Looks(result.Answer.Body))
	case result.Answer != nil && result.Answer.Status >= 300:
		return status(result.Answer.Status)
	case result.Err != nil:
		return result.Err.Error()
	default:
		return "the platform returned errors with the data"
	}
}

// status names an HTTP status.
func status(code int) string { return cmp.Or(strings.ToLower(http.StatusText(code)), "failed") }

// noToken makes the failure of a call that got no access token, and so did not ask
// for what it is about. The token request may be shared with other calls, whose
// contexts have nothing to do with this one's.
func (c *Call) noToken(ctx context.Context, err error) *Failure {
	f := c.FailBecause("no access token", err, 0)
	if below := (*Failure)(nil); errors.As(err, &below) {
		f.Message = "no access token: " + below.Message
		f.Code, f.Status, f.Cause = below.Code, below.Status, below.Cause
		f.RetryAfter, f.Quota = below.RetryAfter, below.Quota
		f.Kinds |= below.Kinds &^ outcomes
	}
	if ctx.Err() == nil && (errors.Is(f.Cause, context.DeadlineExceeded) || errors.Is(f.Cause, context.Canceled)) {
		f.Kinds, f.Cause = f.Kinds|Unavailable, nil
	}
	f.Kinds |= NotSent
	return f
}
