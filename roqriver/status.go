package roqriver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/go-roq/roq"
)

// Status is how far a campaign is.
type Status struct {
	Campaign Campaign
	State    State
	// Reason is why the campaign is stopped; empty otherwise.
	Reason string
	// Sent, Refused and Unknown are how many people had each outcome.
	Sent, Refused, Unknown int
	// Waiting is how many have none: they wait, or are being sent to. In a canceled
	// campaign they are not sent to.
	Waiting int
	// Oldest is how long ago the first of those who wait was enqueued; 0 if nobody waits.
	Oldest time.Duration
	// Rate is how many people a second had an outcome in the last minute.
	Rate float64
}

// Status returns how far a campaign is. There is no such campaign before the first person
// is enqueued: that is [roq.ErrNotFound].
func (q *Queue[TTx]) Status(ctx context.Context, campaign string) (Status, error) {
	if err := q.ready(); err != nil {
		return Status{}, err
	}
	c, err := find(ctx, q.db, campaign)
	if err != nil {
		return Status{}, of(campaign, err)
	}
	n, err := q.count(ctx, c)
	if err != nil {
		return Status{}, err
	}
	s := Status{
		Campaign: c.Campaign, State: c.state, Reason: c.reason,
		Sent: int(n.sent), Refused: int(n.refused), Unknown: int(n.unknown), Waiting: int(n.waiting()),
		Rate: float64(n.recent) / 60,
	}
	if n.oldest > 0 {
		s.Oldest = max(0, c.now.Sub(time.UnixMicro(n.oldest)))
	}
	return s, nil
}

// counts are how far a campaign is.
type counts struct {
	people, sent, refused, unknown int64
	// recent is how many had an outcome in the last minute, and oldest when the first of
	// those who wait was enqueued; 0 if nobody waits.
	recent, oldest int64
	// held is how many batches with people who wait have a worker.
	held int64
}

func (n *counts) waiting() int64 { return n.people - n.sent - n.refused - n.unknown }

// count counts the people of a campaign in one statement: those who are given a batch
// meanwhile are neither missed nor counted twice.
func (q *Queue[TTx]) count(ctx context.Context, c *campaign) (n counts, err error) {
	err = q.db.Query(ctx, func(scan func(...any) error) error {
		var loose, since int64
		err := scan(&n.people, &n.sent, &n.refused, &n.unknown, &n.recent, &n.held, &n.oldest, &loose, &since)
		if n.people += loose; loose > 0 && (n.oldest == 0 || since < n.oldest) {
			n.oldest = since
		}
		return err
	}, `SELECT CAST(coalesce(sum(people), 0) AS BIGINT), CAST(coalesce(sum(sent), 0) AS BIGINT),
			CAST(coalesce(sum(refused), 0) AS BIGINT), CAST(coalesce(sum(unknown), 0) AS BIGINT),
			CAST(coalesce(sum(CASE WHEN settled_at > {now} - 60000000 THEN sent + refused + unknown END), 0) AS BIGINT),
			CAST(coalesce(sum(CASE WHEN lease_until > {now} AND people > sent + refused + unknown THEN 1 END), 0) AS BIGINT),
			coalesce(min(CASE WHEN people > sent + refused + unknown THEN created_at END), 0),
			(SELECT count(*) FROM {invite} WHERE campaign_id = $1 AND batch_id IS NULL),
			(SELECT coalesce(min(added_at), 0) FROM {invite} WHERE campaign_id = $1 AND batch_id IS NULL)
		FROM {batch} WHERE campaign_id = $1`, c.id)
	return n, err
}

// Outcome is the outcome of one person.
type Outcome struct {
	// Input is who it was; empty after [Queue.Forget].
	Input roq.UserInviteInput
	// Status is OutcomeSent, OutcomeRefused or OutcomeUnknown, and OutcomeNotSent for those
	// who wait in a canceled campaign.
	Status roq.OutcomeStatus
	// InviteID is the invite's, if it is sent.
	InviteID string
	// Code and Message say why it is not: they are the platform's, if it refused the invite.
	Code, Message string
	// At is when that was known, in UTC by the database's clock; zero for OutcomeNotSent.
	At time.Time
}

// Outcomes returns the outcomes of a campaign so far, or those with one of the given
// statuses. People who still wait have none. An error comes once, last.
func (q *Queue[TTx]) Outcomes(ctx context.Context, campaign string, only ...roq.OutcomeStatus) iter.Seq2[Outcome, error] {
	return func(yield func(Outcome, error) bool) {
		if err := q.outcomes(ctx, campaign, only, func(o Outcome) bool { return yield(o, nil) }); err != nil {
			yield(Outcome{}, err)
		}
	}
}

var errUnreadable = errors.New("roqriver: an input in the database cannot be read")

// outcomes calls yield with each outcome until it returns false.
func (q *Queue[TTx]) outcomes(ctx context.Context, campaign string, only []roq.OutcomeStatus, yield func(Outcome) bool) error {
	if err := q.ready(); err != nil {
		return err
	}
	c, err := find(ctx, q.db, campaign)
	if err != nil {
		return of(campaign, err)
	}
	if len(only) == 0 {
		only = []roq.OutcomeStatus{roq.OutcomeSent, roq.OutcomeRefused, roq.OutcomeUnknown, roq.OutcomeNotSent}
	}
	var statuses []string
	for _, status := range only {
		switch status {
		case roq.OutcomeSent, roq.OutcomeRefused, roq.OutcomeUnknown:
			statuses = append(statuses, "'"+string(status)+"'")
		case roq.OutcomeNotSent:
			if c.state == StateCanceled {
				statuses = append(statuses, "'waiting'")
			}
		default:
			return fmt.Errorf("roqriver: Outcomes: %q is no outcome of a campaign: %w", status, roq.ErrInvalidInput)
		}
	}
	if len(statuses) == 0 {
		return nil
	}
	// Page by page: the loop may take its time, and SQLite has one connection.
	const page = 1000
	for after := ""; ; {
		var some []Outcome
		err := q.db.Query(ctx, func(scan func(...any) error) error {
			var o Outcome
			var input string
			var at int64
			if err := scan(&after, &input, &o.Status, &o.InviteID, &o.Code, &o.Message, &at); err != nil {
				return err
			}
			if input != "" && json.Unmarshal([]byte(input), &o.Input) != nil {
				return errUnreadable
			}
			if o.Status == waiting {
				o.Status = roq.OutcomeNotSent
			}
			if at > 0 {
				o.At = time.UnixMicro(at).UTC()
			}
			some = append(some, o)
			return nil
		}, `SELECT key, input, status, invite_id, code, message, settled_at FROM {invite}
			WHERE campaign_id = $1 AND key > $2 AND status IN (`+strings.Join(slices.Compact(statuses), ", ")+`) ORDER BY key LIMIT $3`, c.id, after, page)
		if err != nil {
			return err
		}
		for _, o := range some {
			if !yield(o) {
				return nil
			}
		}
		if len(some) < page {
			return nil
		}
	}
}
