package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/go-roq/roq"
)

// Without JavaScript everything works, except that a page stays as it is.
func roqdevWithoutJavaScript(t *testing.T, h *house) {
	d := h.desk(t)
	d.screen(1280, 900, 1)
	d.scripts(false)
	d.send(people(1, 60)...)
	d.open(d.dev)
	d.sees("Without JavaScript, this page does not update by itself.", "60 lines.")
	d.click("Older")
	d.sees("person1@example.com", "Newest")
	perform(d.tab, "search", chromedp.SendKeys(chromedp.CSS(`input[name="q"]`), "person42\r"))
	d.sees("1 line matches.")
	perform(d.tab, "open the line", chromedp.Click(`//tr[contains(., "person42@example.com")]//td[1]/a`))
	d.sees("As text", "Ann Admin invites you to join Acme.")
	d.click("Open the invitation of person42@example.com")
	d.click("Accept")
	d.sees("You are now a user of Acme.")
	d.open(d.dev + "/?status=accepted")
	d.sees("person42@example.com", "1 line matches.")
	d.click("Slow")
	d.sees("Requests take three seconds.")
	perform(d.tab, "see the button pressed", chromedp.WaitVisible(`//button[@aria-pressed="true"][text()="Slow"]`))
	d.click("Normal")
	d.click("To the next expiry")
	d.sees("The clock is", "ahead.")
	d.open(d.dev + "/?status=expired")
	d.sees("59 lines match.")
	d.open(d.dev + "/requests")
	d.click("Clear the list")
	d.sees("No requests yet.")
}

// focused is what has the focus, and an error if it cannot be seen that it does.
type focused struct{ Name, Hidden string }

func (b *tab) focus() focused {
	b.t.Helper()
	return eval[focused](b, `(() => {
		const e = document.activeElement;
		const name = e.id || e.name && (e.value && e.tagName === 'BUTTON' ? e.name + '=' + e.value : e.name) || e.textContent.trim();
		const outlined = (s) => s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2;
		const r = e.getBoundingClientRect();
		let hidden = '';
		if (e !== document.body && !outlined(getComputedStyle(e)) && !outlined(getComputedStyle(e, '::after'))) hidden = 'no outline';
		if (r.width < 2 || r.bottom < 0 || r.top > innerHeight) hidden = 'out of sight';
		return {Name: name, Hidden: hidden};
	})()`)
}

// press presses a key and returns where the focus is then.
func (b *tab) press(key string) string {
	b.t.Helper()
	perform(b, "press a key", chromedp.KeyEvent(key))
	f := b.focus()
	if f.Hidden != "" {
		b.t.Errorf("the focus on %q cannot be seen: %s", f.Name, f.Hidden)
	}
	return f.Name
}

// A keyboard is enough: for all controls, in their order, and for a mail from the list to
// the new user.
func roqdevKeyboard(t *testing.T, h *house) {
	d := h.desk(t)
	d.screen(1280, 900, 1)
	d.send(people(1, 60)...)
	d.open(d.dev)
	d.sees("60 lines.")
	var order []string
	for range 26 {
		order = append(order, d.press("\t"))
	}
	want := "Skip to the list, Inbox 60, Invites 60, Users 3, Requests 4, Webhooks 0, trouble-normal, trouble-slow, trouble-errors, trouble-silent, trouble-limited, operation, times, " +
		"turn=1h, turn=24h, turn=expiry, turn=webhook, q, tenant, status, Search, person60@example.com, Open the invitation to person60@example.com, person59@example.com, Open the invitation to person59@example.com, person58@example.com"
	if got := strings.Join(order, ", "); got != want {
		t.Errorf("Tab goes to\n%s, want\n%s", got, want)
	}
	d.open(d.dev)
	d.press("\t")
	perform(d.tab, "skip to the list", chromedp.KeyEvent("\r"))
	if got := d.press("\t"); got != "q" {
		t.Errorf("after the link to the list, Tab goes to %q", got)
	}
	perform(d.tab, "search", chromedp.KeyEvent("person7@\r"))
	d.sees("1 line matches.")
	d.press("\t")
	perform(d.tab, "skip to the list", chromedp.KeyEvent("\r"))
	for range 6 {
		d.press("\t")
	}
	if got := d.focus().Name; got != "person7@example.com" {
		t.Errorf("after the search, Tab goes to %q", got)
	}
	perform(d.tab, "open the mail", chromedp.KeyEvent("\r"))
	d.sees("As the invitee sees it")
	// The next Tab is at the line, whose link leads into the pane.
	if got := d.press("\t"); got != "person7@example.com" {
		t.Errorf("in front of an open mail, Tab goes to %q", got)
	}
	perform(d.tab, "go to the pane", chromedp.KeyEvent("\r"))
	if got := d.press("\t"); got != "Back to the list" {
		t.Errorf("in the reading pane, Tab goes to %q", got)
	}
	if got := d.press("\t"); got != "Open the invitation of person7@example.com" {
		t.Errorf("in the reading pane, Tab goes to %q", got)
	}
	perform(d.tab, "open the invitation", chromedp.KeyEvent("\r"))
	d.sees("Join Acme")
	if got := d.press("\t"); got != "Accept" {
		t.Errorf("on the invitation, Tab goes to %q", got)
	}
	perform(d.tab, "accept", chromedp.KeyEvent("\r"))
	d.sees("You are now a user of Acme.")

	// What changes while the focus is in the list does not take it away.
	d.open(d.dev)
	d.live()
	eval[bool](d.tab, `(document.querySelector('#m60 a').focus(), true)`)
	d.send(people(61, 1)...)
	d.until(`document.querySelector('#m61') !== null`)
	accept := d.beside()
	accept.open(d.dev + "/mails/60/open")
	accept.push("Accept")
	accept.sees("You are now a user of Acme.")
	d.until(`document.querySelector('#m60 .status').textContent === 'accepted'`)
	if got := eval[string](d.tab, `document.activeElement.textContent`); got != "person60@example.com" {
		t.Errorf("after a change the focus is on %q", got)
	}
}

// On a phone nothing is cut off that matters, and what is tapped is large enough.
func roqdevPhone(t *testing.T, h *house) {
	d := h.desk(t)
	d.screen(390, 844, 3)
	d.send(people(1, 3)...)
	cut := `[...document.querySelectorAll('nav a, #lines td:not(.main), #lines th, button, .button')].filter((e) => e.offsetWidth > 0 && e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent)`
	small := `[...document.querySelectorAll('nav a, #lines td.main, #lines button, .strip button, .filter button, .filter select, .filter input, .button, main li a')].filter((e) => e.offsetWidth > 0 && e.offsetHeight < 36).map((e) => e.textContent || e.name)`
	for _, path := range []string{"/", "/?open=1", "/invites", "/users", "/requests", "/webhooks", "/mails/1/open", "/api/auth/login", "/api/auth/login?search=x"} {
		d.open(d.dev + path)
		for what, found := range map[string][]string{"cut off": eval[[]string](d.tab, cut), "too small": eval[[]string](d.tab, small)} {
			if len(found) > 0 {
				t.Errorf("%s: %s are %q", path, what, found)
			}
		}
		if wide := eval[int](d.tab, `document.documentElement.scrollWidth`); wide > 390 {
			t.Errorf("%s is %d wide", path, wide)
		}
		// A phone enlarges a page when a field with small text is tapped.
		if size := eval[float64](d.tab, `Math.min(16, ...[...document.querySelectorAll('input:not([type="hidden"]), select')].map((e) => parseFloat(getComputedStyle(e).fontSize)))`); size < 16 {
			t.Errorf("%s has a field with text of %v pixels", path, size)
		}
	}
	// The list is what is seen first; the controls are one tap away.
	d.open(d.dev)
	if top := eval[float64](d.tab, `document.querySelector('#m3').getBoundingClientRect().top`); top > 500 {
		t.Errorf("the first mail is %v pixels down", top)
	}
	perform(d.tab, "open the controls", chromedp.Click(chromedp.CSS(".strip summary")))
	d.push("Slow")
	d.sees("Requests take three seconds.")
	perform(d.tab, "tap on the line", chromedp.Tap(chromedp.CSS("#m2 td.main")))
	d.sees("As the invitee sees it")
	d.click("Back to the list")
	d.sees("3 lines.")

	d.open(d.dev + "/api/auth/login?postLoginRedirect=/users")
	d.sees("Choose who you are.")
	d.click("Gus Guest")
	d.sees("gus@globex.example")
}

// At 200 % and with the colors of the visitor, everything is there.
func roqdevZoom(t *testing.T, h *house) {
	source := axe(t)
	d := h.desk(t)
	d.send(people(1, 3)...)
	d.screen(640, 450, 2)
	for _, path := range []string{"/", "/?open=1", "/invites", "/users", "/requests?open=4", "/webhooks", "/mails/1/open", "/api/auth/login"} {
		d.open(d.dev + path)
		if wide := eval[int](d.tab, `document.documentElement.scrollWidth`); wide > 640 {
			t.Errorf("%s is %d wide at 200 %%", path, wide)
		}
		d.accessible(path+" at 200 %", source)
	}
	d.screen(1280, 900, 1)
	d.media("forced-colors", "active")
	d.open(d.dev + "/?open=1")
	d.accessible("forced colors", source)
	for what, differ := range map[string]string{
		"the pressed button":      `((a, b) => a.outlineStyle !== b.outlineStyle)(getComputedStyle(document.querySelector('[aria-pressed="true"]')), getComputedStyle(document.querySelector('[aria-pressed="false"]')))`,
		"the current tab":         `((a, b) => b.borderBottomColor === getComputedStyle(document.body).backgroundColor && a.borderBottomColor !== b.borderBottomColor)(getComputedStyle(document.querySelector('nav [aria-current]')), getComputedStyle(document.querySelector('nav a:not([aria-current])')))`,
		"the line that is open":   `((a, b) => a.outlineStyle !== b.outlineStyle)(getComputedStyle(document.querySelector('#m1')), getComputedStyle(document.querySelector('#m2')))`,
		"the link that has focus": `(document.querySelector('#m2 a').focus({focusVisible: true}), getComputedStyle(document.querySelector('#m2 a'), '::after').outlineStyle === 'solid')`,
	} {
		if !eval[bool](d.tab, differ) {
			t.Errorf("in forced colors %s cannot be told from others", what)
		}
	}
	perform(d.tab, "take a picture", keep(d.tab, "forced-colors"))
}

// keep saves a picture of the page.
func keep(b *tab, name string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		image, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(b.t.ArtifactDir(), name+".png"), image, 0o600)
	})
}

// What others wrote is text: it runs nothing, turns nothing around and makes nothing wide.
func roqdevHostile(t *testing.T, h *house) {
	file := filepath.Join(t.TempDir(), "state.json")
	_, stop := h.stoppable(t, "-addr", "127.0.0.1:0", "-data", file)
	stop()
	const evil = `"><script>document.title='ran'</script><img src=x onerror="document.title='ran'">{{.}}</td></table>`
	const turned = "\u202eevil \u2067right \u200fto left"
	long := strings.Repeat("W", 5000)
	kept, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var state struct {
		Tenants []map[string]any
		Users   []map[string]any
		Invites []any
		Outbox  []any
	}
	rest := map[string]any{}
	if err := json.Unmarshal(kept, &state); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(kept, &rest); err != nil {
		t.Fatal(err)
	}
	state.Tenants[1]["Name"] = turned + evil + long
	for i, name := range []string{evil, turned, long} {
		id := fmt.Sprintf("00000000-0000-4000-8000-%012d", i)
		state.Users = append(state.Users, map[string]any{"ID": "1" + id[1:], "TenantID": state.Tenants[1]["ID"], "Email": name, "FirstName": name, "LastName": name, "Locale": name, "Timezone": name, "Roles": []string{name}, "rowId": id})
		state.Invites = append(state.Invites, map[string]any{
			"ID": id, "TenantID": state.Tenants[1]["ID"], "Email": name, "FirstName": name, "LastName": name, "Locale": name, "RoleKeys": []string{name}, "Status": "pending",
			"CreatedByUserID": "1" + id[1:], "Data": map[string]any{name: name}, "token": fmt.Sprintf("token%d", i), "expiresAt": "2100-01-01T00:00:00Z", "CreatedAt": "2026-01-01T00:00:00Z",
		})
		state.Outbox = append(state.Outbox, map[string]any{"To": name, "InviteID": id, "Kind": "invite", "Token": fmt.Sprintf("token%d", i), "At": "2026-01-01T00:00:00Z"})
	}
	rest["tenants"], rest["users"], rest["invites"], rest["outbox"] = state.Tenants, state.Users, state.Invites, state.Outbox
	if kept, err = json.Marshal(rest); err == nil {
		err = os.WriteFile(file, kept, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	d := h.desk(t, "-data", file)
	d.request(evil, turned+evil+long)
	paths := []string{"/", "/invites", "/users", "/requests", "/requests?open=2", "/webhooks", "/api/auth/login", "/?q=" + url.QueryEscape(evil), "/?open=" + url.QueryEscape(evil[:60]), "/api/auth/login?search=" + url.QueryEscape(evil)}
	for i := range 3 {
		id := fmt.Sprintf("00000000-0000-4000-8000-%012d", i)
		paths = append(paths, fmt.Sprintf("/?open=%d", i+1), fmt.Sprintf("/mails/%d/html", i+1), fmt.Sprintf("/mails/%d/open", i+1), "/invites?open="+id, "/users?open=1"+id[1:])
	}
	for _, path := range paths {
		d.open(d.dev + path)
		found := eval[struct {
			Title, Scripts string
			Images, Wide   int
			Bytes          float64
			Rows           []float64
		}](d.tab, `({
			Title: document.title, Images: document.images.length, Scripts: [...document.scripts].map((s) => s.getAttribute('src')).join(),
			Wide: document.documentElement.scrollWidth, Bytes: performance.getEntriesByType('navigation')[0].decodedBodySize,
			Rows: [...document.querySelectorAll('#lines tbody tr')].map((r) => r.offsetHeight),
		})`)
		if found.Title == "ran" || found.Images > 0 || found.Scripts != "" && found.Scripts != "/assets/roqdev.js" || found.Bytes > 200_000 {
			t.Errorf("%s: %+v", path, found)
		}
		for _, width := range []int64{390, 1280} {
			d.screen(width, 900, 1)
			if wide := eval[int64](d.tab, `document.documentElement.scrollWidth`); wide > width {
				t.Errorf("%s is %d wide on a screen of %d", path, wide, width)
			}
		}
		for _, tall := range found.Rows {
			if tall > 64 {
				t.Errorf("%s has a line of %v pixels", path, tall)
			}
		}
	}
	// Marks of text direction end with the text that they are in.
	d.open(d.dev + "/users?open=10000000-0000-4000-8000-000000000001")
	for _, selector := range []string{"#lines .note", "#pane dd"} {
		if got := eval[string](d.tab, `getComputedStyle(document.querySelector('`+selector+`')).unicodeBidi`); got != "isolate" {
			t.Errorf("the direction of %s is %s", selector, got)
		}
	}
	d.open(d.dev)
	d.sees("3 lines.")
	d.live()
	perform(d.tab, "take a picture", keep(d.tab, "hostile"))
}

// request makes a request of the platform as anybody can: with any operation and variables.
func (d *desk) request(operation, text string) {
	d.t.Helper()
	body, err := json.Marshal(map[string]any{"query": "query q { userInvites { totalCount } }", "operationName": operation, "variables": map[string]any{"text": text}})
	if err != nil {
		d.t.Fatal(err)
	}
	resp, err := http.Post(d.dev+"/v01/server/graphql", "application/json", strings.NewReader(string(body)))
	if err != nil {
		d.t.Fatal(err)
	}
	_ = resp.Body.Close()
}

// A page of another origin can change nothing, read nothing and show nothing of roqdev.
func roqdevOtherOrigin(t *testing.T, h *house) {
	d := h.desk(t)
	made := d.send(people(1, 1)...)
	var mail struct{ Token string }
	d.api("/mails/1", "", &mail)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<title>Other</title><iframe src="%[1]s/"></iframe>
			<form id="trouble" method="post" action="%[1]s/trouble"><input name="trouble" value="slow"></form>
			<form id="clock" method="post" action="%[1]s/clock"><input name="turn" value="24h"></form>
			<form id="accept" method="post" action="%[1]s/accept"><input name="token" value="%[2]s"></form>
			<form id="expire" method="post" action="%[1]s/invites/%[3]s/expire"></form>
			<form id="api" method="post" enctype="text/plain" action="%[1]s/dev/api/trouble"><input name='{"trouble":"slow","x":"' value='"}'></form>`, d.dev, mail.Token, made[0].ID)
	}))
	t.Cleanup(front.Close)
	for _, address := range []string{front.URL, strings.Replace(front.URL, "127.0.0.1", "localhost", 1)} {
		for _, form := range []string{"trouble", "clock", "accept", "expire", "api"} {
			d.open(address)
			eval[bool](d.tab, `(document.querySelector('#`+form+`').submit(), true)`)
			d.until(`location.href !== '` + address + `/' && document.readyState === 'complete'`)
			if text := perform(d.tab, "read", chromedp.Text(chromedp.CSS("body"))); !strings.Contains(text, "pages of other origins cannot change anything") {
				t.Errorf("the form %s of %s leads to %s", form, address, text)
			}
		}
		d.open(address)
		for _, path := range []string{"/dev/api/mails/1", "/", "/events?tab=inbox"} {
			if got := eval[string](d.tab, `fetch('`+d.dev+path+`').then((r) => 'read', () => 'refused')`); got != "refused" {
				t.Errorf("%s is %s by %s", path, got, address)
			}
		}
		if got := eval[string](d.tab, `fetch('`+d.dev+`/dev/api/trouble', {method: 'POST', headers: {'content-type': 'application/json'}, body: '{"trouble":"slow"}'}).then(() => 'done', () => 'refused')`); got != "refused" {
			t.Errorf("an order of %s is %s", address, got)
		}
	}
	var troubles struct{ Active []any }
	var clock struct{ AheadSeconds float64 }
	var invite struct{ Status roq.UserInviteStatus }
	d.api("/trouble", "", &troubles)
	d.api("/clock", "", &clock)
	d.api("/invites/"+made[0].ID, "", &invite)
	if len(troubles.Active) != 0 || clock.AheadSeconds != 0 || invite.Status != roq.StatusPending {
		t.Errorf("another origin has changed something: %v, %v, %v", troubles, clock, invite)
	}
	// Here the same order works.
	d.open(d.dev)
	if got := eval[int](d.tab, `fetch('/dev/api/trouble', {method: 'POST', headers: {'content-type': 'application/json'}, body: '{"trouble":"slow"}'}).then((r) => r.status)`); got != 200 {
		t.Errorf("an order of roqdev's own page = %d", got)
	}
}

// The state of the first version is still read, with its mails and users.
func roqdevOldState(t *testing.T, h *house) {
	kept, err := os.ReadFile(filepath.Join("testdata", "roqdev-first.json"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(file, kept, 0o600); err != nil {
		t.Fatal(err)
	}
	d := h.desk(t, "-data", file)
	d.open(d.dev + "/?open=1")
	d.sees("bob@example.com", "Hello Bob,", "Ann Admin invites you to join Acme.")
	for path, want := range map[string]string{"/invites?open=c0e6a909-c158-4368-b628-3c1d9cc64ab4": "Bob", "/users": "Ann Admin", "/api/auth/login": "ann@acme.example"} {
		d.open(d.dev + path)
		d.sees(want)
	}
	d.send(people(1, 1)...)
	d.open(d.dev + "/mails/1/open")
	d.push("Accept")
	d.sees("You are now a user of Acme.")
}
