package roq_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/go-roq/roq"
)

func TestWithoutAppURLThereIsNoSignIn(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.AppURL = ""
	client := newClient(t, cfg)
	r := visit()
	r.Header.Set("Accept", "text/html")
	w := httptest.NewRecorder()
	client.RequireSession(http.NotFoundHandler()).ServeHTTP(w, r)
	if w.Code != 401 {
		t.Errorf("status %d, want 401", w.Code)
	}
	if urls := []string{client.SignInURL(roq.SignInParams{}), client.SignUpURL(roq.SignInParams{}), client.SignOutURL()}; !slices.Equal(urls, []string{"", "", ""}) {
		t.Errorf("addresses = %q, want none", urls)
	}
	var none context.Context
	if _, ok := roq.SessionFromContext(none); ok {
		t.Error("no context has a session")
	}
	if _, ok := roq.SessionFromContext(t.Context()); ok {
		t.Error("a context without a session has one")
	}
}

func TestSignInAddresses(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.AppURL = "https://app.example/base/"
	client := newClient(t, cfg)
	for want, got := range map[string]string{
		"https://app.example/base/api/auth/login":                                      client.SignInURL(roq.SignInParams{}),
		"https://app.example/base/api/auth/logout":                                     client.SignOutURL(),
		"https://app.example/base/api/auth/signup?defaultLocale=de-DE&variantKey=dark": client.SignUpURL(roq.SignInParams{VariantKey: "dark", DefaultLocale: "de-DE"}),
		"https://app.example/base/api/auth/login?postLoginRedirect=%2Fa%3Fb%3Dc%26d":   client.SignInURL(roq.SignInParams{PostLoginRedirect: "/a?b=c&d"}),
	} {
		if got != want {
			t.Errorf("address = %s, want %s", got, want)
		}
	}
}
