package inviteui

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/go-roq/roq"
)

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"iso": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
}).ParseFS(files, "assets/*.html"))

// asset serves a file for the page, and returns its name, which changes with its content,
// so that it can be kept forever.
func asset(mux *http.ServeMux, name, ending, kind, more string) string {
	content, err := files.ReadFile("assets/" + name + ending)
	if err != nil {
		panic(err) // it is a part of this package
	}
	content = append(content, more...)
	sum := sha256.Sum256(content)
	name += "-" + hex.EncodeToString(sum[:6]) + ending
	mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		_, _ = w.Write(content)
	})
	return name
}

// page is what is shown: the form and the list, or one of those that lead to it.
type page struct {
	*visitor
	Form    form
	List    *list
	Report  *report
	Problem *problem
}

// Events is the address of the page's events.
func (d page) Events() string {
	at := readView(d.r.URL.Query())
	if d.Report != nil && !d.Report.Done {
		at.Set("report", d.Report.ID)
	}
	if d.List != nil {
		at.Set("since", d.List.latest.Format(time.RFC3339Nano))
	}
	return at.Link("events")
}

// FirstRole is whether the first role is selected at the beginning.
func (d page) FirstRole() bool { return d.roles != nil }

// Locales are the languages that can be chosen.
func (d page) Locales() []Locale { return d.locales }

// home shows the page.
func home(v *visitor) {
	if !v.Can(ActionSend) && v.refused(ActionList) {
		return
	}
	d := page{visitor: v, Form: v.newForm("", "", "")}
	if id := v.r.URL.Query().Get("report"); id != "" {
		d.Report = v.shown(id)
		if left := d.Report.Form; d.Report.Done && d.Report.Action == ActionSend && len(left) > 0 {
			d.Form = v.newForm(roq.FormatUserInvites(left), strings.Join(left[0].Roles, ""), left[0].Locale)
		}
	}
	v.main(d, http.StatusOK)
}

// main shows the page with that on it.
func (v *visitor) main(d page, status int) {
	if v.Can(ActionList) {
		d.List = v.list(readView(v.r.URL.Query()))
	}
	v.show(status, "home", d)
}

// trouble shows a problem on a page of its own.
func (v *visitor) trouble(p *problem) { v.show(p.Status, "trouble", page{visitor: v, Problem: p}) }

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
	d := document{visitor: v, Style: v.style, Script: v.script}
	if shown, ok := data.(page); ok {
		d.Reload = shown.Report != nil && !shown.Report.Done
	}
	var whole bytes.Buffer
	body, err := render(name, data)
	head, failed := render("head", d)
	if err = errors.Join(err, failed); err == nil {
		d.Page = Page{v.Title(), v.Tag, head, body}
		if v.layout != nil {
			err = v.layout(&whole, d.Page)
		} else {
			err = templates.ExecuteTemplate(&whole, "document", d)
		}
	}
	if err != nil {
		v.log.ErrorContext(v.r.Context(), "the page cannot be shown", "page", name, "type", fmt.Sprintf("%T", err))
		http.Error(v.w, v.T("problem.other"), http.StatusInternalServerError)
		return
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if v.r.Method == http.MethodPost {
		// Back leads to it again. What is not stored would have to be sent again.
		v.w.Header().Set("Cache-Control", "private, no-cache")
	}
	v.w.WriteHeader(status)
	_, _ = whole.WriteTo(v.w)
}

// render returns a part of a page.
func render(name string, data any) (template.HTML, error) {
	var out strings.Builder
	err := templates.ExecuteTemplate(&out, name, data)
	return template.HTML(out.String()), err //nolint:gosec // it is the output of a template
}

// export writes everything that matches as a CSV file, whole or not at all.
func export(v *visitor) {
	if v.refused(ActionList) {
		return
	}
	at := readView(v.r.URL.Query())
	var file bytes.Buffer
	file.WriteString("\ufeff") // for spreadsheets
	out := csv.NewWriter(&file)
	// The headers of addresses and names are those that a form reads again.
	_ = out.Write([]string{"Email", "First name", "Last name", v.T("column.status"), v.T("column.roles"), v.T("language"), v.T("column.created"), v.T("column.updated")})
	for i, err := range v.platform.AllUserInvites(v.r.Context(), roq.UserInvitesQuery{Filter: at.filter(v.session.User.TenantID), Limit: 500}) {
		if err != nil {
			v.trouble(v.explain(err))
			return
		}
		r := row{v, *i, at}
		cells := []string{i.Email, i.FirstName, i.LastName, r.Label(), r.RoleNames(), i.Locale, i.CreatedAt.Format(time.RFC3339), i.UpdatedAt.Format(time.RFC3339)}
		for n := range cells {
			cells[n] = roq.SpreadsheetCell(cells[n])
		}
		_ = out.Write(cells)
	}
	out.Flush()
	v.w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	v.w.Header().Set("Content-Disposition", `attachment; filename="invitations.csv"`)
	_, _ = file.WriteTo(v.w)
}
