package main

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/go-roq/roq"
)

// tab is a tab of a real browser, in front of the application and of roqdev.
type tab struct {
	t   *testing.T
	ctx context.Context //nolint:containedctx // it is the tab
	app string
	dev string
}

// newTab opens a browser, and starts the application with roqdev beside it. Where
// there is no browser the test is skipped, or, if there was to be one, fails. The
// tests with a browser run one after the other: several that start at once fail
// to now and then.
func newTab(t *testing.T) *tab {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("ROQ_BROWSER") == "required" {
			t.Fatal(err)
		}
		t.Skip("there is no chromium: make browser installs what the browser tests need")
	}
	env := startDev(t)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	app := "http://" + listener.Addr().String()
	handler, err := newApp(roq.Config{
		PlatformURL: env["ROQ_PLATFORM_URL"], EnvironmentID: env["ROQ_ENVIRONMENT_ID"], APIKey: env["ROQ_API_KEY"], AppURL: env["ROQ_BASE_URL"],
	}, app, slog.New(slog.DiscardHandler),
		roq.WithRetry(roq.RetryPolicy{MaxAttempts: 2, MinWait: time.Millisecond, MaxWait: 10 * time.Millisecond}), roq.WithSettleTimeout(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })

	return &tab{t: t, ctx: startBrowser(t, chromium), app: app, dev: env["ROQ_PLATFORM_URL"]}
}

// startBrowser starts a browser, which fails to now and then on a busy machine.
func startBrowser(t *testing.T, chromium string) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.WindowSize(1000, 900))
	var err error
	for range 3 {
		allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
		t.Cleanup(stop)
		ctx, cancel := chromedp.NewContext(allocator)
		t.Cleanup(cancel)
		// Without a time-out, which would be the browser's.
		if err = chromedp.Do(ctx); err == nil {
			return ctx
		}
		t.Logf("the browser did not start: %v", err)
	}
	t.Fatal(err)
	return nil
}

// startDev starts roqdev and returns what it prints for a backend.
func startDev(t *testing.T) map[string]string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "roqdev")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./cmd/roqdev")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	dev := exec.CommandContext(t.Context(), binary, "-addr", "127.0.0.1:0")
	stdout, err := dev.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := dev.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dev.Wait() }) // killed with the test's context
	env := map[string]string{}
	for lines := bufio.NewScanner(stdout); lines.Scan() && !strings.Contains(lines.Text(), "/api/auth/login"); {
		if name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(lines.Text()), "export "), "="); ok {
			env[name] = value
		}
	}
	return env
}

// beside opens another tab of the same browser.
func (b *tab) beside() *tab {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	b.t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		b.t.Fatal(err)
	}
	return &tab{t: b.t, ctx: ctx, app: b.app, dev: b.dev}
}

// perform does something in the tab, or fails the test and shows what is there.
func perform[T any](b *tab, what string, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	result, err := chromedp.Run(ctx, action)
	if err != nil {
		page, _ := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS("body")))
		b.t.Fatalf("%s: %v\nthe page:\n%s", what, err, page)
	}
	return result
}

func (b *tab) open(address string) {
	b.t.Helper()
	perform(b, "open "+address, chromedp.Navigate(address))
}

// click clicks the link or button with that text.
func (b *tab) click(text string) {
	b.t.Helper()
	target := chromedp.Click(`(//a|//button)[contains(normalize-space(.), "` + text + `")]`)
	perform(b, "click "+text, func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		for {
			done, err := target(ctx, t)
			// The page has put another in its place since it was found: a person would
			// not notice.
			if err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), "Could not find node") {
				return done, err
			}
		}
	})
}

// sees waits until the page shows all of the texts.
func (b *tab) sees(texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		perform(b, "see "+text, chromedp.WaitVisible(`(//body//*[contains(normalize-space(.), "`+text+`")])[last()]`))
	}
}

// misses fails the test if the page shows the text.
func (b *tab) misses(text string) {
	b.t.Helper()
	if page := perform(b, "read the page", chromedp.Text(chromedp.CSS("body"))); strings.Contains(page, text) {
		b.t.Errorf("the page shows %q:\n%s", text, page)
	}
}

// signIn goes the way of a visitor: the application, the sign-in page, and back.
func (b *tab) signIn() {
	b.t.Helper()
	b.open(b.app)
	b.click("Sign in")
	b.click("Ann Admin")
	b.sees("Invite people")
}

// invite fills in the form.
func (b *tab) invite(text string) {
	b.t.Helper()
	perform(b, "fill in the form", chromedp.SetValue(chromedp.CSS("#rq-emails"), text))
	b.click("Send invitations")
}

// mood changes how the platform treats its clients.
func (b *tab) mood(label string) {
	b.t.Helper()
	dev := b.beside()
	dev.open(dev.dev)
	dev.click(label)
	dev.sees(map[string]string{"Normal": "answered at once", "Errors 503": "answered with 503", "Slow": "Requests take three seconds"}[label])
}

// page is where the page is.
func (b *tab) page() string { return b.app + "/invitations/" }

// left is what is in the form.
func (b *tab) left() string {
	b.t.Helper()
	return strings.ReplaceAll(perform(b, "read the form", chromedp.Value(chromedp.CSS("#rq-emails"))), "\r\n", "\n")
}

// An invitation from the first click to the new user, as a visitor sees it.
func TestBrowser(t *testing.T) {
	b := newTab(t)
	b.signIn()
	b.sees("Acme", "Nobody has been invited yet.")
	inbox := b.beside()
	inbox.open(inbox.dev)
	inbox.sees("No e-mail yet")
	b.invite("\"Wick, John\" <wick.john@roq.tech>\nfoo@@bar, t.justin@roq.tech\neve@example.com")
	b.sees("Nothing has been sent yet", "3 people can be invited", "foo@@bar: not a valid e-mail address")
	b.click("Send 3 invitations")
	b.sees("3 invitations were sent.", "1 invitation was not sent and is still in the form")
	if left := b.left(); left != "foo@@bar" {
		t.Errorf("left in the form is %q", left)
	}
	perform(b, "reload", chromedp.Reload())
	b.sees("3 invitations were sent.")

	// The invitee accepts in the inbox, which has got the e-mail by itself; the list
	// follows without a reload too.
	inbox.click("Open the invitation to wick.john@roq.tech")
	inbox.sees("Join Acme")
	inbox.click("Accept")
	inbox.sees("You are now a user of Acme.")
	perform(b, "see the status change", chromedp.WaitVisible(`//tr[contains(., "wick.john@roq.tech")]//span[text()="Accepted"]`))
	perform(b, "see the count change", chromedp.WaitVisible(`//a[contains(., "Accepted")]//span[text()="1"]`))

	b.click("Resend eve@example.com")
	b.sees("Resend 1 invitation?")
	b.click("Resend")
	b.sees("1 invitation was sent again.")
	b.click("Cancel eve@example.com")
	b.sees("Cancel 1 invitation?")
	b.click("Cancel the invitation")
	b.sees("1 invitation was canceled.")

	perform(b, "choose the canceled", chromedp.Click(`//nav//a[contains(., "Canceled")]`))
	perform(b, "see them", chromedp.WaitVisible(`//nav//a[@aria-current="page"][contains(., "Canceled")]`))
	b.misses("wick.john@roq.tech")
	perform(b, "go back", chromedp.NavigateBack())
	b.sees("wick.john@roq.tech")
}

// Many at once: progress, a tab that is closed, and actions for all that match.
func TestBrowserMany(t *testing.T) {
	b := newTab(t)
	b.signIn()
	var many []string
	for i := range 2000 {
		many = append(many, fmt.Sprintf("person%04d@example.com", i))
	}
	b.mood("Slow")
	b.invite(strings.Join(many, "\n"))
	b.sees("Sending invitations:", "of 2,000", "You can leave this page.")
	address := perform(b, "read the address", chromedp.Evaluate[string](`location.href`))
	b.open("about:blank")
	b.mood("Normal")
	b.open(address)
	b.sees("2,000 invitations were sent.", "Pending 2,000")
	perform(b, "go to a page", chromedp.SetValue(chromedp.CSS("#rq-jump"), "40"))
	b.click("Go")
	perform(b, "see the page", chromedp.WaitVisible(`//nav//a[@aria-current="page"][text()="40"]`))
	perform(b, "search", chromedp.SetValue(chromedp.CSS("#rq-search"), "person000"))
	b.click("Search")
	b.sees("All 10")
	perform(b, "select all", chromedp.Click(chromedp.CSS("th.pick input")))
	b.click("Cancel selected")
	b.sees("Cancel 10 invitations?")
	b.click("Cancel 10 invitations")
	b.sees("10 invitations were canceled.", "Canceled 10")
}

// The platform is down for a while: nothing is lost, and it goes on.
func TestBrowserWithoutPlatform(t *testing.T) {
	b := newTab(t)
	b.signIn()
	b.mood("Errors 503")
	b.invite("bob@example.com")
	b.sees("For 1 person the outcome is unknown", "Invitations are not available right now")
	b.mood("Normal")
	b.click("Try again")
	b.sees("Nobody has been invited yet.")
	b.invite("bob@example.com")
	b.sees("1 invitation was sent.")
}

// A session that ends while somebody types loses nothing.
func TestBrowserExpired(t *testing.T) {
	b := newTab(t)
	b.signIn()
	other := b.beside()
	other.open(b.page())
	other.click("Sign out")
	other.sees("Sign in to invite people.")
	b.invite("\"Lee, Eve\" <eve@example.com>")
	b.sees("Nothing was sent, and nothing is lost.")
	other.click("Sign in")
	other.click("Ann Admin")
	other.sees("Invite people")
	b.click("Send invitations")
	b.sees("1 invitation was sent.", "Eve Lee")
}

// Everything works without JavaScript, except that the page stays as it is.
func TestBrowserWithoutJavaScript(t *testing.T) {
	b := newTab(t)
	perform(b, "switch JavaScript off", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
	b.signIn()
	perform(b, "type", chromedp.SendKeys(chromedp.CSS("#rq-emails"), "bob@example.com, foo@@bar"))
	b.click("Send invitations")
	b.sees("foo@@bar: not a valid e-mail address")
	b.click("Send 1 invitation")
	b.sees("1 invitation was sent.")
	perform(b, "select", chromedp.Click(chromedp.CSS(`input[name="id"]`)))
	b.click("Cancel selected")
	b.click("Cancel the invitation")
	b.sees("1 invitation was canceled.")
	b.mood("Slow")
	var many []string
	for i := range 600 {
		many = append(many, fmt.Sprintf("person%03d@example.com", i))
	}
	perform(b, "paste", chromedp.SetValue(chromedp.CSS("#rq-emails"), strings.Join(many, "\n")))
	b.click("Send invitations")
	b.sees("of 600")
	b.mood("Normal")
	b.sees("600 invitations were sent.") // the page reloads itself
}

// A page of any origin can use roqdev's endpoint for browsers, as ROQ's own
// client for them does, and no other.
func TestBrowserOfAnotherOrigin(t *testing.T) {
	b := newTab(t)
	front := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(front.Close)
	b.open(front.URL)
	asks := func(path string) string {
		t.Helper()
		return perform(b, "ask "+path, chromedp.Evaluate[string](`fetch('`+b.dev+path+`', {
			method: 'POST', headers: {'content-type': 'application/json', 'roq-platform-authorization': 'Bearer x'}, body: '{"query":"{ userInvites { totalCount } }"}',
		}).then((r) => r.text(), (e) => String(e))`, chromedp.EvalAwaitPromise))
	}
	if got := asks("/v01/graphql"); !strings.Contains(got, "INVALID_TOKEN") {
		t.Errorf("the endpoint for browsers says %s", got)
	}
	if got := asks("/v01/server/graphql"); !strings.Contains(got, "Failed to fetch") {
		t.Errorf("the endpoint for backends says %s", got)
	}
}
