package roqriver

import (
	"context"
	"fmt"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqriver/internal/store"
)

// State is the state of a campaign.
type State string

// The states of a campaign.
const (
	// StateOpen: people are invited as they are enqueued.
	StateOpen State = "open"
	// StatePaused: nothing is sent until [Queue.Resume].
	StatePaused State = "paused"
	// StateStopped: the platform does not let the workers send, for the Reason in
	// [Status]. Nothing is sent until [Queue.Resume].
	StateStopped State = "stopped"
	// StateCanceled: nothing is sent any more. Nobody can be enqueued.
	StateCanceled State = "canceled"
)

// Pause stops a campaign for now. Requests in flight end, and no further one leaves. What
// was under way when a worker died is looked for all the same. People can still be enqueued.
// Of a paused or stopped campaign it does nothing.
func (q *Queue[TTx]) Pause(ctx context.Context, campaign string) error {
	return q.change(ctx, campaign, StatePaused, `state = 'open'`)
}

// Cancel ends a campaign for good: those who were not sent to are not invited. Requests in
// flight end.
func (q *Queue[TTx]) Cancel(ctx context.Context, campaign string) error {
	return q.change(ctx, campaign, StateCanceled, `state <> 'canceled'`)
}

// Resume continues a campaign that is paused or stopped. A canceled one cannot be resumed.
func (q *Queue[TTx]) Resume(ctx context.Context, campaign string) error {
	if err := q.change(ctx, campaign, StateOpen, `state IN ('paused', 'stopped')`); err != nil {
		return err
	}
	c, err := find(ctx, q.db, campaign)
	if err != nil {
		return of(campaign, err)
	}
	if c.state == StateCanceled {
		return fmt.Errorf("roqriver: Resume: the campaign %q is canceled: %w", campaign, roq.ErrInvalidInput)
	}
	if _, err := q.db.Exec(ctx, `UPDATE {batch} SET ready_at = {now}, failures = 0
		WHERE campaign_id = $1 AND people > sent + refused + unknown AND lease_until < {now}`, c.id); err != nil {
		return err
	}
	return q.startReady(ctx, 0)
}

// change sets the state of a campaign where that is allowed.
func (q *Queue[TTx]) change(ctx context.Context, name string, to State, allowed string) error {
	if err := q.ready(); err != nil {
		return err
	}
	n, err := q.db.Exec(ctx, `UPDATE {campaign} SET state = $2, reason = '', resumes = resumes + CASE WHEN $2 = 'open' THEN 1 ELSE 0 END WHERE name = $1 AND `+allowed, name, string(to))
	if err == nil && n == 0 {
		_, err = find(ctx, q.db, name)
	}
	return of(name, err)
}

// Retry tries once more what was not sent in an open campaign, and returns how many
// people that is: those whom the platform refused, and those whose outcome is unknown.
// They are looked for first. With sendUnknown, those who are not found are sent to again:
// that invites somebody twice whose first invite the platform does not show. What a worker
// has meanwhile is left alone.
func (q *Queue[TTx]) Retry(ctx context.Context, campaign string, sendUnknown bool) (int, error) {
	if err := q.ready(); err != nil {
		return 0, err
	}
	resend := 0
	if sendUnknown {
		resend = 1
	}
	total := 0
	err := q.db.Tx(ctx, func(_ TTx, conn store.Conn) error {
		c, err := find(ctx, conn, campaign)
		if err != nil {
			return err
		}
		if c.state != StateOpen {
			return fmt.Errorf("roqriver: Retry: the campaign %q is %s, must be open: %w", campaign, c.state, roq.ErrInvalidInput)
		}
		type row struct {
			ID int64 `json:"id"`
		}
		var batches []row
		// refused stays as it was until the invites are changed too; the fence keeps out a
		// worker that has lost its lease.
		err = conn.Query(ctx, func(scan func(...any) error) error {
			var id, people int64
			err := scan(&id, &people)
			batches = append(batches, row{id})
			total += int(people)
			return err
		}, `UPDATE {batch} SET fence = fence + 1, ready_at = {now}, failures = 0, looked = 0, resend = $2
			WHERE campaign_id = $1 AND refused + unknown > 0 AND lease_until < {now} RETURNING id, refused + unknown`, c.id, resend)
		if err != nil || len(batches) == 0 {
			return err
		}
		list, err := store.Rows(batches)
		if err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, `UPDATE {invite} SET status = 'waiting', code = '', message = ''
			WHERE batch_id IN (SELECT r.id FROM {rows $1 id bigint}) AND status = 'refused'`, list); err != nil {
			return err
		}
		_, err = conn.Exec(ctx, `UPDATE {batch} SET refused = 0 WHERE id IN (SELECT r.id FROM {rows $1 id bigint})`, list)
		return err
	})
	if err != nil {
		return 0, of(campaign, err)
	}
	return total, q.startReady(ctx, 0)
}

// Forget cancels a campaign and erases the addresses, names and variables of its people,
// and what the platform said of them. Their outcomes stay, and so does a keyed hash of each
// address, by which somebody who has the address can still be recognized.
func (q *Queue[TTx]) Forget(ctx context.Context, campaign string) error {
	if err := q.Cancel(ctx, campaign); err != nil {
		return err
	}
	c, err := find(ctx, q.db, campaign)
	if err != nil {
		return of(campaign, err)
	}
	if _, err = q.db.Exec(ctx, `UPDATE {invite} SET input = '', message = '' WHERE campaign_id = $1`, c.id); err != nil {
		return err
	}
	_, err = q.db.Exec(ctx, `UPDATE {campaign} SET rest = '' WHERE id = $1`, c.id)
	return err
}
