package listing_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/go-roq/roq/internal/listing"
)

// tied is a list with many rows to a stamp, which come in another order on each page.
type tied struct {
	mu     sync.Mutex
	rows   []row
	random *rand.Rand
	pages  int
}

func newTied(n, toStamp int) *tied {
	l := &tied{random: rand.New(rand.NewPCG(1, uint64(n)))} //nolint:gosec // repeatable
	for i := range n {
		l.rows = append(l.rows, row{fmt.Sprintf("row%04d", i), i / toStamp})
	}
	return l
}

func (l *tied) page(order func(a, b row) int) func(context.Context, int, int) (*listing.Page[row], error) {
	return func(_ context.Context, offset, limit int) (*listing.Page[row], error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.pages++
		l.random.Shuffle(len(l.rows), func(i, j int) { l.rows[i], l.rows[j] = l.rows[j], l.rows[i] })
		all := slices.Clone(l.rows)
		slices.SortStableFunc(all, order)
		all = all[min(offset, len(all)):]
		return &listing.Page[row]{Rows: all[:min(limit, len(all))], Total: len(l.rows)}, nil
	}
}

func byCreated(a, b row) int { return a.created - b.created }
func byID(a, b row) int      { return cmp.Compare(a.id, b.id) }

// By chance several pages in a row begin with the same row, and have nothing new: that is
// no list that does not advance.
func TestEachWithTiesByChance(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		l := newTied(200, 10)
		l.random = rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // repeatable
		pages := listing.Pages[row]{Fetch: l.page(byCreated), Key: keyOf, Limit: 3, Parallel: 1, ByCreatedAt: true, Again: l.page(byID)}
		got, err := collect(t.Context(), pages)
		slices.Sort(got)
		if got = slices.Compact(got); err != nil || len(got) != 200 {
			t.Errorf("seed %d: %d came, %v", seed, len(got), err)
		}
	}
}

// Rows that are equal by the order of a list come once, in whatever order they come on
// each page, or an error says that some did not.
func TestEachWithTies(t *testing.T) {
	t.Parallel()
	for _, n := range []int{10, 101, 500} {
		for _, toStamp := range []int{2, 10, 100, 1000} {
			for _, limit := range []int{3, 10, 100} {
				for _, parallel := range []int{1, 4} {
					for name, again := range map[string]bool{"with a second key": true, "without": false} {
						name = fmt.Sprintf("%d rows, %d to a stamp, pages of %d, %d at once, %s", n, toStamp, limit, parallel, name)
						l := newTied(n, toStamp)
						pages := listing.Pages[row]{Fetch: l.page(byCreated), Key: keyOf, Limit: limit, Parallel: parallel, ByCreatedAt: true}
						if again {
							pages.Again = l.page(byID)
						}
						got, err := collect(t.Context(), pages)
						slices.Sort(got)
						once := len(slices.Compact(slices.Clone(got))) == len(got)
						wrong := (*listing.Error)(nil)
						if !once || err == nil && len(got) != n || err != nil && (again || !errors.As(err, &wrong)) {
							t.Errorf("%s: %d came, once: %v, %v", name, len(got), once, err)
						}
						if most := 16 + 12*n/(limit-1); l.pages > most {
							t.Errorf("%s: %d pages, want at most %d", name, l.pages, most)
						}
					}
				}
			}
		}
	}
}
