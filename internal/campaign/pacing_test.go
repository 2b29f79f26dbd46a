package campaign

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-roq/roq/internal/exchange"
	"github.com/go-roq/roq/internal/transport"
)

var (
	well      = report{answered: true}
	throttled = report{again: true, throttled: true, after: time.Minute, why: &exchange.Failure{Kinds: exchange.RateLimited}}
	unsent    = report{again: true, why: &exchange.Failure{Kinds: exchange.Unavailable}}
	lost      = report{barren: true, unclear: true, why: &exchange.Failure{Kinds: exchange.Unavailable}}
	invalid   = report{barren: true, why: &exchange.Failure{Kinds: exchange.InvalidInput}}
	forbidden = report{barren: true, why: &exchange.Failure{Kinds: exchange.Forbidden}}
)

func pace() transport.Pace {
	return transport.Pace{MinWait: 200 * time.Millisecond, MaxWait: 10 * time.Second}
}

// What is in flight doubles with every round that is answered; trouble lets one at a
// time leave, and a limit that was met is approached slowly.
func TestPacingWindow(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		reports []report
		want    int
	}{
		"the beginning":                {nil, 1},
		"one round":                    {[]report{well}, 2},
		"two rounds":                   {[]report{well, well, well}, 4},
		"as many as are allowed":       {[]report{well, well, well, well, well, well, well, well, well, well}, 8},
		"a batch that was lost":        {[]report{well, well, well, lost}, 1},
		"well again":                   {[]report{well, well, well, lost, well, well}, 3},
		"an answer with a time-out":    {[]report{well, well, well, {answered: true, unclear: true}}, 1},
		"a limit":                      {[]report{well, well, well, throttled}, 1},
		"up to half the limit":         {[]report{well, well, well, throttled, well}, 2},
		"one more with a whole round":  {[]report{well, well, well, throttled, well, well, well}, 3},
		"and one more with a next one": {[]report{well, well, well, throttled, well, well, well, well, well, well}, 4},
	} {
		p := newPacing(8, pace())
		for i := range tt.reports {
			p.note(&tt.reports[i])
		}
		if p.window != tt.want {
			t.Errorf("after %s: %d in flight, want %d", name, p.window, tt.want)
		}
	}
}

// How long a stream tries depends on what is wrong.
func TestPacingPatience(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before, then report
		least, most  time.Duration
		batches      int // at most
	}{
		"never sent anything":       {report{}, unsent, 0, 0, 1},
		"not sent":                  {well, unsent, Patience, Patience + 10*time.Second, 100},
		"throttled":                 {report{}, throttled, 10 * time.Minute, 12 * time.Minute, 11},
		"lost":                      {report{}, lost, Patience, Patience + longestProbe, 15},
		"lost after some were sent": {well, lost, Patience, Patience + longestProbe, 15},
		"invalid":                   {well, invalid, 0, 0, maxBarren},
		"forbidden":                 {well, forbidden, 0, 0, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newPacing(8, pace())
			p.note(&tt.before)
			begin, batches := time.Now(), 0
			for batches <= tt.batches {
				batches++
				p.note(&tt.then)
				if p.hopeless(&tt.then) != nil {
					break
				}
				if p.wait != nil {
					if p.allows(0) {
						t.Errorf("%s: a batch may leave in a pause", name)
					}
					<-p.timer()
					p.waited()
				}
			}
			if took := time.Since(begin); took < tt.least || took > tt.most || batches > tt.batches {
				t.Errorf("%s: ended after %v and %d batches, want from %v to %v and at most %d", name, took, batches, tt.least, tt.most, tt.batches)
			}
		})
	}
}
