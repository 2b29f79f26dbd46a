// Package repeats recognizes events that come again.
package repeats

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"sync"

	"golang.org/x/sync/singleflight"

	"github.com/go-roq/roq/internal/wire"
)

// remembered is how many events a handler of webhooks recognises when they
// come again. At 32 bytes each, twice, they take less than a megabyte.
const remembered = 10_000

// Event stands for an event. Whether the id in its body is the event's own or
// the object's is not published, so it is no identity: the hash is of the whole
// body, in canonical form. What the platform sends again is the same body, as far
// as is known; if it were not, an event would be handled again, and none lost.
type Event [sha256.Size]byte

// Of returns the event with that body.
func Of(body []byte) Event { return sha256.Sum256(wire.CanonicalWebhook(body)) }

// String returns the event in hexadecimal digits.
func (e Event) String() string { return hex.EncodeToString(e[:]) }

// Repeats remembers which events were handled last.
type Repeats struct {
	flights singleflight.Group

	mu      sync.Mutex
	handled map[Event]bool
	order   []Event // as they were handled; when it is full, a ring
	oldest  int     // in the ring
}

// Once calls handle unless that has succeeded for the event before. Requests that
// come for it meanwhile share the call, which therefore does not end with the
// first of them: it has that one's values.
func (r *Repeats) Once(ctx context.Context, event Event, handle func(context.Context) error) error {
	panicked, err, _ := r.flights.Do(string(event[:]), func() (value any, err error) {
		if r.knows(event) {
			return nil, nil
		}
		// singleflight would wrap it, and net/http not know http.ErrAbortHandler.
		defer func() { value = recover() }()
		if err = handle(context.WithoutCancel(ctx)); err == nil {
			r.remember(event)
		}
		return nil, err
	})
	if panicked != nil {
		panic(panicked)
	}
	return err
}

func (r *Repeats) knows(event Event) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.handled[event]
}

// remember puts an event in the place of the oldest, if there is no room left.
func (r *Repeats) remember(event Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.handled == nil {
		r.handled = make(map[Event]bool)
	}
	r.handled[event] = true
	if len(r.order) < remembered {
		r.order = append(r.order, event)
		return
	}
	delete(r.handled, r.order[r.oldest])
	r.order[r.oldest] = event
	r.oldest = (r.oldest + 1) % remembered
}
