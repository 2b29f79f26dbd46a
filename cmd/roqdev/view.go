package main

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// shownRequests is how many of the last requests are on the page.
const shownRequests = 50

// overview is what the page shows.
type overview struct {
	Mood     mood
	Moods    []mood
	Mails    []mail
	Invites  []inviteRow
	Tenants  []tenant
	Requests []roqtest.Request
}

// mail is an e-mail in the inbox, with its link as it is now.
type mail struct {
	roqtest.Email
	Tenant, Inviter string
	Status          roq.UserInviteStatus
	Resent, Open    bool
}

// Link is where the e-mail's link leads.
func (m mail) Link() string { return "/accept?" + url.Values{"token": {m.Token}}.Encode() }

type inviteRow struct {
	roq.UserInvite
	Tenant, Inviter string
	Open            bool
}

type tenant struct {
	roqtest.Tenant
	Users []roqtest.User
}

// look collects what there is to see, the newest first.
func (s *site) look() overview {
	s.mu.Lock()
	o, since := overview{Mood: s.mood, Moods: moods}, s.since
	s.mu.Unlock()

	names, users := map[string]string{}, map[string]roqtest.User{}
	for _, t := range s.platform.Tenants() {
		names[t.ID] = t.Name
		o.Tenants = append(o.Tenants, tenant{Tenant: t})
	}
	for _, u := range s.platform.Users() {
		users[u.ID] = u
		for i := range o.Tenants {
			if o.Tenants[i].ID == u.TenantID {
				o.Tenants[i].Users = append(o.Tenants[i].Users, u)
			}
		}
	}
	rows := map[string]inviteRow{}
	for _, i := range s.platform.Invites() {
		row := inviteRow{i, names[i.TenantID], fullName(users[i.CreatedByUserID]), i.Status == roq.StatusPending}
		rows[i.ID] = row
		o.Invites = append(o.Invites, row)
	}
	for _, m := range s.platform.Outbox() {
		row := rows[m.InviteID]
		o.Mails = append(o.Mails, mail{m, row.Tenant, row.Inviter, row.Status, m.Kind == roqtest.KindResend, row.Open})
	}
	for _, r := range s.platform.Requests() {
		if r.At.After(since) && (strings.HasPrefix(r.Path, "/v01/") || strings.HasPrefix(r.Path, "/api/")) {
			o.Requests = append(o.Requests, r)
		}
	}
	o.Requests = o.Requests[max(0, len(o.Requests)-shownRequests):]
	slices.Reverse(o.Invites)
	slices.Reverse(o.Mails)
	slices.Reverse(o.Requests)
	return o
}

func fullName(u roqtest.User) string {
	return strings.TrimSpace(u.FirstName + " " + u.LastName)
}

// home shows the whole page, live only the part that changes by itself.
func (s *site) home(w http.ResponseWriter, _ *http.Request) { show(w, http.StatusOK, "home", s.look()) }
func (s *site) live(w http.ResponseWriter, _ *http.Request) { show(w, http.StatusOK, "live", s.look()) }

// reply is the page behind the link of an e-mail.
type reply struct {
	Mail  *mail
	Token string
	// Open is whether the invitation can be accepted.
	Open bool
	// Done is whether the invitation was accepted just now.
	Done bool
	// Problem is why it was not.
	Problem string
	At      time.Time
}

// noSuchLink is what a page says of a token that no invite has.
const noSuchLink = "No invitation has this link."

// invitation shows what the link of an e-mail leads to, as an application would.
// Following a link changes nothing: programs that look into e-mails follow links too.
func (s *site) invitation(w http.ResponseWriter, r *http.Request) {
	page := reply{Token: r.FormValue("token"), At: time.Now()}
	page.Mail = s.mailWith(page.Token)
	status := http.StatusOK
	switch token, err := s.client.AsSuperAdmin().CheckUserInviteToken(r.Context(), page.Token); {
	case err != nil:
		status, page.Problem = problem(err)
	case page.Mail == nil:
		status, page.Problem = http.StatusNotFound, noSuchLink
	default:
		page.Open = token.Valid
	}
	show(w, status, "accept", page)
}

// accept accepts the invitation.
func (s *site) accept(w http.ResponseWriter, r *http.Request) {
	page := reply{Token: r.FormValue("token"), At: time.Now()}
	status := http.StatusOK
	_, err := s.client.AsSuperAdmin().AcceptUserInvite(r.Context(), page.Token)
	if err != nil {
		status, page.Problem = problem(err)
	}
	page.Done, page.Mail = err == nil, s.mailWith(page.Token)
	show(w, status, "accept", page)
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

// mailWith returns the latest e-mail with that token, nil if there is none.
func (s *site) mailWith(token string) *mail {
	for _, m := range s.look().Mails {
		if token != "" && m.Token == token {
			return &m
		}
	}
	return nil
}
