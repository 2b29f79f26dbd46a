package roqriver_test

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"

	"github.com/go-roq/roq/roqriver"
	"github.com/go-roq/roq/roqriver/sqlitequeue"
)

// A River client of the application's own does the work too.
func TestAddWorkers(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	db := openSQLite(t, sqlitequeue.DSN(filepath.Join(t.TempDir(), "a name with # and ?.db")))
	if err := sqlitequeue.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	q, err := sqlitequeue.Open(db)
	if err != nil {
		t.Fatal(err)
	}
	workers := river.NewWorkers()
	if err := q.AddWorkers(workers, p.client(t)); err != nil {
		t.Fatal(err)
	}
	client, err := river.NewClient[*sql.Tx](riversqlite.New(db), &river.Config{
		Queues:               map[string]river.QueueConfig{roqriver.QueueName: {MaxWorkers: 4}},
		Workers:              workers,
		PeriodicJobs:         []*river.PeriodicJob{q.Sweep()},
		RescueStuckJobsAfter: 10 * time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	invite(t, q, p.campaign, people(130))
	until(t, q, "all are sent", settled(130))
	mailed(t, p, 130)
	if err := client.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
