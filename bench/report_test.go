package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// measuredReport is a report of a run in which every figure is 1.
func measuredReport() *report {
	one := &series{perCall: []float64{1}, allocs: []float64{1}}
	r := &report{effort: full, node: "v1.2.3", first: &firstResult{roq: 2, nodejs: 2000}}
	for _, c := range callCases() {
		r.calls = append(r.calls, &result{c, map[string]*series{
			nameFloor: one, nameGenqlient: one, nameRawPool: one, nameRaw: one, nameRoq: one, nameNodejs: one,
		}, []float64{1}})
	}
	for _, c := range wallCases() {
		r.walls = append(r.walls, &wallResult{c, []float64{float64(c.ideal)}})
	}
	return r
}

func TestReport(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "performance.md")
	if err := measuredReport().write(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| UserInvites of 10 | 0 µs | 1.00 (1.00–1.00) |",
		"| UserInvites of 10: CPU, times raw | 1.00 | 0.80 | 0.70 | no |",
		"| SendUserInvites of 1: CPU, times raw | 1.00 | 1.10 | 1.00 | yes |",
		"| SendUserInvites of 1: CPU, times a new @roq/nodejs | 1.00 | 0.50 |  | no |",
		"| SendUserInvites of 1: CPU, times a warm @roq/nodejs | 1.00 | 0.50 |  | no |",
		"| UserInvites of 1,000: allocations | 1 | 9,500 |  | yes |",
		"| 1,000 first calls at once: requests for a token | 2 | 2 |  | yes |",
		"those of @roq/nodejs\n2,000 times",
		"Node.js 1.2.3.",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
}

// A check names what is missed beyond the slack.
func TestCheckBars(t *testing.T) {
	t.Parallel()
	r := measuredReport()
	if err := r.checkBars(10); err != nil {
		t.Errorf("with a slack of 10: %v", err)
	}
	r.first.roq = 3
	err := r.checkBars(10)
	if err == nil || !strings.Contains(err.Error(), "1 bars") || !strings.Contains(err.Error(), firstName) {
		t.Errorf("with one request for a token too many: %v", err)
	}
}

// A page that is written tells of a whole run.
func TestWriteNeedsAFullRun(t *testing.T) {
	t.Parallel()
	for _, s := range []settings{
		{write: true, nodejs: true, quick: true},
		{write: true, nodejs: true, only: "send1"},
		{write: true},
	} {
		if err := s.run(t.Context()); err == nil {
			t.Errorf("%+v writes the report", s)
		}
	}
}

// Calibration comes to about the CPU time that was asked for.
func TestCalibrate(t *testing.T) {
	t.Parallel()
	e := effort{warmUp: 10 * time.Millisecond, cpu: 50 * time.Millisecond}
	got, err := calibrate(t.Context(), entry{nameRaw, steady(time.Millisecond)}, job{opList, 10, 1}, e)
	if err != nil || got != 50 {
		t.Errorf("calibrate = %d, %v, want 50 calls of 1 ms", got, err)
	}
	got, err = calibrate(t.Context(), entry{nameRaw, steady(time.Second)}, job{opList, 10, 64}, e)
	if err != nil || got != 64 {
		t.Errorf("calibrate = %d, %v, want one call of each caller", got, err)
	}
}

// steady is a contender whose calls take always as long.
type steady time.Duration

func (s steady) measure(_ context.Context, _ job, calls int) (cost, error) {
	took := time.Duration(calls) * time.Duration(s)
	return cost{calls: calls, cpu: took, wall: took}, nil
}
