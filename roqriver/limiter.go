package roqriver

import (
	"context"
	"fmt"
	"time"

	"github.com/go-roq/roq"
)

// Limiter returns a limit on requests that all processes share which use this database:
// for [roq.WithLimiter]. Each request leaves that fraction of a second after the one
// before it, whichever process sends it. All should ask for the same rate. When the
// platform asks one of them to be left alone, all heed it. The rate is above 0 and at most
// 10,000; otherwise no request leaves.
func (q *Queue[TTx]) Limiter(requestsPerSecond float64) roq.Limiter {
	return &limiter[TTx]{queue: q, rate: requestsPerSecond}
}

type limiter[TTx any] struct {
	queue *Queue[TTx]
	rate  float64
}

// Wait implements [roq.Limiter].
func (l *limiter[TTx]) Wait(ctx context.Context) error {
	if err := l.queue.ready(); err != nil {
		return err
	}
	if !(l.rate > 0 && l.rate <= 10_000) { // NaN is neither
		return fmt.Errorf("roqriver: Limiter(%v): must be above 0 and at most 10,000: %w", l.rate, roq.ErrInvalidInput)
	}
	interval := int64(float64(time.Second/time.Microsecond) / l.rate)
	for {
		wait, err := l.read(ctx, `INSERT INTO {limit} AS l (name, next_at) VALUES ('requests', {now} + $1)
			ON CONFLICT (name) DO UPDATE SET next_at = CASE WHEN l.next_at > {now} THEN l.next_at ELSE {now} END + $1
			RETURNING next_at - $1 - {now}`, interval)
		if err != nil || wait <= 0 {
			return err
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
		// The platform may have asked to be left alone meanwhile.
		paused, err := l.read(ctx, `SELECT paused_until - {now} FROM {limit} WHERE name = 'requests'`)
		if err != nil || paused <= 0 {
			return err
		}
	}
}

// Pause lets no request leave for a time. An error cannot be reported, and the process
// that was asked waits all the same.
func (l *limiter[TTx]) Pause(ctx context.Context, d time.Duration) {
	if l.queue.ready() != nil || d <= 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, _ = l.queue.db.Exec(ctx, `INSERT INTO {limit} AS l (name, next_at, paused_until) VALUES ('requests', {now} + $1, {now} + $1)
		ON CONFLICT (name) DO UPDATE SET
			next_at = CASE WHEN l.next_at > {now} + $1 THEN l.next_at ELSE {now} + $1 END,
			paused_until = CASE WHEN l.paused_until > {now} + $1 THEN l.paused_until ELSE {now} + $1 END`, d.Microseconds())
}

// read runs a statement that returns microseconds.
func (l *limiter[TTx]) read(ctx context.Context, sql string, args ...any) (time.Duration, error) {
	var us int64
	err := l.queue.db.Query(ctx, func(scan func(...any) error) error { return scan(&us) }, sql, args...)
	return time.Duration(us) * time.Microsecond, err
}
