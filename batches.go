package roq

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-roq/roq/internal/wire"
)

// sendBatches sends the invites, batch after batch, until one fails. A batch that
// the platform answered, leaving somebody out, has not failed.
func (c *call) sendBatches(ctx context.Context, as *identity, m *mailing) (*SendUserInvitesResult, error) {
	result := new(SendUserInvitesResult)
	size := c.core.opt.batchSize
	var odd error
	for rest := m.invites; len(rest) > 0; {
		d := newDelivery(c, as, m.tenantID, rest[:min(size, len(rest))])
		err := d.run(ctx)
		if d.tooLarge(err) {
			size = len(d.batch) / 2
			continue
		}
		d.account(result)
		rest = rest[len(d.batch):]
		switch {
		case err != nil && !d.answered:
			result.NotSent = append(result.NotSent, inputs(rest)...)
			return result, result.qualify(err)
		case odd == nil:
			odd = err
		}
	}
	return result, result.qualify(odd)
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
		_, dated := d.since(asking)
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

// account puts every invite of the batch into the result, in order.
func (d *delivery) account(result *SendUserInvitesResult) {
	for _, out := range d.batch {
		invite, made := d.made[out.address]
		refusal, refused := d.refused[out.address]
		switch {
		case made:
			result.Success = append(result.Success, invite)
		case refused:
			result.Errors = append(result.Errors, refusal)
		case d.maybe:
			result.Unknown = append(result.Unknown, out.input)
		default:
			result.NotSent = append(result.NotSent, out.input)
		}
	}
}

func inputs(batch []outgoing) []UserInviteInput {
	in := make([]UserInviteInput, len(batch))
	for i, out := range batch {
		in[i] = out.input
	}
	return in
}
