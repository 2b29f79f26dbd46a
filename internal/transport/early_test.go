package transport

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// early answers each request before it has read the body, and then resets the
// connection.
func early(t *testing.T, answer string, cert *tls.Certificate) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
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
				r := bufio.NewReaderSize(conn, 512)
				for line := "x"; strings.TrimSpace(line) != "" && err == nil; {
					line, err = r.ReadString('\n')
				}
				_, _ = io.WriteString(conn, answer)
				time.Sleep(20 * time.Millisecond) //nolint:forbidigo // a socket has no clock of ours
				_ = raw.(*net.TCPConn).SetLinger(0)
				_ = raw.Close()
			}()
		}
	}()
	return l.Addr().String()
}

// A request of which the kernel did not take all bytes was not processed, whatever
// the answer is, if there is one.
func TestAnswersBeforeTheBody(t *testing.T) {
	t.Parallel()
	secure := httptest.NewTLSServer(nil)
	defer secure.Close()
	for name, row := range map[string]struct {
		answer string
		want   Outcome
	}{
		"no answer":   {"", Cut},
		"413":         {"HTTP/1.1 413 Payload Too Large\r\nContent-Length: 0\r\n\r\n", Refused},
		"403":         {"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nnginx", Cut},
		"429":         {"HTTP/1.1 429 Too Many\r\nContent-Length: 0\r\n\r\n", Cut},
		"503":         {"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", Cut},
		"302":         {"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n", Cut},
		"a page":      {"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\n<html", Cut},
		"half a line": {"HTTP/1.1 50", Cut},
	} {
		for _, over := range []string{"http", "https"} {
			t.Run(name+"/"+over, func(t *testing.T) {
				t.Parallel()
				var cert *tls.Certificate
				if over == "https" {
					cert = &secure.TLS.Certificates[0]
				}
				s := newSender(t, Config{Client: &http.Client{Transport: secure.Client().Transport}})
				defer s.CloseIdleConnections()
				r := request(Mailing, over+"://"+early(t, row.answer, cert)+"/")
				r.Body = bytes.Repeat([]byte("x"), 16<<20)
				r.Own = func([]byte) bool { return false }
				r.Timeout = 10 * time.Second
				result := s.Do(t.Context(), r)
				// A 413 may be lost with the connection.
				if result.Outcome != row.want && (name != "413" || result.Outcome != Cut) || result.Maybe || result.Attempts != 1 {
					t.Errorf("%v after %d attempts (%v), want %v after one", result.Outcome, result.Attempts, result.Err, row.want)
				}
			})
		}
	}
}

// A body that was taken whole may have been processed, whatever comes then.
func TestAnswersAfterTheBody(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"503": 503, "dropped": 0} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if status == 0 {
				panic(http.ErrAbortHandler)
			}
			w.WriteHeader(status)
		}))
		r := request(Mailing, srv.URL)
		r.Body = bytes.Repeat([]byte("x"), 4<<20)
		if result := newSender(t, Config{}).Do(t.Context(), r); result.Outcome != Unclear || !result.Maybe {
			t.Errorf("%s: %v, want unclear", name, result.Outcome)
		}
		srv.Close()
	}
}

// An upload that takes too long was not processed either.
func TestTimeoutsWhileTheBodyIsWritten(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer srv.Close()
	defer close(release)
	r := request(Mailing, srv.URL)
	r.Body, r.Timeout = bytes.Repeat([]byte("x"), 16<<20), 200*time.Millisecond
	if result := newSender(t, Config{}).Do(t.Context(), r); result.Outcome != Cut || result.Maybe {
		t.Errorf("%v (%v), want cut", result.Outcome, result.Err)
	}
	r.Body = []byte("small")
	if result := newSender(t, Config{}).Do(t.Context(), r); result.Outcome != Unclear || !result.Maybe {
		t.Errorf("a small one: %v (%v), want unclear", result.Outcome, result.Err)
	}
}
