// Package roqriver invites hundreds of thousands of people with workers on many machines.
// A campaign is rows in a database that the application has, and jobs of River
// (riverqueue.com) that move the work. Package [github.com/go-roq/roq/roqriver/pgxqueue]
// keeps it in PostgreSQL, and package [github.com/go-roq/roq/roqriver/sqlitequeue] in a
// SQLite file on one machine.
//
//	queue, err := pgxqueue.Open(pool)
//	added, err := queue.InviteTx(ctx, tx, roqriver.Campaign{Name: "spring", TenantID: tenant, UserID: user}, person)
//	err = queue.Work(ctx, client) // in every process that sends
//
// # What holds
//
// Nobody is invited twice in a campaign, however often, from wherever and in whatever
// spelling of the address they are enqueued. People are invited if the transaction that
// enqueues them is committed, and not otherwise.
//
// A worker holds a lease on the batch that it sends. It writes down who is in a request
// before the request leaves. If it dies, another worker takes up the batch after the lease
// has ended, and looks for those people on the platform instead of sending to them again.
// A worker that stood still for longer than its lease can neither send nor write: each
// lease has a number, and both are refused to an old one.
//
// An outcome is unknown if a request left, no answer came, and the invite is not found. It
// is looked for again ([WithLookUps]), and then stays unknown until [Queue.Retry]. With
// [roq.WithRepeatUnknown] the Client sends it again.
//
// A campaign stops, with a reason in its [Status], if the platform does not let its
// workers send. Nothing is discarded: [Queue.Resume] continues it.
package roqriver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/riverqueue/river"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqriver/internal/store"
)

// QueueName is River's queue in which the jobs are.
const QueueName = "roq"

// ErrNoTables means that the database has no tables for the queue: Migrate of pgxqueue or
// sqlitequeue makes them.
var ErrNoTables = store.ErrNoTables

// leaseTime is how long a worker that gives no sign keeps a batch. It renews the lease
// three times as often.
const leaseTime = 30 * time.Second

// Queue is campaigns in a database. It is used by many goroutines at once.
type Queue[TTx any] struct {
	db     store.DB[TTx]
	river  *river.Client[TTx] // inserts jobs
	opt    *store.Options
	events atomic.Pointer[eventHandler]
	lease  time.Duration
}

// Campaign is what people are invited for. Nobody is invited twice in it.
type Campaign struct {
	// Name tells it from other campaigns in the database: one line of up to 256 bytes.
	// Required.
	Name string
	// TenantID is the tenant that all of them join. Required.
	TenantID string
	// UserID is who invites. If it is empty, the service account does, and each input
	// needs a CreatedByUserID.
	UserID string
}

// New returns the queue in a database. It is for the packages pgxqueue and sqlitequeue.
func New[TTx any](db store.DB[TTx], opt *store.Options) (*Queue[TTx], error) {
	client, err := river.NewClient(db.Driver(), &river.Config{Schema: opt.Schema, Logger: opt.Logger})
	if err != nil {
		return nil, fmt.Errorf("roqriver: %w", err)
	}
	return &Queue[TTx]{db: db, river: client, opt: opt, lease: leaseTime}, nil
}

// ready fails if the Queue was not opened.
func (q *Queue[TTx]) ready() error {
	if q == nil || q.db == nil {
		return fmt.Errorf("roqriver: the Queue was not opened: use pgxqueue.Open or sqlitequeue.Open: %w", roq.ErrInvalidInput)
	}
	return nil
}

// check refuses what is wrong with a campaign.
func (c Campaign) check() error {
	if err := checkText("Campaign.Name", c.Name, true); err != nil {
		return err
	}
	if err := checkText("Campaign.TenantID", c.TenantID, true); err != nil {
		return err
	}
	return checkText("Campaign.UserID", c.UserID, false)
}

func checkText(field, s string, required bool) error {
	var reason string
	switch {
	case s == "" && required:
		reason = "must not be empty"
	case len(s) > 256:
		reason = "must not be longer than 256 bytes"
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		reason = "must be text without control characters"
	default:
		return nil
	}
	return fmt.Errorf("roqriver: %s: %s: %w", field, reason, roq.ErrInvalidInput)
}

// campaign is a campaign's row.
type campaign struct {
	Campaign
	id    int64
	scope string
	salt  string
	state State
	// reason is why it is stopped, and cause is causeForbidden if the platform did not let
	// its inviter send.
	reason, cause string
	batchSize     int64
	// fits is the largest request that the platform took, and tooMany the smallest that had
	// too many invites; 0 if there was none.
	fits, tooMany int64
	resumes       int64     // how often it was resumed
	created       time.Time // when it was begun, and when it was read, by the database's clock
	now           time.Time
}

// find reads a campaign by its name.
func find(ctx context.Context, c store.Conn, name string) (*campaign, error) {
	return findWhere(ctx, c, "name = $1", name)
}

func findWhere(ctx context.Context, c store.Conn, where string, arg any) (*campaign, error) {
	var found *campaign
	err := c.Query(ctx, func(scan func(...any) error) error {
		found = new(campaign)
		var created, now int64
		err := scan(&found.id, &found.Name, &found.scope, &found.TenantID, &found.UserID, &found.salt, &found.state, &found.reason, &found.cause, &found.batchSize, &found.fits, &found.tooMany, &found.resumes, &created, &now)
		found.created = time.UnixMicro(created).UTC()
		found.now = time.UnixMicro(now)
		return err
	}, `SELECT id, name, scope, tenant_id, user_id, salt, state, reason, cause, batch_size, fits, too_many, resumes, created_at, {now} FROM {campaign} WHERE `+where, arg)
	if err == nil && found == nil {
		err = errNoCampaign
	}
	return found, err
}

// causeForbidden means that a campaign is stopped because of [roq.ErrForbidden].
const causeForbidden = "forbidden"

var errNoCampaign = errors.New("roqriver: there is no such campaign")

// of says which campaign an error is about.
func of(name string, err error) error {
	if errors.Is(err, errNoCampaign) {
		return fmt.Errorf("roqriver: there is no campaign %q: %w", name, roq.ErrNotFound)
	}
	return err
}
