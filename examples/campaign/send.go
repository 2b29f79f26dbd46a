package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/journal"
)

// campaign is one run.
type campaign struct {
	settings settings
	stage    *stage
	source   *source
	journal  *journal.File
	outcomes *outcomes
	progress *progress
	// earlier counts those that an earlier run sent, as the journal says.
	earlier int
}

// send sends, and saves the outcome of each row. The error is why it stopped. If an
// outcome cannot be saved it stops too, and still counts those of the requests in
// flight.
func (c *campaign) send(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	in := roq.SendAllUserInvitesInput{
		TenantID:    c.stage.tenantID,
		UserInvites: inputs(c.source.rows()),
		Campaign:    c.settings.campaign,
	}
	var unsaved error
	for o, err := range c.stage.platform.SendAllUserInvites(ctx, in, roq.WithJournal(c.journal)) {
		if err != nil {
			if unsaved != nil {
				return fmt.Errorf("the outcomes cannot be saved for the report: %w", unsaved)
			}
			return err
		}
		if err := c.outcomes.put(o.Index, newOutcome(o)); err != nil {
			unsaved = err
			stop()
		}
		if o.Status == roq.OutcomeSent && o.Invite == nil {
			c.earlier++
		}
		c.progress.add(o.Status)
	}
	return unsaved
}

// inputs is what is sent of the rows. One that cannot be read goes along empty,
// to be refused, so that the indexes of the outcomes are those of the rows.
func inputs(rows iter.Seq2[row, error]) iter.Seq2[roq.UserInviteInput, error] {
	return func(yield func(roq.UserInviteInput, error) bool) {
		for r, err := range rows {
			if r.err != nil {
				r.input = roq.UserInviteInput{}
			}
			if !yield(r.input, err) {
				return
			}
		}
	}
}

// count reads the rows once, so that it is known how many there are and that the
// file can be read to its end.
func count(ctx context.Context, rows iter.Seq2[row, error]) (int, error) {
	n := 0
	for _, err := range rows {
		if err == nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// unusable reports whether a campaign did not begin because of what it was to do
// or of its journal.
func unusable(err error) bool {
	return slices.ContainsFunc([]error{roq.ErrInvalidInput, journal.ErrCampaign, journal.ErrDamaged, journal.ErrVersion, journal.ErrMoved},
		func(kind error) bool { return errors.Is(err, kind) })
}

// explain adds the flag to an error about what it was given.
func (s settings) explain(err error) error {
	switch {
	case errors.Is(err, journal.ErrCampaign):
		return fmt.Errorf("-journal %s belongs to another -campaign, -tenant or platform: choose another file: %w", s.journal, err)
	case errors.Is(err, roq.ErrInvalidInput):
		return fmt.Errorf("-as or -tenant cannot be used: %w", err)
	}
	return err
}

// summarize says how it went. The tally is complete: rows that were not taken from
// the file are in it as not sent.
func (c *campaign) summarize(out io.Writer, t tally) {
	fmt.Fprintf(out, "\n%6d  sent", t[roq.OutcomeSent])
	if c.earlier > 0 {
		fmt.Fprintf(out, ", %d of them by an earlier run", c.earlier)
	}
	fmt.Fprintln(out)
	for _, one := range []struct {
		status roq.OutcomeStatus
		meant  string
	}{
		{roq.OutcomeRefused, "refused"},
		{roq.OutcomeDuplicate, "duplicate, and not sent"},
		{roq.OutcomeUnknown, "unknown: may have been mailed"},
		{roq.OutcomeNotSent, "not sent"},
	} {
		fmt.Fprintf(out, "%6d  %s\n", t[one.status], one.meant)
	}
	if n := c.outcomes.lost; n > 0 {
		fmt.Fprintf(out, "%s of these not recorded in the report: see the journal\n", counted(n, "row"))
	}
	if n := c.journal.Repaired(); n > 0 {
		fmt.Fprintf(out, "journal: an incomplete record of %d bytes was removed\n", n)
	}
	if c.stage.embedded != nil {
		fmt.Fprintf(out, "the platform inside created %s; none left this program\n", counted(len(c.stage.embedded.Outbox()), "e-mail"))
	}
}

// finish saves the report, says how to resume, and returns the exit status.
func (c *campaign) finish(t tally, stopped error, stdout io.Writer) (int, error) {
	s := c.settings
	failed := saveReport(s, c.source, c.outcomes)
	if failed != nil {
		fmt.Fprintf(stdout, "report:  not recorded, see the journal %s\n", s.journal)
		failed = fmt.Errorf("the report could not be written: %w", failed)
	} else {
		fmt.Fprintf(stdout, "report:  %s\n", s.report)
	}
	if c.source.changed() {
		fmt.Fprintf(stdout, "%s was changed during the run: its rows may not match the report\n", s.csv)
	}
	interrupted := errors.Is(stopped, context.Canceled)
	if interrupted {
		stopped = errors.New("interrupted")
	}
	if stopped != nil {
		stopped = fmt.Errorf("stopped: %w", stopped)
	}
	unfinished := stopped != nil || failed != nil || t[roq.OutcomeUnknown] > 0 || t[roq.OutcomeNotSent] > 0
	if unfinished {
		c.advise(stdout, t, failed == nil)
	}
	switch {
	case interrupted:
		return statusInterrupted, errors.Join(stopped, failed)
	case unfinished:
		return statusUnfinished, errors.Join(stopped, failed)
	case t[roq.OutcomeRefused] > 0:
		return statusRefused, nil
	}
	return statusSent, nil
}

// advise says how to resume, and about those that are unknown.
func (c *campaign) advise(out io.Writer, t tally, reported bool) {
	s := c.settings
	if !s.platform {
		fmt.Fprintln(out, "the platform was inside this program and is gone: a rehearsal cannot be resumed")
		return
	}
	if n := t[roq.OutcomeUnknown]; n > 0 {
		where := ""
		if reported {
			where = ", in " + s.unknown
		}
		fmt.Fprintf(out, `unknown: %s%s. They may have been mailed.
         Run the same command again to look for their invites. It sends none of them
         twice. Those that are not found remain unknown. If the platform refuses a second
         pending invite to an address, add -repeat-unknown to send them again.
`, counted(n, "row"), where)
	}
	fmt.Fprintf(out, "to resume: run the same command again, with the journal %s\n", s.journal)
}
