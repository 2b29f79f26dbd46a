package browser

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/go-roq/roq/roqtest"
)

// emulate sets what the visitor has chosen in the system, as in "forced-colors", "active".
func (b *tab) emulate(pairs ...string) {
	b.t.Helper()
	perform(b, "emulate "+strings.Join(pairs, " "), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		features := make([]*emulation.MediaFeature, 0, len(pairs)/2)
		for i := 0; i < len(pairs); i += 2 {
			features = append(features, &emulation.MediaFeature{Name: pairs[i], Value: pairs[i+1]})
		}
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features})
		return err
	}))
}

// cut is what sticks out of the window at a side, or is cut off.
const cut = `(() => {
	const wide = document.documentElement.clientWidth;
	const cut = [...document.querySelectorAll('.rq *')].filter((e) => {
		const box = e.getBoundingClientRect();
		if (!box.width || e.closest('.unseen, thead, svg, option, details ul') || e.matches('input, select, textarea')) return false;
		return box.right > wide + 1 || box.left < -1 || getComputedStyle(e).overflowX !== 'visible' && e.scrollWidth > e.clientWidth + 1;
	}).map((e) => e.outerHTML.slice(0, 100));
	if (document.documentElement.scrollWidth > wide) cut.push('the page is ' + document.documentElement.scrollWidth + ' wide, the window ' + wide);
	return cut;
})()`

// fits fails the test if something of the page is cut off.
func (b *tab) fits(what string) {
	b.t.Helper()
	if out := eval[[]string](b, cut); len(out) > 0 {
		b.t.Errorf("%s: %d things are cut off, first %s", what, len(out), out[0])
	}
}

// screens are those that a state is inspected on: a phone, a desk, a zoom of 200 % and of
// 400 %, and text of twice the size.
var screens = []struct {
	name  string
	width int64
	scale float64
	text  string
}{{"a phone", 390, 1, ""}, {"a desk", 1280, 1, ""}, {"a zoom of 200 %", 640, 2, ""}, {"large text", 1280, 1, "200%"}, {"a zoom of 400 %", 320, 4, ""}}

// fit has pictures taken of a state, and fails the test if something is cut off.
func (w *world) fit(name string) {
	w.t.Helper()
	w.picture(name)
	for _, s := range screens {
		perform(w.tab, "turn", chromedp.EmulateViewport(s.width, 900, chromedp.EmulateScale(s.scale)))
		eval[any](w.tab, `(document.documentElement.style.fontSize = '`+s.text+`') && null`)
		w.fits(name + " on " + s.name)
	}
	eval[any](w.tab, `(document.documentElement.style.fontSize = '') && null`)
	perform(w.tab, "turn back", chromedp.EmulateViewport(1280, 900))
}

// looks is fit, and axe-core: light on a phone, dark on a desk.
func (w *world) looks(name string) {
	w.t.Helper()
	w.fit(name)
	w.prefer("dark")
	w.accessible(name+" in the dark", w.axe)
	w.keep(name + "-dark")
	w.prefer("light")
	perform(w.tab, "turn", chromedp.EmulateViewport(390, 844))
	w.accessible(name+" on a phone", w.axe)
	perform(w.tab, "turn back", chromedp.EmulateViewport(1280, 900))
}

// keep keeps a picture of what is seen now.
func (b *tab) keep(name string) {
	b.t.Helper()
	image := perform(b, "take a picture", chromedp.FullScreenshot(100))
	if err := os.WriteFile(filepath.Join(b.t.ArtifactDir(), name+".png"), image, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// key presses keys.
func (b *tab) key(keys string) {
	b.t.Helper()
	perform(b, "press a key", chromedp.KeyEvent(keys))
}

// tabTo presses Tab until the focus is on what matches the selector and has that text.
// Each stop has to be seen.
func (b *tab) tabTo(selector, text string) {
	b.t.Helper()
	for range 60 {
		b.key("\t")
		at := eval[struct {
			Found, Seen bool
			HTML        string
		}](b, fmt.Sprintf(`(() => {
			const e = document.activeElement, s = getComputedStyle(e), box = e.getBoundingClientRect();
			return {
				Found: e.matches(%q) && (e.closest('tr') ?? e).textContent.includes(%q), HTML: e.outerHTML.slice(0, 80),
				Seen: s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 1 && box.width > 0 && box.bottom > 0 && box.top < innerHeight,
			};
		})()`, selector, text))
		if !at.Seen && !strings.HasPrefix(at.HTML, "<body") {
			b.t.Errorf("the focus is not seen on %s", at.HTML)
		}
		if at.Found {
			return
		}
	}
	b.t.Fatalf("Tab does not lead to %s %q", selector, text)
}

// The whole job with the keyboard alone.
func TestBrowserKeyboardOnly(t *testing.T) {
	w := newWorld(t)
	w.sees("Nobody has been invited yet.")
	w.tabTo("#rq-emails", "")
	w.key("bob@example.com, eve@example.com, kim@example.com")
	w.tabTo("#rq-role", "")
	w.key(kb.ArrowDown)
	w.tabTo("button", "Send invitations")
	w.key(kb.Enter)
	w.sees("3 invitations were sent.", "Administrator")
	w.tabTo("td.actions a", "eve@example.com")
	w.key(kb.Enter)
	w.sees("Resend 1 invitation?")
	w.tabTo("button", "Resend")
	w.key(kb.Enter)
	w.sees("1 invitation was sent again.")
	w.mails(4)
	w.tabTo("td.pick input", "kim@example.com")
	w.key(" ")
	w.tabTo("td.pick input", "bob@example.com")
	w.key(" ")
	w.tabTo("button", "Cancel selected")
	w.key(kb.Enter)
	w.sees("Cancel 2 invitations?")
	w.tabTo("button", "Cancel 2 invitations")
	w.key(kb.Enter)
	w.sees("2 invitations were canceled.")
	// The row with the focus changes, and keeps it.
	w.tabTo("td.actions a", "eve@example.com")
	for _, m := range w.platform.Outbox() {
		if m.To == "eve@example.com" && m.Kind == roqtest.KindInvite {
			if _, err := w.platform.Accept(m.Token); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.until(`document.querySelector('tr[data-status=accepted]')`)
	if at := eval[string](w.tab, `document.activeElement.tagName`); at == "BODY" {
		t.Error("the focus is lost when a row changes")
	}

	w.trouble(roqtest.Fault{Operation: "sendUserInvites", Delay: time.Second})
	w.open(w.at(""))
	w.fill(many(2000))
	w.tabTo("button", "Send invitations")
	w.key(kb.Enter)
	w.sees("of 2,000")
	w.tabTo("button", "Stop")
	value := eval[float64](w.tab, `document.getElementById('rq-progress').value`)
	w.until(fmt.Sprintf(`document.getElementById('rq-progress').value > %v`, value))
	if at := w.text("button:focus"); at != "Stop" {
		t.Errorf("while the progress changes the focus is on %q", at)
	}
	w.key(kb.Enter)
	w.sees("The work was stopped.")
	w.mails(len(w.platform.Outbox()))
}

// For people whose system chooses the colors, who want no motion, and who write from
// right to left.
func TestBrowserEverybody(t *testing.T) {
	w := newWorld(t)
	w.seed(40, "guest")
	for i, m := range w.platform.Outbox()[:4] {
		var err error
		if i%2 == 0 {
			_, err = w.platform.Accept(m.Token)
		} else {
			err = w.platform.Expire(m.InviteID)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	w.open(w.at(""))
	w.invite("\"سميث, ليلى\" <layla@example.com>\n\"לוי (3), שרה\" <sarah@example.com>\nfoo@@bar")
	w.sees("2 people can be invited")
	loose := `[...document.querySelectorAll('.rq *')].filter((e) => !e.closest('textarea, bdi') && [...e.childNodes].some((n) => n.nodeType === 3 && /[\u0590-\u06ff]/.test(n.data))).map((e) => e.outerHTML)`
	if out := eval[[]string](w.tab, loose); len(out) > 0 {
		t.Errorf("the preview has text in another direction outside of bdi: %s", out)
	}
	w.looks("names")
	w.click("Send 2 invitations")
	w.sees("2 invitations were sent.", "ليلى سميث")
	if out := eval[[]string](w.tab, loose); len(out) > 0 {
		t.Errorf("the list has text in another direction outside of bdi: %s", out)
	}
	// In the list and on what is asked.
	if n := eval[int](w.tab, `[...document.querySelectorAll('td.who bdi')].filter((e) => /[\u0590-\u06ff]/.test(e.textContent)).length`); n != 2 {
		t.Errorf("%d names are shown as they are written", n)
	}
	w.looks("home")

	w.emulate("forced-colors", "active")
	colors := eval[map[string]string](w.tab, `(() => {
		const of = (selector, ...names) => { const s = getComputedStyle(document.querySelector(selector)); return names.map((n) => s[n]).join(' '); };
		return {
			selected: of('.tab[aria-current]', 'borderBottomColor', 'borderBottomWidth', 'borderBottomStyle'), tab: of('.tab:not([aria-current])', 'borderBottomColor', 'borderBottomWidth', 'borderBottomStyle'),
			page: of('.pages [aria-current]', 'borderTopColor', 'borderTopStyle'), other: of('.pages a:not([aria-current])', 'borderTopColor', 'borderTopStyle'),
			disabled: of('#rq-many button:disabled', 'color'), enabled: of('form[action=invite] button', 'color'),
			box: of('.box.green', 'borderTopStyle', 'borderTopWidth'), button: of('form[action=invite] button', 'borderTopStyle', 'borderTopWidth'),
			pending: of('rect.pending', 'fill'), accepted: of('rect.accepted', 'fill'),
		};
	})()`)
	for _, pair := range [][2]string{{"selected", "tab"}, {"page", "other"}, {"disabled", "enabled"}, {"pending", "accepted"}} {
		if colors[pair[0]] == colors[pair[1]] {
			t.Errorf("with forced colors %s and %s are alike: %s", pair[0], pair[1], colors[pair[0]])
		}
	}
	for _, name := range []string{"box", "button"} {
		if !strings.HasPrefix(colors[name], "solid") || strings.HasSuffix(colors[name], " 0px") {
			t.Errorf("with forced colors the border of a %s is %s", name, colors[name])
		}
	}
	w.accessible("forced colors", w.axe)
	w.keep("forced-home")
	w.click("Cancel sarah@example.com")
	w.sees("Cancel 1 invitation?")
	w.keep("forced-confirm")
	w.emulate()
	w.looks("confirm-names")
	w.emulate("prefers-reduced-motion", "reduce")
	w.open(w.at(""))
	eval[any](w.tab, `document.querySelector('tbody tr').classList.add('new')`)
	if moves := eval[[]string](w.tab, `[...document.querySelectorAll('.rq *')].filter((e) => { const s = getComputedStyle(e); return parseFloat(s.transitionDuration) > 0.001 || s.animationName !== 'none'; }).map((e) => e.outerHTML.slice(0, 80))`); len(moves) > 0 {
		t.Errorf("without motion there still is some: %s", moves)
	}
}
