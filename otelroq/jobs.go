package otelroq

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/go-roq/roq"
)

// job is what is kept of a queue's job.
type job struct {
	campaign string
	began    time.Time
}

type jobKey struct{}

// link carries the span of whoever enqueues to the jobs. It stays in the application's
// database, so it needs no propagator of the application.
var link propagation.TraceContext

func (t *tracer) TraceEnqueue(ctx context.Context) map[string]string {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return nil
	}
	carrier := propagation.MapCarrier{}
	link.Inject(ctx, carrier)
	return carrier
}

// TraceJobStart begins a trace of its own: a job may run days after it was enqueued.
func (t *tracer) TraceJobStart(ctx context.Context, d roq.TraceJobStartData) context.Context {
	t.metrics.jobWaits.Record(ctx, d.Waited.Seconds(), t.add(campaignKey.String(d.Campaign)))
	options := []trace.SpanStartOption{
		trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(t.with(campaignKey.String(d.Campaign), invitesKey.Int(d.Invites))...),
	}
	if from := link.Extract(context.Background(), propagation.MapCarrier(d.Enqueued)); trace.SpanContextFromContext(from).IsValid() {
		options = append(options, trace.WithLinks(trace.LinkFromContext(from)))
	}
	ctx, _ = t.tracer.Start(ctx, "roq job", options...)
	return context.WithValue(ctx, jobKey{}, &job{d.Campaign, time.Now()})
}

func (t *tracer) TraceJobEnd(ctx context.Context, d roq.TraceJobEndData) {
	j, ok := ctx.Value(jobKey{}).(*job)
	if !ok {
		return
	}
	span := trace.SpanFromContext(ctx)
	defer span.End()
	attributes := []attribute.KeyValue{campaignKey.String(j.campaign)}
	if d.Err != nil {
		kind := semconv.ErrorTypeKey.String(errorType(d.Err))
		attributes = append(attributes, kind)
		span.SetAttributes(kind)
		span.SetStatus(codes.Error, message(d.Err))
	}
	t.metrics.jobs.Record(ctx, time.Since(j.began).Seconds(), t.add(attributes...))
	for outcome, n := range map[string]int{"sent": d.Sent, "refused": d.Refused} {
		if n > 0 {
			t.metrics.campaigns.Add(ctx, int64(n), t.add(campaignKey.String(j.campaign), outcomeKey.String(outcome)))
		}
	}
	span.SetAttributes(outcomes(d.Sent, d.Refused, d.Unknown, d.Waiting)...)
}
