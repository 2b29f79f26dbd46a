package main

import (
	"context"
	"crypto/sha256"
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
// anybody's address. Sixteen bytes are kept of each address.
func dryRun(ctx context.Context, out io.Writer, c columns, rows iter.Seq2[row, error]) (checked, error) {
	var n checked
	lines := make(map[[sha256.Size / 2]byte]int)
	for r, err := range rows {
		if err != nil {
			return n, err
		}
		if ctx.Err() != nil {
			return n, context.Cause(ctx)
		}
		n.rows++
		wrong := problems(r, c)
		if len(wrong) == 0 {
			sum := sha256.Sum256([]byte(strings.ToLower(r.input.Email)))
			key := [sha256.Size / 2]byte(sum[:])
			if first, twice := lines[key]; twice {
				wrong = append(wrong, fmt.Sprintf("%s: must not be the address of line %d", c.name(fieldEmail), first))
			} else {
				lines[key] = r.line
			}
		}
		if len(wrong) > 0 {
			n.bad++
			fmt.Fprintf(out, "line %d: %s\n", r.line, strings.Join(wrong, "; "))
		}
	}
	fmt.Fprintf(out, "%d rows: %d can be sent, %d cannot\n", n.rows, n.rows-n.bad, n.bad)
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
	for finding := range strings.SplitSeq(refused.Message, "; ") {
		path, rule, _ := strings.Cut(finding, ": ")
		all = append(all, c.name(path)+": "+rule)
	}
	return all
}
