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
