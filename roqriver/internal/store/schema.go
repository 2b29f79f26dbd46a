package store

import "context"

// schema is the tables. The rows are the truth: River's jobs hold their ids only, and can
// be made again. Times are in microseconds by the database's clock, and 0 is never.
//
// A later version may add columns with defaults and tables, so that two versions can work
// on one database. It must not change the meaning of a column.
var schema = []string{
	`CREATE TABLE IF NOT EXISTS {campaign} (
		id {id},
		name TEXT NOT NULL UNIQUE,
		scope TEXT NOT NULL,
		tenant_id TEXT NOT NULL,
		user_id TEXT NOT NULL,
		salt TEXT NOT NULL,
		state TEXT NOT NULL DEFAULT 'open',
		reason TEXT NOT NULL DEFAULT '',
		cause TEXT NOT NULL DEFAULT '',
		resumes BIGINT NOT NULL DEFAULT 0,
		batch_size BIGINT NOT NULL DEFAULT 100,
		fits BIGINT NOT NULL DEFAULT 0,
		too_many BIGINT NOT NULL DEFAULT 0,
		tried_at BIGINT NOT NULL DEFAULT 0,
		rest TEXT NOT NULL DEFAULT '',
		rest_people BIGINT NOT NULL DEFAULT 0,
		created_at BIGINT NOT NULL
	)`,
	// The lease and what is under way are here, so that a request costs one row, and not
	// one for each person in it. So are the counts: counting invites is slow.
	`CREATE TABLE IF NOT EXISTS {batch} (
		id {id},
		campaign_id BIGINT NOT NULL,
		people BIGINT NOT NULL,
		sent BIGINT NOT NULL DEFAULT 0,
		refused BIGINT NOT NULL DEFAULT 0,
		unknown BIGINT NOT NULL DEFAULT 0,
		fence BIGINT NOT NULL DEFAULT 0,
		lease_until BIGINT NOT NULL DEFAULT 0,
		ready_at BIGINT,
		job_id BIGINT NOT NULL DEFAULT 0,
		failures BIGINT NOT NULL DEFAULT 0,
		looked BIGINT NOT NULL DEFAULT 0,
		resend BIGINT NOT NULL DEFAULT 0,
		under_way TEXT NOT NULL DEFAULT '',
		trace TEXT NOT NULL DEFAULT '',
		created_at BIGINT NOT NULL,
		settled_at BIGINT NOT NULL DEFAULT 0
	) {storage}`,
	`CREATE INDEX IF NOT EXISTS roq_batch_ready ON {batch} (ready_at) WHERE ready_at IS NOT NULL`,
	`CREATE INDEX IF NOT EXISTS roq_batch_campaign ON {batch} (campaign_id)`,
	// The primary key is why nobody is invited twice.
	`CREATE TABLE IF NOT EXISTS {invite} (
		campaign_id BIGINT NOT NULL,
		key TEXT NOT NULL,
		batch_id BIGINT,
		n BIGINT NOT NULL DEFAULT 0,
		input TEXT NOT NULL,
		status TEXT NOT NULL DEFAULT 'waiting',
		invite_id TEXT NOT NULL DEFAULT '',
		code TEXT NOT NULL DEFAULT '',
		message TEXT NOT NULL DEFAULT '',
		added_at BIGINT NOT NULL,
		settled_at BIGINT NOT NULL DEFAULT 0,
		PRIMARY KEY (campaign_id, key)
	) {storage}`,
	`CREATE INDEX IF NOT EXISTS roq_invite_batch ON {invite} (batch_id, n)`,
	`CREATE INDEX IF NOT EXISTS roq_invite_loose ON {invite} (campaign_id, added_at) WHERE batch_id IS NULL`,
	`CREATE TABLE IF NOT EXISTS {limit} (
		name TEXT PRIMARY KEY,
		next_at BIGINT NOT NULL,
		paused_until BIGINT NOT NULL DEFAULT 0
	) {storage}`,
	`CREATE TABLE IF NOT EXISTS {webhook} (
		fingerprint TEXT PRIMARY KEY,
		event TEXT NOT NULL,
		job_id BIGINT NOT NULL DEFAULT 0,
		added_at BIGINT NOT NULL,
		handled_at BIGINT NOT NULL DEFAULT 0
	)`,
	`CREATE INDEX IF NOT EXISTS roq_webhook_open ON {webhook} (added_at) WHERE handled_at = 0`,
	`CREATE INDEX IF NOT EXISTS roq_webhook_handled ON {webhook} (handled_at) WHERE handled_at > 0`,
}

// Migrate makes the tables that are missing.
func Migrate(ctx context.Context, c Conn) error {
	for _, statement := range schema {
		if _, err := c.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
