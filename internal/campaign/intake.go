package campaign

import (
	"iter"
	"sync"
	"time"

	"github.com/go-roq/roq/internal/relay"
)

// intake pulls a stream on a goroutine of its own, so that a slow one delays
// nobody, and knows whether an input is between the stream and whoever takes it:
// none may get lost there.
type intake[T any] struct {
	items chan taken[T]
	done  chan struct{} // closed when the stream has ended
	gone  chan struct{} // closed when nobody takes anything any more
	// late is closed a moment after the stream was told to stop.
	late chan struct{}
	// end is how the stream ended; it is set before done is closed.
	end relay.End

	mu sync.Mutex
	// held is whether an input has left the stream and may not have been taken.
	held bool
	// closing is whether the stream is not to be asked for more, closed whether it is
	// not to give more either.
	closing, closed bool
}

// taken is one input of a stream, or its error.
type taken[T any] struct {
	input T
	err   error
	// end is how the stream ended, if it did not return: whoever takes it ends in the
	// same way.
	end relay.End
}

func pull[T any](source iter.Seq2[T, error]) *intake[T] {
	in := &intake[T]{items: make(chan taken[T]), done: make(chan struct{}), gone: make(chan struct{}), late: make(chan struct{})}
	relay.Go(func() {
		for input, err := range source {
			if !in.offer(taken[T]{input: input, err: err}) {
				return
			}
		}
	}, func(end relay.End) {
		if in.end = end; end.Abnormal() {
			in.offer(taken[T]{end: end})
		}
		close(in.items)
		close(in.done)
	})
	return in
}

// offer hands on one input, and reports whether to go on. It runs on the stream's
// goroutine.
func (in *intake[T]) offer(t taken[T]) bool {
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

// moment is how long a stream that was told to stop has to hand over what it is in
// the middle of, and to end.
const moment = time.Second

// stop lets the stream hand over what it has yielded, and what it yields within a
// moment. It is asked for no more.
func (in *intake[T]) stop() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.closing {
		in.closing = true
		time.AfterFunc(moment, func() { close(in.late) })
	}
}

// isLate reports whether the stream has had its moment.
func (in *intake[T]) isLate() bool {
	select {
	case <-in.late:
		return true
	default:
		return false
	}
}

// close ends the stream unless an input is held, which has to be taken first.
func (in *intake[T]) close() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed = in.closed || !in.held
	return in.closed
}

// abandon leaves the stream, and returns how it ended. One that is in the middle of
// something has a moment to come out of it, so that its caller can close what it
// reads from.
func (in *intake[T]) abandon() relay.End {
	in.stop()
	in.mu.Lock()
	in.closed = true
	in.mu.Unlock()
	close(in.gone)
	select {
	case <-in.done:
		return in.end
	case <-in.late:
		return relay.End{}
	}
}
