package roqriver_test

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/inviteui"
	"github.com/go-roq/roq/roqriver"
	"github.com/go-roq/roq/roqtest"
)

// site is two instances of the invitation page over one database.
type site struct {
	*platform
	t         *testing.T
	instances [2]string
	// balanced leads each request to another instance than the one before.
	balanced string
}

func newSite(t *testing.T, db *database, p *platform) *site {
	t.Helper()
	s := &site{platform: p, t: t}
	for i := range s.instances {
		page, err := inviteui.New(p.client(t), inviteui.WithQueue(db.open(t).InviteUI()),
			inviteui.WithRoles(inviteui.Role{Key: "member"}, inviteui.Role{Key: "admin"}), inviteui.WithLocales(inviteui.Locale{Tag: "de-DE"}))
		if err != nil {
			t.Fatal(err)
		}
		s.instances[i] = serve(t, page)
	}
	var turn atomic.Int64
	s.balanced = serve(t, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		to, err := url.Parse(s.instances[turn.Add(1)%2])
		if err != nil {
			t.Error(err)
			return
		}
		r.SetURL(to)
		r.Out.Host = r.In.Host
	}})
	return s
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL + "/"
}

// visit is a page as somebody sees it.
type visit struct {
	t    *testing.T
	at   string // the path and the query
	body string
}

// do makes a request of a user's browser, a POST if there is a form.
func (s *site) do(userID, address string, form url.Values) *visit {
	s.t.Helper()
	method := http.MethodGet
	if form != nil {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(s.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	cookie := &http.Cookie{Name: "roq-session-token", Value: s.SessionToken(userID)}
	r.AddCookie(cookie)
	client := &http.Client{CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		r.Header.Del("Cookie")
		r.AddCookie(cookie)
		return nil
	}}
	resp, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return &visit{s.t, resp.Request.URL.RequestURI(), string(body)}
}

// own is do for the user of the platform's campaign.
func (s *site) own(address string, form url.Values) *visit {
	s.t.Helper()
	return s.do(s.campaign.UserID, address, form)
}

var tags = regexp.MustCompile(`(?s)<textarea.*?</textarea>|<[^>]*>`)

// words are the text of the page, with single spaces.
func (v *visit) words() string {
	return strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(v.body, " "))), " ")
}

func (v *visit) shows(texts ...string) *visit {
	v.t.Helper()
	for _, text := range texts {
		if !strings.Contains(v.words(), text) {
			v.t.Errorf("%s does not show %q:\n%s", v.at, text, v.words())
		}
	}
	return v
}

// field is what the first field of that name has.
func (v *visit) field(name string) string {
	v.t.Helper()
	found := regexp.MustCompile(`(?s)<input type="hidden" name="` + name + `" value="([^"]*)"|<textarea[^>]* name="` + name + `"[^>]*>(.*?)</textarea>`).FindStringSubmatch(v.body)
	if found == nil {
		v.t.Fatalf("%s has no field %s:\n%s", v.at, name, v.words())
	}
	return html.UnescapeString(found[1] + found[2])
}

// paste fills in the form of one instance and sends it.
func (s *site) paste(instance int, text string) (url.Values, *visit) {
	s.t.Helper()
	form := url.Values{"key": {s.own(s.instances[instance], nil).field("key")}, "tenant": {s.campaign.TenantID}, "role": {"admin"}, "locale": {"de-DE"}, "emails": {text}}
	return form, s.own(s.instances[instance]+"invite", form)
}

// eventually reloads a report until it shows something.
func (s *site) eventually(instance int, at, text string) *visit {
	s.t.Helper()
	var v *visit
	eventually(s.t, "the report shows "+text, func() bool {
		v = s.own(s.instances[instance]+strings.TrimPrefix(at, "/"), nil)
		return strings.Contains(v.words(), text)
	}, func() string { return v.words() })
	return v
}

// addresses are those of people, one a line.
func addresses(n int) string {
	var lines []string
	for _, one := range people(n) {
		lines = append(lines, one.Email)
	}
	return strings.Join(lines, "\n")
}

// What is pasted into one instance of the page is sent by a worker, and seen on the other.
func TestInviteUI(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		p := newPlatform(t)
		s := newSite(t, db, p)
		client := p.client(t)
		_, preview := s.paste(0, "foo@@bar\n"+addresses(299)+"\nada@acme.example")
		preview.shows("300 people can be invited", "foo@@bar : not a valid e-mail address")
		// Two are invited meanwhile.
		if _, err := client.AsUser(p.campaign.UserID).SendUserInvites(t.Context(), roq.SendUserInvitesInput{TenantID: p.campaign.TenantID, UserInvites: people(2)}); err != nil {
			t.Fatal(err)
		}
		form := url.Values{"do": {"send"}}
		for _, name := range []string{"key", "tenant", "role", "locale", "people", "rejected"} {
			form.Set(name, preview.field(name))
		}
		begun := s.own(s.instances[0]+"invite", form).shows("1 of 301") // with the one that is not valid
		if again := s.own(s.instances[0]+"invite", form); again.at != begun.at {
			t.Errorf("the form leads to %s, and then to %s", begun.at, again.at)
		}
		s.own(s.instances[1]+begun.at[1:], nil).shows("1 of 301")
		if again := s.own(s.instances[1]+"invite", form); again.at != begun.at {
			t.Errorf("at the other instance the form leads to %s, want %s", again.at, begun.at)
		}

		g := newGate()
		open := sync.OnceFunc(func() { close(g.opened) })
		defer open()
		work(t, db.open(t), p.client(t, g.holdAnswerTo(2)), roqriver.WithConcurrency(1))
		s.eventually(1, begun.at, "101 of 301")
		open()
		s.eventually(0, begun.at, "297 invitations were sent.")
		mailed(t, p, 299)
		for range 4 { // reloads mail nobody
			done := s.own(s.balanced+begun.at[1:], nil).shows("297 invitations were sent.",
				"For 3 people there was nothing to do:", "person0@x.example : already invited", "person1@x.example : already invited", "ada@acme.example : already a member", "foo@@bar : not a valid e-mail address")
			if left := strings.TrimSpace(done.field("emails")); left != "foo@@bar" {
				t.Errorf("left in the form is %q", left)
			}
			if strings.Contains(done.words(), "Stop") {
				t.Errorf("what is done can be stopped:\n%s", done.words())
			}
		}
		mailed(t, p, 299)
		if again := s.own(s.instances[1]+"invite", form); again.at != begun.at {
			t.Errorf("after its end the form leads to %s, want %s", again.at, begun.at)
		}
		mailed(t, p, 299)
		for o, err := range client.AsUser(p.campaign.UserID).AllUserInvites(t.Context(), roq.UserInvitesQuery{}) {
			if err != nil || o.Email == "person9@x.example" && o.Locale != "de-DE" {
				t.Errorf("the invite is %+v, %v", o, err)
			}
		}

		// Somebody else does not see the report, not even in the same tenant.
		bob := p.AddUser(roqtest.User{Email: "bob@acme.example", TenantID: p.campaign.TenantID})
		for _, instance := range s.instances {
			seen := s.do(bob.ID, instance+begun.at[1:], nil).shows("is not available here")
			if strings.Contains(seen.words(), "person0@x.example :") {
				t.Errorf("somebody else sees the report:\n%s", seen.words())
			}
		}
	})
}

// A send is stopped on another instance than that where it began. Who is in flight is
// mailed, and who is not stays in the form.
func TestInviteUIStop(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		p := newPlatform(t)
		s := newSite(t, db, p)
		g := newGate()
		open := sync.OnceFunc(func() { close(g.opened) })
		defer open()
		q := db.open(t)
		work(t, q, p.client(t, g.holdAnswerTo(2)), roqriver.WithConcurrency(1))
		_, begun := s.paste(0, addresses(450))
		running := s.eventually(1, begun.at, "100 of 450")
		g.wait(t)

		// Somebody else cannot stop it.
		bob := p.AddUser(roqtest.User{Email: "bob@acme.example", TenantID: p.campaign.TenantID})
		stop := url.Values{"report": {running.field("report")}}
		s.do(bob.ID, s.instances[1]+"stop", stop)
		if n := db.number(t, "SELECT count(*) FROM roq_campaign WHERE state = 'canceled'"); n != 0 {
			t.Error("somebody else has stopped it")
		}
		stopped := s.own(s.instances[1]+"stop", stop)
		if stopped.at != begun.at {
			t.Errorf("to stop leads to %s, want %s", stopped.at, begun.at)
		}
		stopped.shows("100 of 450") // those in flight may be mailed
		open()
		done := s.eventually(0, begun.at, "200 invitations were sent.").shows("The work was stopped.", "250 invitations were not sent and are still in the form.")
		mailed(t, p, 200)
		typed, times := strings.Fields(done.field("emails")), mails(p)
		if len(typed) != 250 || slices.ContainsFunc(typed, func(email string) bool { return times[email] > 0 }) {
			t.Errorf("%d are left in the form", len(typed))
		}
		s.own(s.instances[0]+"stop", stop).shows("200 invitations were sent.") // once more does nothing
	})
}

// A worker process dies with a request in flight, and another one continues.
func TestInviteUIWorkerDies(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		p := newPlatform(t, roqtest.WithRepeatedInvites())
		s := newSite(t, db, p)
		const lease = 2 * time.Second
		p.Inject(roqtest.Fault{Operation: "sendUserInvites", Skip: 1, Delay: 500 * time.Millisecond})
		first := startWorker(t.Context(), t, db, p, siegeWorker{Lease: lease})
		const n = 1500 // more than are in flight at once
		_, begun := s.paste(0, addresses(n))
		eventually(t, "a request was answered", func() bool { return db.number(t, "SELECT sum(sent) FROM roq_batch") > 0 }, func() string { return "" })
		if err := first.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = first.Wait()
		s.own(s.instances[1]+begun.at[1:], nil).shows("of 1,500")
		p.ClearFaults()
		ctx, cancel := context.WithCancel(t.Context())
		second := startWorker(ctx, t, db, p, siegeWorker{Lease: lease})
		defer func() { cancel(); _ = second.Wait() }()
		done := s.eventually(1, begun.at, "invitations were sent.")
		times := mails(p)
		if twice(times) > 0 {
			t.Errorf("%d were mailed twice", twice(times))
		}
		// Those in flight may be unknown. Everybody else is mailed.
		unknown := 0
		if found := regexp.MustCompile(`For (\S+) people the outcome is unknown`).FindStringSubmatch(done.words()); found != nil {
			_, _ = fmt.Sscan(found[1], &unknown)
		}
		if unknown > 800 || len(times) < n-unknown {
			t.Errorf("%d were mailed and %d are unknown, of %d", len(times), unknown, n)
		}
	})
}

// pageSends is what a page calls.
type pageSends interface {
	inviteui.Queue
	Cancel(ctx context.Context, id string) error
}

func pageSendsOf(t *testing.T, q queue) pageSends {
	t.Helper()
	s, ok := q.InviteUI().(pageSends)
	if !ok {
		t.Fatal("a send cannot be canceled")
	}
	return s
}

// enqueue begins a send.
func enqueue(t *testing.T, s pageSends, p *platform, list []roq.UserInviteInput) string {
	t.Helper()
	id, err := s.Enqueue(t.Context(), inviteui.Send{TenantID: p.campaign.TenantID, UserID: p.campaign.UserID, UserInvites: list})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// reported waits for a report that is as it should be.
func reported(t *testing.T, s pageSends, id, what string, is func(inviteui.Report) bool) inviteui.Report {
	t.Helper()
	var r inviteui.Report
	eventually(t, what, func() bool {
		var err error
		if r, err = s.Report(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		return is(r)
	}, func() string {
		return fmt.Sprintf("%d of %d, %d sent, done %t, %v", r.Handled, r.Total, r.Sent, r.Done, r.Err)
	})
	return r
}

func done(r inviteui.Report) bool { return r.Done }

// A report has what a page needs of each person.
func TestInviteUIReport(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		p := newPlatform(t)
		q := db.open(t)
		s := pageSendsOf(t, q)
		list := people(250)
		list[7] = roq.UserInviteInput{Email: "ada@acme.example", FirstName: "Ada", LastName: "Lovelace", Locale: "de-DE", Roles: []string{"admin"}}
		id := enqueue(t, s, p, list)
		if other := enqueue(t, s, p, people(1)); other == id || len(id) < 26 {
			t.Errorf("the ids are %q and %q", id, other)
		}
		r, err := s.Report(t.Context(), id)
		if err != nil || r.TenantID != p.campaign.TenantID || r.UserID != p.campaign.UserID || r.Total != 250 || r.Handled != 0 || r.Done || r.Err != nil || len(r.Others) != 0 {
			t.Errorf("Report = %+v, %v", r, err)
		}
		if age := time.Since(r.Started); age < -time.Minute || age > time.Minute {
			t.Errorf("it began %v ago", age)
		}

		// The last request of three is lost, and it is not known whether it arrived.
		p.Inject(roqtest.Fault{Operation: "sendUserInvites", Skip: 2, Times: 1, Drop: roqtest.DropBefore})
		stop := work(t, q, p.client(t), roqriver.WithConcurrency(1), roqriver.WithLookUps())
		r = reported(t, s, id, "it is done", done)
		stop()
		if r.Handled != 250 || r.Sent != 199 || len(r.Others) != 51 || r.Err != nil {
			t.Fatalf("%d of %d, %d sent, %d others, %v", r.Handled, r.Total, r.Sent, len(r.Others), r.Err)
		}
		o := r.Others[0]
		if o.Status != roq.OutcomeRefused || !errors.Is(o.Err, roq.ErrAlreadyExists) || o.Input.LastName != "Lovelace" || o.Input.Locale != "de-DE" || !slices.Equal(o.Input.Roles, list[7].Roles) {
			t.Errorf("the first of the others is %+v", o)
		}
		if e := (roq.UserInviteError{}); !errors.As(o.Err, &e) || e.Email != o.Input.Email {
			t.Errorf("the refusal is %#v", o.Err)
		}
		for i, o := range r.Others[1:] { // in their order
			if o.Status != roq.OutcomeUnknown || !errors.Is(o.Err, roq.ErrOutcomeUnknown) || o.Err.Error() == "" || strings.Contains(o.Err.Error(), "@") || o.Input.Email != list[200+i].Email {
				t.Errorf("the %dth of the others is %+v", i+1, o)
			}
		}

		if err := q.Forget(t.Context(), "inviteui/"+id); err != nil {
			t.Fatal(err)
		}
		if r, err = s.Report(t.Context(), id); err != nil || !r.Done || r.Sent != 199 || r.Handled != 250 || len(r.Others) != 0 {
			t.Errorf("Report after Forget = %+v, %v", r, err)
		}
	})
}

// A send that the platform does not allow is not lost, and not done.
func TestInviteUIStopped(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		p := newPlatform(t)
		q := db.open(t)
		s := pageSendsOf(t, q)
		var ids []string
		for i, status := range []int{403, 401} {
			p.Inject(roqtest.Fault{Operation: "sendUserInvites", Status: status})
			ids = append(ids, enqueue(t, s, p, people(300)[150*i:150*i+150]))
			stop := work(t, q, p.client(t))
			r := reported(t, s, ids[i], "it is stopped", func(r inviteui.Report) bool { return r.Err != nil })
			stop()
			if r.Done || r.Sent != 0 || !strings.Contains(r.Err.Error(), fmt.Sprint(status)) {
				t.Errorf("the report is %+v", r)
			}
			// It is not the visitor's session that is refused.
			if errors.Is(r.Err, roq.ErrForbidden) != (status == 403) || errors.Is(r.Err, roq.ErrUnauthorized) {
				t.Errorf("HTTP %d gives %v", status, r.Err)
			}
			p.ClearFaults()
		}
		work(t, q, p.client(t))
		if err := q.Resume(t.Context(), "inviteui/"+ids[0]); err != nil {
			t.Fatal(err)
		}
		if r := reported(t, s, ids[0], "it is done", done); r.Sent != 150 || r.Err != nil {
			t.Errorf("the report is %+v", r)
		}
		if err := s.Cancel(t.Context(), ids[1]); err != nil {
			t.Fatal(err)
		}
		r := reported(t, s, ids[1], "it is done", done)
		if !errors.Is(r.Err, context.Canceled) || r.Sent != 0 || r.Handled != 150 || len(r.Others) != 150 {
			t.Errorf("the report is %+v", r)
		}
		for _, o := range r.Others {
			if o.Status != roq.OutcomeNotSent || !errors.Is(o.Err, roq.ErrNotSent) || o.Input.Email == "" {
				t.Errorf("an outcome is %+v", o)
			}
		}
		mailed(t, p, 150)
	})
}

// A send that is canceled is not done as long as somebody may still be mailed: those in
// flight when a worker died are looked for first.
func TestInviteUIInFlight(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		p := newPlatform(t)
		seen := new(recorder)
		q := db.open(t, roqriver.WithTracer(seen))
		s := pageSendsOf(t, q)
		id := enqueue(t, s, p, people(250))
		db.exec(t, "UPDATE roq_batch SET under_way = '1700000000000000 0-4;' WHERE id = (SELECT min(id) FROM roq_batch)")
		if err := s.Cancel(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if r, err := s.Report(t.Context(), id); err != nil || r.Done || r.Handled != 0 || len(r.Others) != 0 {
			t.Errorf("Report = %+v, %v", r, err)
		}
		stop := work(t, q, p.client(t), roqriver.WithLookUps())
		r := reported(t, s, id, "it is done", done)
		stop()
		outcomes := map[roq.OutcomeStatus]int{}
		for _, o := range r.Others {
			outcomes[o.Status]++
		}
		if r.Handled != 250 || outcomes[roq.OutcomeUnknown] != 5 || outcomes[roq.OutcomeNotSent] != 245 {
			t.Errorf("%d are handled, the outcomes are %v", r.Handled, outcomes)
		}
		mailed(t, p, 0)
		for _, start := range seen.starts { // the metrics of all sends are one
			if start.Campaign != "inviteui" {
				t.Errorf("a job began with %+v", start)
			}
		}
	})
}

// What is wrong with a send invites nobody, and other campaigns are no sends.
func TestInviteUIRefused(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		p := newPlatform(t)
		q := db.open(t)
		s := pageSendsOf(t, q)
		list := people(5_200)
		list[5_100].Email = "foo@@bar"
		for want, send := range map[string]inviteui.Send{
			"Send.UserInvites[5100].Email": {TenantID: p.campaign.TenantID, UserID: p.campaign.UserID, UserInvites: list},
			"Send.UserInvites: must not":   {TenantID: p.campaign.TenantID, UserID: p.campaign.UserID},
			"TenantID: must not be empty":  {UserID: p.campaign.UserID, UserInvites: people(2)},
		} {
			if id, err := s.Enqueue(t.Context(), send); id != "" || !errors.Is(err, roq.ErrInvalidInput) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "@@") {
				t.Errorf("Enqueue = %q, %v, want %q", id, err, want)
			}
		}
		for _, table := range []string{"roq_campaign", "roq_invite", "river_job"} {
			if n := db.number(t, "SELECT count(*) FROM "+table); n != 0 {
				t.Errorf("%s has %d rows", table, n)
			}
		}
		for _, name := range []string{"spring", "inviteui/spring"} {
			p.campaign.Name = name
			invite(t, q, p.campaign, people(1))
		}
		for _, id := range []string{"spring", "", "inviteui/spring", "no such\x00", strings.Repeat("A", 26)} {
			_, err := s.Report(t.Context(), id)
			for _, err := range []error{err, s.Cancel(t.Context(), id)} {
				if !errors.Is(err, roq.ErrNotFound) {
					t.Errorf("of %q: %v", id, err)
				}
			}
		}
		if n := db.number(t, "SELECT count(*) FROM roq_campaign WHERE state = 'open'"); n != 2 {
			t.Errorf("%d campaigns are open, want 2", n)
		}
	})
}

// Nobody reads a million outcomes for one page.
func TestInviteUIManyOthers(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		p := newPlatform(t)
		q := db.open(t)
		s := pageSendsOf(t, q)
		id := enqueue(t, s, p, people(12_050))
		db.exec(t, "UPDATE roq_invite SET status = 'refused', code = 'USER_ALREADY_INVITED' WHERE batch_id % 2 = 0")
		db.exec(t, "UPDATE roq_batch SET refused = people WHERE id % 2 = 0")
		r, err := s.Report(t.Context(), id)
		if err != nil || r.Total != 12_050 || r.Handled != 6_000 && r.Handled != 6_050 || r.Done || len(r.Others) != 1_000 {
			t.Errorf("%d others of %d of %d, %v", len(r.Others), r.Handled, r.Total, err)
		}
		if err := s.Cancel(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		r, err = s.Report(t.Context(), id)
		if err != nil || !r.Done || r.Handled != 12_050 || len(r.Others) != r.Total-r.Sent {
			t.Errorf("%d others of %d of %d, %v", len(r.Others), r.Handled, r.Total, err)
		}
	})
}

// A commit that was not answered is not taken for one that failed: the visitor would send
// the form again.
func TestInviteUICommit(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		p := newPlatform(t)
		q := db.open(t)
		s := pageSendsOf(t, q)
		ctx, leave := context.WithCancel(t.Context())
		q.LoseCommit(leave)
		send := inviteui.Send{TenantID: p.campaign.TenantID, UserID: p.campaign.UserID, UserInvites: people(150)}
		id, err := s.Enqueue(ctx, send)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := s.Report(t.Context(), id); err != nil || r.Total != 150 {
			t.Errorf("Report = %+v, %v", r, err)
		}
		if _, err := s.Enqueue(ctx, send); !errors.Is(err, context.Canceled) {
			t.Errorf("Enqueue for somebody who has left: %v", err)
		}
		if n := db.number(t, "SELECT count(*) FROM roq_campaign"); n != 1 {
			t.Errorf("there are %d campaigns", n)
		}
	})
}
