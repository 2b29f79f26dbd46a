package roq_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// operation is one of the calls that make a single request.
type operation struct {
	name, field string
	mutation    bool
	call        func(context.Context, *roq.RoqPlatform, ...roq.CallOption) (any, error)
}

func operations() []operation {
	return []operation{
		{"sendUserInvites", "sendUserInvitesV2", true, func(ctx context.Context, p *roq.RoqPlatform, opts ...roq.CallOption) (any, error) {
			return p.SendUserInvites(ctx, invitation("wick.john@roq.tech"), opts...)
		}},
		{"resendUserInvite", "resendUserInvite", true, func(ctx context.Context, p *roq.RoqPlatform, opts ...roq.CallOption) (any, error) {
			return p.ResendUserInvite(ctx, inviteID, opts...)
		}},
		{"cancelUserInvite", "cancelUserInvite", true, func(ctx context.Context, p *roq.RoqPlatform, opts ...roq.CallOption) (any, error) {
			return p.CancelUserInvite(ctx, inviteID, opts...)
		}},
		{"userInvite", "userInvite", false, func(ctx context.Context, p *roq.RoqPlatform, opts ...roq.CallOption) (any, error) {
			return p.UserInvite(ctx, inviteID, opts...)
		}},
		{"userInvites", "userInvites", false, func(ctx context.Context, p *roq.RoqPlatform, opts ...roq.CallOption) (any, error) {
			return p.UserInvites(ctx, roq.UserInvitesQuery{}, opts...)
		}},
	}
}

// good is an answer that does what the operation asks for.
func (o operation) good() httpmock.Responder {
	switch o.name {
	case "sendUserInvites":
		return answer(o.field, `{"success":[`+invite+`],"errors":[]}`)
	case "userInvites":
		return answer(o.field, `{"data":[`+invite+`],"totalCount":1}`)
	default:
		return answer(o.field, invite)
	}
}

// Answers that say nothing usable: a query is asked again, a mutation is not, and
// its outcome is unknown.
func TestUnclearAnswers(t *testing.T) {
	t.Parallel()
	unclear := map[string]httpmock.Responder{
		"network":                httpmock.NewErrorResponder(errors.New("connection reset by peer")),
		"500":                    httpmock.NewStringResponder(500, "oops"),
		"502 page":               httpmock.NewStringResponder(502, "<html><h1>Bad Gateway</h1>"),
		"503":                    httpmock.NewStringResponder(503, ""),
		"504":                    httpmock.NewStringResponder(504, ""),
		"429":                    httpmock.NewStringResponder(429, ""),
		"408":                    httpmock.NewStringResponder(408, ""),
		"200 page":               httpmock.NewStringResponder(200, "<html>"),
		"204":                    httpmock.NewStringResponder(204, ""),
		"empty":                  httpmock.NewStringResponder(200, ""),
		"null":                   httpmock.NewStringResponder(200, "null"),
		"{}":                     httpmock.NewStringResponder(200, "{}"),
		"array":                  httpmock.NewStringResponder(200, "[]"),
		"cut JSON":               httpmock.NewStringResponder(200, `{"data":{"sendUserInvi`),
		"trailing bytes":         httpmock.NewStringResponder(200, `{"data":null}{}`),
		"byte order mark":        httpmock.NewStringResponder(200, "\ufeff{}"),
		"data null":              httpmock.NewStringResponder(200, `{"data":null}`),
		"empty data":             httpmock.NewStringResponder(200, `{"data":{}}`),
		"another operation's":    httpmock.NewStringResponder(200, `{"data":{"other":{"id":"x"}}}`),
		"fields null":            httpmock.NewStringResponder(200, `{"data":{"sendUserInvitesV2":null,"resendUserInvite":null,"cancelUserInvite":null,"userInvite":null,"userInvites":null}}`),
		"fields empty":           httpmock.NewStringResponder(200, `{"data":{"sendUserInvitesV2":{"success":[{}]},"resendUserInvite":{},"cancelUserInvite":{},"userInvite":{},"userInvites":{"data":[]}}}`),
		"errors an object":       httpmock.NewStringResponder(200, `{"errors":{"message":"no"}}`),
		"errors a string":        httpmock.NewStringResponder(200, `{"errors":"no"}`),
		"errors [null]":          httpmock.NewStringResponder(200, `{"errors":[null]}`),
		"errors [{}]":            httpmock.NewStringResponder(200, `{"errors":[{}]}`),
		"errors []":              httpmock.NewStringResponder(200, `{"errors":[]}`),
		"a crash":                httpmock.NewStringResponder(200, `{"data":null,"errors":[{"message":"boom","extensions":{"code":"INTERNAL_SERVER_ERROR","response":{"statusCode":500,"errorCode":"INTERNAL_ERROR"}}}]}`),
		"a crash, Apollo's":      httpmock.NewStringResponder(200, `{"data":null,"errors":[{"message":"boom","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}`),
		"a crash, old Apollo's":  httpmock.NewStringResponder(200, `{"data":null,"errors":[{"message":"boom","extensions":{"exception":{"status":500}}}]}`),
		"an error without codes": httpmock.NewStringResponder(200, `{"data":null,"errors":[{"message":"Cannot return null for non-nullable field"}]}`),
		"refused and crashed":    httpmock.NewStringResponder(200, `{"data":null,"errors":[{"message":"no","extensions":{"code":"FORBIDDEN"}},{"message":"boom","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}`),
		"a new GraphQL code":     httpmock.NewStringResponder(200, `{"data":null,"errors":[{"message":"no","extensions":{"code":"DOWNSTREAM_SERVICE_ERROR"}}]}`),
		"a new code at 504":      httpmock.NewStringResponder(200, `{"data":null,"errors":[{"message":"no","extensions":{"response":{"statusCode":504,"errorCode":"GATEWAY_TIMEOUT"}}}]}`),
		"a new code at 408":      httpmock.NewStringResponder(200, `{"data":null,"errors":[{"message":"no","extensions":{"response":{"statusCode":408,"errorCode":"REQUEST_TIMEOUT"}}}]}`),
		"data in part":           httpmock.NewStringResponder(200, `{"data":{"sendUserInvitesV2":{"success":[{"id":""}]},"resendUserInvite":{"id":"","email":"x"},"cancelUserInvite":{"email":"x"},"userInvite":{"email":"x"},"userInvites":{"data":[{"email":"x"}]}},"errors":[{"message":"no","extensions":{"code":"FORBIDDEN"}}]}`),
		"429 inside":             httpmock.NewStringResponder(200, `{"data":null,"errors":[{"message":"slow down","extensions":{"response":{"statusCode":429}}}]}`),
	}
	for name, responder := range unclear {
		for _, op := range operations() {
			t.Run(name+"/"+op.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					m := newMock(t, byOperation(op.name, inOrder(responder, op.good()), nothingFound()))
					got, err := op.call(t.Context(), m.client.AsUser(userID))
					sent := m.sentFor(t, op.name)
					// What the platform says it will not process is repeated, once it is settled
					// that it did not.
					if !op.mutation || slices.Contains([]string{"429", "408", "429 inside"}, name) {
						if err != nil || len(sent) != 2 {
							t.Errorf("%v after %d requests, want the second to do", err, len(sent))
						}
						return
					}
					var e *roq.Error
					if !errors.Is(err, roq.ErrOutcomeUnknown) || errors.Is(err, roq.ErrNotSent) || !errors.As(err, &e) || len(sent) != 1 || e.Attempts != 1 {
						t.Fatalf("%v after %d requests, want ErrOutcomeUnknown after one", err, len(sent))
					}
					if !errors.Is(err, roq.ErrUnavailable) && !errors.Is(err, roq.ErrRateLimited) {
						t.Errorf("%v, want it to say why, too", err)
					}
					if result, ok := got.(*roq.SendUserInvitesResult); ok && (len(result.Unknown) != 1 || len(result.NotSent)+len(result.Success)+len(result.Errors) != 0) {
						t.Errorf("result = %+v, want the invite in Unknown", result)
					}
				})
			})
		}
	}
}

// Answers that say no: nothing is repeated and nothing unknown.
func TestRefusals(t *testing.T) {
	t.Parallel()
	graphQL := func(extensions string) httpmock.Responder {
		return jsonAnswer(200, `{"data":null,"errors":[{"message":"outer","path":["x"],"locations":[{"line":1,"column":2}],"extensions":`+extensions+`}]}`)
	}
	for name, row := range map[string]struct {
		answer  httpmock.Responder
		kind    error
		code    string
		status  int
		message string
	}{
		"400 GraphQL":     {jsonAnswer(400, `{"errors":[{"message":"Cannot query field","extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}`), roq.ErrInvalidInput, "GRAPHQL_VALIDATION_FAILED", 400, "Cannot query field"},
		"400 NestJS":      {jsonAnswer(400, `{"statusCode":400,"error":"Refused","message":"bad"}`), roq.ErrInvalidInput, "", 400, "bad"},
		"403":             {jsonAnswer(403, `{"statusCode":403,"message":"Forbidden resource","error":"Forbidden"}`), roq.ErrForbidden, "", 403, "Forbidden resource"},
		"404":             {jsonAnswer(404, `{"errors":[{"message":"no such invite","extensions":{"code":"NOT_FOUND"}}]}`), roq.ErrNotFound, "NOT_FOUND", 404, "no such invite"},
		"413":             {httpmock.NewStringResponder(413, ""), roq.ErrBatchTooLarge, "", 413, "request entity too large"},
		"415":             {jsonAnswer(415, `{"statusCode":415}`), nil, "", 415, "unsupported media type"},
		"422":             {jsonAnswer(422, `{"statusCode":422,"message":["a","b"]}`), roq.ErrInvalidInput, "", 422, "a; b"},
		"418":             {jsonAnswer(418, `{"statusCode":418}`), nil, "", 418, "i'm a teapot"},
		"user input":      {graphQL(`{"code":"BAD_USER_INPUT"}`), roq.ErrInvalidInput, "BAD_USER_INPUT", 200, "outer"},
		"response string": {graphQL(`{"code":"FORBIDDEN","response":{"statusCode":403,"error":"Forbidden","errorCode":"FORBIDDEN","message":"not yours"}}`), roq.ErrForbidden, "FORBIDDEN", 403, "not yours"},
		"response array":  {graphQL(`{"code":"BAD_USER_INPUT","response":{"statusCode":400,"message":["id must be a UUID","x"]}}`), roq.ErrInvalidInput, "BAD_USER_INPUT", 400, "id must be a UUID; x"},
		"own code wins":   {graphQL(`{"code":"INTERNAL_SERVER_ERROR","response":{"statusCode":409,"errorCode":"USER_INVITE_ALREADY_ACCEPTED"}}`), roq.ErrAlreadyAccepted, "USER_INVITE_ALREADY_ACCEPTED", 409, "outer"},
		"own code at 500": {graphQL(`{"code":"INTERNAL_SERVER_ERROR","response":{"statusCode":500,"errorCode":"USER_INVITATION_NOT_FOUND"}}`), roq.ErrNotFound, "USER_INVITATION_NOT_FOUND", 500, "outer"},
		"already sent":    {graphQL(`{"response":{"errorCode":"USER_INVITE_ALREADY_SENT"}}`), roq.ErrAlreadyInvited, "USER_INVITE_ALREADY_SENT", 200, "outer"},
		"old Apollo":      {graphQL(`{"code":"BAD","exception":{"status":403}}`), roq.ErrForbidden, "BAD", 403, "outer"},
		"odd types":       {graphQL(`{"code":"FORBIDDEN","response":{"statusCode":"403","errorCode":7,"message":{"x":1}}}`), roq.ErrForbidden, "FORBIDDEN", 403, "outer"},
		"odd response":    {graphQL(`{"code":"FORBIDDEN","response":"no"}`), roq.ErrForbidden, "FORBIDDEN", 200, "outer"},
		"a new code":      {graphQL(`{"response":{"errorCode":"USER_INVITE_TEAPOT"}}`), nil, "USER_INVITE_TEAPOT", 200, "outer"},
		"a new code 409":  {graphQL(`{"response":{"statusCode":409,"errorCode":"USER_INVITE_TEAPOT"}}`), nil, "USER_INVITE_TEAPOT", 409, "outer"},
		"unfit code":      {graphQL(`{"response":{"statusCode":403,"errorCode":"ask ann@acme.example"}}`), roq.ErrForbidden, "", 403, "outer"},
		"echoed key":      {graphQL(`{"response":{"statusCode":403,"errorCode":"` + apiKey + `"}}`), roq.ErrForbidden, "", 403, "outer"},
		"today's NestJS":  {graphQL(`{"code":"INTERNAL_SERVER_ERROR","originalError":{"statusCode":409,"errorCode":"USER_INVITE_ALREADY_ACCEPTED","message":"joined"}}`), roq.ErrAlreadyAccepted, "USER_INVITE_ALREADY_ACCEPTED", 409, "joined"},
		"its status":      {graphQL(`{"code":"INTERNAL_SERVER_ERROR","status":404}`), roq.ErrNotFound, "INTERNAL_SERVER_ERROR", 404, "outer"},
		"its exceptions":  {graphQL(`{"code":"BAD_REQUEST","originalError":{"statusCode":400,"message":["email must be an email"],"error":"Bad Request"}}`), roq.ErrInvalidInput, "BAD_REQUEST", 400, "email must be an email"},
		"Apollo's status": {graphQL(`{"code":"NOPE","http":{"status":403,"headers":{}}}`), roq.ErrForbidden, "NOPE", 403, "outer"},
		"a numeric code":  {graphQL(`{"code":"404"}`), roq.ErrNotFound, "", 404, "outer"},
		"a number":        {graphQL(`{"code":403}`), roq.ErrForbidden, "", 403, "outer"},
		"its response":    {graphQL(`{"code":"404","exception":{"response":{"statusCode":404,"errorCode":"USER_INVITATION_NOT_FOUND","message":"none"}}}`), roq.ErrNotFound, "USER_INVITATION_NOT_FOUND", 404, "none"},
	} {
		for _, op := range operations() {
			t.Run(name+"/"+op.name, func(t *testing.T) {
				t.Parallel()
				m := newMock(t, row.answer)
				_, err := op.call(t.Context(), m.client.AsUser(userID), roq.WithRequestID("7f3a"))
				var e *roq.Error
				if !errors.As(err, &e) {
					t.Fatalf("%v, want an *Error", err)
				}
				want := roq.Error{Operation: op.name, Code: row.code, Message: row.message, StatusCode: row.status, Attempts: 1, RequestID: "7f3a"}
				got := roq.Error{Operation: e.Operation, Code: e.Code, Message: e.Message, StatusCode: e.StatusCode, Attempts: e.Attempts, RequestID: e.RequestID}
				if want.Error() != got.Error() || got.Attempts != 1 || got.StatusCode != row.status {
					t.Errorf("got %v after %d attempts, want %v", &got, got.Attempts, &want)
				}
				if row.kind != nil && !errors.Is(err, row.kind) || errors.Is(err, roq.ErrOutcomeUnknown) || errors.Is(err, roq.ErrNotSent) {
					t.Errorf("%v, want %v and nothing unknown", err, row.kind)
				}
				if len(m.sent()) != 1 {
					t.Errorf("%d requests, want one", len(m.sent()))
				}
			})
		}
	}
}

// Redirects are not followed; whether a mutation was processed nobody knows.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	redirect := httpmock.NewStringResponder(307, "").HeaderSet(http.Header{"Location": {"https://evil.example/"}})
	for _, op := range operations() {
		m := newMock(t, byOperation(op.name, redirect, nothingFound()), roq.WithSettleTimeout(0))
		_, err := op.call(t.Context(), m.client.AsUser(userID))
		if err == nil || errors.Is(err, roq.ErrOutcomeUnknown) != op.mutation || len(m.sent()) != 1 || !strings.Contains(err.Error(), "HTTP 307") {
			t.Errorf("%s = %v after %d requests", op.name, err, len(m.sent()))
		}
	}
}

// Data and errors together give both.
func TestDataAndErrors(t *testing.T) {
	t.Parallel()
	const errs = `,"errors":[{"message":"a field failed","path":["x"],"extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}`
	for _, op := range operations() {
		if op.mutation {
			continue // the data decides: see delivery_test.go
		}
		value := invite
		if op.name == "userInvites" {
			value = `{"data":[` + invite + `],"totalCount":1}`
		}
		m := newMock(t, jsonAnswer(200, `{"data":{"`+op.field+`":`+value+`}`+errs))
		got, err := op.call(t.Context(), m.client.AsUser(userID))
		var e *roq.Error
		if !errors.As(err, &e) || e.Message != "a field failed" || errors.Is(err, roq.ErrOutcomeUnknown) || len(m.sent()) != 1 {
			t.Errorf("%s = %v after %d requests, want the error", op.name, err, len(m.sent()))
		}
		found := false
		switch got := got.(type) {
		case *roq.UserInvitePage:
			found = got != nil && len(got.Data) == 1
		case *roq.UserInvite:
			found = got != nil && got.ID == inviteID
		}
		if !found {
			t.Errorf("%s = %+v, want the data too", op.name, got)
		}
	}
}

// A caller who gives up in the middle: a query's error is the context's, a
// mutation's says that the outcome is unknown.
func TestGivingUpInFlight(t *testing.T) {
	t.Parallel()
	for _, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newMock(t, func(r *http.Request) (*http.Response, error) {
					<-r.Context().Done()
					return nil, r.Context().Err()
				})
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, err := op.call(ctx, m.client.AsUser(userID))
				if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, roq.ErrOutcomeUnknown) != op.mutation || errors.Is(err, roq.ErrUnavailable) {
					t.Errorf("%v, want the deadline", err)
				}
			})
		})
	}
}

// An attempt that takes too long is the platform's fault, not the caller's.
func TestAttemptTimeout(t *testing.T) {
	t.Parallel()
	for _, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newMock(t, inOrder(func(r *http.Request) (*http.Response, error) {
					<-r.Context().Done()
					return nil, r.Context().Err()
				}, op.good()))
				begin := time.Now()
				_, err := op.call(t.Context(), m.client.AsUser(userID), roq.WithTimeout(2*time.Second))
				if op.mutation && (!errors.Is(err, roq.ErrOutcomeUnknown) || !errors.Is(err, roq.ErrUnavailable)) || !op.mutation && err != nil {
					t.Errorf("%v after %v", err, time.Since(begin))
				}
			})
		})
	}
}

func TestPlatformsRequestIDWins(t *testing.T) {
	t.Parallel()
	m := newMock(t, refusal(403).HeaderSet(http.Header{"X-Request-Id": {"platform-1"}}))
	_, err := m.client.AsUser(userID).UserInvite(t.Context(), inviteID)
	var e *roq.Error
	if !errors.As(err, &e) || e.RequestID != "platform-1" || err.Error() != "roq: userInvite: forbidden (HTTP 403, request platform-1)" {
		t.Errorf("UserInvite = %v, want the platform's request id", err)
	}
}

func TestBadInviteIDs(t *testing.T) {
	t.Parallel()
	m := newMock(t, answer("userInvite", invite))
	p := m.client.AsUser(userID)
	for _, id := range []string{"", "a b", "a\nb", "é", strings.Repeat("x", 300)} {
		for name, call := range map[string]func() (*roq.UserInvite, error){
			"userInvite":       func() (*roq.UserInvite, error) { return p.UserInvite(t.Context(), id) },
			"resendUserInvite": func() (*roq.UserInvite, error) { return p.ResendUserInvite(t.Context(), id) },
			"cancelUserInvite": func() (*roq.UserInvite, error) { return p.CancelUserInvite(t.Context(), id) },
		} {
			got, err := call()
			if got != nil || !errors.Is(err, roq.ErrInvalidInput) || !errors.Is(err, roq.ErrNotSent) || !strings.HasPrefix(err.Error(), "roq: "+name+": the invite's id ") {
				t.Errorf("%s(%.10q) = %v, %v", name, id, got, err)
			}
		}
	}
	if len(m.requests) != 0 {
		t.Errorf("%d requests were made", len(m.requests))
	}
}

// An unknown status passes through, and unknown members do no harm.
func TestUnknownValuesPassThrough(t *testing.T) {
	t.Parallel()
	m := newMock(t, answer("userInvite", `{"id":"x","email":"a@b.c","status":"bounced","roleKeys":["a"],"data":{"k":[1]},"new":{"x":1},"createdAt":"2023-10-27T02:14:36.9+02:00","updatedAt":null}`))
	got, err := m.client.AsUser(userID).UserInvite(t.Context(), inviteID)
	if err != nil {
		t.Fatal(err)
	}
	want := &roq.UserInvite{ID: "x", Email: "a@b.c", Status: "bounced", RoleKeys: []string{"a"}, Data: json.RawMessage(`{"k":[1]}`),
		CreatedAt: time.Date(2023, 10, 27, 0, 14, 36, 900_000_000, time.UTC)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("UserInvite (-want +got):\n%s", diff)
	}
}

// The rules of the platform come back as this package's errors.
func TestPlatformRules(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	ctx := t.Context()
	platform := b.client.AsUser(b.user.ID)
	send := func(emails ...string) *roq.SendUserInvitesResult {
		t.Helper()
		in := invitation(emails...)
		in.TenantID = b.tenant
		for i := range in.UserInvites {
			in.UserInvites[i].CreatedByUserID = ""
		}
		result, err := platform.SendUserInvites(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	sent := send("a@example.com", "b@example.com", "c@example.com")
	accepted, expired, canceled := sent.Success[0], sent.Success[1], sent.Success[2]
	if accepted.CreatedByUserID != b.user.ID {
		t.Errorf("CreatedByUserID = %q, want the identity's own user", accepted.CreatedByUserID)
	}
	if _, err := b.Accept(b.Outbox()[0].Token); err != nil {
		t.Fatal(err)
	}
	if err := b.Expire(expired.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := platform.CancelUserInvite(ctx, canceled.ID); err != nil {
		t.Fatal(err)
	}
	stranger := b.AddUser(roqtest.User{TenantID: b.AddTenant("Umbrella"), Email: "al@umbrella.example"})
	for name, row := range map[string]struct {
		call func() error
		kind error
	}{
		"resend an accepted one": {func() error { _, err := platform.ResendUserInvite(ctx, accepted.ID); return err }, roq.ErrAlreadyAccepted},
		"cancel an accepted one": {func() error { _, err := platform.CancelUserInvite(ctx, accepted.ID); return err }, roq.ErrAlreadyAccepted},
		"an id that is no UUID":  {func() error { _, err := platform.UserInvite(ctx, "nope"); return err }, roq.ErrInvalidInput},
		"an unknown id":          {func() error { _, err := platform.UserInvite(ctx, inviteID); return err }, roq.ErrNotFound},
		"another tenant's": {func() error {
			_, err := b.client.AsUser(stranger.ID).CancelUserInvite(ctx, expired.ID)
			return err
		}, roq.ErrNotFound},
		"into another tenant": {func() error {
			_, err := platform.SendUserInvites(ctx, roq.SendUserInvitesInput{TenantID: stranger.TenantID, UserInvites: []roq.UserInviteInput{{Email: "z@example.com"}}})
			return err
		}, roq.ErrForbidden},
		"an unknown user": {func() error { return list(ctx, b.client.AsUser(inviteID)) }, roq.ErrNotFound},
	} {
		if err := row.call(); !errors.Is(err, row.kind) || errors.Is(err, roq.ErrOutcomeUnknown) {
			t.Errorf("%s: %v, want %v", name, err, row.kind)
		}
	}
	if again, err := platform.ResendUserInvite(ctx, expired.ID); err != nil || again.Status != roq.StatusPending {
		t.Errorf("ResendUserInvite of an expired invite = %+v, %v; want it pending", again, err)
	}
	if got := send("b@example.com"); len(got.Errors) != 1 || !errors.Is(got.Errors[0], roq.ErrAlreadyInvited) {
		t.Errorf("a second pending invite = %+v, want ErrAlreadyInvited", got)
	}
	if got := send("c@example.com"); len(got.Success) != 1 {
		t.Errorf("an invite after a canceled one = %+v, want it sent", got)
	}
}
