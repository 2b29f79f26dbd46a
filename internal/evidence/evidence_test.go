package evidence_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/go-roq/roq/internal/evidence"
)

// began is when the request of every row began, by all clocks.
var began = time.Now().Add(-time.Minute).UTC().Truncate(time.Second)

// asked is a look-up two seconds later, which took a tenth of a second.
func asked(ahead time.Duration) evidence.Answer {
	return evidence.Answer{
		Date:     began.Add(2*time.Second + ahead).Truncate(time.Second),
		Asked:    began.Add(2 * time.Second),
		Received: began.Add(2*time.Second + 100*time.Millisecond),
	}
}

func TestMade(t *testing.T) {
	t.Parallel()
	const far = 24 * time.Hour
	for name, row := range map[string]struct {
		stamp   time.Duration // after the request began
		status  evidence.Status
		other   bool
		undated bool
		want    evidence.Finding
	}{
		"later, pending":                         {1500 * time.Millisecond, evidence.Pending, false, false, evidence.Done},
		"later, accepted":                        {1500 * time.Millisecond, evidence.Accepted, false, false, evidence.Done},
		"later, canceled":                        {1500 * time.Millisecond, evidence.Canceled, false, false, evidence.Nothing},
		"later, expired":                         {1500 * time.Millisecond, evidence.Expired, false, false, evidence.Nothing},
		"later, in a status of tomorrow":         {1500 * time.Millisecond, evidence.StatusOther, false, false, evidence.Doubtful},
		"later, by another inviter":              {1500 * time.Millisecond, evidence.Pending, true, false, evidence.Doubtful},
		"of the same second, pending":            {500 * time.Millisecond, evidence.Pending, false, false, evidence.Done},
		"of the same second, accepted":           {500 * time.Millisecond, evidence.Accepted, false, false, evidence.Doubtful},
		"of the same second, by another inviter": {500 * time.Millisecond, evidence.Pending, true, false, evidence.Doubtful},
		"a minute before":                        {-time.Minute, evidence.Pending, false, false, evidence.OlderByClock},
		"a minute before, canceled":              {-time.Minute, evidence.Canceled, false, false, evidence.Nothing},
		"a day before":                           {-far, evidence.Pending, false, false, evidence.Older},
		"later, without a Date":                  {1500 * time.Millisecond, evidence.Pending, false, true, evidence.Doubtful},
		"a day before, without a Date":           {-far, evidence.Pending, false, true, evidence.Doubtful},
	} {
		var clock evidence.Clock
		start := clock.Start()
		start.At = began
		answer := asked(0)
		if row.undated {
			answer.Date = time.Time{}
		}
		stamp := began.Add(row.stamp)
		m := clock.Moment(start, answer, stamp)
		if got := m.Made(evidence.Row{ID: "1", Stamp: stamp, Status: row.status, Other: row.other}); got != row.want {
			t.Errorf("%s: %v, want %v", name, got, row.want)
		}
	}
}

// What was received before is older, whatever the clocks say, and another row with
// the same stamp need not be.
func TestCausality(t *testing.T) {
	t.Parallel()
	for _, dated := range []bool{true, false} {
		var clock evidence.Clock
		var stamps evidence.Stamps
		newest := began.Add(5 * time.Minute) // the platform's stamps run ahead
		stamps.Add("known", newest)
		stamps.Add("older", newest.Add(-time.Second))
		clock.Receive(stamps)
		start := clock.Start()
		start.At = began
		answer := asked(0)
		if !dated {
			answer.Date = time.Time{}
		}
		m := clock.Moment(start, answer, newest)
		for id, want := range map[string]evidence.Finding{"known": evidence.Older, "unknown": evidence.Doubtful} {
			if got := m.Made(evidence.Row{ID: id, Stamp: newest, Status: evidence.Pending}); got != want {
				t.Errorf("%s, dated %v: %v, want %v", id, dated, got, want)
			}
		}
		if got := m.Made(evidence.Row{ID: "new", Stamp: newest.Add(-time.Millisecond), Status: evidence.Pending}); got != evidence.Older {
			t.Errorf("stamped before what was received: %v, want it older", got)
		}
	}
}

// One absurd stamp makes no later row an old one.
func TestAbsurdStampsAreNotReceived(t *testing.T) {
	t.Parallel()
	var clock evidence.Clock
	var stamps evidence.Stamps
	stamps.Add("absurd", began.AddDate(8000, 0, 0))
	clock.Receive(stamps)
	start := clock.Start()
	start.At = began
	stamp := began.Add(1500 * time.Millisecond)
	if got := clock.Moment(start, asked(0), stamp).Made(evidence.Row{ID: "1", Stamp: stamp, Status: evidence.Pending}); got != evidence.Done {
		t.Errorf("%v, want it done", got)
	}
}

// When a row was received, the clock that stamped it had reached its stamp: so a row can be
// older than a request that began after that, whatever any Date says.
func TestTheFloor(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{-time.Hour, 0, 3 * time.Minute} {
		for name, row := range map[string]struct {
			stamp    time.Duration // after the request began
			restored bool
			want     evidence.Finding
		}{
			"a second before":                              {-time.Second, false, evidence.Older},
			"a tenth of a second before":                   {-100 * time.Millisecond, false, evidence.Doubtful},
			"a tenth of a second later":                    {100 * time.Millisecond, false, evidence.Doubtful},
			"a second before a request of another process": {-time.Second, true, evidence.Doubtful},
		} {
			var clock evidence.Clock
			start := clock.Start()
			if row.restored {
				start = evidence.Start{}
			}
			start.At = began
			var floor evidence.Floor
			floor.Receive(began.Add(ahead), began) // the best one
			floor.Receive(began.Add(ahead+time.Second), began.Add(3*time.Second))
			floor.Receive(began.AddDate(8000, 0, 0), began)
			floor.Receive(time.Time{}, began)
			answer := asked(0)
			answer.Date = time.Time{}
			stamp := began.Add(ahead + row.stamp)
			m := clock.Moment(start, answer, stamp).NotBefore(floor)
			if got := m.Made(evidence.Row{ID: "1", Stamp: stamp, Status: evidence.Pending}); got != row.want {
				t.Errorf("%s, stamps %v ahead: %v, want %v", name, ahead, got, row.want)
			}
		}
	}
}

// How far apart the two clocks are is learned from answered requests, of which one is
// no proof.
func TestTheDifferenceIsLearned(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{-2 * time.Minute, -3 * time.Second, 0, 3 * time.Second, 2 * time.Minute} {
		for samples := range 4 {
			var clock evidence.Clock
			for n := range samples {
				answer := asked(0)
				clock.Learn(evidence.Start{}, answer.Date.Add(ahead+time.Duration(n+1)*200*time.Millisecond), answer)
			}
			start := clock.Start()
			start.At = began
			judge := func(stamp time.Duration) evidence.Finding {
				at := began.Add(ahead + stamp)
				return clock.Moment(start, asked(0), at).Made(evidence.Row{ID: "1", Stamp: at, Status: evidence.Pending})
			}
			name := fmt.Sprintf("%v ahead, %d samples", ahead, samples)
			if got := judge(-time.Hour); got != evidence.Older && samples > 1 {
				t.Errorf("%s: an hour before: %v, want it older", name, got)
			}
			if got := judge(-10 * time.Second); got == evidence.Done && (samples != 0 || ahead == 0) {
				t.Errorf("%s: ten seconds before: %v, want it not done", name, got)
			}
			if got := judge(1900 * time.Millisecond); got != evidence.Done && (samples > 1 || ahead == 0) {
				t.Errorf("%s: two seconds later: %v, want it done", name, got)
			}
			if got := judge(1900 * time.Millisecond); got == evidence.Older {
				t.Errorf("%s: two seconds later: %v, want it never older", name, got)
			}
		}
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		record               evidence.Record
		complete, incomplete evidence.Verdict
	}{
		"no attempt was sent":       {evidence.Record{}, evidence.NotSent, evidence.NotSent},
		"throttled":                 {evidence.Record{Throttled: true}, evidence.NotSent, evidence.Unknown},
		"throttled, found":          {evidence.Record{Throttled: true, Finding: evidence.Done}, evidence.Sent, evidence.Sent},
		"throttled, doubtful":       {evidence.Record{Throttled: true, Finding: evidence.Doubtful}, evidence.Unknown, evidence.Unknown},
		"throttled, older by clock": {evidence.Record{Throttled: true, Finding: evidence.OlderByClock}, evidence.Unknown, evidence.Unknown},
		"throttled, older":          {evidence.Record{Throttled: true, Finding: evidence.Older}, evidence.NotSent, evidence.Unknown},
		"maybe":                     {evidence.Record{Maybe: true}, evidence.Unknown, evidence.Unknown},
		"maybe, found":              {evidence.Record{Maybe: true, Finding: evidence.Done}, evidence.Sent, evidence.Sent},
		"maybe, older":              {evidence.Record{Maybe: true, Finding: evidence.Older}, evidence.Unknown, evidence.Unknown},
		"refused":                   {evidence.Record{Refused: true}, evidence.Refused, evidence.Refused},
		"refused after a maybe":     {evidence.Record{Refused: true, Maybe: true}, evidence.Refused, evidence.Refused},
		"echo":                      {evidence.Record{Echo: true, Maybe: true}, evidence.Unknown, evidence.Unknown},
		"echo, found":               {evidence.Record{Echo: true, Maybe: true, Finding: evidence.Done}, evidence.Sent, evidence.Sent},
		"echo, explained":           {evidence.Record{Echo: true, Maybe: true, Explained: true}, evidence.Refused, evidence.Refused},
	} {
		if got := row.record.Verdict(true); got != row.complete {
			t.Errorf("%s: %v after a complete look-up, want %v", name, got, row.complete)
		}
		if got := row.record.Verdict(false); got != row.incomplete {
			t.Errorf("%s: %v without one, want %v", name, got, row.incomplete)
		}
	}
}

func TestChanged(t *testing.T) {
	t.Parallel()
	created := began.Add(-24 * time.Hour)
	for name, row := range map[string]struct {
		stamp   time.Duration
		status  evidence.Status
		undated bool
		want    evidence.Finding
	}{
		"later":                       {1500 * time.Millisecond, evidence.Pending, false, evidence.Done},
		"of the same second":          {500 * time.Millisecond, evidence.Pending, false, evidence.Done},
		"later, accepted":             {1500 * time.Millisecond, evidence.Accepted, false, evidence.Doubtful},
		"later, without a Date":       {1500 * time.Millisecond, evidence.Pending, true, evidence.Doubtful},
		"a minute before":             {-time.Minute, evidence.Pending, false, evidence.OlderByClock},
		"an hour before":              {-time.Hour, evidence.Pending, false, evidence.Older},
		"never changed":               {-24 * time.Hour, evidence.Pending, false, evidence.Older},
		"never changed, without Date": {-24 * time.Hour, evidence.Pending, true, evidence.Doubtful},
	} {
		var clock evidence.Clock
		start := clock.Start()
		start.At = began
		answer := asked(0)
		if row.undated {
			answer.Date = time.Time{}
		}
		stamp := began.Add(row.stamp)
		if got := clock.Moment(start, answer, stamp).Resent(evidence.Row{ID: "1", Stamp: stamp, Status: row.status}, created); got != row.want {
			t.Errorf("%s: %v, want %v", name, got, row.want)
		}
	}
	for name, row := range map[string]struct {
		stamp   time.Duration
		status  evidence.Status
		undated bool
		want    evidence.Finding
	}{
		"accepted later":                   {1500 * time.Millisecond, evidence.Accepted, false, evidence.Done},
		"accepted in the same second":      {500 * time.Millisecond, evidence.Accepted, false, evidence.Done},
		"accepted later, without a Date":   {1500 * time.Millisecond, evidence.Accepted, true, evidence.Doubtful},
		"accepted a minute before":         {-time.Minute, evidence.Accepted, false, evidence.OlderByClock},
		"accepted an hour before":          {-time.Hour, evidence.Accepted, false, evidence.Older},
		"pending, changed later":           {1500 * time.Millisecond, evidence.Pending, false, evidence.Nothing},
		"canceled later":                   {1500 * time.Millisecond, evidence.Canceled, false, evidence.Nothing},
		"in a status of tomorrow's, later": {1500 * time.Millisecond, evidence.StatusOther, false, evidence.Nothing},
	} {
		var clock evidence.Clock
		start := clock.Start()
		start.At = began
		answer := asked(0)
		if row.undated {
			answer.Date = time.Time{}
		}
		stamp := began.Add(row.stamp)
		if got := clock.Moment(start, answer, stamp).Accepted(evidence.Row{ID: "1", Stamp: stamp, Status: row.status}); got != row.want {
			t.Errorf("%s: %v, want %v", name, got, row.want)
		}
	}
	if evidence.WasCanceled(evidence.Canceled) != evidence.Done || evidence.WasCanceled(evidence.Pending) != evidence.Nothing {
		t.Error("a canceled invite was canceled, a pending one was not")
	}
}
