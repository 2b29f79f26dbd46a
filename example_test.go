package roq_test

import (
	"context"
	"errors"
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

func ExampleRoqPlatform_SendUserInvites() {
	srv, client, ann := acme()
	defer srv.Close()

	sent, err := client.AsUser(ann.ID).SendUserInvites(context.Background(), roq.SendUserInvitesInput{
		TenantID: ann.TenantID,
		UserInvites: []roq.UserInviteInput{
			{Email: "bob@example.com", FirstName: "Bob"},
			{Email: "ann@acme.example"},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, invite := range sent.Success {
		fmt.Println("sent to", invite.Email)
	}
	for _, refused := range sent.Errors {
		fmt.Println("refused:", refused.Email, errors.Is(refused, roq.ErrAlreadyExists))
	}
	fmt.Println(sent.Err())
	// Output:
	// sent to bob@example.com
	// refused: ann@acme.example true
	// roq: user invite refused: the tenant has a user with this email (USER_ALREADY_EXISTS)
}

func ExampleRoqPlatform_AllUserInvites() {
	srv, client, ann := acme()
	defer srv.Close()
	ctx := context.Background()
	platform := client.AsUser(ann.ID)
	_, err := platform.SendUserInvites(ctx, roq.SendUserInvitesInput{
		TenantID:    ann.TenantID,
		UserInvites: []roq.UserInviteInput{{Email: "bob@example.com"}, {Email: "eve@example.com"}, {Email: "joe@example.org"}},
	})
	if err != nil {
		log.Fatal(err)
	}

	query := roq.UserInvitesQuery{Filter: roq.UserInviteFilter{
		Status: &roq.StringFilter{EqualTo: string(roq.StatusPending)},
		Email:  &roq.StringFilter{ILike: "%@example.com"},
	}}
	for invite, err := range platform.AllUserInvites(ctx, query) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(invite.Email, invite.Status)
	}
	// Output:
	// bob@example.com pending
	// eve@example.com pending
}

func ExampleClient_RequireSession() {
	srv, client, ann := acme()
	defer srv.Close()

	handler := client.RequireSession(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, _ := roq.SessionFromContext(r.Context())
		fmt.Fprint(w, "Hello ", session.User.FirstName)
	}))

	r := httptest.NewRequest(http.MethodGet, "/", nil)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	fmt.Println(w.Code)

	r.AddCookie(&http.Cookie{Name: "roq-session-token", Value: srv.SessionToken(ann.ID)})
	w = httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	// Output:
	// 401
	// 200 Hello Ann
}

func ExampleClient_FindUsers() {
	srv, client, ann := acme()
	defer srv.Close()

	users, err := client.FindUsers(context.Background(), roq.FindUsersQuery{Email: "ann@acme.example"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(users), users[0].RoqUserID == ann.ID, users[0].TenantID == ann.TenantID)
	// Output:
	// 1 true true
}

func ExampleClient_SignInURL() {
	client, err := roq.New(roq.Config{
		PlatformURL: "https://mars-pp.roq-platform.com", EnvironmentID: "e3408733-0ac2-4596-8264-0a7da2481801", APIKey: "example-api-key",
		AppURL: "https://app.example",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client.SignInURL(roq.SignInParams{PostLoginRedirect: "/invites"}))
	// Output:
	// https://app.example/api/auth/login?postLoginRedirect=%2Finvites
}

func ExampleError() {
	srv, client, ann := acme()
	defer srv.Close()

	_, err := client.AsUser(ann.ID).CancelUserInvite(context.Background(), "db7a682d-6dca-4259-b15b-83aef12d1f5c", roq.WithRequestID("7f3a"))
	if errors.Is(err, roq.ErrNotFound) {
		fmt.Println(err)
	}
	// Output:
	// roq: cancelUserInvite: there is no such invite (USER_INVITATION_NOT_FOUND, HTTP 404, request 7f3a)
}
