package roq

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/go-roq/roq/internal/bulk"
	"github.com/go-roq/roq/internal/exchange"
	"github.com/go-roq/roq/internal/transport"
	"github.com/go-roq/roq/internal/wire"
)

const (
	// bulkPatience is how long changes are retried while none succeeds.
	bulkPatience = 5 * time.Minute
	// bulkPause is how long the first retry waits. Each next one waits twice as long, up to
	// bulkLongest.
	bulkPause, bulkLongest = time.Second, 30 * time.Second
)

// UserInviteOutcome is the outcome for one invite of [RoqPlatform.ResendAllUserInvites] or
// [RoqPlatform.CancelAllUserInvites].
type UserInviteOutcome struct {
	// Invite is the invite: as it is now if Status is OutcomeSent, and otherwise as it was
	// listed.
	Invite UserInvite
	// Status is OutcomeSent if the invite was resent or canceled, OutcomeRefused if the
	// platform refused that, OutcomeUnknown if it may have happened, and OutcomeNotSent if
	// it did not.
	Status OutcomeStatus
	// Err is the error of [RoqPlatform.ResendUserInvite] or [RoqPlatform.CancelUserInvite]
	// if Status is not OutcomeSent. It matches [ErrNotSent] if the change was not attempted.
	Err error
	// Total is how many invites there are.
	Total int
}

// ResendAllUserInvites mails every invite that matches the query again, as
// [RoqPlatform.ResendUserInvite] does, and returns the outcome for each, in the order in
// which they are known. A filter for the status leaves out what would be refused:
//
//	roq.UserInviteFilter{Status: &roq.StringFilter{NotEqualTo: string(roq.StatusAccepted)}}
//
// All invites are listed before the first is changed, because the changes may change what
// matches; they are kept in memory. Then up to [WithParallel] requests are in flight. A
// change that was not made because the platform is busy or unavailable ([ErrRateLimited],
// [ErrUnavailable]) is retried, with growing pauses, until none has succeeded for five
// minutes. If none ever has, the loop ends at once. It also ends when the platform refuses
// the caller ([ErrUnauthorized], [ErrForbidden]).
//
// An error is returned once, last, with a zero outcome: that of the list, the reason why
// the loop ended early, or that of the context. When the context ends, or the loop is
// left, no further change begins, and what is in flight is finished and settled. In the
// first case, each invite still has its outcome: those that were not attempted are
// OutcomeNotSent. A request waits until the loop has taken the outcome of one before, so
// that a loop that is left at an outcome has changed at most [WithParallel] more.
func (p *RoqPlatform) ResendAllUserInvites(ctx context.Context, q UserInvitesQuery, opts ...CallOption) iter.Seq2[UserInviteOutcome, error] {
	return p.changeAll(ctx, wire.ResendUserInvite.Name, q, opts, p.ResendUserInvite)
}

// CancelAllUserInvites withdraws every invite that matches the query, as
// [RoqPlatform.CancelUserInvite] does, and returns the outcome for each. A filter for
// [StatusPending] leaves out what would be refused or has been withdrawn. Everything else
// is as for [RoqPlatform.ResendAllUserInvites].
func (p *RoqPlatform) CancelAllUserInvites(ctx context.Context, q UserInvitesQuery, opts ...CallOption) iter.Seq2[UserInviteOutcome, error] {
	return p.changeAll(ctx, wire.CancelUserInvite.Name, q, opts, p.CancelUserInvite)
}

// change is a change of one invite.
type change func(ctx context.Context, id string, opts ...CallOption) (*UserInvite, error)

func (p *RoqPlatform) changeAll(ctx context.Context, operation string, q UserInvitesQuery, opts []CallOption, do change) iter.Seq2[UserInviteOutcome, error] {
	return func(yield func(UserInviteOutcome, error) bool) {
		call, opt, err := p.identity().begin(ctx, operation, opts)
		if err != nil {
			yield(UserInviteOutcome{}, err)
			return
		}
		b := &changes{call: call, do: do, opts: opts}
		for invite, err := range p.AllUserInvites(ctx, q, opts...) {
			if err != nil {
				yield(UserInviteOutcome{}, err)
				return
			}
			b.invites = append(b.invites, *invite)
		}
		cut := false
		cause := bulk.Run(ctx, len(b.invites), opt.parallel, b.change, func(o UserInviteOutcome) bool {
			cut = cut || o.Status == OutcomeNotSent
			return yield(o, nil)
		})
		switch {
		case errors.As(cause, new(*Error)):
			yield(UserInviteOutcome{}, cause)
		case cause != nil && cut:
			yield(UserInviteOutcome{}, failed(call.FailBecause("the loop has ended", cause, 0)))
		}
	}
}

// changes are changes of many invites.
type changes struct {
	call    *exchange.Call
	do      change
	opts    []CallOption
	invites []UserInvite

	mu sync.Mutex
	// succeeded is when a change succeeded last.
	succeeded time.Time
}

// change makes one change, and ends the others if there is no point in them.
func (b *changes) change(ctx context.Context, stop context.CancelCauseFunc, i int) UserInviteOutcome {
	o := UserInviteOutcome{Invite: b.invites[i], Total: len(b.invites)}
	for pause := bulkPause; ctx.Err() == nil; pause = min(2*pause, bulkLongest) {
		changed, err := b.do(context.WithoutCancel(ctx), o.Invite.ID, b.opts...) // what has begun is finished
		if err == nil {
			o.Invite, o.Status, o.Err = *changed, OutcomeSent, nil
			b.mu.Lock()
			b.succeeded = time.Now()
			b.mu.Unlock()
			return o
		}
		o.Status, o.Err = statusOf(err), err
		switch refused := errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrForbidden); {
		case refused, o.Status == OutcomeNotSent && !b.patient(err):
			stop(err)
			return o
		case o.Status != OutcomeNotSent:
			return o
		}
		e := (*Error)(nil)
		if errors.As(err, &e) {
			pause = max(pause, min(e.RetryAfter, bulkPatience))
		}
		_ = transport.Sleep(ctx, pause)
	}
	if o.Err == nil {
		o.Status, o.Err = OutcomeNotSent, failed(b.call.Refuse("the change was not attempted", exchange.NotSent))
	}
	return o
}

// patient reports whether a change that was not made is worth a retry.
func (b *changes) patient(err error) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return passing(err) && !b.succeeded.IsZero() && time.Since(b.succeeded) < bulkPatience
}

// statusOf returns the outcome of a change that ended with err.
func statusOf(err error) OutcomeStatus {
	switch {
	case errors.Is(err, ErrOutcomeUnknown):
		return OutcomeUnknown
	case errors.Is(err, ErrNotSent), passing(err), errors.Is(err, ErrUnauthorized):
		return OutcomeNotSent
	default:
		return OutcomeRefused
	}
}
