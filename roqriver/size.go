package roqriver

// requestSizes is what the requests of one batch say of how many invites the platform
// takes in one.
type requestSizes struct {
	last, largest, taken int
	refused              bool
}

func (r *requestSizes) sending(n int) { r.last, r.largest = n, max(r.largest, n) }
func (r *requestSizes) sent()         { r.taken = max(r.taken, r.last) }

// learned is the largest size that was taken if a larger one was not, and otherwise 0. A
// batch with a refusal says nothing: it may have been split to find who is the reason.
func (r *requestSizes) learned() int {
	if r.refused || r.taken == 0 || r.taken == r.largest {
		return 0
	}
	return r.taken
}
