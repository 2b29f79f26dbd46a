// Package sqlitequeue keeps a [roqriver.Queue] in a SQLite database: campaigns on one
// machine, without a server. It is for the driver modernc.org/sqlite, which needs no C
// compiler.
package sqlitequeue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/go-roq/roq/roqriver"
	"github.com/go-roq/roq/roqriver/internal/store"
)

// DSN returns the data source name for the file at path, for [sql.Open] with the driver
// "sqlite": with a write-ahead log, with transactions that lock when they begin, and with
// ten seconds of waiting for those of other processes.
func DSN(path string) string {
	// The time to wait comes first: changing the journal mode waits too.
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate"
}

// Open returns the queue in a database whose tables [Migrate] has made. The database
// must be limited to one connection (db.SetMaxOpenConns(1)): SQLite has one writer, and
// several connections of one process would lock each other out. [DSN] has the other
// settings that it needs. Closing the database is up to the caller.
func Open(db *sql.DB, opts ...roqriver.Option) (*roqriver.Queue[*sql.Tx], error) {
	s, err := open(db)
	if err != nil {
		return nil, err
	}
	options, err := store.Apply(opts)
	if err != nil {
		return nil, err
	}
	if options.Schema != "" {
		return nil, errors.New("sqlitequeue: WithSchema: SQLite has no schemas")
	}
	return roqriver.New(s, options)
}

// Migrate makes the tables of the queue and of River that are missing. It may be called
// at every start.
func Migrate(ctx context.Context, db *sql.DB) error {
	s, err := open(db)
	if err != nil {
		return err
	}
	migrator, err := rivermigrate.New(s.Driver(), nil)
	if err != nil {
		return fmt.Errorf("sqlitequeue: %w", err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("sqlitequeue: %w", err)
	}
	return store.Migrate(ctx, s)
}

// database is a SQLite database.
type database struct {
	conn
	db *sql.DB
}

func open(db *sql.DB) (*database, error) {
	if db == nil {
		return nil, errors.New("sqlitequeue: the database must not be nil")
	}
	if n := db.Stats().MaxOpenConnections; n != 1 {
		return nil, fmt.Errorf("sqlitequeue: the database may open %d connections (0 is any number), must be 1: call its SetMaxOpenConns", n)
	}
	dialect := &store.Dialect{
		Now: "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
		ID:  "INTEGER PRIMARY KEY AUTOINCREMENT",
		In:  func(param string) string { return "IN (SELECT value FROM json_each(" + param + "))" },
		Rows: func(param string, columns []string) string {
			for i, column := range columns {
				name, _, _ := strings.Cut(column, " ") // without its type
				columns[i] = "value ->> '" + name + "' AS " + name
			}
			return "(SELECT " + strings.Join(columns, ", ") + " FROM json_each(" + param + ")) AS r"
		},
	}
	return &database{conn{db, dialect}, db}, nil
}

func (d *database) Driver() riverdriver.Driver[*sql.Tx] { return riversqlite.New(d.db) }

func (d *database) On(tx *sql.Tx) store.Conn { return conn{tx, d.dialect} }

func (d *database) Tx(ctx context.Context, do func(*sql.Tx, store.Conn) error) error {
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return failed(err)
	}
	if err := do(tx, d.On(tx)); err != nil {
		return errors.Join(err, rolledBack(tx.Rollback()))
	}
	return failed(tx.Commit())
}

// rolledBack hides that a transaction whose context has ended is over already.
func rolledBack(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return failed(err)
}

// conn runs statements on a database or in a transaction.
type conn struct {
	to interface {
		ExecContext(ctx context.Context, sql string, args ...any) (sql.Result, error)
		QueryContext(ctx context.Context, sql string, args ...any) (*sql.Rows, error)
	}
	dialect *store.Dialect
}

// statement returns a statement as SQLite reads it: $1 would be a name, ?1 is a place.
func (c conn) statement(sql string) string {
	return strings.ReplaceAll(c.dialect.Expand(sql), "$", "?")
}

func (c conn) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	result, err := c.to.ExecContext(ctx, c.statement(sql), args...)
	if err != nil {
		return 0, failed(err)
	}
	return result.RowsAffected()
}

func (c conn) Query(ctx context.Context, row func(scan func(...any) error) error, sql string, args ...any) error {
	rows, err := c.to.QueryContext(ctx, c.statement(sql), args...)
	if err != nil {
		return failed(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return failed(rows.Err())
}

// failed makes the queue's error of one of the database.
func failed(err error) error {
	if err == nil {
		return nil
	}
	if strings.Contains(err.Error(), "no such table") {
		return store.ErrNoTables
	}
	return fmt.Errorf("roqriver: SQLite: %w", err)
}
