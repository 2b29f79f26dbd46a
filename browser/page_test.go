package browser

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

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

// The example, as its readers start it: the page in its layout, with its own sign-in.
func TestBrowserExample(t *testing.T) {
	ctx, env := startBrowser(t), startDev(t)
	lines := start(t, env, filepath.Join("..", "examples", "webapp"), ".", "-addr", "127.0.0.1:0")
	lines.Scan()
	_, address, _ := strings.Cut(lines.Text(), " running at ")
	b := &tab{t: t, ctx: ctx, app: address, dev: env["ROQ_PLATFORM_URL"]}
	b.open(b.app)
	b.sees("Sign in to invite people.")
	b.picture("signin")
	b.signIn()
	b.invite("\"Wick, John\" <wick.john@roq.tech>\nfoo@@bar, t.justin@roq.tech, eve@example.com")
	b.click("Send 3 invitations")
	b.sees("3 invitations were sent.")
	b.picture("example-sent") // this and the next are in the documents
	b.click("Cancel eve@example.com")
	b.click("Cancel the invitation")
	b.sees("1 invitation was canceled.")
	b.open(b.page() + "?sort=email&order=asc")
	b.sees("Canceled 1")
	b.picture("example-list")
	var many []string
	for i := range 2000 {
		many = append(many, fmt.Sprintf("person%04d@example.com", i))
	}
	b.mood("Slow")
	b.invite(strings.Join(many, "\n"))
	b.sees("of 2,000", " left")
	b.picture("example-progress")
	b.mood("Normal")
	b.sees("2,000 invitations were sent.")
}
