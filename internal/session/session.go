// Package session verifies the session tokens of an application's visitors.
//
// A session token is a JWT signed with the environment's API key, HS256 and
// nothing else. By the rule of the platform's own package (npm @roq/nextjs 2.0.3)
// it is valid while it has exp and iat, exp and iat plus the maximal age lie
// ahead, and its access token has an exp that lies ahead.
package session

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
	// maxToken is far above what a browser keeps in one cookie.
	maxToken = 8 << 10
	// issueLeeway is how far in the future a session may have been issued.
	issueLeeway = 5 * time.Minute
	// startLeeway is how far in the future a session may start to be valid: what
	// two clocks may differ by.
	startLeeway = time.Minute
)

// ErrExpired means that the session was valid once. Every other error of this
// package means that the token is malformed or not to be trusted.
var ErrExpired = errors.New("the session has expired")

var (
	errAccessToken = errors.New("the session has no readable roqAccessToken")
	errCritical    = errors.New("the session token has a crit header")
)

// Session is what a session token says.
type Session struct {
	ID          string
	RoqUserID   string
	AccessToken string
	User        User
	IssuedAt    time.Time
	// ExpiresAt is the earliest of the session's own end, its access token's, and
	// the maximal age after IssuedAt.
	ExpiresAt time.Time
}

// User is what the id token inside a session says, which may be missing.
type User struct {
	FirstName, LastName, Email string
	Timezone, Locale           string
	TenantID                   string
	Roles                      []string
}

// Parse verifies a session token that is signed with the key.
func Parse(token string, key []byte, maxAge time.Duration) (*Session, error) {
	claims, err := verify(token, key)
	if err != nil {
		return nil, err
	}
	if err := claims.started(); err != nil {
		return nil, err
	}
	s := &Session{ID: claims.text("id"), AccessToken: claims.text("roqAccessToken")}
	access, err := read(s.AccessToken)
	if err != nil {
		return nil, errAccessToken
	}
	s.RoqUserID = access.text("roqUserId")
	if idToken := claims.text("roqIdToken"); idToken != "" {
		id, err := read(idToken)
		if err != nil {
			return nil, errors.New("the session's roqIdToken is not readable")
		}
		s.User = id.user()
	}
	if err := s.within(claims.time("iat"), claims.time("exp"), access.time("exp"), maxAge); err != nil {
		return nil, err
	}
	return s, nil
}

// Complete checks a session that came without a token of its own, by the same
// rule as one from [Parse], and sets its times. Those given are in seconds.
func (s *Session) Complete(issuedAt, expiresAt float64, maxAge time.Duration) error {
	access, err := read(s.AccessToken)
	if err != nil {
		return errAccessToken
	}
	return s.within(unixTime(issuedAt), unixTime(expiresAt), access.time("exp"), maxAge)
}

// within sets the times of a session, or refuses it for them.
func (s *Session) within(issued, expires, accessExpires time.Time, maxAge time.Duration) error {
	now := time.Now()
	switch {
	case issued.IsZero() || expires.IsZero() || accessExpires.IsZero():
		return errors.New("the session or its access token has no usable iat or exp")
	case issued.After(now.Add(issueLeeway)):
		return errors.New("the session was issued in the future")
	case s.RoqUserID == "":
		return errors.New("the session names no user")
	}
	s.IssuedAt = issued
	s.ExpiresAt = slices.MinFunc([]time.Time{expires, accessExpires, issued.Add(maxAge)}, time.Time.Compare)
	if !s.ExpiresAt.After(now) {
		return ErrExpired
	}
	return nil
}

// claimSet is the payload of a JWT. Names are compared exactly: decoding into a
// struct by encoding/json would take "EXP" for "exp".
type claimSet struct{ jwt.MapClaims }

// UnmarshalJSON reads a payload for golang-jwt, whose own reading takes the last
// of two claims with one name: others that read the token may take the first.
func (c *claimSet) UnmarshalJSON(payload []byte) error {
	return jsonv2.Unmarshal(payload, &c.MapClaims)
}

// verify returns the claims of a token that is signed with the key.
func verify(token string, key []byte) (claimSet, error) {
	if len(token) > maxToken {
		return claimSet{}, errors.New("the session token is too long")
	}
	// Go's base64 skips line breaks, so that one token would have many spellings.
	if strings.ContainsFunc(token, func(r rune) bool { return !isTokenRune(r) }) {
		return claimSet{}, errors.New("the session token has characters that are not allowed in a JWT")
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithStrictDecoding(),
		// The times are judged by the platform's rule.
		jwt.WithoutClaimsValidation())
	var claims claimSet
	_, err := parser.ParseWithClaims(token, &claims, func(t *jwt.Token) (any, error) {
		// It names what must be understood (RFC 7515, section 4.1.11), and nothing
		// of the kind is. A malformed one is no reason to overlook it.
		if _, ok := t.Header["crit"]; ok {
			return nil, errCritical
		}
		return key, nil
	})
	switch {
	case err == nil:
		return claims, nil
	case errors.Is(err, errCritical):
		return claimSet{}, errCritical
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return claimSet{}, errors.New("the session token is not signed with HS256 and the environment's API key")
	default:
		return claimSet{}, errors.New("the session token is not a JWT")
	}
}

func isTokenRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.'
}

// read reads a JWT of the platform inside a session. Its signature is the
// platform's affair: the session that holds it is signed.
func read(token string) (claimSet, error) {
	if check.Token(token) != nil {
		return claimSet{}, errors.New("not a token")
	}
	var claims claimSet
	_, _, err := jwt.NewParser(jwt.WithStrictDecoding()).ParseUnverified(token, &claims)
	return claims, err
}

// started reports why the session cannot be valid yet, or nil. The claim nbf may
// be missing; if it is there it must be a time (RFC 7519, section 4.1.5).
func (c claimSet) started() error {
	value, ok := c.MapClaims["nbf"]
	if !ok {
		return nil
	}
	start := c.time("nbf")
	switch {
	case start.IsZero() && value != 0.0: // 1970 is a time that has passed
		return errors.New("the session's nbf is not a time")
	case start.After(time.Now().Add(startLeeway)):
		return errors.New("the session is not valid yet")
	}
	return nil
}

func (c claimSet) text(name string) string {
	s, _ := c.MapClaims[name].(string)
	return s
}

// time returns a claim in seconds, perhaps with a fraction, as a time; the zero
// time if it is not usable as one.
func (c claimSet) time(name string) time.Time {
	seconds, _ := c.MapClaims[name].(float64)
	return unixTime(seconds)
}

// unixTime returns the zero time for what is not usable as a time: the seconds of
// POSIX, which a JWT counts in, begin in 1970. The upper bound keeps out what
// overflows a time, and lets through the milliseconds that @roq/nextjs 2.0.3
// writes for an end.
func unixTime(seconds float64) time.Time {
	const bound = 1 << 45
	if seconds <= 0 || seconds > bound {
		return time.Time{}
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e9)).UTC()
}

// user reads the claims of an id token.
func (c claimSet) user() User {
	u := User{
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
