package browser

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/go-roq/roq"
)

// line clicks the line of a list that has the text.
func (b *tab) line(text string) {
	b.t.Helper()
	perform(b, "open the line of "+text, chromedp.Click(`//table[@id="lines"]//tr[contains(., "`+text+`")]//td[contains(@class, "main")]/a`))
	b.until(`document.querySelector('#pane') !== null`)
}

// lines are the texts of a list's first column.
func (b *tab) lines() string {
	b.t.Helper()
	return strings.Join(eval[[]string](b, `[...document.querySelectorAll('#lines tbody td.main a')].map((a) => a.textContent)`), " ")
}

// state is what the page says of the platform.
func (b *tab) state() string {
	b.t.Helper()
	return eval[string](b, `document.querySelector('#state').innerText`)
}

// A mail appears by itself in an open page, in the language of its invite, and its link
// works where the invitee would click it.
func roqdevMail(t *testing.T, h *house) {
	d := h.desk(t)
	d.screen(1280, 900, 1)
	d.open(d.dev)
	d.sees("No e-mail yet")
	d.send(roq.UserInviteInput{Email: "wick.john@roq.tech", FirstName: "John"})
	d.send(roq.UserInviteInput{Email: "greta@beispiel.example", FirstName: "Greta", Locale: "de-DE"})
	d.sees("Ann Admin lädt Sie zu Acme ein")
	d.until(`document.querySelector('#count-inbox').textContent === '2' && document.querySelector('#empty').hidden`)
	if got := d.lines(); got != "greta@beispiel.example wick.john@roq.tech" {
		t.Errorf("the lines are %s, want the newest first", got)
	}
	if tall := eval[float64](d.tab, `Math.max(...[...document.querySelectorAll('#lines tbody tr')].map((row) => row.offsetHeight))`); tall > 40 {
		t.Errorf("a mail is %v pixels high, want one line", tall)
	}

	d.line("greta@beispiel.example")
	d.sees("As the invitee sees it", "As text")
	pane := perform(d.tab, "read the pane", chromedp.Text(chromedp.CSS("#pane")))
	for _, want := range []string{"Ann Admin lädt Sie zu Acme ein", "pending", "de-DE", "Guten Tag Greta,", "Ann Admin lädt Sie ein, Acme beizutreten.", "Einladung annehmen:\n" + d.dev + "/accept?token="} {
		if !strings.Contains(pane, want) {
			t.Errorf("the reading pane lacks %q:\n%s", want, pane)
		}
	}
	if lang := eval[string](d.tab, `document.querySelector('#pane pre').lang`); lang != "de" {
		t.Errorf("the text is in %q", lang)
	}

	// The document in the frame, beside it, as wide as the frame is.
	frame := eval[struct{ X, Y, W, H float64 }](d.tab, `(() => { const f = document.querySelector('iframe'); const r = f.getBoundingClientRect(); return {X: r.x + f.clientLeft, Y: r.y + f.clientTop, W: f.clientWidth, H: f.clientHeight} })()`)
	letter := d.beside()
	letter.screen(int64(frame.W), int64(frame.H), 1)
	letter.open(d.dev + "/mails/2/html")
	letter.sees("Guten Tag Greta,", "Einladung annehmen")
	if back := eval[string](letter, `getComputedStyle(document.querySelector('.button')).backgroundColor`); back != "rgb(26, 86, 176)" {
		t.Errorf("the button of the e-mail is %s", back)
	}
	if tall := eval[float64](letter, `document.documentElement.scrollHeight`); tall > frame.H {
		t.Errorf("the e-mail is %v high, the frame %v", tall, frame.H)
	}
	button := eval[struct{ X, Y float64 }](letter, `(() => { const r = document.querySelector('.button').getBoundingClientRect(); return {X: r.x + r.width / 2, Y: r.y + r.height / 2} })()`)
	d.until(`performance.getEntriesByType('resource').some((r) => r.name.endsWith('/mails/2/html') && r.responseEnd > 0)`)
	link := d.popup(d.dev+"/accept?token=", func() {
		perform(d.tab, "click in the frame", chromedp.MouseClickXY(frame.X+button.X, frame.Y+button.Y))
	})
	accept := d.beside()
	accept.open(link)
	accept.sees("Join Acme", "Ann Admin invites greta@beispiel.example.")
	accept.push("Accept")
	accept.sees("You are now a user of Acme.")
	d.front() // the link has opened a tab in front of it
	d.until(`document.querySelector('#open-state').innerText.trim() === 'accepted' && document.querySelector('#m2 .status').textContent === 'accepted'`)
	d.click("Back to the list")
	d.sees("Ann Admin invites you to Acme")
}

// popup waits for the page that something opens, and returns its address.
func (b *tab) popup(address string, open func()) string {
	b.t.Helper()
	open()
	return perform(b, "wait for "+address, func(ctx context.Context, _ *chromedp.Target) (string, error) {
		for {
			all, err := chromedp.Targets(ctx)
			if err != nil {
				return "", err
			}
			for _, one := range all {
				if one.Type == "page" && strings.Contains(one.URL, address) {
					return one.URL, nil
				}
			}
		}
	})
}

// Whoever accepts can reload, go back and go forward: nothing is done again.
func roqdevAccept(t *testing.T, h *house) {
	d := h.desk(t)
	d.send(people(1, 1)...)
	d.open(d.dev)
	d.click("Open the invitation to person1@example.com")
	d.sees("Join Acme")
	d.push("Accept")
	d.sees("You are now a user of Acme.")
	once := d.asked("acceptUserInvite")
	steps := []struct {
		what   string
		action chromedp.Action[chromedp.Void]
		sees   string
	}{
		{"reload", chromedp.Reload(), "You are now a user of Acme."}, {"back", chromedp.NavigateBack(), "This invitation is accepted."}, {"reload", chromedp.Reload(), "This invitation is accepted."},
		{"back", chromedp.NavigateBack(), "1 line."}, {"forward", chromedp.NavigateForward(), "This invitation is accepted."}, {"forward", chromedp.NavigateForward(), "You are now a user of Acme."},
	}
	for _, step := range steps {
		perform(d.tab, step.what, step.action)
		d.sees(step.sees)
	}
	if got := d.asked("acceptUserInvite"); once != 1 || got != once {
		t.Errorf("accepting was requested %d times, and %d after reloads", once, got)
	}
	d.open(d.dev + "/accept?token=wrong")
	d.sees("No invitation has this link.")

	// So it is with everything else that changes something.
	d.open(d.dev)
	d.push("To the next webhook try")
	d.sees("The clock was not turned")
	perform(d.tab, "reload", chromedp.Reload())
	d.sees("The clock was not turned")
	d.open(d.dev)
	d.push("+1 hour")
	d.sees("1h0m0s ahead")
	perform(d.tab, "reload", chromedp.Reload())
	d.sees("1h0m0s ahead")
	perform(d.tab, "back", chromedp.NavigateBack())
	perform(d.tab, "forward", chromedp.NavigateForward())
	d.sees("1h0m0s ahead")
}

// Lists are searched by address, tenant and status, their pages follow each other, and
// Back leads through all of it.
func roqdevSearch(t *testing.T, h *house) {
	d := h.desk(t)
	d.send(people(1, 120)...)
	d.send(roq.UserInviteInput{Email: "bob@example.org", FirstName: "Bob"})
	d.open(d.dev)
	if got := strings.Fields(d.lines()); len(got) != 50 || got[0] != "bob@example.org" || got[49] != "person72@example.com" {
		t.Errorf("the first page has %d lines: %v", len(got), got)
	}
	// What arrives pushes lines off the page; the link to older ones follows.
	d.send(people(121, 2)...)
	d.sees("person122@example.com")
	d.click("Older")
	d.sees("Newest")
	if got := strings.Fields(d.lines()); len(got) != 50 || got[0] != "person73@example.com" {
		t.Errorf("the second page has %d lines, from %s", len(got), got[0])
	}
	d.click("Older")
	d.sees("person1@example.com")
	d.misses("Older")
	perform(d.tab, "back", chromedp.NavigateBack())
	d.sees("person73@example.com")
	d.click("Newest")
	d.sees("bob@example.org")

	for _, list := range []string{"/", "/invites"} {
		d.open(d.dev + list)
		perform(d.tab, "type", chromedp.SendKeys(chromedp.CSS(`input[name="q"]`), "ORG\r"))
		d.sees("1 line matches.")
		if got := d.lines(); got != "bob@example.org" {
			t.Errorf("on %s the search finds %s", list, got)
		}
		perform(d.tab, "choose a tenant", chromedp.SetValue(chromedp.CSS(`select[name="tenant"]`), eval[string](d.tab, `[...document.querySelectorAll('select[name="tenant"] option')].find((o) => o.textContent === 'Globex').value`)))
		d.push("Search")
		d.sees("Nothing matches.")
		perform(d.tab, "back", chromedp.NavigateBack())
		d.sees("bob@example.org")
		d.click("Show all")
		d.sees("123 lines.")
		perform(d.tab, "choose a status", chromedp.SetValue(chromedp.CSS(`select[name="status"]`), "accepted"))
		d.push("Search")
		d.sees("Nothing matches.")
	}
	// A search is live too: who accepts leaves the list of pending ones.
	d.open(d.dev + "/?status=pending&q=bob")
	d.sees("1 line matches.")
	accept := d.beside()
	accept.open(d.dev + "/mails/121/open")
	accept.push("Accept")
	accept.sees("You are now a user of Acme.")
	d.sees("Nothing matches.")
}

// Trouble for one operation ends by itself after the number of times that was asked for.
func roqdevTrouble(t *testing.T, h *house) {
	d := h.desk(t)
	d.screen(1280, 900, 1)
	d.open(d.dev)
	d.sees("Requests are answered at once.")
	perform(d.tab, "choose", chromedp.SetValue(chromedp.CSS(`select[name="operation"]`), "userInvites"))
	perform(d.tab, "type", chromedp.SendKeys(chromedp.CSS(`input[name="times"]`), "2"))
	d.push("Errors 503")
	d.sees("Errors 503 on userInvites, 2 more times", "Requests are answered with 503 and not processed.")
	list := func() error {
		_, err := d.client.AsUser(d.ann.RoqUserID).UserInvites(t.Context(), roq.UserInvitesQuery{})
		return err
	}
	d.send(people(1, 1)...) // another operation
	for _, want := range []string{"Errors 503 on userInvites, once more", "Normal. Requests are answered at once."} {
		if err := list(); !errors.Is(err, roq.ErrUnavailable) {
			t.Errorf("userInvites: %v, want 503", err)
		}
		d.sees(want)
	}
	if err := list(); err != nil {
		t.Errorf("userInvites for the third time: %v", err)
	}
	// What one page sets the others show, in words and on the buttons.
	other := d.beside()
	other.open(d.dev + "/requests")
	for label, want := range map[string]string{"Slow": "three seconds", "No answer": "without a response", "Rate limited": "429", "Normal": "at once"} {
		d.push(label)
		d.sees(want)
		other.until(`document.querySelector('[aria-pressed="true"]').textContent === ` + fmt.Sprintf("%q", label))
		if got := other.state(); !strings.Contains(got, label) || !strings.Contains(got, want) {
			t.Errorf("after %s another page says %q", label, got)
		}
	}
}

// The clock is turned until an invite expires; one can be made to expire by itself.
func roqdevClock(t *testing.T, h *house) {
	d := h.desk(t)
	d.screen(1280, 900, 1)
	d.send(people(1, 3)...)
	inbox := d.beside()
	inbox.open(d.dev)
	d.open(d.dev + "/invites")
	d.sees("The clock is real time.", "Next expiry:")
	d.push("Expire the invite to person2@example.com")
	d.until(`document.querySelectorAll('#lines .expired').length === 1`)
	inbox.until(`document.querySelector('#m2 .status').textContent === 'expired'`)
	d.push("+1 day")
	d.sees("1 day")
	inbox.sees("The clock is", "1 day")
	d.push("To the next expiry")
	d.until(`document.querySelectorAll('#lines .expired').length === 3`)
	inbox.until(`document.querySelectorAll('#lines .expired').length === 3`)
	inbox.misses("Open the invitation to")
	d.push("To the next expiry")
	d.sees("no invite is pending")
}

// Webhooks that are not taken are repeated when the clock is turned to the next try.
func roqdevWebhooks(t *testing.T, h *house) {
	var status atomic.Int64
	status.Store(502)
	hooks := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(status.Load())) }))
	t.Cleanup(hooks.Close)
	d := h.desk(t, "-webhooks", hooks.URL+"/hooks?key=secret")
	d.screen(1280, 900, 1)
	d.open(d.dev + "/webhooks")
	d.sees("No webhook was sent yet.", "Webhooks are sent to "+hooks.URL+"/hooks.")
	d.misses("secret")
	d.send(people(1, 1)...)
	d.sees("ROQ_USER_INVITE_INSERT", "person1@example.com", "1 of 6", "502", "1 webhook to send")
	status.Store(204)
	d.push("To the next webhook try")
	d.sees("repeat, 2 of 6", "204")
	d.misses("webhook to send")
	d.line("repeat, 2 of 6")
	d.sees("Attempts", "Body", "person1@example.com")
	if n := eval[int](d.tab, `document.querySelectorAll('#pane ol li').length`); n != 2 {
		t.Errorf("the pane has %d attempts, want 2", n)
	}
	none := h.desk(t)
	none.open(none.dev + "/webhooks")
	none.sees("No webhooks are sent. Start roqdev with -webhooks")
}

// Users are searched, seen in full, and one click signs somebody in.
func roqdevUsers(t *testing.T, h *house) {
	d := h.desk(t)
	d.open(d.dev + "/users")
	if got := d.lines(); got != "Gus Guest Ben Builder Ann Admin" {
		t.Errorf("the users are %s", got)
	}
	d.click("Sign in as one of them")
	d.sees("Choose who you are.")
	d.click("Ben Builder")
	d.sees("Gus Guest")
	perform(d.tab, "type", chromedp.SendKeys(chromedp.CSS(`input[name="q"]`), "ann\r"))
	d.sees("1 line matches.")
	d.line("Ann Admin")
	d.sees("ann@acme.example", "Timezone", d.ann.RoqUserID)
	d.click("Sign in as this user")
	d.sees("Ben Builder")
	if who := eval[string](d.tab, `fetch('/api/auth/session').then((r) => r.text())`); !strings.Contains(who, "ann@acme.example") && !strings.Contains(who, d.ann.RoqUserID) {
		t.Errorf("the session is %s", who)
	}
	// Somebody who accepts is there without a reload.
	d.send(people(1, 1)...)
	accept := d.beside()
	accept.open(d.dev + "/mails/1/open")
	accept.push("Accept")
	accept.sees("You are now a user of Acme.")
	d.sees("person1@example.com")
}

// Requests show operation, status, duration, variables and who, and can be cleared.
func roqdevRequests(t *testing.T, h *house) {
	d := h.desk(t)
	d.screen(1280, 900, 1)
	d.open(d.dev + "/requests")
	d.send(people(1, 1)...)
	d.sees("sendUserInvites")
	row := `//tr[contains(., "sendUserInvites")]`
	for _, want := range []string{"200", "s", `{"data":{"tenantId":`, "Ann Admin"} {
		perform(d.tab, "see "+want, chromedp.WaitVisible(row+`[contains(., '`+want+`')]`))
	}
	d.line("sendUserInvites")
	pane := perform(d.tab, "read the pane", chromedp.Text(chromedp.CSS("#pane")))
	for _, want := range []string{"POST /v01/server/graphql", "Ann Admin", "Duration", "person1@example.com"} {
		if !strings.Contains(pane, want) {
			t.Errorf("the pane lacks %q:\n%s", want, pane)
		}
	}
	if _, err := d.client.AsUser(d.ann.RoqUserID).AcceptUserInvite(t.Context(), "a-token-that-is-secret"); err == nil {
		t.Error("a wrong token was accepted")
	}
	d.open(d.dev + "/requests?q=accept")
	d.misses("a-token-that-is-secret")
	d.push("Clear the list")
	d.sees("No requests yet.")
	perform(d.tab, "reload", chromedp.Reload())
	d.sees("No requests yet.")
	d.send(people(2, 1)...)
	d.sees("sendUserInvites")
}
