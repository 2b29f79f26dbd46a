package roq_test

import (
	"cmp"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/jarcoal/httpmock"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// gatewayAnswers are what stands between a client and the platform answers, with a
// status of its own.
func gatewayAnswers() map[string]roqtest.Fault {
	jsonType := http.Header{"Content-Type": {"application/json"}}
	return map[string]roqtest.Fault{
		"a page":              {Body: "<html><head><title>403 Forbidden</title></head><body>nginx</body></html>"},
		"a text":              {Body: "default backend - 404"},
		"no route in NestJS":  {Body: `{"statusCode":404,"message":"Cannot POST /v01/server/graphql","error":"Not Found"}`, Header: jsonType},
		"Kong":                {Body: `{"message":"no Route matched with those values"}`, Header: jsonType},
		"AWS":                 {Body: `{"message":"Forbidden"}`, Header: jsonType},
		"Spring":              {Body: `{"timestamp":"2026-11-23T12:00:00Z","status":404,"error":"Not Found","path":"/"}`, Header: jsonType},
		"JSON of another API": {Body: `{"errors":["not found"]}`, Header: jsonType},
		"Azure":               {Body: `{"statusCode":403,"message":"Out of call volume quota. Quota will be replenished in 00:03:12."}`, Header: jsonType},
		"Ory":                 {Body: `{"error":{"code":403,"status":"Forbidden","message":"Access credentials are not sufficient"}}`, Header: jsonType},
		"Vercel":              {Body: `{"error":{"code":"NOT_FOUND","message":"The page could not be found"}}`, Header: jsonType},
		"Cloudflare":          {Body: `{"success":false,"errors":[{"code":10000,"message":"Authentication error"}],"messages":[],"result":null}`, Header: jsonType},
		"an error code alone": {Body: `{"errorCode":"E1","message":"no"}`, Header: jsonType},
		"a JSON string":       {Body: `"forbidden"`, Header: jsonType},
		"one space":           {Body: " "},
	}
}

// What a gateway says is not the platform's word: whatever it is, it passes.
func TestGatewayAnswersPass(t *testing.T) {
	t.Parallel()
	for name, fault := range gatewayAnswers() {
		for _, status := range []int{400, 401, 403, 404, 405, 409, 418, 422, 451} {
			synctest.Test(t, func(t *testing.T) {
				b := newBubbled(t, nil)
				platform := b.client.AsUser(b.user.ID)
				fault.Status, fault.Times = status, 1
				inject := func(operation string) {
					fault.Operation = operation
					b.Inject(fault)
				}
				inject("sendUserInvites")
				result, err := b.send(t.Context(), 3, "a")
				if err != nil || len(result.Success) != 3 || len(b.Outbox()) != 3 {
					t.Fatalf("%s, %d: a send: %v, with %d e-mails", name, status, err, len(b.Outbox()))
				}
				id := result.Success[0].ID
				for _, operation := range []string{"userInvite", "userInvites"} {
					inject(operation)
				}
				if _, err := platform.UserInvite(t.Context(), id); err != nil {
					t.Errorf("%s, %d: a read: %v", name, status, err)
				}
				if page, err := platform.UserInvites(t.Context(), roq.UserInvitesQuery{}); err != nil || page.TotalCount != 3 {
					t.Errorf("%s, %d: a list: %v", name, status, err)
				}
				inject("resendUserInvite")
				if _, err := platform.ResendUserInvite(t.Context(), id); err != nil || len(b.Outbox()) != 4 {
					t.Errorf("%s, %d: a resend: %v, with %d e-mails", name, status, err, len(b.Outbox()))
				}
				inject("cancelUserInvite")
				if i, err := platform.CancelUserInvite(t.Context(), id); err != nil || i.Status != roq.StatusCanceled {
					t.Errorf("%s, %d: a cancel: %v", name, status, err)
				}
				inject(roqtest.OpAuthorize)
				if _, err := b.client.AsUser(b.AddUser(roqtest.User{TenantID: b.tenant}).ID).UserInvite(t.Context(), id); err != nil && !errors.Is(err, roq.ErrForbidden) {
					t.Errorf("%s, %d: a token: %v", name, status, err)
				}
			})
		}
	}
}

// A gateway that stays is an outage, and the error says what it looked like. Nobody
// else's word is the platform's, and no body is repeated.
func TestGatewayThatStays(t *testing.T) {
	t.Parallel()
	looks := map[string]string{"a page": "a page", "a text": "text", "one space": "an empty body"}
	for name, fault := range gatewayAnswers() {
		for _, status := range []int{400, 401, 403, 404, 409} {
			synctest.Test(t, func(t *testing.T) {
				b := newBubbled(t, nil)
				if _, err := b.send(t.Context(), 1, "a"); err != nil {
					t.Fatal(err)
				}
				fault.Status = status
				b.Inject(fault)
				platform := b.client.AsUser(b.user.ID)
				_, reading := platform.UserInvite(t.Context(), inviteID)
				_, sending := b.send(t.Context(), 2, "b")
				_, resending := platform.ResendUserInvite(t.Context(), inviteID)
				want := cmp.Or(looks[name], "JSON of another form")
				for what, err := range map[string]error{"read": reading, "send": sending, "resend": resending} {
					if !errors.Is(err, roq.ErrUnavailable) {
						t.Errorf("%s, %d: a %s: %v, want ErrUnavailable", name, status, what, err)
						continue
					}
					for _, not := range []error{roq.ErrNotFound, roq.ErrForbidden, roq.ErrUnauthorized, roq.ErrInvalidInput} {
						if errors.Is(err, not) {
							t.Errorf("%s, %d: a %s is %v too: %v", name, status, what, not, err)
						}
					}
					if !strings.Contains(err.Error(), "answered with "+want+" by something in front of the platform") || strings.Contains(err.Error(), "nginx") {
						t.Errorf("%s, %d: %v, want what it looked like (%s)", name, status, err, want)
					}
				}
			})
		}
	}
}

// A page does not end a stream, nor what waits for an invite.
func TestGatewayDoesNotEndWhatLasts(t *testing.T) {
	t.Parallel()
	for name, fault := range gatewayAnswers() {
		for _, status := range []int{401, 403, 404} {
			synctest.Test(t, func(t *testing.T) {
				b := newBubbled(t, nil)
				fault.Status, fault.Skip, fault.Times = status, 5, 40
				b.Inject(fault)
				outcomes, err := b.sendAll(t.Context(), t, people(1000, "a"))
				if got := statuses(outcomes); err != nil || got[roq.OutcomeSent] != 1000 || len(b.Outbox()) != 1000 {
					t.Errorf("%s, %d: %v, %v; want all of them sent", name, status, got, err)
				}
			})
		}
	}
}

// The platform's own form, in a fault, is its word.
func TestPlatformsWord(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]error{400: roq.ErrInvalidInput, 401: roq.ErrUnauthorized, 403: roq.ErrForbidden, 404: roq.ErrNotFound, 422: roq.ErrInvalidInput} {
		b := newBackend(t)
		b.Inject(roqtest.Fault{Operation: "userInvite", Status: status})
		if _, err := b.client.AsUser(b.user.ID).UserInvite(t.Context(), inviteID); !errors.Is(err, want) || errors.Is(err, roq.ErrUnavailable) {
			t.Errorf("%d: %v, want %v", status, err, want)
		}
		b.Inject(roqtest.Fault{Operation: roqtest.OpAuthorize, Status: status})
		other := b.AddUser(roqtest.User{TenantID: b.tenant})
		if _, err := b.client.AsUser(other.ID).UserInvite(t.Context(), inviteID); !errors.Is(err, want) || errors.Is(err, roq.ErrUnavailable) {
			t.Errorf("%d for a token: %v, want %v", status, err, want)
		}
	}
}

// Servers say in many ways, under HTTP 200, that there were too many requests.
func TestThrottledUnderHTTP200(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]string{
		"NestJS's throttler":   `{"message":"ThrottlerException: Too Many Requests","extensions":{"code":"INTERNAL_SERVER_ERROR","response":"ThrottlerException: Too Many Requests"}}`,
		"the same with status": `{"message":"ThrottlerException: Too Many Requests","extensions":{"code":"INTERNAL_SERVER_ERROR","status":429}}`,
		"a numeric code":       `{"message":"slow down","extensions":{"code":"429"}}`,
		"originalError":        `{"message":"slow down","extensions":{"code":"INTERNAL_SERVER_ERROR","originalError":{"statusCode":429,"message":"slow down"}}}`,
		"yoga":                 `{"message":"slow down","extensions":{"http":{"status":429,"headers":{"Retry-After":"1"}}}}`,
		"RATE_LIMITED":         `{"message":"slow down","extensions":{"code":"RATE_LIMITED"}}`,
		"GitHub":               `{"message":"slow down","type":"RATE_LIMITED"}`,
		"Shopify":              `{"message":"Throttled","extensions":{"code":"THROTTLED"}}`,
		"Hasura":               `{"message":"slow down","extensions":{"code":"rate-limit-exceeded"}}`,
		"TOO_MANY_REQUESTS":    `{"message":"slow down","extensions":{"code":"TOO_MANY_REQUESTS"}}`,
		"a directive":          `{"message":"Too many requests, please try again in 3 seconds.","extensions":{"code":"INTERNAL_SERVER_ERROR"}}`,
		"another directive":    `{"message":"You are trying to access 'sendUserInvites' too often","extensions":{"code":"INTERNAL_SERVER_ERROR"}}`,
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBubbled(t, nil)
			b.Inject(roqtest.Fault{Operation: "sendUserInvites", Times: 2, Body: `{"data":null,"errors":[` + e + `]}`, Header: http.Header{"Content-Type": {"application/json"}}})
			if result, err := b.send(t.Context(), 3, "a"); err != nil || len(result.Success) != 3 || len(b.Outbox()) != 3 {
				t.Errorf("%s: %v, with %d e-mails, want three", name, err, len(b.Outbox()))
			}
			b.Inject(roqtest.Fault{Operation: "userInvites", Body: `{"data":null,"errors":[` + e + `]}`, Header: http.Header{"Content-Type": {"application/json"}}})
			if _, err := b.client.AsUser(b.user.ID).UserInvites(t.Context(), roq.UserInvitesQuery{}); !errors.Is(err, roq.ErrRateLimited) {
				t.Errorf("%s: %v, want ErrRateLimited", name, err)
			}
		})
	}
}

// NestJS gives every exception that Apollo has no name for the code of a crash. Its
// status says that it is a refusal.
func TestRefusalsThatLookLikeCrashes(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]string{
		"409":             `{"message":"no","extensions":{"code":"INTERNAL_SERVER_ERROR","status":409,"originalError":{"statusCode":409,"message":"no"}}}`,
		"CONFLICT":        `{"message":"no","extensions":{"code":"CONFLICT"}}`,
		"numeric":         `{"message":"no","extensions":{"code":"412"}}`,
		"402":             `{"message":"no","extensions":{"response":{"statusCode":402,"message":"no"}}}`,
		"an exception":    `{"message":"no","extensions":{"code":"INTERNAL_SERVER_ERROR","exception":{"status":410}}}`,
		"an operation":    `{"message":"no","extensions":{"code":"OPERATION_RESOLUTION_FAILURE"}}`,
		"its own at 409":  `{"message":"no","extensions":{"response":{"statusCode":409,"errorCode":"NEW"}}}`,
		"Apollo's status": `{"message":"no","extensions":{"code":"INTERNAL_SERVER_ERROR","http":{"status":406}}}`,
	} {
		for _, status := range []int{200, 409} {
			m := newMock(t, jsonAnswer(status, `{"data":null,"errors":[`+e+`]}`))
			for _, op := range operations() {
				if op.name == "sendUserInvites" {
					continue // which may be split: see TestSendBatchRefusedForItsContent
				}
				_, err := op.call(t.Context(), m.client.AsUser(userID))
				var wrong *roq.Error
				if !errors.As(err, &wrong) || wrong.Attempts != 1 || errors.Is(err, roq.ErrUnavailable) || errors.Is(err, roq.ErrOutcomeUnknown) {
					t.Errorf("%s under %d: %s: %v, want a refusal after one attempt", name, status, op.name, err)
				}
			}
		}
	}
}

// A page in place of the application's session is no answer of the application's.
func TestSessionBehindAGateway(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 401, 403, 404} {
		synctest.Test(t, func(t *testing.T) {
			m := newMock(t, httpmock.NewStringResponder(status, "<html>nginx"))
			_, err := m.client.FetchSession(t.Context(), visit("roq-session-token", "a.b.c"))
			if !errors.Is(err, roq.ErrUnavailable) || errors.Is(err, roq.ErrUnauthorized) || errors.Is(err, roq.ErrForbidden) || errors.Is(err, roq.ErrNotFound) {
				t.Errorf("%d: %v, want ErrUnavailable", status, err)
			}
		})
	}
}
