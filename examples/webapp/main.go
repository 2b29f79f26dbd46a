// Command webapp is a Go web application for invitations. It uses net/http and
// html/template, needs no build step for a front end, and works without JavaScript.
//
//	make webapp
//
// in the repository's root starts it together with roqdev, a platform on this
// machine. Started alone, it uses the platform that the environment variables name: see
// roq.ConfigFromEnv. Visitors sign in at ROQ_BASE_URL.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-roq/roq"
)

// callTimeout bounds what one request does on the platform, with its retries.
const callTimeout = 30 * time.Second

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
	logger := slog.New(slog.NewTextHandler(stderr, nil))
	client, err := roq.New(cfg, roq.WithLogger(logger), roq.WithUserAgent("webapp-example/1.0"))
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", *addr)
	if err != nil {
		return err
	}
	if *public == "" {
		*public = baseURL(listener.Addr())
	}
	server := &http.Server{
		Handler:           newApp(client, *public, logger).handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		IdleTimeout:       2 * time.Minute,
		// Streams of events end with the program, and do not hold it up.
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	fmt.Fprintf(stdout, "The application is running at %s\n", *public)
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	return server.Shutdown(grace)
}

// baseURL returns the URL by which this machine reaches a listener. A wildcard
// address becomes 127.0.0.1, the default host of roqdev and of the examples:
// browsers keep cookies by host.
func baseURL(addr net.Addr) string {
	if a, err := netip.ParseAddrPort(addr.String()); err == nil && a.Addr().IsUnspecified() {
		return fmt.Sprintf("http://127.0.0.1:%d", a.Port())
	}
	return "http://" + addr.String()
}
