package transport

import (
	"math"
	"testing"
	"time"
)

func TestWaitGrowsAndStaysBounded(t *testing.T) {
	t.Parallel()
	p := Pace{MinWait: 100 * time.Millisecond, MaxWait: time.Second}
	for _, row := range []struct {
		attempt  int
		from, to time.Duration
	}{
		{1, 50 * time.Millisecond, 100 * time.Millisecond},
		{2, 100 * time.Millisecond, 200 * time.Millisecond},
		{3, 200 * time.Millisecond, 400 * time.Millisecond},
		{4, 400 * time.Millisecond, 800 * time.Millisecond},
		{5, 500 * time.Millisecond, time.Second},
		{1000, 500 * time.Millisecond, time.Second}, // no overflow
	} {
		if got := p.wait(row.attempt, 0); got != row.from {
			t.Errorf("wait(%d, 0) = %v, want %v", row.attempt, got, row.from)
		}
		almost := math.Nextafter(1, 0)
		if got := p.wait(row.attempt, almost); got > row.to || got < row.to-time.Microsecond {
			t.Errorf("wait(%d, 1-ε) = %v, want almost %v", row.attempt, got, row.to)
		}
	}
}

func TestRetryAfterIsObeyedUpToMaxWait(t *testing.T) {
	t.Parallel()
	p := Pace{MinWait: 100 * time.Millisecond, MaxWait: 5 * time.Second}
	for asked, want := range map[time.Duration]time.Duration{2 * time.Second: 2 * time.Second, time.Hour: 5 * time.Second} {
		if got := p.waitAfter(1, asked); got < want || got > min(want+want/8, p.MaxWait) {
			t.Errorf("waitAfter(%v) = %v, want %v and a little more, but not over %v", asked, got, want, p.MaxWait)
		}
	}
	// Zero must not make a tight loop.
	if got := p.waitAfter(1, 0); got < p.MinWait/2 {
		t.Errorf("waitAfter(0) = %v, want at least %v", got, p.MinWait/2)
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"0", "120", "99999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT", "-1", "é"} {
		f.Add(seed)
	}
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	p := Pace{MinWait: 100 * time.Millisecond, MaxWait: 5 * time.Second}
	f.Fuzz(func(t *testing.T, value string) {
		asked := parseRetryAfter([]string{value}, now)
		if asked < 0 {
			t.Errorf("parseRetryAfter(%q) = %v", value, asked)
		}
		if d := p.waitAfter(1, asked); d < p.MinWait/2 || d > p.MaxWait {
			t.Errorf("waitAfter(Retry-After: %q) = %v, want from %v to %v", value, d, p.MinWait/2, p.MaxWait)
		}
	})
}
