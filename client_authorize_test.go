package roq_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// A hundred goroutines' first call as one user costs two token requests.
func TestFirstCallsShareTheTokenRequests(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	b.Inject(roqtest.Fault{Operation: roqtest.OpAuthorizeServiceAccount, Delay: 20 * time.Millisecond})
	platform := b.client.AsUser(b.user.ID)
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if err := list(t.Context(), platform); err != nil {
				t.Errorf("UserInvites: %v", err)
			}
		})
	}
	all.Wait()
	if got := count(b.Server); got[roqtest.OpAuthorizeServiceAccount] != 1 || got[roqtest.OpAuthorize] != 1 || got["userInvites"] != 100 {
		t.Errorf("requests = %v, want one for each token and 100 lists", got)
	}
}

// A failed token request is an error, and no request goes out without a token.
func TestNoTokenNoRequest(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		answer httpmock.Responder
		kind   error
		status int
	}{
		"wrong key":    {jsonAnswer(401, `{"statusCode":401,"errorCode":"INVALID_CREDENTIALS","message":"wrong"}`), roq.ErrUnauthorized, 401},
		"empty token":  {jsonAnswer(200, `{"accessToken":""}`), roq.ErrUnavailable, 200},
		"no token":     {jsonAnswer(200, `{}`), roq.ErrUnavailable, 200},
		"null":         {jsonAnswer(200, `null`), roq.ErrUnavailable, 200},
		"CR LF inside": {jsonAnswer(200, `{"accessToken":"a\r\nEvil: b"}`), roq.ErrUnavailable, 200},
		"a page":       {httpmock.NewStringResponder(200, "<html>"), roq.ErrUnavailable, 200},
		"down":         {httpmock.NewStringResponder(503, "<html>"), roq.ErrUnavailable, 503},
		"redirect":     {httpmock.NewStringResponder(302, ""), nil, 302},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var beyond []string
				mock := httpmock.NewMockTransport()
				mock.RegisterResponder("POST", platformURL+"/v01/authorize/serviceAccount", row.answer)
				mock.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
					beyond = append(beyond, r.URL.Path)
					return nil, errors.New("unexpected")
				})
				client := newClient(t, config(), roq.WithHTTPClient(&http.Client{Transport: mock}))
				in := invitation("wick.john@roq.tech")
				result, err := client.AsUser(userID).SendUserInvites(t.Context(), in)
				var e *roq.Error
				if !errors.As(err, &e) || e.StatusCode != row.status || e.Operation != "sendUserInvites" || !strings.Contains(e.Message, "no access token") {
					t.Errorf("SendUserInvites = %v, want an *Error with status %d", err, row.status)
				}
				if row.kind != nil && !errors.Is(err, row.kind) || !errors.Is(err, roq.ErrNotSent) || errors.Is(err, roq.ErrOutcomeUnknown) {
					t.Errorf("SendUserInvites = %v, want %v and ErrNotSent", err, row.kind)
				}
				if len(beyond) != 0 {
					t.Errorf("requests without a token: %v", beyond)
				}
				if result == nil || len(result.NotSent) != 1 {
					t.Errorf("result = %+v, want the invite in NotSent", result)
				}
			})
		})
	}
}

func TestUnauthorizedGetsOneFreshToken(t *testing.T) {
	t.Parallel()
	for name, unauthorized := range map[string]httpmock.Responder{
		"status":        jsonAnswer(401, `{"statusCode":401,"error":"Refused","message":"Unauthorized"}`),
		"GraphQL code":  jsonAnswer(200, `{"data":null,"errors":[{"message":"no","extensions":{"code":"UNAUTHENTICATED"}}]}`),
		"errorCode":     jsonAnswer(200, `{"data":null,"errors":[{"message":"no","extensions":{"response":{"statusCode":401,"errorCode":"INVALID_TOKEN"}}}]}`),
		"inside status": jsonAnswer(200, `{"errors":[{"message":"no","extensions":{"response":{"statusCode":401}}}]}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMock(t, inOrder(unauthorized, answer("resendUserInvite", invite)))
			if _, err := m.client.AsUser(userID).ResendUserInvite(t.Context(), inviteID); err != nil {
				t.Errorf("ResendUserInvite = %v, want the second try to do", err)
			}
			if got := len(m.requests); got != 5 { // two tokens, the call, a fresh user token, the call
				t.Errorf("%d requests, want 5", got)
			}
			m = newMock(t, unauthorized)
			_, err := m.client.AsUser(userID).ResendUserInvite(t.Context(), inviteID)
			var e *roq.Error
			if !errors.Is(err, roq.ErrUnauthorized) || errors.Is(err, roq.ErrOutcomeUnknown) || !errors.As(err, &e) || e.Attempts != 2 || e.StatusCode != statusOr(name, 200) {
				t.Errorf("ResendUserInvite = %v (%+v), want ErrUnauthorized after two attempts", err, e)
			}
			if got := len(m.sent()); got != 2 {
				t.Errorf("%d requests, want 2", got)
			}
		})
	}
}

// statusOr is what StatusCode has to be: the status inside a GraphQL error wins.
func statusOr(name string, fallback int) int {
	if name == "GraphQL code" {
		return fallback
	}
	return 401
}

// While a token is good no call fails, or waits for long, because it cannot be renewed.
func TestATokenThatCannotBeRenewed(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]httpmock.Responder{
		"down":    httpmock.NewStringResponder(503, "<html>"),
		"refused": jsonAnswer(401, `{"errorCode":"INVALID_CREDENTIALS"}`),
		"a page":  httpmock.NewStringResponder(200, "<html>"),
		"hangs": func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				issued := time.Now()
				token := func(r *http.Request) (*http.Response, error) {
					if time.Since(issued) > 0 {
						return trouble(r)
					}
					return jsonAnswer(200, `{"accessToken":"`+accessToken(10*time.Minute)+`"}`)(r)
				}
				mock := httpmock.NewMockTransport()
				mock.RegisterResponder("POST", platformURL+"/v01/authorize/serviceAccount", token)
				mock.RegisterResponder("POST", platformURL+"/v01/authorize", token)
				mock.RegisterNoResponder(jsonAnswer(200, `{"data":{"userInvites":{"data":[],"totalCount":0}}}`))
				platform := newClient(t, config(), roq.WithHTTPClient(&http.Client{Transport: mock})).AsUser(userID)
				for _, age := range []time.Duration{0, 9*time.Minute + 42*time.Second, 9*time.Minute + 59*time.Second} {
					<-time.After(age - time.Since(issued))
					if err := list(t.Context(), platform); err != nil || time.Since(issued)-age > 2*time.Second {
						t.Errorf("%v after the token was issued: %v, %v later", age, err, time.Since(issued)-age)
					}
				}
				<-time.After(time.Second)
				if err := list(t.Context(), platform); !errors.Is(err, roq.ErrNotSent) {
					t.Errorf("at the token's end: %v, want ErrNotSent", err)
				}
				<-time.After(10 * time.Minute) // whatever is under way
			})
		})
	}
}

func TestASessionsTokenCannotBeRenewed(t *testing.T) {
	t.Parallel()
	m := newMock(t, refusal(401))
	_, err := m.client.AsSession(&roq.Session{RoqAccessToken: accessToken(time.Hour)}).UserInvite(t.Context(), inviteID)
	if !errors.Is(err, roq.ErrUnauthorized) || len(m.requests) != 1 {
		t.Errorf("UserInvite = %v after %d requests, want ErrUnauthorized after one", err, len(m.requests))
	}
}

// Revoking every token, the service account's too, is mended within one call.
func TestRevokedTokensAreReplaced(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	platform := b.client.AsUser(b.user.ID)
	if err := list(t.Context(), platform); err != nil {
		t.Fatal(err)
	}
	b.RevokeTokens()
	if err := list(t.Context(), platform); err != nil {
		t.Errorf("after the tokens were revoked: %v", err)
	}
	if got := count(b.Server); got[roqtest.OpAuthorizeServiceAccount] != 2 || got[roqtest.OpAuthorize] != 3 || got["userInvites"] != 3 {
		t.Errorf("requests = %v", got)
	}
}

// A token endpoint that hangs is the platform's fault, not the caller's deadline.
func TestAHangingTokenEndpoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mock := httpmock.NewMockTransport()
		mock.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		for _, timeout := range []time.Duration{30 * time.Second, 0} {
			client := newClient(t, config(), roq.WithHTTPClient(&http.Client{Transport: mock}), roq.WithTimeout(timeout))
			err := list(t.Context(), client.AsUser(userID))
			if !errors.Is(err, roq.ErrUnavailable) || !errors.Is(err, roq.ErrNotSent) {
				t.Errorf("with a time-out of %v: %v, want ErrUnavailable", timeout, err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := list(ctx, client.AsUser(userID)); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, roq.ErrUnavailable) {
				t.Errorf("with a deadline: %v, want it", err)
			}
			cancel()
		}
		<-time.After(time.Hour)
	})
}

// The request for a token carries the id of the call that needed it, and so does
// its error.
func TestRequestIDOfATokenRequest(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	b.Inject(roqtest.Fault{Operation: roqtest.OpAuthorize, Status: 403})
	_, err := b.client.AsUser(b.user.ID).UserInvite(t.Context(), inviteID, roq.WithRequestID("mine"))
	var e *roq.Error
	if !errors.As(err, &e) || e.RequestID != "mine" {
		t.Errorf("%v, want the request id mine", err)
	}
	for _, r := range b.Requests() {
		if id := r.Header.Get("X-Request-Id"); id != "mine" {
			t.Errorf("%s has the request id %q", r.Operation, id)
		}
	}
}
