package otelroq_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/otelroq"
	"github.com/go-roq/roq/roqtest"
)

// A call is a span, with a child for each request and for settling.
func TestSpans(t *testing.T) {
	t.Parallel()
	s := newScene(t, nil)
	ctx, root := s.traces.Tracer("test").Start(t.Context(), "visitor")
	s.Inject(roqtest.Fault{Operation: "userInvites", Times: 1, Status: 503, Header: http.Header{"Ratelimit-Limit": {"9"}, "Ratelimit-Remaining": {"1"}}})
	if _, err := s.platform().UserInvites(ctx, roq.UserInvitesQuery{}); err != nil {
		t.Fatal(err)
	}
	s.Inject(roqtest.Fault{Operation: "sendUserInvites", Times: 1, Drop: roqtest.DropAfter})
	sent, err := s.send(ctx, 3)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.platform().CancelUserInvite(ctx, sent.Success[0].ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.platform().UserInvite(ctx, "db7a682d-6dca-4259-b15b-83aef12d1f5c"); !errors.Is(err, roq.ErrNotFound) {
		t.Fatal(err)
	}
	if _, err := s.client.FindUsers(ctx, roq.FindUsersQuery{Email: "canary@example.com"}); err != nil {
		t.Fatal(err)
	}
	root.End()
	const want = `visitor
  roq userInvites
    POST authorizeServiceAccount: token answered
    POST authorize: token answered
    POST userInvites: call unclear 503
    POST userInvites: call again answered
  roq sendUserInvites
    POST sendUserInvites: call unclear
    roq settle: all
      POST userInvites: settle answered
  roq cancelUserInvite
    POST cancelUserInvite: call answered
  roq userInvite: not_found
    POST userInvite: call refused
  roq findUsers
    GET findUsers: call answered
`
	if got := s.tree(); got != want {
		t.Errorf("the spans are\n%s\nwant\n%s", got, want)
	}
	call := s.span("roq sendUserInvites")
	for _, want := range []attribute.KeyValue{
		attribute.String("graphql.operation.name", "sendUserInvites"), attribute.String("graphql.operation.type", "mutation"),
		attribute.Int("roq.invites", 3), attribute.Int("roq.sent", 3), attribute.Int("roq.unknown", 0), attribute.Int("roq.requests", 2),
	} {
		has(t, call, want)
	}
	if call.SpanKind() != trace.SpanKindInternal || call.Status().Code != codes.Unset {
		t.Errorf("the call's span is %v, %v", call.SpanKind(), call.Status())
	}
	again := s.span("POST userInvites", attribute.Int("http.request.resend_count", 1))
	for _, want := range []attribute.KeyValue{
		attribute.String("http.request.method", "POST"), attribute.Int("http.response.status_code", 200), attribute.String("server.address", "127.0.0.1"),
		attribute.String("graphql.operation.type", "query"), attribute.String("roq.request.purpose", "call"),
	} {
		has(t, again, want)
	}
	if again.SpanKind() != trace.SpanKindClient {
		t.Errorf("a request's span is %v", again.SpanKind())
	}
	first := s.span("POST userInvites", attribute.Int("http.response.status_code", 503))
	has(t, first, attribute.Int("roq.quota.remaining", 1))
	if events := first.Events(); len(events) != 1 || events[0].Name != "retry" || first.Status().Code != codes.Error {
		t.Errorf("the first request has %v, %v", events, first.Status())
	}
	lost := s.span("roq userInvite")
	if lost.Status().Code != codes.Error || !strings.HasPrefix(lost.Status().Description, "roq: userInvite: ") {
		t.Errorf("the failed call is %v", lost.Status())
	}
	for _, kv := range s.span("GET findUsers").Attributes() {
		if strings.HasPrefix(string(kv.Key), "graphql.") || strings.HasPrefix(string(kv.Key), "url.") {
			t.Errorf("a plain request has %s", kv.Key)
		}
	}
}

func has(t *testing.T, span sdktrace.ReadOnlySpan, want attribute.KeyValue) {
	t.Helper()
	for _, kv := range span.Attributes() {
		if kv == want {
			return
		}
	}
	t.Errorf("%s lacks %s=%s: %v", span.Name(), want.Key, want.Value.String(), span.Attributes())
}

// A batch of a stream is a trace of its own, linked to the stream's, and so is a poll of
// a watch; those of WaitUserInvite, which does not last, are children.
func TestSpansOfLoops(t *testing.T) {
	t.Parallel()
	s := newScene(t, nil)
	ctx, root := s.traces.Tracer("test").Start(t.Context(), "job")
	counts, err := s.sendAll(ctx, 5, "spring", roq.WithBatchSize(2), roq.WithParallel(1))
	if err != nil || counts[roq.OutcomeSent] != 5 {
		t.Fatal(counts, err)
	}
	watching, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	go func() {
		<-time.After(50 * time.Millisecond)
		_, _ = s.platform().CancelUserInvite(context.WithoutCancel(t.Context()), s.Invites()[0].ID)
	}()
	for _, err := range s.platform().WatchUserInvites(watching, roq.UserInvitesQuery{}, roq.WithInterval(10*time.Millisecond, 10*time.Millisecond)) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	root.End()
	job := root.SpanContext().TraceID()
	stream := s.span("roq sendUserInvites")
	if stream.SpanContext().TraceID() != job {
		t.Error("the stream is not in the trace of its caller")
	}
	has(t, stream, attribute.Bool("roq.loop", true))
	batches, polls := 0, 0
	for _, span := range s.spans.Ended() {
		switch {
		case span.Name() == "roq batch":
			batches++
			if links := span.Links(); span.Parent().IsValid() || len(links) != 1 || links[0].SpanContext.SpanID() != stream.SpanContext().SpanID() {
				t.Errorf("a batch has the parent %v and the links %v", span.Parent(), links)
			}
		case span.Name() == "POST sendUserInvites":
			if span.SpanContext().TraceID() == job {
				t.Error("the request of a batch is in the stream's trace")
			}
		case strings.Contains(label(span), "watch"):
			polls++
			if links := span.Links(); span.Parent().IsValid() || len(links) != 1 || links[0].SpanContext.TraceID() != job {
				t.Errorf("a poll has the parent %v and the links %v", span.Parent(), links)
			}
		}
	}
	if batches != 3 || polls == 0 {
		t.Errorf("%d batches and %d polls", batches, polls)
	}
	if got := s.sums("roq.invites", "roq.outcome"); !maps.Equal(got, map[string]float64{"sent": 5}) {
		t.Errorf("invites: %v", got)
	}
	if got := s.sums("roq.batch.size", ""); got[""] != 5 {
		t.Errorf("batches: %v", got)
	}

	s = newScene(t, nil)
	sent, err := s.send(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	waiting, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.platform().WaitUserInvite(waiting, sent.Success[0].ID, roq.WithInterval(10*time.Millisecond, 10*time.Millisecond)); err == nil {
		t.Fatal("the invite is not pending")
	}
	wait := s.span("roq userInvites")
	has(t, wait, attribute.String("error.type", "deadline_exceeded"))
	for _, span := range s.spans.Ended() {
		if strings.Contains(label(span), "watch") && span.Parent().SpanID() != wait.SpanContext().SpanID() {
			t.Errorf("a poll has the parent %v", span.Parent())
		}
	}
}

// The metrics count every invite once, every request and every settling.
func TestMetrics(t *testing.T) {
	t.Parallel()
	s := newScene(t, nil, roq.WithBatchSize(10), roq.WithParallel(1), roq.WithRateLimit(500))
	if _, err := s.send(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	if _, err := s.send(t.Context(), 4); err != nil { // three of them are invited already
		t.Fatal(err)
	}
	s.Inject(roqtest.Fault{Operation: "sendUserInvites", Times: 1, Drop: roqtest.DropBefore})
	if _, err := s.platform().SendUserInvites(t.Context(), roq.SendUserInvitesInput{TenantID: s.ann.TenantID, UserInvites: []roq.UserInviteInput{{Email: "lost@example.com"}}}); !errors.Is(err, roq.ErrOutcomeUnknown) {
		t.Fatal(err)
	}
	s.Inject(roqtest.Fault{Operation: "sendUserInvites", Skip: 1, Times: 1, Drop: roqtest.DropAfter})
	if counts, err := s.sendAll(t.Context(), 30, ""); err != nil || counts[roq.OutcomeSent] != 26 || counts[roq.OutcomeRefused] != 4 {
		t.Fatal(counts, err)
	}
	for _, test := range []struct {
		metric string
		by     attribute.Key
		want   map[string]float64
	}{
		{"roq.invites", "roq.outcome", map[string]float64{"sent": 30, "refused": 7, "unknown": 1}},
		{"roq.settles", "roq.settle.result", map[string]float64{"none": 1, "all": 1}},
		{"roq.call.duration", "error.type", map[string]float64{"": 3, "outcome_unknown": 1}},
		{"roq.call.duration", "roq.loop", map[string]float64{"false": 3, "true": 1}},
		{"roq.batch.size", "", map[string]float64{"": 30}},
	} {
		if got := s.sums(test.metric, test.by); !maps.Equal(got, test.want) {
			t.Errorf("%s by %s is %v, want %v", test.metric, test.by, got, test.want)
		}
	}
	requests := float64(len(s.Requests()))
	for _, metric := range []string{"roq.requests", "http.client.request.duration", "roq.limiter.wait"} {
		if n := total(s.sums(metric, "")); n != requests {
			t.Errorf("%s has %v requests, want %v", metric, n, requests)
		}
	}
	if got := s.sums("roq.requests", "roq.request.purpose"); got["token"] != 2 || got["call"] < 6 || got["settle"] == 0 {
		t.Errorf("requests by purpose: %v", got)
	}
}

func total(sums map[string]float64) (n float64) {
	for _, v := range sums {
		n += v
	}
	return n
}

// What a loop that is left early has counted is not counted again.
func TestMetricsOfALoopThatIsLeft(t *testing.T) {
	t.Parallel()
	s := newScene(t, nil)
	in := roq.SendAllUserInvitesInput{TenantID: s.ann.TenantID, UserInvites: roq.InputsOf(people(6))}
	for _, err := range s.platform().SendAllUserInvites(t.Context(), in, roq.WithBatchSize(3), roq.WithParallel(1)) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	if got, mailed := s.sums("roq.invites", "roq.outcome"), len(s.Outbox()); got["sent"] != float64(mailed) || len(got) != 1 {
		t.Errorf("%v are counted and %d mailed", got, mailed)
	}
	// What is refused in the stream itself is counted too.
	in.UserInvites = func(yield func(roq.UserInviteInput, error) bool) {
		_ = yield(roq.UserInviteInput{Email: "nobody"}, nil) && yield(roq.UserInviteInput{}, errOwn)
	}
	for _, err := range s.platform().SendAllUserInvites(t.Context(), in) {
		if err != nil && !errors.Is(err, errOwn) {
			t.Error(err)
		}
	}
	if got := s.sums("roq.invites", "roq.outcome"); got["refused"] != 1 {
		t.Errorf("counted are %v", got)
	}
	if got := s.sums("roq.call.duration", "error.type"); got["_OTHER"] != 1 {
		t.Errorf("the calls are %v", got)
	}
}

// A trace goes on at the platform if there is a propagator.
func TestPropagation(t *testing.T) {
	t.Parallel()
	with := newScene(t, []otelroq.Option{otelroq.WithPropagator(propagation.TraceContext{})})
	if _, err := with.send(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	requests := with.Requests()
	sent := with.span("POST sendUserInvites").SpanContext()
	if got, want := requests[len(requests)-1].Header.Get("Traceparent"), fmt.Sprintf("00-%s-%s-01", sent.TraceID(), sent.SpanID()); got != want {
		t.Errorf("traceparent is %q, want %q", got, want)
	}
	without := newScene(t, nil)
	if _, err := without.send(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	for _, r := range without.Requests() {
		if h := r.Header.Get("Traceparent"); h != "" {
			t.Errorf("traceparent is %q without a propagator", h)
		}
	}
}

// otelhttp makes the spans of requests below those of calls. It records the address of a
// request, as the documentation warns.
func TestWithoutRequests(t *testing.T) {
	t.Parallel()
	var s *scene
	s = newScene(t, []otelroq.Option{otelroq.WithoutRequests(), otelroq.WithAttributes(attribute.String("team", "growth"))},
		roq.WithTransport(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				name := func(_ string, r *http.Request) string {
					d, _ := roq.TraceRequestFromContext(r.Context())
					return "http " + d.Operation
				}
				return otelhttp.NewTransport(next, otelhttp.WithTracerProvider(s.traces), otelhttp.WithSpanNameFormatter(name)).RoundTrip(r)
			})
		}))
	if _, err := s.client.FindUsers(t.Context(), roq.FindUsersQuery{Email: "canary@example.com"}); err != nil {
		t.Fatal(err)
	}
	call, request := s.span("roq findUsers"), s.span("http findUsers")
	if request.Parent().SpanID() != call.SpanContext().SpanID() {
		t.Errorf("the request's parent is %v", request.Parent())
	}
	has(t, call, attribute.String("team", "growth"))
	if !strings.Contains(fmt.Sprint(request.Attributes()), "canary") {
		t.Error("otelhttp no longer records addresses: the documentation says so")
	}
	if got := s.sums("http.client.request.duration", ""); len(got) != 0 {
		t.Errorf("durations of requests: %v", got)
	}
	if got := s.sums("roq.requests", "team"); got["growth"] == 0 {
		t.Errorf("requests by team: %v", got)
	}
}

// No address, key or token is in a span or a metric, whatever answers and transports say.
func TestNoSecrets(t *testing.T) {
	t.Parallel()
	s := newScene(t, []otelroq.Option{otelroq.WithPropagator(propagation.TraceContext{})}, roq.WithTransport(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if d, _ := roq.TraceRequestFromContext(r.Context()); d.Operation == "resendUserInvite" {
				return nil, fmt.Errorf("reset by canary9@example.com %v", r.Header)
			}
			return next.RoundTrip(r)
		})
	}))
	said := s.Config().APIKey + " canary0@example.com"
	sent, err := s.send(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	token := s.Outbox()[0].Token
	s.Inject(roqtest.Fault{Operation: "cancelUserInvite", Status: 400, Body: `{"errors":[{"message":"no ` + said + `"}]}`})
	s.Inject(roqtest.Fault{Operation: "checkUserInviteToken", Status: 502, Body: said})
	errs := []error{
		errorOf(s.platform().CancelUserInvite(t.Context(), sent.Success[0].ID)),
		errorOf(s.platform().ResendUserInvite(t.Context(), sent.Success[1].ID)),
		errorOf(s.platform().CheckUserInviteToken(t.Context(), token)),
		errorOf(s.platform().AcceptUserInvite(t.Context(), token+"x")),
	}
	_, _ = s.client.FindUsers(t.Context(), roq.FindUsersQuery{Email: "canary@example.com"})
	_, _ = s.sendAll(t.Context(), 3, "canary1@example.com")
	for i, err := range errs {
		if err == nil {
			t.Errorf("call %d has no error", i)
		}
	}
	var written bytes.Buffer
	exporter, err := stdouttrace.New(stdouttrace.WithWriter(&written))
	if err != nil {
		t.Fatal(err)
	}
	if err := exporter.ExportSpans(t.Context(), s.spans.Ended()); err != nil {
		t.Fatal(err)
	}
	for _, metric := range s.metrics() {
		if err := json.NewEncoder(&written).Encode(metric); err != nil {
			t.Fatal(err)
		}
	}
	for _, secret := range []string{"canary", "example.com", "Canary", token, s.Config().APIKey, "eyJ", "*roq.", "*errors."} {
		if at := strings.Index(written.String(), secret); at >= 0 {
			t.Errorf("%q was recorded: …%s…", secret, written.String()[max(0, at-200):min(written.Len(), at+200)])
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Options that are not valid are refused.
func TestOptions(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]otelroq.Option{
		"nil": nil, "tracers": otelroq.WithTracerProvider(nil), "meters": otelroq.WithMeterProvider(nil), "propagator": otelroq.WithPropagator(nil),
	} {
		if tracer, err := otelroq.NewTracer(opt); err == nil || tracer != nil {
			t.Errorf("%s: NewTracer = %v, %v", name, tracer, err)
		}
	}
	tracer, err := otelroq.NewTracer() // with the global providers, which do nothing
	if err != nil {
		t.Fatal(err)
	}
	s := newScene(t, nil, roq.WithTracer(tracer))
	if _, err := s.send(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
}
