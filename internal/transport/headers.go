package transport

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Proxies and load balancers write headers in more forms than the standards have.
// The functions here understand what is meant, where there is one thing that it can
// mean.

// meansJSON reports whether a body whose Content-Type headers are these can be what was
// asked for. Servers that set no type, or for which a library made one up, get the
// benefit of the doubt; a page does not, whatever is in it. Of several types, in one
// header or in several, a page's counts, and otherwise any that fits. Parameters are
// not looked at.
func meansJSON(contentTypes []string) bool {
	if len(contentTypes) == 1 && (contentTypes[0] == "application/json" || contentTypes[0] == "application/json; charset=utf-8") {
		return true // what nearly all say
	}
	some, fits := false, false
	for _, list := range contentTypes {
		for element := range elements(list) {
			kind := mediaType(element)
			switch {
			case kind == "":
				continue
			case kind == "text/html", kind == "application/xhtml+xml":
				return false
			case strings.HasSuffix(kind, "json"), kind == "text/plain", kind == "application/octet-stream":
				fits = true
			}
			some = true
		}
	}
	return fits || !some
}

// mediaType returns the type in front of parameters, however those are separated
// from it.
func mediaType(element string) string {
	kind := strings.TrimLeft(element, " \t\"'")
	if end := strings.IndexAny(kind, "; \t\"'"); end >= 0 {
		kind = kind[:end]
	}
	return strings.ToLower(kind)
}

// elements yields what the commas of a header separate, but not those in quotes.
func elements(list string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		quoted, begin := false, 0
		for i := 0; i < len(list); i++ {
			switch c := list[i]; {
			case c == '"':
				quoted = !quoted
			case c == '\\' && quoted:
				i++
			case c == ',' && !quoted:
				if !yield(list[begin:i]) {
					return
				}
				begin = i + 1
			}
		}
		yield(list[begin:])
	}
}

// longestPossible is the longest Duration.
const longestPossible = time.Duration(math.MaxInt64)

// askedPause returns how long an answer asks to be left alone, by its Retry-After and
// Retry-After-Ms; 0 if it does not. now is the time by the sender's clock, if that is
// known: the answer's Date. Headers that tell about a limit, such as RateLimit-Reset,
// come with answers of every kind, ask for nothing, and have several meanings.
func askedPause(h http.Header, now time.Time) time.Duration {
	pause := parseRetryAfter(h["Retry-After"], now)
	for _, value := range h["Retry-After-Ms"] {
		pause = max(pause, number(strings.TrimSpace(value), time.Millisecond))
	}
	return pause
}

// parseRetryAfter reads Retry-After headers; 0 if there is none that asks for
// anything. A value is a number of seconds or a date (RFC 9110, 10.2.3). Others
// that are met are a number with a fraction or a unit ("1.5", "120s", "2 minutes"), an
// ISO 8601 duration ("PT30S"), a date as RFC 3339 or with a zone, and the seconds or
// milliseconds since 1970.
//
// Of several values the longest counts: each is from somebody on the way to whom a
// request would be a burden until then. One too large for a Duration is the longest
// Duration.
func parseRetryAfter(values []string, now time.Time) time.Duration {
	var pause time.Duration
	for _, value := range values {
		if one, ok := parsePause(value, now); ok {
			pause = max(pause, one)
			continue
		}
		parts := slices.Collect(elements(value))
		for i := 0; i < len(parts); i++ {
			part := parts[i]
			if isWeekday(part) && i+1 < len(parts) { // the comma is a date's own
				i++
				part += "," + parts[i]
			}
			one, _ := parsePause(part, now)
			pause = max(pause, one)
		}
	}
	return pause
}

// parsePause reads one value, and reports whether it is one.
func parsePause(value string, now time.Time) (time.Duration, bool) {
	value = strings.Trim(value, " \t\"'")
	if value == "" {
		return 0, false
	}
	if stamp, ok := sinceEpoch(value, now); ok {
		return max(0, stamp.Sub(now)), true
	}
	if pause := number(value, time.Second); pause > 0 || isNumber(value) {
		return pause, true
	}
	if date := parseTime(value); !date.IsZero() {
		return max(0, date.Sub(now)), true // Sub saturates
	}
	return withUnit(value)
}

// sinceEpoch reads a number as the seconds or milliseconds since 1970, if it cannot be
// anything else: as a pause it would last for decades, and as a time it is near.
func sinceEpoch(value string, now time.Time) (time.Time, bool) {
	const near = 366 * 24 * time.Hour
	whole, _, _ := strings.Cut(value, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || !isNumber(value) || n < int64(2*near/time.Second) {
		return time.Time{}, false
	}
	for _, t := range []time.Time{time.Unix(n, 0), time.UnixMilli(n)} {
		if t.Sub(now).Abs() <= near {
			return t, true
		}
	}
	return time.Time{}, false
}

// isNumber reports whether s is digits with at most one point among them.
func isNumber(s string) bool {
	digits := strings.Replace(s, ".", "", 1)
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return false
		}
	}
	return digits != ""
}

// number reads a number of units, perhaps with a fraction; 0 if it is none.
func number(s string, unit time.Duration) time.Duration {
	if s = strings.TrimPrefix(s, "+"); !isNumber(s) {
		return 0
	}
	whole, fraction, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt("0"+whole, 10, 64)
	if err != nil || n >= int64(longestPossible/unit) {
		return longestPossible
	}
	part, _ := strconv.ParseFloat("0."+fraction+"0", 64)
	return time.Duration(n)*unit + time.Duration(part*float64(unit))
}

// withUnit reads a duration with units.
func withUnit(value string) (time.Duration, bool) {
	text := strings.ToLower(strings.ReplaceAll(value, " ", ""))
	text = strings.TrimPrefix(text, "pt")
	for _, unit := range []struct{ short, long string }{
		{"ms", "milliseconds"}, {"ms", "millisecond"}, {"s", "seconds"}, {"s", "second"}, {"s", "secs"}, {"s", "sec"},
		{"m", "minutes"}, {"m", "minute"}, {"m", "mins"}, {"m", "min"}, {"h", "hours"}, {"h", "hour"},
	} {
		if before, ok := strings.CutSuffix(text, unit.long); ok {
			text = before + unit.short
			break
		}
	}
	d, err := time.ParseDuration(text)
	return max(0, d), err == nil
}

// parseDate reads a Date header. It returns the zero time if there is none, or one that
// cannot be trusted: several that differ, a zone with a name other than GMT, a time
// from before HTTP.
func parseDate(h http.Header) time.Time {
	var date time.Time
	for i, value := range h["Date"] {
		t := readDate(value)
		if t.IsZero() || i > 0 && !t.Equal(date) {
			return time.Time{}
		}
		date = t
	}
	if date.Year() < 1990 {
		return time.Time{}
	}
	return date
}

// lastDate is the Date that was read last: within a second many answers have the same.
var lastDate atomic.Pointer[dateValue]

type dateValue struct {
	text string
	time time.Time
}

// readDate is parseTime.
func readDate(value string) time.Time {
	if last := lastDate.Load(); last != nil && last.text == value {
		return last.time
	}
	t := parseTime(value)
	lastDate.Store(&dateValue{value, t})
	return t
}

// parseTime reads a time in any form that names one moment; the zero time if it does
// not. In the forms of HTTP the time is GMT (RFC 9110, 5.6.7).
func parseTime(value string) time.Time {
	if t, err := time.Parse(http.TimeFormat, value); err == nil { // nearly all are
		return t.UTC()
	}
	value = strings.Trim(value, " \t\"'")
	if end, ok := cutZone(value); ok {
		value = end + " GMT"
	}
	for _, form := range []string{
		http.TimeFormat, "Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC, // as HTTP has them
		"Mon, 2 Jan 2006 15:04:05 GMT", "Mon, 02-Jan-2006 15:04:05 GMT", "2 Jan 2006 15:04:05 GMT",
		"Mon, 2 Jan 2006 15:04:05 -0700", "2 Jan 2006 15:04:05 -0700",
		time.RFC3339, "2006-01-02 15:04:05Z07:00",
	} {
		if t, err := time.Parse(form, value); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// cutZone cuts a zone off that is another name of GMT.
func cutZone(value string) (string, bool) {
	at := strings.LastIndexByte(value, ' ')
	if at < 0 {
		return "", false
	}
	switch strings.ToUpper(value[at+1:]) {
	case "GMT", "UTC", "UT", "Z":
		return value[:at], true
	}
	return "", false
}

func isWeekday(s string) bool {
	s = strings.ToLower(strings.Trim(s, " \t\"'"))
	for day := time.Sunday; day <= time.Saturday; day++ {
		if name := strings.ToLower(day.String()); s == name || s == name[:3] {
			return true
		}
	}
	return false
}

// keepAlive is what a Keep-Alive header announces.
type keepAlive struct {
	// timeout is how long the server keeps a connection that is idle, most how many
	// requests it takes on one; negative if it does not say.
	timeout time.Duration
	most    int
}

// silent announces nothing.
var silent = keepAlive{-1, -1}

// parseKeepAlive reads Keep-Alive headers ("timeout=5, max=100"). Of several values the
// smallest counts.
func parseKeepAlive(values []string) keepAlive {
	said := silent
	for _, list := range values {
		for element := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\t' }) {
			name, value, _ := strings.Cut(element, "=")
			value = strings.Trim(value, `"'`)
			switch n, err := strconv.Atoi(value); strings.ToLower(name) {
			case "timeout":
				if d := number(value, time.Second); isNumber(value) && (said.timeout < 0 || d < said.timeout) {
					said.timeout = d
				}
			case "max":
				if err == nil && n >= 0 && (said.most < 0 || n < said.most) {
					said.most = n
				}
			}
		}
	}
	return said
}
