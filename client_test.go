package roq_test

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// count returns how many requests arrived for each operation.
func count(srv *roqtest.Server) map[string]int {
	n := make(map[string]int)
	for _, r := range srv.Requests() {
		n[r.Operation]++
	}
	return n
}

func list(ctx context.Context, p *roq.RoqPlatform) error {
	_, err := p.UserInvites(ctx, roq.UserInvitesQuery{Limit: 1})
	return err
}

func TestNewNamesEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := roq.New(roq.Config{
		PlatformURL: "https://good@evil.example", EnvironmentID: "a:b", APIKey: "s3cret\r\n", APIURL: "ftp://x", AppURL: "http://app.example",
		WebhookKey: "é", SessionMaxAge: -1,
	}, nil, roq.WithBatchSize(0), roq.WithTimeout(-1))
	if err == nil {
		t.Fatal("New = nil, want an error")
	}
	for _, want := range []string{
		"Config.PlatformURL", "Config.EnvironmentID", "Config.APIKey", "Config.APIURL", "Config.AppURL", "Config.WebhookKey", "Config.SessionMaxAge",
		"option 0 is nil", "WithBatchSize(0)", "WithTimeout(-1ns)",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %s:\n%v", want, err)
		}
	}
	for _, secret := range []string{"s3cret", "good@evil"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error repeats %q:\n%v", secret, err)
		}
	}
}

func TestCredentialsStayEncrypted(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.PlatformURL = "http://platform.internal"
	if _, err := roq.New(cfg); err == nil || !strings.Contains(err.Error(), "WithInsecureHTTP") {
		t.Errorf("New with http to another host = %v, want an error that names the option", err)
	}
	if _, err := roq.New(cfg, roq.WithInsecureHTTP()); err != nil {
		t.Errorf("New WithInsecureHTTP = %v", err)
	}
	cfg.PlatformURL = "http://localhost:4000/"
	if _, err := roq.New(cfg); err != nil {
		t.Errorf("New with http to this machine = %v", err)
	}
}

func TestIdentities(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	other := b.AddUser(roqtest.User{TenantID: b.AddTenant("Umbrella"), Email: "al@umbrella.example"})
	session, err := b.client.ParseSession(b.SessionToken(b.user.ID))
	if err != nil {
		t.Fatal(err)
	}
	in := invitation("eve@acme.example")
	in.TenantID, in.UserInvites[0].CreatedByUserID = b.tenant, b.user.ID
	if _, err := b.client.AsSuperAdmin().SendUserInvites(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		platform *roq.RoqPlatform
		want     int
	}{
		"the user":         {b.client.AsUser(b.user.ID), 1},
		"the session":      {b.client.AsSession(session), 1},
		"the super admin":  {b.client.AsSuperAdmin(), 1},
		"another tenant's": {b.client.AsUser(other.ID), 0},
	} {
		page, err := row.platform.UserInvites(t.Context(), roq.UserInvitesQuery{})
		if err != nil || page.TotalCount != row.want {
			t.Errorf("%s sees %+v, %v; want %d invites", name, page, err, row.want)
		}
	}
	before := count(b.Server)
	if err := list(t.Context(), b.client.AsSession(session)); err != nil {
		t.Fatal(err)
	}
	if after := count(b.Server); after[roqtest.OpAuthorize] != before[roqtest.OpAuthorize] {
		t.Error("a session's call asked for another token")
	}
}

func TestHeadersOfACall(t *testing.T) {
	t.Parallel()
	m := newMock(t, answer("userInvite", invite), roq.WithUserAgent("acme-backend/2.1"))
	if _, err := m.client.AsUser(userID).UserInvite(t.Context(), inviteID, roq.WithRequestID("job-7")); err != nil {
		t.Fatal(err)
	}
	got := m.sent()[0].Header
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(environmentID+":"+apiKey))
	for name, want := range map[string]string{
		"User-Agent": "acme-backend/2.1 roq-go/" + roq.Version, "X-Request-Id": "job-7", "Roq-Platform-Server-Authorization": basic,
		"Content-Type": "application/json",
	} {
		if got.Get(name) != want {
			t.Errorf("%s = %q, want %q", name, got.Get(name), want)
		}
	}
	if _, err := m.client.AsUser(userID).UserInvite(t.Context(), inviteID); err != nil {
		t.Fatal(err)
	}
	if id := m.sent()[1].Header.Get("X-Request-Id"); id == "" || id == "job-7" {
		t.Errorf("the next call's request id is %q, want one of its own", id)
	}
}

func TestBadIdentitiesAreRefusedAtTheCall(t *testing.T) {
	t.Parallel()
	m := newMock(t, answer("userInvite", invite))
	for name, row := range map[string]struct {
		platform *roq.RoqPlatform
		kind     error
	}{
		"no user":         {m.client.AsUser(""), roq.ErrInvalidInput},
		"a user with CR":  {m.client.AsUser("a\r\nb"), roq.ErrInvalidInput},
		"no session":      {m.client.AsSession(nil), roq.ErrNoSession},
		"an empty one":    {m.client.AsSession(&roq.Session{}), roq.ErrInvalidSession},
		"one with a CRLF": {m.client.AsSession(&roq.Session{RoqAccessToken: "a\r\nEvil: b"}), roq.ErrInvalidSession},
	} {
		_, err := row.platform.UserInvite(t.Context(), inviteID)
		if !errors.Is(err, row.kind) || !errors.Is(err, roq.ErrNotSent) || !strings.HasPrefix(err.Error(), "roq: userInvite: As") {
			t.Errorf("%s: %v, want %v", name, err, row.kind)
		}
	}
	if len(m.requests) != 0 {
		t.Errorf("%d requests were made", len(m.requests))
	}
}

func TestNilContext(t *testing.T) {
	t.Parallel()
	m := newMock(t, answer("userInvite", invite))
	p := m.client.AsUser(userID)
	var none context.Context
	errs := map[string]error{}
	_, errs["SendUserInvites"] = p.SendUserInvites(none, invitation("a@b.c"))
	_, errs["UserInvites"] = p.UserInvites(none, roq.UserInvitesQuery{})
	_, errs["UserInvite"] = p.UserInvite(none, inviteID)
	_, errs["ResendUserInvite"] = p.ResendUserInvite(none, inviteID)
	_, errs["CancelUserInvite"] = p.CancelUserInvite(none, inviteID)
	_, errs["FindUsers"] = m.client.FindUsers(none, roq.FindUsersQuery{Email: "a@b.c"})
	_, errs["FetchSession"] = m.client.FetchSession(none, nil)
	for _, err := range p.AllUserInvites(none, roq.UserInvitesQuery{}) {
		errs["AllUserInvites"] = err
	}
	for name, err := range errs {
		if !errors.Is(err, roq.ErrInvalidInput) {
			t.Errorf("%s(nil) = %v, want ErrInvalidInput", name, err)
		}
	}
	if len(errs) != 8 || len(m.requests) != 0 {
		t.Errorf("%d calls made %d requests, want 8 and none", len(errs), len(m.requests))
	}
}
