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
	// unknownLife is when a token is renewed that does not say when it ends.
	unknownLife = time.Minute
	// longestLife is when any token is renewed (as in npm @roq/nodejs 1.0.20), and how
	// long one is used that does not say when it ends.
	longestLife = time.Hour
	// A renewal that failed is tried again when a third of the token's time has passed,
	// but within these bounds.
	shortestPause, longestPause = 2 * time.Second, time.Minute
	// patience bounds how long the caller who begins a renewal waits for it.
	patience = 2 * time.Second
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
	// renew is when a new token is asked for, end is when this one is good no longer.
	renew, end time.Time
}

// NewCache returns a Cache that holds up to size tokens.
func NewCache(size int) *Cache {
	return &Cache{size: size, flights: make(map[Key]*flight), order: list.New(), entries: make(map[Key]*list.Element)}
}

// Get returns the identity's token, with fetch if there is none that is good.
// Concurrent callers share one fetch. Its context carries the values of the
// first caller's and not its end, so that nobody fails because somebody else
// gave up; each caller waits only as long as its own ctx lasts. The time-out ends a
// fetch that nobody may be waiting for any more. If the fetch panics, or ends its
// goroutine, so do all who wait for it, each on its own.
//
// A token that ends soon is renewed by the same rules. Until its end nobody fails with
// the renewal, which is tried again after a pause. The caller who begins it waits for
// it for two seconds at most, and then it continues in the background. The other
// callers get the current token at once.
func (c *Cache) Get(ctx context.Context, key Key, timeout time.Duration, fetch func(context.Context) (string, error)) (string, error) {
	e, due, ok := c.lookup(key)
	if ok && due {
		if f, began := c.board(ctx, key, timeout, fetch); began {
			f.await(ctx, min(patience, time.Until(e.end)/2))
		}
		e, _, ok = c.lookup(key) // which may be new, or refused by now
	}
	if ok {
		return e.token, nil
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	f, _ := c.board(ctx, key, timeout, fetch)
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

// await waits until the flight has landed, but no longer than that or the context lasts.
func (f *flight) await(ctx context.Context, longest time.Duration) {
	timer := time.NewTimer(longest)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-f.landed:
	}
}

// board returns the flight for the identity, and begins one if there is none.
func (c *Cache) board(ctx context.Context, key Key, timeout time.Duration, fetch func(context.Context) (string, error)) (f *flight, began bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f, ok := c.flights[key]; ok {
		return f, false
	}
	f = &flight{landed: make(chan struct{})}
	c.flights[key] = f
	ctx = context.WithoutCancel(ctx)
	relay.Go(func() {
		// The flight before this one may have ended since the look-up.
		if e, due, ok := c.lookup(key); ok && !due {
			f.token = e.token
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
		if f.err != nil || end.Abnormal() {
			c.postpone(key)
		}
		delete(c.flights, key)
		c.mu.Unlock()
		close(f.landed)
	})
	return f, true
}

// Drop forgets the identity's token if it is still this one, which the platform
// no longer takes.
func (c *Cache) Drop(key Key, token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if el, ok := c.entries[key]; ok && el.Value.(*entry).token == token {
		c.remove(el)
	}
}

// lookup returns the identity's entry if its token is good, and whether it is due to be
// renewed.
func (c *Cache) lookup(key Key) (e entry, due, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	el, ok := c.entries[key]
	if !ok {
		return entry{}, false, false
	}
	e, now := *el.Value.(*entry), time.Now()
	if !now.Before(e.end) {
		c.remove(el)
		return entry{}, false, false
	}
	c.order.MoveToFront(el)
	return e, !now.Before(e.renew), true
}

func (c *Cache) store(key Key, token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := &entry{key: key, token: token}
	e.renew, e.end = lasts(token, time.Now())
	el, ok := c.entries[key]
	if ok {
		c.remove(el)
	}
	c.entries[key] = c.order.PushFront(e)
	if ok && el.Value.(*entry).token == token {
		// The platform gives the same token until it ends.
		c.postpone(key)
	}
	if c.order.Len() > c.size {
		c.remove(c.order.Back())
	}
}

// postpone lets a token's renewal wait, if there is a token.
func (c *Cache) postpone(key Key) {
	if el, ok := c.entries[key]; ok {
		e, now := el.Value.(*entry), time.Now()
		e.renew = now.Add(min(max(e.end.Sub(now)/3, shortestPause), longestPause))
	}
}

func (c *Cache) remove(el *list.Element) {
	delete(c.entries, c.order.Remove(el).(*entry).key)
}

// lasts says when a token is to be renewed and when it ends, by this machine's clock.
// If that clock is wrong, the platform refuses a token that has ended, which costs
// one request.
//
// A token that says nothing usable about its end, or whose end has passed by this
// machine's clock, was still just issued by the platform: it is renewed soon.
func lasts(token string, now time.Time) (renew, end time.Time) {
	claims := jwt.MapClaims{} // an odd claim beside exp does no harm
	if _, _, err := jwt.NewParser().ParseUnverified(token, claims); err != nil {
		return now.Add(unknownLife), now.Add(longestLife)
	}
	expires, err := claims.GetExpirationTime()
	if err != nil || expires == nil || !expires.After(now) {
		return now.Add(unknownLife), now.Add(longestLife)
	}
	left := expires.Sub(now)
	if issued, err := claims.GetIssuedAt(); err == nil && issued != nil && issued.After(now) && issued.Before(expires.Time) {
		// No token is issued in the future: this machine's clock is behind.
		left = expires.Sub(issued.Time)
	}
	return now.Add(min(left-min(early, left/2), longestLife)), now.Add(left)
}
