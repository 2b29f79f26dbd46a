package roq

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"
)

const (
	// newsPageSize is how many of the last changes a look asks for: mostly there are
	// few, and none as a rule.
	newsPageSize = 50
	// watchPageSize is the size of every other page, unless the query has a Limit.
	watchPageSize = 500
	// watchOverlap is how far a look goes back behind what was read. A change may
	// show after one that is dated later: it was committed late.
	watchOverlap = 5 * time.Second
	// watchRelist is after how many looks the watched invites are listed again, as a
	// net for whatever does not show in the last changes.
	watchRelist = 60
)

var errNewsUnordered = errors.New("is not in the order of updatedAt that was asked for")

// watch is a call that looks at invites until none of them is pending.
//
// It goes by updatedAt. That this is set when an invite is made, and moves with
// every change of its status, is our reading: a NestJS server with TypeORM, as
// the platform's packages show one, keeps such a column by itself. Where it does
// not move, watchRelist is how late a change is seen.
type watch struct {
	*call
	as *identity
	// first is the query for the invites to take up, all the same without its
	// status: what was taken up is followed whatever its status becomes.
	first, all UserInvitesQuery
	// waits is for a single invite: how it is at the beginning is reported too, and a
	// failure that may pass does not keep the watch from beginning.
	waits bool

	// marks are the invites that are watched, by id, and those that are not but have
	// changed so lately that a look comes upon them again.
	marks map[string]mark
	// high is the latest change that a look has read.
	high time.Time
	// total is how many invites matched all at the last look.
	total int
	// relist is whether the watched invites are to be listed again, since is how many
	// looks ago they were.
	relist bool
	since  int
}

// mark is what is kept of an invite: not the whole of it, since there may be a
// hundred thousand.
type mark struct {
	status  UserInviteStatus
	changed time.Time
	watched bool
}

// changedAt is when an invite changed last.
func changedAt(i *UserInvite) time.Time {
	if i.UpdatedAt.IsZero() {
		return i.CreatedAt // null: not yet
	}
	return i.UpdatedAt
}

// begin takes up the invites that match, and returns them if the watch waits for
// one. What may change while they are listed is seen by the first look, because
// it goes back to the last change of before.
func (w *watch) begin(ctx context.Context) ([]UserInviteChange, error) {
	newest, err := w.news(ctx, 0, 1)
	if err != nil {
		return nil, err
	}
	var changes []UserInviteChange
	w.marks = make(map[string]mark)
	err = w.eachInvite(ctx, w.as, w.first, func(i *UserInvite) bool {
		w.marks[i.ID] = mark{i.Status, changedAt(i), true}
		if w.waits {
			changes = append(changes, UserInviteChange{ID: i.ID, Current: i})
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	w.total = newest.TotalCount
	for i := range newest.Data {
		w.high = changedAt(&newest.Data[i])
	}
	return changes, nil
}

// settled reports whether no watched invite is pending any more.
func (w *watch) settled() bool {
	for _, m := range w.marks {
		switch m.status {
		case StatusAccepted, StatusCanceled, StatusExpired:
		default:
			if m.watched {
				return false
			}
		}
	}
	return true
}

// look returns what has changed since the last one, what changed last at the
// end. It takes nothing down before it has read everything, so that the next one reads
// what this one failed to.
func (w *watch) look(ctx context.Context) ([]UserInviteChange, error) {
	invites, total, err := w.lastChanged(ctx)
	if err != nil {
		return nil, err
	}
	var changes []UserInviteChange
	high, came := w.high, 0
	for _, i := range slices.Backward(invites) {
		if i.CreatedAt.After(w.high) {
			came++ // nothing of its date was read before
		}
		if changed := changedAt(i); changed.After(high) {
			high = changed
		}
		changes = w.note(changes, i)
	}
	// If there are not as many as there must be, some were removed, or came unseen.
	w.since++
	w.relist = w.relist || total != w.total+came || w.since >= watchRelist
	w.high, w.total = high, total
	maps.DeleteFunc(w.marks, func(_ string, m mark) bool {
		return !m.watched && m.changed.Before(high.Add(-watchOverlap))
	})
	if !w.relist {
		return changes, nil
	}
	more, err := w.listAgain(ctx)
	return append(changes, more...), err
}

// lastChanged reads what changed last, the latest first, and how many invites
// match in all. It reads on only while a page ends in news. So a look is one
// request when nothing happens, even if thousands of invites bear the date of the
// last change.
func (w *watch) lastChanged(ctx context.Context) (invites []*UserInvite, total int, err error) {
	floor := w.high.Add(-watchOverlap)
	read := make(map[string]bool)
	var last time.Time
	for offset, limit := 0, min(newsPageSize, w.all.Limit); ; limit = w.all.Limit {
		page, err := w.news(ctx, offset, limit)
		if err != nil {
			return nil, 0, err
		}
		if offset == 0 {
			total = page.TotalCount
		}
		before, old := len(read), false
		for n := range page.Data {
			i := &page.Data[n]
			// Where a null stands in an order differs between databases: it says nothing.
			if updated := i.UpdatedAt; !updated.IsZero() {
				if !last.IsZero() && updated.After(last) {
					return nil, 0, w.badPage(offset, errNewsUnordered)
				}
				last = updated
				old = updated.Before(floor) || !w.isNews(i)
			}
			if !read[i.ID] { // a change in between has pushed it from the page before
				read[i.ID] = true
				invites = append(invites, i)
			}
		}
		next := offset + len(page.Data)
		switch {
		case old, next >= page.TotalCount:
			return invites, total, nil
		case len(read) == before:
			return nil, 0, w.badPage(offset, errListStuck)
		}
		offset = next
	}
}

// news returns a page of all, what changed last first.
func (w *watch) news(ctx context.Context, offset, limit int) (*UserInvitePage, error) {
	q := w.all
	q.Order, q.Offset, q.Limit = &UserInviteOrder{Sort: SortUpdatedAt, Order: Descending}, offset, limit
	return w.page(ctx, w.as, q)
}

// isNews reports whether an invite is not as it was seen last. If it is as it was
// before that, the list lags behind.
func (w *watch) isNews(i *UserInvite) bool {
	m, seen := w.marks[i.ID]
	changed := changedAt(i)
	return !seen || changed.After(m.changed) || changed.Equal(m.changed) && i.Status != m.status
}

// note takes an invite down and, if that is a change to be reported, adds it.
func (w *watch) note(changes []UserInviteChange, i *UserInvite) []UserInviteChange {
	if !w.isNews(i) {
		return changes
	}
	before := w.marks[i.ID]
	watched := before.watched || takes(w.first.Filter.Status, i.Status)
	w.marks[i.ID] = mark{i.Status, changedAt(i), watched}
	if !watched {
		return changes
	}
	change := UserInviteChange{ID: i.ID, Current: new(*i)} // the page is not to be kept for one invite in it
	if before.watched {
		change.PreviousStatus = before.status
	}
	return append(changes, change)
}

// takes reports whether a condition on the status holds, as the platform compares.
func takes(c *StringFilter, status UserInviteStatus) bool {
	s := string(status)
	return c == nil ||
		(c.EqualTo == "" || s == c.EqualTo) && (c.NotEqualTo == "" || s != c.NotEqualTo) &&
			(len(c.ValueIn) == 0 || slices.Contains(c.ValueIn, s)) && !slices.Contains(c.ValueNotIn, s)
}

// listAgain lists what is to be taken up, and then asks for the watched invites
// that were not among it: those that are not found either are gone. So it costs
// what the watch is large, not what the platform has ever had.
func (w *watch) listAgain(ctx context.Context) ([]UserInviteChange, error) {
	missing := make(map[string]bool)
	for id, m := range w.marks {
		if m.watched {
			missing[id] = true
		}
	}
	var news []*UserInvite
	find := func(i *UserInvite) bool {
		delete(missing, i.ID)
		if w.isNews(i) {
			news = append(news, i)
		}
		return true
	}
	if err := w.eachInvite(ctx, w.as, w.first, find); err != nil {
		return nil, err
	}
	rest := w.all
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(missing)), watchPageSize) {
		// An id does not change, so that the query's own condition on it holds.
		rest.Filter.ID = &IDFilter{ValueIn: ids}
		if err := w.eachInvite(ctx, w.as, rest, find); err != nil {
			return nil, err
		}
	}
	w.relist, w.since = false, 0
	// It leaves high alone, which is for what was read in the order of changes.
	var changes []UserInviteChange
	for _, i := range news {
		changes = w.note(changes, i)
	}
	for _, id := range slices.Sorted(maps.Keys(missing)) {
		changes = append(changes, UserInviteChange{ID: id, PreviousStatus: w.marks[id].status})
		delete(w.marks, id)
	}
	return changes, nil
}
