package roq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/go-roq/roq/internal/exchange"
	"github.com/go-roq/roq/internal/redact"
	"github.com/go-roq/roq/internal/session"
	"github.com/go-roq/roq/internal/trace"
	"github.com/go-roq/roq/internal/wire"
)

// Session identifies a visitor: the first step of the platform's guide. It prints,
// logs and marshals without its token and the visitor's address. The exception is a
// value in an unexported field of another struct, where fmt cannot call its methods.
// Keep a pointer there: %v, %+v and %#v print only the memory address of a pointer.
type Session struct {
	// ID is the session's id.
	ID string
	// RoqUserID is the visitor's user id on the platform.
	RoqUserID string
	// RoqAccessToken is the access token that [Client.AsSession] uses.
	RoqAccessToken string
	// User has details of the visitor. All its fields may be empty.
	User SessionUser
	// IssuedAt is when the visitor signed in, or the session was extended.
	IssuedAt time.Time
	// ExpiresAt is when the session expires: the earliest of its own expiry, that of its
	// access token, and Config.SessionMaxAge after IssuedAt.
	ExpiresAt time.Time
}

// SessionUser has the details of a session's user. They come from the id token. A
// session without an id token is valid, and has an empty SessionUser.
//
// It prints, logs and marshals without the e-mail address. The exception is a value in
// an unexported field of another struct, where fmt cannot call its methods. Keep a
// pointer there: %v, %+v and %#v print only the memory address of a pointer.
type SessionUser struct {
	// FirstName, LastName and Email are the visitor's.
	FirstName, LastName, Email string
	// Timezone and Locale are the visitor's choice, as in "Europe/Berlin" and "en-US".
	Timezone, Locale string
	// TenantID is the tenant that the visitor belongs to. If it is empty, calls that
	// need a tenant fail with [ErrNoTenant].
	TenantID string
	// Roles are the keys of the visitor's roles in the tenant.
	Roles []string
}

// Session returns the session of the request's cookie, roq-session-token or
// __Secure-roq-session-token. It verifies the token locally, without I/O: see
// [Client.ParseSession].
//
// A browser may send several session cookies, for example one that an earlier sign-in
// set for another path or domain. Session returns the first valid session. It tries the
// secure cookies first, and cookies of the same name in the order of the request.
//
// If none is valid, the error is the most informative one: [ErrSessionExpired], or else
// [ErrInvalidSession]. If there is no cookie, or if all are empty, it is [ErrNoSession].
func (c *Client) Session(r *http.Request) (*Session, error) {
	cookies := sessionCookies(r)
	if len(cookies) == 0 {
		return nil, sessionError(ErrNoSession, "the request has no session cookie")
	}
	var refused error
	for _, cookie := range cookies {
		s, err := c.ParseSession(cookie.Value)
		if err == nil {
			return s, nil
		}
		refused = moreInformative(refused, err)
	}
	return nil, refused
}

// moreInformative returns the one of two errors that says more about a visitor who sent
// both cookies; the first may be nil. A visitor whose session has expired was signed
// in once, whatever else the browser keeps.
func moreInformative(first, second error) error {
	if first == nil || rank(second) > rank(first) {
		return second
	}
	return first
}

// rank orders the errors of a session, the least informative first. A failure of the
// application for one cookie leaves open whether there is a session. It ranks above the
// answer that there is none, and below what asks the visitor to sign in: that replaces
// the cookie.
func rank(err error) int {
	switch {
	case errors.Is(err, ErrSessionExpired):
		return 3
	case errors.Is(err, ErrInvalidSession):
		return 2
	case errors.Is(err, ErrNoSession):
		return 0
	default:
		return 1
	}
}

// ParseSession verifies a session token and returns the session. The token is a JWT
// signed with the environment's API key. HS256 is the only accepted algorithm. As in
// the platform's own package (npm @roq/nextjs 2.0.3), a token is valid if it has exp and
// iat, if exp and iat plus Config.SessionMaxAge are in the future, and if the exp of its
// access token is in the future. Because clocks may differ, an iat up to five minutes in
// the future, and an nbf up to one minute in the future, are accepted.
//
// It returns [ErrInvalidSession] or [ErrSessionExpired].
func (c *Client) ParseSession(sessionToken string) (*Session, error) {
	core, notReady := c.ready("session")
	if notReady != nil {
		return nil, notReady
	}
	s, err := session.Parse(sessionToken, []byte(core.cfg.APIKey), core.cfg.SessionMaxAge)
	if err != nil {
		return nil, sessionError(sessionKind(err), err.Error())
	}
	return publicSession(s), nil
}

func publicSession(s *session.Session) *Session {
	return &Session{
		ID:             s.ID,
		RoqUserID:      s.RoqUserID,
		RoqAccessToken: s.AccessToken,
		User:           SessionUser(s.User),
		IssuedAt:       s.IssuedAt,
		ExpiresAt:      s.ExpiresAt,
	}
}

// sessionKind says what an error of package session means.
func sessionKind(err error) error {
	if errors.Is(err, session.ErrExpired) {
		return ErrSessionExpired
	}
	return ErrInvalidSession
}

// sessionCookies returns the request's session cookies, the secure ones first. An
// empty one is what a sign-out leaves, and counts as none.
func sessionCookies(r *http.Request) []*http.Cookie {
	if r == nil {
		return nil
	}
	cookies := slices.Concat(r.CookiesNamed(wire.SecureSessionCookie), r.CookiesNamed(wire.SessionCookie))
	return slices.DeleteFunc(cookies, func(cookie *http.Cookie) bool { return cookie.Value == "" })
}

func sessionError(kind error, message string) *Error {
	return &Error{Operation: "session", Message: message, kinds: sentinels[kind]}
}

// mostFetched bounds the cookies of one visitor that the application is asked about:
// a visitor can send any number.
const mostFetched = 8

// FetchSession requests the visitor's session from the application itself, at
// Config.AppURL followed by /api/auth/session. It sends the visitor's session cookie,
// and no other header or cookie of r. Use it if the session is kept by a front end that
// does not share the environment's API key.
//
// If the visitor has several session cookies, FetchSession returns the first session
// that the application knows. It asks about one cookie at a time, in the order of
// [Client.Session], and about eight at most.
//
// It is a query: network errors, 429 and 5xx are retried. It returns [ErrNoSession],
// [ErrInvalidSession] or [ErrSessionExpired]; for several cookies, the most informative
// error, as Session does. If r has no session cookie, it makes no request.
func (c *Client) FetchSession(ctx context.Context, r *http.Request, opts ...CallOption) (session *Session, err error) {
	const operation = "session"
	core, notReady := c.ready(operation)
	if notReady != nil {
		return nil, notReady
	}
	call, _, err := core.begin(ctx, operation, opts)
	if err != nil {
		return nil, err
	}
	ctx, end := core.observe(ctx, call, trace.CallStart{})
	defer func() { end(trace.CallEnd{Err: err}) }()
	if core.cfg.AppURL == "" {
		return nil, invalid(operation, "Config.AppURL must not be empty")
	}
	cookies := sessionCookies(r)
	var secrets []string
	for _, cookie := range cookies {
		secrets = append(secrets, cookie.Value)
	}
	var asked []string
	var refused error
	for _, cookie := range cookies {
		pair := cookie.Name + "=" + cookie.Value
		if slices.Contains(asked, pair) {
			continue
		}
		if len(asked) == mostFetched {
			break
		}
		asked = append(asked, pair)
		s, err := core.fetchSession(ctx, call, pair, secrets)
		if err == nil {
			return s, nil
		}
		refused = moreInformative(refused, err)
		if !aboutCookie(err) {
			return nil, err
		}
	}
	if refused == nil {
		return nil, sessionError(ErrNoSession, "the request has no session cookie")
	}
	return nil, refused
}

// aboutCookie reports whether the application may answer differently for another
// cookie. One that cannot be reached, or asks to be left alone, does not.
func aboutCookie(err error) bool {
	var e *Error
	switch {
	case errors.Is(err, ErrNoSession), errors.Is(err, ErrInvalidSession), errors.Is(err, ErrSessionExpired):
		return true
	case !errors.As(err, &e):
		return false
	}
	switch e.StatusCode {
	case 0, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return false
	}
	return true
}

// fetchSession asks the application for the session of one cookie, given as a pair
// of name and value. Secrets are those of all of the visitor's.
func (c *core) fetchSession(ctx context.Context, call *exchange.Call, pair string, secrets []string) (*Session, error) {
	header := call.Header()
	header.Set("Cookie", pair)
	var answer wire.SessionAnswer
	failure := call.Get(ctx, exchange.GetRequest{
		Origin:  c.cfg.AppURL,
		URL:     c.cfg.AppURL + wire.SessionPath,
		Header:  header,
		Secrets: secrets,
		// A jar would mix one visitor's cookies with another's.
		NoCookies: true,
		Own:       wire.OwnSession,
		Read: func(body []byte) (err error) {
			answer, err = wire.DecodeSession(body)
			return err
		},
	})
	if failure != nil {
		return nil, sessionFailure(failure)
	}
	if answer.Session == nil {
		return nil, failed(call.Fail("the application knows no session for this cookie", exchange.NoSession))
	}
	from := answer.Session
	s := &session.Session{ID: from.ID, RoqUserID: from.RoqUserID, AccessToken: from.RoqAccessToken, User: session.User(from.User)}
	if err := s.Complete(from.IssuedAt, from.ExpiresAt, c.cfg.SessionMaxAge); err != nil {
		return nil, failed(call.Fail(err.Error(), sentinels[sessionKind(err)]))
	}
	return publicSession(s), nil
}

// sessionFailure is [failed], and knows the codes of the session endpoint.
func sessionFailure(f *exchange.Failure) error {
	e := failed(f).(*Error) //nolint:errorlint,forcetypeassert // it is one
	switch e.Code {
	case "TOKEN_MALFORMED":
		e.kinds |= exchange.InvalidSession
	case "SESSION_EXPIRED":
		e.kinds |= exchange.SessionExpired
	}
	return e
}

// redacted returns s without its token, as a type that has no methods.
func (s Session) redacted() any {
	type session Session
	s.RoqAccessToken = redact.Mask(s.RoqAccessToken)
	return session(s)
}

// Format implements [fmt.Formatter]: no verb prints the token or the address.
func (s Session) Format(f fmt.State, verb rune) { redact.Format(f, verb, s.redacted()) }

// MarshalJSON implements [json.Marshaler] without the token and the address.
func (s Session) MarshalJSON() ([]byte, error) { return json.Marshal(s.redacted()) }

// LogValue implements [slog.LogValuer] without the token and the address.
func (s Session) LogValue() slog.Value { return slog.AnyValue(s.redacted()) }

func (u SessionUser) redacted() any {
	type sessionUser SessionUser
	u.Email = redact.Mask(u.Email)
	return sessionUser(u)
}

// Format implements [fmt.Formatter]: no verb prints the address.
func (u SessionUser) Format(f fmt.State, verb rune) { redact.Format(f, verb, u.redacted()) }

// MarshalJSON implements [json.Marshaler] without the address.
func (u SessionUser) MarshalJSON() ([]byte, error) { return json.Marshal(u.redacted()) }

// LogValue implements [slog.LogValuer] without the address.
func (u SessionUser) LogValue() slog.Value { return slog.AnyValue(u.redacted()) }
