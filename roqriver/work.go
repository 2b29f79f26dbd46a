package roqriver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"

	"github.com/go-roq/roq"
)

// The jobs. Those that are short go first, and do not wait for thousands of batches.
type (
	batchArgs struct {
		BatchID int64 `json:"batch_id"`
	}
	gatherArgs struct {
		CampaignID int64  `json:"campaign_id"`
		Trace      string `json:"trace,omitempty"`
	}
	sweepArgs   struct{}
	webhookArgs struct {
		Fingerprint string `json:"fingerprint"`
	}
)

func (batchArgs) Kind() string   { return "roq_batch" }
func (gatherArgs) Kind() string  { return "roq_gather" }
func (sweepArgs) Kind() string   { return "roq_sweep" }
func (webhookArgs) Kind() string { return "roq_webhook" }

func (batchArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: QueueName, Priority: 3}
}
func (gatherArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: QueueName} }
func (sweepArgs) InsertOpts() river.InsertOpts  { return river.InsertOpts{Queue: QueueName} }
func (webhookArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: QueueName, Priority: 2}
}

// Work sends invites with the client until the context ends. Then it takes no further
// batch, gives those that it sends half a minute to end, and returns nil. Otherwise it
// returns why it cannot work.
//
// It is a River client of its own, which also does River's maintenance. For one of the
// application's own, see [Queue.AddWorkers].
func (q *Queue[TTx]) Work(ctx context.Context, client *roq.Client, opts ...WorkOption) error {
	workers := river.NewWorkers()
	o, err := q.addWorkers(workers, client, opts)
	if err != nil {
		return err
	}
	if err := q.migrated(ctx); err != nil {
		return err
	}
	r, err := river.NewClient(q.db.Driver(), &river.Config{
		Schema:               q.opt.Schema,
		Logger:               q.opt.Logger,
		Queues:               map[string]river.QueueConfig{QueueName: {MaxWorkers: o.concurrency, FetchCooldown: 20 * time.Millisecond}},
		Workers:              workers,
		PeriodicJobs:         []*river.PeriodicJob{q.Sweep()},
		JobTimeout:           o.timeout + 2*afterwards,
		RescueStuckJobsAfter: o.timeout + 3*afterwards,
		SoftStopTimeout:      30 * time.Second,
		FetchPollInterval:    500 * time.Millisecond,
	})
	if err != nil {
		return fmt.Errorf("roqriver: Work: %w", err)
	}
	if err := r.Start(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("roqriver: Work: %w", err)
	}
	<-ctx.Done()
	<-r.Stopped()
	return nil
}

// AddWorkers adds the queue's workers to those of a River client of the application. That
// client needs, in its Config: the same database and schema, the queue [QueueName] with
// room for as many jobs as batches are to be sent at once, [Queue.Sweep] among its
// PeriodicJobs, and a RescueStuckJobsAfter at least five minutes above
// [WithBatchTimeout]. Every River client of that schema that does maintenance should have
// these workers, or River discards jobs; Sweep makes them again.
func (q *Queue[TTx]) AddWorkers(w *river.Workers, client *roq.Client, opts ...WorkOption) error {
	_, err := q.addWorkers(w, client, opts)
	return err
}

func (q *Queue[TTx]) addWorkers(w *river.Workers, client *roq.Client, opts []WorkOption) (*workOptions, error) {
	if err := q.ready(); err != nil {
		return nil, err
	}
	o, err := newWorkOptions(opts)
	switch {
	case err != nil:
		return nil, err
	case w == nil:
		return nil, fmt.Errorf("roqriver: AddWorkers: the workers must not be nil: %w", roq.ErrInvalidInput)
	case client.Scope() == "":
		return nil, fmt.Errorf("roqriver: the Client was not made by roq.New: %w", roq.ErrInvalidInput)
	}
	worker := &batchWorker[TTx]{queue: q, client: client, scope: client.Scope(), opt: o}
	return o, errors.Join(
		river.AddWorkerSafely(w, &job[batchArgs]{work: worker.work, timeout: o.timeout + 2*afterwards}),
		river.AddWorkerSafely(w, &job[gatherArgs]{work: func(ctx context.Context, j *river.Job[gatherArgs]) error {
			return q.gather(ctx, j.Args.CampaignID, j.Args.Trace)
		}}),
		river.AddWorkerSafely(w, &job[sweepArgs]{work: func(ctx context.Context, _ *river.Job[sweepArgs]) error { return q.sweep(ctx) }}),
		river.AddWorkerSafely(w, &job[webhookArgs]{work: q.handle, policy: true}),
	)
}

// migrated fails if there are no tables: River would only log it.
func (q *Queue[TTx]) migrated(ctx context.Context) error {
	_, err := q.db.Exec(ctx, `DELETE FROM {batch} WHERE false`)
	if err == nil {
		_, err = q.db.Exec(ctx, `DELETE FROM {river_job} WHERE false`)
	}
	return err
}

// job is a worker of one kind of jobs.
type job[T river.JobArgs] struct {
	river.WorkerDefaults[T]
	work    func(context.Context, *river.Job[T]) error
	timeout time.Duration
	// policy is whether River's policy says when the job is tried again.
	policy bool
}

func (j *job[T]) Work(ctx context.Context, job *river.Job[T]) error { return j.work(ctx, job) }

func (j *job[T]) Timeout(*river.Job[T]) time.Duration { return j.timeout }

// NextRetry is soon: a job fails when the database does.
func (j *job[T]) NextRetry(*river.Job[T]) time.Time {
	if j.policy {
		return time.Time{}
	}
	return time.Now().Add(5 * time.Second)
}
