package roq

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/go-roq/roq/internal/transport"
	"github.com/go-roq/roq/internal/wire"
)

// call is one call of a method by a user of this package: under one name, one
// request id and one set of options it may make several requests.
type call struct {
	core      *core
	operation string
	opt       callOptions
	attempts  int // in all

	// What follows is about the request that the call is at: see next.

	// left is how many attempts it may still make. Retries, a fresh token and
	// repeating what was settled share it.
	left int
	// began is when its first attempt did; zero if there was none yet.
	began time.Time
	// last is what the latest attempts came to.
	last transport.Result
	// credential is what they act with, for an error to blank: an access token or
	// cookies.
	credential string
	// hasTurn is whether the next request need not wait for its turn.
	hasTurn bool
	// leaving, if there is one, is called before an attempt to change something
	// leaves, and may keep it here.
	leaving func(context.Context) error
}

// next readies the call for its next request.
func (c *call) next() {
	c.left, c.began, c.last = c.opt.pace.MaxAttempts, time.Time{}, transport.Result{}
}

// begin refuses what is wrong with any call, before anything is sent.
func (c *core) begin(ctx context.Context, operation string, opts []CallOption) (*call, error) {
	if ctx == nil {
		return nil, invalid(operation, "the context is nil")
	}
	opt, err := c.opt.forCall(opts)
	if err != nil {
		return nil, invalid(operation, strings.TrimPrefix(err.Error(), "roq: "))
	}
	opt.requestID = cmp.Or(opt.requestID, rand.Text())
	call := &call{core: c, operation: operation, opt: opt}
	call.next()
	return call, nil
}

// begin is [core.begin] for a call that an identity makes.
func (as *identity) begin(ctx context.Context, operation string, opts []CallOption) (*call, error) {
	if as.err != nil {
		e := *as.err
		e.Operation = operation
		return nil, &e
	}
	return as.core.begin(ctx, operation, opts)
}

// graphQL makes one GraphQL request as an identity. The data is there beside the
// error if the platform answered with both; it is never nil.
func graphQL[T wire.Data](ctx context.Context, as *identity, op wire.Operation[T], variables any, opts []CallOption) (*T, error) {
	c, err := as.begin(ctx, op.Name, opts)
	if err != nil {
		return new(T), err
	}
	return exchange(ctx, c, as, op, variables)
}

// exchange makes the next request of a call that may make more.
func exchange[T wire.Data](ctx context.Context, c *call, as *identity, op wire.Operation[T], variables any) (*T, error) {
	c.next()
	return attempt(ctx, c, as, op, variables)
}

// attempt makes a request, or makes it again, within what is left of its budget.
// If the token is refused it tries once with a fresh one.
func attempt[T wire.Data](ctx context.Context, c *call, as *identity, op wire.Operation[T], variables any) (*T, error) {
	body, err := op.Request(variables)
	if err != nil {
		return new(T), invalid(c.operation, "the variables cannot be encoded as JSON")
	}
	var answer wire.Answer[T]
	request := transport.Request{
		Class:   op.Class,
		Method:  http.MethodPost,
		URL:     c.core.cfg.PlatformURL + wire.GraphQLPath,
		Origin:  c.core.cfg.PlatformURL,
		Body:    body,
		HasData: wire.HasData,
		Judge: func(body []byte) (transport.Outcome, error) {
			answer, err = wire.Decode[T](body)
			if err != nil {
				return transport.Unclear, err
			}
			return judge(answer.Data != nil, answer.Partial, answer.Errors)
		},
	}
	for fresh := false; ; fresh = true {
		accessToken, err := as.token(ctx, c.opt.requestID)
		if err != nil {
			return new(T), c.noToken(ctx, err)
		}
		request.Header = c.header(accessToken)
		request.Header.Set(wire.ServerAuthorization, c.core.cfg.basic)
		answer = wire.Answer[T]{}
		c.send(ctx, request)
		if c.last.Outcome == transport.Unauthorized && !fresh && as.renew(accessToken) {
			continue
		}
		if answer.Data == nil {
			answer.Data = new(T)
		}
		if c.last.Outcome != transport.Answered {
			return answer.Data, c.failure()
		}
		if len(answer.Errors) > 0 {
			return answer.Data, c.failure(answer.Errors...)
		}
		return answer.Data, nil
	}
}

// judge says what a GraphQL answer means. Only an error that is known to be a
// refusal is one: any other may have come after the work was done. Of several
// the least certain counts.
func judge(data, partial bool, errs []wire.Error) (transport.Outcome, error) {
	if data {
		return transport.Answered, nil
	}
	outcome := transport.Refused
	if partial {
		outcome = transport.Unclear
	}
	for _, e := range errs {
		switch kind := kindOf(e); {
		case errors.Is(kind, ErrUnauthorized):
			outcome = max(outcome, transport.Unauthorized)
		case errors.Is(kind, ErrRateLimited):
			outcome = max(outcome, transport.Throttled)
		case errors.Is(kind, ErrUnavailable), kind == nil && !e.Own:
			outcome = max(outcome, transport.Unclear)
		}
	}
	return outcome, errors.New("the platform answered with an error")
}

// send makes one request, with the call's settings and within its budget: one
// attempt in any case, for the fresh token.
func (c *call) send(ctx context.Context, r transport.Request) {
	r.Operation, r.Timeout, r.Pace = c.operation, c.opt.timeout, c.opt.pace
	r.Pace.MaxAttempts = max(1, c.left)
	if r.Class != transport.Query {
		r.Leaving = c.leaving
	}
	r.HasTurn, c.hasTurn = c.hasTurn, false
	if r.Body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	maybe := c.last.Maybe
	c.last = c.core.sender.Do(ctx, r)
	c.last.Maybe = r.Class != transport.Query && (c.last.Maybe || maybe)
	if c.last.Maybe && c.last.Outcome != transport.Answered {
		// Whatever this attempt came to, an earlier one may have been processed.
		c.last.Action = transport.Settle
	}
	if c.began.IsZero() {
		c.began = c.last.Began
	}
	c.attempts += c.last.Attempts
	c.left -= c.last.Attempts
}

// header returns the headers of a request; the access token may be empty. They
// are the request's own, for whoever stands between this package and the network.
func (c *call) header(accessToken string) http.Header {
	h := make(http.Header, 6)
	values := make([]string, 0, 4) // one allocation for all
	set := func(name, value string) {
		values = append(values, value)
		h[name] = values[len(values)-1 : len(values) : len(values)]
	}
	set("Accept", "*/*")
	set("User-Agent", c.core.opt.userAgent)
	set(transport.RequestID, c.opt.requestID)
	c.credential = accessToken
	if accessToken != "" {
		set(wire.UserAuthorization, "Bearer "+accessToken)
	}
	return h
}
