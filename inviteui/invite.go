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
	// maxForm is how large a form may be, with its file.
	maxForm = 32 << 20
	// maxLookedUp is how many people are looked up before they are invited.
	maxLookedUp = 5000
	// batch is how many people are invited in one request. More are a campaign.
	batch = 100
)

// form is the form for invitations, and what was understood of it.
type form struct {
	// Key is of this one form: sent again, it does nothing again.
	Key          string
	Text         string
	Role, Locale string
	// NoRole is whether a role has to be chosen.
	NoRole bool

	// Ready are those who can be invited. Invalid, Already and Repeated cannot be.
	Ready, Invalid, Already, Repeated []roq.UserInviteInput
	file                              bool
}

// newForm returns a form with a text.
func (v *visitor) newForm(text, role, locale string) form {
	if v.session != nil {
		locale = cmp.Or(locale, v.session.User.Locale)
	}
	return form{Key: rand.Text(), Text: text, Role: role, Locale: locale}
}

// read reads a form that was sent, and its file.
func (f *form) read(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseMultipartForm(4 << 20); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return err
	}
	f.Key, f.Role, f.Locale = r.PostFormValue("key"), r.PostFormValue("role"), r.PostFormValue("locale")
	texts := []string{r.PostFormValue("emails"), r.PostFormValue("rest")}
	if r.MultipartForm != nil {
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
			f.file = f.file || len(content) > 0
			// By itself: a header of a file is not one of what was typed.
			texts = append(texts, roq.FormatUserInvites(roq.ParseUserInvites(string(content))))
			f.Repeated = append(f.Repeated, roq.RepeatedUserInvites(string(content))...)
		}
	}
	texts = slices.DeleteFunc(texts, func(text string) bool { return text == "" })
	f.Text = strings.TrimSpace(strings.ReplaceAll(strings.Join(texts, "\n"), "\r\n", "\n"))
	return nil
}

// understand finds out who can be invited.
func (f *form) understand() {
	for _, p := range roq.ParseUserInvites(f.Text) {
		if p.Locale = f.Locale; f.Role != "" {
			p.Roles = []string{f.Role}
		}
		if p.Validate() != nil {
			f.Invalid = append(f.Invalid, p)
		} else {
			f.Ready = append(f.Ready, p)
		}
	}
	f.Repeated = slices.DeleteFunc(append(f.Repeated, roq.RepeatedUserInvites(f.Text)...), func(p roq.UserInviteInput) bool { return p.Validate() != nil })
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
	if len(v.locales) == 0 {
		f.Locale = cmp.Or(v.session.User.Locale, v.Tag)
	} else if !slices.ContainsFunc(v.locales, func(l Locale) bool { return l.Tag == f.Locale }) {
		f.Locale = v.locales[0].Tag
	}
}

// Sendable and Rest are the people in the hidden fields of a preview: those to send, and
// those who have to be corrected.
func (f form) Sendable() string { return roq.FormatUserInvites(f.Ready) }

// Rest is described at Sendable.
func (f form) Rest() string { return roq.FormatUserInvites(f.Invalid) }

// invite handles the form. It sends if there is nothing to see before, or if the visitor
// has seen it.
func invite(v *visitor) {
	f := v.newForm("", "", "")
	if err := f.read(v.w, v.r); err != nil {
		if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
			v.trouble(&problem{Key: "size", Status: http.StatusRequestEntityTooLarge})
			return
		}
		v.trouble(&problem{Key: "form", Status: http.StatusBadRequest})
		return
	}
	if v.session == nil {
		v.show(http.StatusUnauthorized, "expired", page{visitor: v, Form: v.newForm(f.Text, f.Role, f.Locale)})
		return
	}
	if v.refused(ActionSend) {
		return
	}
	again := func(status int, key string) {
		d := page{visitor: v, Form: f}
		if d.Form.Key = rand.Text(); key != "" {
			d.Problem = &problem{Key: key}
		}
		v.main(d, status)
	}
	do := v.r.PostFormValue("do")
	if do == "edit" {
		again(http.StatusOK, "")
		return
	}
	sent := strings.Join([]string{v.session.RoqUserID, f.Key, do, f.Role, f.Locale, f.Text}, "\x00")
	f.settleChoices(v)
	f.understand()
	queued := len(f.Ready) > batch && v.queue != nil
	if do != "send" || !queued { // who was invited by another instance, for the same form, is not invited again
		f.look(v)
	}
	switch {
	case len(f.Ready)+len(f.Invalid)+len(f.Already) == 0:
		again(http.StatusUnprocessableEntity, "nobody")
		return
	case f.NoRole:
		again(http.StatusUnprocessableEntity, "role")
		return
	}
	// A preview that is sent again stays one: what there was to see may be gone by then.
	id, err := v.jobs.once(sent, func(key string) (string, error) {
		see := f.file || len(f.Invalid)+len(f.Already)+len(f.Repeated) > 0
		if len(f.Ready) == 0 || see && do != "send" {
			return "", nil
		}
		if queued {
			return v.queue.Enqueue(v.r.Context(), Send{key, v.session.User.TenantID, v.session.RoqUserID, f.Ready, f.Invalid})
		}
		return v.launch(&f)
	})
	switch {
	case err != nil:
		again(http.StatusServiceUnavailable, v.explain(err).Key)
	case id != "":
		v.wait(id)
		v.redirect("./?report=" + id)
	case len(f.Ready) == 0:
		f.Text = f.Rest() // nobody can mend the others
		again(http.StatusUnprocessableEntity, "")
	default:
		f.Key = rand.Text()
		v.show(http.StatusOK, "preview", page{visitor: v, Form: f})
	}
}

// launch begins to send, and returns the id of the report.
func (v *visitor) launch(f *form) (string, error) {
	people, tenantID, userID := f.Ready, v.session.User.TenantID, v.session.RoqUserID
	var before []roq.SendOutcome
	for _, p := range f.Invalid {
		before = append(before, roq.SendOutcome{Input: p, Status: roq.OutcomeRefused, Err: p.Validate()})
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
			j.note(o)
		}
		for i, p := range people {
			if !noted[i] { // refused as a whole, or never begun
				j.note(roq.SendOutcome{Input: p, Status: roq.OutcomeNotSent, Err: cmp.Or(err, roq.ErrNotSent)})
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
