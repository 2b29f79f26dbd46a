package roqtest_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// attempt sends one invite and returns what HTTP made of it.
func (p *platform) attempt(token, email string) (status int, body string, err error) {
	p.t.Helper()
	document := `{"query":"mutation sendUserInvites($data: UserInvitesCreateV2Dto!) { sendUserInvitesV2(data: $data) { success { id } } }","operationName":"sendUserInvites",` +
		`"variables":{"data":{"tenantId":"` + p.tenant + `","userInvites":[{"createdByUserId":"` + p.ann.ID + `","email":"` + email + `"}]}}}`
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.URL+"/v01/server/graphql", strings.NewReader(document))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Roq-Platform-Authorization", "Bearer "+token)
	req.Header.Set("Roq-Platform-Server-Authorization", p.basic())
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	read, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(read), err
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		fault  roqtest.Fault
		status int
		body   string // a part of it
		failed bool
		mailed int
	}{
		"status and body": {roqtest.Fault{Status: 502, Body: "<html>"}, 502, "<html>", false, 0},
		"a status":        {roqtest.Fault{Status: 429, Header: http.Header{"Retry-After": {"1"}}}, 429, "", false, 0},
		"a body":          {roqtest.Fault{Body: "null"}, 200, "null", false, 0},
		"a header":        {roqtest.Fault{Header: http.Header{"Date": nil, "X-Request-Id": {"r"}}}, 200, "success", false, 1},
		"drop before":     {roqtest.Fault{Drop: roqtest.DropBefore}, 0, "", true, 0},
		"drop after":      {roqtest.Fault{Drop: roqtest.DropAfter}, 0, "", true, 1},
		"truncate":        {roqtest.Fault{Truncate: 9}, 200, `{"data":{`, true, 1},
		"truncate later":  {roqtest.Fault{Truncate: 9999}, 200, "success", false, 1},
		"delay":           {roqtest.Fault{Delay: time.Millisecond}, 200, "success", false, 1},
		"another's":       {roqtest.Fault{Operation: "userInvites", Status: 500}, 200, "success", false, 1},
	} {
		p := newPlatform(t)
		token := p.serviceToken()
		p.Inject(row.fault)
		status, body, err := p.attempt(token, "a@x.org")
		if status != row.status || !strings.Contains(body, row.body) || (err != nil) != row.failed || len(p.Outbox()) != row.mailed {
			t.Errorf("%s: %d %q, %v and %d e-mails; want %d %q and %d", name, status, body, err, len(p.Outbox()), row.status, row.body, row.mailed)
		}
	}
}

func TestFaultsCount(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	token := p.serviceToken()
	p.Inject(roqtest.Fault{Operation: "sendUserInvites", Skip: 1, Times: 2, Status: 503})
	p.Inject(roqtest.Fault{Operation: "sendUserInvites", Skip: 2, Times: 2, Status: 504}) // the first of two that fit happens, then the other
	var got []int
	for range 5 {
		status, _, err := p.attempt(token, "a@x.org")
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, status)
	}
	if want := []int{200, 503, 503, 504, 504}; len(got) != 5 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] || got[3] != want[3] || got[4] != want[4] {
		t.Errorf("statuses = %v, want %v", got, want)
	}
}

func TestFaultsReachEveryEndpoint(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	visit, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	visit.AddCookie(&http.Cookie{Name: "roq-session-token", Value: p.SessionToken(p.ann.ID)})
	asUser := func(c *roq.Client) error {
		_, err := c.AsUser(p.ann.ID).UserInvites(t.Context(), roq.UserInvitesQuery{})
		return err
	}
	for operation, call := range map[string]func(*roq.Client) error{
		roqtest.OpFindUsers: func(c *roq.Client) error {
			_, err := c.FindUsers(t.Context(), roq.FindUsersQuery{Email: "a@x.org"})
			return err
		},
		roqtest.OpSession:                 func(c *roq.Client) error { _, err := c.FetchSession(t.Context(), visit); return err },
		roqtest.OpAuthorizeServiceAccount: asUser,
		roqtest.OpAuthorize:               asUser,
		"userInvites":                     asUser,
	} {
		client, err := roq.New(p.Config(), roq.WithRetry(roq.RetryPolicy{MaxAttempts: 1}))
		if err != nil {
			t.Fatal(err)
		}
		p.Inject(roqtest.Fault{Operation: operation, Times: 1, Status: 418})
		var e *roq.Error
		if err := call(client); !errors.As(err, &e) || e.StatusCode != 418 {
			t.Errorf("%s: %v, want the fault's status", operation, err)
		}
		client.CloseIdleConnections()
	}
}

// A refusal without a body is the platform's, in its own form; what asks to wait, or
// has a body, is not.
func TestFaultRefuses(t *testing.T) {
	t.Parallel()
	for status, own := range map[int]bool{400: true, 401: true, 403: true, 404: true, 422: true, 408: false, 425: false, 429: false, 503: false} {
		p := newPlatform(t)
		token := p.serviceToken()
		p.Inject(roqtest.Fault{Operation: "sendUserInvites", Times: 1, Status: status})
		if got, body, err := p.attempt(token, "a@x.org"); err != nil || got != status || strings.Contains(body, fmt.Sprintf(`"statusCode":%d`, status)) != own || strings.HasPrefix(body, `{"data":null,"errors":[`) != own {
			t.Errorf("%d: %d %s, %v", status, got, body, err)
		}
		p.Inject(roqtest.Fault{Operation: "sendUserInvites", Times: 1, Status: status, Body: "<html>"})
		if got, body, err := p.attempt(token, "a@x.org"); err != nil || got != status || body != "<html>" {
			t.Errorf("%d with a body: %d %s, %v", status, got, body, err)
		}
	}
}
