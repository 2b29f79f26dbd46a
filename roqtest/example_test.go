package roqtest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// acme makes a tenant with one user in it, and the platform as she sees it.
func acme(srv *roqtest.Server) (ann roqtest.User, platform *roq.RoqPlatform) {
	ann = srv.AddUser(roqtest.User{TenantID: srv.AddTenant("Acme"), Email: "ann@acme.example", FirstName: "Ann", Roles: []string{"admin"}})
	client, err := roq.New(srv.Config())
	if err != nil {
		log.Fatal(err)
	}
	return ann, client.AsUser(ann.ID)
}

// send invites people to a tenant.
func send(platform *roq.RoqPlatform, tenantID string, emails ...string) (*roq.SendUserInvitesResult, error) {
	in := roq.SendUserInvitesInput{TenantID: tenantID}
	for _, email := range emails {
		in.UserInvites = append(in.UserInvites, roq.UserInviteInput{Email: email})
	}
	return platform.SendUserInvites(context.Background(), in)
}

func Example() {
	srv := roqtest.NewServer()
	defer srv.Close()
	ann := srv.AddUser(roqtest.User{TenantID: srv.AddTenant("Acme"), Email: "ann@acme.example"})
	client, err := roq.New(srv.Config())
	if err != nil {
		log.Fatal(err)
	}

	_, err = client.AsUser(ann.ID).SendUserInvites(context.Background(), roq.SendUserInvitesInput{
		TenantID:    ann.TenantID,
		UserInvites: []roq.UserInviteInput{{Email: "bob@example.com"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, mail := range srv.Outbox() {
		fmt.Println(mail.To, mail.Kind)
	}
	// Output:
	// bob@example.com invite
}

// Another program of the test has the address in its configuration.
func ExampleWithAddr() {
	addr := os.Getenv("TEST_ROQ_ADDR") // "127.0.0.1:4000"
	if addr == "" {
		addr = "127.0.0.1:0" // any free port
	}
	srv := roqtest.NewServer(roqtest.WithAddr(addr))
	defer srv.Close()

	fmt.Println(strings.HasPrefix(srv.URL, "http://127.0.0.1:"), srv.Config().PlatformURL == srv.URL)
	// Output:
	// true true
}

func ExampleNewServer() {
	srv := roqtest.NewServer(roqtest.WithBulkLimit(50), roqtest.WithInviteLifetime(48*time.Hour))
	defer srv.Close()
	fmt.Println(strings.HasPrefix(srv.URL, "http://127.0.0.1:"))
	// Output:
	// true
}

// A platform without a socket, for a test in a synctest bubble or for your own
// handler.
func ExampleNewHandler() {
	srv := roqtest.NewHandler()
	defer srv.Close()

	w := httptest.NewRecorder()
	srv.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/auth/session", nil))
	fmt.Println(w.Code, w.Body)
	// Output:
	// 200 {"session":null,"status":"unauthenticated"}
}

func ExampleServer_Config() {
	srv := roqtest.NewServer()
	defer srv.Close()

	client, err := roq.New(srv.Config())
	if err != nil {
		log.Fatal(err)
	}
	page, err := client.AsSuperAdmin().UserInvites(context.Background(), roq.UserInvitesQuery{})
	fmt.Println(page.TotalCount, err)
	// Output:
	// 0 <nil>
}

func ExampleServer_Handler() {
	srv := roqtest.NewHandler()
	defer srv.Close()
	// On your own address, behind your own middleware.
	own := httptest.NewServer(http.StripPrefix("/platform", srv.Handler()))
	defer own.Close()

	cfg := srv.Config()
	cfg.PlatformURL = own.URL + "/platform"
	cfg.APIURL, cfg.AppURL = cfg.PlatformURL, cfg.PlatformURL
	client, err := roq.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	page, err := client.AsSuperAdmin().UserInvites(context.Background(), roq.UserInvitesQuery{})
	fmt.Println(page.TotalCount, err)
	// Output:
	// 0 <nil>
}

func ExampleServer_Close() {
	srv := roqtest.NewServer()
	srv.Close()

	client, err := roq.New(srv.Config(), roq.WithRetry(roq.RetryPolicy{MaxAttempts: 1}))
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.AsSuperAdmin().UserInvites(context.Background(), roq.UserInvitesQuery{})
	fmt.Println(errors.Is(err, roq.ErrUnavailable), errors.Is(err, roq.ErrNotSent))
	// Output:
	// true true
}

func ExampleServer_AddTenant() {
	srv := roqtest.NewServer()
	defer srv.Close()

	acme, globex := srv.AddTenant("Acme"), srv.AddTenant("Globex")
	fmt.Println(acme != globex)
	// Output:
	// true
}

func ExampleServer_AddUser() {
	srv := roqtest.NewServer()
	defer srv.Close()

	ann := srv.AddUser(roqtest.User{TenantID: srv.AddTenant("Acme"), Email: "ann@acme.example", Roles: []string{"admin"}})
	fmt.Println(len(ann.ID), ann.Email) // the id was made
	// Output:
	// 36 ann@acme.example
}

func ExampleServer_SessionToken() {
	srv := roqtest.NewServer()
	defer srv.Close()
	ann, _ := acme(srv)
	client, err := roq.New(srv.Config())
	if err != nil {
		log.Fatal(err)
	}

	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.AddCookie(&http.Cookie{Name: "roq-session-token", Value: srv.SessionToken(ann.ID)})
	session, err := client.Session(r)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(session.User.FirstName)
	// Output:
	// Ann
}

func ExampleServer_Outbox() {
	srv := roqtest.NewServer()
	defer srv.Close()
	ann, platform := acme(srv)

	sent, err := send(platform, ann.TenantID, "bob@example.com")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := platform.ResendUserInvite(context.Background(), sent.Success[0].ID); err != nil {
		log.Fatal(err)
	}
	for _, mail := range srv.Outbox() {
		fmt.Println(mail.To, mail.Kind)
	}
	// Output:
	// bob@example.com invite
	// bob@example.com resend
}

func ExampleServer_Accept() {
	srv := roqtest.NewServer()
	defer srv.Close()
	ann, platform := acme(srv)
	if _, err := send(platform, ann.TenantID, "bob@example.com"); err != nil {
		log.Fatal(err)
	}

	// The invitee follows the link in the e-mail.
	invite, err := srv.Accept(srv.Outbox()[0].Token)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(invite.Email, invite.Status)

	_, err = srv.Accept("no-such-token")
	fmt.Println(err)
	// Output:
	// bob@example.com accepted
	// there is no such token
}

func ExampleServer_Expire() {
	srv := roqtest.NewServer()
	defer srv.Close()
	ann, platform := acme(srv)
	sent, err := send(platform, ann.TenantID, "bob@example.com")
	if err != nil {
		log.Fatal(err)
	}

	if err := srv.Expire(sent.Success[0].ID); err != nil {
		log.Fatal(err)
	}
	fmt.Println(srv.Invites()[0].Status)
	// Output:
	// expired
}

func ExampleServer_Remove() {
	srv := roqtest.NewServer()
	defer srv.Close()
	ann, platform := acme(srv)
	sent, err := send(platform, ann.TenantID, "bob@example.com")
	if err != nil {
		log.Fatal(err)
	}

	if err := srv.Remove(sent.Success[0].ID); err != nil {
		log.Fatal(err)
	}
	_, err = platform.UserInvite(context.Background(), sent.Success[0].ID)
	fmt.Println(errors.Is(err, roq.ErrNotFound))
	// Output:
	// true
}

func ExampleServer_Invites() {
	srv := roqtest.NewServer()
	defer srv.Close()
	ann, platform := acme(srv)
	if _, err := send(platform, ann.TenantID, "bob@example.com", "eve@example.com"); err != nil {
		log.Fatal(err)
	}

	// The true state, whatever the client was told.
	for _, invite := range srv.Invites() {
		fmt.Println(invite.Email, invite.Status)
	}
	// Output:
	// bob@example.com pending
	// eve@example.com pending
}

func ExampleServer_Requests() {
	srv := roqtest.NewServer()
	defer srv.Close()
	ann, platform := acme(srv)
	if _, err := send(platform, ann.TenantID, "bob@example.com"); err != nil {
		log.Fatal(err)
	}

	for _, r := range srv.Requests() {
		fmt.Println(r.Method, r.Path, r.Operation)
	}
	// Output:
	// POST /v01/authorize/serviceAccount authorizeServiceAccount
	// POST /v01/authorize authorize
	// POST /v01/server/graphql sendUserInvites
}

func ExampleServer_RevokeTokens() {
	srv := roqtest.NewServer()
	defer srv.Close()
	_, platform := acme(srv)
	ctx := context.Background()
	if _, err := platform.UserInvites(ctx, roq.UserInvitesQuery{}); err != nil {
		log.Fatal(err)
	}

	// The client's cached token is refused, and the client gets another one.
	srv.RevokeTokens()
	_, err := platform.UserInvites(ctx, roq.UserInvitesQuery{})
	fmt.Println(err, len(srv.Requests()))
	// Output:
	// <nil> 8
}

func ExampleSchema() {
	fmt.Println(strings.Contains(roqtest.Schema(), "sendUserInvitesV2("))
	// Output:
	// true
}
