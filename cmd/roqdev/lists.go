package main

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// rowsOf renders one page of a list.
func rowsOf[T any](page roqtest.Page[T], template string, row func(T) (id string, data any)) lines {
	l := lines{Total: page.Total, Next: page.Next}
	for _, one := range page.Rows {
		id, data := row(one)
		l.Rows = append(l.Rows, line{ID: id, HTML: html(template, data)})
	}
	return l
}

// The rows of the lists, and most of what the reading panes show. Element is the id on
// the page, Href opens the reading pane or, if it is open as Selected says, leads to it.
// Back is where the row's form leads.
type (
	rowBase struct {
		Element, Href, Back string
		When                moment
		Selected            bool
	}
	mailRow struct {
		rowBase
		mail
		Letter letter
	}
	inviteRow struct {
		rowBase
		roq.UserInvite
		Tenant, Inviter, Accepter, Document string
		Open                                bool
	}
	userRow struct {
		rowBase
		roqtest.User
		Name, Tenant string
	}
	requestRow struct {
		rowBase
		roqtest.Request
		Who, Preview, Document, Outcome, Took string
		Bad                                   bool
	}
	deliveryRow struct {
		rowBase
		roqtest.Delivery
		// About is the address of the invite or user of the event.
		About, Outcome, Document string
		Bad                      bool
		Attempts                 []deliveryRow
	}
)

func (v view) base(id string, at time.Time) rowBase {
	b := rowBase{Element: v.tab.Prefix + id, Href: v.opening(id), When: v.when(at), Selected: v.Open == id}
	if b.Back = v.Href() + "#" + b.Element; b.Selected {
		b.Href = "#pane"
	}
	return b
}

func (s *site) mailRow(v view, m roqtest.Email) mailRow {
	full := s.mail(m)
	return mailRow{v.base(strconv.Itoa(m.Number), m.At), full, full.letter("")}
}

func (s *site) inboxLines(v view) lines {
	return rowsOf(s.platform.FindEmails(v.query()), "row-inbox", func(m roqtest.Email) (string, any) {
		row := s.mailRow(v, m)
		return row.Element, row
	})
}

// mailPane is an e-mail as the invitee sees it.
func (s *site) mailPane(v view, r *http.Request) (pane, bool) {
	m, ok := s.mailNumber(v.Open)
	if !ok {
		return pane{}, false
	}
	row := s.mailRow(v, m.Email)
	row.Letter = row.letter(base(r))
	return pane{row.Letter.Subject, "pane-inbox", row}, true
}

func (s *site) inviteRow(v view, i roq.UserInvite) inviteRow {
	return inviteRow{
		rowBase: v.base(i.ID, i.CreatedAt), UserInvite: i, Tenant: s.tenantName(i.TenantID), Inviter: s.userName(i.CreatedByUserID),
		Open: i.Status == roq.StatusPending,
	}
}

func (s *site) inviteLines(v view) lines {
	return rowsOf(s.platform.FindInvites(v.query()), "row-invites", func(i roq.UserInvite) (string, any) {
		row := s.inviteRow(v, i)
		return row.Element, row
	})
}

func (s *site) invitePane(v view, _ *http.Request) (pane, bool) {
	i, ok := s.platform.Invite(v.Open)
	if !ok {
		return pane{}, false
	}
	row := s.inviteRow(v, i)
	row.Accepter, row.Document = s.userName(i.AcceptedByUserID), document(i.Data)
	return pane{"Invite to " + i.Email, "pane-invites", row}, true
}

func (s *site) userRow(v view, u roqtest.User) userRow {
	return userRow{v.base(u.ID, v.today), u, fullName(u), s.tenantName(u.TenantID)}
}

func (s *site) userLines(v view) lines {
	return rowsOf(s.platform.FindUsers(v.query()), "row-users", func(u roqtest.User) (string, any) {
		row := s.userRow(v, u)
		return row.Element, row
	})
}

func (s *site) userPane(v view, _ *http.Request) (pane, bool) {
	u, ok := s.platform.User(v.Open)
	if !ok {
		return pane{}, false
	}
	return pane{cmp.Or(fullName(u), u.Email), "pane-users", s.userRow(v, u)}, true
}

func (s *site) requestRow(v view, r roqtest.Request) requestRow {
	row := requestRow{rowBase: v.base(strconv.Itoa(r.Number), r.At), Request: r, Preview: preview(r.Variables)}
	switch {
	case r.Duration == 0:
		row.Outcome = "running"
	case r.Status == 0:
		row.Outcome, row.Bad = "no answer", true
	default:
		row.Outcome, row.Bad = strconv.Itoa(r.Status), r.Status >= 400
	}
	if r.Duration > 0 {
		row.Took = took(r.Duration)
	}
	switch r.Caller {
	case "":
	case roqtest.CallerServiceAccount:
		row.Who = "service account"
	default:
		row.Who = s.userName(r.Caller)
	}
	return row
}

func (s *site) requestLines(v view) lines {
	page := s.platform.FindRequests(s.sinceCleared(v.query()))
	l := rowsOf(page, "row-requests", func(r roqtest.Request) (string, any) {
		row := s.requestRow(v, r)
		return row.Element, row
	})
	if len(page.Rows) > 0 {
		l.Newest = page.Rows[0].Number
	}
	return l
}

func (s *site) newerRequests(v view, number int) int {
	q := s.sinceCleared(v.query())
	q.After = max(q.After, number)
	return s.platform.FindRequests(q).Total
}

func (s *site) requestPane(v view, _ *http.Request) (pane, bool) {
	number, err := strconv.Atoi(v.Open)
	if err != nil || number < 1 {
		return pane{}, false
	}
	page := s.platform.FindRequests(roqtest.Query{After: number - 1, Before: number + 1, Limit: 1})
	if len(page.Rows) == 0 {
		return pane{}, false
	}
	row := s.requestRow(v, page.Rows[0])
	row.Document = document(row.Variables)
	return pane{cmp.Or(row.Operation, row.Path), "pane-requests", row}, true
}

func (s *site) deliveryRow(v view, d roqtest.Delivery) deliveryRow {
	var body struct {
		Data struct {
			Current struct {
				Email string `json:"email"`
			} `json:"current"`
		} `json:"data"`
	}
	_ = json.Unmarshal(d.Body, &body) // other events have none
	row := deliveryRow{rowBase: v.base(strconv.Itoa(d.Number), d.At), Delivery: d, About: body.Data.Current.Email, Outcome: strconv.Itoa(d.Status)}
	if row.Bad = d.Status < 200 || d.Status > 299; d.Status == 0 {
		row.Outcome = "no answer"
	}
	return row
}

func (s *site) deliveryLines(v view) lines {
	return rowsOf(s.platform.FindDeliveries(v.query()), "row-webhooks", func(d roqtest.Delivery) (string, any) {
		row := s.deliveryRow(v, d)
		return row.Element, row
	})
}

// deliveryPane is an attempt to send a webhook, with the others for the same event.
func (s *site) deliveryPane(v view, _ *http.Request) (pane, bool) {
	number, err := strconv.Atoi(v.Open)
	if err != nil || number < 1 {
		return pane{}, false
	}
	page := s.platform.FindDeliveries(roqtest.Query{After: number - 1, Before: number + 1, Limit: 1})
	if len(page.Rows) == 0 {
		return pane{}, false
	}
	row := s.deliveryRow(v, page.Rows[0])
	row.Document = document(row.Body)
	same := s.platform.FindDeliveries(roqtest.Query{Search: row.Delivery.ID}).Rows
	slices.Reverse(same)
	for _, d := range same {
		row.Attempts = append(row.Attempts, s.deliveryRow(v, d))
	}
	return pane{row.Name, "pane-webhooks", row}, true
}

// Reason is why there was no response, without the address, which may hold a secret.
func (r deliveryRow) Reason() string {
	if r.Err == nil {
		return ""
	}
	text := r.Err.Error()
	if i := strings.LastIndex(text, "\": "); i >= 0 {
		text = text[i+3:]
	}
	return cut(longText, text)
}
