package roq_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-roq/roq"
)

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
