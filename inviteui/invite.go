package inviteui

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-roq/roq"
)

const (
	// maxForm is how large a text or a file may be, and maxPeople how many people may be in
	// it.
	maxForm, maxPeople = 32 << 20, 100_000
	// maxLookedUp is how many people are looked up before they are invited.
	maxLookedUp = 5000
	// batch is how many people are invited in one request. More are a campaign.
	batch = 100
)

// form is the form for invitations, and what was understood of it.
type form struct {
	// Key is of this one form: sent again, it does nothing again. Tenant is the one for
	// which it was opened.
	Key, Tenant  string
	Text         string
	Role, Locale string
	// NoRole is whether a role has to be chosen.
	NoRole bool

	// listed are people who were not typed: those of a file or of a preview. Rejected are
	// those that the preview showed as not valid.
	listed, rejected []roq.UserInviteInput
	file             bool
	// Ready are those who can be invited. Invalid, Already and Repeated cannot be.
	Ready, Invalid, Already, Repeated []roq.UserInviteInput
}

// newForm returns a form with a text.
func (v *visitor) newForm(text, role, locale string) form {
	u := v.session.User
	return form{Key: rand.Text(), Tenant: u.TenantID, Text: text, Role: role, Locale: cmp.Or(locale, u.Locale)}
}

// read reads a form that was sent, and its file.
func (f *form) read(w http.ResponseWriter, r *http.Request) error {
	// A preview may be a little larger than what was typed.
	r.Body = http.MaxBytesReader(w, r.Body, 2*maxForm)
	if err := r.ParseForm(); err != nil {
		return err
	}
	if err := r.ParseMultipartForm(2 * maxForm); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return err
	}
	value := func(name string) string { return strings.ReplaceAll(r.PostFormValue(name), "\r\n", "\n") }
	f.Key, f.Tenant, f.Role, f.Locale, f.Text = value("key"), value("tenant"), value("role"), value("locale"), value("emails")
	f.listed, f.rejected = readTable(value("people")), readTable(value("rejected"))
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
		if err == nil && len(content) > maxForm {
			err = &http.MaxBytesError{Limit: maxForm}
		}
		if err != nil {
			return err
		}
		f.file = f.file || len(content) > 0
		f.listed = append(f.listed, roq.ParseUserInvites(string(content))...)
		f.Repeated = append(f.Repeated, roq.RepeatedUserInvites(string(content))...)
	}
	return nil
}

// typed is everybody as a text, to be corrected.
func (f *form) typed() string {
	return strings.TrimSpace(f.Text + "\n" + roq.FormatUserInvites(slices.Concat(f.listed, f.rejected)))
}

// People and Rejected are those of a preview. They are sent, and not sent, as they were
// shown: they are not read as a text once more.
func (f form) People() string   { return table(f.Ready) }
func (f form) Rejected() string { return table(f.Invalid) }

// table writes people as readTable reads them.
func table(people []roq.UserInviteInput) string {
	var out strings.Builder
	plain := strings.NewReplacer("\t", " ", "\r", " ", "\n", " ")
	for _, p := range people {
		out.WriteString(plain.Replace(p.Email) + "\t" + plain.Replace(p.FirstName) + "\t" + plain.Replace(p.LastName) + "\n")
	}
	return out.String()
}

func readTable(text string) (people []roq.UserInviteInput) {
	for line := range strings.Lines(text) {
		if cells := append(strings.Split(strings.TrimSuffix(line, "\n"), "\t"), "", ""); cells[0] != "" {
			people = append(people, roq.UserInviteInput{Email: cells[0], FirstName: cells[1], LastName: cells[2]})
		}
	}
	return people
}

// understand finds out who can be invited.
func (f *form) understand() {
	f.Repeated = append(f.Repeated, roq.RepeatedUserInvites(f.Text)...)
	seen := map[string]bool{}
	people := slices.Concat(roq.ParseUserInvites(f.Text), f.listed)
	for i, p := range slices.Concat(people, f.rejected) {
		if p.Locale = f.Locale; f.Role != "" {
			p.Roles = []string{f.Role}
		}
		switch key := roq.AddressKey(p.Email); {
		case i < len(people) && seen[key]:
			f.Repeated = append(f.Repeated, p)
		case i >= len(people), p.Validate() != nil:
			f.Invalid = append(f.Invalid, p)
		default:
			f.Ready = append(f.Ready, p)
			seen[key] = true
		}
	}
	f.Repeated = slices.DeleteFunc(f.Repeated, func(p roq.UserInviteInput) bool { return p.Validate() != nil })
}

// look moves those who have a pending invitation from Ready to Already. What cannot be
// found out is left to the send.
func (f *form) look(v *visitor) {
	if len(f.Ready) > maxLookedUp {
		return
	}
	ctx, cancel := context.WithTimeout(v.r.Context(), haste)
	defer cancel()
	invited := map[string]bool{}
	for some := range slices.Chunk(f.Ready, batch) {
		q := roq.UserInvitesQuery{Limit: 10 * batch, Filter: view{}.filter(v.session.User.TenantID)}
		q.Filter.Status, q.Filter.Email = &roq.StringFilter{EqualTo: string(roq.StatusPending)}, &roq.StringFilter{}
		for _, p := range some {
			q.Filter.Email.ValueIn = append(q.Filter.Email.ValueIn, p.Email, strings.ToLower(p.Email))
		}
		page, err := v.platform.UserInvites(ctx, q)
		if err != nil {
			v.explain(err)
			break
		}
		for _, invite := range page.Data {
			invited[roq.AddressKey(invite.Email)] = true
		}
	}
	f.Ready = slices.DeleteFunc(f.Ready, func(p roq.UserInviteInput) bool {
		already := invited[roq.AddressKey(p.Email)]
		if already {
			f.Already = append(f.Already, p)
		}
		return already
	})
}

// choose sets the role and the locale to what can be chosen, and returns the problem if
// that is not possible: without a role, people would get the inviter's.
func (f *form) choose(v *visitor) (problem, bool) {
	roles := v.Roles()
	switch {
	case roles == nil:
		return problem{Key: "unavailable", Status: http.StatusServiceUnavailable}, false
	case len(roles) == 1 && f.Role == "":
		f.Role = roles[0].Key
	case (len(roles) > 0 || f.Role != "") && !slices.ContainsFunc(roles, func(r Role) bool { return r.Key == f.Role }):
		f.Role, f.NoRole = "", true
		return problem{Key: "role", Status: http.StatusUnprocessableEntity}, false
	}
	if len(v.locales) == 0 {
		f.Locale = cmp.Or(v.session.User.Locale, v.Tag)
	} else if !slices.ContainsFunc(v.locales, func(l Locale) bool { return l.Tag == f.Locale }) {
		f.Locale = v.locales[0].Tag
	}
	return problem{}, true
}

// invite handles the form. It sends if there is nothing to see before, or if the visitor
// has seen it.
func invite(v *visitor) {
	var f form
	err := f.read(v.w, v.r)
	large := errors.As(err, new(*http.MaxBytesError)) || len(f.Text) > maxForm || len(f.listed) > maxPeople
	if large { // a text beside a file stays
		f.Key, f.listed = rand.Text(), nil
		if len(f.Text) > maxForm {
			f.Text = ""
		}
	} else if err != nil {
		v.trouble(&problem{Key: "form", Status: http.StatusBadRequest})
		return
	}
	do := v.r.PostFormValue("do")
	sent := []string{do, f.Role, f.Locale, f.Text, table(f.listed), table(f.rejected)}
	again := func(p problem) {
		f.Text, f.Tenant = f.typed(), v.session.User.TenantID
		d := page{visitor: v, Form: f}
		if p.Key != "" {
			d.Problem = &p
		}
		v.main(d, p.Status)
	}
	switch {
	case v.session == nil:
		f.Text = f.typed()
		v.show(http.StatusUnauthorized, "expired", page{visitor: v, Form: f})
		return
	case v.refused(ActionSend):
		return
	case large:
		again(problem{Key: "size", Status: http.StatusRequestEntityTooLarge})
		return
	case f.Tenant != v.session.User.TenantID:
		again(problem{Key: "moved", Status: http.StatusConflict})
		return
	case do == "edit":
		again(problem{Status: http.StatusOK})
		return
	}
	if p, ok := f.choose(v); !ok {
		again(p)
		return
	}
	f.understand()
	queued := len(f.Ready) > batch && v.queue != nil
	if do != "send" || !queued { // who was invited by another instance, for the same form, is not invited again
		f.look(v)
	}
	switch n := len(f.Ready) + len(f.Invalid) + len(f.Already); {
	case n == 0:
		again(problem{Key: "nobody", Status: http.StatusUnprocessableEntity})
		return
	case n > maxPeople:
		again(problem{Key: "size", Status: http.StatusRequestEntityTooLarge})
		return
	}
	// A preview that is sent again stays one: what there was to see may be gone by then.
	id, err := v.once(f.Key, sent, func(string) (string, error) {
		see := f.file || len(f.Invalid)+len(f.Already)+len(f.Repeated) > 0
		if len(f.Ready) == 0 || see && do != "send" {
			return "", nil
		}
		// The same people are one send, with a preview or without.
		return v.once(f.Key, []string{f.Role, f.Locale, table(f.Ready)}, func(key string) (string, error) {
			if !queued {
				return v.launch(&f)
			}
			// What is committed has to be known, whether the visitor waits for it or not.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(v.r.Context()), time.Minute)
			defer cancel()
			return v.queue.Enqueue(ctx, Send{key, f.Tenant, v.session.RoqUserID, f.Ready, f.Invalid})
		})
	})
	switch {
	case err != nil:
		again(*v.explain(err))
	case id != "":
		v.follow(id, readView(nil))
	case len(f.Ready) == 0:
		f.Text, f.listed, f.rejected = "", f.Invalid, nil // nobody can mend the others
		again(problem{Status: http.StatusUnprocessableEntity})
	default:
		v.show(http.StatusOK, "preview", page{visitor: v, Form: f})
	}
}

// launch begins to send, and returns the id of the report.
func (v *visitor) launch(f *form) (string, error) {
	people, tenantID, userID := f.Ready, v.session.User.TenantID, v.session.RoqUserID
	var before []roq.SendOutcome
	for _, p := range f.Invalid {
		before = append(before, roq.SendOutcome{Input: p, Status: roq.OutcomeRefused, Err: cmp.Or(p.Validate(), roq.ErrInvalidInput)})
	}
	for _, p := range f.Already {
		before = append(before, roq.SendOutcome{Input: p, Status: roq.OutcomeRefused, Err: roq.ErrAlreadyInvited})
	}
	return v.start(ActionSend, before, len(people), func(ctx context.Context, j *job) (err error) {
		outcomes := send(ctx, v.platform, people)
		if len(people) > batch { // a session may expire before the end
			outcomes = v.client.AsUser(userID).SendAllUserInvites(ctx, roq.SendAllUserInvitesInput{TenantID: tenantID, UserInvites: roq.InputsOf(slices.Values(people))})
		}
		noted := make([]bool, len(people))
		for o, failed := range outcomes {
			if failed != nil {
				err = failed
				continue
			}
			noted[o.Index] = true
			note(j, o)
		}
		for i, p := range people {
			if !noted[i] { // refused as a whole, or never begun
				note(j, roq.SendOutcome{Input: p, Status: roq.OutcomeNotSent, Err: cmp.Or(err, roq.ErrNotSent)})
			}
		}
		return err
	})
}

// send invites people in one request, and yields what SendAllUserInvites would.
func send(ctx context.Context, platform *roq.RoqPlatform, people []roq.UserInviteInput) iter.Seq2[roq.SendOutcome, error] {
	return func(yield func(roq.SendOutcome, error) bool) {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
		defer cancel()
		sent, err := platform.SendUserInvites(ctx, roq.SendUserInvitesInput{UserInvites: people}, roq.WithSkipInvalid())
		for _, o := range sent.Outcomes() {
			yield(o, nil)
		}
		if err != nil {
			yield(roq.SendOutcome{}, err)
		}
	}
}
