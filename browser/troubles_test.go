package browser

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/go-roq/roq/roqtest"
)

// The ways in which roqdev lets the platform be in trouble.
var (
	slow    = roqtest.Fault{Delay: time.Second}
	down    = roqtest.Fault{Status: http.StatusServiceUnavailable}
	silent  = roqtest.Fault{Drop: roqtest.DropAfter}
	limited = roqtest.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"2"}}}
)

// on is a fault of one operation.
func on(operation string, f roqtest.Fault) roqtest.Fault {
	f.Operation = operation
	return f
}

// says fails the test unless there is one box of that color, with those words in it.
func (w *world) says(color string, words ...string) {
	w.t.Helper()
	boxes := strings.Split(w.text("#rq-report .box."+color), " | ")
	for _, word := range words {
		if len(boxes) != 1 || !strings.Contains(boxes[0], word) {
			w.t.Errorf("the boxes in %s say %q, want %q in one", color, boxes, word)
		}
	}
}

// Whatever the platform does, the page says what is known, and nobody is mailed twice.
func TestBrowserTroubles(t *testing.T) {
	w := newWorld(t)

	// Slow: the send is waited for.
	w.trouble(on("sendUserInvites", slow))
	w.invite("slow@example.com")
	w.until(`document.querySelector('[aria-busy=true]')?.textContent === 'One moment…' || document.body.innerText.includes('was sent')`)
	w.sees("1 invitation was sent.")
	w.mails(1)

	// The list fails, and the send does not.
	w.trouble(on("userInvites", down))
	w.open(w.at(""))
	w.invite("list@example.com")
	w.sees("1 invitation was sent.", "Invitations are not available right now.")
	w.looks("list-down")
	w.mails(2)

	// Nobody knows: one box, once. The form does not offer to send it again.
	w.trouble(down)
	w.open(w.at(""))
	w.invite("down1@example.com\ndown2@example.com")
	w.sees("For 2 people the outcome is unknown.")
	w.says("red", "down1@example.com: the platform did not answer")
	if left := w.left(); left != "" {
		t.Errorf("left in the form is %q", left)
	}
	w.looks("unknown")
	w.trouble()
	w.again()
	w.sees("For 2 people the outcome is unknown.", "Pending 2")
	w.mails(2)

	// No answer, and the list answers: what was sent is found out.
	w.trouble(on("sendUserInvites", silent))
	w.open(w.at(""))
	w.invite("lost1@example.com\nlost2@example.com")
	w.sees("2 invitations were sent.")
	w.mails(4)
	w.again()
	// No answer at all: unknown, but they were mailed, and sending again mails nobody.
	w.trouble(silent)
	w.open(w.at(""))
	w.invite("lost3@example.com")
	w.sees("For 1 person the outcome is unknown.")
	w.trouble()
	w.mails(5)
	w.open(w.at(""))
	w.sees("lost3@example.com", "Pending 5")
	w.invite("lost3@example.com")
	w.sees("1 person is already invited:")
	w.mails(5)

	// Rate limited: nothing was sent, and it is still in the form.
	w.trouble(on("sendUserInvites", limited))
	w.open(w.at(""))
	w.invite(`"Ited, Lim" <limited@example.com>`)
	w.sees("Too many requests.", "1 invitation was not sent and is still in the form.")
	if left := w.left(); left != `"Ited, Lim" <limited@example.com>` {
		t.Errorf("left in the form is %q", left)
	}
	w.looks("limited")
	w.trouble()
	w.click("Send invitations")
	w.sees("1 invitation was sent.", "Lim Ited")
	w.mails(6)
	w.once()

	// The same for what is done with an invitation.
	for _, c := range []struct {
		name  string
		fault roqtest.Fault
		says  string
		mails int
	}{
		{"resend, down", on("resendUserInvite", down), "For 1 person the outcome is unknown.", 6},
		{"resend, no answer", on("resendUserInvite", silent), "1 invitation was sent again.", 7},
		{"resend, limited", on("resendUserInvite", limited), "1 invitation was not sent again. Try again later.", 7},
	} {
		w.open(w.at(""))
		w.sees("slow@example.com")
		w.click("Resend slow@example.com")
		w.sees("Resend 1 invitation?")
		w.trouble(c.fault)
		w.click("Resend")
		w.until(`document.querySelector('#rq-report .box')`)
		w.trouble()
		if said := w.text("#rq-report"); !strings.Contains(said, c.says) {
			t.Errorf("%s: the page says %q, want %q", c.name, said, c.says)
		}
		w.mails(c.mails)
		w.again()
	}

	// A page that cannot show what it asks for says so, too.
	w.open(w.at(""))
	w.trouble(limited)
	w.click("Cancel list@example.com")
	w.sees("Too many requests.", "Wait a minute, and try again.")
	w.looks("problem-limited")
	w.trouble()
	w.click("Back to the list")
	w.sees("Pending 6")
	w.mails(7)
}

// A send of 2,000 through trouble: what is known, unknown and not sent add up, and in
// the end nobody was mailed twice.
func TestBrowserCampaign(t *testing.T) {
	w := newWorld(t)
	w.trouble()
	w.platform.Inject(roqtest.Fault{Operation: "sendUserInvites", Skip: 4, Times: 4, Drop: roqtest.DropAfter})
	w.platform.Inject(roqtest.Fault{Operation: "sendUserInvites", Skip: 10, Times: 3, Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"1"}}})
	w.platform.Inject(roqtest.Fault{Operation: "sendUserInvites", Skip: 16, Times: 2, Status: http.StatusServiceUnavailable})
	w.invite(many(2000))
	w.until(`/[0-9] invitations? (was|were) (not )?sent/.test(document.getElementById('rq-report').innerText) && !document.getElementById('rq-progress')`)
	w.looks("campaign")
	sent := len(w.platform.Outbox())
	w.sees(number(sent) + " invitations were sent.")
	unknown := w.box("red") // a platform that answers with 503 may have done what it was asked for
	if sent+len(unknown) != 2000 || sent == 2000 || w.left() != "" {
		t.Errorf("%d were mailed, the outcome of %d is unknown, and %q is left in the form", sent, len(unknown), w.left())
	}
	w.says("red", "outcome is unknown")
	w.once()
	w.resubmits("a campaign")
	for i, line := range unknown {
		unknown[i], _, _ = strings.Cut(line, ": ")
	}
	w.open(w.at(""))
	w.invite(strings.Join(unknown, "\n"))
	w.sees("Pending 2,000")
	w.mails(2000)
	w.once()
}

// Somebody is removed from the list, and others accept: open pages say so.
func TestBrowserNews(t *testing.T) {
	w := newWorld(t)
	w.seed(4, "guest")
	w.open(w.at(""))
	w.sees("guest00000@example.com", "Pending 4")
	mail := map[string]roqtest.Email{}
	for _, m := range w.platform.Outbox() {
		mail[m.To] = m
	}
	if _, err := w.platform.Accept(mail["guest00001@example.com"].Token); err != nil {
		t.Fatal(err)
	}
	perform(w.tab, "see the status change", chromedp.WaitVisible(`//tr[contains(., "guest00001@example.com")]//span[text()="Accepted"]`))
	if offers := eval[int](w.tab, `document.querySelectorAll('tr[data-status=accepted] a, tr[data-status=accepted] input').length`); offers != 0 {
		t.Errorf("what was accepted has %d actions", offers)
	}
	if err := w.platform.Remove(mail["guest00002@example.com"].InviteID); err != nil {
		t.Fatal(err)
	}
	w.until(fmt.Sprintf(`!document.getElementById('i-%s')`, mail["guest00002@example.com"].InviteID))
	w.until(`document.querySelector('[data-count=""]').textContent === '3' && document.querySelector('[data-count="pending"]').textContent === '2'`)
	w.looks("removed")
}

// The same while nobody is pending.
func TestBrowserRemovedLast(t *testing.T) {
	w := newWorld(t)
	w.seed(2, "guest")
	for _, m := range w.platform.Outbox() {
		if _, err := w.platform.Accept(m.Token); err != nil {
			t.Fatal(err)
		}
	}
	w.open(w.at(""))
	w.sees("Accepted 2")
	if err := w.platform.Remove(w.platform.Outbox()[0].InviteID); err != nil {
		t.Fatal(err)
	}
	w.until(`document.querySelectorAll('tbody tr').length === 1 || !document.getElementById('rq-news').hidden`)
}
