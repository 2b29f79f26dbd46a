package roq_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/go-roq/roq"
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

// The error says which of the two refusals it is.
func TestParseSessionRefuses(t *testing.T) {
	t.Parallel()
	client := parser(t)
	for name, row := range map[string]struct {
		token string
		kind  error
	}{
		"no JWT":      {"x", roq.ErrInvalidSession},
		"wrong key":   {signed("another-key", sessionClaims(nil)), roq.ErrInvalidSession},
		"in a minute": {signed(apiKey, sessionClaims(jwt.MapClaims{"nbf": time.Now().Add(2 * time.Minute).Unix()})), roq.ErrInvalidSession},
		"expired":     {signed(apiKey, sessionClaims(jwt.MapClaims{"exp": 1})), roq.ErrSessionExpired},
	} {
		got, err := client.ParseSession(row.token)
		both := errors.Is(err, roq.ErrInvalidSession) && errors.Is(err, roq.ErrSessionExpired)
		if got != nil || !errors.Is(err, row.kind) || both {
			t.Errorf("%s: %+v, %v; want %v", name, got, err, row.kind)
		}
	}
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

// FuzzParseSession takes any text for a token, and any payload for one that is
// signed. The corpus is signed with the key of the tests, for sessions that last
// until 2096 as long as SessionMaxAge lets them.
func FuzzParseSession(f *testing.F) {
	cfg := config()
	cfg.SessionMaxAge = 100 * 365 * 24 * time.Hour
	client := newClient(f, cfg)
	f.Add("", `{"iat":1700000000,"exp":4000000000}`)
	f.Fuzz(func(t *testing.T, token, payload string) {
		for _, token := range []string{token, signedRaw(t, payload)} {
			session, err := client.ParseSession(token)
			switch {
			case err == nil && !signedWithTheKey(token):
				t.Errorf("a token that is not signed with the key passed: %q", token)
			case err == nil && (session.RoqUserID == "" || session.RoqAccessToken == "" || !session.ExpiresAt.After(time.Now())):
				t.Errorf("a session without user, access token or time left: %+v", session)
			case err != nil && session != nil:
				t.Errorf("both a session and an error: %v", err)
			case err != nil && !errors.Is(err, roq.ErrInvalidSession) && !errors.Is(err, roq.ErrSessionExpired):
				t.Errorf("an error of another kind: %v", err)
			// No text of this package's has a full stop.
			case err != nil && strings.Contains(token, ".") && strings.Contains(err.Error(), token):
				t.Errorf("the error repeats the token: %v", err)
			}
		}
		if _, err := client.ParseSession(signedRaw(t, payload)); err == nil && (!utf8.ValidString(payload) || !json.Valid([]byte(payload))) {
			t.Errorf("a payload that is not JSON passed: %q", payload)
		}
	})
}

// signedWithTheKey is a check of its own, without golang-jwt.
func signedWithTheKey(token string) bool {
	end := strings.LastIndex(token, ".")
	sum := hmac.New(sha256.New, []byte(apiKey))
	sum.Write([]byte(token[:max(end, 0)]))
	return strings.Count(token, ".") == 2 && token[end+1:] == base64.RawURLEncoding.EncodeToString(sum.Sum(nil))
}
