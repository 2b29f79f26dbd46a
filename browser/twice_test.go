package browser

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// resubmits reloads what the page answered to a form, which sends the form again if the
// answer is not a redirect; goes back, and does the same once more. Nobody is mailed.
func (w *world) resubmits(what string) {
	w.t.Helper()
	before := len(w.platform.Outbox())
	w.reload()
	w.reload()
	if got := len(w.platform.Outbox()); got != before {
		w.t.Errorf("%s: reloading the page mailed %d", what, got-before)
	}
}

// back goes back and waits until the page from before is there.
func (w *world) back(text string) {
	w.t.Helper()
	eval[any](w.tab, `setTimeout(() => history.back()) && null`) // which need not load anything
	w.until("document.body.innerText.includes('" + text + "')")
}

// press clicks a button of a page that was gone back to: chromedp does not know the
// nodes of a page that the browser has kept.
func (w *world) press(selector string) {
	w.t.Helper()
	eval[any](w.tab, `setTimeout(() => document.querySelector('`+selector+`').click()) && null`)
}

// Nobody is mailed twice by impatience: a reload, the back button and the same form once
// more, a double click.
func TestBrowserTwice(t *testing.T) {
	w := newWorld(t)
	expect := func(what string, mails int) {
		t.Helper()
		if got := len(w.platform.Outbox()); got != mails {
			t.Fatalf("%s: %d e-mails, want %d", what, got, mails)
		}
	}

	// Without a preview.
	w.invite("bob@example.com, eve@example.com")
	w.sees("2 invitations were sent.")
	w.resubmits("invite")
	w.back("Invite people")
	if w.left() == "" {
		w.fill("bob@example.com, eve@example.com") // or the browser has kept it
	}
	w.click("Send invitations")
	w.until(`document.body.innerText.includes('2 people are already invited') || document.body.innerText.includes('2 invitations were sent')`)
	expect("invite, back, and again", 2)

	// With one: the preview is an answer to a form, which a reload sends again.
	w.open(w.at(""))
	w.invite("kim@example.com\nfoo@@bar")
	w.sees("1 person can be invited")
	posts := w.posted()
	w.resubmits("preview")
	w.sees("1 person can be invited")
	if w.posted() == posts {
		t.Error("reloading the preview did not send the form again, so that this test shows nothing")
	}
	w.click("Send 1 invitation")
	w.sees("1 invitation was sent.")
	w.resubmits("invite with a preview")
	// Back at the preview, which the browser has kept, or asks for again.
	eval[any](w.tab, `setTimeout(() => history.back()) && null`)
	w.until(`location.protocol === 'chrome-error:' || document.body.innerText.includes('1 person can be invited')`)
	if eval[bool](w.tab, `location.protocol === 'chrome-error:'`) {
		w.reload()
		w.sees("1 person is already invited:", "1 entry is not valid:")
	} else {
		w.press("form[action=invite] button.primary")
		w.until(`document.body.innerText.includes('1 invitation was sent.')`)
	}
	expect("the preview, back, and again", 3)

	// A double click, with a platform that takes its time.
	w.open(w.at(""))
	w.fill("lee@example.com")
	w.trouble(roqtest.Fault{Operation: "sendUserInvites", Delay: 500 * time.Millisecond})
	posts = w.posted()
	perform(w.tab, "click twice", chromedp.DoubleClick(chromedp.CSS("form[action=invite] button.primary")))
	w.sees("1 invitation was sent.")
	w.trouble()
	expect("a double click", 4)
	if got := w.posted() - posts; got != 1 {
		t.Errorf("a double click sent %d forms", got)
	}

	// Resend and cancel, one by one.
	w.click("Resend eve@example.com")
	w.sees("Resend 1 invitation?")
	perform(w.tab, "click twice", chromedp.DoubleClick(chromedp.CSS("form[action=act] button")))
	w.sees("1 invitation was sent again.")
	expect("resend", 5)
	w.resubmits("resend")
	w.back("Resend 1 invitation?")
	w.press("form[action=act] button")
	w.until(`document.body.innerText.includes('1 invitation was sent again.')`)
	expect("resend, back, and again", 5)
	w.open(w.at(""))
	w.click("Cancel eve@example.com")
	w.click("Cancel the invitation")
	w.sees("1 invitation was canceled.")
	w.resubmits("cancel")
	w.back("Cancel 1 invitation?")
	w.press("form[action=act] button")
	w.until(`document.body.innerText.includes('1 invitation was canceled') || document.body.innerText.includes('already canceled')`)
	expect("cancel, back, and again", 5)
}

// Many at once, with checkboxes and all that match.
func TestBrowserBulk(t *testing.T) {
	w := newWorld(t)
	w.seed(60, "guest")
	pick := func(n int) {
		t.Helper()
		w.until(`document.querySelectorAll('input[name="id"]').length >= 3 && document.querySelector('#rq-many button').disabled`)
		eval[bool](w.tab, `[...document.querySelectorAll('input[name="id"]')].slice(0, `+string(rune('0'+n))+`).forEach((e) => e.click()) || true`)
	}
	w.open(w.at(""))
	pick(3)
	w.click("Resend selected")
	w.sees("Resend 3 invitations?")
	w.click("Resend 3 invitations")
	w.sees("3 invitations were sent again.")
	w.mails(63)
	w.resubmits("resend three")
	pick(2)
	w.click("Cancel selected")
	w.click("Cancel 2 invitations")
	w.sees("2 invitations were canceled.", "Canceled 2", "Pending 58")
	w.resubmits("cancel two")
	w.mails(63)

	// All that match: a search, on several pages. The canceled can be resent too.
	perform(w.tab, "search", chromedp.SetValue(chromedp.CSS("#rq-search"), "guest000"))
	w.click("Search")
	w.until(`location.search.includes('search') && document.querySelector('input[name="all"]')`)
	perform(w.tab, "select all that match", chromedp.Click(chromedp.CSS(`input[name="all"]`)))
	w.click("Resend selected")
	w.sees("Resend 60 invitations?")
	w.click("Resend 60 invitations")
	w.sees("60 invitations were sent again.", "Pending 60", "Canceled 0")
	w.mails(123)
	w.resubmits("resend all that match")
	w.mails(123)
	perform(w.tab, "choose the pending", chromedp.Click(`//nav//a[contains(., "Pending")]`))
	w.until(`document.querySelector('.tab.pending[aria-current]') && !document.querySelector('#rq-report').textContent.trim()`)
	perform(w.tab, "select all that match", chromedp.Click(chromedp.CSS(`input[name="all"]`)))
	w.click("Cancel selected")
	w.sees("Cancel 60 invitations?")
	w.click("Cancel 60 invitations")
	w.sees("60 invitations were canceled.", "Canceled 60")
	w.resubmits("cancel all that match")
	w.mails(123)
	for _, i := range w.platform.Invites() {
		if i.Status != roq.StatusCanceled {
			t.Errorf("%s is %s", i.Email, i.Status)
		}
	}
}

// A send that is stopped half-way: the report, the form and the outbox agree, and the
// rest can be sent.
func TestBrowserStop(t *testing.T) {
	w := newWorld(t)
	w.trouble(roqtest.Fault{Operation: "sendUserInvites", Delay: 700 * time.Millisecond})
	w.invite(many(2000))
	w.sees("of 2,000")
	w.until(`document.getElementById('rq-progress').value > 100`)
	w.click("Stop")
	w.sees("The work was stopped.", "What was under way was finished.")
	w.trouble()
	sent := len(w.platform.Outbox())
	left := strings.Split(w.left(), "\n")
	if sent == 0 || sent >= 2000 || sent+len(left) != 2000 {
		t.Errorf("%d were mailed, and %d are left in the form", sent, len(left))
	}
	w.sees(number(sent)+" invitations were sent.", number(2000-sent)+" invitations were not sent and are still in the form.")
	w.looks("stopped")
	mailed := map[string]bool{}
	for _, m := range w.platform.Outbox() {
		mailed[m.To] = true
	}
	for _, address := range left {
		if mailed[address] {
			t.Errorf("%s was mailed and is in the form", address)
		}
	}
	w.resubmits("a send that was stopped")
	w.mails(sent)
	w.click("Send invitations")
	w.sees(number(2000-sent)+" invitations were sent.", "Pending 2,000")
	w.mails(2000)
	w.once()
	w.resubmits("the rest of a send")
}
