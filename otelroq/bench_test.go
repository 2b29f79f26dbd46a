package otelroq_test

import (
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/otelroq"
	"github.com/go-roq/roq/roqtest"
)

// BenchmarkUserInvites is a call without a tracer, with one whose spans and metrics go
// nowhere, and with one that records spans.
func BenchmarkUserInvites(b *testing.B) {
	nothing, err := otelroq.NewTracer()
	if err != nil {
		b.Fatal(err)
	}
	recorded, err := otelroq.NewTracer(otelroq.WithTracerProvider(sdktrace.NewTracerProvider()))
	if err != nil {
		b.Fatal(err)
	}
	for name, opts := range map[string][]roq.Option{"none": nil, "nowhere": {roq.WithTracer(nothing)}, "recorded": {roq.WithTracer(recorded)}} {
		b.Run(name, func(b *testing.B) {
			srv := roqtest.NewServer()
			defer srv.Close()
			ann := srv.AddUser(roqtest.User{TenantID: srv.AddTenant("Acme"), Email: "ann@acme.example"})
			client, err := roq.New(srv.Config(), opts...)
			if err != nil {
				b.Fatal(err)
			}
			defer client.CloseIdleConnections()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := client.AsUser(ann.ID).UserInvites(b.Context(), roq.UserInvitesQuery{Limit: 10}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
