package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
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

// lines hands on what is printed, line by line.
type lines chan string

func (l lines) Write(b []byte) (int, error) {
	for line := range strings.Lines(string(b)) {
		l <- strings.TrimSpace(line)
	}
	return len(b), nil
}

// River UI shows the queue while the fleet runs.
func TestUI(t *testing.T) { //nolint:paralleltest // all runs with PostgreSQL use the same schema
	for _, args := range [][]string{{"-people", "1200"}, {"-people", "1200", "-postgres", os.Getenv("ROQ_TEST_POSTGRES")}} {
		t.Run(strings.Join(args[:min(3, len(args))], " "), func(t *testing.T) {
			if args[len(args)-1] == "" {
				t.Skip("ROQ_TEST_POSTGRES is not set")
			}
			printed, ended := make(lines), make(chan error, 1)
			go func() {
				ended <- run(t.Context(), append(args, "-ui", "127.0.0.1:0"), printed)
				close(printed)
			}()
			begins, address, _ := strings.Cut(<-printed, "http://")
			if begins != "River UI is on " {
				t.Fatalf("it begins with %q", begins)
			}
			for path, want := range map[string]string{"/": "<title>River", "/api/queues": "roq"} {
				if got := get(t, "http://"+address+path); !strings.Contains(got, want) {
					t.Errorf("%s is %q, want %q in it", path, got, want)
				}
			}
			for range printed { // to the end
			}
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

// get reads a page, which is not there at once.
func get(t *testing.T, url string) string {
	t.Helper()
	var body []byte
	for range 50 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			body, err = io.ReadAll(resp.Body)
			_ = resp.Body.Close()
		}
		if err == nil && resp.StatusCode == http.StatusOK && strings.Contains(string(body), "r") {
			return string(body)
		}
		<-time.After(100 * time.Millisecond)
	}
	return string(body)
}

// What is asked for is checked.
func TestBadArguments(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-people", "0"}, {"-workers", "0"}, {"more"}, {"-nosuch"}, {"-postgres", "no dsn"}, {"-ui", "nowhere"}, {"-ui", "0.0.0.0:0"}} {
		if err := run(t.Context(), args, new(bytes.Buffer)); err == nil {
			t.Errorf("%v is taken", args)
		}
	}
}
