package main

import (
	"cmp"
	"html/template"
	"net/http"
	"slices"
	"time"

	"github.com/go-roq/roq/internal/sse"
	"github.com/go-roq/roq/roqtest"
)

const (
	// gather is how long what changes is collected before it is sent.
	gather = 250 * time.Millisecond
	// maxNewLines is how many new lines are sent. If there are more, their number is.
	maxNewLines = 20
	// maxWrite is how long a page may take to receive a notice.
	maxWrite = 30 * time.Second
)

// partIDs are the parts of a page, besides its lines, that change by themselves.
var partIDs = []string{"state", "clock", "open-state", "pages"}

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
	// to the list. Whole says that the list has no other lines.
	Lines []line   `json:"lines,omitempty"`
	Gone  []string `json:"gone,omitempty"`
	Whole bool     `json:"whole,omitempty"`
	// More says that there are too many new lines to send.
	More string `json:"more,omitempty"`
	// Parts are other parts of the page.
	Parts map[string]template.HTML `json:"parts,omitempty"`
}

// watcher knows what one page shows.
type watcher struct {
	site *site
	view view
	page content
	// behind is whether there were too many new lines to send, and told how many lines
	// the page knows of since.
	behind bool
	told   int
}

// now is what the page would show if it was opened now.
func (w *watcher) now() content {
	w.view.today = w.site.platform.Clock().Now
	return w.site.content(w.view, w.site.platformState())
}

// whole returns a notice after which the page shows what there is, whatever it showed.
func (w *watcher) whole(now content) notice {
	w.page, w.behind = now, false
	n := notice{Totals: now.totals, Parts: now.parts, Whole: true, Lines: slices.Clone(now.lines.Rows)}
	placed(n.Lines, now.lines.Rows)
	return n
}

// placed says where lines belong among all rows.
func placed(lines, rows []line) {
	for i := range lines {
		above := ""
		if at := slices.IndexFunc(rows, func(row line) bool { return row.ID == lines[i].ID }); at > 0 {
			above = rows[at-1].ID
		}
		lines[i].After = &above
	}
}

// next returns what has changed since the last look.
func (w *watcher) next() notice {
	now, was := w.now(), w.page
	shown := make(map[string]template.HTML, len(was.lines.Rows))
	for _, row := range was.lines.Rows {
		shown[row.ID] = row.HTML
	}
	added := slices.IndexFunc(now.lines.Rows, func(row line) bool { _, known := shown[row.ID]; return known })
	if added < 0 {
		added = len(now.lines.Rows)
	}
	more := now.lines.Total - was.lines.Total
	if newer := w.view.tab.newer; newer != nil {
		more = newer(w.site, w.view, was.lines.Newest)
	}
	if w.behind = (w.behind || added > maxNewLines) && more > 0; !w.behind && (w.told > 0 || added > maxNewLines) {
		w.told = 0
		return w.whole(now)
	}
	n := notice{Totals: map[string]string{}, Parts: map[string]template.HTML{}}
	for name, count := range now.totals {
		if was.totals[name] != count {
			n.Totals[name] = count
		}
	}
	if w.behind {
		now.lines, now.parts["pages"] = was.lines, was.parts["pages"] // as they are on the page
	}
	for id, part := range now.parts {
		if was.parts[id] != part {
			n.Parts[id] = part
		}
	}
	w.page = now
	if w.behind {
		if more != w.told {
			n.More = plural(more, "new line")
		}
		w.told = more
		return n
	}
	kept := map[string]bool{}
	for _, row := range now.lines.Rows {
		kept[row.ID] = true
		if html, known := shown[row.ID]; !known || html != row.HTML {
			n.Lines = append(n.Lines, row)
			if !known {
				placed(n.Lines[len(n.Lines)-1:], now.lines.Rows)
			}
		}
	}
	// A line that is not on the page any more was pushed off it, unless lines below it
	// are still there or the page is not full.
	for i, row := range was.lines.Rows {
		below := slices.ContainsFunc(was.lines.Rows[i:], func(other line) bool { return kept[other.ID] })
		if !kept[row.ID] && (below || len(now.lines.Rows) < shownRows) {
			n.Gone = append(n.Gone, row.ID)
		}
	}
	return n
}

// empty reports whether nothing has changed.
func (n notice) empty() bool {
	return len(n.Totals) == 0 && len(n.Lines) == 0 && len(n.Gone) == 0 && !n.Whole && n.More == "" && len(n.Parts) == 0
}

// events sends what changes on a page, and nothing while nothing changes.
func (s *site) events(w http.ResponseWriter, r *http.Request) {
	i := slices.IndexFunc(tabs, func(t *tab) bool { return t.Name == r.FormValue("tab") })
	if i < 0 {
		http.Error(w, "tab must be the name of a tab", http.StatusBadRequest)
		return
	}
	out := sse.Open(w, r, maxWrite)
	if out == nil {
		return
	}
	page := &watcher{site: s, view: s.viewOf(tabs[i], r.Form)}
	_, changed := s.platform.Changes()
	page.page = page.now()
	if page.page.digest() != cmp.Or(r.Header.Get("Last-Event-ID"), r.FormValue("seen")) {
		// The page is another one by now, by how much is not known: it gets all lines,
		// and keeps those that are the same.
		if !page.send(out, page.whole(page.page)) {
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
		if n := page.next(); !n.empty() && !page.send(out, n) {
			return
		}
	}
}

// send sends a notice. Its id is what the page shows then, for who comes back.
func (w *watcher) send(out *sse.Stream, n notice) bool { return out.Send("", w.page.digest(), n) }

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
