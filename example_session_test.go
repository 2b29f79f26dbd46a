package roq_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/go-roq/roq"
)

func ExampleClient_Session() {
	srv, client, ann := acme()
	defer srv.Close()

	// In a backend r is the visitor's request.
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	_, err := client.Session(r)
	fmt.Println(errors.Is(err, roq.ErrNoSession))

	r.AddCookie(&http.Cookie{Name: "roq-session-token", Value: srv.SessionToken(ann.ID)})
	session, err := client.Session(r)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(session.RoqUserID == ann.ID, session.User.TenantID == ann.TenantID, session.User.Roles)
	// Output:
	// true
	// true true [admin]
}

func ExampleClient_ParseSession() {
	srv, client, ann := acme()
	defer srv.Close()

	// A token that did not come in a cookie, but in a message, for example.
	session, err := client.ParseSession(srv.SessionToken(ann.ID))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(session.User.FirstName)

	_, err = client.ParseSession("eyJhbGciOiJub25lIn0.e30.")
	fmt.Println(errors.Is(err, roq.ErrInvalidSession))
	// Output:
	// Ann
	// true
}

func ExampleClient_FetchSession() {
	srv, client, ann := acme()
	defer srv.Close()

	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.AddCookie(&http.Cookie{Name: "roq-session-token", Value: srv.SessionToken(ann.ID)})

	// Asks the application at Config.AppURL.
	session, err := client.FetchSession(context.Background(), r)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(session.User.FirstName)
	// Output:
	// Ann
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
	fmt.Println(w.Code, w.Body)

	r.AddCookie(&http.Cookie{Name: "roq-session-token", Value: srv.SessionToken(ann.ID)})
	w = httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	// Output:
	// 401 {"code":"NO_SESSION","message":"Sign in first."}
	//
	// 200 Hello Ann
}

func ExampleSessionFromContext() {
	_, ok := roq.SessionFromContext(context.Background())
	fmt.Println(ok) // true in a handler behind RequireSession
	// Output:
	// false
}

func ExampleSession() {
	session := &roq.Session{
		RoqUserID:      "530c9a92-71c5-4dce-a6e3-c638c2d0b1bc",
		RoqAccessToken: "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl",
		User:           roq.SessionUser{FirstName: "Ann", Email: "ann@acme.example"},
	}
	// A Session may be printed and logged.
	fmt.Println(session.RoqUserID, session.User.FirstName)
	fmt.Printf("%v\n", session.User)
	// Output:
	// 530c9a92-71c5-4dce-a6e3-c638c2d0b1bc Ann
	// {Ann  [redacted]    []}
}

// site is a client that knows the address of its application.
func site() *roq.Client {
	client, err := roq.New(roq.Config{
		PlatformURL: "https://mars-pp.roq-platform.com", EnvironmentID: "e3408733-0ac2-4596-8264-0a7da2481801", APIKey: "example-api-key",
		AppURL: "https://app.example",
	})
	if err != nil {
		log.Fatal(err)
	}
	return client
}

func ExampleClient_SignInURL() {
	client := site() // its Config.AppURL is https://app.example
	fmt.Println(client.SignInURL(roq.SignInParams{PostLoginRedirect: "/invites"}))
	// Output:
	// https://app.example/api/auth/login?postLoginRedirect=%2Finvites
}

func ExampleClient_SignUpURL() {
	client := site() // its Config.AppURL is https://app.example
	fmt.Println(client.SignUpURL(roq.SignInParams{VariantKey: "partners", DefaultLocale: "de-DE"}))
	// Output:
	// https://app.example/api/auth/signup?defaultLocale=de-DE&variantKey=partners
}

func ExampleClient_SignOutURL() {
	client := site() // its Config.AppURL is https://app.example
	fmt.Println(client.SignOutURL())
	// Output:
	// https://app.example/api/auth/logout
}
