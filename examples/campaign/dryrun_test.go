package main

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestDryRun(t *testing.T) {
	t.Parallel()
	const text = `Work_Email,First name,roles
ann@x.example,Ann,
not an address,Bob,
ANN@X.example,Ann,
bob@x.example,Bob,a,b
,Eve,
eve@x.example
"bob@x.example,Bob,
`
	f := format{mapping: map[string]string{fieldEmail: "work_email"}}
	s, err := f.open(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	n, err := dryRun(t.Context(), &out, s.columns, s.rows())
	const want = `line 3: Work_Email: must be one e-mail address without a name, quotes or spaces
line 4: Work_Email: duplicate of line 2
line 5: 4 cells where the header has 3: put a cell with a ',' in it in quotes
line 6: Work_Email: must not be empty
line 8: a quote (") that is not closed, or text after a closing quote
7 rows: 2 can be sent, 5 cannot
`
	if err != nil || n != (checked{rows: 7, bad: 5}) || out.String() != want {
		t.Errorf("dryRun = %+v, %v:\n%s\nwant\n%s", n, err, &out, want)
	}
}

func TestDryRunInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	cancel(why)
	s, err := format{}.open(strings.NewReader("email\nann@x.example\n"))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if _, err := dryRun(ctx, &out, s.columns, s.rows()); !errors.Is(err, why) || out.Len() != 0 {
		t.Errorf("dryRun = %v, want the cause of the end:\n%s", err, &out)
	}
}
