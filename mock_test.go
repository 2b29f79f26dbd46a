package roq_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/jarcoal/httpmock"

	"github.com/go-roq/roq"
)

// The environment of the captured requests, and ids that appear in them.
const (
	platformURL   = "https://platform.example"
	environmentID = "e3408733-0ac2-4596-8264-0a7da2481801"
	apiKey        = "example-api-key"
	tenantID      = "ee764883-f2c3-4486-9de6-070345e350af"
	userID        = "530c9a92-71c5-4dce-a6e3-c638c2d0b1bc"
	inviteID      = "db7a682d-6dca-4259-b15b-83aef12d1f5c"
)

func config() roq.Config {
	return roq.Config{
		PlatformURL: platformURL, EnvironmentID: environmentID, APIKey: apiKey,
		APIURL: "https://api.example", AppURL: "https://app.example",
	}
}

// request is what a mocked platform was sent.
type request struct {
	Method, Path, Query string
	Header              http.Header
	Body                string
}

// graphQL reads the body of a GraphQL request.
func (r request) graphQL(t *testing.T) (query, operationName string, variables map[string]any) {
	t.Helper()
	var body struct {
		Query         string         `json:"query"`
		OperationName string         `json:"operationName"`
		Variables     map[string]any `json:"variables"`
	}
	if err := json.Unmarshal([]byte(r.Body), &body); err != nil {
		t.Fatalf("the body is not GraphQL: %v: %s", err, r.Body)
	}
	return body.Query, body.OperationName, body.Variables
}

// mock is a platform that gives out tokens and answers the rest as a test says.
// It has no sockets, so it works in a synctest bubble too.
type mock struct {
	client *roq.Client

	mu       sync.Mutex
	requests []request
}

// newMock answers every request that is not for a token with responder.
func newMock(t testing.TB, responder httpmock.Responder, opts ...roq.Option) *mock {
	t.Helper()
	m := &mock{}
	transport := httpmock.NewMockTransport()
	transport.RegisterResponder("POST", platformURL+"/v01/authorize/serviceAccount", m.note(jsonAnswer(200, `{"accessToken":"`+accessToken(time.Hour)+`"}`)))
	transport.RegisterResponder("POST", platformURL+"/v01/authorize", m.note(jsonAnswer(200, `{"accessToken":"`+accessToken(time.Hour)+`"}`)))
	transport.RegisterNoResponder(m.note(responder))
	m.client = newClient(t, config(), append([]roq.Option{roq.WithHTTPClient(&http.Client{Transport: transport})}, opts...)...)
	return m
}

func (m *mock) note(next httpmock.Responder) httpmock.Responder {
	return func(r *http.Request) (*http.Response, error) {
		noted := request{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Header: r.Header.Clone()}
		if r.Body != nil {
			body, _ := io.ReadAll(r.Body)
			noted.Body = string(body)
			r.Body = io.NopCloser(strings.NewReader(noted.Body))
		}
		m.mu.Lock()
		m.requests = append(m.requests, noted)
		m.mu.Unlock()
		return next(r)
	}
}

// sentFor returns the requests for one operation.
func (m *mock) sentFor(t testing.TB, operation string) []request {
	t.Helper()
	var sent []request
	for _, r := range m.sent() {
		if strings.Contains(r.Body, `"operationName":"`+operation+`"`) {
			sent = append(sent, r)
		}
	}
	return sent
}

// byOperation answers requests for an operation with one responder, and all
// others, which look for its outcome, with another.
func byOperation(operation string, its, others httpmock.Responder) httpmock.Responder {
	return func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if bytes.Contains(body, []byte(`"operationName":"`+operation+`"`)) {
			return its(r)
		}
		return others(r)
	}
}

// nothingFound answers look-ups: nobody was invited, and the invite is as it was.
func nothingFound() httpmock.Responder {
	body := `{"data":{"userInvites":{"data":[],"totalCount":0},"userInvite":` + invite + `}}`
	return func(*http.Request) (*http.Response, error) {
		resp := httpmock.NewStringResponse(http.StatusOK, body)
		resp.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
		return resp, nil
	}
}

// sent returns the requests that were not for a token.
func (m *mock) sent() []request {
	m.mu.Lock()
	defer m.mu.Unlock()
	var sent []request
	for _, r := range m.requests {
		if !strings.HasPrefix(r.Path, "/v01/authorize") {
			sent = append(sent, r)
		}
	}
	return sent
}

// jsonAnswer is a responder that can be used again and again.
func jsonAnswer(status int, body string) httpmock.Responder {
	return httpmock.NewStringResponder(status, body).HeaderSet(http.Header{"Content-Type": {"application/json"}})
}

// refusal answers as the platform does where it knows nothing of GraphQL.
func refusal(status int) httpmock.Responder {
	return jsonAnswer(status, fmt.Sprintf(`{"statusCode":%d}`, status))
}

// inOrder answers the n-th request with the n-th responder, and further ones
// with the last.
func inOrder(responders ...httpmock.Responder) httpmock.Responder {
	var mu sync.Mutex
	n := 0
	return func(r *http.Request) (*http.Response, error) {
		mu.Lock()
		next := responders[min(n, len(responders)-1)]
		n++
		mu.Unlock()
		return next(r)
	}
}

func accessToken(life time.Duration) string {
	return signed("platform-secret", jwt.MapClaims{
		"roqEnvironmentId": environmentID, "roqUserId": userID, "iat": time.Now().Unix(), "exp": time.Now().Add(life).Unix(),
	})
}

func signed(key string, claims jwt.MapClaims) string {
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(key))
	if err != nil {
		panic(err)
	}
	return token
}

// The documented answer of an invite, and answers made of it.
const invite = `{"acceptedByUserId":null,"createdAt":"2023-10-27T00:14:36.900Z","createdByUserId":"8b249b07-bdd9-43f7-a10e-ace10f27ff66",
"data":null,"email":"wick.john@roq.tech","firstName":"","id":"db7a682d-6dca-4259-b15b-83aef12d1f5c","locale":"en-US","lastName":"",
"roleKeys":null,"status":"pending","statusUpdatedAt":"2022-08-10T09:02:18.579Z","tenantId":"dc92f95d-42bd-45af-84a7-da227d694cbb",
"updatedAt":"2023-10-27T00:14:36.900Z","userTokenId":"e9ff1946-6060-4917-911b-c571cd98466a"}`

func answer(field, value string) httpmock.Responder {
	return jsonAnswer(200, `{"data":{"`+field+`":`+value+`}}`)
}

// invitation is an input that passes every check.
func invitation(emails ...string) roq.SendUserInvitesInput {
	in := roq.SendUserInvitesInput{TenantID: tenantID}
	for _, email := range emails {
		in.UserInvites = append(in.UserInvites, roq.UserInviteInput{CreatedByUserID: userID, Email: email})
	}
	return in
}
