package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-roq/roq"
)

// Where there is no terminal a line comes every few seconds, and a last one.
func TestProgressLines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		p := newProgress(&out, 1000, false)
		for range 600 {
			p.add(roq.OutcomeSent)
		}
		<-time.After(lineEvery + time.Second)
		synctest.Wait()
		p.note("interrupted")
		<-time.After(lineEvery)
		p.add(roq.OutcomeRefused)
		p.add(roq.OutcomeUnknown)
		if got := p.close(); got[roq.OutcomeSent] != 600 || got[roq.OutcomeRefused] != 1 {
			t.Errorf("close() = %v", got)
		}
		const want = `600 of 1000 (60 %), 120/s, 3s left: 600 sent
interrupted
600 of 1000 (60 %), 0/s, stalled: 600 sent
602 of 1000 in 11s: 600 sent, 1 refused, 1 unknown
`
		if out.String() != want {
			t.Errorf("printed is\n%s\nwant\n%s", &out, want)
		}
	})
}

// On a terminal there is a bar, with the counts beside it.
func TestProgressBar(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		p := newProgress(&out, 100, true)
		for range 50 {
			<-time.After(time.Second)
			p.add(roq.OutcomeSent)
		}
		p.note("interrupted")
		p.close()
		for _, want := range []string{"50/100", "[49s:50s]", "60 it/min", "50 sent", "\ninterrupted\n"} {
			if !strings.Contains(strings.ReplaceAll(out.String(), "\x1b[2K\r", "\n"), want) {
				t.Errorf("printed lacks %q:\n%q", want, &out)
			}
		}
	})
}

// Nobody to invite is nothing to divide by.
func TestProgressNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, terminal := range []bool{false, true} {
			var out strings.Builder
			newProgress(&out, 0, terminal).close()
			if got, want := out.String(), "0 of 0 in 0s: 0 sent\n"; got != want {
				t.Errorf("printed is %q, want %q", got, want)
			}
		}
	})
}
