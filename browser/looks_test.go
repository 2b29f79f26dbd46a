package browser

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/go-roq/roq/inviteui"
)

// finding is what axe-core has found.
type finding struct {
	ID, Impact, Help string
	Nodes            []struct{ HTML string }
}

// prefer is what the visitor has set for light and dark.
func (b *tab) prefer(scheme string) {
	b.t.Helper()
	perform(b, "prefer "+scheme, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	}))
}

// accessible fails the test if axe-core finds anything on the page that is more than minor.
func (b *tab) accessible(page, axe string) {
	b.t.Helper()
	if !perform(b, "look for axe-core", chromedp.Evaluate[bool](`typeof axe === 'object'`)) {
		perform(b, "load axe-core", chromedp.Evaluate[chromedp.Void](axe))
	}
	found := perform(b, "run axe-core", chromedp.Evaluate[[]finding](`axe.run(document, {resultTypes: ['violations']}).then((r) => r.violations.map((v) => ({
		ID: v.id, Impact: v.impact, Help: v.help, Nodes: v.nodes.map((n) => ({HTML: n.html})),
	})))`, chromedp.EvalAwaitPromise))
	for _, f := range found {
		if f.Impact == "moderate" || f.Impact == "serious" || f.Impact == "critical" {
			b.t.Errorf("%s: %s (%s, %s): %+v", page, f.Help, f.ID, f.Impact, f.Nodes)
		}
	}
}

// axe is axe-core's source.
func axe(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(".scratch", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		if os.Getenv("ROQ_BROWSER") == "required" {
			t.Fatal(err)
		}
		t.Skip("axe-core is not installed: make browser installs what the browser tests need")
	}
	return string(source)
}

// picture keeps what the page looks like on a desk and on a phone; see
// go help testflag for -artifacts.
func (b *tab) picture(name string) {
	b.t.Helper()
	for _, screen := range []struct {
		name          string
		width, height int64
	}{{"desktop", 1280, 800}, {"phone", 390, 844}} {
		perform(b, "turn to the size of a "+screen.name, chromedp.EmulateViewport(screen.width, screen.height))
		// Nothing may stick out sideways: a phone would have to be pushed about.
		if wide := perform(b, "measure", chromedp.Evaluate[int64](`document.documentElement.scrollWidth`)); wide > screen.width {
			b.t.Errorf("%s is %d wide on a %s of %d", name, wide, screen.name, screen.width)
		}
		image := perform(b, "take a picture", chromedp.FullScreenshot(100))
		file := filepath.Join(b.t.ArtifactDir(), fmt.Sprintf("%s-%s.png", name, screen.name))
		if err := os.WriteFile(file, image, 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
	perform(b, "turn back", chromedp.EmulateViewport(1280, 900))
}

// Every page in every state is usable with a keyboard and a screen reader, as far
// as a program can tell, fits a phone, and has its picture taken.
func TestBrowserLooks(t *testing.T) {
	source := axe(t)
	b := newTab(t)
	seen := func(name string) {
		t.Helper()
		b.picture(name)
		for _, scheme := range []string{"dark", "light"} {
			b.prefer(scheme)
			for _, width := range []int64{390, 1280} {
				perform(b, "turn", chromedp.EmulateViewport(width, 900))
				b.accessible(fmt.Sprintf("%s in %s, %d wide", name, scheme, width), source)
			}
		}
	}
	b.open(b.app)
	b.sees("Sign in to invite people.")
	seen("signin")
	b.signIn()
	seen("empty")
	b.invite("\"Wick, John\" <wick.john@roq.tech>\nfoo@@bar, t.justin@roq.tech, eve@example.com")
	b.sees("Nothing has been sent yet")
	seen("preview")
	b.click("Send 3 invitations")
	b.sees("3 invitations were sent.")
	seen("sent")
	b.click("Cancel eve@example.com")
	b.sees("Cancel 1 invitation?")
	seen("confirm")
	b.click("Cancel the invitation")
	b.sees("1 invitation was canceled.")
	var wrong []string
	for i := range 500 {
		wrong = append(wrong, fmt.Sprintf("person%d@@example.com", i))
	}
	b.invite(strings.Join(wrong, "\n"))
	b.sees("500 entries are not valid:", "490 more")
	seen("wrong")
	b.open(b.page() + "?sort=email&order=asc")
	seen("list")
	b.open(b.page() + "?search=nowhere")
	b.sees("No invitation matches.")
	seen("nothing")
	b.open(b.page() + "act?do=cancel&id=db7a682d-6dca-4259-b15b-83aef12d1f5c")
	b.sees("There is no such invitation.")
	seen("problem")
	b.open(b.dev)
	b.sees("Open the invitation to wick.john@roq.tech")
	seen("inbox")
	b.click("Open the invitation to wick.john@roq.tech")
	b.sees("Join Acme")
	seen("accept")
	var many []string
	for i := range 2000 {
		many = append(many, fmt.Sprintf("person%04d@example.com", i))
	}
	b.mood("Slow")
	b.open(b.page())
	b.invite(strings.Join(many, "\n"))
	b.sees("of 2,000", " left") // how long is known after the first batch
	seen("progress")
	b.mood("Normal")
	b.sees("2,000 invitations were sent.")
	seen("many")

	b.mood("Errors 503")
	b.open(b.page())
	b.sees("Invitations are not available right now")
	seen("down")
}

// What can be reached with a pointer can be with the keyboard, in the order of
// the page.
func TestBrowserKeyboard(t *testing.T) {
	b := newTab(t)
	b.signIn()
	var order []string
	for range 10 {
		perform(b, "press Tab", chromedp.KeyEvent("\t"))
		order = append(order, perform(b, "see where the focus is", chromedp.Evaluate[string](`document.activeElement.id || document.activeElement.textContent.trim()`)))
	}
	if got, want := strings.Join(order, ", "), "Invitations, Sign out, rq-emails, rq-file, rq-role, rq-locale, Send invitations, All 0, Pending 0, Accepted 0"; got != want {
		t.Errorf("Tab goes to %s, want %s", got, want)
	}
}

// A frame that is always light, as most are, has a light page in it for everybody.
func TestBrowserLightFrame(t *testing.T) {
	source := axe(t)
	b := newTab(t, inviteui.WithLayout(func(w io.Writer, p inviteui.Page) error {
		_, err := fmt.Fprintf(w, "<!doctype html><html lang=%q><title>%s</title>%s<main>%s</main></html>", p.Lang, p.Title, p.Head, p.Body)
		return err
	}))
	b.prefer("dark")
	b.signIn()
	b.accessible("the page in a light frame", source)
	if back := perform(b, "see the background", chromedp.Evaluate[string](`getComputedStyle(document.querySelector('.rq')).backgroundColor`)); back != "rgb(247, 247, 245)" {
		t.Errorf("the background in a light frame is %s", back)
	}
}
