package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// embedded starts a platform inside this process, with a tenant of two users,
// and signs one of them in.
func embedded(ctx context.Context, out io.Writer, _ flags) (*stage, error) {
	srv := roqtest.NewServer()
	tenant := srv.AddTenant("Acme")
	ann := srv.AddUser(roqtest.User{TenantID: tenant, Email: "ann@acme.example", FirstName: "Ann", Roles: []string{"admin"}})
	bob := srv.AddUser(roqtest.User{TenantID: tenant, Email: "bob@acme.example", FirstName: "Bob", Roles: []string{"editor"}})

	client, err := roq.New(srv.Config())
	if err != nil {
		return nil, err
	}
	step(out, "Start a ROQ platform on %s", srv.URL)

	// In a backend the request comes from the visitor's browser.
	step(out, "Read the visitor's session cookie")
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	if err != nil {
		return nil, err
	}
	request.AddCookie(&http.Cookie{Name: "roq-session-token", Value: srv.SessionToken(ann.ID)})
	session, err := client.Session(request)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(out, "   user      %s (%s)\n   tenant    %s\n", session.RoqUserID, session.User.FirstName, session.User.TenantID)

	return &stage{
		platform: client.AsSession(session),
		invitees: []roq.UserInviteInput{
			{Email: "wick.john@roq.tech", FirstName: "John", Locale: "en-US", Roles: []string{"content-creator"}},
			{Email: bob.Email, Locale: "en-US"}, // a user already: refused
			{Email: "carla@example.com", FirstName: "Carla", Locale: "de-DE"},
		},
		accept: func(inviteID string) error {
			for _, mail := range srv.Outbox() {
				if mail.InviteID == inviteID {
					_, err := srv.Accept(mail.Token)
					return err
				}
			}
			return errors.New("the invitee got no e-mail")
		},
		close: func() { client.CloseIdleConnections(); srv.Close() },
	}, nil
}

// remote works on the platform that the environment names.
func remote(ctx context.Context, out io.Writer, f flags) (*stage, error) {
	cfg, err := roq.ConfigFromEnv()
	if err != nil {
		return nil, err
	}
	client, err := roq.New(cfg)
	if err != nil {
		return nil, err
	}
	s := &stage{close: client.CloseIdleConnections}
	for email := range strings.SplitSeq(f.emails, ",") {
		if email = strings.TrimSpace(email); email != "" {
			s.invitees = append(s.invitees, roq.UserInviteInput{Email: email, Locale: "en-US"})
		}
	}
	if len(s.invitees) == 0 {
		return nil, errors.New("nobody to invite: use -email bob@example.com,eve@example.com")
	}
	step(out, "Use the ROQ platform at %s", cfg.PlatformURL)
	step(out, "Find the inviter")
	if s.platform, f, err = inviter(ctx, client, f); err != nil {
		return nil, err
	}
	s.tenantID = f.tenant
	fmt.Fprintf(out, "   user      %s\n   tenant    %s\n", f.user, f.tenant)
	return s, nil
}

// inviter finds out who invites, in one of the ways of the platform's guide:
// session or user query.
func inviter(ctx context.Context, client *roq.Client, f flags) (*roq.RoqPlatform, flags, error) {
	if token := os.Getenv("ROQ_SESSION_TOKEN"); token != "" {
		session, err := client.ParseSession(token)
		if err != nil {
			return nil, f, err
		}
		f.user, f.tenant = session.RoqUserID, session.User.TenantID
		return client.AsSession(session), f, nil
	}
	if f.as != "" {
		users, err := client.FindUsers(ctx, roq.FindUsersQuery{Email: f.as})
		if err != nil {
			return nil, f, err
		}
		if len(users) != 1 {
			return nil, f, fmt.Errorf("%d users have the address of -as", len(users))
		}
		f.user, f.tenant = users[0].RoqUserID, users[0].TenantID
	}
	if f.user == "" || f.tenant == "" {
		return nil, f, errors.New("no inviter: set ROQ_SESSION_TOKEN, or use -user and -tenant, or -as")
	}
	return client.AsUser(f.user), f, nil
}
