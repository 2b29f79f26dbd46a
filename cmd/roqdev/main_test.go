package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// running is a roqdev that was started.
type running struct {
	env  map[string]string
	stop func() error
}

// startDev starts roqdev and reads what it prints.
func startDev(t *testing.T, args ...string) running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	printed, stdout := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, append([]string{"-addr", "127.0.0.1:0"}, args...), stdout, t.Output())
		_ = stdout.Close()
	}()
	var text strings.Builder
	for !strings.Contains(text.String(), "/api/auth/login\n") {
		if _, err := io.CopyN(&text, printed, 1); err != nil {
			t.Fatalf("roqdev ended with %v", <-ended)
		}
	}
	r := running{env: map[string]string{}, stop: func() error { cancel(); return <-ended }}
	for _, m := range regexp.MustCompile(`export (\w+)=(\S+)`).FindAllStringSubmatch(text.String(), -1) {
		r.env[m[1]] = m[2]
	}
	return r
}

// What roqdev prints is what a backend needs.
func TestPrintedEnvironment(t *testing.T) {
	dev := startDev(t)
	for name, value := range dev.env {
		t.Setenv(name, value)
	}
	t.Setenv("ROQ_SESSION_MAX_AGE", "")
	cfg, err := roq.ConfigFromEnv()
	if err != nil {
		t.Fatal(err)
	}
	client, err := roq.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	users, err := client.FindUsers(t.Context(), roq.FindUsersQuery{Email: "ann@acme.example"})
	if err != nil || len(users) != 1 {
		t.Fatalf("FindUsers = %v, %v", users, err)
	}
	if page, err := client.AsUser(users[0].RoqUserID).UserInvites(t.Context(), roq.UserInvitesQuery{}); err != nil || page.TotalCount != 0 {
		t.Errorf("UserInvites = %+v, %v", page, err)
	}
	if cfg.WebhookKey == "" || cfg.AppURL == "" {
		t.Errorf("the configuration is %v", cfg)
	}
	if err := dev.stop(); err != nil {
		t.Errorf("run = %v", err)
	}
}

// With -data a platform is the same after a restart.
func TestData(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "roqdev.json")
	first := startDev(t, "-data", file)
	client, err := roq.New(roq.Config{PlatformURL: first.env["ROQ_PLATFORM_URL"], APIURL: first.env["ROQ_API_URL"], EnvironmentID: first.env["ROQ_ENVIRONMENT_ID"], APIKey: first.env["ROQ_API_KEY"]})
	if err != nil {
		t.Fatal(err)
	}
	users, err := client.FindUsers(t.Context(), roq.FindUsersQuery{Email: "ann@acme.example"})
	if err != nil {
		t.Fatal(err)
	}
	sent, err := client.AsUser(users[0].RoqUserID).SendUserInvites(t.Context(), roq.SendUserInvitesInput{TenantID: users[0].TenantID, UserInvites: []roq.UserInviteInput{{Email: "bob@example.com"}}})
	if err := errors.Join(err, sent.Err()); err != nil {
		t.Fatal(err)
	}
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the file is %v, %v; want it for its owner only", info, err)
	}

	second := startDev(t, "-data", file)
	if second.env["ROQ_API_KEY"] != first.env["ROQ_API_KEY"] || second.env["ROQ_ENVIRONMENT_ID"] != first.env["ROQ_ENVIRONMENT_ID"] {
		t.Error("the keys are others after a restart")
	}
	client, err = roq.New(roq.Config{PlatformURL: second.env["ROQ_PLATFORM_URL"], EnvironmentID: second.env["ROQ_ENVIRONMENT_ID"], APIKey: second.env["ROQ_API_KEY"]})
	if err != nil {
		t.Fatal(err)
	}
	if again, err := client.AsUser(users[0].RoqUserID).UserInvite(t.Context(), sent.Success[0].ID); err != nil || again.Email != "bob@example.com" {
		t.Errorf("the invite after a restart = %+v, %v", again, err)
	}
	if err := second.stop(); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "*")); len(left) != 1 {
		t.Errorf("left behind are %v", left)
	}
}

// The file is written when something has changed, and only then.
func TestStateFile(t *testing.T) {
	t.Parallel()
	platform := roqtest.NewHandler()
	defer platform.Close()
	path := filepath.Join(t.TempDir(), "state.json")
	f := stateFile{path: path, platform: platform}
	if found, err := f.load(); found || err != nil {
		t.Fatalf("load without a file = %v, %v", found, err)
	}
	for range 2 {
		if err := f.save(); err != nil {
			t.Fatal(err)
		}
	}
	before, _ := os.Stat(path)
	platform.AddTenant("Acme")
	if err := f.save(); err != nil {
		t.Fatal(err)
	}
	after, _ := os.Stat(path)
	if os.SameFile(before, after) {
		t.Error("the file was written over, and not replaced")
	}
	if err := f.save(); err != nil {
		t.Fatal(err)
	}
	if unchanged, _ := os.Stat(path); !os.SameFile(after, unchanged) {
		t.Error("the file was replaced although nothing had changed")
	}
	gone := stateFile{path: filepath.Join(t.TempDir(), "no", "such", "folder"), platform: platform}
	if err := gone.save(); err == nil {
		t.Error("saving into a folder that is not there succeeded")
	}
}

// A link to the file stays one, and a folder that goes away is told once.
func TestStateFileElsewhere(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "real")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link.json")
	if err := os.Symlink(filepath.Join(folder, "state.json"), link); err != nil {
		t.Skip(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "state.json"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	platform := roqtest.NewHandler()
	defer platform.Close()
	if err := (&stateFile{path: filepath.Join(folder, "state.json"), platform: platform}).save(); err != nil {
		t.Fatal(err)
	}
	f := stateFile{path: link, platform: platform}
	if found, err := f.load(); !found || err != nil {
		t.Fatalf("load = %v, %v", found, err)
	}
	platform.AddTenant("Acme")
	if err := f.save(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", info, err)
	}
	kept, err := os.ReadFile(filepath.Join(folder, "state.json"))
	if err != nil || !strings.Contains(string(kept), "Acme") {
		t.Errorf("the file has %d bytes, %v", len(kept), err)
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	ctx, cancel := context.WithCancel(t.Context())
	last := f.keep(ctx, &said)
	platform.AddTenant("Other")
	<-time.After(3*keepEvery + keepEvery/2)
	cancel()
	if err := last(); err == nil || strings.Count(said.String(), "the state is not kept") != 1 {
		t.Errorf("it ended with %v, and said %q", err, said.String())
	}
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	bad := filepath.Join(t.TempDir(), "bad.json")
	if err := os.WriteFile(bad, []byte(`{"version":99}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"-addr", "0.0.0.0:0"}, "-public"},
		{[]string{"-addr", ":0"}, "-public"},
		{[]string{"-addr", "192.0.2.1:0"}, "-public"},
		{[]string{"-addr", "example.com:0"}, "-public"},
		{[]string{"-addr", "127.0.0.1"}, "-addr"},
		{[]string{"-addr", "127.0.0.1:99999"}, "99999"},
		{[]string{"-data", bad, "-addr", "127.0.0.1:0"}, "version is 99"},
		{[]string{"-data", filepath.Dir(bad), "-addr", "127.0.0.1:0"}, "-data"},
		{[]string{"-data", filepath.Join(filepath.Dir(bad), "no", "such.json"), "-addr", "127.0.0.1:0"}, "-data"},
		{[]string{"-webhooks", "notaurl", "-addr", "127.0.0.1:0"}, "-webhooks"},
		{[]string{"-webhooks", "ftp://example.com", "-addr", "127.0.0.1:0"}, "-webhooks"},
		{[]string{"-webhooks", "http://", "-addr", "127.0.0.1:0"}, "-webhooks"},
		{[]string{"more"}, "more"},
		{[]string{"-unknown"}, "unknown"},
	} {
		if err := run(t.Context(), test.args, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("run(%q) = %v, want %q", test.args, err, test.want)
		}
	}
	if err := run(t.Context(), []string{"-h"}, io.Discard, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("run(-h) = %v", err)
	}
}

// Whoever asks for it is warned.
func TestPublicWarns(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{"0.0.0.0:4000": "warning", ":4000": "warning", "127.0.0.1:4000": "", "localhost:4000": "", "[::1]:4000": ""} {
		var said strings.Builder
		if err := checkAddress(settings{addr: addr, public: true}, &said); err != nil || strings.Contains(said.String(), "warning") != (want != "") {
			t.Errorf("checkAddress(%s) = %v, %q", addr, err, &said)
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

// A platform that every machine reaches prints what a backend on this one can use.
func TestPrintedWildcard(t *testing.T) {
	t.Parallel()
	dev := startDev(t, "-addr", ":0", "-public")
	address := dev.env["ROQ_PLATFORM_URL"]
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil || !strings.HasPrefix(address, "http://127.0.0.1:") {
		t.Fatalf("roqdev prints %s: %v", address, err)
	}
	_ = resp.Body.Close()
	if err := dev.stop(); err != nil {
		t.Errorf("run = %v", err)
	}
}
