package roqtest_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// invited starts a platform on which three people were invited.
func invited() (srv *roqtest.Server, ann roqtest.User, platform *roq.RoqPlatform) {
	srv = roqtest.NewServer()
	ann, platform = acme(srv)
	if sent, err := send(platform, ann.TenantID, "bob@example.com", "eve@example.com", "bo@example.org"); err != nil || len(sent.Success) != 3 {
		log.Fatal(err)
	}
	return srv, ann, platform
}

func ExampleServer_FindEmails() {
	srv, _, _ := invited()
	defer srv.Close()

	page := srv.FindEmails(roqtest.Query{Search: "bo", Limit: 1})
	fmt.Println(page.Rows[0].To, "is one of", page.Total)
	page = srv.FindEmails(roqtest.Query{Search: "bo", Limit: 1, Before: page.Next})
	fmt.Println(page.Rows[0].To, "is the last:", page.Next == 0)
	// Output:
	// bo@example.org is one of 2
	// bob@example.com is the last: true
}

func ExampleServer_FindInvites() {
	srv, ann, _ := invited()
	defer srv.Close()
	if _, err := srv.Accept(srv.Outbox()[0].Token); err != nil {
		log.Fatal(err)
	}

	for _, i := range srv.FindInvites(roqtest.Query{TenantID: ann.TenantID, Status: roq.StatusPending}).Rows {
		fmt.Println(i.Email)
	}
	// Output:
	// bo@example.org
	// eve@example.com
}

func ExampleServer_FindUsers() {
	srv, _, _ := invited()
	defer srv.Close()

	page := srv.FindUsers(roqtest.Query{Search: "ann"})
	fmt.Println(page.Total, page.Rows[0].Email)
	// Output:
	// 1 ann@acme.example
}

func ExampleServer_FindRequests() {
	srv, ann, _ := invited()
	defer srv.Close()

	r := srv.FindRequests(roqtest.Query{Search: "sendUserInvites"}).Rows[0]
	fmt.Println(r.Operation, r.Status, r.Caller == ann.ID)
	// Output:
	// sendUserInvites 200 true
}

func ExampleServer_FindDeliveries() {
	srv := roqtest.NewServer()
	defer srv.Close()
	receiver := deaf(0)
	defer receiver.Close()
	srv.SendWebhooks(receiver.URL)
	ann, platform := acme(srv)
	if _, err := send(platform, ann.TenantID, "bob@example.com"); err != nil {
		log.Fatal(err)
	}
	srv.Advance(0) // waits for the webhooks

	for _, d := range srv.FindDeliveries(roqtest.Query{Limit: 1}).Rows {
		fmt.Println(d.Name, d.Status)
	}
	// Output:
	// ROQ_USER_INVITE_INSERT 200
}

func ExampleServer_Invite() {
	srv, _, _ := invited()
	defer srv.Close()

	i, ok := srv.Invite(srv.Outbox()[0].InviteID)
	fmt.Println(i.Email, i.Status, ok)
	// Output:
	// bob@example.com pending true
}

func ExampleServer_User() {
	srv, ann, _ := invited()
	defer srv.Close()

	u, ok := srv.User(ann.ID)
	fmt.Println(u.Email, ok)
	// Output:
	// ann@acme.example true
}

func ExampleServer_Tenant() {
	srv, ann, _ := invited()
	defer srv.Close()

	t, ok := srv.Tenant(ann.TenantID)
	fmt.Println(t.Name, ok)
	// Output:
	// Acme true
}

func ExampleServer_Changes() {
	srv := roqtest.NewServer()
	defer srv.Close()
	ann, platform := acme(srv)

	before, changed := srv.Changes()
	if _, err := send(platform, ann.TenantID, "bob@example.com"); err != nil {
		log.Fatal(err)
	}
	<-changed
	after, _ := srv.Changes()
	fmt.Println(after.Emails-before.Emails, "e-mail")
	// Output:
	// 1 e-mail
}

func ExampleServer_Clock() {
	srv, _, _ := invited()
	defer srv.Close()

	c := srv.Clock()
	srv.Advance(c.NextExpiry.Sub(c.Now))
	fmt.Println(srv.Invites()[0].Status, srv.Clock().Ahead.Round(time.Hour))
	// Output:
	// expired 168h0m0s
}

func ExampleServer_Faults() {
	srv := roqtest.NewServer()
	defer srv.Close()
	_, platform := acme(srv)

	srv.Inject(roqtest.Fault{Operation: "userInvites", Times: 3, Status: http.StatusServiceUnavailable})
	if _, err := platform.UserInvites(context.Background(), roq.UserInvitesQuery{}, roq.WithRetry(roq.RetryPolicy{MaxAttempts: 1})); err == nil {
		log.Fatal("the fault was not applied")
	}
	fmt.Println(srv.Faults()[0].Operation, srv.Faults()[0].Times)
	// Output:
	// userInvites 2
}

func ExampleServer_ChangeFaults() {
	srv := roqtest.NewServer()
	defer srv.Close()

	srv.Inject(roqtest.Fault{Operation: "userInvites", Status: http.StatusServiceUnavailable})
	srv.Inject(roqtest.Fault{Operation: "sendUserInvites", Drop: roqtest.DropAfter})
	srv.ChangeFaults(func(left []roqtest.Fault) []roqtest.Fault { return left[1:] })
	fmt.Println(len(srv.Faults()), srv.Faults()[0].Operation)
	// Output:
	// 1 sendUserInvites
}
