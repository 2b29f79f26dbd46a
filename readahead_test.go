package roq_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-roq/roq"
)

// abreast serves a list, each page after so long, and counts the pages on their way.
type abreast struct {
	list      changing
	takes     func(n int) time.Duration
	n         atomic.Int32
	now, most atomic.Int32
}

func (a *abreast) serve(r *http.Request) (*http.Response, error) {
	for now, most := a.now.Add(1), a.most.Load(); now > most && !a.most.CompareAndSwap(most, now); {
		most = a.most.Load()
	}
	defer a.now.Add(-1)
	// A page is as the list is when its answer leaves.
	timer := time.NewTimer(a.takes(int(a.n.Add(1))))
	defer timer.Stop()
	select {
	case <-timer.C:
		return a.list.serve(r)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

func steadily(d time.Duration) func(int) time.Duration {
	return func(int) time.Duration { return d }
}

// The first page says how many there are, and the others come side by side, however
// long each takes.
func TestReadahead(t *testing.T) {
	t.Parallel()
	for parallel, want := range map[int]int{1: 101, 2: 51, 8: 14, 64: 3} {
		synctest.Test(t, func(t *testing.T) {
			a := &abreast{list: changing{rows: rows(10_000)}, takes: steadily(20 * time.Millisecond)}
			m := newMock(t, a.serve)
			begin := time.Now()
			got, err := collect(t.Context(), m, roq.UserInvitesQuery{}, roq.WithParallel(parallel))
			if err != nil || len(got) != 10_000 || !slices.IsSorted(got[:1000]) {
				t.Fatalf("%d invites, %v; want 10,000 in order", len(got), err)
			}
			if took := time.Since(begin); took != time.Duration(want)*20*time.Millisecond {
				t.Errorf("%d abreast: it took %v, want %d times 20 ms", parallel, took, want)
			}
			if most := int(a.most.Load()); most > parallel {
				t.Errorf("%d pages were on their way at once, want %d at most", most, parallel)
			}
			if pages := int(a.n.Load()); pages != 101 {
				t.Errorf("%d pages, want 101", pages)
			}
		})
	}
}

// A caller who is slow has no more than so many pages waiting.
func TestReadaheadIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &abreast{list: changing{rows: rows(1000)}, takes: steadily(time.Millisecond)}
		m := newMock(t, a.serve)
		n := 0
		for _, err := range m.client.AsUser(userID).AllUserInvites(t.Context(), roq.UserInvitesQuery{Limit: 10}, roq.WithParallel(4)) {
			if err != nil {
				t.Fatal(err)
			}
			n++
			time.Sleep(time.Second) //nolint:forbidigo // the caller's time, in a bubble
			if ahead := int(a.n.Load()) - 1 - n/9; ahead > 4 {
				t.Fatalf("%d pages ahead of invite %d, want 4 at most", ahead, n)
			}
		}
	})
}

// A platform that gives fewer rows than asked for is asked in its own steps.
func TestReadaheadWithACappedPage(t *testing.T) {
	t.Parallel()
	list := changing{rows: rows(500)}
	m := newMock(t, func(r *http.Request) (*http.Response, error) { return list.capped(r, 50) })
	got, err := collect(t.Context(), m, roq.UserInvitesQuery{Limit: 100})
	comeOnce(t, got, list.rows, list.rows)
	if pages := len(m.sent()); err != nil || pages != 11 {
		t.Errorf("%d pages, %v; want 11", pages, err)
	}
}

// However a list changes while its pages are on their way, and in whatever order
// they come: what is there throughout comes once.
func TestReadaheadWhileTheListChanges(t *testing.T) {
	t.Parallel()
	for seed := range uint64(150) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // to be repeated
			start := rows(20 + random.IntN(200))
			a := &abreast{list: changing{rows: slices.Clone(start)}, takes: func(n int) time.Duration {
				return time.Duration(1+(n*7919+int(seed))%13) * time.Millisecond
			}}
			a.list.between = func(n int, c *changing) { // serve holds the lock
				if random.IntN(3) == 0 && len(c.rows) > 5 {
					from := random.IntN(len(c.rows) - 1)
					c.remove(from, from+1+random.IntN(min(8, len(c.rows)-from-1)))
				}
				for range random.IntN(4) {
					c.rows = append(c.rows, row{fmt.Sprintf("new%03d-%d", n, random.Int()), random.IntN(120)})
				}
			}
			got, err := collect(t.Context(), newMock(t, a.serve), roq.UserInvitesQuery{Limit: 5 + random.IntN(20)}, roq.WithParallel(1+random.IntN(8)))
			if err != nil {
				t.Fatalf("seed %d: after %d: %v", seed, len(got), err)
			}
			comeOnce(t, got, start, a.list.rows)
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		})
	}
}
