package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"slices"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/journal"
)

// campaign is one run.
type campaign struct {
	stage    *stage
	source   *source
	journal  *journal.File
	fates    *fates
	progress *progress
	// earlier counts those that an earlier run sent, as the journal says.
	earlier int
}

// send sends, and puts down what becomes of each row. The error is why it ended
// before its time.
func (c *campaign) send(ctx context.Context) error {
	in := roq.SendAllUserInvitesInput{
		TenantID:    c.stage.tenantID,
		UserInvites: inputs(c.source.rows()),
		Campaign:    filepath.Base(c.source.path),
	}
	for o, err := range c.stage.platform.SendAllUserInvites(ctx, in, roq.WithJournal(c.journal)) {
		if err != nil {
			return err
		}
		if err := c.fates.put(o.Index, newFate(o)); err != nil {
			return fmt.Errorf("what became of the rows cannot be put down: %w", err)
		}
		if o.Status == roq.OutcomeSent && o.Invite == nil {
			c.earlier++
		}
		c.progress.add(o.Status)
	}
	return nil
}

// inputs is what is sent of the rows. One that cannot be read goes along empty,
// to be refused, so that the places of the outcomes are those of the rows.
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

// summarise says how it went. The tally is complete: those that were not taken
// any more are in it as not sent.
func (c *campaign) summarise(out io.Writer, t tally) {
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
		{roq.OutcomeDuplicate, "duplicates, which were not sent"},
		{roq.OutcomeUnknown, "unknown: they may have been mailed"},
		{roq.OutcomeNotSent, "not sent"},
	} {
		fmt.Fprintf(out, "%6d  %s\n", t[one.status], one.meant)
	}
	if n := c.journal.Repaired(); n > 0 {
		fmt.Fprintf(out, "journal: %d bytes of a record that was cut were taken off\n", n)
	}
	if c.stage.embedded != nil {
		fmt.Fprintf(out, "the platform mailed %d people\n", len(c.stage.embedded.Outbox()))
	}
}

// outcome says how to go on, and returns the exit status.
func (c *campaign) outcome(s settings, t tally, ended, failed error, stdout io.Writer) (int, error) {
	unfinished := ended != nil || t[roq.OutcomeUnknown] > 0 || t[roq.OutcomeNotSent] > 0
	if unfinished && !s.platform {
		fmt.Fprintln(stdout, "the platform was inside this program and is gone: there is nothing to go on with")
	} else if unfinished {
		fmt.Fprintf(stdout, "to go on: the same command again, with the journal %s\n", s.journal)
	}
	switch {
	case errors.Is(ended, context.Canceled):
		return statusInterrupted, failed
	case unfinished || failed != nil:
		return statusUnfinished, errors.Join(ended, failed)
	case t[roq.OutcomeRefused] > 0:
		return statusRefused, nil
	}
	return statusSent, nil
}
