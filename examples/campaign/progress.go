package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/go-roq/roq"
)

const (
	// drawEvery is how often the bar is drawn, lineEvery how often a line is printed
	// where there is no terminal.
	drawEvery = 100 * time.Millisecond
	lineEvery = 5 * time.Second
)

// tally counts outcomes.
type tally map[roq.OutcomeStatus]int

// String returns the counts for a line of progress.
func (t tally) String() string {
	counts := []string{fmt.Sprintf("%d sent", t[roq.OutcomeSent])}
	for _, status := range []roq.OutcomeStatus{roq.OutcomeRefused, roq.OutcomeDuplicate, roq.OutcomeUnknown, roq.OutcomeNotSent} {
		if n := t[status]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, status))
		}
	}
	return strings.Join(counts, ", ")
}

// progress shows how far a campaign is: as a bar on a terminal, and in lines now
// and then elsewhere. It is safe for concurrent use.
type progress struct {
	out   io.Writer
	total int
	began time.Time
	stop  chan struct{}
	ended sync.WaitGroup

	mu    sync.Mutex
	tally tally
	done  int
	bar   *progressbar.ProgressBar // nil where there is no terminal
	// shown is what was done when it was shown last, at that time.
	shown   int
	shownAt time.Time
}

func newProgress(out io.Writer, total int, terminal bool) *progress {
	now := time.Now()
	p := &progress{out: out, total: total, began: now, shownAt: now, tally: make(tally), stop: make(chan struct{})}
	if terminal && total > 0 {
		p.bar = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(out), progressbar.OptionSetWidth(24),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetPredictTime(true),
			progressbar.OptionShowDescriptionAtLineEnd(), progressbar.OptionUseANSICodes(true),
			progressbar.OptionShowElapsedTimeOnFinish(),
		)
		return p
	}
	p.ended.Go(p.lines)
	return p
}

// lines prints a line now and then.
func (p *progress) lines() {
	tick := time.NewTicker(lineEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.mu.Lock()
			p.line()
			p.mu.Unlock()
		case <-p.stop:
			return
		}
	}
}

// line prints how far it is, with the rate since the line before.
func (p *progress) line() {
	now := time.Now()
	rate := float64(p.done-p.shown) / now.Sub(p.shownAt).Seconds()
	p.shown, p.shownAt = p.done, now
	left := "stalled"
	if rate > 0 {
		left = (time.Duration(float64(p.total-p.done) / rate * float64(time.Second))).Round(time.Second).String() + " left"
	}
	fmt.Fprintf(p.out, "%d of %d (%d %%), %.0f/s, %s: %v\n", p.done, p.total, 100*p.done/max(p.total, 1), rate, left, p.tally)
}

// add counts one outcome.
func (p *progress) add(status roq.OutcomeStatus) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tally[status]++
	p.done++
	if p.bar != nil && time.Since(p.shownAt) >= drawEvery {
		p.draw()
	}
}

// draw draws the bar, with the counts beside it.
func (p *progress) draw() {
	p.bar.Describe(p.tally.String())
	_ = p.bar.Add(p.done - p.shown)
	p.shown, p.shownAt = p.done, time.Now()
}

// note prints something in between.
func (p *progress) note(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear()
	}
	fmt.Fprintln(p.out, text)
}

// close prints the last line and returns what was counted.
func (p *progress) close() tally {
	close(p.stop)
	p.ended.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		p.draw()
		fmt.Fprintln(p.out)
		return p.tally
	}
	took := time.Since(p.began)
	fmt.Fprintf(p.out, "%d of %d in %v: %v\n", p.done, p.total, took.Round(10*time.Millisecond), p.tally)
	return p.tally
}
