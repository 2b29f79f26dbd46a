package delivery

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/go-roq/roq/internal/evidence"
	"github.com/go-roq/roq/internal/exchange"
	"github.com/go-roq/roq/internal/wire"
)

// Resend mails an invite once more, and Cancel withdraws one. They return the
// invite as it was seen last, or why the request failed and what is known of its
// outcome.
func Resend(ctx context.Context, call *exchange.Call, as *exchange.Identity, id string) (*wire.Invite, *exchange.Failure) {
	c := &change{call: call, as: as, operation: wire.ResendUserInvite, id: id, undone: nothingSent}
	c.judge = func(m evidence.Moment, row *wire.Invite) evidence.Finding {
		r := evidence.Row{ID: row.ID, Stamp: row.UpdatedAt, Status: statusOf(row.Status)}
		if row.StatusUpdatedAt.After(r.Stamp) {
			r.Stamp = row.StatusUpdatedAt
		}
		return m.Resent(r, row.CreatedAt)
	}
	return c.run(ctx)
}

// Cancel withdraws an invite: see [Resend].
func Cancel(ctx context.Context, call *exchange.Call, as *exchange.Identity, id string) (*wire.Invite, *exchange.Failure) {
	c := &change{call: call, as: as, operation: wire.CancelUserInvite, id: id, undone: nothingChanged}
	c.judge = func(_ evidence.Moment, row *wire.Invite) evidence.Finding {
		return evidence.WasCanceled(statusOf(row.Status))
	}
	return c.run(ctx)
}

// change is a request that changes one invite.
type change struct {
	call      *exchange.Call
	as        *exchange.Identity
	operation *wire.Operation
	id        string
	// judge says what the invite, as it is now, proves about the request.
	judge func(evidence.Moment, *wire.Invite) evidence.Finding
	// undone says that nothing happened.
	undone string

	record evidence.Record
	start  evidence.Start
	reply  *exchange.Reply
	// found is the invite as it was seen last; nil if it was not.
	found *wire.Invite
	// stray is whether the answer was about another invite.
	stray bool
}

func (c *change) run(ctx context.Context) (*wire.Invite, *exchange.Failure) {
	l := deliver(ctx, ctx, c.call, c, false)
	verdict := c.record.Verdict(l.complete)
	if verdict == evidence.Sent {
		return c.found, nil
	}
	failed := c.reply.Failure
	if failed == nil {
		failed = c.call.Fail("the response is about another invite", exchange.Unavailable)
	}
	switch {
	case verdict == evidence.Refused:
		failed = c.call.Fail("the invite has been accepted", exchange.AlreadyAccepted)
	case verdict == evidence.Unknown:
		if l.failed != nil {
			failed = failed.And("reading the invite failed: "+l.failed.Message, l.failed.Kinds)
		}
		if !c.reply.Data || c.stray {
			c.found = nil
		}
		return c.found, failed.Concluded(exchange.OutcomeUnknown, unknownOutcome)
	case unexplained(failed):
		failed = c.explain(ctx, failed)
	}
	if failed.Refused || verdict == evidence.Refused {
		return nil, failed.Concluded(0, c.undone)
	}
	return nil, failed.Concluded(exchange.NotSent, c.undone)
}

// unexplained reports whether the platform refused the change without saying why:
// with the codes of its user interface for that, or as a conflict without a code.
func unexplained(f *exchange.Failure) bool {
	switch f.Code {
	case "USER_INVITE_RESENDING_FAILED", "USER_INVITE_CANCELLATION_FAILED":
		return f.Refused
	case "":
		return f.Refused && f.Status == http.StatusConflict
	}
	return false
}

// explain reads the invite to say why the platform has refused to change it.
func (c *change) explain(ctx context.Context, failed *exchange.Failure) *exchange.Failure {
	row, reply := c.read(ctx, lookingUp(c.call))
	if reply.Failure != nil || row == nil {
		return failed
	}
	switch status := statusOf(row.Status); {
	case status == evidence.Accepted:
		return failed.Because(exchange.AlreadyAccepted)
	case status == evidence.Canceled && c.operation == wire.CancelUserInvite:
		return failed.Because(exchange.AlreadyCanceled) // which can be resent
	}
	return failed
}

// attempt implements [mutation].
func (c *change) attempt(ctx context.Context, attempts int) *exchange.Reply {
	var row *wire.Invite
	reply := c.call.Do(ctx, c.as, exchange.Request{
		Operation: c.operation,
		Variables: wire.ID{UserInviteID: c.id},
		Sink:      single(&row),
		Restart:   func() { row = nil },
		Attempts:  attempts,
		Purpose:   exchange.PurposeCall,
		Invites:   1,
		MaxBytes:  exchange.AnswerBytes(1),
	})
	c.reply = reply
	if c.start.At.IsZero() {
		c.start = reply.Start
	}
	c.record.Maybe = c.record.Maybe || reply.Maybe
	c.record.Throttled = c.record.Throttled || reply.Throttled
	if !reply.Data {
		return c.reply
	}
	c.stray = row == nil || !strings.EqualFold(row.ID, c.id)
	switch {
	case c.stray:
		c.record.Maybe = true // the answer is not about this invite
	case reply.Failure == nil && statusOf(row.Status) != evidence.Accepted:
		c.done(row)
	case c.judge(c.moment(reply, row), row) == evidence.Done:
		c.done(row) // with errors beside it, the data says what happened
	default:
		c.record.Maybe, c.found = true, row
	}
	return c.reply
}

// done records that the invite was changed.
func (c *change) done(row *wire.Invite) {
	c.record.Finding, c.found = evidence.Done, row
}

func (c *change) moment(reply *exchange.Reply, row *wire.Invite) evidence.Moment {
	return c.call.Client.Clock.Moment(c.start, reply.When(), exchange.Changed(row))
}

// open implements [mutation].
func (c *change) open() (left int, quiet time.Duration) {
	switch {
	case c.record.Known():
		return 0, 0
	case c.record.Maybe:
		return 1, never
	default:
		return 1, max(0, lag(c.call)-time.Since(c.reply.LastBegan))
	}
}

// lookUp implements [mutation].
func (c *change) lookUp(ctx context.Context, asking *exchange.Call) (complete bool, failed *exchange.Failure) {
	row, reply := c.read(ctx, asking)
	if reply.Failure != nil {
		return false, reply.Failure
	}
	c.found = row
	c.record.Finding = c.judge(c.moment(reply, row), row)
	if c.operation == wire.CancelUserInvite && statusOf(row.Status) == evidence.Accepted {
		c.record.Refused = true // what is accepted can never have been canceled
	}
	return true, nil
}

// read reads the invite.
func (c *change) read(ctx context.Context, asking *exchange.Call) (*wire.Invite, *exchange.Reply) {
	var row *wire.Invite
	reply := query(ctx, asking, c.as, exchange.Request{
		Operation: wire.UserInvite,
		Variables: wire.GetID{ID: c.id},
		Sink:      single(&row),
		Restart:   func() { row = nil },
		MaxBytes:  exchange.AnswerBytes(1),
	})
	switch {
	case reply.Data && row != nil && strings.EqualFold(row.ID, c.id):
		reply.Failure = nil // what is said beside the invite does not matter here
	case reply.Failure == nil:
		reply.Failure = asking.Fail("the response is about another invite", exchange.Unavailable)
	}
	return row, reply
}

// single is a sink for an answer with one invite.
func single(row **wire.Invite) wire.Sink {
	return wire.Sink{Most: 1, Invite: func(r *wire.Invite) error {
		one := *r
		*row = &one
		return nil
	}}
}

// again implements [mutation].
func (c *change) again(complete bool, last *exchange.Reply) bool {
	return complete && last.WasThrottled() && c.record.Verdict(true) == evidence.NotSent
}
