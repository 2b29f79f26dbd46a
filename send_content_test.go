package roq_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/jarcoal/httpmock"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/journal"
)

// validator refuses a send as a whole if it is to anybody at bad.example, as a
// validator in front of the platform's resolvers does.
type validator struct {
	answer httpmock.Responder
	next   http.RoundTripper
	sends  *atomic.Int32
}

func (v validator) RoundTrip(r *http.Request) (*http.Response, error) {
	if !isSend(r) {
		return v.next.RoundTrip(r)
	}
	v.sends.Add(1)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if bytes.Contains(bytes.ToLower(body), []byte("bad.example")) {
		return v.answer(r)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return v.next.RoundTrip(r)
}

// contentRefusals are the ways in which a whole batch is refused for one invite in it.
func contentRefusals() map[string]httpmock.Responder {
	graphQL := func(status int, e string) httpmock.Responder {
		return jsonAnswer(status, `{"data":null,"errors":[`+e+`]}`)
	}
	return map[string]httpmock.Responder{
		"class-validator": graphQL(200, `{"message":"Bad Request Exception","extensions":{"code":"BAD_REQUEST","originalError":{"statusCode":400,"message":["data.41.email must be an email"],"error":"Bad Request"}}}`),
		"HTTP 400":        graphQL(400, `{"message":"invalid","extensions":{"code":"BAD_USER_INPUT"}}`),
		"a variable":      graphQL(400, `{"message":"Variable \"$data\" got invalid value","extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}`),
		"REST":            jsonAnswer(422, `{"statusCode":422,"message":["no"]}`),
		"a member":        graphQL(200, `{"message":"exists","extensions":{"response":{"statusCode":409,"errorCode":"USER_ALREADY_EXISTS","message":"exists"}}}`),
	}
}

// withBad returns n people, of whom those at some places are at bad.example.
func withBad(n int, bad ...int) (inputs []roq.UserInviteInput) {
	for i := range n {
		domain := "good.example"
		if slices.Contains(bad, i) {
			domain = "bad.example"
		}
		inputs = append(inputs, roq.UserInviteInput{Email: fmt.Sprintf("p%d@%s", i, domain)})
	}
	return inputs
}

// A batch that is refused for what is in it is split until whoever is the reason
// stands alone; the others are sent.
func TestSendBatchRefusedForItsContent(t *testing.T) {
	t.Parallel()
	for name, answer := range contentRefusals() {
		for _, bad := range [][]int{{0}, {50}, {99}, {49, 50}, {0, 1, 2}, {3, 33, 63, 93}} {
			synctest.Test(t, func(t *testing.T) {
				var sends atomic.Int32
				b := newBubbled(t, nil, roq.WithTransport(func(next http.RoundTripper) http.RoundTripper { return validator{answer, next, &sends} }))
				result, err := b.client.AsUser(b.user.ID).SendUserInvites(t.Context(), roq.SendUserInvitesInput{TenantID: b.tenant, UserInvites: withBad(100, bad...)})
				if err != nil || len(result.Success) != 100-len(bad) || len(result.Errors) != len(bad) {
					t.Fatalf("%s, %v: %v; want all others sent and no error", name, bad, err)
				}
				for i, e := range result.Errors {
					if want := fmt.Sprintf("p%d@bad.example", bad[i]); e.Email != want || e.Message == "" {
						t.Errorf("%s: %+v was refused, want %s", name, e, want)
					}
				}
				if n, most := int(sends.Load()), 1+14*len(bad); n > most {
					t.Errorf("%s, %v: %d requests, want at most %d", name, bad, n, most)
				}
				if n := len(b.Outbox()); n != 100-len(bad) {
					t.Errorf("%s: %d e-mails", name, n)
				}
			})
		}
	}
}

// If every invite is refused, the request is what is wrong: nobody counts as refused,
// and there are few requests.
func TestSendBatchRefusedForTheRequest(t *testing.T) {
	t.Parallel()
	all := make([]int, 100)
	for i := range all {
		all[i] = i
	}
	for name, answer := range contentRefusals() {
		for _, n := range []int{1, 3, 100} {
			synctest.Test(t, func(t *testing.T) {
				var sends atomic.Int32
				b := newBubbled(t, nil, roq.WithTransport(func(next http.RoundTripper) http.RoundTripper { return validator{answer, next, &sends} }))
				result, err := b.client.AsUser(b.user.ID).SendUserInvites(t.Context(), roq.SendUserInvitesInput{TenantID: b.tenant, UserInvites: withBad(n, all...)})
				if name == "a member" { // which is about each invite by itself
					if !errors.Is(err, roq.ErrAlreadyExists) || errors.Is(err, roq.ErrOutcomeUnknown) || len(result.Errors) != n {
						t.Errorf("%s, %d: %v; want the refusal, of each", name, n, err)
					}
					return
				}
				if err == nil || errors.Is(err, roq.ErrOutcomeUnknown) || !strings.HasSuffix(err.Error(), "; nothing was sent") || len(result.NotSent) != n {
					t.Errorf("%s, %d: %v; want the refusal and all not sent", name, n, err)
				}
				if got := sends.Load(); got > 25 || n == 1 && got != 1 {
					t.Errorf("%s, %d: %d requests", name, n, got)
				}
			})
		}
	}
}

// A document that the platform does not know is not made better by parts.
func TestSendMalformedIsNotSplit(t *testing.T) {
	t.Parallel()
	m := newMock(t, jsonAnswer(400, `{"errors":[{"message":"Unknown type","extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}`))
	_, err := m.client.AsUser(userID).SendUserInvites(t.Context(), invitation(addresses(50)...))
	if !errors.Is(err, roq.ErrInvalidInput) || len(m.sent()) != 1 {
		t.Errorf("%v after %d requests, want ErrInvalidInput after one", err, len(m.sent()))
	}
}

// each is a stream of these inputs.
func each(inputs []roq.UserInviteInput) iter.Seq2[roq.UserInviteInput, error] {
	return func(yield func(roq.UserInviteInput, error) bool) {
		for _, in := range inputs {
			if !yield(in, nil) {
				return
			}
		}
	}
}

// A stream with one such person in each batch sends to all others, and its journal
// has who was refused.
func TestSendAllWithContentRefused(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	var bad []int
	for i := 3; i < 400; i += 20 {
		bad = append(bad, i)
	}
	inputs := withBad(400, bad...)
	path := filepath.Join(t.TempDir(), "journal")
	for run, want := range []int{380, 0} {
		var sends atomic.Int32
		answer := contentRefusals()["class-validator"]
		client := newClient(t, b.Config(), roq.WithTransport(func(next http.RoundTripper) http.RoundTripper { return validator{answer, next, &sends} }))
		file, err := journal.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		before := len(b.Outbox())
		outcomes, err := outcomesOf(t, client.AsUser(b.user.ID).SendAllUserInvites(t.Context(), roq.SendAllUserInvitesInput{
			TenantID: b.tenant, UserInvites: each(inputs),
		}, roq.WithJournal(file), roq.WithBatchSize(20)))
		if got := statuses(outcomes); err != nil || got[roq.OutcomeSent] != 380 || got[roq.OutcomeRefused] != 20 {
			t.Errorf("run %d: %v, %v; want 380 sent and 20 refused", run, got, err)
		}
		if n := len(b.Outbox()) - before; n != want {
			t.Errorf("run %d: %d e-mails, want %d", run, n, want)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// limited passes requests on whose body is short enough. It answers others before it
// has read them, or not at all, and resets the connection.
func limited(t *testing.T, platform string, limit int64, answer string) (address string) {
	t.Helper()
	to, err := url.Parse(platform)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength <= limit {
			proxy.ServeHTTP(w, r)
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, answer)
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// Whoever answers before the body is read, and resets, has processed nothing: a
// batch is sent in parts that fit.
func TestSendBehindALimitThatResets(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"no answer": "",
		"413":       "HTTP/1.1 413 Payload Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
		"a page":    "HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBackend(t)
			cfg := b.Config()
			cfg.PlatformURL = limited(t, cfg.PlatformURL, 6<<20, answer)
			client := newClient(t, cfg, roq.WithBatchSize(2000))
			in := roq.SendUserInvitesInput{TenantID: b.tenant}
			for i := range 2000 {
				// Long enough that no kernel takes the whole request.
				in.UserInvites = append(in.UserInvites, roq.UserInviteInput{Email: fmt.Sprintf("p%d@x.example", i), Variables: map[string]any{"text": strings.Repeat("x", 10_000)}})
			}
			result, err := client.AsUser(b.user.ID).SendUserInvites(t.Context(), in)
			if err != nil || len(result.Success) != 2000 || len(b.Outbox()) != 2000 {
				t.Errorf("%v, with %d e-mails; want all sent once", err, len(b.Outbox()))
			}
		})
	}
}
