package inviteui

import (
	"context"
	"slices"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/internal/jobs"
)

const (
	// The bounds of what is kept: reports, outcomes in those that have ended, keys of forms,
	// and jobs that run at once.
	maxReports, maxOthers, maxForms, maxRunning = 256, maxPeople, 10_000, 32
	// patience is how long a form waits for its job, and haste if it is a campaign. Then
	// its progress is shown.
	patience, haste = 8 * time.Second, 2 * time.Second
)

// job is a send or an action of this process that runs, or did.
type job = jobs.Job[progress]

// progress is what is known of a job.
type progress struct {
	Report
	Action Action
}

// note records an outcome.
func (p *progress) note(o roq.SendOutcome) {
	p.Handled++
	if o.Status == roq.OutcomeSent {
		p.Sent++
	} else {
		o.Invite = nil
		p.Others = append(p.Others, o)
	}
}

// note records an outcome of a job.
func note(j *job, o roq.SendOutcome) { j.Update(func(p *progress) { p.note(o) }) }

// expect says how many more outcomes there will be.
func expect(j *job, n int) { j.Update(func(p *progress) { p.Total = p.Handled + n }) }

// once handles what a form of the visitor's says: the same, sent again, leads to what it
// led to before, unless that failed. The key is of this visitor and form only.
func (v *visitor) once(form string, says []string, handle func(key string) (id string, err error)) (string, error) {
	key := jobs.Key(v.session.RoqUserID, v.session.User.TenantID, form, says)
	return v.jobs.Once(key, func() (string, error) { return handle(key) })
}

// start runs a job of the visitor's, and returns its id. Before are the outcomes of those
// who are not tried.
func (v *visitor) start(action Action, before []roq.SendOutcome, total int, work func(context.Context, *job) error) (string, error) {
	begin := progress{Report{TenantID: v.session.User.TenantID, UserID: v.session.RoqUserID, Started: time.Now()}, action}
	for _, o := range before {
		begin.note(o)
	}
	begin.Total = begin.Handled + total
	return v.jobs.Start(v.r.Context(), begin, work, func(p *progress, err error, panicked bool) {
		p.Err, p.Done = err, true
		if panicked {
			v.log.Error("a job panicked") // what it panicked with may have an address
		}
	})
}

// follow leads to the report of a job, in a view of the list. It waits for the job to end,
// for a while.
func (v *visitor) follow(id string, at view) {
	if j := v.jobs.Find(id); j != nil {
		limit := patience
		if j.Result().Total > batch {
			limit = haste
		}
		j.Wait(v.r.Context(), limit)
	}
	at.Set("report", id)
	v.redirect(at.Link("./"))
}

// report returns the report with an id, if the visitor may see it.
func (v *visitor) report(id string) (r Report, action Action, found bool) {
	action = ActionSend
	if j := v.jobs.Find(id); j != nil {
		p := j.Result()
		r, action = p.Report, p.Action
		r.Others = slices.Clip(r.Others) // appended to only
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
			Cancel(context.Context, string) error
		})
		if j := v.jobs.Find(id); j != nil {
			j.Cancel()
		} else if cancels {
			if err := queue.Cancel(v.r.Context(), id); err != nil {
				v.explain(err)
			}
		}
	}
	v.follow(id, readView(nil))
}
