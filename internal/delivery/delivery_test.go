package delivery

import (
	"testing"
	"testing/synctest"
	"time"
)

// The size falls at once and rises slowly, up to what the platform was seen to take.
func TestSize(t *testing.T) {
	t.Parallel()
	s := NewSize(new(Limit), 100)
	step := func(what string, do func(), want int) {
		t.Helper()
		if do(); s.Get() != want {
			t.Errorf("after %s: %d, want %d", what, s.Get(), want)
		}
	}
	step("a time-out", func() { s.Shrink(100) }, 50)
	step("a time-out of a small batch", func() { s.Shrink(10) }, 5)
	step("a time-out of a larger batch", func() { s.Shrink(100) }, 5)
	step("nineteen full batches", func() {
		for range growAfter - 1 {
			s.grow(5)
		}
	}, 5)
	step("batches that were not full", func() { s.grow(4) }, 5)
	step("the twentieth", func() { s.grow(5) }, 10)
	step("a part that fits", func() { s.limit(8, false) }, 8)
	step("twenty more", func() {
		for range growAfter {
			s.grow(8)
		}
	}, 8)
	step("one that is too much alone", func() { s.Shrink(8); s.restore(8) }, 8)
	step("restoring what never fits", func() { s.restore(100) }, 8)
	step("a doubt", func() { s.Doubt(8) }, 4)
	step("four full batches", func() {
		for range growAfterDoubt {
			s.grow(4)
		}
	}, 8)
	step("a batch of one", func() { s.Shrink(1) }, 1)
}

// What one call learns, every call of the client goes by, if it is about the number of
// invites.
func TestLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limit := new(Limit)
		a, b := NewSize(limit, 100), NewSize(limit, 40)
		step := func(what string, do func(), wantA, wantB int) {
			t.Helper()
			if do(); a.Get() != wantA || b.Get() != wantB {
				t.Errorf("after %s: %d and %d, want %d and %d", what, a.Get(), b.Get(), wantA, wantB)
			}
		}
		step("nothing", func() {}, 100, 40)
		step("a time-out of a batch that was not full", func() { a.Shrink(60) }, 30, 40)
		a = NewSize(limit, 100)
		step("a doubt", func() { a.Doubt(100) }, 50, 40)
		a = NewSize(limit, 100)
		step("a time-out", func() { b.Shrink(40) }, 20, 20)
		step("another, of a batch that left before", func() { a.Shrink(100) }, 20, 20)
		step("nineteen full batches", func() {
			for range growAfter - 1 {
				a.grow(20)
			}
		}, 20, 20)
		step("the twentieth", func() { b.grow(20) }, 40, 20)
		step("a part that fits, for its length", func() { a.limit(7, false) }, 7, 20)
		step("a part that fits", func() { b.limit(6, true) }, 6, 6)
		step("a part that fits of another batch", func() { a.limit(5, true) }, 5, 5)
		step("an hour", func() { <-time.After(forgetAfter) }, 5, 6)
		a = NewSize(limit, 100)
		step("a new call", func() {}, 100, 6)
		step("a batch of one", func() { NewSize(limit, 1).Shrink(1) }, 100, 6)
		step("what was taken", func() {
			for range growAfter {
				a.grow(100)
			}
		}, 100, 6)
	})
}

func TestSummary(t *testing.T) {
	t.Parallel()
	for want, n := range map[string][4]int{
		"nothing was sent":                                        {0, 0, 0, 3},
		"the outcome is unknown":                                  {0, 0, 3, 0},
		"invites: 1 sent, 2 refused, 3 not sent":                  {1, 2, 0, 3},
		"invites: 1 sent; the outcome of 2 is unknown":            {1, 0, 2, 0},
		"invites: 3 not sent; the outcome of 2 is unknown":        {0, 0, 2, 3},
		"invites: 1 sent, 1 refused; the outcome of 1 is unknown": {1, 1, 1, 0},
	} {
		if got := Summary(n[0], n[1], n[2], n[3]); got != want {
			t.Errorf("%v: %q, want %q", n, got, want)
		}
	}
}
