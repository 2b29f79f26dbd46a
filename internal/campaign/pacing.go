package campaign

import (
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
	// window is how many batches may be in flight.
	window int
	// unwell is whether the last batch was throttled, not sent, or could not be looked
	// up: then one at a time is tried, when wait has run out.
	unwell bool
	wait   *time.Timer // nil if nothing is waited for
	// tries is how many batches in a row are to be tried again, and barren how many in
	// a row failed in another way.
	tries, barren int
	// since is when the first of these tries failed. Any is whether a batch was ever
	// answered.
	since time.Time
	any   bool
}

func newPacing(most int, pace transport.Pace) *pacing {
	return &pacing{most: most, pace: pace, window: 1}
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
		p.any, p.unwell, p.tries = true, false, 0
		if !r.barren && !r.unclear {
			p.barren = 0
			p.window = min(p.window+1, p.most) // each of a round: it doubles
		}
	case r.again:
		p.unwell = true
		if p.tries++; p.tries == 1 {
			p.since = time.Now()
		}
		p.hold(max(r.after, p.pace.After(p.tries)))
	}
	if r.barren {
		p.barren++
		if r.unclear {
			// Reading works and sending does not: each try costs doubts, so that the pauses
			// grow fast.
			p.hold(p.pace.MaxWait / 2 << (p.barren - 1))
		}
	}
	if r.unclear || r.barren || r.again {
		p.window = 1
	}
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
	case r.why.Has(callers), p.barren >= maxBarren:
		return r.why
	case !r.again:
		return nil
	case p.tries > 0 && time.Since(p.since) >= Patience:
		return r.why
	case !p.any && !r.throttled && !r.unclear && !r.blind:
		// Nothing has ever been sent, so that something is wrong with the settings rather
		// than with the moment.
		return r.why
	}
	return nil
}
