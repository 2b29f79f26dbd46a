package roqriver_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/inviteui"
	"github.com/go-roq/roq/roqriver"
	"github.com/go-roq/roq/roqriver/pgxqueue"
	"github.com/go-roq/roq/roqriver/sqlitequeue"
	"github.com/go-roq/roq/roqtest"
)

// queue is a Queue, whatever its transactions are.
type queue interface {
	Invite(ctx context.Context, c roqriver.Campaign, people iter.Seq2[roq.UserInviteInput, error]) (roqriver.Enqueued, error)
	Status(ctx context.Context, campaign string) (roqriver.Status, error)
	Outcomes(ctx context.Context, campaign string, only ...roq.OutcomeStatus) iter.Seq2[roqriver.Outcome, error]
	Pause(ctx context.Context, campaign string) error
	Resume(ctx context.Context, campaign string) error
	Cancel(ctx context.Context, campaign string) error
	Retry(ctx context.Context, campaign string, sendUnknown bool) (int, error)
	Forget(ctx context.Context, campaign string) error
	Work(ctx context.Context, client *roq.Client, opts ...roqriver.WorkOption) error
	AddWorkers(w *river.Workers, client *roq.Client, opts ...roqriver.WorkOption) error
	Limiter(requestsPerSecond float64) roq.Limiter
	WebhookEvents(handle func(context.Context, roq.WebhookEvent) error) func(context.Context, roq.WebhookEvent) error
	InviteUI() inviteui.Queue
	LoseCommit(then func())
	SetLease(d time.Duration)
	Break(statement func(sql string) string)
	Explain(explain string, columns int, report func(sql, line string))
}

// database is where a test keeps its queues.
type database struct {
	open func(t *testing.T, opts ...roqriver.Option) queue
	// inviteTx enqueues in a transaction, and then commits it or rolls it back.
	inviteTx func(t *testing.T, q queue, commit bool, c roqriver.Campaign, people ...roq.UserInviteInput) (roqriver.Enqueued, error)
	exec     func(t *testing.T, sql string)
	number   func(t *testing.T, sql string) int
	migrate  func(t *testing.T) error
	// dsn is how another process opens it.
	dsn, schema string
	// restart kills the database and starts it again; nil if that is not possible.
	restart func(t *testing.T)
}

// each runs a test on SQLite, and on PostgreSQL where there is one.
func each(t *testing.T, test func(t *testing.T, db *database)) {
	t.Helper()
	eachKind(t, func(t *testing.T, fresh func(t *testing.T) *database) { test(t, fresh(t)) })
}

// eachKind is each for a test that needs several databases.
func eachKind(t *testing.T, test func(t *testing.T, fresh func(t *testing.T) *database)) {
	t.Helper()
	t.Parallel()
	for name, make := range map[string]func(t *testing.T) *database{"SQLite": sqlite, "PostgreSQL": postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, func(t *testing.T) *database {
				db := make(t)
				if err := db.migrate(t); err != nil {
					t.Fatal(err)
				}
				return db
			})
		})
	}
}

func sqlite(t *testing.T) *database {
	t.Helper()
	return sqliteAt(t, filepath.Join(t.TempDir(), "queue.db"))
}

func openDB(dsn string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn)
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

func openSQLite(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := openDB(dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func sqliteAt(t *testing.T, path string) *database {
	t.Helper()
	dsn := sqlitequeue.DSN(path)
	db := openSQLite(t, dsn)
	return &database{
		dsn: dsn,
		open: func(t *testing.T, opts ...roqriver.Option) queue {
			t.Helper()
			opts = append(opts, roqriver.WithLogger(slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))))
			q, err := sqlitequeue.Open(db, opts...)
			if err != nil {
				t.Fatal(err)
			}
			return q
		},
		inviteTx: func(t *testing.T, q queue, commit bool, c roqriver.Campaign, people ...roq.UserInviteInput) (roqriver.Enqueued, error) {
			t.Helper()
			tx, err := db.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			added, err := q.(*roqriver.Queue[*sql.Tx]).InviteTx(t.Context(), tx, c, people...)
			if commit && err == nil {
				err = tx.Commit()
			} else if end := tx.Rollback(); end != nil {
				t.Error(end)
			}
			return added, err
		},
		exec: func(t *testing.T, statement string) {
			t.Helper()
			if _, err := db.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		},
		number: func(t *testing.T, statement string) (n int) {
			t.Helper()
			if err := db.QueryRowContext(t.Context(), statement).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		},
		migrate: func(t *testing.T) error { t.Helper(); return sqlitequeue.Migrate(t.Context(), db) },
	}
}

// postgresDSN names a PostgreSQL database in which tests make schemas of their own.
const postgresDSN = "ROQ_TEST_POSTGRES"

func postgres(t *testing.T) *database {
	t.Helper()
	return postgresWith(t, nil)
}

// postgresWith is postgres with parameters of its sessions.
func postgresWith(t *testing.T, parameters map[string]string) *database {
	t.Helper()
	dsn := os.Getenv(postgresDSN)
	if dsn == "" {
		t.Skipf("%s is not set: see tools/postgres.sh", postgresDSN)
	}
	schema := fmt.Sprintf("test_%d_%d", os.Getpid(), time.Now().UnixNano())
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 8
	config.ConnConfig.RuntimeParams["search_path"] = schema
	maps.Copy(config.ConnConfig.RuntimeParams, parameters)
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, err := pool.Exec(context.Background(), "DROP SCHEMA IF EXISTS "+schema+" CASCADE")
		if err != nil {
			t.Error(err)
		}
		pool.Close()
	})
	in := roqriver.WithSchema(schema)
	return &database{
		dsn: dsn, schema: schema,
		restart: func(t *testing.T) {
			t.Helper()
			if out, err := exec.CommandContext(t.Context(), "../tools/postgres.sh", "restart", dsn).CombinedOutput(); err != nil {
				t.Fatalf("postgres.sh: %v: %s", err, out)
			}
		},
		open: func(t *testing.T, opts ...roqriver.Option) queue {
			t.Helper()
			opts = append(opts, roqriver.WithLogger(slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))))
			q, err := pgxqueue.Open(pool, append(opts, in)...)
			if err != nil {
				t.Fatal(err)
			}
			return q
		},
		inviteTx: func(t *testing.T, q queue, commit bool, c roqriver.Campaign, people ...roq.UserInviteInput) (roqriver.Enqueued, error) {
			t.Helper()
			tx, err := pool.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			added, err := q.(*roqriver.Queue[pgx.Tx]).InviteTx(t.Context(), tx, c, people...)
			if commit && err == nil {
				err = tx.Commit(t.Context())
			} else if end := tx.Rollback(t.Context()); end != nil {
				t.Error(end)
			}
			return added, err
		},
		exec: func(t *testing.T, statement string) {
			t.Helper()
			if _, err := pool.Exec(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		},
		number: func(t *testing.T, statement string) (n int) {
			t.Helper()
			if err := pool.QueryRow(t.Context(), statement).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		},
		migrate: func(t *testing.T) error { t.Helper(); return pgxqueue.Migrate(t.Context(), pool, in) },
	}
}

// platform is a platform with a tenant and an inviter.
type platform struct {
	*roqtest.Server
	campaign roqriver.Campaign
}

func newPlatform(t *testing.T, opts ...roqtest.Option) *platform {
	t.Helper()
	server := roqtest.NewServer(opts...)
	t.Cleanup(server.Close)
	tenant := server.AddTenant("Acme")
	user := server.AddUser(roqtest.User{Email: "ada@acme.example", TenantID: tenant})
	return &platform{server, roqriver.Campaign{Name: "spring", TenantID: tenant, UserID: user.ID}}
}

func (p *platform) client(t *testing.T, opts ...roq.Option) *roq.Client {
	t.Helper()
	client, err := roq.New(p.Config(), append([]roq.Option{
		roq.WithRetry(roq.RetryPolicy{MaxAttempts: 2, MinWait: 10 * time.Millisecond, MaxWait: 50 * time.Millisecond}),
		roq.WithSettleTimeout(300 * time.Millisecond), roq.WithTimeout(5 * time.Second),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// work starts a worker, which the returned function stops. It is stopped at the end at the
// latest.
func work(t *testing.T, q queue, client *roq.Client, opts ...roqriver.WorkOption) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		if err := q.Work(ctx, client, opts...); err != nil {
			t.Errorf("Work: %v", err)
		}
		close(ended)
	}()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		<-ended
	}
	t.Cleanup(stop)
	return stop
}

// until waits until a campaign is as it should be.
func until(t *testing.T, q queue, what string, is func(roqriver.Status) bool) roqriver.Status {
	t.Helper()
	var s roqriver.Status
	eventually(t, what, func() bool {
		var err error
		if s, err = q.Status(t.Context(), "spring"); err != nil && !errors.Is(err, roq.ErrNotFound) {
			t.Fatal(err)
		}
		return err == nil && is(s)
	}, func() string { return fmt.Sprintf("%+v", s) })
	return s
}

func settled(n int) func(roqriver.Status) bool {
	return func(s roqriver.Status) bool { return s.Sent+s.Refused+s.Unknown >= n && s.Waiting == 0 }
}

func eventually(t *testing.T, what string, is func() bool, state func() string) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !is(); {
		if time.Now().After(end) {
			t.Fatalf("%s: not within two minutes; %s", what, state())
		}
		<-time.After(20 * time.Millisecond)
	}
}

// people are n people.
func people(n int) []roq.UserInviteInput {
	list := make([]roq.UserInviteInput, n)
	for i := range list {
		list[i] = roq.UserInviteInput{Email: fmt.Sprintf("person%d@x.example", i), FirstName: "P"}
	}
	return list
}

func stream(list []roq.UserInviteInput) iter.Seq2[roq.UserInviteInput, error] {
	return func(yield func(roq.UserInviteInput, error) bool) {
		for _, one := range list {
			if !yield(one, nil) {
				return
			}
		}
	}
}

// invite enqueues people, all of them new.
func invite(t *testing.T, q queue, c roqriver.Campaign, list []roq.UserInviteInput) {
	t.Helper()
	added, err := q.Invite(t.Context(), c, stream(list))
	if err != nil || added.Added != len(list) {
		t.Fatalf("Invite = %+v, %v", added, err)
	}
}

// mails counts the mails of each person.
func mails(p *platform) map[string]int {
	times := map[string]int{}
	for _, mail := range p.Outbox() {
		times[strings.ToLower(mail.To)]++
	}
	return times
}

// twice counts those who were mailed more than once.
func twice(times map[string]int) int {
	n := 0
	for _, mails := range times {
		if mails > 1 {
			n++
		}
	}
	return n
}

// mailed checks that so many people were mailed, and nobody twice.
func mailed(t *testing.T, p *platform, want int) {
	t.Helper()
	times := mails(p)
	if len(times) != want || twice(times) > 0 {
		t.Errorf("%d were mailed, want %d; %d of them twice", len(times), want, twice(times))
	}
}
