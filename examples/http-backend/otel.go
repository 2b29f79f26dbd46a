package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/otelroq"
)

// telemetry makes traces and metrics of the backend.
type telemetry struct {
	traces  *sdktrace.TracerProvider
	metrics *sdkmetric.MeterProvider
}

// newTelemetry exports to the collector that OTEL_EXPORTER_OTLP_ENDPOINT names. Without
// one it prints each trace on out as a tree.
func newTelemetry(ctx context.Context, out io.Writer) (*telemetry, error) {
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" {
		return &telemetry{
			traces:  sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(&tracePrinter{out: out, traces: map[trace.TraceID]*openTrace{}})),
			metrics: sdkmetric.NewMeterProvider(),
		}, nil
	}
	spans, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, err
	}
	metrics, err := otlpmetrichttp.New(ctx)
	if err != nil {
		return nil, err
	}
	return &telemetry{
		traces:  sdktrace.NewTracerProvider(sdktrace.WithBatcher(spans)),
		metrics: sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewPeriodicReader(metrics))),
	}, nil
}

// option traces the calls of a client, and propagates the trace to the platform.
func (t *telemetry) option() (roq.Option, error) {
	tracer, err := otelroq.NewTracer(otelroq.WithTracerProvider(t.traces), otelroq.WithMeterProvider(t.metrics), otelroq.WithPropagator(propagation.TraceContext{}))
	if err != nil {
		return nil, err
	}
	return roq.WithTracer(tracer), nil
}

// handler makes a span of each request, in the trace of whoever asks. It has the route and
// not the path, in which there may be the token of an invitation: otelhttp would record it.
func (t *telemetry) handler(next http.Handler) http.Handler {
	tracer := t.traces.Tracer("http-backend")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := tracer.Start(ctx, r.Method, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(semconv.HTTPRequestMethodKey.String(r.Method)))
		defer span.End()
		answer := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		traced := r.WithContext(ctx)
		next.ServeHTTP(answer, traced)
		span.SetAttributes(semconv.HTTPResponseStatusCode(answer.status))
		if answer.status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
		if r.Pattern = traced.Pattern; r.Pattern != "" { // the mux sets it on what it is given
			_, route, _ := strings.Cut(r.Pattern, " ")
			span.SetName(r.Method + " " + route)
			span.SetAttributes(semconv.HTTPRoute(route))
		}
	})
}

// shutdown exports what is left.
func (t *telemetry) shutdown(ctx context.Context) error {
	return errors.Join(t.traces.Shutdown(ctx), t.metrics.Shutdown(ctx))
}

// tracePrinter prints a trace when all of its spans have ended. It implements
// [sdktrace.SpanProcessor].
type tracePrinter struct {
	mu     sync.Mutex
	out    io.Writer
	traces map[trace.TraceID]*openTrace
}

// openTrace is a trace with so many spans that have not ended.
type openTrace struct {
	open  int
	ended []sdktrace.ReadOnlySpan
}

func (p *tracePrinter) OnStart(_ context.Context, span sdktrace.ReadWriteSpan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id := span.SpanContext().TraceID()
	if p.traces[id] == nil {
		p.traces[id] = new(openTrace)
	}
	p.traces[id].open++
}

func (p *tracePrinter) OnEnd(span sdktrace.ReadOnlySpan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id := span.SpanContext().TraceID()
	t := p.traces[id]
	t.ended = append(t.ended, span)
	if t.open--; t.open > 0 {
		return
	}
	delete(p.traces, id)
	slices.SortStableFunc(t.ended, func(a, b sdktrace.ReadOnlySpan) int { return a.StartTime().Compare(b.StartTime()) })
	var text strings.Builder
	fmt.Fprintf(&text, "trace %s\n", id)
	for _, root := range t.ended {
		if !slices.ContainsFunc(t.ended, func(s sdktrace.ReadOnlySpan) bool { return s.SpanContext().SpanID() == root.Parent().SpanID() }) {
			t.draw(&text, root, 1)
		}
	}
	_, _ = io.WriteString(p.out, text.String())
}

// draw draws a span, and those below it.
func (t *openTrace) draw(text *strings.Builder, span sdktrace.ReadOnlySpan, depth int) {
	fmt.Fprintf(text, "%s%s %s %v", strings.Repeat("  ", depth), span.SpanKind(), span.Name(), span.EndTime().Sub(span.StartTime()))
	for _, kv := range span.Attributes() {
		switch kv.Key {
		case "http.response.status_code", "roq.request.purpose", "roq.request.outcome", "roq.sent", "roq.unknown", "error.type":
			fmt.Fprintf(text, " %s=%s", kv.Key, kv.Value)
		}
	}
	text.WriteByte('\n')
	for _, child := range t.ended {
		if child.Parent().SpanID() == span.SpanContext().SpanID() {
			t.draw(text, child, depth+1)
		}
	}
}

func (p *tracePrinter) Shutdown(context.Context) error   { return nil }
func (p *tracePrinter) ForceFlush(context.Context) error { return nil }
