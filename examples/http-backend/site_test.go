package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// site is the backend beside a platform of its own, and somebody signed in.
type site struct {
	t        *testing.T
	platform *roqtest.Server
	ann      roqtest.User
	cookie   string
	url      string
	log      *logBuffer
}

// logBuffer is where the backend logs to.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, platform: roqtest.NewServer(), log: &logBuffer{}}
	t.Cleanup(s.platform.Close)
	s.ann = s.platform.AddUser(roqtest.User{
		TenantID: s.platform.AddTenant("Acme"), Email: "ann@acme.example", FirstName: "Ann", Roles: []string{"admin"},
	})
	s.cookie = s.platform.SessionToken(s.ann.ID)
	logger := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	client, err := roq.New(s.platform.Config(), roq.WithLogger(logger), roq.WithSettleTimeout(50*time.Millisecond),
		roq.WithRetry(roq.RetryPolicy{MaxAttempts: 2, MinWait: time.Millisecond, MaxWait: 5 * time.Millisecond}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	handler, err := newHandler(client, logger, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// request makes a request as Ann's browser does, changed as told.
func (s *site) request(method, path, body string, change ...func(*http.Request)) (status int, answer string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: "roq-session-token", Value: s.cookie})
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, f := range change {
		f(r)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// read makes a request that has to come to that status, and reads its answer.
func read[T any](s *site, want int, method, path, body string) T {
	s.t.Helper()
	status, text := s.request(method, path, body)
	if status != want {
		s.t.Fatalf("%s %s = %d %s, want %d", method, path, status, text, want)
	}
	var answer T
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		s.t.Fatalf("%s %s: %v: %s", method, path, err, text)
	}
	return answer
}

// problem is the form of every error.
type problem struct{ Code, Message string }

// page is the answer of a list.
type page struct {
	Invites []invite
	Total   int
}

// invited sends one invite and returns it.
func (s *site) invited(email string) invite {
	s.t.Helper()
	return read[sendReport](s, 201, "POST", "/invites", `{"invites":[{"email":"`+email+`"}]}`).Sent[0]
}

// token is what the latest e-mail to the address holds.
func (s *site) token(email string) string {
	s.t.Helper()
	mails := s.platform.Outbox()
	for i := len(mails) - 1; i >= 0; i-- {
		if mails[i].To == email {
			return mails[i].Token
		}
	}
	s.t.Fatalf("%s got no e-mail", email)
	return ""
}

// eventually waits until ok, or the test ends.
func (s *site) eventually(ok func() bool) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-s.t.Context().Done():
			return
		}
	}
}
