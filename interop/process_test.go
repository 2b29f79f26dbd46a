package interop_test

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
)

// process is a driver: a Node.js program that makes calls of one of ROQ's
// packages as it is told.
type process struct {
	driver string

	mu      sync.Mutex
	in      io.Writer
	waiting map[int]chan answer
	last    int
}

// answer is the outcome of one call.
type answer struct {
	ID    int             `json:"id"`
	Data  json.RawMessage `json:"data"`
	Error *refusal        `json:"error"`
}

// start starts a driver, which ends with the test. Where ROQ's packages are not
// installed the test is skipped, or, if they were to be, fails.
func start(t *testing.T, driver string, env ...string) *process {
	t.Helper()
	_, err := os.Stat(".scratch/installed")
	node, noNode := exec.LookPath("node")
	if err != nil || noNode != nil {
		if os.Getenv("ROQ_INTEROP") == "required" {
			t.Fatalf("ROQ's own clients are not installed: %v, %v", err, noNode)
		}
		t.Skip("ROQ's own clients are not installed: make interop installs and runs them")
	}
	cmd := exec.CommandContext(t.Context(), node, driver)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = t.Output()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{driver: driver, in: in, waiting: make(map[int]chan answer)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		p.read(out)
	}()
	t.Cleanup(func() {
		_ = in.Close()
		<-read
		_ = cmd.Wait() // killed with the test's context
	})
	return p
}

// read hands out the answers. When the driver has ended, whoever waits is told.
func (p *process) read(out io.Reader) {
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadBytes('\n')
		var a answer
		if err == nil {
			err = json.Unmarshal(line, &a)
		}
		p.mu.Lock()
		if err != nil {
			for _, waiting := range p.waiting {
				close(waiting)
			}
			p.waiting = nil
			p.mu.Unlock()
			return
		}
		p.waiting[a.ID] <- a
		delete(p.waiting, a.ID)
		p.mu.Unlock()
	}
}

// begin starts a call and returns where its answer will come.
func (p *process) begin(t testing.TB, op string, args ...any) <-chan answer {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting == nil {
		t.Fatal("the driver has ended")
	}
	p.last++
	line, err := json.Marshal(map[string]any{"id": p.last, "op": op, "args": append([]any{}, args...)})
	if err != nil {
		t.Fatal(err)
	}
	waiting := make(chan answer, 1)
	p.waiting[p.last] = waiting
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
	return waiting
}

// call makes a call and waits for its answer.
func (p *process) call(t testing.TB, op string, args ...any) answer {
	t.Helper()
	a, ok := <-p.begin(t, op, args...)
	if !ok {
		t.Fatalf("the driver has ended during %s", op)
	}
	return a
}

// must is [process.call] for what does not fail; the data is read into the last
// argument.
func (p *process) must(t testing.TB, into any, op string, args ...any) {
	t.Helper()
	a := p.call(t, op, args...)
	if a.Error != nil {
		t.Fatalf("%s: %+v", op, a.Error)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(a.Data, into); err != nil {
		t.Fatalf("%s: %v: %s", op, err, a.Data)
	}
}
