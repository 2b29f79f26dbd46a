package transport

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

// piped is a client whose connections lead to a server without sockets, which announces
// what keepAlive says and calls serve with the number of each connection.
func piped(serve func(conn net.Conn, n int), dials *atomic.Int32) *http.Client {
	return dialing(func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		n := int(dials.Add(1))
		go serve(theirs, n)
		return ours, nil
	})
}

// answering answers every request with that Keep-Alive header.
func answering(keepAlive func(request int) string) func(net.Conn, int) {
	return func(conn net.Conn, _ int) {
		r := bufio.NewReader(conn)
		for n := 1; ; n++ {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			header := ""
			if said := keepAlive(n); said != "" {
				header = "Keep-Alive: " + said + "\r\n"
			}
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\n%sContent-Length: 2\r\n\r\n{}", header)
		}
	}
}

// A connection is used until shortly before the server closes it, and no longer.
func TestAnnouncedTimeouts(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		keepAlive string
		// Between two requests that far apart the connection is kept, or is not.
		kept, dropped time.Duration
	}{
		"five seconds": {"timeout=5", 4*time.Second - time.Millisecond, 4 * time.Second},
		"one second":   {"timeout=1", 499 * time.Millisecond, 500 * time.Millisecond},
		"none left":    {"timeout=0", -1, 0},
		"longer":       {"timeout=600", 80 * time.Second, 91 * time.Second}, // our own bound
		"no number":    {"timeout=soon", 80 * time.Second, 91 * time.Second},
		"not said":     {"", 80 * time.Second, 91 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var dials atomic.Int32
				s := newSender(t, Config{Client: func() *http.Client {
					c := piped(answering(func(int) string { return row.keepAlive }), &dials)
					c.Transport.(*http.Transport).IdleConnTimeout = idleConnTimeout
					return c
				}()})
				do := func(wantDials int32) {
					t.Helper()
					result := s.Do(t.Context(), request(Mailing, "http://platform.example/"))
					if result.Outcome != Answered || result.Attempts != 1 || dials.Load() != wantDials {
						t.Errorf("%v after %d attempts and %d dials (%v), want one attempt and %d", result.Outcome, result.Attempts, dials.Load(), result.Err, wantDials)
					}
				}
				do(1)
				if row.kept >= 0 {
					for range 3 { // each answer announces anew
						<-time.After(row.kept)
						do(1)
					}
				}
				<-time.After(row.dropped)
				synctest.Wait()
				do(2)
				s.CloseIdleConnections()
			})
		})
	}
}

// A connection takes as many requests as the server announces, whether that counts
// down or says how many it takes in all.
func TestAnnouncedRequests(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		keepAlive func(request int) string
		most      int
	}{
		"two in all":      {func(int) string { return "timeout=5, max=2" }, 2},
		"one":             {func(int) string { return "max=1" }, 1},
		"none":            {func(int) string { return "max=0" }, 1},
		"counting down":   {func(n int) string { return "timeout=5, max=" + strconv.Itoa(10-n) }, 5},
		"only once":       {func(n int) string { return map[int]string{1: "max=2"}[n] }, 12},
		"not at first":    {func(n int) string { return map[int]string{4: "max=3"}[n] }, 4},
		"nothing that is": {func(int) string { return "max=-1" }, 12},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var dials atomic.Int32
				s := newSender(t, Config{Client: piped(answering(row.keepAlive), &dials)})
				for n := range 12 {
					result := s.Do(t.Context(), request(Mailing, "http://platform.example/"))
					synctest.Wait()
					if want := int32(n/row.most + 1); result.Outcome != Answered || result.Attempts != 1 || dials.Load() != want {
						t.Fatalf("request %d: %v after %d attempts and %d dials, want %d dials", n+1, result.Outcome, result.Attempts, dials.Load(), want)
					}
				}
				s.CloseIdleConnections()
			})
		})
	}
}

// Callers who wait for a connection are handed one that is over. The request leaves on
// another one, in the same attempt.
func TestAnnouncedRequestsOfManyCallers(t *testing.T) {
	t.Parallel()
	var longest atomic.Int64
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := r.Context().Value(countKey{}).(*atomic.Int64).Add(1)
		for old := longest.Load(); n > old && !longest.CompareAndSwap(old, n); old = longest.Load() {
		}
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Keep-Alive", "max=2")
		_, _ = w.Write(body)
	}))
	srv.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		return context.WithValue(ctx, countKey{}, new(atomic.Int64))
	}
	srv.Start()
	defer srv.Close()
	s := newSender(t, Config{})
	s.Do(t.Context(), request(Mailing, srv.URL)) // from here on it is known
	var all sync.WaitGroup
	for n := range 16 {
		all.Go(func() {
			for range 20 {
				r := request(Mailing, srv.URL)
				r.Body = fmt.Appendf(nil, `{"q":%d}`, n)
				r.Judge = func(body []byte) (Outcome, error) {
					if !bytes.Equal(body, r.Body) {
						t.Errorf("the server got %q, want %q", body, r.Body)
					}
					return Answered, nil
				}
				if result := s.Do(t.Context(), r); result.Outcome != Answered || result.Attempts != 1 {
					t.Errorf("%v after %d attempts: %v", result.Outcome, result.Attempts, result.Err)
				}
			}
		})
	}
	all.Wait()
	if longest.Load() > 2 {
		t.Errorf("a connection had %d requests, want two at most", longest.Load())
	}
}

type countKey struct{}

// A request that a header allows to be repeated gets nothing to repeat it with: net/http
// would not stop at requests of which nothing was written.
func TestDialAnew(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		header http.Header
		body   io.Reader
		want   bool
	}{
		"a body":           {http.Header{}, strings.NewReader("x"), true},
		"a key":            {http.Header{"Idempotency-Key": {"k"}}, strings.NewReader("x"), false},
		"a key, empty":     {http.Header{"X-Idempotency-Key": {}}, strings.NewReader("x"), false},
		"no body":          {http.Header{}, nil, false},
		"a stream":         {http.Header{}, io.MultiReader(strings.NewReader("x")), false},
		"a body that ends": {http.Header{}, iotest.ErrReader(io.ErrUnexpectedEOF), false},
	} {
		req := httptest.NewRequest(http.MethodPost, "http://platform.example/", row.body)
		req.Header, req.GetBody = row.header, nil
		if name == "a body that ends" {
			req.ContentLength = 1
		}
		err := dialAnew(req)
		if got := req.GetBody != nil; got != row.want || (err != nil) != (name == "a body that ends") {
			t.Errorf("%s: GetBody is set: %v, %v", name, got, err)
		}
		if row.want {
			body, err := io.ReadAll(req.Body)
			again, _ := req.GetBody()
			second, _ := io.ReadAll(again)
			if string(body) != "x" || string(second) != "x" || err != nil {
				t.Errorf("%s: the body is %q and %q, %v", name, body, second, err)
			}
		}
	}
}

// A real server closes its idle connections as it announces, while callers send.
func TestAServerThatClosesIdleConnections(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Keep-Alive", "timeout=1")
		_, _ = io.WriteString(w, "{}")
	}))
	srv.Config.IdleTimeout = time.Second
	srv.Start()
	defer srv.Close()
	s := newSender(t, Config{})
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			for range 2 {
				// About when the server closes the connection.
				result := s.Do(t.Context(), request(Mailing, srv.URL))
				if result.Outcome != Answered || result.Attempts != 1 {
					t.Errorf("%v after %d attempts: %v", result.Outcome, result.Attempts, result.Err)
				}
				<-time.After(950*time.Millisecond + time.Duration(n)*5*time.Millisecond)
			}
		})
	}
	all.Wait()
}

// An answer may take longer than a connection may be idle.
func TestAnAnswerLongerThanTheTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var dials atomic.Int32
		s := newSender(t, Config{Client: piped(func(conn net.Conn, _ int) {
			r := bufio.NewReader(conn)
			for {
				req, err := http.ReadRequest(r)
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, req.Body)
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=2\r\nContent-Length: 2\r\n\r\n{")
				<-time.After(10 * time.Second)
				_, _ = io.WriteString(conn, "}")
			}
		}, &dials)})
		for n := range int32(2) {
			if result := s.Do(t.Context(), request(Mailing, "http://platform.example/")); result.Outcome != Answered || result.Attempts != 1 || dials.Load() != n+1 {
				t.Errorf("%v after %d attempts and %d dials: %v", result.Outcome, result.Attempts, dials.Load(), result.Err)
			}
			synctest.Wait()
		}
		s.CloseIdleConnections()
	})
}

// A connection is used for as long as connections live and no longer, however busy it is;
// what is under way then is finished, and no request is lost.
func TestConnectionsGrowOld(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		maxAge, apart time.Duration
		callers       int
		dials         [2]int // within a quarter of an hour
	}{
		"busy":       {5 * time.Minute, time.Millisecond * 100, 1, [2]int{3, 4}},
		"now and so": {5 * time.Minute, 50 * time.Second, 1, [2]int{3, 5}},
		"two":        {5 * time.Minute, time.Millisecond * 100, 2, [2]int{6, 8}},
		"for ever":   {0, 50 * time.Second, 1, [2]int{1, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var dials atomic.Int32
				slow := answering(func(int) string {
					<-time.After(90 * time.Millisecond)
					return ""
				})
				s := newSender(t, Config{Client: piped(slow, &dials), MaxConnAge: row.maxAge})
				ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
				defer cancel()
				var wg sync.WaitGroup
				for range row.callers {
					wg.Go(func() {
						for ctx.Err() == nil {
							if result := s.Do(t.Context(), request(Mailing, "http://platform.example/")); result.Outcome != Answered || result.Attempts != 1 {
								t.Errorf("%v after %d attempts: %v", result.Outcome, result.Attempts, result.Err)
								return
							}
							select {
							case <-ctx.Done():
							case <-time.After(row.apart):
							}
						}
					})
				}
				wg.Wait()
				if n := int(dials.Load()); n < row.dials[0] || n > row.dials[1] {
					t.Errorf("%d connections, want from %d to %d", n, row.dials[0], row.dials[1])
				}
				s.CloseIdleConnections()
			})
		})
	}
}

// An idle connection that grows old is closed, and not used once more.
func TestIdleConnectionsGrowOld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var dials, closed atomic.Int32
		s := newSender(t, Config{MaxConnAge: time.Minute, Client: piped(func(conn net.Conn, n int) {
			answering(func(int) string { return "" })(conn, n)
			closed.Add(1)
		}, &dials)})
		s.Do(t.Context(), request(Mailing, "http://platform.example/"))
		<-time.After(time.Minute)
		synctest.Wait()
		if dials.Load() != 1 || closed.Load() != 1 {
			t.Errorf("%d dials, %d closed; want one that is closed", dials.Load(), closed.Load())
		}
	})
}

// A connection whose time is over, but which the transport still has, writes nothing.
func TestAConnectionThatIsOverWritesNothing(t *testing.T) {
	t.Parallel()
	ours, theirs := net.Pipe()
	defer func() { _ = theirs.Close() }()
	go func() { _, _ = io.Copy(io.Discard, theirs) }()
	c := &counted{Conn: ours}
	use := c.take()
	c.answered(use, keepAlive{timeout: time.Hour, most: 1})
	c.take()
	if n, err := c.Write([]byte("POST")); n != 0 || err == nil || c.written.Load() != 0 {
		t.Errorf("Write = %d, %v with %d written; want nothing", n, err, c.written.Load())
	}
}

// What a server says unasked is not printed, and the next request has a connection of
// its own.
//
//nolint:paralleltest // it looks at the process's logger
func TestNothingUnaskedIsPrinted(t *testing.T) {
	secure := httptest.NewTLSServer(nil)
	defer secure.Close()
	var printed bytes.Buffer
	var mu sync.Mutex
	old := log.Writer()
	log.SetOutput(writer(func(b []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return printed.Write(b)
	}))
	defer log.SetOutput(old)
	for name, said := range map[string]string{
		"another answer": "HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\n{\"email\":\"a@acme.example\"}",
		"a time-out":     "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n",
		"a refusal":      "HTTP/1.1 503 Service Unavailable\r\n\r\na@acme.example",
		"no HTTP":        "a@acme.example\r\n",
		"a byte":         "x",
	} {
		for _, cert := range []*tls.Certificate{nil, &secure.TLS.Certificates[0]} {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			closed := make(chan struct{}, 4)
			go func() {
				for {
					raw, err := l.Accept()
					if err != nil {
						return
					}
					go func() {
						conn := raw
						if cert != nil {
							conn = tls.Server(raw, &tls.Config{Certificates: []tls.Certificate{*cert}})
						}
						defer func() { _ = raw.Close() }()
						r := bufio.NewReader(conn)
						req, err := http.ReadRequest(r)
						if err != nil {
							return
						}
						_, _ = io.Copy(io.Discard, req.Body)
						_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
						<-time.After(50 * time.Millisecond) // until the connection is idle
						_, _ = io.WriteString(conn, said)
						_, _ = io.Copy(io.Discard, r)
						closed <- struct{}{}
					}()
				}
			}()
			client := secure.Client()
			url := "https://" + l.Addr().String()
			if cert == nil {
				url = "http://" + l.Addr().String()
			}
			s := newSender(t, Config{Client: client})
			for range 2 {
				if result := s.Do(t.Context(), request(Mailing, url)); result.Outcome != Answered {
					t.Errorf("%s: %v after %d attempts: %v", name, result.Outcome, result.Attempts, result.Err)
				}
				select {
				case <-closed:
				case <-time.After(5 * time.Second):
					t.Errorf("%s: the connection was not closed", name)
				}
			}
			s.CloseIdleConnections()
			_ = l.Close()
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if printed.Len() > 0 {
		t.Errorf("the process's logger has %q", &printed)
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }
