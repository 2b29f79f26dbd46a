package inviteui_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/html"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/inviteui"
	"github.com/go-roq/roq/roqtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const prefix = "/team/invitations/"

// site is the page under a prefix, in front of a platform.
type site struct {
	*roqtest.Server
	t      *testing.T
	tenant string
	ann    roqtest.User
	client *roq.Client
	url    string
	log    *logBuffer
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

func newSite(t *testing.T, platform []roqtest.Option, opts ...inviteui.Option) *site {
	t.Helper()
	s := &site{Server: roqtest.NewServer(platform...), t: t, log: &logBuffer{}}
	t.Cleanup(s.Close)
	s.tenant = s.AddTenant("Acme")
	s.ann = s.AddUser(roqtest.User{TenantID: s.tenant, Email: "ann@acme.example", FirstName: "Ann", LastName: "Lee", Locale: "en-US", Roles: []string{"admin"}})
	logger := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	client, err := roq.New(s.Config(), roq.WithLogger(logger), roq.WithSettleTimeout(50*time.Millisecond),
		roq.WithRetry(roq.RetryPolicy{MaxAttempts: 2, MinWait: time.Millisecond, MaxWait: 5 * time.Millisecond}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	s.client = client
	s.url = s.instance(append([]inviteui.Option{inviteui.WithLogger(logger)}, opts...)...)
	t.Cleanup(func() {
		for _, secret := range []string{"@", s.Config().APIKey, "eyJ"} {
			if log := s.log.String(); strings.Contains(log, secret) {
				t.Errorf("the log has %q:\n%s", secret, log)
			}
		}
	})
	return s
}

// instance starts another instance of the page, and returns its address.
func (s *site) instance(opts ...inviteui.Option) string {
	s.t.Helper()
	page, err := inviteui.New(s.client, opts...)
	if err != nil {
		s.t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(prefix, http.StripPrefix(strings.TrimSuffix(prefix, "/"), page))
	server := httptest.NewServer(mux)
	s.t.Cleanup(server.Close)
	return server.URL + prefix
}

// browser is somebody who is signed in.
type browser struct {
	*site
	cookie, language string
	http             *http.Client
}

func (s *site) browser(user roqtest.User) *browser {
	b := &browser{site: s, cookie: s.SessionToken(user.ID), http: &http.Client{Transport: &http.Transport{}}}
	s.t.Cleanup(b.http.CloseIdleConnections)
	b.http.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/api/auth/login" {
			return http.ErrUseLastResponse
		}
		return nil
	}
	b.http.Jar = b
	return b
}

// SetCookies and Cookies make the browser the jar of its client.
func (b *browser) SetCookies(*url.URL, []*http.Cookie) {}

func (b *browser) Cookies(*url.URL) []*http.Cookie {
	if b.cookie == "" {
		return nil
	}
	return []*http.Cookie{{Name: "roq-session-token", Value: b.cookie}}
}

// visit is a page that a browser shows.
type visit struct {
	b      *browser
	status int
	header http.Header
	at     *url.URL
	body   string
	root   *html.Node
}

func (b *browser) do(r *http.Request) *visit {
	b.t.Helper()
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Accept-Language", b.language)
	resp, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	root, err := html.Parse(bytes.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	return &visit{b, resp.StatusCode, resp.Header, resp.Request.URL, string(body), root}
}

func (b *browser) get(address string) *visit {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.absolute(address), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(r)
}

func (b *browser) absolute(address string) string {
	base, err := url.Parse(b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	to, err := base.Parse(address)
	if err != nil {
		b.t.Fatal(err)
	}
	return to.String()
}

// post sends a form, which a reload sends again.
func (b *browser) post(address string, form url.Values, file ...string) *visit {
	b.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, values := range form {
		for _, value := range values {
			_ = w.WriteField(name, value)
		}
	}
	for _, content := range file {
		part, err := w.CreateFormFile("file", "people.csv")
		if err != nil {
			b.t.Fatal(err)
		}
		_, _ = part.Write([]byte(content))
	}
	_ = w.Close()
	kind, content := w.FormDataContentType(), body.String()
	if len(file) == 0 && !strings.HasSuffix(address, "invite") {
		kind, content = "application/x-www-form-urlencoded", form.Encode()
	}
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.absolute(address), strings.NewReader(content))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	return b.do(r)
}

// twice sends a form, and again, as an impatient visitor does. The second time mails
// nobody.
func (b *browser) twice(address string, form url.Values, file ...string) *visit {
	b.t.Helper()
	first := b.post(address, form, file...)
	mails := len(b.Outbox())
	second := b.post(address, form, file...)
	if now := len(b.Outbox()); now != mails {
		b.t.Errorf("POST %s again mailed %d people", address, now-mails)
	}
	if first.at.String() != second.at.String() {
		b.t.Errorf("POST %s leads to %s, and then to %s", address, first.at, second.at)
	}
	return first
}

// shows fails the test if the page lacks something.
func (v *visit) shows(status int, texts ...string) *visit {
	v.b.t.Helper()
	if v.status != status {
		v.b.t.Errorf("%s is %d, want %d", v.at, v.status, status)
	}
	words := text(v.root)
	for _, t := range texts {
		if !strings.Contains(words, t) && !strings.Contains(v.body, t) {
			v.b.t.Errorf("%s does not show %q:\n%s", v.at, t, words)
		}
	}
	return v
}

func (v *visit) misses(texts ...string) *visit {
	v.b.t.Helper()
	words := text(v.root)
	for _, t := range texts {
		if strings.Contains(words, t) {
			v.b.t.Errorf("%s shows %q:\n%s", v.at, t, words)
		}
	}
	return v
}

// text is the text of a page, with single spaces.
func text(n *html.Node) string {
	var all strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode && d.Parent.Data != "textarea" && d.Parent.Data != "noscript" {
			all.WriteString(d.Data)
			if d.Parent.Data != "bdi" {
				all.WriteString(" ")
			}
		}
	}
	return strings.Join(strings.Fields(all.String()), " ")
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// follow follows the link with that text.
func (v *visit) follow(words string) *visit {
	v.b.t.Helper()
	for n := range v.root.Descendants() {
		if n.Data == "a" && strings.HasPrefix(text(n), words) {
			to, err := v.at.Parse(attr(n, "href"))
			if err != nil {
				v.b.t.Fatal(err)
			}
			return v.b.get(to.String())
		}
	}
	v.b.t.Fatalf("%s has no link %q:\n%s", v.at, words, v.body)
	return nil
}

// form returns the form with that action as it would be sent.
func (v *visit) form(action string) url.Values {
	v.b.t.Helper()
	for n := range v.root.Descendants() {
		if n.Data != "form" || attr(n, "action") != action {
			continue
		}
		values := url.Values{}
		for d := range n.Descendants() {
			name := attr(d, "name")
			switch {
			case name == "" || d.Type != html.ElementNode:
			case d.Data == "textarea":
				if values.Set(name, ""); d.FirstChild != nil {
					values.Set(name, d.FirstChild.Data)
				}
			case d.Data == "select":
				for o := range d.Descendants() {
					if o.Data == "option" && (!values.Has(name) || strings.Contains(fmt.Sprint(o.Attr), "selected")) {
						values.Set(name, attr(o, "value"))
					}
				}
			case d.Data == "input" && attr(d, "type") != "checkbox" && attr(d, "type") != "file":
				values.Add(name, attr(d, "value"))
			}
		}
		return values
	}
	v.b.t.Fatalf("%s has no form to %s:\n%s", v.at, action, v.body)
	return nil
}

// with sets fields of a form.
func with(form url.Values, pairs ...string) url.Values {
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

// invite fills in the form of the page and sends it, twice.
func (b *browser) invite(people string, pairs ...string) *visit {
	b.t.Helper()
	return b.twice("invite", with(with(b.get("./").form("invite"), "emails", people), pairs...))
}

// mails fails the test if another number of e-mails was sent.
func (s *site) mails(want int) {
	s.t.Helper()
	if got := len(s.Outbox()); got != want {
		s.t.Errorf("%d e-mails, want %d", got, want)
	}
}

// many are so many addresses.
func many(n int) string {
	var all strings.Builder
	for i := range n {
		fmt.Fprintf(&all, "person%05d@example.com\n", i)
	}
	return all.String()
}
