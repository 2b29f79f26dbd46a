package otelroq_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	metricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	tracespb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/otelroq"
	"github.com/go-roq/roq/roqtest"
)

// collector is what receives OTLP over HTTP.
type collector struct {
	mu      sync.Mutex
	spans   map[string][]string // the keys of attributes by name
	metrics map[string]string   // the unit by name
	failed  []string
}

// receive reads what an exporter sends.
func receive(r *http.Request, into proto.Message) error {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			return err
		}
		body = unzipped
	}
	encoded, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	return proto.Unmarshal(encoded, into)
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch r.URL.Path {
	case "/v1/traces":
		var in tracespb.ExportTraceServiceRequest
		if err := receive(r, &in); err != nil {
			c.failed = append(c.failed, err.Error())
		}
		for _, resource := range in.GetResourceSpans() {
			for _, scope := range resource.GetScopeSpans() {
				if s := scope.GetScope(); s.GetName() != "github.com/go-roq/roq/otelroq" || s.GetVersion() != roq.Version || scope.GetSchemaUrl() == "" {
					c.failed = append(c.failed, fmt.Sprint("the scope is ", s))
				}
				for _, span := range scope.GetSpans() {
					var keys []string
					for _, kv := range span.GetAttributes() {
						keys = append(keys, kv.GetKey())
					}
					c.spans[span.GetName()] = keys
				}
			}
		}
	case "/v1/metrics":
		var in metricspb.ExportMetricsServiceRequest
		if err := receive(r, &in); err != nil {
			c.failed = append(c.failed, err.Error())
		}
		for _, resource := range in.GetResourceMetrics() {
			for _, scope := range resource.GetScopeMetrics() {
				for _, m := range scope.GetMetrics() {
					c.metrics[m.GetName()] = m.GetUnit()
				}
			}
		}
	default:
		http.NotFound(w, r)
	}
}

// Spans and metrics arrive at a collector, in its wire form.
func TestCollector(t *testing.T) {
	t.Parallel()
	c := &collector{spans: map[string][]string{}, metrics: map[string]string{}}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	traceExporter, err := otlptracehttp.New(t.Context(), otlptracehttp.WithEndpointURL(server.URL+"/v1/traces"))
	if err != nil {
		t.Fatal(err)
	}
	metricExporter, err := otlpmetrichttp.New(t.Context(), otlpmetrichttp.WithEndpointURL(server.URL+"/v1/metrics"))
	if err != nil {
		t.Fatal(err)
	}
	traces := sdktrace.NewTracerProvider(sdktrace.WithBatcher(traceExporter))
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewPeriodicReader(metricExporter)))

	s := newScene(t, []otelroq.Option{otelroq.WithTracerProvider(traces), otelroq.WithMeterProvider(meters)})
	s.Inject(roqtest.Fault{Operation: "sendUserInvites", Times: 1, Drop: roqtest.DropAfter})
	if counts, err := s.sendAll(t.Context(), 4, "spring", roq.WithBatchSize(2)); err != nil || counts[roq.OutcomeSent] != 4 {
		t.Fatal(counts, err)
	}
	for _, shutdown := range []func() error{func() error { return traces.Shutdown(t.Context()) }, func() error { return meters.Shutdown(t.Context()) }} {
		if err := shutdown(); err != nil {
			t.Fatal(err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.failed) > 0 {
		t.Error(strings.Join(c.failed, "\n"))
	}
	names := slices.Sorted(maps.Keys(c.spans))
	if want := []string{"POST authorize", "POST authorizeServiceAccount", "POST sendUserInvites", "POST userInvites", "roq batch", "roq sendUserInvites", "roq settle"}; !slices.Equal(names, want) {
		t.Errorf("the collector has the spans %q, want %q", names, want)
	}
	for _, key := range []string{"graphql.operation.name", "http.request.method", "server.address", "server.port", "roq.request.purpose"} {
		if !slices.Contains(c.spans["POST sendUserInvites"], key) {
			t.Errorf("a request lacks %s: %q", key, c.spans["POST sendUserInvites"])
		}
	}
	want := map[string]string{
		"roq.call.duration": "s", "http.client.request.duration": "s", "roq.limiter.wait": "s",
		"roq.invites": "{invite}", "roq.batch.size": "{invite}", "roq.requests": "{request}", "roq.settles": "{settle}",
	}
	if !maps.Equal(c.metrics, want) {
		t.Errorf("the collector has the metrics %v, want %v", c.metrics, want)
	}
}
