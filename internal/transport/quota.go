package transport

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Quota is what an answer says of how many requests are left. It is zero if the answer
// does not say.
type Quota struct {
	// Limit is how many requests a window of time has, 0 if that is not known, Remaining
	// how many of them are left.
	Limit, Remaining int
	// Reset is how long it is until there are more, 0 if that is not known.
	Reset time.Duration
}

// ReadQuota reads the headers in which servers tell of a limit. They are met in these
// forms, with X- in front or not:
//
//   - RateLimit-Limit, RateLimit-Remaining and RateLimit-Reset, also as Rate-Limit-…, and
//     with the name of one limit of several behind (@nestjs/throttler);
//   - RateLimit: limit=100, remaining=50, reset=5 (an earlier draft of the IETF);
//   - RateLimit: "default";r=50;t=5 beside RateLimit-Policy: "default";q=100;w=60.
//
// Of several limits the one with the fewest requests left counts. now is the time by the
// server's clock: a reset may be a time.
func ReadQuota(h http.Header, now time.Time) Quota {
	var limits map[string]*told // most answers say nothing
	of := func(name string) *told {
		if limits == nil {
			limits = map[string]*told{}
		}
		if limits[name] == nil {
			limits[name] = new(told)
		}
		return limits[name]
	}
	for header, values := range h {
		if first := header[:min(1, len(header))]; !strings.EqualFold(first, "r") && !strings.EqualFold(first, "x") {
			continue
		}
		name, ok := strings.CutPrefix(strings.ReplaceAll(strings.TrimPrefix(strings.ToLower(header), "x-"), "rate-limit", "ratelimit"), "ratelimit")
		if !ok || len(values) == 0 {
			continue
		}
		value := values[0]
		field, which, _ := strings.Cut(strings.TrimPrefix(name, "-"), "-")
		switch field {
		case "limit", "remaining", "reset":
			value, _, _ = strings.Cut(value, ",") // "100, 100;w=60"
			of(which).set(field, value, now)
		case "", "policy":
			for element := range elements(value) {
				label, parameters, many := strings.Cut(element, ";")
				if !many && strings.Contains(label, "=") {
					label, parameters = "", element
				}
				for parameter := range strings.SplitSeq(parameters, ";") {
					key, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
					of(strings.Trim(label, ` "`)).set(key, value, now)
				}
			}
		}
	}
	var least Quota
	found := false
	for _, t := range limits {
		if t.remains && (!found || t.quota.Remaining < least.Remaining) {
			least, found = t.quota, true
		}
	}
	return least
}

// told is what an answer says of one limit.
type told struct {
	quota   Quota
	remains bool // whether it says what is left
}

func (t *told) set(field, value string, now time.Time) {
	n, err := strconv.Atoi(strings.TrimSpace(value))
	switch field {
	case "limit", "q":
		if err == nil && n > 0 {
			t.quota.Limit = n
		}
	case "remaining", "r":
		if err == nil && n >= 0 {
			t.quota.Remaining, t.remains = n, true
		}
	case "reset", "t":
		t.quota.Reset, _ = parsePause(value, now)
	}
}
