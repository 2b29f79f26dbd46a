package transport

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestMeansJSON(t *testing.T) {
	t.Parallel()
	for _, types := range [][]string{
		nil, {""}, {" "}, {","}, {"; charset=utf-8"}, {"", ""},
		{"application/json"}, {"application/json; charset=utf-8"}, {"application/json;charset=utf-8"}, {"Application/JSON"}, {" application/json "},
		{"application/json;"}, {"application/json; "}, {"application/json;;"}, {"application/json; charset"}, {"application/json; charset="},
		{`application/json; charset="utf-8"`}, {`application/json; charset="utf-8`}, {`application/json; charset='utf-8'`},
		{"application/json; charset=utf-8; charset=utf-8"}, {"application/json; charset=utf-8; charset=latin1"}, {"application/json charset=utf-8"},
		{"application/json; =x; ü=ß"}, {"application/json; charset=utf 8"}, {"application/json\t;\tq"}, {`"application/json"`},
		{"application/json, application/json"}, {"application/json", "application/json"}, {"application/json; charset=utf-8, application/json;"},
		{"application/json", ""}, {"text/plain, application/json"}, {"application/xml, application/json"}, {`application/json; note="a, text/html"`},
		{`application/json; note="a\", text/html"`},
		{"application/graphql-response+json"}, {"application/graphql-response+json; charset=utf-8, application/json"}, {"application/problem+json"}, {"text/json"},
		{"text/plain"}, {"text/plain; charset=utf-8"}, {"application/octet-stream"},
	} {
		if !meansJSON(types) {
			t.Errorf("%q is refused", types)
		}
	}
	for _, types := range [][]string{
		{"text/html"}, {"text/html; charset=utf-8"}, {"TEXT/HTML"}, {"text/html;"}, {"application/xhtml+xml"},
		{"text/html, application/json"}, {"application/json, text/html"}, {"application/json", "text/html; charset=utf-8"}, {"text/plain", "Text/HTML"},
		{`application/json; note="a", text/html`},
		{"application/xml"}, {"image/png"}, {"application/json-seq"}, {"application/javascript"}, {"x"}, {"é"},
	} {
		if meansJSON(types) {
			t.Errorf("%q is accepted", types)
		}
	}
}

func TestParseRetryAfter(t *testing.T) {
	t.Parallel()
	const most = time.Duration(math.MaxInt64)
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		values string // separated by |
		want   time.Duration
	}{
		{"0", 0}, {"120", 2 * time.Minute}, {"3600", time.Hour}, {" 120 ", 2 * time.Minute}, {"0120", 2 * time.Minute}, {"+120", 2 * time.Minute},
		{`"120"`, 2 * time.Minute}, {"86400", 24 * time.Hour}, {"604800", 7 * 24 * time.Hour},
		{"1.5", 1500 * time.Millisecond}, {"0.25", 250 * time.Millisecond}, {".5", 500 * time.Millisecond}, {"5.", 5 * time.Second}, {"120.000", 2 * time.Minute},
		{"120s", 2 * time.Minute}, {"2m", 2 * time.Minute}, {"1m30s", 90 * time.Second}, {"1h", time.Hour}, {"500ms", 500 * time.Millisecond}, {"1.5s", 1500 * time.Millisecond},
		{"1 s", time.Second}, {"120 seconds", 2 * time.Minute}, {"1 second", time.Second}, {"2 Minutes", 2 * time.Minute}, {"30 sec", 30 * time.Second}, {"2 mins", 2 * time.Minute},
		{"PT30S", 30 * time.Second}, {"PT1M", time.Minute},
		{"Mon, 23 Nov 2026 12:00:30 GMT", 30 * time.Second}, {"Monday, 23-Nov-26 12:00:30 GMT", 30 * time.Second}, {"Mon Nov 23 12:00:30 2026", 30 * time.Second},
		{"Mon, 23 Nov 2026 12:00:30 UTC", 30 * time.Second}, {"mon, 23 nov 2026 12:00:30 gmt", 30 * time.Second}, {"Mon, 23 Nov 2026 13:00:30 +0100", 30 * time.Second},
		{"2026-11-23T12:00:30Z", 30 * time.Second}, {"2026-11-23T13:00:30.5+01:00", 30500 * time.Millisecond}, {"2026-11-23 12:00:30Z", 30 * time.Second},
		{"Mon, 23 Nov 2026 11:59:00 GMT", 0}, {"2026-11-23T11:00:00Z", 0},
		{"1795435230", 30 * time.Second}, {"1795435230000", 30 * time.Second}, {"1795435230.9", 30 * time.Second}, {"1795435170", 0},
		{"120, 120", 2 * time.Minute}, {"30, 120", 2 * time.Minute}, {"120|30", 2 * time.Minute}, {"30|120s", 2 * time.Minute}, {"soon, 30", 30 * time.Second}, {"30|", 30 * time.Second},
		{"30, Mon, 23 Nov 2026 12:02:00 GMT", 2 * time.Minute}, {"Mon, 23 Nov 2026 12:02:00 GMT, 30", 2 * time.Minute},
		{"Mon, 23 Nov 2026 12:00:30 GMT, Mon, 23 Nov 2026 12:00:40 GMT", 40 * time.Second}, {"Monday, 23-Nov-26 12:00:30 GMT|5", 30 * time.Second},
		{"9223372037", most}, {"18446744073709551616", most}, {strings.Repeat("9", 400), most}, {"Fri, 31 Dec 9999 23:59:59 GMT", most},
		{"", 0}, {"|", 0}, {",", 0}, {"soon", 0}, {"-1", 0}, {"-1.5", 0}, {"-5s", 0}, {".", 0}, {"+", 0}, {"1.2.3", 0}, {"1e3", 0}, {"0x10", 0}, {"1_000", 0}, {"NaN", 0}, {"inf", 0}, {"é", 0},
		{"Mon, 23 Nov 2026", 0}, {"Mon", 0}, {"Mon,", 0}, {"Mon, 23 Nov 2026 12:00:30 CET", 0}, {"s", 0}, {"minutes", 0},
	} {
		if got := parseRetryAfter(strings.Split(row.values, "|"), now); got != row.want {
			t.Errorf("parseRetryAfter(%q) = %v, want %v", row.values, got, row.want)
		}
	}
	if got := parseRetryAfter(nil, now); got != 0 {
		t.Errorf("parseRetryAfter(nil) = %v", got)
	}
}

func TestAskedPause(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for name, row := range map[string]struct {
		header http.Header
		want   time.Duration
	}{
		"none":           {http.Header{}, 0},
		"seconds":        {http.Header{"Retry-After": {"2"}}, 2 * time.Second},
		"milliseconds":   {http.Header{"Retry-After-Ms": {" 1500 "}}, 1500 * time.Millisecond},
		"both":           {http.Header{"Retry-After": {"2"}, "Retry-After-Ms": {"1500"}}, 2 * time.Second},
		"garbage":        {http.Header{"Retry-After": {"soon"}, "Retry-After-Ms": {"-1"}}, 0},
		"about a limit":  {http.Header{"X-Ratelimit-Reset": {"1795435230"}, "Ratelimit-Reset": {"30"}}, 0},
		"a large number": {http.Header{"Retry-After-Ms": {strings.Repeat("9", 30)}}, math.MaxInt64},
	} {
		if got := askedPause(row.header, now); got != row.want {
			t.Errorf("%s: askedPause = %v, want %v", name, got, row.want)
		}
	}
}

func FuzzParseRetryAfter(f *testing.F) {
	for _, seed := range []string{"0", "120", "1.5", "99999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT", "-1", "é", "Mon, 1, 2m", "1795435230000"} {
		f.Add(seed, seed)
	}
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, a, b string) {
		both := parseRetryAfter([]string{a, b}, now)
		if both < 0 || both != max(parseRetryAfter([]string{a}, now), parseRetryAfter([]string{b}, now)) {
			t.Errorf("parseRetryAfter(%q, %q) = %v", a, b, both)
		}
		meansJSON([]string{a, b})
		parseDate(http.Header{"Date": {a}})
		parseKeepAlive([]string{a, b})
	})
}

func TestParseDate(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 11, 23, 12, 0, 30, 0, time.UTC)
	for _, value := range []string{
		"Mon, 23 Nov 2026 12:00:30 GMT", "Monday, 23-Nov-26 12:00:30 GMT", "Mon Nov 23 12:00:30 2026", "Mon, 23 Nov 2026 12:00:30 UTC", " Mon, 23 Nov 2026 12:00:30 GMT ",
		"Mon, 23 Nov 2026 13:00:30 +0100", "2026-11-23T12:00:30Z", "2026-11-23T13:00:30+01:00", "mon, 23 nov 2026 12:00:30 gmt",
	} {
		if got := parseDate(http.Header{"Date": {value}}); !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("parseDate(%q) = %v, want %v", value, got, want)
		}
	}
	const date = "Mon, 23 Nov 2026 12:00:30 GMT"
	if got := parseDate(http.Header{"Date": {date, "2026-11-23T12:00:30Z"}}); !got.Equal(want) {
		t.Errorf("of two that are the same: %v, want %v", got, want)
	}
	for name, values := range map[string][]string{
		"none": nil, "empty": {""}, "garbage": {"now"}, "a number": {"1795435230"}, "two that differ": {date, "Mon, 23 Nov 2026 12:00:31 GMT"}, "one and garbage": {date, "x"},
		"two in one": {date + ", " + date}, "another zone": {"Mon, 23 Nov 2026 13:00:30 CET"}, "another zone, RFC 850": {"Monday, 23-Nov-26 13:00:30 CET"},
		"no zone": {"2026-11-23T12:00:30"}, "1970": {"Thu, 01 Jan 1970 00:00:10 GMT"}, "no such day": {"Mon, 31 Nov 2026 12:00:30 GMT"}, "cut": {"Mon, 23 Nov 2026 12:00"},
	} {
		if got := parseDate(http.Header{"Date": values}); !got.IsZero() {
			t.Errorf("%s: parseDate = %v, want none", name, got)
		}
	}
}

func TestParseKeepAlive(t *testing.T) {
	t.Parallel()
	for values, want := range map[string]keepAlive{
		"timeout=5, max=2": {5 * time.Second, 2}, "timeout=5": {5 * time.Second, -1}, "max=0": {-1, 0}, "Timeout=5,MAX=100": {5 * time.Second, 100},
		`timeout="5";max="2"`: {5 * time.Second, 2}, "timeout=5|max=2": {5 * time.Second, 2}, "timeout=5|timeout=3": {3 * time.Second, -1}, "timeout=0": {0, -1},
		"timeout=1.5": {1500 * time.Millisecond, -1},
		"":            {-1, -1}, "5": {-1, -1}, "timeout": {-1, -1}, "timeout=-1, max=-1": {-1, -1}, "timeout=soon": {-1, -1}, "other=1": {-1, -1},
	} {
		if got := parseKeepAlive(strings.Split(values, "|")); got != want {
			t.Errorf("parseKeepAlive(%q) = %+v, want %+v", values, got, want)
		}
	}
}
