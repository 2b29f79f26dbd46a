package roqtest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

func ExampleServer_Inject() {
	srv := roqtest.NewServer()
	defer srv.Close()
	ann, platform := acme(srv)

	// The request is processed, but the response is lost.
	srv.Inject(roqtest.Fault{Operation: "sendUserInvites", Times: 1, Drop: roqtest.DropAfter})
	sent, err := send(platform, ann.TenantID, "bob@example.com")
	fmt.Println(len(sent.Success), err)
	fmt.Println(len(srv.Outbox()), "e-mail")
	// Output:
	// 1 <nil>
	// 1 e-mail
}

// Any response can replace the platform's.
func ExampleFault() {
	srv := roqtest.NewServer()
	defer srv.Close()
	_, platform := acme(srv)

	srv.Inject(roqtest.Fault{
		Operation: "userInvites",
		Skip:      1, // the first passes
		Status:    http.StatusTooManyRequests,
		Header:    http.Header{"Retry-After": {"1"}},
	})
	once := roq.WithRetry(roq.RetryPolicy{MaxAttempts: 1})
	for range 2 {
		_, err := platform.UserInvites(context.Background(), roq.UserInvitesQuery{}, once)
		fmt.Println(errors.Is(err, roq.ErrRateLimited))
	}
	// Output:
	// false
	// true
}

// A slow response, and one that is cut off.
func ExampleFault_truncate() {
	srv := roqtest.NewServer()
	defer srv.Close()
	_, platform := acme(srv)

	srv.Inject(roqtest.Fault{Operation: "userInvites", Times: 1, Delay: time.Minute})
	srv.Inject(roqtest.Fault{Operation: "userInvites", Times: 1, Truncate: 10})
	_, err := platform.UserInvites(context.Background(), roq.UserInvitesQuery{},
		roq.WithTimeout(50*time.Millisecond), roq.WithRetry(roq.RetryPolicy{MinWait: time.Millisecond}))
	fmt.Println(err, "after both")
	// Output:
	// <nil> after both
}

func ExampleWithBulkLimit() {
	srv := roqtest.NewServer(roqtest.WithBulkLimit(2))
	defer srv.Close()
	ann, platform := acme(srv)

	// The client splits a batch that is too large.
	sent, err := send(platform, ann.TenantID, "bob@example.com", "eve@example.com", "joe@example.com")
	fmt.Println(len(sent.Success), err)
	// Output:
	// 3 <nil>
}

func ExampleWithRepeatedInvites() {
	for _, opts := range [][]roqtest.Option{nil, {roqtest.WithRepeatedInvites()}} {
		srv := roqtest.NewServer(opts...)
		defer srv.Close()
		ann, platform := acme(srv)
		for range 2 {
			if _, err := send(platform, ann.TenantID, "bob@example.com"); err != nil {
				log.Fatal(err)
			}
		}
		fmt.Println(len(srv.Outbox()), "e-mails")
	}
	// Output:
	// 1 e-mails
	// 2 e-mails
}

func ExampleWithInviteLifetime() {
	srv := roqtest.NewServer(roqtest.WithInviteLifetime(24 * time.Hour))
	defer srv.Close()
	ann, platform := acme(srv)
	if _, err := send(platform, ann.TenantID, "bob@example.com"); err != nil {
		log.Fatal(err)
	}

	for range 2 {
		fmt.Println(srv.Invites()[0].Status)
		srv.Advance(25 * time.Hour)
	}
	// Output:
	// pending
	// expired
}

func ExampleWithTokenLifetime() {
	srv := roqtest.NewServer(roqtest.WithTokenLifetime(10 * time.Minute))
	defer srv.Close()
	ann, _ := acme(srv)
	client, err := roq.New(srv.Config())
	if err != nil {
		log.Fatal(err)
	}

	session, err := client.ParseSession(srv.SessionToken(ann.ID))
	if err != nil {
		log.Fatal(err)
	}
	// A session lasts no longer than its access token.
	fmt.Println(time.Until(session.ExpiresAt) <= 10*time.Minute)
	// Output:
	// true
}

func ExampleServer_SendWebhooks() {
	srv := roqtest.NewServer()
	defer srv.Close()
	ann, platform := acme(srv)
	client, err := roq.New(srv.Config())
	if err != nil {
		log.Fatal(err)
	}
	handler, err := client.WebhookHandler(func(_ context.Context, event roq.WebhookEvent) error {
		fmt.Println(event.Name, event.Current.Status)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	backend := httptest.NewServer(handler)
	defer backend.Close()

	srv.SendWebhooks(backend.URL)
	if _, err := send(platform, ann.TenantID, "bob@example.com"); err != nil {
		log.Fatal(err)
	}
	srv.Advance(8 * 24 * time.Hour) // longer than an invite is valid
	// Output:
	// ROQ_USER_INVITE_INSERT pending
	// ROQ_USER_INVITE_UPDATE expired
}

// deaf is a backend that refuses the first webhook.
func deaf(attempts int) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if attempts--; attempts >= 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
}

func ExampleServer_Deliveries() {
	srv := roqtest.NewServer()
	defer srv.Close()
	ann, platform := acme(srv)
	backend := deaf(1) // answers 503 once
	defer backend.Close()

	srv.SendWebhooks(backend.URL)
	if _, err := send(platform, ann.TenantID, "bob@example.com"); err != nil {
		log.Fatal(err)
	}
	srv.Advance(30 * time.Minute)
	for _, delivery := range srv.Deliveries() {
		fmt.Println(delivery.Name, "attempt", delivery.Attempt, "status", delivery.Status)
	}
	// Output:
	// ROQ_USER_INVITE_INSERT attempt 1 status 503
	// ROQ_USER_INVITE_INSERT attempt 2 status 200
}

func ExampleServer_Advance() {
	srv := roqtest.NewServer()
	defer srv.Close()
	ann, platform := acme(srv)
	if _, err := send(platform, ann.TenantID, "bob@example.com"); err != nil {
		log.Fatal(err)
	}

	srv.Advance(7 * 24 * time.Hour)
	fmt.Println(srv.Invites()[0].Status)
	// Output:
	// expired
}
