package session_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/go-roq/roq/internal/session"
)

const (
	apiKey = "environment-api-key"
	userID = "8b249b07-bdd9-43f7-a10e-ace10f27ff66"
	maxAge = 30 * 24 * time.Hour
)

// errInvalid stands for every error that is not [session.ErrExpired].
var errInvalid = errors.New("invalid")

// kindOf is what a row of a table expects for an error.
func kindOf(err error) error {
	if err == nil || errors.Is(err, session.ErrExpired) {
		return err
	}
	return errInvalid
}

// sessionClaims is the payload of a session as @roq/nextjs makes it, changed as
// told; a nil value leaves a claim out.
func sessionClaims(changes jwt.MapClaims) jwt.MapClaims {
	now := time.Now()
	claims := jwt.MapClaims{
		"id": "session-1", "roqUserId": userID, "roqAccessToken": accessToken(time.Hour),
		"roqIdToken": signed("platform-secret", jwt.MapClaims{
			"tenantId": "tenant-1", "firstName": "Ann", "lastName": "Lee", "email": "ann@acme.example", "timezone": "Europe/Berlin",
			"locale": "en-US", "roles": []string{"admin", "editor"},
		}),
		"roqRefreshToken": "r", "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(365 * 24 * time.Hour).Unix(),
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

func signed(key string, claims jwt.MapClaims) string {
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(key))
	if err != nil {
		panic(err)
	}
	return token
}

// accessToken is an access token as the platform makes it.
func accessToken(life time.Duration) string {
	return signed("platform-secret", jwt.MapClaims{"roqUserId": userID, "iat": time.Now().Unix(), "exp": time.Now().Add(life).Unix()})
}

func TestParse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		claims := sessionClaims(nil)
		got, err := session.Parse(signed(apiKey, claims), []byte(apiKey), maxAge)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now().UTC()
		want := &session.Session{
			ID: "session-1", RoqUserID: userID, AccessToken: claims["roqAccessToken"].(string), IssuedAt: now, ExpiresAt: now.Add(time.Hour),
			User: session.User{FirstName: "Ann", LastName: "Lee", Email: "ann@acme.example", Timezone: "Europe/Berlin", Locale: "en-US",
				TenantID: "tenant-1", Roles: []string{"admin", "editor"}},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Parse (-want +got):\n%s", diff)
		}
		if _, err := session.Parse(signed(apiKey, claims), []byte(apiKey), time.Nanosecond); err != nil {
			t.Errorf("within the maximal age: %v", err)
		}
		<-time.After(time.Nanosecond)
		if _, err := session.Parse(signed(apiKey, claims), []byte(apiKey), time.Nanosecond); !errors.Is(err, session.ErrExpired) {
			t.Errorf("older than the maximal age: %v, want ErrExpired", err)
		}
	})
}

// A session without a token of its own is judged by the same rule.
func TestComplete(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().UTC()
		seconds := float64(now.Unix())
		for name, row := range map[string]struct {
			session         session.Session
			issued, expires float64
			kind            error
		}{
			"valid":           {session.Session{RoqUserID: "u", AccessToken: accessToken(time.Hour)}, seconds, seconds + 60, nil},
			"its end":         {session.Session{RoqUserID: "u", AccessToken: accessToken(time.Hour)}, seconds, seconds, session.ErrExpired},
			"too old":         {session.Session{RoqUserID: "u", AccessToken: accessToken(time.Hour)}, seconds - maxAge.Seconds(), seconds + 60, session.ErrExpired},
			"access token's":  {session.Session{RoqUserID: "u", AccessToken: accessToken(0)}, seconds, seconds + 60, session.ErrExpired},
			"no user":         {session.Session{AccessToken: accessToken(time.Hour)}, seconds, seconds + 60, errInvalid},
			"no access token": {session.Session{RoqUserID: "u"}, seconds, seconds + 60, errInvalid},
			"no times":        {session.Session{RoqUserID: "u", AccessToken: accessToken(time.Hour)}, 0, 0, errInvalid},
			"ahead":           {session.Session{RoqUserID: "u", AccessToken: accessToken(time.Hour)}, seconds + 301, seconds + 600, errInvalid},
		} {
			err := row.session.Complete(row.issued, row.expires, maxAge)
			if !errors.Is(kindOf(err), row.kind) {
				t.Errorf("%s: Complete = %v, want %v", name, err, row.kind)
			}
			if want := now.Add(time.Minute); err == nil && (!row.session.IssuedAt.Equal(now) || !row.session.ExpiresAt.Equal(want)) {
				t.Errorf("%s: from %v to %v, want to %v", name, row.session.IssuedAt, row.session.ExpiresAt, want)
			}
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

func TestValidity(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
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
			"issued 30 days ago":            {jwt.MapClaims{"iat": now - 30*day}, session.ErrExpired},
			"exp now":                       {jwt.MapClaims{"exp": now}, session.ErrExpired},
			"exp past":                      {jwt.MapClaims{"exp": now - 1}, session.ErrExpired},
			"access token's exp now":        {jwt.MapClaims{"roqAccessToken": accessUntil(now)}, session.ErrExpired},
			"access token's exp past":       {jwt.MapClaims{"roqAccessToken": accessUntil(now - 1)}, session.ErrExpired},
			"issued in the future":          {jwt.MapClaims{"iat": now + 301}, errInvalid},
			"no iat":                        {jwt.MapClaims{"iat": nil}, errInvalid},
			"no exp":                        {jwt.MapClaims{"exp": nil}, errInvalid},
			"exp null":                      {jwt.MapClaims{"exp": json.RawMessage("null")}, errInvalid},
			"exp a string":                  {jwt.MapClaims{"exp": "9999999999"}, errInvalid},
			"exp 1e308":                     {jwt.MapClaims{"exp": 1e308}, errInvalid},
			"exp negative":                  {jwt.MapClaims{"exp": -1}, errInvalid},
			"exp by another name":           {jwt.MapClaims{"exp": nil, "EXP": now + day}, errInvalid},
			"no access token":               {jwt.MapClaims{"roqAccessToken": nil}, errInvalid},
			"access token no JWT":           {jwt.MapClaims{"roqAccessToken": "opaque"}, errInvalid},
			"access token without exp":      {jwt.MapClaims{"roqAccessToken": accessUntil(nil)}, errInvalid},
			"access token's exp a string":   {jwt.MapClaims{"roqAccessToken": accessUntil("1")}, errInvalid},
			"access token with CR LF":       {jwt.MapClaims{"roqAccessToken": accessToken(time.Hour) + "\r\nEvil: 1"}, errInvalid},
			"access token without user":     {jwt.MapClaims{"roqAccessToken": signed("k", jwt.MapClaims{"exp": now + day})}, errInvalid},
			"id token no JWT":               {jwt.MapClaims{"roqIdToken": "opaque"}, errInvalid},
			"exp by another name as well":   {jwt.MapClaims{"EXP": 1, "Exp": "x"}, nil},
			"access token's exp as well":    {jwt.MapClaims{"roqAccessToken": signedRaw(t, validAccess(`"EXP":1,`))}, nil},
			"exp zero":                      {jwt.MapClaims{"exp": 0}, errInvalid},
			"exp over a time":               {jwt.MapClaims{"exp": int64(1) << 46}, errInvalid},
			"exp an object":                 {jwt.MapClaims{"exp": jwt.MapClaims{}}, errInvalid},
			"iat by another name":           {jwt.MapClaims{"iat": nil, "IAT": now}, errInvalid},
			"iat a string":                  {jwt.MapClaims{"iat": "1"}, errInvalid},
			"access token a number":         {jwt.MapClaims{"roqAccessToken": 7}, errInvalid},
			"access token's exp twice":      {jwt.MapClaims{"roqAccessToken": signedRaw(t, validAccess(`"exp":1,`))}, errInvalid},
			"access token's user twice":     {jwt.MapClaims{"roqAccessToken": signedRaw(t, validAccess(`"roqUserId":"x",`))}, errInvalid},
			"access token's new name twice": {jwt.MapClaims{"roqAccessToken": signedRaw(t, validAccess(`"new":{"a":1,"a":1},`))}, errInvalid},
			"access token not UTF-8":        {jwt.MapClaims{"roqAccessToken": signedRaw(t, validAccess("\"new\":\"\xff\","))}, errInvalid},
			"access token with more":        {jwt.MapClaims{"roqAccessToken": signedRaw(t, validAccess("")+"x")}, errInvalid},
			"access token null":             {jwt.MapClaims{"roqAccessToken": signedRaw(t, "null")}, errInvalid},
			"access token padded":           {jwt.MapClaims{"roqAccessToken": accessToken(time.Hour) + "="}, errInvalid},
			"access token of two parts":     {jwt.MapClaims{"roqAccessToken": accessToken(time.Hour)[:60]}, errInvalid},
			"id token's tenant twice":       {jwt.MapClaims{"roqIdToken": signedRaw(t, `{"tenantId":"a","tenantId":"b"}`)}, errInvalid},
			"no nbf":                        {jwt.MapClaims{"nbf": nil}, nil},
			"nbf past":                      {jwt.MapClaims{"nbf": now - day}, nil},
			"nbf zero":                      {jwt.MapClaims{"nbf": 0}, nil},
			"nbf fractional":                {jwt.MapClaims{"nbf": float64(now) - 0.5}, nil},
			"nbf a minute ahead":            {jwt.MapClaims{"nbf": now + 60}, nil},
			"nbf over a minute ahead":       {jwt.MapClaims{"nbf": now + 61}, errInvalid},
			"nbf barely over a minute":      {jwt.MapClaims{"nbf": float64(now) + 60.5}, errInvalid},
			"nbf within the leeway of iat":  {jwt.MapClaims{"nbf": now + 299, "iat": now + 299}, errInvalid},
			"nbf in milliseconds":           {jwt.MapClaims{"nbf": now * 1000}, errInvalid},
			"nbf null":                      {jwt.MapClaims{"nbf": json.RawMessage("null")}, errInvalid},
			"nbf a string":                  {jwt.MapClaims{"nbf": "1"}, errInvalid},
			"nbf an empty string":           {jwt.MapClaims{"nbf": ""}, errInvalid},
			"nbf true":                      {jwt.MapClaims{"nbf": true}, errInvalid},
			"nbf an object":                 {jwt.MapClaims{"nbf": jwt.MapClaims{}}, errInvalid},
			"nbf negative":                  {jwt.MapClaims{"nbf": -1}, errInvalid},
			"nbf 1e308":                     {jwt.MapClaims{"nbf": 1e308}, errInvalid},
			"nbf -1e308":                    {jwt.MapClaims{"nbf": -1e308}, errInvalid},
			"nbf over a time":               {jwt.MapClaims{"nbf": int64(1) << 46}, errInvalid},
			"nbf by another name":           {jwt.MapClaims{"nbf": nil, "NBF": "x"}, nil},
			"nbf ahead of one that expired": {jwt.MapClaims{"nbf": now + 61, "exp": now - 1}, errInvalid},
			"id token by another name":      {jwt.MapClaims{"roqIdToken": nil, "RoqIdToken": "opaque"}, nil},
			"access token by another name":  {jwt.MapClaims{"roqAccessToken": nil, "ROQACCESSTOKEN": accessToken(time.Hour)}, errInvalid},
		} {
			got, err := session.Parse(signed(apiKey, sessionClaims(row.changes)), []byte(apiKey), maxAge)
			if !errors.Is(kindOf(err), row.kind) || (got != nil) != (err == nil) || got != nil && got.RoqUserID != userID {
				t.Errorf("%s: %v, want %v", name, err, row.kind)
			}
		}
	})
}

// None of these is a session of this environment.
func TestBadTokens(t *testing.T) {
	t.Parallel()
	good := signed(apiKey, sessionClaims(nil))
	if _, err := session.Parse(good, []byte(apiKey), maxAge); err != nil {
		t.Fatal(err)
	}
	claims := encoded(t, sessionClaims(nil))
	if _, err := session.Parse(signedRaw(t, `{"new":1,`+claims[1:]), []byte(apiKey), maxAge); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(good, ".")
	// Any other member of a header may be ignored.
	harmless := signedAs(t, base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","kid":"1","CRIT":["x"]}`))+"."+parts[1])
	if _, err := session.Parse(harmless, []byte(apiKey), maxAge); err != nil {
		t.Errorf("a header with other members: %v", err)
	}
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
		"crit":               signedAs(t, encode(`{"alg":"HS256","crit":["b64"],"b64":true}`)+"."+parts[1]),
		"crit of nothing":    signedAs(t, encode(`{"alg":"HS256","crit":[]}`)+"."+parts[1]),
		"crit null":          signedAs(t, encode(`{"alg":"HS256","crit":null}`)+"."+parts[1]),
		"crit false":         signedAs(t, encode(`{"alg":"HS256","crit":false}`)+"."+parts[1]),
		"crit a string":      signedAs(t, encode(`{"alg":"HS256","crit":"exp"}`)+"."+parts[1]),
		"crit of alg":        signedAs(t, encode(`{"alg":"HS256","crit":["alg"]}`)+"."+parts[1]),
		"crit, escaped":      signedAs(t, encode(`{"alg":"HS256","\u0063rit":["x"]}`)+"."+parts[1]),
		"crit, twice":        signedAs(t, encode(`{"crit":["x"],"alg":"HS256","crit":null}`)+"."+parts[1]),
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
		got, err := session.Parse(token, []byte(apiKey), maxAge)
		if got != nil || !errors.Is(kindOf(err), errInvalid) {
			t.Errorf("%s: %+v, %v; want a refusal", name, got, err)
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
