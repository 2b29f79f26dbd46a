package roqriver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/riverqueue/river"

	"github.com/go-roq/roq"
)

// batchWorker sends batches.
type batchWorker[TTx any] struct {
	queue  *Queue[TTx]
	client *roq.Client
	scope  string
	opt    *workOptions
}

// afterwards bounds what a job does after its batch has timed out: its outcomes may have to
// wait for the database.
const afterwards = 90 * time.Second

// otherScope is how long the job of another scope's batch is left for its own workers.
const otherScope = 10 * time.Second

// work sends a batch, as far as that is possible now. It leaves a batch that another
// worker has, or that has nothing to do: if need be, the sweep makes another job.
func (w *batchWorker[TTx]) work(ctx context.Context, job *river.Job[batchArgs]) error {
	b, err := w.queue.take(ctx, job.Args.BatchID, w.scope)
	switch {
	case errors.Is(err, errScope):
		return river.JobSnooze(otherScope)
	case err != nil || b == nil:
		return err
	}
	size, err := b.requestSize(ctx)
	if err == nil {
		err = b.trim(ctx, int(size))
	}
	if errors.Is(err, errLost) {
		return nil
	}
	if err != nil {
		return err
	}
	ctx, end := w.trace(ctx, b)
	var opts []roq.CallOption
	if size > 0 {
		opts = append(opts, roq.WithBatchSize(int(size)))
	}
	failure, err := w.send(ctx, b, opts)
	end(failure)
	if errors.Is(err, errLost) {
		return nil // whoever has it now goes on
	}
	return err
}

// trace tells the tracer that the work on a batch begins, and returns what tells it of the
// end.
func (w *batchWorker[TTx]) trace(ctx context.Context, b *batch[TTx]) (context.Context, func(failure error)) {
	tracer := w.queue.opt.Tracer
	if tracer == nil {
		return ctx, func(error) {}
	}
	name := b.campaign.Name
	if strings.HasPrefix(name, pageSends+"/") {
		name = pageSends // a metric of its own for each send would be too many
	}
	start := roq.TraceJobStartData{Campaign: name, Invites: len(b.invites), Waited: time.Duration(b.now-b.ready) * time.Microsecond}
	_ = json.Unmarshal([]byte(b.trace), &start.Enqueued) // it is empty where nobody traced
	ctx = tracer.TraceJobStart(ctx, start)
	sent, refused := b.sent, b.refused
	return ctx, func(failure error) {
		tracer.TraceJobEnd(ctx, roq.TraceJobEndData{
			Err: failure, Sent: int(b.sent - sent), Refused: int(b.refused - refused), Unknown: int(b.unknown), Waiting: int(b.waiting()),
		})
	}
}

// send sends what is left of a batch, as far as that is possible now, and gives it back. It
// returns why not everything was sent, and why the state could not be kept.
func (w *batchWorker[TTx]) send(ctx context.Context, b *batch[TTx], opts []roq.CallOption) (failure, err error) {
	platform := w.client.AsUser(b.campaign.UserID)
	if b.campaign.UserID == "" {
		platform = w.client.AsSuperAdmin()
	}
	sending, cancel := context.WithTimeout(ctx, w.opt.timeout)
	defer cancel()
	sending, lost := context.WithCancelCause(sending)
	defer lost(nil)
	stop := b.keepLease(sending, lost)
	var outcomes []roq.SendOutcome
	if len(b.invites) > 0 {
		outcomes, failure = platform.SendUserInviteBatch(sending, roq.UserInviteBatch{
			TenantID:    b.campaign.TenantID,
			UserInvites: b.inputs(),
			Since:       b.since(),
			BeforeSend:  b.beforeSend,
			Settled:     b.settled,
		}, opts...)
	}
	stop()
	// What is written down now does not depend on why the work ended.
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterwards)
	defer cancel()
	if errors.Is(failure, errStorage) {
		b.settleAgain(after, outcomes)
	}
	err = w.conclude(after, b, outcomes, failure)
	if errors.Is(failure, errLost) {
		failure = nil
	}
	return failure, err
}

// conclude says what happens to a batch next, and gives back the lease.
func (w *batchWorker[TTx]) conclude(ctx context.Context, b *batch[TTx], outcomes []roq.SendOutcome, failure error) error {
	if errors.Is(failure, errLost) {
		return failure
	}
	if b.resend && len(outcomes) > 0 {
		if err := b.giveUpUnknown(ctx, outcomes); err != nil {
			return err
		}
	}
	if outcomes != nil && failure == nil {
		if err := b.learnSize(ctx); err != nil {
			return err
		}
	}
	open := b.campaign.state == StateOpen && !errors.Is(failure, errNotOpen)
	next := rest
	switch {
	case open && failure != nil && isFinal(failure):
		stopped, err := b.stopCampaign(ctx, failure)
		if err != nil {
			return err
		}
		next, open = 0, false // when it is resumed
		if !stopped {
			next = backoff(b.failures, failure)
			b.failures++
		}
	case b.waiting() > 0 && open && len(b.invites) > 0: // others were erased
		if b.progress || failure == nil {
			b.failures = 0
		}
		next = backoff(b.failures, failure)
		b.failures++
	case b.unknown > 0 && b.looked < int64(len(w.opt.lookUps)):
		next = w.opt.lookUps[b.looked]
		b.looked++
		open = true // a campaign that is paused is looked at
	}
	return b.release(ctx, next, open)
}

// isFinal reports whether the platform does not let this campaign send, or what it says
// will be the same next time.
func isFinal(err error) bool {
	if errors.Is(err, roq.ErrUnauthorized) || errors.Is(err, roq.ErrForbidden) {
		return true
	}
	for _, passing := range []error{roq.ErrUnavailable, roq.ErrRateLimited, roq.ErrOutcomeUnknown, context.Canceled, context.DeadlineExceeded, errNotOpen, errStorage} {
		if errors.Is(err, passing) {
			return false
		}
	}
	return true
}

// backoff is how long a batch waits after it was not sent: from a second to a minute, half
// of it at random, or what the platform asks for up to an hour.
func backoff(failures int64, failure error) time.Duration {
	if failure == nil || errors.Is(failure, context.Canceled) {
		return 0 // it was not tried
	}
	d := time.Second << min(failures, 6)
	d = min(d, time.Minute)
	d = d/2 + rand.N(d/2+1)
	if e := (*roq.Error)(nil); errors.As(failure, &e) {
		d = max(d, min(e.RetryAfter, time.Hour))
	}
	return d
}

// reason is a failure as a campaign has it: errors of this package hold no address.
func reason(err error) string { return clean(err.Error()) }

// clean makes text that every database takes, of a bounded length.
func clean(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	if len(s) > 1000 {
		s = strings.ToValidUTF8(s[:1000], "")
	}
	return s
}

var (
	// errLost means that another worker has the batch.
	errLost = errors.New("roqriver: another worker has the batch")
	// errNotOpen means that the campaign was paused, canceled or stopped meanwhile.
	errNotOpen = errors.New("roqriver: the campaign is not open")
	// errScope means that the campaign is of another platform or environment.
	errScope = errors.New("roqriver: the campaign is of another scope")
	// errStorage means that the database failed.
	errStorage = errors.New("roqriver: the state could not be kept")
)

// storage says that an error is the database's.
func storage(err error) error {
	if err == nil || errors.Is(err, errLost) || errors.Is(err, errNotOpen) {
		return err
	}
	return fmt.Errorf("%w: %w", errStorage, err)
}
