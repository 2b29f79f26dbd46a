package roq

import (
	"context"
	"iter"

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

// OutcomeStatus is what became of one invite of a stream.
type OutcomeStatus string

// What may become of an invite.
const (
	// OutcomeSent: the platform made the invite.
	OutcomeSent OutcomeStatus = "sent"
	// OutcomeRefused: the platform refused it, or this package did because it is not
	// valid.
	OutcomeRefused OutcomeStatus = "refused"
	// OutcomeUnknown: it may have been mailed, and is not sent again.
	OutcomeUnknown OutcomeStatus = "unknown"
	// OutcomeNotSent: it surely was not mailed, because its request failed or was not
	// attempted.
	OutcomeNotSent OutcomeStatus = "not sent"
	// OutcomeDuplicate: the address came before in the stream, and this one was not
	// sent.
	OutcomeDuplicate OutcomeStatus = "duplicate"
	// OutcomeUnderWay is in journals only: a request with the invite was about to
	// leave.
	OutcomeUnderWay OutcomeStatus = "under way"
)

// SendOutcome is what became of one input of a stream.
type SendOutcome struct {
	// Index is the place of the input in the stream, from 0.
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
// and returns what became of each: every input that is taken from the stream
// comes out exactly once, in the order in which that is known. They go in batches
// ([WithBatchSize]), several at once ([WithParallel]), as fast as [WithRateLimit]
// allows; a batch that is not full leaves a second after its first input came.
//
// Each batch is sent and settled as by [RoqPlatform.SendUserInvites]: nobody is
// mailed twice because of a retry, and what may have been mailed is OutcomeUnknown.
// An input that is not valid, or whose address came before in any case of letters,
// is reported and the others go on. About fifty bytes are kept for each address
// that was taken.
//
// An error comes once, last, with a zero outcome: the stream's own, unchanged; the
// context's, if it cut anything short; the journal's; or why there was no point in
// going on. What something of the caller's panics with comes out of the loop too. A batch of which
// surely nothing was sent is tried again until nothing has been sent for five
// minutes, or at once no more if nothing ever was; five batches in a row that come
// to nothing otherwise, and a refusal that is about the caller ([ErrUnauthorized],
// [ErrForbidden]), end it too.
//
// When the context ends no further batch leaves, and the loop goes on until every
// input that was taken has its outcome: requests under way have [WithTimeout] and
// [WithSettleTimeout] together to end by themselves, and what was not attempted is
// OutcomeNotSent. Breaking out of the loop waits for them in the same way; their
// outcomes are then in the journal only. A stream is pulled on a goroutine of its
// own, one input at a time, so a slow one holds up no outcome; one that blocks should
// watch the context, for it is waited for only a second.
//
// [WithJournal] makes it safe to kill the process and begin again.
func (p *RoqPlatform) SendAllUserInvites(ctx context.Context, in SendAllUserInvitesInput, opts ...CallOption) iter.Seq2[SendOutcome, error] {
	return func(yield func(SendOutcome, error) bool) {
		m, err := p.as.newCampaign(ctx, in, opts)
		if err == nil {
			err = m.run(ctx, in.UserInvites, func(o SendOutcome) bool { return yield(o, nil) })
		}
		if err != nil {
			yield(SendOutcome{}, err)
		}
	}
}

// newCampaign refuses what is wrong with the call, before anything is sent, and
// reads the journal.
func (as *identity) newCampaign(ctx context.Context, in SendAllUserInvitesInput, opts []CallOption) (*campaign, error) {
	c, err := as.begin(ctx, wire.SendUserInvitesV2.Name, opts)
	if err != nil {
		return nil, err
	}
	var f findings
	tenantID := as.tenant(&f, in.TenantID)
	if in.UserInvites == nil {
		f.add("UserInvites", "must not be nil")
	}
	f.check("Campaign", campaignName(in.Campaign))
	if err := f.err(c.operation); err != nil {
		return nil, err
	}
	m := &campaign{
		call:     c,
		as:       as,
		opts:     opts,
		tenantID: tenantID,
		size:     newBatchSize(c.opt.batchSize),
		seen:     make(map[addressKey]uint32),
	}
	m.logbook, err = c.openLogbook(ctx, in.Campaign, tenantID)
	return m, err
}
