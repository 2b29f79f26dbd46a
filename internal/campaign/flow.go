package campaign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-roq/roq/internal/delivery"
	"github.com/go-roq/roq/internal/exchange"
	"github.com/go-roq/roq/internal/relay"
	"github.com/go-roq/roq/internal/trace"
)

// flow is the loop over a campaign: one goroutine has it.
type flow[T any] struct {
	c       *Campaign[T]
	book    *logbook
	intake  *intake[T]
	yield   func(Outcome[T]) bool
	taking  context.Context //nolint:containedctx // ends when no more is to be taken or sent
	working context.Context //nolint:containedctx // that of requests, which end by themselves
	end     context.CancelCauseFunc
	index   int // of the next input
	// seen are the addresses that came, with the place of the first.
	seen map[addressKey]uint32

	// fresh and doubtful are batches that are being gathered: the second of invites
	// that may have been sent before.
	fresh, doubtful []item[T]
	// pause runs out when they have waited for long enough, flush is whether it has.
	pause *time.Timer
	flush bool
	// results are the outcomes of batches, of which inFlight are being sent.
	results  chan result[T]
	inFlight int
	pacing   *pacing
	counts   counts

	// drained is whether the stream has ended, with failed if that is not nil.
	drained bool
	failed  error
	// broken is whether the caller has left the loop, short whether anything was
	// left undone.
	broken, short bool
	// ended is how code of the caller's ended that did not return: it panicked, or
	// ended its goroutine.
	ended relay.End
}

// item is one input that was found valid.
type item[T any] struct {
	input T
	index int
	delivery.Invite
}

// run takes, sends and hands on, until there is nothing more to do.
func (f *flow[T]) run() error {
	for !f.over() {
		f.launch()
		f.next()
	}
	f.ended.Resume()
	return f.err()
}

// err says why the campaign ended, nil if everything was done.
func (f *flow[T]) err() error {
	call, why := f.c.Call, cause(f.taking)
	var own *exchange.Failure
	if errors.As(why, &own) {
		why = f.counts.conclude(own)
	}
	switch {
	case f.broken:
		return nil
	case f.failed != nil && own != nil:
		return &BothError{f.counts.conclude(own), f.failed}
	case f.failed != nil:
		return f.failed
	case own != nil:
		return why
	case f.short:
		return f.counts.conclude(call.FailBecause("", why, 0))
	}
	if n := f.book.inDoubt(); n > 0 {
		return call.Fail(fmt.Sprintf("the journal has %d invites that may have been sent and are missing from the stream", n), 0).
			Concluded(exchange.OutcomeUnknown, "the outcome is unknown")
	}
	return nil
}

// over reports whether there is nothing more to do. If no more is to be sent, it
// drops what has been gathered.
func (f *flow[T]) over() bool {
	if f.stopped() {
		f.intake.stop()
		f.drop()
	}
	if f.inFlight > 0 || len(f.fresh) > 0 || len(f.doubtful) > 0 {
		return false
	}
	if !f.drained && f.stopped() {
		f.drained = (f.broken || f.intake.isLate()) && f.intake.close()
		f.short = true
	}
	return f.drained
}

// stopped reports whether no more batches are to leave.
func (f *flow[T]) stopped() bool { return f.taking.Err() != nil }

// drop gives every gathered invite the outcome of one that was not attempted.
func (f *flow[T]) drop() {
	for _, batch := range [][]item[T]{f.fresh, f.doubtful} {
		f.short = f.short || len(batch) > 0
		f.report(f.unattempted(batch, cause(f.taking)))
	}
	f.fresh, f.doubtful = nil, nil
}

// launch sends what has been gathered, as far as it is due and may be in flight.
func (f *flow[T]) launch() {
	size := f.c.Size.Get()
	for _, gathered := range []*[]item[T]{&f.doubtful, &f.fresh} {
		for f.pacing.allows(f.inFlight) && len(*gathered) > 0 && (len(*gathered) >= size || f.flush || f.drained) {
			if gathered == &f.fresh && len(f.doubtful) > 0 && f.pacing.unwell {
				break // the platform is asked first what it has
			}
			n := min(size, len(*gathered))
			batch := (*gathered)[:n:n]
			*gathered = (*gathered)[n:]
			f.inFlight++
			f.send(batch)
		}
	}
	f.flush = f.flush && len(f.fresh)+len(f.doubtful) > 0
}

// next waits for whatever comes first: an input, a result, the end of a pause or of
// the campaign.
func (f *flow[T]) next() {
	items, ended, late := f.intake.items, f.taking.Done(), f.intake.late
	if size := f.c.Size.Get(); f.drained || len(f.fresh) >= size || len(f.doubtful) >= size {
		items = nil // until there is room
	}
	if f.stopped() {
		ended = nil // it has had its effect
	}
	if f.intake.isLate() {
		late = nil
	}
	select {
	case t, ok := <-items:
		switch {
		case !ok:
			f.drained = true
		case t.end.Abnormal():
			f.abort(t.end)
		case t.err != nil:
			f.failed = t.err
		default:
			f.take(t.input)
		}
	case r := <-f.results:
		f.inFlight--
		f.finish(r)
	case <-f.pause.C:
		f.flush = true
	case <-f.pacing.timer():
		f.pacing.waited()
	case <-ended:
	case <-late:
	}
}

// abort ends the campaign because code of the caller's did not return: first
// everything that is in flight gets its outcome.
func (f *flow[T]) abort(end relay.End) {
	f.ended = end
	f.end(errors.New("code of the caller did not return"))
}

// finish takes the result of a batch.
func (f *flow[T]) finish(r result[T]) {
	if r.end.Abnormal() {
		f.abort(r.end)
	}
	f.pacing.note(&r.report)
	if r.size > 0 && r.report.unclear {
		f.c.Size.Doubt(r.size)
	}
	if why := f.pacing.hopeless(&r.report); why != nil {
		f.end(why)
	}
	// What may still be sent, or found out, goes back to the front.
	for _, o := range []struct {
		queue *[]item[T]
		items []item[T]
	}{{&f.fresh, r.unsent}, {&f.doubtful, r.blind}} {
		if len(o.items) > 0 {
			*o.queue = slices.Concat(o.items, *o.queue)
			f.flush = true
		}
	}
	f.short = f.short || f.stopped() && slices.ContainsFunc(r.outcomes, func(o Outcome[T]) bool {
		return o.Status == NotSent || o.Status == Unknown
	})
	f.trace(&r)
	f.report(r.outcomes)
	if f.stopped() {
		f.drop()
	}
}

// trace tells the tracer of a batch.
func (f *flow[T]) trace(r *result[T]) {
	tracer := f.c.Call.Client.Tracer
	if tracer == nil {
		return
	}
	end := trace.BatchEnd{Campaign: f.c.Title, Size: r.taken, NotSent: len(r.unsent), Unknown: len(r.blind)}
	if r.report.why != nil {
		end.Err = r.report.why
	}
	for i := range r.outcomes {
		switch r.outcomes[i].Status {
		case Sent:
			end.Sent++
		case Refused:
			end.Refused++
		case Unknown:
			end.Unknown++
		default:
			end.NotSent++
		}
	}
	tracer.BatchEnd(r.ctx, end)
}

// drain waits for the batches in flight whose outcomes nobody takes any more; the
// journal has them.
func (f *flow[T]) drain() {
	for ; f.inFlight > 0; f.inFlight-- {
		<-f.results
	}
}

// report hands outcomes to the caller, who may have left.
func (f *flow[T]) report(outcomes []Outcome[T]) {
	for _, o := range outcomes {
		f.counts.add(o.Status)
		if !f.broken && !f.yield(o) {
			f.broken = true
			f.end(errLeft)
		}
	}
}

// take looks at one input and gathers it, or says at once what its outcome is.
func (f *flow[T]) take(input T) {
	o := Outcome[T]{Input: input, Index: f.index}
	f.index++
	invite, err := f.c.Prepare(o.Index, input)
	if err != nil {
		o.Status, o.Err = Refused, err
		f.report([]Outcome[T]{o})
		return
	}
	key := f.book.key(invite.Mailbox)
	if first, ok := f.seen[key]; ok {
		o.Status, o.Err = Duplicate, f.c.Repeats(o.Index, int(first))
		f.report([]Outcome[T]{o})
		return
	}
	f.seen[key] = uint32(o.Index) //nolint:gosec // only to tell somebody where to look
	switch before := f.book.take(key, f.book.key(invite.Address)); {
	case before.status == Sent:
		o.Status, o.InviteID = Sent, before.id
		f.report([]Outcome[T]{o})
	case before.status == Refused:
		o.Status, o.Refusal = Refused, &delivery.Refusal{Code: before.code, Message: before.message}
		f.report([]Outcome[T]{o})
	case !before.began.IsZero():
		invite.Before.At = before.began
		f.gather(&f.doubtful, item[T]{input, o.Index, invite})
	default:
		f.gather(&f.fresh, item[T]{input, o.Index, invite})
	}
}

func (f *flow[T]) gather(batch *[]item[T], it item[T]) {
	if len(f.fresh)+len(f.doubtful) == 0 {
		f.pause.Reset(linger)
	}
	*batch = append(*batch, it)
}
