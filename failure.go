package roq

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/go-roq/roq/internal/transport"
	"github.com/go-roq/roq/internal/wire"
)

// error makes an error of the call so far.
func (c *call) error(message string, kinds ...error) *Error {
	return &Error{Operation: c.operation, Message: message, Attempts: c.attempts, RequestID: c.opt.requestID, kinds: kinds}
}

// failure makes the error of a request whose last attempt was not simply
// answered: with errors beside the data, or not at all. Then its errors are in the
// body.
func (c *call) failure(errs ...wire.Error) *Error {
	result := c.last
	e := c.error("")
	e.cause = c.hide(result.Err)
	if answer := result.Answer; answer != nil {
		if errs == nil {
			errs = wire.Errors(answer.Body)
		}
		e.StatusCode = answer.Status
		e.RequestID = cmp.Or(c.identifier(answer.Header.Get(transport.RequestID)), e.RequestID)
	}
	messages := make([]string, 0, 1)
	for _, err := range errs {
		if kind := kindOf(err); kind != nil && !slices.Contains(e.kinds, kind) {
			e.kinds = append(e.kinds, kind)
		}
		if err.Message != "" {
			messages = append(messages, err.Message)
		}
	}
	if len(errs) > 0 {
		e.Code = c.identifier(errs[0].Code)
		e.StatusCode = cmp.Or(errs[0].Status, e.StatusCode)
	}
	if len(messages) == 0 {
		messages = append(messages, describe(result))
	}
	e.Message = c.scrub(strings.Join(messages, "; "))
	e.kinds = append(e.kinds, kindsOf(result, e.kinds)...)
	return e
}

// scrub is [scrub] with the secrets that the call sent.
func (c *call) scrub(text string) string {
	return scrub(text, c.core.cfg.APIKey, strings.TrimPrefix(c.core.cfg.basic, "Basic "), c.credential)
}

// identifier is [identifier] for what is none of the secrets.
func (c *call) identifier(s string) string {
	if c.scrub(s) != s {
		return ""
	}
	return identifier(s)
}

// hide makes a cause of an error from outside; nil stays nil.
func (c *call) hide(err error) error {
	if err == nil {
		return nil
	}
	return &hidden{text: c.scrub(err.Error()), err: err}
}

// describe says what happened where the platform's answer does not.
func describe(result transport.Result) string {
	switch {
	case result.Interrupted:
		return result.Err.Error()
	case result.Outcome == transport.Redirected:
		return "the answer redirects elsewhere, which is not followed"
	case result.Answer != nil && result.Answer.Status >= 300:
		return cmp.Or(strings.ToLower(http.StatusText(result.Answer.Status)), "failed")
	case result.Err != nil:
		return result.Err.Error()
	default:
		return "the platform gave errors beside the data"
	}
}

// kindsOf adds to the kinds that the platform's errors gave what the outcome of
// the request itself means.
func kindsOf(result transport.Result, given []error) []error {
	var kinds []error
	if len(given) == 0 && result.Answer != nil {
		if kind := kindByStatus(result.Answer.Status); kind != nil {
			kinds = append(kinds, kind)
		}
	}
	switch result.Outcome {
	case transport.Held:
		if !result.Maybe {
			kinds = append(kinds, ErrNotSent)
		}
	case transport.Unsent, transport.Untrusted:
		if !result.Maybe {
			kinds = append(kinds, ErrNotSent)
		}
		fallthrough
	case transport.Cut, transport.Unclear, transport.Redirected:
		// A caller that gave up says nothing about the platform.
		if !result.Interrupted {
			kinds = append(kinds, ErrUnavailable)
		}
	}
	if result.Action == transport.Settle {
		kinds = append(kinds, ErrOutcomeUnknown)
	}
	return kinds
}

// without returns the kinds that are not that one.
func without(kinds []error, one error) []error {
	return slices.DeleteFunc(slices.Clone(kinds), func(kind error) bool { return errors.Is(kind, one) })
}

// noToken makes the error of a call that got no access token, and so did not ask
// for what it is about. The token request may be shared with other calls, whose
// contexts have nothing to do with this one's.
func (c *call) noToken(ctx context.Context, err error) *Error {
	e := c.error("no access token: "+c.scrub(err.Error()), ErrNotSent)
	if c.last.Maybe {
		e.kinds = []error{ErrOutcomeUnknown}
	}
	e.cause = c.hide(err)
	if below := (*Error)(nil); errors.As(err, &below) {
		e.Message = "no access token: " + below.Message
		e.Code, e.StatusCode, e.cause = below.Code, below.StatusCode, below.cause
		e.kinds = append(e.kinds, without(below.kinds, ErrNotSent)...)
	}
	if ctx.Err() == nil && (errors.Is(e, context.DeadlineExceeded) || errors.Is(e, context.Canceled)) {
		e.kinds, e.cause = append(e.kinds, ErrUnavailable), nil
	}
	return e
}
