package roqtest_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// receiver is where webhooks go. It answers what the test says, 204 otherwise.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	answer func(w http.ResponseWriter)
	keys   []string
	events []event
}

type event struct {
	Name, ID, Object, EnvironmentID string
	Data                            struct{ Current, Previous map[string]any }
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		var e event
		if err := errors.Join(err, json.Unmarshal(body, &e)); err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.events = append(r.events, e)
		r.keys = append(r.keys, req.Header.Get("roq-platform-webhook-key"))
		if r.answer != nil {
			r.answer(w)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) answers(answer func(w http.ResponseWriter)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

func (r *receiver) received() []event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// made sends one invite as the service account and returns it.
func (p *platform) made(email string) roq.UserInvite {
	p.t.Helper()
	client, err := roq.New(p.Config())
	if err != nil {
		p.t.Fatal(err)
	}
	sent, err := client.AsSuperAdmin().SendUserInvites(p.t.Context(), roq.SendUserInvitesInput{
		TenantID:    p.tenant,
		UserInvites: []roq.UserInviteInput{{CreatedByUserID: p.ann.ID, Email: email, FirstName: "Bob"}},
	})
	if err := errors.Join(err, sent.Err()); err != nil {
		p.t.Fatal(err)
	}
	return sent.Success[0]
}

// Each thing that happens to an invite makes one event, with the invite as it is
// and as it was.
func TestWebhooks(t *testing.T) {
	t.Parallel()
	p, r := newPlatform(t), newReceiver(t)
	p.SendWebhooks(r.URL)
	client, err := roq.New(p.Config())
	if err != nil {
		t.Fatal(err)
	}
	admin := client.AsSuperAdmin()

	accepted := p.made("bob@example.com")
	if _, err := admin.ResendUserInvite(t.Context(), accepted.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Accept(p.Outbox()[0].Token); err != nil {
		t.Fatal(err)
	}
	canceled := p.made("eve@example.com")
	if _, err := admin.CancelUserInvite(t.Context(), canceled.ID); err != nil {
		t.Fatal(err)
	}
	expired := p.made("joe@example.com")
	if err := errors.Join(p.Expire(expired.ID), p.Remove(expired.ID)); err != nil {
		t.Fatal(err)
	}
	p.Advance(0)

	const insert, update, remove = "ROQ_USER_INVITE_INSERT", "ROQ_USER_INVITE_UPDATE", "ROQ_USER_INVITE_REMOVE"
	want := []struct{ name, object, was, is string }{
		{insert, "userInvite", "", "pending"},
		{update, "userInvite", "pending", "pending"},
		{"ROQ_USER_INSERT", "user", "", ""}, // whom accepting made
		{update, "userInvite", "pending", "accepted"},
		{insert, "userInvite", "", "pending"},
		{update, "userInvite", "pending", "canceled"},
		{insert, "userInvite", "", "pending"},
		{update, "userInvite", "pending", "expired"},
		{remove, "userInvite", "", "expired"},
	}
	events := r.received()
	if len(events) != len(want) {
		t.Fatalf("%d events %+v, want %d", len(events), events, len(want))
	}
	ids := map[string]bool{}
	for i, e := range events {
		was, _ := e.Data.Previous["status"].(string)
		is, _ := e.Data.Current["status"].(string)
		if e.Name != want[i].name || e.Object != want[i].object || was != want[i].was || is != want[i].is {
			t.Errorf("event %d is %s of a %s, %q to %q, want %+v", i, e.Name, e.Object, was, is, want[i])
		}
		if e.EnvironmentID != p.Config().EnvironmentID || r.keys[i] != p.Config().WebhookKey {
			t.Errorf("event %d is of environment %q, with the key %q", i, e.EnvironmentID, r.keys[i])
		}
		ids[e.ID] = true
	}
	if len(ids) != len(events) {
		t.Errorf("%d events have %d ids", len(events), len(ids))
	}
	// All fifteen fields are there, null where there is no value.
	first := events[0].Data.Current
	if len(first) != 15 || first["id"] != accepted.ID || first["email"] != "bob@example.com" || first["firstName"] != "Bob" ||
		first["acceptedByUserId"] != nil || first["data"] != nil || first["createdAt"] != accepted.CreatedAt.Format("2006-01-02T15:04:05.000Z") {
		t.Errorf("the first event is about %v", first)
	}
	if got := events[3].Data.Current["acceptedByUserId"]; got != events[2].Data.Current["id"] {
		t.Errorf("accepted by %v, want the user that was made, %v", got, events[2].Data.Current["id"])
	}
}

// An event that is not taken comes again: five times more, n × 30 minutes apart.
func TestWebhookRetries(t *testing.T) {
	t.Parallel()
	failing := func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) }
	p, r := newPlatform(t), newReceiver(t)
	p.SendWebhooks(r.URL)
	r.answers(failing)
	p.made("bob@example.com")
	p.Advance(0)

	for attempt := 1; attempt <= 5; attempt++ {
		if got := len(r.received()); got != attempt {
			t.Fatalf("%d attempts, want %d", got, attempt)
		}
		p.Advance(time.Duration(attempt)*30*time.Minute - time.Second)
		if got := len(r.received()); got != attempt {
			t.Errorf("attempt %d came early", got)
		}
		p.Advance(time.Second)
	}
	p.Advance(100 * time.Hour) // and the invite is still pending
	events := r.received()
	if len(events) != 6 {
		t.Errorf("%d attempts, want 6", len(events))
	}
	for i, made := range p.Deliveries() {
		if made.Attempt != i+1 || made.Status != 500 || made.Err != nil || made.ID != events[0].ID || made.Name != events[0].Name {
			t.Errorf("delivery %d is %+v", i, made)
		}
		if events[i].ID != events[0].ID || events[i].Data.Current["id"] != events[0].Data.Current["id"] {
			t.Errorf("attempt %d is another event: %+v", i+1, events[i])
		}
	}
}

// A clock that jumps goes through every attempt in between, and one that is taken
// is the last.
func TestWebhookIsTakenAtLast(t *testing.T) {
	t.Parallel()
	p, r := newPlatform(t), newReceiver(t)
	p.SendWebhooks(r.URL)
	calls := 0
	r.answers(func(w http.ResponseWriter) {
		if calls++; calls == 3 {
			w.WriteHeader(http.StatusOK)
			return
		}
		w.WriteHeader(http.StatusFound)
	})
	p.made("bob@example.com")
	p.Advance(0) // else the clock might jump before the first attempt
	p.Advance(24 * time.Hour)
	if made := p.Deliveries(); len(made) != 3 || made[2].Status != 200 || made[1].Status != 302 {
		t.Errorf("deliveries %+v, want 302, 302, 200", made)
	}
}

// One receiver that fails holds up nobody else's events, and one that is not
// there is an error and not an answer.
func TestWebhookReceiverIsGone(t *testing.T) {
	t.Parallel()
	p, gone, r := newPlatform(t), newReceiver(t), newReceiver(t)
	gone.Close()
	p.SendWebhooks(gone.URL)
	p.made("bob@example.com")
	p.SendWebhooks(r.URL)
	p.made("eve@example.com")
	p.SendWebhooks("")
	p.made("joe@example.com")
	p.Advance(0)
	made := p.Deliveries()
	if len(made) != 2 || made[0].Status != 0 || made[0].Err == nil || made[1].Status != 204 || made[1].Err != nil {
		t.Errorf("deliveries %+v", made)
	}
	if got := r.received(); len(got) != 1 || got[0].Data.Current["email"] != "eve@example.com" {
		t.Errorf("received %+v, want Eve's", got)
	}
	p.SendWebhooks("http://[::1") // which is no address
	p.made("kim@example.com")
	p.Advance(0)
	if made := p.Deliveries(); len(made) != 3 || made[2].Err == nil {
		t.Errorf("deliveries %+v, want a third, which failed", made)
	}
}

// Close does not wait for a receiver that never answers, and nothing is sent
// afterwards.
func TestCloseDropsWebhooks(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(arrived)
		<-release
	}))
	defer slow.Close()
	defer close(release)
	p := newPlatform(t)
	p.SendWebhooks(slow.URL)
	p.made("bob@example.com")
	<-arrived
	p.Close()
	if made := p.Deliveries(); len(made) != 1 || made[0].Err == nil {
		t.Errorf("deliveries %+v, want one that was dropped", made)
	}
	p.SendWebhooks(slow.URL)
	p.AddUser(roqtest.User{TenantID: p.tenant, Email: "eve@example.com"})
	p.Advance(time.Hour)
	if made := p.Deliveries(); len(made) != 1 {
		t.Errorf("%d deliveries after Close", len(made))
	}
}

// The clock is the whole platform's: what is written, the Date of an answer, the
// lifetime of an invite.
func TestAdvance(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	before := p.made("bob@example.com")
	p.Advance(6 * 24 * time.Hour)
	if got := p.Invites()[0].Status; got != roq.StatusPending {
		t.Errorf("after six days the invite is %s", got)
	}
	p.Advance(24 * time.Hour)
	after := p.made("eve@example.com")
	if got := p.Invites()[0]; got.Status != roq.StatusExpired || got.StatusUpdatedAt.Sub(before.CreatedAt) != 7*24*time.Hour {
		t.Errorf("after seven days the invite is %s since %v", got.Status, got.StatusUpdatedAt.Sub(before.CreatedAt))
	}
	if d := after.CreatedAt.Sub(before.CreatedAt); d < 7*24*time.Hour {
		t.Errorf("an invite made a week later is younger by %v", d)
	}
	resp, err := http.DefaultTransport.RoundTrip(httptest.NewRequestWithContext(t.Context(), http.MethodGet, p.URL+"/api/auth/session", nil))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if date, err := http.ParseTime(resp.Header.Get("Date")); err != nil || date.Before(after.CreatedAt.Add(-time.Second)) {
		t.Errorf("Date is %q (%v), want at least %v", resp.Header.Get("Date"), err, after.CreatedAt)
	}
	last := p.Requests()[len(p.Requests())-1]
	if last.At.Before(after.CreatedAt) || p.Outbox()[1].At.Before(after.CreatedAt) {
		t.Errorf("the request is of %v, the e-mail of %v", last.At, p.Outbox()[1].At)
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	i := p.made("bob@example.com")
	if err := p.Remove(i.ID); err != nil || len(p.Invites()) != 0 {
		t.Errorf("Remove = %v, and %d invites are left", err, len(p.Invites()))
	}
	if err := p.Remove(i.ID); err == nil || !strings.Contains(err.Error(), "no such invite") {
		t.Errorf("Remove of a removed invite = %v", err)
	}
	if _, err := p.Accept(p.Outbox()[0].Token); err == nil {
		t.Error("the link of a removed invite was taken")
	}
	p.made("bob@example.com") // the address is free again
}
