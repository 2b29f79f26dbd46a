package listing

import (
	"context"
	"sync"

	"github.com/go-roq/roq/internal/relay"
)

// readahead fetches what will be asked for, several at once: pages of a list by
// their offsets, for example. They are asked for in order, and whoever asks checks
// that each fits the one before: when it was fetched does not matter for that.
type readahead[R any] struct {
	parallel int

	flights []*flight[R] // in the order of their offsets
	launch  func(offset int) *flight[R]
	stop    func() // cancels what is in flight, and waits for it

	mu  sync.Mutex
	end relay.End // the first end of a fetch that did not return
}

// flight is a fetch in flight.
type flight[R any] struct {
	offset int
	cancel context.CancelFunc
	done   chan struct{}
	result R
	err    error
	end    relay.End
}

// newReadahead returns a readahead whose fetches end with ctx and with stop.
func newReadahead[R any](ctx context.Context, parallel int, fetch func(context.Context, int) (R, error)) *readahead[R] {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	r := &readahead[R]{parallel: parallel}
	r.launch = func(offset int) *flight[R] {
		ctx, cancel := context.WithCancel(ctx)
		f := &flight[R]{offset: offset, cancel: cancel, done: make(chan struct{})}
		all.Add(1)
		relay.Go(func() { f.result, f.err = fetch(ctx, offset) }, func(end relay.End) {
			defer all.Done()
			defer close(f.done)
			f.end = end
			r.note(end)
		})
		return f
	}
	r.stop = func() {
		cancel()
		all.Wait()
	}
	return r
}

// get returns what is at offset. If its fetch did not return, neither does get.
func (r *readahead[R]) get(offset int) (R, error) {
	f := r.take(offset)
	<-f.done
	f.cancel()
	f.end.Resume()
	return f.result, f.err
}

// note records how a fetch ended, for one that nobody waits for.
func (r *readahead[R]) note(end relay.End) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.end.Abnormal() {
		r.end = end
	}
}

// take returns the first flight if it is the one for offset. If another offset is
// wanted, none of those in flight will be.
func (r *readahead[R]) take(offset int) *flight[R] {
	if len(r.flights) > 0 && r.flights[0].offset == offset {
		f := r.flights[0]
		r.flights[0] = nil // its result is the caller's from now on
		r.flights = r.flights[1:]
		return f
	}
	r.drop()
	return r.launch(offset)
}

// drop cancels what is in flight.
func (r *readahead[R]) drop() {
	for _, f := range r.flights {
		f.cancel()
	}
	r.flights = nil
}

// expect fetches the pages that will be asked for: the one at offset next, and those
// a step apart behind it, as long as they hold more than the rows that they share
// with the one before.
func (r *readahead[R]) expect(next, step, shared, total int) {
	if len(r.flights) > 0 && r.flights[0].offset != next {
		r.drop()
	}
	if step <= 0 {
		return // a list that changes is followed page by page
	}
	if n := len(r.flights); n > 0 {
		next = r.flights[n-1].offset + step
	}
	for ; len(r.flights) < r.parallel && next < total-shared; next += step {
		r.flights = append(r.flights, r.launch(next))
	}
}
