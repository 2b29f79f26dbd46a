// Command roqdev is a ROQ platform on your own machine. You can develop without an
// account, and see the e-mails without sending them.
//
//	go run github.com/go-roq/roq/cmd/roqdev
//
// It listens on 127.0.0.1:4000, or on the address that -addr names, and prints the
// environment variables for a backend. ROQ's JavaScript clients work with it too, also in
// a browser, and so do the invitation components of its React package (npm
// @roq/ui-react). There are no sockets, which are for its chat and notifications.
//
// Its state is lost when it ends, unless -data names a file for it, which only one roqdev
// may use. Anybody who can reach it can sign in as anybody, so it listens on loopback
// only, unless -public is set. With -webhooks, the platform sends webhooks to that URL.
//
// # The page
//
// The page has five lists, newest first. Each can be searched:
//
//   - Inbox: the e-mails. The reading pane shows one as the invitee sees it, in the
//     language of the invite, as HTML and as text, with its link.
//   - Invites: their state. An invite can be made to expire.
//   - Users: everybody, including those who accepted. You can sign in as one of them.
//   - Requests: the last 10,000, each with its operation, status, duration, variables
//     and caller. Tokens and keys in variables are not shown.
//   - Webhooks: each attempt to send one, and its repeats.
//
// Above them are two sets of buttons. The first ones cause trouble, for every operation
// on invites or for one, and for a number of requests or until it is Normal again: Slow,
// Errors 503, No answer, Rate limited. Signing in and tokens always work. The others turn
// the clock forward, for example until the next invite expires or to the next attempt to
// send a webhook.
//
// A page shows at most 50 lines. An open page receives what changes as server-sent
// events, and nothing while nothing changes. If there are more than 20 new lines at once,
// the page says how many. Browsers open only six connections to a server, so of all pages
// that are visible at the same time, the four that were used last are kept up to date.
// Without JavaScript everything works, but the page does not update by itself.
//
// # The API
//
// End-to-end tests in any language use the JSON API. To wait for the e-mail to an address
// and follow its link, in JavaScript:
//
//	const mail = await (await fetch('http://127.0.0.1:4000/dev/api/mails/wait?to=bob@example.com')).json();
//	await page.goto(mail.link);
//
// The operations are:
//
//	GET  /dev/api/mails                 e-mails: to, search, tenant, status, after
//	GET  /dev/api/mails/wait            the newest e-mail that matches: to, search, tenant, after, timeout
//	GET  /dev/api/mails/{id}            one e-mail
//	GET  /dev/api/invites               invites: email, search, tenant, status
//	GET  /dev/api/invites/{id}          one invite
//	POST /dev/api/invites/{id}/expire   makes a pending invite expire, and returns it
//	GET  /dev/api/tenants               the first 500 tenants, by name
//	GET  /dev/api/users                 users: email, search, tenant
//	GET  /dev/api/requests              requests: search, after
//	GET  /dev/api/webhooks              attempts to send a webhook: search, after
//	GET  /dev/api/trouble               what is in trouble
//	POST /dev/api/trouble               {"trouble": "errors", "operation": "sendUserInvites", "times": 3}
//	GET  /dev/api/clock                 the clock, and what waits for it
//	POST /dev/api/clock                 {"turn": "24h"}
//
// A list is {"rows": […], "total": 120, "next": 70}, newest first. It has at most limit
// rows, 50 if there is no such parameter, and never more than 500. The parameter before
// with the value of next gets the next page; the last page has no next. The parameters to
// and email are whole addresses, search is a part of an address, name, operation or
// event, both in any case of letters. The parameter tenant is a tenantId. The parameter
// after is the id of an e-mail, request or attempt: only later ones are returned. A plus
// sign in an address is written as %2B.
//
// An e-mail that is asked for by itself, or waited for, also has its language, link,
// token, text and html. The wait needs to or search. It returns an e-mail that is there
// already, unless after excludes it, or waits for the timeout: a duration such as 30s,
// 10s by default, 60s at most. If no e-mail arrives in time, the status is 404.
//
// A trouble is one of normal, slow, errors, silent and limited. Without an operation it is
// for every one on invites. Without times, or with 0, it lasts until it is set to normal;
// otherwise it ends for an operation after that many requests. A turn of the clock is a
// duration, "expiry" (until the next invite expires) or "webhook" (to the next attempt to
// send one). If nothing is due, the status is 409.
//
// The body of a POST is JSON. Every other status than 200 comes with {"error": "…"}: 400
// for a mistake in the request, such as a parameter that does not exist, that is empty or
// that occurs twice, 404 for what does not exist, 409 for what is not possible now.
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
	"net/url"
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
	if u, err := url.Parse(s.webhooks); s.webhooks != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		return errors.New("-webhooks: must be a URL with http or https")
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
	if err := file.save(); err != nil { // now, rather than in the middle of the work
		return err
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", s.addr)
	if err != nil {
		return err
	}
	address := baseURL(listener.Addr())
	handler, err := newSite(platform, s.public, redactedURL(s.webhooks))
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

// redactedURL is a URL as a page shows it: without a password and without parameters.
func redactedURL(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
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
