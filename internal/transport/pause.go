package transport

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// pauses is until when servers want no requests: what one call is told holds for
// the others too, or 64 of them would storm.
type pauses struct {
	any atomic.Bool // so that nobody takes the lock while there is none

	mu sync.Mutex
	of map[string]pause // by origin
}

// pause is what a server has asked for: whoever has less patience waits from asked on
// for as long as they have.
type pause struct{ asked, until time.Time }

// longestPause bounds a pause: a server that asks for a day has lost its clock.
const longestPause = time.Hour

func (p *pauses) add(origin string, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == nil {
		p.of = make(map[string]pause)
	}
	now := time.Now()
	p.of[origin] = pause{now, slices.MaxFunc([]time.Time{now.Add(min(d, longestPause)), p.of[origin].until}, time.Time.Compare)}
	p.any.Store(true)
}

// left returns how long a server wants to be left alone by somebody with that much
// patience, and a little more, at random, so that all who wait for the end do not
// come at once.
func (p *pauses) left(origin string, patience time.Duration) time.Duration {
	if !p.any.Load() {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	of := p.of[origin]
	if time.Until(of.until) <= 0 {
		delete(p.of, origin)
		p.any.Store(len(p.of) > 0)
		return 0
	}
	left := time.Until(of.until)
	switch {
	case left <= patience:
		return left + rand.N(left/8+1)
	case time.Since(of.asked) < patience:
		return patience
	default:
		return 0 // others with so little patience have waited for it
	}
}

// Pause returns how long a server wants to be left alone by somebody with that much
// patience, 0 if it does not.
func (s *Sender) Pause(origin string, patience time.Duration) time.Duration {
	return s.pauses.left(origin, patience)
}

// WaitOut waits until a server that asked to be left alone may be asked again,
// but no longer than that.
func (s *Sender) WaitOut(ctx context.Context, origin string, longest time.Duration) error {
	return Await(ctx, min(s.pauses.left(origin, longest), longest))
}
