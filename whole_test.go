package roq_test

import (
	"errors"
	"testing"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// backend is a platform with one tenant and one user in it, and a client.
type backend struct {
	*roqtest.Server
	client *roq.Client
	tenant string
	user   roqtest.User
}

func newBackend(t testing.TB, opts ...roqtest.Option) *backend {
	t.Helper()
	srv := roqtest.NewServer(opts...)
	t.Cleanup(srv.Close)
	b := &backend{Server: srv, tenant: srv.AddTenant("Acme")}
	b.user = srv.AddUser(roqtest.User{TenantID: b.tenant, Email: "ann@acme.example", FirstName: "Ann", Roles: []string{"admin"}})
	b.client = newClient(t, srv.Config())
	return b
}

func newClient(t testing.TB, cfg roq.Config, opts ...roq.Option) *roq.Client {
	t.Helper()
	client, err := roq.New(cfg, opts...)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// The whole life of invites, in the steps of the platform's guide.
func TestInviteLife(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	ctx := t.Context()
	session, err := b.client.ParseSession(b.SessionToken(b.user.ID))
	if err != nil {
		t.Fatalf("ParseSession: %v", err)
	}
	platform := b.client.AsSession(session)

	sent, err := platform.SendUserInvites(ctx, roq.SendUserInvitesInput{UserInvites: []roq.UserInviteInput{
		{Email: "wick.john@roq.tech", Locale: "en-US", Roles: []string{"content-creator"}},
		{Email: "Ann@acme.example"},
		{Email: "eve@acme.example"},
	}})
	if err != nil {
		t.Fatalf("SendUserInvites: %v", err)
	}
	if len(sent.Success) != 2 || len(sent.Errors) != 1 || !errors.Is(sent.Err(), roq.ErrAlreadyExists) {
		t.Fatalf("SendUserInvites = %d sent, %v; want 2 and one that exists", len(sent.Success), sent.Err())
	}
	john, eve := sent.Success[0], sent.Success[1]

	page, err := platform.UserInvites(ctx, roq.UserInvitesQuery{Limit: 10})
	if err != nil || page.TotalCount != 2 || len(page.Data) != 2 {
		t.Fatalf("UserInvites = %+v, %v; want 2 invites", page, err)
	}
	if again, err := platform.ResendUserInvite(ctx, eve.ID); err != nil || again.ID != eve.ID {
		t.Errorf("ResendUserInvite = %+v, %v", again, err)
	}
	if got := len(b.Outbox()); got != 3 {
		t.Errorf("%d e-mails were sent, want 3", got)
	}
	if _, err := b.Accept(b.Outbox()[0].Token); err != nil {
		t.Fatalf("Accept: %v", err)
	}
	if got, err := platform.UserInvite(ctx, john.ID); err != nil || got.Status != roq.StatusAccepted {
		t.Errorf("UserInvite = %+v, %v; want it accepted", got, err)
	}
	if _, err := platform.ResendUserInvite(ctx, john.ID); !errors.Is(err, roq.ErrAlreadyAccepted) {
		t.Errorf("ResendUserInvite of an accepted invite = %v, want ErrAlreadyAccepted", err)
	}
	if gone, err := platform.CancelUserInvite(ctx, eve.ID); err != nil || gone.Status != roq.StatusCanceled {
		t.Errorf("CancelUserInvite = %+v, %v; want it canceled", gone, err)
	}
	var statuses []roq.UserInviteStatus
	for invite, err := range b.client.AsSuperAdmin().AllUserInvites(ctx, roq.UserInvitesQuery{}) {
		if err != nil {
			t.Fatalf("AllUserInvites: %v", err)
		}
		statuses = append(statuses, invite.Status)
	}
	if len(statuses) != 2 || statuses[0] != roq.StatusAccepted || statuses[1] != roq.StatusCanceled {
		t.Errorf("AllUserInvites = %v, want accepted and canceled", statuses)
	}
}
