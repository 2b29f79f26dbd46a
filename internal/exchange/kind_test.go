package exchange

import (
	"net/http"
	"testing"

	"github.com/go-roq/roq/internal/transport"
	"github.com/go-roq/roq/internal/wire"
)

// The platform's own code says most, then the status, then the code that a GraphQL
// server gives every error.
func TestKindOf(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		e    wire.Error
		want Kind
	}{
		"nothing":                       {wire.Error{}, 0},
		"its own code":                  {wire.Error{Code: "USER_INVITE_ALREADY_ACCEPTED", Own: true, Status: 500}, AlreadyAccepted},
		"a code of ROQ's components":    {wire.Error{Code: "USER_INVITE_ALREADY_EXIST", Own: true}, AlreadyInvited},
		"its own new code":              {wire.Error{Code: "NEW", Own: true}, 0},
		"its own new code, with status": {wire.Error{Code: "NEW", Own: true, Status: 403}, Forbidden},
		"a status beside a code":        {wire.Error{Code: "INTERNAL_SERVER_ERROR", Status: 404}, NotFound},
		"a status that says nothing":    {wire.Error{Code: "FORBIDDEN", Status: 200}, Forbidden},
		"a status that is new":          {wire.Error{Status: 418}, 0},
		"a crash":                       {wire.Error{Code: "INTERNAL_SERVER_ERROR"}, Unavailable},
		"a crash in its own words":      {wire.Error{Code: "INTERNAL_ERROR", Own: true}, Unavailable},
		"too many requests":             {wire.Error{Status: 429}, RateLimited},
		"too large":                     {wire.Error{Code: "BULK_USER_INVITE_LIMIT_EXCEEDED", Own: true}, BatchTooLarge},
		"an input":                      {wire.Error{Code: "BAD_USER_INPUT", Status: 400}, InvalidInput},
		"a document":                    {wire.Error{Code: "GRAPHQL_VALIDATION_FAILED", Status: 400}, InvalidInput | Malformed},
		"a document without status":     {wire.Error{Code: "GRAPHQL_PARSE_FAILED"}, InvalidInput | Malformed},
		"a variable":                    {wire.Error{Code: "GRAPHQL_VALIDATION_FAILED", Message: `Variable "$data" got invalid value`}, InvalidInput},
	} {
		if got := KindOf(row.e); got != row.want {
			t.Errorf("%s: %b, want %b", name, got, row.want)
		}
	}
}

// Of several errors the least certain counts.
func TestJudge(t *testing.T) {
	t.Parallel()
	var (
		invalid   = wire.Error{Code: "BAD_USER_INPUT"}
		token     = wire.Error{Code: "UNAUTHENTICATED"}
		throttled = wire.Error{Status: http.StatusTooManyRequests}
		crash     = wire.Error{Code: "INTERNAL_SERVER_ERROR"}
		own       = wire.Error{Code: "NEW", Own: true}
	)
	for name, row := range map[string]struct {
		answer wire.Answer
		want   transport.Outcome
	}{
		"data":                    {wire.Answer{Data: true}, transport.Answered},
		"data and an error":       {wire.Answer{Data: true, Errors: []wire.Error{crash}}, transport.Answered},
		"some data and an error":  {wire.Answer{Partial: true, Errors: []wire.Error{invalid}}, transport.Unclear},
		"an input":                {wire.Answer{Errors: []wire.Error{invalid}}, transport.Refused},
		"an error of its own":     {wire.Answer{Errors: []wire.Error{own}}, transport.Refused},
		"a token":                 {wire.Answer{Errors: []wire.Error{invalid, token}}, transport.Unauthorized},
		"too many requests":       {wire.Answer{Errors: []wire.Error{throttled, token}}, transport.Throttled},
		"a crash beside anything": {wire.Answer{Errors: []wire.Error{invalid, throttled, crash, token}}, transport.Unclear},
		"an error without a code": {wire.Answer{Errors: []wire.Error{{Message: "m"}}}, transport.Unclear},
	} {
		if got, _ := judge(row.answer); got != row.want {
			t.Errorf("%s: %v, want %v", name, got, row.want)
		}
	}
}

// What a gateway answers has the kind of an outage, whatever its status is.
func TestKindsOfAnInterceptedRequest(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 401, 403, 404, 422} {
		result := transport.Result{Outcome: transport.Intercepted, Answer: &transport.Answer{Status: status}}
		if got := kindsOf(&result, 0); got != Unavailable {
			t.Errorf("%d: %b, want only Unavailable", status, got)
		}
	}
}

// A failure is never changed: what explains it makes another one.
func TestFailuresAreValues(t *testing.T) {
	t.Parallel()
	f := &Failure{Message: "m", Kinds: Unavailable | NotSent}
	more := f.And("n", Unauthorized|OutcomeUnknown).Because(RateLimited).Concluded(OutcomeUnknown, "known")
	if more.Message != "m; n" || more.Kinds != Unavailable|Unauthorized|RateLimited|OutcomeUnknown || more.Known != "known" {
		t.Errorf("%+v", more)
	}
	if f.Message != "m" || f.Kinds != Unavailable|NotSent || f.Known != "" {
		t.Errorf("the first one became %+v", f)
	}
	if (*Failure)(nil).Has(Unavailable) {
		t.Error("nothing is unavailable")
	}
}
