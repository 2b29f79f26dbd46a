package main

import (
	"net/http"
	"strings"

	"github.com/go-roq/roq"
)

// report has the outcome of everybody in a form: each is in one list.
type report struct {
	Sent    []string
	Refused []refusal
	// Unknown may have been mailed, NotSent were not.
	Unknown, NotSent []string
	// Problem is what kept the rest from being sent.
	Problem *problem
}

type refusal struct{ Email, Why string }

// Left is what remains in the form, to be corrected or tried again: not the addresses
// that may have been mailed.
func (r *report) Left() string {
	var all []string
	for _, refused := range r.Refused {
		all = append(all, refused.Email)
	}
	return strings.Join(append(all, r.NotSent...), "\n")
}

// status is that of the page with the report.
func (r *report) status() int {
	switch {
	case r.Problem != nil:
		return r.Problem.status
	case len(r.Sent) == 0 && len(r.Refused) > 0:
		return http.StatusUnprocessableEntity
	default:
		return http.StatusOK
	}
}

// send invites everybody whose address was pasted. If somebody cannot be invited, the
// page says why beside the address, and the others are invited.
func (a *app) send(w http.ResponseWriter, r *http.Request, who visitor) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "The form is too large.", http.StatusRequestEntityTooLarge)
		return
	}
	locale, role := r.PostForm.Get("locale"), strings.TrimSpace(r.PostForm.Get("role"))
	var done report
	input := roq.SendUserInvitesInput{UserInvites: roq.ParseUserInvites(r.PostForm.Get("emails"))}
	for i := range input.UserInvites {
		input.UserInvites[i].Locale = locale
		if role != "" {
			input.UserInvites[i].Roles = []string{role}
		}
	}
	if len(input.UserInvites) > 0 {
		a.deliver(r, who, input, &done)
	} else {
		done.Problem = &nobody
	}
	page := a.page(r, who)
	page.Report, page.Pasted, page.Locale, page.Role = &done, done.Left(), locale, role
	a.show(w, done.status(), "home", page)
}

// deliver sends, and records the outcome of each.
func (a *app) deliver(r *http.Request, who visitor, input roq.SendUserInvitesInput, done *report) {
	ctx, cancel := finishing(r)
	defer cancel()
	sent, err := who.platform.SendUserInvites(ctx, input, roq.WithSkipInvalid())
	if err != nil {
		done.Problem = a.explain(err)
	}
	if sent == nil { // refused as a whole
		for _, in := range input.UserInvites {
			done.NotSent = append(done.NotSent, in.Email)
		}
	}
	for _, o := range sent.Outcomes() {
		switch email := o.Input.Email; o.Status {
		case roq.OutcomeSent:
			done.Sent = append(done.Sent, email)
		case roq.OutcomeUnknown:
			done.Unknown = append(done.Unknown, email)
		case roq.OutcomeNotSent:
			done.NotSent = append(done.NotSent, email)
		default:
			done.Refused = append(done.Refused, refusal{email, why(o.Err)})
		}
	}
}

// actions are what can be done with an invite, after a question.
var actions = map[string]struct {
	Question, Explanation, Button, notice string
	do                                    func(visitor, *http.Request, string) error
}{
	"resend": {
		"Resend this invitation?", "The e-mail is sent again, and the link is valid for its full lifetime again.", "Resend", "resent",
		func(who visitor, r *http.Request, id string) error {
			ctx, cancel := finishing(r)
			defer cancel()
			_, err := who.platform.ResendUserInvite(ctx, id)
			return err
		},
	},
	"cancel": {
		"Cancel this invitation?", "The link in the e-mail stops working. You can invite the same person again.", "Cancel the invitation", "canceled",
		func(who visitor, r *http.Request, id string) error {
			ctx, cancel := finishing(r)
			defer cancel()
			_, err := who.platform.CancelUserInvite(ctx, id)
			return err
		},
	},
}

// notices are what the page says after an action.
var notices = map[string]string{
	"resent":   "The invitation was sent again.",
	"canceled": "The invitation was canceled.",
}

// confirm asks before an invite is resent or canceled.
func (a *app) confirm(w http.ResponseWriter, r *http.Request, who visitor) {
	action, ok := actions[r.PathValue("action")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	invite, err := who.platform.UserInvite(r.Context(), r.PathValue("id"))
	if err != nil {
		a.fail(w, err)
		return
	}
	if !(row{*invite}).Can(r.PathValue("action")) {
		p := problem{"Too late", "This invitation is " + string(invite.Status) + ".", http.StatusConflict}
		a.show(w, p.status, "problem", p)
		return
	}
	a.show(w, http.StatusOK, "confirm", map[string]any{
		"Action": action, "Name": r.PathValue("action"), "Invite": invite, "Back": readView(r.URL.Query()).Address(),
	})
}

// change does what was confirmed, and goes back to where the visitor was.
func (a *app) change(w http.ResponseWriter, r *http.Request, who visitor) {
	action, ok := actions[r.PathValue("action")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if err := action.do(who, r, r.PathValue("id")); err != nil {
		a.fail(w, err)
		return
	}
	back := readView(r.URL.Query()).Address()
	if strings.Contains(back, "?") {
		back += "&"
	} else {
		back += "?"
	}
	http.Redirect(w, r, back+"notice="+action.notice, http.StatusSeeOther)
}

// fail shows what went wrong on a page of its own.
func (a *app) fail(w http.ResponseWriter, err error) {
	p := a.explain(err)
	a.show(w, p.status, "problem", p)
}
