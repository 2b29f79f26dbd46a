// Package token caches access tokens, one per identity.
package token

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/go-roq/roq/internal/relay"
)

const (
	// early is how long before its end a token is renewed: longer than a request
	// takes, and than the clocks of two well-kept machines differ.
	early = 30 * time.Second
	// unknownLife is how long a token is kept that does not say when it ends.
	unknownLife = time.Minute
	// longestLife is how long any token is kept (as in npm @roq/nodejs 1.0.20).
	longestLife = time.Hour
)

// Key names an identity. [Service] and the keys that [User] makes are distinct
// whatever the user id is.
type Key struct{ kind, id string }

// Service is the service account.
func Service() Key { return Key{kind: "service"} }

// User is the user with that id.
func User(id string) Key { return Key{kind: "user", id: id} }

// Cache holds the tokens of the identities that were used last. It is safe for
// concurrent use.
type Cache struct {
	size int

	mu      sync.Mutex
	flights map[Key]*flight
	order   *list.List // of entry, the last used first
	entries map[Key]*list.Element
}

type entry struct {
	key   Key
	token string
	until time.Time
}

// NewCache returns a Cache that holds up to size tokens.
func NewCache(size int) *Cache {
	return &Cache{size: size, flights: make(map[Key]*flight), order: list.New(), entries: make(map[Key]*list.Element)}
}

// Get returns the identity's token, with fetch if there is none that lasts.
// Concurrent callers share one fetch. Its context carries the values of the
// first caller's and not its end, so that nobody fails because somebody else
// gave up; each caller waits only as long as its own ctx lasts. The time-out ends a
// fetch that nobody may be waiting for any more. If the fetch panics, or ends its
// goroutine, so do all who wait for it, each on its own.
func (c *Cache) Get(ctx context.Context, key Key, timeout time.Duration, fetch func(context.Context) (string, error)) (string, error) {
	if token, ok := c.lookup(key); ok {
		return token, nil
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	f := c.board(ctx, key, timeout, fetch)
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case <-f.landed:
		f.end.Resume()
		return f.token, f.err
	}
}

// flight is a fetch that callers share.
type flight struct {
	landed chan struct{} // closed when the rest is set
	token  string
	err    error
	end    relay.End
}

// board returns the flight for the identity, and starts one if there is none.
func (c *Cache) board(ctx context.Context, key Key, timeout time.Duration, fetch func(context.Context) (string, error)) *flight {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f, ok := c.flights[key]; ok {
		return f
	}
	f := &flight{landed: make(chan struct{})}
	c.flights[key] = f
	ctx = context.WithoutCancel(ctx)
	relay.Go(func() {
		// The flight before this one may have ended since the look-up.
		if token, ok := c.lookup(key); ok {
			f.token = token
			return
		}
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		if f.token, f.err = fetch(ctx); f.err == nil {
			c.store(key, f.token)
		}
	}, func(end relay.End) {
		f.end = end
		c.mu.Lock()
		delete(c.flights, key)
		c.mu.Unlock()
		close(f.landed)
	})
	return f
}

// Drop forgets the identity's token if it is still this one, which the platform
// no longer takes.
func (c *Cache) Drop(key Key, token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if el, ok := c.entries[key]; ok && el.Value.(entry).token == token {
		c.remove(el)
	}
}

func (c *Cache) lookup(key Key) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	el, ok := c.entries[key]
	if !ok {
		return "", false
	}
	e := el.Value.(entry)
	if !time.Now().Before(e.until) {
		c.remove(el)
		return "", false
	}
	c.order.MoveToFront(el)
	return e.token, true
}

func (c *Cache) store(key Key, token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if el, ok := c.entries[key]; ok {
		c.remove(el)
	}
	c.entries[key] = c.order.PushFront(entry{key, token, lastsUntil(token, time.Now())})
	if c.order.Len() > c.size {
		c.remove(c.order.Back())
	}
}

func (c *Cache) remove(el *list.Element) {
	delete(c.entries, c.order.Remove(el).(entry).key)
}

// lastsUntil says how long a token may be used. A token that says nothing usable
// about its end, or whose end has passed by this machine's clock, was still just
// issued by the platform: it is kept for a short time.
func lastsUntil(token string, now time.Time) time.Time {
	claims := jwt.MapClaims{} // an odd claim beside exp does no harm
	if _, _, err := jwt.NewParser().ParseUnverified(token, claims); err != nil {
		return now.Add(unknownLife)
	}
	end, err := claims.GetExpirationTime()
	if err != nil || end == nil || !end.After(now) {
		return now.Add(unknownLife)
	}
	left := end.Sub(now)
	return now.Add(min(left-min(early, left/2), longestLife))
}
