package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/go-roq/roq"
)

// The platform's webhooks arrive, those that are repeated only once.
func TestWebhooks(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.platform.SendWebhooks(s.url + "/webhooks/roq")
	id := s.invited("bob@example.com").ID
	read[invite](s, 200, "DELETE", "/invites/"+id, "")
	s.platform.Advance(0)
	deliveries := s.platform.Deliveries()
	if len(deliveries) != 2 || deliveries[0].Status != 204 || deliveries[1].Status != 204 {
		t.Fatalf("the deliveries are %+v", deliveries)
	}
	for range 3 {
		status, answer := s.request("POST", "/webhooks/roq", string(deliveries[1].Body), func(r *http.Request) {
			r.Header.Set("Roq-Platform-Webhook-Key", s.platform.Config().WebhookKey)
			r.Header.Del("Cookie")
		})
		if status != 204 {
			t.Errorf("a repeated event = %d %s", status, answer)
		}
	}
	if status, _ := s.request("POST", "/webhooks/roq", string(deliveries[1].Body)); status != 401 {
		t.Errorf("an event without the key = %d, want 401", status)
	}
	log := s.log.String()
	if n := strings.Count(log, `msg="invite changed"`); n != 2 {
		t.Errorf("%d events were handled, want 2:\n%s", n, log)
	}
	if !strings.Contains(log, "event="+roq.EventUserInviteUpdate+" invite="+id+" status=canceled") {
		t.Errorf("the log lacks the cancelling:\n%s", log)
	}
}

// Without a key there is no endpoint that anybody could send events to.
func TestNoWebhookKey(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	cfg := s.platform.Config()
	cfg.WebhookKey = ""
	client, err := roq.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newHandler(client, slog.New(slog.DiscardHandler), false, nil); err != nil {
		t.Errorf("without webhooks: %v", err)
	}
	if _, err := newHandler(client, slog.New(slog.DiscardHandler), true, nil); err == nil {
		t.Error("with webhooks and no key the handler was made")
	}
}

// When the program is told to end, a request under way is answered first.
func TestGracefulShutdown(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	arrived, finish := make(chan struct{}), make(chan struct{})
	logger := slog.New(slog.DiscardHandler)
	server := newServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-finish
		_, _ = io.WriteString(w, "done")
	}), logger)
	draining := make(chan struct{})
	server.RegisterOnShutdown(func() { close(draining) })
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, server, listener, logger) }()
	answered := make(chan string, 1)
	go func() {
		r, _ := http.NewRequestWithContext(t.Context(), "GET", "http://"+listener.Addr().String(), nil)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			answered <- err.Error()
			return
		}
		defer func() { _ = resp.Body.Close() }()
		text, _ := io.ReadAll(resp.Body)
		answered <- string(text)
	}()
	<-arrived
	stop()
	<-draining
	select {
	case err := <-ended:
		t.Errorf("serve ended with %v while a request was under way", err)
	default:
	}
	close(finish)
	if got := <-answered; got != "done" {
		t.Errorf("the request under way was answered %q", got)
	}
	if err := <-ended; err != nil {
		t.Errorf("serve = %v", err)
	}
}

// A server that cannot serve says so.
func TestServeFails(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	logger := slog.New(slog.DiscardHandler)
	if err := serve(t.Context(), newServer(http.NotFoundHandler(), logger), listener, logger); !errors.Is(err, net.ErrClosed) {
		t.Errorf("serve on a closed listener = %v", err)
	}
}

// The demonstration prints commands that work, and ends when told to.
func TestDemo(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	printed, stdout := io.Pipe()
	var log logBuffer
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, []string{"-demo", "-addr", "127.0.0.1:0"}, stdout, &log) }()
	var text bytes.Buffer
	for !strings.Contains(text.String(), "-X DELETE") {
		if _, err := io.CopyN(&text, printed, 1); err != nil {
			t.Fatal(err)
		}
	}
	go func() { _, _ = io.Copy(io.Discard, printed) }()
	cookie := regexp.MustCompile(`roq-session-token=([\w.-]+)`).FindStringSubmatch(text.String())
	address := regexp.MustCompile(`(http://[\d.:]+)/invites\n`).FindStringSubmatch(text.String())
	if cookie == nil || address == nil {
		t.Fatalf("printed is %s", &text)
	}
	s := &site{t: t, cookie: cookie[1], url: address[1]}
	id := s.invited("bob@example.com").ID
	read[invite](s, 200, "DELETE", "/invites/"+id, "")
	s.eventually(func() bool { return strings.Count(log.String(), "invite changed") == 2 })
	stop()
	if err := <-ended; err != nil {
		t.Errorf("run = %v", err)
	}
}

func TestRunRefuses(t *testing.T) {
	for _, name := range []string{"ROQ_PLATFORM_URL", "ROQ_ENVIRONMENT_ID", "ROQ_API_KEY"} {
		t.Setenv(name, "")
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"-addr", "127.0.0.1:0"}, "ROQ_API_KEY"},
		{[]string{"-addr", "127.0.0.1:0"}, "-demo"},
		{[]string{"-addr", "nowhere"}, "nowhere"},
		{[]string{"-unknown"}, "unknown"},
	} {
		if err := run(t.Context(), test.args, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("run(%q) = %v, want %q", test.args, err, test.want)
		}
	}
}

// What is printed can be opened, also if every address is listened on.
func TestBaseURL(t *testing.T) {
	t.Parallel()
	for listens, want := range map[string]string{
		"[::]:8080": "http://127.0.0.1:8080", "0.0.0.0:8080": "http://127.0.0.1:8080", "[::ffff:0.0.0.0]:8080": "http://127.0.0.1:8080",
		"127.0.0.1:8080": "http://127.0.0.1:8080", "[::1]:8080": "http://[::1]:8080", "192.0.2.1:80": "http://192.0.2.1:80",
	} {
		if got := baseURL(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(listens))); got != want {
			t.Errorf("baseURL(%s) = %s, want %s", listens, got, want)
		}
	}
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0"} {
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", addr)
		if err != nil {
			t.Logf("this machine does not listen on %s: %v", addr, err)
			continue
		}
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(baseURL(listener.Addr()), "http://"))
		if err != nil {
			t.Errorf("%s cannot be reached at %s: %v", addr, baseURL(listener.Addr()), err)
		} else {
			_ = conn.Close()
		}
		_ = listener.Close()
	}
}
