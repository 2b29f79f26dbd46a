package listing

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// Watch follows the rows of a list that match a query, and reports how they
// change.
//
// It relies on UpdatedAt, which is set when a row is created and moves with every
// change. A change that does not move it is reported when the rows are listed
// again, after relistAfter polls.
type Watch[T any] struct {
	// Fetch returns a page of the list. It is called by several goroutines at once,
	// and returns when ctx ends.
	Fetch func(ctx context.Context, q Query) (*Page[T], error)
	// Read returns the row with an id, whatever the query, or [ErrNone]. A row that a
	// list misses is gone only if Read agrees. It is called like Fetch.
	Read func(ctx context.Context, id string) (*T, error)
	// Key returns the key of a row.
	Key func(*T) Key
	// Matches reports whether the query's condition on the status holds. A row that
	// was followed once is followed whatever its status becomes.
	Matches func(status string) bool
	// Conditional is whether the query has conditions besides that on the status that
	// a row may cease to match. If not, a row that Read finds is never gone.
	Conditional bool
	// Final reports whether a status is final. The watch ends when that of every
	// row is. Nil is a watch without an end.
	Final func(status string) bool
	// Began, if set, is called once, when the rows have been listed: every change after
	// latest is reported.
	Began func(latest time.Time)
	// Passing reports whether a failure may pass, so that the next poll is worth it.
	Passing func(error) bool
	// Sleep waits for d. When ctx ends it returns the error that the watch ends with.
	Sleep func(ctx context.Context, d time.Duration) error
	// Limit is the most rows of a page. Parallel is how many pages are read ahead, and
	// how many rows are read at once.
	Limit, Parallel int
	// Shortest is how far apart polls are after a change. While nothing changes they
	// are half as long again apart each time, up to Longest.
	Shortest, Longest time.Duration
}

// ErrNone is the error of [Watch.Read] if there is no such row.
var ErrNone = errors.New("there is no such row")

// Query says which page of a list to fetch.
type Query struct {
	// AnyStatus leaves out the condition on the status.
	AnyStatus bool
	// IDs are the only rows to fetch. Nil is no condition.
	IDs []string
	// LastUpdated is whether the list is in descending order of UpdatedAt, and not
	// in ascending order of CreatedAt.
	LastUpdated bool
	// Offset is where the page begins, Limit how many rows it has at most.
	Offset, Limit int
}

// Change is a change of a row.
type Change[T any] struct {
	ID string
	// Row is the row as it is now, nil if it is gone: there is none with that id, or it
	// has changed and two lists in a row were without it, so that it does not match.
	Row *T
	// PreviousStatus is the status that was seen last, empty for a row that is new.
	PreviousStatus string
}

// Run calls yield with every change and with every failure. It returns when yield
// returns false, when every status is final, or after a failure that does not pass
// or is one of the first list. Rows that are there when it begins are not reported.
//
// Errors of Fetch, Read and Sleep are yielded as they are, one of the list is an
// [*Error], and passes. A panic or runtime.Goexit in any of them comes out of Run.
func (w Watch[T]) Run(ctx context.Context, yield func(Change[T], error) bool) {
	f := &follower[T]{Watch: w}
	f.run(ctx, yield)
}

// Wait returns the row with that id, which is the only one that matches the query,
// as soon as its status is final. If there is none, or it is removed meanwhile, the
// row is nil. A row that is not in the list yet is waited for if Read finds it. Wait
// goes through every failure that may pass.
func (w Watch[T]) Wait(ctx context.Context, id string) (row *T, err error) {
	w.Conditional = false // an id does not change
	f := &follower[T]{Watch: w, only: id}
	f.run(ctx, func(c Change[T], failure error) bool {
		if failure != nil && w.passes(ctx, failure) {
			return true
		}
		row, err = c.Row, failure
		return err == nil
	})
	return row, err
}

// passes reports whether a failure may pass, so that the next poll is worth it.
func (w Watch[T]) passes(ctx context.Context, err error) bool {
	if ended := ctx.Err(); ended != nil && errors.Is(err, ended) {
		return false
	}
	wrong := (*Error)(nil)
	return errors.As(err, &wrong) || w.Passing(err)
}

// interval returns how long to wait after an interval of d, which is zero after a
// change.
func (w Watch[T]) interval(d time.Duration) time.Duration {
	return min(max(d+d/2, w.Shortest), w.Longest)
}

// follower is a watch that has begun.
type follower[T any] struct {
	Watch[T]
	// only is the id of a row that is waited for: its state at the beginning is
	// reported too, and a failure that may pass does not keep the watch from
	// beginning. It is empty for any other watch.
	only string

	// marks are the rows that are followed, by id, and those that are not but have
	// changed so recently that the next poll reads them again.
	marks map[string]mark
	// high is the latest change that a poll has read.
	high time.Time
	// total is how many rows of any status there were at the last poll.
	total int
	// relist is whether the rows have to be listed again, and polls is how many polls
	// ago they were.
	relist bool
	polls  int
}

// mark is what is kept of a row: not all of it, since there may be a hundred
// thousand.
type mark struct {
	status   string
	changed  time.Time
	followed bool
	// doubted is whether the last list missed the row although it is there, and
	// changed: the query may not match it anymore.
	doubted bool
}

// run polls, again and again, until yield returns false or there is nothing left
// to wait for.
func (f *follower[T]) run(ctx context.Context, yield func(Change[T], error) bool) {
	var pause time.Duration
	for begun := false; ; {
		poll := f.begin
		if begun {
			poll = f.poll
		}
		changes, err := poll(ctx)
		for _, change := range changes {
			if !yield(change, nil) {
				return
			}
		}
		switch {
		case err != nil:
			resumes := f.passes(ctx, err) && (begun || f.only != "")
			if !yield(Change[T]{}, err) || !resumes {
				return
			}
		case f.finished():
			return
		default:
			if !begun && f.Began != nil {
				f.Began(f.high)
			}
			begun = true
			if len(changes) > 0 {
				pause = 0
			}
		}
		pause = f.interval(pause)
		// Watches that began together should not poll together.
		if err := f.Sleep(ctx, pause+rand.N(pause/5+1)); err != nil {
			yield(Change[T]{}, err)
			return
		}
	}
}

// begin lists the rows that match, and returns them if the watch waits for one. The
// first poll sees what changes during the listing, because it goes back to the
// last change before it.
func (f *follower[T]) begin(ctx context.Context) ([]Change[T], error) {
	newest, err := f.lastUpdated(ctx, 0, 1)
	if err != nil {
		return nil, err
	}
	var changes []Change[T]
	f.marks = make(map[string]mark)
	follow := func(row *T) bool {
		k := f.Key(row)
		f.marks[k.ID] = mark{status: k.Status, changed: k.changed(), followed: true}
		if f.only != "" {
			changes = append(changes, Change[T]{ID: k.ID, Row: row})
		}
		return true
	}
	if err := f.each(ctx, Query{}, follow); err != nil {
		return nil, err
	}
	if f.only != "" && len(f.marks) == 0 {
		row, err := f.Read(ctx, f.only)
		switch {
		case err == nil:
			follow(row)
			f.relist = true // the list is behind
		case !errors.Is(err, ErrNone):
			return nil, err
		}
	}
	f.total = newest.Total
	for i := range newest.Rows {
		f.high = f.Key(&newest.Rows[i]).changed()
	}
	return changes, nil
}

// finished reports whether every row that is followed has a final status.
func (f *follower[T]) finished() bool {
	if f.Final == nil {
		return false
	}
	for _, m := range f.marks {
		if m.followed && !f.Final(m.status) {
			return false
		}
	}
	return true
}

// each calls yield with every row of a list.
func (f *follower[T]) each(ctx context.Context, q Query, yield func(*T) bool) error {
	pages := Pages[T]{Key: f.Key, Limit: f.Limit, Parallel: f.Parallel, ByCreatedAt: true}
	pages.Fetch = func(ctx context.Context, offset, limit int) (*Page[T], error) {
		q := q
		q.Offset, q.Limit = offset, limit
		return f.Fetch(ctx, q)
	}
	return pages.Each(ctx, yield)
}
