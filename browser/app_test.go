package browser

import (
	"bufio"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/inviteui"
)

// newApp returns an application at that address, of which a client's requests go to the
// platform that env names.
func newApp(t *testing.T, env map[string]string, address string, opts ...inviteui.Option) http.Handler {
	t.Helper()
	cfg := roq.Config{PlatformURL: env["ROQ_PLATFORM_URL"], EnvironmentID: env["ROQ_ENVIRONMENT_ID"], APIKey: env["ROQ_API_KEY"], AppURL: address}
	return mount(t, cfg, env["ROQ_BASE_URL"], "/invitations/", opts...)
}

// mount returns an application: a sign-in, a layout, and the page of package inviteui at
// that prefix. Its client gives up soon.
func mount(t *testing.T, cfg roq.Config, login, prefix string, opts ...inviteui.Option) http.Handler {
	t.Helper()
	client, err := roq.New(cfg, roq.WithRetry(roq.RetryPolicy{MaxAttempts: 2, MinWait: time.Millisecond, MaxWait: 10 * time.Millisecond}), roq.WithSettleTimeout(3*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	page, err := inviteui.New(client, append([]inviteui.Option{
		inviteui.WithLayout(layout),
		inviteui.WithRoles(inviteui.Role{Key: "member", Name: "Member"}, inviteui.Role{Key: "admin", Name: "Administrator"}),
		inviteui.WithLocales(inviteui.Locale{Tag: "en-US", Name: "English"}, inviteui.Locale{Tag: "de-DE", Name: "Deutsch"}),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	signIn, err := url.Parse(login)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(prefix, http.StripPrefix(strings.TrimSuffix(prefix, "/"), page))
	mux.Handle("/api/auth/", &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(signIn) }})
	mux.HandleFunc("GET /frame.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css")
		_, _ = io.WriteString(w, `nav a, main > p a { color: inherit }`)
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_ = frame.Execute(w, inviteui.Page{Title: "Sign in", Lang: "en", Body: template.HTML(fmt.Sprintf( //nolint:gosec // the link is the client's own
			`<h1>Example</h1><p>Sign in to invite people.</p><p><a href="%s">Sign in</a></p>`, client.SignInURL(roq.SignInParams{PostLoginRedirect: prefix})))})
	})
	return mux
}

// frame is the application's own: its navigation, around the page.
var frame = template.Must(template.New("").Parse(`<!doctype html>
<html lang="{{.Lang}}">
<head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{{.Title}}</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/frame.css">{{.Head}}</head>
<body><nav aria-label="Application"><a href="/invitations/">Invitations</a> <a href="/api/auth/logout">Sign out</a></nav><main>{{.Body}}</main></body>
</html>
`))

func layout(w io.Writer, p inviteui.Page) error { return frame.Execute(w, p) }

// startDev starts roqdev and returns what it prints for a backend.
func startDev(t *testing.T) map[string]string {
	t.Helper()
	lines := start(t, nil, "..", "./cmd/roqdev", "-addr", "127.0.0.1:0")
	env := map[string]string{}
	for lines.Scan() && !strings.Contains(lines.Text(), "/api/auth/login") {
		if name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(lines.Text()), "export "), "="); ok {
			env[name] = value
		}
	}
	return env
}

// start builds and starts a program, which is killed at the end of the test, and returns
// what it prints.
func start(t *testing.T, env map[string]string, dir, program string, args ...string) *bufio.Scanner {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "program")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, program)
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Env = cmd.Environ()
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // killed with the test's context
	return bufio.NewScanner(stdout)
}
