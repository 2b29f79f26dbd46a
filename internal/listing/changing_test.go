package listing_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/go-roq/roq/internal/listing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// row is a row of a list that changes while it is read.
type row struct {
	id      string
	created int // minutes
}

func keyOf(r *row) listing.Key {
	return listing.Key{ID: r.id, CreatedAt: time.Date(2026, 1, 1, 0, r.created, 0, 0, time.UTC)}
}

// rows returns n rows, some of which share their time of creation.
func rows(n int) []row {
	all := make([]row, n)
	for i := range all {
		all[i] = row{fmt.Sprintf("old%03d", i), i / 2}
	}
	return all
}

var errTooLong = errors.New("the test went on too long")

// changing is a list that a test changes between two pages.
type changing struct {
	mu    sync.Mutex // pages are read side by side
	rows  []row
	pages int
	// between is called before the n-th page (from 1) is returned.
	between func(n int, c *changing)

	descending    bool
	ignoresOffset bool
	most          int // rows of a page, whatever was asked for; 0 is no bound
	// takes, if set, is how long the n-th page takes.
	takes func(n int) time.Duration

	asked             atomic.Int32
	inFlight, highest atomic.Int32 // pages, now and at most
}

func (c *changing) fetch(ctx context.Context, offset, limit int) (*listing.Page[row], error) {
	for now, most := c.inFlight.Add(1), c.highest.Load(); now > most && !c.highest.CompareAndSwap(most, now); {
		most = c.highest.Load()
	}
	defer c.inFlight.Add(-1)
	if n := c.asked.Add(1); c.takes != nil {
		// A page shows the list at the moment when its answer leaves.
		select {
		case <-time.After(c.takes(int(n))):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return c.page(offset, limit)
}

func (c *changing) page(offset, limit int) (*listing.Page[row], error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pages++; c.pages > 500 {
		return nil, errTooLong
	}
	if c.between != nil {
		c.between(c.pages, c)
	}
	found := slices.Clone(c.rows)
	slices.SortStableFunc(found, func(a, b row) int { return a.created - b.created })
	if c.descending {
		slices.Reverse(found)
	}
	total := len(found)
	if !c.ignoresOffset {
		found = found[min(offset, total):]
	}
	found = found[:min(limit, len(found))]
	if c.most > 0 {
		found = found[:min(c.most, len(found))]
	}
	return &listing.Page[row]{Rows: found, Total: total}, nil
}

// remove removes the rows with those indexes.
func (c *changing) remove(from, to int) { c.rows = slices.Delete(slices.Clone(c.rows), from, to) }

// list returns the list's pages, in the order of the test's.
func (c *changing) list(limit, parallel int) listing.Pages[row] {
	return listing.Pages[row]{Fetch: c.fetch, Key: keyOf, Limit: limit, Parallel: parallel, ByCreatedAt: !c.descending}
}

// collect returns the ids of the rows that Each delivers.
func collect(ctx context.Context, p listing.Pages[row]) (ids []string, err error) {
	err = p.Each(ctx, func(r *row) bool {
		ids = append(ids, r.id)
		return true
	})
	return ids, err
}

// comeOnce checks that no row comes twice, and that each comes that was there at
// the start and at the end.
func comeOnce(t *testing.T, got []string, start, end []row) {
	t.Helper()
	seen := map[string]int{}
	for _, id := range got {
		if seen[id]++; seen[id] > 1 {
			t.Errorf("%s came %d times", id, seen[id])
		}
	}
	for _, r := range start {
		if slices.Contains(end, r) && seen[r.id] == 0 {
			t.Errorf("%s was there throughout and never came", r.id)
		}
	}
}
