package roq

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/go-roq/roq/internal/campaign"
	"github.com/go-roq/roq/internal/check"
)

// Journal records what [RoqPlatform.SendAllUserInvites] was about to send, and the
// outcomes, so that a campaign that was interrupted at any moment can resume. Package
// [github.com/go-roq/roq/journal] keeps a journal in a file. It can also be a table of a
// database.
type Journal interface {
	// Begin is called once by each stream, before anything is sent, with the name of
	// the campaign. It yields all records so far, in the order in which they were
	// appended. If they belong to another campaign, it yields an error. If there are
	// none, the journal belongs to this campaign from now on.
	//
	// Two streams with one journal would both send the same invites. From Begin to End,
	// Begin must yield an error to every other stream, in any Client or process. If Begin
	// yields an error to a stream, or the stream leaves the loop over the records early,
	// the stream does not use the journal and does not call End.
	Begin(ctx context.Context, campaign string) iter.Seq2[JournalRecord, error]
	// Append adds all of the records or none, and returns when they would survive a
	// crash of the machine. It must be safe for concurrent use.
	Append(ctx context.Context, records []JournalRecord) error
	// End is called once after a successful Begin. The stream has made its last Append,
	// and another stream may use the journal. An error of End is an error of the stream.
	End() error
}

// JournalRecord is one record of a [Journal].
type JournalRecord struct {
	// Key identifies the address in this campaign: a hash of it, in hexadecimal digits.
	// Somebody who has the journal can find out whether an address that they know is in
	// it, but cannot find out addresses that they do not know.
	Key string
	// Status is OutcomeUnderWay before a request is sent. Afterwards it is any other but
	// OutcomeDuplicate.
	Status OutcomeStatus
	// InviteID is the invite's id, if it was sent.
	InviteID string
	// Code and Message are from the platform, if it refused the invite.
	Code, Message string
	// At is when the record was made, by this machine's clock, in UTC. A journal with a
	// record without At is refused.
	At time.Time
}

// WithJournal keeps a journal of one [RoqPlatform.SendAllUserInvites]. Each batch is
// written to it before it is sent, and its outcome afterwards. When a campaign is
// started again with the same journal and the same people, invites that were sent or
// refused are reported without a request. Invites whose request was under way or whose
// outcome was unknown are looked up, as in [RoqPlatform.SendUserInvites]. The others are
// sent. Invites that are not found are OutcomeUnknown, and are sent again only with
// [WithRepeatUnknown]. If the platform refuses the look-up, the stream ends with that
// error ([ErrUnauthorized], [ErrForbidden]).
//
// A journal serves one stream at a time; another stream ends with the error of the
// [Journal]'s Begin. A journal belongs to one campaign, which is identified by the
// platform, the environment, the tenant and [SendAllUserInvitesInput].Campaign. Whether
// an invite was created after its request is judged by the time that has passed on this
// machine's clock, so the clocks must agree if another machine continues the journal. By
// default there is no journal.
func WithJournal(j Journal) StreamOption {
	return streamOption(func(o *streamOptions) error {
		if j == nil {
			return errors.New("roq: WithJournal: must not be nil")
		}
		o.journal = j
		return nil
	})
}

// keeper is a caller's journal as a campaign uses it.
type keeper struct{ journal Journal }

// Begin implements [campaign.Journal].
func (k keeper) Begin(ctx context.Context, name string) iter.Seq2[campaign.Record, error] {
	return func(yield func(campaign.Record, error) bool) {
		for r, err := range k.journal.Begin(ctx, name) {
			record := campaign.Record{Key: r.Key, Status: campaign.Status(r.Status), InviteID: r.InviteID, Code: r.Code, Message: r.Message, At: r.At}
			if !yield(record, err) {
				return
			}
		}
	}
}

// Append implements [campaign.Journal].
func (k keeper) Append(ctx context.Context, records []campaign.Record) error {
	theirs := make([]JournalRecord, len(records))
	for i, r := range records {
		theirs[i] = JournalRecord{Key: r.Key, Status: OutcomeStatus(r.Status), InviteID: r.InviteID, Code: r.Code, Message: r.Message, At: r.At}
	}
	return k.journal.Append(ctx, theirs)
}

// End implements [campaign.Journal].
func (k keeper) End() error { return k.journal.End() }

func campaignName(s string) error {
	const longest = 256
	if len(s) > longest {
		return errors.New("must not be longer than 256 bytes")
	}
	return check.Text(s)
}
