package roq

import "sync"

// praiseworthy is how many full batches in a row the platform must take before
// larger ones are tried.
const praiseworthy = 20

// batchSize is how many invites go in one request at most. All who send at the
// same time share it. It falls where a batch is too much, at once, and rises again,
// slowly, where only time was lacking.
type batchSize struct {
	mu   sync.Mutex
	n    int
	most int // what it may rise to
	good int // full batches in a row that were taken
}

func newBatchSize(n int) *batchSize { return &batchSize{n: n, most: n} }

func (s *batchSize) get() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

// halve makes the size half of that of a batch which took too long, unless it is
// smaller already.
func (s *batchSize) halve(tooMuch int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n, s.good = min(s.n, max(1, tooMuch/2)), 0
}

// limit is halve for a batch that the platform refused for its size: it takes none
// as large ever.
func (s *batchSize) limit(tooMuch int) {
	s.halve(tooMuch)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.most = min(s.most, max(1, tooMuch/2))
}

// praise takes down that a batch was taken.
func (s *batchSize) praise(size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if size < s.n {
		return // which proves nothing
	}
	if s.good++; s.good == praiseworthy {
		s.n, s.good = min(2*s.n, s.most), 0
	}
}
