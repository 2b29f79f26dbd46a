package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/go-roq/roq"
)

// look takes a picture and checks a page: light on a desk, dark on a phone, and the other
// way around too with ROQ_BROWSER_LOOKS=all.
func (b *tab) look(name, source string) {
	b.t.Helper()
	looks := []struct {
		scheme        string
		width, height int64
	}{{"light", 1280, 800}, {"dark", 390, 844}, {"dark", 1280, 800}, {"light", 390, 844}}
	if os.Getenv("ROQ_BROWSER_LOOKS") != "all" && !strings.HasPrefix(name, "inbox") {
		looks = looks[:2]
	}
	for _, at := range looks {
		b.media("prefers-color-scheme", at.scheme)
		b.screen(at.width, at.height, 1)
		image := perform(b, "take a picture", chromedp.FullScreenshot(100))
		file := filepath.Join(b.t.ArtifactDir(), fmt.Sprintf("%s-%s-%d.png", name, at.scheme, at.width))
		if err := os.WriteFile(file, image, 0o600); err != nil {
			b.t.Fatal(err)
		}
		if wide := eval[int64](b, `document.documentElement.scrollWidth`); wide > at.width {
			b.t.Errorf("%s is %d wide on a screen of %d", name, wide, at.width)
		}
		b.accessible(fmt.Sprintf("%s in %s, %d wide", name, at.scheme, at.width), source)
	}
}

// Every page of roqdev in every state.
func roqdevLooks(t *testing.T, h *house) {
	source := axe(t)
	hooks := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }))
	t.Cleanup(hooks.Close)
	d := h.desk(t, "-webhooks", hooks.URL+"/hooks?key=secret")
	show := func(name, path string) {
		t.Helper()
		d.screen(1280, 800, 1)
		d.open(d.dev + path)
		d.look(name, source)
	}
	show("empty-inbox", "/")
	show("empty-webhooks", "/webhooks")
	d.send(people(1, 9)...)
	made := d.send(
		roq.UserInviteInput{Email: "wick.john@roq.tech", FirstName: "John", LastName: "Wick", Roles: []string{"member"}},
		roq.UserInviteInput{Email: "greta@beispiel.example", FirstName: "Greta", Locale: "de-DE", Roles: []string{"admin"}},
	)
	d.open(d.dev + "/mails/9/open")
	d.look("accept", source)
	d.screen(1280, 800, 1)
	d.push("Accept")
	d.sees("You are now a user of Acme.")
	d.look("accepted", source)
	d.open(d.dev + "/invites")
	d.screen(1280, 800, 1)
	d.push("Expire the invite to person8@example.com")
	d.sees("expired")
	show("inbox", "/")
	show("inbox-open", "/?open=11")
	show("inbox-none", "/?q=nobody")
	show("invites", "/invites")
	show("invites-open", "/invites?open="+made[0].ID)
	show("users", "/users")
	show("users-open", "/users?open="+d.ann.RoqUserID)
	show("webhooks", "/webhooks")
	show("webhooks-open", "/webhooks?open=1")
	show("signin", "/api/auth/login")
	show("signin-nobody", "/api/auth/login?search=nobody")
	show("missing", "/?open=99999")
	show("wrong-link", "/accept?token=x")

	show("requests", "/requests")
	show("requests-open", "/requests?open=4")
	d.open(d.dev)
	d.screen(1280, 800, 1)
	perform(d.tab, "choose", chromedp.SetValue(chromedp.CSS(`select[name="operation"]`), "sendUserInvites"))
	perform(d.tab, "choose", chromedp.SetValue(chromedp.CSS(`input[name="times"]`), "2"))
	d.push("Errors 503")
	d.sees("2 more times")
	d.push("+1 day")
	d.sees("1 day")
	d.look("trouble", source)
	d.screen(390, 844, 1)
	perform(d.tab, "open the controls", chromedp.Click(chromedp.CSS(".strip summary")))
	d.look("controls", source)
	d.screen(1280, 800, 1)
	d.push("To the next expiry")
	d.until(`document.querySelectorAll('#lines .pending').length === 0`)
	d.push("To the next expiry")
	d.sees("This was not done")
	d.look("refused", source)
}
