package roq

import (
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"

	"github.com/go-roq/roq/internal/check"
)

const (
	// maxSessionToken is far above what a browser keeps in one cookie.
	maxSessionToken = 8 << 10
	// clockLeeway is how far in the future a session may have been issued.
	clockLeeway = 5 * time.Minute
)

// ParseSession verifies a session token and returns the session. The token is a
// JWT signed with the environment's API key, HS256 and nothing else. By the rule
// of the platform's own package (npm @roq/nextjs 2.0.3) it is valid while it has
// exp and iat, exp and iat plus Config.SessionMaxAge lie ahead, and its access
// token has an exp that lies ahead.
//
// It returns [ErrInvalidSession] or [ErrSessionExpired].
func (c *Client) ParseSession(sessionToken string) (*Session, error) {
	core, notReady := c.ready("session")
	if notReady != nil {
		return nil, notReady
	}
	cfg := core.cfg
	claims, err := verifySession(sessionToken, []byte(cfg.APIKey))
	if err != nil {
		return nil, sessionError(ErrInvalidSession, err.Error())
	}
	s := &Session{ID: claims.text("id"), RoqAccessToken: claims.text("roqAccessToken")}
	issued, expires := claims.time("iat"), claims.time("exp")
	access, err := readClaims(s.RoqAccessToken)
	if err != nil {
		return nil, sessionError(ErrInvalidSession, "the session has no readable roqAccessToken")
	}
	s.RoqUserID = access.text("roqUserId")
	if idToken := claims.text("roqIdToken"); idToken != "" {
		id, err := readClaims(idToken)
		if err != nil {
			return nil, sessionError(ErrInvalidSession, "the session's roqIdToken is not readable")
		}
		s.User = id.user()
	}
	s, refused := s.within(issued, expires, access.time("exp"), cfg.SessionMaxAge)
	if refused != nil {
		return nil, refused
	}
	return s, nil
}

// within completes a session with its times, or refuses it for them.
func (s *Session) within(issued, expires, accessExpires time.Time, maxAge time.Duration) (*Session, *Error) {
	now := time.Now()
	switch {
	case issued.IsZero() || expires.IsZero() || accessExpires.IsZero():
		return nil, sessionError(ErrInvalidSession, "the session or its access token lacks a usable iat or exp")
	case issued.After(now.Add(clockLeeway)):
		return nil, sessionError(ErrInvalidSession, "the session was issued in the future")
	case s.RoqUserID == "":
		return nil, sessionError(ErrInvalidSession, "the session names no user")
	}
	s.IssuedAt = issued
	s.ExpiresAt = slices.MinFunc([]time.Time{expires, accessExpires, issued.Add(maxAge)}, time.Time.Compare)
	if !s.ExpiresAt.After(now) {
		return nil, sessionError(ErrSessionExpired, "the session has expired")
	}
	return s, nil
}

// claimSet is the payload of a JWT. Names are compared exactly: decoding into a
// struct by encoding/json would take "EXP" for "exp".
type claimSet struct{ jwt.MapClaims }

// UnmarshalJSON reads a payload for golang-jwt, whose own reading takes the last
// of two claims with one name: others that read the token may take the first.
func (c *claimSet) UnmarshalJSON(payload []byte) error {
	return jsonv2.Unmarshal(payload, &c.MapClaims)
}

// verifySession returns the claims of a token that is signed with the key.
func verifySession(token string, key []byte) (claimSet, error) {
	if len(token) > maxSessionToken {
		return claimSet{}, errors.New("the session token is too long")
	}
	// Go's base64 skips line breaks, so that one token would have many spellings.
	if strings.ContainsFunc(token, func(r rune) bool { return !isTokenRune(r) }) {
		return claimSet{}, errors.New("the session token has characters that no JWT has")
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithStrictDecoding(),
		// The times are judged by the platform's rule, not by the standard's.
		jwt.WithoutClaimsValidation())
	var claims claimSet
	_, err := parser.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return key, nil })
	switch {
	case err == nil:
		return claims, nil
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return claimSet{}, errors.New("the session token is not signed with the environment's API key by HS256")
	default:
		return claimSet{}, errors.New("the session token is not a JWT")
	}
}

func isTokenRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.'
}

// readClaims reads a JWT of the platform inside a session. Its signature is the
// platform's affair: the session that holds it is signed.
func readClaims(token string) (claimSet, error) {
	if check.Token(token) != nil {
		return claimSet{}, errors.New("not a token")
	}
	var claims claimSet
	_, _, err := jwt.NewParser(jwt.WithStrictDecoding()).ParseUnverified(token, &claims)
	return claims, err
}

func (c claimSet) text(name string) string {
	s, _ := c.MapClaims[name].(string)
	return s
}

// time returns a claim in seconds, perhaps with a fraction, as a time; the zero
// time if it is not usable as one. The bound keeps out what overflows a time,
// and lets through the milliseconds that @roq/nextjs 2.0.3 writes for an end.
func (c claimSet) time(name string) time.Time {
	seconds, _ := c.MapClaims[name].(float64)
	return unixTime(seconds)
}

func unixTime(seconds float64) time.Time {
	const bound = 1 << 45
	if seconds <= 0 || seconds > bound {
		return time.Time{}
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e9)).UTC()
}

// user reads the claims of an id token.
func (c claimSet) user() SessionUser {
	u := SessionUser{
		FirstName: c.text("firstName"),
		LastName:  c.text("lastName"),
		Email:     c.text("email"),
		Timezone:  c.text("timezone"),
		Locale:    c.text("locale"),
		TenantID:  c.text("tenantId"),
	}
	roles, _ := c.MapClaims["roles"].([]any)
	for _, role := range roles {
		if s, ok := role.(string); ok {
			u.Roles = append(u.Roles, s)
		}
	}
	return u
}
