package main

import (
	"bytes"
	"embed"
	"html/template"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

//go:embed assets
var assets embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"clock": func(t time.Time) string { return t.Local().Format(time.TimeOnly) },
	"iso":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"join":  strings.Join,
}).ParseFS(assets, "assets/*.html"))

// site is the platform with a page for people in front of it.
type site struct {
	platform *roqtest.Server
	// client is what an application would have, for the page behind an e-mail's link.
	client *roq.Client

	mu    sync.Mutex
	mood  mood
	since time.Time // of the last request when the list was cleared
}

// newSite returns everything that roqdev serves. Unless it is public, only
// requests for a loopback name are answered: a page from elsewhere could give its
// own name this machine's address, and be this origin to the browser.
func newSite(platform *roqtest.Server, public bool) (http.Handler, error) {
	client, err := newClient(platform)
	if err != nil {
		return nil, err
	}
	s := &site{platform: platform, client: client, mood: moods[0]}
	own := http.NewServeMux()
	own.HandleFunc("GET /{$}", s.home)
	own.HandleFunc("GET /live", s.live)
	own.HandleFunc("GET /accept", s.invitation)
	own.HandleFunc("POST /accept", s.accept)
	own.HandleFunc("POST /invites/{id}/expire", s.expire)
	own.HandleFunc("POST /mood", s.setMood)
	own.HandleFunc("POST /requests/clear", s.clearRequests)
	own.Handle("GET /assets/", http.FileServerFS(assets))

	mux := http.NewServeMux()
	mux.Handle("/", secured(http.NewCrossOriginProtection().Handler(own)))
	mux.Handle("/v01/", crossOrigin(platform.Handler()))
	mux.Handle("/api/", platform.Handler())
	if public {
		return mux, nil
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if !loopback(strings.Trim(host, "[]")) {
			http.Error(w, "this platform serves this machine only", http.StatusMisdirectedRequest)
			return
		}
		mux.ServeHTTP(w, r)
	}), nil
}

// secured lets the pages load nothing but what is served here.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; img-src data:; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}

// crossOrigin lets pages of any origin use the platform's endpoint for browsers,
// as @roq/client 0.0.12 does. It takes a token, and no cookie.
func crossOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v01/graphql" {
			w.Header().Set("Access-Control-Allow-Origin", "*")
			w.Header().Set("Access-Control-Allow-Headers", "accept, content-type, roq-platform-authorization, x-request-id")
			w.Header().Set("Access-Control-Allow-Methods", "POST")
			if r.Method == http.MethodOptions {
				w.WriteHeader(http.StatusNoContent)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// mood is how the platform treats its clients.
type mood struct {
	Name, Label, Explanation string
	fault                    roqtest.Fault
}

var moods = []mood{
	{"well", "Normal", "Requests are answered at once.", roqtest.Fault{}},
	{"slow", "Slow", "Every request takes three seconds.", roqtest.Fault{Delay: 3 * time.Second}},
	{"failing", "Failing", "Every request is answered with 503 and not processed.", roqtest.Fault{Status: http.StatusServiceUnavailable}},
	{"dropping", "Dropping responses", "Requests are processed, but the connection is closed without a response.", roqtest.Fault{Drop: roqtest.DropAfter}},
}

// invitesOperations are what a mood is for: signing in and tokens stay well, so
// that its effect is the one on invites.
var invitesOperations = []string{
	"sendUserInvites", "resendUserInvite", "cancelUserInvite", "userInvites", "userInvite", "acceptUserInvite", "checkUserInviteToken",
}

// setMood changes how the platform treats its clients.
func (s *site) setMood(w http.ResponseWriter, r *http.Request) {
	for _, m := range moods {
		if m.Name != r.FormValue("mood") {
			continue
		}
		s.mu.Lock()
		s.mood = m
		s.platform.ClearFaults()
		for _, operation := range invitesOperations {
			if m.Name != moods[0].Name {
				fault := m.fault
				fault.Operation = operation
				s.platform.Inject(fault)
			}
		}
		s.mu.Unlock()
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	http.Error(w, "there is no such mood", http.StatusBadRequest)
}

// clearRequests empties the list of requests.
func (s *site) clearRequests(w http.ResponseWriter, r *http.Request) {
	if all := s.platform.Requests(); len(all) > 0 {
		s.mu.Lock()
		s.since = all[len(all)-1].At
		s.mu.Unlock()
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// expire lets an invite expire before its time.
func (s *site) expire(w http.ResponseWriter, r *http.Request) {
	if err := s.platform.Expire(r.PathValue("id")); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// show writes a page, whole or not at all.
func show(w http.ResponseWriter, status int, page string, data any) {
	var out bytes.Buffer
	if err := pages.ExecuteTemplate(&out, page, data); err != nil {
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = out.WriteTo(w)
}
