package roq_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/jarcoal/httpmock"

	"golang.org/x/time/rate"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

func ExampleWithHTTPClient() {
	srv, _, _ := acme()
	defer srv.Close()

	// Its proxy, TLS settings, jar and timeout are kept.
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	client, err := roq.New(srv.Config(), roq.WithHTTPClient(&http.Client{Transport: transport, Timeout: 5 * time.Second}))
	if err != nil {
		log.Fatal(err)
	}
	page, err := client.AsSuperAdmin().UserInvites(context.Background(), roq.UserInvitesQuery{})
	fmt.Println(page.TotalCount, err)
	// Output:
	// 0 <nil>
}

// A unit test answers requests itself, without a platform.
func ExampleWithTransport() {
	const platform, id = "https://platform.example", "db7a682d-6dca-4259-b15b-83aef12d1f5c"
	mock := httpmock.NewMockTransport()
	mock.RegisterResponder("POST", platform+"/v01/authorize/serviceAccount",
		httpmock.NewStringResponder(200, `{"accessToken":"token"}`))
	mock.RegisterResponder("POST", platform+"/v01/server/graphql",
		httpmock.NewStringResponder(200, `{"data":{"cancelUserInvite":{"id":"`+id+`","status":"canceled"}}}`))

	client, err := roq.New(
		roq.Config{PlatformURL: platform, EnvironmentID: "env", APIKey: "key"},
		roq.WithTransport(func(http.RoundTripper) http.RoundTripper { return mock }))
	if err != nil {
		log.Fatal(err)
	}
	invite, err := client.AsSuperAdmin().CancelUserInvite(context.Background(), id)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(invite.Status, "after", mock.GetTotalCallCount(), "requests")
	// Output:
	// canceled after 2 requests
}

// roundTripper is a function as an http.RoundTripper.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Tracing: every request passes through your wrapper.
func ExampleWithTransport_tracing() {
	srv, _, ann := acme()
	defer srv.Close()

	client, err := roq.New(srv.Config(), roq.WithTransport(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(r)
			if err == nil {
				fmt.Println(r.Method, r.URL.Path, resp.StatusCode)
			}
			return resp, err
		})
	}))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := client.AsUser(ann.ID).UserInvites(context.Background(), roq.UserInvitesQuery{}); err != nil {
		log.Fatal(err)
	}
	// Output:
	// POST /v01/authorize/serviceAccount 200
	// POST /v01/authorize 200
	// POST /v01/server/graphql 200
}

func ExampleWithRetry() {
	srv, client, ann := acme()
	defer srv.Close()
	srv.Inject(roqtest.Fault{Operation: "userInvites", Status: 503})

	_, err := client.AsUser(ann.ID).UserInvites(context.Background(), roq.UserInvitesQuery{},
		roq.WithRetry(roq.RetryPolicy{MaxAttempts: 3, MinWait: time.Millisecond, MaxWait: time.Second}))
	var e *roq.Error
	if errors.As(err, &e) {
		fmt.Println(e.Attempts, "attempts,", errors.Is(err, roq.ErrUnavailable))
	}
	// Output:
	// 3 attempts, true
}

func ExampleWithTimeout() {
	srv, client, ann := acme()
	defer srv.Close()
	srv.Inject(roqtest.Fault{Operation: "userInvites", Times: 1, Delay: time.Minute})

	// The first attempt hangs; the second is answered.
	page, err := client.AsUser(ann.ID).UserInvites(context.Background(), roq.UserInvitesQuery{},
		roq.WithTimeout(50*time.Millisecond), roq.WithRetry(roq.RetryPolicy{MinWait: time.Millisecond}))
	fmt.Println(page.TotalCount, err)
	// Output:
	// 0 <nil>
}

func ExampleWithSettleTimeout() {
	srv, client, ann := acme()
	defer srv.Close()
	srv.Inject(roqtest.Fault{Operation: "sendUserInvites", Times: 1, Drop: roqtest.DropAfter})

	// Zero means no look-ups: an unclear outcome is unknown at once.
	sent, err := client.AsUser(ann.ID).SendUserInvites(context.Background(), roq.SendUserInvitesInput{
		TenantID:    ann.TenantID,
		UserInvites: []roq.UserInviteInput{{Email: "bob@example.com"}},
	}, roq.WithSettleTimeout(0))
	fmt.Println(errors.Is(err, roq.ErrOutcomeUnknown), len(sent.Unknown))
	// Output:
	// true 1
}

func ExampleWithRepeatUnknown() {
	srv, _, ann := acme()
	defer srv.Close()
	srv.Inject(roqtest.Fault{Operation: "sendUserInvites", Times: 1, Drop: roqtest.DropBefore})

	// This platform refuses a second invite to an address, so sending again mails
	// nobody twice.
	client, err := roq.New(srv.Config(), roq.WithRepeatUnknown(),
		roq.WithRetry(roq.RetryPolicy{MinWait: time.Millisecond, MaxWait: 5 * time.Millisecond}), roq.WithSettleTimeout(50*time.Millisecond))
	if err != nil {
		log.Fatal(err)
	}
	sent, err := client.AsUser(ann.ID).SendUserInvites(context.Background(), roq.SendUserInvitesInput{
		TenantID:    ann.TenantID,
		UserInvites: []roq.UserInviteInput{{Email: "bob@example.com"}},
	})
	fmt.Println(len(sent.Success), len(srv.Outbox()), err)
	// Output:
	// 1 1 <nil>
}

func ExampleWithRequestID() {
	srv, client, ann := acme()
	defer srv.Close()

	// The id of the visitor's request connects your log with the platform's.
	if _, err := client.AsUser(ann.ID).UserInvites(context.Background(), roq.UserInvitesQuery{}, roq.WithRequestID("7f3a")); err != nil {
		log.Fatal(err)
	}
	for _, r := range srv.Requests() {
		fmt.Println(r.Operation, r.Header.Get("x-request-id"))
	}
	// Output:
	// authorizeServiceAccount 7f3a
	// authorize 7f3a
	// userInvites 7f3a
}

func ExampleWithLogger() {
	srv, _, ann := acme()
	defer srv.Close()
	srv.Inject(roqtest.Fault{Operation: "userInvites", Times: 1, Status: 503})

	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ // level Debug shows every attempt
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "wait" || a.Key == "elapsed" {
				return slog.Attr{}
			}
			return a
		},
	}))
	client, err := roq.New(srv.Config(), roq.WithLogger(logger), roq.WithRetry(roq.RetryPolicy{MinWait: time.Millisecond}))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := client.AsUser(ann.ID).UserInvites(context.Background(), roq.UserInvitesQuery{}, roq.WithRequestID("7f3a")); err != nil {
		log.Fatal(err)
	}
	// Output:
	// level=WARN msg="roq: trying again" operation=userInvites purpose=call request=7f3a attempt=1 outcome=unclear
}

func ExampleWithUserAgent() {
	srv, _, _ := acme()
	defer srv.Close()

	client, err := roq.New(srv.Config(), roq.WithUserAgent("acme-backend/2.1"))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := client.AsSuperAdmin().UserInvites(context.Background(), roq.UserInvitesQuery{}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(srv.Requests()[0].Header.Get("User-Agent") == "acme-backend/2.1 roq-go/"+roq.Version)
	// Output:
	// true
}

func ExampleWithSchema() {
	srv, _, ann := acme()
	defer srv.Close()

	// The form of the platform's guide, in which an invite may have data.
	client, err := roq.New(srv.Config(), roq.WithSchema(roq.SchemaV1))
	if err != nil {
		log.Fatal(err)
	}
	sent, err := client.AsUser(ann.ID).SendUserInvites(context.Background(), roq.SendUserInvitesInput{
		TenantID:    ann.TenantID,
		UserInvites: []roq.UserInviteInput{{Email: "bob@example.com", Data: map[string]any{"team": "sales"}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", sent.Success[0].Data)
	// Output:
	// {"team":"sales"}
}

func ExampleWithBatchSize() {
	srv, _, ann := acme()
	defer srv.Close()

	client, err := roq.New(srv.Config(), roq.WithBatchSize(2))
	if err != nil {
		log.Fatal(err)
	}
	made := sendTo(client.AsUser(ann.ID), ann.TenantID, "bob@example.com", "eve@example.com", "joe@example.com")
	requests := 0
	for _, r := range srv.Requests() {
		if r.Operation == "sendUserInvites" {
			requests++
		}
	}
	fmt.Println(len(made), "invites in", requests, "requests")
	// Output:
	// 3 invites in 2 requests
}

func ExampleWithMaxResponseBytes() {
	srv, _, _ := acme()
	defer srv.Close()
	srv.Inject(roqtest.Fault{Operation: "userInvites", Body: strings.Repeat("too much ", 1000)})

	client, err := roq.New(srv.Config(), roq.WithMaxResponseBytes(5000), roq.WithRetry(roq.RetryPolicy{MaxAttempts: 1}))
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.AsSuperAdmin().UserInvites(context.Background(), roq.UserInvitesQuery{}, roq.WithRequestID("7f3a"))
	fmt.Println(err)
	// Output:
	// roq: userInvites: reading the response: it is longer than the limit (WithMaxResponseBytes) (request 7f3a)
}

// A connection that is older than a second takes no new request.
func ExampleWithConnectionMaxAge() {
	srv, _, ann := acme()
	defer srv.Close()

	var dials int
	dialer := func(ctx context.Context, network, addr string) (net.Conn, error) {
		dials++
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	client, err := roq.New(srv.Config(), roq.WithConnectionMaxAge(time.Second), roq.WithHTTPClient(&http.Client{Transport: &http.Transport{DialContext: dialer}}))
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		if _, err := client.AsUser(ann.ID).UserInvites(context.Background(), roq.UserInvitesQuery{}); err != nil {
			log.Fatal(err)
		}
		<-time.After(time.Second)
	}
	fmt.Println(dials, "connections")
	// Output:
	// 2 connections
}

func ExampleWithInsecureHTTP() {
	cfg := roq.Config{PlatformURL: "http://platform.test", EnvironmentID: "env", APIKey: "key"}
	_, err := roq.New(cfg)
	fmt.Println(err)

	_, err = roq.New(cfg, roq.WithInsecureHTTP()) // inside a test network
	fmt.Println(err)
	// Output:
	// roq: Config.PlatformURL: must be https, or http to this machine (WithInsecureHTTP allows any http)
	// <nil>
}

// Two clients share one limit.
func ExampleWithLimiter() {
	srv, _, ann := acme()
	defer srv.Close()

	limit := rate.NewLimiter(rate.Limit(100), 10)
	for range 2 {
		client, err := roq.New(srv.Config(), roq.WithLimiter(limit))
		if err != nil {
			log.Fatal(err)
		}
		if _, err := client.AsUser(ann.ID).UserInvites(context.Background(), roq.UserInvitesQuery{}); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(len(srv.Requests()), "requests with one limit")
	// Output:
	// 6 requests with one limit
}
