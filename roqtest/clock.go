package roqtest

import (
	"sync"
	"time"

	"github.com/go-roq/roq"
)

// Clock is the platform's clock, and what waits for it.
type Clock struct {
	// Now is the platform's time.
	Now time.Time
	// Ahead is how far [Server.Advance] has moved the clock.
	Ahead time.Duration
	// NextExpiry is when the next pending invite expires. It is zero if none is pending.
	NextExpiry time.Time
	// NextWebhook is when the next webhook is due. It is zero if none waits.
	NextWebhook time.Time
	// Webhooks is how many events wait to be sent, or to be sent again.
	Webhooks int
}

// Clock returns the platform's clock. The difference between one of its times and Now
// is what [Server.Advance] needs to reach that time.
func (s *Server) Clock() Clock {
	c := Clock{Ahead: s.world.clock.lead(), NextExpiry: s.world.nextExpiry()}
	c.NextWebhook, c.Webhooks = s.hooks.waiting()
	c.Now = s.world.clock.now()
	return c
}

// nextExpiry is when the next pending invite expires, zero if there is none.
func (w *world) nextExpiry() (soonest time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expire()
	for _, i := range w.invites {
		if i.Status == roq.StatusPending && (soonest.IsZero() || i.expiresAt.Before(soonest)) {
			soonest = i.expiresAt
		}
	}
	return soonest
}

// waiting says when the next event is due, and how many are queued.
func (h *hooks) waiting() (due time.Time, queued int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.queue) > 0 {
		due = h.queue[0].due
	}
	return due, len(h.queue)
}

// clock is the platform's: the real one, turned on.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) turn(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// lead is how far the clock was turned on.
func (c *clock) lead() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ahead
}

func (c *clock) now() time.Time { return time.Now().UTC().Add(c.lead()) }
