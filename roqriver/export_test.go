package roqriver

import (
	"context"
	"time"

	"github.com/go-roq/roq/roqriver/internal/store"
)

// SetLease makes leases so short that a test can outlive one.
func (q *Queue[TTx]) SetLease(d time.Duration) { q.lease = d }

// LearnedSize is the size of requests that is learned from the sizes that were sent and taken.
func LearnedSize(sent []int, taken map[int]bool) int {
	var r requestSizes
	for _, n := range sent {
		r.sending(n)
		if taken[n] {
			r.sent()
		}
	}
	return r.learned()
}

// UnderWay reads and formats what is under way.
func UnderWay(s string) (map[int64]int64, string, error) {
	left, err := parseUnderWay(s)
	return left, formatUnderWay(left), err
}

// Break changes the statements of a queue, so that a test can show what they are for.
func (q *Queue[TTx]) Break(statement func(sql string) string) {
	q.db = brokenDB[TTx]{q.db, brokenConn{q.db, statement}}
}

type brokenDB[TTx any] struct {
	store.DB[TTx]
	conn brokenConn
}

func (b brokenDB[TTx]) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	return b.conn.Exec(ctx, sql, args...)
}

func (b brokenDB[TTx]) Query(ctx context.Context, row func(scan func(...any) error) error, sql string, args ...any) error {
	return b.conn.Query(ctx, row, sql, args...)
}

func (b brokenDB[TTx]) Tx(ctx context.Context, do func(TTx, store.Conn) error) error {
	return b.DB.Tx(ctx, func(tx TTx, c store.Conn) error { return do(tx, brokenConn{c, b.conn.statement}) })
}

type brokenConn struct {
	store.Conn
	statement func(string) string
}

func (b brokenConn) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	return b.Conn.Exec(ctx, b.statement(sql), args...)
}

func (b brokenConn) Query(ctx context.Context, row func(scan func(...any) error) error, sql string, args ...any) error {
	return b.Conn.Query(ctx, row, b.statement(sql), args...)
}
