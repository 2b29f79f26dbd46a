package browser

import (
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/go-roq/roq/inviteui"
)

// tab is a tab of a real browser, in front of the application and of roqdev.
type tab struct {
	t   *testing.T
	ctx context.Context //nolint:containedctx // it is the tab
	app string
	dev string
}

// newTab opens a browser, and starts an application with roqdev beside it. The tests
// with a browser run one after the other: several that start at once fail to now and
// then.
func newTab(t *testing.T, opts ...inviteui.Option) *tab {
	t.Helper()
	ctx, env := startBrowser(t), startDev(t)
	app := httptest.NewUnstartedServer(nil)
	app.Config.Handler = newApp(t, env, "http://"+app.Listener.Addr().String(), opts...)
	app.Start()
	t.Cleanup(app.CloseClientConnections) // streams of events do not end by themselves
	return &tab{t: t, ctx: ctx, app: app.URL, dev: env["ROQ_PLATFORM_URL"]}
}

// startBrowser starts a browser, which fails to now and then on a busy machine. Where
// there is none the test is skipped, or, if there was to be one, fails.
func startBrowser(t *testing.T, more ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("ROQ_BROWSER") == "required" {
			t.Fatal(err)
		}
		t.Skip("there is no chromium: make browser installs what the browser tests need")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.WindowSize(1000, 900))
	options = append(options, more...)
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
	// The page has put another node in its place since it was found: a person would not
	// notice.
	for err != nil && ctx.Err() == nil && (strings.Contains(err.Error(), "Could not find node") || strings.Contains(err.Error(), "No node with given id")) {
		result, err = chromedp.Run(ctx, action)
	}
	if err != nil {
		ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
		defer cancel()
		page, _ := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("body")))
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
	perform(b, "click "+text, chromedp.Click(`(//a|//button)[contains(normalize-space(.), "`+text+`")]`))
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
