package main

import (
	"bytes"
	"hash/fnv"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

const (
	// shownRows is how many lines a page has.
	shownRows = 50
	// shownTenants is how many tenants a page offers.
	shownTenants = 50
	// maxFilter bounds the characters of a search, since every line's link repeats it.
	maxFilter = 100
)

// tab is one of the lists.
type tab struct {
	Name, Path, Label, Search, Empty string
	// Prefix makes the id of a line one of the page.
	Prefix  string
	Columns []column
	// HasTenant and HasStatus say which filters the list has besides the search.
	HasTenant, HasStatus bool
	total                func(s *site) int
	lines                func(s *site, v view) lines
	// newer is how many lines are newer than the one with a number, for a list that forgets
	// its oldest lines.
	newer func(s *site, v view, number int) int
	pane  func(s *site, v view, r *http.Request) (pane, bool)
}

// column is the head of a column. Wide ones are not shown on a phone.
type column struct {
	Label        string
	Wide, Unseen bool
}

// line is a row of a list, ready to show.
type line struct {
	ID   string        `json:"id"`
	HTML template.HTML `json:"html"`
	// After is the ID of the row above, empty for the first one. It is only for rows that
	// a page does not have yet.
	After *string `json:"after,omitempty"`
}

// lines is one page of a list.
type lines struct {
	Rows        []line
	Total, Next int
	// Newest is the number of the first one, of those that a list may forget.
	Newest int
}

// pane is what the reading pane shows: a template and its data.
type pane struct {
	Title, Template string
	Data            any
}

var tabs = []*tab{
	{
		Name: "inbox", Prefix: "m", Path: "/", Label: "Inbox", Search: "Address or name", HasTenant: true, HasStatus: true,
		Empty:   "No e-mail yet. Send an invitation from your application, and it arrives here.",
		Columns: []column{{Label: "To"}, {Label: "Subject", Wide: true}, {Label: "Status"}, {Label: "Time"}, {Label: "Action", Unseen: true, Wide: true}},
		total:   func(s *site) int { return s.platform.FindEmails(one).Total },
		lines:   (*site).inboxLines, pane: (*site).mailPane,
	},
	{
		Name: "invites", Prefix: "i", Path: "/invites", Label: "Invites", Search: "Address or name", HasTenant: true, HasStatus: true,
		Empty:   "No invites.",
		Columns: []column{{Label: "E-mail"}, {Label: "Tenant", Wide: true}, {Label: "Status"}, {Label: "Roles", Wide: true}, {Label: "Created"}, {Label: "Action", Unseen: true, Wide: true}},
		total:   func(s *site) int { return s.platform.FindInvites(one).Total },
		lines:   (*site).inviteLines, pane: (*site).invitePane,
	},
	{
		Name: "users", Prefix: "u", Path: "/users", Label: "Users", Search: "Address or name", HasTenant: true,
		Empty:   "Nobody.",
		Columns: []column{{Label: "Name"}, {Label: "Tenant", Wide: true}, {Label: "Roles"}, {Label: "roqUserId", Wide: true}},
		total:   func(s *site) int { return s.platform.FindUsers(one).Total },
		lines:   (*site).userLines, pane: (*site).userPane,
	},
	{
		Name: "requests", Prefix: "r", Path: "/requests", Label: "Requests", Search: "Operation",
		Empty:   "No requests yet.",
		Columns: []column{{Label: "Operation"}, {Label: "Status"}, {Label: "Duration", Wide: true}, {Label: "Variables", Wide: true}, {Label: "Who", Wide: true}, {Label: "Time"}},
		total:   func(s *site) int { return s.platform.FindRequests(s.sinceCleared(one)).Total },
		lines:   (*site).requestLines, newer: (*site).newerRequests, pane: (*site).requestPane,
	},
	{
		Name: "webhooks", Prefix: "d", Path: "/webhooks", Label: "Webhooks", Search: "Event or its id",
		Empty:   "No webhook was sent yet.",
		Columns: []column{{Label: "Event"}, {Label: "About", Wide: true}, {Label: "Attempt"}, {Label: "Status"}, {Label: "Time", Wide: true}},
		total:   func(s *site) int { return s.platform.FindDeliveries(one).Total },
		lines:   (*site).deliveryLines, pane: (*site).deliveryPane,
	},
}

// one is a query for a total.
var one = roqtest.Query{Limit: 1}

// view is what a page was asked to show.
type view struct {
	tab               *tab
	Q, Tenant, Status string
	Before            int
	Open              string    // the line that the reading pane shows
	today             time.Time // by the platform's clock
	filtered          bool
}

// viewOf reads what a request asks for. What cannot be is left out.
func (s *site) viewOf(t *tab, form url.Values) view {
	v := view{tab: t, Open: limited(form.Get("open"), 64), Q: strings.TrimSuffix(cut(maxFilter, form.Get("q")), "…"), today: s.platform.Clock().Now}
	if t.HasTenant {
		v.Tenant = limited(form.Get("tenant"), 64)
	}
	if status := form.Get("status"); t.HasStatus && slices.Contains(statuses, roq.UserInviteStatus(status)) {
		v.Status = status
	}
	if n, err := strconv.Atoi(form.Get("before")); err == nil && n > 0 {
		v.Before = n
	}
	v.filtered = v.Q != "" || v.Tenant != "" || v.Status != ""
	return v
}

// statuses are those of invites.
var statuses = []roq.UserInviteStatus{roq.StatusPending, roq.StatusAccepted, roq.StatusCanceled, roq.StatusExpired}

func limited(s string, n int) string {
	if len(s) > n {
		return ""
	}
	return s
}

// query is the page that the view has of its list.
func (v view) query() roqtest.Query {
	return roqtest.Query{Search: v.Q, TenantID: v.Tenant, Status: roq.UserInviteStatus(v.Status), Before: v.Before, Limit: shownRows}
}

// values are the parameters of the view.
func (v view) values() url.Values {
	values := url.Values{}
	for name, value := range map[string]string{"q": v.Q, "tenant": v.Tenant, "status": v.Status, "open": v.Open} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if v.Before > 0 {
		values.Set("before", strconv.Itoa(v.Before))
	}
	return values
}

// Href is the address of the view.
func (v view) Href() string {
	if query := v.values().Encode(); query != "" {
		return v.tab.Path + "?" + query
	}
	return v.tab.Path
}

// opening is the address of the view with another line open, scrolled to that line.
func (v view) opening(id string) string {
	v.Open = id
	return v.Href() + v.scrolled(id)
}

// closed is the address of the view without the reading pane, where the line was.
func (v view) closed() string {
	id := v.Open
	v.Open = ""
	return v.Href() + v.scrolled(id)
}

// scrolled is the part of an address that scrolls to a line.
func (v view) scrolled(id string) string { return "#" + v.tab.Prefix + url.PathEscape(id) }

// from is the address of another page of the list.
func (v view) from(before int) string {
	v.Before, v.Open = before, ""
	return v.Href()
}

// moment is a time in a line. On a phone there is no room for both.
type moment struct{ Day, Hour string }

// String is the whole of it.
func (m moment) String() string { return strings.TrimSpace(m.Day + " " + m.Hour) }

// when is a time in a line: with its day, unless that is today.
func (v view) when(t time.Time) moment {
	t, today := t.Local(), v.today.Local()
	if t.Year() == today.Year() && t.YearDay() == today.YearDay() {
		return moment{Day: t.Format(time.TimeOnly)}
	}
	return moment{t.Format("Jan 2"), t.Format("15:04")}
}

// html renders a part of a page.
func html(name string, data any) template.HTML {
	var out bytes.Buffer
	if err := pages.ExecuteTemplate(&out, name, data); err != nil {
		return "" // our own templates and data
	}
	return template.HTML(bytes.TrimSpace(out.Bytes())) //nolint:gosec // html/template has escaped it
}

// content is what changes on a page.
type content struct {
	lines  lines
	parts  map[string]template.HTML
	totals map[string]string // beside the tabs
}

// content returns what a page shows now.
func (s *site) content(v view, p platformState) content {
	c := content{lines: v.tab.lines(s, v), totals: map[string]string{}}
	for _, t := range tabs {
		c.totals[t.Name] = grouped(t.total(s))
	}
	c.parts = s.parts(v, p)
	c.parts["pages"] = html("part-pages", tabPage{view: v, content: c})
	return c
}

// digest identifies it.
func (c content) digest() string {
	h := fnv.New64a()
	for _, row := range c.lines.Rows {
		_, _ = h.Write([]byte(row.HTML))
	}
	for _, id := range partIDs {
		_, _ = h.Write([]byte(c.parts[id]))
	}
	for _, t := range tabs {
		_, _ = h.Write([]byte(c.totals[t.Name]))
	}
	return strconv.FormatUint(h.Sum64(), 36)
}

// tabLink is a tab with its count.
type tabLink struct {
	*tab
	Total   string
	Current bool
}

// tabPage is what a page shows.
type tabPage struct {
	view
	content
	Tabs     []tabLink
	Tenants  []roqtest.Tenant
	Statuses []roq.UserInviteStatus
	Pane     *pane
	Platform platformState
	// More are the tenants that are not offered.
	More int
}

// The methods of tabPage are for the template.

func (p tabPage) Tab() *tab                       { return p.tab }
func (p tabPage) Lines() lines                    { return p.lines }
func (p tabPage) Parts() map[string]template.HTML { return p.parts }
func (p tabPage) Newest() string                  { return p.from(0) }
func (p tabPage) Older() string                   { return p.from(p.lines.Next) }
func (p tabPage) Closed() string                  { return p.closed() }
func (p tabPage) Back() string                    { return p.Href() }
func (p tabPage) Filtered() bool                  { return p.filtered }

// Heading is the title of the page: browsers show it in the history too.
func (p tabPage) Heading() string {
	if p.Pane != nil {
		return cut(shortText, p.Pane.Title)
	}
	return p.tab.Label
}

// Events is where what changes on this page comes from.
func (p tabPage) Events() string {
	values := p.values()
	values.Set("tab", p.tab.Name)
	values.Set("seen", p.digest())
	return "/events?" + values.Encode()
}

// showTab shows one of the lists.
func (s *site) showTab(t *tab) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		page, status := tabPage{view: s.viewOf(t, r.URL.Query()), Statuses: statuses}, http.StatusOK
		if page.Open != "" {
			p, ok := t.pane(s, page.view, r)
			if !ok {
				status, p = http.StatusNotFound, pane{Title: "Not found", Template: "pane-nothing"}
			}
			page.Pane = &p
		}
		page.Tenants, page.More = s.offeredTenants(page.Tenant)
		page.Platform = s.platformState()
		page.content = s.content(page.view, page.Platform)
		for _, other := range tabs {
			page.Tabs = append(page.Tabs, tabLink{other, page.totals[other.Name], other == t})
		}
		s.show(w, status, "tab", page)
	}
}

// offeredTenants are those to choose from, and how many others there are.
func (s *site) offeredTenants(chosen string) (offered []roqtest.Tenant, more int) {
	all := s.platform.Tenants()
	if len(all) <= shownTenants {
		return all, 0
	}
	offered = all[:shownTenants]
	if t, ok := s.platform.Tenant(chosen); ok && !slices.Contains(offered, t) {
		offered = append(slices.Clone(offered), t)
	}
	return offered, len(all) - len(offered)
}

// sinceCleared leaves out the requests that were cleared away.
func (s *site) sinceCleared(q roqtest.Query) roqtest.Query {
	s.mu.Lock()
	defer s.mu.Unlock()
	q.After = s.cleared
	return q
}
