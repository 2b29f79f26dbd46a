package roq_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"
	"time"

	"github.com/go-roq/roq"
)

// While the key is being replaced, events with either key are accepted. Remove the
// previous key when the platform sends only the new one.
func ExampleConfig_previousWebhookKey() {
	srv, _, ann := acme()
	defer srv.Close()

	cfg := srv.Config()
	cfg.WebhookKey, cfg.PreviousWebhookKey = "the-new-key", cfg.WebhookKey // the platform has not changed it yet
	client, err := roq.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	handler, err := client.WebhookHandler(func(_ context.Context, event roq.WebhookEvent) error {
		fmt.Println(event.Name, len(event.Fingerprint))
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	backend := httptest.NewServer(handler)
	defer backend.Close()
	srv.SendWebhooks(backend.URL)
	sendTo(client.AsUser(ann.ID), ann.TenantID, "bob@example.com")
	srv.Advance(time.Second) // webhooks have arrived then
	// Output:
	// ROQ_USER_INVITE_INSERT 64
}

func ExampleClient_WebhookHandler() {
	srv, client, ann := acme()
	defer srv.Close()

	handler, err := client.WebhookHandler(func(_ context.Context, event roq.WebhookEvent) error {
		switch {
		case event.Name == roq.EventUserInviteInsert && event.Current != nil:
			fmt.Println(event.Current.Email, "was invited")
		case event.Name == roq.EventUserInviteUpdate && event.Current != nil:
			fmt.Println(event.Current.Email, "is", event.Current.Status)
		}
		return nil // an error would make the platform send the event again
	})
	if err != nil {
		log.Fatal(err) // Config has no WebhookKey
	}
	backend := httptest.NewServer(handler)
	defer backend.Close()
	srv.SendWebhooks(backend.URL)

	platform := client.AsUser(ann.ID)
	made := sendTo(platform, ann.TenantID, "bob@example.com")
	if _, err := platform.CancelUserInvite(context.Background(), made[0].ID); err != nil {
		log.Fatal(err)
	}
	srv.Advance(time.Second) // webhooks have arrived then
	// Output:
	// bob@example.com was invited
	// bob@example.com is canceled
}
