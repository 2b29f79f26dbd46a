package interop_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// The ids of a scene are the same in each.
const (
	acme  = "0aaaaaaa-0000-4000-8000-000000000001"
	other = "0aaaaaaa-0000-4000-8000-000000000002"
	ann   = "0bbbbbbb-0000-4000-8000-000000000001" // of acme, an admin
	ben   = "0bbbbbbb-0000-4000-8000-000000000002" // of acme
	otto  = "0bbbbbbb-0000-4000-8000-000000000003" // of other
	bob   = "0bbbbbbb-0000-4000-8000-000000000004" // of other, and invited to acme
	eve   = "0bbbbbbb-0000-4000-8000-000000000005" // too
	joe   = "0bbbbbbb-0000-4000-8000-000000000006" // too
	// nobody is no id of anything.
	nobody = "0ccccccc-0000-4000-8000-000000000001"
)

// scene is a platform on which one witness acts.
type scene struct {
	t testing.TB
	*roqtest.Server
	began time.Time
	// notes is what the witness saw, and the truth after it.
	notes []any
	// check compares what was seen of an invite with what it is.
	check func(got seen)
}

func newScene(t testing.TB, opts ...roqtest.Option) *scene {
	t.Helper()
	s := &scene{t: t, Server: roqtest.NewServer(opts...), began: time.Now().Add(-time.Second), check: func(seen) {}}
	t.Cleanup(s.Close)
	for _, u := range []roqtest.User{
		{ID: ann, TenantID: acme, Email: "ann@acme.example", FirstName: "Ann", LastName: "Lee", Locale: "en-US", Timezone: "Europe/Berlin", Roles: []string{"admin"}},
		{ID: ben, TenantID: acme, Email: "ben@acme.example", FirstName: "Ben", Roles: []string{"member"}},
		{ID: otto, TenantID: other, Email: "otto@other.example", FirstName: "Otto", Roles: []string{"admin"}},
		{ID: bob, TenantID: other, Email: "bob@example.com"},
		{ID: eve, TenantID: other, Email: "eve@example.com"},
		{ID: joe, TenantID: other, Email: "joe@example.com"},
	} {
		s.AddUser(u)
	}
	return s
}

// note takes down what a step came to. A minute passes after each, so that the
// times in it tell which step they are of.
func (s *scene) note(got seen) seen {
	s.t.Helper()
	if got.Err == nil {
		s.check(got)
	}
	s.notes = append(s.notes, got)
	s.Advance(time.Minute)
	return got
}

// invited is the id of the n-th invite that a send made.
func (s *scene) invited(sent seen, n int) string {
	s.t.Helper()
	data, _ := sent.Data.(map[string]any)
	success, _ := data["success"].([]any)
	if n >= len(success) {
		s.t.Fatalf("there is no invite %d in %+v", n, sent)
	}
	return success[n].(map[string]any)["id"].(string)
}

// token is what the latest e-mail to the address holds.
func (s *scene) token(to string) string {
	s.t.Helper()
	token := ""
	for _, mail := range s.Outbox() {
		if mail.To == to {
			token = mail.Token
		}
	}
	if token == "" {
		s.t.Fatalf("%s got no e-mail", to)
	}
	return token
}

var (
	anyID   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)
	anyTime = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`)
)

// account is all that happened, in a form that is the same on every platform:
// ids that the platform made are numbered, and times are counted in steps.
func (s *scene) account() string {
	s.t.Helper()
	type mail struct{ To, InviteID, Kind string }
	var mails []mail
	for _, m := range s.Outbox() {
		mails = append(mails, mail{m.To, m.InviteID, string(m.Kind)})
	}
	all := map[string]any{"seen": s.notes, "invites": plain(s.t, s.Invites(), true), "mails": mails}
	text, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		s.t.Fatal(err)
	}
	numbers := map[string]string{acme: "acme", other: "other", ann: "ann", ben: "ben", otto: "otto", bob: "bob", eve: "eve", joe: "joe", nobody: "nobody"}
	named := anyID.ReplaceAllStringFunc(string(text), func(id string) string {
		if numbers[id] == "" {
			numbers[id] = fmt.Sprintf("id %d", len(numbers))
		}
		return numbers[id]
	})
	return anyTime.ReplaceAllStringFunc(named, func(text string) string {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			s.t.Fatal(err)
		}
		return fmt.Sprintf("step %d", int(at.Sub(s.began).Minutes()))
	})
}

// same fails the test if two accounts differ, and says where.
func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s differs from what this module saw (-) in (+):\n%s", what, diff)
	}
}

// invite is an input of the scenarios.
func invite(email string) roq.UserInviteInput {
	return roq.UserInviteInput{CreatedByUserID: ann, Email: email}
}

func to(tenant string, invites ...roq.UserInviteInput) roq.SendUserInvitesInput {
	return roq.SendUserInvitesInput{TenantID: tenant, UserInvites: invites}
}
