// Package roqtest is a ROQ platform on loopback, for tests and development. It
// executes GraphQL against the published schema, enforces the platform's rules, and
// keeps the e-mails that it would have sent in an outbox.
//
//	srv := roqtest.NewServer()
//	defer srv.Close()
//	tenant := srv.AddTenant("Acme")
//	user := srv.AddUser(roqtest.User{TenantID: tenant, Email: "ann@acme.example"})
//	client, err := roq.New(srv.Config())
//
// Any valid GraphQL document works, including those of ROQ's own clients. If the
// platform's documentation leaves something open, this package does what a server with
// NestJS and Apollo would do; the comments call that our reading.
//
// # Permissions
//
// The service account can see and change everything. A user can see and change what
// belongs to the same tenant. Users of any role may invite; that is our reading, because
// each project defines its own roles. An invite may name a role that does not exist,
// which is our reading too: see [Server.AddRole]. Clients need the credentials in
// [Server.Config], as on the platform. Tokens expire ([WithTokenLifetime]) and can be
// revoked ([Server.RevokeTokens]).
//
// # What others do
//
// [Server.Outbox] returns the e-mails. With the token in one, [Server.Accept] does what
// the invitee does. [Server.Expire] and [Server.Remove] do what time and administrators
// do. [Server.Invites] returns the true state, whatever a client was told, and
// [Server.Requests] returns what clients sent.
//
// # Faults
//
// [Server.Inject] makes requests slow, refused, cut off or answered with something
// else: see [Fault].
//
// # Time
//
// The platform has its own clock. It is the real time until [Server.Advance] moves it
// forward: then invites expire, and events of [Server.SendWebhooks] are sent again.
package roqtest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/graph-gophers/graphql-go"

	"github.com/go-roq/roq"
)

const (
	// maxBody bounds what one request may hold.
	maxBody = 64 << 20
	// keptRequests bounds what [Server.Requests] returns.
	keptRequests = 10_000
)

// Server is a ROQ platform. It is safe for concurrent use, and shares nothing with
// other Servers.
type Server struct {
	// URL is the address on which it listens, "http://127.0.0.1:" and a port. It serves
	// the endpoints of the platform, the REST API and the application. URL is empty for a
	// Server made by [NewHandler].
	URL string

	environmentID, apiKey, webhookKey string
	secret                            []byte // signs the platform's own tokens
	tokenLifetime                     time.Duration
	generation                        atomic.Int64 // of tokens: older ones are revoked

	changes  *changes
	world    *world
	hooks    *hooks
	schema   *graphql.Schema
	faults   faults
	requests requestLog
	handler  http.Handler
	addr     string
	listener *httptest.Server
	closing  sync.Once
	closed   chan struct{}
}

// Option configures the platform.
type Option func(*Server)

// WithBulkLimit refuses a request with more than n invites, with
// BULK_USER_INVITE_LIMIT_EXCEEDED. By default there is no limit: the platform's limit is
// not published.
func WithBulkLimit(n int) Option { return func(s *Server) { s.world.bulkLimit = n } }

// WithRepeatedInvites allows several pending invites of an address to a tenant.
// By default the second is refused with USER_ALREADY_INVITED.
func WithRepeatedInvites() Option { return func(s *Server) { s.world.repeatAllowed = true } }

// WithInviteLifetime sets when a pending invite expires. The default is 7 days.
func WithInviteLifetime(d time.Duration) Option {
	return func(s *Server) { s.world.inviteLifetime = d }
}

// WithTokenLifetime sets when an access token expires. The default is an hour.
func WithTokenLifetime(d time.Duration) Option { return func(s *Server) { s.tokenLifetime = d } }

// WithRoles sets the roles that the platform starts with. The default is admin, member
// and content-creator, which can all be assigned with an invite.
func WithRoles(roles ...Role) Option {
	return func(s *Server) {
		s.world.roles = nil
		for _, r := range roles {
			s.world.addRole(r)
		}
	}
}

// NewHandler returns a platform that does not listen. Serve its [Server.Handler], and
// set the address in what [Server.Config] returns.
func NewHandler(opts ...Option) *Server {
	s := &Server{
		environmentID: uuid.NewString(),
		apiKey:        rand.Text(),
		webhookKey:    rand.Text(),
		secret:        []byte(rand.Text()),
		tokenLifetime: time.Hour,
		changes:       new(changes),
		closed:        make(chan struct{}),
	}
	s.world, s.faults.changes, s.requests.changes = newWorld(s.changes), s.changes, s.changes
	s.hooks = newHooks(s.environmentID, s.webhookKey, s.world)
	s.world.hooks = s.hooks
	for _, opt := range opts {
		opt(s)
	}
	s.schema = parseSchema(s.world)
	s.handler = s.routes()
	return s
}

// Close stops listening and waits for requests in flight. Requests that a fault delays
// and webhooks in flight are dropped.
func (s *Server) Close() {
	s.closing.Do(func() { close(s.closed) })
	s.hooks.close()
	if s.listener != nil {
		s.listener.Close()
	}
}

// Config returns the configuration for a client of this platform. Every Server has a
// new environment id and new keys. The REST API and the application have the same
// address as the platform. The application has a sign-in page: to come back from it to an
// application of yours, set AppURL to that, and serve /api/auth/ there with
// [Server.Handler].
func (s *Server) Config() roq.Config {
	return roq.Config{
		PlatformURL: s.URL, APIURL: s.URL, AppURL: s.URL,
		EnvironmentID: s.environmentID, APIKey: s.apiKey, WebhookKey: s.webhookKey,
	}
}

// Handler returns the platform as an http.Handler.
func (s *Server) Handler() http.Handler { return s.handler }

// AddTenant adds a tenant with that display name and returns its id, a UUID.
func (s *Server) AddTenant(name string) string { return s.world.addTenant(name) }

// AddRole adds a role and returns it with its id. It can be assigned with an invite
// unless [Role].NotForInvites is set. It replaces a role with the same Key.
func (s *Server) AddRole(r Role) Role { return s.world.addRole(r) }

// AddUser adds a user and returns it with its id. If there is no tenant with its
// TenantID, one is added. It replaces a user with the same ID.
func (s *Server) AddUser(u User) User { return s.world.addUser(u) }

// Tenants returns every tenant, sorted by name.
func (s *Server) Tenants() []Tenant {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	return s.world.tenantList()
}

// Roles returns every role, in the order in which they were added.
func (s *Server) Roles() []Role {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	return s.world.roleList()
}

// Users returns every user, in the order in which they were added, including those who
// accepted an invite.
func (s *Server) Users() []User {
	var all []User
	for _, m := range s.world.members(func(*member) bool { return true }) {
		m.Roles = slices.Clone(m.Roles)
		all = append(all, m.User)
	}
	return all
}

// SessionToken returns the value of the cookie roq-session-token for the user, signed as
// @roq/nextjs signs it, or "" if there is no such user.
func (s *Server) SessionToken(userID string) string {
	u, ok := s.world.user(userID)
	if !ok {
		return ""
	}
	return s.sessionToken(u)
}

// RevokeTokens invalidates every access token issued so far, including those in
// sessions.
func (s *Server) RevokeTokens() {
	s.generation.Add(1)
	s.changes.add(Changes{Settings: 1})
}

// Outbox returns every e-mail sent so far, oldest first.
func (s *Server) Outbox() []Email { return s.world.mails() }

// Accept does what the invitee does with the link in the e-mail: the invitee
// becomes a user of the tenant. It returns the platform's refusal if the token is
// unknown (USER_TOKEN_NOT_FOUND) or if its invite was accepted, was canceled or has
// expired.
func (s *Server) Accept(token string) (roq.UserInvite, error) {
	i, err := s.world.accept(nil, token)
	return detached(i), err
}

// Expire makes a pending invite expire. It returns an error if there is no such invite
// or if it is not pending.
func (s *Server) Expire(inviteID string) error { return s.world.expireNow(inviteID) }

// Advance moves the platform's clock forward by d, and returns when everything that was
// due has happened: pending invites have expired, and webhooks were sent, or sent again.
// Advance(0) waits for webhooks in flight. Tokens and sessions use the real time, since
// their readers do too. A handler of webhooks must not call Advance.
func (s *Server) Advance(d time.Duration) {
	if d != 0 {
		s.world.clock.turn(d)
		s.changes.add(Changes{Settings: 1})
	}
	s.world.catchUp()
	s.hooks.settle()
}

// Remove deletes an invite, as an administrator of the platform can. Clients have no
// operation for it. It returns an error if there is no such invite.
func (s *Server) Remove(inviteID string) error { return s.world.remove(inviteID) }

// Invites returns every invite, oldest first.
func (s *Server) Invites() []roq.UserInvite {
	all := s.world.snapshot(func(*roq.UserInvite) bool { return true })
	for i := range all {
		all[i] = detached(all[i])
	}
	return all
}

// detached is an invite that shares nothing with the platform's.
func detached(i roq.UserInvite) roq.UserInvite {
	i.RoleKeys, i.Data = slices.Clone(i.RoleKeys), slices.Clone(i.Data)
	return i
}

// Requests returns the last 10,000 requests that arrived, oldest first.
func (s *Server) Requests() []Request { return s.requests.all() }

// Inject adds a fault, which remains until it was applied [Fault].Times times. If
// several faults match a request, the first one is applied.
func (s *Server) Inject(f Fault) { s.faults.add(f) }

// Faults returns the faults that can still be applied, in the order in which they were
// injected. Times is how many requests each is still applied to; zero means all.
func (s *Server) Faults() []Fault { return s.faults.left() }

// ClearFaults removes every fault, so that the platform works normally again. A
// request that a fault is delaying remains delayed.
func (s *Server) ClearFaults() { s.ChangeFaults(func([]Fault) []Fault { return nil }) }

// ChangeFaults replaces the faults that can still be applied by those that change returns.
// No request is handled in between: a fault that is kept applies to every request. The
// function must not call methods of the Server.
func (s *Server) ChangeFaults(change func(left []Fault) []Fault) { s.faults.replace(change) }

// endpoint answers a request whose body was read.
type endpoint func(w http.ResponseWriter, r *http.Request, body []byte)

// routes are the endpoints of the platform (npm @roq/nodejs 1.0.20, @roq/client
// 0.0.12), of an application that uses @roq/nextjs 2.0.3, and of the REST API.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern, operation string, serve endpoint) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
			if err != nil {
				http.Error(w, "the body is too large or incomplete", http.StatusRequestEntityTooLarge)
				return
			}
			s.arrive(w, r, operation, body, serve)
		})
	}
	handle("POST /v01/server/graphql", "", s.graphQL(true))
	handle("POST /v01/graphql", "", s.graphQL(false))
	handle("POST /v01/authorize/serviceAccount", OpAuthorizeServiceAccount, s.authorizeServiceAccount)
	handle("POST /v01/authorize", OpAuthorize, s.authorize)
	handle("POST /v01/authorize/refreshToken", OpRefreshToken, s.refresh)
	handle("GET /api/auth/session", OpSession, s.session)
	handle("GET /api/auth/refetch-session", OpSession, s.refetchSession)
	handle("GET /api/auth/login", "", s.signIn)
	handle("GET /api/auth/signup", "", s.signIn)
	handle("GET /api/auth/logout", "", s.signOut)
	handle("GET /api/model/user/findMany", OpFindUsers, s.findUsers)
	return mux
}

// arrive notes a request and answers it, or lets a fault happen to it.
func (s *Server) arrive(w http.ResponseWriter, r *http.Request, operation string, body []byte, serve endpoint) {
	noted := Request{Method: r.Method, Path: r.URL.Path, Header: r.Header.Clone(), Operation: operation, At: s.world.clock.now()}
	w.Header().Set("Date", noted.At.Format(http.TimeFormat))
	if operation == "" && r.Method == http.MethodPost {
		noted.Operation, noted.Variables = operationOf(body)
	}
	entry, began := s.requests.add(noted), time.Now()
	answer := &answerWriter{ResponseWriter: w}
	defer func() { s.requests.end(entry, answer.status, time.Since(began)) }()
	r = r.WithContext(context.WithValue(r.Context(), entryKey{}, entry))
	process := func(w http.ResponseWriter, r *http.Request) { serve(w, r, body) }
	if f := s.faults.take(noted.Operation); f != nil {
		if c, refusal := s.callerFrom(r, false); refusal == nil {
			s.identify(r, c) // the fault may keep the endpoint from doing it
		}
		f.serve(answer, r, process, s.closed)
		return
	}
	process(answer, r)
}

// identify notes who makes a request.
func (s *Server) identify(r *http.Request, c caller) {
	id := CallerServiceAccount
	if c.user != nil {
		id = c.user.ID
	}
	if entry, ok := r.Context().Value(entryKey{}).(*Request); ok {
		s.requests.identify(entry, id)
	}
}

// graphQL is the endpoint for backends or, not being for a server, for browsers,
// which do not know the API key.
func (s *Server) graphQL(server bool) endpoint {
	return func(w http.ResponseWriter, r *http.Request, body []byte) {
		var request graphQLRequest
		if json.Unmarshal(body, &request) != nil || request.Query == "" {
			e := badInput("the body must be JSON with a query")
			writeJSON(w, http.StatusBadRequest, map[string]any{"errors": []any{map[string]any{"message": e.message, "extensions": e.Extensions()}}})
			return
		}
		c, refusal := s.callerFrom(r, server)
		if refusal != nil {
			writeJSON(w, http.StatusOK, refused(refusal))
			return
		}
		s.identify(r, c)
		status, answer := s.execute(r.Context(), c, request)
		writeJSON(w, status, answer)
	}
}
