package chaos_test

import (
	"flag"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/go-roq/roq"
)

var (
	full  = flag.Bool("full", false, "run the whole matrix, with the other clients too")
	write = flag.Bool("write", false, "write docs/reliability.md (with -full)")
	two   = flag.Bool("doubled", false, "run the faults that come two at once, and hold them to the same promises")
	each  = flag.Bool("each", false, "log each run (with -v)")
)

// maxUnknown bounds the share of the whole matrix's sends whose outcome may stay
// unknown: no reading can settle what was not processed, or not yet.
const maxUnknown = 0.30

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What the SDK promises holds under every fault.
func TestMatrix(t *testing.T) {
	t.Parallel()
	all := cells(faults(), *full)
	rows := runAll(t, kind{"roq", true, func(s *scene) caller { return newSDK(s) }}, all)
	report := newMeasured("roq", rows)
	t.Logf("%d runs; %d of %d sends ended unknown\n%s", len(all), report.Total.unknownSends, report.Total.sends, report.Table())
	keepsPromises(t, rows)
	if total := report.Total; *full && float64(total.unknownSends) > maxUnknown*float64(total.sends) {
		t.Errorf("%d of %d sends ended unknown, want at most %.0f %%", total.unknownSends, total.sends, 100*maxUnknown)
	}
	if !*full {
		return
	}
	for _, f := range faults() {
		// Nobody can read for a caller who has gone, nor what the list does not show in time.
		// On a busy machine a look-up may run into its time-out.
		if row := rows[f.number]; row != nil && f.number != "44" && f.number != "46" && row.unknownDone > row.calls/100 {
			t.Errorf("%s %s: %d calls ended unknown although they were processed", f.number, f.name, row.unknownDone)
		}
	}
	clients := []*measured{report}
	for _, peer := range []kind{
		{"default go-retryablehttp", true, newRetryable},
		{"plain net/http", true, newPlain},
	} {
		m := newMeasured(peer.name, runAll(t, peer, all))
		t.Logf("%s\n%s", peer.name, m.Table())
		clients = append(clients, m)
	}
	if *write {
		if err := writeReport(clients); err != nil {
			t.Error(err)
		}
	}
}

// They hold too where unknown outcomes are repeated, on a platform that refuses a
// second pending invite; and there nothing stays unknown where only the first
// attempt fails.
func TestRepeatUnknown(t *testing.T) {
	t.Parallel()
	for _, when := range []times{first, every} {
		var sends []cell
		for _, c := range cells(faults(), *full) {
			if c.operation == opSend && c.when == when && (*full || c.callers == 1) {
				sends = append(sends, c)
			}
		}
		rows := runAll(t, kind{"roq, repeating", false, func(s *scene) caller { return newSDK(s, roq.WithRepeatUnknown()) }}, sends)
		t.Logf("%s attempt: %d runs\n%s", when, len(sends), newMeasured("", rows).Table())
		keepsPromises(t, rows)
		for _, f := range faults() {
			// A caller who has gone cannot be told anything else. On a machine that is busy
			// with other tests a second attempt may run into its time-out too.
			if row := rows[f.number]; *full && when == first && row != nil && row.unknown > 0 && f.number != "44" {
				t.Errorf("%s %s: %d of %d calls ended unknown, want none", f.number, f.name, row.unknown, row.calls)
			}
		}
	}
}

// Two faults at once are beyond what is promised today.
func TestDoubled(t *testing.T) {
	if !*two {
		t.Skip("measured with -doubled only")
	}
	rows := runAll(t, kind{"roq", true, func(s *scene) caller { return newSDK(s) }}, cells(doubled(), true))
	t.Logf("\n%s", newMeasured("", rows).Table())
	keepsPromises(t, rows)
}

// The ledger is not blind: it sees what other clients do to the same requests.
func TestTheLedgerSees(t *testing.T) {
	t.Parallel()
	var some []cell
	for _, c := range cells(faults(), false) {
		if slices.Contains([]string{"14", "20", "28b", "32", "34"}, c.fault.number) {
			some = append(some, c)
		}
	}
	// Of all that plain net/http repeats by itself, some has to be among them.
	for _, c := range cells(faults(), true) {
		if c.fault.number == "34" && c.operation == opSend && c.callers == 1 {
			some = append(some, c)
		}
	}
	retryable := newMeasured("", runAll(t, kind{"default go-retryablehttp", true, newRetryable}, some))
	if retryable.Total.duplicated == 0 || retryable.Total.falselyFailed == 0 {
		t.Errorf("%+v, want duplicates and false failures", retryable.Total)
	}
	plain := newMeasured("", runAll(t, kind{"plain net/http", true, newPlain}, some))
	if plain.Total.duplicated == 0 || plain.Total.falselyFailed == 0 {
		t.Errorf("%+v, want duplicates and false failures", plain.Total)
	}
}

func keepsPromises(t *testing.T, rows map[string]*tally) {
	t.Helper()
	for _, f := range slices.Concat(faults(), doubled()) {
		if row := rows[f.number]; row != nil && row.broken() {
			t.Errorf("%s %s: %+v, want nothing lost, duplicated, falsely failed, unaccounted for or overdue", f.number, f.name, *row)
		}
	}
}
