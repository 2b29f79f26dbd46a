package roqtest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

func TestSessionEndpoint(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	session := func(cookie string) (int, string) {
		resp := p.get("/api/auth/session", http.Header{"Cookie": {cookie}})
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	good := p.SessionToken(p.ann.ID)
	for name, cookie := range map[string]string{"plain": "roq-session-token=" + good, "secure": "roq-session-token=bad; __Secure-roq-session-token=" + good} {
		status, body := session(cookie)
		if status != 200 || !strings.Contains(body, `"status":"authenticated"`) || !strings.Contains(body, p.ann.ID) || !strings.Contains(body, p.tenant) {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	if status, body := session(""); status != 200 || body != `{"session":null,"status":"unauthenticated"}` {
		t.Errorf("without a cookie: %d %s", status, body)
	}
	if status, body := session("roq-session-token=bad"); status != 401 || !strings.Contains(body, "TOKEN_MALFORMED") {
		t.Errorf("a bad cookie: %d %s", status, body)
	}
	p.RevokeTokens()
	if status, body := session("roq-session-token=" + good); status != 401 || !strings.Contains(body, "SESSION_EXPIRED") {
		t.Errorf("a revoked session: %d %s", status, body)
	}
	if token := p.SessionToken(uuid.NewString()); token != "" {
		t.Errorf("nobody's session token = %q", token)
	}
}

// A visitor whose session is fetched anew has new tokens, in the answer and in the cookie.
func TestRefetchSession(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	refetch := func(cookie string) (*http.Response, map[string]any) {
		resp := p.get("/api/auth/refetch-session", http.Header{"Cookie": {cookie}})
		var body map[string]any
		if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
			t.Fatal(err)
		}
		return resp, body
	}
	client, err := roq.New(p.Config())
	if err != nil {
		t.Fatal(err)
	}
	good := p.SessionToken(p.ann.ID)
	before, err := client.ParseSession(good)
	if err != nil {
		t.Fatal(err)
	}
	resp, body := refetch("roq-session-token=" + good)
	if resp.StatusCode != 200 || body["status"] != "authenticated" || at(body, "session", "user", "tenantId") != p.tenant || len(resp.Cookies()) != 1 {
		t.Fatalf("refetch-session = %d %v, cookies %v", resp.StatusCode, body, resp.Cookies())
	}
	after, err := client.ParseSession(resp.Cookies()[0].Value)
	if err != nil || after.RoqAccessToken == before.RoqAccessToken || after.RoqAccessToken != at(body, "session", "roqAccessToken") {
		t.Errorf("the cookie's access token = %v, %v, want the answer's, a new one", after, err)
	}
	if resp, body := refetch(""); resp.StatusCode != 200 || body["status"] != "unauthenticated" || len(resp.Cookies()) != 0 {
		t.Errorf("without a cookie: %d %v", resp.StatusCode, body)
	}
	if resp, body := refetch("roq-session-token=bad"); resp.StatusCode != 401 || body["code"] != "TOKEN_MALFORMED" || len(resp.Cookies()) != 0 {
		t.Errorf("a bad cookie: %d %v", resp.StatusCode, body)
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	client, err := roq.New(p.Config())
	if err != nil {
		t.Fatal(err)
	}
	for back, want := range map[string]string{
		"":                           "/",
		"/invites?page=2":            "/invites?page=2",
		"http://127.0.0.1:8080/x":    "http://127.0.0.1:8080/x",
		"http://localhost/x":         "http://localhost/x",
		"https://evil.example/":      "/",
		"//evil.example/":            "/",
		`/\evil.example`:             "/",
		"javascript:alert(1)":        "/",
		"http://127.0.0.1.evil.com/": "/",
	} {
		resp := p.get("/api/auth/login?"+url.Values{"user": {p.ann.Email}, "postLoginRedirect": {back}}.Encode(), http.Header{})
		if got := resp.Header.Get("Location"); resp.StatusCode != 302 || got != want {
			t.Errorf("after signing in for %q: %d to %q, want %q", back, resp.StatusCode, got, want)
		}
		session, err := client.ParseSession(resp.Cookies()[0].Value)
		if err != nil || session.RoqUserID != p.ann.ID || !resp.Cookies()[0].HttpOnly {
			t.Errorf("the cookie holds %v, %v", session, err)
		}
	}
	if resp := p.get("/api/auth/signup?user="+p.ann.ID, http.Header{}); len(resp.Cookies()) != 1 {
		t.Error("signing up by id gave no session")
	}
	for path, want := range map[string]string{"/api/auth/login?postLoginRedirect=%22%3E%3Cscript%3E": "ann@acme.example", "/api/auth/login?user=nobody": "no such user"} {
		resp := p.get(path, http.Header{})
		body, err := io.ReadAll(resp.Body)
		if err != nil || len(resp.Cookies()) != 0 || !strings.Contains(string(body), want) || strings.Contains(string(body), "<script>") {
			t.Errorf("%s = %s", path, body)
		}
	}
	if resp := p.get("/api/auth/logout", http.Header{}); resp.StatusCode != 302 || len(resp.Cookies()) != 2 || resp.Cookies()[0].MaxAge >= 0 {
		t.Errorf("signing out = %d %v", resp.StatusCode, resp.Cookies())
	}
}

func TestUserQuery(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	al := p.AddUser(roqtest.User{TenantID: p.AddTenant("Umbrella"), Email: "al@umbrella.example"})
	find := func(authorization, q string) string {
		resp := p.get("/api/model/user/findMany?"+url.Values{"q": {q}}.Encode(), http.Header{"Authorization": {authorization}})
		var answer map[string]any
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		if e := at(answer, "error", "code"); e != nil {
			return fmt.Sprint(resp.StatusCode, " ", e)
		}
		var emails []string
		for _, row := range at(answer, "data").([]any) {
			emails = append(emails, at(row, "email").(string))
		}
		slices.Sort(emails)
		return strings.Join(emails, " ")
	}
	visitor := "Bearer " + p.SessionToken(al.ID)
	for name, row := range map[string]struct{ got, want string }{
		"all":              {find(p.basic(), ""), "al@umbrella.example ann@acme.example"},
		"by address":       {find(p.basic(), `{"where":{"email":{"equals":"ann@acme.example"}}}`), "ann@acme.example"},
		"by both":          {find(p.basic(), `{"where":{"email":{"equals":"ann@acme.example"},"tenant_id":{"equals":"`+al.TenantID+`"}}}`), ""},
		"by roqUserId":     {find(p.basic(), `{"where":{"roq_user_id":{"equals":"`+al.ID+`"}}}`), "al@umbrella.example"},
		"a visitor":        {find(visitor, ""), "al@umbrella.example"},
		"a visitor's q":    {find(visitor, `{"where":{"email":{"equals":"ann@acme.example"}}}`), ""},
		"nobody":           {find("", ""), "401 UNAUTHORIZED"},
		"a bad session":    {find("Bearer x", ""), "401 UNAUTHORIZED"},
		"no JSON":          {find(p.basic(), "{"), "400 BAD_REQUEST"},
		"an operator":      {find(p.basic(), `{"where":{"email":{"contains":"x"}}}`), "400 BAD_REQUEST"},
		"a parameter":      {find(p.basic(), `{"take":1}`), "400 BAD_REQUEST"},
		"null":             {find(p.basic(), `{"where":{"email":{"equals":null}}}`), ""},
		"an unknown field": {find(p.basic(), `{"where":{"color":{"equals":"red"}}}`), "422 UNKNOWN_FIELD"},
	} {
		if row.got != row.want {
			t.Errorf("%s: %q, want %q", name, row.got, row.want)
		}
	}
}
