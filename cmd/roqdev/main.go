// Command roqdev is a ROQ platform on your own machine. You can develop without an
// account, and see the e-mails without sending them.
//
//	go run github.com/go-roq/roq/cmd/roqdev
//
// It prints the environment variables for a backend. Its page has an inbox of
// invitation e-mails, the invites, tenants, users and last requests, and switches that
// make the platform slow, fail, or drop its responses. ROQ's JavaScript clients work
// with it too, also in a browser.
//
// Its state is lost when it ends, unless -data names a file for it. Anybody who can
// reach it can sign in as anybody, so it listens on loopback only, unless -public is
// set.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/go-roq/roq/roqtest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "roqdev:", err)
		os.Exit(1)
	}
}

// settings are what the flags say.
type settings struct {
	addr, data, webhooks string
	public               bool
}

func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("roqdev", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.addr, "addr", "127.0.0.1:4000", "address to listen on")
	flags.StringVar(&s.data, "data", "", "file in which to keep the platform's state")
	flags.StringVar(&s.webhooks, "webhooks", "", "URL to send webhooks to")
	flags.BoolVar(&s.public, "public", false, "allow an address that other machines can reach")
	err := flags.Parse(args)
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return s, err
}

// run serves the platform until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s, err := parse(args, stderr)
	if err != nil {
		return err
	}
	if err := checkAddress(s, stderr); err != nil {
		return err
	}
	platform := roqtest.NewHandler()
	defer platform.Close()
	file := stateFile{path: s.data, platform: platform}
	switch found, err := file.load(); {
	case err != nil:
		return err
	case !found:
		populate(platform)
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", s.addr)
	if err != nil {
		return err
	}
	address := baseURL(listener.Addr())
	handler, err := newSite(platform, s.public)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		// A request that a switch holds up must not hold up the end.
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	if s.webhooks != "" {
		platform.SendWebhooks(s.webhooks)
	}
	announce(stdout, platform, address)

	stopped := file.keep(ctx, stderr)
	select {
	case err = <-failed:
	case <-ctx.Done():
		err = server.Close()
	}
	return errors.Join(err, stopped())
}

// checkAddress keeps a platform on which anybody can be anybody from other
// machines, unless it was asked for.
func checkAddress(s settings, stderr io.Writer) error {
	host, _, err := net.SplitHostPort(s.addr)
	if err != nil {
		return fmt.Errorf("-addr: %w", err)
	}
	switch {
	case loopback(host):
		return nil
	case !s.public:
		return fmt.Errorf("-addr: other machines may reach %q, and anybody there can sign in as anybody: add -public to allow that", s.addr)
	}
	fmt.Fprintf(stderr, "roqdev: warning: other machines may reach %s, and anybody there can sign in as anybody\n", s.addr)
	return nil
}

// loopback reports whether only this machine reaches the host.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// populate makes somebody to sign in as, of every kind.
func populate(platform *roqtest.Server) {
	acme, globex := platform.AddTenant("Acme"), platform.AddTenant("Globex")
	for _, u := range []roqtest.User{
		{TenantID: acme, Email: "ann@acme.example", FirstName: "Ann", LastName: "Admin", Locale: "en-US", Roles: []string{"admin"}},
		{TenantID: acme, Email: "ben@acme.example", FirstName: "Ben", LastName: "Builder", Locale: "en-US", Roles: []string{"member"}},
		{TenantID: globex, Email: "gus@globex.example", FirstName: "Gus", LastName: "Guest", Locale: "de-DE", Roles: []string{"admin"}},
	} {
		platform.AddUser(u)
	}
}

// announce prints what a backend needs, to be pasted into a shell.
func announce(out io.Writer, platform *roqtest.Server, address string) {
	cfg := platform.Config()
	fmt.Fprintf(out, `A ROQ platform is running at %[1]s. Open this page for its inbox and switches.

For your backend:

  export ROQ_PLATFORM_URL=%[1]s
  export ROQ_ENVIRONMENT_ID=%[2]s
  export ROQ_API_KEY=%[3]s
  export ROQ_API_URL=%[1]s
  export ROQ_BASE_URL=%[1]s
  export ROQ_WEBHOOK_KEY=%[4]s

To sign in: %[1]s/api/auth/login
`, address, cfg.EnvironmentID, cfg.APIKey, cfg.WebhookKey)
}

// baseURL returns the URL by which this machine reaches a listener. A wildcard
// address becomes 127.0.0.1, the default host of roqdev and of the examples:
// browsers keep cookies by host.
func baseURL(addr net.Addr) string {
	if a, err := netip.ParseAddrPort(addr.String()); err == nil && a.Addr().IsUnspecified() {
		return fmt.Sprintf("http://127.0.0.1:%d", a.Port())
	}
	return "http://" + addr.String()
}
