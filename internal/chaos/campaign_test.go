package chaos_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

var campaignSeed = flag.Uint64("campaign", seed, "seed of the campaigns' faults and kills")

// maxLeftUnknown bounds the share of a campaign's invites that may stay unknown,
// beside those whose request arrived and was not processed: of these no reading
// tells that they never will be.
const maxLeftUnknown = 0.02

// siege is a campaign that is killed and begun again until it has come to its end.
type siege struct {
	name    string
	invites int
	kills   int
	// repeat is whether the platform refuses a second pending invite and the client
	// knows it.
	repeat bool

	scene  *scene
	random *rand.Rand
	dir    string
	// asked counts the addresses in sends that were processed; reached gets a value
	// when they are as many as due.
	asked, due atomic.Int64
	reached    chan struct{}
	// arrived are the addresses, in the case of letters that they came in, of sends
	// that arrived, processed or not.
	mu      sync.Mutex
	arrived map[string]bool

	killed, early, ended int // runs, by how they came to their end
}

// A campaign that is killed again and again comes to its end: everybody was mailed
// once, or is not said to be.
func TestCampaign(t *testing.T) {
	// Not beside the other tests, whose time-outs are short.
	plain := &siege{name: "plain", invites: 5_000, kills: 8}
	repeating := &siege{name: "repeating what is unknown", invites: 2_000, kills: 5, repeat: true}
	if *full {
		plain.invites, plain.kills = 100_000, 50
		repeating.invites, repeating.kills = 20_000, 20
	}
	for _, s := range []*siege{plain, repeating} {
		t.Run(s.name, func(t *testing.T) {
			begin := time.Now()
			s.prepare(t)
			outcomes := s.last(t)
			s.scene.close()
			s.judge(t, outcomes)
			t.Logf("%d runs in %.1f s", s.killed+s.early+s.ended+1, time.Since(begin).Seconds())
		})
	}
}

func (s *siege) prepare(t *testing.T) {
	t.Helper()
	// A stream waits out what a Retry-After asks for, up to five minutes.
	pool := slices.DeleteFunc(lasting(), func(f *fault) bool { return slices.Contains([]string{"28a", "28c", "28d"}, f.number) })
	f := &fault{number: "campaign", name: fmt.Sprintf("%s, one request in ten, seed %d", s.name, *campaignSeed), lists: true,
		serve: func(x *exchange) {
			s.arrive(x)
			if x.part(10) != 0 {
				x.write(x.process())
				return
			}
			pool[x.part(len(pool))].serve(x)
		},
	}
	where := cell{fault: f, operation: opSend, when: every, callers: 1}
	s.scene = newScene(where, !s.repeat)
	s.random = rand.New(rand.NewPCG(*campaignSeed, where.hash()))
	s.dir, s.reached, s.arrived = t.TempDir(), make(chan struct{}, 1), make(map[string]bool)
	b := s.scene.backend
	for i := range s.invites {
		if who := person(i); who.member {
			b.platform.AddUser(roqtest.User{TenantID: s.scene.user.TenantID, Email: who.email})
		}
	}
	told := func(x *exchange) {
		if x.operation != opSend {
			return
		}
		if n := s.asked.Add(int64(bytes.Count(x.body, []byte(`"email":`)))); n >= s.due.Load() {
			select {
			case s.reached <- struct{}{}:
			default:
			}
		}
	}
	b.processed.Store(&told)
	b.gate.armed.Store(true)
}

// arrive takes down whom a send is to.
func (s *siege) arrive(x *exchange) {
	if x.operation != opSend {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, part := range strings.Split(string(x.body), `"email":"`)[1:] {
		email, _, _ := strings.Cut(part, `"`)
		s.arrived[email] = true
	}
}

// last runs the campaign until it comes to its end by itself, and returns the
// outcomes of that run.
func (s *siege) last(t *testing.T) []string {
	t.Helper()
	thresholds := make([]int64, s.kills)
	for i := range thresholds {
		thresholds[i] = s.random.Int64N(int64(s.invites) * 95 / 100)
	}
	slices.Sort(thresholds)
	for s.ended < s.kills+20 {
		due := int64(s.invites) * 10 // never
		if killed := s.killed + s.early; killed < len(thresholds) {
			due = thresholds[killed]
		}
		// One in five is killed soon, while it reads its journal or looks for what the
		// one before has sent.
		soon := time.Duration(-1)
		if s.random.IntN(5) == 0 && due < int64(s.invites) {
			soon = time.Duration(s.random.IntN(400)) * time.Millisecond
		}
		if outcomes, over := s.once(t, due, soon); over {
			return outcomes
		}
	}
	t.Fatalf("%d runs did not come to an end", s.killed+s.early+s.ended)
	return nil
}

// once runs the campaign in a process, and kills that when so many addresses have
// been sent to, or soon.
func (s *siege) once(t *testing.T, due int64, soon time.Duration) (outcomes []string, over bool) {
	t.Helper()
	moment := time.Duration(s.random.IntN(20_000)) * time.Microsecond
	job := campaignJob{
		TenantID: s.scene.user.TenantID, UserID: s.scene.user.ID, Journal: filepath.Join(s.dir, "journal"), Outcomes: filepath.Join(s.dir, "outcomes"),
		Invites: s.invites, BatchSize: []int{10, 20, 40, 80}[s.random.IntN(4)], Parallel: []int{1, 2, 4, 8}[s.random.IntN(4)], Repeat: s.repeat,
	}
	s.due.Store(due)
	select {
	case <-s.reached: // of a request of the one before
	default:
	}
	process := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCampaigner$")
	process.Env = append(os.Environ(), campaigner+"="+string(must(json.Marshal(job))),
		"ROQ_PLATFORM_URL="+s.scene.config.PlatformURL, "ROQ_ENVIRONMENT_ID="+s.scene.config.EnvironmentID, "ROQ_API_KEY="+s.scene.config.APIKey)
	var said bytes.Buffer
	process.Stdout, process.Stderr = &said, &said
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- process.Wait() }()
	begin := time.Now()
	var early <-chan time.Time
	if soon >= 0 {
		early = time.After(soon)
	}
	select {
	case err := <-exited:
		return s.exited(t, job, err, said.String())
	case <-early:
		s.early++
	case <-s.reached:
		<-time.After(moment)
		s.killed++
	}
	_ = process.Process.Kill()
	err := <-exited
	if status := new(exec.ExitError); !errors.As(err, &status) || status.Exited() {
		return s.exited(t, job, err, said.String()) // it was over in the last moment
	}
	t.Logf("killed after %v, with %d of %d asked for, batches of %d, %d at once", time.Since(begin).Round(time.Millisecond), s.asked.Load(), s.invites, job.BatchSize, job.Parallel)
	return nil, false
}

// exited looks at what a run that was not killed says.
func (s *siege) exited(t *testing.T, job campaignJob, err error, said string) (outcomes []string, over bool) {
	t.Helper()
	if err != nil {
		t.Fatalf("the process ended with %v: %s", err, said)
	}
	lines := strings.Split(strings.TrimSuffix(string(must(os.ReadFile(job.Outcomes))), "\n"), "\n")
	if end := lines[len(lines)-1]; end != "end" {
		// Somebody looks after what a campaign gives up on, and begins it again.
		s.ended++
		t.Logf("ended by itself, with %d of %d asked for: %s", s.asked.Load(), s.invites, end)
		return nil, false
	}
	return lines[:len(lines)-1], true
}

// judge compares the outcomes with what was mailed.
func (s *siege) judge(t *testing.T, outcomes []string) {
	t.Helper()
	mailed := s.scene.ledger.read().invited
	told := make([]roq.OutcomeStatus, s.invites)
	for _, line := range outcomes {
		var index int
		number, status, _ := strings.Cut(line, " ")
		if _, err := fmt.Sscan(number, &index); err != nil || index < 0 || index >= s.invites || told[index] != "" {
			t.Errorf("the outcome %q is of nobody, or of somebody who had one", line)
			continue
		}
		told[index] = roq.OutcomeStatus(status)
	}
	count, total := map[roq.OutcomeStatus]int{}, 0
	unknownMailed, unknownArrived := 0, 0
	for i, status := range told {
		count[status]++
		who := person(i)
		n := mailed[strings.ToLower(who.email)]
		right := false
		switch {
		case who.duplicate:
			right = status == roq.OutcomeDuplicate // the first is judged
		case who.invalid:
			right = status == roq.OutcomeRefused && n == 0
		case status == roq.OutcomeSent:
			right = n == 1
		case status == roq.OutcomeUnknown:
			right = n <= 1
			unknownMailed += n
			if s.arrived[who.email] {
				unknownArrived++
			}
		case status == roq.OutcomeRefused:
			right = n == 0 && who.member
		case status == roq.OutcomeNotSent:
			right = n == 0
		}
		if !right {
			t.Errorf("input %d (%+v) is %q and was mailed %d times", i, who, status, n)
		}
		if !who.duplicate {
			total += n
		}
	}
	if all := len(s.scene.backend.platform.Outbox()); all != total {
		t.Errorf("%d e-mails, of which %d are the inputs'", all, total)
	}
	unknown := count[roq.OutcomeUnknown]
	share := func(n int) float64 { return 100 * float64(n) / float64(s.invites) }
	t.Logf("%d invites, one request in ten failing, %d kills (%d of them early), %d other ends: %d sent, %d refused, %d duplicates, %d not sent, none twice; seed %d",
		s.invites, s.killed+s.early, s.early, s.ended, count[roq.OutcomeSent], count[roq.OutcomeRefused], count[roq.OutcomeDuplicate], count[roq.OutcomeNotSent], *campaignSeed)
	t.Logf("%d unknown (%.2f %%): %d were mailed, %d arrived and were not processed, %d were killed before they left (%.2f %%)", unknown, share(unknown),
		unknownMailed, unknownArrived-unknownMailed, unknown-unknownArrived, share(unknown-unknownArrived))
	if left := unknown - unknownArrived + unknownMailed; *full && float64(left) > maxLeftUnknown*float64(s.invites) {
		t.Errorf("%d of %d invites are unknown that faults do not explain, want at most %.0f %%", left, s.invites, 100*maxLeftUnknown)
	}
	// Nobody is left in doubt for long where it is safe to send again.
	if s.repeat && float64(unknown) > maxLeftUnknown*float64(s.invites) {
		t.Errorf("%d of %d invites are unknown although they may be repeated, want at most %.0f %%", unknown, s.invites, 100*maxLeftUnknown)
	}
}
