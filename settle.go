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

// unsettled is what it takes to settle a result's Unknown later.
type unsettled struct {
	tenantID string
	// invites are those in Unknown, each with what was known when it was sent, and
	// places are their places in the input.
	invites []delivery.Invite
	places  []int
	// sent are the places of those in Success.
	sent []int
}

// send makes the requests of SendUserInvites for an input that was found valid, and
// its result.
func (as *identity) send(ctx context.Context, call *exchange.Call, tenantID string, inputs []UserInviteInput, invites []delivery.Invite, batchSize int) (*SendUserInvitesResult, error) {
	made := make([]UserInvite, len(invites))
	d := as.delivery(call, tenantID, invites, delivery.NewSize(batchSize))
	d.Keep = func(i int, row *wire.Invite) { made[i].read(row) }
	failure := d.Run(ctx)
	result := &SendUserInvitesResult{Success: made[:0]}
	if _, _, unknown, _ := d.Count(); unknown > 0 {
		result.open = &unsettled{tenantID: tenantID}
	}
	for i := range invites {
		switch d.Verdict(i) {
		case evidence.Sent:
			result.Success = append(result.Success, made[i])
			if result.open != nil {
				result.open.sent = append(result.open.sent, i)
			}
		case evidence.Refused:
			result.Errors = append(result.Errors, refusal(&inputs[i], d.Refusal(i)))
		case evidence.Unknown:
			result.Unknown = append(result.Unknown, inputs[i])
			one := invites[i]
			one.Before = d.Start(i)
			result.open.invites, result.open.places = append(result.open.invites, one), append(result.open.places, i)
		default:
			result.NotSent = append(result.NotSent, inputs[i])
		}
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

// send is the operation that sends invites in this version of the schema.
func (s Schema) send(w wire.Send) (*wire.Operation, any) {
	if s == SchemaV1 {
		return wire.SendUserInvitesV1, wire.SendV1{UserInvites: w}
	}
	return wire.SendUserInvitesV2, wire.SendV2{Data: w}
}

// refusal makes the caller's error of what the platform said of one input.
func refusal(in *UserInviteInput, r delivery.Refusal) UserInviteError {
	return UserInviteError{Email: in.Email, FirstName: in.FirstName, LastName: in.LastName, Code: r.Code, Message: r.Message}
}

// SettleUserInvites finds out later what [RoqPlatform.SendUserInvites] could not:
// it looks for the invites in the result's Unknown, and moves those that it finds to
// Success. It sends nothing. It returns nil when none is left in Unknown, and
// otherwise an error that matches [ErrOutcomeUnknown].
//
// The result must be one of SendUserInvites of a Client in this process, with its
// Success and Unknown as they were returned; it is changed, so that no other
// goroutine may use it meanwhile. It looks for as long as [WithSettleTimeout]
// allows.
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
	open := result.open
	if open == nil || len(open.invites) != len(result.Unknown) || len(open.sent) != len(result.Success) {
		return invalid(operation, "SettleUserInvites: the result is not one that SendUserInvites returned")
	}
	ctx, end := as.core.observe(ctx, call, false, len(open.invites))
	defer func() {
		end(trace.CallEnd{Err: err, Sent: len(open.invites) - len(result.Unknown), Unknown: len(result.Unknown)})
	}()
	made := make([]UserInvite, len(open.invites))
	d := as.delivery(call, open.tenantID, open.invites, delivery.NewSize(maxBatch))
	d.Keep = func(i int, row *wire.Invite) { made[i].read(row) }
	d.RepeatUnknown = false
	failure := d.Run(ctx)
	left := &unsettled{tenantID: open.tenantID, sent: open.sent}
	var unknown []UserInviteInput
	for i := range made {
		if d.Verdict(i) != evidence.Sent {
			unknown = append(unknown, result.Unknown[i])
			left.invites, left.places = append(left.invites, open.invites[i]), append(left.places, open.places[i])
			continue
		}
		at, _ := slices.BinarySearch(left.sent, open.places[i])
		left.sent = slices.Insert(left.sent, at, open.places[i])
		result.Success = slices.Insert(result.Success, at, made[i])
	}
	result.Unknown, result.open = unknown, left
	return failed(failure)
}
