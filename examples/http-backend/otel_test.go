package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
)

// demo starts the demonstration with these flags. It returns what it prints, its address
// and the visitor's cookie, and what ends it.
func demo(t *testing.T, flags ...string) (out *logBuffer, address, cookie string, end func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	out = new(logBuffer)
	printed, stdout := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, append([]string{"-demo", "-addr", "127.0.0.1:0"}, flags...), stdout, new(logBuffer))
		_ = stdout.Close()
		ended <- err
	}()
	ready := make(chan struct{})
	go func() {
		var text bytes.Buffer
		for told := false; ; {
			if _, err := io.CopyN(&text, printed, 1); err != nil {
				return
			}
			_, _ = out.Write(text.Bytes()[text.Len()-1:])
			if !told && strings.Contains(text.String(), "-X DELETE") && strings.HasSuffix(text.String(), "\n\n") {
				told = true
				close(ready)
			}
		}
	}()
	<-ready
	found := regexp.MustCompile(`roq-session-token=([\w.-]+)`).FindStringSubmatch(out.String())
	at := regexp.MustCompile(`(http://[\d.:]+)/invites\n`).FindStringSubmatch(out.String())
	if found == nil || at == nil {
		t.Fatalf("printed is:\n%s", out)
	}
	return out, at[1], found[1], func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// ask makes a request as the visitor does.
func ask(t *testing.T, method, url, cookie, body string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	r.AddCookie(&http.Cookie{Name: "roq-session-token", Value: cookie})
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// One request's trace goes from the visitor to the platform, and shows neither the path
// nor anybody's address.
func TestTrace(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
	out, address, cookie, end := demo(t, "-otel")
	answer := ask(t, "POST", address+"/invites", cookie, `{"invites":[{"email":"bob@example.com"}]}`)
	if !strings.Contains(answer, `"status":"pending"`) {
		t.Errorf("the answer is %s", answer)
	}
	ask(t, "GET", address+"/invitations/canary-token", "", "")
	end()
	_, traces, _ := strings.Cut(out.String(), "\n\ntrace ")
	shape := regexp.MustCompile(` [\d.]+[µm]?s`).ReplaceAllString(traces, "")
	shape = regexp.MustCompile(`(?m)^[0-9a-f]{32}$`).ReplaceAllString(shape, "id")
	for _, want := range []string{`id
  server POST /invites http.response.status_code=201
    internal roq sendUserInvites roq.sent=1 roq.unknown=0
      client POST sendUserInvites roq.request.purpose=call roq.request.outcome=answered http.response.status_code=200
        server POST /v01/server/graphql http.response.status_code=200
`, "  server GET /invitations/{token} http.response.status_code="} {
		if !strings.Contains(shape, want) {
			t.Errorf("the traces lack\n%s\nthey are\n%s", want, shape)
		}
	}
	for _, secret := range []string{"canary", "bob@"} {
		if strings.Contains(traces, secret) {
			t.Errorf("the traces have %q:\n%s", secret, traces)
		}
	}
}

// With a collector traces and metrics go there.
func TestExport(t *testing.T) {
	var received [2]atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/traces":
			received[0].Add(r.ContentLength)
		case "/v1/metrics":
			received[1].Add(r.ContentLength)
		}
		_ = json.NewEncoder(w).Encode(struct{}{})
	}))
	t.Cleanup(server.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	_, address, cookie, end := demo(t, "-otel")
	ask(t, "GET", address+"/invites", cookie, "")
	end()
	if received[0].Load() == 0 || received[1].Load() == 0 {
		t.Errorf("the collector received %d bytes of traces and %d of metrics", received[0].Load(), received[1].Load())
	}
}
