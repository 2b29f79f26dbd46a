package roq

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// send sends one batch of a campaign and returns what became of each invite in it.
// Its requests have the context working; none is begun when taking has ended, and
// end ends it.
func (m *campaign) send(working, taking context.Context, end context.CancelCauseFunc, batch []outgoing) []SendOutcome {
	if taking.Err() != nil {
		return m.unattempted(batch, ended(taking))
	}
	if !batch[0].began.IsZero() {
		return m.written(working, end, m.resume(working, taking, end, batch))
	}
	var outcomes []SendOutcome
	for round := 0; ; round++ {
		told, unsent, err := m.try(working, taking, end, batch)
		rest := m.unattempted(unsent, err)
		// Whoever is killed while the rest waits need not wonder about any of it.
		m.written(working, end, told)
		m.written(working, end, rest)
		if round == 0 {
			outcomes = told // as a rule these are all
		} else {
			outcomes = append(outcomes, told...)
		}
		if !m.goesOn(end, err, told, unsent) || m.opt.pace.Wait(taking, m.opt.pace.MaxAttempts+round, nil) != nil {
			return append(outcomes, rest...)
		}
		batch = unsent
	}
}

// try sends invites in one call, and returns what became of them, those that surely
// were not sent, and why.
func (m *campaign) try(working, taking context.Context, end context.CancelCauseFunc, batch []outgoing) (told []SendOutcome, unsent []outgoing, err error) {
	c, err := m.as.begin(working, m.operation, m.opts)
	if err != nil {
		return nil, batch, err
	}
	told = make([]SendOutcome, 0, len(batch))
	rest, err := c.sendBatches(working, m.as, &mailing{m.tenantID, batch}, sending{
		size: m.size,
		leaving: func(ctx context.Context, batch []outgoing, again bool) error {
			if taking.Err() != nil || again {
				return ended(taking)
			}
			err := m.logbook.intend(ctx, batch)
			if err != nil {
				end(m.last(m.journalFailed("could not be written", err)))
				err = fmt.Errorf("the journal could not be written: %w", err)
			}
			return err
		},
		halved: func(d *delivery) { m.written(working, end, m.unattempted(d.batch, d.err)) },
		done: func(d *delivery) {
			for i := range d.batch {
				if o := d.report(i); o.Status == OutcomeNotSent {
					unsent = append(unsent, d.batch[i])
				} else {
					told = append(told, o)
				}
			}
		},
	})
	return told, append(unsent, rest...), err
}

// resume finds out what became of a batch that an earlier run may have sent.
func (m *campaign) resume(working, taking context.Context, end context.CancelCauseFunc, batch []outgoing) []SendOutcome {
	c, err := m.as.begin(working, m.operation, m.opts)
	if err != nil {
		return m.unattempted(batch, err)
	}
	d := newDelivery(c, m.as, m.tenantID, batch)
	d.announce(func(context.Context, []outgoing, bool) error { return ended(taking) })
	d.err = d.resume(working)
	if hopeless(d.err) {
		end(m.last(d.err))
	}
	open := d.open()
	split := errors.Is(d.err, ErrBatchTooLarge) && len(open) > 1
	var outcomes []SendOutcome
	for i := range batch {
		if o := d.report(i); !split || o.Status != OutcomeUnknown {
			outcomes = append(outcomes, o)
		}
	}
	if split {
		m.size.limit(len(open))
		for part := range slices.Chunk(open, m.size.get()) {
			outcomes = append(outcomes, m.resume(working, taking, end, part)...)
		}
	}
	return outcomes
}

// report says what became of the i-th invite of the batch, and why.
func (d *delivery) report(i int) SendOutcome {
	o := SendOutcome{Index: d.batch[i].index, Input: *d.batch[i].input, Status: d.outcome(i)}
	switch o.Status {
	case OutcomeSent:
		o.Invite = new(UserInvite)
		d.fates[i].read(o.Invite)
		o.InviteID = o.Invite.ID
	case OutcomeRefused:
		o.Err = *d.fates[i].refused
	default:
		o.Err = d.because(d.err, o.Status)
	}
	return o
}

// unattempted are the outcomes of invites that this run has not sent.
func (m *campaign) unattempted(batch []outgoing, why error) []SendOutcome {
	outcomes := make([]SendOutcome, len(batch))
	for i := range batch {
		status := OutcomeNotSent
		if !batch[i].began.IsZero() {
			status = OutcomeUnknown
		}
		outcomes[i] = SendOutcome{Index: batch[i].index, Input: *batch[i].input, Status: status, Err: m.because(why, status)}
	}
	return outcomes
}

// because makes the error of a request, or the end of a campaign, that of one
// invite.
func (c *call) because(why error, status OutcomeStatus) *Error {
	kind := ErrNotSent
	if status == OutcomeUnknown {
		kind = ErrOutcomeUnknown
	}
	var e *Error
	if !errors.As(why, &e) {
		e = c.error("not attempted")
		if why != nil {
			e.Message += ": " + c.scrub(why.Error())
			e.cause = c.hide(why)
		}
	}
	one := *e
	one.kinds = append(without(without(e.kinds, ErrNotSent), ErrOutcomeUnknown), kind)
	return &one
}

// last makes the error of a request that of a campaign, where it says nothing about
// single invites.
func (m *campaign) last(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	whole := *e
	whole.kinds = without(without(e.kinds, ErrNotSent), ErrOutcomeUnknown)
	return &whole
}

// hopeless reports whether an error is about who asks, so that every other batch
// would meet it too.
func hopeless(err error) bool {
	return errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrForbidden)
}

// goesOn takes down how a batch fared, ends the campaign if there is no point in
// going on, and reports whether to try what was not sent once more.
func (m *campaign) goesOn(end context.CancelCauseFunc, err error, outcomes []SendOutcome, unsent []outgoing) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	has := func(status OutcomeStatus) bool {
		return slices.ContainsFunc(outcomes, func(o SendOutcome) bool { return o.Status == status })
	}
	if has(OutcomeSent) || has(OutcomeRefused) {
		m.sent, m.failures = time.Now(), 0
	}
	passing := errors.Is(err, ErrUnavailable) || errors.Is(err, ErrRateLimited)
	if has(OutcomeUnknown) || len(unsent) > 0 && !passing {
		m.failures++
	}
	switch {
	case len(unsent) == 0 && !has(OutcomeUnknown):
		return false
	case hopeless(err), m.failures >= maxFailures:
	case len(unsent) == 0, !passing:
		return false
	case !m.sent.IsZero() && time.Since(m.sent) < patience:
		return true
	}
	end(m.last(err))
	return false
}

// written notes outcomes in the journal before anybody is told of them.
func (m *campaign) written(working context.Context, end context.CancelCauseFunc, outcomes []SendOutcome) []SendOutcome {
	if len(outcomes) == 0 || m.logbook.journal == nil {
		return outcomes
	}
	// What has happened is noted even where there is no time for anything else.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(working), noteTimeout)
	defer cancel()
	if err := m.logbook.note(ctx, outcomes); err != nil {
		end(m.last(m.journalFailed("could not be written", err)))
	}
	return outcomes
}
