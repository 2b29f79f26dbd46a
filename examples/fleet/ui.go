package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"golang.org/x/sync/errgroup"
	"riverqueue.com/riverui"

	"github.com/go-roq/roq/roqriver/sqlitequeue"
)

// runWithUI runs the fleet, with River UI beside it.
func (f *fleet) runWithUI(ctx context.Context, s *settings) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.ui)
	if err != nil {
		return fmt.Errorf("-ui: %w", err)
	}
	if ip := listener.Addr().(*net.TCPAddr).IP; !ip.IsLoopback() { //nolint:forcetypeassert // it is TCP
		return errors.Join(errors.New("-ui: must be an address of this machine, such as 127.0.0.1:8088"), listener.Close())
	}
	fmt.Fprintf(f.out, "River UI is on http://%s\n", listener.Addr())
	ctx, stop := context.WithCancel(ctx)
	var group errgroup.Group
	group.Go(func() error { return f.where.serveUI(ctx, listener) })
	err = f.run(ctx, s)
	stop()
	return errors.Join(err, group.Wait())
}

// serveUI serves River UI, which shows the jobs, until the context ends. It has no sign-in,
// so it listens on this machine only.
func (p place) serveUI(ctx context.Context, listener net.Listener) error {
	if p.Postgres == "" {
		db, err := sql.Open("sqlite", sqlitequeue.DSN(p.File))
		if err != nil {
			return err
		}
		defer func() { _ = db.Close() }()
		db.SetMaxOpenConns(1)
		return serve(ctx, listener, riversqlite.New(db), "")
	}
	pool, err := pgxpool.New(ctx, p.Postgres)
	if err != nil {
		return err
	}
	defer pool.Close()
	return serve(ctx, listener, riverpgxv5.New(pool), schema)
}

func serve[TTx any](ctx context.Context, listener net.Listener, driver riverdriver.Driver[TTx], schema string) error {
	silent := slog.New(slog.DiscardHandler)
	client, err := river.NewClient(driver, &river.Config{Schema: schema, Logger: silent})
	if err != nil {
		return err
	}
	ui, err := riverui.NewHandler(&riverui.HandlerOpts{Endpoints: riverui.NewEndpoints(client, nil), Logger: silent})
	if err != nil {
		return err
	}
	if err := ui.Start(ctx); err != nil {
		return err
	}
	server := &http.Server{Handler: ui, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
