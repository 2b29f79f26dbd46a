package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

const (
	// maxRows is how many rows an answer of the API has at most.
	maxRows = 500
	// defaultWait and maxWait are how long the API waits for an e-mail.
	defaultWait, maxWait = 10 * time.Second, time.Minute
	// maxOrder bounds what a request to change something may hold.
	maxOrder = 64 << 10
)

// routeAPI serves the JSON API. The command's documentation describes it.
func (s *site) routeAPI(mux *http.ServeMux) {
	// An endpoint takes only the parameters that are named, so that a mistake does not
	// select everything.
	handle := func(pattern string, serve func(r *http.Request, q asked) (any, error), parameters ...string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			var answer any
			q, err := readAsked(r, parameters)
			if err == nil {
				answer, err = serve(r, q)
			}
			status := http.StatusOK
			if refusal := (*apiError)(nil); errors.As(err, &refusal) {
				status, answer = refusal.status, refusal.body()
			}
			writeJSON(w, status, answer)
		})
	}
	handle("GET /dev/api/mails", s.apiMails, "to", "search", "tenant", "status", "after", "limit", "before")
	handle("GET /dev/api/mails/wait", s.apiWait, "to", "search", "tenant", "after", "timeout")
	handle("GET /dev/api/mails/{number}", s.apiMail)
	handle("GET /dev/api/invites", s.apiInvites, "email", "search", "tenant", "status", "limit", "before")
	handle("GET /dev/api/invites/{id}", s.apiInvite)
	handle("POST /dev/api/invites/{id}/expire", s.apiExpire)
	handle("GET /dev/api/tenants", s.apiTenants)
	handle("GET /dev/api/users", s.apiUsers, "email", "search", "tenant", "limit", "before")
	handle("GET /dev/api/requests", s.apiRequests, "search", "after", "limit", "before")
	handle("GET /dev/api/webhooks", s.apiWebhooks, "search", "after", "limit", "before")
	handle("GET /dev/api/trouble", func(*http.Request, asked) (any, error) { return s.apiTroubleNow(), nil })
	handle("POST /dev/api/trouble", s.apiTrouble)
	handle("GET /dev/api/clock", func(*http.Request, asked) (any, error) { return s.apiClockNow(), nil })
	handle("POST /dev/api/clock", s.apiClock)
	mux.HandleFunc("/dev/api/", func(w http.ResponseWriter, r *http.Request) {
		deny(w, r, http.StatusNotFound, "there is no "+r.Method+" "+cut(longText, r.URL.Path))
	})
}

// deny answers a request that is not for this site at all: one for the API as the API does.
func deny(w http.ResponseWriter, r *http.Request, status int, text string) {
	if strings.HasPrefix(r.URL.Path, "/dev/api/") {
		writeJSON(w, status, (&apiError{status, text}).body())
		return
	}
	http.Error(w, text, status)
}

// apiError is why the API does not answer.
type apiError struct {
	status int
	text   string
}

func (e *apiError) Error() string { return e.text }

func (e *apiError) body() map[string]string { return map[string]string{"error": e.text} }

func badRequest(text string) error { return &apiError{http.StatusBadRequest, text} }

func writeJSON(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(answer)
}

// The rows of the API.
type (
	apiPage[T any] struct {
		Rows  []T `json:"rows"`
		Total int `json:"total"`
		Next  int `json:"next,omitempty"`
	}
	apiMail struct {
		ID       int       `json:"id"`
		To       string    `json:"to"`
		Subject  string    `json:"subject"`
		Kind     string    `json:"kind"`
		Status   string    `json:"status"`
		InviteID string    `json:"inviteId"`
		TenantID string    `json:"tenantId,omitempty"`
		Tenant   string    `json:"tenant,omitempty"`
		Locale   string    `json:"locale,omitempty"`
		At       time.Time `json:"at"`
		*apiLetter
	}
	// apiLetter is only for an e-mail that was asked for by itself: the link is a secret.
	apiLetter struct {
		Language string `json:"language"`
		Link     string `json:"link"`
		Token    string `json:"token"`
		Text     string `json:"text"`
		HTML     string `json:"html"`
	}
	apiInvite struct {
		ID               string          `json:"id"`
		Email            string          `json:"email"`
		FirstName        string          `json:"firstName,omitempty"`
		LastName         string          `json:"lastName,omitempty"`
		Locale           string          `json:"locale,omitempty"`
		TenantID         string          `json:"tenantId"`
		RoleKeys         []string        `json:"roleKeys"`
		Status           string          `json:"status"`
		CreatedByUserID  string          `json:"createdByUserId"`
		AcceptedByUserID string          `json:"acceptedByUserId,omitempty"`
		Data             json.RawMessage `json:"data,omitempty"`
		CreatedAt        time.Time       `json:"createdAt"`
		UpdatedAt        time.Time       `json:"updatedAt"`
		StatusUpdatedAt  time.Time       `json:"statusUpdatedAt"`
	}
	apiTenant struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	apiUser struct {
		ID        string   `json:"id"`
		Email     string   `json:"email"`
		FirstName string   `json:"firstName,omitempty"`
		LastName  string   `json:"lastName,omitempty"`
		Locale    string   `json:"locale,omitempty"`
		Timezone  string   `json:"timezone,omitempty"`
		TenantID  string   `json:"tenantId"`
		Roles     []string `json:"roles"`
	}
	apiRequest struct {
		ID        int             `json:"id"`
		Method    string          `json:"method"`
		Path      string          `json:"path"`
		Operation string          `json:"operation"`
		Caller    string          `json:"caller,omitempty"`
		Status    int             `json:"status"`
		Ended     bool            `json:"ended"`
		Duration  float64         `json:"milliseconds"`
		Variables json.RawMessage `json:"variables,omitempty"`
		Bytes     int             `json:"variablesBytes"`
		At        time.Time       `json:"at"`
	}
	apiDelivery struct {
		ID      int             `json:"id"`
		Event   string          `json:"event"`
		EventID string          `json:"eventId"`
		Attempt int             `json:"attempt"`
		Status  int             `json:"status"`
		Error   string          `json:"error,omitempty"`
		Body    json.RawMessage `json:"body"`
		At      time.Time       `json:"at"`
	}
	apiTroubles struct {
		Active []active  `json:"active"`
		Known  []trouble `json:"known"`
	}
	apiClock struct {
		Now         time.Time  `json:"now"`
		Ahead       float64    `json:"aheadSeconds"`
		NextExpiry  *time.Time `json:"nextExpiry"`
		NextWebhook *time.Time `json:"nextWebhook"`
		Webhooks    int        `json:"webhooksWaiting"`
	}
)

// asked are the parameters of a request: what is selected, and how long to wait for it.
type asked struct {
	roqtest.Query
	wait time.Duration
}

// readAsked reads the parameters of a request, of which each must be one of those allowed.
func readAsked(r *http.Request, allowed []string) (q asked, err error) {
	form, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return q, badRequest("the query cannot be read")
	}
	q.Limit, q.wait = shownRows, defaultWait
	for name, values := range form {
		value := values[0]
		switch {
		case len(allowed) == 0:
			return q, badRequest("there are no parameters here")
		case !slices.Contains(allowed, name):
			return q, badRequest(fmt.Sprintf("there is no parameter %s, but %s", strconv.Quote(cut(shortText, name)), strings.Join(allowed, ", ")))
		case value == "" || len(values) > 1:
			return q, badRequest(name + " must have one value")
		case (name == "to" || name == "email") && strings.Contains(value, " "):
			return q, badRequest(name + " has a space: + is written as %2B in a query")
		}
		if err := q.set(name, value); err != nil {
			return q, err
		}
	}
	return q, nil
}

// set sets what a parameter says.
func (q *asked) set(name, value string) (err error) {
	switch name {
	case "search":
		q.Search = value
	case "to", "email":
		q.Email = value
	case "tenant":
		q.TenantID = value
	case "status":
		if q.Status = roq.UserInviteStatus(value); !slices.Contains(statuses, q.Status) {
			return badRequest("status must be pending, accepted, canceled or expired")
		}
	case "limit":
		if q.Limit, err = strconv.Atoi(value); err != nil || q.Limit < 1 || q.Limit > maxRows {
			return badRequest(fmt.Sprintf("limit must be from 1 to %d", maxRows))
		}
	case "timeout":
		if q.wait, err = time.ParseDuration(value); err != nil || q.wait < 0 || q.wait > maxWait {
			return badRequest("timeout must be a duration such as 10s, of at most " + maxWait.String())
		}
	case "before":
		q.Before, err = strconv.Atoi(value)
	case "after":
		q.After, err = strconv.Atoi(value)
	}
	if err != nil || q.Before < 0 || q.After < 0 {
		return badRequest(name + " must be a number that is not negative")
	}
	return nil
}

// pageOf converts the rows of a page.
func pageOf[T, R any](page roqtest.Page[T], row func(T) R) apiPage[R] {
	p := apiPage[R]{Rows: make([]R, len(page.Rows)), Total: page.Total, Next: page.Next}
	for i := range page.Rows {
		p.Rows[i] = row(page.Rows[i])
	}
	return p
}

func (s *site) mailRowOf(m roqtest.Email) apiMail {
	full := s.mail(m)
	return apiMail{
		ID: m.Number, To: m.To, Subject: full.letter("").Subject, Kind: string(m.Kind), Status: full.Status, InviteID: m.InviteID,
		TenantID: full.Invite.TenantID, Tenant: full.Tenant, Locale: full.Invite.Locale, At: m.At,
	}
}

// wholeMail is an e-mail with its text and link.
func (s *site) wholeMail(r *http.Request, m roqtest.Email) apiMail {
	row := s.mailRowOf(m)
	l := s.mail(m).letter(base(r))
	row.apiLetter = &apiLetter{Language: l.Lang, Link: l.Link, Token: m.Token, Text: l.Text(), HTML: string(html("letter", l))}
	return row
}

func (s *site) apiMails(_ *http.Request, q asked) (any, error) {
	return pageOf(s.platform.FindEmails(q.Query), s.mailRowOf), nil
}

func (s *site) apiMail(r *http.Request, _ asked) (any, error) {
	m, ok := s.mailNumber(r.PathValue("number"))
	if !ok {
		return nil, &apiError{http.StatusNotFound, "there is no such e-mail"}
	}
	return s.wholeMail(r, m.Email), nil
}

// apiWait waits for an e-mail and returns the newest that matches.
func (s *site) apiWait(r *http.Request, q asked) (any, error) {
	if q.Email == "" && q.Search == "" {
		return nil, badRequest("to must be the address of the e-mail that is waited for")
	}
	q.Limit = 1
	timer := time.NewTimer(q.wait)
	defer timer.Stop()
	for {
		last, changed := s.platform.Changes()
		newest := s.platform.FindEmails(one).Rows
		if found := s.platform.FindEmails(q.Query).Rows; len(found) > 0 {
			return s.wholeMail(r, found[0]), nil
		}
		if len(newest) > 0 {
			q.After = max(q.After, newest[0].Number) // up to there, none matches
		}
		for now := last; now.Emails == last.Emails; {
			select {
			case <-changed:
				now, changed = s.platform.Changes()
			case <-timer.C:
				return nil, &apiError{http.StatusNotFound, "no such e-mail has arrived within " + q.wait.String()}
			case <-r.Context().Done():
				return nil, &apiError{http.StatusServiceUnavailable, "the wait was ended"}
			}
		}
	}
}

func inviteRowOf(i roq.UserInvite) apiInvite {
	return apiInvite{
		ID: i.ID, Email: i.Email, FirstName: i.FirstName, LastName: i.LastName, Locale: i.Locale, TenantID: i.TenantID, RoleKeys: i.RoleKeys,
		Status: string(i.Status), CreatedByUserID: i.CreatedByUserID, AcceptedByUserID: i.AcceptedByUserID, Data: i.Data,
		CreatedAt: i.CreatedAt, UpdatedAt: i.UpdatedAt, StatusUpdatedAt: i.StatusUpdatedAt,
	}
}

func (s *site) apiInvites(_ *http.Request, q asked) (any, error) {
	return pageOf(s.platform.FindInvites(q.Query), inviteRowOf), nil
}

var errNoInvite = &apiError{http.StatusNotFound, "there is no such invite"}

func (s *site) apiInvite(r *http.Request, _ asked) (any, error) {
	i, ok := s.platform.Invite(r.PathValue("id"))
	if !ok {
		return nil, errNoInvite
	}
	return inviteRowOf(i), nil
}

func (s *site) apiTenants(*http.Request, asked) (any, error) {
	all := s.platform.Tenants()
	page := roqtest.Page[roqtest.Tenant]{Rows: all[:min(len(all), maxRows)], Total: len(all)}
	return pageOf(page, func(t roqtest.Tenant) apiTenant { return apiTenant{t.ID, t.Name} }), nil
}

func (s *site) apiUsers(_ *http.Request, q asked) (any, error) {
	return pageOf(s.platform.FindUsers(q.Query), func(u roqtest.User) apiUser {
		return apiUser{u.ID, u.Email, u.FirstName, u.LastName, u.Locale, u.Timezone, u.TenantID, u.Roles}
	}), nil
}

func (s *site) apiRequests(_ *http.Request, q asked) (any, error) {
	return pageOf(s.platform.FindRequests(q.Query), func(r roqtest.Request) apiRequest {
		row := apiRequest{
			ID: r.Number, Method: r.Method, Path: r.Path, Operation: r.Operation, Caller: r.Caller, Status: r.Status, Ended: r.Duration > 0,
			Duration: float64(r.Duration.Microseconds()) / 1000, Bytes: len(r.Variables), At: r.At,
		}
		if len(r.Variables) <= previewed {
			row.Variables, _ = redact(r.Variables)
		}
		return row
	}), nil
}

func (s *site) apiWebhooks(_ *http.Request, q asked) (any, error) {
	return pageOf(s.platform.FindDeliveries(q.Query), func(d roqtest.Delivery) apiDelivery {
		row := s.deliveryRow(view{tab: tabs[len(tabs)-1]}, d)
		return apiDelivery{d.Number, d.Name, d.ID, d.Attempt, d.Status, row.Reason(), d.Body, d.At}
	}), nil
}
