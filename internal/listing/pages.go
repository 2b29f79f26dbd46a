// Package listing reads lists that change while they are read, page by page.
//
// It does not know what the rows are: the caller fetches pages of rows of its own
// type, and returns the [Key] of a row.
package listing

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"time"
)

// Key is what this package has to know of a row.
type Key struct {
	ID, Status string
	// UpdatedAt is zero until the row changes for the first time.
	CreatedAt, UpdatedAt time.Time
}

// Page is one page of a list.
type Page[T any] struct {
	Rows []T
	// Total is how many rows the whole list has.
	Total int
}

// Error reports a page that does not fit the pages before it.
type Error struct {
	Offset int   // where the page begins
	Reason error // what is wrong with it
}

func (e *Error) Error() string {
	return fmt.Sprintf("the page at offset %d %v", e.Offset, e.Reason)
}

func (e *Error) Unwrap() error { return e.Reason }

var (
	errStuck          = errors.New("has nothing new, and the list has not ended")
	errNotByCreatedAt = errors.New("is not in the requested order of createdAt")

	// errEnd is not an error of the list: the page is its last.
	errEnd = errors.New("end of the list")
)

// mostPasses is how often a list is read that does not show all of its rows.
const mostPasses = 4

// patience is how many pages in a row may bring nothing new. Rows that are
// inserted at the front push known rows along, by a whole page even; but a platform
// that ignores the offset answers with the same page forever.
const patience = 3

// Pages reads a list from its first page to its last.
type Pages[T any] struct {
	// Fetch returns the page of at most limit rows that begins at offset. It is
	// called by several goroutines at once, and returns when ctx ends.
	Fetch func(ctx context.Context, offset, limit int) (*Page[T], error)
	// Key returns the key of a row.
	Key func(*T) Key
	// Offset is where the first page begins, Limit the most rows of a page.
	Offset, Limit int
	// Parallel is how many pages are read ahead.
	Parallel int
	// ByCreatedAt is whether the list is in ascending order of CreatedAt. If so, a
	// row that is in the list throughout is delivered exactly once although others
	// come and go. In another order it is delivered at most once.
	ByCreatedAt bool
	// Again is Fetch in another order, in which a list is read again that has not shown
	// as many rows as it has: rows that are equal by its order may come in another order
	// on each page. Nil means that the same order is read in pages of another size.
	Again func(ctx context.Context, offset, limit int) (*Page[T], error)
}

// Each calls yield with every row, until yield returns false, the list ends or
// something fails. The row is the page's own: whoever keeps it keeps the page. An
// error of Fetch is returned as it is, one of the list is an [*Error]. A panic or
// runtime.Goexit in Fetch comes out of Each.
//
// A list of which fewer rows have come than it has is read again, and what had not
// come comes then. So is one that has changed, if rows that are equal by its order were
// on several pages. If that does not help although the list does not change, it is an
// error.
func (p Pages[T]) Each(ctx context.Context, yield func(*T) bool) error {
	s := seen{ids: make(map[uint64]struct{}), seed: maphash.MakeSeed()}
	first := p.pager()
	end, err := p.pass(ctx, p.Fetch, p.limit(), first, &s, yield)
	unsure := end.changed && first.tied()
	if errors.Is(err, errStuck) && first.tied() {
		err, unsure = nil, true // rows that change places can look like a list that does not advance
	}
	for pass := 2; err == nil && !end.stopped && (unsure || len(s.ids) < end.total-p.Offset); pass++ {
		unsure = false
		switch {
		case end.changed && pass > 2:
			return nil // whatever is missing has come since
		case pass > mostPasses:
			return &Error{Offset: p.Offset, Reason: fmt.Errorf("began a list that repeatedly returned only %d of %d rows", len(s.ids), end.total-p.Offset)}
		}
		fetch, limit, pages := p.Fetch, p.limit()*(pass+1)/(pass+2)+1, pager(&plainPager{again: true})
		if p.Again != nil && p.Offset == 0 && pass%2 == 0 {
			fetch, limit = p.Again, max(p.limit(), 2)
			pages = &chainPager{stride: limit - 1, pass: seen{ids: make(map[uint64]struct{}), seed: s.seed}}
		}
		end, err = p.pass(ctx, fetch, limit, pages, &s, yield)
	}
	return err
}

// ending is how a pass over a list ended.
type ending struct {
	// total is how many rows the list has, changed is whether that was another number on
	// a page before.
	total   int
	changed bool
	// stopped is whether yield stopped it.
	stopped bool
}

// seen are the rows that were delivered. It keeps eight bytes of an id: collisions are
// negligible.
type seen struct {
	ids  map[uint64]struct{}
	seed maphash.Seed
}

// add adds a row, and reports whether it is new.
func (s *seen) add(id string) bool {
	before := len(s.ids)
	s.ids[maphash.String(s.seed, id)] = struct{}{}
	return len(s.ids) > before
}

func (s *seen) has(id string) bool {
	_, known := s.ids[maphash.String(s.seed, id)]
	return known
}

// limit returns the most rows of a page.
func (p Pages[T]) limit() int {
	if p.ByCreatedAt {
		// Neighboring pages share a row, so pages of one row would not advance.
		return max(p.Limit, 2)
	}
	return p.Limit
}

func (p Pages[T]) pager() pager {
	if p.ByCreatedAt {
		return &anchoredPager{start: p.Offset, stride: p.limit() - 1}
	}
	return &plainPager{}
}

// pass reads the list once. It returns when no page is in flight anymore.
func (p Pages[T]) pass(ctx context.Context, fetch func(ctx context.Context, offset, limit int) (*Page[T], error), limit int, pages pager, s *seen, yield func(*T) bool) (ending, error) {
	ahead := newReadahead(ctx, p.Parallel, func(ctx context.Context, offset int) (*Page[T], error) {
		return fetch(ctx, offset, limit)
	})
	end, err := p.each(ahead, pages, s, yield)
	ahead.end.Resume() // in a page that was read ahead in vain
	return end, err
}

func (p Pages[T]) each(ahead *readahead[*Page[T]], pages pager, s *seen, yield func(*T) bool) (end ending, err error) {
	defer ahead.stop()
	var keys []Key
	for offset := p.Offset; ; {
		page, err := ahead.get(offset)
		if err != nil {
			return end, err
		}
		end.changed = end.changed || offset > p.Offset && page.Total != end.total
		end.total = page.Total
		keys = keys[:0]
		for i := range page.Rows {
			keys = append(keys, p.Key(&page.Rows[i]))
		}
		fresh, next, err := pages.read(offset, keys, page.Total, s)
		for n, i := range fresh {
			if n == 1 && err == nil { // the caller has come back for more
				ahead.expect(next, next-offset, offset+len(page.Rows)-next, page.Total)
			}
			if !yield(&page.Rows[i]) {
				end.stopped = true
				return end, nil
			}
		}
		switch {
		case errors.Is(err, errEnd):
			return end, nil
		case err != nil:
			return end, &Error{Offset: offset, Reason: err}
		}
		offset = next
	}
}

// pager follows a list that may change while it is read.
type pager interface {
	// read takes the page at offset of a list of total rows. It returns the indexes
	// of the rows that were not delivered yet, and the offset of the next page or
	// why there is none.
	read(offset int, rows []Key, total int, s *seen) (fresh []int, next int, err error)
	// tied reports whether rows that are equal by the list's order were on several pages.
	tied() bool
}

// anchoredPager reads a list in ascending order of CreatedAt. Each page begins
// with the last row of the one before. If another row is there, rows that were
// read have gone and others moved up unseen: it steps back until a page begins
// with a row that was delivered, and continues from there.
//
// A page is the list at one moment, whichever that was. If it begins at or before
// the last row delivered, every row that was in the list throughout and is still
// undelivered is in it or behind it. Rows that are equally old may change places from
// page to page: after a few steps back for one CreatedAt such a row is taken for the
// anchor. What is missed then is missing in the count.
type anchoredPager struct {
	start  int // where the caller began: nothing before it is asked for
	stride int // how far apart pages begin

	last time.Time // CreatedAt of the youngest row delivered

	back  int // how many strides the last step back was, 0 if there was none
	steps int // how many steps back there were for rows as old as last
	ties  bool
	far   int // the farthest offset read
	idle  int // pages in a row that brought nothing new

	first string // id of the row that the page before began with
	same  int    // pages in a row that began with it
}

func (p *anchoredPager) read(offset int, rows []Key, total int, s *seen) (fresh []int, next int, err error) {
	if !slices.IsSortedFunc(rows, func(a, b Key) int { return a.CreatedAt.Compare(b.CreatedAt) }) {
		return nil, offset, errNotByCreatedAt
	}
	p.far = max(p.far, offset)
	p.compare(rows)
	// One of them is the anchor.
	p.ties = p.ties || offset > p.start && len(rows) > 1 && rows[1].CreatedAt.Equal(p.last)
	if offset > p.start && !p.anchored(rows, s) {
		p.back = max(1, 2*p.back)
		return nil, max(p.start, offset-p.back*p.stride), p.rest()
	}
	p.back = 0
	for i, row := range rows {
		if s.add(row.ID) {
			fresh = append(fresh, i)
		}
		if row.CreatedAt.After(p.last) {
			p.last, p.steps = row.CreatedAt, 0
		}
	}
	end := offset + len(rows)
	switch last := end >= total; {
	case len(fresh) == 0 && p.same == patience && !last, len(rows) < 2 && !last:
		return fresh, end, errStuck
	case last:
		return fresh, end, errEnd
	case len(fresh) == 0:
		return nil, end - 1, p.rest()
	}
	p.idle = 0
	return fresh, end - 1, nil
}

// anchored reports whether a page begins with a row that was delivered, or as if it did.
func (p *anchoredPager) anchored(rows []Key, s *seen) bool {
	const most = 3
	switch {
	case len(rows) == 0 || rows[0].CreatedAt.After(p.last):
		return false
	case rows[0].CreatedAt.Before(p.last) || s.has(rows[0].ID) || p.steps == most:
		return true
	}
	p.steps++
	return false
}

// compare records whether a page begins like the one before.
func (p *anchoredPager) compare(rows []Key) {
	first := ""
	if len(rows) > 0 {
		first = rows[0].ID
	}
	p.same++
	if first != p.first || first == "" {
		p.first, p.same = first, 0
	}
}

// rest counts a page that brought nothing new. Stepping back, twice as far each
// time, and catching up again takes at most twice the pages so far; a list that
// takes more is not in the order that was asked for.
func (p *anchoredPager) rest() error {
	p.idle++
	if p.idle > 16+2*(p.far-p.start)/p.stride {
		return errStuck
	}
	return nil
}

func (p *anchoredPager) tied() bool { return p.ties }

// chainPager reads a list again, in an order in which no two rows are equal. Each page
// begins with the last row of the one before, as for an [anchoredPager], which is known
// by its id.
type chainPager struct {
	stride int
	pass   seen // in this pass
	back   int
	far    int
	idle   int
}

func (p *chainPager) read(offset int, rows []Key, total int, s *seen) (fresh []int, next int, err error) {
	p.far = max(p.far, offset)
	p.idle++
	if offset > 0 && (len(rows) == 0 || !p.pass.has(rows[0].ID)) {
		p.back = max(1, 2*p.back)
		return nil, max(0, offset-p.back*p.stride), p.stuck()
	}
	p.back = 0
	for i, row := range rows {
		if p.pass.add(row.ID) {
			p.idle = 0
		}
		if s.add(row.ID) {
			fresh = append(fresh, i)
		}
	}
	end := offset + len(rows)
	switch {
	case end >= total:
		return fresh, end, errEnd
	case len(rows) < 2:
		return fresh, end, errStuck
	}
	return fresh, end - 1, p.stuck()
}

// stuck bounds the pages in a row that bring nothing new: see [anchoredPager].
func (p *chainPager) stuck() error {
	if p.idle > 16+2*p.far/p.stride {
		return errStuck
	}
	return nil
}

func (p *chainPager) tied() bool { return false }

// plainPager reads a list in any order, page after page.
type plainPager struct {
	// again is whether the list is read again, so that most rows are not new.
	again bool
	idle  int // pages in a row that brought nothing new
}

func (p *plainPager) read(offset int, rows []Key, total int, s *seen) (fresh []int, next int, err error) {
	for i, row := range rows {
		if s.add(row.ID) {
			fresh = append(fresh, i)
		}
	}
	p.idle++
	if len(fresh) > 0 {
		p.idle = 0
	}
	next = offset + len(rows)
	end := next >= total
	switch {
	case len(rows) == 0 && !end, p.idle == patience && !p.again:
		return nil, next, errStuck
	case end:
		return fresh, next, errEnd
	}
	return fresh, next, nil
}

func (p *plainPager) tied() bool { return false }
