package roqtest_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// The lists of roles: filters, search, order, pages, and an invite's own.
func TestRoles(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	token := p.tokenOf(p.ann.ID)
	auditor := p.AddRole(roqtest.Role{Key: "auditor", Description: "Reads", NotForInvites: true})
	if auditor.ID == "" || auditor.Name != "auditor" {
		t.Errorf("AddRole = %+v", auditor)
	}
	keys := func(field any) []string {
		var all []string
		rows, _ := at(field, "data").([]any)
		for _, r := range rows {
			all = append(all, at(r, "key").(string))
		}
		return all
	}
	for arguments, want := range map[string][]string{
		``:                                       {"admin", "member", "content-creator", "auditor"},
		`(filter: {invite: {equalTo: true}})`:    {"admin", "member", "content-creator"},
		`(filter: {invite: {notEqualTo: true}})`: {"auditor"},
		`(filter: {key: {valueIn: ["member", "auditor"]}})`:                   {"member", "auditor"},
		`(filter: {isSystemManaged: {equalTo: true}})`:                        nil,
		`(filter: {userId: {equalTo: "` + p.ann.ID + `"}})`:                   nil,
		`(filter: {id: {equalTo: "` + auditor.ID + `"}})`:                     {"auditor"},
		`(filter: {description: {iLike: "read%"}})`:                           {"auditor"},
		`(order: {sort: name, order: ASC})`:                                   {"admin", "content-creator", "member", "auditor"},
		`(order: {sort: key, order: DESC}, limit: 2, offset: 1)`:              {"content-creator", "auditor"},
		`(order: {sort: createdAt, order: DESC}, offset: 9)`:                  nil,
		`(search: {key: name, value: "creat"}, filter: {name: {like: "C%"}})`: {"content-creator"},
	} {
		_, answer := p.graphQL(token, `{ roles`+arguments+` { totalCount data { id key name description isSystemManaged inviteRoleKeys reference } } }`, nil)
		if got := keys(at(answer, "data", "roles")); !slices.Equal(got, want) {
			t.Errorf("roles%s = %v, want %v: %v", arguments, got, want, answer)
		}
	}
	_, answer := p.graphQL(token, `{ roles(limit: 1) { totalCount data { key } } }`, nil)
	if at(answer, "data", "roles", "totalCount") != 4.0 {
		t.Errorf("totalCount = %v", answer)
	}
	for query, want := range map[string]string{
		`{ roles(limit: -1) { totalCount } }`:                        "BAD_USER_INPUT 400",
		`{ roles(filter: {id: {equalTo: "x"}}) { totalCount } }`:     "BAD_USER_INPUT 400",
		`{ role(id: "x") { key } }`:                                  "BAD_USER_INPUT 400",
		`{ role(id: "` + uuid.NewString() + `") { key } }`:           "ROLE_NOT_FOUND 404",
		`{ tenant(id: "x") { name } }`:                               "BAD_USER_INPUT 400",
		`{ tenant(id: "` + uuid.NewString() + `") { name } }`:        "TENANT_NOT_FOUND 404",
		`{ tenants(limit: -1) { totalCount } }`:                      "BAD_USER_INPUT 400",
		`{ tenants(filter: {id: {valueIn: ["x"]}}) { totalCount } }`: "BAD_USER_INPUT 400",
	} {
		if _, answer := p.graphQL(token, query, nil); refusal(answer) != want {
			t.Errorf("%s: %v, want %s", query, answer, want)
		}
	}
	if _, answer := p.graphQL(token, `{ role(id: "`+auditor.ID+`") { key } }`, nil); at(answer, "data", "role", "key") != "auditor" {
		t.Errorf("role = %v", answer)
	}
	ids := p.invite(token, "a@x.org")
	_, answer = p.graphQL(token, `query($id: ID!) { userInvite(id: $id) { roleKeys roles { totalCount data { key name } } none: roles(filter: {key: {equalTo: "member"}}) { data { key } } } }`, map[string]any{"id": ids[0]})
	if got := keys(at(answer, "data", "userInvite", "roles")); !slices.Equal(got, []string{"admin"}) || keys(at(answer, "data", "userInvite", "none")) != nil {
		t.Errorf("an invite's roles = %v", answer)
	}
}

// A user sees their own tenant, the service account all.
func TestTenants(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	other := p.AddTenant("Umbrella")
	const query = `{ tenants { totalCount data { id name isDefault reference createdAt updatedAt } } }`
	_, answer := p.graphQL(p.tokenOf(p.ann.ID), query, nil)
	if at(answer, "data", "tenants", "totalCount") != 1.0 || at(answer, "data", "tenants", "data", 0, "id") != p.tenant {
		t.Errorf("tenants of a user = %v", answer)
	}
	_, answer = p.graphQL(p.serviceToken(), query, nil)
	if at(answer, "data", "tenants", "totalCount") != float64(len(p.Tenants())) {
		t.Errorf("tenants = %v", answer)
	}
	_, answer = p.graphQL(p.serviceToken(), `{ tenant(id: "`+other+`") { name } tenants(filter: {id: {notEqualTo: "`+p.tenant+`"}}, limit: 1) { data { name } } none: tenants(filter: {reference: {equalTo: "x"}}) { totalCount } }`, nil)
	if at(answer, "data", "tenant", "name") != "Umbrella" || at(answer, "data", "none", "totalCount") != 0.0 {
		t.Errorf("tenant = %v", answer)
	}
	if _, answer := p.graphQL(p.tokenOf(p.ann.ID), `{ tenant(id: "`+other+`") { name } }`, nil); refusal(answer) != "TENANT_NOT_FOUND 404" {
		t.Errorf("another tenant = %v", answer)
	}
}

// A pending invite can be changed, and no other.
func TestUpdateUserInvite(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	token := p.tokenOf(p.ann.ID)
	ids := p.invite(token, "a@x.org", "b@x.org")
	update := func(id string, change map[string]any) map[string]any {
		_, answer := p.graphQL(token, `mutation($id: ID!, $to: UserInviteUpdateDto!) { updateUserInvite(id: $id, userInvite: $to) { firstName lastName locale data acceptedByUserId status } }`,
			map[string]any{"id": id, "to": change})
		return answer
	}
	answer := update(ids[0], map[string]any{"firstName": "Ann", "locale": "de-DE", "data": map[string]any{"k": 1}, "acceptedByUserId": p.ann.ID})
	if got := fmt.Sprint(at(answer, "data", "updateUserInvite")); got != "map[acceptedByUserId:"+p.ann.ID+" data:map[k:1] firstName:Ann lastName:<nil> locale:de-DE status:pending]" {
		t.Errorf("updateUserInvite = %s", got)
	}
	answer = update(ids[0], map[string]any{"firstName": nil, "lastName": "Lee", "acceptedByUserId": nil})
	if got := fmt.Sprint(at(answer, "data", "updateUserInvite")); got != "map[acceptedByUserId:<nil> data:map[k:1] firstName:<nil> lastName:Lee locale:de-DE status:pending]" {
		t.Errorf("updateUserInvite = %s", got)
	}
	if _, err := p.Accept(p.Outbox()[0].Token); err != nil {
		t.Fatal(err)
	}
	if err := p.Expire(ids[1]); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{
		ids[0]: "USER_INVITE_ALREADY_ACCEPTED 409", ids[1]: "USER_INVITE_NOT_PENDING 409", "x": "BAD_USER_INPUT 400", uuid.NewString(): "USER_INVITATION_NOT_FOUND 404",
	} {
		if answer := update(id, map[string]any{"firstName": "X"}); refusal(answer) != want {
			t.Errorf("updateUserInvite(%s) = %v, want %s", id, answer, want)
		}
	}
	if answer := update(p.invite(token, "c@x.org")[0], map[string]any{"acceptedByUserId": uuid.NewString()}); refusal(answer) != "USER_NOT_FOUND 404" {
		t.Errorf("accepted by nobody: %v", answer)
	}
}

// An expired or canceled invite cannot be resent while the address has another one.
func TestResendWhatIsTaken(t *testing.T) {
	t.Parallel()
	srv := roqtest.NewServer()
	defer srv.Close()
	ann, platform := acme(srv)
	first, err := send(platform, ann.TenantID, "bob@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := platform.CancelUserInvite(t.Context(), first.Success[0].ID); err != nil {
		t.Fatal(err)
	}
	if _, err := send(platform, ann.TenantID, "bob@example.com"); err != nil {
		t.Fatal(err)
	}
	if _, err := platform.ResendUserInvite(t.Context(), first.Success[0].ID); !errors.Is(err, roq.ErrAlreadyInvited) {
		t.Errorf("ResendUserInvite = %v", err)
	}
}
