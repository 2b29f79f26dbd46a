package roq_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-roq/roq"
)

// expect posts a body and compares the answer and how often the callback was
// called so far.
func (h *hooked) expect(t *testing.T, body string, status, calls int) {
	t.Helper()
	w := h.post(t, strings.NewReader(body), webhookKey)
	h.mu.Lock()
	defer h.mu.Unlock()
	if w.Code != status || len(h.events) != calls {
		t.Errorf("the response is %d after %d calls, want %d after %d", w.Code, len(h.events), status, calls)
	}
}

// handlerOf is a webhook handler with that callback.
func handlerOf(t testing.TB, handle func(context.Context, roq.WebhookEvent) error) *hooked {
	t.Helper()
	cfg := config()
	cfg.WebhookKey = webhookKey
	handler, err := newClient(t, cfg).WebhookHandler(handle)
	if err != nil {
		t.Fatal(err)
	}
	return &hooked{Handler: handler}
}

// What was handled is not handled again, however it is written.
func TestWebhookRepeats(t *testing.T) {
	t.Parallel()
	h := newHooked(t, nil)
	insert := hook(roq.EventUserInviteInsert, "userInvite", pendingInvite, "null")
	h.expect(t, insert, 204, 1)
	for _, repeat := range []string{
		insert,
		"\n " + strings.ReplaceAll(insert, ",", " ,\r\n\t"),
		strings.Replace(insert, "userInvite", `us\u0065rInvite`, 1),
		// The members of both objects in another order.
		fmt.Sprintf(`{"environmentId":%q,"data":{"previous":null,"current":%s},"object":"userInvite","id":"a1b2","name":%q}`,
			environmentID, `{"updatedAt":"2026-01-02T03:04:05.000Z",`+strings.Replace(pendingInvite[1:], `,"updatedAt":"2026-01-02T03:04:05.000Z"`, "", 1), roq.EventUserInviteInsert),
	} {
		h.expect(t, repeat, 204, 1)
	}
	// The same id, which may be the object's, and the same invite: others all the same.
	h.expect(t, hook(roq.EventUserInviteUpdate, "userInvite", acceptedInvite, pendingInvite), 204, 2)
	later := strings.Replace(acceptedInvite, "2026-01-03", "2026-01-04", 1)
	h.expect(t, hook(roq.EventUserInviteUpdate, "userInvite", later, acceptedInvite), 204, 3)
	// Numbers that a float64 does not tell apart, and a list in another order.
	h.expect(t, hook("ROQ_USER_INSERT", "user", `{"id":9007199254740993}`, "null"), 204, 4)
	h.expect(t, hook("ROQ_USER_INSERT", "user", `{"id":9007199254740992}`, "null"), 204, 5)
	h.expect(t, hook("ROQ_USER_INSERT", "user", `["a","b"]`, "null"), 204, 6)
	h.expect(t, hook("ROQ_USER_INSERT", "user", `["b","a"]`, "null"), 204, 7)
	// Another handler has a memory of its own.
	newHooked(t, nil).expect(t, insert, 204, 1)
}

// Only with the key does anybody learn that an event was handled.
func TestWebhookRepeatsNeedTheKey(t *testing.T) {
	t.Parallel()
	h := newHooked(t, nil)
	insert := hook(roq.EventUserInviteInsert, "userInvite", pendingInvite, "null")
	h.expect(t, insert, 204, 1)
	if w := h.post(t, strings.NewReader(insert)); w.Code != 401 {
		t.Errorf("the answer without the key is %d", w.Code)
	}
}

// What failed is handled again when it comes again, until it does not fail.
func TestWebhookRepeatsAfterFailure(t *testing.T) {
	t.Parallel()
	calls := 0
	h := handlerOf(t, func(context.Context, roq.WebhookEvent) error {
		switch calls++; calls {
		case 1:
			return errors.New("down")
		case 2:
			panic(http.ErrAbortHandler)
		}
		return nil
	})
	insert := hook(roq.EventUserInviteInsert, "userInvite", pendingInvite, "null")
	h.expect(t, insert, 500, 0)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the callback's panic is gone, want it to reach the server")
			}
		}()
		h.post(t, strings.NewReader(insert), webhookKey)
	}()
	h.expect(t, insert, 204, 0)
	h.expect(t, insert, 204, 0)
	if calls != 3 {
		t.Errorf("%d calls, want 3", calls)
	}
}

// Requests for one event that come together share one call, whose context does
// not end with the request that came first, and has its values.
func TestWebhookRepeatsTogether(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]error{"it succeeds": nil, "it fails": errors.New("down")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				type key struct{}
				calls := 0
				h := handlerOf(t, func(ctx context.Context, _ roq.WebhookEvent) error {
					calls++
					<-time.After(time.Minute)
					if ctx.Err() != nil || ctx.Value(key{}) != "first" {
						t.Errorf("the context has ended: %v, or is another one's", ctx.Err())
					}
					return failure
				})
				insert := hook(roq.EventUserInviteInsert, "userInvite", pendingInvite, "null")
				first, hangUp := context.WithCancel(context.WithValue(t.Context(), key{}, "first"))
				var all sync.WaitGroup
				answers := make([]int, 20)
				for i := range answers {
					ctx := t.Context()
					if i == 0 {
						ctx = first
					}
					all.Go(func() {
						r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", strings.NewReader(insert))
						r.Header.Set("Roq-Platform-Webhook-Key", webhookKey)
						w := httptest.NewRecorder()
						h.ServeHTTP(w, r)
						answers[i] = w.Code
					})
					synctest.Wait()
				}
				hangUp()
				all.Wait()
				want := map[bool]int{true: 204, false: 500}[failure == nil]
				if calls != 1 || slices.ContainsFunc(answers, func(code int) bool { return code != want }) {
					t.Errorf("%d calls, and the answers are %v, want one and %d", calls, answers, want)
				}
			})
		})
	}
}

// The last 10,000 events are remembered, and no more.
func TestWebhookRepeatsAreBounded(t *testing.T) {
	t.Parallel()
	calls := 0
	h := handlerOf(t, func(context.Context, roq.WebhookEvent) error { calls++; return nil })
	event := func(i int) string { return fmt.Sprintf(`{"name":"n","id":"%d"}`, i) }
	post := func(i int) bool {
		before := calls
		h.post(t, strings.NewReader(event(i)), webhookKey)
		return calls > before
	}
	for i := range 12_000 {
		if !post(i) {
			t.Fatalf("event %d was not handled", i)
		}
	}
	if post(11_999) || post(2_000) {
		t.Error("one of the last 10,000 events was handled again")
	}
	if !post(1_999) {
		t.Error("the event before them was not handled again")
	}
	if post(1_999) || !post(2_000) {
		t.Error("it did not take the place of the oldest")
	}
}

// The platform's own repeats, of an event whose first answer was lost on the way:
// the backend handles it once.
func TestWebhookRepeatsWhole(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	var mu sync.Mutex
	var told []string
	handler, err := b.client.WebhookHandler(func(_ context.Context, e roq.WebhookEvent) error {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, e.Name+" "+string(e.Current.Status))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	lost := 3
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if lost > 0 {
			lost--
			handler.ServeHTTP(httptest.NewRecorder(), r)
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(receiver.Close)
	b.SendWebhooks(receiver.URL)
	sent, err := b.send(t.Context(), 1, "bob")
	if err := errors.Join(err, sent.Err()); err != nil {
		t.Fatal(err)
	}
	b.Advance(4 * time.Hour)
	if _, err := b.client.AsUser(b.user.ID).ResendUserInvite(t.Context(), sent.Success[0].ID); err != nil {
		t.Fatal(err)
	}
	b.Advance(time.Hour)
	deliveries := b.Deliveries()
	if len(deliveries) != 5 || deliveries[3].Status != 204 {
		t.Fatalf("the deliveries are %+v, want four of the first event and one of the second", deliveries)
	}
	mu.Lock()
	defer mu.Unlock()
	if want := []string{roq.EventUserInviteInsert + " pending", roq.EventUserInviteUpdate + " pending"}; !slices.Equal(told, want) {
		t.Errorf("told is %q, want %q", told, want)
	}
}

// The fingerprint is the same wherever and however an event comes again, and another
// for every other event.
func TestWebhookFingerprint(t *testing.T) {
	t.Parallel()
	insert := hook(roq.EventUserInviteInsert, "userInvite", pendingInvite, "null")
	fingerprint := func(body string) string {
		h := newHooked(t, errors.New("again")) // a handler of its own, as in another process
		h.expect(t, body, 500, 1)
		h.expect(t, "\ufeff"+strings.ReplaceAll(body, ",", " ,\n"), 500, 2)
		if h.events[0].Fingerprint != h.events[1].Fingerprint {
			t.Errorf("the repeat has the fingerprint %s, want %s", h.events[1].Fingerprint, h.events[0].Fingerprint)
		}
		return h.events[0].Fingerprint
	}
	seen := map[string]string{}
	for _, body := range []string{
		insert,
		hook(roq.EventUserInviteUpdate, "userInvite", pendingInvite, "null"),
		hook(roq.EventUserInviteInsert, "userInvite", acceptedInvite, "null"),
		hook("ROQ_USER_INSERT", "user", "{}", "null"),
	} {
		mark := fingerprint(body)
		if other, ok := seen[mark]; ok {
			t.Errorf("%s has the fingerprint of %s", body, other)
		}
		seen[mark] = body
	}
	// Programs keep it: another version of this package must not change it.
	const kept = `{"id":"a1b2","name":"ROQ_USER_INSERT","object":"user","environmentId":"e","data":{"current":{},"previous":null}}`
	if got, want := fingerprint(kept), "59fb260bc665e7151d0891706b2e55ab9eed1c21910db37b72247e2727abf7d8"; got != want {
		t.Errorf("the fingerprint is %s, want %s", got, want)
	}
}
