package main

import (
	"strings"
	"testing"

	"github.com/go-roq/roq/roqtest"
)

func tourOf(t *testing.T, answer string, f flags) (string, error) {
	t.Helper()
	var out strings.Builder
	err := run(t.Context(), strings.NewReader(answer), &out, f)
	return out.String(), err
}

func TestEmbedded(t *testing.T) {
	t.Setenv("ROQ_PLATFORM_URL", "")
	out, err := tourOf(t, "", flags{})
	if err != nil {
		t.Fatalf("run: %v\n%s", err, out)
	}
	for _, want := range []string{"refused   bob@acme.example", "2 of 2", "accepted  wick.john@roq.tech", "canceled  carla@example.com", "STATUS SINCE"} {
		if !strings.Contains(out, want) {
			t.Errorf("the output lacks %q:\n%s", want, out)
		}
	}
}

// platform is a platform that the environment names.
func platform(t *testing.T) (*roqtest.Server, roqtest.User) {
	t.Helper()
	srv := roqtest.NewServer()
	t.Cleanup(srv.Close)
	cfg := srv.Config()
	t.Setenv("ROQ_PLATFORM_URL", cfg.PlatformURL)
	t.Setenv("ROQ_ENVIRONMENT_ID", cfg.EnvironmentID)
	t.Setenv("ROQ_API_KEY", cfg.APIKey)
	t.Setenv("ROQ_API_URL", cfg.APIURL)
	t.Setenv("ROQ_BASE_URL", "")
	t.Setenv("ROQ_WEBHOOK_KEY", "")
	t.Setenv("ROQ_SESSION_MAX_AGE", "")
	t.Setenv("ROQ_SESSION_TOKEN", "")
	return srv, srv.AddUser(roqtest.User{TenantID: srv.AddTenant("Acme"), Email: "ann@acme.example", Roles: []string{"admin"}})
}

func TestRemote(t *testing.T) {
	for name, who := range map[string]func(*testing.T, *roqtest.Server, roqtest.User, *flags){
		"as":   func(_ *testing.T, _ *roqtest.Server, u roqtest.User, f *flags) { f.as = u.Email },
		"user": func(_ *testing.T, _ *roqtest.Server, u roqtest.User, f *flags) { f.user, f.tenant = u.ID, u.TenantID },
		"session": func(t *testing.T, s *roqtest.Server, u roqtest.User, _ *flags) {
			t.Setenv("ROQ_SESSION_TOKEN", s.SessionToken(u.ID))
		},
	} {
		t.Run(name, func(t *testing.T) {
			srv, user := platform(t)
			f := flags{emails: "bob@example.com, eve@example.com"}
			who(t, srv, user, &f)
			out, err := tourOf(t, "y\n", f)
			if err != nil {
				t.Fatalf("run: %v\n%s", err, out)
			}
			if got := len(srv.Outbox()); got != 3 {
				t.Errorf("%d e-mails were sent, want 2 invites and a resend", got)
			}
		})
	}
}

func TestRemoteAsksFirst(t *testing.T) {
	srv, user := platform(t)
	f := flags{emails: "bob@example.com", as: user.Email}
	out, err := tourOf(t, "\n", f)
	if err == nil || !strings.Contains(out, "This mails 1 people") || len(srv.Outbox()) != 0 {
		t.Errorf("run = %v with %d e-mails, want a question and none:\n%s", err, len(srv.Outbox()), out)
	}
	f.yes = true
	if out, err := tourOf(t, "", f); err != nil || len(srv.Outbox()) != 2 {
		t.Errorf("run -yes = %v with %d e-mails, want an invite and a resend:\n%s", err, len(srv.Outbox()), out)
	}
}

func TestRemoteNeedsToKnow(t *testing.T) {
	_, user := platform(t)
	for want, f := range map[string]flags{
		"nobody to invite": {as: user.Email},
		"no inviter":       {emails: "bob@example.com"},
		"0 users have the": {emails: "bob@example.com", as: "nobody@acme.example"},
	} {
		if _, err := tourOf(t, "", f); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("run(%+v) = %v, want %q", f, err, want)
		}
	}
}
