package store

import (
	"fmt"
	"log/slog"

	"github.com/go-roq/roq"
)

// Options are what a queue is opened with.
type Options struct {
	// Schema is that of all tables; empty is the database's default.
	Schema string
	// Scope is that of the Client whose people are enqueued; empty if it is not known.
	Scope string
	// Logger takes River's log.
	Logger *slog.Logger
	// Tracer is told of jobs; nil is told nothing.
	Tracer roq.JobTracer
}

// Apply returns the options that are set.
func Apply[O ~func(*Options) error](opts []O) (*Options, error) {
	o := &Options{Logger: slog.New(slog.DiscardHandler)}
	for i, opt := range opts {
		if opt == nil {
			return nil, fmt.Errorf("roqriver: option %d is nil", i)
		}
		if err := opt(o); err != nil {
			return nil, err
		}
	}
	return o, nil
}
