package listing

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"
)

const (
	// newsPageSize is how many of the last changes a poll asks for: there are few as
	// a rule, and mostly none.
	newsPageSize = 50
	// newsOverlap is how far a poll goes back behind what was read. A change may show
	// after one with a later date: it was committed late.
	newsOverlap = 5 * time.Second
	// relistAfter is after how many polls the rows are listed again, for whatever
	// does not show in the last changes.
	relistAfter = 60
)

var errNotByUpdatedAt = errors.New("is not in the requested order of updatedAt")

// changed is when a row changed last.
func (k Key) changed() time.Time {
	if k.UpdatedAt.IsZero() {
		return k.CreatedAt // null: not yet
	}
	return k.UpdatedAt
}

// poll returns what has changed since the last one, the latest change last. It
// records nothing before it has read all the last changes, so that the next poll
// reads what this one failed to.
func (f *follower[T]) poll(ctx context.Context) ([]Change[T], error) {
	rows, total, err := f.news(ctx)
	if err != nil {
		return nil, err
	}
	var changes []Change[T]
	high, came := f.high, 0
	for _, row := range slices.Backward(rows) {
		k := f.Key(row)
		if k.CreatedAt.After(f.high) {
			came++ // nothing with that date was read before
		}
		if changed := k.changed(); changed.After(high) {
			high = changed
		}
		changes = f.note(changes, row)
	}
	// If there are not as many as there should be, some were removed, or came unseen.
	f.polls++
	f.relist = f.relist || total != f.total+came || f.polls >= relistAfter
	f.high, f.total = high, total
	maps.DeleteFunc(f.marks, func(_ string, m mark) bool {
		return !m.followed && m.changed.Before(high.Add(-newsOverlap))
	})
	if !f.relist {
		return changes, nil
	}
	more, err := f.listAgain(ctx)
	return append(changes, more...), err
}

// news reads the rows of any status that changed last, the latest first, and how
// many there are in all. It reads on only while a page ends in news. So a poll is
// one request when nothing happens, even if thousands of rows have the date of the
// last change.
func (f *follower[T]) news(ctx context.Context) (rows []*T, total int, err error) {
	floor := f.high.Add(-newsOverlap)
	read := make(map[string]bool)
	var last time.Time
	for offset, limit := 0, min(newsPageSize, f.Limit); ; limit = f.Limit {
		page, err := f.lastUpdated(ctx, offset, limit)
		if err != nil {
			return nil, 0, err
		}
		if offset == 0 {
			total = page.Total
		}
		before, old := len(read), false
		for i := range page.Rows {
			row := &page.Rows[i]
			k := f.Key(row)
			// Where a null stands in an order differs between databases: it says nothing.
			if updated := k.UpdatedAt; !updated.IsZero() {
				if !last.IsZero() && updated.After(last) {
					return nil, 0, &Error{Offset: offset, Reason: errNotByUpdatedAt}
				}
				last = updated
				old = updated.Before(floor) || !f.isNews(k)
			}
			if !read[k.ID] { // a change in between has pushed it from the page before
				read[k.ID] = true
				rows = append(rows, row)
			}
		}
		next := offset + len(page.Rows)
		switch {
		case old, next >= page.Total:
			return rows, total, nil
		case len(read) == before:
			return nil, 0, &Error{Offset: offset, Reason: errStuck}
		}
		offset = next
	}
}

// lastUpdated returns a page of the rows of any status, what changed last first.
func (f *follower[T]) lastUpdated(ctx context.Context, offset, limit int) (*Page[T], error) {
	return f.Fetch(ctx, Query{AnyStatus: true, LastUpdated: true, Offset: offset, Limit: limit})
}

// isNews reports whether a row is not as it was seen last. If it is as it was before
// that, the list lags behind.
func (f *follower[T]) isNews(k Key) bool {
	m, seen := f.marks[k.ID]
	changed := k.changed()
	return !seen || changed.After(m.changed) || changed.Equal(m.changed) && k.Status != m.status
}

// note records a row and, if that is a change to report, adds it.
func (f *follower[T]) note(changes []Change[T], row *T) []Change[T] {
	k := f.Key(row)
	if !f.isNews(k) {
		return changes
	}
	before := f.marks[k.ID]
	followed := before.followed || f.Matches(k.Status)
	f.marks[k.ID] = mark{status: k.Status, changed: k.changed(), followed: followed}
	if !followed {
		return changes
	}
	change := Change[T]{ID: k.ID, Row: new(*row)} // one row must not keep its whole page
	if before.followed {
		change.PreviousStatus = before.status
	}
	return append(changes, change)
}
