package inviteui_test

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/inviteui"
	"github.com/go-roq/roq/roqtest"
)

var roles = inviteui.WithRoles(inviteui.Role{Key: "member", Name: "Member"}, inviteui.Role{Key: "admin", Name: "Administrator"})

var locales = inviteui.WithLocales(inviteui.Locale{Tag: "en-US", Name: "English"}, inviteui.Locale{Tag: "de-DE", Name: "Deutsch"})

// An invitation from the first form to the last status.
func TestWholePath(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, roles, locales)
	b := s.browser(s.ann)
	b.get("./").shows(200, "Acme", "Nobody has been invited yet.", "Signed in as Ann Lee", "Sign out")
	page := b.invite("\"Wick, John\" <wick.john@roq.tech>\nt.justin@roq.tech", "role", "admin", "locale", "de-DE").shows(200, "2 invitations were sent.", "John Wick", "Administrator")
	if !strings.Contains(page.at.RawQuery, "report=") {
		t.Errorf("after a send the address is %s", page.at)
	}
	b.get(page.at.String()).shows(200, "2 invitations were sent.") // a reload
	s.mails(2)
	made := s.Invites()
	if made[0].Locale != "de-DE" || made[0].RoleKeys[0] != "admin" || made[0].LastName != "Wick" || made[0].TenantID != s.tenant {
		t.Errorf("the invite is %+v", made[0])
	}
	if _, err := s.Accept(s.Outbox()[0].Token); err != nil {
		t.Fatal(err)
	}
	page = b.get("./").shows(200, "All 2", "Pending 1", "Accepted 1", "Expired 0", "Canceled 0")
	if strings.Contains(page.body, "id="+made[0].ID) {
		t.Error("something is offered for an accepted invitation")
	}
	id := made[1].ID
	ask := b.get("act?do=resend&id="+id).shows(200, "Resend 1 invitation?", "t.justin@roq.tech")
	b.twice("act", with(ask.form("act"), "do", "resend")).shows(200, "1 invitation was sent again.")
	s.mails(3)
	ask = b.get("act?do=cancel&status=pending&id="+id).shows(200, "Cancel 1 invitation?")
	b.twice("act", with(ask.form("act"), "do", "cancel")).shows(200, "1 invitation was canceled.", "No invitation matches.", "Canceled 1")
	b.get("act?do=cancel&id="+id).shows(409, "This is no longer possible.")
	b.get("act?do=resend&id=db7a682d-6dca-4259-b15b-83aef12d1f5c").shows(404, "There is no such invitation.")
	b.get("act?do=resend").shows(422, "Nobody is selected.")
	b.get("act?do=destroy&id=" + id).shows(404)
	// What was accepted after the question.
	b.post("act", url.Values{"do": {"cancel"}, "id": {made[0].ID}, "tenant": {s.tenant}}).shows(200, "For 1 person there was nothing to do", "already accepted")
	s.mails(3)
}

// People see what was understood, and what cannot be sent stays in the form.
func TestPreview(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, roles)
	b := s.browser(s.ann)
	b.invite("old@example.com").shows(200, "1 invitation was sent.")
	page := b.invite("foo@@bar\n\"Lee, Eve\" <eve@example.com>\nOLD@example.com, bob@example.com\nBob@example.com\n\"Wick, John\" <john@@x>").shows(200,
		"Nothing has been sent yet", "2 people can be invited", "foo@@bar: not a valid e-mail address", "1 person is already invited: OLD@example.com", "1 address is repeated: Bob@example.com", "Send 2 invitations")
	s.mails(1)
	edit := b.post("invite", with(page.form("invite"), "do", "edit")).shows(200, "Invite people")
	if got := edit.form("invite").Get("emails"); !strings.Contains(got, `"Wick, John" <john@@x>`) || !strings.Contains(got, `"Lee, Eve" <eve@example.com>`) || strings.Contains(got, "OLD@") {
		t.Errorf("the form to edit has %q", got)
	}
	sent := b.twice("invite", with(page.form("invite"), "do", "send")).shows(200, "2 invitations were sent.", "2 invitations were not sent and are still in the form", "foo@@bar: not a valid e-mail address")
	if got := sent.form("invite").Get("emails"); got != "foo@@bar\n\"Wick, John\" <john@@x>" {
		t.Errorf("left in the form is %q", got)
	}
	s.mails(3)
	b.invite(" ,\n").shows(422, "Nobody to invite.")
	if got := b.invite("foo@@bar").shows(422, "1 entry is not valid").form("invite").Get("emails"); got != "foo@@bar" {
		t.Errorf("left in the form is %q", got)
	}
	if got := b.invite("old@example.com").shows(422, "1 person is already invited").form("invite").Get("emails"); got != "" {
		t.Errorf("left in the form is %q", got)
	}
	b.post("invite", url.Values{"emails": {"joe@example.com"}, "role": {"owner"}, "tenant": {s.tenant}}).shows(422, "A role is missing.")
	s.mails(3)
	// What there was to see is gone at the reload: nothing is sent all the same.
	form := with(b.get("./").form("invite"), "emails", "old@example.com new@example.com")
	b.post("invite", form).shows(200, "already invited")
	if _, err := s.client.AsUser(s.ann.ID).CancelUserInvite(t.Context(), s.Invites()[0].ID); err != nil {
		t.Fatal(err)
	}
	b.post("invite", form).shows(200, "Nothing has been sent yet")
	s.mails(3)
}

// A file is looked at before it is sent, in the encodings of spreadsheets.
func TestFile(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, roles)
	b := s.browser(s.ann)
	for name, file := range map[string]string{
		"utf8":   "Name;Email\r\nJosé Lee;jose1@example.com\r\n",
		"bom":    "\ufeffFirst name,Last name,E-mail address\nJosé,Lee,jose2@example.com\n",
		"latin":  "Email,First name,Last name\njose3@example.com,Jos\xe9,Lee\n",
		"utf16":  utf16le("Email\tFirst name\tLast name\njose4@example.com\tJosé\tLee\n"),
		"export": "\ufeffEmail,First name,Last name,Status\njose5@example.com,José,Lee,Pending\n",
	} {
		page := b.twice("invite", b.get("./").form("invite"), file).shows(200, "1 person can be invited", "José Lee")
		b.twice("invite", with(page.form("invite"), "do", "send")).shows(200, "1 invitation was sent.")
		if all := s.Invites(); all[len(all)-1].FirstName != "José" || all[len(all)-1].LastName != "Lee" {
			t.Errorf("%s: the invite is of %s", name, all[len(all)-1].FirstName)
		}
	}
	b.post("invite", b.get("./").form("invite"), strings.Repeat("x", 33<<20)).shows(413, "The form is too large.")
}

func utf16le(text string) string {
	out := "\xff\xfe"
	for _, r := range text {
		out += string([]byte{byte(r), byte(r >> 8)})
	}
	return out
}

// More than a batch is sent in the background, with progress, and can be stopped.
func TestCampaign(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, roles)
	b := s.browser(s.ann)
	b.invite(many(250)).shows(200, "250 invitations were sent.", "All 250")
	s.mails(250)

	s.Inject(roqtest.Fault{Operation: "sendUserInvites", Skip: 1, Delay: 5 * time.Second})
	var more []string
	for i := range 500 {
		more = append(more, fmt.Sprintf("\"Lee, Ann\" <other%d@example.com>", i))
	}
	page := b.post("invite", with(b.get("./").form("invite"), "emails", strings.Join(more, "\n"))).shows(200, "Sending invitations:", "100 of 500", "left", "http-equiv=\"refresh\"", "You can leave this page.")
	if got := page.form("invite").Get("emails"); got != "" {
		t.Errorf("while it is sent the form has %q", got)
	}
	s.ClearFaults()
	stopped := b.post("stop", page.form("stop"))
	for strings.Contains(stopped.body, `http-equiv="refresh"`) {
		stopped = b.get(stopped.at.String())
	}
	stopped.shows(200, "The work was stopped.", "not sent and are still in the form")
	left := strings.Count(stopped.form("invite").Get("emails"), `"Lee, Ann" <other`)
	sent := len(s.Outbox()) - 250
	if left+sent != 500 {
		t.Errorf("%d were sent and %d are in the form, want 500 together", sent, left)
	}
}

// Many are acted on at once.
func TestMany(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, roles, inviteui.WithPageSize(10))
	b := s.browser(s.ann)
	b.invite(many(60)).shows(200, "60 invitations were sent.", "All 60 that match")
	for i := range 3 {
		if _, err := s.Accept(s.Outbox()[i].Token); err != nil {
			t.Fatal(err)
		}
	}
	ids := url.Values{"do": {"resend"}}
	for _, invite := range s.Invites()[:12] {
		ids.Add("id", invite.ID)
	}
	page := b.get("act?"+ids.Encode()).shows(200, "Resend 9 invitations?", "3 of those selected have a status that does not allow it.")
	b.twice("act", with(page.form("act"), "do", "resend")).shows(200, "9 invitations were sent again.")
	s.mails(69)
	page = b.get("act?do=cancel&all=1&search=person0005").shows(200, "Cancel 10 invitations?")
	b.twice("act", with(page.form("act"), "do", "cancel")).shows(200, "10 invitations were canceled.", "Canceled 10")
	page = b.get("act?do=resend&all=1").shows(200, "Resend 57 invitations?")
	s.Inject(roqtest.Fault{Operation: "resendUserInvite", Status: 403, Skip: 5})
	b.twice("act", with(page.form("act"), "do", "resend")).shows(200, "You may not do this.", "invitations were not sent again.")
	s.ClearFaults()
	b.get("act?do=cancel&all=1&status=accepted").shows(409)
}

// The list as the address asks for it, with ten thousand invitations.
func TestList(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	b := s.browser(s.ann)
	in := roq.SendUserInvitesInput{TenantID: s.tenant}
	for i := range 10_000 {
		in.UserInvites = append(in.UserInvites, roq.UserInviteInput{Email: fmt.Sprintf("person_%05d@example.com", i), Roles: []string{"member"}})
	}
	if _, err := s.client.AsUser(s.ann.ID).SendUserInvites(t.Context(), in, roq.WithBatchSize(5000)); err != nil {
		t.Fatal(err)
	}
	page := b.get("./").shows(200, "All 10,000", "Pending 10,000", "1 2 3 … 400", "All 10,000 that match")
	if len(page.body) > 200_000 {
		t.Errorf("the page has %d bytes", len(page.body))
	}
	if n := strings.Count(b.get("./?page=3").body, `type="hidden" name="page"`); n != 1 { // in the form for many, and not beside the page that is typed
		t.Errorf("%d forms keep the page", n)
	}
	b.get("./?page=200&sort=email&order=asc").shows(200, "1 … 198 199 200 201 202 … 400", "person_04975@example.com", `aria-sort="ascending"`)
	b.get("./?search=N_0123").shows(200, "All 10", "person_01239@", `value="N_0123"`)
	b.get("./?search=n%250").shows(200, "No invitation matches.")
	b.get("./?status=accepted").shows(200, "No invitation matches.", "All 10,000")
	b.get("./?status=odd&sort=odd&order=odd&page=-1&page=x").shows(200, "All 10,000")
	b.get("./?page=99999999999999999999&search=%22%3E%3Cscript%3Ealert").shows(200).misses("<script>alert")
	page.follow("2").shows(200, "1 2 3 4 … 400", "person_09974@").follow("E-mail").shows(200, "person_00000@").follow("3").shows(200, "person_00050@").follow("E-mail").shows(200, "person_09999@", `aria-sort="descending"`)
	page.follow("Accepted 0").shows(200, "No invitation matches.").follow("Show all").shows(200, "person_09999@")
	found := b.get("./?search=person_0000").shows(200, "All 10").follow("Pending 10").shows(200, `value="person_0000"`)
	found.follow("Cancel person").shows(200, "Cancel 1 invitation?").follow("Back to the list").shows(200, "All 10")
	export := found.follow("Export as CSV")
	if n := strings.Count(export.body, "\n"); n != 11 {
		t.Errorf("the export has %d lines, want a header and 10", n)
	}
}

// A cell of the export is never a formula.
func TestExport(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, roles)
	b := s.browser(s.ann)
	in := roq.SendUserInvitesInput{TenantID: s.tenant, UserInvites: []roq.UserInviteInput{
		{Email: "=cmd@example.com", FirstName: "=HYPERLINK(\"http://x\")", LastName: "+1"}, {Email: "-a@example.com", FirstName: "@SUM(A1)", LastName: "-2"}, {Email: "ok@example.com", FirstName: "＝1+1", LastName: "O'Neill, \"x\""},
	}}
	if sent, err := s.client.AsUser(s.ann.ID).SendUserInvites(t.Context(), in); err != nil || sent.Err() != nil {
		t.Fatal(err, sent.Err())
	}
	page := b.get("invitations.csv")
	for _, want := range []string{`'=cmd@example.com,"'=HYPERLINK(""http://x"")",+1,Pending`, `'-a@example.com,'@SUM(A1),-2`, `ok@example.com,'＝1+1,"O'Neill, ""x"""`} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the export lacks %s:\n%s", want, page.body)
		}
	}
	if kind := page.header.Get("Content-Type"); kind != "text/csv; charset=utf-8" {
		t.Errorf("the export is %s", kind)
	}
	s.Inject(roqtest.Fault{Operation: "userInvites", Status: 503})
	b.get("invitations.csv").shows(503, "Invitations are not available right now.")
}

// Every trouble with the platform has its words, and loses nobody.
func TestTrouble(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault roqtest.Fault
		shows []string
		left  string
	}{
		"down":      {roqtest.Fault{Operation: "sendUserInvites", Drop: roqtest.DropBefore}, []string{"For 1 person the outcome is unknown", "the platform did not answer"}, ""},
		"no token":  {roqtest.Fault{Operation: "sendUserInvites", Status: 401}, []string{"Your session has ended.", "still in the form"}, "bob@example.com"},
		"busy":      {roqtest.Fault{Operation: "sendUserInvites", Status: 429}, []string{"Too many requests.", "still in the form"}, "bob@example.com"},
		"forbidden": {roqtest.Fault{Operation: "sendUserInvites", Status: 403}, []string{"You may not do this.", "still in the form"}, "bob@example.com"},
		"lost":      {roqtest.Fault{Operation: "sendUserInvites", Times: 1, Drop: roqtest.DropAfter}, []string{"1 invitation was sent."}, ""},
		"no list":   {roqtest.Fault{Operation: "userInvites", Status: 503}, []string{"1 invitation was sent.", "Invitations are not available right now."}, ""},
		"no name":   {roqtest.Fault{Operation: "tenant", Status: 503}, []string{"Invitations", "1 invitation was sent."}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, nil, roles)
			b := s.browser(s.ann)
			s.Inject(test.fault)
			page := b.invite("bob@example.com").shows(200, test.shows...)
			if got := page.form("invite").Get("emails"); got != test.left {
				t.Errorf("left in the form is %q, want %q", got, test.left)
			}
		})
	}
	s := newSite(t, nil, roles)
	b := s.browser(s.ann)
	s.AddUser(roqtest.User{TenantID: s.tenant, Email: "member@example.com"})
	page := b.invite("member@example.com").shows(200, "already a member")
	if got := page.form("invite").Get("emails"); got != "" {
		t.Errorf("left in the form is %q", got)
	}
}

// A form without a session loses nothing.
func TestExpired(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, roles, locales)
	b := s.browser(s.ann)
	form := with(b.get("./").form("invite"), "emails", "bob@example.com", "role", "admin", "locale", "de-DE")
	cookie := b.cookie
	b.cookie = ""
	signIn := b.get("./")
	if to := signIn.header.Get("Location"); signIn.status != 302 || to != s.URL+"/api/auth/login?postLoginRedirect="+url.QueryEscape(prefix) {
		t.Errorf("without a session the page is %d and leads to %s", signIn.status, to)
	}
	page := b.post("invite", form, "Email,First name\neve@example.com,Eve\n").shows(401, "Nothing was sent, and nothing is lost.", `href="`+s.URL+`/api/auth/login?postLoginRedirect=%2Fteam%2Finvitations%2F"`)
	form = page.form("invite")
	if got := form.Get("emails"); got != "bob@example.com\n\"Eve\" <eve@example.com>" || form.Get("role") != "admin" || form.Get("locale") != "de-DE" {
		t.Errorf("the form is %v", form)
	}
	b.post("act", url.Values{"do": {"cancel"}, "id": {"x"}}).shows(401, "Your session has ended.")
	b.post("stop", url.Values{"report": {"x"}}).shows(401)
	s.mails(0)
	b.cookie = cookie
	b.twice("invite", form).shows(200, "2 invitations were sent.")
	if got := s.Invites()[0].RoleKeys; len(got) != 1 || got[0] != "admin" {
		t.Errorf("the roles are %v", got)
	}
	nobody := s.browser(s.AddUser(roqtest.User{Email: "x@example.com", TenantID: ""}))
	nobody.get("./")
}

// Other sites get nowhere, and pages load nothing from elsewhere.
func TestSecurity(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, roles)
	b := s.browser(s.ann)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.absolute("invite"), strings.NewReader("emails=bob@example.com&role=member"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	b.do(r).shows(403)
	s.mails(0)
	page := b.invite(`"<script>alert(1)</script>" <eve@example.com>`)
	if strings.Contains(page.body, "<script>alert") || regexp.MustCompile(`(src|action)="(/|https?:)`).MatchString(page.body) || regexp.MustCompile(`href="/`).MatchString(page.body) || strings.Contains(page.body, "style=") {
		t.Errorf("the page loads or runs what it should not:\n%s", page.body)
	}
	if policy := page.header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || !strings.HasSuffix(policy, "form-action 'self' "+s.URL) {
		t.Errorf("the policy is %s", policy)
	}
	for _, name := range regexp.MustCompile(`"\./(page-[0-9a-f]+\.(?:css|js))"`).FindAllStringSubmatch(page.body, -1) {
		file := b.get(name[1]).shows(200)
		if !strings.Contains(file.header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s is not kept", name[1])
		}
	}
	// A report is for whoever sent.
	bob := s.browser(s.AddUser(roqtest.User{TenantID: s.tenant, Email: "bob@acme.example"}))
	bob.get(page.at.String()).shows(200, "The report of this send is not available here.")
	eve := s.browser(s.AddUser(roqtest.User{TenantID: s.AddTenant("Other"), Email: "eve@other.example"}))
	eve.get(page.at.String()).shows(200, "Other", "is not available here", "Nobody has been invited yet.")
	id := s.Invites()[0].ID
	eve.get("act?do=cancel&id=" + id).shows(404)
	eve.post("act", url.Values{"do": {"cancel"}, "id": {id}})
	if s.Invites()[0].Status != roq.StatusPending {
		t.Error("another tenant canceled the invitation")
	}
}

// Two instances behind a load balancer.
func TestInstances(t *testing.T) {
	t.Parallel()
	s := newSite(t, []roqtest.Option{roqtest.WithRepeatedInvites()}, roles)
	other := s.instance(roles)
	b := s.browser(s.ann)
	form := with(b.get("./").form("invite"), "emails", "bob@example.com, foo@@bar")
	first := s.url
	s.url = other
	page := b.post("invite", form).shows(200, "Nothing has been sent yet")
	s.url = first
	sent := b.twice("invite", with(page.form("invite"), "do", "send")).shows(200, "1 invitation was sent.")
	s.url = other
	b.get("./?"+sent.at.RawQuery).shows(200, "The report of this send is not available here.", "bob@example.com")
	// The same form once more, at the instance that has not handled it.
	b.post("invite", with(page.form("invite"), "do", "send")).shows(422, "1 person is already invited", "1 entry is not valid")
	b.post("invite", with(page.form("invite"), "do", "send", "emails", "bob@example.com eve@example.com")).
		shows(200, "1 invitation was sent.", "For 1 person there was nothing to do: bob@example.com: already invited")
	s.mails(2)
}

// Roles come from the platform, and a role has to be chosen.
func TestRoles(t *testing.T) {
	t.Parallel()
	s := newSite(t, []roqtest.Option{roqtest.WithRoles(roqtest.Role{Key: "admin", Name: "Boss"}, roqtest.Role{Key: "member", Name: "Colleague"})})
	b := s.browser(s.ann)
	b.get("./").shows(200, "Choose a role", "Boss", "Colleague")
	page := b.invite("bob@example.com").shows(422, "A role is missing.")
	b.twice("invite", with(page.form("invite"), "role", "member")).shows(200, "1 invitation was sent.", "Colleague")
	one := newSite(t, []roqtest.Option{roqtest.WithRoles(roqtest.Role{Key: "member"})})
	b = one.browser(one.ann)
	b.get("./").misses("Role ")
	b.invite("bob@example.com").shows(200, "1 invitation was sent.")
	if got := one.Invites()[0].RoleKeys; len(got) != 1 || got[0] != "member" {
		t.Errorf("the roles are %v", got)
	}
}

// What is not allowed is not shown, and refused.
func TestAuthorize(t *testing.T) {
	t.Parallel()
	allowed := map[inviteui.Action]bool{inviteui.ActionList: true, inviteui.ActionResend: true}
	s := newSite(t, nil, roles, inviteui.WithAuthorize(func(_ context.Context, session *roq.Session, action inviteui.Action) error {
		if session.User.FirstName == "Ann" || allowed[action] {
			return nil
		}
		return errors.New("not bob@example.com")
	}))
	s.browser(s.ann).invite("joe@example.com").shows(200, "1 invitation was sent.", "Cancel selected")
	bob := s.browser(s.AddUser(roqtest.User{TenantID: s.tenant, Email: "bob@acme.example"}))
	bob.get("./").shows(200, "joe@example.com", "Resend selected").misses("Invite people", "Cancel selected")
	bob.post("invite", url.Values{"emails": {"eve@example.com"}, "role": {"member"}}).shows(403, "You may not do this.")
	id := s.Invites()[0].ID
	bob.get("act?do=cancel&id=" + id).shows(403)
	bob.post("act", url.Values{"do": {"cancel"}, "id": {id}}).shows(403)
	bob.get("act?do=resend&id=" + id).shows(200)
	s.mails(1)
	delete(allowed, inviteui.ActionList)
	bob.get("./").shows(403)
	bob.get("events").shows(403)
	bob.get("invitations.csv").shows(403)
}

// The page in a layout of the application's own, in German, with its own words.
func TestLayout(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, locales, inviteui.WithTitle("Unser Team"), roles,
		inviteui.WithTheme(inviteui.Theme{Light: inviteui.Colors{Accent: "#7a1fa2"}, Dark: inviteui.Colors{Accent: "rgb(200, 150, 255)"}, Radius: "2px"}),
		inviteui.WithTexts(inviteui.Texts{Lang: "de", Words: map[string]string{"invite": "Leute einladen"}}),
		inviteui.WithTexts(inviteui.Texts{Lang: "fr", Words: map[string]string{"invite": "Inviter"}}),
		inviteui.WithLayout(func(w io.Writer, p inviteui.Page) error {
			return template.Must(template.New("").Parse(`<!doctype html><html lang="{{.Lang}}"><title>{{.Title}}</title>{{.Head}}<body>Our frame{{.Body}}</body></html>`)).Execute(w, p)
		}))
	b := s.browser(s.AddUser(roqtest.User{TenantID: s.tenant, Email: "uli@acme.example", Locale: "de-AT"}))
	b.language = "en"
	page := b.get("./").shows(200, "Our frame", "Unser Team", "Leute einladen", `<html lang="de">`, "Es wurde noch niemand eingeladen.").misses("Signed in")
	if page.form("invite").Get("locale") != "en-US" {
		t.Errorf("the locale is %s", page.form("invite").Get("locale"))
	}
	b.invite("bob@example.com, foo@@bar").shows(200, "Noch wurde nichts gesendet", "foo@@bar: keine gültige E-Mail-Adresse")
	css := b.get(regexp.MustCompile(`page-[0-9a-f]+\.css`).FindString(page.body))
	if !strings.Contains(css.body, "--rq-radius: 2px; --rq-accent-light: #7a1fa2; --rq-accent-dark: rgb(200, 150, 255); }") {
		t.Error("the theme is not in the style sheet")
	}
	plain := s.browser(s.AddUser(roqtest.User{TenantID: s.tenant, Email: "eva@acme.example"}))
	plain.language = "xx, fr-CA;q=0.7, de;q=0.5"
	plain.get("./").shows(200, "Inviter", `<html lang="fr">`, "People who were invited")
	plain.language = "xx"
	plain.get("./").shows(200, `<html lang="en">`)
}

// The languages have the same texts.
func TestTexts(t *testing.T) {
	t.Parallel()
	en, de := inviteui.English(), inviteui.German()
	marks := regexp.MustCompile(`\{\w\}`)
	for key, text := range en.Words {
		if de.Words[key] == "" || fmt.Sprint(marks.FindAllString(text, -1)) != fmt.Sprint(marks.FindAllString(de.Words[key], -1)) {
			t.Errorf("%s is %q in English and %q in German", key, text, de.Words[key])
		}
	}
	if len(en.Words) != len(de.Words) {
		t.Errorf("%d texts in English, %d in German", len(en.Words), len(de.Words))
	}
}

// A change of English words does not make another language that of everybody else.
func TestOtherLanguages(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "de", "fr"} {
		s := newSite(t, nil, roles, inviteui.WithTexts(inviteui.Texts{Lang: lang, Words: map[string]string{"invite": "Come in (" + lang + ")"}}))
		ole := s.AddUser(roqtest.User{TenantID: s.tenant, Email: "ole@acme.example", Locale: "nb-NO"})
		b := s.browser(ole)
		b.language = "nb, sv;q=0.5"
		want := "Invite people"
		if lang == "en" {
			want = "Come in (en)"
		}
		b.get("./").shows(200, want, "Nobody has been invited yet.")
		b.language = lang + "-XX, nb"
		b.cookie = s.SessionToken(s.AddUser(roqtest.User{TenantID: s.tenant, Email: "eve@acme.example", Locale: lang}).ID)
		b.get("./").shows(200, "Come in ("+lang+")")
	}
}

// A text may be empty, and set again.
func TestEmptyTexts(t *testing.T) {
	t.Parallel()
	words := func(text string) inviteui.Option {
		return inviteui.WithTexts(inviteui.Texts{Lang: "en", Words: map[string]string{"emails.hint": text}})
	}
	s := newSite(t, nil, roles, words(""), words("Paste here"))
	s.browser(s.ann).get("./").shows(200, "Paste here")
}

// Options that make no sense are refused when the page is made.
func TestNewRefuses(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for name, opts := range map[string][]inviteui.Option{
		"nil": {nil}, "role": {inviteui.WithRoles(inviteui.Role{})}, "locale": {inviteui.WithLocales(inviteui.Locale{})},
		"logger": {inviteui.WithLogger(nil)},
		"size":   {inviteui.WithPageSize(0)}, "theme": {inviteui.WithTheme(inviteui.Theme{Font: "x; } body { display: none"})}, "url": {inviteui.WithTheme(inviteui.Theme{Font: "URL(x)"})},
		"texts": {inviteui.WithTexts(inviteui.Texts{Lang: "fr", Words: map[string]string{"odd": "x"}})}, "lang": {inviteui.WithTexts(inviteui.Texts{})},
	} {
		if _, err := inviteui.New(s.client, opts...); err == nil || !strings.HasPrefix(err.Error(), "inviteui: ") {
			t.Errorf("%s: New = %v", name, err)
		}
	}
	if _, err := inviteui.New(nil); err == nil {
		t.Error("New(nil) succeeded")
	}
}
