package roq

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/go-roq/roq/internal/check"
	"github.com/go-roq/roq/internal/token"
	"github.com/go-roq/roq/internal/transport"
)

// Version is the version of this package, which its User-Agent names.
const Version = "0.1.0"

// Client is the connection to a ROQ platform: configuration, HTTP, retries and
// the cache of access tokens. Make one with [New] and keep it; it is safe for
// concurrent use.
//
// A Client has no invite operation of its own: say first who is asking, with
// [Client.AsUser], [Client.AsSession] or [Client.AsSuperAdmin].
type Client struct{ core *core }

// core is what a Client is, behind one pointer. Everything secret in it is behind
// a pointer once more: fmt follows one where a verb does not fit, and no Format
// method can keep it from that inside somebody else's struct.
type core struct {
	cfg    *environment
	opt    options
	sender *transport.Sender
	tokens *token.Cache
}

// environment is a Config that was checked.
type environment struct {
	Config
	// basic is the environment's credentials as HTTP's Basic scheme has them.
	basic string
}

// New returns a Client for the platform and environment of cfg. The options'
// defaults are meant for production. New does no I/O, and its error names
// everything that is wrong with cfg and the options.
func New(cfg Config, opts ...Option) (*Client, error) {
	opt := defaultOptions()
	var problems []error
	for i, o := range opts {
		if o == nil {
			problems = append(problems, fmt.Errorf("roq: option %d is nil", i))
		} else if err := o.applyToClient(&opt); err != nil {
			problems = append(problems, err)
		}
	}
	cfg, err := cfg.prepare(opt.insecureHTTP)
	if err := errors.Join(append(problems, err)...); err != nil {
		return nil, err
	}
	sender, err := transport.New(transport.Config{
		Client:           opt.client,
		Wrap:             opt.wrap,
		MaxResponseBytes: opt.maxResponseBytes,
		Rate:             opt.rate,
		Logger:           opt.logger,
	})
	if err != nil {
		return nil, err
	}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(cfg.EnvironmentID+":"+cfg.APIKey))
	return &Client{&core{
		cfg:    &environment{cfg, basic},
		opt:    opt,
		sender: sender,
		tokens: token.NewCache(maxTokens),
	}}, nil
}

// CloseIdleConnections closes the connections that no request is using. The
// Client stays usable.
func (c *Client) CloseIdleConnections() { c.core.sender.CloseIdleConnections() }

// RoqPlatform is the platform as one identity sees it, and holds the invite
// operations. It is cheap: making one does no I/O, and all of a Client's share
// its connections and tokens. It is safe for concurrent use.
type RoqPlatform struct{ as *identity }

// identity is who is asking.
type identity struct {
	core *core
	// err refuses every call: there is nobody to ask for.
	err *Error
	// userID and tenantID stand for what an input leaves empty.
	userID, tenantID string
	// token returns the access token to ask with. It is a function, and not the
	// token, for the reason that core has pointers.
	token func(ctx context.Context, requestID string) (string, error)
	// renew drops a token that the platform refused, and reports whether another
	// one can be had.
	renew func(refused string) bool
}

// cached is an identity whose token is fetched with its first call and cached.
// The request for it carries that call's id. A fetch makes so many requests at
// most, each with all its attempts.
func (c *core) cached(key token.Key, requests int, fetch func(ctx context.Context, requestID string) (string, error)) *identity {
	return &identity{
		core: c,
		token: func(ctx context.Context, requestID string) (string, error) {
			return c.tokens.Get(ctx, key, time.Duration(requests)*c.opt.longestRequest(), func(ctx context.Context) (string, error) { return fetch(ctx, requestID) })
		},
		renew: func(refused string) bool {
			c.tokens.Drop(key, refused)
			return true
		},
	}
}

// service is the environment's service account.
func (c *core) service() *identity { return c.cached(token.Service(), 1, c.fetchServiceToken) }

// AsUser returns the platform as the user with that roqUserId sees it. A
// CreatedByUserID that is left empty in an input is that user.
//
// The access token is fetched with the first call, on the service account's
// behalf, and cached until shortly before it expires, for an hour at most (as in
// npm @roq/nodejs 1.0.20). Concurrent calls share one request for it. A token
// that the platform refuses is replaced once in a call. An id that cannot be one
// is refused by every call, with [ErrInvalidInput].
func (c *Client) AsUser(userID string) *RoqPlatform {
	as := c.core.cached(token.User(userID), 4, func(ctx context.Context, requestID string) (string, error) {
		return c.core.fetchUserToken(ctx, userID, requestID)
	})
	as.userID = userID
	if err := check.ID(userID); err != nil {
		as.err = invalid("", "AsUser: the user id "+err.Error())
	}
	return &RoqPlatform{as}
}

// AsSuperAdmin returns the platform as the environment's service account sees
// it: every tenant's invites. An input must name its TenantID and
// CreatedByUserID. The access token is fetched and cached as for [Client.AsUser].
func (c *Client) AsSuperAdmin() *RoqPlatform {
	return &RoqPlatform{c.core.service()}
}

// AsSession returns the platform as the visitor with that session sees it, with
// the session's own access token. A TenantID and CreatedByUserID that are left
// empty in an input are the session's; if it has no tenant either, sending fails
// with [ErrNoTenant].
//
// The token cannot be renewed: when it has expired calls fail with
// [ErrUnauthorized], and the visitor has to sign in again. With a nil session
// every call fails with [ErrNoSession], with one that has no usable token
// with [ErrInvalidSession].
func (c *Client) AsSession(s *Session) *RoqPlatform {
	if s == nil {
		return &RoqPlatform{&identity{err: invalid("", "AsSession: the session is nil", ErrNoSession)}}
	}
	accessToken := s.RoqAccessToken
	as := &identity{
		core:     c.core,
		userID:   s.RoqUserID,
		tenantID: s.User.TenantID,
		token:    func(context.Context, string) (string, error) { return accessToken, nil },
		renew:    func(string) bool { return false },
	}
	if err := check.Token(accessToken); err != nil {
		as.err = invalid("", "AsSession: the session's RoqAccessToken "+err.Error(), ErrInvalidSession)
	}
	return &RoqPlatform{as}
}
