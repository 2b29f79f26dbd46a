package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestMain makes this test's program a worker where it is started as one.
func TestMain(m *testing.M) {
	if text := os.Getenv(workerVariable); text != "" {
		if err := work(context.Background(), text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// The program ends with a table in which nobody was mailed twice.
func TestRun(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-people", "1200"}, {"-people", "3000", "-kill"}, {"-people", "1200", "-postgres", os.Getenv("ROQ_TEST_POSTGRES")}} {
		t.Run(strings.Join(args[:min(3, len(args))], " "), func(t *testing.T) {
			if args[len(args)-1] == "" {
				t.Skip("ROQ_TEST_POSTGRES is not set")
			}
			var out bytes.Buffer
			if err := run(t.Context(), args, &out); err != nil {
				t.Fatalf("%v\n%s", err, out.String())
			}
			words := strings.Join(strings.Fields(out.String()), " ")
			for _, want := range []string{"enqueued 1198 people", "mailed twice 0", "lost 0", "not valid 1", "duplicates 1"} {
				if args[1] == "1200" && !strings.Contains(words, want) {
					t.Errorf("it does not print %q:\n%s", want, out.String())
				}
			}
		})
	}
}

// What is asked for is checked.
func TestBadArguments(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-people", "0"}, {"-workers", "0"}, {"more"}, {"-nosuch"}, {"-postgres", "no dsn"}} {
		if err := run(t.Context(), args, new(bytes.Buffer)); err == nil {
			t.Errorf("%v is taken", args)
		}
	}
}
