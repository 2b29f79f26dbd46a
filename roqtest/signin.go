package roqtest

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"
)

var (
	//go:embed signin.html
	signInHTML string
	//go:embed signin.css
	signInCSS string

	signInPage = template.Must(template.New("sign in").Parse(signInHTML))
	// signInPolicy lets the page load nothing, and have no style but its own.
	signInPolicy = func() string {
		sum := sha256.Sum256([]byte(signInCSS))
		return "default-src 'none'; img-src data:; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	}()
)

// signInRow is a user to sign in as.
type signInRow struct{ ID, Name, Email, Tenant string }

// signIn signs a known user in, named by id or address in the parameter user.
// Without one it shows who could. It is for work on one's own machine only.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request, _ []byte) {
	query := r.URL.Query()
	back, wanted := query.Get("postLoginRedirect"), query.Get("user")
	user, known := s.world.user(wanted)
	if !known && wanted != "" {
		if found := s.world.firstUsers(func(m *member) bool { return strings.EqualFold(m.Email, wanted) }, 1).Rows; len(found) > 0 {
			user, known = found[0], true
		}
	}
	if !known {
		s.showSignIn(w, back, query.Get("search"), wanted != "")
		return
	}
	setSession(w, s.sessionToken(user))
	if !ownAddress(back) {
		back = "/"
	}
	http.Redirect(w, r, back, http.StatusFound)
}

// showSignIn shows who can sign in, or, if a user was named, that there is none.
func (s *Server) showSignIn(w http.ResponseWriter, back, search string, named bool) {
	names := map[string]string{}
	for _, t := range s.Tenants() {
		names[t.ID] = t.Name
	}
	has := Query{Search: search}.has()
	found := s.world.firstUsers(func(m *member) bool { return has(m.Email, m.FirstName+" "+m.LastName) }, defaultLimit)
	if named {
		found = Page[User]{}
	}
	var rows []signInRow
	for _, u := range found.Rows {
		rows = append(rows, signInRow{u.ID, short(strings.TrimSpace(u.FirstName + " " + u.LastName)), short(u.Email), short(names[u.TenantID])})
	}
	more := found.Total - len(rows)
	var page bytes.Buffer
	_ = signInPage.Execute(&page, map[string]any{
		"Style": template.CSS(signInCSS), "Users": rows, "Back": back, "Wanted": search, "More": more, "Search": more > 0 || search != "" || named,
	})
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", signInPolicy)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = page.WriteTo(w)
}

// short keeps a page small, however long a name is.
func short(s string) string {
	if all := []rune(s); len(all) > 100 {
		return string(all[:100]) + "…"
	}
	return s
}

// firstUsers returns the first users that were added, of those that match: who is there
// from the start is whom a developer signs in as.
func (w *world) firstUsers(match func(*member) bool, limit int) Page[User] {
	w.mu.Lock()
	defer w.mu.Unlock()
	page := Page[User]{}
	for _, m := range w.ordered {
		if !match(m) {
			continue
		}
		if page.Total++; len(page.Rows) < limit {
			page.Rows = append(page.Rows, m.User)
		}
	}
	return page
}
