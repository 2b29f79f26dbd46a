package chaos_test

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
)

const (
	// scenes is how many are set up at once, and load how many callers are under
	// way: more would make the time-outs measure this machine.
	scenes, load = 128, 64
	// slack is what a call may take beyond its deadline on a busy machine, under the
	// race detector.
	slack = 6 * time.Second
)

// cell is one run of the matrix.
type cell struct {
	fault     *fault
	operation string
	size      int // addresses of a send
	when      times
	callers   int
}

func (c cell) String() string {
	return fmt.Sprintf("%s %s/%s-%d/%s/%d callers", c.fault.number, c.fault.name, c.operation, c.size, c.when, c.callers)
}

// hash seeds what is drawn in the cell.
func (c cell) hash() uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(c.String()))
	return h.Sum64()
}

// operations is every operation, and for a send how many addresses.
var operations = []struct {
	name string
	size int
}{{opSend, 1}, {opSend, 5}, {opResend, 1}, {opCancel, 1}, {opAccept, 1}, {opList, 1}, {opToken, 1}}

// cells returns the matrix. The quick form has every fault on a send of five and
// on one other operation in turn, and 64 callers now and then.
func cells(faults []*fault, full bool) []cell {
	var all []cell
	turn := 0
	for _, f := range faults {
		turn++
		for i, op := range operations {
			if !full && i != 1 && (turn+i)%len(operations) != 0 {
				continue
			}
			for _, when := range []times{first, every} {
				if !f.fits(op.name, when) {
					continue
				}
				many := 64
				if f.shared {
					many = 2
				}
				if full || !f.shared {
					all = append(all, cell{f, op.name, op.size, when, 1})
				}
				if full || f.shared || turn%7 == 0 {
					all = append(all, cell{f, op.name, op.size, when, many})
				}
			}
		}
	}
	// Neighbours are alike in what they wait for. Many callers come last: nobody
	// has to wait until there is room for them.
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	slices.SortStableFunc(all, func(a, b cell) int { return cmp.Compare(a.callers, b.callers) })
	return all
}

// kind is a client to run the matrix with.
type kind struct {
	name string
	// repeatable is whether the platform mails an address as often as asked.
	repeatable bool
	make       func(*scene) caller
}

// runAll runs the cells, as many at once as the machine can take, and returns
// what the runs of each fault came to.
func runAll(t *testing.T, k kind, all []cell) map[string]*tally {
	t.Helper()
	var mu sync.Mutex
	byFault := make(map[string]*tally)
	var group errgroup.Group
	group.SetLimit(scenes)
	capacity := semaphore.NewWeighted(load)
	for _, c := range all {
		group.Go(func() error {
			result, problems := run(k, c, capacity)
			mu.Lock()
			defer mu.Unlock()
			for _, problem := range problems {
				t.Errorf("%s: %v: %s", k.name, c, problem)
			}
			if byFault[c.fault.number] == nil {
				byFault[c.fault.number] = new(tally)
			}
			byFault[c.fault.number].add(result)
			if testing.Verbose() && *each {
				t.Logf("%s: %v: %+v", k.name, c, result)
			}
			return nil
		})
	}
	_ = group.Wait()
	return byFault
}

// run makes one run. What it returns beside the tally went wrong with the run
// itself.
func run(k kind, c cell, capacity *semaphore.Weighted) (tally, []string) {
	s := newScene(c, k.repeatable)
	defer s.close()
	<-time.After(time.Until(s.ready))
	weight := min(int64(c.callers), load/2)
	if err := capacity.Acquire(context.Background(), weight); err != nil {
		return tally{}, []string{err.Error()}
	}
	defer capacity.Release(weight)

	client := k.make(s)
	if err := s.warm(client); err != nil {
		return tally{}, []string{"before the fault: " + err.Error()}
	}
	if !c.fault.idle {
		client.closeIdle()
	}
	release := s.occupy(client)
	s.backend.gate.armed.Store(true)
	reports := s.callAll(client)
	release()
	client.closeIdle()
	s.backend.close()

	var problems []string
	claims := make([][]claim, len(reports))
	total := tally{}
	for i, r := range reports {
		claims[i] = r.claims
		total.slowest = max(total.slowest, r.took.Seconds())
		if r.took > callDeadline+slack {
			total.overdue++
		}
		if r.panicked != "" {
			total.panics++
			problems = append(problems, r.panicked)
		}
	}
	total.add(judge(s.tasks, claims, s.ledger.read(), c.fault.shared))
	return total, problems
}

// warm gets credentials and, for connections to be reused, one for each caller.
func (s *scene) warm(client caller) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if s.cell.fault.tokens {
		return nil
	}
	var group errgroup.Group
	connections := 1
	if s.cell.fault.idle {
		connections = s.cell.callers
	}
	for range connections {
		group.Go(func() error {
			for {
				// A busy machine may be slow to answer the first time.
				if err := client.warm(ctx); err == nil || ctx.Err() != nil {
					return err
				}
			}
		})
	}
	return group.Wait()
}

// occupy has the pool's only connection in use, until the first attempts have
// timed out or else until what it returns is called.
func (s *scene) occupy(client caller) (release func()) {
	if !s.cell.fault.occupied {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		client.occupy(ctx)
	}()
	<-s.backend.busy
	if s.cell.when == first {
		timer := time.AfterFunc(attemptTimeout+attemptTimeout/5, cancel)
		return func() {
			timer.Stop()
			cancel()
			<-done
		}
	}
	return func() {
		cancel()
		<-done
	}
}

// report is what one caller was told.
type report struct {
	claims   []claim
	took     time.Duration
	panicked string
}

func (s *scene) callAll(client caller) []report {
	reports := make([]report, len(s.tasks))
	var group sync.WaitGroup
	for i, t := range s.tasks {
		ctx, cancel := s.context(t.requestID)
		if s.cell.fault.beforehand {
			cancel()
		}
		group.Go(func() {
			defer cancel()
			begin := time.Now()
			defer func() {
				reports[i].took = time.Since(begin)
				if p := recover(); p != nil {
					reports[i].panicked = fmt.Sprintf("panic: %v\n%s", p, debug.Stack())
					reports[i].claims = make([]claim, max(1, len(t.addresses)))
				}
			}()
			reports[i].claims = client.call(ctx, t)
		})
	}
	group.Wait()
	return reports
}
