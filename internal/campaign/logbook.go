package campaign

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"iter"
	"time"

	"github.com/go-roq/roq/internal/exchange"
)

// Journal remembers what a campaign was about to do and the outcomes.
type Journal interface {
	// Begin yields all records so far; it fails if they are of another campaign, or if
	// another stream uses the journal.
	Begin(ctx context.Context, campaign string) iter.Seq2[Record, error]
	// Append adds records and returns when they would survive a crash.
	Append(ctx context.Context, records []Record) error
	// End lets another stream use the journal.
	End() error
}

// Record is one thing that a Journal remembers.
type Record struct {
	Key           string
	Status        Status
	InviteID      string
	Code, Message string
	At            time.Time
}

// addressKey stands for an address where many are kept: the first 16 bytes of a
// SHA-256; collisions are negligible.
type addressKey [sha256.Size / 2]byte

func newAddressKey(salt, address string) addressKey {
	sum := sha256.Sum256([]byte(salt + "\x00" + address))
	return addressKey(sum[:sha256.Size/2])
}

// Name returns a campaign's name in its journal. What it is of is hashed: a
// journal may be read by more people than the configuration.
func Name(client *exchange.Client, tenantID, campaign string) string {
	of := sha256.Sum256([]byte(client.PlatformURL + "\x00" + client.EnvironmentID + "\x00" + tenantID + "\x00" + campaign))
	name := hex.EncodeToString(of[:8])
	if campaign != "" {
		name = campaign + " " + name
	}
	return name
}

// logbook is a campaign's use of its journal, which may be nil.
type logbook struct {
	journal Journal
	name    string
	// earlier is what earlier runs left.
	earlier map[addressKey]earlier
}

// earlier is the outcome of an invite in an earlier run.
type earlier struct {
	status            Status
	id, code, message string
	// began is when the first request left whose outcome is not known.
	began time.Time
}

// openLogbook reads the journal, if there is one.
func openLogbook(ctx context.Context, call *exchange.Call, journal Journal, name string) (*logbook, *exchange.Failure) {
	b := &logbook{journal: journal, name: name, earlier: make(map[addressKey]earlier)}
	if journal == nil {
		return b, nil
	}
	for record, err := range journal.Begin(ctx, name) {
		if err != nil {
			return nil, journalFailed(call, "cannot be used", err)
		}
		if err := b.replay(record); err != nil {
			return nil, journalFailed(call, "cannot be used", err)
		}
	}
	return b, nil
}

// close lets another stream use the journal.
func (b *logbook) close() error {
	if b.journal == nil {
		return nil
	}
	return b.journal.End()
}

// journalFailed is the failure of a campaign whose journal failed.
func journalFailed(call *exchange.Call, how string, err error) *exchange.Failure {
	return call.FailBecause("the journal "+how, err, 0).Concluded(exchange.NotSent, "nothing was sent")
}

// replay takes in one record of an earlier run.
func (b *logbook) replay(r Record) error {
	var key addressKey
	if n, err := hex.Decode(key[:], []byte(r.Key[:min(len(r.Key), 2*len(key))])); err != nil || n != len(key) || len(r.Key) != 2*len(key) {
		return errors.New("a record has an invalid Key")
	}
	now := earlier{status: r.Status, id: r.InviteID, code: r.Code, message: r.Message}
	switch before := b.earlier[key]; r.Status {
	case UnderWay, Unknown:
		if r.At.IsZero() {
			// Without it the invite would count as one that never left.
			return errors.New("a record has no At")
		}
		if before.status == Sent {
			return nil // nothing undoes that
		}
		now.began = before.began
		if now.began.IsZero() {
			now.began = r.At
		}
	case Sent, Refused, NotSent:
	default:
		return errors.New("a record has a Status that this version does not know")
	}
	b.earlier[key] = now
	return nil
}

// take returns what an earlier run left of an address, and forgets it. Journals of
// before this module knew spellings of one mailbox have it by the address itself.
func (b *logbook) take(mailbox, address addressKey) earlier {
	e, ok := b.earlier[mailbox]
	if !ok {
		e = b.earlier[address]
	}
	delete(b.earlier, mailbox)
	delete(b.earlier, address)
	return e
}

// inDoubt counts the invites whose earlier outcome nobody has asked for.
func (b *logbook) inDoubt() int {
	n := 0
	for _, e := range b.earlier {
		if !e.began.IsZero() {
			n++
		}
	}
	return n
}

func (b *logbook) key(address string) addressKey { return newAddressKey(b.name, address) }

// note is what is written down of an invite.
type note struct {
	address       string
	status        Status
	id            string
	code, message string
}

// write writes notes to the journal, if there is one.
func (b *logbook) write(ctx context.Context, notes []note) error {
	if b.journal == nil || len(notes) == 0 {
		return nil
	}
	records := make([]Record, len(notes))
	now := time.Now().UTC()
	for i, n := range notes {
		key := b.key(n.address)
		records[i] = Record{Key: hex.EncodeToString(key[:]), Status: n.status, InviteID: n.id, Code: n.code, Message: n.message, At: now}
	}
	return b.journal.Append(ctx, records)
}
