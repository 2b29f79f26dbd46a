package inviteui

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-roq/roq"
)

// maxForm is how large a form may be, with its file.
const maxForm = 32 << 20

// form is the form for invitations, and what was understood of it.
type form struct {
	// Key is of this one form: sent again, it does nothing again.
	Key          string
	Text         string
	Role, Locale string
	// NoRole is whether a role has to be chosen.
	NoRole bool

	// Ready are those who can be invited. Invalid, Already and Repeated cannot be.
	Ready             []roq.UserInviteInput
	Invalid           []roq.SendOutcome
	Already, Repeated []line
	file              bool
}

// line is an address, and what is said about it.
type line struct{ Email, Why string }

// newForm returns an empty form, or one with a text.
func (v *visitor) newForm(text, role, locale string) form {
	f := form{Key: rand.Text(), Text: text, Role: role, Locale: locale}
	if f.Locale == "" && v.session != nil {
		f.Locale = v.session.User.Locale
	}
	return f
}

// read reads a form that was sent, and its file.
func (f *form) read(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseMultipartForm(4 << 20); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return err
	}
	f.Key, f.Role, f.Locale = r.PostFormValue("key"), r.PostFormValue("role"), r.PostFormValue("locale")
	f.Text = strings.ReplaceAll(r.PostFormValue("emails"), "\r\n", "\n")
	if r.MultipartForm == nil {
		return nil
	}
	defer func() { _ = r.MultipartForm.RemoveAll() }()
	for _, header := range r.MultipartForm.File["file"] {
		opened, err := header.Open()
		if err != nil {
			return err
		}
		content, err := io.ReadAll(opened)
		_ = opened.Close()
		if err != nil {
			return err
		}
		if len(content) > 0 { // a header of a file is not one of what was typed
			f.file = true
			f.Text = strings.TrimSpace(f.Text + "\n" + strings.Join(write(roq.ParseUserInvites(decode(content))), "\n"))
		}
	}
	return nil
}

// decode returns the text of a file, as spreadsheets save them.
func decode(content []byte) string {
	for mark, at := range map[string][2]int{"\xff\xfe": {1, 0}, "\xfe\xff": {0, 1}} {
		if bytes.HasPrefix(content, []byte(mark)) {
			var units []uint16
			for i := 2; i+1 < len(content); i += 2 {
				units = append(units, uint16(content[i+at[0]])<<8|uint16(content[i+at[1]]))
			}
			return string(utf16.Decode(units))
		}
	}
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	if utf8.Valid(content) {
		return string(content)
	}
	runes := make([]rune, len(content)) // ISO 8859-1
	for i, b := range content {
		runes[i] = rune(b)
	}
	return string(runes)
}

// write returns people as [roq.ParseUserInvites] reads them again.
func write(people []roq.UserInviteInput) []string {
	plain := strings.NewReplacer(`"`, "", `\`, "", "\n", " ")
	var lines []string
	for _, p := range people {
		switch first, last := plain.Replace(p.FirstName), plain.Replace(p.LastName); {
		case first == "" && last == "":
			lines = append(lines, p.Email)
		case last == "":
			lines = append(lines, fmt.Sprintf("%q <%s>", first, p.Email))
		default:
			lines = append(lines, fmt.Sprintf(`"%s, %s" <%s>`, last, first, p.Email))
		}
	}
	return lines
}

// understand finds out who can be invited.
func (f *form) understand(v *visitor) {
	seen := map[string]bool{}
	for text := range strings.Lines(f.Text) {
		for _, p := range roq.ParseUserInvites(text) {
			key := roq.AddressKey(p.Email)
			if seen[key] && p.Validate() == nil {
				f.Repeated = append(f.Repeated, line{p.Email, v.T("why.duplicate")})
			}
			seen[key] = true
		}
	}
	for _, p := range roq.ParseUserInvites(f.Text) {
		if p.Locale = f.Locale; f.Role != "" {
			p.Roles = []string{f.Role}
		}
		if err := p.Validate(); err != nil {
			f.Invalid = append(f.Invalid, roq.SendOutcome{Input: p, Status: roq.OutcomeRefused, Err: err})
		} else {
			f.Ready = append(f.Ready, p)
		}
	}
}

// look moves those who have a pending invitation from Ready to Already. What cannot be
// found out is left to the send.
func (f *form) look(v *visitor) {
	const most = 1000
	if len(f.Ready) > most {
		return
	}
	invited := map[string]bool{}
	for some := range slices.Chunk(f.Ready, batch) {
		q := roq.UserInvitesQuery{Limit: 10 * batch, Filter: view{Status: string(roq.StatusPending)}.filter(v.session.User.TenantID)}
		q.Filter.Email = &roq.StringFilter{}
		for _, p := range some {
			q.Filter.Email.ValueIn = append(q.Filter.Email.ValueIn, p.Email, strings.ToLower(p.Email))
		}
		page, err := v.platform.UserInvites(v.r.Context(), q)
		if err != nil {
			v.explain(v.r.Context(), err)
			return
		}
		for _, invite := range page.Data {
			invited[roq.AddressKey(invite.Email)] = true
		}
	}
	f.Ready = slices.DeleteFunc(f.Ready, func(p roq.UserInviteInput) bool {
		already := invited[roq.AddressKey(p.Email)]
		if already {
			f.Already = append(f.Already, line{p.Email, v.T("why.invited")})
		}
		return already
	})
}

// Sendable and Rest are the people in the hidden fields of a preview.
func (f form) Sendable() string { return strings.Join(write(f.Ready), "\n") }

// Rest are those who have to be corrected.
func (f form) Rest() string {
	var people []roq.UserInviteInput
	for _, o := range f.Invalid {
		people = append(people, o.Input)
	}
	return strings.Join(write(people), "\n")
}

// invite handles the form. It sends if there is nothing to see before, or if the visitor
// has seen it.
func (h *handler) invite(v *visitor) {
	f := v.newForm("", "", "")
	if err := f.read(v.w, v.r); err != nil {
		p := problem{Key: "form", Status: http.StatusBadRequest}
		if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
			p = problem{Key: "large", Status: http.StatusRequestEntityTooLarge}
		}
		v.trouble(p)
		return
	}
	do := v.r.PostFormValue("do")
	if rest := v.r.PostFormValue("rest"); rest != "" {
		f.Text = strings.TrimSpace(f.Text + "\n" + strings.ReplaceAll(rest, "\r\n", "\n"))
	}
	if v.session == nil {
		v.show(http.StatusUnauthorized, "expired", home{visitor: v, Form: v.newForm(f.Text, f.Role, f.Locale)})
		return
	}
	if v.refused(ActionSend) {
		return
	}
	again := func(status int, p *problem) {
		f.Key = rand.Text()
		v.main(home{visitor: v, Form: f, Problem: p}, status)
	}
	if do == "edit" {
		again(http.StatusOK, nil)
		return
	}
	typed := f
	f.settleChoices(v)
	if f.understand(v); do != "send" {
		f.look(v)
	}
	switch {
	case len(f.Ready)+len(f.Invalid)+len(f.Already) == 0:
		again(http.StatusUnprocessableEntity, &problem{Key: "nobody"})
		return
	case f.NoRole:
		again(http.StatusUnprocessableEntity, &problem{Key: "role"})
		return
	}
	// A preview that is sent again stays one: what there was to see may be gone by then.
	id, err := h.store.once(strings.Join([]string{v.session.RoqUserID, typed.Key, do, typed.Role, typed.Locale, typed.Text}, "\x00"), func() (string, error) {
		see := f.file || len(f.Invalid)+len(f.Already)+len(f.Repeated) > 0
		if len(f.Ready) == 0 || see && do != "send" {
			return "", nil
		}
		return v.launch(&f)
	})
	switch {
	case err != nil:
		p := &problem{Key: "full"}
		if !errors.Is(err, errBusy) {
			p = h.explain(v.r.Context(), err)
		}
		again(http.StatusServiceUnavailable, p)
	case id != "":
		v.wait(id)
		v.redirect("./?report=" + id)
	case len(f.Ready) == 0:
		f.Text = f.Rest() // nobody can mend the others
		again(http.StatusUnprocessableEntity, nil)
	default:
		f.Key = rand.Text()
		v.show(http.StatusOK, "preview", home{visitor: v, Form: f})
	}
}

// settleChoices sets the role and the locale to what can be chosen.
func (f *form) settleChoices(v *visitor) {
	roles := v.Roles()
	switch {
	case len(roles) == 0:
		f.Role = ""
	case len(roles) == 1:
		f.Role = roles[0].Key
	default:
		f.NoRole = !slices.ContainsFunc(roles, func(r Role) bool { return r.Key == f.Role })
	}
	if len(v.locales) > 0 && !slices.ContainsFunc(v.locales, func(l Locale) bool { return l.Tag == f.Locale }) {
		f.Locale = v.locales[0].Tag
	} else if len(v.locales) == 0 {
		f.Locale = cmp.Or(v.session.User.Locale, v.Tag)
	}
}

// Roles are the roles that can be chosen.
func (v *visitor) Roles() []Role {
	if v.roles != nil || v.session == nil {
		return v.roles
	}
	return v.facts().roles
}

// launch begins to send, and returns the id of the report.
func (v *visitor) launch(f *form) (string, error) {
	people := f.Ready
	tenantID, userID := v.session.User.TenantID, v.session.RoqUserID
	if len(people) <= batch {
		platform := v.platform
		return v.start(ActionSend, f.Invalid, len(people), func(ctx context.Context, j *job) error {
			ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
			defer cancel()
			sent, err := platform.SendUserInvites(ctx, roq.SendUserInvitesInput{UserInvites: people}, roq.WithSkipInvalid())
			outcomes := sent.Outcomes()
			for _, o := range outcomes {
				j.note(o)
			}
			for _, p := range people[len(outcomes):] { // refused as a whole
				j.note(roq.SendOutcome{Input: p, Status: roq.OutcomeNotSent, Err: err})
			}
			return err
		})
	}
	if v.queue != nil {
		id, err := v.queue.Enqueue(v.r.Context(), Send{tenantID, userID, people})
		if err == nil {
			j := &job{action: ActionSend, queued: true, done: make(chan struct{}), report: Report{TenantID: tenantID, UserID: userID}}
			close(j.done)
			for _, o := range f.Invalid {
				j.note(o)
			}
			v.store.keep(id, j)
		}
		return id, err
	}
	// A session may expire before the end.
	platform := v.client.AsUser(userID)
	return v.start(ActionSend, f.Invalid, len(people), func(ctx context.Context, j *job) (err error) {
		seen := make([]bool, len(people))
		in := roq.SendAllUserInvitesInput{TenantID: tenantID, UserInvites: roq.InputsOf(slices.Values(people))}
		for o, failed := range platform.SendAllUserInvites(ctx, in) {
			if failed != nil {
				err = failed
				continue
			}
			seen[o.Index] = true
			j.note(o)
		}
		for i, p := range people {
			if !seen[i] {
				j.note(roq.SendOutcome{Index: i, Input: p, Status: roq.OutcomeNotSent, Err: roq.ErrNotSent})
			}
		}
		return err
	})
}
