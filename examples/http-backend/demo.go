package main

import (
	"fmt"
	"io"
	"net/http/httptest"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// startDemo starts a platform with one tenant and somebody signed in, and says
// on out how to call the backend at the address. It returns what a client of the platform
// needs, and what ends it. The platform's spans are in the traces of its callers.
func startDemo(address string, out io.Writer, traced *telemetry) (roq.Config, func()) {
	platform := roqtest.NewHandler()
	handler := platform.Handler()
	if traced != nil {
		handler = traced.handler(handler)
	}
	server := httptest.NewServer(handler)
	cfg := platform.Config()
	cfg.PlatformURL, cfg.APIURL, cfg.AppURL = server.URL, server.URL, server.URL
	ann := platform.AddUser(roqtest.User{
		TenantID: platform.AddTenant("Acme"), Email: "ann@acme.example", FirstName: "Ann", Locale: "en-US", Roles: []string{"admin"},
	})
	platform.SendWebhooks(address + "/webhooks/roq")
	fmt.Fprintf(out, `A platform is running at %s. Ann of Acme is signed in:

  export COOKIE='roq-session-token=%s'

  curl -b "$COOKIE" -H 'Content-Type: application/json' -d '{"invites":[{"email":"bob@example.com"}]}' %[3]s/invites
  curl -b "$COOKIE" '%[3]s/invites?limit=10&status=pending'
  curl -b "$COOKIE" -X POST %[3]s/invites/ID/resend
  curl -b "$COOKIE" -X DELETE %[3]s/invites/ID

`, server.URL, platform.SessionToken(ann.ID), address)
	return cfg, func() {
		platform.Close()
		server.Close()
	}
}
