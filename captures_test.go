package roq_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/graph-gophers/graphql-go"
	"github.com/graph-gophers/graphql-go/ast"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// capture is a request that one of the published SDKs really sent, and its
// documented answer. That of ROQ's own page has no answer.
type capture struct {
	Client    string `json:"client"`
	Operation string `json:"operation"`
	Request   struct {
		Method  string            `json:"method"`
		Path    string            `json:"path"`
		Headers map[string]string `json:"headers"`
		Body    struct {
			Query     string          `json:"query"`
			Variables json.RawMessage `json:"variables"`
		} `json:"body"`
		RawBody json.RawMessage `json:"-"`
	} `json:"request"`
	Response json.RawMessage `json:"response"`
}

// captures are the requests of the SDKs.
func captures(t *testing.T) []capture {
	t.Helper()
	return readCaptures(t, "roq-client-0.0.12.json", "roq-nodejs-1.0.20.json")
}

func readCaptures(t *testing.T, files ...string) []capture {
	t.Helper()
	var all []capture
	for _, file := range files {
		raw, err := os.ReadFile(filepath.Join("testdata", "captures", file))
		if err != nil {
			t.Fatal(err)
		}
		var found []capture
		var bodies []struct {
			Request struct {
				Body json.RawMessage `json:"body"`
			} `json:"request"`
		}
		if err := json.Unmarshal(raw, &found); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if err := json.Unmarshal(raw, &bodies); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for i := range found {
			found[i].Request.RawBody = bodies[i].Request.Body
		}
		all = append(all, found...)
	}
	return all
}

// ours makes the call that a capture shows, through this package.
func ours(t *testing.T, m *mock, c capture) error {
	t.Helper()
	platform := m.client.AsUser(userID)
	var v struct {
		Data struct {
			TenantID    string `json:"tenantId"`
			UserInvites []struct {
				CreatedByUserID string   `json:"createdByUserId"`
				Email           string   `json:"email"`
				Locale          string   `json:"locale"`
				Roles           []string `json:"roles"`
			} `json:"userInvites"`
			Token string `json:"token"`
		} `json:"data"`
		ID           string `json:"id"`
		UserInviteID string `json:"userInviteId"`
		Limit        int    `json:"limit"`
		Offset       int    `json:"offset"`
	}
	if len(c.Request.Body.Variables) > 0 {
		if err := json.Unmarshal(c.Request.Body.Variables, &v); err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	var err error
	switch c.Operation {
	case "sendUserInvites":
		in := roq.SendUserInvitesInput{TenantID: v.Data.TenantID}
		for _, i := range v.Data.UserInvites {
			in.UserInvites = append(in.UserInvites, roq.UserInviteInput{CreatedByUserID: i.CreatedByUserID, Email: i.Email, Locale: i.Locale, Roles: i.Roles})
		}
		_, err = platform.SendUserInvites(ctx, in)
		if c.Client == "@roq/client 0.0.12" {
			err = nil // its canned answer is about somebody else
		}
	case "resendUserInvite":
		_, err = platform.ResendUserInvite(ctx, v.UserInviteID)
	case "cancelUserInvite":
		_, err = platform.CancelUserInvite(ctx, v.UserInviteID)
	case "acceptUserInvite":
		_, err = platform.AcceptUserInvite(ctx, v.Data.Token)
	case "userInvite":
		_, err = platform.UserInvite(ctx, v.ID)
	case "userInvites":
		q := roq.UserInvitesQuery{Limit: v.Limit, Offset: v.Offset}
		if v.Offset != 0 { // the one that uses everything
			q.Filter = roq.UserInviteFilter{
				Email:  &roq.StringFilter{EqualTo: "wick.john@roq.tech"},
				Status: &roq.StringFilter{ValueIn: []string{"pending", "accepted"}},
			}
			q.Order = &roq.UserInviteOrder{Sort: roq.SortCreatedAt, Order: roq.Descending}
			q.Search = &roq.UserInviteSearch{Key: roq.SearchFirstName, Value: "jo"}
		}
		_, err = platform.UserInvites(ctx, q)
	case "": // a token request
		_, err = platform.UserInvites(ctx, roq.UserInvitesQuery{})
	default:
		t.Fatalf("no call for %q", c.Operation)
	}
	return err
}

// Every path, header and variable of the captured requests is what this package
// sends for the same call.
func TestCapturedRequests(t *testing.T) {
	t.Parallel()
	schema := graphql.MustParseSchema(roqtest.Schema(), nil, graphql.UseStringDescriptions())
	bearer := regexp.MustCompile(`^Bearer \S+$`)
	compared := 0
	for _, c := range captures(t) {
		compared++
		answer := string(c.Response)
		if c.Operation == "" {
			answer = `{"data":{"userInvites":{"data":[],"totalCount":0}}}`
		}
		m := newMock(t, jsonAnswer(200, answer), roq.WithSettleTimeout(0))
		if err := ours(t, m, c); err != nil {
			t.Errorf("%s %s: %v", c.Client, c.Operation, err)
		}
		want := c.Request
		if want.Path == "/v01/graphql" {
			// The browser's endpoint takes the same requests without the environment's
			// credentials; a server uses the server's.
			want.Path = "/v01/server/graphql"
		}
		var got *request
		for i := range m.requests {
			if m.requests[i].Path == want.Path {
				got = &m.requests[i]
			}
		}
		if got == nil || got.Method != want.Method {
			t.Errorf("%s %s: no %s %s among %d requests", c.Client, c.Operation, want.Method, want.Path, len(m.requests))
			continue
		}
		for name, value := range want.Headers {
			have := got.Header.Get(name)
			if value == "Bearer <access token>" {
				if !bearer.MatchString(have) {
					t.Errorf("%s %s: %s = %q, want a bearer token", c.Client, c.Operation, name, have)
				}
				continue
			}
			if have != value {
				t.Errorf("%s %s: %s = %q, want %q", c.Client, c.Operation, name, have, value)
			}
		}
		wantBody, gotBody := object(t, want.RawBody), object(t, []byte(got.Body))
		// A lifetime is sent only if the SDK's caller asks for one; here nobody can.
		delete(wantBody, "expiresIn")
		if id, ok := wantBody["userId"]; ok && id != userID {
			wantBody["userId"] = userID // another user, the same request
		}
		if query, ok := gotBody["query"].(string); ok {
			variables, _ := gotBody["variables"].(map[string]any)
			for _, err := range schema.ValidateWithVariables(query, variables) {
				t.Errorf("%s: our document: %v", c.Operation, err)
			}
			delete(gotBody, "query")
			delete(wantBody, "query")
		}
		if diff := cmp.Diff(wantBody, gotBody); diff != "" {
			t.Errorf("%s %s: body (-theirs +ours):\n%s", c.Client, c.Operation, diff)
		}
	}
	if compared != 16 {
		t.Errorf("%d captures were compared, want 16", compared)
	}
}

func object(t *testing.T, raw []byte) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal(raw, &o); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	return o
}

// Every document asks for every field that the schema gives an invite.
func TestDocumentsAskForEveryField(t *testing.T) {
	t.Parallel()
	schema := graphql.MustParseSchema(roqtest.Schema(), nil, graphql.UseStringDescriptions())
	model, ok := schema.AST().Types["UserInviteModel"].(*ast.ObjectTypeDefinition)
	if !ok || len(model.Fields) != 16 {
		t.Fatalf("UserInviteModel = %v, want 15 fields and a relation", model)
	}
	seen := make(map[string]bool)
	for _, schemaVersion := range []roq.Schema{roq.SchemaV1, roq.SchemaV2} {
		m := newMock(t, jsonAnswer(200, `{"data":null,"errors":[{"message":"no","extensions":{"code":"FORBIDDEN"}}]}`), roq.WithSchema(schemaVersion))
		p := m.client.AsUser(userID)
		_, _ = p.SendUserInvites(t.Context(), invitation("wick.john@roq.tech"))
		_, _ = p.ResendUserInvite(t.Context(), inviteID)
		_, _ = p.CancelUserInvite(t.Context(), inviteID)
		_, _ = p.AcceptUserInvite(t.Context(), inviteToken)
		_, _ = p.UserInvite(t.Context(), inviteID)
		_, _ = p.UserInvites(t.Context(), roq.UserInvitesQuery{})
		for _, r := range m.sent() {
			query, operation, variables := r.graphQL(t)
			seen[query] = true
			for _, err := range schema.ValidateWithVariables(query, variables) {
				t.Errorf("%s: %v", operation, err)
			}
			for _, field := range model.Fields {
				if len(field.Arguments) > 0 {
					continue // the relation to roles
				}
				if !regexp.MustCompile(`\b` + field.Name + `\b`).MatchString(query) {
					t.Errorf("%s does not ask for %s", operation, field.Name)
				}
			}
		}
	}
	if len(seen) != 7 {
		t.Errorf("%d documents were seen, want 7", len(seen))
	}
}

// What comes back is read into the documented values.
func TestCapturedAnswer(t *testing.T) {
	t.Parallel()
	m := newMock(t, answer("userInvite", invite))
	got, err := m.client.AsSuperAdmin().UserInvite(t.Context(), inviteID)
	if err != nil {
		t.Fatal(err)
	}
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	want := &roq.UserInvite{
		ID: inviteID, Email: "wick.john@roq.tech", Locale: "en-US", TenantID: "dc92f95d-42bd-45af-84a7-da227d694cbb",
		CreatedByUserID: "8b249b07-bdd9-43f7-a10e-ace10f27ff66", UserTokenID: "e9ff1946-6060-4917-911b-c571cd98466a",
		Status: roq.StatusPending, CreatedAt: at("2023-10-27T00:14:36.900Z"), UpdatedAt: at("2023-10-27T00:14:36.900Z"),
		StatusUpdatedAt: at("2022-08-10T09:02:18.579Z"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("UserInvite (-want +got):\n%s", diff)
	}
	if got.Data != nil || got.RoleKeys != nil {
		t.Errorf("null became Data = %q, RoleKeys = %v", got.Data, got.RoleKeys)
	}
}

// The captured requests themselves are answered by roqtest with the shape of the
// documented answers.
func TestRoqtestAnswersCapturedRequests(t *testing.T) {
	t.Parallel()
	for _, c := range captures(t) {
		if c.Operation == "" {
			continue
		}
		t.Run(c.Client+" "+c.Operation, func(t *testing.T) {
			t.Parallel()
			replay(t, c)
		})
	}
}

func replay(t *testing.T, c capture) {
	srv := roqtest.NewServer(roqtest.WithRepeatedInvites())
	defer srv.Close()
	inviter := srv.AddUser(roqtest.User{ID: userID, TenantID: tenantID, Email: "ann@acme.example"})
	client := newClient(t, srv.Config())
	in := invitation("wick.john@roq.tech")
	in.UserInvites[0].FirstName = "John"
	sent, err := client.AsUser(inviter.ID).SendUserInvites(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	session, err := client.ParseSession(srv.SessionToken(userID))
	if err != nil {
		t.Fatal(err)
	}
	body := string(c.Request.RawBody)
	for from, to := range map[string]string{
		`"offset": 20`: `"offset":0`, // there is one invite
		inviteID:       sent.Success[0].ID, "invite-token": srv.Outbox()[0].Token,
		`"tenantId": "t"`: `"tenantId":"` + tenantID + `"`, `"createdByUserId": "u"`: `"createdByUserId":"` + userID + `"`,
	} {
		body = regexp.MustCompile(regexp.QuoteMeta(from)).ReplaceAllString(body, to)
	}
	request, err := http.NewRequestWithContext(t.Context(), c.Request.Method, srv.URL+c.Request.Path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range c.Request.Headers {
		request.Header.Set(name, value)
	}
	request.Header.Set("roq-platform-authorization", "Bearer "+session.RoqAccessToken)
	if c.Operation == "acceptUserInvite" {
		// Not the inviter accepts, but the invitee.
		john := srv.AddUser(roqtest.User{TenantID: srv.AddTenant("His own"), Email: "wick.john@roq.tech"})
		if session, err = client.ParseSession(srv.SessionToken(john.ID)); err != nil {
			t.Fatal(err)
		}
		request.Header.Set("roq-platform-authorization", "Bearer "+session.RoqAccessToken)
	}
	if c.Request.Headers["roq-platform-server-authorization"] != "" {
		request.SetBasicAuth(srv.Config().EnvironmentID, srv.Config().APIKey)
		request.Header.Set("roq-platform-server-authorization", request.Header.Get("Authorization"))
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var got any
	if err := json.NewDecoder(response.Body).Decode(&got); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("status %d, %v", response.StatusCode, err)
	}
	var want any
	if err := json.Unmarshal(c.Response, &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(shape(want), shape(got)); diff != "" {
		t.Errorf("the answer's shape (-documented +roqtest):\n%s\n%v", diff, got)
	}
}

// shape keeps the names of a JSON value and forgets the values.
func shape(v any) any {
	switch v := v.(type) {
	case map[string]any:
		names := make(map[string]any)
		for name, value := range v {
			names[name] = shape(value)
		}
		return names
	case []any:
		if len(v) > 0 {
			if first := shape(v[0]); !isValue(first) {
				return []any{first}
			}
		}
		return "value"
	default:
		return "value"
	}
}

func isValue(v any) bool {
	s, ok := v.(string)
	return ok && s == "value"
}
