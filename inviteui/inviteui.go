package inviteui

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/internal/jobs"
)

// handler is the page.
type handler struct {
	client *roq.Client
	options
	// style and script are the names of the assets.
	style, script string
	policy        string
	jobs          *jobs.Runner[progress]
	mu            sync.Mutex
	known         map[string]facts // of tenants, by id
}

// New returns the page of a client. Mount it under any prefix with [http.StripPrefix].
// Its path must end with a slash for visitors.
func New(client *roq.Client, opts ...Option) (http.Handler, error) {
	if client == nil {
		return nil, errors.New("inviteui: New: the client must not be nil")
	}
	h := &handler{client: client, known: map[string]facts{}, options: options{pageSize: 25, log: slog.New(slog.DiscardHandler)}}
	h.jobs = &jobs.Runner[progress]{
		Running: maxRunning, Kept: maxReports, Onces: maxForms,
		Heaviest: maxOthers, Weigh: func(p progress) int { return len(p.Others) },
	}
	h.languages = []*language{builtin("en"), builtin("de")}
	for _, o := range opts {
		if o == nil {
			return nil, errors.New("inviteui: New: an option must not be nil")
		}
		if err := o(&h.options); err != nil {
			return nil, err
		}
	}
	h.policy = "default-src 'none'; img-src 'self' data:; style-src 'self'; font-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
	// A form that is sent without a session leads to the sign-in page.
	if u, err := url.Parse(client.SignInURL(roq.SignInParams{})); err == nil && u.Host != "" {
		h.policy += " " + u.Scheme + "://" + u.Host
	}
	mux := http.NewServeMux()
	h.style = asset(mux, "page", ".css", "text/css; charset=utf-8", h.css)
	h.script = asset(mux, "page", ".js", "text/javascript; charset=utf-8", "")
	for pattern, serve := range map[string]func(*visitor){
		"GET /{$}": home, "POST /invite": invite, "GET /act": confirm, "POST /act": act, "POST /stop": stop, "GET /events": events, "GET /invitations.csv": export,
	} {
		mux.Handle(pattern, h.page(serve))
	}
	protected := http.NewCrossOriginProtection().Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u := *r.URL
		u.Path, u.RawPath = "/"+strings.TrimPrefix(u.Path, "/"), "" // the prefix may have had the slash
		if u.Path != path.Clean(u.Path) {                           // a ServeMux would redirect to the root of the application
			http.NotFound(w, r)
			return
		}
		r = r.WithContext(r.Context())
		r.URL = &u
		header := w.Header()
		if header.Get("Content-Security-Policy") == "" { // the application's own is the application's choice
			header.Set("Content-Security-Policy", h.policy)
		}
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		protected.ServeHTTP(w, r)
	}), nil
}

// page requires a session. A form that comes without one is served too, so that nothing
// that was typed is lost.
func (h *handler) page(serve func(*visitor)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		outside := r.WithContext(r.Context())
		if u, err := url.ParseRequestURI(r.RequestURI); err == nil && strings.HasSuffix(u.Path, r.URL.Path) {
			outside.URL = u // what the visitor sees, so that a sign-in leads back to it
		}
		v := &visitor{handler: h, w: w, r: r, at: outside.URL.EscapedPath(), may: map[Action]bool{}}
		visit := http.HandlerFunc(func(_ http.ResponseWriter, in *http.Request) {
			session, _ := roq.SessionFromContext(in.Context())
			v.r, v.session, v.platform = r.WithContext(in.Context()), session, h.client.AsSession(session)
			v.language = h.speak(session.User.Locale, r.Header.Get("Accept-Language"))
			if session.User.TenantID == "" {
				v.trouble(troubleOf(roq.ErrNoTenant))
				return
			}
			serve(v)
		})
		if _, err := h.client.Session(r); err != nil && r.Method == http.MethodPost {
			v.language = h.speak("", r.Header.Get("Accept-Language"))
			serve(v)
			return
		}
		h.client.RequireSession(visit).ServeHTTP(w, outside)
	})
}

// visitor is one request of somebody.
type visitor struct {
	*handler
	*language
	w http.ResponseWriter
	r *http.Request
	// at is the path that the visitor sees.
	at string
	// session is nil if a form came without one.
	session  *roq.Session
	platform *roq.RoqPlatform
	may      map[Action]bool
}

// Can reports whether the visitor may do that.
func (v *visitor) Can(action Action) bool {
	if _, known := v.may[action]; !known { // it may be asked for each row
		v.may[action] = v.session != nil && (v.authorize == nil || v.authorize(v.r.Context(), v.session, action) == nil)
	}
	return v.may[action]
}

// refused shows that the visitor may not do that, and reports whether it did.
func (v *visitor) refused(action Action) bool {
	err := roq.ErrForbidden
	if v.session == nil {
		err = roq.ErrUnauthorized
	} else if v.Can(action) {
		return false
	}
	v.trouble(troubleOf(err))
	return true
}

// SignIn is where the visitor can sign in, and come back. It may be empty.
func (v *visitor) SignIn() string {
	return v.client.SignInURL(roq.SignInParams{PostLoginRedirect: v.at[:strings.LastIndexByte(v.at, '/')+1]})
}

// redirect leads to another address of the page. It is relative, because the prefix of
// the page is not known here.
func (v *visitor) redirect(address string) {
	v.w.Header().Set("Location", address)
	v.w.WriteHeader(http.StatusSeeOther)
}

// Title is the title of the page.
func (v *visitor) Title() string {
	if v.title != "" || v.session == nil {
		return cmp.Or(v.title, v.T("invitations"))
	}
	return cmp.Or(v.facts().name, v.T("invitations"))
}

// Tenant is the id of the visitor's tenant. Forms have it: in another tab the visitor may
// have moved to another one since.
func (v *visitor) Tenant() string { return v.session.User.TenantID }

// Name is the visitor's.
func (v *visitor) Name() string {
	u := v.session.User
	return cmp.Or(strings.TrimSpace(u.FirstName+" "+u.LastName), u.Email)
}

// Roles are the roles that can be chosen. They are nil if the platform has not said which.
func (v *visitor) Roles() []Role {
	if v.roles != nil || v.session == nil {
		return v.roles
	}
	return v.facts().roles
}

// facts are what the platform knows of a tenant and changes rarely.
type facts struct {
	name  string
	roles []Role
	until time.Time
}

// facts returns those of the visitor's tenant. What cannot be read is asked again soon,
// but not for each row of a page.
func (v *visitor) facts() facts {
	id := v.session.User.TenantID
	v.mu.Lock()
	known := v.known[id]
	v.mu.Unlock()
	if time.Now().Before(known.until) {
		return known
	}
	tenant, failed := v.platform.Tenant(v.r.Context(), id)
	if failed == nil {
		known.name = tenant.Name
	}
	roles, err := v.platform.InviteRoles(v.r.Context())
	if err == nil {
		known.roles = append([]Role{}, roles...)
	}
	known.until = time.Now().Add(time.Minute)
	if err = cmp.Or(failed, err); err != nil {
		v.explain(err)
		known.until = time.Now().Add(time.Second)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.known) >= 1000 {
		clear(v.known)
	}
	v.known[id] = known
	return known
}

// kinds are the kinds of errors, with their key in the texts and the status of a page
// about one. The first that matches is used: that an outcome is unknown matters most.
var kinds = []struct {
	kind   error
	key    string
	status int
}{
	{roq.ErrOutcomeUnknown, "unknown", http.StatusBadGateway},
	{roq.ErrNoTenant, "tenant", http.StatusForbidden},
	{roq.ErrAlreadyInvited, "invited", http.StatusConflict},
	{roq.ErrAlreadyExists, "member", http.StatusConflict},
	{roq.ErrAlreadyAccepted, "accepted", http.StatusConflict},
	{roq.ErrAlreadyCanceled, "canceled", http.StatusConflict},
	{roq.ErrBatchTooLarge, "large", http.StatusBadGateway},
	{roq.ErrNotFound, "missing", http.StatusNotFound},
	{roq.ErrUnauthorized, "session", http.StatusUnauthorized},
	{roq.ErrForbidden, "forbidden", http.StatusForbidden},
	{roq.ErrRateLimited, "busy", http.StatusTooManyRequests},
	{roq.ErrUnavailable, "unavailable", http.StatusServiceUnavailable},
	{jobs.ErrBusy, "full", http.StatusServiceUnavailable},
	{context.Canceled, "stopped", http.StatusConflict},
	{context.DeadlineExceeded, "unavailable", http.StatusServiceUnavailable},
}

// problem is something that went wrong: its key in the texts, and the status of a page
// about it.
type problem struct {
	Key    string
	Status int
	// Detail is what the platform said, without addresses.
	Detail string
}

func troubleOf(err error) *problem {
	for _, k := range kinds {
		if errors.Is(err, k.kind) {
			return &problem{Key: k.key, Status: k.status}
		}
	}
	p := &problem{Key: "other", Status: http.StatusBadGateway}
	if e := (*roq.Error)(nil); errors.As(err, &e) {
		p.Detail = e.Message
	}
	return p
}

// explain returns an error as a problem, and logs it. No error of the SDK has an address
// or a secret in it. Others are not logged.
func (v *visitor) explain(err error) *problem {
	if e := (*roq.Error)(nil); errors.As(err, &e) {
		v.log.WarnContext(v.r.Context(), "a call failed", "error", e)
	}
	p := troubleOf(err)
	if v.T("problem."+p.Key) == "" { // it has words for one invitee only
		p.Key = "other"
	}
	return p
}
