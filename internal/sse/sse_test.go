package sse_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-roq/roq/internal/sse"
)

// serve serves a stream on a server whose own time-outs are short.
func serve(t *testing.T, limit time.Duration, send func(*sse.Stream)) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s := sse.Open(w, r, limit); s != nil {
			send(s)
		}
	}))
	server.Config.ReadTimeout, server.Config.WriteTimeout = 50*time.Millisecond, 50*time.Millisecond
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

func request(t *testing.T, method, url string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// A stream outlives the server's time-outs, and each event arrives when it is sent.
func TestStream(t *testing.T) {
	t.Parallel()
	next := make(chan struct{})
	url := serve(t, time.Minute, func(s *sse.Stream) {
		<-next
		for _, data := range []any{nil, "line\nline", map[string]int{"n": 1}} {
			if !s.Send("change", "7", data) {
				t.Errorf("%v was not sent", data)
			}
			<-next
		}
		if !s.Send("", "", 1) || s.Send("", "", make(chan int)) {
			t.Error("an event without a name was not sent, or a channel was")
		}
	})
	resp := request(t, http.MethodGet, url)
	if got := resp.Header.Get("Content-Type") + " " + resp.Header.Get("Cache-Control"); got != "text/event-stream no-store" || resp.StatusCode != http.StatusOK {
		t.Errorf("status %d, headers %s", resp.StatusCode, got)
	}
	<-time.After(100 * time.Millisecond) // the server's time-outs are over
	in := bufio.NewReader(resp.Body)
	for _, want := range []string{"null", `"line\nline"`, `{"n":1}`} {
		next <- struct{}{}
		for _, line := range []string{"event: change", "id: 7", "data: " + want, ""} {
			if got, err := in.ReadString('\n'); strings.TrimSuffix(got, "\n") != line || err != nil {
				t.Fatalf("the line is %q, %v; want %q", got, err, line)
			}
		}
	}
	next <- struct{}{}
	if rest, err := io.ReadAll(in); string(rest) != "data: 1\n\n" || err != nil {
		t.Errorf("the rest is %q, %v", rest, err)
	}
}

func TestHead(t *testing.T) {
	t.Parallel()
	url := serve(t, time.Minute, func(*sse.Stream) { t.Error("a HEAD request has a stream") })
	if resp := request(t, http.MethodHead, url); resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("the headers are %v", resp.Header)
	}
}

// Who does not read is not waited for.
func TestNobodyReads(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	url := serve(t, 50*time.Millisecond, func(s *sse.Stream) {
		defer close(ended)
		for s.Send("", "", strings.Repeat("x", 1<<20)) {
		}
	})
	request(t, http.MethodGet, url)
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the stream has not ended")
	}
}
