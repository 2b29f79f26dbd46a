package listing_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-roq/roq/internal/listing"
)

// A row that is in the list throughout comes exactly once, although others come
// and go.
func TestEachWhileTheListChanges(t *testing.T) {
	t.Parallel()
	for name, between := range map[string]func(int, *changing){
		"nothing happens": nil,
		"rows already read go": func(n int, c *changing) {
			if n == 2 {
				c.remove(0, 7)
			}
		},
		"nearly all go": func(n int, c *changing) {
			if n == 4 {
				c.remove(0, 28)
			}
		},
		"the overlap goes": func(n int, c *changing) {
			if n == 2 {
				c.remove(9, 10)
			}
		},
		"the overlap and its neighbors go": func(n int, c *changing) {
			if n == 2 {
				c.remove(8, 12)
			}
		},
		"one goes before every page": func(n int, c *changing) {
			if len(c.rows) > 3 && n > 1 {
				c.remove(0, 1)
			}
		},
		"rows come at the end": func(n int, c *changing) {
			if n < 4 {
				c.rows = append(c.rows, row{fmt.Sprintf("new%d", n), 1000 + n})
			}
		},
		"rows come in front": func(n int, c *changing) {
			if n == 2 || n == 3 {
				c.rows = append([]row{{fmt.Sprintf("new%d", n), 0}}, c.rows...)
			}
		},
		"some come and some go": func(n int, c *changing) {
			if n == 2 || n == 4 {
				c.remove(2, 6)
				c.rows = append([]row{{fmt.Sprintf("new%d", n), 1}}, c.rows...)
			}
		},
		"all go": func(n int, c *changing) {
			if n == 3 {
				c.rows = nil
			}
		},
	} {
		for _, parallel := range []int{1, 2, 8} {
			t.Run(fmt.Sprintf("%s, %d ahead", name, parallel), func(t *testing.T) {
				t.Parallel()
				start := rows(45)
				c := &changing{rows: slices.Clone(start), between: between}
				got, err := collect(t.Context(), c.list(10, parallel))
				if err != nil {
					t.Fatalf("after %d: %v", len(got), err)
				}
				comeOnce(t, got, start, c.rows)
				if between == nil && c.pages != 5 { // 10, 9, 9, 9, 8 and the rows they share
					t.Errorf("%d pages, want 5", c.pages)
				}
			})
		}
	}
}

// Whatever the size of a page and the number of rows, all of them come in order.
func TestEachPageSizes(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 2, 3, 7, 100} {
		for _, n := range []int{0, 1, 2, 3, 13, 101} {
			for _, descending := range []bool{false, true} {
				c := &changing{rows: rows(n), descending: descending}
				got, err := collect(t.Context(), c.list(limit, 8))
				if err != nil || len(got) != n {
					t.Fatalf("limit %d: %d of %d came, %v", limit, len(got), n, err)
				}
				if descending {
					slices.Reverse(got)
				}
				if !slices.IsSorted(got) {
					t.Errorf("limit %d: %v is out of order", limit, got)
				}
			}
		}
	}
}

func TestEachBeginsAtTheOffset(t *testing.T) {
	t.Parallel()
	for _, byCreatedAt := range []bool{true, false} {
		c := &changing{rows: rows(30), between: func(n int, c *changing) {
			if n == 3 {
				c.remove(20, 21)
			}
		}}
		p := c.list(5, 8)
		p.Offset, p.ByCreatedAt = 12, byCreatedAt
		got, err := collect(t.Context(), p)
		// Which of the last ones is read again, and so comes last, is open.
		if slices.Sort(got); err != nil || got[0] != "old012" || got[len(got)-1] != "old029" {
			t.Errorf("%v, %v; want the rows from the 12th on", got, err)
		}
	}
}

// In another order a row comes at most once.
func TestEachInAnotherOrder(t *testing.T) {
	t.Parallel()
	c := &changing{rows: rows(45), descending: true, between: func(n int, c *changing) {
		if n == 2 { // in front, in this order: a page of known rows comes again
			for i := range 10 {
				c.rows = append(c.rows, row{fmt.Sprintf("new%d", i), 1000})
			}
		}
	}}
	start := slices.Clone(c.rows)
	got, err := collect(t.Context(), c.list(10, 8))
	if err != nil {
		t.Fatal(err)
	}
	comeOnce(t, got, start, c.rows)
}

// One row leaves and another comes while the last page is in flight.
func TestEachEndsWithKnownRows(t *testing.T) {
	t.Parallel()
	c := &changing{rows: rows(3), descending: true, between: func(n int, c *changing) {
		if n == 2 {
			c.remove(0, 1)
			c.rows = append(c.rows, row{"new", 1000})
		}
	}}
	got, err := collect(t.Context(), c.list(2, 8))
	slices.Sort(got)
	if err != nil || !slices.Equal(got, []string{"new", "old001", "old002"}) {
		t.Errorf("%v, %v; want the two that stayed, and the one that came", got, err)
	}
}

// A list that does not advance ends in an error instead of a loop.
func TestEachThatDoesNotAdvance(t *testing.T) {
	t.Parallel()
	type fetch = func(ctx context.Context, offset, limit int) (*listing.Page[row], error)
	empty := func(context.Context, int, int) (*listing.Page[row], error) {
		return &listing.Page[row]{Total: 100}, nil
	}
	for name, newFetch := range map[string]func() fetch{
		"offset ignored": func() fetch { return (&changing{rows: rows(45), ignoresOffset: true}).fetch },
		"always empty":   func() fetch { return empty },
		"empty after one": func() fetch {
			first := (&changing{rows: rows(45)}).fetch
			return func(ctx context.Context, offset, limit int) (*listing.Page[row], error) {
				if offset == 0 {
					return first(ctx, offset, limit)
				}
				return empty(ctx, offset, limit)
			}
		},
		"rows in no order": func() fetch {
			return func(_ context.Context, offset, _ int) (*listing.Page[row], error) {
				// The first page is always the same, and no other begins with a row of it.
				if offset == 0 {
					return &listing.Page[row]{Rows: []row{{"a1", 0}, {"a2", 0}}, Total: 100}, nil
				}
				return &listing.Page[row]{Rows: []row{{"b1", 1}, {"b2", 1}}, Total: 100}, nil
			}
		},
		"one row at a time": func() fetch {
			return func(context.Context, int, int) (*listing.Page[row], error) {
				return &listing.Page[row]{Rows: []row{{"a", 0}}, Total: 100}, nil
			}
		},
	} {
		for _, byCreatedAt := range []bool{true, false} {
			requests := 0
			next := newFetch()
			p := listing.Pages[row]{Key: keyOf, Limit: 10, Parallel: 1, ByCreatedAt: byCreatedAt, Fetch: func(ctx context.Context, offset, limit int) (*listing.Page[row], error) {
				requests++
				return next(ctx, offset, limit)
			}}
			got, err := collect(t.Context(), p)
			wrong := (*listing.Error)(nil)
			if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "has nothing new") || requests > 100 {
				t.Errorf("%s: %d came in %d requests, %v; want an error", name, len(got), requests, err)
			}
		}
	}
}

// A platform that ignores the order must not lose rows in silence.
func TestEachOutOfOrder(t *testing.T) {
	t.Parallel()
	c := &changing{rows: rows(10), descending: true}
	p := c.list(10, 1)
	p.ByCreatedAt = true
	got, err := collect(t.Context(), p)
	wrong := (*listing.Error)(nil)
	if len(got) != 0 || !errors.As(err, &wrong) || wrong.Offset != 0 || err.Error() != "the page at offset 0 is not in the requested order of createdAt" {
		t.Errorf("%v, %v; want an error", got, err)
	}
}

// An error of Fetch is returned as it is, after the rows before it.
func TestEachReturnsTheErrorOfFetch(t *testing.T) {
	t.Parallel()
	c := &changing{rows: rows(45)}
	p, failure := c.list(10, 4), errors.New("no")
	p.Fetch = func(ctx context.Context, offset, limit int) (*listing.Page[row], error) {
		if offset >= 18 {
			return nil, failure
		}
		return c.fetch(ctx, offset, limit)
	}
	got, err := collect(t.Context(), p)
	if len(got) != 19 || err != failure { //nolint:errorlint // the very same
		t.Errorf("%d rows, %v; want 19 and the error", len(got), err)
	}
}

// The end of the context ends the reading at once.
func TestEachEndsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c := &changing{rows: rows(100), takes: func(n int) time.Duration {
		if n == 1 {
			return 0
		}
		return time.Hour
	}}
	got := 0
	err := c.list(10, 4).Each(ctx, func(*row) bool {
		if got++; got == 10 {
			cancel()
		}
		return true
	})
	if got != 10 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d rows, %v; want 10 and the context's error", got, err)
	}
}
