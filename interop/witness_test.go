package interop_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"testing"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// seen is what a client was told: data, in JavaScript's form, or a refusal.
type seen struct {
	Data any
	Err  *refusal
}

// refusal is what can be learned from an error.
type refusal struct {
	Message string `json:"message"`
	Code    string `json:"code"`
	Status  int    `json:"status"`
}

// witness is a client that makes the calls of a scenario.
type witness interface {
	send(in roq.SendUserInvitesInput) seen
	list(q roq.UserInvitesQuery) seen
	get(id string) seen
	resend(id string) seen
	cancel(id string) seen
	accept(token string) seen
}

// gopher is this module as a witness.
type gopher struct {
	t        testing.TB
	srv      *roqtest.Server
	client   *roq.Client
	platform *roq.RoqPlatform
}

func newGopher(t testing.TB, srv *roqtest.Server, userID string, opts ...roq.Option) gopher {
	t.Helper()
	// A witness says what it saw at first, and not what it found out afterwards.
	opts = append([]roq.Option{roq.WithRetry(roq.RetryPolicy{MaxAttempts: 1}), roq.WithSettleTimeout(0)}, opts...)
	client, err := roq.New(srv.Config(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	if userID == "" {
		return gopher{t, srv, client, client.AsSuperAdmin()}
	}
	return gopher{t, srv, client, client.AsUser(userID)}
}

func (g gopher) saw(v any, err error) seen {
	g.t.Helper()
	if err == nil {
		return seen{Data: plain(g.t, v, true)}
	}
	var e *roq.Error
	if !errors.As(err, &e) {
		g.t.Fatalf("%v is no *roq.Error", err)
	}
	return seen{Err: &refusal{Message: e.Message, Code: e.Code, Status: e.StatusCode}}
}

func (g gopher) send(in roq.SendUserInvitesInput) seen {
	g.t.Helper()
	sent, err := g.platform.SendUserInvites(g.t.Context(), in)
	if err == nil && len(sent.Unknown)+len(sent.NotSent) > 0 {
		g.t.Errorf("%d unknown and %d not sent without an error", len(sent.Unknown), len(sent.NotSent))
	}
	if err != nil {
		return g.saw(nil, err)
	}
	return g.saw(struct {
		Success []roq.UserInvite
		Errors  []roq.UserInviteError
	}{append([]roq.UserInvite{}, sent.Success...), append([]roq.UserInviteError{}, sent.Errors...)}, nil)
}

func (g gopher) list(q roq.UserInvitesQuery) seen {
	g.t.Helper()
	page, err := g.platform.UserInvites(g.t.Context(), q)
	return g.saw(page, err)
}

func (g gopher) get(id string) seen {
	g.t.Helper()
	invite, err := g.platform.UserInvite(g.t.Context(), id)
	return g.saw(invite, err)
}

func (g gopher) resend(id string) seen {
	g.t.Helper()
	invite, err := g.platform.ResendUserInvite(g.t.Context(), id)
	return g.saw(invite, err)
}

func (g gopher) cancel(id string) seen {
	g.t.Helper()
	invite, err := g.platform.CancelUserInvite(g.t.Context(), id)
	return g.saw(invite, err)
}

// accept is done by the invitee, and the token is checked before: that changes nothing.
func (g gopher) accept(token string) seen {
	g.t.Helper()
	platform := g.platform
	if id := invitee(g.srv, token); id != "" {
		platform = g.client.AsUser(id)
	}
	checked, err := platform.CheckUserInviteToken(g.t.Context(), token)
	if err != nil {
		g.t.Errorf("CheckUserInviteToken: %v", err)
	}
	invite, err := platform.AcceptUserInvite(g.t.Context(), token)
	if checked != nil && checked.Valid != (err == nil) {
		g.t.Errorf("CheckUserInviteToken = %+v, and AcceptUserInvite %v", checked, err)
	}
	return g.saw(invite, err)
}

// invitee is the user, of another tenant, to whom a token was mailed.
func invitee(srv *roqtest.Server, token string) string {
	for _, mail := range srv.Outbox() {
		if mail.Token == token {
			return map[string]string{"bob@example.com": bob, "eve@example.com": eve, "joe@example.com": joe}[mail.To]
		}
	}
	return ""
}

// accepted is what a client sees that cannot accept: the invitee has done so
// without it.
func accepted(t testing.TB, srv *roqtest.Server, token string, w witness) seen {
	t.Helper()
	invite, err := srv.Accept(token)
	if err == nil {
		return w.get(invite.ID)
	}
	told := plain(t, err.(interface{ Extensions() map[string]any }).Extensions(), true)
	response := told.(map[string]any)["response"].(map[string]any)
	return seen{Err: &refusal{Message: err.Error(), Code: response["errorCode"].(string), Status: int(response["statusCode"].(float64))}}
}

// script is one of ROQ's JavaScript clients as a witness.
type script struct {
	t testing.TB
	*process
	srv *roqtest.Server
	// user is who is signed in; nobody, the service account.
	user string
	// accepts is whether the client can: @roq/client has no method for it.
	accepts bool
}

// newScript makes a client act on a platform: @roq/nodejs as the user or, without
// one, as the service account; @roq/client as a visitor with a session.
func newScript(t testing.TB, p *process, srv *roqtest.Server, userID string) script {
	t.Helper()
	s := script{t, p, srv, userID, p.driver == "nodejs.mjs"}
	s.connect(userID)
	return s
}

func (s script) connect(userID string) {
	s.t.Helper()
	cfg := s.srv.Config()
	s.must(s.t, nil, "connect", map[string]string{
		"host": cfg.PlatformURL, "environmentId": cfg.EnvironmentID, "apiKey": cfg.APIKey,
		"userId": userID, "sessionToken": s.srv.SessionToken(userID),
	})
}

// saw reads the data under the field of the schema's.
func (s script) saw(a answer, field string) seen {
	s.t.Helper()
	if a.Error != nil {
		return seen{Err: a.Error}
	}
	data, _ := decoded(s.t, a.Data).(map[string]any)
	return seen{Data: data[field]}
}

// variables are the arguments of a call in the platform's guide.
type variables map[string]any

func (s script) send(in roq.SendUserInvitesInput) seen {
	s.t.Helper()
	got := s.saw(s.call(s.t, "call", "sendUserInvites", variables{"data": plain(s.t, in, false)}), "sendUserInvitesV2")
	sent, _ := got.Data.(map[string]any)
	refused, _ := sent["errors"].([]any)
	for _, r := range refused {
		// A page that shows these has to read them: a text, or JSON in a text.
		r := r.(map[string]any)
		text, _ := r["error"].(string)
		var inner struct{ Message, ErrorCode string }
		_ = json.Unmarshal([]byte(text), &inner)
		r["message"], r["code"] = cmp.Or(inner.Message, text), any(nil)
		if inner.ErrorCode != "" {
			r["code"] = inner.ErrorCode
		}
		delete(r, "error")
		for _, name := range []string{"firstName", "lastName"} {
			if r[name] == "" { // the schema has no null here
				r[name] = nil
			}
		}
	}
	return got
}

func (s script) list(q roq.UserInvitesQuery) seen {
	s.t.Helper()
	return s.saw(s.call(s.t, "call", "userInvites", plain(s.t, q, false)), "userInvites")
}

func (s script) get(id string) seen {
	s.t.Helper()
	return s.saw(s.call(s.t, "call", "userInvite", variables{"id": id}), "userInvite")
}

func (s script) resend(id string) seen {
	s.t.Helper()
	return s.saw(s.call(s.t, "call", "resendUserInvite", variables{"userInviteId": id}), "resendUserInvite")
}

func (s script) cancel(id string) seen {
	s.t.Helper()
	return s.saw(s.call(s.t, "call", "cancelUserInvite", variables{"userInviteId": id}), "cancelUserInvite")
}

// accept is done by the invitee, who is signed in to another tenant.
func (s script) accept(token string) seen {
	s.t.Helper()
	if !s.accepts {
		return accepted(s.t, s.srv, token, s)
	}
	if id := invitee(s.srv, token); id != "" {
		s.connect(id)
		defer s.connect(s.user)
	}
	return s.saw(s.call(s.t, "call", "acceptUserInvite", variables{"data": variables{"token": token}}), "acceptUserInviteV2")
}
