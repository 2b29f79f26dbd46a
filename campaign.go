package roq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"
)

const (
	// linger is how long a batch that is not full waits for more.
	linger = time.Second
	// patience is how long batches that surely were not sent are tried again after
	// one was.
	patience = 5 * time.Minute
	// maxFailures is how many batches in a row may come to nothing in other ways.
	maxFailures = 5
	// noteTimeout bounds writing down what has happened, when everything else has
	// ended.
	noteTimeout = 30 * time.Second
)

// errLeft ends a campaign whose loop was left.
var errLeft = errors.New("the loop was left")

// campaign is one SendAllUserInvites.
type campaign struct {
	*call // its settings, and the errors that are about no single batch
	as    *identity
	opts  []CallOption

	tenantID string
	size     *batchSize
	logbook  *logbook
	// seen are the addresses that came, with the place of the first.
	seen map[addressKey]uint32

	mu sync.Mutex
	// sent is when a batch was sent last, failures how many have come to nothing
	// since.
	sent     time.Time
	failures int
}

// run sends what comes out of the source and hands every outcome to yield, until
// that returns false. It ends the use of the journal.
func (m *campaign) run(ctx context.Context, source iter.Seq2[UserInviteInput, error], yield func(SendOutcome) bool) (err error) {
	taking, end := context.WithCancelCause(ctx)
	defer end(nil)
	working, release := m.outlive(taking)
	defer release()
	f := &flow{
		campaign: m,
		intake:   pull(source),
		yield:    yield,
		end:      end,
		results:  make(chan result, m.opt.parallel),
		pause:    time.NewTimer(linger),
	}
	defer func() {
		if failed := m.logbook.close(); failed != nil && !f.broken {
			err = errors.Join(err, m.last(m.journalFailed("could not be ended", failed)))
		}
	}()
	defer f.intake.abandon()
	defer f.pause.Stop()
	for !f.over(taking) {
		f.launch(func(batch []outgoing) []SendOutcome { return m.send(working, taking, end, batch) })
		f.next(taking)
	}
	why := ended(taking)
	switch {
	case f.broken:
		return nil
	case f.failed != nil && errors.As(why, new(*Error)):
		return errors.Join(why, f.failed)
	case f.failed != nil:
		return f.failed
	case errors.As(why, new(*Error)):
		return why
	case f.short:
		e := m.error(m.scrub(why.Error()))
		e.cause = m.hide(why)
		return e
	}
	if n := m.logbook.inDoubt(); n > 0 {
		return m.error(fmt.Sprintf("the journal has %d invites that may have been sent and did not come again", n), ErrOutcomeUnknown)
	}
	return nil
}

// ended says why a campaign has ended: because of an error of its own, or because
// the caller's context has. It is nil while that goes on.
func ended(taking context.Context) error {
	cause := context.Cause(taking)
	if errors.As(cause, new(*Error)) || errors.Is(cause, taking.Err()) {
		return cause
	}
	return fmt.Errorf("%w: %w", taking.Err(), cause)
}

// outlive returns a context for the requests of a campaign: it has the time of one
// request more than ctx.
func (m *campaign) outlive(ctx context.Context) (context.Context, context.CancelFunc) {
	working, cancel := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() {
		grace := time.NewTimer(cmp.Or(m.opt.timeout, defaultTimeout) + m.opt.settleTimeout)
		defer grace.Stop()
		select {
		case <-grace.C:
			cancel()
		case <-working.Done():
		}
	})
	return working, cancel
}

// flow is the state of the loop over a campaign. One goroutine has it.
type flow struct {
	*campaign
	intake *intake
	yield  func(SendOutcome) bool
	end    context.CancelCauseFunc
	index  int // of the next input

	// fresh and doubtful are batches that are being gathered: the second of invites
	// that an earlier run may have sent.
	fresh, doubtful []outgoing
	// pause runs out when they have waited for long enough, flush is whether it has.
	pause *time.Timer
	flush bool
	// results are the outcomes of batches, of which underWay are being sent.
	results  chan result
	underWay int

	// drained is whether the stream has ended, with failed if that is not nil.
	drained bool
	failed  error
	// broken is whether the caller has left the loop, short whether anything was
	// left undone.
	broken, short bool
}

// result is what came of a batch, or the panic of something of the caller's that was
// called for it.
type result struct {
	outcomes []SendOutcome
	panicked any
}

// over reports whether there is nothing more to do. If no more is to be sent, it
// gives up what has been gathered.
func (f *flow) over(taking context.Context) bool {
	if f.stopped(taking) {
		f.intake.stop()
		f.drop(taking)
	}
	if f.underWay > 0 || len(f.fresh) > 0 || len(f.doubtful) > 0 {
		return false
	}
	if !f.drained && f.stopped(taking) {
		f.drained = f.intake.close()
		f.short = true
	}
	return f.drained
}

// stopped reports whether no more batches are to leave.
func (f *flow) stopped(taking context.Context) bool { return taking.Err() != nil }

// drop gives every gathered invite the outcome of one that was not attempted.
func (f *flow) drop(taking context.Context) {
	for _, batch := range [][]outgoing{f.fresh, f.doubtful} {
		f.short = f.short || len(batch) > 0
		f.tell(f.unattempted(batch, ended(taking)))
	}
	f.fresh, f.doubtful = nil, nil
}

// launch sends what has been gathered, as far as it is due and may be under way at
// once.
func (f *flow) launch(send func([]outgoing) []SendOutcome) {
	size := f.size.get()
	for _, gathered := range []*[]outgoing{&f.doubtful, &f.fresh} {
		for f.underWay < f.opt.parallel && len(*gathered) > 0 && (len(*gathered) >= size || f.flush || f.drained) {
			n := min(size, len(*gathered))
			batch := (*gathered)[:n:n]
			*gathered = (*gathered)[n:]
			f.underWay++
			go func() {
				var r result
				defer func() {
					r.panicked = recover()
					f.results <- r
				}()
				r.outcomes = send(batch)
			}()
		}
	}
	f.flush = f.flush && len(f.fresh)+len(f.doubtful) > 0
}

// next waits for whatever comes first: an input, a result, the end of a pause or of
// the campaign.
func (f *flow) next(taking context.Context) {
	items, ended := f.intake.items, taking.Done()
	if size := f.size.get(); f.drained || len(f.fresh) >= size || len(f.doubtful) >= size {
		items = nil // until there is room
	}
	if f.stopped(taking) {
		ended = nil // it has had its effect
	}
	select {
	case t, ok := <-items:
		switch {
		case !ok:
			f.drained = true
		case t.panicked != nil:
			panic(t.panicked)
		case t.err != nil:
			f.failed = t.err
		default:
			f.take(t.input)
		}
	case r := <-f.results:
		f.underWay--
		if r.panicked != nil {
			panic(r.panicked)
		}
		f.short = f.short || f.stopped(taking) && slices.ContainsFunc(r.outcomes, func(o SendOutcome) bool {
			return o.Status == OutcomeNotSent || o.Status == OutcomeUnknown
		})
		f.tell(r.outcomes)
	case <-f.pause.C:
		f.flush = true
	case <-ended:
	}
}

// tell hands outcomes to the caller, who may have left.
func (f *flow) tell(outcomes []SendOutcome) {
	for _, o := range outcomes {
		if !f.broken && !f.yield(o) {
			f.broken = true
			f.end(errLeft)
		}
	}
}

// take looks at one input and gathers it, or says at once what becomes of it.
func (f *flow) take(input UserInviteInput) {
	o := SendOutcome{Index: f.index, Input: input}
	f.index++
	var find findings
	out := f.as.prepareOne(&find, &input)
	out.index = o.Index
	if o.Err = find.err(f.operation); o.Err != nil {
		o.Status = OutcomeRefused
		f.tell([]SendOutcome{o})
		return
	}
	key := f.logbook.key(out.address)
	if first, ok := f.seen[key]; ok {
		o.Status, o.Err = OutcomeDuplicate, invalid(f.operation, fmt.Sprintf("Email: must not be the address of input %d", first))
		f.tell([]SendOutcome{o})
		return
	}
	f.seen[key] = uint32(o.Index) //nolint:gosec // only to tell somebody where to look
	switch before := f.logbook.take(key); {
	case before.status == OutcomeSent:
		o.Status, o.InviteID = OutcomeSent, before.id
		f.tell([]SendOutcome{o})
	case before.status == OutcomeRefused:
		o.Status, o.Err = OutcomeRefused, UserInviteError{input.Email, input.FirstName, input.LastName, before.code, before.message}
		f.tell([]SendOutcome{o})
	case !before.began.IsZero():
		out.began = before.began
		f.gather(&f.doubtful, out)
	default:
		f.gather(&f.fresh, out)
	}
}

func (f *flow) gather(batch *[]outgoing, out outgoing) {
	if len(f.fresh)+len(f.doubtful) == 0 {
		f.pause.Reset(linger)
	}
	*batch = append(*batch, out)
}
