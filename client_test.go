package roq_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// count returns how many requests arrived for each operation.
func count(srv *roqtest.Server) map[string]int {
	n := make(map[string]int)
	for _, r := range srv.Requests() {
		n[r.Operation]++
	}
	return n
}

func list(ctx context.Context, p *roq.RoqPlatform) error {
	_, err := p.UserInvites(ctx, roq.UserInvitesQuery{Limit: 1})
	return err
}

func TestNewNamesEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := roq.New(roq.Config{
		PlatformURL: "https://good@evil.example", EnvironmentID: "a:b", APIKey: "s3cret\r\n", APIURL: "ftp://x", AppURL: "http://app.example",
		WebhookKey: "é", SessionMaxAge: -1,
	}, nil, roq.WithBatchSize(0), roq.WithTimeout(-1))
	if err == nil {
		t.Fatal("New = nil, want an error")
	}
	for _, want := range []string{
		"Config.PlatformURL", "Config.EnvironmentID", "Config.APIKey", "Config.APIURL", "Config.AppURL", "Config.WebhookKey", "Config.SessionMaxAge",
		"option 0 is nil", "WithBatchSize(0)", "WithTimeout(-1ns)",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %s:\n%v", want, err)
		}
	}
	for _, secret := range []string{"s3cret", "good@evil"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error repeats %q:\n%v", secret, err)
		}
	}
}

func TestCredentialsStayEncrypted(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.PlatformURL = "http://platform.internal"
	if _, err := roq.New(cfg); err == nil || !strings.Contains(err.Error(), "WithInsecureHTTP") {
		t.Errorf("New with http to another host = %v, want an error that names the option", err)
	}
	if _, err := roq.New(cfg, roq.WithInsecureHTTP()); err != nil {
		t.Errorf("New WithInsecureHTTP = %v", err)
	}
	cfg.PlatformURL = "http://localhost:4000/"
	if _, err := roq.New(cfg); err != nil {
		t.Errorf("New with http to this machine = %v", err)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for want, opt := range map[string]roq.Option{
		"WithHTTPClient":            roq.WithHTTPClient(nil),
		"WithTransport":             roq.WithTransport(nil),
		"WithLogger":                roq.WithLogger(nil),
		"WithUserAgent":             roq.WithUserAgent("a\r\nb: c"),
		"WithSchema(7)":             roq.WithSchema(7),
		"WithBatchSize(-1)":         roq.WithBatchSize(-1),
		"WithMaxResponseBytes(0)":   roq.WithMaxResponseBytes(0),
		"MaxAttempts is -1":         roq.WithRetry(roq.RetryPolicy{MaxAttempts: -1}),
		"MaxAttempts is 101":        roq.WithRetry(roq.RetryPolicy{MaxAttempts: 101}),
		"MinWait -1ns":              roq.WithRetry(roq.RetryPolicy{MinWait: -1}),
		"must be from 0 to 24h":     roq.WithRetry(roq.RetryPolicy{MaxWait: 1 << 61}),
		"WithTimeout(25h0m0s)":      roq.WithTimeout(25 * time.Hour),
		"WithSettleTimeout(25h":     roq.WithSettleTimeout(25 * time.Hour),
		"WithBatchSize(100000)":     roq.WithBatchSize(100_000),
		"longer than MaxWait 1s":    roq.WithRetry(roq.RetryPolicy{MinWait: 2 * time.Second, MaxWait: time.Second}),
		"returned a nil RoundTripp": roq.WithTransport(func(http.RoundTripper) http.RoundTripper { return nil }),
	} {
		if _, err := roq.New(config(), opt); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New = %v, want an error with %q", err, want)
		}
	}
	for _, opt := range []roq.Option{
		roq.WithRetry(roq.RetryPolicy{}), roq.WithRetry(roq.RetryPolicy{MinWait: time.Minute}), roq.WithRetry(roq.RetryPolicy{MaxWait: time.Millisecond}),
		roq.WithTimeout(0), roq.WithMaxResponseBytes(1), roq.WithSchema(roq.SchemaV1),
	} {
		if _, err := roq.New(config(), opt); err != nil {
			t.Errorf("New = %v", err)
		}
	}
}

func TestCallOptionsAreChecked(t *testing.T) {
	t.Parallel()
	m := newMock(t, answer("userInvite", invite))
	for want, opt := range map[string]roq.CallOption{
		"call option 0 is nil": nil,
		"WithRequestID":        roq.WithRequestID("a b"),
		"WithTimeout":          roq.WithTimeout(-1),
	} {
		_, err := m.client.AsSuperAdmin().UserInvite(t.Context(), inviteID, opt)
		if !errors.Is(err, roq.ErrInvalidInput) || !errors.Is(err, roq.ErrNotSent) || !strings.Contains(err.Error(), want) {
			t.Errorf("UserInvite = %v, want ErrInvalidInput with %q", err, want)
		}
	}
	if len(m.requests) != 0 {
		t.Errorf("%d requests were made", len(m.requests))
	}
}

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

func TestIdentities(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	other := b.AddUser(roqtest.User{TenantID: b.AddTenant("Umbrella"), Email: "al@umbrella.example"})
	session, err := b.client.ParseSession(b.SessionToken(b.user.ID))
	if err != nil {
		t.Fatal(err)
	}
	in := invitation("eve@acme.example")
	in.TenantID, in.UserInvites[0].CreatedByUserID = b.tenant, b.user.ID
	if _, err := b.client.AsSuperAdmin().SendUserInvites(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		platform *roq.RoqPlatform
		want     int
	}{
		"the user":         {b.client.AsUser(b.user.ID), 1},
		"the session":      {b.client.AsSession(session), 1},
		"the super admin":  {b.client.AsSuperAdmin(), 1},
		"another tenant's": {b.client.AsUser(other.ID), 0},
	} {
		page, err := row.platform.UserInvites(t.Context(), roq.UserInvitesQuery{})
		if err != nil || page.TotalCount != row.want {
			t.Errorf("%s sees %+v, %v; want %d invites", name, page, err, row.want)
		}
	}
	before := count(b.Server)
	if err := list(t.Context(), b.client.AsSession(session)); err != nil {
		t.Fatal(err)
	}
	if after := count(b.Server); after[roqtest.OpAuthorize] != before[roqtest.OpAuthorize] {
		t.Error("a session's call asked for another token")
	}
}

func TestHeadersOfACall(t *testing.T) {
	t.Parallel()
	m := newMock(t, answer("userInvite", invite), roq.WithUserAgent("acme-backend/2.1"))
	if _, err := m.client.AsUser(userID).UserInvite(t.Context(), inviteID, roq.WithRequestID("job-7")); err != nil {
		t.Fatal(err)
	}
	got := m.sent()[0].Header
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(environmentID+":"+apiKey))
	for name, want := range map[string]string{
		"User-Agent": "acme-backend/2.1 roq-go/" + roq.Version, "X-Request-Id": "job-7", "Roq-Platform-Server-Authorization": basic,
		"Content-Type": "application/json",
	} {
		if got.Get(name) != want {
			t.Errorf("%s = %q, want %q", name, got.Get(name), want)
		}
	}
	if _, err := m.client.AsUser(userID).UserInvite(t.Context(), inviteID); err != nil {
		t.Fatal(err)
	}
	if id := m.sent()[1].Header.Get("X-Request-Id"); id == "" || id == "job-7" {
		t.Errorf("the next call's request id is %q, want one of its own", id)
	}
}

func TestBadIdentitiesAreRefusedAtTheCall(t *testing.T) {
	t.Parallel()
	m := newMock(t, answer("userInvite", invite))
	for name, row := range map[string]struct {
		platform *roq.RoqPlatform
		kind     error
	}{
		"no user":         {m.client.AsUser(""), roq.ErrInvalidInput},
		"a user with CR":  {m.client.AsUser("a\r\nb"), roq.ErrInvalidInput},
		"no session":      {m.client.AsSession(nil), roq.ErrNoSession},
		"an empty one":    {m.client.AsSession(&roq.Session{}), roq.ErrInvalidSession},
		"one with a CRLF": {m.client.AsSession(&roq.Session{RoqAccessToken: "a\r\nEvil: b"}), roq.ErrInvalidSession},
	} {
		_, err := row.platform.UserInvite(t.Context(), inviteID)
		if !errors.Is(err, row.kind) || !errors.Is(err, roq.ErrNotSent) || !strings.HasPrefix(err.Error(), "roq: userInvite: As") {
			t.Errorf("%s: %v, want %v", name, err, row.kind)
		}
	}
	if len(m.requests) != 0 {
		t.Errorf("%d requests were made", len(m.requests))
	}
}

func TestNilContext(t *testing.T) {
	t.Parallel()
	m := newMock(t, answer("userInvite", invite))
	p := m.client.AsUser(userID)
	var none context.Context
	errs := map[string]error{}
	_, errs["SendUserInvites"] = p.SendUserInvites(none, invitation("a@b.c"))
	_, errs["UserInvites"] = p.UserInvites(none, roq.UserInvitesQuery{})
	_, errs["UserInvite"] = p.UserInvite(none, inviteID)
	_, errs["ResendUserInvite"] = p.ResendUserInvite(none, inviteID)
	_, errs["CancelUserInvite"] = p.CancelUserInvite(none, inviteID)
	_, errs["FindUsers"] = m.client.FindUsers(none, roq.FindUsersQuery{Email: "a@b.c"})
	_, errs["FetchSession"] = m.client.FetchSession(none, nil)
	for _, err := range p.AllUserInvites(none, roq.UserInvitesQuery{}) {
		errs["AllUserInvites"] = err
	}
	for name, err := range errs {
		if !errors.Is(err, roq.ErrInvalidInput) {
			t.Errorf("%s(nil) = %v, want ErrInvalidInput", name, err)
		}
	}
	if len(errs) != 8 || len(m.requests) != 0 {
		t.Errorf("%d calls made %d requests, want 8 and none", len(errs), len(m.requests))
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
		"status":        jsonAnswer(401, `{"message":"Unauthorized"}`),
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

func TestASessionsTokenCannotBeRenewed(t *testing.T) {
	t.Parallel()
	m := newMock(t, jsonAnswer(401, ""))
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
		time.Sleep(time.Hour) //nolint:forbidigo // the bubble's clock: the fetches that nobody waits for end
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

func TestTheCallersJar(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	b.Inject(roqtest.Fault{Operation: "userInvites", Skip: 1, Times: 2, Status: 503})
	b.Inject(roqtest.Fault{Header: http.Header{"Set-Cookie": {"sticky=1; Path=/", "roq-session-token=another; Path=/"}}})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := newClient(t, b.Config(), roq.WithHTTPClient(&http.Client{Jar: jar}), roq.WithRetry(roq.RetryPolicy{MinWait: time.Microsecond}))
	for range 2 {
		if err := list(t.Context(), client.AsSuperAdmin()); err != nil {
			t.Fatal(err)
		}
	}
	token := b.SessionToken(b.user.ID)
	if _, err := client.FetchSession(t.Context(), visit("__Secure-roq-session-token", token)); err != nil {
		t.Fatal(err)
	}
	for i, r := range b.Requests() {
		got := r.Header.Get("Cookie")
		switch {
		case r.Operation == roqtest.OpSession && got != "__Secure-roq-session-token="+token:
			t.Errorf("the session endpoint was sent %q, want the visitor's cookies only", got)
		case r.Operation == "userInvites" && i > 1 && strings.Count(got, "sticky=1") != 1:
			t.Errorf("request %d was sent %q, want the jar's cookies once", i, got)
		}
	}
	if _, err := roq.New(b.Config(), roq.WithHTTPClient(&http.Client{Transport: (*http.Transport)(nil)})); err == nil {
		t.Error("New with a nil *http.Transport = nil, want an error")
	}
}

func TestTheCallersClientIsNotChanged(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	transport := &http.Transport{MaxIdleConnsPerHost: 3}
	theirs := &http.Client{Transport: transport, Timeout: time.Minute}
	client := newClient(t, b.Config(), roq.WithHTTPClient(theirs))
	if err := list(t.Context(), client.AsSuperAdmin()); err != nil {
		t.Fatal(err)
	}
	// Clone sets up HTTP/2 on the original, as its own first request would.
	if theirs.Transport != transport || transport.Protocols != nil || transport.MaxIdleConnsPerHost != 3 ||
		theirs.CheckRedirect != nil || theirs.Timeout != time.Minute {
		t.Errorf("the caller's client became %+v with %+v", theirs, transport)
	}
}
