// Package transport is the one way out: every request to the platform and to
// the application's endpoints goes through [Sender.Do], and only this package
// knows go-retryablehttp.
//
// It sends, limits, and repeats what may be repeated; policy.go holds the rule
// for that. It does not know GraphQL: whether a 2xx answer is what was asked for
// is judged by a function that comes with the request.
package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/go-roq/roq/internal/trace"
)

// RequestID is the header that names a call in logs, in the platform's and in
// the error.
const RequestID = "X-Request-Id"

// Config is what a [Sender] is made of.
type Config struct {
	Client           *http.Client // nil means one of our own
	Wrap             []func(http.RoundTripper) http.RoundTripper
	MaxResponseBytes int64
	MaxConnAge       time.Duration // of a connection; zero means no bound
	Limiter          Limiter       // nil means no limit
	Tracer           trace.Tracer  // nil is told nothing
}

// Sender sends requests. It is safe for concurrent use.
type Sender struct {
	client    http.Client
	closeIdle func()
	maxBytes  int64
	tracer    trace.Tracer

	pauses pauses
	limit  Limiter
	bodies bodies
}

// New returns a Sender. It fails if a wrapper returns no RoundTripper.
func New(cfg Config) (*Sender, error) {
	client, closeIdle, err := clientFor(cfg)
	if err != nil {
		return nil, err
	}
	return &Sender{client: client, closeIdle: closeIdle, maxBytes: cfg.MaxResponseBytes, tracer: cfg.Tracer, limit: cfg.Limiter}, nil
}

// CloseIdleConnections closes the connections that no request is using.
func (s *Sender) CloseIdleConnections() { s.closeIdle() }

// Do makes the call: up to Pace.MaxAttempts requests, as long as ctx lasts.
func (s *Sender) Do(ctx context.Context, r Request) Result {
	if t := s.client.Timeout; t > 0 && (r.Timeout == 0 || t < r.Timeout) {
		r.Timeout = t
	}
	c := &call{sender: s, request: r, cancel: func() {}}
	if ctx.Err() != nil {
		return Result{Outcome: Unsent, Action: Stop, Err: interrupted(ctx, nil), Interrupted: true}
	}
	callers := ctx
	ctx, cancel := s.bound(ctx, r)
	defer cancel()
	asked := time.Now()
	if !r.HasTurn {
		if err := s.Turn(ctx, r.Origin, r.Pace.Longest()); err != nil {
			return Result{Outcome: Unsent, Action: Stop, Err: err, Interrupted: errors.Is(err, errNoTime) || callers.Err() != nil}
		}
	}
	c.request.HasTurn = true
	c.result.Began = time.Now()
	c.waited = c.result.Began.Sub(asked)
	req, err := retryablehttp.NewRequestWithContext(ctx, r.Method, r.URL, r.Body)
	if err != nil {
		return Result{Outcome: Unsent, Action: Stop, Err: errors.New("the request's address is malformed")}
	}
	req.Header = r.Header
	// With GetBody net/http could repeat the request by itself.
	req.GetBody = nil
	req.SetResponseHandler(c.read)

	c.client = s.client
	c.client.Transport, c.client.Timeout = c, 0
	if r.NoCookies {
		c.client.Jar = nil
	}
	// The policy belongs to a Client of go-retryablehttp, so each call has one.
	c.retrying.HTTPClient = &c.client
	c.retrying.RetryMax = r.Pace.MaxAttempts - 1
	c.retrying.RequestLogHook = c.begin
	c.retrying.CheckRetry = c.check
	c.retrying.Backoff = func(time.Duration, time.Duration, int, *http.Response) time.Duration { return c.wait }
	c.retrying.ErrorHandler = retryablehttp.PassthroughErrorHandler
	// What it returns is the last attempt's, which c has read, closed and judged.
	_, _ = c.retrying.Do(req) //nolint:bodyclose // by read
	undecided := c.result.Answer == nil && c.result.Outcome != Answered || c.result.Action == Retry
	switch {
	case c.noTime:
		c.result.Err = fmt.Errorf("%w; the last attempt: %w", errNoTime, c.result.Err)
	case undecided && ctx.Err() != nil:
		c.result.Err, c.result.Interrupted = interrupted(ctx, c.result.Err), callers.Err() != nil
	}
	return c.result
}

// longestCall bounds a request with its retries for a caller whose context has no
// deadline.
const longestCall = 5 * time.Minute

// bound gives a context an end if it and the settings of the call leave it
// without one that is near.
func (s *Sender) bound(ctx context.Context, r Request) (context.Context, context.CancelFunc) {
	_, has := ctx.Deadline()
	if has || r.Timeout > 0 && time.Duration(r.Pace.MaxAttempts)*(r.Timeout+r.Pace.MaxWait) <= longestCall {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, longestCall)
}

// call is the state of one Do. Its methods are called one after the other.
type call struct {
	sender   *Sender
	request  Request
	client   http.Client
	retrying retryablehttp.Client
	progress progress
	result   Result
	// cancel ends the context of the attempt.
	cancel context.CancelFunc
	// wait is how long to wait before the next attempt, noTime is whether the context
	// would end before it.
	wait   time.Duration
	noTime bool
	// late is why the attempt did not get its turn, waited how long it waited for that.
	late   error
	waited time.Duration
	// traced is the context of the attempt that the tracer knows of; nil if there is none.
	traced context.Context //nolint:containedctx // it is handed back with the end
}

// errTimeout is why an attempt ended that lasted too long.
var errTimeout = fmt.Errorf("no complete response within the timeout of an attempt (WithTimeout): %w", context.DeadlineExceeded)

// RoundTrip implements [http.RoundTripper]: it makes one attempt. The call is the
// transport of its own HTTP client for two reasons. The time-out of a client
// takes a goroutine and a timer of their own where net/http does not know the
// transport; that of a context takes neither. And go-retryablehttp would close
// everybody's idle connections after every call that fails for good, but does not
// find the method here.
func (c *call) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	err := ctx.Err() // it may have ended while the attempt waited for its turn
	if err == nil {
		err = c.late
	}
	if err == nil && c.request.Leaving != nil {
		err = c.request.Leaving(ctx)
	}
	if err != nil {
		return nil, heldError{err}
	}
	ours, direct := c.sender.client.Transport.(traced)
	if tracer := c.sender.tracer; tracer != nil || !direct {
		start := c.start(req)
		if tracer != nil {
			ctx = tracer.RequestStart(ctx, start)
			c.traced = ctx
			returned := false
			defer func() {
				if !returned { // a transport of the caller's panicked, or ended its goroutine
					c.end(0)
				}
			}()
			if !direct {
				ctx = trace.WithRequest(ctx, start)
			}
			resp, err := c.send(ctx, withHeaders(req, tracer.RequestHeader(ctx)), ours, direct)
			returned = true
			return resp, err
		}
		ctx = trace.WithRequest(ctx, start)
	}
	return c.send(ctx, req, ours, direct)
}

// withHeaders returns the request with those headers, apart from names that it has.
func withHeaders(req *http.Request, add http.Header) *http.Request {
	if len(add) == 0 {
		return req
	}
	one := *req
	one.Header = req.Header.Clone()
	for name, values := range add {
		if name = http.CanonicalHeaderKey(name); one.Header[name] == nil {
			one.Header[name] = values
		}
	}
	return &one
}

// start is what the tracer is told of an attempt.
func (c *call) start(req *http.Request) trace.RequestStart {
	return trace.RequestStart{
		Operation: c.request.Operation, Purpose: c.request.Purpose, Attempt: c.request.Before + c.result.Attempts + 1, Invites: c.request.Invites,
		RequestID: c.request.Header.Get(RequestID), Method: req.Method, Host: req.URL.Host, Waited: c.waited,
	}
}

// end tells the tracer how the attempt ended, and when the next one will be.
func (c *call) end(retryIn time.Duration) {
	if c.traced == nil {
		return
	}
	end := trace.RequestEnd{Outcome: c.result.Outcome.String(), RetryIn: retryIn}
	if err := c.result.Err; err != nil && c.request.Hide != nil {
		end.Err = c.request.Hide(err)
	}
	if a := c.result.Answer; a != nil {
		end.StatusCode, end.RetryAfter = a.Status, a.RetryAfter
		quota := a.Quota()
		end.Limit, end.Remaining, end.Reset = quota.Limit, quota.Remaining, quota.Reset
	}
	c.sender.tracer.RequestEnd(c.traced, end)
	c.traced = nil
}

// send sends the request of one attempt.
func (c *call) send(ctx context.Context, req *http.Request, ours traced, direct bool) (*http.Response, error) {
	if c.request.Timeout > 0 {
		ctx, c.cancel = context.WithTimeoutCause(ctx, c.request.Timeout, errTimeout)
	}
	if direct {
		return ours.record(ctx, req, &c.progress)
	}
	return c.sender.client.Transport.RoundTrip(req.WithContext(context.WithValue(ctx, progressKey{}, &c.progress)))
}

// heldError is why an attempt was kept here.
type heldError struct{ error }

func (e heldError) Unwrap() error { return e.error }

// errJudged stands for a failure that read has put into the result.
var errJudged = errors.New("judged")

// begin is called before each attempt. A cookie jar adds to the headers, so an
// attempt has its own.
func (c *call) begin(_ retryablehttp.Logger, req *http.Request, _ int) {
	if !c.request.HasTurn && c.sender.limit != nil {
		// The wait before it was that of backoff, pauses included.
		asked := time.Now()
		defer func() { c.waited = time.Since(asked) }()
		c.late = c.sender.Turn(req.Context(), c.request.Origin, c.request.Pace.Longest())
	}
	c.request.HasTurn = false
	c.result.LastBegan = time.Now()
	c.progress.reset()
	if c.sender.client.Jar != nil {
		req.Header = c.request.Header.Clone()
	}
}

// check decides whether to try again. go-retryablehttp calls it when an attempt
// has got its headers or failed to, and again when read has judged the body.
func (c *call) check(ctx context.Context, _ *http.Response, err error) (bool, error) {
	if err == nil {
		return false, nil
	}
	if !errors.Is(err, errJudged) {
		c.cancel()
		c.fail(err)
	}
	c.result.Action = Decide(c.request.Class, c.result.Outcome)
	if c.result.Outcome == Cut && len(c.request.Body) > largeBody {
		c.result.Action = Stop
	}
	if c.result.Action != Retry || c.result.Attempts == c.request.Pace.MaxAttempts || ctx.Err() != nil {
		c.end(0)
		return false, err
	}
	c.wait = c.backoff()
	if c.noTime = noTime(ctx, c.wait); c.noTime {
		c.end(0)
		return false, err
	}
	c.end(c.wait)
	return true, err
}

// largeBody is longer than what a kernel takes without a reader. When such a body is
// cut, its size may be the reason: whoever can ask for less does.
const largeBody = 64 << 10

// fail records an attempt that got no answer.
func (c *call) fail(err error) {
	// A *url.Error repeats the address, which may hold a query about somebody.
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	outcome := c.progress.outcome(err)
	if errors.As(err, new(heldError)) {
		outcome = Held
	}
	c.record(outcome, nil, err)
}

// read reads an answer to its end and judges it.
func (c *call) read(resp *http.Response) error {
	answer := &Answer{Status: resp.StatusCode, Header: resp.Header, Received: time.Now()}
	answer.Date = parseDate(resp.Header)
	answer.RetryAfter = askedPause(resp.Header, answer.now())
	limit := c.sender.maxBytes
	asked := c.request.MaxBytes > 0 && c.request.MaxBytes < limit
	if asked {
		limit = c.request.MaxBytes
	}
	body, err := c.sender.bodies.read(resp, limit)
	if asked && errors.Is(err, errTooLarge) {
		err = fmt.Errorf("it is longer than expected for this request (%d bytes)", limit)
	}
	_ = resp.Body.Close()
	c.cancel()
	if err == nil {
		answer.Body = body.Bytes()
	}
	switch outcome := StatusOutcome(resp.StatusCode, func() bool { return c.request.Own == nil || err == nil && c.request.Own(answer.Body) }); {
	case outcome != Answered && err == nil && c.request.HasData != nil && c.request.HasData(answer.Body):
		// Something was done, whatever the status says.
		if outcome, err = c.request.Judge(answer.Body); outcome != Answered {
			outcome = Unclear
		}
		c.record(outcome, answer, err)
	case outcome != Answered:
		// The status says enough, however the reading of the body ended.
		c.record(outcome, answer, fmt.Errorf("HTTP status %d", resp.StatusCode))
	case err != nil:
		c.record(Unclear, nil, fmt.Errorf("reading the response: %w", err))
	case !meansJSON(resp.Header["Content-Type"]):
		c.record(Unclear, answer, errors.New("the response's Content-Type is not JSON"))
	default:
		outcome, err = c.request.Judge(answer.Body)
		c.record(outcome, answer, err)
	}
	if c.result.Outcome != Answered {
		return errJudged
	}
	c.end(0)
	answer.Body = nil
	c.sender.bodies.recycle(body)
	return nil
}

// record records the outcome of the attempt.
func (c *call) record(outcome Outcome, answer *Answer, err error) {
	if n := len(c.request.Body); n > 0 && (outcome.Maybe() || outcome.Throttled()) && c.progress.short(n) {
		outcome = Cut
	}
	c.result.Attempts++
	c.result.Maybe = c.result.Maybe || outcome.Maybe()
	c.result.Throttled = c.result.Throttled || outcome.Throttled()
	if answer != nil && answer.RetryAfter > 0 && (outcome.Throttled() || answer.Status == http.StatusServiceUnavailable) {
		c.sender.pauses.add(c.request.Origin, answer.RetryAfter)
		if p, ok := c.sender.limit.(pauser); ok {
			p.Pause(context.Background(), min(answer.RetryAfter, c.request.Pace.Longest()))
		}
	}
	c.result.Outcome, c.result.Answer, c.result.Err = outcome, answer, err
}

// backoff is how long to wait before the next attempt.
func (c *call) backoff() time.Duration {
	var asked time.Duration
	if c.result.Answer != nil {
		asked = c.result.Answer.RetryAfter
	}
	return max(c.request.Pace.waitAfter(c.result.Attempts, asked), min(c.sender.pauses.left(c.request.Origin, c.request.Pace.Longest()), c.request.Pace.Longest()))
}

// interrupted puts the end of the context in front of the error that it caused
// or cut off from a next attempt.
func interrupted(ctx context.Context, err error) error {
	ended := ctx.Err()
	if cause := context.Cause(ctx); !errors.Is(cause, ended) {
		ended = fmt.Errorf("%w: %w", ended, cause)
	}
	if err == nil || errors.Is(err, ctx.Err()) {
		return ended
	}
	return fmt.Errorf("%w; the last attempt: %w", ended, err)
}
