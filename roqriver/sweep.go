package roqriver

import (
	"context"
	"time"

	"github.com/riverqueue/river"

	"github.com/go-roq/roq/roqriver/internal/store"
)

const (
	// sweepSize is how many jobs one transaction makes.
	sweepSize = 1000
	// keepEvents is how long an event that was handled is recognized.
	keepEvents = 30 * 24 * time.Hour
)

// overdue is how late a job may be before the sweep looks whether it is there.
func (q *Queue[TTx]) overdue() time.Duration { return q.lease / 6 }

// Sweep returns the periodic job that makes jobs again where they are gone: those of
// workers that died, and those that were discarded or deleted. [Queue.Work] has it; a River
// client of the application needs it among its PeriodicJobs (see [Queue.AddWorkers]).
func (q *Queue[TTx]) Sweep() *river.PeriodicJob {
	return river.NewPeriodicJob(river.PeriodicInterval(q.lease/3), func() (river.JobArgs, *river.InsertOpts) {
		return sweepArgs{}, nil
	}, &river.PeriodicJobOpts{RunOnStart: true})
}

func (q *Queue[TTx]) sweep(ctx context.Context) error {
	if err := q.startReady(ctx, q.overdue()); err != nil {
		return err
	}
	var campaigns []int64
	err := q.db.Query(ctx, func(scan func(...any) error) error {
		campaigns = append(campaigns, 0)
		return scan(&campaigns[len(campaigns)-1])
	}, `SELECT DISTINCT campaign_id FROM {invite} WHERE batch_id IS NULL AND added_at < {now} - $1`, (gatherAfter + q.overdue()).Microseconds())
	if err != nil {
		return err
	}
	for _, id := range campaigns {
		if err := q.gather(ctx, id, ""); err != nil {
			return err
		}
	}
	return q.sweepEvents(ctx)
}

// startReady makes jobs for batches that have been ready for so long, whose campaign is
// open and that have neither a job that will run nor a worker. Of other campaigns, what is
// under way is looked for.
func (q *Queue[TTx]) startReady(ctx context.Context, late time.Duration) error {
	for more := true; more; {
		err := q.db.Tx(ctx, func(tx TTx, conn store.Conn) error {
			var ids []int64
			err := conn.Query(ctx, func(scan func(...any) error) error {
				ids = append(ids, 0)
				return scan(&ids[len(ids)-1])
			}, `SELECT b.id FROM {batch} b JOIN {campaign} c ON c.id = b.campaign_id
				WHERE b.ready_at <= {now} - $1 AND b.lease_until < {now}
				AND (c.state = 'open' OR c.state IN ('paused', 'canceled') AND b.under_way <> '')
				AND NOT EXISTS (SELECT 1 FROM {river_job} j WHERE j.id = b.job_id AND j.state IN ('available', 'pending', 'retryable', 'scheduled'))
				ORDER BY b.ready_at LIMIT $2`, late.Microseconds(), sweepSize)
			if more = len(ids) == sweepSize; err != nil {
				return err
			}
			return q.insertJobs(ctx, tx, conn, ids, time.Time{})
		})
		if err != nil {
			return err
		}
	}
	return nil
}
