package roq_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// pageCaptures are the requests that ROQ's own invitation components sent in a browser:
// see browser/react_test.go.
func pageCaptures(t *testing.T) []capture {
	t.Helper()
	return readCaptures(t, "roq-ui-react-1.0.13.json")
}

// What the page sends is what this package sends in the first schema, except that the
// page repeats the tenant in each invite.
func TestPageSendsTheSame(t *testing.T) {
	t.Parallel()
	compared := 0
	for _, c := range pageCaptures(t) {
		if c.Operation != "InviteUsers" {
			continue
		}
		compared++
		text := strings.NewReplacer("<tenant>", tenantID, "<user>", userID).Replace(string(c.Request.Body.Variables))
		theirs := object(t, []byte(text))
		in := roq.SendUserInvitesInput{TenantID: tenantID}
		for _, one := range theirs["userInvites"].(map[string]any)["userInvites"].([]any) {
			i := one.(map[string]any)
			if i["tenantId"] != tenantID {
				t.Errorf("the page invites to %v, want the tenant of the request", i["tenantId"])
			}
			delete(i, "tenantId")
			in.UserInvites = append(in.UserInvites, roq.UserInviteInput{
				CreatedByUserID: userID, Email: i["email"].(string), Locale: i["locale"].(string), Roles: []string{i["roles"].([]any)[0].(string)},
			})
		}
		m := newMock(t, answer("sendUserInvites", `{}`), roq.WithSchema(roq.SchemaV1), roq.WithSettleTimeout(0))
		_, _ = m.client.AsUser(userID).SendUserInvites(t.Context(), in) // the answer is about nobody
		sent := m.sentFor(t, "sendUserInvites")
		if len(sent) != 1 {
			t.Fatalf("%d sends, want 1", len(sent))
		}
		_, _, ours := sent[0].graphQL(t)
		if diff := cmp.Diff(theirs, ours); diff != "" {
			t.Errorf("variables (-theirs +ours):\n%s", diff)
		}
	}
	if compared != 2 {
		t.Errorf("%d sends were compared, want 2", compared)
	}
}

// Whatever the page asks is answered by roqtest, with what the page then shows.
func TestRoqtestAnswersPage(t *testing.T) {
	t.Parallel()
	r := newPageReplay(t)
	if access := r.ask("UserAccess", "").UserAccess.Platform["userInvite"]; !access["create"] || !access["read"] || !access["update"] {
		t.Errorf("UserAccess = %v, want that Ann may invite", access)
	}
	if texts := r.ask("getTranslation", "").TranslationKeys.Data; len(texts) == 0 || len(texts[0].Translations.Data) == 0 {
		t.Errorf("getTranslation = %+v: without a text in its locale the page asks again and again", texts)
	}
	if roles := r.ask("Roles", "").Roles.names(); roles != "Admin, Member, Content creator" {
		t.Errorf("Roles = %s", roles)
	}
	for _, row := range []struct{ role, want string }{
		{"member", "[wick.john@roq.tech t.justin@roq.tech] []"},
		{"admin", "[eve@example.com bob@example.com] [wick.john@roq.tech]"},
	} {
		sent := r.ask("InviteUsers", `"`+row.role+`"`).SendUserInvites
		if got := fmt.Sprint(whoOf(sent.Success), " ", whoOf(sent.Errors)); got != row.want {
			t.Errorf("InviteUsers as %s = %s, want %s", row.role, got, row.want)
		}
		for _, i := range sent.Success {
			if !slices.Equal(i.RoleKeys, []string{row.role}) {
				t.Errorf("%s was invited as %q, want %s", i.Email, i.RoleKeys, row.role)
			}
		}
	}
	if got := r.ask("ResendUserInvite", "wick.john").ResendUserInvite.Status; got != "pending" {
		t.Errorf("ResendUserInvite = %s", got)
	}
	mails := r.srv.Outbox()
	if len(mails) != 5 || mails[4].To != "wick.john@roq.tech" || mails[4].Kind != roqtest.KindResend {
		t.Fatalf("%d e-mails, want 5, the last one again to wick.john@roq.tech", len(mails))
	}
	if got := r.ask("CancelUserInvite", "bob").CancelUserInvite.Status; got != "canceled" {
		t.Errorf("CancelUserInvite = %s", got)
	}
	if _, err := r.srv.Accept(mails[1].Token); err != nil {
		t.Fatal(err)
	}
	if err := r.srv.Expire(mails[2].InviteID); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ filter, want string }{
		{`"pending"`, "wick.john@roq.tech Member"},
		{`"accepted"`, "t.justin@roq.tech Member"},
		{`"expired"`, "eve@example.com Admin"},
		{`"canceled"`, "bob@example.com Admin"},
		{`"filter": {}`, "wick.john@roq.tech Member, t.justin@roq.tech Member, eve@example.com Admin, bob@example.com Admin"},
	} {
		list := r.ask("UserInvites", row.filter).UserInvites
		var got []string
		for _, i := range list.Data {
			got = append(got, i.Email+" "+i.Roles.names())
		}
		if strings.Join(got, ", ") != row.want || list.TotalCount != len(got) {
			t.Errorf("UserInvites with %s = %q of %d, want %s", row.filter, got, list.TotalCount, row.want)
		}
	}
	if len(r.left) > 0 {
		t.Errorf("%d captures were not replayed: %+v", len(r.left), r.left)
	}
}

// pageReplay sends the page's requests as Ann.
type pageReplay struct {
	t     *testing.T
	srv   *roqtest.Server
	ann   roqtest.User
	token string
	left  []capture
}

func newPageReplay(t *testing.T) *pageReplay {
	t.Helper()
	srv := roqtest.NewServer()
	t.Cleanup(srv.Close)
	ann := srv.AddUser(roqtest.User{TenantID: srv.AddTenant("Acme"), Email: "ann@acme.example"})
	session, err := newClient(t, srv.Config()).ParseSession(srv.SessionToken(ann.ID))
	if err != nil {
		t.Fatal(err)
	}
	return &pageReplay{t: t, srv: srv, ann: ann, token: session.RoqAccessToken, left: pageCaptures(t)}
}

// pageAnswer is what the page reads of the answers.
type pageAnswer struct {
	UserAccess      struct{ Platform map[string]map[string]bool }
	TranslationKeys struct {
		Data []struct {
			Translations struct{ Data []struct{ Value string } }
		}
	}
	Roles           pageRoles
	SendUserInvites struct{ Success, Errors []pageInvite }
	UserInvites     struct {
		TotalCount int
		Data       []pageInvite
	}
	ResendUserInvite, CancelUserInvite pageInvite
}

type pageInvite struct {
	Email, Status string
	RoleKeys      []string
	Roles         pageRoles
}

type pageRoles struct{ Data []struct{ Name string } }

func (r pageRoles) names() string {
	var all []string
	for _, role := range r.Data {
		all = append(all, role.Name)
	}
	return strings.Join(all, ", ")
}

func whoOf(invites []pageInvite) []string {
	all := []string{}
	for _, i := range invites {
		all = append(all, i.Email)
	}
	return all
}

// ask sends the request of an operation whose variables have a text in them, and
// returns the answer. It must be one to Apollo too: valid, and without errors.
func (r *pageReplay) ask(operation, having string) pageAnswer {
	r.t.Helper()
	at := slices.IndexFunc(r.left, func(c capture) bool {
		return c.Operation == operation && strings.Contains(string(c.Request.Body.Variables), having)
	})
	if at < 0 {
		r.t.Fatalf("no capture of %s with %s", operation, having)
	}
	c := r.left[at]
	r.left = slices.Delete(r.left, at, at+1)
	ids := []string{"<tenant>", r.ann.TenantID, "<user>", r.ann.ID}
	for _, i := range r.srv.Invites() {
		ids = append(ids, "<invite of "+i.Email+">", i.ID)
	}
	request, err := http.NewRequestWithContext(r.t.Context(), c.Request.Method, r.srv.URL+c.Request.Path, strings.NewReader(strings.NewReplacer(ids...).Replace(string(c.Request.RawBody))))
	if err != nil {
		r.t.Fatal(err)
	}
	for name, value := range c.Request.Headers {
		request.Header.Set(name, strings.Replace(value, "<access token>", r.token, 1))
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	var answer struct {
		Errors json.RawMessage
		Data   pageAnswer
	}
	if err := json.Unmarshal(body, &answer); err != nil || response.StatusCode != http.StatusOK || answer.Errors != nil {
		r.t.Fatalf("%s = %d %s, %v", operation, response.StatusCode, body, err)
	}
	return answer.Data
}
