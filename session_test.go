package roq_test

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// visit is a request with those cookies, alternating names and values.
func visit(cookies ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/invites?page=2", nil)
	for i := 0; i < len(cookies); i += 2 {
		r.AddCookie(&http.Cookie{Name: cookies[i], Value: cookies[i+1]})
	}
	return r
}

func TestSessionCookie(t *testing.T) {
	t.Parallel()
	client := parser(t)
	plain, secure := signed(apiKey, sessionClaims(jwt.MapClaims{"id": "plain"})), signed(apiKey, sessionClaims(jwt.MapClaims{"id": "secure"}))
	for name, row := range map[string]struct {
		request *http.Request
		id      string
		kind    error
	}{
		"plain":             {visit("roq-session-token", plain), "plain", nil},
		"secure":            {visit("__Secure-roq-session-token", secure), "secure", nil},
		"both":              {visit("roq-session-token", plain, "__Secure-roq-session-token", secure), "secure", nil},
		"a bad secure one":  {visit("roq-session-token", plain, "__Secure-roq-session-token", "bad"), "", roq.ErrInvalidSession},
		"the first of two":  {visit("roq-session-token", plain, "roq-session-token", "bad"), "plain", nil},
		"none":              {visit("other", plain), "", roq.ErrNoSession},
		"no request at all": {nil, "", roq.ErrNoSession},
	} {
		session, err := client.Session(row.request)
		if row.kind != nil && (!errors.Is(err, row.kind) || session != nil) || row.kind == nil && (err != nil || session.ID != row.id) {
			t.Errorf("%s: %+v, %v; want %q, %v", name, session, err, row.id, row.kind)
		}
	}
}

func TestFetchSession(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	b.user = b.AddUser(roqtest.User{ID: b.user.ID, TenantID: b.tenant, Email: "ann@acme.example", FirstName: "Ann", Locale: "en-US", Roles: []string{"admin"}})
	token := b.SessionToken(b.user.ID)
	want, err := b.client.ParseSession(token)
	if err != nil {
		t.Fatal(err)
	}
	r := visit("roq-session-token", token, "tracking", "secret")
	r.Header.Set("Authorization", "Bearer secret")
	got, err := b.client.FetchSession(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("FetchSession (-ParseSession +FetchSession):\n%s", diff)
	}
	requests := b.Requests()
	sent := requests[len(requests)-1]
	if sent.Path != "/api/auth/session" || sent.Header.Get("Cookie") != "roq-session-token="+token || sent.Header.Get("Authorization") != "" ||
		sent.Header.Get("Roq-Platform-Server-Authorization") != "" || sent.Header.Get("X-Request-Id") == "" {
		t.Errorf("sent %+v, want the session cookie and nothing else of the visitor's", sent)
	}
}

func TestFetchSessionAnswers(t *testing.T) {
	t.Parallel()
	session := func(changes map[string]any) string {
		s := map[string]any{"id": "s", "roqAccessToken": accessToken(time.Hour), "roqUserId": userID, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
			"user": map[string]any{"tenantId": tenantID, "roles": nil}}
		maps.Copy(s, changes)
		body, err := json.Marshal(map[string]any{"session": s, "status": "authenticated"})
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	for name, row := range map[string]struct {
		answer httpmock.Responder
		kind   error // nil is a session
		sent   int
	}{
		"a session":           {jsonAnswer(200, session(nil)), nil, 1},
		"none":                {jsonAnswer(200, `{"session":null,"status":"unauthenticated"}`), roq.ErrNoSession, 1},
		"malformed":           {jsonAnswer(401, `{"code":"TOKEN_MALFORMED","message":"no"}`), roq.ErrInvalidSession, 1},
		"expired":             {jsonAnswer(401, `{"code":"SESSION_EXPIRED","message":"no"}`), roq.ErrSessionExpired, 1},
		"401 otherwise":       {jsonAnswer(401, ``), roq.ErrUnauthorized, 1},
		"expired by its exp":  {jsonAnswer(200, session(map[string]any{"exp": 1})), roq.ErrSessionExpired, 1},
		"no access token":     {jsonAnswer(200, session(map[string]any{"roqAccessToken": ""})), roq.ErrInvalidSession, 1},
		"no user":             {jsonAnswer(200, session(map[string]any{"roqUserId": ""})), roq.ErrInvalidSession, 1},
		"no iat":              {jsonAnswer(200, session(map[string]any{"iat": nil})), roq.ErrInvalidSession, 1},
		"a sign-in page":      {httpmock.NewStringResponder(200, "<html>"), roq.ErrUnavailable, 4},
		"something else":      {jsonAnswer(200, `{"user":1}`), roq.ErrUnavailable, 4},
		"exp of another type": {jsonAnswer(200, session(map[string]any{"exp": "soon"})), roq.ErrUnavailable, 4},
		"session twice":       {jsonAnswer(200, session(nil)[:len(session(nil))-1]+`,"session":null}`), roq.ErrUnavailable, 4},
		"by another name":     {jsonAnswer(200, strings.Replace(session(nil), `"session"`, `"Session"`, 1)), roq.ErrUnavailable, 4},
		"access exp twice":    {jsonAnswer(200, session(map[string]any{"roqAccessToken": signedRaw(t, validAccess(`"exp":1,`))})), roq.ErrInvalidSession, 1},
		"down":                {httpmock.NewStringResponder(503, ""), roq.ErrUnavailable, 4},
		"after a retry":       {inOrder(httpmock.NewStringResponder(503, ""), jsonAnswer(200, session(nil))), nil, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMock(t, row.answer, roq.WithRetry(roq.RetryPolicy{MinWait: time.Microsecond, MaxWait: time.Microsecond}))
			got, err := m.client.FetchSession(t.Context(), visit("roq-session-token", "x"))
			if row.kind == nil && (err != nil || got.User.TenantID != tenantID) || row.kind != nil && (!errors.Is(err, row.kind) || got != nil) {
				t.Errorf("FetchSession = %+v, %v; want %v", got, err, row.kind)
			}
			if len(m.sent()) != row.sent {
				t.Errorf("%d requests, want %d", len(m.sent()), row.sent)
			}
		})
	}
}

func TestFetchSessionAsksOnlyIfItCan(t *testing.T) {
	t.Parallel()
	m := newMock(t, jsonAnswer(200, `{}`))
	if _, err := m.client.FetchSession(t.Context(), visit()); !errors.Is(err, roq.ErrNoSession) {
		t.Errorf("without a cookie: %v, want ErrNoSession", err)
	}
	if _, err := m.client.FetchSession(t.Context(), nil); !errors.Is(err, roq.ErrNoSession) {
		t.Errorf("without a request: %v, want ErrNoSession", err)
	}
	if len(m.requests) != 0 {
		t.Errorf("%d requests were made", len(m.requests))
	}
	cfg := config()
	cfg.AppURL = ""
	if _, err := newClient(t, cfg).FetchSession(t.Context(), visit("roq-session-token", "x")); !errors.Is(err, roq.ErrInvalidInput) || !strings.Contains(err.Error(), "Config.AppURL") {
		t.Errorf("without AppURL: %v, want ErrInvalidInput that names it", err)
	}
}
