package roqtest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// Requests that are not executed at all are answered 400, as Apollo does.
func TestGraphQLRefusals(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	token := p.serviceToken()
	for name, row := range map[string]struct {
		query     string
		variables map[string]any
		code      string
	}{
		"syntax":           {"{ userInvites {", nil, "GRAPHQL_PARSE_FAILED"},
		"unknown field":    {"{ userInvites { nope } }", nil, "GRAPHQL_VALIDATION_FAILED"},
		"unknown argument": {"{ userInvites(color: 1) { totalCount } }", nil, "GRAPHQL_VALIDATION_FAILED"},
		"no selection":     {"{ userInvites }", nil, "GRAPHQL_VALIDATION_FAILED"},
		"unknown variable": {"query($l: Nope) { userInvites(limit: $l) { totalCount } }", nil, "GRAPHQL_VALIDATION_FAILED"},
		"unknown enum":     {"{ userInvites(order: {sort: color, order: ASC}) { totalCount } }", nil, "GRAPHQL_VALIDATION_FAILED"},
		"missing variable": {"query($id: ID!) { userInvite(id: $id) { id } }", nil, "BAD_USER_INPUT"},
		"unknown input":    {"query($f: UserInviteFilterArgType) { userInvites(filter: $f) { totalCount } }", map[string]any{"f": map[string]any{"color": 1}}, "BAD_USER_INPUT"},
	} {
		status, answer := p.graphQL(token, row.query, row.variables)
		if status != 400 || at(answer, "errors", 0, "extensions", "code") != row.code || answer["data"] != nil {
			t.Errorf("%s: %d %v, want %s", name, status, answer, row.code)
		}
	}
	if status, answer := p.graphQL(token, "", nil); status != 400 || at(answer, "errors", 0, "message") == nil {
		t.Errorf("no query: %d %v", status, answer)
	}
	// A variable of another type is refused, whenever the engine notices.
	_, answer := p.graphQL(token, "query($l: Int) { userInvites(limit: $l) { totalCount } }", map[string]any{"l": "ten"})
	if at(answer, "errors", 0, "extensions", "code") != "BAD_USER_INPUT" || at(answer, "data", "userInvites") != nil {
		t.Errorf("a text for a number: %v", answer)
	}
}

// The rules of sending: who may invite whom, and who is refused alone.
func TestSendingRules(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, roqtest.WithBulkLimit(7))
	token := p.tokenOf(p.ann.ID)
	other := p.AddUser(roqtest.User{TenantID: p.AddTenant("Umbrella"), Email: "al@umbrella.example"})
	const mutation = `mutation($data: UserInvitesCreateV2Dto!) { sendUserInvitesV2(data: $data) { success { id email firstName roleKeys status tenantId createdByUserId data locale } errors { email error firstName lastName } } }`
	send := func(token, tenant string, inputs ...map[string]any) map[string]any {
		if inputs == nil {
			inputs = []map[string]any{}
		}
		_, answer := p.graphQL(token, mutation, map[string]any{"data": map[string]any{"tenantId": tenant, "userInvites": inputs}})
		return answer
	}
	one := func(email string) map[string]any { return map[string]any{"createdByUserId": p.ann.ID, "email": email} }
	eight := make([]map[string]any, 8)
	for i := range eight {
		eight[i] = one(fmt.Sprintf("p%d@example.com", i))
	}
	for name, row := range map[string]struct {
		answer map[string]any
		want   string
	}{
		"tenant no UUID":  {send(token, "t", one("a@x.org")), "BAD_USER_INPUT 400"},
		"inviter no UUID": {send(token, p.tenant, map[string]any{"createdByUserId": "u", "email": "a@x.org"}), "BAD_USER_INPUT 400"},
		"another tenant":  {send(token, other.TenantID, one("a@x.org")), "FORBIDDEN 403"},
		"unknown tenant":  {send(p.serviceToken(), uuid.NewString(), one("a@x.org")), "TENANT_NOT_FOUND 404"},
		"nobody":          {send(token, p.tenant), "BAD_USER_INPUT 400"},
		"too many":        {send(token, p.tenant, eight...), "BULK_USER_INVITE_LIMIT_EXCEEDED 400"},
	} {
		if got := refusal(row.answer); got != row.want || row.answer["data"] != nil {
			t.Errorf("%s: %v, want %s", name, row.answer, row.want)
		}
	}
	if len(p.Outbox()) != 0 {
		t.Errorf("refused requests mailed %v", p.Outbox())
	}
	answer := send(token, p.tenant, one("a@x.org"), one("ANN@acme.example"), one("A@X.org"), one("nonsense"),
		map[string]any{"createdByUserId": other.ID, "email": "b@x.org"}, map[string]any{"createdByUserId": p.ann.ID, "email": "c@x.org", "roles": []string{"guest"}, "firstName": "Cy"})
	var codes []string
	errs, _ := at(answer, "data", "sendUserInvitesV2", "errors").([]any)
	for _, e := range errs {
		var text struct{ Message, ErrorCode string }
		if err := json.Unmarshal([]byte(at(e, "error").(string)), &text); err != nil || text.Message == "" {
			t.Errorf("error = %v, want a text that holds JSON", e)
		}
		codes = append(codes, fmt.Sprint(at(e, "email"), " ", text.ErrorCode))
	}
	want := []string{"ANN@acme.example USER_ALREADY_EXISTS", "A@X.org USER_ALREADY_INVITED", "nonsense BAD_USER_INPUT", "b@x.org USER_NOT_FOUND"}
	if !slices.Equal(codes, want) {
		t.Errorf("refused = %v, want %v", codes, want)
	}
	// Without roles the invitee gets the inviter's.
	if roles := fmt.Sprint(at(answer, "data", "sendUserInvitesV2", "success", 0, "roleKeys"), at(answer, "data", "sendUserInvitesV2", "success", 1, "roleKeys")); roles != "[admin] [guest]" {
		t.Errorf("roles = %s", roles)
	}
	mails := p.Outbox()
	if len(mails) != 2 || mails[0].To != "a@x.org" || mails[0].Kind != roqtest.KindInvite || mails[0].Token == "" || mails[0].InviteID != at(answer, "data", "sendUserInvitesV2", "success", 0, "id") {
		t.Errorf("outbox = %+v", mails)
	}
}

func TestFirstSchema(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, roqtest.WithRepeatedInvites())
	const mutation = `mutation($in: UserInvitesCreateDto!) { sendUserInvites(userInvites: $in) { success { email data tenantId status } errors { error } } }`
	one := map[string]any{"createdByUserId": p.ann.ID, "email": "a@x.org", "data": map[string]any{"k": 1}, "status": "accepted", "tenantId": p.tenant}
	_, answer := p.graphQL(p.tokenOf(p.ann.ID), mutation, map[string]any{"in": map[string]any{"userInvites": []any{one, one}}})
	success, _ := at(answer, "data", "sendUserInvites", "success").([]any)
	if len(success) != 2 || fmt.Sprint(success[0]) != fmt.Sprintf("map[data:map[k:1] email:a@x.org status:pending tenantId:%s]", p.tenant) {
		t.Errorf("answer = %v, want two invites to the caller's own tenant", answer)
	}
	one["tenantId"] = uuid.NewString()
	if _, answer := p.graphQL(p.tokenOf(p.ann.ID), mutation, map[string]any{"in": map[string]any{"userInvites": []any{one}}}); refusal(answer) != "FORBIDDEN 403" {
		t.Errorf("an invite to another tenant: %v", answer)
	}
	one["data"] = "text"
	if _, answer := p.graphQL(p.tokenOf(p.ann.ID), mutation, map[string]any{"in": map[string]any{"userInvites": []any{one}}}); at(answer, "errors", 0, "extensions", "code") != "BAD_USER_INPUT" {
		t.Errorf("data that is no object: %v", answer)
	}
}

// The life of an invite: what may follow what.
func TestLifeOfAnInvite(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	token := p.tokenOf(p.ann.ID)
	act := func(mutation, id string) string {
		_, answer := p.graphQL(token, `mutation($id: ID!) { done: `+mutation+`(id: $id) { status } }`, map[string]any{"id": id})
		if status := at(answer, "data", "done", "status"); status != nil {
			return status.(string)
		}
		return refusal(answer)
	}
	accept := func(i int, by string) string {
		_, answer := p.graphQL(by, `mutation($t: String!) { acceptUserInviteV2(data: {token: $t}) { status acceptedByUserId } }`, map[string]any{"t": p.Outbox()[i].Token})
		if status := at(answer, "data", "acceptUserInviteV2", "status"); status != nil {
			return status.(string)
		}
		return refusal(answer)
	}
	ids := p.invite(token, "a@x.org", "b@x.org", "c@x.org", "d@x.org")
	if err := p.Expire(ids[2]); err != nil {
		t.Fatal(err)
	}
	for i, row := range []struct{ got, want string }{
		{act("cancelUserInvite", ids[0]), "canceled"},
		{act("cancelUserInvite", ids[0]), "USER_INVITE_CANCELLATION_FAILED 409"},
		{accept(0, token), "INVALID_USER_TOKEN 400"},
		{act("resendUserInvite", ids[0]), "pending"},
		{act("cancelUserInvite", ids[0]), "canceled"},
		{accept(1, p.serviceToken()), "accepted"},
		{accept(1, p.serviceToken()), "USER_INVITE_ALREADY_ACCEPTED 409"},
		{act("cancelUserInvite", ids[1]), "USER_INVITE_ALREADY_ACCEPTED 409"},
		{act("resendUserInvite", ids[1]), "USER_INVITE_ALREADY_ACCEPTED 409"},
		{accept(2, token), "EXPIRED_USER_TOKEN 400"},
		{act("resendUserInvite", ids[2]), "pending"},
		{act("cancelUserInvite", ids[2]), "canceled"},
		{act("resendUserInvite", ids[3]), "pending"},
		{act("cancelUserInvite", uuid.NewString()), "USER_INVITATION_NOT_FOUND 404"},
		{act("cancelUserInvite", "nope"), "BAD_USER_INPUT 400"},
	} {
		if row.got != row.want {
			t.Errorf("step %d: %s, want %s", i, row.got, row.want)
		}
	}
	if err := p.Expire(ids[1]); err == nil {
		t.Error("an accepted invite expired")
	}
	mails := p.Outbox()
	if len(mails) != 7 || mails[5].Kind != roqtest.KindResend || mails[4].InviteID != ids[0] || mails[5].InviteID != ids[2] || mails[6].To != "d@x.org" {
		t.Errorf("outbox = %+v, want four invites and three resends", mails)
	}
	// The invitee became a user of the tenant, with the invite's roles.
	accepted := p.Invites()[1]
	_, tokens := p.userTokens(accepted.AcceptedByUserID, nil)
	if tokens["accessToken"] == nil || accepted.AcceptedByUserID == "" {
		t.Errorf("the invitee %q is no user: %v", accepted.AcceptedByUserID, tokens)
	}
	for i, want := range map[int]string{0: "map[email:a@x.org isExpired:false isValid:false]", 3: "map[email:d@x.org isExpired:false isValid:true]"} {
		_, answer := p.graphQL(token, `query($t: String!) { checkUserInviteToken(token: $t) { email isExpired isValid } }`, map[string]any{"t": p.Outbox()[i].Token})
		if got := fmt.Sprint(at(answer, "data", "checkUserInviteToken")); got != want {
			t.Errorf("checkUserInviteToken = %s, want %s", got, want)
		}
	}
	_, answer := p.graphQL(token, `{ checkUserInviteToken(token: "x") { email isExpired isValid } }`, nil)
	if got := fmt.Sprint(at(answer, "data", "checkUserInviteToken")); got != "map[email:<nil> isExpired:<nil> isValid:false]" {
		t.Errorf("checkUserInviteToken of nothing = %s", got)
	}
	if _, err := p.Accept("x"); err == nil || err.Error() == "" {
		t.Error("an unknown token was accepted")
	}
}

func TestInvitesExpireByTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := roqtest.NewHandler(roqtest.WithInviteLifetime(time.Hour))
		tenant := srv.AddTenant("Acme")
		ann := srv.AddUser(roqtest.User{TenantID: tenant, Email: "ann@acme.example"})
		client := inBubble(t, srv)
		sent, err := client.AsUser(ann.ID).SendUserInvites(t.Context(), roq.SendUserInvitesInput{TenantID: tenant, UserInvites: []roq.UserInviteInput{{Email: "a@x.org"}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []roq.UserInviteStatus{roq.StatusPending, roq.StatusExpired} {
			got, err := client.AsSuperAdmin().UserInvite(t.Context(), sent.Success[0].ID)
			if err != nil || got.Status != want {
				t.Errorf("status = %v, %v; want %s", got, err, want)
			}
			time.Sleep(time.Hour) //nolint:forbidigo // the bubble's clock
		}
		got := srv.Invites()[0]
		if want := got.CreatedAt.Add(time.Hour); !got.StatusUpdatedAt.Equal(want) {
			t.Errorf("StatusUpdatedAt = %v, want when it expired, %v", got.StatusUpdatedAt, want)
		}
	})
}

// inBubble is a client that reaches the platform without a socket.
func inBubble(t *testing.T, srv *roqtest.Server) *roq.Client {
	t.Helper()
	cfg := srv.Config()
	cfg.PlatformURL = "https://platform.example"
	client, err := roq.New(cfg, roq.WithTransport(func(http.RoundTripper) http.RoundTripper {
		return direct{srv.Handler()}
	}))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

type direct struct{ handler http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	return w.Result(), nil
}

// The invite is for the address that it was sent to.
func TestOnlyTheInviteeAccepts(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.invite(p.tokenOf(p.ann.ID), "john@x.org")
	john := p.AddUser(roqtest.User{TenantID: p.AddTenant("His own"), Email: "John@x.org"})
	for _, row := range []struct {
		user roqtest.User
		want string
	}{{p.ann, "USER_INVITE_ACCEPTANCE_FAILED 403"}, {john, "<nil> <nil>"}} {
		_, answer := p.graphQL(p.tokenOf(row.user.ID), `mutation($t: String!) { acceptUserInvite(acceptUserInvite: {token: $t}) { acceptedByUserId tenantId } }`, map[string]any{"t": p.Outbox()[0].Token})
		if got := refusal(answer); got != row.want {
			t.Errorf("%s accepts: %v, want %s", row.user.Email, answer, row.want)
		}
	}
	// They are a user of the inviting tenant now, so cannot be invited again.
	_, answer := p.graphQL(p.tokenOf(p.ann.ID), `mutation($data: UserInvitesCreateV2Dto!) { sendUserInvitesV2(data: $data) { errors { error } } }`,
		map[string]any{"data": map[string]any{"tenantId": p.tenant, "userInvites": []any{map[string]any{"createdByUserId": p.ann.ID, "email": "john@x.org"}}}})
	if got := fmt.Sprint(at(answer, "data", "sendUserInvitesV2", "errors", 0, "error")); !strings.Contains(got, "USER_ALREADY_EXISTS") {
		t.Errorf("inviting a user = %v", answer)
	}
}

// An expired invite cannot be brought back beside a pending one.
func TestNoSecondPendingInviteByResending(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	token := p.tokenOf(p.ann.ID)
	first := p.invite(token, "a@x.org")[0]
	if err := p.Expire(first); err != nil {
		t.Fatal(err)
	}
	p.invite(token, "a@x.org")
	if _, answer := p.graphQL(token, `mutation { resendUserInvite(id: "`+first+`") { status } }`, nil); refusal(answer) != "USER_ALREADY_INVITED 409" {
		t.Errorf("resending the expired one = %v", answer)
	}
}

// A variable of the wrong type is refused before it comes to an answer.
func TestVariablesOfTheWrongType(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	for document, variables := range map[string]map[string]any{
		`query($v: Int) { userInvites(limit: $v) { totalCount } }`: {"v": 1.5},
		`query($v: ID!) { userInvite(id: $v) { id } }`:             {"v": map[string]any{}},
	} {
		if status, answer := p.graphQL(p.serviceToken(), document, variables); status != 400 || answer["data"] != nil {
			t.Errorf("%s with %v: %d %v", document, variables, status, answer)
		}
	}
}
