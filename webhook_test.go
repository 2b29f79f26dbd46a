package roq_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/go-roq/roq"
)

const webhookKey = "webhook-key-of-the-tests"

// hooked is a webhook handler and what its callback was given.
type hooked struct {
	http.Handler
	log bytes.Buffer

	mu     sync.Mutex
	events []roq.WebhookEvent
}

// newHooked returns a handler whose callback returns err.
func newHooked(t testing.TB, err error) *hooked {
	t.Helper()
	h := &hooked{}
	cfg := config()
	cfg.WebhookKey = webhookKey
	client := newClient(t, cfg, roq.WithLogger(slog.New(slog.NewTextHandler(&h.log, nil))))
	var failed error
	h.Handler, failed = client.WebhookHandler(func(_ context.Context, e roq.WebhookEvent) error {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.events = append(h.events, e)
		return err
	})
	if failed != nil {
		t.Fatal(failed)
	}
	return h
}

// post sends a body with the given keys and returns the answer.
func (h *hooked) post(t testing.TB, body io.Reader, keys ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", body)
	r.Header["Roq-Platform-Webhook-Key"] = keys
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// hook is the body of a webhook, as the platform's documentation shows one.
func hook(name, object, current, previous string) string {
	return fmt.Sprintf(`{"name":%q,"id":"a1b2","object":%q,"data":{"current":%s,"previous":%s},"environmentId":%q}`,
		name, object, current, previous, environmentID)
}

const (
	pendingInvite = `{"id":"` + inviteID + `","email":"bob@example.com","roleKeys":["member"],"status":"pending",` +
		`"tenantId":"` + tenantID + `","createdAt":"2026-01-02T03:04:05.000Z","updatedAt":"2026-01-02T03:04:05.000Z"}`
	acceptedInvite = `{"id":"` + inviteID + `","email":"bob@example.com","roleKeys":null,"status":"accepted",` +
		`"tenantId":"` + tenantID + `","createdAt":"2026-01-02T03:04:05.000Z","updatedAt":"2026-01-03T00:00:00.000Z"}`
)

// A whole event reaches the callback, typed, with the body as it came.
func TestWebhookEvent(t *testing.T) {
	t.Parallel()
	h := newHooked(t, nil)
	body := hook("ROQ_USER_INVITE_UPDATE", "userInvite", acceptedInvite, pendingInvite)
	if w := h.post(t, strings.NewReader(body), webhookKey); w.Code != 204 || w.Body.Len() != 0 {
		t.Fatalf("the answer is %d %q, want 204 and nothing", w.Code, w.Body)
	}
	got := h.events[0]
	if got.ID != "a1b2" || got.Name != roq.EventUserInviteUpdate || got.Object != "userInvite" || got.EnvironmentID != environmentID || string(got.Raw) != body {
		t.Errorf("the event is %+v", got)
	}
	if got.Current.ID != inviteID || got.Current.Status != roq.StatusAccepted || got.Current.UpdatedAt.Day() != 3 || got.Current.RoleKeys != nil {
		t.Errorf("Current is %+v", got.Current)
	}
	if got.Previous.Status != roq.StatusPending || !slices.Equal(got.Previous.RoleKeys, []string{"member"}) || got.Previous.Email != "bob@example.com" {
		t.Errorf("Previous is %+v", got.Previous)
	}
	if h.log.Len() != 0 {
		t.Errorf("an event that was handled is logged: %s", &h.log)
	}
}

// An invite's event is one in whatever case and with whatever separators, and
// what only looks like one passes as it came.
func TestWebhookNames(t *testing.T) {
	t.Parallel()
	const insert, update, remove = roq.EventUserInviteInsert, roq.EventUserInviteUpdate, roq.EventUserInviteRemove
	for _, test := range []struct{ name, object, want, wantObject string }{
		{"ROQ_USER_INVITE_INSERT", "userInvite", insert, "userInvite"},
		{"roq_user_invite_insert", "user_invite", insert, "userInvite"},
		{"roq.user-invite.Update", "UserInvite", update, "userInvite"},
		{"RoqUserInviteRemove", "USER INVITE", remove, "userInvite"},
		// The name is enough: what the object is called is inferred too.
		{"ROQ_USER_INVITE_REMOVE", "invite", remove, "userInvite"},
		{"ROQ_USER_INVITE_UPDATE", "", update, "userInvite"},
		// An action that is not known yet is still an invite's.
		{"ROQ_USER_INVITE_ACCEPT", "userInvite", "ROQ_USER_INVITE_ACCEPT", "userInvite"},
		{"ROQ_USER_INSERT", "user", "ROQ_USER_INSERT", "user"},
		{"ROQ_USER_INVITES_INSERT", "userInvites", "ROQ_USER_INVITES_INSERT", "userInvites"},
		{"ROQ_MESSAGE_INSERT", "message", "ROQ_MESSAGE_INSERT", "message"},
	} {
		t.Run(test.name+" "+test.object, func(t *testing.T) {
			t.Parallel()
			h := newHooked(t, nil)
			if w := h.post(t, strings.NewReader(hook(test.name, test.object, pendingInvite, "null")), webhookKey); w.Code != 204 {
				t.Fatalf("the answer is %d %s", w.Code, w.Body)
			}
			got := h.events[0]
			if got.Name != test.want || got.Object != test.wantObject {
				t.Errorf("Name, Object = %q, %q, want %q, %q", got.Name, got.Object, test.want, test.wantObject)
			}
			if isInvite := got.Current != nil; isInvite != (test.wantObject == "userInvite") {
				t.Errorf("%s has the invite %+v", test.name, got.Current)
			}
		})
	}
}

// What an invite's event holds instead of an invite leaves it nil, and the event
// is passed on all the same: what is in Raw may be of use.
func TestWebhookWithoutAnInvite(t *testing.T) {
	t.Parallel()
	for name, current := range map[string]string{
		"null": "null", "a number": "7", "no id": `{"email":"bob@example.com"}`, "an empty object": "{}",
		"a bad time": `{"id":"i","createdAt":"yesterday"}`, "a list": "[" + pendingInvite + "]",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHooked(t, nil)
			body := hook(roq.EventUserInviteRemove, "userInvite", current, pendingInvite)
			if w := h.post(t, strings.NewReader(body), webhookKey); w.Code != 204 {
				t.Fatalf("the answer is %d %s", w.Code, w.Body)
			}
			if got := h.events[0]; got.Current != nil || got.Previous == nil || string(got.Raw) != body {
				t.Errorf("Current, Previous = %+v, %+v, want only the second", got.Current, got.Previous)
			}
			if logged := strings.Contains(h.log.String(), "level=WARN"); logged != (name != "null") {
				t.Errorf("logged is %q", &h.log)
			}
		})
	}
}

// Only a POST with the key and a whole event gets to the callback, and each of
// the others is told why in its status.
func TestWebhookRefusals(t *testing.T) {
	t.Parallel()
	event := hook(roq.EventUserInviteInsert, "userInvite", pendingInvite, "null")
	largest := `{"name":"n","data":{"current":"` + strings.Repeat("x", 1<<20-len(`{"name":"n","data":{"current":""}}`)) + `"}}`
	for _, test := range []struct {
		name, body string
		keys       []string
		want       int
	}{
		{"the key", event, []string{webhookKey}, 204},
		{"no key", event, nil, 401},
		{"an empty key", event, []string{""}, 401},
		{"a wrong key", event, []string{"webhook-key-of-the-testz"}, 401},
		{"the beginning of the key", event, []string{webhookKey[:8]}, 401},
		{"the key and more", event, []string{webhookKey + "x"}, 401},
		{"the key in capitals", event, []string{strings.ToUpper(webhookKey)}, 401},
		{"the key twice", event, []string{webhookKey, webhookKey}, 401},
		{"a wrong key and the key", event, []string{"x", webhookKey}, 401},
		{"the largest", largest, []string{webhookKey}, 204},
		{"too large", largest + " ", []string{webhookKey}, 413},
		{"too large, without a key", largest + " ", nil, 401},
		{"nothing", "", []string{webhookKey}, 400},
		{"no JSON", "{", []string{webhookKey}, 400},
		{"a list of events", "[" + event + "]", []string{webhookKey}, 400},
		{"two events", event + event, []string{webhookKey}, 400},
		{"null", "null", []string{webhookKey}, 400},
		{"no name", `{"id":"1","object":"userInvite","data":{}}`, []string{webhookKey}, 400},
		{"a name twice", `{"name":"a","name":"b"}`, []string{webhookKey}, 400},
		{"a name that is no text", `{"name":7}`, []string{webhookKey}, 400},
		{"no UTF-8", "{\"name\":\"\xff\"}", []string{webhookKey}, 400},
		{"a form", "name=x", []string{webhookKey}, 400},
		{"a byte order mark only", "\ufeff", []string{webhookKey}, 400},
		{"an object twice", `{"name":"a","object":"user","object":"userInvite"}`, []string{webhookKey}, 400},
		{"an id twice", `{"name":"a","id":1,"id":2}`, []string{webhookKey}, 400},
		{"an invite's id twice", hook(roq.EventUserInviteInsert, "userInvite", `{"id":"a","id":"b"}`, "null"), []string{webhookKey}, 400},
		{"half a pair and no key", strings.Replace(event, "bob", `\ud800`, 1), nil, 401},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHooked(t, nil)
			w := h.post(t, strings.NewReader(test.body), test.keys...)
			if w.Code != test.want {
				t.Errorf("the answer is %d %s, want %d", w.Code, w.Body, test.want)
			}
			if called := len(h.events) == 1; called != (test.want == 204) {
				t.Errorf("the callback was called %d times", len(h.events))
			}
			if logged := strings.Contains(h.log.String(), "webhook refused"); logged != (test.want != 204) {
				t.Errorf("logged is %q", &h.log)
			}
		})
	}
}

// What this module does not read may be malformed: the event is passed on as it came.
func TestWebhookIsTolerant(t *testing.T) {
	t.Parallel()
	user := func(current string) string { return hook("ROQ_USER_UPDATE", "user", current, "null") }
	for name, row := range map[string]struct{ body, id string }{
		"half a surrogate pair":      {user(`{"firstName":"\ud800"}`), "a1b2"},
		"text that is not UTF-8":     {user("{\"firstName\":\"J\xfcrgen\"}"), "a1b2"},
		"a member twice":             {user(`{"id":1,"id":2}`), "a1b2"},
		"a member of the event":      {strings.Replace(user("{}"), `"id"`, `"sent":1,"sent":2,"id"`, 1), "a1b2"},
		"a numeric id":               {strings.Replace(user("{}"), `"a1b2"`, "7", 1), "7"},
		"data that is a list":        {`{"name":"ROQ_MESSAGE_INSERT","id":"m","object":"message","data":["\ud800"]}`, "m"},
		"a byte order mark":          {"\ufeff" + user("{}"), "a1b2"},
		"all of it":                  {"\ufeff" + strings.Replace(user(`{"a":"\ud800","a":"`+"\xff"+`"}`), `"a1b2"`, "7", 1), "7"},
		"an invite's name":           {hook(roq.EventUserInviteInsert, "userInvite", `{"id":"i","firstName":"\ud800"}`, "null"), "a1b2"},
		"an invite's name, Latin-1":  {hook(roq.EventUserInviteInsert, "userInvite", "{\"id\":\"i\",\"firstName\":\"\xff\"}", "null"), "a1b2"},
		"an invite's unknown member": {hook(roq.EventUserInviteInsert, "userInvite", `{"id":"i","firstName":"\ufffd","x":1,"x":2}`, "null"), "a1b2"},
		"an invite's numeric id":     {hook(roq.EventUserInviteInsert, "userInvite", `{"id":7,"firstName":"\ufffd"}`, "null"), "a1b2"},
	} {
		h := newHooked(t, nil)
		if w := h.post(t, strings.NewReader(row.body), webhookKey); w.Code != 204 {
			t.Errorf("%s: the answer is %d %s", name, w.Code, w.Body)
			continue
		}
		e := h.events[0]
		if raw := strings.TrimPrefix(row.body, "\ufeff"); e.ID != row.id || string(e.Raw) != raw || !json.Valid(e.Raw) {
			t.Errorf("%s: the event is %+v with %q", name, e, e.Raw)
		}
		if isInvite := strings.HasPrefix(name, "an invite"); isInvite != (e.Current != nil) || isInvite && (e.Current.FirstName != "\ufffd" || e.Current.ID != "i" && e.Current.ID != "7") {
			t.Errorf("%s: the invite is %+v", name, e.Current)
		}
		// The same body again is the same event.
		if h.expect(t, row.body, 204, 1); strings.Contains(h.log.String(), "refused") {
			t.Errorf("%s: logged is %q", name, &h.log)
		}
		noCanary(t, "the log", h.log.String())
	}
	// Two that differ in what is malformed are two.
	h := newHooked(t, nil)
	h.expect(t, user(`{"a":"\ud800"}`), 204, 1)
	h.expect(t, user(`{"a":"\ud801"}`), 204, 2)
	h.expect(t, "\ufeff"+user(`{}`), 204, 3)
	h.expect(t, user(`{}`), 204, 3)
}

// Another method is told which one to use, with or without the key.
func TestWebhookMethods(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "post"} {
		h := newHooked(t, nil)
		r := httptest.NewRequestWithContext(t.Context(), method, "/", strings.NewReader(hook("n", "o", "1", "1")))
		r.Header.Set("roq-platform-webhook-key", webhookKey)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 405 || w.Header().Get("Allow") != "POST" || len(h.events) != 0 {
			t.Errorf("%s gives %d, Allow %q and %d calls", method, w.Code, w.Header().Get("Allow"), len(h.events))
		}
	}
}

// A body that ends early is refused, so that the platform sends it again.
func TestWebhookCut(t *testing.T) {
	t.Parallel()
	h := newHooked(t, nil)
	w := h.post(t, io.MultiReader(strings.NewReader(`{"name":`), iotest.ErrReader(io.ErrUnexpectedEOF)), webhookKey)
	if w.Code != 400 || len(h.events) != 0 {
		t.Errorf("the answer is %d with %d calls", w.Code, len(h.events))
	}
}

// A callback that fails makes the platform try again, and what it says stays
// out of the answer and the log.
func TestWebhookCallbackFails(t *testing.T) {
	t.Parallel()
	h := newHooked(t, errors.New("no row for canary@acme.example"))
	w := h.post(t, strings.NewReader(hook("canary@acme.example", "userInvite", `{"id":"canary@acme.example","createdAt":"x"}`, "null")), webhookKey)
	if w.Code != 500 || len(h.events) != 1 {
		t.Errorf("the answer is %d with %d calls, want 500 and one", w.Code, len(h.events))
	}
	noCanary(t, "the answer", w.Body.String())
	noCanary(t, "the log", h.log.String())
	if !strings.Contains(h.log.String(), "webhook failed") {
		t.Errorf("logged is %q", &h.log)
	}
}

// Without a key anybody could send events: the handler is not made.
func TestWebhookHandlerNeedsKeyAndFunction(t *testing.T) {
	t.Parallel()
	take := func(context.Context, roq.WebhookEvent) error { return nil }
	for _, test := range []struct {
		key, want string
		handle    func(context.Context, roq.WebhookEvent) error
	}{{"", "Config.WebhookKey must not be empty", take}, {webhookKey, "must not be nil", nil}} {
		cfg := config()
		cfg.WebhookKey = test.key
		handler, err := newClient(t, cfg).WebhookHandler(test.handle)
		if handler != nil || err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("with the key %q WebhookHandler = %v, %v, want %q", test.key, handler, err, test.want)
		}
	}
}

// An invite's life as the platform's webhooks tell it, with a backend that
// fails once and is told again.
func TestWebhooksWhole(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	var told []roq.WebhookEvent
	down := true
	var mu sync.Mutex
	handler, err := b.client.WebhookHandler(func(_ context.Context, e roq.WebhookEvent) error {
		mu.Lock()
		defer mu.Unlock()
		if down {
			return errors.New("down")
		}
		told = append(told, e)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	receiver := httptest.NewServer(handler)
	t.Cleanup(receiver.Close)
	b.SendWebhooks(receiver.URL)

	platform := b.client.AsUser(b.user.ID)
	sent, err := platform.SendUserInvites(t.Context(), roq.SendUserInvitesInput{
		TenantID: b.tenant, UserInvites: []roq.UserInviteInput{{Email: "bob@example.com"}},
	})
	if err := errors.Join(err, sent.Err()); err != nil {
		t.Fatal(err)
	}
	b.Advance(0)
	deliveries := b.Deliveries()
	mu.Lock()
	down = false
	mu.Unlock()
	if len(deliveries) != 1 || deliveries[0].Status != 500 || len(told) != 0 {
		t.Fatalf("while the backend is down: %+v, %d told", deliveries, len(told))
	}
	b.Advance(31 * time.Minute)
	if _, err := platform.CancelUserInvite(t.Context(), sent.Success[0].ID); err != nil {
		t.Fatal(err)
	}
	b.Advance(0)
	mu.Lock()
	defer mu.Unlock()
	if len(told) != 2 {
		t.Fatalf("%d events were told, want 2", len(told))
	}
	if e := told[0]; e.Name != roq.EventUserInviteInsert || e.Current.Email != "bob@example.com" || e.Current.Status != roq.StatusPending || e.Previous != nil {
		t.Errorf("the first event is %+v", e)
	}
	if e := told[1]; e.Name != roq.EventUserInviteUpdate || e.Current.Status != roq.StatusCanceled || e.Previous.Status != roq.StatusPending {
		t.Errorf("the second event is %+v", e)
	}
}

// FuzzWebhookHandler takes any body for a webhook: it never panics, answers with
// one of its statuses, and hands on nothing but what is JSON, unchanged.
func FuzzWebhookHandler(f *testing.F) {
	f.Add([]byte(hook(roq.EventUserInviteUpdate, "userInvite", acceptedInvite, pendingInvite)))
	f.Add([]byte(hook("ROQ_USER_INSERT", "user", `{"id":1}`, "null")))
	f.Add([]byte(`{"name":"roq user invite insert","data":{"current":{"id":"","createdAt":7}}}`))
	f.Add([]byte(`{"name":"a","name":"b"}`))
	f.Add([]byte("\ufeff" + hook("ROQ_USER_INSERT", "user", `{"a":"\ud800","a":1}`, "null")))
	f.Fuzz(func(t *testing.T, body []byte) {
		h := newHooked(t, nil)
		w := h.post(t, bytes.NewReader(body), webhookKey)
		switch {
		case w.Code != 204 && w.Code != 400 && w.Code != 413:
			t.Errorf("the answer is %d", w.Code)
		case (w.Code == 204) != (len(h.events) == 1):
			t.Errorf("the answer is %d with %d calls", w.Code, len(h.events))
		case w.Code == 204 && (!json.Valid(h.events[0].Raw) || !bytes.Equal(h.events[0].Raw, bytes.TrimPrefix(body, []byte("\ufeff"))) || h.events[0].Name == ""):
			t.Errorf("%q became %+v", body, h.events[0])
		}
		if w.Code != 204 {
			return
		}
		for _, invite := range []*roq.UserInvite{h.events[0].Current, h.events[0].Previous} {
			if invite != nil && (invite.ID == "" || h.events[0].Object != "userInvite") {
				t.Errorf("%q became the invite %+v", body, invite)
			}
		}
	})
}
