package roqriver

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// What is under way is a text to which a request is appended: "<time> 0-4,7;".

// ranges formats places, which are in order.
func ranges(places []int64) string {
	var b strings.Builder
	for i := 0; i < len(places); {
		last := i
		for last+1 < len(places) && places[last+1] == places[last]+1 {
			last++
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatInt(places[i], 10))
		if last > i {
			b.WriteString("-" + strconv.FormatInt(places[last], 10))
		}
		i = last + 1
	}
	return b.String()
}

func formatUnderWay(left map[int64]int64) string {
	byTime := map[int64][]int64{}
	for n, at := range left {
		byTime[at] = append(byTime[at], n)
	}
	var b strings.Builder
	for at, places := range byTime {
		slices.Sort(places)
		fmt.Fprintf(&b, "%d %s;", at, ranges(places))
	}
	return b.String()
}

// parseUnderWay returns when each place left first.
func parseUnderWay(s string) (map[int64]int64, error) {
	left := map[int64]int64{}
	for request := range strings.SplitSeq(s, ";") {
		if request == "" {
			continue
		}
		when, places, _ := strings.Cut(request, " ")
		at, err := strconv.ParseInt(when, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("roqriver: what is under way cannot be read: %w", err)
		}
		for one := range strings.SplitSeq(places, ",") {
			from, to, many := strings.Cut(one, "-")
			first, err := strconv.ParseInt(from, 10, 64)
			last := first
			if err == nil && many {
				last, err = strconv.ParseInt(to, 10, 64)
			}
			if err != nil || last-first > maxPeople {
				return nil, errors.New("roqriver: what is under way cannot be read")
			}
			for n := first; n <= last; n++ {
				if before, ok := left[n]; !ok || at < before {
					left[n] = at
				}
			}
		}
	}
	return left, nil
}
