package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// job is a call, and how many make it at once.
type job struct {
	Operation string `json:"operation"`
	Size      int    `json:"size"`    // invites of one call
	Callers   int    `json:"callers"` // goroutines, or promises
}

const (
	opList  = "userInvites"
	opSend  = "sendUserInvites"
	opFirst = "first" // userInvites by a client that is new
)

// cost is what a number of calls took the process that made them.
type cost struct {
	calls     int
	cpu, wall time.Duration
	// allocs is how many objects were allocated; 0 in Node.js, which does not say.
	allocs uint64
}

// contender is a client in the comparison.
type contender interface {
	// measure makes so many calls, checks what each brings, and says what they cost.
	measure(ctx context.Context, j job, calls int) (cost, error)
}

// client is a contender in this process.
type client interface {
	// list lists n invites and returns how many it got.
	list(ctx context.Context, n int) (int, error)
	// send invites n people and returns how many invites were made.
	send(ctx context.Context, n int) (int, error)
}

// local measures a client in this process.
type local struct{ client }

func (l local) measure(ctx context.Context, j job, calls int) (cost, error) {
	call := l.list
	if j.Operation == opSend {
		call = l.send
	}
	// The garbage of whoever was measured before is nobody's cost.
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began, cpu := time.Now(), cpuTime()
	err := inParallel(j.Callers, calls, func() error {
		got, err := call(ctx, j.Size)
		if err == nil && got != j.Size {
			err = fmt.Errorf("%d invites, want %d", got, j.Size)
		}
		return err
	})
	c := cost{calls: calls, cpu: cpuTime() - cpu, wall: time.Since(began)}
	runtime.ReadMemStats(&after)
	c.allocs = after.Mallocs - before.Mallocs
	return c, err
}

// inParallel makes so many calls from so many goroutines, and returns the first
// error.
func inParallel(callers, calls int, call func() error) error {
	if callers == 1 {
		for range calls {
			if err := call(); err != nil {
				return err
			}
		}
		return nil
	}
	var (
		wait  sync.WaitGroup
		taken atomic.Int64
		once  sync.Once
		first error
	)
	for range callers {
		wait.Go(func() {
			for taken.Add(1) <= int64(calls) {
				if err := call(); err != nil {
					once.Do(func() { first = err })
					return
				}
			}
		})
	}
	wait.Wait()
	return first
}

// cpuTime is how long this process has kept processors busy, in its own code and
// in the kernel.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	// The only error is that of a wrong first argument.
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// nodejs measures @roq/nodejs in a process of its own.
type nodejs struct{ *process }

func (n nodejs) measure(_ context.Context, j job, calls int) (cost, error) {
	line, err := json.Marshal(struct {
		job
		Calls int `json:"calls"`
	}{j, calls})
	if err != nil {
		return cost{}, err
	}
	var answer struct {
		CPU     int64   `json:"cpu"`  // µs
		Wall    float64 `json:"wall"` // ms
		Invites int     `json:"invites"`
		Error   string  `json:"error"`
	}
	if err := n.ask(line, &answer); err != nil {
		return cost{}, err
	}
	if answer.Error == "" && answer.Invites != calls*j.Size {
		answer.Error = fmt.Sprintf("%d invites in %d calls, want %d each", answer.Invites, calls, j.Size)
	}
	if answer.Error != "" {
		return cost{}, fmt.Errorf("@roq/nodejs: %s", answer.Error)
	}
	return cost{calls: calls, cpu: time.Duration(answer.CPU) * time.Microsecond, wall: time.Duration(answer.Wall * float64(time.Millisecond))}, nil
}

// startNodejs starts the driver of @roq/nodejs, and returns the version of
// Node.js too.
func startNodejs(ctx context.Context, url string) (*nodejs, string, error) {
	p, err := start(ctx, "node", "nodejs.mjs")
	if err != nil {
		return nil, "", err
	}
	line, err := json.Marshal(map[string]any{
		"host": url, "environmentId": environmentID, "apiKey": apiKey,
		"userId": userID, "tenantId": tenantID, "people": people(maxPage),
	})
	if err != nil {
		return nil, "", err
	}
	var hello struct {
		Node string `json:"node"`
	}
	err = p.ask(line, &hello)
	return &nodejs{p}, hello.Node, err
}
