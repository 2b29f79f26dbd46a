package listing

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/go-roq/roq/internal/relay"
)

// idsPerQuery is how many ids one query names.
const idsPerQuery = 500

// listAgain lists the rows that match, and then asks for those that are followed
// and were not among them. So it costs as much as the watch is large, whatever the
// platform has. Those that are not found either may be gone: see [follower.confirm].
func (f *follower[T]) listAgain(ctx context.Context) ([]Change[T], error) {
	missing := make(map[string]bool)
	for id, m := range f.marks {
		if m.followed {
			missing[id] = true
		}
	}
	var news []*T
	find := func(row *T) bool {
		k := f.Key(row)
		delete(missing, k.ID)
		if f.isNews(k) {
			news = append(news, row)
		}
		return true
	}
	if err := f.each(ctx, Query{}, find); err != nil {
		return nil, err
	}
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(missing)), idsPerQuery) {
		if err := f.each(ctx, Query{AnyStatus: true, IDs: ids}, find); err != nil {
			return nil, err
		}
	}
	f.relist, f.polls = false, 0
	for id, m := range f.marks {
		if m.doubted && !missing[id] {
			m.doubted = false
			f.marks[id] = m
		}
	}
	// It leaves high alone, which is for what was read in the order of changes.
	var changes []Change[T]
	for _, row := range news {
		changes = f.note(changes, row)
	}
	return f.confirm(ctx, changes, slices.Sorted(maps.Keys(missing)))
}

// confirm adds the changes of rows that a list misses. A list may be behind, or
// wrong for once, so each row is read. One that is there as it was seen last stays,
// and one that has changed stays until the next list misses it too, unless it
// cannot have ceased to match. The rows are listed again as long as lists miss them.
func (f *follower[T]) confirm(ctx context.Context, changes []Change[T], missing []string) ([]Change[T], error) {
	gone := func(id string) {
		changes = append(changes, Change[T]{ID: id, PreviousStatus: f.marks[id].status})
		delete(f.marks, id)
	}
	var unsure []string
	for _, id := range missing {
		if f.marks[id].doubted {
			gone(id)
		} else {
			unsure = append(unsure, id)
		}
	}
	rows, err := f.readAll(ctx, unsure)
	for _, id := range unsure {
		row, concluded := rows[id]
		switch {
		case concluded && row == nil:
			gone(id)
			continue
		case concluded && !f.Conditional:
			changes = f.note(changes, row) // it matches, so the list is behind
		case concluded && f.isNews(f.Key(row)):
			m := f.marks[id]
			m.doubted = true // and not the change: a list that shows the row reports it
			f.marks[id] = m
		}
		f.relist = true
	}
	return changes, err
}

// readAll reads rows by id, several at once. A row that does not exist is nil. After
// the first failure it begins no other, and returns what was read.
func (f *follower[T]) readAll(ctx context.Context, ids []string) (map[string]*T, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		mu      sync.Mutex
		rows    = make(map[string]*T)
		next    int
		failure error
		end     relay.End
		all     sync.WaitGroup
	)
	take := func() (id string, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		if next == len(ids) || failure != nil || end.Abnormal() {
			return "", false
		}
		next++
		return ids[next-1], true
	}
	keep := func(id string, row *T, err error) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case errors.Is(err, ErrNone):
			rows[id] = nil
		case err == nil:
			rows[id] = row
		case failure == nil:
			failure = err
		}
	}
	for range min(f.Parallel, len(ids)) {
		all.Add(1)
		relay.Go(func() {
			for id, ok := take(); ok; id, ok = take() {
				row, err := f.Read(ctx, id)
				keep(id, row, err)
			}
		}, func(e relay.End) {
			defer all.Done()
			if e.Abnormal() {
				cancel()
				mu.Lock()
				defer mu.Unlock()
				if !end.Abnormal() {
					end = e
				}
			}
		})
	}
	all.Wait()
	end.Resume()
	return rows, failure
}
