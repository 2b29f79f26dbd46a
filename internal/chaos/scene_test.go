package chaos_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

const (
	// attemptTimeout bounds one attempt, of every client.
	attemptTimeout = 250 * time.Millisecond
	// callDeadline is the context's, of one call.
	callDeadline = 3 * time.Second
	// age is how old what was there before must be to differ from what a call has
	// made: the platform's clock tells whole seconds.
	age = 1100 * time.Millisecond
	// seed makes every run the same, as far as the scheduler lets it.
	seed = 20260423
)

// task is what one caller wants.
type task struct {
	operation string
	requestID string
	tenantID  string
	addresses []string // to send to
	inviteID  string   // to resend, cancel or accept
	token     string   // to accept with
	total     int      // invites that a list must tell of
}

// scene is a platform, a fault on the way to it, and what the callers want.
type scene struct {
	cell    cell
	backend *backend
	config  roq.Config
	user    roqtest.User
	tasks   []task
	ledger  *ledger
	proxy   net.Listener
	ready   time.Time // when what was made beforehand is old enough

	mu      sync.Mutex
	cancels map[string]context.CancelFunc
}

func listen() net.Listener {
	return must(new(net.ListenConfig).Listen(context.Background(), "tcp", net.JoinHostPort(loopback, "0")))
}

func newScene(c cell, repeatable bool) *scene {
	var opts []roqtest.Option
	if repeatable {
		// Nothing but the client keeps an address from being mailed twice.
		opts = append(opts, roqtest.WithRepeatedInvites())
	}
	s := &scene{cell: c, cancels: make(map[string]context.CancelFunc)}
	b := &backend{
		platform: roqtest.NewHandler(opts...), listener: listen(), fault: c.fault, target: c.operation,
		gate:   &gate{every: c.when == every, conns: c.callers, seen: make(map[string]int)},
		cancel: s.cancel, open: make(map[net.Conn]bool), stopped: make(chan struct{}), busy: make(chan struct{}, 1),
		random: rand.New(rand.NewPCG(seed, c.hash())),
	}
	if c.operation == opToken {
		b.gate.conns = 1 // callers share one request for a token
	}
	if c.fault.tokens {
		b.target = opToken
	}
	scheme := "http://"
	if c.fault.tls {
		b.tls, scheme = b.tlsConfig(), "https://"
	}
	s.backend, s.config = b, b.platform.Config()
	s.config.PlatformURL = scheme + b.listener.Addr().String()
	s.config.APIURL, s.config.AppURL = s.config.PlatformURL, s.config.PlatformURL
	s.user = b.platform.AddUser(roqtest.User{TenantID: b.platform.AddTenant("Acme"), Email: "ann@acme.example"})
	s.furnish()
	if c.fault.proxy {
		s.proxy = listen()
		go refuseConnect(s.proxy)
	}
	go b.accept()
	return s
}

// furnish makes what is there before the callers come.
func (s *scene) furnish() {
	direct := &inProcess{backend: s.backend}
	client := must(roq.New(s.config, roq.WithHTTPClient(&http.Client{Transport: direct})))
	platform := client.AsUser(s.user.ID)
	invite := func(address string) string {
		sent := must(platform.SendUserInvites(context.Background(), roq.SendUserInvitesInput{
			TenantID: s.user.TenantID, UserInvites: []roq.UserInviteInput{{Email: address}},
		}))
		return sent.Success[0].ID
	}
	for caller := range s.cell.callers {
		t := task{operation: s.cell.operation, requestID: fmt.Sprintf("caller-%d", caller), tenantID: s.user.TenantID}
		owner := caller
		if s.cell.fault.shared {
			owner = 0
		}
		switch {
		case t.operation == opSend:
			for i := range s.cell.size {
				t.addresses = append(t.addresses, fmt.Sprintf("Person-%d-%d@chaos.example", owner, i))
			}
		case owner != caller:
			t.inviteID, t.token = s.tasks[0].inviteID, s.tasks[0].token
		default:
			t.inviteID = invite(fmt.Sprintf("invited-%d@chaos.example", owner))
			mails := s.backend.platform.Outbox()
			t.token = mails[len(mails)-1].Token
		}
		if s.cell.fault.member {
			s.backend.platform.AddUser(roqtest.User{TenantID: s.user.TenantID, Email: t.addresses[0]})
		} else if s.cell.size > 1 && owner == caller {
			invite(t.addresses[0]) // an old invite, which proves nothing about a new one
		}
		s.tasks = append(s.tasks, t)
	}
	must(s.as(client).UserInvites(context.Background(), roq.UserInvitesQuery{Limit: 1})) // for its credentials
	s.backend.credentials = direct.header
	for i := range s.tasks {
		s.tasks[i].total = len(s.backend.platform.Invites())
	}
	s.ledger = newLedger(s.backend.platform)
	if s.cell.operation == opResend || s.cell.operation == opSend && s.cell.size > 1 {
		s.ready = time.Now().Add(age)
	}
}

// as is the platform as whoever does what the scene is about: an invitee is no user yet, so
// a backend accepts as itself.
func (s *scene) as(client *roq.Client) *roq.RoqPlatform {
	if s.cell.operation == opAccept {
		return client.AsSuperAdmin()
	}
	return client.AsUser(s.user.ID)
}

// inProcess reaches the platform without a connection, and keeps the headers of
// the last request.
type inProcess struct {
	backend *backend
	header  http.Header
}

// RoundTrip implements [http.RoundTripper].
func (p *inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	p.header = r.Header.Clone()
	recorder := httptest.NewRecorder()
	p.backend.platform.Handler().ServeHTTP(recorder, r)
	return recorder.Result(), nil
}

func (s *scene) proxyURL() *url.URL {
	if s.proxy == nil {
		return nil
	}
	return &url.URL{Scheme: "http", Host: s.proxy.Addr().String()}
}

// context returns a caller's, which the backend can cancel.
func (s *scene) context(requestID string) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.Background(), callDeadline)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancels[requestID] = cancel
	return ctx, cancel
}

func (s *scene) cancel(requestID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel := s.cancels[requestID]; cancel != nil {
		cancel()
	}
}

func (s *scene) close() {
	if s.proxy != nil {
		_ = s.proxy.Close()
	}
	s.backend.close()
}
