package otelroq_test

import (
	"context"
	"fmt"
	"log"

	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/otelroq"
	"github.com/go-roq/roq/roqtest"
)

func Example() {
	srv := roqtest.NewServer()
	defer srv.Close()
	ann := srv.AddUser(roqtest.User{TenantID: srv.AddTenant("Acme"), Email: "ann@acme.example"})

	// If an application sets its provider as the global one, NewTracer needs no
	// option.
	spans := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))

	tracer, err := otelroq.NewTracer(otelroq.WithTracerProvider(provider), otelroq.WithPropagator(propagation.TraceContext{}))
	if err != nil {
		log.Fatal(err)
	}
	client, err := roq.New(srv.Config(), roq.WithTracer(tracer))
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.AsUser(ann.ID).SendUserInvites(context.Background(), roq.SendUserInvitesInput{
		TenantID: ann.TenantID, UserInvites: []roq.UserInviteInput{{Email: "bob@example.com"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, span := range spans.GetSpans() {
		fmt.Println(span.SpanKind, span.Name)
	}
	// Output:
	// client POST authorizeServiceAccount
	// client POST authorize
	// client POST sendUserInvites
	// internal roq sendUserInvites
}
