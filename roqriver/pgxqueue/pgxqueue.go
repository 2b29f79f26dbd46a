// Package pgxqueue keeps a [roqriver.Queue] in PostgreSQL: campaigns for a fleet of
// processes, in the database that the application has.
package pgxqueue

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/go-roq/roq/roqriver"
	"github.com/go-roq/roq/roqriver/internal/store"
)

// Open returns the queue in a database whose tables [Migrate] has made. Closing the pool is
// up to the caller.
//
// If the application uses River too, give the queue a schema of its own
// ([roqriver.WithSchema]): River's maintenance discards jobs whose workers it does not
// know.
func Open(pool *pgxpool.Pool, opts ...roqriver.Option) (*roqriver.Queue[pgx.Tx], error) {
	s, options, err := open(pool, opts)
	if err != nil {
		return nil, err
	}
	return roqriver.New(s, options)
}

// Migrate makes the schema and the tables of the queue and of River that are missing. It
// may be called at every start. The schema is that of [roqriver.WithSchema].
func Migrate(ctx context.Context, pool *pgxpool.Pool, opts ...roqriver.Option) error {
	s, options, err := open(pool, opts)
	if err != nil {
		return err
	}
	// Processes that start together would fail on each other's tables. River's migrations
	// cannot share one transaction, so this one only holds the lock.
	return s.Tx(ctx, func(_ pgx.Tx, c store.Conn) error {
		if _, err := c.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtext('roqriver migrate'))"); err != nil {
			return err
		}
		if schema := options.Schema; schema != "" {
			if _, err := s.Exec(ctx, `CREATE SCHEMA IF NOT EXISTS "`+schema+`"`); err != nil {
				return err
			}
		}
		migrator, err := rivermigrate.New(s.Driver(), &rivermigrate.Config{Schema: options.Schema, Logger: options.Logger})
		if err != nil {
			return fmt.Errorf("pgxqueue: %w", err)
		}
		if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
			return fmt.Errorf("pgxqueue: %w", err)
		}
		return store.Migrate(ctx, s)
	})
}

// database is a schema of a PostgreSQL database.
type database struct {
	conn
	pool *pgxpool.Pool
}

func open(pool *pgxpool.Pool, opts []roqriver.Option) (*database, *store.Options, error) {
	if pool == nil {
		return nil, nil, errors.New("pgxqueue: the pool must not be nil")
	}
	if n := pool.Config().MaxConns; n < 4 { // River listens on one, and works with others
		return nil, nil, fmt.Errorf("pgxqueue: the pool may open %d connections, must be at least 4", n)
	}
	options, err := store.Apply(opts)
	if err != nil {
		return nil, nil, err
	}
	dialect := &store.Dialect{
		Now: "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)",
		ID:  "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
		// Room on the page for the next version of a row, so that no index changes, and
		// old versions that are soon gone.
		Storage: "WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0)",
		In: func(param string) string {
			return "= ANY (ARRAY(SELECT jsonb_array_elements_text(CAST(CAST(" + param + " AS TEXT) AS JSONB))))"
		},
		Rows: func(param string, columns []string) string {
			return "jsonb_to_recordset(CAST(CAST(" + param + " AS TEXT) AS JSONB)) AS r(" + strings.Join(columns, ", ") + ")"
		},
		Schema: options.Schema,
	}
	return &database{conn{pool, dialect}, pool}, options, nil
}

func (d *database) Driver() riverdriver.Driver[pgx.Tx] { return riverpgxv5.New(d.pool) }

func (d *database) On(tx pgx.Tx) store.Conn { return conn{tx, d.dialect} }

func (d *database) Tx(ctx context.Context, do func(pgx.Tx, store.Conn) error) error {
	tx, err := d.pool.Begin(ctx)
	if err != nil {
		return failed(err)
	}
	if err := do(tx, d.On(tx)); err != nil {
		// The connection is given back whatever ended the context.
		if end := tx.Rollback(context.WithoutCancel(ctx)); end != nil && !errors.Is(end, pgx.ErrTxClosed) {
			err = errors.Join(err, failed(end))
		}
		return err
	}
	return failed(tx.Commit(ctx))
}

// conn runs statements on a pool or in a transaction.
type conn struct {
	to interface {
		Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
		Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	}
	dialect *store.Dialect
}

func (c conn) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	tag, err := c.to.Exec(ctx, c.dialect.Expand(sql), args...)
	return tag.RowsAffected(), failed(err)
}

func (c conn) Query(ctx context.Context, row func(scan func(...any) error) error, sql string, args ...any) error {
	rows, err := c.to.Query(ctx, c.dialect.Expand(sql), args...)
	if err != nil {
		return failed(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return failed(rows.Err())
}

const undefinedTable = "42P01"

// failed makes the queue's error of one of the database. What PostgreSQL says in detail
// of a row may hold an address, and is left out.
func failed(err error) error {
	if err == nil {
		return nil
	}
	if e := (*pgconn.PgError)(nil); errors.As(err, &e) {
		if e.Code == undefinedTable || e.Code == "3F000" { // or the schema
			return store.ErrNoTables
		}
	}
	return fmt.Errorf("roqriver: PostgreSQL: %w", err)
}
