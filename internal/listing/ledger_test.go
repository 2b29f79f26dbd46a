package listing_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-roq/roq/internal/listing"
)

// entry is a row of a ledger. Its times are in seconds; 0 is null.
type entry struct {
	id, status       string
	created, updated int
}

func entryKey(e *entry) listing.Key {
	at := func(seconds int) time.Time {
		if seconds == 0 {
			return time.Time{}
		}
		return time.Date(2026, 1, 1, 0, 0, seconds, 0, time.UTC)
	}
	return listing.Key{ID: e.id, Status: e.status, CreatedAt: at(e.created), UpdatedAt: at(e.updated)}
}

// ledger is a platform whose lists are odd in the way that a test sets up.
type ledger struct {
	entries []entry
	polls   int // lists by updatedAt, the one that a watch begins with included
	// before is called before the n-th of them (from 1).
	before func(n int, l *ledger)
	// nullsFirst is where PostgreSQL has nulls in a descending order.
	nullsFirst bool
	// heedless is whether it ignores the order, stuck whether it ignores the offset.
	heedless, stuck bool
	pages           []int // sizes of all pages
	// unlisted are ids that no list shows, although they can be read.
	unlisted []string
	// readErr is what reading a row fails with.
	readErr error
	reads   []string // ids that were read

	mu sync.Mutex // pages and rows are read side by side
}

func (l *ledger) read(_ context.Context, id string) (*entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reads = append(l.reads, id)
	if l.readErr != nil {
		return nil, l.readErr
	}
	for i := range l.entries {
		if l.entries[i].id == id {
			return new(l.entries[i]), nil
		}
	}
	return nil, listing.ErrNone
}

// pending is the condition on the status of every watch of a ledger.
const pending = "pending"

func (l *ledger) fetch(_ context.Context, q listing.Query) (*listing.Page[entry], error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if q.LastUpdated && q.Offset == 0 {
		if l.polls++; l.before != nil {
			l.before(l.polls, l)
		}
	}
	var found []entry
	for _, e := range l.entries {
		if (q.AnyStatus || e.status == pending) && (q.IDs == nil || slices.Contains(q.IDs, e.id)) && !slices.Contains(l.unlisted, e.id) {
			found = append(found, e)
		}
	}
	slices.SortStableFunc(found, func(a, b entry) int {
		if q.LastUpdated {
			return l.key(b) - l.key(a)
		}
		return a.created - b.created
	})
	if l.heedless && q.LastUpdated {
		slices.Reverse(found)
	}
	total := len(found)
	if !l.stuck {
		found = found[min(q.Offset, total):]
	}
	found = found[:min(q.Limit, len(found))]
	l.pages = append(l.pages, len(found))
	return &listing.Page[entry]{Rows: found, Total: total}, nil
}

func (l *ledger) key(e entry) int {
	if e.updated == 0 && l.nullsFirst {
		return 1 << 40
	}
	return e.updated
}

// set changes an entry.
func (l *ledger) set(id, status string, updated int) {
	i := slices.IndexFunc(l.entries, func(e entry) bool { return e.id == id })
	l.entries[i].status, l.entries[i].updated = status, updated
}

func (l *ledger) add(id, status string, created, updated int) {
	l.entries = append(l.entries, entry{id, status, created, updated})
}

// remove removes the entries with those ids.
func (l *ledger) remove(ids ...string) {
	l.entries = slices.DeleteFunc(slices.Clone(l.entries), func(e entry) bool { return slices.Contains(ids, e.id) })
}

// entries returns n pending rows, one a second from the tenth on.
func entries(n int) []entry {
	all := make([]entry, n)
	for i := range all {
		all[i] = entry{fmt.Sprintf("id%d", i), pending, 10 + i, 10 + i}
	}
	return all
}

var (
	errPassing = errors.New("passes")
	errEnough  = errors.New("enough polls")
)

// newWatch returns a watch of the ledger's pending rows.
func (l *ledger) newWatch() listing.Watch[entry] {
	return listing.Watch[entry]{
		Fetch:       l.fetch,
		Read:        l.read,
		Key:         entryKey,
		Matches:     func(status string) bool { return status == pending },
		Conditional: true,
		Final:       func(status string) bool { return status != pending },
		Passing:     func(err error) bool { return errors.Is(err, errPassing) },
		Sleep:       func(context.Context, time.Duration) error { return nil },
		Limit:       500,
		Parallel:    1,
	}
}

// watch returns what a watch reports until so many polls were made or it ends.
func (l *ledger) watch(t *testing.T, w listing.Watch[entry], polls int) (reports []string, errs []error) {
	t.Helper()
	w.Sleep = func(context.Context, time.Duration) error {
		if l.polls > polls { // the first is none
			return errEnough
		}
		return nil
	}
	w.Run(t.Context(), func(c listing.Change[entry], err error) bool {
		switch {
		case errors.Is(err, errEnough):
		case err != nil:
			errs = append(errs, err)
		case c.Row == nil:
			reports = append(reports, fmt.Sprintf("%s %s>gone", c.ID, c.PreviousStatus))
		default:
			reports = append(reports, fmt.Sprintf("%s %s>%s", c.ID, c.PreviousStatus, c.Row.status))
		}
		return true
	})
	return reports, errs
}
