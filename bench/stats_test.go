package main

import (
	"slices"
	"testing"
)

func TestSummarize(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		values []float64
		want   summary
	}{
		{[]float64{3}, summary{3, 3, 3}},
		{[]float64{4, 1}, summary{1.75, 2.5, 3.25}},
		{[]float64{5, 1, 3, 2, 4}, summary{2, 3, 4}},
		{[]float64{1, 2, 3, 1000}, summary{1.75, 2.5, 252.25}},
	} {
		before := slices.Clone(test.values)
		if got := summarize(test.values); got != test.want {
			t.Errorf("summarize(%v) = %v, want %v", test.values, got, test.want)
		}
		if !slices.Equal(test.values, before) {
			t.Errorf("summarize changed %v to %v", before, test.values)
		}
	}
}

// The ratio is taken within each round: one that was slow for both counts like
// any other.
func TestRatio(t *testing.T) {
	t.Parallel()
	r := result{of: map[string]*series{
		nameRoq: {perCall: []float64{50, 500, 60}},
		nameRaw: {perCall: []float64{100, 1000, 100}},
	}}
	if got, ok := r.ratio(nameRoq, nameRaw); !ok || got.Median != 0.5 {
		t.Errorf("ratio = %v, %v, want a median of 0.5", got, ok)
	}
	if _, ok := r.ratio(nameRoq, nameNodejs); ok {
		t.Error("there is a ratio to a client that was not measured")
	}
}

// Each order holds everybody, nobody is always first, and nobody always follows
// the same other.
func TestPlace(t *testing.T) {
	t.Parallel()
	const n = 6
	first, before := map[int]bool{}, map[[2]int]bool{}
	for round := range 2 * n {
		var order []int
		for i := range n {
			order = append(order, place(i, round, n))
			if i > 0 {
				before[[2]int{order[i-1], order[i]}] = true
			}
		}
		first[order[0]] = true
		slices.Sort(order)
		if !slices.Equal(order, []int{0, 1, 2, 3, 4, 5}) {
			t.Errorf("round %d measures %v", round, order)
		}
	}
	if len(first) != n || len(before) != 2*n {
		t.Errorf("%d are first once, and there are %d pairs of neighbours, want %d and %d", len(first), len(before), n, 2*n)
	}
}

// Slack is for what depends on the machine only.
func TestBarMet(t *testing.T) {
	t.Parallel()
	noisy := summary{0.9, 1, 1.1}
	for _, test := range []struct {
		bar   bar
		slack float64
		want  bool
	}{
		{bar{got: 1, limit: 1, around: noisy}, 1, true},
		{bar{got: 1.2, limit: 1, around: noisy}, 1, false},
		{bar{got: 1.2, limit: 1, around: noisy}, 1.25, true},
		{bar{got: 1.3, limit: 1, around: noisy}, 1.25, false},
		{bar{got: 181, limit: 180}, 1.25, false},
		{bar{got: 180, limit: 180}, 1.25, true},
	} {
		if got := test.bar.met(test.slack); got != test.want {
			t.Errorf("met(%v) of %v, bar %v = %v, want %v", test.slack, test.bar.got, test.bar.limit, got, test.want)
		}
	}
}

func TestGrouped(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0: "0", 999.4: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := grouped(v); got != want {
			t.Errorf("grouped(%v) = %q, want %q", v, got, want)
		}
	}
}
