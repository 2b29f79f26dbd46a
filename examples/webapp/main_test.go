package main

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/go-roq/roq/roqtest"
)

// A visitor signs in on the application's own host, and comes to the page in its layout.
func TestApp(t *testing.T) {
	t.Parallel()
	platform := roqtest.NewServer()
	defer platform.Close()
	ann := platform.AddUser(roqtest.User{TenantID: platform.AddTenant("Acme"), Email: "ann@acme.example"})
	app, err := newApp(platform.Config(), "https://app.example", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	get := func(path, cookie string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		r.Header.Set("Accept", "text/html")
		if cookie != "" {
			r.Header.Set("Cookie", cookie)
		}
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		return w
	}
	const signIn = "https://app.example/api/auth/login?postLoginRedirect=%2Finvitations%2F"
	if w := get("/", ""); !strings.Contains(w.Body.String(), signIn) {
		t.Errorf("without a session the start is %s", w.Body)
	}
	if w := get("/invitations/", ""); w.Code != 302 || w.Header().Get("Location") != signIn {
		t.Errorf("without a session the page is %d to %s", w.Code, w.Header().Get("Location"))
	}
	w := get("/api/auth/login?user="+ann.ID+"&postLoginRedirect=%2Finvitations%2F", "")
	cookie, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";")
	if w.Code != 302 || w.Header().Get("Location") != "/invitations/" {
		t.Errorf("signing in is %d to %s", w.Code, w.Header().Get("Location"))
	}
	if w := get("/", cookie); w.Header().Get("Location") != "/invitations/" {
		t.Errorf("with a session the start leads to %s", w.Header().Get("Location"))
	}
	if w := get("/invitations/", cookie); w.Code != 200 || !strings.Contains(w.Body.String(), "<strong>Example</strong>") || !strings.Contains(w.Body.String(), "Acme") {
		t.Errorf("the page is %d:\n%s", w.Code, w.Body)
	}
}

func TestRunRefuses(t *testing.T) {
	for _, name := range []string{"ROQ_PLATFORM_URL", "ROQ_ENVIRONMENT_ID", "ROQ_API_KEY"} {
		t.Setenv(name, "")
	}
	if err := run(t.Context(), nil, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "ROQ_PLATFORM_URL") {
		t.Errorf("run without an environment = %v", err)
	}
	if err := run(t.Context(), []string{"-odd"}, io.Discard, io.Discard); err == nil {
		t.Error("run -odd succeeded")
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
