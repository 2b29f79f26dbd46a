// Package jobs runs what takes longer than a request, and keeps its results for a while.
// What it keeps is bounded.
package jobs

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// ErrBusy is the error of [Runner.Start] if too many jobs are running.
var ErrBusy = errors.New("too many jobs are running")

// errPanicked is the error of what did not return.
var errPanicked = errors.New("it did not return")

// Runner runs jobs with results of type R.
type Runner[R any] struct {
	// Running is how many jobs may run at once. Kept is how many are kept, and Onces how
	// many keys of Once.
	Running, Kept, Onces int
	// Weigh returns what a result counts, and Heaviest bounds the sum of all jobs that have
	// ended.
	Weigh    func(R) int
	Heaviest int

	mu      sync.Mutex
	running int
	byID    map[string]*Job[R]
	order   []string // oldest first
	onces   map[string]func() (string, error)
	recent  []string
}

// Key returns a key for [Runner.Once]: that of these texts, and lists of texts, alone.
func Key(texts ...any) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", texts))
	return hex.EncodeToString(sum[:])
}

// Once calls handle with a key for the first time, and returns what it returned then. If it
// fails or panics, it is called again the next time.
func (r *Runner[R]) Once(key string, handle func() (id string, err error)) (string, error) {
	r.mu.Lock()
	once := r.onces[key]
	if once == nil {
		once = sync.OnceValues(func() (id string, err error) {
			err = errPanicked
			defer func() {
				if err != nil {
					r.mu.Lock()
					defer r.mu.Unlock()
					delete(r.onces, key)
					r.recent = slices.DeleteFunc(r.recent, func(k string) bool { return k == key })
				}
			}()
			return handle()
		})
		if r.onces == nil {
			r.onces = map[string]func() (string, error){}
		}
		r.onces[key] = once
		if r.recent = append(r.recent, key); len(r.recent) > r.Onces {
			delete(r.onces, r.recent[0])
			r.recent = r.recent[1:]
		}
	}
	r.mu.Unlock()
	return once()
}

// Job is what runs, or did.
type Job[R any] struct {
	cancel context.CancelFunc
	done   chan struct{}
	mu     sync.Mutex
	result R
}

// Update changes the result.
func (j *Job[R]) Update(change func(*R)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	change(&j.result)
}

// Result returns the result so far. What it refers to may only be appended to.
func (j *Job[R]) Result() R {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.result
}

// Cancel ends the job's context.
func (j *Job[R]) Cancel() { j.cancel() }

// Done is closed when the job has ended.
func (j *Job[R]) Done() <-chan struct{} { return j.done }

// Wait waits for the job to end, for so long at most, and not after the end of ctx.
func (j *Job[R]) Wait(ctx context.Context, limit time.Duration) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-j.done:
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (j *Job[R]) ended() bool {
	select {
	case <-j.done:
		return true
	default:
		return false
	}
}

// Start runs a job, and returns its id, which cannot be guessed. The job has the values of
// ctx, and does not end with it. End is called last, with the error of work, or with another
// one if work panics: then panicked is true.
func (r *Runner[R]) Start(ctx context.Context, begin R, work func(context.Context, *Job[R]) error, end func(result *R, err error, panicked bool)) (string, error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	j := &Job[R]{cancel: cancel, done: make(chan struct{}), result: begin}
	id := rand.Text()
	if !r.keep(id, j) {
		cancel()
		return "", ErrBusy
	}
	go func() {
		defer cancel()
		err := errPanicked
		defer func() {
			panicked := recover() != nil || errors.Is(err, errPanicked)
			j.Update(func(result *R) { end(result, err, panicked) })
			close(j.done)
			r.mu.Lock()
			defer r.mu.Unlock()
			r.running--
		}()
		err = work(ctx, j)
	}()
	return id, nil
}

// keep stores a job under an id, and forgets the oldest that have ended, unless too many
// are running.
func (r *Runner[R]) keep(id string, j *Job[R]) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running >= r.Running {
		return false
	}
	r.running++
	if r.byID == nil {
		r.byID = map[string]*Job[R]{}
	}
	r.byID[id] = j
	r.order = append(r.order, id)
	weight := 0
	for _, kept := range r.byID {
		weight += r.Weigh(kept.Result())
	}
	r.order = slices.DeleteFunc(r.order, func(id string) bool {
		old := r.byID[id]
		forget := (len(r.byID) > r.Kept || weight > r.Heaviest) && old.ended()
		if forget {
			weight -= r.Weigh(old.Result())
			delete(r.byID, id)
		}
		return forget
	})
	return true
}

// Find returns the job with an id, nil if it is not known, or not any more.
func (r *Runner[R]) Find(id string) *Job[R] {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.byID[id]
}
