package roq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/go-roq/roq/internal/transport"
	"github.com/go-roq/roq/internal/wire"
)

// The defaults of [WithInterval].
const (
	defaultShortest = 2 * time.Second
	defaultLongest  = 30 * time.Second
)

// UserInviteChange is what [RoqPlatform.WatchUserInvites] saw change.
type UserInviteChange struct {
	// ID is the invite's.
	ID string
	// Current is the invite as it is now; nil if it is gone: it was removed, or what
	// the query asks for (its status aside) holds for it no more.
	Current *UserInvite
	// PreviousStatus is the status that was seen last; empty for an invite that has
	// come, or come to match, since the watch began.
	PreviousStatus UserInviteStatus
}

// WatchUserInvites returns what becomes of the invites that match, while it
// happens: one change after the other, of the status or of anything else that
// moves UpdatedAt (a resend, say). What changes several times between two looks
// is one change. The invites that are there when the loop begins are not
// reported, only what then changes.
//
// Query.Filter.Status says which invites are taken up, at the beginning and
// later. One that was taken up is followed whatever its status becomes: a watch
// of pending invites reports that one was accepted. Like and ILike are refused on
// the status, and so are Query.Offset and Query.Order, with [ErrInvalidInput].
// Query.Limit is the size of a page, 500 if zero.
//
// After a first list the platform is asked for what has changed last, in one
// request a look, however many invites are watched; further pages are read only
// if there is more news than a page of 50. How far apart the looks are is set by
// [WithInterval]. Now and then, and when the platform's count shows that an
// invite was removed, the watched ones are listed again.
//
// The loop ends when no watched invite is pending any more, so at once if none
// is. An invite whose status this package does not know counts as pending.
//
// Each request is a query, which is retried. When that does not help, a failure
// that may pass, [ErrUnavailable] or [ErrRateLimited], comes with a zero change,
// and the watch goes on if the loop does: nothing is missed, only reported later.
// Any other error, one of the first list and that of ctx come once, last.
func (p *RoqPlatform) WatchUserInvites(ctx context.Context, q UserInvitesQuery, opts ...CallOption) iter.Seq2[UserInviteChange, error] {
	return func(yield func(UserInviteChange, error) bool) {
		w, err := p.as.watch(ctx, q, opts)
		if err != nil {
			yield(UserInviteChange{}, err)
			return
		}
		w.run(ctx, yield)
	}
}

// WaitUserInvite returns the invite with that id as soon as it is not pending any
// more: accepted, canceled or expired. It asks as [RoqPlatform.WatchUserInvites]
// does, at intervals set by [WithInterval]. If there is no such invite, or it is
// removed meanwhile, it returns [ErrNotFound].
//
// It waits as long as ctx lasts, through every failure that may pass
// ([ErrUnavailable], [ErrRateLimited]); any other is returned.
func (p *RoqPlatform) WaitUserInvite(ctx context.Context, id string, opts ...CallOption) (*UserInvite, error) {
	if err := inviteID(wire.UserInvites.Name, id); err != nil {
		return nil, err
	}
	w, err := p.as.watch(ctx, UserInvitesQuery{Filter: UserInviteFilter{ID: &IDFilter{EqualTo: id}}}, opts)
	if err != nil {
		return nil, err
	}
	w.waits = true
	var found *UserInvite
	w.run(ctx, func(change UserInviteChange, failure error) bool {
		if failure != nil && passing(ctx, failure) {
			return true
		}
		found, err = change.Current, failure
		return err == nil
	})
	switch {
	case err != nil:
		return nil, err
	case found == nil:
		return nil, w.error("there is no such invite", ErrNotFound)
	}
	return found, nil
}

// WithInterval sets how far apart the looks of [RoqPlatform.WatchUserInvites] and
// [RoqPlatform.WaitUserInvite] are: shortest after a change, and then half as long
// again each time that nothing has changed, up to longest. Up to a fifth is added
// at random, so that watches that began together do not ask together. Both must
// be more than zero, and at most 24 hours. Other calls have no use for it. The
// default is 2 s to 30 s.
func WithInterval(shortest, longest time.Duration) CallOption {
	return callOption(func(o *callOptions) error {
		if shortest <= 0 || shortest > longest || longest > maxDuration {
			return fmt.Errorf("roq: WithInterval(%v, %v): must be more than 0, the first no longer than the second, and at most %v", shortest, longest, maxDuration)
		}
		o.interval = interval{shortest, longest}
		return nil
	})
}

// interval is how far apart a watch looks.
type interval struct{ shortest, longest time.Duration }

// next returns the interval after one of d, which is zero to begin again.
func (i interval) next(d time.Duration) time.Duration {
	return min(max(d+d/2, i.shortest), i.longest)
}

// watch begins the watch of a query, and refuses what is wrong with it.
func (as *identity) watch(ctx context.Context, q UserInvitesQuery, opts []CallOption) (*watch, error) {
	c, err := as.begin(ctx, wire.UserInvites.Name, opts)
	if err != nil {
		return nil, err
	}
	var f findings
	if q.Offset != 0 {
		f.add("Offset", "must be 0: a watch is of everything that matches")
	}
	if q.Order != nil {
		f.add("Order", "must be nil: changes come as they happen")
	}
	if s := q.Filter.Status; s != nil && (s.Like != "" || s.ILike != "") {
		f.add("Filter.Status", "must not have Like or ILike: statuses that come later are compared here")
	}
	q.Offset, q.Order = 0, nil
	q.wire(&f)
	if err := f.err(c.operation); err != nil {
		return nil, err
	}
	q.Limit = cmp.Or(q.Limit, watchPageSize)
	w := &watch{call: c, as: as, first: q, all: q}
	w.all.Filter.Status = nil
	return w, nil
}

// run looks at the invites, again and again, and hands what it sees to yield,
// until that returns false or there is nothing left to wait for.
func (w *watch) run(ctx context.Context, yield func(UserInviteChange, error) bool) {
	var pause time.Duration
	for begun := false; ; {
		look := w.begin
		if begun {
			look = w.look
		}
		changes, err := look(ctx)
		for _, change := range changes {
			if !yield(change, nil) {
				return
			}
		}
		switch {
		case err != nil:
			goesOn := passing(ctx, err) && (begun || w.waits)
			if !yield(UserInviteChange{}, err) || !goesOn {
				return
			}
		case w.settled():
			return
		default:
			begun = true
			if len(changes) > 0 {
				pause = 0
			}
		}
		pause = w.opt.interval.next(pause)
		if err := transport.Sleep(ctx, pause+rand.N(pause/5+1)); err != nil {
			e := w.error("the watch has ended: " + w.scrub(err.Error()))
			e.cause = w.hide(err)
			yield(UserInviteChange{}, e)
			return
		}
	}
}

// passing reports whether a failure may pass, so that asking again makes sense.
func passing(ctx context.Context, err error) bool {
	if ended := ctx.Err(); ended != nil && errors.Is(err, ended) {
		return false
	}
	return errors.Is(err, ErrUnavailable) || errors.Is(err, ErrRateLimited)
}
