package roqriver_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqriver"
	"github.com/go-roq/roq/roqtest"
)

// People who are enqueued are invited, once, however often they are enqueued.
func TestInvite(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		p := newPlatform(t)
		q := db.open(t)
		work(t, q, p.client(t))
		list := people(250)
		invite(t, q, p.campaign, list)
		until(t, q, "all are sent", settled(250))
		again, err := q.Invite(t.Context(), p.campaign, stream(append(list, roq.UserInviteInput{Email: "PERSON1@x.example"}, roq.UserInviteInput{Email: "new@x.example"})))
		if err != nil || again.Added != 1 || again.Known != 251 {
			t.Fatalf("Invite again = %+v, %v", again, err)
		}
		s := until(t, q, "the new one is sent", settled(251))
		if s.Sent != 251 || s.State != roqriver.StateOpen || s.Campaign != p.campaign || s.Oldest != 0 || s.Rate <= 0 {
			t.Errorf("Status = %+v", s)
		}
		mailed(t, p, 251)
		n := 0
		for o, err := range q.Outcomes(t.Context(), "spring") {
			if err != nil || o.Status != roq.OutcomeSent || o.InviteID == "" || o.Input.FirstName != "P" && o.Input.Email != "new@x.example" || time.Since(o.At) > time.Minute {
				t.Fatalf("outcome %+v, %v", o, err)
			}
			n++
		}
		if n != 251 {
			t.Errorf("there are %d outcomes", n)
		}
		if n := db.number(t, "SELECT count(*) FROM roq_batch"); n != 4 {
			t.Errorf("there are %d batches, want 3 and 1", n)
		}
	})
}

// What is wrong with one person does not keep the others.
func TestOddPeople(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		p := newPlatform(t)
		q := db.open(t)
		work(t, q, p.client(t))
		large := map[string]any{"id": int64(9007199254740993)}
		added, err := db.inviteTx(t, q, true, p.campaign,
			roq.UserInviteInput{Email: "nobody"},
			roq.UserInviteInput{Email: "a@x.example", Variables: large},
			roq.UserInviteInput{Email: "A@x.example"},
			roq.UserInviteInput{Email: "b@x.example", Variables: map[string]any{"f": func() {}}},
			roq.UserInviteInput{Email: "ada@acme.example"},
			roq.UserInviteInput{},
		)
		if err != nil || added.Added != 2 || added.Known != 1 {
			t.Fatalf("InviteTx = %+v, %v", added, err)
		}
		var places []int
		for _, f := range added.Invalid {
			places = append(places, f.Index)
		}
		if !slices.Equal(places, []int{0, 3, 5}) {
			t.Errorf("the findings are %v", added.Invalid)
		}
		s := until(t, q, "both have an outcome", settled(2))
		if s.Sent != 1 || s.Refused != 1 {
			t.Errorf("Status = %+v", s)
		}
		for o, err := range q.Outcomes(t.Context(), "spring", roq.OutcomeRefused) {
			if err != nil || o.Code != "USER_ALREADY_EXISTS" || o.Input.Email != "ada@acme.example" || strings.Contains(o.Message, "@") {
				t.Errorf("the refusal is %+v, %v", o, err)
			}
		}
	})
}

// Bad input is refused, and says what is wrong.
func TestRefused(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		p := newPlatform(t)
		q := db.open(t, roqriver.WithScope(p.client(t).Scope()))
		if _, err := db.inviteTx(t, q, true, p.campaign, people(1)...); err != nil {
			t.Fatal(err)
		}
		for want, change := range map[string]func(*roqriver.Campaign){
			"for another tenant":      func(c *roqriver.Campaign) { c.TenantID = "other" },
			"has another inviter":     func(c *roqriver.Campaign) { c.UserID = "other" },
			"Name: must not be empty": func(c *roqriver.Campaign) { c.Name = "" },
			"Name: must not be long":  func(c *roqriver.Campaign) { c.Name = strings.Repeat("x", 257) },
			"without control":         func(c *roqriver.Campaign) { c.Name = "a\x00b" },
			"TenantID: must not be e": func(c *roqriver.Campaign) { c.TenantID = "" },
		} {
			c := p.campaign
			change(&c)
			if _, err := db.inviteTx(t, q, true, c, people(1)...); !errors.Is(err, roq.ErrInvalidInput) || !strings.Contains(err.Error(), want) {
				t.Errorf("InviteTx: %v, want %q", err, want)
			}
		}
		elsewhere := db.open(t, roqriver.WithScope(strings.Repeat("0", 32)))
		if _, err := db.inviteTx(t, elsewhere, true, p.campaign, people(1)...); !errors.Is(err, roq.ErrInvalidInput) || !strings.Contains(err.Error(), "another platform") {
			t.Errorf("InviteTx of another scope: %v", err)
		}
		if _, err := db.inviteTx(t, q, true, p.campaign, people(10_001)...); !errors.Is(err, roq.ErrInvalidInput) {
			t.Errorf("InviteTx of 10,001: %v", err)
		}
		if _, err := q.Invite(t.Context(), p.campaign, nil); !errors.Is(err, roq.ErrInvalidInput) {
			t.Errorf("Invite(nil): %v", err)
		}
		nobody := p.campaign
		nobody.Name, nobody.UserID = "by the service account", ""
		if added, err := db.inviteTx(t, q, true, nobody, people(1)...); err != nil || len(added.Invalid) != 1 || added.Invalid[0].Field != "CreatedByUserID" {
			t.Errorf("InviteTx without an inviter = %+v, %v", added, err)
		}
		_, statusErr := q.Status(t.Context(), "no such")
		_, retryErr := q.Retry(t.Context(), "no such", false)
		for _, err := range []error{statusErr, retryErr, q.Pause(t.Context(), "no such"), q.Resume(t.Context(), "no such"), q.Cancel(t.Context(), "no such"), q.Forget(t.Context(), "no such")} {
			if !errors.Is(err, roq.ErrNotFound) || !strings.Contains(err.Error(), `"no such"`) {
				t.Errorf("of no campaign: %v", err)
			}
		}
		for _, err := range q.Outcomes(t.Context(), "spring", "lost") {
			if !errors.Is(err, roq.ErrInvalidInput) {
				t.Errorf("Outcomes of no status: %v", err)
			}
		}
		if err := q.Work(t.Context(), new(roq.Client)); !errors.Is(err, roq.ErrInvalidInput) {
			t.Errorf("Work with no Client: %v", err)
		}
		if err := q.AddWorkers(nil, p.client(t)); !errors.Is(err, roq.ErrInvalidInput) {
			t.Errorf("AddWorkers(nil): %v", err)
		}
		for _, opt := range []roqriver.WorkOption{nil, roqriver.WithConcurrency(0), roqriver.WithConcurrency(65), roqriver.WithBatchTimeout(0), roqriver.WithLookUps(0)} {
			if err := q.Work(t.Context(), p.client(t), opt); err == nil {
				t.Errorf("a bad option is taken")
			}
		}
		if n := db.number(t, "SELECT count(*) FROM roq_invite"); n != 1 {
			t.Errorf("there are %d invites", n)
		}
	})
}

// Many people in one call.
func TestManyPeople(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some seconds")
	}
	n := 20_000
	if *full {
		n = 100_000
	}
	each(t, func(t *testing.T, db *database) {
		p := newPlatform(t)
		q := db.open(t)
		begin := time.Now()
		invite(t, q, p.campaign, people(n))
		took := time.Since(begin)
		t.Logf("%d people enqueued in %v", n, took)
		s, err := q.Status(t.Context(), "spring")
		if err != nil || s.Waiting != n {
			t.Errorf("Status = %+v, %v", s, err)
		}
		if jobs := db.number(t, "SELECT count(*) FROM river_job WHERE kind = 'roq_batch'"); jobs != n/100 {
			t.Errorf("there are %d jobs", jobs)
		}
		// The database believes now that every person is in that campaign.
		db.exec(t, "ANALYZE")
		p.campaign.Name = "summer"
		begin = time.Now()
		invite(t, q, p.campaign, people(n*3/10))
		if again := time.Since(begin); again > took {
			t.Errorf("the next three tenths take %v, and the first ones took %v", again, took)
		}
	})
}

// Nobody is invited whose transaction was rolled back.
func TestRollback(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		p := newPlatform(t)
		q := db.open(t)
		if added, err := db.inviteTx(t, q, false, p.campaign, people(300)...); err != nil || added.Added != 300 {
			t.Fatalf("InviteTx = %+v, %v", added, err)
		}
		for _, table := range []string{"roq_campaign", "roq_batch", "roq_invite", "river_job"} {
			if n := db.number(t, "SELECT count(*) FROM "+table); n != 0 {
				t.Errorf("%s has %d rows", table, n)
			}
		}
		if _, err := q.Status(t.Context(), "spring"); !errors.Is(err, roq.ErrNotFound) {
			t.Errorf("Status: %v", err)
		}
	})
}

// People who are enqueued alone share requests.
func TestGather(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		p := newPlatform(t)
		q := db.open(t)
		work(t, q, p.client(t))
		for _, one := range people(60) {
			if _, err := db.inviteTx(t, q, true, p.campaign, one); err != nil {
				t.Fatal(err)
			}
		}
		until(t, q, "all are sent", settled(60))
		mailed(t, p, 60)
		n := 0
		for _, r := range p.Requests() {
			if r.Operation == "sendUserInvites" {
				n++
			}
		}
		if n > 6 {
			t.Errorf("%d requests for 60 people", n)
		}
	})
}

// Status counts everybody while people are given a batch.
func TestStatusWhileGathering(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		p := newPlatform(t)
		q := db.open(t)
		invite(t, q, p.campaign, people(10))
		q.Break(func(sql string) string {
			if strings.Contains(sql, "count(*)") {
				db.exec(t, "INSERT INTO roq_batch (campaign_id, people, ready_at, created_at) SELECT id, 10, 0, 0 FROM roq_campaign")
				db.exec(t, "UPDATE roq_invite SET batch_id = (SELECT max(id) FROM roq_batch)")
			}
			return sql
		})
		if s, err := q.Status(t.Context(), "spring"); err != nil || s.Waiting != 10 {
			t.Errorf("Status = %+v, %v", s, err)
		}
	})
}

// Without tables every call says what to do.
func TestNoTables(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(t *testing.T) *database{"SQLite": sqlite, "PostgreSQL": postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := make(t)
			p := newPlatform(t)
			q := db.open(t)
			_, inviteErr := q.Invite(t.Context(), p.campaign, stream(people(1)))
			_, statusErr := q.Status(t.Context(), "spring")
			for _, err := range []error{inviteErr, statusErr, q.Pause(t.Context(), "spring"), q.Work(t.Context(), p.client(t)), q.Limiter(1).Wait(t.Context())} {
				if !errors.Is(err, roqriver.ErrNoTables) || !strings.Contains(err.Error(), "Migrate") {
					t.Errorf("without tables: %v", err)
				}
			}
			for range 2 {
				if err := db.migrate(t); err != nil {
					t.Fatal(err)
				}
			}
			invite(t, q, p.campaign, people(1))
		})
	}
}

// A Client of another environment does not send what this one is for.
func TestScope(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		p, other := newPlatform(t), newPlatform(t)
		q := db.open(t, roqriver.WithScope(p.client(t).Scope()))
		invite(t, q, p.campaign, people(150))
		stop := work(t, q, other.client(t))
		eventually(t, "the job is left", func() bool {
			return db.number(t, "SELECT count(*) FROM river_job WHERE state = 'scheduled'") > 0
		}, func() string { return "" })
		stop()
		mailed(t, other, 0)
		db.exec(t, "UPDATE river_job SET state = 'available' WHERE state = 'scheduled'")
		work(t, q, p.client(t))
		until(t, q, "all are sent", settled(150))
		mailed(t, p, 150)
	})
}

// However often a campaign is paused and resumed while batches are taken and given back,
// none is forgotten.
func TestPauseAndResume(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		p := newPlatform(t)
		q := db.open(t)
		invite(t, q, p.campaign, people(1))
		db.exec(t, "UPDATE roq_campaign SET batch_size = 5")
		invite(t, q, p.campaign, people(400)[1:])
		work(t, q, p.client(t))
		for range 40 {
			if err := errors.Join(q.Pause(t.Context(), "spring"), q.Resume(t.Context(), "spring")); err != nil {
				t.Fatal(err)
			}
			<-time.After(5 * time.Millisecond)
		}
		until(t, q, "all are sent", settled(400))
		mailed(t, p, 400)
	})
}

// A paused campaign sends nothing, and a canceled one never again.
func TestPause(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		p := newPlatform(t)
		q := db.open(t)
		invite(t, q, p.campaign, people(300))
		if err := q.Pause(t.Context(), "spring"); err != nil {
			t.Fatal(err)
		}
		work(t, q, p.client(t))
		eventually(t, "all jobs have run", func() bool {
			return db.number(t, "SELECT count(*) FROM river_job WHERE kind = 'roq_batch' AND state <> 'completed'") == 0
		}, func() string { return "" })
		mailed(t, p, 0)
		invite(t, q, p.campaign, people(500)[300:]) // it can be added to
		if s, err := q.Status(t.Context(), "spring"); err != nil || s.State != roqriver.StatePaused || s.Waiting != 500 {
			t.Errorf("Status = %+v, %v", s, err)
		}
		if err := q.Resume(t.Context(), "spring"); err != nil {
			t.Fatal(err)
		}
		until(t, q, "all are sent", settled(500))
		mailed(t, p, 500)

		if err := q.Pause(t.Context(), "spring"); err != nil {
			t.Fatal(err)
		}
		invite(t, q, p.campaign, people(700)[500:])
		if err := q.Cancel(t.Context(), "spring"); err != nil {
			t.Fatal(err)
		}
		if err := q.Resume(t.Context(), "spring"); !errors.Is(err, roq.ErrInvalidInput) {
			t.Errorf("Resume of a canceled campaign: %v", err)
		}
		if _, err := q.Invite(t.Context(), p.campaign, stream(people(1))); !errors.Is(err, roq.ErrInvalidInput) {
			t.Errorf("Invite to a canceled campaign: %v", err)
		}
		n := 0
		for o, err := range q.Outcomes(t.Context(), "spring", roq.OutcomeNotSent) {
			if err != nil || o.Status != roq.OutcomeNotSent {
				t.Fatalf("outcome %+v, %v", o, err)
			}
			n++
		}
		if n != 200 {
			t.Errorf("%d were not sent to", n)
		}
		mailed(t, p, 500)
	})
}

// retry tries so many people once more, when their workers have given back the batches.
func retry(t *testing.T, q queue, sendUnknown bool, want int) {
	t.Helper()
	n := 0
	eventually(t, "people are tried once more", func() bool {
		some, err := q.Retry(t.Context(), "spring", sendUnknown)
		if err != nil {
			t.Fatal(err)
		}
		n += some
		return n >= want
	}, func() string { return "" })
	if n != want {
		t.Fatalf("Retry tries %d, want %d", n, want)
	}
}

// What was refused or is unknown is tried once more.
func TestRetry(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		p := newPlatform(t)
		q := db.open(t)
		list := people(100)
		client := p.client(t)
		// One has an invite already, and the request of the others is lost.
		before, err := client.AsUser(p.campaign.UserID).SendUserInvites(t.Context(), roq.SendUserInvitesInput{TenantID: p.campaign.TenantID, UserInvites: list[:1]})
		if err != nil || len(before.Success) != 1 {
			t.Fatal(err)
		}
		work(t, q, client, roqriver.WithLookUps())
		invite(t, q, p.campaign, list)
		s := until(t, q, "all have an outcome", settled(100))
		if s.Sent != 99 || s.Refused != 1 {
			t.Fatalf("Status = %+v", s)
		}
		if _, err := client.AsUser(p.campaign.UserID).CancelUserInvite(t.Context(), before.Success[0].ID); err != nil {
			t.Fatal(err)
		}
		retry(t, q, false, 1)
		until(t, q, "the refused one is sent", func(s roqriver.Status) bool { return s.Sent == 100 })

		p.Inject(roqtest.Fault{Operation: "sendUserInvites", Drop: roqtest.DropBefore, Times: 1})
		invite(t, q, p.campaign, people(200)[100:])
		until(t, q, "the outcome is unknown", func(s roqriver.Status) bool { return s.Unknown == 100 })
		retry(t, q, false, 100)
		eventually(t, "they were looked for", func() bool { return db.number(t, "SELECT count(*) FROM roq_batch WHERE ready_at IS NOT NULL") == 0 }, func() string { return "" })
		if s, err := q.Status(t.Context(), "spring"); err != nil || s.Unknown != 100 {
			t.Fatalf("Status = %+v, %v", s, err)
		}
		retry(t, q, true, 100)
		until(t, q, "they are sent", func(s roqriver.Status) bool { return s.Sent == 200 && s.Unknown == 0 })
	})
}

// An outcome that is unknown is looked for again, and found when the platform shows it.
func TestLookUps(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		p := newPlatform(t)
		q := db.open(t)
		p.Inject(roqtest.Fault{Operation: "sendUserInvites", Drop: roqtest.DropAfter, Times: 1})
		p.Inject(roqtest.Fault{Operation: "userInvites", Status: 503, Times: 40})
		work(t, q, p.client(t), roqriver.WithLookUps(time.Second, 2*time.Second))
		invite(t, q, p.campaign, people(100))
		until(t, q, "the outcome is unknown", func(s roqriver.Status) bool { return s.Unknown == 100 })
		p.ClearFaults()
		until(t, q, "they are found", func(s roqriver.Status) bool { return s.Sent == 100 })
		mailed(t, p, 100)
	})
}

// After Forget nothing in the tables is about a person.
func TestForget(t *testing.T) {
	each(t, func(t *testing.T, db *database) {
		p := newPlatform(t)
		q := db.open(t)
		stop := work(t, q, p.client(t))
		invite(t, q, p.campaign, people(10))
		until(t, q, "all are sent", settled(10))
		stop()
		if err := q.Forget(t.Context(), "spring"); err != nil {
			t.Fatal(err)
		}
		if n := db.number(t, "SELECT count(*) FROM roq_invite WHERE input LIKE '%@%' OR message <> ''"); n != 0 {
			t.Errorf("%d people are remembered", n)
		}
		s, err := q.Status(t.Context(), "spring")
		if err != nil || s.Sent != 10 || s.State != roqriver.StateCanceled {
			t.Errorf("Status = %+v, %v", s, err)
		}
		for o, err := range q.Outcomes(t.Context(), "spring") {
			if err != nil || o.Input.Email != "" || o.Status != roq.OutcomeSent {
				t.Errorf("outcome %+v, %v", o, err)
			}
		}
	})
}
