package roq

import (
	"slices"

	"github.com/go-roq/roq/internal/delivery"
	"github.com/go-roq/roq/internal/evidence"
	"github.com/go-roq/roq/internal/exchange"
)

// account says which input of a call is in which list of its result. Each list is in
// the order of the inputs, so that their verdicts are enough.
type account struct {
	tenantID string
	verdicts []evidence.Verdict // of each input
	*people
	// unsent is why there are invites in NotSent, unsure why there are in Unknown.
	unsent, unsure *exchange.Failure
}

// people are behind a pointer of their own: where a verb does not fit a pointer, fmt
// prints what it points to, and a result must not print the address of somebody who was
// refused.
type people struct {
	inputs []UserInviteInput
	// open are the invites in Unknown, each with what was known when it was sent.
	open []delivery.Invite
}

// counts returns how many inputs had each outcome when the result was made.
func (a *account) counts() (sent, refused, unknown, notSent int) {
	for _, verdict := range a.verdicts {
		switch verdict {
		case evidence.Sent:
			sent++
		case evidence.Refused:
			refused++
		case evidence.Unknown:
			unknown++
		default:
			notSent++
		}
	}
	return sent, refused, unknown, notSent
}

// settleable reports whether the lists that SettleUserInvites changes are as long as
// they were made.
func (r *SendUserInvitesResult) settleable() bool {
	if r.account == nil {
		return false
	}
	sent, _, unknown, _ := r.account.counts()
	return sent == len(r.Success) && unknown == len(r.Unknown)
}

// complete reports whether all lists are as long as they were made.
func (r *SendUserInvitesResult) complete() bool {
	if r == nil || !r.settleable() {
		return false
	}
	_, refused, _, notSent := r.account.counts()
	return refused == len(r.Errors) && notSent == len(r.NotSent)
}

// Outcomes returns the outcome of every input, in the order of
// [SendUserInvitesInput].UserInvites. It returns what [RoqPlatform.SendAllUserInvites]
// yields for the same input. After [RoqPlatform.SettleUserInvites] the outcomes are
// those that it found.
//
// The lists must be as SendUserInvites or SettleUserInvites returned them. If their
// lengths have changed, or the result is nil or was not returned by SendUserInvites,
// Outcomes returns nil.
func (r *SendUserInvitesResult) Outcomes() []SendOutcome {
	if !r.complete() {
		return nil
	}
	a := r.account
	var unsent, unsure error
	if len(r.NotSent) > 0 {
		unsent = failed(delivery.Because(a.unsent, evidence.NotSent))
	}
	if len(r.Unknown) > 0 {
		unsure = failed(delivery.Because(a.unsure, evidence.Unknown))
	}
	made := slices.Clone(r.Success) // the caller may change one and not the other
	all := make([]SendOutcome, len(a.inputs))
	refused := r.Errors
	for i := range all {
		o := &all[i]
		o.Index, o.Input = i, a.inputs[i]
		switch a.verdicts[i] {
		case evidence.Sent:
			o.Status, o.InviteID, o.Invite = OutcomeSent, made[0].ID, &made[0]
			made = made[1:]
		case evidence.Refused:
			o.Status, o.Err = refused[0].outcome()
			refused = refused[1:]
		case evidence.Unknown:
			o.Status, o.Err = OutcomeUnknown, unsure
		default:
			o.Status, o.Err = OutcomeNotSent, unsent
		}
	}
	return all
}

// outcome returns the refusal as a stream has it.
func (e UserInviteError) outcome() (OutcomeStatus, error) {
	switch {
	case e.own == nil:
		return OutcomeRefused, e
	case e.repeats:
		return OutcomeDuplicate, e.own
	default:
		return OutcomeRefused, e.own
	}
}
