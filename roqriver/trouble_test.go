package roqriver_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqriver"
	"github.com/go-roq/roq/roqtest"
)

// roundTripper is a function that is one.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// gate stops whoever comes to it until it is opened.
type gate struct{ reached, opened chan struct{} }

func newGate() *gate { return &gate{make(chan struct{}, 100), make(chan struct{})} }

func (g *gate) pass() {
	g.reached <- struct{}{}
	<-g.opened
}

// wait waits until somebody stands at the gate.
func (g *gate) wait(t *testing.T) {
	t.Helper()
	select {
	case <-g.reached:
	case <-time.After(20 * time.Second):
		t.Fatal("nobody came to the gate")
	}
}

// holdAnswer holds the answer to the first request that sends invites.
func (g *gate) holdAnswer() roq.Option { return g.holdAnswerTo(1) }

// holdAnswerTo holds the answer to the n-th request that sends invites.
func (g *gate) holdAnswerTo(n int64) roq.Option {
	var requests atomic.Int64
	return roq.WithTransport(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			r = r.Clone(r.Context())
			held := isSend(r) && requests.Add(1) == n
			resp, err := next.RoundTrip(r)
			if held {
				g.pass()
			}
			return resp, err
		})
	})
}

// isSend reports whether a request sends invites.
func isSend(r *http.Request) bool {
	if r.Body == nil {
		return false
	}
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return err == nil && bytes.Contains(body, []byte("sendUserInvites"))
}

// abandoned makes the batches of a worker look as if it had died, so that another one takes
// them up at once.
func abandoned(t *testing.T, db *database, q queue) {
	t.Helper()
	if err := q.Pause(t.Context(), "spring"); err != nil {
		t.Fatal(err)
	}
	db.exec(t, "UPDATE roq_batch SET lease_until = 0")
	if err := q.Resume(t.Context(), "spring"); err != nil {
		t.Fatal(err)
	}
}

func sends(p *platform) int {
	n := 0
	for _, r := range p.Requests() {
		if r.Operation == "sendUserInvites" {
			n++
		}
	}
	return n
}

// A worker dies after its request was processed: another one finds what was sent, and sends
// nothing again. When the first one comes back, it writes nothing.
func TestKilledWorker(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		p := newPlatform(t, roqtest.WithRepeatedInvites())
		one, two := db.open(t), db.open(t)
		g := newGate()
		invite(t, one, p.campaign, people(100))
		work(t, one, p.client(t, g.holdAnswer()), roqriver.WithConcurrency(1))
		g.wait(t)
		abandoned(t, db, two)
		work(t, two, p.client(t))
		s := until(t, two, "all are found", settled(100))
		close(g.opened)
		if s.Sent != 100 || sends(p) != 1 {
			t.Errorf("Status = %+v after %d requests", s, sends(p))
		}
		mailed(t, p, 100)
	})
}

// A worker that stood still for longer than its lease sends nothing when it goes on.
func TestStaleWorker(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		p := newPlatform(t, roqtest.WithRepeatedInvites())
		one, two := db.open(t), db.open(t)
		g := newGate()
		invite(t, one, p.campaign, people(100))
		work(t, one, p.client(t, roq.WithLimiter(limiterFunc(func(ctx context.Context) error { g.pass(); return ctx.Err() }))), roqriver.WithConcurrency(1))
		g.wait(t)
		abandoned(t, db, two)
		stop := work(t, two, p.client(t))
		until(t, two, "all are sent", settled(100))
		stop()
		close(g.opened)
		eventually(t, "the first one ends", func() bool {
			return db.number(t, "SELECT count(*) FROM river_job WHERE state = 'running'") == 0
		}, func() string { return "" })
		if n := sends(p); n != 1 {
			t.Errorf("there were %d requests", n)
		}
		mailed(t, p, 100)
		if s, err := two.Status(t.Context(), "spring"); err != nil || s.Sent != 100 {
			t.Errorf("Status = %+v, %v", s, err)
		}
	})
}

type limiterFunc func(ctx context.Context) error

func (f limiterFunc) Wait(ctx context.Context) error { return f(ctx) }

// While the database refuses what is written, or everything, nothing leaves that it does not
// know of. What left before has its outcome afterwards, and the rest is sent.
func TestDatabaseTrouble(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		type trouble struct{ begin, end func() }
		var refused atomic.Pointer[regexp.Regexp]
		refuse := func(pattern string) trouble {
			return trouble{func() { refused.Store(regexp.MustCompile(pattern)) }, func() { refused.Store(nil) }}
		}
		pragma := func(begin, end string) trouble {
			return trouble{func() { db.exec(t, begin) }, func() { db.exec(t, end) }}
		}
		troubles := map[string]trouble{
			"away":      refuse(``),
			"read-only": refuse(`^\s*(UPDATE|INSERT|DELETE)`),
			"no lease":  refuse(`UPDATE {batch} SET under_way = under_way`),
			"no end":    refuse(`UPDATE {batch} SET under_way = \$3`),
			"no return": refuse(`UPDATE {batch} SET lease_until = 0`),
		}
		if db.schema == "" { // SQLite
			troubles["really read-only"] = pragma("PRAGMA query_only = ON", "PRAGMA query_only = OFF")
			troubles["really full"] = pragma("PRAGMA max_page_count = 1", "PRAGMA max_page_count = 4294967294")
		}
		for name, trouble := range troubles {
			p := newPlatform(t, roqtest.WithRepeatedInvites())
			p.campaign.Name = name
			p.Inject(roqtest.Fault{Operation: "sendUserInvites", Delay: 50 * time.Millisecond})
			q := db.open(t)
			q.SetLease(2 * time.Second)
			q.Break(func(sql string) string {
				if r := refused.Load(); r != nil && r.MatchString(sql) {
					return "SELECT 1 FROM a_table_that_is_not_there"
				}
				return sql
			})
			invite(t, q, p.campaign, people(600))
			stop := work(t, q, p.client(t), roqriver.WithConcurrency(2))
			eventually(t, "some are sent", func() bool { return sends(p) >= 2 }, func() string { return "" })
			trouble.begin()
			<-time.After(time.Second)
			trouble.end()
			var s roqriver.Status
			eventually(t, "all are sent", func() (ended bool) {
				var err error
				s, err = q.Status(t.Context(), name)
				return err == nil && s.Waiting == 0
			}, func() string { return fmt.Sprintf("%+v", s) })
			stop()
			if s.Sent != 600 || s.State != roqriver.StateOpen {
				t.Errorf("%s: %+v", name, s)
			}
			mailed(t, p, 600)
		}
	})
}

// While the platform is down people wait, and then they are sent to.
func TestPlatformDown(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		p := newPlatform(t)
		q := db.open(t)
		p.Inject(roqtest.Fault{Status: 503})
		work(t, q, p.client(t))
		invite(t, q, p.campaign, people(200))
		eventually(t, "it is tried", func() bool { return db.number(t, "SELECT count(*) FROM roq_batch WHERE failures > 0") == 2 }, func() string { return "" })
		if s, err := q.Status(t.Context(), "spring"); err != nil || s.State != roqriver.StateOpen || s.Waiting != 200 || s.Oldest == 0 {
			t.Errorf("Status = %+v, %v", s, err)
		}
		p.ClearFaults()
		until(t, q, "all are sent", func(s roqriver.Status) bool { return s.Sent == 200 })
		mailed(t, p, 200)
	})
}

// A campaign whose workers have no rights stops, and says why.
func TestForbidden(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		p := newPlatform(t)
		q := db.open(t)
		p.Inject(roqtest.Fault{Operation: "sendUserInvites", Status: 403})
		work(t, q, p.client(t))
		invite(t, q, p.campaign, people(300))
		s := until(t, q, "it stops", func(s roqriver.Status) bool { return s.State == roqriver.StateStopped })
		if !strings.Contains(s.Reason, "403") || strings.Contains(s.Reason, "@") || s.Waiting != 300 {
			t.Errorf("Status = %+v", s)
		}
		p.ClearFaults()
		if err := q.Resume(t.Context(), "spring"); err != nil {
			t.Fatal(err)
		}
		s = until(t, q, "all are sent", func(s roqriver.Status) bool { return s.Sent == 300 })
		if s.Reason != "" {
			t.Errorf("the reason is still %q", s.Reason)
		}
		mailed(t, p, 300)
	})
}

// A job that somebody deleted is made again.
func TestSweep(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		p := newPlatform(t)
		q := db.open(t)
		invite(t, q, p.campaign, people(300))
		if _, err := db.inviteTx(t, q, true, p.campaign, roq.UserInviteInput{Email: "alone@x.example"}); err != nil {
			t.Fatal(err)
		}
		db.exec(t, "DELETE FROM river_job")
		db.exec(t, "UPDATE roq_batch SET ready_at = ready_at - 10000000")
		db.exec(t, "UPDATE roq_invite SET added_at = added_at - 10000000")
		work(t, q, p.client(t))
		until(t, q, "all are sent", settled(301))
		mailed(t, p, 301)
	})
}

// A batch that is too large is split. What fits is found out once and remembered by the
// campaign, and requests have as many, whatever the size of the batches.
func TestBulkLimit(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		// The batches that leave first all have to be split.
		limits, n, workers, at, most := []int{40}, 2000, 1, 2, 1.4
		if *full {
			limits, n, workers, at, most = []int{40, 33, 99}, 100_000, 3, 8, 1.2
		}
		for _, limit := range limits {
			p := newPlatform(t, roqtest.WithBulkLimit(limit))
			p.campaign.Name = fmt.Sprint("at most ", limit)
			q := db.open(t)
			invite(t, q, p.campaign, people(n))
			var stop []func()
			for range workers {
				stop = append(stop, work(t, q, p.client(t), roqriver.WithConcurrency(at)))
			}
			eventually(t, "all are sent", func() bool {
				s, err := q.Status(t.Context(), p.campaign.Name)
				return err == nil && s.Sent == n
			}, func() string { return "" })
			for _, stop := range stop {
				stop()
			}
			ideal := (n + limit - 1) / limit
			t.Logf("%d people, %d in a request at most: %d requests, ideal %d", n, limit, sends(p), ideal)
			if float64(sends(p)) > most*float64(ideal) {
				t.Errorf("more than %v times the ideal", most)
			}
			mailed(t, p, n)
		}
	})
}

// All who share a limit keep it together, and heed what one of them is told.
func TestLimiter(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		limiters := []roq.Limiter{db.open(t).Limiter(50), db.open(t).Limiter(50)}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		var n atomic.Int64
		var all sync.WaitGroup
		for _, l := range slices.Concat(limiters, limiters) {
			all.Go(func() {
				for l.Wait(ctx) == nil {
					n.Add(1)
				}
			})
		}
		all.Wait()
		if got := n.Load(); got > 105 || got < 80 {
			t.Errorf("%d left in 2 s, want some 100", got)
		}
		limiters[0].(interface {
			Pause(ctx context.Context, d time.Duration)
		}).Pause(t.Context(), time.Second)
		begin := time.Now()
		if err := limiters[1].Wait(t.Context()); err != nil || time.Since(begin) < 900*time.Millisecond {
			t.Errorf("a request left %v after the platform asked for a second: %v", time.Since(begin), err)
		}
		for _, rate := range []float64{0, -1, 1e9} {
			if err := db.open(t).Limiter(rate).Wait(t.Context()); !errors.Is(err, roq.ErrInvalidInput) {
				t.Errorf("Limiter(%v): %v", rate, err)
			}
		}
	})
}

// An event is handled once, whoever receives it and however often.
func TestWebhookEvents(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		p := newPlatform(t)
		event := roq.WebhookEvent{
			ID: "1", Name: roq.EventUserInviteInsert, Object: "userInvite", Fingerprint: strings.Repeat("ab", 32),
			Current: &roq.UserInvite{ID: "i", Email: "a@x.example", Status: roq.StatusPending, CreatedAt: time.UnixMilli(1).UTC()},
			Raw:     []byte("{\"a\":\"\xff\"}"),
		}
		var mu sync.Mutex
		var handled []roq.WebhookEvent
		handle := func(_ context.Context, e roq.WebhookEvent) error {
			mu.Lock()
			defer mu.Unlock()
			if handled = append(handled, e); len(handled) == 1 {
				return errors.New("not now")
			}
			return nil
		}
		for range 2 {
			q := db.open(t)
			receive := q.WebhookEvents(handle)
			work(t, q, p.client(t))
			for range 3 {
				if err := receive(t.Context(), event); err != nil {
					t.Fatal(err)
				}
			}
		}
		eventually(t, "it is handled", func() bool { return db.number(t, "SELECT count(*) FROM roq_webhook WHERE handled_at > 0") == 1 }, func() string { return "" })
		mu.Lock()
		defer mu.Unlock()
		if len(handled) != 2 { // one of them failed
			t.Fatalf("it was handled %d times", len(handled))
		}
		got := handled[1]
		if got.Current == nil || got.Current.Email != "a@x.example" || !got.Current.CreatedAt.Equal(event.Current.CreatedAt) || !bytes.Equal(got.Raw, event.Raw) || got.Name != event.Name || got.Fingerprint != event.Fingerprint {
			t.Errorf("the event is %+v", got)
		}
		if n := db.number(t, "SELECT count(*) FROM roq_webhook WHERE event LIKE '%@%'"); n != 0 {
			t.Error("the event is kept after it was handled")
		}
		if err := db.open(t).WebhookEvents(nil)(t.Context(), event); !errors.Is(err, roq.ErrInvalidInput) {
			t.Errorf("WebhookEvents(nil): %v", err)
		}
		if err := db.open(t).WebhookEvents(handle)(t.Context(), roq.WebhookEvent{}); !errors.Is(err, roq.ErrInvalidInput) {
			t.Errorf("an event without a Fingerprint: %v", err)
		}
	})
}

// What was under way when a worker died is looked for although the campaign is paused, and
// nothing is sent.
func TestPausedLookUp(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		p := newPlatform(t, roqtest.WithRepeatedInvites())
		one, two := db.open(t), db.open(t)
		one.SetLease(3 * time.Second)
		two.SetLease(3 * time.Second)
		g := newGate()
		invite(t, one, p.campaign, people(200))
		work(t, one, p.client(t, g.holdAnswer()), roqriver.WithConcurrency(1))
		defer close(g.opened)
		g.wait(t)
		if err := one.Pause(t.Context(), "spring"); err != nil {
			t.Fatal(err)
		}
		db.exec(t, "UPDATE roq_batch SET fence = fence + 1, lease_until = 0")
		work(t, two, p.client(t))
		s := until(t, two, "they are found", func(s roqriver.Status) bool { return s.Sent == 100 })
		if s.State != roqriver.StatePaused || s.Waiting != 100 || sends(p) != 1 {
			t.Errorf("Status = %+v after %d requests", s, sends(p))
		}
	})
}
