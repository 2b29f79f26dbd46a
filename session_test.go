package roq_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// sessionClaims is the payload of a session as @roq/nextjs makes it, changed as
// told; a nil value leaves a claim out.
func sessionClaims(changes jwt.MapClaims) jwt.MapClaims {
	now := time.Now()
	claims := jwt.MapClaims{
		"id": "session-1", "roqUserId": userID, "roqAccessToken": accessToken(time.Hour),
		"roqIdToken": signed("platform-secret", jwt.MapClaims{
			"tenantId": tenantID, "firstName": "Ann", "lastName": "Lee", "email": "ann@acme.example", "timezone": "Europe/Berlin",
			"locale": "en-US", "roles": []string{"admin", "editor"},
		}),
		"roqRefreshToken": "r", "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(365 * 24 * time.Hour).Unix(),
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

func parser(t *testing.T) *roq.Client {
	t.Helper()
	return newClient(t, config())
}

func TestParseSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		claims := sessionClaims(nil)
		got, err := parser(t).ParseSession(signed(apiKey, claims))
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now().UTC()
		want := &roq.Session{
			ID: "session-1", RoqUserID: userID, RoqAccessToken: claims["roqAccessToken"].(string), IssuedAt: now, ExpiresAt: now.Add(time.Hour),
			User: roq.SessionUser{FirstName: "Ann", LastName: "Lee", Email: "ann@acme.example", Timezone: "Europe/Berlin", Locale: "en-US",
				TenantID: tenantID, Roles: []string{"admin", "editor"}},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("ParseSession (-want +got):\n%s", diff)
		}
	})
}

// accessUntil is an access token whose exp is that value; nil leaves it out.
func accessUntil(exp any) string {
	claims := jwt.MapClaims{"roqUserId": userID}
	if exp != nil {
		claims["exp"] = exp
	}
	return signed("platform-secret", claims)
}

func TestSessionValidity(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := parser(t)
		now := time.Now().Unix()
		const day = 24 * 3600
		for name, row := range map[string]struct {
			changes jwt.MapClaims
			kind    error // nil is valid
		}{
			"as made":                       {nil, nil},
			"without id token":              {jwt.MapClaims{"roqIdToken": nil}, nil},
			"fractional exp":                {jwt.MapClaims{"exp": float64(now) + 0.5}, nil},
			"exp in milliseconds":           {jwt.MapClaims{"exp": (now + day) * 1000}, nil},
			"issued a little ahead":         {jwt.MapClaims{"iat": now + 299}, nil},
			"issued nearly 30 days ago":     {jwt.MapClaims{"iat": now - 30*day + 1}, nil},
			"issued 30 days ago":            {jwt.MapClaims{"iat": now - 30*day}, roq.ErrSessionExpired},
			"exp now":                       {jwt.MapClaims{"exp": now}, roq.ErrSessionExpired},
			"exp past":                      {jwt.MapClaims{"exp": now - 1}, roq.ErrSessionExpired},
			"access token's exp now":        {jwt.MapClaims{"roqAccessToken": accessUntil(now)}, roq.ErrSessionExpired},
			"access token's exp past":       {jwt.MapClaims{"roqAccessToken": accessUntil(now - 1)}, roq.ErrSessionExpired},
			"issued in the future":          {jwt.MapClaims{"iat": now + 301}, roq.ErrInvalidSession},
			"no iat":                        {jwt.MapClaims{"iat": nil}, roq.ErrInvalidSession},
			"no exp":                        {jwt.MapClaims{"exp": nil}, roq.ErrInvalidSession},
			"exp null":                      {jwt.MapClaims{"exp": json.RawMessage("null")}, roq.ErrInvalidSession},
			"exp a string":                  {jwt.MapClaims{"exp": "9999999999"}, roq.ErrInvalidSession},
			"exp 1e308":                     {jwt.MapClaims{"exp": 1e308}, roq.ErrInvalidSession},
			"exp negative":                  {jwt.MapClaims{"exp": -1}, roq.ErrInvalidSession},
			"exp by another name":           {jwt.MapClaims{"exp": nil, "EXP": now + day}, roq.ErrInvalidSession},
			"no access token":               {jwt.MapClaims{"roqAccessToken": nil}, roq.ErrInvalidSession},
			"access token no JWT":           {jwt.MapClaims{"roqAccessToken": "opaque"}, roq.ErrInvalidSession},
			"access token without exp":      {jwt.MapClaims{"roqAccessToken": accessUntil(nil)}, roq.ErrInvalidSession},
			"access token's exp a string":   {jwt.MapClaims{"roqAccessToken": accessUntil("1")}, roq.ErrInvalidSession},
			"access token with CR LF":       {jwt.MapClaims{"roqAccessToken": accessToken(time.Hour) + "\r\nEvil: 1"}, roq.ErrInvalidSession},
			"access token without user":     {jwt.MapClaims{"roqAccessToken": signed("k", jwt.MapClaims{"exp": now + day})}, roq.ErrInvalidSession},
			"id token no JWT":               {jwt.MapClaims{"roqIdToken": "opaque"}, roq.ErrInvalidSession},
			"exp by another name as well":   {jwt.MapClaims{"EXP": 1, "Exp": "x"}, nil},
			"access token's exp as well":    {jwt.MapClaims{"roqAccessToken": signedRaw(t, validAccess(`"EXP":1,`))}, nil},
			"exp zero":                      {jwt.MapClaims{"exp": 0}, roq.ErrInvalidSession},
			"exp over a time":               {jwt.MapClaims{"exp": int64(1) << 46}, roq.ErrInvalidSession},
			"exp an object":                 {jwt.MapClaims{"exp": jwt.MapClaims{}}, roq.ErrInvalidSession},
			"iat by another name":           {jwt.MapClaims{"iat": nil, "IAT": now}, roq.ErrInvalidSession},
			"iat a string":                  {jwt.MapClaims{"iat": "1"}, roq.ErrInvalidSession},
			"access token a number":         {jwt.MapClaims{"roqAccessToken": 7}, roq.ErrInvalidSession},
			"access token's exp twice":      {jwt.MapClaims{"roqAccessToken": signedRaw(t, validAccess(`"exp":1,`))}, roq.ErrInvalidSession},
			"access token's user twice":     {jwt.MapClaims{"roqAccessToken": signedRaw(t, validAccess(`"roqUserId":"x",`))}, roq.ErrInvalidSession},
			"access token's new name twice": {jwt.MapClaims{"roqAccessToken": signedRaw(t, validAccess(`"new":{"a":1,"a":1},`))}, roq.ErrInvalidSession},
			"access token not UTF-8":        {jwt.MapClaims{"roqAccessToken": signedRaw(t, validAccess("\"new\":\"\xff\","))}, roq.ErrInvalidSession},
			"access token with more":        {jwt.MapClaims{"roqAccessToken": signedRaw(t, validAccess("")+"x")}, roq.ErrInvalidSession},
			"access token null":             {jwt.MapClaims{"roqAccessToken": signedRaw(t, "null")}, roq.ErrInvalidSession},
			"access token padded":           {jwt.MapClaims{"roqAccessToken": accessToken(time.Hour) + "="}, roq.ErrInvalidSession},
			"access token of two parts":     {jwt.MapClaims{"roqAccessToken": accessToken(time.Hour)[:60]}, roq.ErrInvalidSession},
			"id token's tenant twice":       {jwt.MapClaims{"roqIdToken": signedRaw(t, `{"tenantId":"a","tenantId":"b"}`)}, roq.ErrInvalidSession},
			"id token by another name":      {jwt.MapClaims{"roqIdToken": nil, "RoqIdToken": "opaque"}, nil},
			"access token by another name":  {jwt.MapClaims{"roqAccessToken": nil, "ROQACCESSTOKEN": accessToken(time.Hour)}, roq.ErrInvalidSession},
		} {
			session, err := client.ParseSession(signed(apiKey, sessionClaims(row.changes)))
			if row.kind == nil && (err != nil || session.RoqUserID != userID) || row.kind != nil && (!errors.Is(err, row.kind) || session != nil) {
				t.Errorf("%s: %v, want %v", name, err, row.kind)
			}
		}
	})
}

func TestSessionMaxAge(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.SessionMaxAge = time.Minute
	client := newClient(t, cfg)
	if _, err := client.ParseSession(signed(apiKey, sessionClaims(jwt.MapClaims{"iat": time.Now().Add(-2 * time.Minute).Unix()}))); !errors.Is(err, roq.ErrSessionExpired) {
		t.Errorf("a session older than SessionMaxAge = %v, want ErrSessionExpired", err)
	}
}

// None of these is a session of this environment.
func TestBadSessionTokens(t *testing.T) {
	t.Parallel()
	client := parser(t)
	good := signed(apiKey, sessionClaims(nil))
	if _, err := client.ParseSession(good); err != nil {
		t.Fatal(err)
	}
	claims := encoded(t, sessionClaims(nil))
	if _, err := client.ParseSession(signedRaw(t, `{"new":1,`+claims[1:])); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(good, ".")
	sign := func(method jwt.SigningMethod, key any) string {
		token, err := jwt.NewWithClaims(method, sessionClaims(nil)).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	// The last two bits of a signature in base64 mean nothing.
	loose := good[:len(good)-1] + string(good[len(good)-1]+1)
	encode := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	for name, token := range map[string]string{
		"empty":              "",
		"a dot":              ".",
		"two parts":          parts[0] + "." + parts[1],
		"four parts":         good + ".x",
		"five parts":         good + ".x.y",
		"no signature":       parts[0] + "." + parts[1] + ".",
		"alg none":           sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType),
		"alg None":           encode(`{"alg":"None"}`) + "." + parts[1] + ".",
		"HS384":              sign(jwt.SigningMethodHS384, []byte(apiKey)),
		"HS512":              sign(jwt.SigningMethodHS512, []byte(apiKey)),
		"RS256 in name only": encode(`{"alg":"RS256"}`) + "." + parts[1] + "." + parts[2],
		"no alg":             encode(`{}`) + "." + parts[1] + "." + parts[2],
		"wrong key":          signed("another-key", sessionClaims(nil)),
		"empty key":          signed("", sessionClaims(nil)),
		"changed payload":    parts[0] + "." + encode(`{"id":"x"}`) + "." + parts[2],
		"a line feed inside": parts[0] + "." + parts[1][:10] + "\n" + parts[1][10:] + "." + parts[2],
		"a CR inside":        parts[0] + "." + parts[1] + "." + parts[2] + "\r",
		"CR LF inside":       parts[0] + "." + parts[1] + "." + parts[2][:10] + "\r\n" + parts[2][10:],
		"padding":            good + "=",
		"a padded header":    parts[0] + "=." + parts[1] + "." + parts[2],
		"a padded payload":   parts[0] + "." + parts[1] + "==." + parts[2],
		"a signed padding":   signedAs(t, parts[0]+"="+"."+parts[1]),
		"a signed CR LF":     signedAs(t, parts[0]+"."+parts[1]+"\r\n"),
		"loose last bits":    loose,
		"one part":           parts[1],
		"reversed":           parts[2] + "." + parts[1] + "." + parts[0],
		"exp twice":          signedRaw(t, `{"exp":1,`+claims[1:]),
		"exp twice, at last": signedRaw(t, claims[:len(claims)-1]+`,"exp":9999999999}`),
		"exp twice, escaped": signedRaw(t, `{"\u0065xp":1,`+claims[1:]),
		"user twice":         signedRaw(t, `{"roqUserId":"x",`+claims[1:]),
		"access token twice": signedRaw(t, `{"roqAccessToken":"x",`+claims[1:]),
		"unknown twice":      signedRaw(t, `{"new":{"a":1,"a":2},`+claims[1:]),
		"trailing bytes":     signedRaw(t, claims+"x"),
		"two payloads":       signedRaw(t, claims+claims),
		"a byte order mark":  signedRaw(t, "\ufeff"+claims),
		"not UTF-8":          signedRaw(t, "{\"new\":\"\xff\","+claims[1:]),
		"deep":               signedRaw(t, `{"new":`+strings.Repeat("[", 5000)),
		"a space":            " " + good,
		"standard base64":    parts[0] + "." + parts[1] + "." + strings.NewReplacer("-", "+", "_", "/").Replace(parts[2]) + "+",
		"over 8 KiB":         signed(apiKey, sessionClaims(jwt.MapClaims{"filler": strings.Repeat("x", 8<<10)})),
		"payload an array":   signedRaw(t, `[1]`),
		"payload null":       signedRaw(t, `null`),
		"payload no JSON":    signedRaw(t, `exp`),
		"NUL":                "\x00",
	} {
		session, err := client.ParseSession(token)
		if session != nil || !errors.Is(err, roq.ErrInvalidSession) {
			t.Errorf("%s: %+v, %v; want ErrInvalidSession", name, session, err)
		}
		if err != nil && len(token) > 20 && strings.Contains(err.Error(), token[:20]) {
			t.Errorf("%s: the error repeats the token: %v", name, err)
		}
	}
}

// encoded is the JSON of claims.
func encoded(t *testing.T, claims jwt.MapClaims) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return string(payload)
}

// validAccess is the payload of an access token that is good for an hour, with
// something before it.
func validAccess(before string) string {
	return "{" + before + fmt.Sprintf(`"roqUserId":%q,"exp":%d}`, userID, time.Now().Add(time.Hour).Unix())
}

// signedRaw signs a payload that is not a set of claims.
func signedRaw(tb testing.TB, payload string) string {
	tb.Helper()
	return signedAs(tb, base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`))+"."+base64.RawURLEncoding.EncodeToString([]byte(payload)))
}

// signedAs signs a header and a payload as they are.
func signedAs(t testing.TB, head string) string {
	t.Helper()
	signature, err := jwt.SigningMethodHS256.Sign(head, []byte(apiKey))
	if err != nil {
		t.Fatal(err)
	}
	return head + "." + base64.RawURLEncoding.EncodeToString(signature)
}

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

func TestWithoutAppURLThereIsNoSignIn(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.AppURL = ""
	client := newClient(t, cfg)
	r := visit()
	r.Header.Set("Accept", "text/html")
	w := httptest.NewRecorder()
	client.RequireSession(http.NotFoundHandler()).ServeHTTP(w, r)
	if w.Code != 401 {
		t.Errorf("status %d, want 401", w.Code)
	}
	if urls := []string{client.SignInURL(roq.SignInParams{}), client.SignUpURL(roq.SignInParams{}), client.SignOutURL()}; !slices.Equal(urls, []string{"", "", ""}) {
		t.Errorf("addresses = %q, want none", urls)
	}
	var none context.Context
	if _, ok := roq.SessionFromContext(none); ok {
		t.Error("no context has a session")
	}
	if _, ok := roq.SessionFromContext(t.Context()); ok {
		t.Error("a context without a session has one")
	}
}

func TestSignInAddresses(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.AppURL = "https://app.example/base/"
	client := newClient(t, cfg)
	for want, got := range map[string]string{
		"https://app.example/base/api/auth/login":                                      client.SignInURL(roq.SignInParams{}),
		"https://app.example/base/api/auth/logout":                                     client.SignOutURL(),
		"https://app.example/base/api/auth/signup?defaultLocale=de-DE&variantKey=dark": client.SignUpURL(roq.SignInParams{VariantKey: "dark", DefaultLocale: "de-DE"}),
		"https://app.example/base/api/auth/login?postLoginRedirect=%2Fa%3Fb%3Dc%26d":   client.SignInURL(roq.SignInParams{PostLoginRedirect: "/a?b=c&d"}),
	} {
		if got != want {
			t.Errorf("address = %s, want %s", got, want)
		}
	}
}
