package roq_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

func ExampleError() {
	srv, client, ann := acme()
	defer srv.Close()

	_, err := client.AsUser(ann.ID).CancelUserInvite(context.Background(), "db7a682d-6dca-4259-b15b-83aef12d1f5c", roq.WithRequestID("7f3a"))
	// Decide by kind,
	if errors.Is(err, roq.ErrNotFound) {
		fmt.Println(err)
	}
	// and log the rest.
	var e *roq.Error
	if errors.As(err, &e) {
		fmt.Println(e.Operation, e.Code, e.StatusCode, e.Attempts, e.RequestID)
	}
	// Output:
	// roq: cancelUserInvite: there is no such invite (USER_INVITATION_NOT_FOUND, HTTP 404, request 7f3a); nothing was changed
	// cancelUserInvite USER_INVITATION_NOT_FOUND 404 1 7f3a
}

// The platform asks for fewer requests, and says how many are left.
func ExampleQuota() {
	srv, client, ann := acme()
	defer srv.Close()
	srv.Inject(roqtest.Fault{Operation: "userInvites", Status: 429, Header: http.Header{
		"Retry-After": {"30"}, "RateLimit-Limit": {"100"}, "RateLimit-Remaining": {"0"}, "RateLimit-Reset": {"30"},
	}})

	_, err := client.AsUser(ann.ID).UserInvites(context.Background(), roq.UserInvitesQuery{}, roq.WithRetry(roq.RetryPolicy{MaxAttempts: 1}))
	var e *roq.Error
	if errors.As(err, &e) && errors.Is(err, roq.ErrRateLimited) {
		fmt.Println(e.Quota.Remaining, "of", e.Quota.Limit, "requests are left; try again in", e.RetryAfter)
	}
	// Output:
	// 0 of 100 requests are left; try again in 30s
}

// The response to a request is lost. Nobody is mailed twice: the invite that the
// platform created is found, and the call succeeds.
func Example_lostAnswer() {
	srv, client, ann := acme()
	defer srv.Close()
	srv.Inject(roqtest.Fault{Operation: "sendUserInvites", Times: 1, Drop: roqtest.DropAfter})

	sent, err := client.AsUser(ann.ID).SendUserInvites(context.Background(), roq.SendUserInvitesInput{
		TenantID:    ann.TenantID,
		UserInvites: []roq.UserInviteInput{{Email: "bob@example.com"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sent.Success[0].Email, "was mailed", len(srv.Outbox()), "time")
	// Output:
	// bob@example.com was mailed 1 time
}

// A request may have been processed, and reading does not show it. The invites in
// Unknown are not sent again: they are looked up later, or a person decides.
func Example_outcomeUnknown() {
	srv, client, ann := acme()
	defer srv.Close()
	srv.Inject(roqtest.Fault{Operation: "sendUserInvites", Times: 1, Drop: roqtest.DropBefore})
	ctx := context.Background()
	platform := client.AsUser(ann.ID)

	sent, err := platform.SendUserInvites(ctx, roq.SendUserInvitesInput{
		TenantID:    ann.TenantID,
		UserInvites: []roq.UserInviteInput{{Email: "bob@example.com"}},
	}, roq.WithSettleTimeout(50*time.Millisecond))
	if !errors.Is(err, roq.ErrOutcomeUnknown) {
		log.Fatal(err)
	}
	for _, unknown := range sent.Unknown {
		page, err := platform.UserInvites(ctx, roq.UserInvitesQuery{
			Filter: roq.UserInviteFilter{Email: &roq.StringFilter{EqualTo: unknown.Email}},
		})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(unknown.Email, "has", page.TotalCount, "invites")
	}
	// Output:
	// bob@example.com has 0 invites
}

// Nothing was sent: trying again is safe.
func Example_notSent() {
	srv, client, ann := acme()
	defer srv.Close()
	srv.Inject(roqtest.Fault{Operation: roqtest.OpAuthorizeServiceAccount, Status: 403})

	sent, err := client.AsUser(ann.ID).SendUserInvites(context.Background(), roq.SendUserInvitesInput{
		TenantID:    ann.TenantID,
		UserInvites: []roq.UserInviteInput{{Email: "bob@example.com"}},
	})
	fmt.Println(errors.Is(err, roq.ErrNotSent), errors.Is(err, roq.ErrForbidden), len(sent.NotSent))
	// Output:
	// true true 1
}

// A query is retried while the platform is briefly down.
func Example_retry() {
	srv, client, ann := acme()
	defer srv.Close()
	srv.Inject(roqtest.Fault{Operation: "userInvites", Times: 2, Status: 503})

	page, err := client.AsUser(ann.ID).UserInvites(context.Background(), roq.UserInvitesQuery{},
		roq.WithRetry(roq.RetryPolicy{MaxAttempts: 3, MinWait: time.Millisecond}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(page.TotalCount, "invites")
	// Output:
	// 0 invites
}

func ExampleRoqPlatform_SettleUserInvites() {
	srv, client, ann := acme()
	defer srv.Close()
	// The response to the send is lost, and at first the invites cannot be read.
	srv.Inject(roqtest.Fault{Operation: "sendUserInvites", Times: 1, Drop: roqtest.DropAfter})
	srv.Inject(roqtest.Fault{Operation: "userInvites", Status: 503})
	ctx := context.Background()
	platform := client.AsUser(ann.ID)

	sent, err := platform.SendUserInvites(ctx, roq.SendUserInvitesInput{
		TenantID:    ann.TenantID,
		UserInvites: []roq.UserInviteInput{{Email: "bob@example.com"}},
	}, roq.WithSettleTimeout(50*time.Millisecond))
	fmt.Println(errors.Is(err, roq.ErrOutcomeUnknown), len(sent.Success), len(sent.Unknown))

	// Later, when the platform works again:
	srv.ClearFaults()
	if err := platform.SettleUserInvites(ctx, sent); err != nil {
		log.Fatal(err) // some are still in sent.Unknown
	}
	fmt.Println(sent.Success[0].Email, "was mailed", len(srv.Outbox()), "time;", len(sent.Unknown), "unknown")
	// Output:
	// true 0 1
	// bob@example.com was mailed 1 time; 0 unknown
}

// A form shows the findings beside its fields.
func ExampleFinding_String() {
	srv, client, ann := acme()
	defer srv.Close()

	_, err := client.AsUser(ann.ID).SendUserInvites(context.Background(), roq.SendUserInvitesInput{
		TenantID:    ann.TenantID,
		UserInvites: []roq.UserInviteInput{{Email: "bob@example.com"}, {Email: "eve"}},
	})
	var e *roq.Error
	if errors.As(err, &e) {
		for _, finding := range e.Findings {
			fmt.Println(finding.Index, finding.Field)
			fmt.Println(finding)
		}
	}
	// Output:
	// 1 Email
	// UserInvites[1].Email: must be one e-mail address without a name, quotes or spaces
}
