package campaign

import (
	"math/rand/v2"
	"time"

	"github.com/go-roq/roq/internal/exchange"
	"github.com/go-roq/roq/internal/transport"
)

// pacing decides how many batches are in flight: one at the beginning, twice as
// many with every round of batches that were answered, and one again as soon as
// anything is unclear. A platform in trouble costs one batch of doubts, not as many
// as were allowed.
type pacing struct {
	most int
	pace transport.Pace
	// window is how many batches may be in flight. Up to slow it doubles with every round
	// of batches, then it grows by one: a limit that was met is met again soon.
	window, slow int
	// round counts the answered batches of a round.
	round int
	// unwell is whether the last batch was throttled, not sent, or could not be looked
	// up: then one at a time is tried, when wait has run out.
	unwell bool
	wait   *time.Timer // nil if nothing is waited for
	// tries is how many batches in a row are to be tried again, and barren how many in
	// a row failed in another way.
	tries, barren int
	// asked is the longest wait that the platform asked for in these tries.
	asked time.Duration
	// since is when the first of them failed, fruitless when the first of the
	// barren ones did. Any is whether a batch was ever answered.
	since, fruitless time.Time
	any              bool
}

func newPacing(most int, pace transport.Pace) *pacing {
	return &pacing{most: most, pace: pace, window: 1, slow: most}
}

// report is how a batch fared.
type report struct {
	// answered is whether the platform gave an account of the batch, unclear whether it
	// is in trouble: a time-out, or an answer that says nothing.
	answered, unclear bool
	// barren is whether any invite failed in a way that another try does not change: its
	// outcome is unknown although it could be looked up, or it was not sent for a reason
	// that does not pass.
	barren bool
	// again is whether anything of it is to be tried again, or looked up again, after
	// so long at least.
	again bool
	after time.Duration
	// blind is whether any of it has to be looked up again: it may have been sent.
	blind bool
	// throttled is whether the platform asked for fewer requests.
	throttled bool
	// why is why not everything is known, if so.
	why *exchange.Failure
}

// allows reports whether one more batch may leave.
func (p *pacing) allows(inFlight int) bool { return p.wait == nil && inFlight < p.window }

// timer runs out when the next batch may be tried.
func (p *pacing) timer() <-chan time.Time {
	if p.wait == nil {
		return nil
	}
	return p.wait.C
}

func (p *pacing) waited() { p.wait = nil }

// note records how a batch fared.
func (p *pacing) note(r *report) {
	switch {
	case r.answered:
		p.any, p.unwell, p.tries, p.asked = true, false, 0, 0
		if !r.barren && !r.unclear {
			p.barren = 0
			p.grow()
		}
	case r.again:
		p.unwell = true
		if p.tries++; p.tries == 1 {
			p.since = time.Now()
		}
		// A limit may count what was read meanwhile: the longest wait that was asked for
		// then makes room for a batch, and a little more for clocks.
		if p.asked = max(p.asked, r.after); p.asked > 0 {
			p.hold(p.asked + rand.N(p.asked/8+1))
			break
		}
		p.hold(p.pace.After(p.tries))
	}
	if r.barren {
		if p.barren++; p.barren == 1 {
			p.fruitless = time.Now()
		}
		if r.unclear {
			// Reading works and sending does not: each try costs doubts.
			p.hold(p.probe())
		}
	}
	if r.throttled {
		p.slow = max(1, p.window/2)
	}
	if r.unclear || r.barren || r.again {
		p.window, p.round = 1, 0
	}
}

// grow lets more batches be in flight after one that was answered.
func (p *pacing) grow() {
	if p.round++; p.window < p.slow || p.round >= p.window {
		p.window, p.round = min(p.window+1, p.most), 0
	}
}

// probe returns how long to wait before the next batch while batches are lost.
func (p *pacing) probe() time.Duration {
	d := p.pace.MinWait
	for n := 1; n < p.barren && d < longestProbe; n++ {
		d *= 2
	}
	return min(d, longestProbe)
}

// hold lets no batch leave for a while.
func (p *pacing) hold(d time.Duration) {
	if p.wait != nil {
		p.wait.Stop()
	}
	p.wait = time.NewTimer(min(d, Patience))
}

// hopeless returns why there is no point in going on, nil if there is.
func (p *pacing) hopeless(r *report) *exchange.Failure {
	switch {
	case r.why == nil:
		return nil
	case r.why.Has(callers):
		return r.why
	case r.barren && p.barren >= maxBarren && (!r.unclear || time.Since(p.fruitless) >= Patience):
		return r.why
	case !r.again:
		return nil
	case p.tries > 0 && time.Since(p.since) >= max(Patience, patienceTimes*p.asked):
		return r.why
	case !p.any && !r.throttled && !r.unclear && !r.blind:
		// Nothing has ever been sent, so that something is wrong with the settings rather
		// than with the moment.
		return r.why
	}
	return nil
}
