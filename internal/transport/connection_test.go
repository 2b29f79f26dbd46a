package transport

import (
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
			if result.Outcome != want || dials.Load() == 1 || result.Maybe {
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
	r := request(Mailing, srv.URL)
	var proto string
	r.Judge = func(body []byte) (Outcome, error) {
		proto = string(body)
		return Answered, nil
	}
	if result := s.Do(t.Context(), r); result.Outcome != Answered || proto != "HTTP/1.1" {
		t.Fatalf("the server saw %q (%+v), want HTTP/1.1", proto, result)
	}
	if resp, err = theirs.Get(srv.URL); err != nil || resp.Proto != "HTTP/2.0" {
		t.Errorf("afterwards the caller's client has %v, %v; want it unchanged", resp, err)
	}
	_ = resp.Body.Close()
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
