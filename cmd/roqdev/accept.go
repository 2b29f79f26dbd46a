package main

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// reply is the page behind the link of an e-mail.
type reply struct {
	// Mail is the latest e-mail with the link; nil if there is none.
	Mail          *mail
	Token, Tenant string
	// Open is whether the invitation can be accepted, Done whether it was just now.
	Open, Done bool
	// Problem is why it was not.
	Problem string
}

// noSuchLink is what a page says of a token that no invite has.
const noSuchLink = "No invitation has this link."

// invitation shows what the link of an e-mail leads to, as an application would.
// Following a link changes nothing: programs that look into e-mails follow links too.
func (s *site) invitation(w http.ResponseWriter, r *http.Request) {
	page, status := reply{Token: r.FormValue("token")}, http.StatusOK
	token, err := s.client.AsSuperAdmin().CheckUserInviteToken(r.Context(), page.Token)
	if err != nil {
		status, page.Problem = problem(err)
	} else if page.Mail = s.mailWith(token.Email, page.Token); page.Mail == nil {
		status, page.Problem = http.StatusNotFound, noSuchLink
	} else {
		page.Open, page.Tenant = token.Valid, page.Mail.Tenant
	}
	s.show(w, status, "accept", page)
}

// accept accepts the invitation, and leads to the outcome.
func (s *site) accept(w http.ResponseWriter, r *http.Request) {
	page, status := reply{Token: r.FormValue("token")}, http.StatusOK
	accepted, err := s.client.AsSuperAdmin().AcceptUserInvite(r.Context(), page.Token)
	if err != nil {
		status, page.Problem = problem(err)
	} else {
		page.Done, page.Tenant = true, s.tenantName(accepted.TenantID)
	}
	s.lead(w, r, status, "accept", page)
}

// problem says why an invitation cannot be shown or accepted.
func problem(err error) (status int, text string) {
	message := err.Error()
	if e := (*roq.Error)(nil); errors.As(err, &e) {
		message = e.Message
	}
	switch {
	case errors.Is(err, roq.ErrOutcomeUnknown):
		return http.StatusBadGateway, "It is not known whether this was done. Try again: an invitation can be accepted only once."
	case errors.Is(err, roq.ErrInvalidInput), errors.Is(err, roq.ErrNotFound):
		return http.StatusNotFound, noSuchLink
	case errors.Is(err, roq.ErrAlreadyAccepted), errors.Is(err, roq.ErrAlreadyCanceled), errors.Is(err, roq.ErrInviteExpired):
		return http.StatusConflict, message
	default:
		return http.StatusBadGateway, "This is not possible now: " + message
	}
}

// mailWith returns the latest e-mail to an address that has the token, or nil.
func (s *site) mailWith(email, token string) *mail {
	if email == "" {
		return nil
	}
	for q := (roqtest.Query{Email: email, Limit: maxRows}); ; {
		page := s.platform.FindEmails(q)
		for _, m := range page.Rows {
			if m.Token == token {
				full := s.mail(m)
				return &full
			}
		}
		if q.Before = page.Next; q.Before == 0 {
			return nil
		}
	}
}

// mailNumber returns the e-mail that a path or parameter names.
func (s *site) mailNumber(text string) (m mail, ok bool) {
	number, err := strconv.Atoi(text)
	if err != nil || number < 1 {
		return mail{}, false
	}
	page := s.platform.FindEmails(roqtest.Query{After: number - 1, Before: number + 1, Limit: 1})
	if len(page.Rows) == 0 {
		return mail{}, false
	}
	return s.mail(page.Rows[0]), true
}

// follow leads to the link of an e-mail, so that lists need no tokens.
func (s *site) follow(w http.ResponseWriter, r *http.Request) {
	m, ok := s.mailNumber(r.PathValue("number"))
	if !ok {
		s.show(w, http.StatusNotFound, "gone", nil)
		return
	}
	http.Redirect(w, r, m.link(), http.StatusSeeOther)
}

// mailHTML is the e-mail as a document of its own, for a frame without rights.
func (s *site) mailHTML(w http.ResponseWriter, r *http.Request) {
	m, ok := s.mailNumber(r.PathValue("number"))
	if !ok {
		s.show(w, http.StatusNotFound, "gone", nil)
		return
	}
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox")
	s.show(w, http.StatusOK, "letter", m.letter(base(r)))
}

// base is the address at which this request reached the server.
func base(r *http.Request) string { return "http://" + r.Host }
