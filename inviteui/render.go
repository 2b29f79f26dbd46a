package inviteui

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-roq/roq"
)

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"iso": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
}).ParseFS(files, "assets/*.html"))

// asset is a file for the page. Its name changes with its content, so that it can be
// kept forever.
type asset struct {
	kind    string
	content []byte
}

func (a asset) serve(w http.ResponseWriter) {
	w.Header().Set("Content-Type", a.kind)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(a.content)
}

// loadAssets names the files for the page.
func (h *handler) loadAssets() {
	h.assets = map[string]asset{}
	add := func(name, ending, kind, more string) string {
		content, err := files.ReadFile("assets/" + name + ending)
		if err != nil {
			panic(err) // it is a part of this package
		}
		content = append(content, more...)
		sum := sha256.Sum256(content)
		name += "-" + hex.EncodeToString(sum[:6]) + ending
		h.assets[name] = asset{kind, content}
		return name
	}
	h.style = add("page", ".css", "text/css; charset=utf-8", h.theme.css())
	h.script = add("page", ".js", "text/javascript; charset=utf-8", "")
}

// css returns what the theme changes. Its values are checked by [WithTheme].
func (t Theme) css() string {
	var out strings.Builder
	set := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&out, "--rq-%s: %s; ", name, value)
		}
	}
	set("radius", t.Radius)
	set("font", t.Font)
	for i, c := range []Colors{t.Light, t.Dark} {
		scheme := []string{"-light", "-dark"}[i]
		for j, name := range []string{"accent", "on-accent", "back", "surface", "text", "muted", "line"} {
			set(name+scheme, c.values()[j])
		}
	}
	return ".rq, .rq-body { " + out.String() + "}"
}

// home is the page with the form and the list, or one of those that lead to it.
type home struct {
	*visitor
	Form    form
	List    *list
	Report  *report
	Problem *problem
}

// Events is the address of the page's events.
func (d home) Events() string {
	values := readView(d.r.URL.Query()).values()
	if d.Report != nil && !d.Report.Done {
		values.Set("report", d.Report.ID)
	}
	if d.List != nil {
		values.Set("since", strconv.FormatInt(d.List.newest.UnixMilli(), 10))
	}
	return "events?" + values.Encode()
}

// FirstRole is whether the first role is selected at the beginning.
func (d home) FirstRole() bool { return d.roles != nil }

// Locales are the languages that can be chosen.
func (d home) Locales() []Locale { return d.locales }

// home shows the page.
func (h *handler) home(v *visitor) {
	if !v.Can(ActionSend) && v.refused(ActionList) {
		return
	}
	d := home{visitor: v, Form: v.newForm("", "", "")}
	status := http.StatusOK
	if id := v.r.URL.Query().Get("report"); id != "" {
		d.Report = v.shown(id)
		if left := d.Report.Form; d.Report.Done && len(left) > 0 {
			var role string
			if len(left[0].Roles) > 0 {
				role = left[0].Roles[0]
			}
			d.Form = v.newForm(strings.Join(write(left), "\n"), role, left[0].Locale)
		}
	}
	v.main(d, status)
}

// main shows the page with that on it.
func (v *visitor) main(d home, status int) {
	if v.Can(ActionList) {
		l := v.list(readView(v.r.URL.Query()))
		d.List = &l
	}
	v.show(status, "home", d)
}

// document is what the frame shows.
type document struct {
	*visitor
	Page
	Style, Script string
	// Reload is whether the page reloads itself without JavaScript.
	Reload bool
}

// SignOut is where the visitor can sign out; it may be empty.
func (d document) SignOut() string { return d.client.SignOutURL() }

// SignedIn reports whether there is a session.
func (d document) SignedIn() bool { return d.session != nil }

// show writes a page, whole or not at all.
func (v *visitor) show(status int, name string, data any) {
	var body, head, page bytes.Buffer
	d := document{visitor: v, Style: v.style, Script: v.script}
	if shown, ok := data.(home); ok {
		d.Reload = shown.Report != nil && !shown.Report.Done
	}
	err := templates.ExecuteTemplate(&body, name, data)
	if err == nil {
		err = templates.ExecuteTemplate(&head, "head", d)
	}
	if err == nil {
		//nolint:gosec // they are the output of templates
		d.Page = Page{v.Title(), v.Tag, template.HTML(head.String()), template.HTML(body.String())}
		if v.layout != nil {
			err = v.layout(&page, d.Page)
		} else {
			err = templates.ExecuteTemplate(&page, "document", d)
		}
	}
	if err != nil {
		v.log.ErrorContext(v.r.Context(), "the page cannot be shown", "page", name, "type", fmt.Sprintf("%T", err))
		http.Error(v.w, v.T("problem.other"), http.StatusInternalServerError)
		return
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	_, _ = page.WriteTo(v.w)
}

// trouble shows a problem on a page of its own.
func (v *visitor) trouble(p problem) {
	v.show(p.Status, "trouble", home{visitor: v, Problem: &p})
}

// cell returns a text as a cell that no spreadsheet computes.
func cell(text string) string {
	if strings.IndexAny(text, "=+-@\t\r\n＝＋－＠") == 0 {
		return "'" + text
	}
	return text
}

// export writes everything that matches as a CSV file.
func (h *handler) export(v *visitor) {
	if v.refused(ActionList) {
		return
	}
	at := readView(v.r.URL.Query())
	var out *csv.Writer
	begin := func() {
		v.w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		v.w.Header().Set("Content-Disposition", `attachment; filename="invitations.csv"`)
		_, _ = v.w.Write([]byte("\ufeff")) // for spreadsheets
		out = csv.NewWriter(v.w)
		_ = out.Write([]string{"Email", "First name", "Last name", v.T("column.status"), v.T("column.roles"), v.T("language"), v.T("column.created"), v.T("column.updated")})
	}
	query := roq.UserInvitesQuery{Filter: at.filter(v.session.User.TenantID), Limit: 500}
	for invite, err := range v.platform.AllUserInvites(v.r.Context(), query) {
		if err != nil && out == nil {
			v.trouble(*h.explain(v.r.Context(), err))
			return
		} else if err != nil {
			h.explain(v.r.Context(), err)
			panic(http.ErrAbortHandler) // the browser sees that the file is not whole
		}
		if out == nil {
			begin()
		}
		r := row{v, *invite, at}
		cells := []string{invite.Email, invite.FirstName, invite.LastName, r.Label(), r.RoleNames(), invite.Locale, invite.CreatedAt.Format(time.RFC3339), invite.UpdatedAt.Format(time.RFC3339)}
		for i := range cells {
			cells[i] = cell(cells[i])
		}
		if out.Write(cells) != nil {
			return
		}
	}
	if out == nil {
		begin()
	}
	out.Flush()
}
