package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-roq/roq/roqtest"
)

// The campaign of these tests: rows, in requests of so many, so many at once.
const (
	stopRows, stopBatch, stopParallel = 1000, 50, 4
	// stopAfter is how many requests to send pass before the platform holds all that
	// come.
	stopAfter = 5
)

// gate is a platform that holds requests to send.
type gate struct {
	srv  *roqtest.Server
	url  string
	csv  string
	args []string
	// lost is how many of those that are held are not processed first.
	lost int32
	// full is closed when as many are held as are made at once, open releases them.
	full, open chan struct{}
	sends      atomic.Int32
}

func newGate(t *testing.T, lost int32) *gate {
	t.Helper()
	g := &gate{srv: roqtest.NewHandler(), lost: lost, full: make(chan struct{}), open: make(chan struct{})}
	t.Cleanup(g.srv.Close)
	server := httptest.NewServer(http.HandlerFunc(g.serve))
	t.Cleanup(server.Close)
	g.url = server.URL
	ann := g.srv.AddUser(roqtest.User{TenantID: g.srv.AddTenant("Acme"), Email: "ann@acme.example", Roles: []string{"admin"}})
	g.csv = people(t, many(stopRows))
	g.args = []string{
		"-platform", "-csv", g.csv, "-as", ann.ID, "-tenant", ann.TenantID,
		"-batch", fmt.Sprint(stopBatch), "-concurrency", fmt.Sprint(stopParallel),
	}
	return g
}

func (g *gate) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	held := int32(0)
	if bytes.Contains(body, []byte("sendUserInvites")) {
		held = g.sends.Add(1) - stopAfter
	}
	if held < 1 || held > stopParallel {
		g.srv.Handler().ServeHTTP(w, r)
		return
	}
	answer := httptest.NewRecorder()
	if held > g.lost {
		g.srv.Handler().ServeHTTP(answer, r)
	}
	if held == stopParallel {
		close(g.full)
	}
	select {
	case <-r.Context().Done():
	case <-g.open:
		w.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
		w.WriteHeader(answer.Code)
		_, _ = io.Copy(w, answer.Body)
	}
}

// process is the program in a process of its own.
type process struct {
	*exec.Cmd
	t      *testing.T
	stdout bytes.Buffer
	stderr *bufio.Reader
}

func (g *gate) start(t *testing.T) *process {
	t.Helper()
	p := &process{Cmd: exec.CommandContext(t.Context(), os.Args[0], g.args...), t: t}
	p.Env = append(os.Environ(), child+"=1")
	for name, value := range environment(g.srv, g.url) {
		p.Env = append(p.Env, name+"="+value)
	}
	p.Stdout = &p.stdout
	pipe, err := p.StderrPipe()
	if err == nil {
		err = p.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	p.stderr = bufio.NewReader(pipe)
	return p
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// until waits for a line of what is printed during the run.
func (p *process) until(text string) {
	p.t.Helper()
	for {
		line, err := p.stderr.ReadString('\n')
		if strings.Contains(line, text) {
			return
		}
		if err != nil {
			p.t.Fatalf("the process never printed %q: %v", text, err)
		}
	}
}

// wait waits for the end, and returns what was printed: -1 is the status of a process
// that was killed.
func (p *process) wait(want int) string {
	p.t.Helper()
	rest, _ := io.ReadAll(p.stderr)
	_ = p.Wait()
	if got := p.ProcessState.ExitCode(); got != want {
		p.t.Errorf("the process ended with status %d, want %d:\n%s%s", got, want, &p.stdout, rest)
	}
	return p.stdout.String() + string(rest)
}

// reports checks the report.
func (g *gate) reports(t *testing.T, want map[string]int) {
	t.Helper()
	lines, counts := statuses(t, strings.TrimSuffix(g.csv, ".csv")+".report.csv")
	if len(lines) != stopRows || fmt.Sprint(counts) != fmt.Sprint(want) {
		t.Errorf("the report has %d lines, %v, want %v", len(lines), counts, want)
	}
}

// A signal ends it when the requests in flight have their outcomes, and the same
// command resumes.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("no signals can be sent there")
	}
	g := newGate(t, 0)
	p := g.start(t)
	<-g.full
	p.signal(os.Interrupt)
	p.until("interrupted")
	close(g.open)
	out := p.wait(statusInterrupted)
	for _, want := range []string{"to resume: run the same command again, with the journal ", "campaign: stopped: interrupted\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("printed lacks %q:\n%s", want, out)
		}
	}
	sent := (stopAfter + stopParallel) * stopBatch
	g.reports(t, map[string]int{"sent": sent, "not sent": stopRows - sent})
	if n := once(t, g.srv); n != sent {
		t.Errorf("%d people were mailed, want %d", n, sent)
	}

	out = g.start(t).wait(statusSent)
	if want := fmt.Sprintf("%d  sent, %d of them by an earlier run", stopRows, sent); !strings.Contains(out, want) {
		t.Errorf("printed lacks %q:\n%s", want, out)
	}
	g.reports(t, map[string]int{"sent": stopRows})
	if n := once(t, g.srv); n != stopRows {
		t.Errorf("%d people were mailed, want %d", n, stopRows)
	}
}

// The second signal ends it at once, and so does SIGKILL, with requests in flight.
// The next run finds out their outcomes and sends the others. What was lost on the
// way may have been sent, and is not sent again.
func TestKilled(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("no signals can be sent there")
	}
	kill := func(p *process) { p.signal(os.Kill) }
	for name, test := range map[string]struct {
		kill   func(p *process)
		lost   int32
		status int
		want   map[string]int
	}{
		"killed":        {kill: kill, want: map[string]int{"sent": stopRows}},
		"requests lost": {kill: kill, lost: 1, status: statusUnfinished, want: map[string]int{"sent": stopRows - stopBatch, "unknown": stopBatch}},
		"second signal": {kill: func(p *process) {
			p.signal(os.Interrupt)
			p.until("interrupted")
			p.signal(os.Interrupt)
		}, want: map[string]int{"sent": stopRows}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGate(t, test.lost)
			p := g.start(t)
			<-g.full
			test.kill(p)
			p.wait(-1)
			out := g.start(t).wait(test.status)
			g.reports(t, test.want)
			if n := once(t, g.srv); n != test.want["sent"] {
				t.Errorf("%d people were mailed, want %d", n, test.want["sent"])
			}
			if test.want["unknown"] > 0 {
				g.repeats(t, out, test.want["unknown"])
			}
		})
	}
}

// repeats follows the advice about rows that are unknown.
func (g *gate) repeats(t *testing.T, out string, unknown int) {
	t.Helper()
	path := strings.TrimSuffix(g.csv, ".csv") + ".report.unknown.csv"
	if want := fmt.Sprintf("unknown: %d rows, in %s. They may have been mailed.\n", unknown, path); !strings.Contains(out, want) {
		t.Errorf("printed lacks %q:\n%s", want, out)
	}
	if lines, counts := statuses(t, path); len(lines) != unknown || counts["unknown"] != unknown {
		t.Errorf("the file has %d lines, %v, want %d unknown ones", len(lines), counts, unknown)
	}
	g.args = append(g.args, "-repeat-unknown")
	g.start(t).wait(statusSent)
	g.reports(t, map[string]int{"sent": stopRows})
	if n := once(t, g.srv); n != stopRows {
		t.Errorf("%d people were mailed, want %d", n, stopRows)
	}
	if _, err := os.Stat(path); err == nil {
		t.Errorf("%s is left although nobody is unknown", path)
	}
}
