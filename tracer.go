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

// Tracer is told what calls do: the one stream of events that logs, traces and metrics
// are made of. Every Tracer has these two methods. One that also implements
// [RequestTracer], [RequestHeaderTracer], [SettleTracer], [BatchStartTracer] or
// [BatchTracer] is told of those events too.
//
// A start method returns the context for everything in between; the end method gets
// it. The methods are called on the goroutine that does the work, by many at once, and
// should return soon. No address, key, token or body is in any event.
//
// Module github.com/go-roq/roq/otelroq has a Tracer for OpenTelemetry.
type Tracer interface {
	// TraceCallStart is called when a method of this package begins its work. A call
	// whose options are refused has no events.
	TraceCallStart(ctx context.Context, data TraceCallStartData) context.Context
	// TraceCallEnd is called when it has ended. For a method that returns a sequence,
	// that is when the loop has.
	TraceCallEnd(ctx context.Context, data TraceCallEndData)
}

// RequestTracer is told of every HTTP request, repeated ones and those for tokens
// included. A request that was kept back has no events.
type RequestTracer interface {
	// TraceRequestStart is called before a request leaves.
	TraceRequestStart(ctx context.Context, data TraceRequestStartData) context.Context
	// TraceRequestEnd is called when its answer was read, or it has failed.
	TraceRequestEnd(ctx context.Context, data TraceRequestEndData)
}

// RequestHeaderTracer adds headers to requests: those by which a trace goes on at the
// platform ("traceparent").
type RequestHeaderTracer interface {
	// TraceRequestHeader is called after TraceRequestStart, with the context that it
	// returned. Headers that the request has already stay as they are.
	TraceRequestHeader(ctx context.Context) http.Header
}

// SettleTracer is told when an outcome is found out by reading.
type SettleTracer interface {
	// TraceSettleStart is called before the first look-up.
	TraceSettleStart(ctx context.Context, data TraceSettleStartData) context.Context
	// TraceSettleEnd is called after the last one.
	TraceSettleEnd(ctx context.Context, data TraceSettleEndData)
}

// BatchStartTracer is told when a batch of [RoqPlatform.SendAllUserInvites] begins.
type BatchStartTracer interface {
	// TraceBatchStart returns the context for the requests of the batch.
	TraceBatchStart(ctx context.Context, data TraceBatchStartData) context.Context
}

// BatchTracer is told when a batch of [RoqPlatform.SendAllUserInvites] has ended.
type BatchTracer interface {
	// TraceBatchEnd gets the context of TraceBatchStart if the Tracer has that method,
	// and otherwise that of the call.
	TraceBatchEnd(ctx context.Context, data TraceBatchEndData)
}

// TraceCallStartData is the beginning of a call.
type TraceCallStartData struct {
	// Operation is the platform's name of it ("sendUserInvites"), RequestID what its
	// requests send as x-request-id.
	Operation, RequestID string
	// Mutation is whether the call changes something.
	Mutation bool
	// Invites is how many invites it is about; 0 for a list or a stream.
	Invites int
	// Loop is whether the call is a loop of the caller's, and lasts as long as that does:
	// [RoqPlatform.SendAllUserInvites], AllUserInvites, WatchUserInvites.
	Loop bool
}

// TraceCallEndData is the end of a call.
type TraceCallEndData struct {
	// Err is the call's error, nil if it has none.
	Err error
	// Requests is how many requests it made, look-ups included and those for tokens not.
	Requests int
	// Sent, Refused, Unknown and NotSent count the invites of a send by outcome. Inputs of
	// a stream that are not valid count as refused, and repeated addresses as not sent.
	Sent, Refused, Unknown, NotSent int
}

// RequestPurpose is what a request is for.
type RequestPurpose string

// The purposes of requests.
const (
	// PurposeCall is the purpose of the request that the call is about.
	PurposeCall RequestPurpose = exchange.PurposeCall
	// PurposeToken is that of a request for an access token, which several calls may
	// share.
	PurposeToken RequestPurpose = exchange.PurposeToken
	// PurposeSettle is that of a look-up.
	PurposeSettle RequestPurpose = exchange.PurposeLookUp
	// PurposePage is that of a page of [RoqPlatform.AllUserInvites].
	PurposePage RequestPurpose = exchange.PurposePage
	// PurposeWatch is that of a poll of [RoqPlatform.WatchUserInvites] or
	// [RoqPlatform.WaitUserInvite].
	PurposeWatch RequestPurpose = exchange.PurposeWatch
)

// TraceRequestStartData is the beginning of one HTTP request.
type TraceRequestStartData struct {
	// Operation is what the request asks for: a GraphQL operation, "authorize" or
	// "authorizeServiceAccount" for a token, "session" or "findUsers" for the endpoints
	// of those.
	Operation string
	// Purpose is what the request is for.
	Purpose RequestPurpose
	// Attempt counts the requests of the call for the same thing, from 1. Invites is how
	// many invites this one is about.
	Attempt, Invites int
	// RequestID is what is sent as x-request-id. Host is the server's name and port.
	RequestID, Method, Host string
	// Waited is how long it waited for its turn: for a limit, or because the platform
	// asked to be left alone.
	Waited time.Duration
}

// TraceRequestEndData is the end of one HTTP request.
type TraceRequestEndData struct {
	// StatusCode is the answer's; 0 if there was none.
	StatusCode int
	// Outcome is what follows for the request: "answered", "refused", "unauthorized",
	// "not sent", "untrusted certificate", "cut", "throttled", "intercepted", "unclear" or
	// "redirected".
	Outcome string
	// Err says why the outcome is not "answered". Its text has no secrets.
	Err error
	// RetryIn is how long it is until the request is repeated; 0 if it is not, or not
	// before its outcome was looked up.
	RetryIn time.Duration
	// RetryAfter is how long the answer asks to be left alone; 0 if it does not.
	RetryAfter time.Duration
	// Quota is what the answer says of how many requests are left.
	Quota Quota
}

// TraceSettleStartData is the beginning of finding out an outcome.
type TraceSettleStartData struct {
	// Operation is that of the call.
	Operation string
	// Open is how many invites have an outcome that is not known.
	Open int
}

// TraceSettleEndData is the end of finding out an outcome.
type TraceSettleEndData struct {
	// LookUps is how many look-ups there were. Found is for how many invites the outcome
	// is known now, and Open for how many it is not.
	LookUps, Found, Open int
}

// TraceBatchStartData is the beginning of one batch of a stream.
type TraceBatchStartData struct {
	// Campaign is [SendAllUserInvitesInput].Campaign.
	Campaign string
	// Size is how many invites are in it.
	Size int
}

// TraceBatchEndData is the end of one batch of a stream.
type TraceBatchEndData struct {
	// Campaign is [SendAllUserInvitesInput].Campaign.
	Campaign string
	// Size is how many invites were in it. Those of Unknown and NotSent may be tried
	// again, in another batch.
	Size, Sent, Refused, Unknown, NotSent int
	// Err says why not all were sent or refused; nil if they were.
	Err error
}

// WithTracer tells a [Tracer] what calls do. Several may be given; each is told of
// everything, in the order of the options. The default is none, which costs nothing.
func WithTracer(t Tracer) Option {
	return clientOption(func(o *options) error {
		if t == nil {
			return errors.New("roq: WithTracer: must not be nil")
		}
		o.tracers = append(o.tracers, t)
		return nil
	})
}

// TraceRequestFromContext returns what a request is for, from the context that it has
// in a transport ([WithTransport], [WithHTTPClient]): for the name of a span, say.
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
