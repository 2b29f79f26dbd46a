package roqriver

import "time"

// SetLease makes leases so short that a test can outlive one.
func (q *Queue[TTx]) SetLease(d time.Duration) { q.lease = d }

// LearnedSize is the size of requests that is learned from the sizes that were sent and taken.
func LearnedSize(sent []int, taken map[int]bool) int {
	var r requestSizes
	for _, n := range sent {
		r.sending(n)
		if taken[n] {
			r.sent()
		}
	}
	return r.learned()
}

// UnderWay reads and formats what is under way.
func UnderWay(s string) (map[int64]int64, string, error) {
	left, err := parseUnderWay(s)
	return left, formatUnderWay(left), err
}
