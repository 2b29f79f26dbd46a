package roq

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-roq/roq/internal/wire"
)

// defaultPageSize is AllUserInvites' page size if the query has no Limit.
const defaultPageSize = 100

// pager follows a list that may change while it is read.
type pager interface {
	// read takes the page found at offset and returns the invites in it that were
	// not delivered yet, and the offset to go on at.
	read(offset int, page *UserInvitePage) (fresh []*UserInvite, next int, err error)
}

var (
	errListEnd       = errors.New("end of the list")
	errListStuck     = errors.New("brings nothing new, and the list has not ended")
	errListUnordered = errors.New("is not in the order of createdAt that was asked for")
)

// eachInvite reads page after page and hands every invite to yield, until that
// returns false, the list ends or something fails.
func (c *call) eachInvite(ctx context.Context, as *identity, q UserInvitesQuery, yield func(*UserInvite) bool) error {
	if _, err := q.variables(c.operation); err != nil {
		return err
	}
	if q.Limit == 0 {
		q.Limit = defaultPageSize
	}
	var pages pager = &plainPager{seen: make(map[string]bool)}
	if q.Order == nil {
		// Said aloud, because what the platform does without an order is its affair.
		q.Order = &UserInviteOrder{Sort: SortCreatedAt, Order: Ascending}
		// Neighbouring pages share a row, so pages of one row would not move.
		q.Limit = max(q.Limit, 2)
		pages = &anchoredPager{start: q.Offset, stride: q.Limit - 1}
	}
	ahead := newReadahead(ctx, c.opt.parallel, func(ctx context.Context, offset int) (*UserInvitePage, error) {
		at := q
		at.Offset = offset
		return c.page(ctx, as, at)
	})
	defer ahead.stop()
	for offset := q.Offset; ; {
		page, err := ahead.page(offset)
		if err != nil {
			return err
		}
		fresh, next, err := pages.read(offset, page)
		for i, invite := range fresh {
			if i == 1 && err == nil { // the caller has come back for more
				ahead.expect(next, next-offset, offset+len(page.Data)-next, page.TotalCount)
			}
			if !yield(invite) {
				return nil
			}
		}
		switch {
		case errors.Is(err, errListEnd):
			return nil
		case err != nil:
			return c.badPage(offset, err)
		}
		offset = next
	}
}

// page reads one page of a list, with a budget of attempts of its own.
func (c *call) page(ctx context.Context, as *identity, q UserInvitesQuery) (*UserInvitePage, error) {
	variables, err := q.variables(c.operation)
	if err != nil {
		return nil, err
	}
	asking := &call{core: c.core, operation: c.operation, opt: c.opt}
	data, err := exchange(ctx, asking, as, wire.UserInvites, variables)
	return userInvitePage(data.Page), err
}

// badPage makes the error of a page that does not fit those before.
func (c *call) badPage(offset int, err error) *Error {
	return c.error(fmt.Sprintf("the page at offset %d %v", offset, err), ErrUnavailable)
}

// anchoredPager reads a list in ascending order of CreatedAt. Each page begins
// with the last row of the one before. If another row stands there, rows that
// were read have gone and others moved up unseen: it steps back until a page
// begins with a row that was delivered, and reads on from there.
//
// A page is one moment's view of the list, whenever that was. If it begins at or before the last
// row delivered, every row that was there all along and is still undelivered
// stands in it or behind it; so each is delivered, and by CreatedAt none twice.
type anchoredPager struct {
	start  int // where the caller began: nothing before it is asked for
	stride int // how far apart pages begin

	last time.Time       // CreatedAt of the last row delivered
	ties map[string]bool // ids delivered with that CreatedAt

	back int // how many strides the last step back was, 0 if there was none
	far  int // the farthest offset read
	idle int // pages in a row that brought nothing new

	first string // id of the row that the page before began with
	same  int    // pages in a row that began with it
}

func (p *anchoredPager) read(offset int, page *UserInvitePage) (fresh []*UserInvite, next int, err error) {
	rows := page.Data
	if !slices.IsSortedFunc(rows, func(a, b UserInvite) int { return a.CreatedAt.Compare(b.CreatedAt) }) {
		return nil, offset, errListUnordered
	}
	p.far = max(p.far, offset)
	p.compare(rows)
	if offset > p.start && (len(rows) == 0 || !p.delivered(&rows[0])) {
		p.back = max(1, 2*p.back)
		return nil, max(p.start, offset-p.back*p.stride), p.rest()
	}
	p.back = 0
	for i := range rows {
		if row := &rows[i]; !p.delivered(row) {
			p.deliver(row)
			fresh = append(fresh, row)
		}
	}
	// Newcomers in front may push known rows along, by a whole page even; but the same
	// page everywhere is that of a platform that does not heed the offset.
	const patience = 3
	end := offset + len(rows)
	switch last := end >= page.TotalCount; {
	case len(fresh) == 0 && (p.same == patience || p.same > 0 && last), len(rows) < 2 && !last:
		return fresh, end, errListStuck
	case last:
		return fresh, end, errListEnd
	case len(fresh) == 0:
		return nil, end - 1, p.rest()
	}
	p.idle = 0
	return fresh, end - 1, nil
}

// compare takes down whether a page begins as the one before did.
func (p *anchoredPager) compare(rows []UserInvite) {
	first := ""
	if len(rows) > 0 {
		first = rows[0].ID
	}
	p.same++
	if first != p.first || first == "" {
		p.first, p.same = first, 0
	}
}

// delivered reports whether row stands at or before the last row delivered. What
// stands before it and was not delivered has come since.
func (p *anchoredPager) delivered(row *UserInvite) bool {
	return row.CreatedAt.Before(p.last) || p.ties[row.ID]
}

func (p *anchoredPager) deliver(row *UserInvite) {
	if !row.CreatedAt.Equal(p.last) || p.ties == nil {
		p.last, p.ties = row.CreatedAt, make(map[string]bool)
	}
	p.ties[row.ID] = true
}

// rest counts a page that brought nothing new. Stepping back, twice as far each
// time, and catching up again takes no more than twice the pages so far; a list
// that asks for more is not in the order that was asked for.
func (p *anchoredPager) rest() error {
	p.idle++
	if p.idle > 16+2*(p.far-p.start)/p.stride {
		return errListStuck
	}
	return nil
}

// plainPager reads a list in any order, page after page.
type plainPager struct {
	seen  map[string]bool
	first string // id of the page's first row
	idle  int    // pages in a row that brought nothing new
}

func (p *plainPager) read(offset int, page *UserInvitePage) (fresh []*UserInvite, next int, err error) {
	for i := range page.Data {
		if row := &page.Data[i]; !p.seen[row.ID] {
			p.seen[row.ID] = true
			fresh = append(fresh, row)
		}
	}
	p.idle++
	if len(fresh) > 0 {
		p.idle = 0
	}
	same := false
	if len(page.Data) > 0 {
		same, p.first = page.Data[0].ID == p.first, page.Data[0].ID
	}
	// Newcomers in front push known rows along, perhaps a whole page of them; but
	// the same page everywhere is that of a platform that does not heed the offset.
	const patience = 3
	next = offset + len(page.Data)
	end := next >= page.TotalCount
	switch {
	case len(page.Data) == 0 && !end, p.idle > 0 && same && end, p.idle == patience:
		return nil, next, errListStuck
	case end:
		return fresh, next, errListEnd
	}
	return fresh, next, nil
}
