package interop_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// nextjs starts the package's session code with the environment of a platform.
func nextjs(t *testing.T, srv *roqtest.Server, env ...string) *process {
	t.Helper()
	cfg := srv.Config()
	return start(t, "nextjs.mjs", append(env, "ROQ_PLATFORM_URL="+cfg.PlatformURL, "ROQ_ENVIRONMENT_ID="+cfg.EnvironmentID, "ROQ_API_KEY="+cfg.APIKey)...)
}

func newClient(t *testing.T, cfg roq.Config) *roq.Client {
	t.Helper()
	client, err := roq.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// sameSession compares a session as both sides read it, field by field.
func sameSession(t *testing.T, ours *roq.Session, theirs map[string]any) {
	t.Helper()
	want := plain(t, ours, true).(map[string]any)
	want["iat"] = float64(ours.IssuedAt.Unix())
	delete(want, "issuedAt")
	delete(want, "expiresAt") // the earliest of three ends; theirs is one of them
	for _, name := range []string{"exp", "roqIdToken", "roqRefreshToken"} {
		delete(theirs, name)
	}
	same(t, "the session", theirs, want)
}

// payload is the content of roqtest's own token for the user, for tests to change.
func payload(t *testing.T, srv *roqtest.Server, userID string, changes jwt.MapClaims) jwt.MapClaims {
	t.Helper()
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(srv.SessionToken(userID), claims); err != nil {
		t.Fatal(err)
	}
	for name, value := range changes {
		claims[name] = value
		if value == nil {
			delete(claims, name)
		}
	}
	return claims
}

func signed(t *testing.T, method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
	t.Helper()
	token, err := jwt.NewWithClaims(method, claims).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// Tokens that @roq/nextjs mints are sessions here, with every field as the
// package itself reads it; and the tokens of roqtest are sessions to the package.
func TestSessionsBothWays(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	js, client := nextjs(t, s.Server), newClient(t, s.Config())
	own := payload(t, s.Server, ann, nil)
	var minted struct{ Token string }
	js.must(t, &minted, "mint", own["roqAccessToken"], own["roqIdToken"], own["roqRefreshToken"])
	var signedByThem string
	js.must(t, &signedByThem, "sign", own)
	for name, token := range map[string]string{"minted": minted.Token, "signed": signedByThem, "roqtest's": s.SessionToken(ann)} {
		t.Run(name, func(t *testing.T) {
			var theirs map[string]any
			js.must(t, &theirs, "judge", token)
			ours, err := client.ParseSession(token)
			if err != nil || theirs == nil {
				t.Fatalf("the package says %+v, we say %v; want a session", theirs, err)
			}
			if ours.User.Email != "ann@acme.example" || ours.User.TenantID != acme {
				t.Errorf("we read %+v", ours.User)
			}
			sameSession(t, ours, theirs)
		})
	}
}

// Of any other token both say the same, except where the package is known to be
// lenient or to fail.
func TestSessionsJudgedAlike(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	js, client := nextjs(t, s.Server), newClient(t, s.Config())
	key, now := []byte(s.Config().APIKey), time.Now()
	access := func(expires time.Time) string {
		return signed(t, jwt.SigningMethodHS256, []byte("platform"), jwt.MapClaims{"roqUserId": ann, "exp": expires.Unix()})
	}
	with := func(changes jwt.MapClaims) string {
		return signed(t, jwt.SigningMethodHS256, key, payload(t, s.Server, ann, changes))
	}
	plainClaims := payload(t, s.Server, ann, nil)
	for name, test := range map[string]struct {
		token string
		// theirs and ours are whether it is a session to the package and to us.
		theirs, ours bool
		// throws is set where the package's own code fails.
		throws bool
	}{
		"valid":                      {token: with(nil), theirs: true, ours: true},
		"no refresh token":           {token: with(jwt.MapClaims{"roqRefreshToken": nil}), theirs: true, ours: true},
		"no exp":                     {token: with(jwt.MapClaims{"exp": nil})},
		"no iat":                     {token: with(jwt.MapClaims{"iat": nil})},
		"expired":                    {token: with(jwt.MapClaims{"exp": now.Add(-time.Minute).Unix()})},
		"older than 30 days":         {token: with(jwt.MapClaims{"iat": now.AddDate(0, 0, -31).Unix()})},
		"29 days old":                {token: with(jwt.MapClaims{"iat": now.AddDate(0, 0, -29).Unix()}), theirs: true, ours: true},
		"an end in milliseconds":     {token: with(jwt.MapClaims{"exp": now.Unix() * 1000}), theirs: true, ours: true},
		"an expired access token":    {token: with(jwt.MapClaims{"roqAccessToken": access(now.Add(-time.Minute))})},
		"an access token for now":    {token: with(jwt.MapClaims{"roqAccessToken": access(now.Add(time.Hour))}), theirs: true, ours: true},
		"an access token without":    {token: with(jwt.MapClaims{"roqAccessToken": signed(t, jwt.SigningMethodHS256, key, jwt.MapClaims{"roqUserId": ann})})},
		"another key":                {token: signed(t, jwt.SigningMethodHS256, []byte("another"), plainClaims)},
		"no signature":               {token: signed(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, plainClaims)},
		"no JWT":                     {token: "no.jwt"},
		"a changed payload":          {token: with(nil)[:60] + "A" + with(nil)[61:]},
		"HS384, which ours refuses":  {token: signed(t, jwt.SigningMethodHS384, key, plainClaims), theirs: true},
		"no id token, which ours is": {token: with(jwt.MapClaims{"roqIdToken": nil}), throws: true, ours: true},
		"no access token":            {token: with(jwt.MapClaims{"roqAccessToken": nil}), throws: true},
	} {
		t.Run(name, func(t *testing.T) {
			a := js.call(t, "judge", test.token)
			if throws := a.Error != nil; throws != test.throws {
				t.Errorf("the package fails with %+v", a.Error)
			}
			if valid := a.Error == nil && string(a.Data) != "null"; valid != test.theirs {
				t.Errorf("the package says %s", a.Data)
			}
			if _, err := client.ParseSession(test.token); (err == nil) != test.ours {
				t.Errorf("we say %v", err)
			}
		})
	}
}

// The cookies that the package writes are read, the secure one too.
func TestSessionCookies(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	client := newClient(t, s.Config())
	for secure, want := range map[string]string{"false": "roq-session-token", "true": "__Secure-roq-session-token"} {
		var name string
		nextjs(t, s.Server, "ROQ_SESSION_COOKIE_SECURE="+secure).must(t, &name, "cookie", s.SessionToken(ann))
		if name != want {
			t.Errorf("the package writes %q, want %q", name, want)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://app.example/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(&http.Cookie{Name: name, Value: s.SessionToken(ann)})
		if session, err := client.Session(r); err != nil || session.RoqUserID != ann {
			t.Errorf("Session with the cookie %s = %v, %v", name, session, err)
		}
	}
}

// FetchSession asks an application that has the package's session endpoint.
func TestSessionEndpoint(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	js, cfg := nextjs(t, s.Server), s.Config()
	js.must(t, &cfg.AppURL, "listen")
	client := newClient(t, cfg)
	expired := signed(t, jwt.SigningMethodHS256, []byte(cfg.APIKey), payload(t, s.Server, ann, jwt.MapClaims{
		"roqAccessToken": signed(t, jwt.SigningMethodHS256, []byte("x"), jwt.MapClaims{"roqUserId": ann, "exp": time.Now().Add(-time.Hour).Unix()}),
	}))
	for _, test := range []struct {
		name, cookie, token string
		want                error
	}{
		{"a session", "roq-session-token", s.SessionToken(ann), nil},
		{"no session", "roq-session-token", "", roq.ErrNoSession},
		{"a session that has expired", "roq-session-token", expired, roq.ErrSessionExpired},
		{"no token of its own", "roq-session-token", "no.jwt", roq.ErrInvalidSession},
		// The package writes this name and does not read it.
		{"the secure cookie", "__Secure-roq-session-token", s.SessionToken(ann), roq.ErrNoSession},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://app.example/", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.AddCookie(&http.Cookie{Name: test.cookie, Value: test.token})
			got, err := client.FetchSession(t.Context(), r)
			if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
				t.Fatalf("FetchSession = %v, want %v", err, test.want)
			}
			if err != nil {
				return
			}
			local, err := client.Session(r)
			if err != nil {
				t.Fatal(err)
			}
			if got.RoqUserID != local.RoqUserID || got.ID != local.ID || got.RoqAccessToken != local.RoqAccessToken || got.User.TenantID != acme || !got.IssuedAt.Equal(local.IssuedAt) {
				t.Errorf("the endpoint says %+v, the cookie %+v", got, local)
			}
			same(t, "the session's user", plain(t, struct{ V any }{got.User}, true), plain(t, struct{ V any }{local.User}, true))
		})
	}
}

// A session that the package fetches anew from roqtest has new tokens. The application
// in roqtest answers the same.
func TestSessionRefetched(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	js, client := nextjs(t, s.Server), newClient(t, s.Config())
	for name, token := range map[string]string{"a session": s.SessionToken(ann), "no session": "", "no token of its own": "no.jwt"} {
		t.Run(name, func(t *testing.T) {
			var theirs, ours struct {
				Status int
				Cookie string
				Body   map[string]any
			}
			js.must(t, &theirs, "refetch", token)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/api/auth/refetch-session", nil)
			if err != nil {
				t.Fatal(err)
			}
			if token != "" {
				r.AddCookie(&http.Cookie{Name: "roq-session-token", Value: token})
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			if err := json.NewDecoder(resp.Body).Decode(&ours.Body); err != nil {
				t.Fatal(err)
			}
			ours.Status = resp.StatusCode
			for _, c := range resp.Cookies() {
				ours.Cookie = c.Value
			}
			if ours.Status != theirs.Status || ours.Body["status"] != theirs.Body["status"] || ours.Body["code"] != theirs.Body["code"] || (ours.Cookie == "") != (theirs.Cookie == "") {
				t.Fatalf("the package answers %+v, roqtest %+v", theirs, ours)
			}
			if theirs.Cookie == "" {
				return
			}
			before, err := client.ParseSession(token)
			if err != nil {
				t.Fatal(err)
			}
			for who, answer := range map[string]struct {
				body   map[string]any
				cookie string
			}{"the package": {theirs.Body, theirs.Cookie}, "roqtest": {ours.Body, ours.Cookie}} {
				session, err := client.ParseSession(answer.cookie)
				if err != nil {
					t.Fatalf("%s: %v", who, err)
				}
				told, _ := answer.body["session"].(map[string]any)
				if session.RoqAccessToken == before.RoqAccessToken || session.RoqAccessToken != told["roqAccessToken"] || session.User.TenantID != acme {
					t.Errorf("%s: the cookie has %+v, the answer %v; want new tokens of Ann in both", who, session, told)
				}
			}
		})
	}
}
