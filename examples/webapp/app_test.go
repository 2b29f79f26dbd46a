package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// browser is the application in front of a platform, and somebody signed in.
type browser struct {
	t        *testing.T
	platform *roqtest.Server
	ann      roqtest.User
	cookie   string
	url      string
	log      *logBuffer
}

type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	b := &browser{t: t, platform: roqtest.NewServer(), log: &logBuffer{}}
	t.Cleanup(b.platform.Close)
	b.ann = b.platform.AddUser(roqtest.User{TenantID: b.platform.AddTenant("Acme"), Email: "ann@acme.example", FirstName: "Ann", LastName: "Lee", Roles: []string{"admin"}})
	b.cookie = b.platform.SessionToken(b.ann.ID)
	logger := slog.New(slog.NewTextHandler(b.log, nil))
	client, err := roq.New(b.platform.Config(), roq.WithLogger(logger), roq.WithSettleTimeout(50*time.Millisecond),
		roq.WithRetry(roq.RetryPolicy{MaxAttempts: 2, MinWait: time.Millisecond, MaxWait: 5 * time.Millisecond}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	server := httptest.NewServer(newApp(client, "http://127.0.0.1:8080", logger).handler())
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

// do makes a request as the browser does, follows where it leads, and returns the
// page.
func (b *browser) do(method, path string, form url.Values, change ...func(*http.Request)) (int, string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: "roq-session-token", Value: b.cookie})
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, f := range change {
		f(r)
	}
	client := &http.Client{CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		r.AddCookie(&http.Cookie{Name: "roq-session-token", Value: b.cookie})
		return nil
	}}
	resp, err := client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// expect makes a request whose page has that status and shows all of that.
func (b *browser) expect(want int, method, path string, form url.Values, shows ...string) string {
	b.t.Helper()
	status, page := b.do(method, path, form)
	if status != want {
		b.t.Errorf("%s %s = %d, want %d", method, path, status, want)
	}
	for _, text := range shows {
		if !strings.Contains(page, text) {
			b.t.Errorf("%s %s does not show %q:\n%s", method, path, text, page)
		}
	}
	return page
}

func emails(text string) url.Values { return url.Values{"emails": {text}, "locale": {"de-DE"}} }

// The platform's guide on the pages alone, without JavaScript.
func TestGuide(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	b.expect(200, "GET", "/", nil, "Ann Lee", b.ann.TenantID, "Nobody has been invited yet", "<label for=\"emails\">")
	page := b.expect(200, "POST", "/invites", url.Values{
		"emails": {"\"Wick, John\" <wick.john@roq.tech>, nobody\nann@acme.example; t.justin@roq.tech, Eve <eve@example.com>"},
		"locale": {"de-DE"}, "role": {" member "},
	}, "3 invitations were sent", "<strong>nobody</strong> must be one e-mail address", "<strong>ann@acme.example</strong> belongs to a user of your tenant",
		"wick.john@roq.tech <span class=\"hint\">John Wick</span>", "3 invitations, page 1 of 1")
	if form := regexp.MustCompile(`(?s)<textarea[^>]*>(.*?)</textarea>`).FindStringSubmatch(page); form[1] != "nobody\nann@acme.example" {
		t.Errorf("left in the form is %q", form[1])
	}
	made := b.platform.Invites()
	if made[0].Locale != "de-DE" || len(made[0].RoleKeys) != 1 || made[0].RoleKeys[0] != "member" || made[0].LastName != "Wick" {
		t.Errorf("the invite is %+v", made[0])
	}
	if _, err := b.platform.Accept(b.platform.Outbox()[0].Token); err != nil {
		t.Fatal(err)
	}
	list := b.expect(200, "GET", "/?part=list", nil, `<span class="status accepted">accepted</span>`)
	if strings.Contains(list, "/invites/"+made[0].ID) {
		t.Error("something is offered for an accepted invitation")
	}
	id := made[1].ID
	b.expect(200, "GET", "/invites/"+id+"/resend", nil, "Resend this invitation?", "t.justin@roq.tech")
	b.expect(200, "POST", "/invites/"+id+"/resend", url.Values{}, "was sent again")
	if n := len(b.platform.Outbox()); n != 4 {
		t.Errorf("%d e-mails, want 4", n)
	}
	b.expect(200, "GET", "/invites/"+id+"/cancel?status=pending", nil, "Cancel this invitation?", `action="/invites/`+id+`/cancel?status=pending"`)
	page = b.expect(200, "POST", "/invites/"+id+"/cancel?status=pending", url.Values{}, "The invitation was canceled", "eve@example.com")
	if strings.Contains(page, "<td>t.justin@roq.tech") {
		t.Error("the filter was lost on the way back")
	}
	b.expect(409, "GET", "/invites/"+id+"/cancel", nil) // it is canceled
	b.expect(200, "POST", "/invites/"+id+"/resend", url.Values{}, "was sent again")
	if got := b.platform.Invites()[1].Status; got != roq.StatusPending {
		t.Errorf("a canceled invite that was resent is %s", got)
	}
	b.expect(409, "POST", "/invites/"+made[0].ID+"/cancel", url.Values{}, "The invitation has been accepted")
	b.expect(409, "GET", "/invites/"+made[0].ID+"/cancel", nil) // asked only what can be done
}

// The list as the address asks for it.
func TestViews(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	var all []string
	for i := range 23 {
		all = append(all, fmt.Sprintf("person_%02d@example.com", i))
	}
	b.expect(200, "POST", "/invites", emails(strings.Join(all, "\n")), "23 invitations were sent", "page 1 of 3")
	b.expect(200, "GET", "/?page=3", nil, "page 3 of 3", `rel="prev"`)
	b.expect(200, "GET", "/?page=4", nil, "No invitation matches")
	page := b.expect(200, "GET", "/?sort=email&order=asc&page=2", nil, "person_10@example.com", `aria-sort="ascending"`, `href="/?order=desc&amp;sort=email"`, `href="/?order=asc&amp;page=3&amp;sort=email"`)
	if strings.Contains(page, "person_09@") || strings.Contains(page, "person_20@") {
		t.Error("the second page has what others have")
	}
	b.expect(200, "GET", "/?search=N_1", nil, "10 invitations", "person_19@", `value="N_1"`)
	b.expect(200, "GET", "/?search=n%251", nil, "No invitation matches")
	b.expect(200, "GET", "/?status=accepted", nil, "No invitation matches", "<option selected>accepted</option>")
	b.expect(200, "GET", "/?status=odd&sort=odd&order=odd&page=-1&page=x", nil, "page 1 of 3")
}

func TestReadView(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"": "/", "page=1": "/", "page=0": "/", "page=99999999999": "/", "sort=created&order=desc": "/",
		"status=pending&search=+a+&sort=email&order=desc&page=2": "/?order=desc&page=2&search=a&sort=email&status=pending",
		"search=%22%3E%3Cscript%3E":                              "/?search=%22%3E%3Cscript%3E",
	} {
		values, err := url.ParseQuery(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := readView(values).Address(); got != want {
			t.Errorf("%q is %q, want %q", address, got, want)
		}
	}
}

// Every trouble with the platform has its words, and loses nobody.
func TestTrouble(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault roqtest.Fault
		want  int
		shows []string
	}{
		"down":      {roqtest.Fault{Operation: "sendUserInvites", Drop: roqtest.DropBefore}, 502, []string{"It is not known whether this was done", "May have been sent", "<li>bob@example.com</li>"}},
		"no token":  {roqtest.Fault{Operation: "sendUserInvites", Status: 401}, 401, []string{"Your session has ended", "Not sent, and still in the form", ">bob@example.com</textarea>"}},
		"busy":      {roqtest.Fault{Operation: "sendUserInvites", Status: 429}, 429, []string{"Too many requests", ">bob@example.com</textarea>"}},
		"forbidden": {roqtest.Fault{Operation: "sendUserInvites", Status: 403}, 403, []string{"You may not do this", ">bob@example.com</textarea>"}},
		"no list":   {roqtest.Fault{Operation: "userInvites", Status: 503}, 200, []string{"1 invitation was sent", "Invitations are not available right now", "Try again"}},
		"busy list": {roqtest.Fault{Operation: "userInvites", Status: 429}, 200, []string{"1 invitation was sent", "Too many requests"}},
		"lost":      {roqtest.Fault{Operation: "sendUserInvites", Times: 1, Drop: roqtest.DropAfter}, 200, []string{"1 invitation was sent"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBrowser(t)
			b.platform.Inject(test.fault)
			b.expect(test.want, "POST", "/invites", emails("bob@example.com"), test.shows...)
			if log := b.log.String(); strings.Contains(log, "bob@") || strings.Contains(log, b.cookie) {
				t.Errorf("the log shows somebody: %s", log)
			}
		})
	}
	b := newBrowser(t)
	b.expect(422, "POST", "/invites", emails(" ,\n"), "Nobody to invite")
	b.expect(422, "POST", "/invites", emails("nobody"), "must be one e-mail address", ">nobody</textarea>")
	b.expect(404, "GET", "/invites/db7a682d-6dca-4259-b15b-83aef12d1f5c/cancel", nil, "There is no such invitation")
	b.expect(404, "GET", "/invites/x/destroy", nil)
	b.expect(404, "POST", "/invites/x/destroy", url.Values{})
	b.expect(413, "POST", "/invites", emails(strings.Repeat("x", 1<<20)))
}

func TestProblems(t *testing.T) {
	t.Parallel()
	a := newApp(nil, "", slog.New(slog.DiscardHandler))
	for _, test := range []struct {
		err  error
		want string
	}{
		{errors.Join(roq.ErrUnavailable, roq.ErrOutcomeUnknown), "It is not known whether this was done"},
		{errors.Join(roq.ErrInvalidInput, roq.ErrNoTenant), "You belong to no tenant"},
		{roq.ErrAlreadyInvited, "This address has already been invited"},
		{roq.ErrAlreadyExists, "This address already belongs to a user"},
		{roq.ErrRateLimited, "Too many requests"},
		{&roq.Error{Message: "the moon is full"}, "This did not work"},
		{errors.New("odd"), "This did not work"},
	} {
		if p := a.explain(fmt.Errorf("wrapped: %w", test.err)); p.Title != test.want || p.Text == "" || p.status < 400 {
			t.Errorf("%v is told as %+v, want %q", test.err, p, test.want)
		}
	}
	if got := a.explain(&roq.Error{Message: "the moon is full"}).Text; got != "The moon is full." {
		t.Errorf("the platform's message is told as %q", got)
	}
	if got := why(errors.New("odd")); got != "cannot be invited" {
		t.Errorf("why = %q", got)
	}
}

// Who is not signed in is shown the way; other sites get nowhere; and what
// somebody wrote is text.
func TestAccess(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	for _, route := range [][2]string{{"GET", "/"}, {"POST", "/invites"}, {"GET", "/events"}, {"GET", "/invites/x/cancel"}, {"POST", "/invites/x/cancel"}} {
		status, page := b.do(route[0], route[1], url.Values{}, func(r *http.Request) { r.Header.Del("Cookie") })
		want := `href="` + b.platform.URL + `/api/auth/login?postLoginRedirect=http%3A%2F%2F127.0.0.1%3A8080%2F"`
		if status != 401 || !strings.Contains(page, want) {
			t.Errorf("%s %s signed out = %d %s", route[0], route[1], status, page)
		}
	}
	if status, _ := b.do("POST", "/invites", emails("bob@example.com"), func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }); status != 403 || len(b.platform.Outbox()) != 0 {
		t.Errorf("from another site = %d, %d e-mails", status, len(b.platform.Outbox()))
	}
	b.expect(200, "POST", "/invites", emails(`"<script>alert(1)</script>" <eve@example.com>`))
	for _, path := range []string{"/", "/?search=%22%3E%3Cscript%3Ealert", "/?status=%3Cscript%3Ealert"} {
		page := b.expect(200, "GET", path, nil)
		if strings.Contains(page, "<script>alert") || regexp.MustCompile(`(src|href)="(https?:)?//`).MatchString(page) {
			t.Errorf("%s runs or loads what it should not: %s", path, page)
		}
	}
	b.expect(200, "GET", "/assets/app.css", nil)
	b.expect(200, "GET", "/assets/app.js", nil, "EventSource")
}

// The stream tells when the list has changed.
func TestEvents(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	r, err := http.NewRequestWithContext(t.Context(), "GET", b.url+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: "roq-session-token", Value: b.cookie})
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if kind := resp.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Fatalf("the stream is %s", kind)
	}
	lines := bufio.NewScanner(resp.Body)
	next := func() string {
		for lines.Scan() {
			if event, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				return event
			}
		}
		t.Fatal("the stream has ended")
		return ""
	}
	if got := next(); got != "same" {
		t.Errorf("the first event is %s", got)
	}
	b.expect(200, "POST", "/invites", emails("bob@example.com"))
	if got := next(); got != "changed" {
		t.Errorf("after an invitation the event is %s", got)
	}
	if got := next(); got != "same" {
		t.Errorf("then the event is %s", got)
	}
}

func TestInWords(t *testing.T) {
	t.Parallel()
	for ago, want := range map[time.Duration]string{
		0: "just now", 59 * time.Second: "just now", -time.Hour: "just now", 61 * time.Second: "1 minute ago", 5*time.Minute + 1: "5 minutes ago",
		time.Hour + 1: "1 hour ago", 47 * time.Hour: "1 day ago", 49 * time.Hour: "2 days ago",
	} {
		if got := inWords(time.Now().Add(-ago)); got != want {
			t.Errorf("%v ago is %q, want %q", ago, got, want)
		}
	}
}

func TestRunRefuses(t *testing.T) {
	for _, name := range []string{"ROQ_PLATFORM_URL", "ROQ_ENVIRONMENT_ID", "ROQ_API_KEY"} {
		t.Setenv(name, "")
	}
	if err := run(t.Context(), nil, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "ROQ_PLATFORM_URL") {
		t.Errorf("run without an environment = %v", err)
	}
	if err := run(t.Context(), []string{"-odd"}, io.Discard, io.Discard); err == nil {
		t.Error("run -odd succeeded")
	}
}
