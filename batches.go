package roq

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/go-roq/roq/internal/wire"
)

// sending is what goes with batches, one after the other or side by side.
type sending struct {
	size *batchSize
	// leaving, if there is one, is called before a batch leaves, and whenever it
	// leaves again, and keeps it here with an error.
	leaving func(ctx context.Context, batch []outgoing, again bool) error
	// halved, if there is one, is called for a batch that surely was not sent, because
	// it is sent in parts.
	halved func(*delivery)
	// done is called when it is known what became of a batch.
	done func(*delivery)
}

// sendBatches sends the invites, batch after batch, until one fails. A batch that
// the platform answered, leaving somebody out, has not failed. It returns the invites
// that were not attempted; its error without any of these is an odd answer's.
func (c *call) sendBatches(ctx context.Context, as *identity, m *mailing, s sending) (rest []outgoing, err error) {
	var odd error
	for rest := m.invites; len(rest) > 0; {
		d := newDelivery(c, as, m.tenantID, rest[:min(s.size.get(), len(rest))])
		d.announce(s.leaving)
		d.err = d.run(ctx)
		switch {
		case d.tooLarge(d.err):
			s.size.limit(len(d.batch))
			if s.halved != nil {
				s.halved(d)
			}
			continue
		case d.timedOut():
			s.size.halve(len(d.batch))
		case d.answered:
			s.size.praise(len(d.batch))
		}
		s.done(d)
		d.recycle()
		rest = rest[len(d.batch):]
		switch {
		case d.err != nil && !d.answered:
			return rest, d.err
		case odd == nil:
			odd = d.err
		}
	}
	return nil, odd
}

// recycle gives up the answers: everything there is to know is known.
func (d *delivery) recycle() {
	for _, sent := range d.answers {
		sent.Success.Recycle()
	}
}

// announce has leaving called before the batch's requests leave.
func (d *delivery) announce(leaving func(ctx context.Context, batch []outgoing, again bool) error) {
	if leaving == nil {
		return
	}
	announced := false
	d.leaving = func(ctx context.Context) error {
		err := leaving(ctx, d.batch, announced)
		announced = announced || err == nil
		return err
	}
}

// sendUserInvites is [RoqPlatform.SendUserInvites] for an input that was found
// valid.
func (c *call) sendUserInvites(ctx context.Context, as *identity, m *mailing) (*SendUserInvitesResult, error) {
	result := new(SendUserInvitesResult)
	rest, err := c.sendBatches(ctx, as, m, sending{size: newBatchSize(c.opt.batchSize), done: func(d *delivery) { d.account(result) }})
	for _, out := range rest {
		result.NotSent = append(result.NotSent, *out.input)
	}
	return result, result.qualify(err)
}

// qualify makes the error of one request that of the whole call: it must not say
// that nothing happened if something did, and must say so if anything may have.
func (r *SendUserInvitesResult) qualify(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	whole := *e
	if len(r.Success)+len(r.Errors)+len(r.Unknown) > 0 {
		whole.kinds = without(e.kinds, ErrNotSent)
	}
	if len(r.Unknown) > 0 && !errors.Is(&whole, ErrOutcomeUnknown) {
		whole.kinds = append(whole.kinds, ErrOutcomeUnknown)
	}
	return &whole
}

// delivery is one batch on its way: a request, and what it takes to know what
// became of each invite in it.
type delivery struct {
	*call
	as       *identity
	tenantID string
	batch    []outgoing

	// fates is what is known of each of the batch, and index where in it an address
	// is.
	fates []fate
	index map[string]int // made when it is needed
	// maybe is whether those of which nothing is known may have been sent.
	maybe bool
	// answered is whether the platform gave an account of the invites, and no error
	// beside it.
	answered bool
	// err is what run came to.
	err error
	// answers are where the invites that were made stand.
	answers []*wire.Sent
}

// fate is what is known of an invite: one of the first three, or nothing.
type fate struct {
	// made is the invite as it was answered, found as it was looked up.
	made  *wire.Invite
	found *UserInvite
	// refused is a refusal, and claimed one after an attempt that may have been what
	// it is refused for.
	refused, claimed *UserInviteError
}

// sent reports whether there is an invite.
func (f *fate) sent() bool { return f.made != nil || f.found != nil }

// read puts the invite that was sent, as it was seen last, into i.
func (f *fate) read(i *UserInvite) {
	if f.found != nil {
		*i = *f.found
		return
	}
	i.read(f.made)
}

func (f *fate) known() bool { return f.sent() || f.refused != nil }

func newDelivery(c *call, as *identity, tenantID string, batch []outgoing) *delivery {
	return &delivery{call: c, as: as, tenantID: tenantID, batch: batch, fates: make([]fate, len(batch))}
}

// at returns where in the batch an address, in any case of letters, is: at guess, if
// the platform keeps to the order in which it was asked.
func (d *delivery) at(email string, guess int) (int, bool) {
	address := foldAddress(email)
	if guess < len(d.batch) && d.batch[guess].address == address {
		return guess, true
	}
	if d.index == nil {
		d.index = make(map[string]int, len(d.batch))
		for i := range d.batch {
			d.index[d.batch[i].address] = i
		}
	}
	i, ok := d.index[address]
	return i, ok
}

// run sends the batch, and again what was settled as not sent and may be
// repeated. It returns nil if every invite is made or refused.
func (d *delivery) run(ctx context.Context) error {
	for d.next(); ; {
		open, before := d.open(), d.left
		sent, err := d.post(ctx, d.as, d.tenantID, open)
		d.answered = sent != nil && err == nil
		if sent != nil {
			d.answers = append(d.answers, sent)
			excess := d.note(sent)
			if err == nil && excess > 0 {
				err = d.error(fmt.Sprintf("the answer names %d that nobody asked for", excess), ErrUnavailable)
			}
		}
		d.maybe = d.maybe || d.last.Maybe || sent != nil
		if d.unknown() == 0 || !d.maybe {
			return err
		}
		read := d.settle(ctx)
		if d.unknown() == 0 {
			if sent == nil {
				return nil
			}
			return err
		}
		if err == nil {
			err = d.error(fmt.Sprintf("the answer leaves out %d of %d invites", d.unknown(), len(open)), ErrUnavailable)
		}
		repeat := read && d.throttled() || d.core.opt.repeatUnknown && d.left > 0 && d.left < before && !d.last.Outcome.Refusal()
		if !repeat || d.waitToRepeat(ctx) != nil {
			return err
		}
	}
}

// resume takes up a batch that an earlier process may have sent: it looks for the
// invites, and sends those that it does not find only where that is safe.
func (d *delivery) resume(ctx context.Context) error {
	d.next()
	d.maybe = true
	d.settle(ctx)
	switch n := d.unknown(); {
	case n == 0:
		return nil
	case d.core.opt.repeatUnknown:
		return d.run(ctx)
	default:
		return d.error(fmt.Sprintf("whether %d invites were sent before is unknown", n), ErrOutcomeUnknown)
	}
}

// open returns the invites of which it is not known what became.
func (d *delivery) open() []outgoing {
	if d.unknown() == len(d.batch) {
		return d.batch
	}
	var open []outgoing
	for i := range d.batch {
		if !d.fates[i].known() {
			open = append(open, d.batch[i])
		}
	}
	return open
}

// unknown counts them.
func (d *delivery) unknown() int {
	n := 0
	for i := range d.fates {
		if !d.fates[i].known() {
			n++
		}
	}
	return n
}

// note takes down what an answer says of each address, and returns how many of
// the invites in it were not asked for.
func (d *delivery) note(sent *wire.Sent) int {
	excess, next := 0, 0
	for i := range sent.Success {
		invite := &sent.Success[i]
		at, asked := d.at(invite.Email, next)
		next = at + 1
		if !asked || d.fates[at].sent() {
			excess++
			continue
		}
		d.fates[at].made = invite
	}
	for _, r := range sent.Errors {
		at, asked := d.at(r.Email, len(d.batch))
		if !asked {
			excess++
			continue
		}
		f := &d.fates[at]
		if f.sent() {
			continue // sent all the same
		}
		refusal := d.refusal(d.batch[at].input, wire.InviteError(r.Error))
		// What says that it is so already, or does not say why, may be an echo of an
		// attempt before.
		if d.maybe && (refusal.Code == "" || refusal.Is(ErrAlreadyInvited) || refusal.Is(ErrAlreadyExists) || refusal.Is(ErrAlreadyAccepted)) {
			f.claimed = &refusal
			continue
		}
		f.refused = &refusal
	}
	return excess
}

// refusal is what the platform said of one input.
func (c *call) refusal(in *UserInviteInput, e wire.Error) UserInviteError {
	return UserInviteError{
		Email:     in.Email,
		FirstName: in.FirstName,
		LastName:  in.LastName,
		Code:      c.identifier(e.Code),
		Message:   c.scrub(e.Message),
	}
}

// settle looks for the open invites among those that the platform has, and
// reports whether those that it did not find are surely not there.
func (d *delivery) settle(ctx context.Context) bool {
	var last seen
	d.call.settle(ctx, func(ctx context.Context, asking *call) bool {
		last = d.lookUp(ctx, asking, d.as, d.tenantID, d.open())
		dated := asking.dated()
		for address, invite := range last.found {
			at, _ := d.at(address, len(d.batch))
			f := &d.fates[at]
			// Without a time to compare with, an invite counts only if the platform has
			// said that it is in the way of the same one again.
			if dated || f.claimed != nil && f.claimed.Is(ErrAlreadyInvited) && d.core.opt.repeatUnknown && invite.Status == StatusPending {
				f.found = &invite
			}
		}
		return d.unknown() == 0 || last.answered && !dated
	})
	// A platform that takes no second invite has refused these for one that was
	// there before.
	for i := range d.fates {
		f := &d.fates[i]
		if f.claimed != nil && !f.sent() && d.core.opt.repeatUnknown && last.older[d.batch[i].address] && f.claimed.Is(ErrAlreadyInvited) {
			f.refused = f.claimed
		}
	}
	return last.complete
}

// tooLarge reports whether the batch was refused for its size, and surely nothing
// else happened.
func (d *delivery) tooLarge(err error) bool {
	return errors.Is(err, ErrBatchTooLarge) && !d.maybe && d.unknown() == len(d.batch) && len(d.batch) > 1
}

// timedOut reports whether the platform, or what is in front of it, took longer
// for the batch than it was given.
func (d *delivery) timedOut() bool {
	return errors.Is(d.last.Err, context.DeadlineExceeded) && !d.last.Interrupted ||
		d.last.Answer != nil && d.last.Answer.Status == http.StatusGatewayTimeout
}

// outcome says what became of the i-th invite of the batch.
func (d *delivery) outcome(i int) OutcomeStatus {
	switch f := &d.fates[i]; {
	case f.sent():
		return OutcomeSent
	case f.refused != nil:
		return OutcomeRefused
	case d.maybe:
		return OutcomeUnknown
	default:
		return OutcomeNotSent
	}
}

// account puts every invite of the batch into the result, in order.
func (d *delivery) account(result *SendUserInvitesResult) {
	sent := 0
	for i := range d.fates {
		if d.fates[i].sent() {
			sent++
		}
	}
	result.Success = slices.Grow(result.Success, sent)
	for i := range d.fates {
		switch f := &d.fates[i]; d.outcome(i) {
		case OutcomeSent:
			result.Success = append(result.Success, UserInvite{})
			f.read(&result.Success[len(result.Success)-1])
		case OutcomeRefused:
			result.Errors = append(result.Errors, *f.refused)
		case OutcomeUnknown:
			result.Unknown = append(result.Unknown, *d.batch[i].input)
		default:
			result.NotSent = append(result.NotSent, *d.batch[i].input)
		}
	}
}
