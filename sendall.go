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

// SendAllUserInvitesInput is who to invite to which tenant, however many.
type SendAllUserInvitesInput struct {
	// TenantID is the tenant that all of them join. Left empty it is the session's,
	// with [Client.AsSession]; otherwise it is required.
	TenantID string
	// UserInvites are the people to invite, from a file, a database cursor, a
	// channel. An error that it yields ends the stream. Maps in an input must not be
	// changed after it was yielded. Required.
	UserInvites iter.Seq2[UserInviteInput, error]
	// Campaign tells this stream from others to the same tenant, for a journal that
	// must not be that of another one: see [WithJournal]. It may be empty.
	Campaign string
}

// OutcomeStatus is the outcome of one invite of a stream.
type OutcomeStatus string

// The outcomes of an invite.
const (
	// OutcomeSent: the platform made the invite.
	OutcomeSent OutcomeStatus = "sent"
	// OutcomeRefused: the platform refused it, or this package did because it is not
	// valid.
	OutcomeRefused OutcomeStatus = "refused"
	// OutcomeUnknown: it may have been mailed, and is not sent again.
	OutcomeUnknown OutcomeStatus = "unknown"
	// OutcomeNotSent: it was not mailed, because its request failed or was not
	// attempted.
	OutcomeNotSent OutcomeStatus = "not sent"
	// OutcomeDuplicate: the address came before in the stream, and this one was not
	// sent.
	OutcomeDuplicate OutcomeStatus = "duplicate"
	// OutcomeUnderWay is in journals only: a request with the invite was about to
	// leave.
	OutcomeUnderWay OutcomeStatus = "under way"
)

// SendOutcome is the outcome of one input: of a stream, or of a call
// ([SendUserInvitesResult.Outcomes]).
type SendOutcome struct {
	// Index is the place of the input in the stream or the call, from 0.
	Index int
	// Input is the input as it came.
	Input UserInviteInput
	// Status is any of the Outcome constants but OutcomeUnderWay.
	Status OutcomeStatus
	// InviteID is the invite's id if it is sent.
	InviteID string
	// Invite is the invite if it is sent, and nil if an earlier run did so, as the
	// journal says.
	Invite *UserInvite
	// Err says why the Status is not OutcomeSent: a [UserInviteError] of the
	// platform, or an [*Error], of kind [ErrInvalidInput] for an input that is not
	// valid or a duplicate, and otherwise [ErrOutcomeUnknown] or [ErrNotSent].
	Err error
}

// SendAllUserInvites invites any number of people, as they come out of a stream,
// and returns the outcome of each: every input that is taken from the stream comes
// out exactly once, in the order in which that is known. They go in batches
// ([WithBatchSize]), as fast as [WithRateLimit] allows; a batch that is not full
// leaves a second after its first input came. The stream begins with one batch in
// flight, and with every round of batches that are answered it doubles how many, up
// to [WithParallel]. After a time-out or an unclear answer it goes back to one batch
// in flight, of half the size.
//
// Each batch is sent and settled as by [RoqPlatform.SendUserInvites]: nobody is
// mailed twice because of a retry, and what may have been mailed is OutcomeUnknown.
// An input that is not valid, or whose address came before in any spelling, is reported
// and the others go on, with [WithSkipInvalid] or without.
//
// A batch that was not sent is retried until no batch has succeeded for five
// minutes, or for ten of the waits that the platform asks for if that is longer. One
// that the platform is too busy or too broken to look up is looked up again for as
// long. A Retry-After of up to five minutes is waited out. If nothing has ever been
// sent, and the platform cannot be reached, the stream ends at once.
// While sends are lost and reads work, it tries smaller and smaller batches, down to
// one invite, with growing pauses, and ends after five minutes. Five batches in a row
// that fail in another way end it too, and so does a refusal that is about the caller
// ([ErrUnauthorized], [ErrForbidden]).
//
// An error comes once, last, with a zero outcome: the stream's own, unchanged; the
// context's, if it cut anything short; the journal's; or why the stream stopped. A
// panic, or [runtime.Goexit], in the stream, the journal or a transport comes out of
// the loop, after every input that was taken has had its outcome.
//
// When the context ends no further batch leaves, and the loop goes on until every
// input that was taken has its outcome: requests in flight have [WithTimeout] and
// [WithSettleTimeout] together to end by themselves, and what was not attempted is
// OutcomeNotSent. Breaking out of the loop waits for them in the same way; their
// outcomes are then in the journal only. A stream is pulled on a goroutine of its
// own, one input at a time, so a slow one delays no outcome; one that blocks should
// watch the context, for it is waited for only a second.
//
// [WithJournal] makes it safe to kill the process and begin again.
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
			return invite, f.err(operation)
		},
		Repeats: func(index, first int) error {
			f := &findings{index: index}
			f.add("Email", fmt.Sprintf("must not be the address of input %d", first))
			return f.err(operation)
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

// InputsOf makes a stream of inputs, for [SendAllUserInvitesInput].UserInvites, of a
// sequence that has no errors: slices.Values of a slice, or a function that receives
// from a channel. Of a nil sequence it is nil, which [RoqPlatform.SendAllUserInvites]
// refuses.
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
