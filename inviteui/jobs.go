package inviteui

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/go-roq/roq"
)

const (
	// The bounds of what is kept: reports, outcomes in those that have ended, keys of forms,
	// and jobs that run at once.
	maxReports, maxOthers, maxForms, maxRunning = 256, maxPeople, 10_000, 32
	// patience is how long a form waits for its job, and haste if it is a campaign. Then
	// its progress is shown.
	patience, haste = 8 * time.Second, 2 * time.Second
)

var errBusy = errors.New("inviteui: too many jobs are running")

// jobs are the sends and actions of this process that run, or did, and which forms were
// handled.
type jobs struct {
	mu      sync.Mutex
	byID    map[string]*job
	order   []string // oldest first
	running chan struct{}
	// forms say what a form leads to, by its hash.
	forms  map[[32]byte]func() (id string, err error)
	recent [][32]byte
}

// once handles what a form of the visitor's says: the same, sent again, leads to what it
// led to before, unless that failed. The key is of this visitor and form only.
func (v *visitor) once(form string, says []string, handle func(key string) (id string, err error)) (string, error) {
	s := v.jobs
	whole, _ := json.Marshal([]any{v.session.RoqUserID, v.session.User.TenantID, form, says})
	key := sha256.Sum256(whole)
	s.mu.Lock()
	once := s.forms[key]
	if once == nil {
		once = sync.OnceValues(func() (id string, err error) {
			err = errors.New("inviteui: the form was not handled") // if it panics
			defer func() {
				if err != nil {
					s.mu.Lock()
					defer s.mu.Unlock()
					delete(s.forms, key)
				}
			}()
			return handle(hex.EncodeToString(key[:]))
		})
		s.forms[key] = once
		if s.recent = append(s.recent, key); len(s.recent) > maxForms {
			delete(s.forms, s.recent[0])
			s.recent = s.recent[1:]
		}
	}
	s.mu.Unlock()
	return once()
}

// job is a send or an action.
type job struct {
	action Action
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
	} else {
		o.Invite = nil
		j.report.Others = append(j.report.Others, o)
	}
}

// expect says how many more outcomes there will be.
func (j *job) expect(n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.report.Total = j.report.Handled + n
}

func (j *job) snapshot() Report {
	j.mu.Lock()
	defer j.mu.Unlock()
	r := j.report
	r.Others = slices.Clip(r.Others) // appended to only
	return r
}

// keep stores a job under an id, and forgets the oldest that have ended.
func (s *jobs) keep(id string, j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID[id] = j
	s.order = append(s.order, id)
	others := 0
	for _, kept := range s.byID {
		others += len(kept.snapshot().Others)
	}
	s.order = slices.DeleteFunc(s.order, func(id string) bool {
		old := s.byID[id].snapshot()
		forget := (len(s.byID) > maxReports || others > maxOthers) && old.Done
		if forget {
			others -= len(old.Others)
			delete(s.byID, id)
		}
		return forget
	})
}

func (s *jobs) find(id string) *job {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byID[id]
}

// start runs a job of the visitor's, and returns its id. Before are the outcomes of those
// who are not tried. The job does not end with the request.
func (v *visitor) start(action Action, before []roq.SendOutcome, total int, work func(context.Context, *job) error) (string, error) {
	select {
	case v.jobs.running <- struct{}{}:
	default:
		return "", errBusy
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(v.r.Context()))
	j := &job{action: action, cancel: cancel, done: make(chan struct{}), report: Report{TenantID: v.session.User.TenantID, UserID: v.session.RoqUserID, Started: time.Now()}}
	for _, o := range before {
		j.note(o)
	}
	j.expect(total)
	id := rand.Text()
	v.jobs.keep(id, j)
	go func() {
		defer cancel()
		err := errors.New("inviteui: the job did not return")
		defer func() {
			if recover() != nil {
				v.log.Error("a job panicked") // what it panicked with may have an address
			}
			j.mu.Lock()
			j.report.Err, j.report.Done = err, true
			j.mu.Unlock()
			<-v.jobs.running
			close(j.done)
		}()
		err = work(ctx, j)
	}()
	return id, nil
}

// wait waits for a job to end, for a while.
func (v *visitor) wait(id string) {
	j := v.jobs.find(id)
	if j == nil {
		return
	}
	limit := patience
	if j.snapshot().Total > batch {
		limit = haste
	}
	select {
	case <-j.done:
	case <-time.After(limit):
	case <-v.r.Context().Done():
	}
}

// report returns the report with an id, if the visitor may see it.
func (v *visitor) report(id string) (r Report, action Action, found bool) {
	action = ActionSend
	if j := v.jobs.find(id); j != nil {
		r, action = j.snapshot(), j.action
	} else if v.queue != nil {
		var err error
		if r, err = v.queue.Report(v.r.Context(), id); err != nil {
			v.explain(err)
			return Report{}, action, false
		}
	}
	return r, action, r.TenantID == v.session.User.TenantID && r.UserID == v.session.RoqUserID
}

// stop ends a job that runs: what is under way is finished, the rest is not begun.
func stop(v *visitor) {
	if !v.readSmall() || v.session == nil && v.refused(ActionSend) {
		return
	}
	id := v.r.PostForm.Get("report")
	if _, action, found := v.report(id); found {
		if v.refused(action) {
			return
		}
		queue, cancels := v.queue.(interface {
			Cancel(ctx context.Context, id string) error
		})
		if j := v.jobs.find(id); j != nil {
			j.cancel()
			v.wait(id)
		} else if cancels {
			if err := queue.Cancel(v.r.Context(), id); err != nil {
				v.explain(err)
			}
		}
	}
	v.redirect("./?report=" + id)
}
