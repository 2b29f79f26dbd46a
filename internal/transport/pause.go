package transport

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// pauses is until when servers want no requests: what one call is told holds for
// the others too, or 64 of them would storm.
type pauses struct {
	any atomic.Bool // so that nobody takes the lock while there is none

	mu    sync.Mutex
	until map[string]time.Time // by origin
}

// longestPause bounds a pause: a server that asks for a day has lost its clock.
const longestPause = time.Hour

func (p *pauses) add(origin string, d time.Duration) {
	d = min(d, longestPause)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.until == nil {
		p.until = make(map[string]time.Time)
	}
	if until := time.Now().Add(d); until.After(p.until[origin]) {
		p.until[origin] = until
	}
	p.any.Store(true)
}

// left returns how long a server wants to be left alone, and a little more, at
// random, so that all who wait for the end do not come at once.
func (p *pauses) left(origin string) time.Duration {
	if !p.any.Load() {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	left := time.Until(p.until[origin])
	if left <= 0 {
		delete(p.until, origin)
		p.any.Store(len(p.until) > 0)
		return 0
	}
	return left + rand.N(left/8+1)
}

// Pause returns how long a server wants to be left alone, 0 if it does not.
func (s *Sender) Pause(origin string) time.Duration { return s.pauses.left(origin) }

// WaitOut waits until a server that asked to be left alone may be asked again,
// but no longer than that.
func (s *Sender) WaitOut(ctx context.Context, origin string, longest time.Duration) error {
	return Sleep(ctx, min(s.pauses.left(origin), longest))
}
