package roq

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-roq/roq/internal/exchange"
	"github.com/go-roq/roq/internal/trace"
)

// Tracer receives the events of calls. Logs, traces and metrics are all made from these
// events. Every Tracer has these two methods. A Tracer that also implements
// [RequestTracer], [RequestHeaderTracer], [SettleTracer], [BatchStartTracer],
// [BatchTracer] or [JobTracer] receives those events too.
//
// A start method returns the context for everything until the end, including the end
// method. The methods are called on the goroutine that does the work, concurrently, and
// should return quickly. No event contains an address, key, token or body.
//
// Module github.com/go-roq/roq/otelroq has a Tracer for OpenTelemetry.
type Tracer interface {
	// TraceCallStart is called when a method of this package begins its work. A call
	// whose options are refused has no events.
	TraceCallStart(ctx context.Context, data TraceCallStartData) context.Context
	// TraceCallEnd is called when the call has ended. If the method returns a sequence,
	// that is when the loop ends.
	TraceCallEnd(ctx context.Context, data TraceCallEndData)
}

// RequestTracer receives the events of every HTTP request, including retries and
// requests for tokens. A request that was held back has no events.
type RequestTracer interface {
	// TraceRequestStart is called before a request is sent.
	TraceRequestStart(ctx context.Context, data TraceRequestStartData) context.Context
	// TraceRequestEnd is called when the response was read or the request has failed.
	TraceRequestEnd(ctx context.Context, data TraceRequestEndData)
}

// RequestHeaderTracer adds headers to requests, so that the platform can continue a trace
// ("traceparent").
type RequestHeaderTracer interface {
	// TraceRequestHeader is called after TraceRequestStart, with the context that it
	// returned. Headers that the request already has are not changed.
	TraceRequestHeader(ctx context.Context) http.Header
}

// SettleTracer receives the events of settling, which finds out an outcome by reading.
type SettleTracer interface {
	// TraceSettleStart is called before the first look-up.
	TraceSettleStart(ctx context.Context, data TraceSettleStartData) context.Context
	// TraceSettleEnd is called after the last one.
	TraceSettleEnd(ctx context.Context, data TraceSettleEndData)
}

// BatchStartTracer is called when a batch of [RoqPlatform.SendAllUserInvites] begins.
type BatchStartTracer interface {
	// TraceBatchStart returns the context for the requests of the batch.
	TraceBatchStart(ctx context.Context, data TraceBatchStartData) context.Context
}

// BatchTracer is called when a batch of [RoqPlatform.SendAllUserInvites] has ended.
type BatchTracer interface {
	// TraceBatchEnd gets the context of TraceBatchStart if the Tracer has that method,
	// and otherwise that of the call.
	TraceBatchEnd(ctx context.Context, data TraceBatchEndData)
}

// JobTracer receives the events of a queue whose workers send invites: see WithTracer of
// module github.com/go-roq/roq/roqriver.
type JobTracer interface {
	// TraceEnqueue is called when people are enqueued. The jobs that send them have what it
	// returns.
	TraceEnqueue(ctx context.Context) map[string]string
	// TraceJobStart is called when a worker takes a batch of people. It returns the context
	// for the work on it.
	TraceJobStart(ctx context.Context, data TraceJobStartData) context.Context
	// TraceJobEnd is called when the worker has given the batch back.
	TraceJobEnd(ctx context.Context, data TraceJobEndData)
}

// TraceCallStartData is the beginning of a call.
type TraceCallStartData struct {
	// Operation is the platform's name of the call ("sendUserInvites"). RequestID is the
	// x-request-id of its requests.
	Operation, RequestID string
	// Mutation is whether the call changes something.
	Mutation bool
	// Invites is the number of invites that the call is about; 0 for a list or a stream.
	Invites int
	// Loop is whether the call lasts as long as a loop of the caller:
	// [RoqPlatform.SendAllUserInvites], AllUserInvites, WatchUserInvites.
	Loop bool
}

// TraceJobStartData is the beginning of a job.
type TraceJobStartData struct {
	// Campaign is the name of the campaign.
	Campaign string
	// Invites is the number of invites in the batch that have no outcome yet.
	Invites int
	// Enqueued is what TraceEnqueue returned when the people were enqueued. For people who
	// were enqueued one by one, it is that of one of them.
	Enqueued map[string]string
	// Waited is how long the batch was ready before a worker took it.
	Waited time.Duration
}

// TraceJobEndData is the end of a job.
type TraceJobEndData struct {
	// Err says why not every invite has an outcome; nil if each has one, or the worker has
	// lost the batch to another one.
	Err error
	// Sent and Refused count the invites that got this outcome in the job. Unknown and
	// Waiting count those of the batch that are unknown, and that are still to be sent.
	Sent, Refused, Unknown, Waiting int
}

// TraceCallEndData is the end of a call.
type TraceCallEndData struct {
	// Err is the call's error, nil if it has none.
	Err error
	// Requests is the number of requests that the call made, including look-ups, but not
	// requests for tokens.
	Requests int
	// Sent, Refused, Unknown and NotSent count the invites of a send by outcome. In a
	// stream, inputs that are not valid count as refused, and duplicates as not sent.
	Sent, Refused, Unknown, NotSent int
}

// RequestPurpose is the purpose of a request.
type RequestPurpose string

// The purposes of requests.
const (
	// PurposeCall is for the operation of the call itself.
	PurposeCall RequestPurpose = exchange.PurposeCall
	// PurposeToken is for an access token, which several calls may share.
	PurposeToken RequestPurpose = exchange.PurposeToken
	// PurposeSettle is for a look-up.
	PurposeSettle RequestPurpose = exchange.PurposeLookUp
	// PurposePage is for a page of [RoqPlatform.AllUserInvites].
	PurposePage RequestPurpose = exchange.PurposePage
	// PurposeWatch is for a poll of [RoqPlatform.WatchUserInvites] or
	// [RoqPlatform.WaitUserInvite].
	PurposeWatch RequestPurpose = exchange.PurposeWatch
)

// TraceRequestStartData is the beginning of one HTTP request.
type TraceRequestStartData struct {
	// Operation is the operation of the request: a GraphQL operation, "authorize" or
	// "authorizeServiceAccount" for a token, or "session" or "findUsers" for those
	// endpoints.
	Operation string
	// Purpose is the purpose of the request.
	Purpose RequestPurpose
	// Attempt counts the requests that the call makes for the same thing, from 1. Invites
	// is the number of invites in this one.
	Attempt, Invites int
	// RequestID is the x-request-id. Host is the server's name and port.
	RequestID, Method, Host string
	// Waited is how long the request waited before it was sent: for a limiter, or because
	// the platform asked the client to wait.
	Waited time.Duration
}

// TraceRequestEndData is the end of one HTTP request.
type TraceRequestEndData struct {
	// StatusCode is the HTTP status of the response; 0 if there was none.
	StatusCode int
	// Outcome is the outcome of the request: "answered", "refused", "unauthorized",
	// "not sent", "untrusted certificate", "cut", "throttled", "intercepted", "unclear" or
	// "redirected".
	Outcome string
	// Err says why the outcome is not "answered". Its text has no secrets.
	Err error
	// RetryIn is the time until the request is repeated. It is 0 if the request is not
	// repeated, or only after its outcome was looked up.
	RetryIn time.Duration
	// RetryAfter is the wait that the response asks for; 0 if it asks for none.
	RetryAfter time.Duration
	// Quota is the request quota in the response.
	Quota Quota
}

// TraceSettleStartData is the beginning of settling.
type TraceSettleStartData struct {
	// Operation is the operation of the call.
	Operation string
	// Open is the number of invites with an unknown outcome.
	Open int
}

// TraceSettleEndData is the end of settling.
type TraceSettleEndData struct {
	// LookUps is the number of look-ups. Found is the number of invites with an outcome
	// that is known now, Open the number with an outcome that is still unknown.
	LookUps, Found, Open int
}

// TraceBatchStartData is the beginning of one batch of a stream.
type TraceBatchStartData struct {
	// Campaign is [SendAllUserInvitesInput].Campaign.
	Campaign string
	// Size is the number of invites in the batch.
	Size int
}

// TraceBatchEndData is the end of one batch of a stream.
type TraceBatchEndData struct {
	// Campaign is [SendAllUserInvitesInput].Campaign.
	Campaign string
	// Size is the number of invites in the batch. The other fields count them by outcome.
	// Those in Unknown and NotSent may be tried again, in another batch.
	Size, Sent, Refused, Unknown, NotSent int
	// Err says why not all invites were sent or refused; nil if they were.
	Err error
}

// WithTracer passes the events of calls to a [Tracer]. If the option is given several
// times, each Tracer receives all events, in the order of the options. By default there
// is no Tracer, which costs nothing.
func WithTracer(t Tracer) Option {
	return clientOption(func(o *options) error {
		if t == nil {
			return errors.New("roq: WithTracer: must not be nil")
		}
		o.tracers = append(o.tracers, t)
		return nil
	})
}

// TraceRequestFromContext returns the data of a request from its context, in a transport
// ([WithTransport], [WithHTTPClient]): for the name of a span, for example.
func TraceRequestFromContext(ctx context.Context) (TraceRequestStartData, bool) {
	r, ok := trace.Request(ctx)
	return requestStart(r), ok
}

func requestStart(r trace.RequestStart) TraceRequestStartData {
	return TraceRequestStartData{
		Operation: r.Operation, Purpose: RequestPurpose(r.Purpose), Attempt: r.Attempt, Invites: r.Invites,
		RequestID: r.RequestID, Method: r.Method, Host: r.Host, Waited: r.Waited,
	}
}

// tracers pass events on to Tracers.
type tracers []Tracer

// tracer returns what the packages below tell; nil if nobody listens.
func (o *options) tracer() trace.Tracer {
	var all tracers
	if o.logs {
		all = append(all, logTracer{o.logger})
	}
	if all = append(all, o.tracers...); len(all) == 0 {
		return nil
	}
	return all
}

// observe tells the tracer that a call begins. It returns the context of everything that
// the call does, and what tells of its end.
func (c *core) observe(ctx context.Context, call *exchange.Call, start trace.CallStart) (context.Context, func(trace.CallEnd)) {
	tracer := c.conn.Tracer
	if tracer == nil {
		return ctx, func(trace.CallEnd) {}
	}
	call.Requests = new(atomic.Int64)
	start.Operation, start.RequestID = call.Operation, call.RequestID
	ctx = tracer.CallStart(ctx, start)
	return ctx, func(end trace.CallEnd) {
		end.Requests = int(call.Requests.Load())
		tracer.CallEnd(ctx, end)
	}
}

// sent is the end of a send.
func sent(result *SendUserInvitesResult, err error) trace.CallEnd {
	end := trace.CallEnd{Err: err}
	if result != nil {
		end.Sent, end.Refused, end.Unknown, end.NotSent = len(result.Success), len(result.Errors), len(result.Unknown), len(result.NotSent)
	}
	return end
}

// count counts the outcome of one input of a stream.
func count(end *trace.CallEnd, o OutcomeStatus) {
	switch o {
	case OutcomeSent:
		end.Sent++
	case OutcomeRefused:
		end.Refused++
	case OutcomeUnknown:
		end.Unknown++
	default:
		end.NotSent++
	}
}

// The methods of tracers implement [trace.Tracer]. What starts first ends last.

func (ts tracers) CallStart(ctx context.Context, d trace.CallStart) context.Context {
	for _, t := range ts {
		ctx = t.TraceCallStart(ctx, TraceCallStartData(d))
	}
	return ctx
}

func (ts tracers) CallEnd(ctx context.Context, d trace.CallEnd) {
	for i := len(ts) - 1; i >= 0; i-- {
		ts[i].TraceCallEnd(ctx, TraceCallEndData(d))
	}
}

func (ts tracers) RequestStart(ctx context.Context, d trace.RequestStart) context.Context {
	for _, t := range ts {
		if t, ok := t.(RequestTracer); ok {
			ctx = t.TraceRequestStart(ctx, requestStart(d))
		}
	}
	return ctx
}

func (ts tracers) RequestHeader(ctx context.Context) http.Header {
	var all http.Header
	for _, t := range ts {
		t, ok := t.(RequestHeaderTracer)
		if !ok {
			continue
		}
		if all == nil {
			all = make(http.Header)
		}
		maps.Copy(all, t.TraceRequestHeader(ctx))
	}
	return all
}

func (ts tracers) RequestEnd(ctx context.Context, d trace.RequestEnd) {
	end := TraceRequestEndData{
		StatusCode: d.StatusCode, Outcome: d.Outcome, Err: d.Err, RetryIn: d.RetryIn, RetryAfter: d.RetryAfter,
		Quota: Quota{Limit: d.Limit, Remaining: d.Remaining, Reset: d.Reset},
	}
	for i := len(ts) - 1; i >= 0; i-- {
		if t, ok := ts[i].(RequestTracer); ok {
			t.TraceRequestEnd(ctx, end)
		}
	}
}

func (ts tracers) SettleStart(ctx context.Context, d trace.SettleStart) context.Context {
	for _, t := range ts {
		if t, ok := t.(SettleTracer); ok {
			ctx = t.TraceSettleStart(ctx, TraceSettleStartData(d))
		}
	}
	return ctx
}

func (ts tracers) SettleEnd(ctx context.Context, d trace.SettleEnd) {
	for i := len(ts) - 1; i >= 0; i-- {
		if t, ok := ts[i].(SettleTracer); ok {
			t.TraceSettleEnd(ctx, TraceSettleEndData(d))
		}
	}
}

func (ts tracers) BatchStart(ctx context.Context, d trace.BatchStart) context.Context {
	for _, t := range ts {
		if t, ok := t.(BatchStartTracer); ok {
			ctx = t.TraceBatchStart(ctx, TraceBatchStartData(d))
		}
	}
	return ctx
}

func (ts tracers) BatchEnd(ctx context.Context, d trace.BatchEnd) {
	d.Err = streamError(d.Err)
	for i := len(ts) - 1; i >= 0; i-- {
		if t, ok := ts[i].(BatchTracer); ok {
			t.TraceBatchEnd(ctx, TraceBatchEndData(d))
		}
	}
}
