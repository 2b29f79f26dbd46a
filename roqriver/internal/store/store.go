// Package store is what a queue needs of a database, in few enough words that PostgreSQL
// and SQLite share every statement.
package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/riverqueue/river/riverdriver"
)

// Conn runs statements. They are written in the Dialect's form, with $1 and so on for
// parameters.
type Conn interface {
	// Exec returns how many rows were changed.
	Exec(ctx context.Context, sql string, args ...any) (int64, error)
	// Query calls row for each row, with a function that reads its columns.
	Query(ctx context.Context, row func(scan func(...any) error) error, sql string, args ...any) error
}

// DB is a database. As a Conn it runs each statement in a transaction of its own.
type DB[TTx any] interface {
	Conn
	// Tx runs do in a transaction, which is rolled back if do fails.
	Tx(ctx context.Context, do func(tx TTx, c Conn) error) error
	// On returns a Conn for a transaction of the application.
	On(tx TTx) Conn
	// Driver is River's view of the same database.
	Driver() riverdriver.Driver[TTx]
}

// ErrNoTables means that a table is missing.
var ErrNoTables = errors.New("roqriver: the tables are missing: run Migrate of the queue's package")

// Dialect expands statements for one kind of database.
type Dialect struct {
	// Now is the time in microseconds, by the database's clock.
	Now string
	// ID is the type of a primary key that counts.
	ID string
	// Storage is how tables with rows that change often are stored.
	Storage string
	// Rows makes a table r of a parameter that holds a JSON array of objects.
	Rows func(param string, columns []string) string
	// In compares with a parameter that holds a JSON array of texts. It must be found in an
	// index for each of them: a join would be planned by what the database believes of a
	// campaign that has just begun, and that it is small.
	In func(param string) string
	// Schema is that of all tables.
	Schema string

	expanded sync.Map // statements are few: each is expanded once
}

var word = regexp.MustCompile(`\{[^}]*\}`)

// Expand replaces the words in braces: {now}, {id}, {storage}, {rows $1 n bigint, key text},
// {in $1}, and the names of tables.
func (d *Dialect) Expand(sql string) string {
	if known, ok := d.expanded.Load(sql); ok {
		return known.(string)
	}
	full := word.ReplaceAllStringFunc(sql, func(w string) string {
		switch w = w[1 : len(w)-1]; {
		case w == "now":
			return d.Now
		case w == "id":
			return d.ID
		case w == "storage":
			return d.Storage
		case strings.HasPrefix(w, "in "):
			return d.In(w[len("in "):])
		case strings.HasPrefix(w, "rows "):
			param, columns, _ := strings.Cut(w[len("rows "):], " ")
			return d.Rows(param, strings.Split(columns, ", "))
		}
		if w != "river_job" {
			w = "roq_" + w
		}
		if d.Schema != "" {
			return `"` + d.Schema + `".` + w
		}
		return w
	})
	d.expanded.Store(sql, full)
	return full
}

// Rows encodes what {rows …} reads.
func Rows[T any](rows []T) (string, error) {
	encoded, err := json.Marshal(rows)
	if err != nil {
		return "", fmt.Errorf("roqriver: %w", err)
	}
	return string(encoded), nil
}
