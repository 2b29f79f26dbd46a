package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// What the invitee does, who is not signed in: look as often as they like, and accept
// once.
func TestInvitation(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.invited("bob@example.com")
	path := "/invitations/" + s.token("bob@example.com")
	nobody := func(r *http.Request) { r.Header.Del("Cookie") }
	for range 2 {
		if status, text := s.request("GET", path, "", nobody); status != 200 || !strings.Contains(text, `"email":"bob@example.com"`) {
			t.Errorf("GET = %d %s", status, text)
		}
		if got := s.platform.Invites()[0].Status; got != roq.StatusPending {
			t.Errorf("after a GET the invite is %s", got)
		}
	}
	elsewhere := func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }
	if status, text := s.request("POST", path, "", nobody, elsewhere); status != 403 || !strings.Contains(text, "cross_origin") {
		t.Errorf("POST from another site = %d %s", status, text)
	}
	if status, text := s.request("POST", path, "", nobody); status != 200 || !strings.Contains(text, `"status":"accepted"`) {
		t.Errorf("POST = %d %s", status, text)
	}
	if got := s.platform.Invites()[0]; got.Status != roq.StatusAccepted || got.AcceptedByUserID == "" {
		t.Errorf("the invite is %+v", got)
	}
	if p := read[problem](s, 409, "POST", path, ""); p.Code != "already_accepted" {
		t.Errorf("POST once more = %+v", p)
	}
	if p := read[problem](s, 404, "GET", path, ""); p.Code != "not_found" {
		t.Errorf("GET of an accepted invitation = %+v", p)
	}
}

func TestInvitationsThatCannotBeAccepted(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	expired, canceled := s.invited("eve@example.com"), s.invited("joe@example.com")
	if err := s.platform.Expire(expired.ID); err != nil {
		t.Fatal(err)
	}
	read[invite](s, 200, "DELETE", "/invites/"+canceled.ID, "")
	for token, want := range map[string]struct {
		get, post int
		code      string
	}{
		s.token("eve@example.com"):      {410, 410, "expired"},
		s.token("joe@example.com"):      {404, 409, "already_canceled"},
		"no-such-token":                 {404, 404, "not_found"},
		url.PathEscape("not a/token\n"): {400, 400, "invalid_input"},
	} {
		read[problem](s, want.get, "GET", "/invitations/"+token, "")
		if p := read[problem](s, want.post, "POST", "/invitations/"+token, ""); p.Code != want.code || p.Message == "" {
			t.Errorf("POST = %+v, want %s", p, want.code)
		}
	}
}

// A lost answer is found out, and no token is logged, answered or sent on.
func TestInvitationTokensAreSecret(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.invited("bob@example.com")
	token := s.token("bob@example.com")
	s.platform.Inject(roqtest.Fault{Operation: "checkUserInviteToken", Times: 2, Status: 503, Body: token})
	s.request("GET", "/invitations/"+token, "")
	s.platform.Inject(roqtest.Fault{Operation: "acceptUserInvite", Times: 1, Drop: roqtest.DropAfter})
	status, text := s.request("POST", "/invitations/"+token, "")
	if status != 200 || strings.Contains(text, token) {
		t.Errorf("POST = %d %s", status, text)
	}
	s.request("POST", "/invitations/"+token, "")
	if strings.Contains(s.log.String(), token) || !strings.Contains(s.log.String(), `route="POST /invitations/{token}" status=200`) {
		t.Errorf("the log is\n%s", s.log)
	}
	header := headerOf(t, s, "/invitations/"+token)
	if header.Get("Referrer-Policy") != "no-referrer" || header.Get("Cache-Control") != "no-store" {
		t.Errorf("the headers are %v", header)
	}
}

// headerOf returns the headers of an answer.
func headerOf(t *testing.T, s *site, path string) http.Header {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.Header
}
