package delivery

import (
	"testing"
)

// The size falls at once and rises slowly, up to what the platform was seen to take.
func TestSize(t *testing.T) {
	t.Parallel()
	s := NewSize(100)
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
	step("a part that fits", func() { s.limit(8) }, 8)
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

func TestSummary(t *testing.T) {
	t.Parallel()
	for want, n := range map[string][4]int{
		"nothing was sent":                                              {0, 0, 0, 3},
		"the outcome is unknown":                                        {0, 0, 3, 0},
		"of the invites 1 sent, 2 refused, 3 not sent":                  {1, 2, 0, 3},
		"of the invites 1 sent; of 2 the outcome is unknown":            {1, 0, 2, 0},
		"of the invites 3 not sent; of 2 the outcome is unknown":        {0, 0, 2, 3},
		"of the invites 1 sent, 1 refused; of 1 the outcome is unknown": {1, 1, 1, 0},
	} {
		if got := Summary(n[0], n[1], n[2], n[3]); got != want {
			t.Errorf("%v: %q, want %q", n, got, want)
		}
	}
}
