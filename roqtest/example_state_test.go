package roqtest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

func ExampleServer_Save() {
	srv := roqtest.NewServer()
	defer srv.Close()
	ann, _ := acme(srv)

	var kept bytes.Buffer // a file, say
	if err := srv.Save(&kept); err != nil {
		log.Fatal(err)
	}
	fmt.Println(bytes.Contains(kept.Bytes(), []byte(ann.ID)))
	// Output:
	// true
}

func ExampleServer_Restore() {
	srv := roqtest.NewServer()
	defer srv.Close()
	ann, _ := acme(srv)
	session := srv.SessionToken(ann.ID)
	var kept bytes.Buffer
	if err := srv.Save(&kept); err != nil {
		log.Fatal(err)
	}

	// The next day.
	again := roqtest.NewServer()
	defer again.Close()
	if err := again.Restore(&kept); err != nil {
		log.Fatal(err)
	}
	client, err := roq.New(again.Config())
	if err != nil {
		log.Fatal(err)
	}
	visitor, err := client.ParseSession(session)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(visitor.User.FirstName)
	// Output:
	// Ann
}

func ExampleServer_Tenants() {
	srv := roqtest.NewServer()
	defer srv.Close()
	srv.AddTenant("Globex")
	srv.AddTenant("Acme")

	for _, tenant := range srv.Tenants() {
		fmt.Println(tenant.Name)
	}
	// Output:
	// Acme
	// Globex
}

func ExampleServer_Users() {
	srv := roqtest.NewServer()
	defer srv.Close()
	ann, platform := acme(srv)
	if _, err := send(platform, ann.TenantID, "bob@example.com"); err != nil {
		log.Fatal(err)
	}
	if _, err := srv.Accept(srv.Outbox()[0].Token); err != nil {
		log.Fatal(err)
	}

	for _, user := range srv.Users() {
		fmt.Println(user.Email, user.Roles)
	}
	// Output:
	// ann@acme.example [admin]
	// bob@example.com [admin]
}

func ExampleServer_ClearFaults() {
	srv := roqtest.NewServer()
	defer srv.Close()
	_, platform := acme(srv)
	srv.Inject(roqtest.Fault{Status: 503})

	once := roq.WithRetry(roq.RetryPolicy{MaxAttempts: 1})
	for range 2 {
		_, err := platform.UserInvites(context.Background(), roq.UserInvitesQuery{}, once)
		fmt.Println(errors.Is(err, roq.ErrUnavailable))
		srv.ClearFaults()
	}
	// Output:
	// true
	// false
}
