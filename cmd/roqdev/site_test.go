package main

import (
	"context"
	"errors"
	"fmt"
	"html/template"
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
	handler, err := newSite(d.platform, false, "")
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
	d.shows("/", "No e-mail yet", "Nothing here is mailed to anybody")
	d.shows("/invites", "No invites.")
	d.shows("/users", "ann@acme.example", "Ben Builder", "member", "Globex", d.ann.ID, d.ann.TenantID, "gus@globex.example")
	made := d.invite("bob@example.com", "Bob")
	if _, err := d.invites.ResendUserInvite(t.Context(), made.ID); err != nil {
		t.Fatal(err)
	}
	d.invite("eve@example.com", "Eve")
	d.shows("/", "eve@example.com", "Ann Admin invites you to Acme", "Reminder: Ann Admin invites you to Acme", `<span class="status pending">pending</span>`)
	inbox := d.page("/")
	if strings.Index(inbox, "eve@example.com") > strings.Index(inbox, "bob@example.com") {
		t.Error("the newest e-mail is not the first")
	}
	if strings.Contains(inbox, d.platform.Outbox()[0].Token) {
		t.Error("the list has the token of an e-mail")
	}
	if n := strings.Count(inbox, `<tr id="m`); n != 3 {
		t.Fatalf("%d lines, want one for each e-mail:\n%s", n, inbox)
	}

	// The reading pane has the e-mail with its link; the link is there without it too.
	token := d.platform.Outbox()[0].Token
	link := "/accept?token=" + token
	d.shows("/?open=1", "Hello Bob,", "Ann Admin invites you to join Acme.", d.url+link, `src="/mails/1/html"`, "sandbox=", "Open the invitation")
	d.shows("/mails/1/open", "Join Acme", "<bdi>Ann Admin</bdi> invites <bdi>bob@example.com</bdi>", "nothing happens unless you accept")
	d.shows(link, "Join Acme")
	if got := d.platform.Invites()[0].Status; got != roq.StatusPending {
		t.Fatalf("looking at the invitation made it %s", got)
	}
	if status, body, _ := d.do("POST", "/accept", url.Values{"token": {token}}); status != 200 || !strings.Contains(body, "You are now a user of Acme") {
		t.Errorf("accepting = %d %s", status, body)
	}
	if status, body, _ := d.do("POST", "/accept", url.Values{"token": {token}}); status != 409 || !strings.Contains(body, "the invite was accepted") {
		t.Errorf("accepting again = %d %s", status, body)
	}
	d.shows(link, "Too late", "This invitation is accepted")
	d.shows("/?status=accepted", `<span class="status accepted">accepted</span>`, "2 lines match")
	d.shows("/users?q=bob", "bob@example.com", "1 line matches")
	d.shows("/invites?open="+made.ID, "Accepted by", "Invited by", "Ann Admin")
}

// A list is searched by address, tenant and status, and its pages follow each other.
func TestSearch(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for i := range 60 {
		d.invite(fmt.Sprintf("u%d@example.com", i), "")
	}
	d.invite("bob@example.org", "Bob")
	for path, want := range map[string]int{
		"/": 50, "/?q=EXAMPLE.ORG": 1, "/?status=expired": 0, "/?status=unknown": 50, "/?tenant=" + d.ann.TenantID: 50, "/?tenant=none": 0,
		"/invites?q=bob": 1, "/invites?tenant=" + d.ann.TenantID + "&status=pending&q=u5": 11, "/users?tenant=" + d.ann.TenantID: 2,
		"/requests?q=send": 50, "/webhooks": 0, "/?q=" + strings.Repeat("x", 500): 0, "/?q=" + strings.Repeat("%C3%BC", 90): 0, "/?q=bOB": 1, "/?before=-1": 50, "/?before=x": 50, "/?before=2": 1,
	} {
		if n := strings.Count(d.page(path), "<tr id="); n != want {
			t.Errorf("%s has %d lines, want %d", path, n, want)
		}
	}
	older := regexp.MustCompile(`href="([^"]+)" rel="next"`).FindStringSubmatch(d.page("/"))
	if older == nil {
		t.Fatal("there is no link to older lines")
	}
	d.shows(older[1], "u0@example.com", "u10@example.com", ">Newest<")
	if n := strings.Count(d.page(older[1]), "<tr id="); n != 11 {
		t.Errorf("the second page has %d lines, want 11", n)
	}
	for path, want := range map[string]int{"/?open=999": 404, "/?open=x": 404, "/invites?open=x": 404, "/users?open=x": 404, "/requests?open=0": 404, "/webhooks?open=1": 404, "/mails/0/html": 404, "/mails/x/open": 404} {
		if status, _, _ := d.do("GET", path, nil); status != want {
			t.Errorf("%s = %d, want %d", path, status, want)
		}
	}
}

// The e-mail is in the invite's language.
func TestLetters(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, locale := range []string{"de-DE", "fr", "es_MX", "IT", "pt-BR", "nl", "en-US", "tlh", ""} {
		sent, err := d.invites.SendUserInvites(t.Context(), roq.SendUserInvitesInput{TenantID: d.ann.TenantID, UserInvites: []roq.UserInviteInput{
			{Email: "bob" + locale + "@example.com", FirstName: "Bob", Locale: locale},
		}})
		if err := errors.Join(err, sent.Err()); err != nil {
			t.Fatal(err)
		}
		number := len(d.platform.Outbox())
		code, w := language(locale)
		body, _ := d.frame(number)
		if !strings.Contains(body, `<html lang="`+code+`">`) || !strings.Contains(body, template.HTMLEscapeString(w.Button)) || !strings.Contains(body, "Bob") {
			t.Errorf("in %q the e-mail is %s", locale, body)
		}
	}
	if code, _ := language("de-AT"); code != "de" {
		t.Errorf("the language of de-AT is %s", code)
	}
	for code, w := range languages {
		for _, text := range []string{w.Subject, w.Reminder, w.Body} {
			if strings.Count(text, "%s") != 2 {
				t.Errorf("%s: %q does not name inviter and tenant", code, text)
			}
		}
		if w.Somebody == "" || w.Ignore == "" || w.Hello == "" || strings.Count(w.Greeting, "%s") != 1 {
			t.Errorf("%s lacks a text: %+v", code, w)
		}
	}
}

// frame is the document in the frame of an e-mail.
func (d *desk) frame(number int) (body string, header http.Header) {
	d.t.Helper()
	status, body, header := d.do("GET", fmt.Sprintf("/mails/%d/html", number), nil)
	if status != 200 {
		d.t.Fatalf("e-mail %d = %d", number, status)
	}
	return body, header
}

// What a form leads to has an address of its own: reloading it repeats nothing.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	made := d.invite("bob@example.com", "")
	for _, form := range []struct {
		path   string
		values url.Values
		want   int
	}{
		{"/trouble", url.Values{"trouble": {"slow"}}, 200}, {"/trouble", url.Values{"trouble": {"odd"}}, 400}, {"/trouble", url.Values{"trouble": {"normal"}}, 200},
		{"/clock", url.Values{"turn": {"1h"}}, 200}, {"/clock", url.Values{"turn": {"webhook"}}, 409}, {"/requests/clear", url.Values{}, 200},
		{"/accept", url.Values{"token": {d.platform.Outbox()[0].Token}}, 200}, {"/accept", url.Values{"token": {"x"}}, 404}, {"/invites/" + made.ID + "/expire", url.Values{}, 409},
	} {
		r := httptest.NewRequestWithContext(t.Context(), "POST", d.url+form.path, strings.NewReader(form.values.Encode()))
		r.RequestURI = ""
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		to := resp.Header.Get("Location")
		if status, _, _ := d.do("GET", to, nil); resp.StatusCode != 303 || status != form.want {
			t.Errorf("POST %s %v = %d, which leads to %q = %d, want %d", form.path, form.values, resp.StatusCode, to, status, form.want)
		}
	}
	if status, _, _ := d.do("GET", "/outcomes/x", nil); status != 404 {
		t.Errorf("an outcome that is not there = %d", status)
	}
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

// The page behind a link shows what an application sees of a platform in trouble.
func TestAcceptingInTrouble(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.invite("bob@example.com", "")
	form := url.Values{"token": {d.platform.Outbox()[0].Token}}
	link := "/accept?" + form.Encode()
	for _, name := range []string{"errors", "silent"} {
		if status, _, _ := d.do("POST", "/trouble", url.Values{"trouble": {name}}); status != 200 {
			t.Fatalf("trouble %s = %d", name, status)
		}
		if status, body, _ := d.do("GET", link, nil); status != 502 || !strings.Contains(body, "This is not possible now") {
			t.Errorf("GET on a platform with %s = %d %s", name, status, body)
		}
		if status, body, _ := d.do("POST", "/accept", form); status != 502 || !strings.Contains(body, "It is not known whether this was done") {
			t.Errorf("POST on a platform with %s = %d %s", name, status, body)
		}
	}
	if got := d.platform.Invites()[0].Status; got != roq.StatusAccepted {
		t.Errorf("without an answer the invite is %s", got)
	}
	if status, _, _ := d.do("POST", "/trouble", url.Values{"trouble": {"normal"}}); status != 200 {
		t.Fatal("the trouble cannot be changed back")
	}
	if status, body, _ := d.do("POST", "/accept", form); status != 409 || !strings.Contains(body, "the invite was accepted") {
		t.Errorf("accepting again = %d %s", status, body)
	}
}

func TestExpireAndRemove(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	made := d.invite("bob@example.com", "")
	if status, body, _ := d.do("POST", "/invites/"+made.ID+"/expire", url.Values{}); status != 200 || !strings.Contains(body, "No e-mail yet") && !strings.Contains(body, `<span class="status expired">`) {
		t.Errorf("expire = %d %s", status, body)
	}
	if status, body, _ := d.do("POST", "/invites/"+made.ID+"/expire", url.Values{}); status != 409 || !strings.Contains(body, "expired") {
		t.Errorf("expire again = %d %s", status, body)
	}
	d.shows("/accept?token="+d.platform.Outbox()[0].Token, "This invitation is expired")
	if err := d.platform.Remove(made.ID); err != nil {
		t.Fatal(err)
	}
	d.shows("/", "removed")
	d.shows("/?open=1", "removed", "Somebody invites you")
	d.shows("/invites", "No invites.")
}

// Every trouble does what it says, and Normal ends it.
func TestTroubles(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	set := func(name, operation, times, says string) {
		t.Helper()
		status, body, _ := d.do("POST", "/trouble", url.Values{"trouble": {name}, "operation": {operation}, "times": {times}})
		if status != 200 || !strings.Contains(body, says) {
			t.Fatalf("trouble %s = %d %s", name, status, body)
		}
		if pressed := strings.Count(body, `aria-pressed="true"`); (operation == "") != (pressed == 1) || operation == "" && !strings.Contains(body, `id="trouble-`+name+`" `) {
			t.Errorf("with %s on %q, %d buttons are pressed", name, operation, pressed)
		}
	}
	list := func(ctx context.Context) error {
		_, err := d.invites.UserInvites(ctx, roq.UserInvitesQuery{})
		return err
	}
	if err := list(t.Context()); err != nil {
		t.Fatal(err)
	}
	set("errors", "", "", "answered with 503")
	if err := list(t.Context()); !errors.Is(err, roq.ErrUnavailable) {
		t.Errorf("errors: %v", err)
	}
	set("silent", "", "", "closed without a response")
	sent, err := d.invites.SendUserInvites(t.Context(), roq.SendUserInvitesInput{TenantID: d.ann.TenantID, UserInvites: []roq.UserInviteInput{{Email: "bob@example.com"}}})
	if !errors.Is(err, roq.ErrOutcomeUnknown) || len(sent.Unknown) != 1 || len(d.platform.Outbox()) != 1 {
		t.Errorf("no answer: %v and %d e-mails", err, len(d.platform.Outbox()))
	}
	set("limited", "", "", "answered with 429")
	if err := list(t.Context()); !errors.Is(err, roq.ErrRateLimited) {
		t.Errorf("rate limited: %v", err)
	}
	set("slow", "", "", "take three seconds")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := list(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("slow: %v", err)
	}
	set("normal", "", "", "answered at once")
	if err := list(t.Context()); err != nil {
		t.Errorf("normal: %v", err)
	}

	// One operation, and only so often; another one beside it.
	set("errors", "userInvites", "2", "Errors 503 on userInvites, 2 more times")
	set("limited", "sendUserInvites", "1", "Errors 503 on userInvites, 2 more times</strong>; <strong>Rate limited on sendUserInvites, once more")
	for range 2 {
		if err := list(t.Context()); !errors.Is(err, roq.ErrUnavailable) {
			t.Errorf("userInvites: %v", err)
		}
	}
	if err := list(t.Context()); err != nil {
		t.Errorf("userInvites, the third time: %v", err)
	}
	d.shows("/", "<strong>Rate limited on sendUserInvites, once more</strong>.")
	d.shows("/requests", "userInvites", `<span class="status bad">503</span>`, "Ann Admin")

	for _, form := range []url.Values{{"trouble": {"odd"}}, {"trouble": {"slow"}, "operation": {"odd"}}, {"trouble": {"slow"}, "times": {"x"}}, {"trouble": {"slow"}, "times": {"-1"}}} {
		if status, body, _ := d.do("POST", "/trouble", form); status != 400 || !strings.Contains(body, "This was not done") {
			t.Errorf("%v = %d", form, status)
		}
	}
}

// The clock is turned to what waits for it: invites expire, webhooks are repeated.
func TestClock(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }))
	t.Cleanup(receiver.Close)
	turn := func(by string, want int) string {
		t.Helper()
		status, body, _ := d.do("POST", "/clock", url.Values{"turn": {by}, "back": {"/webhooks"}})
		if status != want {
			t.Fatalf("turning by %s = %d %s", by, status, body)
		}
		return body
	}
	d.shows("/", "The clock is real time.")
	turn("expiry", 409)
	turn("webhook", 409)
	turn("soon", 400)
	turn("-1h", 400)
	turn("100000h", 400)
	d.platform.SendWebhooks(receiver.URL)
	d.invite("bob@example.com", "")
	d.platform.Advance(0)
	if body := turn("webhook", 200); !strings.Contains(body, "repeat, 2 of 6") || !strings.Contains(body, "1 webhook to send") {
		t.Errorf("after turning to the next try: %s", body)
	}
	d.shows("/webhooks?open=2", "ROQ_USER_INVITE_INSERT", "Attempts", "502", "bob@example.com")
	turn("1h", 200)
	turn("expiry", 200)
	if got := d.platform.Invites()[0].Status; got != roq.StatusExpired {
		t.Errorf("after turning to the expiry, the invite is %s", got)
	}
	if body := turn("24h", 200); !strings.Contains(body, "8 days") {
		t.Errorf("the clock says %s", body)
	}
}

// However often the clock is turned, it goes forward.
func TestClockIsBounded(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for n := range 103 {
		before := d.platform.Clock().Now
		status, body, _ := d.do("POST", "/clock", url.Values{"turn": {"8784h"}})
		if n >= 100 && (status != 400 || !strings.Contains(body, "100 years ahead")) || n < 100 && status != 200 {
			t.Fatalf("turn %d = %d %s", n, status, body)
		}
		if !d.platform.Clock().Now.After(before) {
			t.Fatalf("after turn %d it is %v, and was %v", n, d.platform.Clock().Now, before)
		}
	}
}

func TestClearRequests(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.invite("bob@example.com", "")
	d.shows("/requests", "sendUserInvites", "Ann Admin", ">200<")
	d.shows("/requests?open=3", "bob@example.com", "POST /v01/server/graphql")
	if _, body, _ := d.do("POST", "/requests/clear", url.Values{"back": {"/requests"}}); !strings.Contains(body, "No requests yet") {
		t.Errorf("after clearing the page shows %s", body)
	}
	if _, err := d.invites.UserInvites(t.Context(), roq.UserInvitesQuery{}); err != nil {
		t.Fatal(err)
	}
	if page := d.page("/requests"); !strings.Contains(page, ">userInvites</a>") || strings.Contains(page, ">sendUserInvites</a>") {
		t.Errorf("the page shows %s", page)
	}
}

// No page and no answer about requests has a token or a key.
func TestSecretsAreNotShown(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.invite("bob@example.com", "")
	token := d.platform.Outbox()[0].Token
	if _, err := d.invites.AcceptUserInvite(t.Context(), token); err == nil {
		t.Fatal("somebody else accepted")
	}
	cfg := d.platform.Config()
	last := d.platform.FindRequests(roqtest.Query{Search: "acceptUserInvite"}).Rows[0].Number
	for _, path := range []string{"/", "/invites", "/users", "/requests", fmt.Sprintf("/requests?open=%d", last), "/webhooks", "/dev/api/mails", "/dev/api/requests", "/dev/api/invites"} {
		body := d.page(path)
		for _, secret := range []string{token, cfg.APIKey, cfg.WebhookKey} {
			if strings.Contains(body, secret) {
				t.Errorf("%s shows a secret", path)
			}
		}
	}
	d.shows(fmt.Sprintf("/requests?open=%d", last), "(secret)", "acceptUserInvite")
	if got := redactedURL("http://user:pass@127.0.0.1:8080/hooks?key=x"); got != "http://127.0.0.1:8080/hooks" {
		t.Errorf("a URL for webhooks is shown as %s", got)
	}
}

// What others wrote is text on the page, and the page loads nothing from
// elsewhere.
func TestPagesAreSafe(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const evil = `"><script>alert(1)</script>`
	tenant := d.platform.AddTenant(`<img src=x onerror=alert(1)>`)
	user := d.platform.AddUser(roqtest.User{TenantID: tenant, Email: "x@example.com", FirstName: evil})
	d.invite("bob@example.com", evil)
	for _, path := range []string{"/", "/?open=1", "/?q=" + url.QueryEscape(evil), "/invites", "/users", "/users?open=" + user.ID, "/requests", "/requests?open=2", "/webhooks", "/accept", "/mails/1/html", "/?open=" + url.QueryEscape(evil)} {
		_, body, header := d.do("GET", path, nil)
		if strings.Contains(body, "<script>") || strings.Contains(body, "<img") {
			t.Errorf("%s runs what somebody wrote: %s", path, body)
		}
		if regexp.MustCompile(`(src|href)="(https?:)?//`).MatchString(body) && !strings.HasPrefix(path, "/mails/") {
			t.Errorf("%s loads something from elsewhere: %s", path, body)
		}
		if regexp.MustCompile(`<[^>]* (on\w+|style)=`).MatchString(body) {
			t.Errorf("%s has a script or style inside: %s", path, body)
		}
		if policy := header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("the headers of %s are %v", path, header)
		}
	}
	if _, header := d.frame(1); !strings.Contains(header.Get("Content-Security-Policy"), "sandbox") || strings.Contains(header.Get("Content-Security-Policy"), "script-src") {
		t.Errorf("the e-mail may do what %s says", header.Get("Content-Security-Policy"))
	}
	for _, path := range []string{"/assets/roqdev.css", "/assets/roqdev.js", "/assets/letter.css"} {
		if len(d.page(path)) < 500 {
			t.Errorf("%s is %s", path, d.page(path))
		}
	}
	for to, want := range map[string]string{"/users?q=x": "/users?q=x", "//evil.example": "/", "https://evil.example": "/", "/\t/evil.example": "/", `/\evil.example`: "/", "": "/"} {
		w, r := httptest.NewRecorder(), httptest.NewRequest("POST", "/", strings.NewReader(url.Values{"back": {to}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		back(w, r)
		if got := w.Header().Get("Location"); got != want {
			t.Errorf("back to %q leads to %q, want %q", to, got, want)
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
		"/trouble": {"trouble": {"errors"}}, "/clock": {"turn": {"1h"}}, "/dev/api/trouble": {}, "/dev/api/invites/" + made.ID + "/expire": {}, "/invites/" + made.ID + "/expire": {}, "/accept": {"token": {d.platform.Outbox()[0].Token}}, "/requests/clear": {},
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
	handler, err := newSite(d.platform, true, "")
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
