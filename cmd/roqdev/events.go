package main

import (
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"time"

	"github.com/go-roq/roq/roqtest"
)

const (
	// gather is how long what changes is collected before it is sent.
	gather = 250 * time.Millisecond
	// maxNewLines is how many new lines are sent. If there are more, their number is.
	maxNewLines = 20
)

// partIDs are the parts of a page, besides its lines, that change by themselves.
var partIDs = []string{"state", "clock", "open-state"}

// platformState is how the platform treats its clients, and its clock.
type platformState struct {
	Troubles    []trouble
	Operations  []string
	Active      []active
	Pressed     string // the trouble, if it is the same for every operation
	Explanation string
	Clock       roqtest.Clock
	Ahead       string
	Webhooks    string // where they are sent
}

func (s *site) platformState() platformState {
	p := platformState{Troubles: troubles, Operations: operations, Active: s.activeTroubles(), Clock: s.platform.Clock(), Webhooks: s.webhooks}
	switch {
	case len(p.Active) == 0:
		p.Pressed, p.Explanation = troubles[0].Name, troubles[0].Explanation
	case len(p.Active) == 1:
		p.Explanation = p.Active[0].Explanation
		if p.Active[0].Operation == "" {
			p.Pressed = p.Active[0].Name
		}
	}
	if p.Clock.Ahead > 0 {
		p.Ahead = ahead(p.Clock.Ahead)
	}
	return p
}

// parts renders the parts of a page that change by themselves.
func (s *site) parts(v view, p platformState) map[string]template.HTML {
	parts := map[string]template.HTML{
		"state": html("part-state", p),
		"clock": html("part-clock", struct {
			platformState
			view view
		}{p, v}),
	}
	if v.Open == "" {
		return parts
	}
	switch v.tab.Name {
	case "inbox":
		if m, ok := s.mailNumber(v.Open); ok {
			parts["open-state"] = html("part-open-mail", m)
		}
	case "invites":
		if i, ok := s.platform.Invite(v.Open); ok {
			parts["open-state"] = html("part-open-invite", s.inviteRow(v, i))
		}
	}
	return parts
}

// notice is what is sent when something has changed. Only what differs is in it.
type notice struct {
	// Totals are the numbers beside the tabs.
	Totals map[string]string `json:"totals,omitempty"`
	// Lines are new or changed lines, the newest first, Gone those that no longer belong
	// to the list.
	Lines []line   `json:"lines,omitempty"`
	Gone  []string `json:"gone,omitempty"`
	// More says that there are too many new lines to send.
	More string `json:"more,omitempty"`
	// Parts are other parts of the page.
	Parts map[string]template.HTML `json:"parts,omitempty"`
}

// watcher knows what one page shows.
type watcher struct {
	site   *site
	view   view
	rows   []line
	parts  map[string]template.HTML
	totals map[string]string
	total  int // of the lines when the page showed all new ones
	// behind is whether there were too many new lines to send, and told how many lines
	// the page knows of since.
	behind bool
	told   int
}

// look returns what the page would show now.
func (w *watcher) look() (rows []line, total int, parts map[string]template.HTML, totals map[string]string) {
	w.view.today = w.site.platform.Clock().Now
	if w.view.Before == 0 {
		found := w.view.tab.lines(w.site, w.view)
		rows, total = found.Rows, found.Total
	}
	totals = map[string]string{}
	for _, t := range tabs {
		totals[t.Name] = grouped(t.total(w.site))
	}
	return rows, total, w.site.parts(w.view, w.site.platformState()), totals
}

// next returns what has changed since the last look.
func (w *watcher) next() notice {
	rows, total, parts, totals := w.look()
	n := notice{Totals: map[string]string{}, Parts: map[string]template.HTML{}}
	for name, count := range totals {
		if w.totals[name] != count {
			n.Totals[name] = count
		}
	}
	for id, part := range parts {
		if w.parts[id] != part {
			n.Parts[id] = part
		}
	}
	w.totals, w.parts = totals, parts
	if w.view.Before > 0 {
		return n
	}
	shown := make(map[string]template.HTML, len(w.rows))
	for _, row := range w.rows {
		shown[row.ID] = row.HTML
	}
	added := slices.IndexFunc(rows, func(row line) bool { _, known := shown[row.ID]; return known })
	if added < 0 {
		added = len(rows)
	}
	if w.behind = w.behind || added > maxNewLines; w.behind {
		if more := total - w.total; more > 0 && total != w.told {
			n.More = plural(more, "new line")
		}
		w.told = total
		return n
	}
	now := map[string]bool{}
	for _, row := range rows {
		now[row.ID] = true
		if shown[row.ID] != row.HTML {
			n.Lines = append(n.Lines, row)
		}
	}
	// A line that is not on the page any more was pushed off it, unless lines below it
	// are still there or the page is not full.
	for i, row := range w.rows {
		below := slices.ContainsFunc(w.rows[i:], func(other line) bool { return now[other.ID] })
		if !now[row.ID] && (below || len(rows) < shownRows) {
			n.Gone = append(n.Gone, row.ID)
		}
	}
	w.rows, w.total = rows, total
	return n
}

// empty reports whether nothing has changed.
func (n notice) empty() bool {
	return len(n.Totals) == 0 && len(n.Lines) == 0 && len(n.Gone) == 0 && n.More == "" && len(n.Parts) == 0
}

// events sends what changes on a page, and nothing while nothing changes.
func (s *site) events(w http.ResponseWriter, r *http.Request) {
	i := slices.IndexFunc(tabs, func(t *tab) bool { return t.Name == r.FormValue("tab") })
	if i < 0 {
		http.Error(w, "tab must be the name of a tab", http.StatusBadRequest)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	w.WriteHeader(http.StatusOK)
	if out.Flush() != nil {
		return
	}
	page := &watcher{site: s, view: s.viewOf(tabs[i], r.Form)}
	_, changed := s.platform.Changes()
	page.rows, page.total, page.parts, page.totals = page.look()
	if digest(page.rows, page.parts) != r.FormValue("seen") && page.view.Before == 0 {
		// The page is another one by now, by how much is not known: it gets all lines,
		// and keeps those that are the same.
		if !send(w, out, notice{Totals: page.totals, Lines: page.rows, Parts: page.parts}) {
			return
		}
	}
	for {
		select {
		case <-r.Context().Done():
			return
		case <-changed:
		}
		if !pause(r, gather) {
			return
		}
		_, changed = s.platform.Changes()
		if n := page.next(); !n.empty() && !send(w, out, n) {
			return
		}
	}
}

// send sends a notice.
func send(w http.ResponseWriter, out *http.ResponseController, n notice) bool {
	data, err := json.Marshal(n)
	if err != nil {
		return false
	}
	_, err = fmt.Fprintf(w, "data: %s\n\n", data)
	return err == nil && out.Flush() == nil
}

// pause waits, and reports whether the request is still wanted.
func pause(r *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-r.Context().Done():
		return false
	case <-timer.C:
		return true
	}
}
