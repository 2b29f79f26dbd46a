package campaign

import (
	"testing"
	"testing/synctest"
	"time"
)

// numbers yields n numbers, each after that long.
func numbers(n int, after time.Duration) func(func(int, error) bool) {
	return func(yield func(int, error) bool) {
		for i := range n {
			<-time.After(after)
			if !yield(i, nil) {
				return
			}
		}
	}
}

// A stream that was told to stop hands over what it yields within a moment, and then
// nothing more.
func TestIntakeStop(t *testing.T) {
	t.Parallel()
	for after, want := range map[time.Duration]int{0: 2, moment / 2: 2, 2 * moment: 1} {
		synctest.Test(t, func(t *testing.T) {
			in := pull(numbers(5, after))
			got := 1
			<-in.items
			in.stop()
			for open := true; open; {
				select {
				case _, open = <-in.items:
					if open {
						got++
					}
				case <-in.late:
					open = !in.close()
				}
			}
			if got != want {
				t.Errorf("one each %v: %d inputs, want %d", after, got, want)
			}
			if end := in.abandon(); end.Abnormal() {
				t.Errorf("it ended with %v", end)
			}
			<-time.After(2 * moment) // the stream's goroutine has time to end
		})
	}
}

// Whoever leaves a stream gets its panic, if it comes within a moment.
func TestIntakeAbandon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in := pull(func(yield func(int, error) bool) {
			defer func() { panic("in the clean-up") }()
			yield(0, nil)
		})
		if end := in.abandon(); !end.Abnormal() {
			t.Error("the panic is lost")
		}
		begin := time.Now()
		in = pull(numbers(1, time.Hour))
		if end := in.abandon(); end.Abnormal() || time.Since(begin) != moment {
			t.Errorf("a stream that blocks was waited for %v", time.Since(begin))
		}
		<-time.After(2 * time.Hour) // its goroutine has time to end
	})
}
