package roqriver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/riverqueue/river"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqriver/internal/store"
)

// eventHandler is what handles events in this process.
type eventHandler func(context.Context, roq.WebhookEvent) error

// WebhookEvents returns a function for [roq.Client.WebhookHandler] that keeps events in the
// database, so that the platform is answered at once. Each is handled by handle in one of
// the processes that work ([Queue.Work]) and have called WebhookEvents before: once, unless
// that process dies meanwhile. If handle fails, it is called again, later and later, for
// three weeks. An event that was handled is erased, and is recognized for 30 days.
func (q *Queue[TTx]) WebhookEvents(handle func(context.Context, roq.WebhookEvent) error) func(context.Context, roq.WebhookEvent) error {
	if q.ready() == nil && handle != nil {
		own := eventHandler(handle)
		q.events.Store(&own)
	}
	return func(ctx context.Context, event roq.WebhookEvent) error {
		if err := q.ready(); err != nil {
			return err
		}
		switch {
		case handle == nil:
			return fmt.Errorf("roqriver: WebhookEvents: the function must not be nil: %w", roq.ErrInvalidInput)
		case event.Fingerprint == "":
			return fmt.Errorf("roqriver: WebhookEvents: the event has no Fingerprint: %w", roq.ErrInvalidInput)
		}
		return q.keepEvent(ctx, &event)
	}
}

// kept is an event in the database. Raw is bytes, which need not be Unicode.
type kept struct {
	roq.WebhookEvent
	Raw []byte
}

func (q *Queue[TTx]) keepEvent(ctx context.Context, event *roq.WebhookEvent) error {
	encoded, err := json.Marshal(kept{*event, event.Raw})
	if err != nil {
		return fmt.Errorf("roqriver: the event cannot be kept: %w", err)
	}
	return q.db.Tx(ctx, func(tx TTx, conn store.Conn) error {
		n, err := conn.Exec(ctx, `INSERT INTO {webhook} (fingerprint, event, added_at) VALUES ($1, $2, {now}) ON CONFLICT (fingerprint) DO NOTHING`,
			event.Fingerprint, string(encoded))
		if err != nil || n == 0 {
			return err
		}
		return q.insertEvent(ctx, tx, conn, event.Fingerprint)
	})
}

// insertEvent makes the job of an event.
func (q *Queue[TTx]) insertEvent(ctx context.Context, tx TTx, conn store.Conn, fingerprint string) error {
	result, err := q.river.InsertTx(ctx, tx, webhookArgs{fingerprint}, nil)
	if err != nil {
		return fmt.Errorf("roqriver: %w", err)
	}
	_, err = conn.Exec(ctx, `UPDATE {webhook} SET job_id = $2 WHERE fingerprint = $1`, fingerprint, result.Job.ID)
	return err
}

// handle handles an event.
func (q *Queue[TTx]) handle(ctx context.Context, job *river.Job[webhookArgs]) error {
	handle := q.events.Load()
	if handle == nil {
		return river.JobSnooze(otherScope) // another process has a handler
	}
	var encoded string
	err := q.db.Query(ctx, func(scan func(...any) error) error { return scan(&encoded) },
		`SELECT event FROM {webhook} WHERE fingerprint = $1 AND handled_at = 0`, job.Args.Fingerprint)
	if err != nil || encoded == "" {
		return err
	}
	var one kept
	if json.Unmarshal([]byte(encoded), &one) != nil {
		return river.JobCancel(errors.New("roqriver: an event in the database cannot be read"))
	}
	one.WebhookEvent.Raw = one.Raw
	if (*handle)(ctx, one.WebhookEvent) != nil && job.Attempt < job.MaxAttempts {
		// The error may hold anything, and River would keep it.
		return errors.New("roqriver: the function of WebhookEvents failed")
	}
	_, err = q.db.Exec(context.WithoutCancel(ctx), `UPDATE {webhook} SET event = '', handled_at = {now} WHERE fingerprint = $1`, job.Args.Fingerprint)
	return err
}

// sweepEvents makes jobs again for events whose job is gone, and forgets old ones.
func (q *Queue[TTx]) sweepEvents(ctx context.Context) error {
	return q.db.Tx(ctx, func(tx TTx, conn store.Conn) error {
		if _, err := conn.Exec(ctx, `DELETE FROM {webhook} WHERE handled_at > 0 AND handled_at < {now} - $1`, keepEvents.Microseconds()); err != nil {
			return err
		}
		var lost []string
		err := conn.Query(ctx, func(scan func(...any) error) error {
			lost = append(lost, "")
			return scan(&lost[len(lost)-1])
		}, `SELECT w.fingerprint FROM {webhook} w WHERE w.handled_at = 0 AND w.added_at < {now} - $1
			AND NOT EXISTS (SELECT 1 FROM {river_job} j WHERE j.id = w.job_id AND j.state IN ('available', 'pending', 'retryable', 'scheduled', 'running'))
			ORDER BY w.added_at LIMIT $2`, q.overdue().Microseconds(), sweepSize)
		for _, fingerprint := range lost {
			if err == nil {
				err = q.insertEvent(ctx, tx, conn, fingerprint)
			}
		}
		return err
	})
}
