// Command fleet invites 20,000 people with three worker processes, which it kills at random
// if you like. The platform is one inside, so that nobody is mailed.
//
//	go run . [-people 20000] [-workers 3] [-kill] [-postgres DSN] [-ui 127.0.0.1:8088]
//
// The queue is a SQLite file in a temporary folder, or a schema of its own in the given
// PostgreSQL database. The program enqueues the people, starts itself again as each worker,
// prints how far all of them are every second, and ends with a table. It fails if anybody
// was mailed twice, or has no outcome. With -ui, River UI shows the jobs meanwhile.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// settings is what is asked for.
type settings struct {
	people, workers int
	kill            bool
	postgres, ui    string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var err error
	if text := os.Getenv(workerVariable); text != "" {
		err = work(ctx, text)
	} else {
		err = run(ctx, os.Args[1:], os.Stdout)
	}
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var s settings
	flags := flag.NewFlagSet("fleet", flag.ContinueOnError)
	flags.IntVar(&s.people, "people", 20_000, "how many people are invited")
	flags.IntVar(&s.workers, "workers", 3, "how many processes send")
	flags.BoolVar(&s.kill, "kill", false, "kill a worker every second, ten in all, and start another one")
	flags.StringVar(&s.postgres, "postgres", "", "a PostgreSQL database (default: a SQLite file)")
	flags.StringVar(&s.ui, "ui", "", "the address of River UI, on this machine")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if s.people < 1 || s.workers < 1 || flags.NArg() > 0 {
		return fmt.Errorf("-people %d and -workers %d must be above 0, without other arguments", s.people, s.workers)
	}
	dir, err := os.MkdirTemp("", "roq-fleet-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	where := place{Postgres: s.postgres, File: filepath.Join(dir, "queue.db")}
	f, err := newFleet(ctx, where, out)
	if err != nil {
		return err
	}
	defer f.close()
	if s.ui == "" {
		return f.run(ctx, &s)
	}
	return f.runWithUI(ctx, &s)
}
