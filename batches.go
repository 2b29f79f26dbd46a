package roq

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/go-roq/roq/internal/wire"
)

// batchSize is how many invites go in one request at most. It only ever falls,
// and all who send at the same time share it.
type batchSize struct{ n atomic.Int64 }

func newBatchSize(n int) *batchSize {
	s := new(batchSize)
	s.n.Store(int64(n))
	return s
}

func (s *batchSize) get() int { return int(s.n.Load()) }

// halve makes the size half of that of a batch which was too much, unless it is
// smaller already.
func (s *batchSize) halve(tooMuch int) {
	half := int64(max(1, tooMuch/2))
	for {
		n := s.n.Load()
		if n <= half || s.n.CompareAndSwap(n, half) {
			return
		}
	}
}

// sendBatches sends the invites, batch after batch, until one fails, and hands
// each batch to done when it is known what became of it. A batch that the
// platform answered, leaving somebody out, has not failed. It returns the invites
// that were not attempted; its error without any of these is an odd answer's.
func (c *call) sendBatches(ctx context.Context, as *identity, m *mailing, size *batchSize, done func(*delivery)) (rest []outgoing, err error) {
	var odd error
	for rest := m.invites; len(rest) > 0; {
		d := newDelivery(c, as, m.tenantID, rest[:min(size.get(), len(rest))])
		err := d.run(ctx)
		d.err = err
		if d.tooLarge(err) {
			size.halve(len(d.batch))
			continue
		}
		if d.timedOut() {
			size.halve(len(d.batch))
		}
		done(d)
		rest = rest[len(d.batch):]
		switch {
		case err != nil && !d.answered:
			return rest, err
		case odd == nil:
			odd = err
		}
	}
	return nil, odd
}

// sendUserInvites is [RoqPlatform.SendUserInvites] for an input that was found
// valid.
func (c *call) sendUserInvites(ctx context.Context, as *identity, m *mailing) (*SendUserInvitesResult, error) {
	result := new(SendUserInvitesResult)
	rest, err := c.sendBatches(ctx, as, m, newBatchSize(c.opt.batchSize), func(d *delivery) { d.account(result) })
	for _, out := range rest {
		result.NotSent = append(result.NotSent, out.input)
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

	// made and refused are what is known, by address.
	made    map[string]UserInvite
	refused map[string]UserInviteError
	// claimed are refused after an attempt that may have been what they are refused
	// for.
	claimed map[string]UserInviteError
	// maybe is whether the others may have been sent.
	maybe bool
	// answered is whether the platform gave an account of the invites, and no error
	// beside it.
	answered bool
	// err is what run came to.
	err error
}

func newDelivery(c *call, as *identity, tenantID string, batch []outgoing) *delivery {
	return &delivery{call: c, as: as, tenantID: tenantID, batch: batch,
		made: make(map[string]UserInvite), refused: make(map[string]UserInviteError), claimed: make(map[string]UserInviteError)}
}

// run sends the batch, and again what was settled as not sent and may be
// repeated. It returns nil if every invite is made or refused.
func (d *delivery) run(ctx context.Context) error {
	for d.next(); ; {
		open, before := d.open(), d.left
		sent, err := d.post(ctx, d.as, d.tenantID, open)
		d.answered = sent != nil && err == nil
		if sent != nil {
			excess := d.note(sent)
			if err == nil && excess > 0 {
				err = d.error(fmt.Sprintf("the answer names %d that nobody asked for", excess), ErrUnavailable)
			}
		}
		d.maybe = d.maybe || d.last.Maybe || sent != nil
		if len(d.open()) == 0 || !d.maybe {
			return err
		}
		read := d.settle(ctx)
		if len(d.open()) == 0 {
			if sent == nil {
				return nil
			}
			return err
		}
		if err == nil {
			err = d.error(fmt.Sprintf("the answer leaves out %d of %d invites", len(d.open()), len(open)), ErrUnavailable)
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
	switch n := len(d.open()); {
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
	var open []outgoing
	for _, out := range d.batch {
		_, made := d.made[out.address]
		if _, refused := d.refused[out.address]; !made && !refused {
			open = append(open, out)
		}
	}
	return open
}

// note takes down what an answer says of each address, and returns how many of
// the invites in it were not asked for.
func (d *delivery) note(sent *wire.Sent) int {
	asked := make(map[string]UserInviteInput, len(d.batch))
	for _, out := range d.batch {
		asked[out.address] = out.input
	}
	excess := 0
	for i := range sent.Success {
		address := foldAddress(sent.Success[i].Email)
		_, before := d.made[address]
		if _, ok := asked[address]; !ok || before {
			excess++
			continue
		}
		d.made[address] = newUserInvite(&sent.Success[i])
	}
	for _, r := range sent.Errors {
		address := foldAddress(r.Email)
		input, ok := asked[address]
		if !ok {
			excess++
			continue
		}
		refusal := d.refusal(input, wire.InviteError(r.Error))
		if _, made := d.made[address]; made {
			continue // sent all the same
		}
		// What says that it is so already, or does not say why, may be an echo of an
		// attempt before.
		if d.maybe && (refusal.Code == "" || refusal.Is(ErrAlreadyInvited) || refusal.Is(ErrAlreadyExists) || refusal.Is(ErrAlreadyAccepted)) {
			d.claimed[address] = refusal
			continue
		}
		d.refused[address] = refusal
	}
	return excess
}

// refusal is what the platform said of one input.
func (c *call) refusal(in UserInviteInput, e wire.Error) UserInviteError {
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
			// Without a time to compare with, an invite counts only if the platform has
			// said that it is in the way of the same one again.
			claim, claimed := d.claimed[address]
			if dated || claimed && claim.Is(ErrAlreadyInvited) && d.core.opt.repeatUnknown && invite.Status == StatusPending {
				d.made[address] = invite
			}
		}
		return len(d.open()) == 0 || last.answered && !dated
	})
	// A platform that takes no second invite has refused these for one that was
	// there before.
	for address, claim := range d.claimed {
		if _, made := d.made[address]; !made && d.core.opt.repeatUnknown && last.older[address] && claim.Is(ErrAlreadyInvited) {
			d.refused[address] = claim
		}
	}
	return last.complete
}

// tooLarge reports whether the batch was refused for its size, and surely nothing
// else happened.
func (d *delivery) tooLarge(err error) bool {
	return errors.Is(err, ErrBatchTooLarge) && !d.maybe && len(d.made)+len(d.refused) == 0 && len(d.batch) > 1
}

// timedOut reports whether the platform, or what is in front of it, took longer
// for the batch than it was given.
func (d *delivery) timedOut() bool {
	return errors.Is(d.last.Err, context.DeadlineExceeded) && !d.last.Interrupted ||
		d.last.Answer != nil && d.last.Answer.Status == http.StatusGatewayTimeout
}

// outcome says what became of one invite of the batch.
func (d *delivery) outcome(out *outgoing) OutcomeStatus {
	if _, made := d.made[out.address]; made {
		return OutcomeSent
	}
	if _, refused := d.refused[out.address]; refused {
		return OutcomeRefused
	}
	if d.maybe {
		return OutcomeUnknown
	}
	return OutcomeNotSent
}

// account puts every invite of the batch into the result, in order.
func (d *delivery) account(result *SendUserInvitesResult) {
	for i := range d.batch {
		out := &d.batch[i]
		switch d.outcome(out) {
		case OutcomeSent:
			result.Success = append(result.Success, d.made[out.address])
		case OutcomeRefused:
			result.Errors = append(result.Errors, d.refused[out.address])
		case OutcomeUnknown:
			result.Unknown = append(result.Unknown, out.input)
		default:
			result.NotSent = append(result.NotSent, out.input)
		}
	}
}
