package listing_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-roq/roq/internal/listing"
)

func steadily(d time.Duration) func(int) time.Duration {
	return func(int) time.Duration { return d }
}

// The first page says how many rows there are, and the other pages are fetched
// side by side, however long each takes.
func TestReadahead(t *testing.T) {
	t.Parallel()
	for parallel, want := range map[int]int{1: 101, 2: 51, 8: 14, 64: 3} {
		synctest.Test(t, func(t *testing.T) {
			c := &changing{rows: rows(10_000), takes: steadily(20 * time.Millisecond)}
			begin := time.Now()
			got, err := collect(t.Context(), c.list(100, parallel))
			if err != nil || len(got) != 10_000 || !slices.IsSorted(got[:1000]) {
				t.Fatalf("%d rows, %v; want 10,000 in order", len(got), err)
			}
			if took := time.Since(begin); took != time.Duration(want)*20*time.Millisecond {
				t.Errorf("%d ahead: it took %v, want %d times 20 ms", parallel, took, want)
			}
			if most := int(c.highest.Load()); most > parallel {
				t.Errorf("%d pages were in flight at once, want %d at most", most, parallel)
			}
			if c.pages != 101 {
				t.Errorf("%d pages, want 101", c.pages)
			}
		})
	}
}

// A slow caller has no more than so many pages waiting.
func TestReadaheadIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &changing{rows: rows(1000), takes: steadily(time.Millisecond)}
		n := 0
		err := c.list(10, 4).Each(t.Context(), func(*row) bool {
			n++
			<-time.After(time.Second)
			if ahead := int(c.asked.Load()) - 1 - n/9; ahead > 4 {
				t.Errorf("%d pages ahead of row %d, want 4 at most", ahead, n)
				return false
			}
			return true
		})
		if err != nil || n != 1000 {
			t.Errorf("%d rows, %v", n, err)
		}
	})
}

// A caller who wants only the first row has only the first page fetched.
func TestReadaheadWaitsForTheSecondRow(t *testing.T) {
	t.Parallel()
	c := &changing{rows: rows(100)}
	if err := c.list(10, 8).Each(t.Context(), func(*row) bool { return false }); err != nil {
		t.Fatal(err)
	}
	if c.pages != 1 {
		t.Errorf("%d pages were fetched, want one", c.pages)
	}
}

// A platform that returns fewer rows than asked for is asked in steps of its own.
func TestReadaheadWithACappedPage(t *testing.T) {
	t.Parallel()
	c := &changing{rows: rows(500), most: 50}
	got, err := collect(t.Context(), c.list(100, 8))
	comeOnce(t, got, c.rows, c.rows)
	if err != nil || c.pages != 11 {
		t.Errorf("%d pages, %v; want 11", c.pages, err)
	}
}

// However a list changes while its pages are in flight, and in whatever order they
// arrive: what is there throughout comes once.
func TestReadaheadWhileTheListChanges(t *testing.T) {
	t.Parallel()
	for seed := range uint64(150) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // repeatable
			start := rows(20 + random.IntN(200))
			c := &changing{rows: slices.Clone(start), takes: func(n int) time.Duration {
				return time.Duration(1+(n*7919+int(seed))%13) * time.Millisecond
			}}
			c.between = func(n int, c *changing) { // page holds the lock
				if random.IntN(3) == 0 && len(c.rows) > 5 {
					from := random.IntN(len(c.rows) - 1)
					c.remove(from, from+1+random.IntN(min(8, len(c.rows)-from-1)))
				}
				for range random.IntN(4) {
					c.rows = append(c.rows, row{fmt.Sprintf("new%03d-%d", n, random.Int()), random.IntN(120)})
				}
			}
			got, err := collect(t.Context(), c.list(5+random.IntN(20), 1+random.IntN(8)))
			if err != nil {
				t.Fatalf("seed %d: after %d: %v", seed, len(got), err)
			}
			comeOnce(t, got, start, c.rows)
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		})
	}
}

// A fetch that does not return ends the goroutine that called Each in the same way,
// and only after every other fetch has ended.
func TestReadaheadThatDoesNotReturn(t *testing.T) {
	t.Parallel()
	failure := errors.New("the fetch's own")
	for name, end := range map[string]struct {
		fetch func()
		want  any // what Each panics with; nil is runtime.Goexit
	}{
		"panic":  {func() { panic(failure) }, failure},
		"Goexit": {runtime.Goexit, nil},
	} {
		for _, test := range []struct {
			page, took int // which page does not return, and how many rows are taken
			slow       bool
		}{
			{page: 1}, {page: 2, took: 1000}, {page: 3, took: 1000},
			{page: 3, took: 2},             // nobody waits for it
			{page: 3, took: 2, slow: true}, // and it ends only when it is canceled
		} {
			t.Run(fmt.Sprintf("%s in page %d, %d rows", name, test.page, test.took), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					c := &changing{rows: rows(100)}
					p := c.list(10, 4)
					var asked, inFlight atomic.Int32
					p.Fetch = func(ctx context.Context, offset, limit int) (*listing.Page[row], error) {
						inFlight.Add(1)
						defer inFlight.Add(-1)
						if int(asked.Add(1)) == test.page {
							if test.slow {
								<-ctx.Done()
							}
							end.fetch()
						}
						return c.fetch(ctx, offset, limit)
					}
					var panicked any
					returned, ended, n := false, make(chan struct{}), 0
					go func() {
						defer close(ended)
						defer func() { panicked = recover() }()
						_ = p.Each(t.Context(), func(*row) bool {
							n++
							synctest.Wait()
							return n < test.took
						})
						returned = true
					}()
					<-ended
					if returned || panicked != end.want {
						t.Errorf("Each returned: %v, or panicked with %v; want %v", returned, panicked, end.want)
					}
					if left := inFlight.Load(); left != 0 {
						t.Errorf("%d fetches are in flight after the end", left)
					}
				})
			})
		}
	}
}

// A panic of the caller's loop is not replaced by one of a page read ahead.
func TestReadaheadKeepsThePanicOfTheLoop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &changing{rows: rows(100)}
		p, asked := c.list(10, 4), atomic.Int32{}
		p.Fetch = func(ctx context.Context, offset, limit int) (*listing.Page[row], error) {
			if asked.Add(1) > 1 {
				runtime.Goexit()
			}
			return c.fetch(ctx, offset, limit)
		}
		n, failure := 0, errors.New("the loop's own")
		defer func() {
			if got := recover(); got != any(failure) {
				t.Errorf("Each panicked with %v, want %v", got, failure)
			}
		}()
		_ = p.Each(t.Context(), func(*row) bool {
			if n++; n == 2 {
				synctest.Wait()
				panic(failure)
			}
			return true
		})
	})
}
