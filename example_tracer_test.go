package roq_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// printer is a Tracer that prints calls and their requests.
type printer struct{}

func (printer) TraceCallStart(ctx context.Context, d roq.TraceCallStartData) context.Context {
	fmt.Println("call", d.Operation, d.Invites)
	return ctx
}

func (printer) TraceCallEnd(_ context.Context, d roq.TraceCallEndData) {
	fmt.Println("sent", d.Sent, "with", d.Requests, "requests:", d.Err)
}

func (printer) TraceRequestStart(ctx context.Context, _ roq.TraceRequestStartData) context.Context {
	return ctx
}

func (printer) TraceRequestEnd(_ context.Context, d roq.TraceRequestEndData) {
	fmt.Println("request", d.StatusCode, d.Outcome)
}

func ExampleWithTracer() {
	srv, _, ann := acme()
	defer srv.Close()

	client, err := roq.New(srv.Config(), roq.WithTracer(printer{}), roq.WithRetry(roq.RetryPolicy{MinWait: time.Millisecond}))
	if err != nil {
		log.Fatal(err)
	}
	srv.Inject(roqtest.Fault{Operation: "sendUserInvites", Drop: roqtest.DropAfter, Times: 1})
	_, err = client.AsUser(ann.ID).SendUserInvites(context.Background(), roq.SendUserInvitesInput{
		TenantID: ann.TenantID, UserInvites: []roq.UserInviteInput{{Email: "bob@example.com"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// call sendUserInvites 1
	// request 200 answered
	// request 200 answered
	// request 0 unclear
	// request 200 answered
	// sent 1 with 2 requests: <nil>
}

// The name of a span, for a transport that makes spans.
func ExampleTraceRequestFromContext() {
	srv, _, ann := acme()
	defer srv.Close()

	client, err := roq.New(srv.Config(), roq.WithTransport(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if d, ok := roq.TraceRequestFromContext(r.Context()); ok {
				fmt.Println("roq", d.Operation, d.Purpose)
			}
			return next.RoundTrip(r)
		})
	}))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := client.AsUser(ann.ID).UserInvites(context.Background(), roq.UserInvitesQuery{}); err != nil {
		log.Fatal(err)
	}
	// Output:
	// roq authorizeServiceAccount token
	// roq authorize token
	// roq userInvites call
}
