package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// counts is what a platform was asked for.
type counts struct {
	Tokens  int64 `json:"tokens"`
	Calls   int64 `json:"calls"`
	Invites int64 `json:"invites"` // sent to it
}

// platform answers as ROQ's does, with as little work as it can.
type platform struct {
	token   []byte
	bearer  string
	basic   string
	answers answers
	delay   time.Duration

	tokens, calls, invites atomic.Int64
}

// answers turns a GraphQL request into the body of its answer.
type answers interface {
	list(body []byte) ([]byte, error)
	send(body []byte) ([]byte, error)
}

func newPlatform(a answers, delay time.Duration) *platform {
	token := accessToken()
	return &platform{
		token:   []byte(`{"accessToken":"` + token + `"}`),
		bearer:  "Bearer " + token,
		basic:   basic(),
		answers: a,
		delay:   delay,
	}
}

const (
	graphQLPath = "/v01/server/graphql"
	countsPath  = "/counts"

	userAuthorization   = "Roq-Platform-Authorization"
	serverAuthorization = "Roq-Platform-Server-Authorization"
)

func (p *platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has gone
	}
	switch {
	case r.URL.Path == graphQLPath:
		p.graphQL(w, r, body)
	case strings.HasPrefix(r.URL.Path, "/v01/authorize"):
		p.tokens.Add(1)
		write(w, http.StatusOK, p.token)
	case r.URL.Path == countsPath:
		encoded, _ := json.Marshal(counts{p.tokens.Load(), p.calls.Load(), p.invites.Load()})
		write(w, http.StatusOK, encoded)
	default:
		http.NotFound(w, r)
	}
}

func (p *platform) graphQL(w http.ResponseWriter, r *http.Request, body []byte) {
	p.calls.Add(1)
	if r.Header.Get(userAuthorization) != p.bearer || r.Header.Get(serverAuthorization) != p.basic {
		write(w, http.StatusUnauthorized, []byte(`{"errors":[{"message":"the headers are wrong"}]}`))
		return
	}
	began := time.Now()
	answer := p.answers.list
	if bytes.Contains(body, []byte("sendUserInvitesV2")) {
		p.invites.Add(int64(bytes.Count(body, emailMember)))
		answer = p.answers.send
	}
	encoded, err := answer(body)
	if err != nil {
		encoded, _ = json.Marshal(map[string]any{"errors": []any{map[string]any{"message": err.Error()}}})
		write(w, http.StatusBadRequest, encoded)
		return
	}
	if p.delay > 0 {
		// What it takes in all, its own work included.
		select {
		case <-time.After(p.delay - time.Since(began)):
		case <-r.Context().Done():
			return
		}
	}
	write(w, http.StatusOK, encoded)
}

func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // to a client that has gone, perhaps
}

// emailMember stands before each address in a request.
var emailMember = []byte(`"email":`)

// canned answers requests for the first n invites and people, whoever they are,
// with bodies that are made once.
type canned struct {
	mu    sync.RWMutex
	pages map[int][]byte
	sent  map[int][]byte
}

func newCanned() *canned { return &canned{pages: make(map[int][]byte), sent: make(map[int][]byte)} }

func (c *canned) list(body []byte) ([]byte, error) {
	_, after, _ := bytes.Cut(body, []byte(`"limit":`))
	n := 0
	for n < len(after) && '0' <= after[n] && after[n] <= '9' {
		n++
	}
	limit, err := strconv.Atoi(string(after[:n]))
	if err != nil {
		return nil, err
	}
	return c.body(c.pages, limit, page), nil
}

func (c *canned) send(body []byte) ([]byte, error) {
	return c.body(c.sent, bytes.Count(body, emailMember), success), nil
}

func (c *canned) body(bodies map[int][]byte, n int, build func([]row, []string) []byte) []byte {
	c.mu.RLock()
	body := bodies[n]
	c.mu.RUnlock()
	if body != nil {
		return body
	}
	body = build(rows(min(n, maxPage)), nil)
	c.mu.Lock()
	defer c.mu.Unlock()
	bodies[n] = body
	return body
}

// rows are the first n.
func rows(n int) []row {
	all := make([]row, n)
	for i := range all {
		all[i] = rowAt(i)
	}
	return all
}

// page is the answer to userInvites.
func page(rows []row, _ []string) []byte {
	b := []byte(`{"data":{"userInvites":{"totalCount":` + strconv.Itoa(population) + `,"data":[`)
	return append(appendRows(b, rows, nil), `]}}}`...)
}

// success is the answer to sendUserInvitesV2; without addresses the rows have
// their own.
func success(rows []row, emails []string) []byte {
	b := []byte(`{"data":{"sendUserInvitesV2":{"success":[`)
	return append(appendRows(b, rows, emails), `],"errors":[]}}}`...)
}

func appendRows(b []byte, rows []row, emails []string) []byte {
	for i := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		email := ""
		if emails != nil {
			email = emails[i]
		}
		b = rows[i].appendTo(b, email)
	}
	return b
}
