package main

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-roq/roq"
)

// pageSize is how many invites are on a page.
const pageSize = 10

// view is what of the list is shown: all of it is in the address, so that it can
// be kept, sent to somebody, and gone back to.
type view struct {
	Status, Search, Sort string
	Descending           bool
	Page                 int // from 1
}

// columns are what the list can be sorted by.
var columns = []struct {
	Name, Label string
	sort        roq.UserInviteSort
}{
	{"email", "E-mail", roq.SortEmail}, {"status", "Status", roq.SortStatus},
	{"created", "Invited", roq.SortCreatedAt}, {"updated", "Changed", roq.SortUpdatedAt},
}

var statuses = []roq.UserInviteStatus{roq.StatusPending, roq.StatusAccepted, roq.StatusCanceled, roq.StatusExpired}

// locales are the languages that invitations can be sent in here.
var locales = []struct{ Key, Name string }{{"en-US", "English"}, {"de-DE", "Deutsch"}, {"fr-FR", "Français"}, {"es-ES", "Español"}}

// readView reads a view out of an address. What makes no sense is left out: an
// address is no place for errors.
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
	if n, err := strconv.Atoi(values.Get("page")); err == nil && n > 1 && n <= math.MaxInt32/pageSize {
		v.Page = n
	}
	return v
}

// query is the view as the platform is asked.
func (v view) query() roq.UserInvitesQuery {
	q := roq.UserInvitesQuery{Limit: pageSize, Offset: (v.Page - 1) * pageSize, Order: &roq.UserInviteOrder{Order: roq.Ascending}}
	for _, c := range columns {
		if c.Name == v.Sort {
			q.Order.Sort = c.sort
		}
	}
	if v.Descending {
		q.Order.Order = roq.Descending
	}
	if v.Status != "" {
		q.Filter.Status = &roq.StringFilter{EqualTo: v.Status}
	}
	if v.Search != "" {
		// What stands for anything in a pattern stands for itself in a search.
		literal := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(v.Search)
		q.Filter.Email = &roq.StringFilter{ILike: "%" + literal + "%"}
	}
	return q
}

// Address is where the view is; what is as usual is left out.
func (v view) Address() string {
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
	return strings.TrimSuffix("/?"+values.Encode(), "?")
}

// SortedBy is where the list is sorted by the column; again, the other way round.
func (v view) SortedBy(column string) string {
	v.Descending = v.Sort == column && !v.Descending
	v.Sort, v.Page = column, 1
	return v.Address()
}

// Turned is where the page is that many pages on.
func (v view) Turned(by int) string {
	v.Page += by
	return v.Address()
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

// row is an invite in the table.
type row struct{ roq.UserInvite }

// Can reports whether the status allows the action: what is not accepted can be resent,
// and what is pending be canceled, as on ROQ's own page.
func (r row) Can(action string) bool {
	if action == "resend" {
		return r.Status != roq.StatusAccepted
	}
	return r.Status == roq.StatusPending
}

// list is the table, or why there is none.
type list struct {
	View    view
	Rows    []row
	Total   int
	Pages   int
	Problem *problem
}

// listed asks the platform for the view.
func (a *app) listed(r *http.Request, who visitor, v view) list {
	l := list{View: v, Pages: 1}
	page, err := who.platform.UserInvites(r.Context(), v.query())
	if err != nil {
		l.Problem = a.explain(err)
		return l
	}
	for _, i := range page.Data {
		l.Rows = append(l.Rows, row{i})
	}
	l.Total, l.Pages = page.TotalCount, max(1, (page.TotalCount+pageSize-1)/pageSize)
	return l
}

// home is the page, or with the parameter part only what changes by itself.
type home struct {
	list
	Who     *roq.Session
	Report  *report
	Notice  string
	Pasted  string
	Locale  string
	Role    string
	Columns any
	Choices []roq.UserInviteStatus
}

func (a *app) home(w http.ResponseWriter, r *http.Request, who visitor) {
	page := a.page(r, who)
	if r.FormValue("part") == "list" {
		a.show(w, http.StatusOK, "list", page)
		return
	}
	page.Notice = notices[r.FormValue("notice")]
	a.show(w, http.StatusOK, "home", page)
}

func (a *app) page(r *http.Request, who visitor) home {
	return home{
		list: a.listed(r, who, readView(r.URL.Query())), Who: who.Session, Columns: columns, Choices: statuses,
		Locale: cmp.Or(who.User.Locale, "en-US"),
	}
}

func iso(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// inWords says how long ago something was.
func inWords(t time.Time) string {
	ago := time.Since(t)
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if n := int(ago / unit.length); n > 1 {
			return fmt.Sprintf("%d %ss ago", n, unit.name)
		} else if n == 1 {
			return "1 " + unit.name + " ago"
		}
	}
	return "just now"
}
