// Package bulk does something for each of many things, several at once, in a loop of the
// caller's.
package bulk

import (
	"context"
	"errors"
	"sync"

	"github.com/go-roq/roq/internal/relay"
)

// errAborted ends a loop whose function did not return.
var errAborted = errors.New("a change did not return")

// Run calls do with 0 to n-1, up to parallel at once, and yield with what it returns. It
// returns the cause if do has called stop, or ctx has ended: do is called for the rest all
// the same, and sees it by its context. A call waits until what the one before returned was
// taken. When yield returns false, do is not called anymore, and Run returns when what is
// under way has returned. A panic or runtime.Goexit in do comes out of Run.
func Run[O any](ctx context.Context, n, parallel int, do func(ctx context.Context, stop context.CancelCauseFunc, i int) O, yield func(O) bool) error {
	ctx, stop := context.WithCancelCause(ctx)
	outcomes := make(chan O) // who has one waits for the loop, which may be left
	q := &queue{end: n}
	var workers sync.WaitGroup
	for range min(parallel, n) {
		workers.Add(1)
		relay.Go(func() {
			for i, more := q.take(); more; i, more = q.take() {
				outcomes <- do(ctx, stop, i)
			}
		}, func(end relay.End) {
			defer workers.Done()
			if end.Abnormal() {
				stop(errAborted)
				q.close(end)
			}
		})
	}
	go func() {
		workers.Wait()
		close(outcomes)
	}()
	defer func() {
		stop(nil)
		q.close(relay.End{})
		for range outcomes { // of what was under way
		}
		q.ended.Resume()
	}()
	for o := range outcomes {
		if !yield(o) {
			return nil
		}
	}
	return context.Cause(ctx)
}

// queue gives out what is to be done.
type queue struct {
	mu        sync.Mutex
	next, end int
	// ended is the first end of what did not return.
	ended relay.End
}

func (q *queue) take() (i int, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.next++
	return q.next - 1, q.next <= q.end
}

// close leaves the rest undone.
func (q *queue) close(end relay.End) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.end = 0
	if !q.ended.Abnormal() {
		q.ended = end
	}
}
