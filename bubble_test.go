package roq_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// bubbled is a backend without sockets, for a synctest bubble: time stands still
// but for what the test and the client wait.
type bubbled struct {
	*backend
	// meddle may replace an answer of the platform's, once it has processed the
	// request; returning nil cuts the connection.
	meddle func(operation string, resp *http.Response) *http.Response
}

func newBubbled(t *testing.T, platform []roqtest.Option, opts ...roq.Option) *bubbled {
	t.Helper()
	srv := roqtest.NewHandler(platform...)
	b := &bubbled{backend: &backend{Server: srv, tenant: srv.AddTenant("Acme")}}
	b.user = srv.AddUser(roqtest.User{TenantID: b.tenant, Email: "ann@acme.example", Roles: []string{"admin"}})
	cfg := srv.Config()
	cfg.PlatformURL = platformURL
	b.client = newClient(t, cfg, append([]roq.Option{roq.WithHTTPClient(&http.Client{Transport: b})}, opts...)...)
	return b
}

func (b *bubbled) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	defer func() {
		if recover() != nil { // http.ErrAbortHandler
			resp, err = nil, io.ErrUnexpectedEOF
		}
	}()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	w := httptest.NewRecorder()
	b.Handler().ServeHTTP(w, r)
	resp = w.Result()
	// A server adds it, of its own clock, which need not agree with ours.
	if _, set := resp.Header["Date"]; !set {
		resp.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	}
	if b.meddle != nil {
		all := b.Requests()
		if resp = b.meddle(all[len(all)-1].Operation, resp); resp == nil {
			return nil, io.ErrUnexpectedEOF
		}
	}
	return resp, nil
}

// send invites so many people, named by name, as the user.
func (b *backend) send(ctx context.Context, n int, name string, opts ...roq.CallOption) (*roq.SendUserInvitesResult, error) {
	in := roq.SendUserInvitesInput{TenantID: b.tenant}
	for i := range n {
		in.UserInvites = append(in.UserInvites, roq.UserInviteInput{Email: fmt.Sprintf("%s%d@Example.com", name, i)})
	}
	return b.client.AsUser(b.user.ID).SendUserInvites(ctx, in, opts...)
}

// on applies a change to the n-th answer (from 1) of an operation, 0 is every one.
func on(operation string, n int, change func(*http.Response) *http.Response) func(string, *http.Response) *http.Response {
	var seen atomic.Int64
	return func(op string, resp *http.Response) *http.Response {
		if op != operation {
			return resp
		}
		if at := seen.Add(1); n != 0 && at != int64(n) {
			return resp
		}
		return change(resp)
	}
}

func cut(*http.Response) *http.Response { return nil }

// instead answers with a status and body of its own, and the platform's Date.
func instead(status int, body string) func(*http.Response) *http.Response {
	return func(resp *http.Response) *http.Response {
		other := httpmock.NewStringResponse(status, body)
		other.Header = resp.Header.Clone()
		other.Header.Del("Content-Length")
		return other
	}
}

// The ways in which a request is processed and its answer is lost.
func lostAnswers() map[string]func(*http.Response) *http.Response {
	return map[string]func(*http.Response) *http.Response{
		"cut":      cut,
		"500":      instead(500, "oops"),
		"502":      instead(502, "<html>"),
		"504":      instead(504, ""),
		"429":      instead(429, ""),
		"302":      instead(302, ""),
		"a page":   instead(200, "<html>"),
		"null":     instead(200, "null"),
		"crash":    instead(200, `{"data":null,"errors":[{"message":"boom","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}`),
		"partial":  instead(200, `{"data":{"sendUserInvi`),
		"no body":  instead(204, ""),
		"an error": instead(200, `{"errors":[{"message":"Cannot return null for non-nullable field"}]}`),
	}
}

func both(a, b func(string, *http.Response) *http.Response) func(string, *http.Response) *http.Response {
	return func(operation string, resp *http.Response) *http.Response {
		if resp = a(operation, resp); resp == nil {
			return nil
		}
		return b(operation, resp)
	}
}

// first applies a change to the first n answers of an operation.
func first(operation string, n int, change func(*http.Response) *http.Response) func(string, *http.Response) *http.Response {
	var seen atomic.Int64
	return func(op string, resp *http.Response) *http.Response {
		if op != operation || seen.Add(1) > int64(n) {
			return resp
		}
		return change(resp)
	}
}

// readBody returns a request's body, which it has again.
func readBody(r *http.Request) string {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return ""
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return string(body)
}

func setBody(r *http.Request, body string) {
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
}

// sendOf returns whom a send is to, and the body of one to the first n of them. It is
// nobody if the request is another one.
func sendOf(r *http.Request) (first func(n int) string, emails []string) {
	body := readBody(r)
	var send map[string]any
	if !strings.Contains(body, "mutation sendUserInvites") || json.Unmarshal([]byte(body), &send) != nil {
		return nil, nil
	}
	data := send["variables"].(map[string]any)["data"].(map[string]any)
	all := data["userInvites"].([]any)
	for _, one := range all {
		emails = append(emails, one.(map[string]any)["email"].(string))
	}
	return func(n int) string {
		data["userInvites"] = all[:n]
		part, _ := json.Marshal(send)
		return string(part)
	}, emails
}
