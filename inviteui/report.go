package inviteui

import (
	"errors"
	"strings"
	"time"

	"github.com/go-roq/roq"
)

// maxLines is how many addresses of a kind a page names.
const maxLines = 1000

// line is an address, and what is said about it.
type line struct{ Email, Why string }

// report is a Report as it is shown.
type report struct {
	Report
	*visitor
	ID     string
	Action Action
	// Missing is whether it is not on this instance.
	Missing bool
	// Remains is the time that is left, in words.
	Remains string
	Problem *problem
	// Amber is what is nobody's fault, Red what failed, and Unknown who may have been
	// mailed.
	Amber, Red, Unknown []line
	// NotSent is how many were not sent, and Form who remains in the form. Unlisted is how
	// many others a Queue does not name.
	NotSent, Unlisted int
	Form              []roq.UserInviteInput
}

// shown returns the report with an id as it is shown.
func (v *visitor) shown(id string) *report {
	r := &report{visitor: v, ID: id}
	var found bool
	if r.Report, r.Action, found = v.report(id); !found {
		r.Report, r.Missing = Report{Done: true}, true
		return r
	}
	r.Unlisted = max(0, r.Handled-r.Sent-len(r.Others))
	for _, o := range r.Others {
		l := line{o.Input.Email, v.why(o.Err)}
		switch {
		case o.Status == roq.OutcomeUnknown:
			r.Unknown = append(r.Unknown, l)
		case o.Status == roq.OutcomeDuplicate:
			r.Amber = append(r.Amber, line{l.Email, v.T("why.duplicate")})
		case o.Status == roq.OutcomeNotSent:
			r.NotSent++
			r.Form = append(r.Form, o.Input)
		case settled(o.Err):
			r.Amber = append(r.Amber, l)
		default:
			r.Red = append(r.Red, l)
			r.Form = append(r.Form, o.Input)
		}
	}
	if r.Err != nil && (len(r.Unknown) == 0 || !errors.Is(r.Err, roq.ErrOutcomeUnknown)) { // the box says that
		r.Problem = v.explain(r.Err)
	}
	if took := time.Since(r.Started); !r.Done && r.Handled > 0 && took > time.Second {
		left := took / time.Duration(r.Handled) * time.Duration(r.Total-r.Handled)
		if r.Remains = v.N("remains.seconds", int(left/time.Second)+1); left > 90*time.Second {
			r.Remains = v.N("remains.minutes", int((left+time.Minute/2)/time.Minute))
		}
	}
	return r
}

// settled reports whether an error is nobody's fault and cannot be mended: the invitee
// is invited or a member already.
func settled(err error) bool {
	return errors.Is(err, roq.ErrAlreadyInvited) || errors.Is(err, roq.ErrAlreadyExists) ||
		errors.Is(err, roq.ErrAlreadyAccepted) || errors.Is(err, roq.ErrAlreadyCanceled)
}

// DoneWords says for how many it was done.
func (r *report) DoneWords() string { return r.N("done."+string(r.Action), r.Sent) }

// why says why one address was not mailed.
func (l *language) why(err error) string {
	if reason := l.T("why." + troubleOf(err).Key); reason != "" {
		return reason
	}
	if e := (*roq.Error)(nil); errors.As(err, &e) && len(e.Findings) > 0 {
		switch field := e.Findings[0].Field; {
		case field == "Email":
			return l.T("why.email")
		case strings.HasSuffix(field, "Name"):
			return l.T("why.name")
		}
	}
	if e := (roq.UserInviteError{}); errors.As(err, &e) && e.Message != "" {
		return l.T("why.refused", strings.TrimSuffix(e.Message, "."))
	}
	return l.T("why.impossible")
}

// fold is a list of addresses, of which ten are shown at once.
type fold struct {
	*language
	First, More []line
	// Omitted is how many are not on the page at all.
	Omitted int
}

// Fold makes a list of lines, of invites, or of people with their names or what is wrong
// with them.
func (v *visitor) Fold(of any) fold {
	var lines []line
	switch of := of.(type) {
	case []line:
		lines = of
	case []roq.UserInvite:
		for _, i := range of {
			lines = append(lines, line{i.Email, strings.TrimSpace(i.FirstName + " " + i.LastName)})
		}
	case []roq.UserInviteInput:
		for _, p := range of {
			lines = append(lines, line{p.Email, strings.TrimSpace(p.FirstName + " " + p.LastName)})
			if err := p.Validate(); err != nil {
				lines[len(lines)-1].Why = v.why(err)
			}
		}
	}
	some, most := min(len(lines), 10), min(len(lines), maxLines)
	return fold{v.language, lines[:some], lines[some:most], len(lines) - most}
}
