package transport

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// Pace says how often a request is made and how long is waited in between.
type Pace struct {
	MaxAttempts      int // counting the first
	MinWait, MaxWait time.Duration
	// Patience, if it is longer than MaxWait, bounds the waits that a server asks for
	// in its place.
	Patience time.Duration
}

// Longest returns the longest wait that a server gets when it asks for one.
func (p Pace) Longest() time.Duration { return max(p.MaxWait, p.Patience) }

// After returns how long to wait after the given attempt, counted from 1.
func (p Pace) After(attempt int) time.Duration { return p.wait(attempt, rand.Float64()) }

// wait returns how long to wait after the given attempt, counted from 1. jitter
// is a number from [0,1): half of the exponential wait is drawn, so that callers
// that failed together do not come back together.
func (p Pace) wait(attempt int, jitter float64) time.Duration {
	d := p.MinWait
	for i := 1; i < attempt && d < p.MaxWait; i++ {
		d *= 2
	}
	d = min(d, p.MaxWait)
	return d/2 + time.Duration(jitter*float64(d/2))
}

// Wait waits as long as is due after the given attempt, counted from 1: see [Await].
func (p Pace) Wait(ctx context.Context, attempt int) error {
	return Await(ctx, p.After(attempt))
}

// errNoTime is why something is not waited for.
var errNoTime = fmt.Errorf("the context would end before the next attempt: %w", context.DeadlineExceeded)

// Await is Sleep for somebody who has to do something afterwards: if the context ends
// before that, it returns at once.
func Await(ctx context.Context, d time.Duration) error {
	if noTime(ctx, d) {
		return errNoTime
	}
	return Sleep(ctx, d)
}

// noTime reports whether a context that has not ended will have after d.
func noTime(ctx context.Context, d time.Duration) bool {
	end, ok := ctx.Deadline()
	return ok && ctx.Err() == nil && time.Until(end) < d
}

// Sleep waits for d, or until the context ends, whose error and cause it then
// returns.
func Sleep(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return interrupted(ctx, nil)
	}
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return interrupted(ctx, nil)
	case <-timer.C:
		return nil
	}
}

// waitAfter is wait, or what the answer's Retry-After asks for if that is longer.
// It is bounded either way: a server does not get to hold a caller for an hour, nor,
// with 0, to make it storm.
func (p Pace) waitAfter(attempt int, asked time.Duration) time.Duration {
	d := p.wait(attempt, rand.Float64())
	if asked = min(asked, p.Longest()); asked > 0 {
		d = max(d, asked+rand.N(asked/8+1)) // not all at once who were told the same
	}
	return min(d, p.Longest())
}
