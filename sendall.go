package roq

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/go-roq/roq/internal/campaign"
	"github.com/go-roq/roq/internal/delivery"
	"github.com/go-roq/roq/internal/exchange"
	"github.com/go-roq/roq/internal/trace"
	"github.com/go-roq/roq/internal/wire"
)

// SendAllUserInvitesInput says whom to invite to which tenant, in any number.
type SendAllUserInvitesInput struct {
	// TenantID is the tenant that all invitees join. It is required, except with
	// [Client.AsSession], where empty means the session's tenant.
	TenantID string
	// UserInvites yields the people to invite, for example from a file, a database
	// cursor or a channel. An error that it yields ends the stream. Maps in an input must
	// not be changed after it was yielded. Required.
	UserInvites iter.Seq2[UserInviteInput, error]
	// Campaign distinguishes this stream from others to the same tenant, so that it cannot
	// use the journal of another one: see [WithJournal]. It may be empty.
	Campaign string
}

// OutcomeStatus is the outcome of one input of a stream or a call.
type OutcomeStatus string

// The outcomes of an invite.
const (
	// OutcomeSent: the platform created the invite.
	OutcomeSent OutcomeStatus = "sent"
	// OutcomeRefused: the platform refused it, or this package did because it is not
	// valid.
	OutcomeRefused OutcomeStatus = "refused"
	// OutcomeUnknown: it may have been mailed, and is not sent again.
	OutcomeUnknown OutcomeStatus = "unknown"
	// OutcomeNotSent: it was not mailed, because its request failed or was not
	// attempted.
	OutcomeNotSent OutcomeStatus = "not sent"
	// OutcomeDuplicate: it was not sent, because an earlier input has the same address.
	OutcomeDuplicate OutcomeStatus = "duplicate"
	// OutcomeUnderWay is in journals only: a request with the invite was about to be
	// sent.
	OutcomeUnderWay OutcomeStatus = "under way"
)

// SendOutcome is the outcome of one input: of a stream, or of a call
// ([SendUserInvitesResult.Outcomes]).
type SendOutcome struct {
	// Index is the index of the input in the stream or the call, from 0.
	Index int
	// Input is the unchanged input.
	Input UserInviteInput
	// Status is any of the Outcome constants but OutcomeUnderWay.
	Status OutcomeStatus
	// InviteID is the invite's id if Status is OutcomeSent.
	InviteID string
	// Invite is the invite if Status is OutcomeSent. It is nil if the journal says that
	// an earlier run sent it.
	Invite *UserInvite
	// Err says why Status is not OutcomeSent: a [UserInviteError] from the platform, or
	// an [*Error]. The kind of the latter is [ErrInvalidInput] if the input is not valid
	// or a duplicate, and otherwise [ErrOutcomeUnknown] or [ErrNotSent].
	Err error
}

// SendAllUserInvites invites any number of people from a stream, and returns the
// outcome of each. Every input that is taken from the stream is returned exactly once,
// as soon as its outcome is known. Inputs are sent in batches ([WithBatchSize]), as fast
// as [WithRateLimit] allows. A batch that is not full is sent one second after its first
// input. The stream begins with one batch in flight and doubles the number with each
// round of answered batches, up to [WithParallel]. After a timeout or an unclear
// response it goes back to one batch in flight, of half the size.
//
// Each batch is sent and settled as by [RoqPlatform.SendUserInvites]: nobody is mailed
// twice because of a retry, and inputs that may have been mailed are OutcomeUnknown. An
// input that is not valid, or that repeats an earlier address in any spelling, is
// reported, and the others are sent, with or without [WithSkipInvalid].
//
// A batch that was not sent is retried until no batch has succeeded for five minutes,
// or for ten times the wait that the platform asks for if that is longer. If the
// platform is too busy or too broken for a look-up, the look-up is retried for as long.
// The stream obeys a Retry-After of up to five minutes. If nothing has ever been sent
// and the platform cannot be reached, the stream ends at once. If sends are lost but
// reads work, the stream tries smaller and smaller batches, down to one invite, with
// growing pauses, and ends after five minutes. It also ends when five batches in a row
// fail in another way, or when the platform refuses the caller ([ErrUnauthorized],
// [ErrForbidden]).
//
// An error is returned once, last, with a zero outcome: the stream's own error,
// unchanged; the context's, if it cut anything short; the journal's; or the reason why
// the stream stopped. A panic or [runtime.Goexit] in the stream, the journal or a
// transport propagates out of the loop, after every input that was taken has its
// outcome.
//
// When the context ends, no further batch is sent. The loop continues until every input
// that was taken has its outcome: requests in flight may take up to the sum of
// [WithTimeout] and [WithSettleTimeout], and inputs that were not attempted are
// OutcomeNotSent. Breaking out of the loop waits for requests in flight in the same way;
// their outcomes are then in the journal only. The stream is read on its own goroutine,
// one input at a time, so a slow stream delays no outcome. A stream that blocks should
// watch the context, because the loop waits for it for only one second.
//
// [WithJournal] makes it safe to kill the process and start again.
func (p *RoqPlatform) SendAllUserInvites(ctx context.Context, in SendAllUserInvitesInput, opts ...StreamOption) iter.Seq2[SendOutcome, error] {
	return func(yield func(SendOutcome, error) bool) {
		as := p.identity()
		c, err := as.campaign(ctx, &in, opts)
		if err == nil {
			var total trace.CallEnd
			ctx, end := as.core.observe(ctx, c.Call, trace.CallStart{Mutation: true, Loop: true})
			defer func() {
				total.Err = err
				end(total)
			}()
			err = streamError(c.Run(ctx, outcomes(in.UserInvites), func(o campaign.Outcome[*SendOutcome]) bool {
				count(&total, OutcomeStatus(o.Status))
				return yield(*outcome(o), nil)
			}))
		}
		if err != nil {
			yield(SendOutcome{}, err)
		}
	}
}

// campaign refuses what is wrong with the call, before anything is sent.
func (as *identity) campaign(ctx context.Context, in *SendAllUserInvitesInput, opts []StreamOption) (*campaign.Campaign[*SendOutcome], error) {
	operation := wire.SendUserInvitesV2.Name
	if as.err != nil {
		return nil, as.err.of(operation)
	}
	opt := streamOptions{callOptions: as.core.opt.callOptions}
	for i, o := range opts {
		if o == nil {
			return nil, badOption(operation, i, nil)
		}
		if err := o.applyToStream(&opt); err != nil {
			return nil, badOption(operation, i, err)
		}
	}
	call, err := as.core.call(ctx, operation, &opt.callOptions)
	if err != nil {
		return nil, err
	}
	f := about()
	tenantID := as.tenant(f, in.TenantID)
	if in.UserInvites == nil {
		f.add("UserInvites", "must not be nil")
	}
	f.check("Campaign", campaignName(in.Campaign))
	if err := f.err(operation); err != nil {
		return nil, err
	}
	c := &campaign.Campaign[*SendOutcome]{
		Call: call,
		As:   as.as,
		New: func() *exchange.Call {
			batch, _ := as.core.call(ctx, operation, &opt.callOptions) // fails without a context only
			batch.Requests = call.Requests
			return batch
		},
		TenantID:      tenantID,
		Title:         in.Campaign,
		Send:          as.core.opt.schema.send,
		Size:          delivery.NewSize(&as.core.limit, opt.batchSize),
		Parallel:      opt.parallel,
		RepeatUnknown: as.core.opt.repeatUnknown,
		Name:          campaign.Name(call.Client, tenantID, in.Campaign),
		Prepare: func(index int, o *SendOutcome) (invite delivery.Invite, err error) {
			o.Index = index
			f := &findings{index: index}
			as.prepareOne(f, &o.Input, &invite)
			if len(f.list) > 0 {
				err = f.one(operation)
			}
			return invite, err
		},
		Repeats: func(index, first int) error {
			f := &findings{index: index}
			f.add("Email", fmt.Sprintf("must not be the address of input %d", first))
			return f.one(operation)
		},
		Keep: func(o *SendOutcome, row *wire.Invite) { o.Invite = userInvite(row) },
	}
	if opt.journal != nil {
		c.Journal = keeper{opt.journal}
	}
	return c, nil
}

// outcomes makes a stream of outcomes, which are only inputs yet, of one of inputs.
func outcomes(source iter.Seq2[UserInviteInput, error]) iter.Seq2[*SendOutcome, error] {
	return func(yield func(*SendOutcome, error) bool) {
		for in, err := range source {
			in.Roles = slices.Clone(in.Roles) // a stream may use one slice for all
			if !yield(&SendOutcome{Input: in}, err) {
				return
			}
		}
	}
}

// outcome completes an outcome.
func outcome(from campaign.Outcome[*SendOutcome]) *SendOutcome {
	o := from.Input
	o.Status, o.InviteID = OutcomeStatus(from.Status), from.InviteID
	switch {
	case from.Status == campaign.Sent:
		return o
	case from.Refusal != nil:
		o.Err = refusal(o.Index, &o.Input, *from.Refusal)
	default:
		o.Err = streamError(from.Err)
	}
	o.Invite = nil // what an unusable answer named
	return o
}

// streamError makes the caller's error of one of a stream, which may be the caller's
// own already, or both.
func streamError(err error) error {
	switch e := err.(type) { //nolint:errorlint // they are never wrapped
	case *exchange.Failure:
		return failed(e)
	case *campaign.BothError:
		return errors.Join(failed(e.Failure), e.Source)
	default:
		return err
	}
}

// InputsOf returns a stream for [SendAllUserInvitesInput].UserInvites from a sequence
// without errors: slices.Values of a slice, or a function that receives from a channel.
// If inputs is nil, it returns nil, which [RoqPlatform.SendAllUserInvites] refuses.
func InputsOf(inputs iter.Seq[UserInviteInput]) iter.Seq2[UserInviteInput, error] {
	if inputs == nil {
		return nil
	}
	return func(yield func(UserInviteInput, error) bool) {
		for in := range inputs {
			if !yield(in, nil) {
				return
			}
		}
	}
}
