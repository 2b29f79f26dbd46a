package roq_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/go-roq/roq"
)

func TestRequireSession(t *testing.T) {
	t.Parallel()
	token := signed(apiKey, sessionClaims(nil))
	expired := signed(apiKey, sessionClaims(jwt.MapClaims{"exp": 1}))
	page := func(r *http.Request) *http.Request {
		r.Header.Set("Accept", "text/html,application/xhtml+xml")
		return r
	}
	post := visit()
	post.Method = http.MethodPost
	fetched := page(visit())
	fetched.Header.Set("Sec-Fetch-Mode", "cors")
	navigated := visit()
	navigated.Header.Set("Sec-Fetch-Mode", "navigate")
	for name, row := range map[string]struct {
		request  *http.Request
		status   int
		code     string
		location string
	}{
		"with a session":   {visit("roq-session-token", token), 200, "", ""},
		"a script":         {visit(), 401, "NO_SESSION", ""},
		"an expired one":   {visit("roq-session-token", expired), 401, "SESSION_EXPIRED", ""},
		"a bad one":        {visit("roq-session-token", "bad"), 401, "TOKEN_MALFORMED", ""},
		"a form":           {page(post), 401, "NO_SESSION", ""},
		"a script's fetch": {fetched, 401, "NO_SESSION", ""},
		"a browser":        {page(visit()), 302, "", "https://app.example/api/auth/login?postLoginRedirect=%2Finvites%3Fpage%3D2"},
		"a new browser":    {navigated, 302, "", "https://app.example/api/auth/login?postLoginRedirect=%2Finvites%3Fpage%3D2"},
	} {
		served := false
		handler := parser(t).RequireSession(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			session, ok := roq.SessionFromContext(r.Context())
			served = ok && session.RoqUserID == userID
		}))
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, row.request)
		if w.Code != row.status || served != (row.status == 200) || w.Header().Get("Location") != row.location {
			t.Errorf("%s: status %d, Location %q, served %v", name, w.Code, w.Header().Get("Location"), served)
		}
		if row.status == 401 {
			var body struct{ Code, Message string }
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body.Code != row.code || body.Message == "" || w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("%s: %v, %s; want code %s", name, err, w.Body, row.code)
			}
		}
		if row.status != 200 && w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: a refusal could be cached", name)
		}
	}
}

// A page's address that a browser could take for another host's does not become
// the place to go after signing in.
func TestRedirectsStayLocal(t *testing.T) {
	t.Parallel()
	handler := parser(t).RequireSession(http.NotFoundHandler())
	for target, want := range map[string]string{
		"/a/b?c=d&e=f":             "/a/b?c=d&e=f",
		"//evil.example/x":         "/",
		"/%5Cevil.example":         "/%5Cevil.example", // stays escaped, so stays a path
		"https://evil.example/own": "/own",
	} {
		r := httptest.NewRequest(http.MethodGet, target, nil)
		r.Header.Set("Accept", "text/html")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		location, err := w.Result().Location()
		if err != nil || location.Query().Get("postLoginRedirect") != want || location.Host != "app.example" {
			t.Errorf("%s: redirected to %v, want back to %q", target, location, want)
		}
	}
}
