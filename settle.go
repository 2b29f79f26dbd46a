package roq

import (
	"context"
	"slices"

	"github.com/go-roq/roq/internal/delivery"
	"github.com/go-roq/roq/internal/evidence"
	"github.com/go-roq/roq/internal/exchange"
	"github.com/go-roq/roq/internal/trace"
	"github.com/go-roq/roq/internal/wire"
)

// send makes the requests of SendUserInvites for the inputs that were found valid, and
// its result. Those that were skipped are in it too.
func (as *identity) send(ctx context.Context, d *delivery.Delivery, inputs []UserInviteInput, skipped []UserInviteError) (*SendUserInvitesResult, error) {
	made := make([]UserInvite, len(d.Invites))
	d.Keep = func(n int, row *wire.Invite) { made[n].read(row) }
	failure := d.Run(ctx)
	a := &account{
		tenantID: d.TenantID,
		people:   &people{inputs: slices.Clone(inputs)},
		verdicts: make([]evidence.Verdict, len(inputs)),
		unsent:   failure,
		unsure:   failure,
	}
	result := &SendUserInvitesResult{Success: made[:0], account: a}
	n := 0 // the place of the input among those that were valid
	for i := range inputs {
		if len(skipped) > 0 && skipped[0].Index == i {
			a.verdicts[i] = evidence.Refused
			result.Errors = append(result.Errors, skipped[0])
			skipped = skipped[1:]
			continue
		}
		a.verdicts[i] = d.Verdict(n)
		switch a.verdicts[i] {
		case evidence.Sent:
			result.Success = append(result.Success, made[n])
		case evidence.Refused:
			result.Errors = append(result.Errors, refusal(i, &inputs[i], d.Refusal(n)))
		case evidence.Unknown:
			result.Unknown = append(result.Unknown, inputs[i])
			one := d.Invites[n]
			one.Before = d.Start(n)
			a.open = append(a.open, one)
		default:
			result.NotSent = append(result.NotSent, inputs[i])
		}
		n++
	}
	if len(result.Success) == 0 {
		result.Success = nil
	}
	return result, failed(failure)
}

// delivery returns a delivery with the Client's settings.
func (as *identity) delivery(call *exchange.Call, tenantID string, invites []delivery.Invite, size *delivery.Size) *delivery.Delivery {
	return &delivery.Delivery{
		Call:          call,
		As:            as.as,
		TenantID:      tenantID,
		Invites:       invites,
		Send:          as.core.opt.schema.send,
		Size:          size,
		RepeatUnknown: as.core.opt.repeatUnknown,
	}
}

// refusal makes the caller's error of what the platform said of the index-th input.
func refusal(index int, in *UserInviteInput, r delivery.Refusal) UserInviteError {
	return UserInviteError{Index: index, Email: in.Email, FirstName: in.FirstName, LastName: in.LastName, Code: r.Code, Message: r.Message}
}

// SettleUserInvites finds out later what [RoqPlatform.SendUserInvites] could not. It
// looks up the invites in the result's Unknown until [WithSettleTimeout] expires, and
// moves those that it finds to Success. It sends nothing. It returns nil if none is left
// in Unknown, and otherwise an error that matches [ErrOutcomeUnknown].
//
// The result must come from SendUserInvites of a Client in this process, with its
// Success and Unknown as they were returned. SettleUserInvites modifies it, so no other
// goroutine may use it meanwhile.
func (p *RoqPlatform) SettleUserInvites(ctx context.Context, result *SendUserInvitesResult, opts ...CallOption) (err error) {
	operation := wire.SendUserInvitesV2.Name
	as := p.identity()
	call, _, err := as.begin(ctx, operation, opts)
	switch {
	case err != nil:
		return err
	case result == nil:
		return invalid(operation, "SettleUserInvites: the result is nil")
	case len(result.Unknown) == 0:
		return nil
	}
	if !result.settleable() {
		return invalid(operation, "SettleUserInvites: the result is not one that SendUserInvites returned")
	}
	a := result.account
	ctx, end := as.core.observe(ctx, call, trace.CallStart{Invites: len(a.open)})
	defer func() {
		end(trace.CallEnd{Err: err, Sent: len(a.open) - len(result.Unknown), Unknown: len(result.Unknown)})
	}()
	made := make([]UserInvite, len(a.open))
	d := as.delivery(call, a.tenantID, a.open, delivery.NewSize(new(delivery.Limit), maxBatch)) // it only reads
	d.Keep = func(n int, row *wire.Invite) { made[n].read(row) }
	d.RepeatUnknown = false
	failure := d.Run(ctx)
	left := *a // what another copy of the result has stays as it is
	left.verdicts, left.people, left.unsure = slices.Clone(a.verdicts), &people{inputs: a.inputs}, failure
	success := make([]UserInvite, 0, len(result.Success)+len(made))
	var unknown []UserInviteInput
	before, n := 0, 0 // the places in Success and Unknown
	for i, verdict := range a.verdicts {
		switch {
		case verdict == evidence.Sent:
			success = append(success, result.Success[before])
			before++
		case verdict == evidence.Unknown && d.Verdict(n) == evidence.Sent:
			left.verdicts[i] = evidence.Sent
			success = append(success, made[n])
			n++
		case verdict == evidence.Unknown:
			unknown = append(unknown, result.Unknown[n])
			left.open = append(left.open, a.open[n])
			n++
		}
	}
	result.Success, result.Unknown, result.account = success, unknown, &left
	return failed(failure)
}
