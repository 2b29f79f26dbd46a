package chaos_test

import (
	_ "embed"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/template"
)

// reportPath is where the full run's report goes.
const reportPath = "../../docs/reliability.md"

//go:embed reliability.md.tmpl
var reportTemplate string

// measured is one client's part of the report.
type measured struct {
	Name  string
	Total tally
	rows  map[string]*tally
}

func newMeasured(name string, rows map[string]*tally) *measured {
	m := &measured{Name: name, rows: rows}
	for _, row := range rows {
		m.Total.add(*row)
	}
	return m
}

// Table is the measured part in Markdown.
func (m *measured) Table() string {
	var b strings.Builder
	b.WriteString("| # | fault | calls | succeeded | lost | duplicated | falsely failed | unknown | of these processed | slowest |\n")
	b.WriteString("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	line := func(number, name string, t *tally) {
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d | %d | %d | %d | %d | %.2f s |\n",
			number, name, t.calls, t.succeeded, t.lost, t.duplicated, t.falselyFailed, t.unknown, t.unknownDone, t.slowest)
	}
	for _, f := range slices.Concat(faults(), doubled()) {
		if row := m.rows[f.number]; row != nil {
			line(f.number, f.name, row)
		}
	}
	line("", "all", &m.Total)
	return b.String()
}

// What the template reads of a tally.
func (t tally) Calls() int         { return t.calls }
func (t tally) Succeeded() int     { return t.succeeded }
func (t tally) Lost() int          { return t.lost }
func (t tally) Duplicated() int    { return t.duplicated }
func (t tally) FalselyFailed() int { return t.falselyFailed }
func (t tally) Unknown() int       { return t.unknown }
func (t tally) UnknownDone() int   { return t.unknownDone }

func writeReport(clients []*measured) error {
	parsed, err := template.New("report").Parse(reportTemplate)
	if err != nil {
		return err
	}
	var b strings.Builder
	if err := parsed.Execute(&b, clients); err != nil {
		return err
	}
	return os.WriteFile(reportPath, []byte(b.String()), 0o644)
}
