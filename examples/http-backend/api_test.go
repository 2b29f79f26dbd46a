package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// The life of invitations, through the API alone.
func TestInvites(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	sent := read[sendReport](s, 201, "POST", "/invites",
		`{"invites":[{"email":"bob@example.com","firstName":"Bob","locale":"en-US","roles":["member"]},{"email":"eve@example.com"}]}`)
	if len(sent.Sent) != 2 || len(sent.Refused)+len(sent.Unknown)+len(sent.NotSent) > 0 {
		t.Fatalf("POST /invites = %+v", sent)
	}
	bob, eve := sent.Sent[0], sent.Sent[1]
	if bob.Email != "bob@example.com" || bob.FirstName != "Bob" || bob.Status != roq.StatusPending || !slices.Equal(bob.Roles, []string{"member"}) || bob.CreatedAt.IsZero() {
		t.Errorf("the invite is %+v", bob)
	}
	if truth := s.platform.Invites(); truth[0].TenantID != s.ann.TenantID || truth[0].CreatedByUserID != s.ann.ID || truth[0].Locale != "en-US" {
		t.Errorf("the platform has %+v", truth[0])
	}
	if again := read[invite](s, 200, "POST", "/invites/"+eve.ID+"/resend", ""); again.ID != eve.ID || len(s.platform.Outbox()) != 3 {
		t.Errorf("resend = %+v after %d e-mails", again, len(s.platform.Outbox()))
	}
	if gone := read[invite](s, 200, "DELETE", "/invites/"+eve.ID, ""); gone.Status != roq.StatusCanceled {
		t.Errorf("DELETE = %+v", gone)
	}
	if _, err := s.platform.Accept(s.token("bob@example.com")); err != nil {
		t.Fatal(err)
	}
	if p := read[problem](s, 409, "DELETE", "/invites/"+bob.ID, ""); p.Code != "already_accepted" {
		t.Errorf("DELETE of an accepted invite = %+v", p)
	}
	if list := read[page](s, 200, "GET", "/invites", ""); list.Total != 2 || len(list.Invites) != 2 {
		t.Errorf("GET /invites = %+v", list)
	}
	if list := read[page](s, 200, "GET", "/invites?status=accepted", ""); list.Total != 1 || list.Invites[0].ID != bob.ID {
		t.Errorf("GET /invites?status=accepted = %+v", list)
	}
}

// Somebody who is refused does not keep the others from being invited.
func TestSendReport(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.invited("bob@example.com")
	got := read[sendReport](s, 207, "POST", "/invites", `{"invites":[{"email":"new@example.com"},{"email":"bob@example.com"},{"email":"ann@acme.example"}]}`)
	if len(got.Sent) != 1 || got.Sent[0].Email != "new@example.com" || len(got.Refused) != 2 ||
		got.Refused[0].Email != "bob@example.com" || got.Refused[0].Code != "USER_ALREADY_INVITED" || got.Refused[1].Code != "USER_ALREADY_EXISTS" {
		t.Errorf("the report is %+v", got)
	}
}

// The outcome of a request that was cut off is reported, and not guessed.
func TestSendInDoubt(t *testing.T) {
	t.Parallel()
	t.Run("found", func(t *testing.T) {
		t.Parallel()
		s := newSite(t)
		s.platform.Inject(roqtest.Fault{Operation: "sendUserInvites", Times: 1, Drop: roqtest.DropAfter})
		s.invited("bob@example.com")
		if n := len(s.platform.Outbox()); n != 1 {
			t.Errorf("%d e-mails, want one", n)
		}
	})
	t.Run("unknown", func(t *testing.T) {
		t.Parallel()
		s := newSite(t)
		s.platform.Inject(roqtest.Fault{Operation: "sendUserInvites", Drop: roqtest.DropBefore})
		got := read[sendReport](s, 207, "POST", "/invites", `{"invites":[{"email":"bob@example.com"}]}`)
		if !slices.Equal(got.Unknown, []string{"bob@example.com"}) || got.Sent == nil || len(got.Sent)+len(got.NotSent) > 0 {
			t.Errorf("the report is %+v", got)
		}
	})
	t.Run("not sent", func(t *testing.T) {
		t.Parallel()
		s := newSite(t)
		s.platform.RevokeTokens()
		if p := read[problem](s, 401, "POST", "/invites", `{"invites":[{"email":"bob@example.com"}]}`); p.Code != "unauthorized" {
			t.Errorf("the answer is %+v", p)
		}
	})
}

// A visitor who does not wait leaves nothing half done.
func TestVisitorLeaves(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.platform.Inject(roqtest.Fault{Operation: "sendUserInvites", Times: 1, Delay: 100 * time.Millisecond})
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	r, err := http.NewRequestWithContext(ctx, "POST", s.url+"/invites", strings.NewReader(`{"invites":[{"email":"bob@example.com"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.AddCookie(&http.Cookie{Name: "roq-session-token", Value: s.cookie})
	go func() {
		s.eventually(func() bool { return len(s.platform.Requests()) > 0 })
		leave()
	}()
	if _, err := http.DefaultClient.Do(r); !errors.Is(err, context.Canceled) {
		t.Fatalf("the visitor did not leave: %v", err)
	}
	s.eventually(func() bool { return len(s.platform.Outbox()) > 0 })
	if n := len(s.platform.Outbox()); n != 1 {
		t.Errorf("%d e-mails, want one", n)
	}
}

// Bodies that are not what POST /invites takes are refused before anything is
// sent.
func TestBadBodies(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for name, test := range map[string]struct {
		body, kind string
		status     int
		code       string
	}{
		"nothing":         {"", "application/json", 400, "invalid_json"},
		"no JSON":         {"{", "application/json", 400, "invalid_json"},
		"two values":      {"{}{}", "application/json", 400, "invalid_json"},
		"another member":  {`{"invites":[{"email":"bob@example.com","admin":true}]}`, "application/json", 400, "invalid_json"},
		"a form":          {"email=bob", "application/x-www-form-urlencoded", 415, "unsupported_media_type"},
		"no content type": {`{"invites":[{"email":"bob@example.com"}]}`, "", 415, "unsupported_media_type"},
		"nobody":          {`{"invites":[]}`, "application/json; charset=utf-8", 400, "invalid_input"},
		"a bad address":   {`{"invites":[{"email":"bob@example.com"},{"email":"eve"}]}`, "application/json", 400, "invalid_input"},
		"too large":       {`{"invites":[{"email":"` + strings.Repeat("x", maxBody) + `"}]}`, "application/json", 413, "too_large"},
	} {
		status, answer := s.request("POST", "/invites", test.body, func(r *http.Request) { r.Header.Set("Content-Type", test.kind) })
		if status != test.status || !strings.Contains(answer, `"`+test.code+`"`) {
			t.Errorf("%s: %d %s, want %d %s", name, status, answer, test.status, test.code)
		}
	}
	if n := len(s.platform.Outbox()); n != 0 {
		t.Errorf("%d e-mails were sent", n)
	}
}

func TestListParameters(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i := range 5 {
		s.invited(fmt.Sprintf("person%d@example.com", i))
		s.platform.Advance(time.Second)
	}
	for query, want := range map[string][]string{
		"":                           {"4", "3", "2", "1", "0"},
		"?limit=2":                   {"4", "3"},
		"?limit=2&offset=2":          {"2", "1"},
		"?limit=100&offset=5":        {},
		"?status=pending&limit=1":    {"4"},
		"?status=expired":            {},
		"?offset=2147483647&limit=1": {},
	} {
		list := read[page](s, 200, "GET", "/invites"+query, "")
		got := []string{}
		for _, i := range list.Invites {
			got = append(got, strings.TrimSuffix(strings.TrimPrefix(i.Email, "person"), "@example.com"))
		}
		if !slices.Equal(got, want) || list.Invites == nil {
			t.Errorf("GET /invites%s = %v, want %v", query, got, want)
		}
	}
	for _, query := range []string{"limit=0", "limit=101", "limit=x", "limit=-1", "offset=-1", "offset=x", "offset=2147483648", "status=gone", "status=Pending"} {
		if p := read[problem](s, 400, "GET", "/invites?"+query, ""); p.Code != "invalid_query" {
			t.Errorf("GET /invites?%s = %+v", query, p)
		}
	}
}

// Who may do what: signed in, from the same site, with a method that there is.
func TestAccess(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	id := s.invited("bob@example.com").ID
	routes := [][2]string{{"POST", "/invites"}, {"GET", "/invites"}, {"POST", "/invites/" + id + "/resend"}, {"DELETE", "/invites/" + id}}
	for _, route := range routes {
		method, path := route[0], route[1]
		signedOut := func(r *http.Request) { r.Header.Del("Cookie") }
		if status, answer := s.request(method, path, "", signedOut); status != 401 || !strings.Contains(answer, "NO_SESSION") {
			t.Errorf("%s %s signed out = %d %s", method, path, status, answer)
		}
		forged := func(r *http.Request) { r.Header.Set("Cookie", "roq-session-token=no.such.token") }
		if status, answer := s.request(method, path, "", forged); status != 401 || !strings.Contains(answer, "TOKEN_MALFORMED") {
			t.Errorf("%s %s with a forged cookie = %d %s", method, path, status, answer)
		}
		if method == "GET" {
			continue
		}
		elsewhere := func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }
		if status, answer := s.request(method, path, "", elsewhere); status != 403 || !strings.Contains(answer, "cross_origin") {
			t.Errorf("%s %s from another site = %d %s", method, path, status, answer)
		}
	}
	if len(s.platform.Outbox()) != 1 || s.platform.Invites()[0].Status != roq.StatusPending {
		t.Error("somebody who may not has changed something")
	}
	for _, route := range [][2]string{{"PUT", "/invites"}, {"GET", "/invites/" + id + "/resend"}, {"GET", "/webhooks/roq"}} {
		if status, _ := s.request(route[0], route[1], ""); status != 405 {
			t.Errorf("%s %s = %d, want 405", route[0], route[1], status)
		}
	}
	if status, _ := s.request("GET", "/", ""); status != 404 {
		t.Errorf("GET / = %d, want 404", status)
	}
}
