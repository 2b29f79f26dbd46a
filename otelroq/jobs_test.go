package otelroq_test

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/go-roq/roq"
)

// A job is a trace of its own that is linked to whoever enqueued, and its calls belong to
// it.
func TestJobs(t *testing.T) {
	t.Parallel()
	s := newScene(t, nil)
	jobs := s.tracer.(roq.JobTracer)
	ctx, enqueuer := s.traces.Tracer("test").Start(t.Context(), "sign-up")
	kept := jobs.TraceEnqueue(ctx)
	enqueuer.End()
	if kept["traceparent"] == "" || len(kept) > 2 {
		t.Errorf("with the people %v is kept", kept)
	}

	job := jobs.TraceJobStart(t.Context(), roq.TraceJobStartData{Campaign: "spring", Invites: 3, Enqueued: kept, Waited: 2 * time.Second})
	if _, err := s.send(job, 3); err != nil {
		t.Fatal(err)
	}
	jobs.TraceJobEnd(job, roq.TraceJobEndData{Sent: 3})
	span := s.span("roq job")
	if span.SpanKind() != trace.SpanKindConsumer || span.Parent().IsValid() || span.Status().Code != codes.Unset {
		t.Errorf("the job's span is %v with the parent %v, %v", span.SpanKind(), span.Parent(), span.Status())
	}
	if links := span.Links(); len(links) != 1 || links[0].SpanContext.TraceID() != enqueuer.SpanContext().TraceID() || links[0].SpanContext.SpanID() != enqueuer.SpanContext().SpanID() {
		t.Errorf("the job is linked to %v, want the enqueuer", links)
	}
	for _, want := range []attribute.KeyValue{attribute.String("roq.campaign", "spring"), attribute.Int("roq.invites", 3), attribute.Int("roq.sent", 3)} {
		has(t, span, want)
	}
	if call := s.span("roq sendUserInvites"); call.Parent().SpanID() != span.SpanContext().SpanID() {
		t.Error("the call does not belong to its job")
	}
}

// Who enqueues without a span, or whose span cannot be read, is linked to nothing, and a
// job that failed says why.
func TestJobsWithoutAnEnqueuer(t *testing.T) {
	t.Parallel()
	s := newScene(t, nil)
	jobs := s.tracer.(roq.JobTracer)
	if kept := jobs.TraceEnqueue(t.Context()); kept != nil {
		t.Errorf("%v is kept, want nothing", kept)
	}
	failure := fmt.Errorf("canary@example.com: %w", roq.ErrForbidden)
	for _, kept := range []map[string]string{nil, {"traceparent": "garbage"}} {
		job := jobs.TraceJobStart(t.Context(), roq.TraceJobStartData{Campaign: "spring", Enqueued: kept})
		jobs.TraceJobEnd(job, roq.TraceJobEndData{Err: failure, Sent: 1, Refused: 2, Waiting: 4})
	}
	jobs.TraceJobEnd(context.Background(), roq.TraceJobEndData{}) // of another tracer
	ended := s.spans.Ended()
	if len(ended) != 2 {
		t.Fatalf("%d spans, want two", len(ended))
	}
	for _, span := range ended {
		has(t, span, attribute.String("error.type", "forbidden"))
		if len(span.Links()) != 0 || span.Status().Code != codes.Error {
			t.Errorf("the span has the links %v and the status %v", span.Links(), span.Status())
		}
	}
	for metric, want := range map[string]map[string]float64{
		"roq.campaign.invites": {"sent": 2, "refused": 4},
		"roq.job.duration":     {"": 2},
		"roq.job.wait":         {"": 2},
	} {
		var by attribute.Key
		if metric == "roq.campaign.invites" {
			by = "roq.outcome"
		}
		if got := s.sums(metric, by); !maps.Equal(got, want) {
			t.Errorf("%s is %v, want %v", metric, got, want)
		}
	}
}
