package browser

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/evanw/esbuild/pkg/api"
)

var update = flag.Bool("update", false, "write what ROQ's own page sends to testdata/captures")

// kept is where the requests of ROQ's own page are, for tests without a browser.
var kept = filepath.Join("..", "testdata", "captures", "roq-ui-react-1.0.13.json")

// ROQ's own invitation components: two people are invited with a role, the tabs show
// who has which status, one is mailed again, one is canceled. What they send is as kept.
func TestBrowserReact(t *testing.T) {
	p := newReactPage(t)
	p.sees("Invitations", "No User Invites")
	p.keep("empty")

	p.send("Member", "wick.john@roq.tech", "t.justin@roq.tech")
	p.sees("wick.john@roq.tech was successfully invited.")
	p.shows(
		"wick.john@roq.tech | Member | Pending | Revoke Invitation, Resend Invitation",
		"t.justin@roq.tech | Member | Pending | Revoke Invitation, Resend Invitation")
	p.keep("invited")
	john, justin := p.mailed("wick.john@roq.tech", "member", "invite"), p.mailed("t.justin@roq.tech", "member", "invite")

	// Somebody who has a pending invite is refused, and the others of the form are not.
	perform(p.tab, "wait for the form to be empty", chromedp.WaitNotPresent(chromedp.CSS(".rti--tag")))
	p.send("Admin", "eve@example.com", "bob@example.com", "wick.john@roq.tech")
	p.sees("the email has a pending invite")
	p.keep("refused")
	eve, bob := p.mailed("eve@example.com", "admin", "invite"), p.mailed("bob@example.com", "admin", "invite")

	p.act("wick.john@roq.tech", "Resend", "Are you sure you want to resend invitation to the following user")
	p.mailed("wick.john@roq.tech", "member", "resend", "invite")
	p.act("bob@example.com", "Revoke", "Are you sure you want to revoke invitation to the following user")
	p.shows(
		"wick.john@roq.tech | Member | Pending | Revoke Invitation, Resend Invitation",
		"t.justin@roq.tech | Member | Pending | Revoke Invitation, Resend Invitation",
		"eve@example.com | Admin | Pending | Revoke Invitation, Resend Invitation",
		"bob@example.com | Admin | Cancelled | Resend Invitation")
	p.mailed("bob@example.com", "admin", "invite")

	// One accepts, and one waits for too long.
	letter := askDev[struct{ Link string }](p, http.MethodGet, fmt.Sprint("/dev/api/mails/", justin.number))
	invitee := p.beside()
	invitee.open(letter.Link)
	invitee.click("Accept")
	invitee.sees("You are now a user of Acme.")
	askDev[struct{}](p, http.MethodPost, "/dev/api/invites/"+eve.invite+"/expire")
	for _, row := range []struct {
		tab, shown, status string
		mailed
	}{
		{"Pending", "wick.john@roq.tech | Member | Revoke Invitation, Resend Invitation", "pending", john},
		{"Accepted", "t.justin@roq.tech | Member | ", "accepted", justin},
		{"Expired", "eve@example.com | Admin | Resend Invitation", "expired", eve},
		{"Cancelled", "bob@example.com | Admin | Resend Invitation", "canceled", bob},
	} {
		p.choose(row.tab)
		p.shows(row.shown)
		if got := askDev[inviteRow](p, http.MethodGet, "/dev/api/invites/"+row.invite); got.Status != row.status {
			t.Errorf("the invite that the tab %s shows is %s, want %s", row.tab, got.Status, row.status)
		}
	}
	p.choose("All")
	p.shows(
		"wick.john@roq.tech | Member | Pending | Revoke Invitation, Resend Invitation",
		"t.justin@roq.tech | Member | Accepted | ",
		"eve@example.com | Admin | Expired | Resend Invitation",
		"bob@example.com | Admin | Cancelled | Resend Invitation")
	p.keep("all")
	p.compare(strings.NewReplacer(john.invite, "<invite of wick.john@roq.tech>", bob.invite, "<invite of bob@example.com>"))
}

// reactPage is a tab with ROQ's own components in it.
type reactPage struct {
	*tab

	mu   sync.Mutex
	sent []capture
}

// capture is a request of the page.
type capture struct {
	Client    string `json:"client"`
	Operation string `json:"operation"`
	Request   struct {
		Method  string            `json:"method"`
		Path    string            `json:"path"`
		Headers map[string]string `json:"headers"`
		Body    json.RawMessage   `json:"body"`
	} `json:"request"`
}

// newReactPage opens the page as Ann. As at ROQ it comes from the application's
// address, and asks the platform at another one.
func newReactPage(t *testing.T) *reactPage {
	t.Helper()
	files := bundle(t)
	ctx, env := startBrowser(t), startDev(t)
	dev, err := url.Parse(env["ROQ_PLATFORM_URL"])
	if err != nil {
		t.Fatal(err)
	}
	toDev := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(dev) }}
	p := &reactPage{}
	platform := httptest.NewServer(p.record(t, toDev))
	t.Cleanup(platform.Close)
	mux := http.NewServeMux()
	mux.Handle("/api/auth/", toDev)
	for path, contents := range files {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, path, time.Time{}, bytes.NewReader(contents))
		})
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		// The package's style sheet wants a font from another host: no test does.
		w.Header().Set("Content-Security-Policy", "default-src 'self'; img-src data:; style-src 'self' 'unsafe-inline'; connect-src 'self' "+platform.URL)
		_, _ = fmt.Fprintf(w, `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Invitations</title><meta name="platform" content="%s">
<link rel="icon" href="data:,"><link rel="stylesheet" href="/page.css"></head><body><div id="root"></div><script src="/page.js"></script></body></html>`, platform.URL)
	})
	app := httptest.NewServer(mux)
	t.Cleanup(app.Close)
	p.tab = &tab{t: t, ctx: ctx, app: app.URL, dev: dev.String()}
	p.open(p.app + "/api/auth/login?postLoginRedirect=/")
	p.click("Ann Admin")
	return p
}

// bundle returns the page's files by path. Where ROQ's components are not installed the
// test is skipped, or, if they were to be, fails.
func bundle(t *testing.T) map[string][]byte {
	t.Helper()
	packages, err := filepath.Abs(filepath.Join(".scratch", "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(packages, "@roq", "ui-react")); err != nil {
		if os.Getenv("ROQ_BROWSER") == "required" {
			t.Fatal(err)
		}
		t.Skip("ROQ's components are not installed: make browser installs what the browser tests need")
	}
	built := api.Build(api.BuildOptions{
		EntryPoints: []string{filepath.Join("react", "page.jsx")}, Bundle: true, Outdir: "/", NodePaths: []string{packages},
		JSX: api.JSXAutomatic, Define: map[string]string{"process.env.NODE_ENV": `"production"`}, LogLevel: api.LogLevelSilent,
	})
	if len(built.Errors) > 0 {
		t.Fatalf("the page cannot be bundled: %+v", built.Errors)
	}
	files := make(map[string][]byte)
	for _, f := range built.OutputFiles {
		files["/"+filepath.Base(f.Path)] = f.Contents
	}
	return files
}

// record passes on what the page asks the platform, and keeps it.
func (p *reactPage) record(t *testing.T, to http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path != "/v01/graphql" {
			t.Errorf("the page sent %s %s: %v", r.Method, r.URL, err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if r.Method == http.MethodPost {
			c := capture{Client: "@roq/ui-react 1.0.13"}
			c.Request.Method, c.Request.Path, c.Request.Headers, c.Request.Body = r.Method, r.URL.Path, map[string]string{}, body
			for _, name := range []string{"accept", "content-type", "roq-platform-authorization"} {
				c.Request.Headers[name] = r.Header.Get(name)
			}
			p.mu.Lock()
			p.sent = append(p.sent, c)
			p.mu.Unlock()
		}
		to.ServeHTTP(w, r)
	})
}

// compare fails the test if what the page sent is not what is kept, each request once
// and with names instead of ids.
func (p *reactPage) compare(names *strings.Replacer) {
	p.t.Helper()
	ann := askDev[devPage[struct{ ID, TenantID string }]](p, http.MethodGet, "/dev/api/users?email=ann@acme.example").Rows[0]
	users := strings.NewReplacer(ann.ID, "<user>", ann.TenantID, "<tenant>")
	all, times := []capture{}, map[string]int{}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.sent {
		var request struct {
			OperationName string `json:"operationName"`
		}
		c.Request.Body = json.RawMessage(users.Replace(names.Replace(string(c.Request.Body))))
		if err := json.Unmarshal(c.Request.Body, &request); err != nil {
			p.t.Fatal(err)
		}
		c.Operation = request.OperationName
		times[c.Operation]++
		if kind, token, _ := strings.Cut(c.Request.Headers["roq-platform-authorization"], " "); kind == "Bearer" && token != "" {
			c.Request.Headers["roq-platform-authorization"] = "Bearer <access token>"
		}
		if !slices.ContainsFunc(all, func(other capture) bool { return bytes.Equal(other.Request.Body, c.Request.Body) }) {
			all = append(all, c)
		}
	}
	if n := times["getTranslation"]; n > 5 {
		p.t.Errorf("the page asked %d times for translations: it does so without end if it gets none", n)
	}
	// The order in which it asks is not always the same.
	slices.SortStableFunc(all, func(a, b capture) int { return bytes.Compare(a.Request.Body, b.Request.Body) })
	var got bytes.Buffer
	enc := json.NewEncoder(&got)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(all); err != nil {
		p.t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(kept, got.Bytes(), 0o644); err != nil { //nolint:gosec // a file of the repository
			p.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(kept)
	if err != nil {
		p.t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		p.t.Errorf("the page sent other requests than those in %s (-update writes them):\n%s", kept, got.Bytes())
	}
}

// send fills in the form, and sends it.
func (p *reactPage) send(role string, emails ...string) {
	p.t.Helper()
	perform(p.tab, "open the roles", chromedp.Click(chromedp.CSS(".roq-user-invite-role-dropdown__control")))
	perform(p.tab, "choose "+role, chromedp.Click(`//*[contains(@class, "roq-user-invite-role-dropdown__option")][text()="`+role+`"]`))
	for _, email := range emails {
		perform(p.tab, "type "+email, chromedp.SendKeys(chromedp.CSS(".roq-rti--input"), email+"\r"))
		perform(p.tab, "wait for "+email, chromedp.WaitVisible(`//*[contains(@class, "rti--tag")][contains(., "`+email+`")]`))
		// The field shows an address before the form knows it: a person is not that fast.
		perform(p.tab, "wait for the form", chromedp.Evaluate[chromedp.Void](`new Promise((resolve) => requestIdleCallback(() => setTimeout(resolve, 50)))`, chromedp.EvalAwaitPromise))
	}
	p.click("Invite users")
}

// act does something with an invite: its button, and that of the question.
func (p *reactPage) act(email, action, question string) {
	p.t.Helper()
	perform(p.tab, action+" "+email, chromedp.Click(`//tr[contains(., "`+email+`")]//button[contains(., "`+action+`")]`))
	p.sees(question + ": " + email)
	perform(p.tab, "confirm", chromedp.Click(`//*[contains(@class, "`+strings.ToLower(action)+`-user-invite-button__modal")]//button[contains(@class, "confirm-btn")]`))
	perform(p.tab, "wait for it", chromedp.WaitNotPresent(`//*[contains(@class, "`+strings.ToLower(action)+`-user-invite-button__modal")]`))
}

// choose clicks a tab of the table.
func (p *reactPage) choose(name string) {
	p.t.Helper()
	perform(p.tab, "choose "+name, chromedp.Click(`//*[contains(@class, "roq-tab-2__header")]//button[normalize-space(.)="`+name+`"]`))
}

// shows waits until the table has these rows: the cells and buttons, without the date.
func (p *reactPage) shows(rows ...string) {
	p.t.Helper()
	want := strings.Join(rows, "\n")
	got := perform(p.tab, "read the table", chromedp.Evaluate[string](fmt.Sprintf(`(async () => {
		const rows = () => [...document.querySelectorAll('.roq-data-table__body tr')].map((row) => {
			const cells = [...row.cells].map((cell) => cell.textContent), buttons = [...row.querySelectorAll('button')].map((button) => button.textContent);
			return [...cells.slice(0, -2), buttons.join(', ')].join(' | ');
		}).join('\n');
		for (let i = 0; i < 100 && rows() !== %q; i++) await new Promise((resolve) => setTimeout(resolve, 100));
		return rows();
	})()`, want), chromedp.EvalAwaitPromise))
	if got != want {
		p.t.Errorf("the table shows\n%s\nwant\n%s", got, want)
	}
}

// The answers of roqdev's JSON API, as far as they are needed.
type (
	devPage[T any] struct{ Rows []T }
	mailRow        struct {
		ID             int
		Kind, InviteID string
	}
	inviteRow struct {
		Status   string
		RoleKeys []string
	}
)

// mailed is the last e-mail to somebody: its number, and the invite's id.
type mailed struct {
	number int
	invite string
}

// mailed fails the test if roqdev's outbox does not have these e-mails to somebody,
// newest first, or if the invite does not have that role alone.
func (p *reactPage) mailed(email, role string, kinds ...string) mailed {
	p.t.Helper()
	rows := askDev[devPage[mailRow]](p, http.MethodGet, "/dev/api/mails?to="+email).Rows
	var got []string
	for _, m := range rows {
		got = append(got, m.Kind)
	}
	if !slices.Equal(got, kinds) {
		p.t.Fatalf("%s got the e-mails %q, want %q", email, got, kinds)
	}
	if i := askDev[inviteRow](p, http.MethodGet, "/dev/api/invites/"+rows[0].InviteID); !slices.Equal(i.RoleKeys, []string{role}) {
		p.t.Errorf("%s was invited as %q, want %s", email, i.RoleKeys, role)
	}
	return mailed{rows[0].ID, rows[0].InviteID}
}

// ask asks roqdev's JSON API.
func askDev[T any](p *reactPage, method, path string) T {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.dev+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var answer T
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != http.StatusOK {
		p.t.Fatalf("%s %s = %d, %v", method, path, resp.StatusCode, err)
	}
	return answer
}

// keep keeps a picture of the page.
func (p *reactPage) keep(name string) {
	p.t.Helper()
	image := perform(p.tab, "take a picture", chromedp.FullScreenshot(100))
	if err := os.WriteFile(filepath.Join(p.t.ArtifactDir(), "react-"+name+".png"), image, 0o600); err != nil {
		p.t.Fatal(err)
	}
}
