package campaign

import (
	"context"
	"errors"

	"github.com/go-roq/roq/internal/delivery"
	"github.com/go-roq/roq/internal/evidence"
	"github.com/go-roq/roq/internal/exchange"
	"github.com/go-roq/roq/internal/relay"
	"github.com/go-roq/roq/internal/trace"
	"github.com/go-roq/roq/internal/wire"
)

// result is the result of a batch.
type result[T any] struct {
	outcomes []Outcome[T]
	// unsent were not sent and may be, blind may have been sent and could not be
	// looked up.
	unsent, blind []item[T]
	// taken is how many invites there were, size the same if they were attempted.
	taken, size int
	report      report
	ctx         context.Context //nolint:containedctx // the batch's, for the tracer
	// end is how code of the caller's ended that did not return.
	end relay.End
}

// send sends one batch on a goroutine of its own.
func (f *flow[T]) send(batch []item[T]) {
	s := &sending[T]{f: f, batch: batch}
	s.result.ctx, s.result.taken = f.working, len(batch)
	relay.Go(s.run, func(end relay.End) {
		s.result.end = end
		if end.Abnormal() {
			s.salvage()
		}
		f.results <- s.result
	})
}

// sending is one batch on its way.
type sending[T any] struct {
	f     *flow[T]
	batch []item[T]
	// delivery is nil until it has begun.
	delivery *delivery.Delivery
	// ids are those of the invites that were made, noted is whether the journal has an
	// outcome.
	ids    []string
	noted  []bool
	result result[T]
}

func (s *sending[T]) run() {
	f := s.f
	if tracer := f.c.Call.Client.Tracer; tracer != nil {
		s.result.ctx = tracer.BatchStart(f.working, trace.BatchStart{Campaign: f.c.Title, Size: len(s.batch)})
	}
	if f.stopped() {
		s.result.outcomes = f.unattempted(s.batch, cause(f.taking))
		return
	}
	call := f.c.New()
	call.Pace.Patience = Patience
	s.ids, s.noted = make([]string, len(s.batch)), make([]bool, len(s.batch))
	invites := make([]delivery.Invite, len(s.batch))
	for i := range s.batch {
		invites[i] = s.batch[i].Invite
	}
	s.delivery = &delivery.Delivery{
		Call:     call,
		As:       f.c.As,
		TenantID: f.c.TenantID,
		Invites:  invites,
		Send:     f.c.Send,
		Size:     f.c.Size,
		Keep: func(i int, row *wire.Invite) {
			s.ids[i] = row.ID
			f.c.Keep(s.batch[i].input, row)
		},
		BeforeSend:    s.beforeSend,
		Split:         s.split,
		Settled:       s.settled,
		RepeatUnknown: f.c.RepeatUnknown,
		OnlyOnce:      true,
		Hurry:         f.taking,
	}
	failed := s.delivery.Run(s.result.ctx)
	// The journal has the outcomes before anybody is told of them.
	s.write(s.sort(failed))
}

// beforeSend lets a batch leave when the journal has it.
func (s *sending[T]) beforeSend(ctx context.Context, places []int, again bool) error {
	f := s.f
	if f.stopped() {
		return cause(f.taking)
	}
	if again {
		return nil
	}
	if err := f.book.write(ctx, s.notes(places, UnderWay)); err != nil {
		failed := journalFailed(f.c.Call, "could not be written", err)
		f.end(failed)
		return failed
	}
	return nil
}

// split notes that a batch was not sent, because it is sent in parts: whoever is
// killed meanwhile need not wonder about those that have not left yet.
func (s *sending[T]) split(places []int) { s.write(s.notes(places, NotSent)) }

// settled notes outcomes as soon as they are known: a batch that is sent in parts may take
// a while.
func (s *sending[T]) settled(places []int) {
	notes := make([]note, len(places))
	for n, i := range places {
		s.noted[i] = true
		notes[n] = s.outcome(i)
	}
	s.write(notes)
}

// outcome is what the journal is to have of an invite that is sent or refused.
func (s *sending[T]) outcome(i int) note {
	n := note{address: s.batch[i].Mailbox, status: Sent, id: s.ids[i]}
	if s.delivery.Verdict(i) == evidence.Refused {
		refusal := s.delivery.Refusal(i)
		n = note{address: n.address, status: Refused, code: refusal.Code, message: refusal.Message}
	}
	return n
}

func (s *sending[T]) notes(places []int, status Status) []note {
	list := make([]note, len(places))
	for n, i := range places {
		list[n] = note{address: s.batch[i].Mailbox, status: status}
	}
	return list
}

// sort turns what is known of the invites into outcomes, and into what is to be
// tried again. It returns what the journal does not have of them yet.
func (s *sending[T]) sort(failed *exchange.Failure) []note {
	f, d, r := s.f, s.delivery, &s.result
	resumed := !s.batch[0].Before.At.IsZero()
	blind := d.Blind().Has(passing)
	again := failed.Has(passing) && !failed.Has(callers) && !f.stopped()
	r.size = len(s.batch)
	r.report = report{answered: resumed && d.Blind() == nil, unclear: d.Unclear(), throttled: d.HeldUp() || failed.Has(exchange.RateLimited), why: failed}
	notes := make([]note, 0, len(s.batch))
	r.outcomes = make([]Outcome[T], 0, len(s.batch))
	for i := range s.batch {
		it := &s.batch[i]
		o := Outcome[T]{Input: it.input, Index: it.index}
		switch verdict := d.Verdict(i); verdict {
		case evidence.Sent:
			o.Status, o.InviteID = Sent, s.ids[i]
			r.report.answered = true
		case evidence.Refused:
			refusal := d.Refusal(i)
			o.Status, o.Refusal = Refused, &refusal
			r.report.answered = true
		case evidence.Unknown:
			if blind && again {
				it.Before, it.Throttled = d.Start(i), d.OnlyThrottled(i)
				r.blind = append(r.blind, *it)
				continue // the journal has it as under way
			}
			r.report.barren = r.report.barren || !resumed
			o.Status, o.Err = Unknown, delivery.Because(failed, verdict)
		default:
			if again || it.Throttled {
				if it.Before, it.Throttled = (evidence.Start{}), false; d.Throttled(i) {
					it.Earlier = d.Start(i)
				}
				r.unsent = append(r.unsent, *it)
				notes = append(notes, note{address: it.Mailbox, status: NotSent})
				continue
			}
			r.report.barren = true
			o.Status, o.Err = NotSent, delivery.Because(failed, verdict)
		}
		r.outcomes = append(r.outcomes, o)
		switch {
		case s.noted[i]:
		case o.Status == Sent, o.Status == Refused:
			notes = append(notes, s.outcome(i))
		default:
			notes = append(notes, note{address: it.Mailbox, status: o.Status})
		}
	}
	r.report.blind = len(r.blind) > 0
	if r.report.again = len(r.unsent)+len(r.blind) > 0; r.report.again {
		r.report.after = max(d.Asked(), f.c.Call.Client.Sender.Pause(f.c.Call.Client.PlatformURL, Patience))
	}
	return notes
}

const (
	// passing are the kinds of a failure that may pass by itself.
	passing = exchange.Unavailable | exchange.RateLimited
	// callers are those of a failure that is about the caller, which every other batch
	// would meet too.
	callers = exchange.Unauthorized | exchange.Forbidden
)

// salvage gives the batch its outcomes when code of the caller's did not return.
func (s *sending[T]) salvage() {
	switch why := s.f.c.Call.Fail("the transport or the journal did not return", 0); {
	case s.result.size > 0: // it has them
	case s.delivery == nil:
		s.result.outcomes = s.f.unattempted(s.batch, why)
	default:
		s.sort(why)
	}
}

// write writes to the journal even where there is no time for anything else.
func (s *sending[T]) write(notes []note) {
	f := s.f
	ctx, cancel := context.WithTimeout(context.WithoutCancel(f.working), noteTimeout)
	defer cancel()
	if err := f.book.write(ctx, notes); err != nil {
		f.end(journalFailed(f.c.Call, "could not be written", err))
	}
}

// unattempted are the outcomes of invites that this run has not sent.
func (f *flow[T]) unattempted(batch []item[T], why error) []Outcome[T] {
	var failed *exchange.Failure
	if !errors.As(why, &failed) {
		failed = f.c.Call.FailBecause("not attempted", why, 0)
	}
	unsent, unknown := delivery.Because(failed, evidence.NotSent), delivery.Because(failed, evidence.Unknown)
	outcomes := make([]Outcome[T], len(batch))
	for i := range batch {
		o := Outcome[T]{Input: batch[i].input, Index: batch[i].index, Status: NotSent, Err: unsent}
		if !batch[i].Before.At.IsZero() {
			o.Status, o.Err = Unknown, unknown
		}
		outcomes[i] = o
	}
	return outcomes
}
