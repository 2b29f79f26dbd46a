// Command webapp is a Go web application with an invitation page: a sign-in, a layout,
// and package inviteui. It needs no build step for a front end, and works without
// JavaScript.
//
//	make webapp
//
// in the repository's root starts it together with roqdev, a platform on this
// machine. Started alone, it uses the platform that the environment variables name: see
// roq.ConfigFromEnv. The application at ROQ_BASE_URL signs visitors in.
package main

import (
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/inviteui"
)

//go:embed assets
var assets embed.FS

var templates = template.Must(template.ParseFS(assets, "assets/*.html"))

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves the application until ctx ends, and then what is under way.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("webapp", flag.ContinueOnError)
	flags.SetOutput(stderr)
	addr := flags.String("addr", "127.0.0.1:8080", "address to listen on")
	public := flags.String("url", "", "the application's address as visitors see it (default the local address of -addr)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	cfg, err := roq.ConfigFromEnv()
	if err != nil {
		return err
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", *addr)
	if err != nil {
		return err
	}
	if *public == "" {
		*public = baseURL(listener.Addr())
	}
	app, err := newApp(cfg, *public, slog.New(slog.NewTextHandler(stderr, nil)))
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := &http.Server{
		Handler: app, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute,
		// Streams of events end with the program, and do not hold it up.
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	fmt.Fprintf(stdout, "The application is running at %s\n", *public)
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return server.Shutdown(grace)
}

// newApp returns everything that the application serves at an address of its own.
func newApp(cfg roq.Config, address string, logger *slog.Logger, opts ...roq.Option) (http.Handler, error) {
	signIn, err := url.Parse(cfg.AppURL)
	if err != nil {
		return nil, err
	}
	cfg.AppURL = address // so that visitors sign in on this host, and come back to it
	client, err := roq.New(cfg, append(opts, roq.WithLogger(logger), roq.WithUserAgent("webapp-example/1.0"))...)
	if err != nil {
		return nil, err
	}
	page, err := inviteui.New(client, inviteui.WithLayout(layout), inviteui.WithLogger(logger),
		inviteui.WithRoles(inviteui.Role{Key: "member", Name: "Member"}, inviteui.Role{Key: "admin", Name: "Administrator"}),
		inviteui.WithLocales(inviteui.Locale{Tag: "en-US", Name: "English"}, inviteui.Locale{Tag: "de-DE", Name: "Deutsch"}))
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/invitations/", http.StripPrefix("/invitations", page))
	mux.Handle("GET /assets/", http.FileServerFS(assets))
	mux.Handle("/api/auth/", &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(signIn) }})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if _, err := client.Session(r); err == nil {
			http.Redirect(w, r, "/invitations/", http.StatusSeeOther)
			return
		}
		_ = templates.ExecuteTemplate(w, "signin.html", client.SignInURL(roq.SignInParams{PostLoginRedirect: "/invitations/"}))
	})
	return mux, nil
}

// layout is the frame of the application around the page.
func layout(w io.Writer, p inviteui.Page) error {
	return templates.ExecuteTemplate(w, "layout.html", p)
}

// baseURL returns the URL by which this machine reaches a listener. A wildcard
// address becomes 127.0.0.1: browsers keep cookies by host.
func baseURL(addr net.Addr) string {
	if a, err := netip.ParseAddrPort(addr.String()); err == nil && a.Addr().IsUnspecified() {
		return fmt.Sprintf("http://127.0.0.1:%d", a.Port())
	}
	return "http://" + addr.String()
}
