package main

import (
	"fmt"
	"slices"
)

// summary is the median of some values, and the quartiles around it.
type summary struct{ Low, Median, High float64 }

// String is the median, and the quartiles in brackets.
func (s summary) String() string { return fmt.Sprintf("%.2f (%.2f–%.2f)", s.Median, s.Low, s.High) }

// summarize is that of at least one value. Between two values it interpolates.
func summarize(values []float64) summary {
	sorted := slices.Sorted(slices.Values(values))
	at := func(part float64) float64 {
		place := part * float64(len(sorted)-1)
		below := int(place)
		above := min(below+1, len(sorted)-1)
		return sorted[below] + (place-float64(below))*(sorted[above]-sorted[below])
	}
	return summary{at(0.25), at(0.5), at(0.75)}
}

// ratios divides value by value.
func ratios(values, by []float64) []float64 {
	all := make([]float64, len(values))
	for i := range values {
		all[i] = values[i] / by[i]
	}
	return all
}
