package main

import "time"

// callCase is a call whose cost is compared. The bars are on the medians.
type callCase struct {
	key  string // for -only
	name string
	job
	// barRaw and barNodejs bound roq's CPU time as a part of the other's; aim is
	// where barRaw should be one day. barNodejs holds for the first calls of a process
	// of @roq/nodejs and for one that is warm.
	barRaw, aim, barNodejs float64
	// barAllocs bounds roq's allocations, 0 for no bar.
	barAllocs float64
}

func callCases() []callCase {
	return []callCase{
		{"list10", "UserInvites of 10", job{opList, 10, 1}, 0.80, 0.70, 0.35, 180},
		{"list10x64", "UserInvites of 10, 64 callers", job{opList, 10, manyCallers}, 0.65, 0.55, 0.30, 0},
		{"list1000", "UserInvites of 1,000", job{opList, 1_000, 1}, 0.45, 0.30, 0.75, 9_500},
		{"send1", "SendUserInvites of 1", job{opSend, 1, 1}, 1.10, 1.00, 0.50, 0},
		{"send100", "SendUserInvites of 100", job{opSend, 100, 1}, 0.50, 0.30, 0.90, 0},
		{"send1000", "SendUserInvites of 1,000, one batch", job{opSend, 1_000, 1}, 0.50, 0.30, 0.90, 0},
	}
}

// firstCase is so many first calls at once, of one new client and one user.
const (
	firstKey    = "first"
	firstName   = "1,000 first calls at once"
	firstCalls  = 1_000
	firstTokens = 2 // requests for a token, at most
)

// youngCalls is how many of the first calls of a process are measured.
func youngCalls(j job) int { return max(j.Callers, 1_000*10/max(10, j.Size)) }

// effort is how much a run measures.
type effort struct {
	rounds int           // of each case
	warmUp time.Duration // of each contender before a case, at least
	jit    time.Duration // the same for @roq/nodejs: Node.js compiles while it runs, and takes thousands of calls
	cpu    time.Duration // of one measurement, about
	wall   int           // runs of each case that is timed by the clock
	young  int           // processes of @roq/nodejs whose first calls are measured
}

var (
	full  = effort{rounds: 40, warmUp: 300 * time.Millisecond, jit: 5 * time.Second, cpu: 50 * time.Millisecond, wall: 5, young: 5}
	quick = effort{rounds: 7, warmUp: 100 * time.Millisecond, jit: 1500 * time.Millisecond, cpu: 30 * time.Millisecond, wall: 1, young: 1}
)
