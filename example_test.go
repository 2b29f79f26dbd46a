package roq_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// acme is a platform with one tenant and one user, for the examples.
func acme() (*roqtest.Server, *roq.Client, roqtest.User) {
	srv := roqtest.NewServer()
	ann := srv.AddUser(roqtest.User{TenantID: srv.AddTenant("Acme"), Email: "ann@acme.example", FirstName: "Ann", Roles: []string{"admin"}})
	client, err := roq.New(srv.Config())
	if err != nil {
		log.Fatal(err)
	}
	return srv, client, ann
}

func Example() {
	srv, client, ann := acme()
	defer srv.Close()
	ctx := context.Background()

	// In a backend r is the visitor's request.
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.AddCookie(&http.Cookie{Name: "roq-session-token", Value: srv.SessionToken(ann.ID)})

	session, err := client.Session(r)
	if err != nil {
		log.Fatal(err)
	}
	platform := client.AsSession(session)
	sent, err := platform.SendUserInvites(ctx, roq.SendUserInvitesInput{
		TenantID: session.User.TenantID,
		UserInvites: []roq.UserInviteInput{{
			CreatedByUserID: session.RoqUserID,
			Email:           "wick.john@roq.tech",
			Locale:          "en-US",
			Roles:           []string{"content-creator"},
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	invite := sent.Success[0]
	fmt.Println(invite.Email, invite.Status)

	again, err := platform.ResendUserInvite(ctx, invite.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(again.Email, "was mailed", len(srv.Outbox()), "times")

	gone, err := platform.CancelUserInvite(ctx, invite.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(gone.Email, gone.Status)
	// Output:
	// wick.john@roq.tech pending
	// wick.john@roq.tech was mailed 2 times
	// wick.john@roq.tech canceled
}
