package inviteui

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-roq/roq"
)

// view is what of the list is shown, as the query of its address: status, search, sort,
// order and page. So it can be kept, sent to somebody, and gone back to.
type view struct{ url.Values }

// sorts are what the list can be sorted by.
var sorts = map[string]roq.UserInviteSort{"email": roq.SortEmail, "status": roq.SortStatus, "created": roq.SortCreatedAt, "updated": roq.SortUpdatedAt}

var statuses = []roq.UserInviteStatus{roq.StatusPending, roq.StatusAccepted, roq.StatusExpired, roq.StatusCanceled}

// readView reads a view out of an address or a form. What makes no sense is left out.
func readView(in url.Values) view {
	v := view{url.Values{}}
	page, err := strconv.Atoi(in.Get("page"))
	sorted := sorts[in.Get("sort")] != ""
	for name, makesSense := range map[string]bool{
		"status": slices.Contains(statuses, roq.UserInviteStatus(in.Get("status"))), "search": strings.TrimSpace(in.Get("search")) != "",
		"sort": sorted, "order": sorted && in.Get("order") == "desc", "page": err == nil && page > 1 && page < 1_000_000,
	} {
		if makesSense {
			v.Set(name, strings.TrimSpace(in.Get(name)))
		}
	}
	return v
}

// with returns the first page of the view with another value.
func (v view) with(name, value string) view {
	v.Values = maps.Clone(v.Values)
	v.Del("page")
	if v.Set(name, value); value == "" {
		v.Del(name)
	}
	return v
}

// Page is the page that is shown, from 1.
func (v view) Page() int {
	n, _ := strconv.Atoi(v.Get("page"))
	return max(n, 1)
}

// Searching is the view with another search, Of with another status, and At on another
// page.
func (v view) Searching(text string) view { return v.with("search", text) }
func (v view) Of(status string) view      { return v.with("status", status) }
func (v view) At(page int) view           { return readView(v.with("page", strconv.Itoa(page)).Values) }

// By is the view sorted by the column; again, the other way round.
func (v view) By(column string) view {
	if v.AriaSort(column) == "ascending" {
		return v.with("sort", column).with("order", "desc")
	}
	return v.with("sort", column).with("order", "")
}

// AriaSort says how the list is sorted by the column: by default the newest are first.
func (v view) AriaSort(column string) string {
	switch {
	case cmp.Or(v.Get("sort"), "created") != column:
		return "none"
	case v.Has("order") || !v.Has("sort"):
		return "descending"
	default:
		return "ascending"
	}
}

// Link is the address of the view. Templates would escape a query by itself.
func (v view) Link(base string) string { return strings.TrimSuffix(base+"?"+v.Encode(), "?") }

// filter is the view's condition.
func (v view) filter(tenantID string) roq.UserInviteFilter {
	f := roq.UserInviteFilter{TenantID: &roq.IDFilter{EqualTo: tenantID}}
	if status := v.Get("status"); status != "" {
		f.Status = &roq.StringFilter{EqualTo: status}
	}
	if search := v.Get("search"); search != "" {
		// What stands for anything in a pattern stands for itself in a search.
		f.Email = &roq.StringFilter{ILike: "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`, "\x00", "").Replace(strings.ToValidUTF8(search, "\ufffd")) + "%"}
	}
	return f
}

// order is the view's order.
func (v view) order() *roq.UserInviteOrder {
	column := cmp.Or(v.Get("sort"), "created")
	if v.AriaSort(column) == "descending" {
		return &roq.UserInviteOrder{Sort: sorts[column], Order: roq.Descending}
	}
	return &roq.UserInviteOrder{Sort: sorts[column], Order: roq.Ascending}
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
	// latest is when the tenant's invites changed last, before they were listed.
	latest time.Time
}

// list asks the platform for the view, and how many invites there are of each status.
func (v *visitor) list(at view) *list {
	tenantID := v.session.User.TenantID
	ask := func(q roq.UserInvitesQuery) (*roq.UserInvitePage, error) {
		return v.platform.UserInvites(v.r.Context(), q)
	}
	l := &list{View: at, Pages: 1, Counted: true, Tabs: make([]tab, 1+len(statuses))}
	l.Tabs[0] = tab{Key: "all", Selected: !at.Has("status")}
	var wg sync.WaitGroup
	for i, status := range statuses {
		t := &l.Tabs[1+i]
		*t = tab{Key: "status." + string(status), Status: string(status), Selected: at.Get("status") == string(status)}
		wg.Go(func() {
			t.Count = -1
			if found, err := ask(roq.UserInvitesQuery{Filter: at.Of(t.Status).filter(tenantID), Limit: 1}); err == nil {
				t.Count = found.TotalCount
			}
		})
	}
	if last, err := ask(roq.UserInvitesQuery{Filter: view{}.filter(tenantID), Order: &roq.UserInviteOrder{Sort: roq.SortUpdatedAt, Order: roq.Descending}, Limit: 1}); err == nil && len(last.Data) > 0 {
		l.latest = last.Data[0].UpdatedAt
	}
	page, err := ask(roq.UserInvitesQuery{Filter: at.filter(tenantID), Order: at.order(), Limit: v.pageSize, Offset: (at.Page() - 1) * v.pageSize})
	wg.Wait()
	if err != nil {
		l.Problem, l.Counted = v.explain(err), false
		return l
	}
	for _, invite := range page.Data {
		l.Rows = append(l.Rows, row{v, invite, at})
	}
	l.Total, l.Pages = page.TotalCount, max(1, (page.TotalCount+v.pageSize-1)/v.pageSize)
	all, from := &l.Tabs[0], 0
	for _, t := range l.Tabs[1:] {
		all.Count += t.Count
		l.Counted = l.Counted && t.Count >= 0
	}
	for i := range l.Tabs[1:] {
		t := &l.Tabs[1+i]
		t.From, t.Width = from, t.Count*1000/max(1, all.Count)
		from += t.Width
	}
	return l
}

// Numbers are the pages to jump to: the first, the last, and those around this one. A 0
// is a gap.
func (l *list) Numbers() (numbers []int) {
	for n := 1; n <= l.Pages; n++ {
		switch at := l.View.Page(); {
		case n == 1, n == l.Pages, n >= at-2 && n <= at+2:
			numbers = append(numbers, n)
		case numbers[len(numbers)-1] != 0:
			numbers = append(numbers, 0)
		}
	}
	return numbers
}

// Filtered reports whether there may be more than what matches.
func (l *list) Filtered() bool {
	return l.View.Has("status") || l.View.Has("search") || l.View.Has("page")
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

// allows reports whether an invite with that status can be resent or canceled: what is
// not accepted can be resent, and what is pending be canceled, as on ROQ's own page.
func allows(status roq.UserInviteStatus, action Action) bool {
	return status == roq.StatusPending || action == ActionResend && status != roq.StatusAccepted
}

// Act is the address that asks for it.
func (r row) Act(action Action) string {
	values := maps.Clone(r.View.Values)
	values.Set("do", string(action))
	values.Set("id", r.ID)
	return "act?" + values.Encode()
}

// Label is the status in words.
func (r row) Label() string { return cmp.Or(r.T("status."+string(r.Status)), string(r.Status)) }

// Date is a time as the visitor reads it.
func (r row) Date(t time.Time) string { return r.date(t, r.session.User.Timezone) }

// RoleNames are those of the invitee's roles.
func (r row) RoleNames() string {
	names := map[string]string{}
	for _, role := range r.Roles() {
		names[role.Key] = role.Name
	}
	var all []string
	for _, key := range r.RoleKeys {
		all = append(all, cmp.Or(names[key], key))
	}
	return strings.Join(all, ", ")
}
