package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// desk is roqdev with a client of its platform and somebody in front of it.
type desk struct {
	t        *testing.T
	platform *roqtest.Server
	url      string
	ann      roqtest.User
	invites  *roq.RoqPlatform
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, platform: roqtest.NewHandler()}
	t.Cleanup(d.platform.Close)
	populate(d.platform)
	handler, err := newSite(d.platform, false)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	d.url, d.ann = server.URL, d.platform.Users()[0]
	cfg := d.platform.Config()
	cfg.PlatformURL, cfg.APIURL, cfg.AppURL = d.url, d.url, d.url
	client, err := roq.New(cfg, roq.WithRetry(roq.RetryPolicy{MaxAttempts: 1}), roq.WithSettleTimeout(0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	d.invites = client.AsUser(d.ann.ID)
	return d
}

// invite invites somebody and returns the invite.
func (d *desk) invite(email, firstName string) roq.UserInvite {
	d.t.Helper()
	sent, err := d.invites.SendUserInvites(d.t.Context(), roq.SendUserInvitesInput{
		TenantID: d.ann.TenantID, UserInvites: []roq.UserInviteInput{{Email: email, FirstName: firstName}},
	})
	if err := errors.Join(err, sent.Err()); err != nil {
		d.t.Fatal(err)
	}
	return sent.Success[0]
}

// do makes a request, follows where it leads, and returns what is there.
func (d *desk) do(method, path string, form url.Values, change ...func(*http.Request)) (status int, body string, header http.Header) {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), method, d.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		d.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, f := range change {
		f(r)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return resp.StatusCode, string(text), resp.Header
}

// page is a page that has to be there.
func (d *desk) page(path string) string {
	d.t.Helper()
	status, body, _ := d.do("GET", path, nil)
	if status != 200 {
		d.t.Fatalf("GET %s = %d %s", path, status, body)
	}
	return body
}

func (d *desk) shows(path string, wants ...string) {
	d.t.Helper()
	body := d.page(path)
	for _, want := range wants {
		if !strings.Contains(body, want) {
			d.t.Errorf("%s does not show %q:\n%s", path, want, body)
		}
	}
}

// An invitation from its arrival to the new user, on the pages alone.
func TestInbox(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.shows("/", "No e-mail yet", "No invites", "ann@acme.example, admin", "ben@acme.example, member", "Globex", "gus@globex.example")
	made := d.invite("bob@example.com", "Bob")
	if _, err := d.invites.ResendUserInvite(t.Context(), made.ID); err != nil {
		t.Fatal(err)
	}
	d.invite("eve@example.com", "Eve")
	d.shows("/live", "To bob@example.com", "Ann Admin invites you to Acme.", "This is a reminder.", "nothing happens unless you accept",
		`<span class="status pending">pending</span>`, "sendUserInvites", "POST /v01/server/graphql")
	live := d.page("/live")
	if strings.Index(live, "To eve@example.com") > strings.Index(live, "To bob@example.com") {
		t.Error("the newest e-mail is not the first")
	}
	links := regexp.MustCompile(`href="(/accept\?token=[^"]+)"`).FindAllStringSubmatch(live, -1)
	if len(links) != 3 {
		t.Fatalf("%d links, want one in each e-mail:\n%s", len(links), live)
	}
	link := links[len(links)-1][1] // the first that was sent

	d.shows(link, "Join Acme", "Ann Admin invites bob@example.com", "nothing happens unless you accept")
	if got := d.platform.Invites()[0].Status; got != roq.StatusPending {
		t.Fatalf("looking at the invitation made it %s", got)
	}
	token := strings.TrimPrefix(link, "/accept?token=")
	if status, body, _ := d.do("POST", "/accept", url.Values{"token": {token}}); status != 200 || !strings.Contains(body, "You are now a user of Acme") {
		t.Errorf("accepting = %d %s", status, body)
	}
	if status, body, _ := d.do("POST", "/accept", url.Values{"token": {token}}); status != 409 || !strings.Contains(body, "the invite was accepted") {
		t.Errorf("accepting again = %d %s", status, body)
	}
	d.shows(link, "Too late", "This invitation is accepted")
	d.shows("/live", `<span class="status accepted">accepted</span>`, "bob@example.com, admin")
}

func TestBadLinks(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, token := range []string{"", "x", "<script>"} {
		status, body, _ := d.do("GET", "/accept?token="+url.QueryEscape(token), nil)
		if status != 404 || !strings.Contains(body, "No invitation has this link") || strings.Contains(body, "<script>") {
			t.Errorf("the link with %q = %d %s", token, status, body)
		}
		if status, _, _ := d.do("POST", "/accept", url.Values{"token": {token}}); status != 404 {
			t.Errorf("accepting with %q = %d", token, status)
		}
	}
}

// The page behind a link shows what an application sees of a platform in that mood.
func TestAcceptingInAMood(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.invite("bob@example.com", "")
	form := url.Values{"token": {d.platform.Outbox()[0].Token}}
	link := "/accept?" + form.Encode()
	for _, name := range []string{"failing", "dropping"} {
		if status, _, _ := d.do("POST", "/mood", url.Values{"mood": {name}}); status != 200 {
			t.Fatalf("mood %s = %d", name, status)
		}
		if status, body, _ := d.do("GET", link, nil); status != 502 || !strings.Contains(body, "This is not possible now") {
			t.Errorf("GET on a platform that is %s = %d %s", name, status, body)
		}
		if status, body, _ := d.do("POST", "/accept", form); status != 502 || !strings.Contains(body, "It is not known whether this was done") {
			t.Errorf("POST on a platform that is %s = %d %s", name, status, body)
		}
	}
	if got := d.platform.Invites()[0].Status; got != roq.StatusAccepted {
		t.Errorf("without an answer the invite is %s", got)
	}
	if status, _, _ := d.do("POST", "/mood", url.Values{"mood": {"well"}}); status != 200 {
		t.Fatal("the mood cannot be changed back")
	}
	if status, body, _ := d.do("POST", "/accept", form); status != 409 || !strings.Contains(body, "the invite was accepted") {
		t.Errorf("accepting again = %d %s", status, body)
	}
}

func TestExpireAndRemove(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	made := d.invite("bob@example.com", "")
	if status, body, _ := d.do("POST", "/invites/"+made.ID+"/expire", url.Values{}); status != 200 || !strings.Contains(body, `<span class="status expired">`) {
		t.Errorf("expire = %d %s", status, body)
	}
	if status, body, _ := d.do("POST", "/invites/"+made.ID+"/expire", url.Values{}); status != 409 || !strings.Contains(body, "expired") {
		t.Errorf("expire again = %d %s", status, body)
	}
	d.shows("/accept?token="+d.platform.Outbox()[0].Token, "This invitation is expired")
	if err := d.platform.Remove(made.ID); err != nil {
		t.Fatal(err)
	}
	d.shows("/live", "removed", "No invites.")
}

// Every mood does what it says, and the first takes it back.
func TestMoods(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	set := func(name string) {
		t.Helper()
		if status, body, _ := d.do("POST", "/mood", url.Values{"mood": {name}}); status != 200 ||
			!strings.Contains(body, `id="mood-`+name+`" aria-pressed="true"`) || strings.Count(body, `aria-pressed="true"`) != 1 {
			t.Fatalf("mood %s = %d %s", name, status, body)
		}
	}
	list := func(ctx context.Context) error {
		_, err := d.invites.UserInvites(ctx, roq.UserInvitesQuery{})
		return err
	}
	if err := list(t.Context()); err != nil {
		t.Fatal(err)
	}
	set("failing")
	if err := list(t.Context()); !errors.Is(err, roq.ErrUnavailable) {
		t.Errorf("failing: %v", err)
	}
	set("dropping")
	sent, err := d.invites.SendUserInvites(t.Context(), roq.SendUserInvitesInput{TenantID: d.ann.TenantID, UserInvites: []roq.UserInviteInput{{Email: "bob@example.com"}}})
	if !errors.Is(err, roq.ErrOutcomeUnknown) || len(sent.Unknown) != 1 || len(d.platform.Outbox()) != 1 {
		t.Errorf("dropping: %v and %d e-mails", err, len(d.platform.Outbox()))
	}
	set("slow")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := list(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("slow: %v", err)
	}
	set("well")
	if err := list(t.Context()); err != nil {
		t.Errorf("well: %v", err)
	}
	if status, _, _ := d.do("POST", "/mood", url.Values{"mood": {"odd"}}); status != 400 {
		t.Errorf("an odd mood = %d", status)
	}
}

func TestClearRequests(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.invite("bob@example.com", "")
	if _, body, _ := d.do("POST", "/requests/clear", url.Values{}); !strings.Contains(body, "No requests yet") {
		t.Errorf("after clearing the page shows %s", body)
	}
	if _, err := d.invites.UserInvites(t.Context(), roq.UserInvitesQuery{}); err != nil {
		t.Fatal(err)
	}
	if live := d.page("/live"); !strings.Contains(live, "<td>userInvites</td>") || strings.Contains(live, "<td>sendUserInvites</td>") {
		t.Errorf("the page shows %s", live)
	}
}

// What others wrote is text on the page, and the page loads nothing from
// elsewhere.
func TestPagesAreSafe(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.platform.AddUser(roqtest.User{TenantID: d.platform.AddTenant(`<img src=x onerror=alert(1)>`), Email: "x@example.com", FirstName: `"><script>alert(1)</script>`})
	for _, path := range []string{"/", "/live", "/accept"} {
		_, body, header := d.do("GET", path, nil)
		if strings.Contains(body, "<script>alert") || strings.Contains(body, "<img") {
			t.Errorf("%s runs what somebody wrote: %s", path, body)
		}
		if regexp.MustCompile(`(src|href)="(https?:)?//`).MatchString(body) {
			t.Errorf("%s loads something from elsewhere: %s", path, body)
		}
		if !strings.HasPrefix(header.Get("Content-Security-Policy"), "default-src 'none'") || header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("the headers of %s are %v", path, header)
		}
	}
	for _, path := range []string{"/assets/roqdev.css", "/assets/roqdev.js"} {
		if len(d.page(path)) < 500 {
			t.Errorf("%s is %s", path, d.page(path))
		}
	}
}

// Another site can neither press the buttons nor be this one by name; pages of
// any origin can use the endpoint for browsers.
func TestOtherOrigins(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	made := d.invite("bob@example.com", "")
	for path, form := range map[string]url.Values{
		"/mood": {"mood": {"failing"}}, "/invites/" + made.ID + "/expire": {}, "/accept": {"token": {d.platform.Outbox()[0].Token}}, "/requests/clear": {},
	} {
		if status, _, _ := d.do("POST", path, form, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }); status != 403 {
			t.Errorf("POST %s from another site = %d, want 403", path, status)
		}
	}
	if got := d.platform.Invites()[0].Status; got != roq.StatusPending {
		t.Errorf("another site made the invite %s", got)
	}
	for host, want := range map[string]int{"evil.example": 421, "evil.example:4000": 421, "localhost:4000": 200, "127.0.0.1": 200, "[::1]:4000": 200, "LOCALHOST": 200} {
		if status, _, _ := d.do("GET", "/", nil, func(r *http.Request) { r.Host = host }); status != want {
			t.Errorf("as %s = %d, want %d", host, status, want)
		}
	}
	handler, err := newSite(d.platform, true)
	if err != nil {
		t.Fatal(err)
	}
	public := httptest.NewServer(handler)
	defer public.Close()
	open := &desk{t: t, url: public.URL}
	if status, _, _ := open.do("GET", "/", nil, func(r *http.Request) { r.Host = "dev.example" }); status != 200 {
		t.Errorf("as dev.example, in public = %d", status)
	}

	status, _, header := d.do("OPTIONS", "/v01/graphql", nil, func(r *http.Request) { r.Header.Set("Origin", "http://localhost:3000") })
	if status != 204 || header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(header.Get("Access-Control-Allow-Headers"), "roq-platform-authorization") {
		t.Errorf("the preflight of /v01/graphql = %d %v", status, header)
	}
	if _, _, header := d.do("POST", "/v01/server/graphql", url.Values{}); header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("the endpoint for backends is open to pages")
	}
}
