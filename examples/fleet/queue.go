package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqriver"
	"github.com/go-roq/roq/roqriver/pgxqueue"
	"github.com/go-roq/roq/roqriver/sqlitequeue"
)

// queue is a Queue, in whichever database.
type queue interface {
	Invite(ctx context.Context, c roqriver.Campaign, people iter.Seq2[roq.UserInviteInput, error]) (roqriver.Enqueued, error)
	Status(ctx context.Context, campaign string) (roqriver.Status, error)
	Outcomes(ctx context.Context, campaign string, only ...roq.OutcomeStatus) iter.Seq2[roqriver.Outcome, error]
	Work(ctx context.Context, client *roq.Client, opts ...roqriver.WorkOption) error
	Limiter(requestsPerSecond float64) roq.Limiter
}

// place is where the queue is.
type place struct{ Postgres, File string }

// schema keeps the example apart from whatever else is in the database.
const schema = "roq_fleet_example"

// open opens the queue, with new tables if they are to be made.
func (p place) open(ctx context.Context, migrate bool) (q queue, closeQueue func(), err error) {
	if p.Postgres == "" {
		db, err := sql.Open("sqlite", sqlitequeue.DSN(p.File))
		if err != nil {
			return nil, nil, err
		}
		db.SetMaxOpenConns(1)
		if migrate {
			err = sqlitequeue.Migrate(ctx, db)
		}
		if err == nil {
			q, err = sqlitequeue.Open(db)
		}
		return q, func() { _ = db.Close() }, err
	}
	config, err := pgxpool.ParseConfig(p.Postgres)
	if err != nil {
		return nil, nil, fmt.Errorf("-postgres: %w", err)
	}
	config.MaxConns = 16
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, nil, err
	}
	if migrate {
		if _, err = pool.Exec(ctx, "DROP SCHEMA IF EXISTS "+schema+" CASCADE"); err == nil {
			err = pgxqueue.Migrate(ctx, pool, roqriver.WithSchema(schema))
		}
	}
	if err == nil {
		q, err = pgxqueue.Open(pool, roqriver.WithSchema(schema))
	}
	return q, pool.Close, err
}

// worker is what a worker process is told, in an environment variable.
type worker struct {
	Place    place
	Platform roqConfig
}

// roqConfig is the part of a roq.Config that a worker needs. That one's JSON has no key.
type roqConfig struct{ PlatformURL, AppURL, EnvironmentID, APIKey string }

const workerVariable = "FLEET_WORKER"

// requestsPerSecond is the limit of all workers together.
const requestsPerSecond = 40

// work is a worker process.
func work(ctx context.Context, text string) error {
	var w worker
	if err := json.Unmarshal([]byte(text), &w); err != nil {
		return err
	}
	q, closeQueue, err := w.Place.open(ctx, false)
	if err != nil {
		return err
	}
	defer closeQueue()
	client, err := roq.New(roq.Config{PlatformURL: w.Platform.PlatformURL, AppURL: w.Platform.AppURL, EnvironmentID: w.Platform.EnvironmentID, APIKey: w.Platform.APIKey},
		roq.WithLimiter(q.Limiter(requestsPerSecond)))
	if err != nil {
		return err
	}
	return q.Work(ctx, client, roqriver.WithLookUps(2*time.Second, 5*time.Second))
}
