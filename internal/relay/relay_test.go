package relay_test

import (
	"errors"
	"runtime"
	"testing"

	"github.com/go-roq/roq/internal/relay"
)

var errOwn = errors.New("of the function's own")

// endOf runs f and returns how it ended.
func endOf(f func()) relay.End {
	ends := make(chan relay.End, 1)
	relay.Go(f, func(e relay.End) { ends <- e })
	return <-ends
}

// resumed is how a goroutine ended that resumed an End.
type resumed struct {
	passed   bool // Resume returned
	panicked any
}

// resume calls Resume on a goroutine of its own.
func resume(e relay.End) resumed {
	results := make(chan resumed, 1)
	go func() {
		var r resumed
		defer func() {
			r.panicked = recover()
			results <- r
		}()
		e.Resume()
		r.passed = true
	}()
	return <-results
}

func TestEnd(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		f        func()
		abnormal bool
		want     resumed
	}{
		"returned":           {func() {}, false, resumed{passed: true}},
		"panicked":           {func() { panic(errOwn) }, true, resumed{panicked: errOwn}},
		"exited":             {runtime.Goexit, true, resumed{}},
		"recovered":          {func() { defer func() { _ = recover() }(); panic(errOwn) }, false, resumed{passed: true}},
		"panicked, exited":   {func() { defer runtime.Goexit(); panic(errOwn) }, true, resumed{}},
		"panicked on exit":   {func() { defer panic(errOwn); runtime.Goexit() }, true, resumed{panicked: errOwn}},
		"panicked as it did": {func() { endOf(func() { panic(errOwn) }).Resume() }, true, resumed{panicked: errOwn}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := endOf(test.f)
			if e.Abnormal() != test.abnormal {
				t.Errorf("Abnormal() = %v, want %v", e.Abnormal(), test.abnormal)
			}
			if got := resume(e); got != test.want {
				t.Errorf("Resume() ended %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestPanicNil(t *testing.T) {
	t.Parallel()
	// A panic with nil is not an exit: the runtime replaces the nil.
	got := resume(endOf(func() { panic(nil) }))
	if _, ok := got.panicked.(*runtime.PanicNilError); !ok {
		t.Errorf("Resume() panicked with %v, want a *runtime.PanicNilError", got.panicked)
	}
}

func TestZeroEnd(t *testing.T) {
	t.Parallel()
	var e relay.End
	if e.Abnormal() {
		t.Error("the zero End is abnormal")
	}
	if got := resume(e); !got.passed {
		t.Errorf("Resume() of the zero End ended %+v, want it to return", got)
	}
}

func TestGoDoesNotWait(t *testing.T) {
	t.Parallel()
	wait, done := make(chan struct{}), make(chan struct{})
	relay.Go(func() { <-wait }, func(relay.End) { close(done) })
	close(wait) // a Go that waited for f would not get here
	<-done
}
