package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// Every kind of error has its answer, and of several the one that matters.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err    error
		status int
		code   string
	}{
		{roq.ErrOutcomeUnknown, 502, "outcome_unknown"},
		{errors.Join(roq.ErrUnavailable, roq.ErrOutcomeUnknown), 502, "outcome_unknown"},
		{errors.Join(context.DeadlineExceeded, roq.ErrOutcomeUnknown), 502, "outcome_unknown"},
		{errors.Join(roq.ErrInvalidInput, roq.ErrNotSent), 400, "invalid_input"},
		{errors.Join(roq.ErrInvalidInput, roq.ErrNoTenant), 403, "no_tenant"},
		{errors.Join(roq.ErrInvalidInput, roq.ErrNoSession), 401, "no_session"},
		{roq.ErrInvalidSession, 401, "no_session"},
		{roq.ErrSessionExpired, 401, "no_session"},
		{roq.ErrUnauthorized, 401, "unauthorized"},
		{errors.Join(roq.ErrForbidden, roq.ErrNotSent), 403, "forbidden"},
		{roq.ErrNotFound, 404, "not_found"},
		{roq.ErrAlreadyAccepted, 409, "already_accepted"},
		{roq.ErrAlreadyCanceled, 409, "already_canceled"},
		{roq.ErrInviteExpired, 410, "expired"},
		{roq.ErrAlreadyInvited, 409, "already_invited"},
		{roq.ErrAlreadyExists, 409, "already_exists"},
		{roq.ErrBatchTooLarge, 413, "too_large"},
		{roq.ErrRateLimited, 429, "rate_limited"},
		{errors.Join(roq.ErrUnavailable, context.DeadlineExceeded), 504, "timeout"},
		{errors.Join(roq.ErrUnavailable, roq.ErrNotSent), 503, "unavailable"},
		{&roq.Error{Operation: "resendUserInvite", Code: "USER_INVITE_RESENDING_FAILED", StatusCode: 409, Message: "the mail server is down"}, 422, "refused"},
		{errors.New("something else"), 500, "internal"},
	} {
		t.Run(test.code, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
			writeError(w, r, fmt.Errorf("wrapped: %w", test.err))
			if w.Code != test.status || !strings.Contains(w.Body.String(), `"code":"`+test.code+`"`) {
				t.Errorf("%v is answered %d %s, want %d %s", test.err, w.Code, w.Body, test.status, test.code)
			}
			if strings.Contains(w.Body.String(), `"message":""`) && test.code != "invalid_input" {
				t.Errorf("%v is answered without a message: %s", test.err, w.Body)
			}
			if w.Header().Get("Cache-Control") != "no-store" || !strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
				t.Errorf("the headers are %v", w.Header())
			}
		})
	}
}

// Nobody waits for the answer: none is written.
func TestNoAnswerToNobody(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	writeError(w, httptest.NewRequestWithContext(ctx, "GET", "/", nil), context.Canceled)
	if w.Body.Len() != 0 {
		t.Errorf("written is %s", w.Body)
	}
}

// What the platform does wrong, as visitors see it.
func TestPlatformFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault  roqtest.Fault
		status int
		code   string
	}{
		"down":         {roqtest.Fault{Status: 503}, 503, "unavailable"},
		"unreachable":  {roqtest.Fault{Drop: roqtest.DropBefore}, 503, "unavailable"},
		"busy":         {roqtest.Fault{Status: 429}, 429, "rate_limited"},
		"not allowed":  {roqtest.Fault{Status: 403}, 403, "forbidden"},
		"a proxy page": {roqtest.Fault{Body: "<html>hello</html>"}, 503, "unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			test.fault.Operation = "userInvites"
			s.platform.Inject(test.fault)
			if p := read[problem](s, test.status, "GET", "/invites", ""); p.Code != test.code || p.Message == "" {
				t.Errorf("GET /invites = %+v, want %s", p, test.code)
			}
		})
	}
	s := newSite(t)
	for _, route := range [][2]string{{"DELETE", "/invites/db7a682d-6dca-4259-b15b-83aef12d1f5c"}, {"POST", "/invites/db7a682d-6dca-4259-b15b-83aef12d1f5c/resend"}} {
		if p := read[problem](s, 404, route[0], route[1], ""); p.Code != "not_found" {
			t.Errorf("%s %s = %+v", route[0], route[1], p)
		}
	}
	if p := read[problem](s, 400, "DELETE", "/invites/no-uuid", ""); p.Code != "invalid_input" {
		t.Errorf("DELETE /invites/no-uuid = %+v", p)
	}
	id := s.invited("bob@example.com").ID
	s.platform.Inject(roqtest.Fault{Operation: "resendUserInvite", Drop: roqtest.DropBefore})
	if p := read[problem](s, 502, "POST", "/invites/"+id+"/resend", ""); p.Code != "outcome_unknown" {
		t.Errorf("resend in doubt = %+v", p)
	}
	read[invite](s, 200, "DELETE", "/invites/"+id, "")
	s2 := newSite(t)
	gone := s2.invited("bob@example.com").ID
	read[invite](s2, 200, "DELETE", "/invites/"+gone, "")
	if p := read[problem](s2, 409, "DELETE", "/invites/"+gone, ""); p.Code != "already_canceled" {
		t.Errorf("cancelling a canceled invite = %+v", p)
	}
	if again := read[invite](s2, 200, "POST", "/invites/"+gone+"/resend", ""); again.Status != roq.StatusPending {
		t.Errorf("resend of a canceled invite = %+v", again)
	}
}

// A request has one line in the log, with its route, its id and what went wrong,
// and no address, token or key in it.
func TestLog(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.invited("canary@example.com")
	s.request("POST", "/invites", `{"invites":[{"email":"canary@example.com"},{"email":"canary"}]}`)
	s.request("POST", "/invites", `{"invites":[{"email":"canary@example.com"}]}`)
	s.request("GET", "/invites?status=canary@example.com", "")
	s.platform.Inject(roqtest.Fault{Operation: "userInvites", Status: 503, Body: "canary@example.com"})
	s.request("GET", "/invites", "")
	s.request("DELETE", "/invites/canary@example.com", "")
	log := s.log.String()
	for _, secret := range []string{"canary", s.cookie, s.platform.Config().APIKey} {
		if strings.Contains(log, secret) {
			t.Errorf("the log shows %q:\n%s", secret, log)
		}
	}
	if n := strings.Count(log, "msg=request "); n != 6 {
		t.Errorf("%d lines for 6 requests:\n%s", n, log)
	}
	for _, want := range []string{`route="POST /invites" status=201`, `level=ERROR msg=request route="GET /invites" status=503`, "error="} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
	// The id of a request is that of the SDK's.
	requests := s.platform.Requests()
	if id := requests[0].Header.Get("X-Request-Id"); !strings.Contains(log, "request="+id) {
		t.Errorf("the log lacks the id %q that the platform was sent", id)
	}
}

// A handler outside of logged still works.
func TestRequestIDWithoutLog(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	noteError(r, errors.New("unused"))
	if requestID(r) == nil {
		t.Error("requestID = nil")
	}
}
