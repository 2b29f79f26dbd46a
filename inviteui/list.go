package inviteui

import (
	"cmp"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-roq/roq"
)

// view is what of the list is shown. All of it is in the address, so that it can be
// kept, sent to somebody, and gone back to.
type view struct {
	Status, Search, Sort string
	Descending           bool
	Page                 int // from 1
}

// columns are what the list can be sorted by.
var columns = []struct {
	Name string
	sort roq.UserInviteSort
}{{"email", roq.SortEmail}, {"status", roq.SortStatus}, {"created", roq.SortCreatedAt}, {"updated", roq.SortUpdatedAt}}

var statuses = []roq.UserInviteStatus{roq.StatusPending, roq.StatusAccepted, roq.StatusExpired, roq.StatusCanceled}

// readView reads a view out of an address or a form. What makes no sense is left out.
func readView(values url.Values) view {
	v := view{Search: strings.TrimSpace(values.Get("search")), Sort: "created", Descending: true, Page: 1}
	if status := values.Get("status"); slices.Contains(statuses, roq.UserInviteStatus(status)) {
		v.Status = status
	}
	for _, c := range columns {
		if c.Name == values.Get("sort") {
			v.Sort, v.Descending = c.Name, values.Get("order") == "desc"
		}
	}
	if n, err := strconv.Atoi(values.Get("page")); err == nil && n > 1 {
		v.Page = min(n, math.MaxInt32/1000)
	}
	return v
}

// filter is the view's condition.
func (v view) filter(tenantID string) roq.UserInviteFilter {
	f := roq.UserInviteFilter{TenantID: &roq.IDFilter{EqualTo: tenantID}}
	if v.Status != "" {
		f.Status = &roq.StringFilter{EqualTo: v.Status}
	}
	if v.Search != "" {
		// What stands for anything in a pattern stands for itself in a search.
		literal := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(v.Search)
		f.Email = &roq.StringFilter{ILike: "%" + literal + "%"}
	}
	return f
}

// order is the view's order.
func (v view) order() *roq.UserInviteOrder {
	o := &roq.UserInviteOrder{Order: roq.Ascending}
	for _, c := range columns {
		if c.Name == v.Sort {
			o.Sort = c.sort
		}
	}
	if v.Descending {
		o.Order = roq.Descending
	}
	return o
}

// values are the view in an address. What is as usual is left out.
func (v view) values() url.Values {
	values := url.Values{}
	for name, value := range map[string]string{"status": v.Status, "search": v.Search} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if v.Sort != "created" || !v.Descending {
		values.Set("sort", v.Sort)
		values.Set("order", map[bool]string{true: "desc", false: "asc"}[v.Descending])
	}
	if v.Page > 1 {
		values.Set("page", strconv.Itoa(v.Page))
	}
	return values
}

// Link is the address of the view. Templates would escape a query by itself.
func (v view) Link(base string) string { return strings.TrimSuffix(base+"?"+v.values().Encode(), "?") }

// Fields are the view as hidden fields of a form.
func (v view) Fields() url.Values { return v.values() }

// Searching is the view with another search.
func (v view) Searching(text string) view {
	v.Search, v.Page = text, 1
	return v
}

// Of is the view with another status.
func (v view) Of(status string) view {
	v.Status, v.Page = status, 1
	return v
}

// By is the view sorted by the column; again, the other way round.
func (v view) By(column string) view {
	v.Descending = v.Sort == column && !v.Descending
	v.Sort, v.Page = column, 1
	return v
}

// At is another page of the view.
func (v view) At(page int) view {
	v.Page = page
	return v
}

// AriaSort says how the list is sorted by the column.
func (v view) AriaSort(column string) string {
	switch {
	case v.Sort != column:
		return "none"
	case v.Descending:
		return "descending"
	default:
		return "ascending"
	}
}

// tab is a status to choose, or all of them.
type tab struct {
	Key      string // of the text
	Status   string
	Count    int
	Selected bool
	// From and Width are the tab's part of the bar, of 1000.
	From, Width int
}

// list is the table, or why there is none.
type list struct {
	View    view
	Tabs    []tab
	Rows    []row
	Total   int
	Pages   int
	Problem *problem
	// Counted is whether the tabs have their counts.
	Counted bool
	// newest is when the latest change was, whether it is on this page or not.
	newest time.Time
}

// row is an invite in the table.
type row struct {
	*visitor
	roq.UserInvite
	View view
}

// Offers reports whether the visitor may do that with the invite, and its status allows
// it.
func (r row) Offers(action Action) bool { return r.Can(action) && allows(r.Status, action) }

// Act is the address that asks for it.
func (r row) Act(action Action) string {
	values := r.View.values()
	values.Set("do", string(action))
	values.Set("id", r.ID)
	return "act?" + values.Encode()
}

// allows reports whether an invite with that status can be resent or canceled: what is
// not accepted can be resent, and what is pending be canceled, as on ROQ's own page.
func allows(status roq.UserInviteStatus, action Action) bool {
	if action == ActionResend {
		return status != roq.StatusAccepted
	}
	return status == roq.StatusPending
}

// Label is the status in words.
func (r row) Label() string {
	if slices.Contains(statuses, r.Status) {
		return r.T("status." + string(r.Status))
	}
	return string(r.Status)
}

// Date is a time as the visitor reads it.
func (r row) Date(t time.Time) string { return r.date(t, r.session.User.Timezone) }

// RoleNames are those of the invitee's roles.
func (r row) RoleNames() string {
	var names []string
	for _, key := range r.RoleKeys {
		name := key
		for _, role := range r.Roles() {
			if role.Key == key {
				name = cmp.Or(role.Name, key)
			}
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// list asks the platform for the view, and how many invites there are of each status.
func (v *visitor) list(at view) list {
	tenantID := v.session.User.TenantID
	l := list{View: at, Pages: 1, Counted: true}
	counts := make([]int, len(statuses))
	var wg sync.WaitGroup
	var mu sync.Mutex
	for i, status := range statuses {
		if at.Status == string(status) {
			continue // the list says so
		}
		wg.Go(func() {
			found, err := v.platform.UserInvites(v.r.Context(), roq.UserInvitesQuery{Filter: at.Of(string(status)).filter(tenantID), Limit: 1})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				l.Counted = false
				return
			}
			counts[i] = found.TotalCount
		})
	}
	wg.Go(func() { l.newest, _, _ = newest(v.r.Context(), v.platform, tenantID) })
	page, failed := v.platform.UserInvites(v.r.Context(), roq.UserInvitesQuery{
		Filter: at.filter(tenantID), Order: at.order(), Limit: v.pageSize, Offset: (at.Page - 1) * v.pageSize,
	})
	wg.Wait()
	if failed != nil {
		l.Problem = v.explain(v.r.Context(), failed)
		return l
	}
	for _, invite := range page.Data {
		l.Rows = append(l.Rows, row{v, invite, at})
	}
	l.Total, l.Pages = page.TotalCount, max(1, (page.TotalCount+v.pageSize-1)/v.pageSize)
	l.count(counts)
	return l
}

// count makes the tabs.
func (l *list) count(counts []int) {
	all := 0
	for i, status := range statuses {
		if l.View.Status == string(status) {
			counts[i] = l.Total
		}
		all += counts[i]
	}
	if l.View.Status == "" {
		all = l.Total
	}
	l.Tabs = []tab{{Key: "all", Count: all, Selected: l.View.Status == ""}}
	from := 0
	for i, status := range statuses {
		t := tab{"status." + string(status), string(status), counts[i], l.View.Status == string(status), from, counts[i] * 1000 / max(1, all)}
		from += t.Width
		l.Tabs = append(l.Tabs, t)
	}
}

// Numbers are the pages to jump to: the first, the last, and those around this one. A 0
// is a gap.
func (l list) Numbers() (numbers []int) {
	for n := 1; n <= l.Pages; n++ {
		switch {
		case n == 1, n == l.Pages, n >= l.View.Page-2 && n <= l.View.Page+2:
			numbers = append(numbers, n)
		case numbers[len(numbers)-1] != 0:
			numbers = append(numbers, 0)
		}
	}
	return numbers
}

// Filtered reports whether there may be more than what matches.
func (l list) Filtered() bool { return l.View.Status != "" || l.View.Search != "" || l.View.Page > 1 }
