package roqtest

import "sync"

// Changes counts what has happened on a Server. The counts only grow, so two values
// that are equal mean that nothing has happened in between.
type Changes struct {
	// Emails counts the e-mails sent.
	Emails int
	// Invites counts invites that were created, changed or removed.
	Invites int
	// Users counts users that were added or replaced.
	Users int
	// Requests counts requests that arrived, and those that ended.
	Requests int
	// Deliveries counts attempts to send a webhook.
	Deliveries int
	// Settings counts changes of tenants, roles, faults, keys and the clock, and the
	// requests to which a fault was applied.
	Settings int
}

// Changes returns what has happened so far, and a channel that is closed when something
// happens next.
func (s *Server) Changes() (Changes, <-chan struct{}) { return s.changes.now() }

// changes counts what happens and wakes those who wait for it. Its lock is the last one
// that is taken.
type changes struct {
	mu     sync.Mutex
	counts Changes
	next   chan struct{} // nil while nobody waits
}

func (c *changes) now() (Changes, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next == nil {
		c.next = make(chan struct{})
	}
	return c.counts, c.next
}

// add counts what has happened.
func (c *changes) add(more Changes) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts.Emails += more.Emails
	c.counts.Invites += more.Invites
	c.counts.Users += more.Users
	c.counts.Requests += more.Requests
	c.counts.Deliveries += more.Deliveries
	c.counts.Settings += more.Settings
	if c.next != nil {
		close(c.next)
		c.next = nil
	}
}
