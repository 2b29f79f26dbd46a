package roqtest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/go-roq/roq"
)

const (
	// webhookRetries and webhookStep are the documentation's: after a failure five
	// more attempts, the n-th one n × 30 minutes after the one before.
	webhookRetries = 5
	webhookStep    = 30 * time.Minute
	// webhookTimeout is our reading: the platform wants an answer "quickly".
	webhookTimeout = 10 * time.Second
)

// Delivery is one attempt to send a webhook.
type Delivery struct {
	// Name and ID are those of the event. All attempts to send one event have the same ID
	// and Body.
	Name, ID string
	// Body is the request body.
	Body json.RawMessage
	// Attempt counts from 1 to 6.
	Attempt int
	// Status is the status of the response, 200 to 299 if the event was accepted. It is 0
	// if there was no response; then Err says why.
	Status int
	// Err says why there was no response.
	Err error
	// At is when the attempt was made, by the platform's clock.
	At time.Time
	// Number counts the attempts of all events, from 1.
	Number int
}

// SendWebhooks makes the platform send events to that URL from now on: one for every
// invite that is created, changed or removed, and one for every user that is created, in
// order and one at a time. An empty URL stops it.
//
// If the response to an event is not 2xx, the event is sent again up to five times: 30
// minutes after the first attempt, 60 after the second, and so on, like the platform.
// See [Server.Advance].
func (s *Server) SendWebhooks(url string) { s.hooks.sendTo(url) }

// Deliveries returns every attempt to send a webhook so far, oldest first.
func (s *Server) Deliveries() []Delivery {
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	return slices.Clone(s.hooks.attempts)
}

// hook is an event that is still to be sent.
type hook struct {
	name, id, to, key string
	body              []byte
	attempt           int
	due               time.Time
}

// hooks sends webhooks, on one goroutine that the first address starts.
type hooks struct {
	environmentID, key string
	clock              *clock
	changes            *changes

	mu       sync.Mutex
	changed  *sync.Cond // queue, sending or closed
	to       string
	queue    []*hook // by due time, those of the same time as they came
	sending  bool
	closed   bool
	attempts []Delivery
	// wake interrupts the wait for the next due time; it is nil until the goroutine
	// runs.
	wake chan struct{}
	stop context.CancelFunc
	done chan struct{}
}

func newHooks(environmentID, key string, w *world) *hooks {
	h := &hooks{environmentID: environmentID, key: key, clock: &w.clock, changes: w.changes}
	h.changed = sync.NewCond(&h.mu)
	return h
}

// rename changes whose events these are.
func (h *hooks) rename(environmentID, key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.environmentID, h.key = environmentID, key
}

// sendTo changes where events go. Those that are queued stay with the address
// that they were made for.
func (h *hooks) sendTo(url string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.to = url
	if h.wake != nil || h.closed || url == "" {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	h.wake, h.stop, h.done = make(chan struct{}, 1), cancel, make(chan struct{})
	go h.run(ctx)
}

// add queues an event about an object of the platform.
func (h *hooks) add(action, event, object string, current, previous any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.to == "" || h.closed {
		return
	}
	next := &hook{name: event + "_" + action, id: uuid.NewString(), to: h.to, key: h.key, attempt: 1, due: h.clock.now()}
	body, err := json.Marshal(map[string]any{
		"name": next.name, "id": next.id, "object": object, "environmentId": h.environmentID,
		"data": map[string]any{"current": current, "previous": previous},
	})
	if err != nil {
		panic("roqtest: an event that is no JSON: " + err.Error()) // ours alone
	}
	next.body = body
	h.push(next)
}

// push queues an event by its due time.
func (h *hooks) push(next *hook) {
	at, _ := slices.BinarySearchFunc(h.queue, next, func(queued, next *hook) int {
		return cmp.Or(queued.due.Compare(next.due), -1) // behind those of the same time
	})
	h.queue = slices.Insert(h.queue, at, next)
	h.wakeUp()
}

// wakeUp tells the goroutine and whoever settles that the queue has changed.
func (h *hooks) wakeUp() {
	select {
	case h.wake <- struct{}{}:
	default: // it will look anyway, or does not run
	}
	h.changed.Broadcast()
}

// settle returns when nothing is due and nothing under way.
func (h *hooks) settle() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wakeUp()
	for !h.closed && (h.sending || len(h.queue) > 0 && !h.queue[0].due.After(h.clock.now())) {
		h.changed.Wait()
	}
}

// close drops what is under way and waits for the goroutine to end.
func (h *hooks) close() {
	h.mu.Lock()
	h.closed = true
	h.changed.Broadcast()
	stop, done := h.stop, h.done
	h.mu.Unlock()
	if stop != nil {
		stop()
		<-done
	}
}

// run sends one event after the other until the platform is closed.
func (h *hooks) run(ctx context.Context) {
	defer close(h.done)
	// No connection outlives an attempt: a test may close its receiver at any time.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: webhookTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for ctx.Err() == nil {
		next, wait := h.next()
		if next == nil {
			h.rest(ctx, wait)
			continue
		}
		made := h.send(ctx, client, next)
		h.mu.Lock()
		made.Number = len(h.attempts) + 1
		h.attempts = append(h.attempts, made)
		h.changes.add(Changes{Deliveries: 1})
		// The next attempt counts from when this one was due, so that a clock turned on
		// by hours goes through all that lie in between.
		if (made.Status < 200 || made.Status > 299) && next.attempt <= webhookRetries {
			next.due = next.due.Add(time.Duration(next.attempt) * webhookStep)
			next.attempt++
			h.push(next)
		}
		h.sending = false
		h.changed.Broadcast()
		h.mu.Unlock()
	}
}

// next takes what is due off the queue, or says how long nothing will be.
func (h *hooks) next() (due *hook, wait time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.queue) == 0 {
		return nil, webhookStep
	}
	if wait := h.queue[0].due.Sub(h.clock.now()); wait > 0 {
		return nil, wait
	}
	due = h.queue[0]
	h.queue = slices.Delete(h.queue, 0, 1)
	h.sending = true
	return due, 0
}

// rest waits until there may be something to do.
func (h *hooks) rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-h.wake:
	case <-timer.C:
	}
}

// send makes one attempt at an event.
func (h *hooks) send(ctx context.Context, client *http.Client, next *hook) Delivery {
	made := Delivery{Name: next.name, ID: next.id, Body: slices.Clone(next.body), Attempt: next.attempt, At: h.clock.now()}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, next.to, bytes.NewReader(next.body))
	if err != nil {
		made.Err = err
		return made
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Roq-Platform-Webhook-Key", next.key)
	resp, err := client.Do(req)
	if err != nil {
		made.Err = err
		return made
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	_ = resp.Body.Close()
	made.Status = resp.StatusCode
	return made
}

// The events of the platform's objects: the documentation gives those of users,
// and those of invites are inferred from them.
const (
	inserted = "INSERT"
	updated  = "UPDATE"
	removed  = "REMOVE"
)

// inviteEvent tells of an invite. That a removed one is the current one, as it
// was, is our reading: the documentation calls only previous nullable.
func (h *hooks) inviteEvent(action string, current roq.UserInvite, previous *roq.UserInvite) {
	var before any
	if previous != nil {
		before = model(*previous)
	}
	h.add(action, "ROQ_USER_INVITE", "userInvite", model(current), before)
}

// userEvent tells of a user that was made.
func (h *hooks) userEvent(u User) {
	h.add(inserted, "ROQ_USER", "user", map[string]any{
		"id": u.ID, "tenantId": u.TenantID, "email": u.Email, "firstName": u.FirstName, "lastName": u.LastName,
		"locale": u.Locale, "timezone": u.Timezone, "roles": u.Roles,
	}, nil)
}
