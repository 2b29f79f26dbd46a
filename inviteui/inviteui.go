package inviteui

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-roq/roq"
)

// handler is the page.
type handler struct {
	client *roq.Client
	options
	assets map[string]asset
	// style and script are the names of the assets.
	style, script string
	policy        string
	store         *store
	hub           *hub
	mu            sync.Mutex
	// known has the facts of tenants, by id.
	known map[string]facts
}

// New returns the page of a client. Mount it under any prefix with [http.StripPrefix].
// Its path must end with a slash for visitors.
func New(client *roq.Client, opts ...Option) (http.Handler, error) {
	if client == nil {
		return nil, errors.New("inviteui: New: the client must not be nil")
	}
	h := &handler{
		client: client, store: newStore(), known: map[string]facts{},
		options: options{pageSize: 25, log: slog.New(slog.DiscardHandler)},
	}
	for _, builtin := range []Texts{English(), German()} {
		h.languages = append(h.languages, &language{builtin.Lang, builtin.Words})
	}
	for _, o := range opts {
		if o == nil {
			return nil, errors.New("inviteui: New: an option must not be nil")
		}
		if err := o(&h.options); err != nil {
			return nil, err
		}
	}
	h.hub = &hub{client: client, tenants: map[string]*tenant{}}
	h.loadAssets()
	h.policy = "default-src 'none'; img-src 'self' data:; style-src 'self'; font-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
	// A form that is sent without a session leads to the sign-in page.
	if u, err := url.Parse(client.SignInURL(roq.SignInParams{})); err == nil && u.Host != "" {
		h.policy += " " + u.Scheme + "://" + u.Host
	}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", h.page(h.home))
	mux.Handle("POST /invite", h.page(h.invite))
	mux.Handle("GET /act", h.page(h.confirm))
	mux.Handle("POST /act", h.page(h.act))
	mux.Handle("POST /stop", h.page(h.stop))
	mux.Handle("GET /events", h.page(h.events))
	mux.Handle("GET /invitations.csv", h.page(h.export))
	return h.entrance(http.NewCrossOriginProtection().Handler(h.sessions(mux))), nil
}

// pathKey is the key of the path inside the page, in a request's context.
type pathKey struct{}

// entrance serves the assets, and sets the headers that every page needs. Then the
// request has the path again that the visitor sees, so that a sign-in leads back to it.
func (h *handler) entrance(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inside := "/" + strings.TrimPrefix(r.URL.Path, "/")
		if a, ok := h.assets[inside[1:]]; ok {
			a.serve(w)
			return
		}
		header := w.Header()
		if header.Get("Content-Security-Policy") == "" { // the application's own is the application's choice
			header.Set("Content-Security-Policy", h.policy)
		}
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		r = r.WithContext(context.WithValue(r.Context(), pathKey{}, inside))
		if u, err := url.ParseRequestURI(r.RequestURI); err == nil && strings.HasSuffix(u.Path, r.URL.Path) {
			r.URL = u
		}
		next.ServeHTTP(w, r)
	})
}

// sessions requires a session. A form that comes without one is served too, so that
// nothing that was typed is lost; see [handler.page].
func (h *handler) sessions(mux http.Handler) http.Handler {
	inside := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, _ := r.Context().Value(pathKey{}).(string)
		outside := r.URL.EscapedPath()
		r = r.Clone(context.WithValue(r.Context(), pathKey{}, outside[:strings.LastIndexByte(outside, '/')+1]))
		r.URL.Path, r.URL.RawPath = path, ""
		mux.ServeHTTP(w, r)
	})
	required := h.client.RequireSession(inside)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			if _, err := h.client.Session(r); err != nil {
				inside.ServeHTTP(w, r)
				return
			}
		}
		required.ServeHTTP(w, r)
	})
}

// visitor is one request of somebody.
type visitor struct {
	*handler
	*language
	w http.ResponseWriter
	r *http.Request
	// session is nil if a form came without one.
	session  *roq.Session
	platform *roq.RoqPlatform
	may      map[Action]bool
}

// page serves visitors.
func (h *handler) page(serve func(*visitor)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visitor{handler: h, w: w, r: r, may: map[Action]bool{}}
		var locale string
		if session, ok := roq.SessionFromContext(r.Context()); ok {
			v.session, v.platform, locale = session, h.client.AsSession(session), session.User.Locale
		}
		v.language = h.speak(locale, r.Header.Get("Accept-Language"))
		if v.session != nil && v.session.User.TenantID == "" {
			v.trouble(problem{"tenant", http.StatusForbidden, ""})
			return
		}
		serve(v)
	})
}

// Can reports whether the visitor may do that.
func (v *visitor) Can(action Action) bool {
	may, known := v.may[action]
	if !known {
		may = v.session != nil && (v.authorize == nil || v.authorize(v.r.Context(), v.session, action) == nil)
		v.may[action] = may
	}
	return may
}

// refused shows that the visitor may not do that, and reports whether it did.
func (v *visitor) refused(action Action) bool {
	if v.session == nil {
		v.trouble(problem{"session", http.StatusUnauthorized, ""})
		return true
	}
	if !v.Can(action) {
		v.trouble(problem{"forbidden", http.StatusForbidden, ""})
		return true
	}
	return false
}

// SignIn is where the visitor can sign in, and come back. It may be empty.
func (v *visitor) SignIn() string {
	base, _ := v.r.Context().Value(pathKey{}).(string)
	return v.client.SignInURL(roq.SignInParams{PostLoginRedirect: base})
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

// Name is the visitor's.
func (v *visitor) Name() string {
	u := v.session.User
	return cmp.Or(strings.TrimSpace(u.FirstName+" "+u.LastName), u.Email)
}

// problem is something that went wrong: its key in the texts, and the status of a page
// about it.
type problem struct {
	Key    string
	Status int
	// Detail is what the platform said, without addresses.
	Detail string
}

// problems are the kinds of errors. The first that matches is used: that an outcome is
// unknown matters most.
var problems = []struct {
	kind error
	problem
}{
	{roq.ErrOutcomeUnknown, problem{Key: "unknown", Status: http.StatusBadGateway}},
	{roq.ErrNoTenant, problem{Key: "tenant", Status: http.StatusForbidden}},
	{roq.ErrUnauthorized, problem{Key: "session", Status: http.StatusUnauthorized}},
	{roq.ErrForbidden, problem{Key: "forbidden", Status: http.StatusForbidden}},
	{roq.ErrNotFound, problem{Key: "missing", Status: http.StatusNotFound}},
	{roq.ErrAlreadyAccepted, problem{Key: "accepted", Status: http.StatusConflict}},
	{roq.ErrAlreadyCanceled, problem{Key: "canceled", Status: http.StatusConflict}},
	{roq.ErrRateLimited, problem{Key: "busy", Status: http.StatusTooManyRequests}},
	{roq.ErrUnavailable, problem{Key: "unavailable", Status: http.StatusServiceUnavailable}},
	{context.Canceled, problem{Key: "stopped", Status: http.StatusConflict}},
	{context.DeadlineExceeded, problem{Key: "unavailable", Status: http.StatusServiceUnavailable}},
}

// explain returns an error as a problem, and logs it. No error of the SDK has an address
// or a secret in it; of others only the type is logged.
func (h *handler) explain(ctx context.Context, err error) *problem {
	if e := (*roq.Error)(nil); errors.As(err, &e) {
		h.log.WarnContext(ctx, "a call failed", "error", e)
	}
	for _, p := range problems {
		if errors.Is(err, p.kind) {
			return &p.problem
		}
	}
	p := problem{Key: "other", Status: http.StatusBadGateway}
	if e := (*roq.Error)(nil); errors.As(err, &e) {
		p.Detail = e.Message
	}
	return &p
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
	lifetime := time.Minute
	if tenant, err := v.platform.Tenant(v.r.Context(), id); err == nil {
		known.name = tenant.Name
	} else {
		v.explain(v.r.Context(), err)
		lifetime = time.Second
	}
	if roles, err := v.platform.InviteRoles(v.r.Context()); err == nil {
		known.roles = roles
	} else {
		v.explain(v.r.Context(), err)
		lifetime = time.Second
	}
	known.until = time.Now().Add(lifetime)
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.known) >= 1000 {
		clear(v.known)
	}
	v.known[id] = known
	return known
}
