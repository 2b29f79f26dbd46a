package roq_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/go-roq/roq"
)

func ExampleConfigFromEnv() {
	for name, value := range map[string]string{
		"ROQ_PLATFORM_URL":   "https://mars-pp.roq-platform.com",
		"ROQ_ENVIRONMENT_ID": "e3408733-0ac2-4596-8264-0a7da2481801",
		"ROQ_API_KEY":        "example-api-key",
	} {
		_ = os.Setenv(name, value) // in production the environment has them
		defer func() { _ = os.Unsetenv(name) }()
	}

	cfg, err := roq.ConfigFromEnv()
	if err != nil {
		log.Fatal(err) // names every variable that is missing or malformed
	}
	fmt.Println(cfg.PlatformURL)
	fmt.Println(cfg.EnvironmentID)
	// Output:
	// https://mars-pp.roq-platform.com
	// e3408733-0ac2-4596-8264-0a7da2481801
}

func ExampleConfig() {
	cfg := roq.Config{
		PlatformURL:   "https://mars-pp.roq-platform.com",
		EnvironmentID: "e3408733-0ac2-4596-8264-0a7da2481801",
		APIKey:        "example-api-key",
		SessionMaxAge: 7 * 24 * time.Hour,
	}
	// A Config may be printed and logged.
	fmt.Printf("%+v\n", cfg)
	// Output:
	// {PlatformURL:https://mars-pp.roq-platform.com EnvironmentID:e3408733-0ac2-4596-8264-0a7da2481801 APIKey:[redacted] APIURL: AppURL: WebhookKey: PreviousWebhookKey: SessionMaxAge:168h0m0s}
}

func ExampleNew() {
	_, err := roq.New(roq.Config{PlatformURL: "ftp://platform.example", APIKey: "example-api-key"}, roq.WithBatchSize(0))
	// The error reports everything that is wrong.
	fmt.Println(err)

	client, err := roq.New(roq.Config{
		PlatformURL:   "https://mars-pp.roq-platform.com",
		EnvironmentID: "e3408733-0ac2-4596-8264-0a7da2481801",
		APIKey:        "example-api-key",
	})
	fmt.Println(client != nil, err)
	// Output:
	// roq: WithBatchSize(0): must be from 1 to 10000
	// roq: Config.PlatformURL: must start with https:// or http://
	// roq: Config.EnvironmentID: must not be empty
	// true <nil>
}

func ExampleClient_AsUser() {
	srv, client, ann := acme()
	defer srv.Close()

	// Ann invites Bob: an empty CreatedByUserID means Ann.
	sent, err := client.AsUser(ann.ID).SendUserInvites(context.Background(), roq.SendUserInvitesInput{
		TenantID:    ann.TenantID,
		UserInvites: []roq.UserInviteInput{{Email: "bob@example.com"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sent.Success[0].CreatedByUserID == ann.ID)
	// Output:
	// true
}

func ExampleClient_AsSuperAdmin() {
	srv, client, ann := acme()
	defer srv.Close()
	ctx := context.Background()

	// The service account has no tenant, so the input sets the tenant and the inviter.
	sent, err := client.AsSuperAdmin().SendUserInvites(ctx, roq.SendUserInvitesInput{
		TenantID:    ann.TenantID,
		UserInvites: []roq.UserInviteInput{{CreatedByUserID: ann.ID, Email: "bob@example.com"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("invited:", sent.Success[0].Email)

	_, err = client.AsSuperAdmin().SendUserInvites(ctx, roq.SendUserInvitesInput{
		UserInvites: []roq.UserInviteInput{{Email: "eve@example.com"}},
	})
	fmt.Println(err)
	// Output:
	// invited: bob@example.com
	// roq: sendUserInvites: TenantID: must not be empty; UserInvites[0].CreatedByUserID: must not be empty; nothing was sent
}

func ExampleClient_AsSession() {
	srv, client, ann := acme()
	defer srv.Close()

	session, err := client.ParseSession(srv.SessionToken(ann.ID))
	if err != nil {
		log.Fatal(err)
	}
	// The tenant and the inviter are the session's.
	sent, err := client.AsSession(session).SendUserInvites(context.Background(), roq.SendUserInvitesInput{
		UserInvites: []roq.UserInviteInput{{Email: "bob@example.com"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sent.Success[0].TenantID == ann.TenantID, sent.Success[0].CreatedByUserID == ann.ID)
	// Output:
	// true true
}

func ExampleClient_CloseIdleConnections() {
	srv, client, _ := acme()
	defer srv.Close()
	// At the end of a test, for example. A Client does not have to be closed.
	defer client.CloseIdleConnections()

	page, err := client.AsSuperAdmin().UserInvites(context.Background(), roq.UserInvitesQuery{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(page.TotalCount)
	// Output:
	// 0
}

// A session without an id token has no tenant, so it cannot invite without a TenantID.
func ExampleClient_AsSession_noTenant() {
	srv, client, ann := acme()
	defer srv.Close()

	session, err := client.ParseSession(srv.SessionToken(ann.ID))
	if err != nil {
		log.Fatal(err)
	}
	session.User.TenantID = "" // as in a session without an id token
	_, err = client.AsSession(session).SendUserInvites(context.Background(), roq.SendUserInvitesInput{
		UserInvites: []roq.UserInviteInput{{Email: "bob@example.com"}},
	})
	fmt.Println(errors.Is(err, roq.ErrNoTenant))
	// Output:
	// true
}
