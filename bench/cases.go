package main

import "time"

// callCase is a call whose cost is compared. The bars are on the medians.
type callCase struct {
	name string
	job
	// barRaw and barNodejs bound roq's CPU time as a part of the other's; aim is
	// where barRaw should be one day.
	barRaw, aim, barNodejs float64
	// barAllocs bounds roq's allocations, 0 for no bar.
	barAllocs float64
}

func callCases() []callCase {
	return []callCase{
		{"UserInvites of 10", job{opList, 10, 1}, 0.80, 0.70, 0.35, 180},
		{"UserInvites of 10, 64 callers", job{opList, 10, manyCallers}, 0.65, 0.55, 0.30, 0},
		{"UserInvites of 1,000", job{opList, 1_000, 1}, 0.45, 0.30, 0.75, 9_500},
		{"SendUserInvites of 1", job{opSend, 1, 1}, 1.10, 1.00, 0.50, 0},
		{"SendUserInvites of 100", job{opSend, 100, 1}, 0.50, 0.30, 0.90, 0},
		{"SendUserInvites of 1,000, one batch", job{opSend, 1_000, 1}, 0.50, 0.30, 0.90, 0},
	}
}

// firstCase is so many first calls at once, of one new client and one user.
const (
	firstName   = "1,000 first calls at once"
	firstCalls  = 1_000
	firstTokens = 2 // requests for a token, at most
)

// effort is how much a run measures.
type effort struct {
	rounds int           // of each case
	warmUp time.Duration // of each contender before a case, at least
	cpu    time.Duration // of one measurement, about
	wall   int           // runs of each case that is timed by the clock
}

var (
	full  = effort{rounds: 25, warmUp: 500 * time.Millisecond, cpu: 70 * time.Millisecond, wall: 5}
	quick = effort{rounds: 5, warmUp: 200 * time.Millisecond, cpu: 40 * time.Millisecond, wall: 1}
)
