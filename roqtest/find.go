package roqtest

import (
	"cmp"
	"slices"
	"sort"
	"strings"

	"github.com/go-roq/roq"
)

// defaultLimit is how many rows a page has if its Query does not say.
const defaultLimit = 50

// Query selects one page of what a Server has, newest first. The zero value selects the
// newest 50. A condition that is empty is not applied.
type Query struct {
	// Search is a part of an e-mail address or name. Of requests it is a part of the
	// operation, and of deliveries a part of the event's name or ID. The case of letters is
	// ignored.
	Search string
	// Email is a whole address, in any case of letters. Requests and deliveries ignore it.
	Email string
	// TenantID is the tenant of invites, of their e-mails, and of users.
	TenantID string
	// Status is the status of invites, and of the invites of e-mails.
	Status roq.UserInviteStatus
	// After selects what has a greater number, Before what has a smaller one: see
	// [Page].Next, and the field Number of [Email], [Request] and [Delivery].
	After, Before int
	// Limit is how many rows the page has at most. The default is 50.
	Limit int
}

// Page is one page of what a [Query] selects.
type Page[T any] struct {
	// Rows are the rows of the page, newest first.
	Rows []T
	// Total is how many rows match, whatever Before and Limit are.
	Total int
	// Next is the [Query].Before of the following page, or 0 if this is the last one.
	Next int
}

// FindEmails returns e-mails in the outbox. Those of an invite that was removed have no
// tenant and no status.
func (s *Server) FindEmails(q Query) Page[Email] { return s.world.findEmails(q) }

// FindInvites returns invites.
func (s *Server) FindInvites(q Query) Page[roq.UserInvite] { return s.world.findInvites(q) }

// FindUsers returns users, including those who accepted an invite.
func (s *Server) FindUsers(q Query) Page[User] { return s.world.findUsers(q) }

// FindRequests returns requests, of the last 10,000 that arrived.
func (s *Server) FindRequests(q Query) Page[Request] { return s.requests.find(q) }

// FindDeliveries returns attempts to send a webhook.
func (s *Server) FindDeliveries(q Query) Page[Delivery] { return s.hooks.find(q) }

// Invite returns one invite, and reports whether it exists.
func (s *Server) Invite(id string) (i roq.UserInvite, ok bool) {
	i, err := s.world.get(caller{}, id)
	return detached(i), err == nil
}

// User returns one user, and reports whether it exists.
func (s *Server) User(id string) (u User, ok bool) {
	u, ok = s.world.user(id)
	u.Roles = slices.Clone(u.Roles)
	return u, ok
}

// Tenant returns one tenant, and reports whether it exists.
func (s *Server) Tenant(id string) (t Tenant, ok bool) {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	known := s.world.tenants[id]
	if known == nil {
		return Tenant{}, false
	}
	return known.Tenant, true
}

// find returns the page of rows that match. The rows are in ascending order of their
// numbers. All rows match if match is nil.
func find[T any](rows []T, q Query, number func(i int) int, match func(row T) bool) Page[T] {
	page, limit := Page[T]{Rows: []T{}}, cmp.Or(max(0, q.Limit), defaultLimit)
	first := 0
	if q.After > 0 {
		first = sort.Search(len(rows), func(i int) bool { return number(i) > q.After })
	}
	if match == nil {
		page.Total = len(rows) - first
	}
	last, end := 0, len(rows)
	if match == nil && q.Before > 0 {
		end = sort.Search(len(rows), func(i int) bool { return number(i) >= q.Before })
	}
	for i := end - 1; i >= first; i-- {
		if match != nil {
			if !match(rows[i]) {
				continue
			}
			page.Total++
		}
		switch {
		case q.Before > 0 && number(i) >= q.Before:
		case len(page.Rows) < limit:
			page.Rows = append(page.Rows, rows[i])
			last = number(i)
		default:
			page.Next = last
			if match == nil {
				return page
			}
		}
	}
	return page
}

// has returns a check for the text of a search in any of some texts.
func (q Query) has() func(texts ...string) bool {
	wanted := strings.ToLower(q.Search)
	return func(texts ...string) bool {
		return wanted == "" || slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(strings.ToLower(s), wanted) })
	}
}

// selects reports whether the Query has a condition on the rows themselves.
func (q Query) selects() bool {
	return q.Search != "" || q.Email != "" || q.TenantID != "" || q.Status != ""
}

// fits reports whether the conditions on all but the search hold.
func (q Query) fits(email, tenantID string, status roq.UserInviteStatus) bool {
	return (q.Email == "" || strings.EqualFold(q.Email, email)) && (q.TenantID == "" || q.TenantID == tenantID) &&
		(q.Status == "" || q.Status == status)
}

func (w *world) findEmails(q Query) Page[Email] {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expire()
	has := q.has()
	match := func(m Email) bool {
		var of roq.UserInvite
		if i := w.byID[m.InviteID]; i != nil {
			of = i.UserInvite
		}
		return has(m.To, of.FirstName+" "+of.LastName) && q.fits(m.To, of.TenantID, of.Status)
	}
	if !q.selects() {
		match = nil
	}
	return find(w.outbox, q, func(i int) int { return w.outbox[i].Number }, match)
}

func (w *world) findInvites(q Query) Page[roq.UserInvite] {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expire()
	has := q.has()
	match := func(i *invite) bool {
		return has(i.Email, i.FirstName+" "+i.LastName) && q.fits(i.Email, i.TenantID, i.Status)
	}
	if !q.selects() {
		match = nil
	}
	found := find(w.invites, q, func(i int) int { return w.invites[i].number }, match)
	page := Page[roq.UserInvite]{Rows: make([]roq.UserInvite, len(found.Rows)), Total: found.Total, Next: found.Next}
	for i, row := range found.Rows {
		page.Rows[i] = detached(row.UserInvite)
	}
	return page
}

func (w *world) findUsers(q Query) Page[User] {
	w.mu.Lock()
	defer w.mu.Unlock()
	has := q.has()
	match := func(m *member) bool {
		return has(m.Email, m.FirstName+" "+m.LastName) && q.fits(m.Email, m.TenantID, q.Status)
	}
	if !q.selects() {
		match = nil
	}
	found := find(w.ordered, q, func(i int) int { return w.ordered[i].number }, match)
	page := Page[User]{Rows: make([]User, len(found.Rows)), Total: found.Total, Next: found.Next}
	for i, row := range found.Rows {
		page.Rows[i] = row.User
		page.Rows[i].Roles = slices.Clone(row.Roles)
	}
	return page
}

func (l *requestLog) find(q Query) Page[Request] {
	l.mu.Lock()
	defer l.mu.Unlock()
	has := q.has()
	match := func(r *Request) bool { return has(r.Operation) }
	if q.Search == "" {
		match = nil
	}
	last := l.last()
	found := find(last, q, func(i int) int { return last[i].Number }, match)
	page := Page[Request]{Rows: make([]Request, len(found.Rows)), Total: found.Total, Next: found.Next}
	for i, row := range found.Rows {
		page.Rows[i] = row.clone()
	}
	return page
}

func (h *hooks) find(q Query) Page[Delivery] {
	h.mu.Lock()
	defer h.mu.Unlock()
	has := q.has()
	match := func(d Delivery) bool { return has(d.Name, d.ID) }
	if q.Search == "" {
		match = nil
	}
	return find(h.attempts, q, func(i int) int { return h.attempts[i].Number }, match)
}
