// Package feed shares a watch among all who follow the same things.
package feed

import (
	"context"
	"sync"
	"time"
)

// buffer is how many changes a follower may be behind.
const buffer = 64

// Hub has a watch for each key that is followed. Changes are of type C; the zero C tells a
// follower that it missed some.
type Hub[C any] struct {
	// Pause is how long to wait before a watch that ended is begun again.
	Pause time.Duration

	mu      sync.Mutex
	watches map[string]*watch[C]
}

// Watch watches what has that key, as one of those who follow it, until ctx or the watch
// ends. It calls news with the time of the latest change that it does not tell, and tell
// with every change after that and its time, which is zero if it is not known.
type Watch[C any] func(ctx context.Context, as string, news func(at time.Time), tell func(at time.Time, change C))

// watch is the watch of a key.
type watch[C any] struct {
	followers map[*follower[C]]struct{}
	stop      context.CancelFunc
	// latest is when the latest change was that is known.
	latest time.Time
}

// follower is one call of Follow.
type follower[C any] struct {
	as string
	// changes has room for one more than buffer: that some were missed.
	changes chan C
	behind  bool
	// since is when the latest change was that the follower knows.
	since time.Time
}

// Follow returns a channel of what changes until ctx ends. The follower knows every change
// until since. Of several followers of a key, the watch of the first is run, and ended after
// the last.
func (h *Hub[C]) Follow(ctx context.Context, key, as string, since time.Time, run Watch[C]) <-chan C {
	f := &follower[C]{as: as, changes: make(chan C, buffer+1), since: since}
	h.mu.Lock()
	defer h.mu.Unlock()
	w := h.watches[key]
	if w == nil {
		ctx, stop := context.WithCancel(context.Background())
		w = &watch[C]{followers: map[*follower[C]]struct{}{}, stop: stop}
		if h.watches == nil {
			h.watches = map[string]*watch[C]{}
		}
		h.watches[key] = w
		go h.run(ctx, w, run)
	}
	w.followers[f] = struct{}{}
	f.news(w.latest)
	context.AfterFunc(ctx, func() { h.leave(key, f) })
	return f.changes
}

func (h *Hub[C]) leave(key string, f *follower[C]) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := h.watches[key]
	delete(w.followers, f)
	close(f.changes)
	if len(w.followers) == 0 {
		delete(h.watches, key)
		w.stop()
	}
}

// run runs a watch until nobody follows it.
func (h *Hub[C]) run(ctx context.Context, w *watch[C], run Watch[C]) {
	each := func(at time.Time, do func(*follower[C])) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if at.After(w.latest) {
			w.latest = at
		}
		for f := range w.followers {
			do(f)
		}
	}
	news := func(at time.Time) { each(at, func(f *follower[C]) { f.news(w.latest) }) }
	tell := func(at time.Time, change C) {
		each(at, func(f *follower[C]) {
			f.since = w.latest
			f.tell(change, false)
		})
	}
	for ctx.Err() == nil {
		var as string
		each(time.Time{}, func(f *follower[C]) { as = f.as }) // any
		run(ctx, as, news, tell)
		pause := time.NewTimer(h.Pause)
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
}

// news tells the follower of a change at that time, if it is one that it does not know.
func (f *follower[C]) news(at time.Time) {
	if at.After(f.since) {
		f.since = at
		var missed C
		f.tell(missed, true)
	}
}

// tell sends a change, or that one was missed. It never waits.
func (f *follower[C]) tell(change C, missed bool) {
	if f.behind && len(f.changes) > 0 {
		return // it is told so by what it has not received yet
	}
	f.behind = missed || len(f.changes) == buffer
	if f.behind {
		var none C
		change = none
	}
	f.changes <- change
}
