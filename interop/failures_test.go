package interop_test

import (
	"net/http"
	"testing"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// errorBody is the body of an answer that is nothing but one GraphQL error.
func errorBody(message, extensions string) string {
	return `{"data":null,"errors":[{"message":"` + message + `","extensions":` + extensions + `}]}`
}

// page is the header of what is not JSON.
var page = http.Header{"Content-Type": {"text/html"}}

// failures are answers of a platform, or of what stands before it, that is not
// well. Where the platform says what is wrong, all clients tell it alike.
var failures = map[string]struct {
	roqtest.Fault
	// silent is set where there is no message of the platform's: what each client
	// says then is its own.
	silent bool
	// lost is set where the JavaScript clients lose the status: they stop at a body
	// that calls itself JSON and is not.
	lost bool
}{
	"a refusal":                 {Fault: roqtest.Fault{Body: errorBody("outer", `{"code":"INTERNAL_SERVER_ERROR","response":{"statusCode":409,"error":"Conflict","errorCode":"USER_INVITE_ALREADY_ACCEPTED","message":"the invite was accepted","variables":null}}`)}},
	"forbidden":                 {Fault: roqtest.Fault{Body: errorBody("outer", `{"code":"FORBIDDEN","response":{"statusCode":403,"errorCode":"FORBIDDEN","message":"not yours"}}`)}},
	"not signed in":             {Fault: roqtest.Fault{Body: errorBody("outer", `{"code":"UNAUTHENTICATED","response":{"statusCode":401,"errorCode":"INVALID_TOKEN","message":"the token is not valid"}}`)}},
	"a refusal with its status": {Fault: roqtest.Fault{Status: 403, Body: errorBody("outer", `{"code":"FORBIDDEN","response":{"statusCode":403,"errorCode":"FORBIDDEN","message":"not yours"}}`)}},
	"a crash":                   {Fault: roqtest.Fault{Body: errorBody("outer", `{"code":"INTERNAL_SERVER_ERROR","response":{"statusCode":500,"errorCode":"INTERNAL_ERROR","message":"something broke"}}`)}},
	"a crash with its status":   {Fault: roqtest.Fault{Status: 500, Body: errorBody("outer", `{"code":"INTERNAL_SERVER_ERROR","response":{"statusCode":500,"errorCode":"INTERNAL_ERROR","message":"something broke"}}`)}},
	"a plain GraphQL error":     {Fault: roqtest.Fault{Body: errorBody("no such field", `{"code":"GRAPHQL_VALIDATION_FAILED"}`)}},
	"the same with its status":  {Fault: roqtest.Fault{Status: 400, Body: errorBody("no such field", `{"code":"GRAPHQL_VALIDATION_FAILED"}`)}},
	"no extensions":             {Fault: roqtest.Fault{Body: `{"errors":[{"message":"something broke"}]}`}},
	"data beside an error":      {Fault: roqtest.Fault{Body: `{"data":{"userInvites":null,"userInvite":null,"cancelUserInvite":null},"errors":[{"message":"outer","extensions":{"response":{"statusCode":404,"errorCode":"USER_INVITATION_NOT_FOUND","message":"no such invite"}}}]}`}},
	"several errors":            {Fault: roqtest.Fault{Body: `{"data":null,"errors":[{"message":"first","extensions":{"code":"FORBIDDEN"}},{"message":"second"}]}`}, silent: true},

	"a proxy's page":       {Fault: roqtest.Fault{Status: 503, Body: "<html>down</html>", Header: page}, silent: true},
	"a busy platform":      {Fault: roqtest.Fault{Status: 429, Header: page}, silent: true},
	"a gateway's time-out": {Fault: roqtest.Fault{Status: 504, Header: page}, silent: true},
	"credentials refused":  {Fault: roqtest.Fault{Status: 401, Body: "no", Header: page}, silent: true},
	"nothing there":        {Fault: roqtest.Fault{Status: 404, Body: "no", Header: page}, silent: true},
	"half an answer":       {Fault: roqtest.Fault{Status: 502, Body: `{"data":{"userInv`}, silent: true, lost: true},
	"no body":              {Fault: roqtest.Fault{Status: 503}, silent: true, lost: true},
	"a cut connection":     {Fault: roqtest.Fault{Drop: roqtest.DropBefore}, silent: true},
	"a lost answer":        {Fault: roqtest.Fault{Drop: roqtest.DropAfter}, silent: true},
}

// TestFailures lets every client call a platform that fails: each of them tells
// its caller so, with the same code and status, and the same message where the
// platform gave one.
func TestFailures(t *testing.T) {
	t.Parallel()
	for _, driver := range []string{"nodejs.mjs", "client.mjs"} {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			js := start(t, driver)
			for name, failure := range failures {
				t.Run(name, func(t *testing.T) {
					s := newScene(t)
					ours, theirs := newGopher(t, s.Server, ann), newScript(t, js, s.Server, ann)
					id := s.invited(ours.send(to(acme, invite("bob@example.com"))), 0)
					for operation, call := range map[string]func(w witness) seen{
						"userInvites":      func(w witness) seen { return w.list(roq.UserInvitesQuery{Limit: 1}) },
						"userInvite":       func(w witness) seen { return w.get(id) },
						"cancelUserInvite": func(w witness) seen { return w.cancel(id) },
					} {
						fault := failure.Fault
						fault.Operation = operation
						if fault.Header == nil {
							fault.Header = http.Header{"Content-Type": {"application/json"}}
						}
						s.Inject(fault)
						got, want := call(theirs), call(ours)
						if got.Err == nil || want.Err == nil {
							t.Errorf("%s: they saw %+v, we %+v; want both to fail", operation, got, want)
							continue
						}
						if want.Err.Message == "" {
							t.Errorf("%s: our error has no message", operation)
						}
						if failure.silent {
							got.Err.Message, want.Err.Message = "", ""
						}
						if failure.lost {
							want.Err.Status = 0
						}
						same(t, operation, got, want)
					}
				})
			}
		})
	}
}
