package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// series is what measuring one contender in a case gave, a value a round.
type series struct {
	perCall []float64 // ns of CPU
	allocs  []float64 // of one call
}

// result is what came of a case.
type result struct {
	callCase
	of map[string]*series
	// young are roq's CPU times as a part of those of the first calls of a process
	// of @roq/nodejs.
	young []float64
}

// measureCase measures each contender once a round, so that what disturbs the
// machine for longer than a round disturbs all.
func measureCase(ctx context.Context, c callCase, contenders []entry, e effort) (*result, error) {
	r := &result{callCase: c, of: make(map[string]*series)}
	calls := make(map[string]int)
	for _, x := range contenders {
		n, err := calibrate(ctx, x, c.job, e)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", c.name, x.name, err)
		}
		calls[x.name], r.of[x.name] = n, new(series)
	}
	for round := range e.rounds {
		for i := range contenders {
			x := contenders[place(i, round, len(contenders))]
			cost, err := x.measure(ctx, c.job, calls[x.name])
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", c.name, x.name, err)
			}
			s := r.of[x.name]
			s.perCall = append(s.perCall, float64(cost.cpu)/float64(cost.calls))
			s.allocs = append(s.allocs, float64(cost.allocs)/float64(cost.calls))
		}
	}
	return r, nil
}

// measureYoung compares roq with the first calls of processes of @roq/nodejs: what
// one costs that is started often, or is not asked much.
func (r *result) measureYoung(ctx context.Context, roq entry, url string, processes int) error {
	calls := youngCalls(r.job)
	for range processes {
		node, _, err := startNodejs(ctx, url)
		if err != nil {
			return err
		}
		theirs, err := node.measure(ctx, r.job, calls)
		if err := errors.Join(err, node.stop()); err != nil {
			return err
		}
		ours, err := roq.measure(ctx, r.job, calls)
		if err != nil {
			return err
		}
		r.young = append(r.young, float64(ours.cpu)/float64(theirs.cpu))
	}
	return nil
}

// place says who of n is the i-th in a round. The order rotates and every other
// time is turned round, so that nobody is always first or behind the same other.
func place(i, round, n int) int {
	if round%2 == 1 {
		i = n - 1 - i
	}
	return (i + round/2) % n
}

// calibrate warms the contender up, and returns how many calls take the CPU time
// of a measurement.
func calibrate(ctx context.Context, x entry, j job, e effort) (int, error) {
	warmUp := e.warmUp
	if x.name == nameNodejs {
		warmUp = e.jit
	}
	calls := j.Callers
	for spent := time.Duration(0); ; {
		c, err := x.measure(ctx, j, calls)
		if err != nil {
			return 0, err
		}
		spent += c.wall
		fit := max(j.Callers, int(float64(e.cpu)/float64(max(c.cpu, time.Microsecond))*float64(calls)))
		if spent >= warmUp {
			return fit, nil
		}
		// Not at once: the first calls tell too little.
		calls = min(fit, 4*calls)
	}
}

// cpu is the CPU time of a call.
func (r *result) cpu(name string) summary { return summarize(r.of[name].perCall) }

// allocs is how many objects a call allocates.
func (r *result) allocs(name string) float64 { return summarize(r.of[name].allocs).Median }

// ratio compares two contenders within each round; false if one was not measured.
func (r *result) ratio(name, by string) (summary, bool) {
	a, b := r.of[name], r.of[by]
	if a == nil || b == nil {
		return summary{}, false
	}
	return summarize(ratios(a.perCall, b.perCall)), true
}

// firstResult is how many requests for a token the first calls made.
type firstResult struct {
	roq, nodejs int64 // -1 if not measured
}

// measureFirst counts them at the platform.
func measureFirst(ctx context.Context, url string, node *nodejs) (*firstResult, error) {
	count := func(calls func() error) (int64, error) {
		before, err := countsOf(ctx, url)
		if err != nil {
			return 0, err
		}
		if err := calls(); err != nil {
			return 0, fmt.Errorf("%s: %w", firstName, err)
		}
		after, err := countsOf(ctx, url)
		return after.Tokens - before.Tokens, err
	}
	first := job{opFirst, 10, firstCalls}
	r := &firstResult{nodejs: -1}
	var err error
	r.roq, err = count(func() error {
		fresh, err := newSDK(url)
		if err != nil {
			return err
		}
		_, err = local{fresh}.measure(ctx, first, firstCalls)
		return err
	})
	if err == nil && node != nil {
		r.nodejs, err = count(func() error {
			_, err := node.measure(ctx, first, firstCalls)
			return err
		})
	}
	return r, err
}
