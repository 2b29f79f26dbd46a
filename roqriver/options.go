package roqriver

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqriver/internal/store"
)

// Option configures a [Queue]. Options are made by the With functions.
type Option func(*store.Options) error

var (
	identifier = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)
	scope      = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

// WithSchema keeps all tables, River's included, in that schema of a PostgreSQL database.
// The default is the first one in the search path of the connections.
func WithSchema(name string) Option {
	return func(o *store.Options) error {
		if !identifier.MatchString(name) {
			return fmt.Errorf("roqriver: WithSchema(%q): must be up to 63 letters a-z, digits and underscores", name)
		}
		o.Schema = name
		return nil
	}
}

// WithScope binds the campaigns that this Queue begins to the platform and environment of
// a Client: [roq.Client.Scope]. Workers with a Client of another scope do not take them. By
// default a campaign is bound to the scope of the first worker that takes a part of it.
func WithScope(s string) Option {
	return func(o *store.Options) error {
		if !scope.MatchString(s) {
			return errors.New("roqriver: WithScope: must be what the Scope method of a Client returns")
		}
		o.Scope = s
		return nil
	}
}

// WithLogger takes River's log, which holds no address. The default is silence.
func WithLogger(l *slog.Logger) Option {
	return func(o *store.Options) error {
		if l == nil {
			return errors.New("roqriver: WithLogger: must not be nil")
		}
		o.Logger = l
		return nil
	}
}

// WithTracer passes the events of jobs to a Tracer that is a [roq.JobTracer], such as that
// of module github.com/go-roq/roq/otelroq: both of those who enqueue and of workers. Give
// the same Tracer to the workers' Client, so that the calls of a job belong to it.
func WithTracer(t roq.Tracer) Option {
	return func(o *store.Options) error {
		jobs, ok := t.(roq.JobTracer)
		if !ok {
			return errors.New("roqriver: WithTracer: must be a roq.JobTracer")
		}
		o.Tracer = jobs
		return nil
	}
}

// WorkOption configures [Queue.Work] and [Queue.AddWorkers]. WorkOptions are made by the
// With functions.
type WorkOption func(*workOptions) error

type workOptions struct {
	concurrency int
	timeout     time.Duration
	lookUps     []time.Duration
}

func newWorkOptions(opts []WorkOption) (*workOptions, error) {
	o := &workOptions{concurrency: 8, timeout: 2 * time.Minute, lookUps: []time.Duration{time.Minute, 10 * time.Minute, time.Hour}}
	for i, opt := range opts {
		if opt == nil {
			return nil, fmt.Errorf("roqriver: work option %d is nil", i)
		}
		if err := opt(o); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// WithConcurrency sets how many batches [Queue.Work] sends at once, from 1 to 64. The
// default is 8.
func WithConcurrency(n int) WorkOption {
	return func(o *workOptions) error {
		if n < 1 || n > 64 {
			return fmt.Errorf("roqriver: WithConcurrency(%d): must be from 1 to 64", n)
		}
		o.concurrency = n
		return nil
	}
}

// WithBatchTimeout bounds the work on one batch, from 1 s to an hour. What is not sent by
// then is sent later. The default is 2 minutes.
func WithBatchTimeout(d time.Duration) WorkOption {
	return func(o *workOptions) error {
		if d < time.Second || d > time.Hour {
			return fmt.Errorf("roqriver: WithBatchTimeout(%v): must be from 1 s to an hour", d)
		}
		o.timeout = d
		return nil
	}
}

// WithLookUps sets how long after one another invites whose outcome is unknown are looked
// for again. After the last time they stay unknown, until [Queue.Retry]. Each wait is
// from 1 s to 30 days. The default is 1 minute, 10 minutes, 1 hour; without any wait nobody
// is looked for again.
func WithLookUps(at ...time.Duration) WorkOption {
	return func(o *workOptions) error {
		for _, d := range at {
			if d < time.Second || d > 30*24*time.Hour {
				return fmt.Errorf("roqriver: WithLookUps(%v): must be from 1 s to 30 days", d)
			}
		}
		o.lookUps = append([]time.Duration(nil), at...)
		return nil
	}
}
