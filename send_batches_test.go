package roq_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// addresses makes n addresses.
func addresses(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("person%d@example.com", i)
	}
	return all
}

// inviting answers a send by inviting everybody in it.
func inviting(t *testing.T) httpmock.Responder {
	return func(r *http.Request) (*http.Response, error) {
		var made []string
		for _, email := range emailsOf(t, r) {
			made = append(made, strings.ReplaceAll(invite, "wick.john@roq.tech", email))
		}
		return httpmock.NewStringResponse(200, `{"data":{"sendUserInvitesV2":{"success":[`+strings.Join(made, ",")+`],"errors":null}}}`), nil
	}
}

func emailsOf(t *testing.T, r *http.Request) []string {
	t.Helper()
	var body struct {
		Variables struct {
			Data struct {
				UserInvites []struct {
					Email string `json:"email"`
				} `json:"userInvites"`
			} `json:"data"`
		} `json:"variables"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		t.Error(err)
	}
	var emails []string
	for _, i := range body.Variables.Data.UserInvites {
		emails = append(emails, i.Email)
	}
	return emails
}

// account lists the addresses of a result, each list in its order.
func account(r *roq.SendUserInvitesResult) map[string][]string {
	got := map[string][]string{}
	for _, i := range r.Success {
		got["success"] = append(got["success"], i.Email)
	}
	for _, i := range r.Errors {
		got["errors"] = append(got["errors"], i.Email)
	}
	for _, i := range r.Unknown {
		got["unknown"] = append(got["unknown"], i.Email)
	}
	for _, i := range r.NotSent {
		got["not sent"] = append(got["not sent"], i.Email)
	}
	return got
}

func TestBatches(t *testing.T) {
	t.Parallel()
	for n, want := range map[int][]int{1: {1}, 100: {100}, 101: {100, 1}, 250: {100, 100, 50}} {
		var sizes []int
		invite := inviting(t)
		m := newMock(t, func(r *http.Request) (*http.Response, error) {
			sizes = append(sizes, 0)
			return invite(r)
		})
		emails := addresses(n)
		result, err := m.client.AsUser(userID).SendUserInvites(t.Context(), invitation(emails...))
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range m.sent() {
			_, _, variables := r.graphQL(t)
			sizes[i] = len(variables["data"].(map[string]any)["userInvites"].([]any))
		}
		if !slices.Equal(sizes, want) {
			t.Errorf("%d invites went in batches of %v, want %v", n, sizes, want)
		}
		if diff := cmp.Diff(map[string][]string{"success": emails}, account(result)); diff != "" {
			t.Errorf("%d invites (-want +got):\n%s", n, diff)
		}
		ids := map[string]bool{}
		for _, r := range m.sent() {
			ids[r.Header.Get("X-Request-Id")] = true
		}
		if len(ids) != 1 {
			t.Errorf("one call had the request ids %v", ids)
		}
	}
}

// The platform's limit is found by halving, and kept for the rest of the call.
func TestBatchesAreHalved(t *testing.T) {
	t.Parallel()
	b := newBackend(t, roqtest.WithBulkLimit(30))
	in := invitation(addresses(100)...)
	in.TenantID = b.tenant
	for i := range in.UserInvites {
		in.UserInvites[i].CreatedByUserID = b.user.ID
	}
	result, err := b.client.AsUser(b.user.ID).SendUserInvites(t.Context(), in)
	if err != nil || len(result.Success) != 100 || len(b.Outbox()) != 100 {
		t.Fatalf("%d sent, %d mailed, %v; want 100", len(result.Success), len(b.Outbox()), err)
	}
	// 100 and 50 are refused, then four of 25.
	if got := count(b.Server)["sendUserInvites"]; got != 6 {
		t.Errorf("%d requests, want 6", got)
	}
	for i, invite := range result.Success {
		if invite.Email != in.UserInvites[i].Email {
			t.Fatalf("invite %d is %s's, want the order of the input", i, invite.Email)
		}
	}
}

func TestEveryInviteIsTooLargeByItself(t *testing.T) {
	t.Parallel()
	for name, tooLarge := range map[string]httpmock.Responder{
		"code":   jsonAnswer(200, `{"data":null,"errors":[{"message":"too many","extensions":{"code":"BAD_USER_INPUT","response":{"statusCode":400,"errorCode":"BULK_USER_INVITE_LIMIT_EXCEEDED"}}}]}`),
		"status": httpmock.NewStringResponder(413, "<html>"),
	} {
		m := newMock(t, tooLarge)
		result, err := m.client.AsUser(userID).SendUserInvites(t.Context(), invitation(addresses(5)...))
		if !errors.Is(err, roq.ErrBatchTooLarge) || len(m.sent()) != 8 || len(result.Errors) != 5 || !errors.Is(result.Errors[4], roq.ErrBatchTooLarge) {
			t.Errorf("%s: %v after %d requests, %+v; want each refused by itself, and so the call", name, err, len(m.sent()), account(result))
		}
	}
}

// A batch that is too large is only halved if nothing of it was done.
func TestAnUnclearBatchIsNotHalved(t *testing.T) {
	t.Parallel()
	const bulk = `{"message":"too many","extensions":{"response":{"statusCode":400,"errorCode":"BULK_USER_INVITE_LIMIT_EXCEEDED"}}}`
	for name, responder := range map[string]httpmock.Responder{
		"500":       jsonAnswer(500, `{"errors":[`+bulk+`]}`),
		"429":       jsonAnswer(429, `{"errors":[`+bulk+`]}`),
		"and crash": jsonAnswer(200, `{"data":null,"errors":[{"message":"boom","extensions":{"code":"INTERNAL_SERVER_ERROR"}},`+bulk+`]}`),
	} {
		m := newMock(t, responder, roq.WithSettleTimeout(0))
		result, err := m.client.AsUser(userID).SendUserInvites(t.Context(), invitation(addresses(4)...))
		if !errors.Is(err, roq.ErrOutcomeUnknown) || len(m.sent()) != 1 || len(result.Unknown) != 4 {
			t.Errorf("%s: %v after %d requests, %v; want all four unknown after one", name, err, len(m.sent()), account(result))
		}
	}
}

// ErrNotSent says that nothing happened, so it is not the error of a call that
// has sent something already.
func TestNotSentIsNotSaidTooEarly(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	in := invitation(addresses(3)...)
	in.TenantID = b.tenant
	for i := range in.UserInvites {
		in.UserInvites[i].CreatedByUserID = b.user.ID
	}
	// The token is dropped after the first batch, and no new one can be had.
	b.Inject(roqtest.Fault{Operation: roqtest.OpAuthorize, Skip: 1, Status: 403})
	b.Inject(roqtest.Fault{Operation: "sendUserInvites", Skip: 1, Status: 401})
	client := newClient(t, b.Config(), roq.WithBatchSize(1))
	result, err := client.AsUser(b.user.ID).SendUserInvites(t.Context(), in)
	if len(result.Success) != 1 || len(result.NotSent) != 2 || !errors.Is(err, roq.ErrForbidden) || errors.Is(err, roq.ErrNotSent) {
		t.Errorf("%v, %v; want one sent and no ErrNotSent", account(result), err)
	}
	if !errors.Is(result.Err(), roq.ErrNotSent) {
		t.Errorf("Err() = %v, want ErrNotSent for those in NotSent", result.Err())
	}
	if got := fmt.Sprintf("%T", err); got != "*roq.Error" {
		t.Errorf("the error is a %s, want an *Error", got)
	}
}

// Whatever else is odd, an invite in Unknown makes the error ErrOutcomeUnknown.
func TestUnknownIsSaidBesideWhatElseIsOdd(t *testing.T) {
	t.Parallel()
	named := func(email string) string { return strings.ReplaceAll(invite, "wick.john@roq.tech", email) }
	m := newMock(t, inOrder(
		answer("sendUserInvitesV2", `{"success":[`+named("a@x.org")+`,`+named("eve@x.org")+`]}`),
		answer("sendUserInvitesV2", `{"success":[]}`),
	), roq.WithBatchSize(1), roq.WithSettleTimeout(0))
	result, err := m.client.AsUser(userID).SendUserInvites(t.Context(), invitation("a@x.org", "b@x.org"))
	if !errors.Is(err, roq.ErrOutcomeUnknown) || len(result.Unknown) != 1 {
		t.Errorf("%v, %v; want ErrOutcomeUnknown", account(result), err)
	}
}

// What the earlier batches did is there beside the error of a later one.
func TestALaterBatchFails(t *testing.T) {
	t.Parallel()
	emails := addresses(7)
	for name, row := range map[string]struct {
		failure httpmock.Responder
		kind    error
		want    map[string][]string
	}{
		"refused":   {refusal(403), roq.ErrForbidden, map[string][]string{"success": emails[:2], "not sent": emails[2:]}},
		"unclear":   {httpmock.NewStringResponder(502, ""), roq.ErrOutcomeUnknown, map[string][]string{"success": emails[:2], "unknown": emails[2:4], "not sent": emails[4:]}},
		"redirects": {httpmock.NewStringResponder(302, ""), roq.ErrOutcomeUnknown, map[string][]string{"success": emails[:2], "unknown": emails[2:4], "not sent": emails[4:]}},
	} {
		m := newMock(t, inOrder(inviting(t), row.failure, inviting(t)), roq.WithBatchSize(2), roq.WithSettleTimeout(0))
		result, err := m.client.AsUser(userID).SendUserInvites(t.Context(), invitation(emails...))
		if !errors.Is(err, row.kind) || len(m.sent()) != 2 {
			t.Errorf("%s: %v after %d requests, want %v after two", name, err, len(m.sent()), row.kind)
		}
		if diff := cmp.Diff(row.want, account(result)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		summary := result.Err()
		if !errors.Is(summary, roq.ErrNotSent) || errors.Is(summary, roq.ErrOutcomeUnknown) != (len(result.Unknown) > 0) {
			t.Errorf("%s: Err() = %v", name, summary)
		}
	}
}

// Every address comes back once, whatever the answer says about whom.
func TestAnswersThatDoNotFitTheBatch(t *testing.T) {
	t.Parallel()
	named := func(email string) string { return strings.ReplaceAll(invite, "wick.john@roq.tech", email) }
	refusing := func(email string) string { return `{"email":"` + email + `","error":"no"}` }
	for name, row := range map[string]struct {
		success, errs string
		want          map[string][]string
		unknown       bool
		message       string
	}{
		"left out": {named("a@x.org"), "", map[string][]string{"success": {"a@x.org"}, "unknown": {"B@x.org", "c@x.org"}}, true, "omits 2 of 3"},
		"a stranger": {named("a@x.org") + "," + named("b@x.org") + "," + named("c@x.org") + "," + named("eve@x.org"), "",
			map[string][]string{"success": {"a@x.org", "b@x.org", "c@x.org"}}, false, "names invites that were not requested (1)"},
		"in another order and case": {named("c@x.org") + "," + named("b@x.org"), refusing("A@X.ORG"),
			map[string][]string{"success": {"b@x.org", "c@x.org"}, "errors": {"a@x.org"}}, false, ""},
		"sent and refused": {named("a@x.org") + "," + named("b@x.org") + "," + named("c@x.org"), refusing("a@x.org"),
			map[string][]string{"success": {"a@x.org", "b@x.org", "c@x.org"}}, false, ""},
		"twice": {named("a@x.org") + "," + named("a@x.org") + "," + named("b@x.org"), refusing("c@x.org") + "," + refusing("c@x.org"),
			map[string][]string{"success": {"a@x.org", "b@x.org"}, "errors": {"c@x.org"}}, false, "names invites that were not requested (1)"},
		"a stranger refused": {named("a@x.org") + "," + named("b@x.org") + "," + named("c@x.org"), refusing("eve@x.org"),
			map[string][]string{"success": {"a@x.org", "b@x.org", "c@x.org"}}, false, "names invites that were not requested (1)"},
	} {
		m := newMock(t, answer("sendUserInvitesV2", `{"success":[`+row.success+`],"errors":[`+row.errs+`]}`), roq.WithSettleTimeout(0))
		result, err := m.client.AsUser(userID).SendUserInvites(t.Context(), invitation("a@x.org", "B@x.org", "c@x.org"))
		if (err == nil) != (row.message == "") || err != nil && !strings.Contains(err.Error(), row.message) || errors.Is(err, roq.ErrOutcomeUnknown) != row.unknown {
			t.Errorf("%s: %v, want %q", name, err, row.message)
		}
		if diff := cmp.Diff(row.want, account(result)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A batch that was answered in part does not stop the next one.
func TestALeftOutInviteStopsNothing(t *testing.T) {
	t.Parallel()
	m := newMock(t, inOrder(answer("sendUserInvitesV2", `{"success":[],"errors":[]}`), inviting(t)), roq.WithBatchSize(1), roq.WithSettleTimeout(0))
	result, err := m.client.AsUser(userID).SendUserInvites(t.Context(), invitation("a@x.org", "b@x.org"))
	want := map[string][]string{"unknown": {"a@x.org"}, "success": {"b@x.org"}}
	if diff := cmp.Diff(want, account(result)); diff != "" || !errors.Is(err, roq.ErrOutcomeUnknown) {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
