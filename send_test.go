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

func TestABatchOfOneIsNotHalved(t *testing.T) {
	t.Parallel()
	for name, tooLarge := range map[string]httpmock.Responder{
		"code":   jsonAnswer(200, `{"data":null,"errors":[{"message":"too many","extensions":{"code":"BAD_USER_INPUT","response":{"statusCode":400,"errorCode":"BULK_USER_INVITE_LIMIT_EXCEEDED"}}}]}`),
		"status": httpmock.NewStringResponder(413, "<html>"),
	} {
		m := newMock(t, tooLarge)
		result, err := m.client.AsUser(userID).SendUserInvites(t.Context(), invitation(addresses(5)...))
		if !errors.Is(err, roq.ErrBatchTooLarge) || len(m.sent()) != 3 || len(result.NotSent) != 5 {
			t.Errorf("%s: %v after %d requests, %+v; want ErrBatchTooLarge after 5, 2 and 1", name, err, len(m.sent()), account(result))
		}
	}
}

// A batch that is too large is only halved if surely nothing of it was done.
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
		"refused":   {httpmock.NewStringResponder(403, ""), roq.ErrForbidden, map[string][]string{"success": emails[:2], "not sent": emails[2:]}},
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
		"left out": {named("a@x.org"), "", map[string][]string{"success": {"a@x.org"}, "unknown": {"B@x.org", "c@x.org"}}, true, "leaves out 2 of 3"},
		"a stranger": {named("a@x.org") + "," + named("b@x.org") + "," + named("c@x.org") + "," + named("eve@x.org"), "",
			map[string][]string{"success": {"a@x.org", "b@x.org", "c@x.org"}}, false, "names 1 that nobody asked for"},
		"in another order and case": {named("c@x.org") + "," + named("b@x.org"), refusing("A@X.ORG"),
			map[string][]string{"success": {"b@x.org", "c@x.org"}, "errors": {"a@x.org"}}, false, ""},
		"sent and refused": {named("a@x.org") + "," + named("b@x.org") + "," + named("c@x.org"), refusing("a@x.org"),
			map[string][]string{"success": {"a@x.org", "b@x.org", "c@x.org"}}, false, ""},
		"twice": {named("a@x.org") + "," + named("a@x.org") + "," + named("b@x.org"), refusing("c@x.org") + "," + refusing("c@x.org"),
			map[string][]string{"success": {"a@x.org", "b@x.org"}, "errors": {"c@x.org"}}, false, "names 1 that nobody asked for"},
		"a stranger refused": {named("a@x.org") + "," + named("b@x.org") + "," + named("c@x.org"), refusing("eve@x.org"),
			map[string][]string{"success": {"a@x.org", "b@x.org", "c@x.org"}}, false, "names 1 that nobody asked for"},
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

func TestRefusedInvites(t *testing.T) {
	t.Parallel()
	m := newMock(t, answer("sendUserInvitesV2", `{"success":null,"errors":[
		{"email":"a@x.org","error":"plain text about a@x.org"},
		{"email":"b@x.org","error":"{\"message\":\"b@x.org has a pending invite\",\"variables\":{},\"errorCode\":\"USER_ALREADY_INVITED\"}"},
		{"email":"c@x.org","error":"{\"errorCode\":\"USER_ALREADY_EXISTS\"}"},
		{"email":"d@x.org","error":"{\"unknown\":1}"}]}`))
	in := invitation("a@x.org", "b@x.org", "c@x.org", "d@x.org")
	in.UserInvites[1].FirstName, in.UserInvites[1].LastName = "Bea", "Bell"
	result, err := m.client.AsUser(userID).SendUserInvites(t.Context(), in)
	if err != nil {
		t.Fatalf("SendUserInvites = %v, want no error of the call", err)
	}
	want := []roq.UserInviteError{
		{Email: "a@x.org", Message: "plain text about [redacted]"},
		{Email: "b@x.org", FirstName: "Bea", LastName: "Bell", Code: "USER_ALREADY_INVITED", Message: "[redacted] has a pending invite"},
		{Email: "c@x.org", Code: "USER_ALREADY_EXISTS"},
		{Email: "d@x.org", Message: `{"unknown":1}`},
	}
	if !slices.Equal(result.Errors, want) {
		for i := range result.Errors {
			t.Errorf("Errors[%d] = %q %q %q", i, result.Errors[i].Email, result.Errors[i].Code, result.Errors[i].Message)
		}
	}
	all := result.Err()
	for _, kind := range []error{roq.ErrAlreadyInvited, roq.ErrAlreadyExists} {
		if !errors.Is(all, kind) {
			t.Errorf("Err() = %v, want it to match %v", all, kind)
		}
	}
	if errors.Is(all, roq.ErrAlreadyAccepted) || errors.Is(result.Errors[0], roq.ErrAlreadyInvited) {
		t.Error("an error matches what did not happen")
	}
	var one roq.UserInviteError
	if !errors.As(all, &one) || one.Email != "a@x.org" {
		t.Errorf("errors.As found %q, want the first refusal", one.Email)
	}
}

func TestErrOfACompleteResult(t *testing.T) {
	t.Parallel()
	if err := new(roq.SendUserInvitesResult).Err(); err != nil {
		t.Errorf("Err() = %v, want nil", err)
	}
	var none *roq.SendUserInvitesResult
	if err := none.Err(); err != nil {
		t.Errorf("Err() of no result = %v, want nil", err)
	}
}

// All findings come at once, with their paths, and nothing is sent.
func TestBadInvitesNameEveryFinding(t *testing.T) {
	t.Parallel()
	m := newMock(t, answer("sendUserInvitesV2", `{}`))
	in := roq.SendUserInvitesInput{UserInvites: []roq.UserInviteInput{
		{Email: "good@example.com"},
		{Email: "Bob <b@example.com>", CreatedByUserID: "a\nb"},
		{Email: "GOOD@example.com", CreatedByUserID: "u"},
		{Email: "c@example.com", CreatedByUserID: "u", Locale: "\xff", FirstName: "\xff", LastName: "\xff", Roles: []string{"ok", "\xff"}},
		{Email: "d@example.com", CreatedByUserID: "u", Variables: map[string]any{"f": func() {}}, Data: map[string]any{}},
		{Email: "e@example.com", CreatedByUserID: "u", Variables: map[string]any{"deep": []any{map[string]string{"x": "\xff"}}}},
		{Email: "f@example.com", CreatedByUserID: "u", Variables: map[string]any{"fine": `\ufffd \\ufffd �`}},
	}}
	result, err := m.client.AsSuperAdmin().SendUserInvites(t.Context(), in)
	if result != nil || !errors.Is(err, roq.ErrInvalidInput) || !errors.Is(err, roq.ErrNotSent) || !errors.Is(err, roq.ErrNoTenant) {
		t.Fatalf("SendUserInvites = %+v, %v; want ErrInvalidInput, ErrNotSent and ErrNoTenant", result, err)
	}
	var e *roq.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	want := []string{
		"TenantID: must not be empty",
		"UserInvites[0].CreatedByUserID: must not be empty",
		"UserInvites[1].CreatedByUserID: must be printable ASCII without spaces",
		"UserInvites[1].Email: must be one e-mail address without a name, quotes or spaces",
		"UserInvites[2].Email: must not be the address of UserInvites[0]",
		"UserInvites[3].Locale: must be valid UTF-8",
		"UserInvites[3].FirstName: must be valid UTF-8",
		"UserInvites[3].LastName: must be valid UTF-8",
		"UserInvites[3].Roles[1]: must be valid UTF-8",
		"UserInvites[4].Data: is not part of this schema version (WithSchema)",
		"UserInvites[4].Variables: cannot be encoded as JSON",
		"UserInvites[5].Variables: must be valid UTF-8",
	}
	if diff := cmp.Diff(want, strings.Split(e.Message, "; ")); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if len(m.requests) != 0 {
		t.Errorf("%d requests were made", len(m.requests))
	}
}

func TestSizesOfAnInput(t *testing.T) {
	t.Parallel()
	m := newMock(t, answer("sendUserInvitesV2", `{}`))
	for name, in := range map[string]roq.SendUserInvitesInput{
		"nobody":    {TenantID: tenantID},
		"a million": {TenantID: tenantID, UserInvites: make([]roq.UserInviteInput, 1_000_000)},
	} {
		_, err := m.client.AsUser(userID).SendUserInvites(t.Context(), in)
		if !errors.Is(err, roq.ErrInvalidInput) || !strings.Contains(err.Error(), "UserInvites: must hold from 1 to 100000 invites") {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := m.client.AsUser(userID).SendUserInvites(t.Context(), roq.SendUserInvitesInput{TenantID: tenantID, UserInvites: make([]roq.UserInviteInput, 10_000)})
	if !errors.Is(err, roq.ErrInvalidInput) || len(err.Error()) > 10_000 || !strings.Contains(err.Error(), "and 9900 more") {
		t.Errorf("ten thousand findings made %d bytes of error", len(err.Error()))
	}
}

func TestASessionStandsForWhatIsLeftEmpty(t *testing.T) {
	t.Parallel()
	m := newMock(t, inviting(t))
	session := &roq.Session{RoqUserID: userID, RoqAccessToken: "token", User: roq.SessionUser{TenantID: tenantID}}
	in := roq.SendUserInvitesInput{UserInvites: []roq.UserInviteInput{{Email: "a@x.org"}, {Email: "b@x.org", CreatedByUserID: "other"}}}
	if _, err := m.client.AsSession(session).SendUserInvites(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	_, _, got := m.sent()[0].graphQL(t)
	want := map[string]any{"data": map[string]any{"tenantId": tenantID, "userInvites": []any{
		map[string]any{"email": "a@x.org", "createdByUserId": userID},
		map[string]any{"email": "b@x.org", "createdByUserId": "other"},
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	if in.UserInvites[0].CreatedByUserID != "" {
		t.Error("the caller's input was changed")
	}
	session.User.TenantID = ""
	if _, err := m.client.AsSession(session).SendUserInvites(t.Context(), in); !errors.Is(err, roq.ErrNoTenant) {
		t.Errorf("without a tenant: %v, want ErrNoTenant", err)
	}
}

// Both schema versions, with everything that an invite can have in each.
func TestSchemas(t *testing.T) {
	t.Parallel()
	full := roq.UserInviteInput{CreatedByUserID: userID, Email: "a@x.org", FirstName: "A", LastName: "B", Locale: "en-US", Roles: []string{"r"}}
	fields := func() map[string]any {
		return map[string]any{"createdByUserId": userID, "email": "a@x.org", "firstName": "A", "lastName": "B", "locale": "en-US", "roles": []any{"r"}}
	}
	extra := map[string]any{"k": []any{1.0, "<&>"}}
	for _, row := range []struct {
		schema              roq.Schema
		field, name, object string
		set                 func(*roq.UserInviteInput)
	}{
		{roq.SchemaV2, "sendUserInvitesV2", "data", "injectableVariables", func(i *roq.UserInviteInput) { i.Variables = extra }},
		{roq.SchemaV1, "sendUserInvites", "userInvites", "data", func(i *roq.UserInviteInput) { i.Data = extra }},
	} {
		m := newMock(t, answer(row.field, `{"success":[`+strings.ReplaceAll(invite, "wick.john@roq.tech", "a@x.org")+`]}`), roq.WithSchema(row.schema))
		in := full
		row.set(&in)
		result, err := m.client.AsUser(userID).SendUserInvites(t.Context(), roq.SendUserInvitesInput{TenantID: tenantID, UserInvites: []roq.UserInviteInput{in}})
		if err != nil || len(result.Success) != 1 {
			t.Fatalf("%s: %+v, %v", row.field, result, err)
		}
		one := fields()
		one[row.object] = extra
		want := map[string]any{row.name: map[string]any{"tenantId": tenantID, "userInvites": []any{one}}}
		_, _, got := m.sent()[0].graphQL(t)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.field, diff)
		}
	}
	m := newMock(t, answer("sendUserInvites", `{}`), roq.WithSchema(roq.SchemaV1))
	in := full
	in.Variables = extra
	_, err := m.client.AsUser(userID).SendUserInvites(t.Context(), roq.SendUserInvitesInput{TenantID: tenantID, UserInvites: []roq.UserInviteInput{in}})
	if !errors.Is(err, roq.ErrInvalidInput) || !strings.Contains(err.Error(), "UserInvites[0].Variables") {
		t.Errorf("Variables in the first schema = %v, want ErrInvalidInput", err)
	}
}

// Data of the first schema is kept with the invite and comes back.
func TestDataComesBack(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	client := newClient(t, b.Config(), roq.WithSchema(roq.SchemaV1))
	in := roq.SendUserInvitesInput{TenantID: b.tenant, UserInvites: []roq.UserInviteInput{{Email: "a@x.org", Data: map[string]any{"plan": "gold"}}}}
	result, err := client.AsUser(b.user.ID).SendUserInvites(t.Context(), in)
	if err != nil || len(result.Success) != 1 {
		t.Fatalf("SendUserInvites = %+v, %v", result, err)
	}
	var data struct{ Plan string }
	if err := json.Unmarshal(result.Success[0].Data, &data); err != nil || data.Plan != "gold" {
		t.Errorf("Data = %s, want what was sent", result.Success[0].Data)
	}
}
