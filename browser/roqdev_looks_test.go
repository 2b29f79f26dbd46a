package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/go-roq/roq"
)

// look takes a picture and checks a page in every light and on every screen.
func (b *tab) look(name, source string) {
	b.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		b.media("prefers-color-scheme", scheme)
		for _, screen := range []struct{ width, height int64 }{{1280, 800}, {390, 844}} {
			b.screen(screen.width, screen.height, 1)
			image := perform(b, "take a picture", chromedp.FullScreenshot(100))
			file := filepath.Join(b.t.ArtifactDir(), fmt.Sprintf("%s-%s-%d.png", name, scheme, screen.width))
			if err := os.WriteFile(file, image, 0o600); err != nil {
				b.t.Fatal(err)
			}
			if wide := ask[int64](b, `document.documentElement.scrollWidth`); wide > screen.width {
				b.t.Errorf("%s is %d wide on a screen of %d", name, wide, screen.width)
			}
			b.accessible(fmt.Sprintf("%s in %s, %d wide", name, scheme, screen.width), source)
		}
	}
}

// Every page of roqdev in every state.
func TestBrowserRoqdevLooks(t *testing.T) {
	source := axe(t)
	h := newHouse(t)
	hooks := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }))
	t.Cleanup(hooks.Close)
	d := h.desk(t, "-webhooks", hooks.URL+"/hooks?key=secret")
	show := func(name, path string) {
		t.Helper()
		d.open(d.dev + path)
		d.look(name, source)
	}
	show("empty-inbox", "/")
	show("empty-invites", "/invites")
	show("empty-webhooks", "/webhooks")
	d.send(people(1, 70)...)
	made := d.send(
		roq.UserInviteInput{Email: "wick.john@roq.tech", FirstName: "John", LastName: "Wick", Roles: []string{"member"}, Variables: map[string]any{"plan": "trial", "seats": 12}},
		roq.UserInviteInput{Email: "greta@beispiel.example", FirstName: "Greta", Locale: "de-DE", Roles: []string{"admin"}},
	)
	show("inbox", "/")
	show("inbox-open", "/?open=72")
	show("inbox-none", "/?q=nobody")
	show("invites", "/invites")
	show("invites-open", "/invites?open="+made[0].ID)
	show("users", "/users")
	show("users-open", "/users?open="+d.ann.RoqUserID)
	show("requests", "/requests")
	show("requests-open", "/requests?open=4")
	show("webhooks", "/webhooks")
	show("webhooks-open", "/webhooks?open=1")
	d.open(d.dev + "/")
	perform(d.tab, "choose", chromedp.SetValue(chromedp.CSS(`select[name="operation"]`), "sendUserInvites"))
	perform(d.tab, "choose", chromedp.SetValue(chromedp.CSS(`input[name="times"]`), "2"))
	d.click("Errors 503")
	d.click("+1 day")
	d.look("trouble", source)
	show("signin", "/api/auth/login")
	show("missing", "/?open=99999")
	show("accept-wrong", "/accept?token=x")
}
