package browser

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/inviteui"
	"github.com/go-roq/roq/roqtest"
)

// world is a tab in front of an application whose platform is inside the test. So the
// test sees the true outbox, whatever the page says.
type world struct {
	*tab
	platform *roqtest.Server
	tenant   string
	ann      roqtest.User
	prefix   string
	axe      string

	mu    sync.Mutex
	posts []string // the paths of forms that came in
}

// newWorld opens a browser, and starts an application with its platform. Ann is signed
// in. What the browser reports in its console fails the test.
func newWorld(t *testing.T, opts ...inviteui.Option) *world {
	t.Helper()
	w := newPlatform(t)
	w.serve(w.platform.Config(), opts...)
	w.visit(w.ann)
	return w
}

// newPlatform opens a browser, and starts a platform with one tenant.
func newPlatform(t *testing.T) *world {
	t.Helper()
	w := &world{axe: axe(t), tab: &tab{t: t, ctx: startBrowser(t)}, platform: roqtest.NewServer(), prefix: "/invitations/"}
	t.Cleanup(w.platform.Close)
	w.tenant = w.platform.AddTenant("Acme")
	w.ann = w.user("ann@acme.example", "Ann", "Admin", "en-US")
	err := chromedp.Listen(w.ctx, func(ev any) {
		switch ev := ev.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("the script failed: %s", ev.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			if ev.Entry.Level == "error" && ev.Entry.Source != "network" { // that a platform is down is meant
				t.Errorf("the console says: %s", ev.Entry.Text)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) user(email, first, last, locale string) roqtest.User {
	return w.platform.AddUser(roqtest.User{TenantID: w.tenant, Email: email, FirstName: first, LastName: last, Locale: locale, Roles: []string{"admin"}})
}

// serve starts an application. Requests of its client go where cfg says.
func (w *world) serve(cfg roq.Config, opts ...inviteui.Option) {
	w.t.Helper()
	w.app = w.instance(cfg, opts...).URL
}

// instance starts one instance of an application.
func (w *world) instance(cfg roq.Config, opts ...inviteui.Option) *httptest.Server {
	w.t.Helper()
	app := httptest.NewUnstartedServer(nil)
	cfg.AppURL = "http://" + app.Listener.Addr().String()
	mounted := mount(w.t, cfg, w.platform.Config().PlatformURL, w.prefix, opts...)
	app.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.mu.Lock()
			w.posts = append(w.posts, r.URL.Path)
			w.mu.Unlock()
		}
		mounted.ServeHTTP(rw, r)
	})
	app.Start()
	w.t.Cleanup(app.CloseClientConnections) // streams of events do not end by themselves
	return app
}

// posted is how many forms have come in.
func (w *world) posted() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.posts)
}

// at is an address of the page.
func (w *world) at(address string) string { return w.app + w.prefix + address }

// visit opens the page as somebody.
func (w *world) visit(user roqtest.User) {
	w.t.Helper()
	w.open(w.app + "/api/auth/login?" + url.Values{"user": {user.ID}, "postLoginRedirect": {w.prefix}}.Encode())
}

// mails fails the test if another number of e-mails was sent.
func (w *world) mails(want int) {
	w.t.Helper()
	if got := len(w.platform.Outbox()); got != want {
		w.t.Errorf("%d e-mails, want %d", got, want)
	}
}

// once fails the test if anybody was mailed twice.
func (w *world) once() {
	w.t.Helper()
	seen := map[string]bool{}
	for _, m := range w.platform.Outbox() {
		if seen[m.To] {
			w.t.Errorf("%s was mailed twice", m.To)
		}
		seen[m.To] = true
	}
}

// again reloads the page, which mails nobody.
func (w *world) again() {
	w.t.Helper()
	before := len(w.platform.Outbox())
	w.reload()
	w.mails(before)
}

// seed invites so many people, without the page.
func (w *world) seed(n int, name string) []roq.UserInvite {
	w.t.Helper()
	client, err := roq.New(w.platform.Config())
	if err != nil {
		w.t.Fatal(err)
	}
	var people []roq.UserInviteInput
	for i := range n {
		people = append(people, roq.UserInviteInput{Email: fmt.Sprintf("%s%05d@example.com", name, i), Roles: []string{"member"}})
	}
	invites := make([]roq.UserInvite, 0, n)
	in := roq.SendAllUserInvitesInput{TenantID: w.tenant, UserInvites: roq.InputsOf(slices.Values(people))}
	for o, err := range client.AsUser(w.ann.ID).SendAllUserInvites(w.t.Context(), in) {
		if err != nil {
			w.t.Fatal(err)
		}
		invites = append(invites, *o.Invite)
	}
	return invites
}

// trouble is how the platform treats requests about invites from now on, as in roqdev.
func (w *world) trouble(faults ...roqtest.Fault) {
	w.platform.ClearFaults()
	for _, f := range faults {
		for _, operation := range []string{"sendUserInvites", "resendUserInvite", "cancelUserInvite", "userInvites", "userInvite"} {
			if one := f; f.Operation == "" || f.Operation == operation {
				one.Operation = operation
				w.platform.Inject(one)
			}
		}
	}
}

// reload reloads the page.
func (b *tab) reload() {
	b.t.Helper()
	perform(b, "reload", chromedp.Reload())
}

// eval evaluates an expression on the page.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	return perform(b, "evaluate "+expression, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// until waits until an expression is true on the page, whether another page comes
// meanwhile or not.
func (b *tab) until(expression string) {
	b.t.Helper()
	perform(b, "wait for "+expression, func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		for {
			if done, err := chromedp.Evaluate[bool]("!!("+expression+")")(ctx, t); done && err == nil {
				return chromedp.Void{}, nil
			}
			pause := time.NewTimer(20 * time.Millisecond)
			select {
			case <-pause.C:
			case <-ctx.Done():
				pause.Stop()
				return chromedp.Void{}, ctx.Err()
			}
		}
	})
}

// fill fills in the form, and does not send it.
func (b *tab) fill(text string) {
	b.t.Helper()
	perform(b, "fill in the form", chromedp.SetValue(chromedp.CSS("#rq-emails"), text))
}

// text is what part of the page says, with single spaces.
func (b *tab) text(selector string) string {
	b.t.Helper()
	return eval[string](b, `[...document.querySelectorAll('`+selector+`')].map((e) => e.innerText.replace(/\s+/g, ' ').trim()).join(' | ')`)
}

// many are so many addresses.
func many(n int) string {
	var all strings.Builder
	for i := range n {
		fmt.Fprintf(&all, "person%04d@example.com\n", i)
	}
	return all.String()
}

// number is a number as the English page has it.
func number(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}
