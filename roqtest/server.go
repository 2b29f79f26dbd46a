// Package roqtest is a ROQ platform on loopback, to test against and to develop
// with. It executes GraphQL against the published schema, enforces what the
// platform enforces, and keeps the e-mails that it would have sent.
//
//	srv := roqtest.NewServer()
//	defer srv.Close()
//	tenant := srv.AddTenant("Acme")
//	user := srv.AddUser(roqtest.User{TenantID: tenant, Email: "ann@acme.example"})
//	client, err := roq.New(srv.Config())
//
// Any valid GraphQL document works, those of ROQ's own clients included. What the
// platform's documentation leaves open is done in the way that a NestJS and
// Apollo server would; the comments call that our reading.
//
// # Who may do what
//
// The service account sees and changes everything, a user what belongs to the
// same tenant. That users of any role may invite is our reading: the roles of a
// platform are its project's. An invite may name a role that does not exist,
// which is our reading too: see [Server.AddRole]. The credentials in [Server.Config] are needed as on
// the platform, tokens expire ([WithTokenLifetime]) and can be revoked
// ([Server.RevokeTokens]).
//
// # What others do
//
// [Server.Outbox] has the e-mails; with the token in one, [Server.Accept] does
// what the invitee does. [Server.Expire] and [Server.Remove] do what time and
// administrators do. [Server.Invites] is the truth, whatever a client was told,
// and [Server.Requests] what clients sent.
//
// # Trouble
//
// [Server.Inject] makes requests slow, refused, cut off or answered with
// something else: see [Fault].
//
// # Time
//
// The platform has a clock of its own. It is the real one until [Server.Advance]
// turns it on: invites expire, and [Server.SendWebhooks]'s events are sent again.
package roqtest

import (
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

// Server is a ROQ platform. It is safe for concurrent use, and knows nothing of
// other Servers.
type Server struct {
	// URL is where it listens, "http://127.0.0.1:" and a port, with the platform's
	// endpoints, the REST API's and the application's; empty for a Server made by
	// [NewHandler].
	URL string

	environmentID, apiKey, webhookKey string
	secret                            []byte // signs the platform's own tokens
	tokenLifetime                     time.Duration
	generation                        atomic.Int64 // of tokens: older ones are revoked

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

// Option changes how the platform behaves.
type Option func(*Server)

// WithBulkLimit refuses a request with more than n invites by
// BULK_USER_INVITE_LIMIT_EXCEEDED. The default is no limit: the platform's is
// not published.
func WithBulkLimit(n int) Option { return func(s *Server) { s.world.bulkLimit = n } }

// WithRepeatedInvites lets an address have several pending invites to a tenant.
// By default the second is refused by USER_ALREADY_INVITED.
func WithRepeatedInvites() Option { return func(s *Server) { s.world.repeatAllowed = true } }

// WithInviteLifetime sets when a pending invite expires. The default is 7 days.
func WithInviteLifetime(d time.Duration) Option {
	return func(s *Server) { s.world.inviteLifetime = d }
}

// WithTokenLifetime sets when an access token expires. The default is an hour.
func WithTokenLifetime(d time.Duration) Option { return func(s *Server) { s.tokenLifetime = d } }

// WithRoles sets the roles that the platform starts with. The default is admin, member
// and content-creator, all of which can be given with an invite.
func WithRoles(roles ...Role) Option {
	return func(s *Server) {
		s.world.roles = nil
		for _, r := range roles {
			s.world.addRole(r)
		}
	}
}

// NewHandler makes a platform that does not listen: serve its [Server.Handler],
// and put the address where that is into what [Server.Config] returns.
func NewHandler(opts ...Option) *Server {
	s := &Server{
		environmentID: uuid.NewString(),
		apiKey:        rand.Text(),
		webhookKey:    rand.Text(),
		secret:        []byte(rand.Text()),
		tokenLifetime: time.Hour,
		world:         newWorld(),
		closed:        make(chan struct{}),
	}
	s.hooks = newHooks(s.environmentID, s.webhookKey, &s.world.clock)
	s.world.hooks = s.hooks
	for _, opt := range opts {
		opt(s)
	}
	s.schema = parseSchema(s.world)
	s.handler = s.routes()
	return s
}

// Close stops listening and waits for requests under way; those that a fault
// delays are dropped, and so are webhooks under way.
func (s *Server) Close() {
	s.closing.Do(func() { close(s.closed) })
	s.hooks.close()
	if s.listener != nil {
		s.listener.Close()
	}
}

// Config returns what a client of this platform needs. The environment's id and
// its keys are made anew for every Server. The address of the platform is that of
// the REST API and of the application too.
func (s *Server) Config() roq.Config {
	return roq.Config{
		PlatformURL: s.URL, APIURL: s.URL, AppURL: s.URL,
		EnvironmentID: s.environmentID, APIKey: s.apiKey, WebhookKey: s.webhookKey,
	}
}

// Handler returns the platform as an http.Handler.
func (s *Server) Handler() http.Handler { return s.handler }

// AddTenant makes a tenant and returns its id, a UUID. The name is for people.
func (s *Server) AddTenant(name string) string { return s.world.addTenant(name) }

// AddRole makes a role and returns it with its id. It can be given with an invite unless
// [Role].NotForInvites says otherwise. A role with a Key that is known takes the other's
// place.
func (s *Server) AddRole(r Role) Role { return s.world.addRole(r) }

// AddUser makes a user and returns it with its id. A TenantID that is not known
// becomes a tenant; a user with an ID that is known takes the other's place.
func (s *Server) AddUser(u User) User { return s.world.addUser(u) }

// Tenants returns every tenant, by name.
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

// Users returns every user, in the order in which they were made: those that
// became one by accepting an invite too.
func (s *Server) Users() []User {
	var all []User
	for _, m := range s.world.members(func(*member) bool { return true }) {
		m.Roles = slices.Clone(m.Roles)
		all = append(all, m.User)
	}
	return all
}

// SessionToken returns the value of a session cookie for the user, signed as
// @roq/nextjs signs it; empty if there is no such user.
func (s *Server) SessionToken(userID string) string {
	u, ok := s.world.user(userID)
	if !ok {
		return ""
	}
	return s.sessionToken(u)
}

// RevokeTokens makes every access token issued so far invalid, those in sessions
// too.
func (s *Server) RevokeTokens() { s.generation.Add(1) }

// Outbox returns every e-mail sent so far, the oldest first.
func (s *Server) Outbox() []Email { return s.world.mails() }

// Accept does what the invitee does with the link in the e-mail: the invitee
// becomes a user of the tenant. The error is the platform's refusal of a token
// that is not known (USER_TOKEN_NOT_FOUND) or whose invite was accepted, canceled
// or has expired.
func (s *Server) Accept(token string) (roq.UserInvite, error) {
	i, err := s.world.accept(nil, token)
	return detached(i), err
}

// Expire does what time does to a pending invite. It is an error if there is no
// such invite or if it is not pending.
func (s *Server) Expire(inviteID string) error { return s.world.expireNow(inviteID) }

// Advance turns the platform's clock on by d, and returns when everything has
// happened that was due: pending invites have expired, and webhooks were sent, or
// sent again. Advance(0) waits for what is under way. Tokens and sessions go by
// the real time, since whoever reads them does. A receiver of webhooks must not
// call Advance while it is being called.
func (s *Server) Advance(d time.Duration) {
	s.world.clock.turn(d)
	s.world.catchUp()
	s.hooks.settle()
}

// Remove deletes an invite, as an administrator of the platform can: clients have
// no operation for it. It is an error if there is no such invite.
func (s *Server) Remove(inviteID string) error { return s.world.remove(inviteID) }

// Invites returns every invite there is, the oldest first.
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

// Requests returns what arrived, the oldest first: the last 10,000 requests.
func (s *Server) Requests() []Request { return s.requests.all() }

// Inject adds a fault, which stays until it has happened [Fault].Times times. Of
// several that fit a request the first happens to it.
func (s *Server) Inject(f Fault) { s.faults.add(f) }

// ClearFaults takes back every fault, so that the platform is well again. A
// request that a fault delays is still delayed.
func (s *Server) ClearFaults() { s.faults.clear() }

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
				http.Error(w, "the body is too large or was cut", http.StatusRequestEntityTooLarge)
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
	s.requests.add(noted)
	process := func(w http.ResponseWriter, r *http.Request) { serve(w, r, body) }
	if f := s.faults.take(noted.Operation); f != nil {
		f.serve(w, r, process, s.closed)
		return
	}
	process(w, r)
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
		status, answer := s.execute(r.Context(), c, request)
		writeJSON(w, status, answer)
	}
}
