package transport

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/go-roq/roq/internal/trace"
)

const endpoint = "https://platform.example/v01/server/graphql"

func newSender(t *testing.T, cfg Config) *Sender {
	t.Helper()
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

// A wait ends with the context, and does not begin if the context would end before it
// does.
func TestTheContextWins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(300*time.Millisecond, cancel)
		responder, _ := failing(100, httpmock.NewStringResponder(503, ""))
		begin := time.Now()
		result := mocked(t, responder).Do(ctx, request(Query, endpoint))
		if waited := time.Since(begin); waited != 300*time.Millisecond {
			t.Errorf("the call ended after %v, want when its context did", waited)
		}
		if !result.Interrupted || !errors.Is(result.Err, context.Canceled) || !strings.Contains(result.Err.Error(), "HTTP status 503") {
			t.Errorf("result %+v, want the end of the context and what came before", result)
		}
	})
	for name, responder := range map[string]httpmock.Responder{
		"HTTP status 503": httpmock.NewStringResponder(503, "").HeaderSet(http.Header{"Retry-After": {"5"}}),
		"HTTP status 429": httpmock.NewStringResponder(429, "").HeaderSet(http.Header{"Retry-After": {"5"}}),
		"no route":        httpmock.NewErrorResponder(errors.New("no route")),
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			s, begin := mocked(t, responder), time.Now()
			result := s.Do(ctx, request(Query, endpoint))
			if waited := time.Since(begin); waited > 200*time.Millisecond || result.Attempts == 0 {
				t.Errorf("%s: the call ended after %v and %d attempts, want at once", name, waited, result.Attempts)
			}
			if !errors.Is(result.Err, context.DeadlineExceeded) || !strings.Contains(result.Err.Error(), name) {
				t.Errorf("%s: result %+v, want the deadline and what came before", name, result)
			}
			if name == "no route" {
				return
			}
			// What the server has asked for holds for the next call too.
			if result = s.Do(ctx, request(Query, endpoint)); result.Attempts != 0 || result.Outcome != Unsent || !errors.Is(result.Err, context.DeadlineExceeded) {
				t.Errorf("%s: the next call: %+v, want it to end at once", name, result)
			}
		})
	}
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
	r := request(Query, srv.URL)
	read := 0
	r.Judge = func(body []byte) (Outcome, error) {
		read = len(body)
		return Answered, nil
	}
	result := newSender(t, Config{MaxResponseBytes: limit}).Do(t.Context(), r)
	if result.Outcome != Answered || read != limit {
		t.Errorf("a body of just the limit = %v, %v, %d bytes; want it whole", result.Outcome, result.Err, read)
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
		"text/html":                 Unclear, "text/html; charset=utf-8": Unclear, "application/xml": Unclear, "image/png": Unclear, "jason; ;": Unclear,
	} {
		s := mocked(t, httpmock.NewStringResponder(http.StatusOK, "{}").HeaderSet(http.Header{"Content-Type": {contentType}}))
		r := request(Mailing, endpoint)
		if result := s.Do(t.Context(), r); result.Outcome != want {
			t.Errorf("%q: %v (%v), want %v", contentType, result.Outcome, result.Err, want)
		}
	}
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

// recorder is a tracer that remembers attempts.
type recorder struct {
	trace.Tracer
	starts []trace.RequestStart
	ends   []trace.RequestEnd
}

type recordedKey struct{}

func (r *recorder) RequestStart(ctx context.Context, d trace.RequestStart) context.Context {
	r.starts = append(r.starts, d)
	return context.WithValue(ctx, recordedKey{}, d.Attempt)
}

func (r *recorder) RequestHeader(ctx context.Context) http.Header {
	n, _ := ctx.Value(recordedKey{}).(int)
	return http.Header{"traceparent": {fmt.Sprint("attempt ", n)}, "X-Request-Id": {"another"}}
}

func (r *recorder) RequestEnd(ctx context.Context, d trace.RequestEnd) {
	if n, ok := ctx.Value(recordedKey{}).(int); !ok || n != r.starts[len(r.ends)].Attempt {
		panic("not the context of the start")
	}
	r.ends = append(r.ends, d)
}

// The tracer is told of every attempt, and of nothing that may be a secret.
func TestTheTracerIsToldOfAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mock := httpmock.NewMockTransport()
		responder, _ := failing(2, httpmock.NewStringResponder(503, "").HeaderSet(http.Header{"Retry-After": {"2"}}))
		mock.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
			if d, ok := trace.Request(r.Context()); !ok || d.Operation != "test" {
				t.Errorf("the transport's context has %+v", d)
			} else if h := r.Header; h.Get("Traceparent") != fmt.Sprint("attempt ", d.Attempt) || !slices.Equal(h["X-Request-Id"], []string{"7f3a"}) {
				t.Errorf("attempt %d has the headers %v", d.Attempt, h)
			}
			return responder(r)
		})
		told := new(recorder)
		s := newSender(t, Config{Client: &http.Client{Transport: mock}, Tracer: told})
		r := request(Query, endpoint+"?q=secret")
		r.Header.Set(RequestID, "7f3a")
		r.Invites, r.Before = 3, 1
		r.Hide = func(error) error { return errors.New("hidden") }
		s.Do(t.Context(), r)
		if len(told.starts) != 3 || len(told.ends) != 3 {
			t.Fatalf("%d began and %d ended, want three", len(told.starts), len(told.ends))
		}
		if h := r.Header; len(h) != 1 {
			t.Errorf("the headers of the call became %v", h)
		}
		for i, d := range told.starts {
			if d.Operation != "test" || d.RequestID != "7f3a" || d.Attempt != i+2 || d.Invites != 3 || d.Method != r.Method || strings.Contains(fmt.Sprint(d), "secret") {
				t.Errorf("%+v", d)
			}
		}
		for i, d := range told.ends {
			last := i == 2
			if (d.Outcome == "answered") != last || (d.StatusCode == 503) == last || (d.RetryIn >= 2*time.Second) == last || (d.RetryAfter == 2*time.Second) == last || (d.Err != nil && d.Err.Error() == "hidden") == last {
				t.Errorf("%d: %+v", i, d)
			}
		}
	})
}

// What is kept back is no request, and one whose transport panics has ended.
func TestTheTracerOfOddAttempts(t *testing.T) {
	t.Parallel()
	told := new(recorder)
	s := newSender(t, Config{Tracer: told, Client: &http.Client{Transport: roundTripFunc(func(*http.Request) (*http.Response, error) { panic("of the caller's") })}})
	r := request(Mailing, endpoint)
	r.Leaving = func(context.Context) error { return errors.New("held") }
	s.Do(t.Context(), r)
	if len(told.starts) != 0 {
		t.Errorf("%d began", len(told.starts))
	}
	func() {
		defer func() { _ = recover() }()
		s.Do(t.Context(), request(Mailing, endpoint))
	}()
	if len(told.starts) != 1 || len(told.ends) != 1 {
		t.Errorf("%d began and %d ended, want one", len(told.starts), len(told.ends))
	}
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAMalformedAddress(t *testing.T) {
	t.Parallel()
	responder, calls := failing(0, nil)
	if result := mocked(t, responder).Do(t.Context(), request(Mailing, "https://a b/")); result.Outcome != Unsent || result.Err == nil || calls.Load() != 0 {
		t.Errorf("Do = %+v after %d requests, want Unsent", result, calls.Load())
	}
}
