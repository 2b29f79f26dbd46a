package roq

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/go-roq/roq/internal/campaign"
	"github.com/go-roq/roq/internal/check"
)

// Journal remembers what [RoqPlatform.SendAllUserInvites] was about to do and the
// outcomes, so that a campaign that was cut off at any moment can resume. Package
// [github.com/go-roq/roq/journal] keeps one in a file; a table of a database does as
// well.
type Journal interface {
	// Begin is called once by each stream, before anything is sent, with the name of
	// the campaign. It yields all records so far, in the order in which they were
	// appended. If they are of another campaign, it yields an error; if there are
	// none, the journal is this campaign's from now on.
	//
	// Two streams with one journal would each send what the other sends. From Begin
	// to End, Begin must yield an error to every other stream, whichever Client or
	// process that belongs to. A stream to which Begin has yielded an error, or that
	// left the loop over the records early, does not use the journal and does not call
	// End.
	Begin(ctx context.Context, campaign string) iter.Seq2[JournalRecord, error]
	// Append adds records, all or none of them, and returns when they would survive a
	// crash of the machine. It is called by several goroutines at once.
	Append(ctx context.Context, records []JournalRecord) error
	// End is called once after a Begin that succeeded: the stream has made its last
	// Append, and another one may use the journal. An error of End is an error of the
	// stream.
	End() error
}

// JournalRecord is one thing that a [Journal] remembers.
type JournalRecord struct {
	// Key stands for the address, in this campaign: a hash of it, in hexadecimal
	// digits. Whoever has the journal can find out whether an address that they
	// know is in it, but no address that they do not know.
	Key string
	// Status is OutcomeUnderWay before a request leaves, and any other afterwards
	// but OutcomeDuplicate.
	Status OutcomeStatus
	// InviteID is the invite's, if it was sent.
	InviteID string
	// Code and Message are the platform's, if it refused the invite.
	Code, Message string
	// At is when the record was made, by this machine's clock, in UTC. A journal whose
	// records have lost it is refused.
	At time.Time
}

// WithJournal keeps a journal of one [RoqPlatform.SendAllUserInvites]. Each batch is
// written to it before it leaves, and its outcome afterwards. A campaign that is begun
// again with the same journal and the same people reports those that were sent or
// refused without asking again; looks up those whose request was under way, or whose
// outcome was unknown, as [RoqPlatform.SendUserInvites] does; and sends the others.
// Those it does not find are OutcomeUnknown, and are sent again only
// [WithRepeatUnknown]. If the platform does not let it look, the stream ends with that
// error ([ErrUnauthorized], [ErrForbidden]).
//
// One stream uses a journal at a time; another one ends with the error of its
// [Journal]'s Begin. A journal belongs to one campaign: to the platform, the
// environment, the tenant and [SendAllUserInvitesInput].Campaign. Whether an invite was
// made after its request is judged by the time that has passed on this machine's clock,
// so a journal that is used on another machine needs clocks that agree. By default
// there is no journal.
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
