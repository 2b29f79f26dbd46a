package delivery

import "sync"

// How many full batches in a row the platform must take before larger ones are
// tried: after one that took too long, and after one whose answer was unclear, which
// says little about size.
const (
	growAfter      = 20
	growAfterDoubt = 4
)

// Size is how many invites go in one request at most. All who send at the same
// time share it. It falls at once where a batch is too much, and rises again,
// slowly, where only time was lacking.
type Size struct {
	mu   sync.Mutex
	n    int
	most int // what it may rise to
	good int // full batches in a row that were taken
	need int // how many it takes to rise
}

// NewSize returns a Size of n.
func NewSize(n int) *Size { return &Size{n: n, most: n, need: growAfter} }

// Get returns how many invites go in one request now.
func (s *Size) Get() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

// Shrink makes the size half of that of a batch which took too long, unless it is
// smaller already.
func (s *Size) Shrink(tooMuch int) { s.halve(tooMuch, growAfter) }

// Doubt is Shrink for a batch whose answer was unclear, so that the next doubt is
// about fewer invites.
func (s *Size) Doubt(size int) { s.halve(size, growAfterDoubt) }

func (s *Size) halve(size, need int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.good = 0
	if half := max(1, size/2); half < s.n {
		s.n, s.need = half, need
	}
}

// limit makes the size at most that of a part that the platform took, of a batch
// that it found too large: it never takes larger ones.
func (s *Size) limit(fits int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.most = min(s.most, fits)
	s.n, s.good = min(s.n, s.most), 0
}

// restore undoes a Shrink that turned out to be for another reason than the size.
func (s *Size) restore(before int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n = min(before, s.most)
}

// grow records that a batch was taken.
func (s *Size) grow(size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if size < s.n {
		return // which proves nothing
	}
	if s.good++; s.good >= s.need {
		s.n, s.good = min(2*s.n, s.most), 0
	}
}
