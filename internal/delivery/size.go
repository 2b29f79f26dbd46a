package delivery

import (
	"sync"
	"time"
)

// How many full batches in a row the platform must take before larger ones are
// tried: after one that took too long or was too large, and after one whose answer was
// unclear, which says little about size.
const (
	growAfter      = 20
	growAfterDoubt = 4
)

const (
	// unlimited is above every batch.
	unlimited = 1 << 30
	// forgetAfter is how long a Limit is remembered after it last fell: it may have been
	// an hour's trouble.
	forgetAfter = time.Hour
)

// Limit is what a Client has learned of how many invites the platform takes in one
// request. All its calls share it. It is lowered by a batch that the platform says has
// too many invites, and by one that is as large as its call allows. A smaller one that
// failed was not too large for the number of its invites.
//
// It falls to the half of a batch that took too long, and to the part of a batch that
// was taken after the whole was too large. Twenty batches of that size in a row that
// are taken double it.
type Limit struct {
	mu   sync.Mutex
	n    int // 0 means unlimited
	good int // batches of that size in a row that were taken
	fell time.Time
}

func (l *Limit) get() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now()
}

// now returns the limit, and forgets one that is old.
func (l *Limit) now() int {
	if l.n > 0 && time.Since(l.fell) >= forgetAfter {
		l.n, l.good = 0, 0
	}
	if l.n == 0 {
		return unlimited
	}
	return l.n
}

// lower makes the limit at most n.
func (l *Limit) lower(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.good = 0
	if n < l.now() {
		l.n, l.fell = n, time.Now()
	}
}

// grow records that a batch was taken.
func (l *Limit) grow(size int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if size < l.now() {
		return // which proves nothing
	}
	if l.good++; l.good >= growAfter {
		l.n, l.good = 2*l.n, 0
	}
}

// Size is how many invites go in one request of a call at most. All who send for the
// call at the same time share it. It falls at once where a batch is too much, and rises
// again, slowly, where only time was lacking. It is never above the Client's Limit.
type Size struct {
	client *Limit
	want   int // what the caller allows

	mu   sync.Mutex
	n    int
	most int // what it may rise to
	good int // full batches in a row that were taken
	need int // how many it takes to rise
}

// NewSize returns a Size of n for a call of the client with that limit.
func NewSize(client *Limit, n int) *Size {
	return &Size{client: client, want: n, n: n, most: n, need: growAfter}
}

// Get returns how many invites go in one request now.
func (s *Size) Get() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return min(s.n, s.client.get())
}

// full reports whether a batch was as large as the caller and the Client's limit
// allow.
func (s *Size) full(size int) bool { return size >= min(s.want, s.client.get()) }

// Shrink makes the size half of that of a batch which took too long, unless it is
// smaller already.
func (s *Size) Shrink(tooMuch int) {
	if tooMuch > 1 && s.full(tooMuch) {
		s.client.lower(tooMuch / 2)
	}
	s.halve(tooMuch, growAfter)
}

// Doubt is Shrink for a batch whose answer was unclear, so that the next doubt is
// about fewer invites. The Client's other calls need not be as careful.
func (s *Size) Doubt(size int) { s.halve(size, growAfterDoubt) }

// halve makes the size half of that of a batch in this call, unless it is smaller
// already. It returns the size before.
func (s *Size) halve(size, need int) (before int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, s.good = s.n, 0
	if half := max(1, size/2); half < s.n {
		s.n, s.need = half, need
	}
	return before
}

// limit makes the size at most that of a part that the platform took, of a batch
// that it found too large: in this call it never takes larger ones. The Client's other
// calls go by it if it was for the number of its invites, as far as is known.
func (s *Size) limit(fits int, byNumber bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.most = min(s.most, fits)
	s.n, s.good = min(s.n, s.most), 0
	if byNumber {
		s.client.lower(s.most)
	}
}

// restore undoes a halving that turned out to be for another reason than the size.
func (s *Size) restore(before int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n = min(before, s.most)
}

// grow records that a batch was taken.
func (s *Size) grow(size int) {
	s.client.grow(size)
	s.mu.Lock()
	defer s.mu.Unlock()
	if size < s.n {
		return // which proves nothing
	}
	if s.good++; s.good >= s.need {
		s.n, s.good = min(2*s.n, s.most), 0
	}
}
