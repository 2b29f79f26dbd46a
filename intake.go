package roq

import (
	"iter"
	"slices"
	"sync"
	"time"
)

// intake pulls a stream on a goroutine of its own, so that a slow one holds up
// nobody, and knows whether an input is between the stream and who takes it: none
// may get lost there.
type intake struct {
	items chan taken
	done  chan struct{} // closed when the stream is left alone
	gone  chan struct{} // closed when nobody takes anything any more

	mu sync.Mutex
	// held is whether an input has left the stream and may not have been taken.
	held bool
	// closing is whether the stream is not to be asked for more, closed whether it is
	// not to give more either.
	closing, closed bool
}

// taken is one input of a stream, or its error.
type taken struct {
	input UserInviteInput
	err   error
	// panicked is what the stream has panicked with: whoever takes it does so in its
	// place.
	panicked any
}

func pull(source iter.Seq2[UserInviteInput, error]) *intake {
	in := &intake{items: make(chan taken), done: make(chan struct{}), gone: make(chan struct{})}
	go func() {
		defer close(in.done)
		defer close(in.items)
		defer func() {
			if v := recover(); v != nil {
				in.offer(taken{panicked: v})
			}
		}()
		for input, err := range source {
			input.Roles = slices.Clone(input.Roles) // a stream may use one slice for all
			if !in.offer(taken{input: input, err: err}) {
				return
			}
		}
	}()
	return in
}

// offer hands on one input, and reports whether to go on. It runs on the stream's
// goroutine.
func (in *intake) offer(t taken) bool {
	in.mu.Lock()
	in.held = !in.closed
	in.mu.Unlock()
	if !in.held {
		return false
	}
	select {
	case in.items <- t:
	case <-in.gone:
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.held = false
	return t.err == nil && !in.closing
}

// stop lets the stream give what it has just given up, and no more.
func (in *intake) stop() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closing = true
}

// close ends the stream unless an input is held, which has to be taken first.
func (in *intake) close() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed = in.closed || !in.held
	return in.closed
}

// abandon leaves the stream. One that is in the middle of something has a moment to
// come out of it, so that its caller can close what it reads from.
func (in *intake) abandon() {
	in.mu.Lock()
	in.closing, in.closed = true, true
	in.mu.Unlock()
	close(in.gone)
	moment := time.NewTimer(time.Second)
	defer moment.Stop()
	select {
	case <-in.done:
	case <-moment.C:
	}
}
