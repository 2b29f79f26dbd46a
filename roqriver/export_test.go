package roqriver

import (
	"context"
	"errors"
	"time"

	"github.com/go-roq/roq/roqriver/internal/store"
)

// SetLease makes leases so short that a test can outlive one.
func (q *Queue[TTx]) SetLease(d time.Duration) { q.lease = d }

// LearnedSize is what is learned of the size of requests from the sizes that were sent and taken.
func LearnedSize(sent []int, taken map[int]bool) (fits, tooMany int) {
	var r requestSizes
	for _, n := range sent {
		r.sending(n)
		if taken[n] {
			r.sent()
		}
	}
	return r.fits, r.tooMany
}

// Between is between.
func Between(fits, tooMany int64) int64 { return between(fits, tooMany) }

// UnderWay reads and formats what is under way.
func UnderWay(s string) (map[int64]int64, string, error) {
	left, err := parseUnderWay(s)
	return left, formatUnderWay(left), err
}

// Break changes the statements of a queue, so that a test can show what they are for.
func (q *Queue[TTx]) Break(statement func(sql string) string) {
	q.db = hookedDB[TTx]{q.db, func(_ context.Context, _ store.Conn, sql string, _ []any) string { return statement(sql) }}
}

// Explain reports how the database runs each statement of a queue: what explain is put in
// front of it, and the last of so many columns has a line of the plan.
func (q *Queue[TTx]) Explain(explain string, columns int, report func(sql, line string)) {
	q.db = hookedDB[TTx]{q.db, func(ctx context.Context, c store.Conn, sql string, args []any) string {
		_ = c.Query(ctx, func(scan func(...any) error) error {
			var line string
			into := make([]any, columns)
			for i := range into {
				into[i] = new(int64)
			}
			into[columns-1] = &line
			err := scan(into...)
			report(sql, line)
			return err
		}, explain+" "+sql, args...)
		return sql
	}}
}

// LoseCommit makes the next transaction fail after it was committed, and calls then.
func (q *Queue[TTx]) LoseCommit(then func()) {
	q.db = &losingDB[TTx]{DB: q.db, then: then}
}

type losingDB[TTx any] struct {
	store.DB[TTx]
	then func()
}

func (l *losingDB[TTx]) Tx(ctx context.Context, do func(TTx, store.Conn) error) error {
	err := l.DB.Tx(ctx, do)
	if then := l.then; err == nil && then != nil {
		l.then = nil
		then()
		return errors.New("the connection is lost")
	}
	return err
}

// hook sees a statement before it runs, and may change it.
type hook func(ctx context.Context, c store.Conn, sql string, args []any) string

type hookedDB[TTx any] struct {
	store.DB[TTx]
	hook hook
}

func (h hookedDB[TTx]) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	return hookedConn{h.DB, h.hook}.Exec(ctx, sql, args...)
}

func (h hookedDB[TTx]) Query(ctx context.Context, row func(scan func(...any) error) error, sql string, args ...any) error {
	return hookedConn{h.DB, h.hook}.Query(ctx, row, sql, args...)
}

func (h hookedDB[TTx]) Tx(ctx context.Context, do func(TTx, store.Conn) error) error {
	return h.DB.Tx(ctx, func(tx TTx, c store.Conn) error { return do(tx, hookedConn{c, h.hook}) })
}

type hookedConn struct {
	store.Conn
	hook hook
}

func (h hookedConn) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	return h.Conn.Exec(ctx, h.hook(ctx, h.Conn, sql, args), args...)
}

func (h hookedConn) Query(ctx context.Context, row func(scan func(...any) error) error, sql string, args ...any) error {
	return h.Conn.Query(ctx, row, h.hook(ctx, h.Conn, sql, args), args...)
}
