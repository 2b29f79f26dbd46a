// Package relay runs a function on another goroutine and continues its end on the
// goroutine that waits for it. A panic or [runtime.Goexit] in a function of the
// caller's is then the caller's, as if there were no other goroutine.
package relay

import "runtime"

// End is how a function ended. The zero End is that of one that returned.
type End struct {
	panicked any  // what the function panicked with, nil if it did not
	exited   bool // by runtime.Goexit
}

// Go runs f on a goroutine of its own, and then calls done on that goroutine with
// how f ended. It does not wait for either.
func Go(f func(), done func(End)) {
	go func() {
		end := End{exited: true} // unless f returns or panics
		// Deferred, because nothing else runs after runtime.Goexit.
		defer func() { done(end) }()
		defer func() {
			if value := recover(); value != nil {
				end = End{panicked: value}
			}
		}()
		f()
		end = End{}
	}()
}

// Abnormal reports whether the function did not return.
func (e End) Abnormal() bool {
	return e.panicked != nil || e.exited
}

// Resume ends the present goroutine's function in the same way: it panics with the
// same value, calls [runtime.Goexit], or does nothing if the function returned.
func (e End) Resume() {
	switch {
	case e.panicked != nil:
		panic(e.panicked)
	case e.exited:
		runtime.Goexit()
	}
}
