package roq_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// events is a Tracer that writes down what it is told, a line each.
type events struct {
	mu    sync.Mutex
	lines []string
	// deep is how many starts have no end.
	deep int
}

type eventKey struct{}

func (e *events) note(format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lines = append(e.lines, fmt.Sprintf(format, args...))
}

func (e *events) start(ctx context.Context, what string) context.Context {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.deep++
	path, _ := ctx.Value(eventKey{}).(string)
	return context.WithValue(ctx, eventKey{}, path+"/"+what)
}

func (e *events) end(ctx context.Context, format string, args ...any) {
	path, _ := ctx.Value(eventKey{}).(string)
	e.note(path+" "+format, args...)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.deep--
}

func (e *events) TraceCallStart(ctx context.Context, d roq.TraceCallStartData) context.Context {
	what := d.Operation
	if d.Loop {
		what += " loop"
	}
	return e.start(ctx, what)
}

func (e *events) TraceCallEnd(ctx context.Context, d roq.TraceCallEndData) {
	e.end(ctx, "%d requests, %d sent, %d refused, %d unknown, %d not sent, failed %v", d.Requests, d.Sent, d.Refused, d.Unknown, d.NotSent, d.Err != nil)
}

func (e *events) TraceRequestStart(ctx context.Context, d roq.TraceRequestStartData) context.Context {
	return e.start(ctx, fmt.Sprintf("%s %s %d", d.Operation, d.Purpose, d.Attempt))
}

func (e *events) TraceRequestEnd(ctx context.Context, d roq.TraceRequestEndData) {
	e.end(ctx, "%d %s again %v", d.StatusCode, d.Outcome, d.RetryIn > 0)
}

func (e *events) TraceSettleStart(ctx context.Context, d roq.TraceSettleStartData) context.Context {
	return e.start(ctx, fmt.Sprintf("settle %d", d.Open))
}

func (e *events) TraceSettleEnd(ctx context.Context, d roq.TraceSettleEndData) {
	e.end(ctx, "%d look-ups found %d of %d", d.LookUps, d.Found, d.Found+d.Open)
}

func (e *events) TraceBatchStart(ctx context.Context, d roq.TraceBatchStartData) context.Context {
	return e.start(ctx, fmt.Sprintf("batch %s of %d", d.Campaign, d.Size))
}

func (e *events) TraceBatchEnd(ctx context.Context, d roq.TraceBatchEndData) {
	e.end(ctx, "%s of %d: %d sent, failed %v", d.Campaign, d.Size, d.Sent, d.Err != nil)
}

// Every call, request and look-up begins and ends, each within what it is a part of.
func TestTracer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		told := new(events)
		b := newBubbled(t, nil, roq.WithTracer(told))
		platform := b.client.AsUser(b.user.ID)
		b.Inject(roqtest.Fault{Operation: "userInvites", Times: 1, Status: 503})
		if _, err := platform.UserInvites(t.Context(), roq.UserInvitesQuery{}); err != nil {
			t.Fatal(err)
		}
		b.Inject(roqtest.Fault{Operation: "sendUserInvites", Times: 1, Drop: roqtest.DropAfter})
		sent, err := b.send(t.Context(), 2, "a")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := platform.CancelUserInvite(t.Context(), sent.Success[0].ID); err != nil {
			t.Fatal(err)
		}
		if _, err := b.sendAll(t.Context(), t, people(3, "b"), roq.WithBatchSize(2), roq.WithParallel(1)); err != nil {
			t.Fatal(err)
		}
		for _, err := range platform.AllUserInvites(t.Context(), roq.UserInvitesQuery{}) {
			if err != nil {
				t.Error(err)
			}
			break
		}
		_, _ = platform.UserInvite(t.Context(), inviteID)
		want := []string{
			"/userInvites/authorizeServiceAccount token 1 200 answered again false",
			"/userInvites/authorize token 1 200 answered again false",
			"/userInvites/userInvites call 1 503 unclear again true",
			"/userInvites/userInvites call 2 200 answered again false",
			"/userInvites 2 requests, 0 sent, 0 refused, 0 unknown, 0 not sent, failed false",
			"/sendUserInvites/sendUserInvites call 1 0 unclear again false",
			"/sendUserInvites/settle 2/userInvites settle 1 200 answered again false",
			"/sendUserInvites/settle 2 1 look-ups found 2 of 2",
			"/sendUserInvites 2 requests, 2 sent, 0 refused, 0 unknown, 0 not sent, failed false",
			"/cancelUserInvite/cancelUserInvite call 1 200 answered again false",
			"/cancelUserInvite 1 requests, 0 sent, 0 refused, 0 unknown, 0 not sent, failed false",
			"/sendUserInvites loop/batch  of 2/sendUserInvites call 1 200 answered again false",
			"/sendUserInvites loop/batch  of 2  of 2: 2 sent, failed false",
			"/sendUserInvites loop/batch  of 1/sendUserInvites call 1 200 answered again false",
			"/sendUserInvites loop/batch  of 1  of 1: 1 sent, failed false",
			"/sendUserInvites loop 2 requests, 3 sent, 0 refused, 0 unknown, 0 not sent, failed false",
			"/userInvites loop/userInvites page 1 200 answered again false",
			"/userInvites loop 1 requests, 0 sent, 0 refused, 0 unknown, 0 not sent, failed false",
			"/userInvite/userInvite call 1 200 refused again false",
			"/userInvite 1 requests, 0 sent, 0 refused, 0 unknown, 0 not sent, failed true",
		}
		if diff := cmp.Diff(want, told.lines); diff != "" || told.deep != 0 {
			t.Errorf("%d did not end (-want +got):\n%s", told.deep, diff)
		}
	})
}

// A tracer has what it implements, and several are told in turn.
func TestTracersOfOneClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, second := new(events), new(events)
		b := newBubbled(t, nil, roq.WithTracer(first), roq.WithTracer(onlyCalls{second}))
		if _, err := b.send(t.Context(), 1, "a"); err != nil {
			t.Fatal(err)
		}
		if len(first.lines) != 4 || !slices.Equal(second.lines, []string{"/sendUserInvites/sendUserInvites 1 requests, 1 sent, 0 refused, 0 unknown, 0 not sent, failed false"}) {
			t.Errorf("%q, %q", first.lines, second.lines)
		}
	})
	if _, err := roq.New(config(), roq.WithTracer(nil)); err == nil {
		t.Error("WithTracer(nil) is accepted")
	}
}

// onlyCalls hides the methods of a tracer but those of every one.
type onlyCalls struct{ roq.Tracer }

// Neither events nor log records hold an address, a key or a token, whatever answers
// and transports say.
func TestTracersSeeNoSecrets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var told printing
		cfg := config()
		said := cfg.APIKey + " a0@example.com Bearer canary-token"
		b := newBubbled(t, nil, roq.WithTracer(&told), roq.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))),
			roq.WithTransport(func(next http.RoundTripper) http.RoundTripper {
				return roundTripper(func(r *http.Request) (*http.Response, error) {
					if isSend(r) {
						return nil, errors.New("reset by " + r.Header.Get("Roq-Platform-Authorization") + said)
					}
					return next.RoundTrip(r)
				})
			}))
		b.Inject(roqtest.Fault{Operation: "userInvites", Status: 400, Body: `{"errors":[{"message":"no ` + strings.ReplaceAll(said, `"`, "") + `"}]}`})
		if _, err := b.send(t.Context(), 3, "a"); !errors.Is(err, roq.ErrOutcomeUnknown) {
			t.Fatal(err)
		}
		for what, text := range map[string]string{"events": told.String(), "log": log.String()} {
			if text == "" {
				t.Errorf("no %s", what)
			}
			for _, secret := range []string{"example.com", "canary-token", "eyJ", b.Config().APIKey} {
				if strings.Contains(strings.ToLower(text), strings.ToLower(secret)) {
					t.Errorf("the %s have %q:\n%s", what, secret, text)
				}
			}
		}
		for _, want := range []string{"level=WARN msg=\"roq: outcome unknown\"", "unknown=3", "msg=\"roq: attempt\"", "purpose=settle", "msg=\"roq: settled\"", "duration="} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log lacks %q:\n%s", want, log.String())
			}
		}
	})
}

// printing prints all events, as they are.
type printing struct {
	mu sync.Mutex
	bytes.Buffer
}

func (p *printing) print(d any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = fmt.Fprintf(p, "%+v %#v\n", d, d)
}

func (p *printing) TraceCallStart(ctx context.Context, d roq.TraceCallStartData) context.Context {
	p.print(d)
	return ctx
}
func (p *printing) TraceCallEnd(_ context.Context, d roq.TraceCallEndData) { p.print(d) }
func (p *printing) TraceRequestStart(ctx context.Context, d roq.TraceRequestStartData) context.Context {
	p.print(d)
	return ctx
}
func (p *printing) TraceRequestEnd(_ context.Context, d roq.TraceRequestEndData) { p.print(d) }
func (p *printing) TraceSettleStart(ctx context.Context, d roq.TraceSettleStartData) context.Context {
	p.print(d)
	return ctx
}
func (p *printing) TraceSettleEnd(_ context.Context, d roq.TraceSettleEndData) { p.print(d) }

// printingHeader adds headers.
type printingHeader struct {
	roq.Tracer
	header http.Header
}

func (p printingHeader) TraceRequestHeader(context.Context) http.Header { return p.header }

// Tracers add headers to every request, and replace none.
func TestTracersAddHeaders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first := printingHeader{new(events), http.Header{"Traceparent": {"00-1"}, "Roq-Platform-Authorization": {"Bearer other"}}}
		b := newBubbled(t, nil, roq.WithTracer(first), roq.WithTracer(printingHeader{new(events), http.Header{"Tracestate": {"a=b"}}}))
		if _, err := b.send(t.Context(), 1, "a"); err != nil {
			t.Fatal(err)
		}
		requests := b.Requests()
		if len(requests) != 3 {
			t.Errorf("%d requests, want two for tokens and one to send", len(requests))
		}
		for _, r := range requests {
			if r.Header.Get("Traceparent") != "00-1" || r.Header.Get("Tracestate") != "a=b" {
				t.Errorf("%s has %v", r.Operation, r.Header)
			}
		}
		if len(first.header) != 2 {
			t.Errorf("the tracer's own became %v", first.header)
		}
	})
}

// What is sent again after its outcome was looked up is a warning.
func TestTheLogSaysWhatIsSentAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		b := newBubbled(t, nil, roq.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		b.Inject(roqtest.Fault{Operation: "sendUserInvites", Times: 1, Status: 429})
		b.Inject(roqtest.Fault{Operation: "userInvites", Times: 1, Status: 503})
		if _, err := b.send(t.Context(), 1, "a"); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), `level=WARN msg="roq: sending again" operation=sendUserInvites`) {
			t.Errorf("the log is:\n%s", log.String())
		}
	})
}
