package inviteui_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/inviteui"
	"github.com/go-roq/roq/roqtest"
)

// Without a role the platform gives people the inviter's. So nobody is invited while the
// roles are not known, and nobody with another role than the one that was chosen.
func TestRolesAreNotKnown(t *testing.T) {
	t.Parallel()
	admin, member := roqtest.Role{Key: "admin"}, roqtest.Role{Key: "member"}
	for name, then := range map[string]func(*site){
		"another instance": func(s *site) { s.url = s.instance() },
		"never known":      func(*site) {},
	} {
		s := newSite(t, []roqtest.Option{roqtest.WithRoles(admin, member)})
		b := s.browser(s.ann)
		fault := roqtest.Fault{Operation: "roles", Status: 503}
		if name == "never known" {
			s.Inject(fault)
		}
		form := with(b.get("./").form("invite"), "emails", "bob@example.com", "role", "member")
		then(s)
		s.Inject(fault)
		again := b.post("invite", form).shows(503, "Invitations are not available right now.")
		if got := again.form("invite").Get("emails"); got != "bob@example.com" {
			t.Errorf("%s: left in the form is %q", name, got)
		}
		if name == "never known" {
			form.Del("role") // there was no field
			b.post("invite", form).shows(503)
		}
		s.mails(0)
		s.ClearFaults()
		<-time.After(1100 * time.Millisecond) // what could not be read is read again after a second
		b.post("invite", with(again.form("invite"), "role", "member")).shows(200, "1 invitation was sent.")
		if got := s.Invites()[0].RoleKeys; len(got) != 1 || got[0] != "member" {
			t.Errorf("%s: the roles are %q", name, got)
		}
	}
	// A role that is not offered any more is not replaced by the only one that is.
	s := newSite(t, nil, inviteui.WithRoles(inviteui.Role{Key: "admin"}))
	b := s.browser(s.ann)
	b.post("invite", with(b.get("./").form("invite"), "emails", "bob@example.com", "role", "member")).shows(422, "A role is missing.")
	s.mails(0)
}

// A form is for the tenant in which it was opened.
func TestTenantChanges(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, roles)
	b := s.browser(s.ann)
	b.invite("bob@example.com")
	all := b.get("act?do=cancel&all=1").shows(200, "Cancel 1 invitation?").form("act")
	one := b.get("act?do=resend&id=" + s.Invites()[0].ID).form("act")
	form := with(b.get("./").form("invite"), "emails", "secret@acme.example", "role", "admin")
	preview := b.invite("foo@@bar, secret@acme.example").shows(200, "1 person can be invited").form("invite")
	moved := s.ann
	moved.TenantID = s.AddTenant("Other")
	b.cookie = s.SessionToken(s.AddUser(moved).ID) // in another tab
	b.invite(many(30))
	s.mails(31)
	b.post("act", with(all, "do", "cancel")).shows(409, "You are in another organization now.")
	b.post("act", with(one, "do", "resend")).shows(409, "You are in another organization now.")
	b.post("invite", with(preview, "do", "send")).shows(409, "You are in another organization now.")
	again := b.post("invite", form).shows(409, "You are in another organization now.", "Other")
	s.mails(31)
	for _, i := range s.Invites() {
		if i.Status != roq.StatusPending {
			t.Errorf("an invite is %s", i.Status)
		}
	}
	// Who sends it once more means the new one.
	b.post("invite", again.form("invite")).shows(200, "1 invitation was sent.")
}

// What a preview calls not valid is not mailed, and what it calls valid is mailed as it is.
func TestPreviewIsKept(t *testing.T) {
	t.Parallel()
	for _, typed := range []string{"<lee@x.example ann>", "<a@x.example;b>", "<a@x.example, b>", "Ann b@x.example", "email=x@x.example\t", "<y@x.example\u2028>", "\"A\x8dé\" <bad@x.example>"} {
		s := newSite(t, nil, roles)
		b := s.browser(s.ann)
		form := with(b.get("./").form("invite"), "emails", "foo@@bar\n"+typed)
		page := b.post("invite", form, "Email,Name\nto=ok@example.com,Ann y Gasset\n").shows(200, "Nothing has been sent yet")
		shown := text(page.root)
		b.post("invite", with(page.form("invite"), "do", "send")).shows(200)
		for _, i := range s.Invites() {
			if _, valid, _ := strings.Cut(shown, "can be invited"); !strings.Contains(valid, i.Email) {
				t.Errorf("%q: %s was mailed, the preview was %s", typed, i.Email, shown)
			}
			if strings.HasSuffix(i.Email, "ok@example.com") && i.LastName != "Gasset" {
				t.Errorf("%q: the name is %q %q", typed, i.FirstName, i.LastName)
			}
		}
	}
}

// Everybody who was not sent is in the form again, whatever their number.
func TestNobodyIsLost(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, roles)
	b := s.browser(s.ann)
	s.Inject(roqtest.Fault{Operation: "sendUserInvites", Status: 403})
	page := b.invite(many(12_000))
	for strings.Contains(page.body, "rq-progress") {
		<-time.After(100 * time.Millisecond)
		page = b.get(page.at.String())
	}
	page.shows(200, "12,000 invitations were not sent and are still in the form.")
	if left := strings.Count(page.form("invite").Get("emails"), "@"); left != 12_000 {
		t.Errorf("%d are left in the form", left)
	}
	// Those whom a queue does not name are counted.
	q := &queue{report: func(inviteui.Send) inviteui.Report {
		return inviteui.Report{Total: 150, Handled: 150, Sent: 100, Done: true, Others: []roq.SendOutcome{{Status: roq.OutcomeNotSent}}}
	}}
	s.url = s.instance(roles, inviteui.WithQueue(q))
	b.invite(many(150)).shows(200, "49 more are not shown.")
}

// A file is sent as it was shown, if it is not too large, and what is too large is said so.
func TestLargeForms(t *testing.T) {
	t.Parallel()
	q := &queue{report: func(send inviteui.Send) inviteui.Report {
		return inviteui.Report{Total: len(send.UserInvites), Handled: len(send.UserInvites), Sent: len(send.UserInvites), Done: true}
	}}
	s := newSite(t, nil, roles, inviteui.WithQueue(q))
	b := s.browser(s.ann)
	var file strings.Builder
	file.WriteString("Email,First name,Last name\n")
	for i := range 95_000 {
		fmt.Fprintf(&file, "person%05d@example.com,%s,%s\n", i, strings.Repeat("Ann ", 30), strings.Repeat("Lee ", 30))
	}
	preview := b.post("invite", with(b.get("./").form("invite"), "role", "member"), file.String()).shows(200, "95,000 people can be invited")
	b.post("invite", with(preview.form("invite"), "do", "send"), "").shows(200, "95,000 invitations were sent.")
	form := b.get("./").form("invite")
	left := b.post("invite", with(form, "emails", many(100_001)), "").shows(413, "The form is too large.", "100,000 people").form("invite")
	if n := strings.Count(left.Get("emails"), "@"); n != 100_001 {
		t.Errorf("%d of 100,001 are left in the form", n)
	}
	b.post("invite", with(form, "emails", strings.Repeat("x ", 17<<20)), "").shows(413, "The form is too large.")
	// What was typed beside a file stays, with a session and without.
	for _, large := range []string{strings.Repeat("x", 33<<20), file.String() + strings.ReplaceAll(many(6_000), "@", "@also.")} {
		typed := with(form, "emails", "Bob Lee <bob@example.com>", "role", "member")
		cookie := b.cookie
		for _, status := range []int{413, 401} {
			left := b.post("invite", typed, large)
			if got := left.form("invite").Get("emails"); left.status != status || !strings.Contains(got, "Bob Lee") || len(got) > 1000 {
				t.Errorf("status %d, want %d; the form has %.100q", left.status, status, got)
			}
			b.cookie = ""
		}
		b.cookie = cookie
	}
	b.post("invite", with(form, "emails", strings.Repeat("x", 65<<20))).shows(413, "The form is too large.", "Invite people")
	s.mails(0)
}

// slowQueue is a queue whose first send does not go well.
type slowQueue struct {
	queue
	first func(ctx context.Context, commit func() (string, error)) (string, error)
	n     atomic.Int64
}

func (q *slowQueue) Enqueue(ctx context.Context, send inviteui.Send) (string, error) {
	commit := func() (string, error) { return q.queue.Enqueue(ctx, send) }
	if q.n.Add(1) == 1 {
		return q.first(ctx, commit)
	}
	return commit()
}

// Whatever happens to the first request of a form, sending it again is the same send.
func TestQueueFails(t *testing.T) {
	t.Parallel()
	type commit = func() (string, error)
	for name, first := range map[string]func(context.Context, commit) (string, error){
		"fails": func(context.Context, commit) (string, error) { return "", errors.New("away") },
		"commits and fails": func(_ context.Context, commit commit) (string, error) {
			_, _ = commit()
			return "", errors.New("away")
		},
		"panics": func(context.Context, commit) (string, error) { panic("a bug") },
		"the visitor has gone": func(_ context.Context, commit commit) (string, error) {
			<-time.After(300 * time.Millisecond)
			return commit()
		},
	} {
		q := &slowQueue{first: first, queue: queue{report: func(inviteui.Send) inviteui.Report {
			return inviteui.Report{Total: 150, Handled: 150, Sent: 150, Done: true}
		}}}
		s := newSite(t, nil, roles, inviteui.WithQueue(q))
		b := s.browser(s.ann)
		form := with(b.get("./").form("invite"), "emails", many(150), "role", "member")
		post := func(ctx context.Context) (*http.Response, error) {
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.absolute("invite"), strings.NewReader(form.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			return b.http.Do(r)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if name == "the visitor has gone" {
			time.AfterFunc(100*time.Millisecond, cancel)
		}
		if resp, err := post(ctx); err == nil {
			_ = resp.Body.Close()
		}
		cancel()
		page := b.post("invite", form).shows(200, "150 invitations were sent.")
		if page.status == http.StatusOK && len(q.sends) != 1 {
			t.Errorf("%s: %d sends", name, len(q.sends))
		}
	}
	// The page after a failure has the form: with a preview or without, it is one send.
	q := &slowQueue{queue: queue{report: func(inviteui.Send) inviteui.Report {
		return inviteui.Report{Total: 150, Handled: 150, Sent: 150, Done: true}
	}},
		first: func(_ context.Context, commit func() (string, error)) (string, error) {
			_, _ = commit()
			return "", errors.New("away")
		}}
	s := newSite(t, nil, roles, inviteui.WithQueue(q))
	b := s.browser(s.ann)
	preview := b.post("invite", with(b.get("./").form("invite"), "emails", "foo@@bar\n"+many(150), "role", "member")).shows(200, "150 people can be invited")
	failed := b.post("invite", with(preview.form("invite"), "do", "send")).shows(502, "This did not work.")
	preview = b.post("invite", failed.form("invite")).shows(200, "150 people can be invited")
	b.post("invite", with(preview.form("invite"), "do", "send")).shows(200, "150 invitations were sent.")
	if len(q.sends) != 1 {
		t.Errorf("%d sends of one form", len(q.sends))
	}
}

// No file stays behind, whatever a form has.
func TestNoFilesAreLeft(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	s := newSite(t, nil, roles)
	b := s.browser(s.ann)
	for _, address := range []string{"stop", "act", "invite"} {
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		part, err := w.CreateFormFile("file", "x")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = part.Write(make([]byte, 60<<20))
		_ = w.Close()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.absolute(address), &body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", w.FormDataContentType())
		resp, err := b.http.Do(r)
		if err == nil {
			_ = resp.Body.Close()
		}
		if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "multipart-*")); len(left) > 0 {
			t.Errorf("after %s %v are left", address, left)
		}
	}
}

// A stream is not held open for who only asks for its header, and ends when the visitor may
// not see the list any more.
func TestStreamsEnd(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	allowed := true
	s := newSite(t, nil, roles, inviteui.WithAuthorize(func(_ context.Context, session *roq.Session, _ inviteui.Action) error {
		mu.Lock()
		defer mu.Unlock()
		if session.User.FirstName == "Ann" || allowed {
			return nil
		}
		return errors.New("no")
	}))
	bob := s.browser(s.AddUser(roqtest.User{TenantID: s.tenant, Email: "bob@acme.example"}))
	address := bob.get("./").events()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodHead, bob.absolute(address), nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // over one connection
		resp, err := bob.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	stream, err := http.NewRequestWithContext(t.Context(), http.MethodGet, bob.absolute(address), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := bob.http.Do(stream)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	<-time.After(3 * time.Second) // the watch has begun
	mu.Lock()
	allowed = false
	mu.Unlock()
	s.browser(s.ann).invite("secret@example.com", "role", "member")
	var told bytes.Buffer
	if _, err := told.ReadFrom(resp.Body); err != nil || strings.Contains(told.String(), "secret@") || strings.Contains(told.String(), "event: list") {
		t.Errorf("the stream ended with %v after %s", err, &told)
	}
}

// A path that is not clean does not lead out of the page.
func TestPaths(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, roles)
	b := s.browser(s.ann)
	for _, path := range []string{"/", "/.//", "/x/..", "/./"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.URL.Path += path
		if resp, err := b.http.Do(r); err != nil || resp.StatusCode != http.StatusNotFound && !strings.HasPrefix(resp.Request.URL.Path, "/team/invitations/") {
			t.Errorf("%s leads to %s, %v", path, resp.Request.URL, err)
		}
	}
}

// Whoever has been mailed since the visitor was asked is not mailed again unasked: by the
// same answer at another instance, by another visitor, or in another tab.
func TestResentSince(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]func(ids []string) string{
		"one":      func(ids []string) string { return "act?do=resend&id=" + ids[0] },
		"selected": func(ids []string) string { return "act?do=resend&id=" + ids[0] + "&id=" + ids[2] },
		"all":      func([]string) string { return "act?do=resend&all=1" },
		"search":   func([]string) string { return "act?do=resend&all=1&search=example.com" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, nil, roles)
			other := s.instance(roles)
			ann, bob := s.browser(s.ann), s.browser(s.AddUser(roqtest.User{TenantID: s.tenant, Email: "bob@acme.example", Locale: "en-US"}))
			ann.invite(many(5)).shows(200, "5 invitations were sent.")
			var ids []string
			for _, invite := range s.Invites() {
				ids = append(ids, invite.ID)
			}
			form := ann.get(ask(ids)).shows(200, "Resend ").form("act")
			late := bob.get(ask(ids)).shows(200, "Resend ").form("act")
			ann.twice("act", with(form, "do", "resend")).shows(200, "sent again.")
			mails := len(s.Outbox())
			if mails == 5 {
				t.Fatal("nobody was mailed again")
			}
			first := s.url
			s.url = other
			asked := ann.post("act", with(form, "do", "resend")).shows(409, "The invitations have changed.", "Resend ")
			s.url = first
			bob.post("act", with(late, "do", "resend")).shows(409, "The invitations have changed.")
			s.mails(mails)
			// What was asked again can be answered.
			ann.twice("act", with(asked.form("act"), "do", "resend")).shows(200, "sent again.")
			if now := len(s.Outbox()); now != 5+2*(mails-5) {
				t.Errorf("%d e-mails, want %d", now, 5+2*(mails-5))
			}
			// A cancel mails nobody, and does what is left to do.
			cancel := bob.get(strings.Replace(ask(ids), "resend", "cancel", 1)).shows(200, "Cancel ").form("act")
			ann.post("act", with(ann.get("act?do=resend&id="+ids[0]).form("act"), "do", "resend")).shows(200, "1 invitation was sent again.")
			bob.twice("act", with(cancel, "do", "cancel")).shows(200, "canceled.")
		})
	}
}

// Invites that come twice in a form are one, and each that is not there any more is counted.
func TestOddSelections(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, roles)
	b := s.browser(s.ann)
	b.invite("bob@example.com, eve@example.com")
	id, missing := s.Invites()[0].ID, "db7a682d-6dca-4259-b15b-83aef12d1f5"
	form := with(b.get("act?do=resend&id="+id+"&id="+id).shows(200, "Resend 1 invitation?").form("act"), "do", "resend")
	form["id"] = []string{id, id, id}
	b.twice("act", form).shows(200, "1 invitation was sent again.").misses("not sent again")
	s.mails(3)
	form = with(b.get("act?do=cancel&id="+id).form("act"), "do", "cancel")
	form["id"] = []string{missing + "1", id, missing + "2", missing + "1", missing + "3"}
	b.twice("act", form).shows(200, "1 invitation was canceled.", "3 invitations were not canceled: there is no such invitationthere is no such")
	for _, search := range []string{"%00", "%ff", "%ff%00bob", "%F0%9F%98%80"} {
		b.get("./?search="+search).shows(200).misses("not available", "did not work")
	}
	b.get("./?search=bob%00@").shows(200, "bob@example.com")
}

// A browser that gives a request up and sends the same form again, as for a double click,
// gets the result of the first one.
func TestResendTwiceAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, roles)
	b := s.browser(s.ann)
	b.invite("bob@example.com")
	form := with(b.get("act?do=resend&id="+s.Invites()[0].ID).form("act"), "do", "resend")
	s.Inject(roqtest.Fault{Operation: "userInvites", Delay: 200 * time.Millisecond, Times: 1})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.absolute("act"), strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if resp, err := b.http.Do(r); err == nil {
		_ = resp.Body.Close()
		t.Error("the first request was not given up")
	}
	b.post("act", form).shows(200, "1 invitation was sent again.")
	s.mails(2)
}

// Nothing is done if it cannot be found out whether somebody was faster.
func TestResendWithoutPlatform(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, roles)
	b := s.browser(s.ann)
	b.invite("bob@example.com")
	form := b.get("act?do=resend&id=" + s.Invites()[0].ID).form("act")
	s.Inject(roqtest.Fault{Operation: "userInvites", Status: 503})
	b.post("act", with(form, "do", "resend")).shows(503, "Invitations are not available right now.")
	s.ClearFaults()
	s.mails(1)
	b.twice("act", with(form, "do", "resend")).shows(200, "1 invitation was sent again.")
}

// Who is left in the form keeps the role and the language that were chosen, also if the
// first of them was found not valid before.
func TestChoicesAreKept(t *testing.T) {
	t.Parallel()
	choices := inviteui.WithRoles(inviteui.Role{Key: "member", Name: "Member"}, inviteui.Role{Key: "admin", Name: "Administrator"})
	languages := inviteui.WithLocales(inviteui.Locale{Tag: "en-US", Name: "English"}, inviteui.Locale{Tag: "de-DE", Name: "Deutsch"})
	for name, way := range map[string]func(b *browser, form url.Values) *visit{
		"sent":      func(b *browser, form url.Values) *visit { return b.twice("invite", with(form, "do", "send")) },
		"corrected": func(b *browser, form url.Values) *visit { return b.post("invite", with(form, "do", "edit")) },
	} {
		for _, people := range []string{"foo@@bar, bob@example.com", "bob@example.com, foo@@bar", "bar@ " + many(150)} {
			s := newSite(t, nil, choices, languages)
			b := s.browser(s.ann)
			preview := b.post("invite", with(b.get("./").form("invite"), "emails", people, "role", "admin", "locale", "de-DE")).shows(200, "Nothing has been sent yet")
			left := way(b, preview.form("invite")).form("invite")
			if left.Get("role") != "admin" || left.Get("locale") != "de-DE" {
				t.Errorf("%s, %.30s: the role is %q and the locale %q", name, people, left.Get("role"), left.Get("locale"))
			}
		}
	}
}
