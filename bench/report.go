package main

import (
	_ "embed"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"text/template"
	"time"
)

// reportPath is where a full run's report goes.
const reportPath = "../docs/performance.md"

//go:embed performance.md.tmpl
var reportTemplate string

// report is everything that a run has measured.
type report struct {
	effort effort
	node   string // version, empty without Node.js
	calls  []*result
	first  *firstResult
	walls  []*wallResult
}

// bar is a figure with its bound.
type bar struct {
	What            string
	got, limit, aim float64
	// around are the quartiles of a noisy figure, which depends on what else the
	// machine does; zero for any other.
	around summary
}

// met reports whether the bar is met. Slack widens it where the figure is noisy.
func (b bar) met(slack float64) bool {
	if b.noisy() {
		return b.got <= b.limit*slack
	}
	return b.got <= b.limit
}

func (b bar) noisy() bool { return b.around != summary{} }

// bars are all those of the run.
func (r *report) bars() []bar {
	var all []bar
	for _, c := range r.calls {
		all = append(all, c.bars()...)
	}
	if r.first != nil {
		all = append(all, bar{What: firstName + ": requests for a token", got: float64(r.first.roq), limit: firstTokens})
	}
	for _, w := range r.walls {
		all = append(all, w.bar())
	}
	return all
}

func (r *result) bars() []bar {
	var all []bar
	if ratio, ok := r.ratio(nameRoq, nameRaw); ok {
		all = append(all, bar{What: r.name + ": CPU, times raw", got: ratio.Median, limit: r.barRaw, aim: r.aim, around: ratio})
	}
	if len(r.young) > 0 {
		young := summarize(r.young)
		all = append(all, bar{What: r.name + ": CPU, times a new @roq/nodejs", got: young.Median, limit: r.barNodejs, around: young})
	}
	if ratio, ok := r.ratio(nameRoq, nameNodejs); ok {
		all = append(all, bar{What: r.name + ": CPU, times a warm @roq/nodejs", got: ratio.Median, limit: r.barNodejs, around: ratio})
	}
	if r.barAllocs > 0 {
		all = append(all, bar{What: r.name + ": allocations", got: r.allocs(nameRoq), limit: r.barAllocs})
	}
	return all
}

func (r *wallResult) bar() bar {
	return bar{What: r.name + ": time, times the ideal", got: r.times().Median, limit: wallBar, around: r.times()}
}

// number prints a ratio with two places, and a count with none.
func (b bar) number(v float64) string {
	if b.noisy() {
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return grouped(v)
}

// What the template reads of a bar.

func (b bar) Got() string   { return b.number(b.got) }
func (b bar) Limit() string { return b.number(b.limit) }

func (b bar) Aim() string {
	if b.aim == 0 {
		return ""
	}
	return b.number(b.aim)
}

func (b bar) Met() string {
	if b.met(1) {
		return "yes"
	}
	return "no"
}

// line is what is printed of the bars of one case.
func line(name, figures string, bars []bar) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", name, figures)
	for _, x := range bars {
		verdict := "met"
		if !x.met(1) {
			verdict = "MISSED"
		}
		_, what, _ := strings.Cut(x.What, ": ")
		got := x.Got()
		if x.noisy() {
			got = x.around.String()
		}
		fmt.Fprintf(&b, "    %-30s %18s  bar %5s  %s\n", what, got, x.Limit(), verdict)
	}
	return b.String()
}

// String is what is printed of a case: CPU of each, and the bars.
func (r *result) String() string {
	var figures []string
	for _, name := range []string{nameFloor, nameRaw, nameRawPool, nameGenqlient, nameRoq, nameNodejs} {
		if r.of[name] == nil {
			continue
		}
		text := fmt.Sprintf("%s %s", name, micro(r.cpu(name).Median))
		if r.Callers == 1 && name != nameNodejs {
			text += fmt.Sprintf(" (%s allocs)", grouped(r.allocs(name)))
		}
		figures = append(figures, text)
	}
	return line(r.name, strings.Join(figures, ", "), r.bars())
}

func (r *wallResult) String() string {
	return line(r.name, fmt.Sprintf("%s, ideal %v", milli(summarize(r.took).Median), r.ideal), []bar{r.bar()})
}

// micro prints nanoseconds as microseconds.
func micro(ns float64) string { return grouped(ns/1e3) + " µs" }

// milli prints nanoseconds as milliseconds.
func milli(ns float64) string { return grouped(ns/1e6) + " ms" }

// grouped prints a number without places, its digits in groups of three.
func grouped(v float64) string {
	digits := strconv.FormatFloat(v, 'f', 0, 64)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// What the template reads of the report.

func (r *report) Rounds() int        { return r.effort.rounds }
func (r *report) CPU() time.Duration { return r.effort.cpu }

// Young is roq's part of the first calls of @roq/nodejs.
func (r *result) Young() string { return summarize(r.young).String() }

func (r *report) Processes() int           { return r.effort.young }
func (r *report) JIT() time.Duration       { return r.effort.jit }
func (r *report) WallRuns() int            { return r.effort.wall }
func (r *report) Calls() []*result         { return r.calls }
func (r *report) First() *firstResult      { return r.first }
func (r *report) Walls() []*wallResult     { return r.walls }
func (r *report) Bars() []bar              { return r.bars() }
func (r *report) Delay() time.Duration     { return serverDelay }
func (f *firstResult) Roq() string         { return grouped(float64(f.roq)) }
func (f *firstResult) Nodejs() string      { return grouped(float64(f.nodejs)) }
func (r *wallResult) Name() string         { return r.name }
func (r *wallResult) Ideal() time.Duration { return r.ideal }
func (r *wallResult) Took() string         { return milli(summarize(r.took).Median) }
func (r *wallResult) Times() string        { return r.times().String() }

// Machine describes where the run was made.
func (r *report) Machine() string {
	return fmt.Sprintf("%d cores, %s/%s, %s, Node.js %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, strings.Replace(runtime.Version(), "go", "Go ", 1), strings.TrimPrefix(r.node, "v"))
}

func (r *result) Name() string { return r.name }

// CPU is the CPU time of one call of roq.
func (r *result) CPU() string { return micro(r.cpu(nameRoq).Median) }

// Ratio is a ratio with its quartiles, or a dash.
func (r *result) Ratio(name, by string) string {
	s, ok := r.ratio(name, by)
	if !ok {
		return "–"
	}
	return s.String()
}

// Allocs are the allocations of one call, or a dash where several callers' are
// not told apart.
func (r *result) Allocs(name string) string {
	if r.Callers > 1 {
		return "–"
	}
	return grouped(r.allocs(name))
}

// write writes the report.
func (r *report) write(path string) error {
	parsed, err := template.New("report").Parse(reportTemplate)
	if err != nil {
		return err
	}
	var b strings.Builder
	if err := parsed.Execute(&b, r); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(b.String()), 0o644) //nolint:gosec // a page of the repository
}
