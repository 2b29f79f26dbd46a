package transport

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
)

const endpoint = "https://platform.example/v01/server/graphql"

func newSender(t *testing.T, cfg Config) *Sender {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.MaxResponseBytes == 0 {
		cfg.MaxResponseBytes = 1 << 20
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(s.CloseIdleConnections)
	return s
}

func mocked(t *testing.T, responder httpmock.Responder) *Sender {
	t.Helper()
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(responder)
	return newSender(t, Config{Client: &http.Client{Transport: mock}})
}

func request(class Class, url string) Request {
	return Request{
		Operation: "test", Class: class, Method: http.MethodPost, URL: url, Header: http.Header{}, Body: []byte(`{"q":1}`),
		Judge: func([]byte) (Outcome, error) { return Answered, nil },
		Pace:  Pace{MaxAttempts: 4, MinWait: time.Second, MaxWait: 8 * time.Second},
	}
}

// failing answers as told, then with 200.
func failing(times int, then httpmock.Responder) (httpmock.Responder, *atomic.Int32) {
	var calls atomic.Int32
	return func(r *http.Request) (*http.Response, error) {
		if int(calls.Add(1)) > times {
			return httpmock.NewStringResponse(http.StatusOK, "{}"), nil
		}
		return then(r)
	}, &calls
}

func TestQueriesAreRetriedAndMutationsAreNot(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]httpmock.Responder{
		"network error": httpmock.NewErrorResponder(errors.New("connection reset by peer")),
		"429":           httpmock.NewStringResponder(429, ""),
		"500":           httpmock.NewStringResponder(500, "oops"),
		"503":           httpmock.NewStringResponder(503, "<html>"),
		"cut body": func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(io.MultiReader(strings.NewReader(`{"da`), errReader{})), ContentLength: -1}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				responder, calls := failing(2, trouble)
				result := mocked(t, responder).Do(t.Context(), request(Query, endpoint))
				if result.Outcome != Answered || result.Attempts != 3 || calls.Load() != 3 {
					t.Errorf("query = %v after %d attempts, want it answered by the third", result.Outcome, result.Attempts)
				}
				responder, calls = failing(2, trouble)
				result = mocked(t, responder).Do(t.Context(), request(Mailing, endpoint))
				if result.Action != Settle || result.Attempts != 1 || calls.Load() != 1 {
					t.Errorf("mutation = %v, %v after %d requests, want one and Settle", result.Outcome, result.Action, calls.Load())
				}
			})
		})
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestAttemptsAndWaitsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		responder, calls := failing(100, httpmock.NewStringResponder(503, "").HeaderSet(http.Header{"Retry-After": {"3600"}}))
		result := mocked(t, responder).Do(t.Context(), request(Query, endpoint))
		if calls.Load() != 4 || result.Attempts != 4 || result.Answer == nil || result.Answer.Status != 503 {
			t.Errorf("%d requests, result %+v; want four and the last answer", calls.Load(), result)
		}
		if waited := time.Since(begin); waited != 3*8*time.Second {
			t.Errorf("waited %v, want three times the longest wait", waited)
		}
	})
}

func TestTheContextWins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		responder, _ := failing(100, httpmock.NewStringResponder(503, ""))
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		begin := time.Now()
		result := mocked(t, responder).Do(ctx, request(Query, endpoint))
		if waited := time.Since(begin); waited != 300*time.Millisecond {
			t.Errorf("the call ended after %v, want when its context did", waited)
		}
		if !result.Interrupted || !errors.Is(result.Err, context.DeadlineExceeded) || !strings.Contains(result.Err.Error(), "HTTP status 503") {
			t.Errorf("result %+v, want the deadline and what came before", result)
		}
	})
}

func TestAnEndedContextSendsNothing(t *testing.T) {
	t.Parallel()
	responder, calls := failing(0, nil)
	cause := errors.New("the visitor left")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	result := mocked(t, responder).Do(ctx, request(Mailing, endpoint))
	if calls.Load() != 0 || result.Outcome != Unsent || result.Action != Stop {
		t.Errorf("%d requests, result %+v; want none", calls.Load(), result)
	}
	if !errors.Is(result.Err, context.Canceled) || !errors.Is(result.Err, cause) {
		t.Errorf("Err = %v, want Canceled and its cause", result.Err)
	}
}

func TestTimeoutBoundsOneAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		s := mocked(t, func(r *http.Request) (*http.Response, error) {
			if calls.Add(1) > 1 {
				return httpmock.NewStringResponse(http.StatusOK, "{}"), nil
			}
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		r := request(Query, endpoint)
		r.Timeout = 5 * time.Second
		begin := time.Now()
		result := s.Do(t.Context(), r)
		if waited := time.Since(begin); result.Outcome != Answered || result.Attempts != 2 || waited < 5*time.Second || waited > 6*time.Second {
			t.Errorf("%v after %d attempts and %v, want the second answered after 5 s and a wait", result.Outcome, result.Attempts, waited)
		}
	})
}

func TestTheShorterTimeoutHolds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mock := httpmock.NewMockTransport()
		mock.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		s := newSender(t, Config{Client: &http.Client{Transport: mock, Timeout: 2 * time.Second}})
		r := request(Mailing, endpoint)
		r.Timeout = 5 * time.Second
		begin := time.Now()
		if result := s.Do(t.Context(), r); result.Action != Settle || time.Since(begin) != 2*time.Second {
			t.Errorf("%v after %v, want Settle after the caller's client's 2 s", result.Action, time.Since(begin))
		}
	})
}

// dialing returns a client whose transport is an *http.Transport that dials so.
func dialing(dial func(ctx context.Context, network, addr string) (net.Conn, error)) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: dial}}
}

func TestMutationsAreRetriedIfNothingWasSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, err := range map[string]error{
			"refused": &net.OpError{Op: "dial", Err: errors.New("connection refused")},
			"no DNS":  &net.DNSError{Err: "no such host", Name: "platform.example"},
		} {
			var dials int
			s := newSender(t, Config{Client: dialing(func(context.Context, string, string) (net.Conn, error) {
				dials++
				return nil, err
			})})
			result := s.Do(t.Context(), request(Mailing, "http://platform.example/"))
			if dials != 4 || result.Outcome != Unsent || !errors.Is(result.Err, err) {
				t.Errorf("%s: %d dials, %v, %v; want four and Unsent", name, dials, result.Outcome, result.Err)
			}
		}
	})
}

// net/http hides the error of a dial that the client's time-out ended.
func TestADialThatTimesOutSendsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var dials atomic.Int32
		s := newSender(t, Config{Client: dialing(func(ctx context.Context, _, _ string) (net.Conn, error) {
			dials.Add(1)
			<-ctx.Done()
			return nil, ctx.Err()
		})})
		r := request(Mailing, "http://platform.example/")
		r.Timeout = time.Second
		if result := s.Do(t.Context(), r); result.Outcome != Unsent || dials.Load() != 4 {
			t.Errorf("%v after %d dials (%v), want Unsent and four", result.Outcome, dials.Load(), result.Err)
		}
	})
}

func TestAFailedHandshakeSendsNothing(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	r := request(Mailing, strings.Replace(plain.URL, "http:", "https:", 1))
	r.Pace = Pace{MaxAttempts: 2, MinWait: time.Millisecond, MaxWait: time.Millisecond}
	if result := newSender(t, Config{}).Do(t.Context(), r); result.Outcome != Unsent || result.Attempts != 2 {
		t.Errorf("handshake with a plain server = %v after %d attempts, want Unsent and two", result.Outcome, result.Attempts)
	}
}

func TestAnUntrustedCertificateIsFinal(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	srv.StartTLS()
	defer srv.Close()
	if result := newSender(t, Config{}).Do(t.Context(), request(Mailing, srv.URL)); result.Outcome != Untrusted || result.Attempts != 1 {
		t.Errorf("untrusted certificate = %v after %d attempts (%v), want Untrusted and one", result.Outcome, result.Attempts, result.Err)
	}
}

func TestADroppedConnectionMayHaveSent(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		calls.Add(1)
		panic(http.ErrAbortHandler)
	}))
	defer srv.Close()
	result := newSender(t, Config{}).Do(t.Context(), request(Mailing, srv.URL))
	if calls.Load() != 1 || result.Outcome != Unclear || result.Action != Settle {
		t.Errorf("%d requests, %v, %v; want one and Settle", calls.Load(), result.Outcome, result.Action)
	}
}

// brokenConn is a connection on which only so many bytes can be written.
type brokenConn struct {
	net.Conn
	left int
}

func (c *brokenConn) Write(b []byte) (int, error) {
	n := min(len(b), c.left)
	c.left -= n
	if n < len(b) {
		return n, errors.New("broken pipe")
	}
	return n, nil
}

// What a broken connection had taken decides, byte by byte.
func TestBrokenConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for left, want := range map[int]Outcome{0: Unsent, 1: Cut, 100: Cut} {
			var dials atomic.Int32
			s := newSender(t, Config{Client: dialing(func(context.Context, string, string) (net.Conn, error) {
				dials.Add(1)
				ours, theirs := net.Pipe()
				go func() { _, _ = io.Copy(io.Discard, theirs) }()
				return &brokenConn{ours, left}, nil
			})})
			r := request(Mailing, "http://platform.example/")
			result := s.Do(t.Context(), r)
			if result.Outcome != want || (dials.Load() > 1) != (want == Unsent) || result.Maybe != (want == Cut) {
				t.Errorf("broken after %d bytes: %v after %d connections (%v), want %v", left, result.Outcome, dials.Load(), result.Err, want)
			}
			s.CloseIdleConnections()
		}
	})
}

// Over TLS the bytes of the handshake are not the request's, and the request's
// are counted.
func TestBytesAreCountedOverTLS(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		status int
		want   Outcome
	}{"answered": {http.StatusOK, Answered}, "dropped": {0, Unclear}} {
		srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if row.status == 0 {
				panic(http.ErrAbortHandler)
			}
			w.WriteHeader(row.status)
		}))
		result := newSender(t, Config{Client: srv.Client()}).Do(t.Context(), request(Mailing, srv.URL))
		if result.Outcome != row.want || result.Attempts != 1 {
			t.Errorf("%s: %v after %d attempts (%v), want %v", name, result.Outcome, result.Attempts, result.Err, row.want)
		}
		srv.Close()
	}
}

// A connection that a caller's own DialTLS made cannot be counted.
func TestACallersDialTLSMayHaveSent(t *testing.T) {
	t.Parallel()
	srv := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer srv.Close()
	theirs := srv.Client()
	tr, ok := theirs.Transport.(*http.Transport)
	if !ok {
		t.Fatal("not an *http.Transport")
	}
	cfg := tr.TLSClientConfig
	tr.DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		return (&tls.Dialer{Config: cfg}).DialContext(ctx, network, addr)
	}
	if result := newSender(t, Config{Client: theirs}).Do(t.Context(), request(Mailing, srv.URL)); result.Outcome != Unclear || result.Attempts != 1 {
		t.Errorf("%v after %d attempts, want Unclear after one", result.Outcome, result.Attempts)
	}
}

// The older Dial of a caller's transport is kept, and counted.
func TestACallersDial(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var dials atomic.Int32
		tr := &http.Transport{Dial: func(string, string) (net.Conn, error) { //nolint:staticcheck // what this is about
			dials.Add(1)
			return nil, errors.New("refused")
		}}
		s := newSender(t, Config{Client: &http.Client{Transport: tr}})
		if result := s.Do(t.Context(), request(Mailing, "http://platform.example/")); result.Outcome != Unsent || dials.Load() != 4 {
			t.Errorf("%v after %d dials, want Unsent after four", result.Outcome, dials.Load())
		}
	})
}

// With a RoundTripper that is not ours nobody knows what was sent.
func TestAForeignRoundTripperMayHaveSent(t *testing.T) {
	t.Parallel()
	refused := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	result := mocked(t, httpmock.NewErrorResponder(refused)).Do(t.Context(), request(Mailing, endpoint))
	if result.Outcome != Unclear || result.Action != Settle {
		t.Errorf("%v, %v; want Unclear and Settle", result.Outcome, result.Action)
	}
}

func TestAWrapperKeepsTheCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var order []string
		wrap := func(name string) func(http.RoundTripper) http.RoundTripper {
			return func(base http.RoundTripper) http.RoundTripper {
				return roundTripper(func(r *http.Request) (*http.Response, error) {
					order = append(order, name)
					resp, err := base.RoundTrip(r)
					if err != nil {
						err = fmt.Errorf("%s: %w", name, err)
					}
					return resp, err
				})
			}
		}
		s := newSender(t, Config{
			Client: dialing(func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("refused") }),
			Wrap:   []func(http.RoundTripper) http.RoundTripper{wrap("outer"), wrap("inner")},
		})
		r := request(Mailing, "http://platform.example/")
		r.Pace.MaxAttempts = 1
		if result := s.Do(t.Context(), r); result.Outcome != Unsent {
			t.Errorf("outcome = %v, want Unsent", result.Outcome)
		}
		if got := strings.Join(order, " "); got != "outer inner" {
			t.Errorf("wrappers ran as %q, want the first outermost", got)
		}
	})
}

// A wrapper that gives the request another context hides it from the count.
func TestAWrapperThatHidesTheAttemptMayHaveSent(t *testing.T) {
	t.Parallel()
	detach := func(base http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			return base.RoundTrip(r.WithContext(context.Background()))
		})
	}
	s := newSender(t, Config{
		Client: dialing(func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("refused") }),
		Wrap:   []func(http.RoundTripper) http.RoundTripper{detach},
	})
	if result := s.Do(t.Context(), request(Mailing, "http://platform.example/")); result.Action != Settle {
		t.Errorf("action = %v, want Settle", result.Action)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAWrapperThatReturnsNothingIsRefused(t *testing.T) {
	t.Parallel()
	_, err := New(Config{Wrap: []func(http.RoundTripper) http.RoundTripper{func(http.RoundTripper) http.RoundTripper { return nil }}})
	if err == nil {
		t.Error("New = nil, want an error")
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int32
	evil := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer evil.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, evil.URL, status) }))
		// A caller's own CheckRedirect does not change that.
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}
		for class, want := range map[Class]Action{Query: Stop, Withdrawal: Settle, Mailing: Settle} {
			result := newSender(t, Config{Client: client}).Do(t.Context(), request(class, srv.URL))
			if result.Outcome != Redirected || result.Action != want || result.Attempts != 1 {
				t.Errorf("%d: %v, %v after %d attempts; want Redirected, %v after one", status, result.Outcome, result.Action, result.Attempts, want)
			}
		}
		srv.Close()
	}
	if elsewhere.Load() != 0 {
		t.Errorf("%d requests went elsewhere", elsewhere.Load())
	}
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	const limit = 1 << 10
	var bomb bytes.Buffer
	zip := gzip.NewWriter(&bomb)
	_, _ = zip.Write(make([]byte, 100*limit))
	_ = zip.Close()
	for name, serve := range map[string]http.HandlerFunc{
		"announced": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1025")
			_, _ = w.Write(make([]byte, limit+1))
		},
		"chunked": func(w http.ResponseWriter, _ *http.Request) {
			for range 100 {
				_, _ = w.Write(make([]byte, limit))
				_ = http.NewResponseController(w).Flush()
			}
		},
		"gzip bomb": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		},
	} {
		srv := httptest.NewServer(serve)
		r := request(Query, srv.URL)
		r.Pace.MaxAttempts = 1
		result := newSender(t, Config{MaxResponseBytes: limit}).Do(t.Context(), r)
		if result.Outcome != Unclear || !errors.Is(result.Err, errTooLarge) {
			t.Errorf("%s: %v, %v; want an error that names the limit", name, result.Outcome, result.Err)
		}
		srv.Close()
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, limit)) }))
	defer srv.Close()
	result := newSender(t, Config{MaxResponseBytes: limit}).Do(t.Context(), request(Query, srv.URL))
	if result.Outcome != Answered || len(result.Answer.Body) != limit {
		t.Errorf("a body of just the limit = %v, %v; want it whole", result.Outcome, result.Err)
	}
}

func TestTheJudgeHasTheLastWord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for outcome, attempts := range map[Outcome]int{Answered: 1, Refused: 1, Unauthorized: 1, Unclear: 4, Throttled: 4} {
			responder, _ := failing(0, nil)
			r := request(Query, endpoint)
			why := errors.New("why")
			r.Judge = func(body []byte) (Outcome, error) {
				if string(body) != "{}" {
					t.Errorf("the judge was shown %q", body)
				}
				if outcome == Answered {
					return Answered, nil
				}
				return outcome, why
			}
			result := mocked(t, responder).Do(t.Context(), r)
			if result.Outcome != outcome || result.Attempts != attempts || outcome != Answered && !errors.Is(result.Err, why) {
				t.Errorf("judged %v: %v after %d attempts, %v; want %d", outcome, result.Outcome, result.Attempts, result.Err, attempts)
			}
		}
	})
}

// A page is not an answer, whatever is in it.
func TestTheContentTypeOfAnAnswer(t *testing.T) {
	t.Parallel()
	for contentType, want := range map[string]Outcome{
		"": Answered, "application/json": Answered, "Application/JSON; charset=utf-8": Answered, "application/graphql-response+json": Answered,
		"text/plain; charset=utf-8": Answered,
		"text/html":                 Unclear, "text/html; charset=utf-8": Unclear, "application/xml": Unclear, "image/png": Unclear, "json; ;": Unclear,
	} {
		s := mocked(t, httpmock.NewStringResponder(http.StatusOK, "{}").HeaderSet(http.Header{"Content-Type": {contentType}}))
		r := request(Mailing, endpoint)
		if result := s.Do(t.Context(), r); result.Outcome != want {
			t.Errorf("%q: %v (%v), want %v", contentType, result.Outcome, result.Err, want)
		}
	}
}

// HTTP/2 repeats requests by itself, so it must not come about with a server
// that offers it, nor with a transport that already spoke it.
func TestOnlyHTTP1(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	theirs := srv.Client()
	resp, err := theirs.Get(srv.URL)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	_ = resp.Body.Close()
	if resp.Proto != "HTTP/2.0" {
		t.Fatalf("the caller's own client spoke %s, want HTTP/2.0", resp.Proto)
	}
	s := newSender(t, Config{Client: theirs})
	result := s.Do(t.Context(), request(Mailing, srv.URL))
	if result.Outcome != Answered || string(result.Answer.Body) != "HTTP/1.1" {
		t.Fatalf("the server saw %+v, want HTTP/1.1", result)
	}
	if resp, err = theirs.Get(srv.URL); err != nil || resp.Proto != "HTTP/2.0" {
		t.Errorf("afterwards the caller's client has %v, %v; want it unchanged", resp, err)
	}
	_ = resp.Body.Close()
}

func TestTheRequestIsNotReplayable(t *testing.T) {
	t.Parallel()
	s := mocked(t, func(r *http.Request) (*http.Response, error) {
		if r.GetBody != nil {
			t.Error("the request has a GetBody: net/http could repeat it")
		}
		for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
			if r.Header.Get(name) != "" {
				t.Errorf("the request has %s: net/http could repeat it", name)
			}
		}
		body, _ := io.ReadAll(r.Body)
		if string(body) != `{"q":1}` || r.ContentLength != 7 {
			t.Errorf("body = %q of %d bytes", body, r.ContentLength)
		}
		return httpmock.NewStringResponse(http.StatusOK, "{}"), nil
	})
	if result := s.Do(t.Context(), request(Mailing, endpoint)); result.Outcome != Answered {
		t.Errorf("Do = %+v", result)
	}
}

// go-retryablehttp closes everybody's idle connections when a call fails for
// good.
func TestAFailedCallLeavesThePoolAlone(t *testing.T) {
	t.Parallel()
	var dials atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/fail" {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer srv.Close()
	var dialer net.Dialer
	s := newSender(t, Config{Client: dialing(func(ctx context.Context, network, addr string) (net.Conn, error) {
		dials.Add(1)
		return dialer.DialContext(ctx, network, addr)
	})})
	for _, path := range []string{"/", "/fail", "/", "/fail", "/"} {
		s.Do(t.Context(), request(Query, srv.URL+path))
	}
	if dials.Load() != 1 {
		t.Errorf("%d connections were dialed, want one", dials.Load())
	}
}

func TestCloseIdleConnections(t *testing.T) {
	t.Parallel()
	closed := new(closer)
	newSender(t, Config{Client: &http.Client{Transport: closed}}).CloseIdleConnections()
	if *closed != 1 {
		t.Error("a RoundTripper that can close its idle connections was not asked to")
	}
}

type closer int

func (*closer) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("unused") }
func (c *closer) CloseIdleConnections()                         { *c++ }

func TestOurTransport(t *testing.T) {
	t.Parallel()
	tr := newTransport()
	if tr.MaxIdleConnsPerHost < 64 || tr.Proxy == nil || tr.MaxResponseHeaderBytes == 0 || tr.TLSClientConfig.MinVersion < tls.VersionTLS12 {
		t.Errorf("transport = %+v", tr)
	}
	caller := &http.Transport{TLSClientConfig: &tls.Config{ServerName: "theirs", MinVersion: tls.VersionTLS13}}
	clone := http1Only(caller.Clone())
	if clone.TLSClientConfig.ServerName != "theirs" || clone.TLSClientConfig == caller.TLSClientConfig || len(caller.TLSClientConfig.NextProtos) != 0 {
		t.Error("the caller's TLS settings were lost or changed")
	}
}

func TestTheLogNamesAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		mock := httpmock.NewMockTransport()
		responder, _ := failing(1, httpmock.NewErrorResponder(errors.New("secret")))
		mock.RegisterNoResponder(responder)
		s := newSender(t, Config{
			Client: &http.Client{Transport: mock},
			Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		})
		r := request(Query, endpoint+"?q=secret")
		r.Header.Set(RequestID, "7f3a")
		s.Do(t.Context(), r)
		for _, want := range []string{"roq: attempt", "roq: trying again", "operation=test", "request=7f3a", "attempt=1", "attempt=2", "outcome=unclear", "outcome=answered", "status=200"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log lacks %q:\n%s", want, log.String())
			}
		}
		if strings.Contains(log.String(), "secret") {
			t.Errorf("the log repeats what a transport said:\n%s", log.String())
		}
	})
}

func TestAMalformedAddress(t *testing.T) {
	t.Parallel()
	responder, calls := failing(0, nil)
	if result := mocked(t, responder).Do(t.Context(), request(Mailing, "https://a b/")); result.Outcome != Unsent || result.Err == nil || calls.Load() != 0 {
		t.Errorf("Do = %+v after %d requests, want Unsent", result, calls.Load())
	}
}
