package main

import (
	"bytes"
	"crypto/rand"
	"embed"
	"html/template"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

//go:embed assets
var assets embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"iso":     func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"moment":  func(t time.Time) string { return t.Local().Format("Jan 2, 15:04:05") },
	"short":   short,
	"long":    func(s string) string { return cut(longText, s) },
	"grouped": grouped,
	"plural":  plural,
	"join":    func(all []string) string { return strings.Join(all, ", ") },
}).ParseFS(assets, "assets/*.html"))

// site is the platform with a page for people in front of it.
type site struct {
	platform *roqtest.Server
	// client is what an application would have, for the page behind an e-mail's link.
	client *roq.Client
	// webhooks is where the platform sends webhooks, without a password in the URL.
	webhooks string

	mu       sync.Mutex
	cleared  int // the last request that was cleared away
	outcomes []outcome
}

// keptOutcomes is how many outcomes of forms are kept.
const keptOutcomes = 100

// outcome is a page that a form led to.
type outcome struct {
	id, page string
	status   int
	data     any
}

// newSite returns everything that roqdev serves. Unless it is public, only
// requests for a loopback name are answered: a page from elsewhere could give its
// own name this machine's address, and be this origin to the browser.
func newSite(platform *roqtest.Server, public bool, webhooks string) (http.Handler, error) {
	client, err := newClient(platform)
	if err != nil {
		return nil, err
	}
	s := &site{platform: platform, client: client, webhooks: webhooks}
	own := http.NewServeMux()
	for _, t := range tabs {
		path := t.Path
		if path == "/" {
			path = "/{$}"
		}
		own.HandleFunc("GET "+path, s.showTab(t))
	}
	own.HandleFunc("GET /events", s.events)
	own.HandleFunc("GET /mails/{number}/html", s.mailHTML)
	own.HandleFunc("GET /mails/{number}/open", s.follow)
	own.HandleFunc("GET /accept", s.invitation)
	own.HandleFunc("POST /accept", s.accept)
	own.HandleFunc("POST /invites/{id}/expire", s.expire)
	own.HandleFunc("POST /trouble", s.postTrouble)
	own.HandleFunc("POST /clock", s.postClock)
	own.HandleFunc("POST /requests/clear", s.clearRequests)
	own.HandleFunc("GET /outcomes/{id}", s.showOutcome)
	own.Handle("GET /assets/", http.FileServerFS(assets))
	s.routeAPI(own)

	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		deny(w, r, http.StatusForbidden, "pages of other origins cannot change anything")
	}))
	mux := http.NewServeMux()
	mux.Handle("/", secured(protection.Handler(own)))
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
			deny(w, r, http.StatusMisdirectedRequest, "this platform serves this machine only")
			return
		}
		mux.ServeHTTP(w, r)
	}), nil
}

// secured lets the pages load nothing but what is served here.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; img-src data:; style-src 'self'; script-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
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

// clearRequests empties the list of requests.
func (s *site) clearRequests(w http.ResponseWriter, r *http.Request) {
	if last := s.platform.FindRequests(one).Rows; len(last) > 0 {
		s.mu.Lock()
		s.cleared = last[0].Number
		s.mu.Unlock()
	}
	back(w, r)
}

// expire lets an invite expire before its time.
func (s *site) expire(w http.ResponseWriter, r *http.Request) {
	if err := s.platform.Expire(r.PathValue("id")); err != nil {
		s.refuse(w, r, http.StatusConflict, "The invite did not expire: "+err.Error()+".")
		return
	}
	back(w, r)
}

// back leads from a form to the page that it was on.
func back(w http.ResponseWriter, r *http.Request) {
	to := r.FormValue("back")
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\t\r\n") {
		to = "/"
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// refuse leads from a form to why something was not done.
func (s *site) refuse(w http.ResponseWriter, r *http.Request, status int, text string) {
	s.lead(w, r, status, "refused", text)
}

// lead leads from a form to its outcome. The outcome has an address of its own, so that
// nothing is done again when somebody reloads it or goes back to it.
func (s *site) lead(w http.ResponseWriter, r *http.Request, status int, page string, data any) {
	o := outcome{rand.Text(), page, status, data}
	s.mu.Lock()
	s.outcomes = append(s.outcomes[max(0, len(s.outcomes)+1-keptOutcomes):], o)
	s.mu.Unlock()
	http.Redirect(w, r, "/outcomes/"+o.id, http.StatusSeeOther)
}

// showOutcome shows the outcome of a form.
func (s *site) showOutcome(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	i := slices.IndexFunc(s.outcomes, func(o outcome) bool { return o.id == r.PathValue("id") })
	o := outcome{page: "gone", status: http.StatusNotFound}
	if i >= 0 {
		o = s.outcomes[i]
	}
	s.mu.Unlock()
	s.show(w, o.status, o.page, o.data)
}

// show writes a page, whole or not at all.
func (s *site) show(w http.ResponseWriter, status int, page string, data any) {
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
