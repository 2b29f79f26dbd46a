package roq_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-roq/roq"
)

const webhookKey = "webhook-key-of-the-tests"

// Every body and header gets its status, and only whole events with the key
// reach the callback.
func TestWebhookHandler(t *testing.T) {
	t.Parallel()
	client, err := roq.New(roq.Config{PlatformURL: "https://platform.example", EnvironmentID: "e1", APIKey: "key", WebhookKey: webhookKey})
	if err != nil {
		t.Fatal(err)
	}
	invite := `{"id":"i1","email":"bob@example.com","status":"accepted","createdAt":"2026-01-02T03:04:05.000Z"}`
	event := `{"name":"roq.user-invite Update","id":"e1","object":"user_invite","data":{"current":` + invite + `,"previous":null},"environmentId":"env"}`
	for _, test := range []struct {
		name, method, key, body string
		fails                   error
		want, calls             int
	}{
		{"an event", "POST", webhookKey, event, nil, 204, 1},
		{"the callback fails", "POST", webhookKey, event, errors.New("no"), 500, 1},
		{"no key", "POST", "", event, nil, 401, 0},
		{"a wrong key", "POST", webhookKey + "x", event, nil, 401, 0},
		{"a GET", "GET", webhookKey, event, nil, 405, 0},
		{"too large", "POST", webhookKey, `{"name":"` + strings.Repeat("x", 1<<20) + `"}`, nil, 413, 0},
		{"no JSON", "POST", webhookKey, "{", nil, 400, 0},
		{"no name", "POST", webhookKey, "{}", nil, 400, 0},
		{"another object", "POST", webhookKey, `{"name":"ROQ_USER_INSERT","object":"user","data":{"current":{"id":1}}}`, nil, 204, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got []roq.WebhookEvent
			handler, err := client.WebhookHandler(func(_ context.Context, e roq.WebhookEvent) error {
				got = append(got, e)
				return test.fails
			})
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequestWithContext(t.Context(), test.method, "/", strings.NewReader(test.body))
			if test.key != "" {
				r.Header.Set("roq-platform-webhook-key", test.key)
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code != test.want || len(got) != test.calls {
				t.Fatalf("status %d and %d calls, want %d and %d", w.Code, len(got), test.want, test.calls)
			}
			if test.calls == 0 {
				return
			}
			if string(got[0].Raw) != test.body {
				t.Errorf("Raw = %s", got[0].Raw)
			}
			if test.body == event && (got[0].Name != roq.EventUserInviteUpdate || got[0].Object != "userInvite" ||
				got[0].Current == nil || got[0].Current.Status != roq.StatusAccepted || got[0].Previous != nil) {
				t.Errorf("the event is %+v", got[0])
			}
			if test.body != event && got[0].Current != nil {
				t.Errorf("a user became the invite %+v", got[0].Current)
			}
		})
	}
}

// Without a key anybody could send events: the handler is not made.
func TestWebhookHandlerNeedsKeyAndFunction(t *testing.T) {
	t.Parallel()
	cfg := roq.Config{PlatformURL: "https://platform.example", EnvironmentID: "e1", APIKey: "key"}
	take := func(context.Context, roq.WebhookEvent) error { return nil }
	for _, test := range []struct {
		key    string
		handle func(context.Context, roq.WebhookEvent) error
	}{{"", take}, {webhookKey, nil}} {
		cfg.WebhookKey = test.key
		client, err := roq.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		var handler http.Handler
		if handler, err = client.WebhookHandler(test.handle); err == nil || handler != nil {
			t.Errorf("with the key %q WebhookHandler = %v, %v", test.key, handler, err)
		}
	}
}
