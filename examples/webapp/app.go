package main

import (
	"bytes"
	"context"
	"embed"
	"html/template"
	"log/slog"
	"net/http"

	"github.com/go-roq/roq"
)

//go:embed assets
var assets embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"words": inWords, "iso": iso, "locales": func() any { return locales },
}).ParseFS(assets, "assets/*.html"))

// app is the application.
type app struct {
	client *roq.Client
	url    string
	log    *slog.Logger
}

func newApp(client *roq.Client, url string, log *slog.Logger) *app { return &app{client, url, log} }

// handler returns everything that the application serves.
func (a *app) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.signedIn(a.home))
	mux.HandleFunc("POST /invites", a.signedIn(a.send))
	mux.HandleFunc("GET /invites/{id}/{action}", a.signedIn(a.confirm))
	mux.HandleFunc("POST /invites/{id}/{action}", a.signedIn(a.change))
	mux.HandleFunc("GET /events", a.signedIn(a.events))
	mux.Handle("GET /assets/", http.FileServerFS(assets))
	// A cookie alone is sufficient to send invitations, so other sites must be kept out.
	return secured(http.NewCrossOriginProtection().Handler(mux))
}

// secured lets pages load nothing but what is served here.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; img-src data:; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// visitor is who is asking, and the platform as they see it.
type visitor struct {
	*roq.Session
	platform *roq.RoqPlatform
}

// signedIn serves visitors with a session. Others get the way to sign in, and to
// come back.
func (a *app) signedIn(serve func(http.ResponseWriter, *http.Request, visitor)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		session, err := a.client.Session(r)
		if err != nil {
			a.show(w, http.StatusUnauthorized, "signin", map[string]string{
				"SignIn": a.client.SignInURL(roq.SignInParams{PostLoginRedirect: a.url + "/"}),
			})
			return
		}
		serve(w, r, visitor{session, a.client.AsSession(session)})
	}
}

// show writes a page, whole or not at all.
func (a *app) show(w http.ResponseWriter, status int, name string, data any) {
	var page bytes.Buffer
	if err := templates.ExecuteTemplate(&page, name, data); err != nil {
		a.log.Error("the page cannot be shown", "page", name, "error", err)
		http.Error(w, "The page cannot be shown.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = page.WriteTo(w)
}

// finishing is a context for requests that mail somebody. It does not end when the
// visitor leaves, since a request that is cut off may have been processed.
func finishing(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(r.Context()), callTimeout)
}
