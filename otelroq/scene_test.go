package otelroq_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/otelroq"
	"github.com/go-roq/roq/roqtest"
)

// scene is a platform, a client that is traced, and what was recorded.
type scene struct {
	*roqtest.Server
	testing.TB
	client *roq.Client
	tracer roq.Tracer
	ann    roqtest.User
	spans  *tracetest.SpanRecorder
	reader *sdkmetric.ManualReader
	traces *sdktrace.TracerProvider
}

// newScene starts a scene whose client has a token already.
func newScene(tb testing.TB, with []otelroq.Option, opts ...roq.Option) *scene {
	tb.Helper()
	s := &scene{Server: roqtest.NewServer(), TB: tb, spans: tracetest.NewSpanRecorder(), reader: sdkmetric.NewManualReader()}
	tb.Cleanup(s.Close)
	s.ann = s.AddUser(roqtest.User{TenantID: s.AddTenant("Acme"), Email: "ann@acme.example"})
	s.traces = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(s.spans))
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(s.reader))
	tracer, err := otelroq.NewTracer(append([]otelroq.Option{otelroq.WithTracerProvider(s.traces), otelroq.WithMeterProvider(meters)}, with...)...)
	if err != nil {
		tb.Fatal(err)
	}
	s.tracer = tracer
	opts = append([]roq.Option{roq.WithTracer(tracer), roq.WithRetry(roq.RetryPolicy{MinWait: 10 * time.Millisecond, MaxWait: 20 * time.Millisecond}), roq.WithSettleTimeout(2 * time.Second)}, opts...)
	if s.client, err = roq.New(s.Config(), opts...); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.client.CloseIdleConnections)
	return s
}

func (s *scene) platform() *roq.RoqPlatform { return s.client.AsUser(s.ann.ID) }

// send invites so many people.
func (s *scene) send(ctx context.Context, n int) (*roq.SendUserInvitesResult, error) {
	return s.platform().SendUserInvites(ctx, roq.SendUserInvitesInput{TenantID: s.ann.TenantID, UserInvites: slices.Collect(people(n))})
}

// sendAll invites so many people in a stream, and counts their outcomes.
func (s *scene) sendAll(ctx context.Context, n int, campaign string, opts ...roq.StreamOption) (map[roq.OutcomeStatus]int, error) {
	counts := map[roq.OutcomeStatus]int{}
	in := roq.SendAllUserInvitesInput{TenantID: s.ann.TenantID, Campaign: campaign, UserInvites: roq.InputsOf(people(n))}
	for o, err := range s.platform().SendAllUserInvites(ctx, in, opts...) {
		if err != nil {
			return counts, err
		}
		counts[o.Status]++
	}
	return counts, nil
}

func people(n int) iter.Seq[roq.UserInviteInput] {
	return func(yield func(roq.UserInviteInput) bool) {
		for i := range n {
			if !yield(roq.UserInviteInput{Email: fmt.Sprintf("canary%d@example.com", i), FirstName: "Canary"}) {
				return
			}
		}
	}
}

// span returns the one span with that name and these attributes.
func (s *scene) span(name string, want ...attribute.KeyValue) sdktrace.ReadOnlySpan {
	s.Helper()
	var found []sdktrace.ReadOnlySpan
	for _, span := range s.spans.Ended() {
		if span.Name() == name && !slices.ContainsFunc(want, func(kv attribute.KeyValue) bool { return !slices.Contains(span.Attributes(), kv) }) {
			found = append(found, span)
		}
	}
	if len(found) != 1 {
		s.Fatalf("%d spans %q with %v, want one; there are\n%s", len(found), name, want, s.tree())
	}
	return found[0]
}

// tree draws the spans, those of a parent in the order in which they began.
func (s *scene) tree() string {
	var b strings.Builder
	spans := s.spans.Ended()
	slices.SortStableFunc(spans, func(a, b sdktrace.ReadOnlySpan) int { return a.StartTime().Compare(b.StartTime()) })
	var draw func(parent string, depth int)
	draw = func(parent string, depth int) {
		for _, span := range spans {
			if span.Parent().SpanID().String() == parent {
				fmt.Fprintf(&b, "%s%s%s\n", strings.Repeat("  ", depth), span.Name(), label(span))
				draw(span.SpanContext().SpanID().String(), depth+1)
			}
		}
	}
	draw("0000000000000000", 0)
	return b.String()
}

// label says what the tests want to know of a span.
func label(span sdktrace.ReadOnlySpan) string {
	var words []string
	for _, kv := range span.Attributes() {
		switch word := kv.Value.String(); kv.Key {
		case "http.request.resend_count":
			words = append(words, "again")
		case "roq.request.purpose", "roq.request.outcome", "roq.settle.result", "error.type":
			if !slices.Contains(words, word) {
				words = append(words, word)
			}
		}
	}
	if len(span.Links()) > 0 {
		words = append(words, "linked")
	}
	if len(words) == 0 {
		return ""
	}
	return ": " + strings.Join(words, " ")
}

// sums returns the sum of a metric by the value of an attribute.
func (s *scene) sums(metric string, by attribute.Key) map[string]float64 {
	s.Helper()
	sums := map[string]float64{}
	for _, m := range s.metrics() {
		if m.Name == metric {
			switch d := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range d.DataPoints {
					v, _ := p.Attributes.Value(by)
					sums[v.String()] += float64(p.Value)
				}
			case metricdata.Histogram[int64]:
				for _, p := range d.DataPoints {
					v, _ := p.Attributes.Value(by)
					sums[v.String()] += float64(p.Sum)
				}
			case metricdata.Histogram[float64]: // how many, since how long is open
				for _, p := range d.DataPoints {
					v, _ := p.Attributes.Value(by)
					sums[v.String()] += float64(p.Count)
				}
			default:
				s.Fatalf("%s is a %T", metric, d)
			}
		}
	}
	return sums
}

// errorOf keeps the error of a call.
func errorOf[T any](_ T, err error) error { return err }

var errOwn = errors.New("of the stream")

// metrics returns everything that was measured.
func (s *scene) metrics() []metricdata.Metrics {
	s.Helper()
	var data metricdata.ResourceMetrics
	if err := s.reader.Collect(context.Background(), &data); err != nil {
		s.Fatal(err)
	}
	var all []metricdata.Metrics
	for _, scope := range data.ScopeMetrics {
		all = append(all, scope.Metrics...)
	}
	return all
}
