package roq_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"
	"time"

	"github.com/go-roq/roq"
)

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
