package inviteui

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/go-roq/roq"
)

const (
	// The bounds of what is kept: reports, outcomes in one and in all of them, keys of
	// forms, and jobs that run at once.
	maxReports, maxOthers, maxAllOthers, maxForms, maxRunning = 256, 10_000, 100_000, 10_000, 32
	// patience is how long a form waits for its job, and haste if it is a campaign. Then
	// its progress is shown.
	patience, haste = 8 * time.Second, 2 * time.Second
	// batch is how many people are invited in one request. More are a campaign.
	batch = 100
)

var errBusy = errors.New("inviteui: too many jobs are running")

// store has the jobs of this process, and which forms were handled.
type store struct {
	mu      sync.Mutex
	jobs    map[string]*job
	order   []string // oldest first
	running int
	forms   map[[32]byte]*handled
	recent  [][32]byte
}

// handled is what a form led to.
type handled struct {
	sync.Once
	id  string
	err error
}

func newStore() *store {
	return &store{jobs: map[string]*job{}, forms: map[[32]byte]*handled{}}
}

// once handles a form: the same one, sent again, leads to what it led to before.
func (s *store) once(form string, handle func() (string, error)) (string, error) {
	key := sha256.Sum256([]byte(form))
	s.mu.Lock()
	done := s.forms[key]
	if done == nil {
		done = new(handled)
		s.forms[key] = done
		if s.recent = append(s.recent, key); len(s.recent) > maxForms {
			delete(s.forms, s.recent[0])
			s.recent = s.recent[1:]
		}
	}
	s.mu.Unlock()
	done.Do(func() { done.id, done.err = handle() })
	return done.id, done.err
}

// job is a send or an action that runs, or did.
type job struct {
	action Action
	// queued is whether a Queue does it: only what was refused before is here.
	queued bool
	cancel context.CancelFunc
	done   chan struct{}

	mu     sync.Mutex
	report Report
}

// note records an outcome.
func (j *job) note(o roq.SendOutcome) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.report.Handled++
	if o.Status == roq.OutcomeSent {
		j.report.Sent++
	} else if len(j.report.Others) < maxOthers {
		o.Invite = nil
		j.report.Others = append(j.report.Others, o)
	}
}

// expect sets how many outcomes there will be.
func (j *job) expect(n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.report.Total = n
}

func (j *job) snapshot() Report {
	j.mu.Lock()
	defer j.mu.Unlock()
	r := j.report
	r.Others = slices.Clip(r.Others) // appended to only
	return r
}

// keep stores a job under an id, and forgets the oldest that are done.
func (s *store) keep(id string, j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs[id] = j
	s.order = append(s.order, id)
	others := 0
	for _, kept := range s.jobs {
		others += len(kept.snapshot().Others)
	}
	for i := 0; i < len(s.order)-1 && (len(s.jobs) > maxReports || others > maxAllOthers); {
		old := s.jobs[s.order[i]]
		select {
		case <-old.done:
			others -= len(old.snapshot().Others)
			delete(s.jobs, s.order[i])
			s.order = slices.Delete(s.order, i, i+1)
		default:
			i++
		}
	}
}

func (s *store) find(id string) *job {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.jobs[id]
}

// start runs a job of the visitor's, and returns its id. The job does not end with the
// request.
func (v *visitor) start(action Action, before []roq.SendOutcome, total int, work func(context.Context, *job) error) (string, error) {
	s := v.store
	s.mu.Lock()
	if s.running >= maxRunning {
		s.mu.Unlock()
		return "", errBusy
	}
	s.running++
	s.mu.Unlock()
	ctx, cancel := context.WithCancel(context.WithoutCancel(v.r.Context()))
	j := &job{action: action, cancel: cancel, done: make(chan struct{}), report: Report{
		TenantID: v.session.User.TenantID, UserID: v.session.RoqUserID, Started: time.Now(),
	}}
	for _, o := range before {
		j.note(o)
	}
	j.expect(len(before) + total)
	id := rand.Text()
	s.keep(id, j)
	go func() {
		defer cancel()
		err := errors.New("inviteui: the job did not return")
		defer func() {
			if p := recover(); p != nil {
				v.log.Error("a job panicked") // what it panicked with may have an address
			}
			j.mu.Lock()
			j.report.Err, j.report.Done = err, true
			j.mu.Unlock()
			close(j.done)
			s.mu.Lock()
			s.running--
			s.mu.Unlock()
		}()
		err = work(ctx, j)
	}()
	return id, nil
}

// wait waits for a job to end, for a while.
func (v *visitor) wait(id string) {
	j := v.store.find(id)
	if j == nil || j.queued {
		return
	}
	late := time.NewTimer(patience)
	if j.snapshot().Total > batch {
		late.Reset(haste)
	}
	defer late.Stop()
	select {
	case <-j.done:
	case <-late.C:
	case <-v.r.Context().Done():
	}
}

// reportOf returns the report with an id, if the visitor may see it.
func (v *visitor) reportOf(id string) (r Report, action Action, found bool) {
	action = ActionSend
	j := v.store.find(id)
	if j != nil {
		r, action = j.snapshot(), j.action
	}
	if v.queue != nil && (j == nil || j.queued) {
		queued, err := v.queue.Report(v.r.Context(), id)
		if err != nil {
			v.explain(v.r.Context(), err)
			return r, action, false
		}
		queued.Others = slices.Concat(r.Others, queued.Others)
		queued.Total, queued.Handled = queued.Total+r.Handled, queued.Handled+r.Handled
		r = queued
	} else if j == nil {
		return r, action, false
	}
	return r, action, r.TenantID == v.session.User.TenantID && r.UserID == v.session.RoqUserID
}

// stop ends a job that runs: what is under way is finished, the rest is not begun.
func (h *handler) stop(v *visitor) {
	if v.refused(ActionSend) {
		return
	}
	id := v.r.PostFormValue("report")
	if _, _, found := v.reportOf(id); found {
		j := h.store.find(id)
		if j != nil && !j.queued {
			j.cancel()
			v.wait(id)
		} else if q, ok := h.queue.(interface {
			Cancel(ctx context.Context, id string) error
		}); ok {
			if err := q.Cancel(v.r.Context(), id); err != nil {
				v.explain(v.r.Context(), err)
			}
		}
	}
	v.redirect("./?report=" + id)
}
