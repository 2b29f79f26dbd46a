package inviteui_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/inviteui"
	"github.com/go-roq/roq/roqtest"
)

// events opens the stream of a page, and returns a function for the next event of those
// kinds.
func (b *browser) events(address string) func(kinds ...string) (kind, data string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.absolute(address), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	resp, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = resp.Body.Close() })
	if kind := resp.Header.Get("Content-Type"); kind != "text/event-stream" {
		b.t.Fatalf("the stream is %d, %s", resp.StatusCode, kind)
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	return func(kinds ...string) (string, string) {
		b.t.Helper()
		for kind := ""; lines.Scan(); {
			if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				kind = name
			}
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && strings.Contains(strings.Join(kinds, " "), kind) {
				return kind, data
			}
		}
		b.t.Fatalf("the stream has ended without %v: %v", kinds, lines.Err())
		return "", ""
	}
}

// Statuses and progress change by themselves.
func TestEvents(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, roles)
	b := s.browser(s.ann)
	b.invite("bob@example.com")
	page := b.get("./?status=pending")
	next := b.events(page.events())
	if _, err := s.Accept(s.Outbox()[0].Token); err != nil {
		t.Fatal(err)
	}
	kind, data := next("change", "list") // the second if the watch had not begun
	if kind == "change" {
		var change struct{ ID, Was, Status, HTML string }
		if err := json.Unmarshal([]byte(data), &change); err != nil {
			t.Fatal(err)
		}
		if change.ID != s.Invites()[0].ID || change.Status != "accepted" || !strings.Contains(change.HTML, "bob@example.com") || strings.Contains(change.HTML, "act?") {
			t.Errorf("the change is %+v", change)
		}
	}

	s.Inject(roqtest.Fault{Operation: "sendUserInvites", Delay: 4 * time.Second, Times: 1})
	page = b.post("invite", with(b.get("./").form("invite"), "emails", many(150))).shows(200, "0 of 150")
	next = b.events(page.events())
	if _, data := next("progress"); !strings.Contains(data, "of 150") {
		t.Errorf("the progress is %s", data)
	}
	next("done")
	b.get(page.at.String()).shows(200, "150 invitations were sent.")
}

// events is the address of the page's stream.
func (v *visit) events() string {
	for n := range v.root.Descendants() {
		if address := attr(n, "data-events"); address != "" {
			return address
		}
	}
	return ""
}

// inside is a page and its platform in a bubble, without sockets.
type inside struct {
	*roqtest.Server
	page http.Handler
	ann  roqtest.User
}

func (p *inside) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, r)
	resp := w.Result()
	resp.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	return resp, nil
}

func newInside(t *testing.T, opts ...inviteui.Option) *inside {
	t.Helper()
	p := &inside{Server: roqtest.NewHandler()}
	p.ann = p.AddUser(roqtest.User{TenantID: p.AddTenant("Acme"), Email: "ann@acme.example", Locale: "en-US"})
	cfg := p.Config()
	cfg.PlatformURL = "http://localhost"
	client, err := roq.New(cfg, roq.WithHTTPClient(&http.Client{Transport: p}))
	if err != nil {
		t.Fatal(err)
	}
	if p.page, err = inviteui.New(client, append([]inviteui.Option{roles}, opts...)...); err != nil {
		t.Fatal(err)
	}
	return p
}

// recorder is a response that grows while the handler runs.
type recorder struct {
	mu     sync.Mutex
	header http.Header
	text   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }
func (w *recorder) WriteHeader(int)     {}
func (w *recorder) Flush()              {}
func (w *recorder) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *recorder) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// form is one that invites somebody.
func (p *inside) form(email string) string {
	return url.Values{"tenant": {p.ann.TenantID}, "emails": {email}, "role": {"member"}}.Encode()
}

// serve serves a request until ctx ends.
func (p *inside) serve(ctx context.Context, method, address, body string) *recorder {
	r := httptest.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	r.AddCookie(&http.Cookie{Name: "roq-session-token", Value: p.SessionToken(p.ann.ID)})
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := &recorder{header: http.Header{}}
	p.page.ServeHTTP(w, r)
	return w
}

// open opens so many streams, and returns them and what closes them.
func (p *inside) open(t *testing.T, n int) (streams []*recorder, leave func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range n {
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/events?since="+time.Now().UTC().Format(time.RFC3339Nano), nil)
		r.AddCookie(&http.Cookie{Name: "roq-session-token", Value: p.SessionToken(p.ann.ID)})
		w := &recorder{header: http.Header{}}
		streams = append(streams, w)
		wg.Go(func() { p.page.ServeHTTP(w, r) })
	}
	return streams, func() { cancel(); wg.Wait() }
}

// Twenty open pages cost the platform what one costs: one request a tick.
func TestTwentyPages(t *testing.T) {
	t.Parallel()
	cost := func(pages int, pending bool) (requests int, text string) {
		synctest.Test(t, func(t *testing.T) {
			p := newInside(t)
			p.serve(t.Context(), http.MethodPost, "/invite", p.form("bob@example.com"))
			if !pending {
				if _, err := p.Accept(p.Outbox()[0].Token); err != nil {
					t.Fatal(err)
				}
			}
			streams, leave := p.open(t, pages)
			<-time.After(time.Minute)
			before := len(p.Requests())
			if text := streams[0].String(); strings.Contains(text, "event: change") || strings.Contains(text, "event: list") {
				t.Errorf("without news a page was told %s", text)
			}
			<-time.After(10 * time.Minute)
			requests = len(p.Requests()) - before
			if pending {
				if _, err := p.Accept(p.Outbox()[0].Token); err != nil {
					t.Fatal(err)
				}
			} else {
				p.serve(t.Context(), http.MethodPost, "/invite", p.form("eve@example.com"))
			}
			<-time.After(20 * time.Second)
			for i, s := range streams {
				if text = s.String(); !strings.Contains(text, "event: change") && !strings.Contains(text, "event: list") {
					t.Errorf("page %d was told %s", i, text)
				}
			}
			leave()
			// Without pages there is nothing to ask.
			<-time.After(time.Minute)
			before = len(p.Requests())
			<-time.After(time.Hour)
			if after := len(p.Requests()); after != before {
				t.Errorf("%d requests without a page", after-before)
			}
		})
		return requests, text
	}
	for _, pending := range []bool{true, false} {
		one, _ := cost(1, pending)
		twenty, _ := cost(20, pending)
		if most := 10 * 60 / 8 * 5 / 4; one == 0 || one > most || twenty > most {
			t.Errorf("pending %v: one page costs %d requests in ten minutes, twenty cost %d, want at most %d", pending, one, twenty, most)
		}
	}
}

// A stream survives what is temporary, a token that is revoked too.
func TestStreamsStay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newInside(t)
		p.serve(t.Context(), http.MethodPost, "/invite", p.form("bob@example.com"))
		streams, leave := p.open(t, 2)
		<-time.After(10 * time.Second)
		p.Inject(roqtest.Fault{Operation: "userInvites", Status: 503, Times: 30})
		<-time.After(10 * time.Minute)
		p.RevokeTokens()
		<-time.After(time.Minute)
		if _, err := p.Accept(p.Outbox()[0].Token); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Minute)
		if got := streams[1].String(); !strings.Contains(got, "event: alive") || !strings.Contains(got, `"status":"accepted"`) {
			t.Errorf("the stream is %s", got)
		}
		leave()
	})
}

// queue is a Queue that does nothing by itself.
type queue struct {
	mu       sync.Mutex
	sends    []inviteui.Send
	canceled []string
	report   func(inviteui.Send) inviteui.Report
	fail     error
}

func (q *queue) Enqueue(_ context.Context, send inviteui.Send) (string, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.fail != nil {
		return "", q.fail
	}
	if at := slices.IndexFunc(q.sends, func(s inviteui.Send) bool { return s.Key == send.Key }); at >= 0 {
		return fmt.Sprint(at), nil
	}
	q.sends = append(q.sends, send)
	return fmt.Sprint(len(q.sends) - 1), nil
}

func (q *queue) Report(_ context.Context, id string) (inviteui.Report, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var n int
	if _, err := fmt.Sscan(id, &n); err != nil || n >= len(q.sends) {
		return inviteui.Report{}, errors.New("no such send of bob@example.com")
	}
	r := q.report(q.sends[n])
	r.TenantID, r.UserID = q.sends[n].TenantID, q.sends[n].UserID
	return r, nil
}

func (q *queue) Cancel(_ context.Context, id string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.canceled = append(q.canceled, id)
	return nil
}

// Large sends go to the queue, and every instance shows their reports.
func TestQueue(t *testing.T) {
	t.Parallel()
	q := &queue{report: func(send inviteui.Send) inviteui.Report {
		return inviteui.Report{Started: time.Now().Add(-time.Minute), Total: len(send.UserInvites), Handled: 50, Sent: 49, Others: []roq.SendOutcome{
			{Input: send.UserInvites[0], Status: roq.OutcomeRefused, Err: roq.UserInviteError{Code: "USER_ALREADY_EXISTS"}},
		}}
	}}
	s := newSite(t, nil, roles, inviteui.WithQueue(q))
	b := s.browser(s.ann)
	b.invite("bob@example.com").shows(200, "1 invitation was sent.") // small ones are sent at once
	preview := b.invite(many(200)+"foo@@bar").shows(200, "200 people can be invited")
	page := b.twice("invite", with(preview.form("invite"), "do", "send")).shows(200, "50 of 200", "about 3 minutes left")
	if len(q.sends) != 1 || len(q.sends[0].Key) != 64 || len(q.sends[0].Refused) != 1 || q.sends[0].Refused[0].Email != "foo@@bar" || q.sends[0].UserID != s.ann.ID || len(q.sends[0].UserInvites) != 200 || q.sends[0].UserInvites[0].Roles[0] != "member" {
		t.Fatalf("the queue has %d sends", len(q.sends))
	}
	s.url = s.instance(roles, inviteui.WithQueue(q))
	// The same form at another instance is the same send.
	if again := b.post("invite", with(preview.form("invite"), "do", "send")).shows(200, "50 of 200"); len(q.sends) != 1 || again.at.RawQuery != page.at.RawQuery {
		t.Errorf("%d sends, %s", len(q.sends), again.at)
	}
	other := b.get("./?"+page.at.RawQuery).shows(200, "50 of 200")
	b.post("stop", other.form("stop"))
	if len(q.canceled) != 1 {
		t.Errorf("%d sends were canceled", len(q.canceled))
	}
	q.report = func(send inviteui.Send) inviteui.Report {
		return inviteui.Report{Total: 200, Handled: 200, Sent: 198, Done: true, Others: []roq.SendOutcome{
			{Input: send.UserInvites[0], Status: roq.OutcomeRefused, Err: roq.UserInviteError{Code: "USER_ALREADY_EXISTS"}},
			{Input: send.UserInvites[1], Status: roq.OutcomeNotSent},
		}}
	}
	done := b.get("./?"+page.at.RawQuery).shows(200, "198 invitations were sent.", "already a member", "1 invitation was not sent and is still in the form.")
	if got := done.form("invite").Get("emails"); got != "person00001@example.com" {
		t.Errorf("left in the form is %q", got)
	}
	b.get("./?report=9").shows(200, "is not available here")
	q.fail = errors.New("the database has no bob@example.com")
	failed := b.invite(many(101)).shows(502, "This did not work.")
	if got := failed.form("invite").Get("emails"); strings.Count(got, "@") != 101 {
		t.Error("what was typed is lost")
	}
}
