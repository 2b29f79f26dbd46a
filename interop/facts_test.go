package interop_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// What the README says of @roq/nodejs beside this module is shown here.

// arrived counts the requests of each operation.
func arrived(srv *roqtest.Server) map[string]int {
	n := map[string]int{}
	for _, r := range srv.Requests() {
		n[r.Operation]++
	}
	return n
}

// A hundred first calls at once: @roq/nodejs asks for a token in each, this
// module twice in all.
func TestFirstCallsAtOnce(t *testing.T) {
	t.Parallel()
	const callers = 100
	ours, theirs := newScene(t), newScene(t)
	js := newScript(t, start(t, "nodejs.mjs"), theirs.Server, ann)
	var waiting []<-chan answer
	for range callers {
		waiting = append(waiting, js.begin(t, "call", "userInvites", variables{"limit": 1}))
	}
	platform := newClient(t, ours.Config()).AsUser(ann)
	failed := make(chan error, callers)
	for range callers {
		go func() {
			_, err := platform.UserInvites(t.Context(), roq.UserInvitesQuery{Limit: 1})
			failed <- err
		}()
	}
	for i := range callers {
		if a := <-waiting[i]; a.Error != nil {
			t.Errorf("@roq/nodejs: %+v", a.Error)
		}
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	got, want := arrived(theirs.Server), arrived(ours.Server)
	t.Logf("%d first calls at once: @roq/nodejs %v, this module %v", callers, got, want)
	if want["authorize"] != 1 || want["authorizeServiceAccount"] != 1 {
		t.Errorf("this module sent %v, want one request for each token", want)
	}
	if n := got["authorize"] + got["authorizeServiceAccount"]; n < callers {
		t.Errorf("@roq/nodejs sent %v: it merges first calls now", got)
	}
}

// A query is answered 503 once: @roq/nodejs gives up, this module asks again.
func TestQueriesAfter503(t *testing.T) {
	t.Parallel()
	ours, theirs := newScene(t), newScene(t)
	js := newScript(t, start(t, "nodejs.mjs"), theirs.Server, ann)
	for _, s := range []*scene{ours, theirs} {
		s.Inject(roqtest.Fault{Operation: "userInvites", Times: 1, Status: 503, Header: page})
	}
	if got := js.list(roq.UserInvitesQuery{}); got.Err == nil || got.Err.Status != 503 || arrived(theirs.Server)["userInvites"] != 1 {
		t.Errorf("@roq/nodejs: %+v after %v: it tries again now", got, arrived(theirs.Server))
	}
	_, err := newClient(t, ours.Config()).AsUser(ann).UserInvites(t.Context(), roq.UserInvitesQuery{})
	if err != nil || arrived(ours.Server)["userInvites"] != 2 {
		t.Errorf("this module: %v after %v", err, arrived(ours.Server))
	}
}

// An answer is lost: @roq/nodejs only knows that something failed, this module
// finds the invite.
func TestALostAnswer(t *testing.T) {
	t.Parallel()
	ours, theirs := newScene(t), newScene(t)
	js := newScript(t, start(t, "nodejs.mjs"), theirs.Server, ann)
	for _, s := range []*scene{ours, theirs} {
		s.Inject(roqtest.Fault{Operation: "sendUserInvites", Times: 1, Drop: roqtest.DropAfter})
	}
	in := to(acme, invite("bob@example.com"))
	if got := js.send(in); got.Err == nil || len(theirs.Outbox()) != 1 {
		t.Errorf("@roq/nodejs: %+v and %d e-mails", got, len(theirs.Outbox()))
	}
	sent, err := newClient(t, ours.Config()).AsUser(ann).SendUserInvites(t.Context(), in)
	if err != nil || len(sent.Success) != 1 || len(ours.Outbox()) != 1 {
		t.Errorf("this module: %v and %d e-mails", err, len(ours.Outbox()))
	}
}

// The platform does not answer: this module gives up after its time-out, and
// @roq/nodejs waits on. That it would do so for ever cannot be shown.
func TestASilentPlatform(t *testing.T) {
	t.Parallel()
	ours, theirs := newScene(t), newScene(t)
	js := newScript(t, start(t, "nodejs.mjs"), theirs.Server, ann)
	waiting := js.begin(t, "call", "userInvites", variables{})
	if a := <-waiting; a.Error != nil {
		t.Fatal(a.Error)
	}
	for _, s := range []*scene{ours, theirs} {
		s.Inject(roqtest.Fault{Operation: "userInvites", Delay: time.Hour})
	}
	waiting = js.begin(t, "call", "userInvites", variables{})
	platform := newClient(t, ours.Config()).AsUser(ann)
	_, err := platform.UserInvites(t.Context(), roq.UserInvitesQuery{}, roq.WithTimeout(500*time.Millisecond), roq.WithRetry(roq.RetryPolicy{MaxAttempts: 3, MinWait: time.Millisecond}))
	if !errors.Is(err, roq.ErrUnavailable) {
		t.Errorf("this module: %v", err)
	}
	select {
	case a := <-waiting:
		t.Errorf("@roq/nodejs ended with %+v: it has a time-out now", a)
	default:
	}
}

// The request for a token fails: @roq/nodejs sends its call all the same, with
// the token "undefined", this module sends nothing.
func TestATokenRequestFails(t *testing.T) {
	t.Parallel()
	ours, theirs := newScene(t), newScene(t)
	js := newScript(t, start(t, "nodejs.mjs"), theirs.Server, ann)
	for _, s := range []*scene{ours, theirs} {
		s.Inject(roqtest.Fault{Operation: roqtest.OpAuthorize, Status: 403, Body: `{"statusCode":403,"error":"Refused","message":"no"}`, Header: http.Header{"Content-Type": {"application/json"}}})
	}
	in := to(acme, invite("bob@example.com"))
	js.send(in)
	if !slices.ContainsFunc(theirs.Requests(), func(r roqtest.Request) bool {
		return r.Operation == "sendUserInvites" && r.Header.Get("roq-platform-authorization") == "Bearer undefined"
	}) {
		t.Errorf("@roq/nodejs sent %v: it minds the token now", arrived(theirs.Server))
	}
	_, err := newClient(t, ours.Config()).AsUser(ann).SendUserInvites(t.Context(), in)
	if !errors.Is(err, roq.ErrForbidden) || !errors.Is(err, roq.ErrNotSent) || arrived(ours.Server)["sendUserInvites"] != 0 {
		t.Errorf("this module: %v after %v", err, arrived(ours.Server))
	}
}

// The text of an error: that of @roq/nodejs and @roq/client repeats the request
// with the address in it, ours does not.
func TestAddressesInErrors(t *testing.T) {
	t.Parallel()
	for _, driver := range []string{"nodejs.mjs", "client.mjs"} {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.Inject(roqtest.Fault{Operation: "sendUserInvites", Status: 503, Header: page})
			in := to(acme, invite("bob@example.com"))
			if got := newScript(t, start(t, driver), s.Server, ann).send(in); got.Err == nil || !strings.Contains(got.Err.Message, "bob@example.com") {
				t.Errorf("%s: %+v: it hides the address now", driver, got.Err)
			}
			if got := newGopher(t, s.Server, ann).send(in); got.Err == nil || strings.Contains(got.Err.Message, "bob") {
				t.Errorf("this module: %+v", got.Err)
			}
		})
	}
}

// More invites than the platform takes in one request: @roq/nodejs is refused,
// this module sends them in several.
func TestMoreThanTheLimit(t *testing.T) {
	t.Parallel()
	in := to(acme, invite("a@example.com"), invite("b@example.com"), invite("c@example.com"), invite("d@example.com"), invite("e@example.com"))
	ours, theirs := newScene(t, roqtest.WithBulkLimit(2)), newScene(t, roqtest.WithBulkLimit(2))
	if got := newScript(t, start(t, "nodejs.mjs"), theirs.Server, ann).send(in); got.Err == nil || got.Err.Code != "BULK_USER_INVITE_LIMIT_EXCEEDED" || len(theirs.Outbox()) != 0 {
		t.Errorf("@roq/nodejs: %+v and %d e-mails", got, len(theirs.Outbox()))
	}
	sent, err := newClient(t, ours.Config()).AsUser(ann).SendUserInvites(t.Context(), in)
	if err := errors.Join(err, sent.Err()); err != nil || len(ours.Outbox()) != 5 {
		t.Errorf("this module: %v and %d e-mails", err, len(ours.Outbox()))
	}
}

// What cannot be right: @roq/nodejs asks the platform, this module says so before
// anything is sent, and of everything at once.
func TestRefusedBeforeSending(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	js := newScript(t, start(t, "nodejs.mjs"), s.Server, ann)
	in := to(acme, invite("bob@example.com"), invite("no address"), invite("bob@example.com"))
	js.send(in)
	before := arrived(s.Server)["sendUserInvites"]
	_, err := newClient(t, s.Config()).AsUser(ann).SendUserInvites(t.Context(), in)
	if before != 1 || arrived(s.Server)["sendUserInvites"] != before {
		t.Errorf("%d requests of @roq/nodejs, %d in all", before, arrived(s.Server)["sendUserInvites"])
	}
	if !errors.Is(err, roq.ErrInvalidInput) || !strings.Contains(err.Error(), "UserInvites[1].Email") || !strings.Contains(err.Error(), "UserInvites[2].Email") {
		t.Errorf("this module: %v", err)
	}
}
