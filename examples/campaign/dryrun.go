package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/go-roq/roq"
)

// checked is what a dry run counted.
type checked struct{ rows, bad int }

// dryRun says on out what is wrong with each row, by line and column and without
// anybody's address.
func dryRun(ctx context.Context, out io.Writer, c columns, rows iter.Seq2[row, error]) (checked, error) {
	var n checked
	firsts := make(firstLines)
	for r, err := range rows {
		if err != nil {
			return n, err
		}
		if ctx.Err() != nil {
			return n, context.Cause(ctx)
		}
		n.rows++
		wrong := problems(r, c)
		if first := firsts.line(r); len(wrong) == 0 && first != r.line {
			wrong = []string{fmt.Sprintf("%s: duplicate of line %d", c.name(fieldEmail), first)}
		}
		if len(wrong) > 0 {
			n.bad++
			fmt.Fprintf(out, "line %d: %s\n", r.line, strings.Join(wrong, "; "))
		}
	}
	fmt.Fprintf(out, "%s: %d can be sent, %d cannot\n", counted(n.rows, "row"), n.rows-n.bad, n.bad)
	return n, nil
}

// problems are what is wrong with one row, each with the name of its column.
func problems(r row, c columns) []string {
	if r.err != nil {
		return []string{r.err.Error()}
	}
	var refused *roq.Error
	if !errors.As(r.input.Validate(), &refused) {
		return nil
	}
	var all []string
	for _, f := range refused.Findings {
		all = append(all, c.name(f.Field)+": "+f.Reason)
	}
	return all
}
