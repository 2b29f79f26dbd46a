package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// stage is the platform and tenant of a campaign.
type stage struct {
	platform *roq.RoqPlatform
	tenantID string
	// embedded is the platform inside this process, if it is one.
	embedded *roqtest.Server
	close    func()
}

// newStage starts a platform inside this process, or reaches the one that the
// environment names.
func newStage(ctx context.Context, s settings) (*stage, error) {
	if s.platform {
		return remote(ctx, s)
	}
	return embedded(s)
}

// embedded starts a platform with a tenant that has an administrator, who invites,
// and some of the made-up people.
func embedded(s settings) (*stage, error) {
	srv := roqtest.NewServer()
	tenant := srv.AddTenant("Acme")
	ann := srv.AddUser(roqtest.User{TenantID: tenant, Email: "ann@acme.example", FirstName: "Ann", Roles: []string{"admin"}})
	for _, email := range residents(s.people) {
		srv.AddUser(roqtest.User{TenantID: tenant, Email: email, Roles: []string{"reader"}})
	}
	client, err := roq.New(srv.Config(), s.options...)
	if err != nil {
		srv.Close()
		return nil, err
	}
	return &stage{
		platform: client.AsUser(ann.ID),
		tenantID: tenant,
		embedded: srv,
		close:    func() { client.CloseIdleConnections(); srv.Close() },
	}, nil
}

// remote works on the platform that the environment names.
func remote(ctx context.Context, s settings) (*stage, error) {
	cfg, err := roq.ConfigFromEnv()
	if err != nil {
		return nil, err
	}
	client, err := roq.New(cfg, s.options...)
	if err != nil {
		return nil, err
	}
	user, tenant := s.as, s.tenant
	if strings.Contains(s.as, "@") {
		users, err := client.FindUsers(ctx, roq.FindUsersQuery{Email: s.as})
		if err != nil {
			return nil, err
		}
		if len(users) != 1 {
			return nil, fmt.Errorf("%d users have the address of -as", len(users))
		}
		user = users[0].RoqUserID
		if tenant == "" {
			tenant = users[0].TenantID
		}
	}
	return &stage{platform: client.AsUser(user), tenantID: tenant, close: client.CloseIdleConnections}, nil
}
