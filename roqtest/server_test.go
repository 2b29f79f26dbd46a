package roqtest_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// platform is a Server with a tenant and a user, asked by hand.
type platform struct {
	*roqtest.Server
	t      *testing.T
	tenant string
	ann    roqtest.User
}

func newPlatform(t *testing.T, opts ...roqtest.Option) *platform {
	t.Helper()
	srv := roqtest.NewServer(opts...)
	t.Cleanup(srv.Close)
	p := &platform{Server: srv, t: t, tenant: srv.AddTenant("Acme")}
	p.ann = srv.AddUser(roqtest.User{TenantID: p.tenant, Email: "ann@acme.example", FirstName: "Ann", Roles: []string{"admin"}})
	return p
}

func (p *platform) basic() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(p.Config().EnvironmentID+":"+p.Config().APIKey))
}

// post sends JSON and reads JSON.
func (p *platform) post(path string, header http.Header, body any) (int, map[string]any) {
	p.t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.URL+path, bytes.NewReader(encoded))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header = header.Clone()
	return p.do(req)
}

func (p *platform) do(req *http.Request) (int, map[string]any) {
	p.t.Helper()
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var answer map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		p.t.Fatalf("status %d, %v", resp.StatusCode, err)
	}
	return resp.StatusCode, answer
}

// serviceToken asks for the service account's token.
func (p *platform) serviceToken() string {
	p.t.Helper()
	cfg := p.Config()
	_, answer := p.post("/v01/authorize/serviceAccount", http.Header{}, map[string]string{
		"email": "project-service-account@roq.tech", "environmentId": cfg.EnvironmentID, "apiKey": cfg.APIKey,
	})
	token, _ := answer["accessToken"].(string)
	return token
}

func (p *platform) userTokens(userID string, extra map[string]any) (int, map[string]any) {
	p.t.Helper()
	body := map[string]any{"environmentId": p.Config().EnvironmentID, "apiKey": p.Config().APIKey, "userId": userID}
	for name, value := range extra {
		body[name] = value
	}
	return p.post("/v01/authorize", http.Header{"Roq-Platform-Authorization": {"Bearer " + p.serviceToken()}}, body)
}

func (p *platform) tokenOf(userID string) string {
	p.t.Helper()
	_, answer := p.userTokens(userID, nil)
	token, _ := answer["accessToken"].(string)
	return token
}

// graphQL executes a document as the bearer of a token.
func (p *platform) graphQL(token, query string, variables map[string]any) (int, map[string]any) {
	p.t.Helper()
	return p.post("/v01/server/graphql", http.Header{
		"Roq-Platform-Authorization": {"Bearer " + token}, "Roq-Platform-Server-Authorization": {p.basic()},
	}, map[string]any{"query": query, "variables": variables})
}

// at walks a JSON value by names and indexes.
func at(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			list, _ := v.([]any)
			if step >= len(list) {
				return nil
			}
			v = list[step]
		}
	}
	return v
}

// refusal is the code and status inside the first GraphQL error.
func refusal(answer map[string]any) string {
	return fmt.Sprintf("%v %v", at(answer, "errors", 0, "extensions", "response", "errorCode"), at(answer, "errors", 0, "extensions", "response", "statusCode"))
}

// invite sends one invite per address and returns the ids of those made.
func (p *platform) invite(token string, emails ...string) []string {
	p.t.Helper()
	var inputs []any
	for i, email := range emails {
		inputs = append(inputs, map[string]any{"createdByUserId": p.ann.ID, "email": email, "firstName": fmt.Sprintf("First%d", i), "locale": "en-US"})
	}
	_, answer := p.graphQL(token, `mutation($data: UserInvitesCreateV2Dto!) { sendUserInvitesV2(data: $data) { success { id } errors { email error firstName lastName } } }`,
		map[string]any{"data": map[string]any{"tenantId": p.tenant, "userInvites": inputs}})
	var ids []string
	success, _ := at(answer, "data", "sendUserInvitesV2", "success").([]any)
	for _, one := range success {
		ids = append(ids, at(one, "id").(string))
	}
	if len(success) == 0 {
		p.t.Fatalf("nothing was sent: %v", answer)
	}
	return ids
}

// A user sees and changes only what is their tenant's.
func TestTenantsAreApart(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	id := p.invite(p.tokenOf(p.ann.ID), "a@x.org")[0]
	al := p.AddUser(roqtest.User{TenantID: p.AddTenant("Umbrella"), Email: "al@umbrella.example"})
	stranger := p.tokenOf(al.ID)
	for _, document := range []string{
		`{ done: userInvite(id: "` + id + `") { id } }`,
		`mutation { done: resendUserInvite(id: "` + id + `") { id } }`,
		`mutation { done: cancelUserInvite(id: "` + id + `") { id } }`,
	} {
		if _, answer := p.graphQL(stranger, document, nil); refusal(answer) != "USER_INVITATION_NOT_FOUND 404" || at(answer, "data", "done") != nil {
			t.Errorf("%s = %v", document, answer)
		}
		if _, answer := p.graphQL(p.serviceToken(), document, nil); at(answer, "data", "done", "id") != id {
			t.Errorf("the service account: %s = %v", document, answer)
		}
	}
	if _, answer := p.graphQL(stranger, `{ userInvites { totalCount } }`, nil); at(answer, "data", "userInvites", "totalCount") != 0.0 {
		t.Errorf("another tenant's list = %v", answer)
	}
}

func (p *platform) get(path string, header http.Header) *http.Response {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.URL+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header = header
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

func TestRequestsAreKept(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	token := p.serviceToken()
	for _, document := range []string{
		`query named($limit: Int) { userInvites(limit: $limit) { totalCount } }`,
		`{ userInvites { totalCount } }`,
		`mutation other { cancelUserInvite(id: "x") { id } }`,
	} {
		p.graphQL(token, document, map[string]any{"limit": 3})
	}
	var names []string
	for _, r := range p.Requests() {
		names = append(names, r.Method+" "+r.Path+" "+r.Operation)
	}
	want := []string{"POST /v01/authorize/serviceAccount authorizeServiceAccount", "POST /v01/server/graphql named", "POST /v01/server/graphql userInvites", "POST /v01/server/graphql other"}
	if !slices.Equal(names, want) {
		t.Errorf("requests = %q, want %q", names, want)
	}
	last := p.Requests()[1]
	if string(last.Variables) != `{"limit":3}` || last.Header.Get("Roq-Platform-Authorization") != "Bearer "+token || last.At.IsZero() {
		t.Errorf("request = %+v", last)
	}
}

func TestOperationsAreNamed(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	for document, want := range map[string]string{
		`{ alias: userInvites { totalCount } }`:                                                       "userInvites",
		"# the query below\nquery real { userInvites { totalCount } }":                                "real",
		`query($f: UserInviteFilterArgType = {email: {}}) { userInvites(filter: $f) { totalCount } }`: "userInvites",
		`fragment f on UserInvitePageModel { totalCount } { userInvites { ...f } }`:                   "userInvites",
		`{ checkUserInviteToken(token: "query zz") { isValid } }`:                                     "checkUserInviteToken",
		`no GraphQL`: "",
	} {
		p.graphQL("x", document, nil)
		if all := p.Requests(); all[len(all)-1].Operation != want {
			t.Errorf("%s is called %q, want %q", document, all[len(all)-1].Operation, want)
		}
	}
}

// What a Server hands out is the caller's own.
func TestNothingIsShared(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.invite(p.tokenOf(p.ann.ID), "a@x.org")
	p.ann.Roles[0] = "changed"
	p.Invites()[0].RoleKeys[0] = "changed"
	p.Requests()[0].Header.Set("Content-Type", "changed")
	p.Outbox()[0].To = "changed"
	p.invite(p.tokenOf(p.ann.ID), "b@x.org")
	for _, i := range p.Invites() {
		if i.RoleKeys[0] != "admin" {
			t.Errorf("roles = %v, want the inviter's", i.RoleKeys)
		}
	}
	if p.Requests()[0].Header.Get("Content-Type") == "changed" || p.Outbox()[0].To == "changed" {
		t.Error("a change reached the platform")
	}
}

// A user whose address changes frees the old one.
func TestUsersAreReplaced(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.AddUser(roqtest.User{ID: p.ann.ID, TenantID: p.tenant, Email: "ann.lee@acme.example"})
	if ids := p.invite(p.tokenOf(p.ann.ID), "ann@acme.example"); len(ids) != 1 {
		t.Error("the old address could not be invited")
	}
}

func TestCloseEndsDelays(t *testing.T) {
	t.Parallel()
	srv := roqtest.NewServer()
	srv.Inject(roqtest.Fault{Delay: time.Hour})
	arrived := make(chan error)
	go func() {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/api/auth/session", nil)
		if err == nil {
			var resp *http.Response
			if resp, err = http.DefaultTransport.RoundTrip(req); err == nil {
				_ = resp.Body.Close()
			}
		}
		arrived <- err
	}()
	for len(srv.Requests()) == 0 {
		runtime.Gosched()
	}
	srv.Close()
	srv.Close() // once more does no harm
	if err := <-arrived; err == nil {
		t.Error("a delayed request was answered after Close")
	}
}

// Everything at once: run with the race detector.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	client, err := roq.New(p.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			platform := client.AsUser(p.ann.ID)
			sent, err := platform.SendUserInvites(t.Context(), roq.SendUserInvitesInput{TenantID: p.tenant, UserInvites: []roq.UserInviteInput{{Email: fmt.Sprintf("p%d@x.org", i)}}})
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := platform.ResendUserInvite(t.Context(), sent.Success[0].ID); err != nil {
				t.Error(err)
			}
			for _, err := range platform.AllUserInvites(t.Context(), roq.UserInvitesQuery{}) {
				if err != nil {
					t.Error(err)
				}
			}
			p.AddUser(roqtest.User{TenantID: p.AddTenant("T"), Email: "x@y.org"})
			p.Inject(roqtest.Fault{Operation: "nothing"})
			_, _, _ = p.Requests(), p.Outbox(), p.Invites()
			if _, err := platform.CancelUserInvite(t.Context(), sent.Success[0].ID); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := len(p.Outbox()); got != 32 {
		t.Errorf("%d e-mails, want 32", got)
	}
}
