package roqriver_test

import (
	"context"
	"sync"
	"testing"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqriver"
	"github.com/go-roq/roq/roqtest"
)

type enqueuerKey struct{}

// recorder is a JobTracer that knows enqueuers by a value of their context.
type recorder struct {
	mu     sync.Mutex
	starts []roq.TraceJobStartData
	ends   []roq.TraceJobEndData
	calls  int // that belong to a job
}

type recordedJob struct{}

func (r *recorder) TraceCallStart(ctx context.Context, d roq.TraceCallStartData) context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Value(recordedJob{}) != nil && d.Mutation {
		r.calls++
	}
	return ctx
}

func (r *recorder) TraceCallEnd(context.Context, roq.TraceCallEndData) {}

func (r *recorder) TraceEnqueue(ctx context.Context) map[string]string {
	name, _ := ctx.Value(enqueuerKey{}).(string)
	return map[string]string{"from": name}
}

func (r *recorder) TraceJobStart(ctx context.Context, d roq.TraceJobStartData) context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.starts = append(r.starts, d)
	return context.WithValue(ctx, recordedJob{}, true)
}

func (r *recorder) TraceJobEnd(ctx context.Context, d roq.TraceJobEndData) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Value(recordedJob{}) != nil {
		r.ends = append(r.ends, d)
	}
}

// A tracer is told of each job, with what it knew of whoever enqueued, also where few
// people share a batch.
func TestTracer(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		p := newPlatform(t)
		seen := new(recorder)
		q := db.open(t, roqriver.WithTracer(seen))
		ctx := func(name string) context.Context { return context.WithValue(t.Context(), enqueuerKey{}, name) }
		list := people(203)
		list[1].Email = "ada@acme.example" // a member, who is refused
		for name, some := range map[string][]roq.UserInviteInput{"bulk": list[:200], "one": list[200:201], "another": list[201:]} {
			if _, err := q.Invite(ctx(name), p.campaign, stream(some)); err != nil {
				t.Fatal(err)
			}
		}
		stop := work(t, q, p.client(t, roq.WithTracer(seen)))
		until(t, q, "all have an outcome", settled(203))
		stop()
		from := map[string]int{}
		for _, start := range seen.starts {
			if start.Campaign != "spring" || start.Waited < 0 {
				t.Errorf("a job began with %+v", start)
			}
			from[start.Enqueued["from"]] += start.Invites
		}
		if from["bulk"] != 200 || from["one"]+from["another"] != 3 {
			t.Errorf("the invites are from %v, want 200 from bulk and 3 from one or another", from)
		}
		sent, refused := 0, 0
		for _, end := range seen.ends {
			sent, refused = sent+end.Sent, refused+end.Refused
			if end.Err != nil || end.Unknown != 0 || end.Waiting != 0 {
				t.Errorf("a job ended with %+v", end)
			}
		}
		if sent != 202 || refused != 1 || len(seen.ends) != len(seen.starts) || seen.calls != len(seen.starts) {
			t.Errorf("%d sent and %d refused by %d jobs with %d calls, of which %d ended", sent, refused, len(seen.starts), seen.calls, len(seen.ends))
		}
	})
}

// A job that fails says why, and one in whose batch nobody traced has nothing.
func TestTracerOfFailures(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		p := newPlatform(t)
		invite(t, db.open(t), p.campaign, people(100))
		seen := new(recorder)
		q := db.open(t, roqriver.WithTracer(seen))
		p.Inject(roqtest.Fault{Operation: "sendUserInvites", Status: 403})
		work(t, q, p.client(t))
		until(t, q, "it is stopped", func(s roqriver.Status) bool { return s.State == roqriver.StateStopped })
		eventually(t, "the job ends", func() bool {
			seen.mu.Lock()
			defer seen.mu.Unlock()
			return len(seen.ends) > 0
		}, func() string { return "" })
		seen.mu.Lock()
		defer seen.mu.Unlock()
		if end := seen.ends[0]; end.Err == nil || end.Waiting != 100 || seen.starts[0].Enqueued != nil {
			t.Errorf("a job that fails has %+v and %+v", seen.starts[0], end)
		}
	})
}
