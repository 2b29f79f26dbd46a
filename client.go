package roq

import (
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/go-roq/roq/internal/check"
	"github.com/go-roq/roq/internal/delivery"
	"github.com/go-roq/roq/internal/exchange"
	"github.com/go-roq/roq/internal/feed"
	"github.com/go-roq/roq/internal/token"
)

// Version is the version of this package. The User-Agent header contains it.
const Version = "0.2.0"

// Client is a connection to a ROQ platform: configuration, HTTP, retries and
// the cache of access tokens. Create one with [New] and keep it; it is safe for
// concurrent use. Every call of a nil or zero Client fails with [ErrInvalidInput].
//
// A Client has no invite operations of its own. Choose an identity first, with
// [Client.AsUser], [Client.AsSession] or [Client.AsSuperAdmin].
type Client struct{ core *core }

// core is what a Client is, behind one pointer. Everything secret in it is behind
// a pointer once more: fmt follows one where a verb does not fit, and no Format
// method can keep it from that inside somebody else's struct.
type core struct {
	cfg  *Config // checked
	opt  options
	conn *exchange.Client
	// limit is what was learned of the size of batches.
	limit delivery.Limit
	// feeds are the tenants whose invites are followed.
	feeds feed.Hub[UserInviteChange]
}

// ready returns what the Client is, or an error if it is nil or zero.
func (c *Client) ready(operation string) (*core, *Error) {
	if c == nil || c.core == nil {
		return nil, invalid(operation, "the Client is nil or zero: New makes one")
	}
	return c.core, nil
}

// New returns a Client for the platform and environment of cfg. The defaults of the
// options are meant for production. New does no I/O. Its error reports everything
// that is wrong with cfg and the options.
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
	sender, err := opt.newSender()
	if err != nil {
		return nil, err
	}
	return &Client{&core{cfg: &cfg, opt: opt, feeds: feed.Hub[UserInviteChange]{Pause: followLongest}, conn: &exchange.Client{
		Environment: exchange.Environment{
			PlatformURL:   cfg.PlatformURL,
			EnvironmentID: cfg.EnvironmentID,
			APIKey:        cfg.APIKey,
			Basic:         "Basic " + base64.StdEncoding.EncodeToString([]byte(cfg.EnvironmentID+":"+cfg.APIKey)),
		},
		UserAgent: opt.userAgent,
		Sender:    sender,
		Log:       opt.logger,
		Tracer:    opt.tracer(),
		Tokens:    token.NewCache(maxTokens),
	}}}, nil
}

// CloseIdleConnections closes the connections that no request is using. The
// Client remains usable.
func (c *Client) CloseIdleConnections() {
	if core, err := c.ready(""); err == nil {
		core.conn.Sender.CloseIdleConnections()
	}
}

// RoqPlatform is the platform as one identity sees it, and has the invite
// operations. Creating one does no I/O, and all those of one Client share its
// connections and tokens. It is safe for concurrent use.
type RoqPlatform struct{ as *identity }

// AsUser returns the platform as the user with that roqUserId sees it. An empty
// CreatedByUserID in an input means that user.
//
// The access token is fetched by the first call, on behalf of the service account,
// and cached until shortly before it expires, for an hour at most (as in npm
// @roq/nodejs 1.0.20). Concurrent calls share one request for it. A token that the
// platform refuses is replaced once per call. If userID is not a valid id, every call
// fails with [ErrInvalidInput].
func (c *Client) AsUser(userID string) *RoqPlatform {
	core, err := c.ready("")
	if err != nil {
		return &RoqPlatform{&identity{err: err}}
	}
	as := &identity{core: core, userID: userID, as: core.conn.User(userID, core.opt.settings())}
	if err := check.ID(userID); err != nil {
		as.err = invalid("", "AsUser: the user id "+err.Error())
	}
	return &RoqPlatform{as}
}

// AsSuperAdmin returns the platform as the environment's service account sees
// it, with the invites of every tenant. An input must set TenantID and
// CreatedByUserID. The access token is fetched and cached as for [Client.AsUser].
func (c *Client) AsSuperAdmin() *RoqPlatform {
	core, err := c.ready("")
	if err != nil {
		return &RoqPlatform{&identity{err: err}}
	}
	return &RoqPlatform{&identity{core: core, as: core.conn.ServiceAccount(core.opt.settings())}}
}

// AsSession returns the platform as the visitor with that session sees it, with
// the session's own access token. An empty TenantID or CreatedByUserID in an input
// means the session's. If the session has no tenant either, sending fails with
// [ErrNoTenant].
//
// The token cannot be renewed. When it has expired, calls fail with
// [ErrUnauthorized], and the visitor has to sign in again. If s is nil, every call
// fails with [ErrNoSession]; if its token is not usable, with [ErrInvalidSession].
func (c *Client) AsSession(s *Session) *RoqPlatform {
	core, err := c.ready("")
	if err != nil {
		return &RoqPlatform{&identity{err: err}}
	}
	if s == nil {
		return &RoqPlatform{&identity{err: invalid("", "AsSession: the session is nil", ErrNoSession)}}
	}
	as := &identity{core: core, userID: s.RoqUserID, tenantID: s.User.TenantID, as: exchange.Bearer(s.RoqAccessToken)}
	if err := check.Token(s.RoqAccessToken); err != nil {
		as.err = invalid("", "AsSession: the session's RoqAccessToken "+err.Error(), ErrInvalidSession)
	}
	return &RoqPlatform{as}
}
