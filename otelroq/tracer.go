package otelroq

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/go-roq/roq"
)

// scope is the name of the instrumentation.
const scope = "github.com/go-roq/roq/otelroq"

// The attributes that are not OpenTelemetry's.
const (
	operationKey = attribute.Key("roq.operation")
	loopKey      = attribute.Key("roq.loop")
	outcomeKey   = attribute.Key("roq.outcome")
	purposeKey   = attribute.Key("roq.request.purpose")
	answerKey    = attribute.Key("roq.request.outcome")
	resultKey    = attribute.Key("roq.settle.result")
	invitesKey   = attribute.Key("roq.invites")
	campaignKey  = attribute.Key("roq.campaign")
)

// tracer implements the interfaces of tracers that package roq has.
type tracer struct {
	options
	tracer  trace.Tracer
	metrics metrics
}

var _ interface {
	roq.Tracer
	roq.RequestTracer
	roq.RequestHeaderTracer
	roq.SettleTracer
	roq.BatchStartTracer
	roq.BatchTracer
	roq.JobTracer
} = (*tracer)(nil)

// NewTracer returns a Tracer for [roq.WithTracer]. It returns an error if an option is
// not valid, or if the MeterProvider refuses an instrument. The Tracer is safe for
// concurrent use, and several Clients may share it.
func NewTracer(opts ...Option) (roq.Tracer, error) {
	o, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	t := &tracer{options: *o, tracer: o.tracers.Tracer(scope, trace.WithInstrumentationVersion(roq.Version), trace.WithSchemaURL(semconv.SchemaURL))}
	t.metrics, err = newMetrics(o.meters.Meter(scope, metric.WithInstrumentationVersion(roq.Version), metric.WithSchemaURL(semconv.SchemaURL)))
	if err != nil {
		return nil, err
	}
	return t, nil
}

// call is what is kept of a call.
type call struct {
	roq.TraceCallStartData
	began time.Time
	// counted are the invites of batches that have ended.
	counted counts
}

// counts count invites.
type counts struct{ sent, refused atomic.Int64 }

// request is what is kept of a request.
type request struct {
	roq.TraceRequestStartData
	began time.Time
}

type (
	callKey    struct{}
	requestKey struct{}
)

// with returns attributes with those of [WithAttributes].
func (t *tracer) with(attributes ...attribute.KeyValue) []attribute.KeyValue {
	return append(attributes, t.attributes...)
}

// add adds attributes of a metric.
func (t *tracer) add(attributes ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributes(t.with(attributes...)...)
}

// graphQL returns the attributes of a GraphQL operation.
func graphQL(operation string, mutation bool) []attribute.KeyValue {
	switch operation {
	case "session", "findUsers", "authorize", "authorizeServiceAccount":
		return nil // plain HTTP
	}
	kind := semconv.GraphQLOperationTypeQuery
	if mutation {
		kind = semconv.GraphQLOperationTypeMutation
	}
	return []attribute.KeyValue{semconv.GraphQLOperationName(operation), kind}
}

func (t *tracer) TraceCallStart(ctx context.Context, d roq.TraceCallStartData) context.Context {
	attributes := t.with(graphQL(d.Operation, d.Mutation)...)
	attributes = append(attributes, attribute.String("roq.request.id", d.RequestID))
	if d.Loop {
		attributes = append(attributes, loopKey.Bool(true))
	}
	if d.Invites > 0 {
		attributes = append(attributes, invitesKey.Int(d.Invites))
	}
	ctx, _ = t.tracer.Start(ctx, "roq "+d.Operation, trace.WithAttributes(attributes...))
	return context.WithValue(ctx, callKey{}, &call{TraceCallStartData: d, began: time.Now()})
}

func (t *tracer) TraceCallEnd(ctx context.Context, d roq.TraceCallEndData) {
	c, ok := ctx.Value(callKey{}).(*call)
	if !ok {
		return
	}
	span := trace.SpanFromContext(ctx)
	defer span.End()
	attributes := []attribute.KeyValue{operationKey.String(c.Operation), loopKey.Bool(c.Loop)}
	if d.Err != nil {
		kind := semconv.ErrorTypeKey.String(errorType(d.Err))
		attributes = append(attributes, kind)
		span.SetAttributes(kind)
		span.SetStatus(codes.Error, message(d.Err))
	}
	t.metrics.calls.Record(ctx, time.Since(c.began).Seconds(), t.add(attributes...))
	t.count(ctx, "sent", int64(d.Sent)-c.counted.sent.Load())
	t.count(ctx, "refused", int64(d.Refused)-c.counted.refused.Load())
	t.count(ctx, "unknown", int64(d.Unknown))
	t.count(ctx, "not_sent", int64(d.NotSent))
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(attribute.Int("roq.requests", d.Requests))
	if d.Sent+d.Refused+d.Unknown+d.NotSent > 0 {
		span.SetAttributes(outcomes(d.Sent, d.Refused, d.Unknown, d.NotSent)...)
	}
}

// count counts invites by outcome.
func (t *tracer) count(ctx context.Context, outcome string, n int64) {
	if n > 0 {
		t.metrics.invites.Add(ctx, n, t.add(outcomeKey.String(outcome)))
	}
}

// outcomes are the attributes of a span that say how many invites had which outcome.
func outcomes(sent, refused, unknown, notSent int) []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.Int("roq.sent", sent), attribute.Int("roq.refused", refused), attribute.Int("roq.unknown", unknown), attribute.Int("roq.not_sent", notSent),
	}
}

// server returns the attributes of a server.
func server(host string) []attribute.KeyValue {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		return []attribute.KeyValue{semconv.ServerAddress(strings.Trim(host, "[]"))}
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return []attribute.KeyValue{semconv.ServerAddress(name)}
	}
	return []attribute.KeyValue{semconv.ServerAddress(name), semconv.ServerPort(n)}
}

func (t *tracer) TraceRequestStart(ctx context.Context, d roq.TraceRequestStartData) context.Context {
	t.metrics.waits.Record(ctx, d.Waited.Seconds(), t.add(operationKey.String(d.Operation)))
	if !t.noRequests {
		attributes := append(t.with(server(d.Host)...), semconv.HTTPRequestMethodKey.String(d.Method), purposeKey.String(string(d.Purpose)))
		if d.Method == http.MethodPost {
			c, _ := ctx.Value(callKey{}).(*call)
			attributes = append(attributes, graphQL(d.Operation, c != nil && c.Mutation && d.Purpose == roq.PurposeCall)...)
		}
		if d.Attempt > 1 {
			attributes = append(attributes, semconv.HTTPRequestResendCount(d.Attempt-1))
		}
		if d.Invites > 0 {
			attributes = append(attributes, invitesKey.Int(d.Invites))
		}
		if d.Waited > 0 {
			attributes = append(attributes, attribute.Float64("roq.request.wait", d.Waited.Seconds()))
		}
		options := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...)}
		if c, ok := ctx.Value(callKey{}).(*call); ok && c.Loop && d.Purpose == roq.PurposeWatch {
			options = append(options, trace.WithNewRoot(), trace.WithLinks(trace.LinkFromContext(ctx)))
		}
		ctx, _ = t.tracer.Start(ctx, d.Method+" "+d.Operation, options...)
	}
	return context.WithValue(ctx, requestKey{}, &request{TraceRequestStartData: d, began: time.Now()})
}

func (t *tracer) TraceRequestHeader(ctx context.Context) http.Header {
	if t.propagator == nil {
		return nil
	}
	h := make(http.Header)
	t.propagator.Inject(ctx, propagation.HeaderCarrier(h))
	return h
}

func (t *tracer) TraceRequestEnd(ctx context.Context, d roq.TraceRequestEndData) {
	r, ok := ctx.Value(requestKey{}).(*request)
	if !ok {
		return
	}
	outcome := strings.ReplaceAll(d.Outcome, " ", "_")
	t.metrics.requests.Add(ctx, 1, t.add(purposeKey.String(string(r.Purpose)), answerKey.String(outcome)))
	if t.noRequests {
		return
	}
	attributes := append(server(r.Host), semconv.HTTPRequestMethodKey.String(r.Method), operationKey.String(r.Operation))
	if d.StatusCode != 0 {
		attributes = append(attributes, semconv.HTTPResponseStatusCode(d.StatusCode))
	}
	kind := requestErrorType(d.StatusCode, outcome)
	if kind != "" {
		attributes = append(attributes, semconv.ErrorTypeKey.String(kind))
	}
	t.metrics.durations.Record(ctx, time.Since(r.began).Seconds(), t.add(attributes...))

	span := trace.SpanFromContext(ctx)
	defer span.End()
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(answerKey.String(outcome))
	if d.StatusCode != 0 {
		span.SetAttributes(semconv.HTTPResponseStatusCode(d.StatusCode))
	}
	if kind != "" {
		span.SetAttributes(semconv.ErrorTypeKey.String(kind))
		span.SetStatus(codes.Error, "")
	}
	if d.RetryAfter > 0 {
		span.SetAttributes(attribute.Float64("roq.retry_after", d.RetryAfter.Seconds()))
	}
	if d.Quota != (roq.Quota{}) {
		span.SetAttributes(attribute.Int("roq.quota.limit", d.Quota.Limit), attribute.Int("roq.quota.remaining", d.Quota.Remaining))
	}
	if d.RetryIn > 0 {
		span.AddEvent("retry", trace.WithAttributes(attribute.Float64("roq.retry.in", d.RetryIn.Seconds())))
	}
}

func (t *tracer) TraceSettleStart(ctx context.Context, d roq.TraceSettleStartData) context.Context {
	ctx, _ = t.tracer.Start(ctx, "roq settle", trace.WithAttributes(t.with(invitesKey.Int(d.Open))...))
	return ctx
}

func (t *tracer) TraceSettleEnd(ctx context.Context, d roq.TraceSettleEndData) {
	result := "some"
	switch {
	case d.Open == 0:
		result = "all"
	case d.Found == 0:
		result = "none"
	}
	t.metrics.settles.Add(ctx, 1, t.add(resultKey.String(result)))
	span := trace.SpanFromContext(ctx)
	span.SetAttributes(attribute.Int("roq.settle.look_ups", d.LookUps), attribute.Int("roq.settle.found", d.Found), attribute.Int("roq.settle.open", d.Open),
		resultKey.String(result))
	span.End()
}

// TraceBatchStart begins a trace of its own: a campaign of days would be a trace that
// nothing can show.
func (t *tracer) TraceBatchStart(ctx context.Context, d roq.TraceBatchStartData) context.Context {
	ctx, _ = t.tracer.Start(ctx, "roq batch", trace.WithNewRoot(), trace.WithLinks(trace.LinkFromContext(ctx)),
		trace.WithAttributes(t.with(invitesKey.Int(d.Size))...))
	return ctx
}

func (t *tracer) TraceBatchEnd(ctx context.Context, d roq.TraceBatchEndData) {
	t.metrics.sizes.Record(ctx, int64(d.Size), t.add())
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		c.counted.sent.Add(int64(d.Sent))
		c.counted.refused.Add(int64(d.Refused))
	}
	t.count(ctx, "sent", int64(d.Sent))
	t.count(ctx, "refused", int64(d.Refused))
	span := trace.SpanFromContext(ctx)
	span.SetAttributes(outcomes(d.Sent, d.Refused, d.Unknown, d.NotSent)...)
	if d.Err != nil {
		span.SetAttributes(semconv.ErrorTypeKey.String(errorType(d.Err)))
		span.SetStatus(codes.Error, message(d.Err))
	}
	span.End()
}
