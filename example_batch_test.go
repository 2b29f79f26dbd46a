package roq_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/go-roq/roq"
)

// A worker takes up a batch whose first invite may have been sent by a worker that died a
// minute ago. What it does is written to a table that all workers share.
func ExampleRoqPlatform_SendUserInviteBatch() {
	srv, client, ann := acme()
	defer srv.Close()
	platform := client.AsUser(ann.ID)
	sendTo(platform, ann.TenantID, "bob@example.com") // by the worker that died

	outcomes, err := platform.SendUserInviteBatch(context.Background(), roq.UserInviteBatch{
		TenantID:    ann.TenantID,
		UserInvites: []roq.UserInviteInput{{Email: "bob@example.com"}, {Email: "eve@example.com"}},
		Since:       []time.Duration{time.Minute, -1},
		BeforeSend: func(_ context.Context, invites []int) error {
			fmt.Println("under way:", invites) // UPDATE … WHERE lease = ours
			return nil
		},
		Settled: func(_ context.Context, outcomes []roq.SendOutcome) error {
			for _, o := range outcomes {
				fmt.Println("keep:", o.Index, o.Status)
			}
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(outcomes), "outcomes,", len(srv.Outbox()), "e-mails")
	// Output:
	// keep: 0 sent
	// under way: [1]
	// keep: 1 sent
	// 2 outcomes, 2 e-mails
}

// What one Client enqueues, another one may send if its Scope is the same.
func ExampleClient_Scope() {
	srv, client, _ := acme()
	defer srv.Close()
	other, err := roq.New(srv.Config())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(client.Scope()), client.Scope() == other.Scope())
	// Output:
	// 32 true
}
