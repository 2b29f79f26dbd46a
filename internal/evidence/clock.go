// Package evidence judges what is known of a request that changes something on
// the platform: what a row of a list proves about it, and what follows from that
// and from the outcomes of its attempts. It makes no request and knows nothing of the
// packages above it.
//
// A row proves that a request was processed only if it cannot have been there
// before. Two things tell: causality (a stamp that this client had received when
// the request began is older, whatever the clocks say) and the Date of the answer
// that the row stands in, less the time that has passed here since the request
// began.
package evidence

import (
	"slices"
	"sync"
	"time"
)

const (
	// caution is how far the clock that dates the platform's answers may be off the
	// one that stamps its rows, as long as nothing has been learned of that. A row
	// that is older by less does not count as found, and nothing is repeated on the
	// strength of its age.
	caution = 5 * time.Minute
	// granularity is that of a Date header, which is rounded down.
	granularity = time.Second
	// stampUnit is the unit to which the platform rounds its stamps down.
	stampUnit = time.Millisecond
	// maxDifference bounds how well the difference of the clocks has to be known for a
	// pending row within it to count as found.
	maxDifference = 2 * time.Second
	// farthest bounds how far ahead of this machine's clock a stamp may be to count
	// as received: one absurd stamp must not make every later row an old one. It is
	// more than a time zone and a day.
	farthest = 48 * time.Hour
	// skew is how far the clocks of the platform's own servers, which stamp its rows, may be
	// apart.
	skew = 250 * time.Millisecond
	// mostTied bounds the rows that are remembered for having the newest stamp.
	mostTied = 1000
)

// Clock is what a client has learned of the clock that stamps the platform's
// rows. The zero value has learned nothing. It is safe for concurrent use.
type Clock struct {
	mu sync.Mutex
	// seen are the newest stamps that were received. Starts share them, so they are not
	// changed.
	seen *Stamps
	// low and high bound by how much stamps are ahead of the Date of answers, if
	// learned.
	low, high time.Duration
	// samples is how many answers in a row agree on that.
	samples int
}

// Stamps are the newest of some rows' stamps. The zero value is of no row.
type Stamps struct {
	newest time.Time
	// ids are the rows with that stamp: another row with the same stamp may be
	// younger, since a stamp has a unit.
	ids []string
}

// Newest returns the newest stamp, the zero time if there is none.
func (s *Stamps) Newest() time.Time { return s.newest }

// Add takes the stamp of the row with that id into account.
func (s *Stamps) Add(id string, stamp time.Time) {
	switch {
	case stamp.Before(s.newest) || stamp.IsZero():
	case stamp.After(s.newest):
		// Whoever has the ids from before keeps them.
		s.newest, s.ids = stamp, append(s.ids[:0:0], id)
	case len(s.ids) < mostTied:
		s.ids = append(s.ids, id)
	}
}

// has reports whether all of these are among the ids.
func (s *Stamps) has(ids []string) bool {
	if slices.Equal(s.ids, ids) {
		return true // the same list once more
	}
	for _, id := range ids {
		if !slices.Contains(s.ids, id) {
			return false
		}
	}
	return true
}

// before reports whether the row was received before: so it is older than
// whatever was asked for since.
func (s *Stamps) before(id string, stamp time.Time) bool {
	if s == nil {
		return false
	}
	switch stamp.Compare(s.newest) {
	case -1:
		return true
	case 0:
		if len(s.ids) >= mostTied {
			return true
		}
		return slices.Contains(s.ids, id)
	}
	return false
}

// Receive takes the stamps of an answer's rows into account.
func (c *Clock) Receive(s Stamps) {
	if s.newest.IsZero() || s.newest.After(time.Now().Add(farthest)) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil || s.newest.After(c.seen.newest) {
		newest := s
		c.seen = &newest
		return
	}
	if s.newest.Equal(c.seen.newest) && len(c.seen.ids) < mostTied && !c.seen.has(s.ids) {
		c.seen = &Stamps{s.newest, slices.Concat(c.seen.ids, s.ids[:min(len(s.ids), mostTied)])}
	}
}

// Learn takes into account the newest stamp in the answer to a request that
// stamped something: how far apart the two clocks are. Two answers bound it better
// than one; if they contradict each other, a clock was set meanwhile, or one of them
// was no new stamp.
func (c *Clock) Learn(start Start, stamp time.Time, a Answer) {
	if a.Date.IsZero() || stamp.IsZero() || start.seen != nil && !stamp.After(start.seen.newest) {
		return
	}
	low := stamp.Sub(a.Date) - granularity
	high := stamp.Sub(a.Date) + a.Received.Sub(a.Asked) + stampUnit
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.samples > 0 && max(low, c.low) <= min(high, c.high) {
		c.low, c.high = max(low, c.low), min(high, c.high)
		c.samples++
		return
	}
	c.low, c.high, c.samples = low, high, 1
}

// difference returns by how much stamps are ahead of Dates, as far as is known, and
// whether that can be relied on. One answer that says that they differ is no proof.
func (c *Clock) difference() (low, high time.Duration, learned bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.low <= 0 && c.high >= 0:
		return 0, 0, c.samples > 0
	case c.samples < 2:
		return min(c.low, 0), max(c.high, 0), false
	default:
		return c.low, c.high, true
	}
}

// Start returns what is known when a request begins, now.
func (c *Clock) Start() Start {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Start{At: time.Now(), seen: c.seen, here: true}
}

// Start is what was known when a request began. The zero value is of none.
type Start struct {
	// At is when it began, by this machine's clock.
	At   time.Time
	seen *Stamps
	// here is whether it began in this process, which so knows how much time has passed.
	here bool
}

// Answer is when an answer was given and by which clock.
type Answer struct {
	// Date is the Date header; zero if there was none.
	Date time.Time
	// Asked and Received are when the request was made and its answer came, by this
	// machine's clock.
	Asked, Received time.Time
}

// Floor bounds the clock that stamps rows from below, by the rows alone: when a row was
// received, that clock had reached its stamp. It needs no Date. The zero value knows nothing.
type Floor struct{ stamp, received time.Time }

// Receive takes the newest stamp of an answer's rows into account.
func (f *Floor) Receive(newest, received time.Time) {
	if newest.IsZero() || newest.After(time.Now().Add(farthest)) {
		return
	}
	if f.stamp.IsZero() || newest.After(f.at(received)) {
		f.stamp, f.received = newest, received
	}
}

// at returns what the clock showed at least, at a time by this machine's clock.
func (f *Floor) at(t time.Time) time.Time { return f.stamp.Add(t.Sub(f.received)) }

// Moment returns when a request began by the clock that stamps the rows of an
// answer, as far as the answer tells. The newest of these rows' stamps says
// whether the two clocks agree: if one lies after the answer's own Date, the
// answer counts as one without a Date.
func (c *Clock) Moment(start Start, a Answer, newest time.Time) Moment {
	low, high, learned := c.difference()
	m := Moment{start: start, careful: caution, undated: a.Date.IsZero()}
	if learned {
		m.careful = 0
	}
	if m.undated || newest.After(a.Date.Add(granularity+high)) {
		return m
	}
	// The answer was made between Asked and Received, up to a second after its Date.
	m.dated = true
	m.earliest = a.Date.Add(low - a.Received.Sub(start.At)).Truncate(stampUnit)
	m.nominal = a.Date.Add(low - a.Asked.Sub(start.At)).Truncate(stampUnit)
	m.latest = a.Date.Add(granularity + high - a.Asked.Sub(start.At))
	if high-low > maxDifference {
		m.nominal = m.latest // so wide a window proves nothing
	}
	return m
}

// NotBefore returns the moment as far as a floor tells more of it.
func (m Moment) NotBefore(f Floor) Moment {
	if m.start.here && !f.stamp.IsZero() {
		m.floor = f.at(m.start.At).Add(-skew)
	}
	return m
}

// Moment is when a request began, by the clock that stamps the platform's rows.
type Moment struct {
	start Start
	// dated is whether the rest is known. Undated is whether the answer has no Date at
	// all.
	dated, undated bool
	// The request began between earliest and latest, and after nominal if the answer
	// was made as soon as it was asked for.
	earliest, nominal, latest time.Time
	// careful is how much older than earliest a row has to be to count as older by
	// the clocks alone.
	careful time.Duration
	// floor is what the request began after by the stamps of rows alone, if known.
	floor time.Time
}

// Long reports whether a row with that stamp is older than the request whatever
// the clocks do, so that a list from the newest to the oldest need not be read
// beyond it.
func (m Moment) Long(stamp time.Time) bool {
	return m.dated && stamp.Before(m.earliest.Add(-max(m.careful, granularity)))
}
