package inviteui_test

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/inviteui"
	"github.com/go-roq/roq/roqtest"
)

// open shows the page to Ann of Acme, and prints what is in its titles and fields.
func open(srv *roqtest.Server, opts ...inviteui.Option) {
	client, err := roq.New(srv.Config())
	if err != nil {
		log.Fatal(err)
	}
	page, err := inviteui.New(client, opts...)
	if err != nil {
		log.Fatal(err)
	}
	ann := srv.AddUser(roqtest.User{TenantID: srv.AddTenant("Acme"), Email: "ann@acme.example", Locale: "fr"})
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/", nil)
	r.AddCookie(&http.Cookie{Name: "roq-session-token", Value: srv.SessionToken(ann.ID)})
	w := httptest.NewRecorder()
	page.ServeHTTP(w, r)
	for _, tag := range []string{"title", "h1", "h2", "option"} {
		element := regexp.MustCompile("<" + tag + "[^>]*>(?:<bdi>)?([^<]*)")
		for _, found := range element.FindAllStringSubmatch(w.Body.String(), -1) {
			fmt.Println(tag+":", found[1])
		}
	}
}

func Example() {
	srv := roqtest.NewServer()
	defer srv.Close()
	client, err := roq.New(srv.Config())
	if err != nil {
		log.Fatal(err)
	}
	page, err := inviteui.New(client)
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/team/invitations/", http.StripPrefix("/team/invitations", page))

	// Whoever has no session is sent to the sign-in page, and back.
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/team/invitations/", nil)
	r.Header.Set("Accept", "text/html")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code, strings.TrimPrefix(w.Header().Get("Location"), srv.URL))
	// Output: 302 /api/auth/login?postLoginRedirect=%2Fteam%2Finvitations%2F
}

func ExampleNew() {
	srv := roqtest.NewServer()
	defer srv.Close()
	open(srv)
	// Output:
	// title: Acme
	// h1: Acme
	// h2: Invite people
	// h2: People who were invited
	// option: Choose a role
	// option: Admin
	// option: Content creator
	// option: Member
}

func ExampleWithRoles() {
	srv := roqtest.NewServer()
	defer srv.Close()
	open(srv, inviteui.WithRoles(inviteui.Role{Key: "member", Name: "Member"}, inviteui.Role{Key: "admin", Name: "Administrator"}))
	// Output:
	// title: Acme
	// h1: Acme
	// h2: Invite people
	// h2: People who were invited
	// option: Member
	// option: Administrator
}

func ExampleWithLocales() {
	srv := roqtest.NewServer(roqtest.WithRoles())
	defer srv.Close()
	open(srv, inviteui.WithLocales(inviteui.Locale{Tag: "en-US", Name: "English"}, inviteui.Locale{Tag: "de-DE", Name: "Deutsch"}))
	// Output:
	// title: Acme
	// h1: Acme
	// h2: Invite people
	// h2: People who were invited
	// option: English
	// option: Deutsch
}

func ExampleWithTitle() {
	srv := roqtest.NewServer(roqtest.WithRoles())
	defer srv.Close()
	open(srv, inviteui.WithTitle("Our team"))
	// Output:
	// title: Our team
	// h1: Our team
	// h2: Invite people
	// h2: People who were invited
}

// Only administrators may invite.
func ExampleWithAuthorize() {
	srv := roqtest.NewServer(roqtest.WithRoles())
	defer srv.Close()
	open(srv, inviteui.WithAuthorize(func(_ context.Context, session *roq.Session, action inviteui.Action) error {
		if action != inviteui.ActionList && !slices.Contains(session.User.Roles, "admin") {
			return errors.New("for administrators")
		}
		return nil
	}))
	// Output:
	// title: Acme
	// h1: Acme
	// h2: People who were invited
}

func ExampleWithLayout() {
	srv := roqtest.NewServer(roqtest.WithRoles())
	defer srv.Close()
	frame := template.Must(template.New("").Parse(`<!doctype html>
<html lang="{{.Lang}}"><head><title>{{.Title}} - Example</title>{{.Head}}</head>
<body><nav>...</nav>{{.Body}}</body></html>`))
	open(srv, inviteui.WithLayout(func(w io.Writer, p inviteui.Page) error { return frame.Execute(w, p) }))
	// Output:
	// title: Acme - Example
	// h1: Acme
	// h2: Invite people
	// h2: People who were invited
}

func ExampleWithTexts() {
	srv := roqtest.NewServer(roqtest.WithRoles())
	defer srv.Close()
	open(srv, inviteui.WithTexts(inviteui.Texts{Lang: "fr", Words: map[string]string{
		"invite": "Inviter des personnes", "list": "Personnes invitées", // and so on: see English
	}}))
	// Output:
	// title: Acme
	// h1: Acme
	// h2: Inviter des personnes
	// h2: Personnes invitées
}

func ExampleWithTheme() {
	srv := roqtest.NewServer(roqtest.WithRoles())
	defer srv.Close()
	open(srv, inviteui.WithTheme(inviteui.Theme{
		Light: inviteui.Colors{Accent: "#7a1fa2"}, Dark: inviteui.Colors{Accent: "#d7a6ff"}, Radius: "2px", Font: "Inter, sans-serif",
	}))
	// Output:
	// title: Acme
	// h1: Acme
	// h2: Invite people
	// h2: People who were invited
}

func ExampleWithPageSize() {
	srv := roqtest.NewServer(roqtest.WithRoles())
	defer srv.Close()
	open(srv, inviteui.WithPageSize(50), inviteui.WithLogger(slog.New(slog.DiscardHandler)))
	// Output:
	// title: Acme
	// h1: Acme
	// h2: Invite people
	// h2: People who were invited
}

// The logger receives what fails, without addresses.
func ExampleWithLogger() {
	srv := roqtest.NewServer()
	defer srv.Close()
	srv.Inject(roqtest.Fault{Operation: "userInvites", Status: http.StatusForbidden})
	var records strings.Builder
	open(srv, inviteui.WithTitle("Our team"), inviteui.WithLogger(slog.New(slog.NewTextHandler(&records, nil))),
		inviteui.WithRoles(inviteui.Role{Key: "member"}))
	fmt.Println(strings.Contains(records.String(), "HTTP 403"), strings.Contains(records.String(), "@"))
	// Output:
	// title: Our team
	// h1: Our team
	// h2: Invite people
	// h2: People who were invited
	// true false
}

// memory is a Queue that only remembers.
type memory struct{ sends []inviteui.Send }

func (m *memory) Enqueue(_ context.Context, send inviteui.Send) (string, error) {
	m.sends = append(m.sends, send)
	return "an id that cannot be guessed", nil
}

func (m *memory) Report(context.Context, string) (inviteui.Report, error) {
	send := m.sends[0]
	return inviteui.Report{TenantID: send.TenantID, UserID: send.UserID, Total: len(send.UserInvites)}, nil
}

func ExampleWithQueue() {
	srv := roqtest.NewServer(roqtest.WithRoles())
	defer srv.Close()
	open(srv, inviteui.WithQueue(new(memory)))
	// Output:
	// title: Acme
	// h1: Acme
	// h2: Invite people
	// h2: People who were invited
}

func ExampleEnglish() {
	fmt.Println(inviteui.English().Words["done.send.other"])
	// Output: {n} invitations were sent.
}

func ExampleGerman() {
	fmt.Println(inviteui.German().Words["done.send.other"])
	// Output: {n} Einladungen wurden gesendet.
}
