// Command http-backend is a JSON API for user invites, as a Go backend could have it.
// Signed-in users can send, list, resend and cancel invites. Anybody with the link in
// the e-mail can accept one. There is also an endpoint for the platform's webhooks.
//
//	go -C examples/http-backend run . -demo
//
// starts it with a platform inside the program and prints how to call it. Without -demo
// it uses the platform that the environment variables name: see roq.ConfigFromEnv. With
// -otel it exports OpenTelemetry traces and metrics to the collector that
// OTEL_EXPORTER_OTLP_ENDPOINT names. Without that variable it prints the traces.
//
//	POST   /invites               {"invites":[{"email","firstName","lastName","locale","roles"}]}
//	GET    /invites               ?limit=&offset=&status=
//	POST   /invites/{id}/resend
//	DELETE /invites/{id}
//	GET    /invitations/{token}   whether the invitation can be accepted; changes nothing
//	POST   /invitations/{token}   accepts it
//	POST   /webhooks/roq          for the platform; needs ROQ_WEBHOOK_KEY
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

const (
	// callTimeout bounds what one request does on the platform, with all its
	// retries.
	callTimeout = 45 * time.Second
	// shutdownTimeout bounds waiting for requests under way when the program ends:
	// longer than a call, so that no invite is left in doubt by a deployment.
	shutdownTimeout = callTimeout + 15*time.Second
	// exportTimeout bounds exporting the last traces and metrics.
	exportTimeout = 5 * time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run is the program: it serves until ctx ends, then finishes what is under way.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("http-backend", flag.ContinueOnError)
	flags.SetOutput(stderr)
	addr := flags.String("addr", "127.0.0.1:8080", "address to listen on")
	demo := flags.Bool("demo", false, "start a platform inside the program instead of using that of the environment variables")
	otel := flags.Bool("otel", false, "export traces and metrics to OTEL_EXPORTER_OTLP_ENDPOINT; without that, print the traces")
	if err := flags.Parse(args); err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(stderr, nil))

	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", *addr)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }() // for when it does not come to serving

	opts := []roq.Option{roq.WithLogger(logger), roq.WithUserAgent("http-backend/1.0")}
	var traced *telemetry
	if *otel {
		if traced, err = newTelemetry(ctx, stdout); err != nil {
			return err
		}
		defer func() {
			ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), exportTimeout)
			defer cancel()
			if err := traced.shutdown(ending); err != nil {
				logger.Warn("telemetry", "error", err)
			}
		}()
		option, err := traced.option()
		if err != nil {
			return err
		}
		opts = append(opts, option)
	}

	var cfg roq.Config
	if *demo {
		var stop func()
		cfg, stop = startDemo(baseURL(listener.Addr()), stdout, traced)
		defer stop()
	} else if cfg, err = roq.ConfigFromEnv(); err != nil {
		return fmt.Errorf("%w\n(-demo needs none of these)", err)
	}
	client, err := roq.New(cfg, opts...)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	handler, err := newHandler(client, logger, cfg.WebhookKey != "", traced)
	if err != nil {
		return err
	}
	return serve(ctx, newServer(handler, logger), listener, logger)
}

// newServer bounds what a visitor can take: an http.Server without these waits
// for ever.
func newServer(handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      callTimeout + 15*time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
}

// serve serves until ctx ends, and then lets requests under way finish.
func serve(ctx context.Context, server *http.Server, listener net.Listener, logger *slog.Logger) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	logger.Info("listening", "address", baseURL(listener.Addr()))
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	logger.Info("shutting down")
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		return errors.Join(err, server.Close())
	}
	return nil
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
