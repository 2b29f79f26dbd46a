package roq

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"iter"
	"time"

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

// WithJournal keeps a journal of one [RoqPlatform.SendAllUserInvites]; other calls
// have no use for it. Each batch is written to it before it leaves, and its outcome
// afterwards. A campaign that is begun again with the same journal and the same
// people reports those that were sent or refused without asking again; looks up
// those whose request was under way, or whose outcome was unknown, as
// [RoqPlatform.SendUserInvites] does; and sends the others. Those it does not find
// are OutcomeUnknown, and are sent again only [WithRepeatUnknown].
//
// One stream uses a journal at a time; another one ends with the error of its
// [Journal]'s Begin. It belongs to one campaign: to the platform, the environment, the tenant
// and [SendAllUserInvitesInput].Campaign. Whether an invite was made after its
// request is judged by the time that has passed on this machine's clock, so a
// journal that is taken up on another one needs clocks that agree. By default
// there is no journal.
func WithJournal(j Journal) CallOption {
	return callOption(func(o *callOptions) error {
		if j == nil {
			return errors.New("roq: WithJournal: must not be nil")
		}
		o.journal = j
		return nil
	})
}

// addressKey stands for an address where many are kept: half a SHA-256, of which no
// two are alike.
type addressKey [sha256.Size / 2]byte

func newAddressKey(salt, address string) addressKey {
	sum := sha256.Sum256([]byte(salt + "\x00" + address))
	return addressKey(sum[:sha256.Size/2])
}

// logbook is a campaign's use of its journal, which may be nil.
type logbook struct {
	journal Journal
	// name is the campaign's.
	name string
	// earlier is what earlier runs left.
	earlier map[addressKey]earlier
}

// earlier is what became of an invite in an earlier run.
type earlier struct {
	status            OutcomeStatus
	id, code, message string
	// began is when the first request of which it is not known what it came to did.
	began time.Time
}

func campaignName(s string) error {
	const longest = 256
	if len(s) > longest {
		return errors.New("must not be longer than 256 bytes")
	}
	return check.Text(s)
}

// openLogbook reads the journal, if there is one.
func (c *call) openLogbook(ctx context.Context, campaign, tenantID string) (*logbook, error) {
	// What the name is of is hashed: it may be read by more people than the
	// configuration.
	of := sha256.Sum256([]byte(c.core.cfg.PlatformURL + "\x00" + c.core.cfg.EnvironmentID + "\x00" + tenantID + "\x00" + campaign))
	l := &logbook{journal: c.opt.journal, name: hex.EncodeToString(of[:8]), earlier: make(map[addressKey]earlier)}
	if campaign != "" {
		l.name = campaign + " " + l.name
	}
	if l.journal == nil {
		return l, nil
	}
	for record, err := range l.journal.Begin(ctx, l.name) {
		if err == nil {
			err = l.replay(record)
		}
		if err != nil {
			return nil, c.journalFailed("cannot be used", err)
		}
	}
	return l, nil
}

// close releases the journal.
func (l *logbook) close() error {
	if l.journal == nil {
		return nil
	}
	return l.journal.End()
}

// journalFailed is the error of a call whose journal failed.
func (c *call) journalFailed(how string, err error) *Error {
	e := c.error("the journal "+how+": "+c.scrub(err.Error()), ErrNotSent)
	e.cause = c.hide(err)
	return e
}

// replay takes in one record of an earlier run.
func (l *logbook) replay(r JournalRecord) error {
	var key addressKey
	if n, err := hex.Decode(key[:], []byte(r.Key[:min(len(r.Key), 2*len(key))])); err != nil || n != len(key) || len(r.Key) != 2*len(key) {
		return errors.New("a record has a Key that is none")
	}
	now := earlier{status: r.Status, id: r.InviteID, code: r.Code, message: r.Message}
	switch before := l.earlier[key]; r.Status {
	case OutcomeUnderWay, OutcomeUnknown:
		if r.At.IsZero() {
			// Without it the invite would count as one that never left.
			return errors.New("a record has no At")
		}
		if before.status == OutcomeSent {
			return nil // nothing undoes that
		}
		now.began = before.began
		if now.began.IsZero() {
			now.began = r.At
		}
	case OutcomeSent, OutcomeRefused, OutcomeNotSent:
	default:
		return errors.New("a record has a Status that this version does not know")
	}
	l.earlier[key] = now
	return nil
}

// take returns what an earlier run left of an address, and forgets it.
func (l *logbook) take(key addressKey) earlier {
	e := l.earlier[key]
	delete(l.earlier, key)
	return e
}

// inDoubt counts the invites whose earlier outcome nobody has asked for.
func (l *logbook) inDoubt() int {
	n := 0
	for _, e := range l.earlier {
		if !e.began.IsZero() {
			n++
		}
	}
	return n
}

func (l *logbook) key(address string) addressKey { return newAddressKey(l.name, address) }

// intend writes down that a request with the batch is about to leave.
func (l *logbook) intend(ctx context.Context, batch []outgoing) error {
	if l.journal == nil {
		return nil
	}
	records := make([]JournalRecord, len(batch))
	for i := range batch {
		records[i] = l.record(batch[i].address, OutcomeUnderWay)
	}
	return l.journal.Append(ctx, records)
}

// note writes down what came of it. There is a journal.
func (l *logbook) note(ctx context.Context, outcomes []SendOutcome) error {
	records := make([]JournalRecord, len(outcomes))
	for i, o := range outcomes {
		r := l.record(foldAddress(o.Input.Email), o.Status)
		r.InviteID = o.InviteID
		if refused, ok := o.Err.(UserInviteError); ok { //nolint:errorlint // it is never wrapped
			r.Code, r.Message = refused.Code, refused.Message
		}
		records[i] = r
	}
	return l.journal.Append(ctx, records)
}

func (l *logbook) record(address string, status OutcomeStatus) JournalRecord {
	key := l.key(address)
	return JournalRecord{Key: hex.EncodeToString(key[:]), Status: status, At: time.Now().UTC()}
}
