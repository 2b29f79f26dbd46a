// Command campaign invites everybody in a CSV file, and can be stopped and resumed
// at any moment. It is a module of its own. In its folder,
//
//	go run .
//
// is a rehearsal, which mails nobody: it invites ten thousand made-up people on a
// platform inside the program. With -platform it uses the platform that the environment
// variables name (see roq.ConfigFromEnv):
//
//	go run . -csv people.csv -dry-run
//	go run . -csv people.csv -platform -tenant TENANT -as USER
//
// The first row of the file names the columns, in any order: email, and optionally
// firstName, lastName, locale, roles (separated by ; or | inside the cell) and
// createdByUserId. Other usual names are recognized too, such as those in the exports of
// Google Workspace and Microsoft 365. Columns with other names need -map, or are
// ignored. Cells are separated by commas, semicolons, tabs or vertical bars; a first
// line "sep=;" can set the separator. Cells at the end of a row can be omitted. The file
// must be UTF-8 or UTF-16.
//
// A cell that is used cannot contain a line break. If a quote is not closed, each line up
// to the next quote is refused. A row with too many cells is refused too.
//
// Ctrl-C stops the program when the requests in flight have their outcomes; a second
// Ctrl-C stops it at once. The same command resumes the campaign. The journal beside the
// file records who was invited, so nobody is mailed twice. It belongs to the name of
// the file. With -campaign NAME it is NAME.journal, and the file can be renamed. To
// resume a campaign without a name after its file was renamed, give the old names:
// -campaign people.csv -journal people.journal.
//
// The report beside the file has a line for each row. NAME.report.unknown.csv has the
// rows that may have been mailed. Run the same command again to look up their invites;
// with -repeat-unknown, invites that are not found are sent again.
//
// The platform inside the program ends with it. To try stopping and resuming, start a
// platform beside it and set the environment variables that it prints:
//
//	go -C ../.. run ./cmd/roqdev
//	go run . -csv people.csv -people 10000 -dry-run
//	go run . -csv people.csv -platform -as ann@acme.example -rate 10
//
// The exit status is 0 if all rows were sent or are duplicates of sent ones; 1 if some
// were refused, or would be in a dry run; 2 if the command line, the CSV file, the report
// or the journal cannot be used, and nothing was sent; 3 if some are unknown or not sent,
// or the report could not be written; 130 if the program was interrupted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"golang.org/x/term"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/journal"
)

// The exit statuses.
const (
	statusSent        = 0
	statusRefused     = 1
	statusUsage       = 2
	statusUnfinished  = 3
	statusInterrupted = 130
)

const usage = `campaign invites everybody in a CSV file.

  campaign                                                    rehearse with made-up people
  campaign -csv people.csv                                    rehearse
  campaign -csv people.csv -dry-run                           only check the file
  campaign -csv people.csv -platform -tenant TENANT -as USER  invite on a real platform

A rehearsal uses a platform inside this program, and mails nobody. -platform needs
ROQ_PLATFORM_URL, ROQ_ENVIRONMENT_ID and ROQ_API_KEY in the environment; cmd/roqdev
prints some. Ctrl-C stops the program; the same command resumes.

Exit status: 0 all sent, 1 some refused, 2 nothing was done, 3 some unknown or not
sent, 130 interrupted.

`

const banner = `*** REHEARSAL: the platform is inside this program, and NOBODY IS MAILED.
*** Use -platform to invite people.
`

func main() {
	ctx, stop := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		signal.Stop(signals) // the second one does what signals do
		stop(errors.New("interrupted"))
	}()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program. It returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	status, err := begin(ctx, args, stdout, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "campaign:", err)
	}
	return status
}

// begin reads the flags and the header, and does what is asked for.
func begin(ctx context.Context, args []string, stdout, stderr io.Writer) (int, error) {
	s, err := parse(args, stdout)
	if err != nil {
		return statusUsage, err
	}
	if err := s.prepare(stdout); err != nil {
		return statusUsage, err
	}
	source, err := openSource(s.csv, s.format)
	if err != nil {
		return statusUsage, err
	}
	defer func() { _ = source.file.Close() }()
	sheet, err := source.read()
	if err != nil {
		return statusUsage, err
	}
	source.separator = sheet.separator
	if !s.platform && !s.dryRun {
		fmt.Fprint(stdout, banner)
	}
	fmt.Fprintf(stdout, "people:  %s, columns %s\n", s.csv, quoted(sheet.header))
	if ignored := sheet.ignored(); len(ignored) > 0 {
		fmt.Fprintf(stdout, "ignored: %s\n", quoted(ignored))
	}
	if s.dryRun {
		n, err := dryRun(ctx, stdout, sheet.columns, source.rows())
		return early(ctx, n.bad, err), err
	}
	total, err := count(ctx, source.rows())
	if err != nil {
		return early(ctx, 0, err), err
	}
	return invite(ctx, s, source, total, stdout, stderr)
}

// early is the exit status of what ends before anything is sent.
func early(ctx context.Context, bad int, err error) int {
	switch {
	case err != nil && ctx.Err() != nil:
		return statusInterrupted
	case err != nil:
		return statusUsage
	case bad > 0:
		return statusRefused
	}
	return statusSent
}

// prepare completes the paths, checks those of the report, and makes up the people if
// there is no file.
func (s *settings) prepare(stdout io.Writer) error {
	// The journal of the platform inside cannot be used after it has ended.
	apart := s.journal == "" && !s.platform && !s.dryRun
	if s.csv == "" || apart {
		dir, err := os.MkdirTemp("", "roq-campaign-")
		if err != nil {
			return err
		}
		if s.csv == "" {
			s.csv, s.made = filepath.Join(dir, "people.csv"), true
		}
		if apart {
			s.journal = filepath.Join(dir, "people.journal")
		}
	}
	given := s.report != ""
	if err := s.locate(); err != nil {
		return err
	}
	if !s.dryRun {
		if err := checkReport(*s, given); err != nil {
			return err
		}
	}
	if _, err := os.Stat(s.csv); !s.made || !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	fmt.Fprintf(stdout, "%d made-up people are in %s\n", s.people, s.csv)
	return replaceFile(s.csv, func(w io.Writer) error { return makePeople(w, s.people) })
}

// invite sends to everybody and reports.
func invite(ctx context.Context, s settings, source *source, total int, stdout, stderr io.Writer) (int, error) {
	kept, err := newOutcomes(filepath.Dir(s.report), total)
	if err != nil {
		return statusUsage, fmt.Errorf("the report cannot be written: %w", err)
	}
	defer kept.close()
	file, err := journal.Open(s.journal)
	if err != nil {
		return statusUsage, err
	}
	defer func() { _ = file.Close() }()
	stage, err := newStage(ctx, s)
	if err != nil {
		return early(ctx, 0, err), err
	}
	defer stage.close()

	c := &campaign{settings: s, stage: stage, source: source, journal: file, outcomes: kept, progress: newProgress(stderr, total, terminal(stderr))}
	quiet := context.AfterFunc(ctx, func() {
		c.progress.note("interrupted: waiting for the requests in flight; press Ctrl-C again to stop at once")
	})
	stopped := c.send(ctx)
	quiet()
	tally := c.progress.close()
	if c.progress.done == 0 && unusable(stopped) {
		return statusUsage, s.explain(stopped)
	}
	tally[roq.OutcomeNotSent] += total - c.progress.done
	c.summarize(stdout, tally)
	return c.finish(tally, stopped, stdout)
}

// terminal reports whether a writer is a terminal.
func terminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
