package roq

import (
	"context"
	"sync"
)

// readahead fetches pages of a list before they are asked for, several at once.
// They are asked for in order, and whoever asks checks that each goes on where the
// one before ended: when a page was fetched does not matter for that.
type readahead struct {
	parallel int

	flights []*flight // in the order of their offsets
	launch  func(offset int) *flight
	stop    func()
}

// flight is a page on its way.
type flight struct {
	offset int
	cancel context.CancelFunc
	done   chan struct{}
	page   *UserInvitePage
	err    error
	// panicked is what the caller's transport has panicked with.
	panicked any
}

// newReadahead returns a readahead that has its requests end with ctx, and with
// stop, which waits for them.
func newReadahead(ctx context.Context, parallel int, fetch func(context.Context, int) (*UserInvitePage, error)) *readahead {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	return &readahead{
		parallel: parallel,
		launch: func(offset int) *flight {
			ctx, cancel := context.WithCancel(ctx)
			f := &flight{offset: offset, cancel: cancel, done: make(chan struct{})}
			all.Go(func() {
				defer close(f.done)
				defer func() { f.panicked = recover() }()
				f.page, f.err = fetch(ctx, offset)
			})
			return f
		},
		stop: func() {
			cancel()
			all.Wait()
		},
	}
}

// page returns the page at offset.
func (r *readahead) page(offset int) (*UserInvitePage, error) {
	f := r.take(offset)
	<-f.done
	f.cancel()
	if f.panicked != nil {
		panic(f.panicked)
	}
	return f.page, f.err
}

// take returns the first page on its way if it is the one at offset. If another one
// is wanted, those on their way are none that will be.
func (r *readahead) take(offset int) *flight {
	if len(r.flights) > 0 && r.flights[0].offset == offset {
		f := r.flights[0]
		r.flights = r.flights[1:]
		return f
	}
	r.drop()
	return r.launch(offset)
}

// drop gives up the pages on their way.
func (r *readahead) drop() {
	for _, f := range r.flights {
		f.cancel()
	}
	r.flights = nil
}

// expect fetches the pages that will be asked for: the one at offset next, and those
// a step apart behind it, as long as they hold more than the rows that they share
// with the one before.
func (r *readahead) expect(next, step, shared, total int) {
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
