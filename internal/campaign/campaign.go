// Package campaign sends streams of invites: it takes people as they come,
// gathers them in batches, keeps several batches in flight as long as the platform
// is well, and hands on the outcome of each. A journal makes it resumable.
package campaign

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/go-roq/roq/internal/delivery"
	"github.com/go-roq/roq/internal/exchange"
	"github.com/go-roq/roq/internal/wire"
)

// Status is the outcome of one invite, as the journal and the caller have it.
type Status string

// The statuses.
const (
	Sent      Status = "sent"
	Refused   Status = "refused"
	Unknown   Status = "unknown"
	NotSent   Status = "not sent"
	Duplicate Status = "duplicate"
	// UnderWay is in journals only: a request with the invite was about to leave.
	UnderWay Status = "under way"
)

const (
	// Patience is how long batches that were not sent are tried again after one was,
	// and the longest Retry-After that is waited for.
	Patience = 5 * time.Minute
	// patienceTimes is how many of the waits that the platform asks for it gets at least.
	patienceTimes = 10
	// linger is how long a batch that is not full waits for more.
	linger = time.Second
	// maxBarren is how many batches in a row may fail in ways that do not pass.
	maxBarren = 5
	// longestProbe is the longest pause between batches while reading works and sending
	// does not.
	longestProbe = time.Minute
	// noteTimeout bounds writing to the journal when everything else has ended.
	noteTimeout = 30 * time.Second
)

// Outcome is the outcome of one input, of the caller's type T.
type Outcome[T any] struct {
	Input    T
	Index    int
	Status   Status
	InviteID string
	// Refusal is the platform's, if it refused the invite.
	Refusal *delivery.Refusal
	// Err says otherwise why the status is not Sent: a *exchange.Failure, or what
	// Prepare returned.
	Err error
}

// Campaign is a stream of invites. Its fields are set before Run.
type Campaign[T any] struct {
	Call *exchange.Call // for the failures that are about no single batch
	As   *exchange.Identity
	// New returns the call of one batch.
	New      func() *exchange.Call
	TenantID string
	// Send is the operation, in one of the schema's versions.
	Send          func(wire.Send) (*wire.Operation, any)
	Size          *delivery.Size
	Parallel      int
	RepeatUnknown bool
	// Journal may be nil. Name is the campaign's.
	Journal Journal
	Name    string
	// Title is what the caller calls the campaign, for the tracer.
	Title string
	// Prepare checks the input that came as the index-th, and makes an invite of it.
	Prepare func(index int, input T) (delivery.Invite, error)
	// Repeats makes the error of an input whose address is that of the first-th.
	Repeats func(index, first int) error
	// Keep is called with each row that shows an invite that was made. What it is
	// called with last counts.
	Keep func(input T, row *wire.Invite)
}

// errLeft ends a campaign whose loop was left.
var errLeft = errors.New("the loop was left")

// BothError is the error of a campaign that failed, and whose source did.
type BothError struct {
	Failure *exchange.Failure
	Source  error
}

// Error implements error.
func (b *BothError) Error() string { return b.Failure.Error() + "\n" + b.Source.Error() }

// Run sends what comes out of the source and hands every outcome to yield, until
// that returns false. Its error is the source's own, a *exchange.Failure, or a *BothError.
func (c *Campaign[T]) Run(ctx context.Context, source iter.Seq2[T, error], yield func(Outcome[T]) bool) (err error) {
	book, failed := openLogbook(ctx, c.Call, c.Journal, c.Name)
	if failed != nil {
		return failed
	}
	if ctx.Err() != nil {
		source = func(func(T, error) bool) {} // what it yields could not be taken
	}
	taking, end := context.WithCancelCause(ctx)
	working, release := c.outlive(taking)
	f := &flow[T]{
		c:       c,
		book:    book,
		intake:  pull(source),
		yield:   yield,
		taking:  taking,
		working: working,
		end:     end,
		results: make(chan result[T], c.Parallel),
		pause:   time.NewTimer(linger),
		seen:    make(map[addressKey]uint32),
		pacing:  newPacing(c.Parallel, c.Call.Pace),
	}
	returned := false
	defer func() {
		// Whatever ended the loop: nothing of the caller's is used after it.
		end(errLeft)
		f.drain()
		cleanUp := f.intake.abandon()
		f.pause.Stop()
		release()
		if ending := book.close(); ending != nil && err == nil && !f.broken {
			err = f.counts.conclude(journalFailed(c.Call, "could not be ended", ending))
		}
		if returned {
			cleanUp.Resume()
		}
	}()
	err = f.run()
	returned = true
	return err
}

// outlive returns a context for the requests of a campaign: it has the time of one
// request, and of settling it, more than ctx.
func (c *Campaign[T]) outlive(ctx context.Context) (context.Context, context.CancelFunc) {
	const usual = 30 * time.Second // where an attempt has no time-out
	grace := c.Call.Timeout
	if grace == 0 {
		grace = usual
	}
	grace += c.Call.Settle
	working, cancel := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() {
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-working.Done():
		}
	})
	return working, cancel
}

// cause says why a campaign has ended: because of a failure of its own, or because
// the caller's context has. It is nil while that goes on.
func cause(taking context.Context) error {
	why := context.Cause(taking)
	if errors.As(why, new(*exchange.Failure)) || errors.Is(why, taking.Err()) {
		return why
	}
	return fmt.Errorf("%w: %w", taking.Err(), why)
}
