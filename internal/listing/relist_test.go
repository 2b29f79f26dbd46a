package listing_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-roq/roq/internal/listing"
)

var errFatal = errors.New("does not pass")

// A row that a list misses is gone only if reading it says so, or if it has changed
// and the next list misses it too.
func TestRunOfStaleLists(t *testing.T) {
	t.Parallel()
	steps := func(by map[int]func(*ledger)) func(int, *ledger) {
		return func(n int, l *ledger) {
			if step := by[n]; step != nil {
				step(l)
			}
		}
	}
	hide := func(l *ledger) { l.unlisted = []string{"id1"} }
	show := func(l *ledger) { l.unlisted = nil }
	change := func(updated int) func(*ledger) {
		return func(l *ledger) { l.set("id1", pending, updated); hide(l) }
	}
	for name, test := range map[string]struct {
		before map[int]func(*ledger)
		polls  int
		want   []string
		errs   []error
		reads  int
	}{
		"one list is stale": {map[int]func(*ledger){2: hide, 3: show, 4: func(l *ledger) { l.set("id1", "accepted", 1000) }},
			5, []string{"id1 pending>accepted"}, nil, 1},
		"all lists are stale": {map[int]func(*ledger){2: hide}, 9, nil, nil, 9},
		"changed, and the first list misses it": {map[int]func(*ledger){2: change(1000)},
			1, nil, nil, 1},
		"changed, and two lists miss it": {map[int]func(*ledger){2: change(1000)},
			9, []string{"id1 pending>gone"}, nil, 1},
		"changed, and one list misses it": {map[int]func(*ledger){2: change(1000), 3: show},
			5, []string{"id1 pending>pending"}, nil, 1},
		"changed twice, and two lists that miss it are not in a row": {map[int]func(*ledger){2: change(1000), 3: show, 4: change(2000), 5: show},
			6, []string{"id1 pending>pending", "id1 pending>pending"}, nil, 2},
		"unchanged, then changed": {map[int]func(*ledger){2: hide, 4: change(1000)},
			9, []string{"id1 pending>gone"}, nil, 3},
		"removed while the list is stale": {map[int]func(*ledger){2: hide, 4: func(l *ledger) { l.remove("id1") }},
			9, []string{"id1 pending>gone"}, nil, 3},
		"removed, and reading fails": {map[int]func(*ledger){
			2: func(l *ledger) { l.remove("id1"); l.readErr = errPassing },
			4: func(l *ledger) { l.readErr = nil },
		}, 9, []string{"id1 pending>gone"}, []error{errPassing, errPassing}, 3},
		"unlisted, and reading fails": {map[int]func(*ledger){
			2: func(l *ledger) { hide(l); l.readErr = errPassing },
			4: func(l *ledger) { show(l); l.readErr = nil },
		}, 9, nil, []error{errPassing, errPassing}, 2},
		"reading fails for good": {map[int]func(*ledger){2: func(l *ledger) { hide(l); l.readErr = errFatal }},
			9, nil, []error{errFatal}, 1},
		"others change meanwhile": {map[int]func(*ledger){2: func(l *ledger) { hide(l); l.set("id0", "accepted", 1000) }},
			3, []string{"id0 pending>accepted"}, nil, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &ledger{entries: entries(3), before: steps(test.before)}
			got, errs := l.watch(t, l.newWatch(), test.polls)
			if !slices.Equal(got, test.want) || !slices.Equal(errs, test.errs) {
				t.Errorf("reported is %q, %v, want %q, %v", got, errs, test.want, test.errs)
			}
			if len(l.reads) != test.reads {
				t.Errorf("%q were read, want %d", l.reads, test.reads)
			}
		})
	}
}

// A row that cannot cease to match is never gone because it has changed: a change
// that the lists miss is reported as soon as the row is read.
func TestRunOfStaleListsWithoutOtherConditions(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before func(n int, l *ledger)
		want   []string
	}{
		"accepted, and two lists miss it": {func(n int, l *ledger) {
			switch n {
			case 2:
				l.set("id1", "accepted", 1000)
				l.unlisted = []string{"id1"}
			case 4:
				l.unlisted = nil
			}
		}, []string{"id1 pending>accepted"}},
		"changed twice, and every list misses it": {func(n int, l *ledger) {
			switch n {
			case 2:
				l.set("id1", pending, 1000)
				l.unlisted = []string{"id1"}
			case 4:
				l.set("id1", "accepted", 2000)
			}
		}, []string{"id1 pending>pending", "id1 pending>accepted"}},
		"changed, and then removed": {func(n int, l *ledger) {
			switch n {
			case 2:
				l.set("id1", pending, 1000)
				l.unlisted = []string{"id1"}
			case 4:
				l.remove("id1")
			}
		}, []string{"id1 pending>pending", "id1 pending>gone"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &ledger{entries: entries(3), before: test.before}
			w := l.newWatch()
			w.Conditional = false
			got, errs := l.watch(t, w, 8)
			if !slices.Equal(got, test.want) || len(errs) != 0 {
				t.Errorf("reported is %q, %v, want %q", got, errs, test.want)
			}
		})
	}
}

// A number of rows that is wrong for once costs a list, and nothing is reported.
func TestRunOfAWrongTotal(t *testing.T) {
	t.Parallel()
	l := &ledger{entries: entries(60)}
	w := l.newWatch()
	w.Limit = 20
	w.Fetch = func(ctx context.Context, q listing.Query) (*listing.Page[entry], error) {
		page, err := l.fetch(ctx, q)
		if l.polls == 2 {
			page.Total = 20 // lists end after a page, and 20 are in no list
		}
		return page, err
	}
	got, errs := l.watch(t, w, 4)
	if len(got) != 0 || len(errs) != 0 || len(l.reads) != 20 {
		t.Errorf("reported is %q, %v after %d reads, want nothing after 20", got, errs, len(l.reads))
	}
}

// vanishing returns a watch of n rows that are all gone at the first poll.
func vanishing(n int, read func(context.Context, string) (*entry, error)) listing.Watch[entry] {
	l := &ledger{entries: entries(n), before: func(polls int, l *ledger) {
		if polls == 2 {
			l.entries = nil
		}
	}}
	w := l.newWatch()
	w.Parallel, w.Read = 8, read
	return w
}

// Thousands of rows are read side by side, but not all at once.
func TestRunReadsInParallel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var inFlight, highest atomic.Int32
		w := vanishing(4000, func(context.Context, string) (*entry, error) {
			now := inFlight.Add(1)
			defer inFlight.Add(-1)
			<-time.After(time.Second)
			if now > highest.Load() {
				highest.Store(now)
			}
			return nil, listing.ErrNone
		})
		begin, gone := time.Now(), map[string]int{}
		w.Run(t.Context(), func(c listing.Change[entry], err error) bool {
			if gone[c.ID]++; err != nil || c.Row != nil {
				t.Errorf("%+v, %v came, want rows that are gone", c, err)
			}
			return true
		})
		if took := time.Since(begin); len(gone) != 4000 || highest.Load() != 8 || took != 500*time.Second {
			t.Errorf("%d are gone after %v with %d at once, want 4000 after 500 s with 8", len(gone), took, highest.Load())
		}
	})
}

// The end of the context ends the reading; what was read until then is reported.
func TestRunReadsUntilTheContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second+time.Millisecond)
		defer cancel()
		w := vanishing(4000, func(ctx context.Context, _ string) (*entry, error) {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(time.Second):
				return nil, listing.ErrNone
			}
		})
		begin, gone := time.Now(), 0
		var errs []error
		w.Run(ctx, func(_ listing.Change[entry], err error) bool {
			if err != nil {
				errs = append(errs, err)
			} else {
				gone++
			}
			return true
		})
		if took := time.Since(begin); gone != 80 || len(errs) != 1 || !errors.Is(errs[0], context.DeadlineExceeded) || took > 11*time.Second {
			t.Errorf("%d are gone, %v after %v; want 80 and the context's error at its end", gone, errs, took)
		}
	})
}

// A failure ends the reading: others would fail too.
func TestRunStopsReadingAfterAFailure(t *testing.T) {
	t.Parallel()
	var reads atomic.Int32
	w := vanishing(4000, func(context.Context, string) (*entry, error) {
		reads.Add(1)
		return nil, errFatal
	})
	var errs []error
	w.Run(t.Context(), func(_ listing.Change[entry], err error) bool {
		errs = append(errs, err)
		return true
	})
	if n := reads.Load(); n > 8 || !slices.Equal(errs, []error{errFatal}) {
		t.Errorf("%d were read, %v, want 8 at most and one failure", n, errs)
	}
}

// A read that does not return ends the goroutine that called Run in the same way.
func TestRunReadThatDoesNotReturn(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]struct {
		read func()
		want any // what Run panics with; nil is runtime.Goexit
	}{
		"panic":  {func() { panic(errFatal) }, errFatal},
		"Goexit": {runtime.Goexit, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var once sync.Once
			w := vanishing(100, func(ctx context.Context, _ string) (*entry, error) {
				once.Do(end.read)
				<-ctx.Done()
				return nil, ctx.Err()
			})
			var panicked any
			returned, ended := false, make(chan struct{})
			go func() {
				defer close(ended)
				defer func() { panicked = recover() }()
				w.Run(t.Context(), func(listing.Change[entry], error) bool { return true })
				returned = true
			}()
			<-ended
			if returned || panicked != end.want {
				t.Errorf("Run returned: %v, or panicked with %v; want %v", returned, panicked, end.want)
			}
		})
	}
}

// A row that the list does not show is read, and waited for if it is there.
func TestWaitWhileTheListIsBehind(t *testing.T) {
	t.Parallel()
	accept := func(l *ledger) { l.set("id0", "accepted", 1000) }
	for name, test := range map[string]struct {
		before map[int]func(*ledger)
		want   string // status, empty if there is none
		err    error
	}{
		"it shows later":        {map[int]func(*ledger){3: func(l *ledger) { l.unlisted = nil }, 5: accept}, "accepted", nil},
		"it never shows":        {map[int]func(*ledger){5: accept}, "accepted", nil},
		"it is final already":   {map[int]func(*ledger){1: accept}, "accepted", nil},
		"there is none":         {map[int]func(*ledger){1: func(l *ledger) { l.entries = nil }}, "", nil},
		"it is removed":         {map[int]func(*ledger){5: func(l *ledger) { l.entries = nil }}, "", nil},
		"reading fails at once": {map[int]func(*ledger){1: func(l *ledger) { l.readErr = errPassing }, 5: func(l *ledger) { l.readErr = nil }, 7: accept}, "accepted", nil},
		"reading fails later":   {map[int]func(*ledger){2: func(l *ledger) { l.readErr = errPassing }, 5: func(l *ledger) { l.readErr = nil }, 7: accept}, "accepted", nil},
		"reading fails for good": {map[int]func(*ledger){1: func(l *ledger) { l.readErr = errFatal }},
			"", errFatal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &ledger{entries: entries(1), unlisted: []string{"id0"}, before: func(n int, l *ledger) {
				if step := test.before[n]; step != nil {
					step(l)
				}
			}}
			w := l.newWatch()
			w.Sleep = func(context.Context, time.Duration) error {
				if l.polls > 20 {
					return errEnough
				}
				return nil
			}
			got, err := w.Wait(t.Context(), "id0")
			status := ""
			if got != nil {
				status = got.status
			}
			if status != test.want || !errors.Is(err, test.err) {
				t.Errorf("Wait = %v, %v, want %q, %v", fmt.Sprint(got), err, test.want, test.err)
			}
		})
	}
}
