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
		"a bad secure one":  {visit("roq-session-token", plain, "__Secure-roq-session-token", "bad"), "plain", nil},
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

// cookieLines is a request with those Cookie headers.
func cookieLines(lines ...string) *http.Request {
	r := visit()
	r.Header["Cookie"] = lines
	return r
}

// Whatever else the browser keeps, the first cookie that is valid counts: a visitor
// who signs in again must not stay locked out.
func TestStaleSessionCookies(t *testing.T) {
	t.Parallel()
	client := parser(t)
	sign := func(id string, changes jwt.MapClaims) string {
		claims := sessionClaims(changes)
		claims["id"] = id
		return signed(apiKey, claims)
	}
	good, other := sign("good", nil), sign("other", nil)
	expired := sign("expired", jwt.MapClaims{"exp": 1})
	ended := sign("ended", jwt.MapClaims{"roqAccessToken": accessToken(-time.Hour)})
	foreign := signed("another-key", sessionClaims(nil))
	const plain, secure = "roq-session-token", "__Secure-roq-session-token"
	for name, row := range map[string]struct {
		request *http.Request
		id      string
		kind    error
	}{
		"expired first":                 {visit(plain, expired, plain, good), "good", nil},
		"expired last":                  {visit(plain, good, plain, expired), "good", nil},
		"access token ended first":      {visit(plain, ended, plain, good), "good", nil},
		"another environment's first":   {visit(plain, foreign, plain, good), "good", nil},
		"no JWT first":                  {visit(plain, "x", plain, good), "good", nil},
		"cut first":                     {visit(plain, good[:len(good)-5], plain, good), "good", nil},
		"too long first":                {visit(plain, strings.Repeat("x", 9<<10), plain, good), "good", nil},
		"emptied first":                 {visit(plain, "", plain, good), "good", nil},
		"quoted and emptied first":      {cookieLines(plain + `=""; ` + plain + "=" + good), "good", nil},
		"two before":                    {visit(plain, expired, plain, "x", plain, good), "good", nil},
		"one on each side":              {visit(plain, expired, plain, good, plain, "x"), "good", nil},
		"two valid":                     {visit(plain, good, plain, other), "good", nil},
		"two valid behind another":      {visit(plain, expired, plain, other, plain, good), "other", nil},
		"secure expired":                {visit(secure, expired, plain, good), "good", nil},
		"secure expired, behind":        {visit(plain, good, secure, expired), "good", nil},
		"secure emptied":                {visit(secure, "", plain, good), "good", nil},
		"secure foreign":                {visit(secure, foreign, plain, good), "good", nil},
		"plain expired":                 {visit(plain, expired, secure, good), "good", nil},
		"both names, the second secure": {visit(secure, expired, plain, other, secure, good), "good", nil},
		"all four":                      {visit(plain, expired, secure, expired, plain, good, secure, ""), "good", nil},
		"in two headers":                {cookieLines(plain+"="+expired, plain+"="+good), "good", nil},
		"names in two headers":          {cookieLines(secure+"="+expired, "a=b; "+plain+"="+good+"; c=d"), "good", nil},
		"quoted":                        {cookieLines(plain + `="` + expired + `"; ` + plain + `="` + good + `"`), "good", nil},
		"malformed cookies around it":   {cookieLines(`=;;a="b; ` + plain + `=\"; ` + plain + "=" + good), "good", nil},
		"others of a similar name":      {visit("roq-session-token2", other, "Roq-Session-Token", other, plain, good), "good", nil},
		"expired only":                  {visit(plain, expired), "", roq.ErrSessionExpired},
		"expired and no JWT":            {visit(plain, expired, plain, "x"), "", roq.ErrSessionExpired},
		"no JWT and expired":            {visit(plain, "x", plain, expired), "", roq.ErrSessionExpired},
		"secure foreign, plain expired": {visit(secure, foreign, plain, expired), "", roq.ErrSessionExpired},
		"no JWT and emptied":            {visit(plain, "x", plain, ""), "", roq.ErrInvalidSession},
		"emptied and no JWT":            {visit(secure, "", plain, "x"), "", roq.ErrInvalidSession},
		"emptied only":                  {visit(plain, ""), "", roq.ErrNoSession},
		"both emptied":                  {visit(plain, "", secure, ""), "", roq.ErrNoSession},
	} {
		session, err := client.Session(row.request)
		if row.kind == nil && (err != nil || session.ID != row.id) {
			t.Errorf("%s: %+v, %v; want %q", name, session, err, row.id)
		}
		for _, kind := range []error{roq.ErrNoSession, roq.ErrInvalidSession, roq.ErrSessionExpired} {
			if row.kind != nil && (session != nil || errors.Is(err, kind) != errors.Is(row.kind, kind)) {
				t.Errorf("%s: %+v, %v; want %v only", name, session, err, row.kind)
			}
		}
		served := false
		w := httptest.NewRecorder()
		client.RequireSession(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			s, ok := roq.SessionFromContext(r.Context())
			served = ok && s.ID == row.id
		})).ServeHTTP(w, row.request)
		if served != (row.kind == nil) {
			t.Errorf("%s: the page was served: %v, status %d", name, served, w.Code)
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

// The application sees one cookie at a time, so that it cannot take a stale one for
// the visitor's.
func TestFetchSessionOfSeveralCookies(t *testing.T) {
	t.Parallel()
	const plain, secure = "roq-session-token", "__Secure-roq-session-token"
	session, err := json.Marshal(map[string]any{"session": map[string]any{"id": "s", "roqAccessToken": accessToken(time.Hour), "roqUserId": userID,
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(), "user": map[string]any{"tenantId": tenantID}}})
	if err != nil {
		t.Fatal(err)
	}
	over := strings.Replace(string(session), `"exp":`, `"exp":1,"was":`, 1)
	// The application answers by the cookie's value.
	answers := map[string]httpmock.Responder{
		"good":    jsonAnswer(200, string(session)),
		"expired": jsonAnswer(401, `{"code":"SESSION_EXPIRED","message":"no"}`),
		"over":    jsonAnswer(200, over),
		"bad":     jsonAnswer(401, `{"code":"TOKEN_MALFORMED","message":"no"}`),
		"unknown": jsonAnswer(200, `{"session":null,"status":"unauthenticated"}`),
		"denied":  jsonAnswer(401, ``),
		"throws":  jsonAnswer(500, `{}`),
		"page":    httpmock.NewStringResponder(200, "<html>"),
		"sent":    httpmock.NewStringResponder(302, ""),
		"busy":    httpmock.NewStringResponder(503, ""),
		"limited": httpmock.NewStringResponder(429, ""),
		"cut":     httpmock.NewErrorResponder(errors.New("connection reset by peer")),
	}
	for name, row := range map[string]struct {
		request *http.Request
		kind    error // nil is a session
		sent    string
	}{
		"one":                         {visit(plain, "good"), nil, "good"},
		"expired first":               {visit(plain, "expired", plain, "good"), nil, "expired good"},
		"expired by its exp first":    {visit(plain, "over", plain, "good"), nil, "over good"},
		"malformed first":             {visit(plain, "bad", plain, "good"), nil, "bad good"},
		"unknown first":               {visit(plain, "unknown", plain, "good"), nil, "unknown good"},
		"denied first":                {visit(plain, "denied", plain, "good"), nil, "denied good"},
		"one that it throws at first": {visit(plain, "throws", plain, "good"), nil, "throws throws good"},
		"a page first":                {visit(plain, "page", plain, "good"), nil, "page page good"},
		"the sign-in page first":      {visit(plain, "sent", plain, "good"), nil, "sent good"},
		"emptied first":               {visit(plain, "", plain, "good"), nil, "good"},
		"a stale secure one":          {visit(plain, "good", secure, "expired"), nil, "expired good"},
		"good first":                  {visit(plain, "good", plain, "expired"), nil, "good"},
		"the same twice":              {visit(plain, "expired", plain, "expired"), roq.ErrSessionExpired, "expired"},
		"the same by two names":       {visit(plain, "unknown", secure, "unknown"), roq.ErrNoSession, "unknown unknown"},
		"expired and malformed":       {visit(plain, "expired", plain, "bad"), roq.ErrSessionExpired, "expired bad"},
		"unknown and expired":         {visit(plain, "unknown", plain, "expired"), roq.ErrSessionExpired, "unknown expired"},
		"unknown and malformed":       {visit(plain, "unknown", plain, "bad"), roq.ErrInvalidSession, "unknown bad"},
		"thrown at and expired":       {visit(plain, "throws", plain, "expired"), roq.ErrSessionExpired, "throws throws expired"},
		"unknown and thrown at":       {visit(plain, "unknown", plain, "throws"), roq.ErrUnavailable, "unknown throws throws"},
		// Nobody knows what it would say of the other one.
		"down":    {visit(plain, "busy", plain, "expired"), roq.ErrUnavailable, "busy busy"},
		"limited": {visit(plain, "expired", plain, "limited", plain, "good"), roq.ErrRateLimited, "expired limited limited"},
		"cut":     {visit(plain, "cut", plain, "good"), roq.ErrUnavailable, "cut cut"},
		"too many": {visit(plain, "bad", plain, "expired", plain, "over", plain, "unknown", secure, "bad", secure, "expired", secure, "over", secure, "unknown",
			plain, "good"), roq.ErrSessionExpired, "bad expired over unknown bad expired over unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent []string
			m := newMock(t, func(r *http.Request) (*http.Response, error) {
				cookies := r.Cookies()
				if len(cookies) != 1 {
					t.Fatalf("the application was sent %v, want one cookie", cookies)
				}
				sent = append(sent, cookies[0].Value)
				return answers[cookies[0].Value](r)
			}, roq.WithRetry(roq.RetryPolicy{MaxAttempts: 2, MinWait: time.Microsecond, MaxWait: time.Microsecond}))
			got, err := m.client.FetchSession(t.Context(), row.request)
			if row.kind == nil && (err != nil || got.User.TenantID != tenantID) || row.kind != nil && (!errors.Is(err, row.kind) || got != nil) {
				t.Errorf("FetchSession = %+v, %v; want %v", got, err, row.kind)
			}
			if all := strings.Join(sent, " "); all != row.sent {
				t.Errorf("the application was asked about %q, want %q", all, row.sent)
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
