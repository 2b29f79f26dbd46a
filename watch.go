package roq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/go-roq/roq/internal/check"
	"github.com/go-roq/roq/internal/exchange"
	"github.com/go-roq/roq/internal/listing"
	"github.com/go-roq/roq/internal/trace"
	"github.com/go-roq/roq/internal/transport"
	"github.com/go-roq/roq/internal/wire"
)

const (
	// The defaults of [WithInterval].
	defaultShortest = 2 * time.Second
	defaultLongest  = 30 * time.Second

	// watchPageSize is the size of a watch's pages if the query has no Limit.
	watchPageSize = 500
)

// UserInviteChange is a change that [RoqPlatform.WatchUserInvites] saw.
type UserInviteChange struct {
	// ID is the invite's id.
	ID string
	// Current is the invite as it is now. It is nil if the invite was removed or no
	// longer matches the query (apart from its status). That it no longer matches is
	// reported when the invite is missing from two lists in a row, and only if the query
	// has a condition on something that can change, such as the locale.
	Current *UserInvite
	// PreviousStatus is the last status that was seen. It is empty for an invite that
	// was created, or began to match, after the watch began.
	PreviousStatus UserInviteStatus
}

// WatchUserInvites returns the changes of the invites that match the query, as they
// happen: changes of the status and of anything else that updates UpdatedAt, such as a
// resend. Several changes between two polls are one change. Invites that exist when the
// loop begins are not reported until they change.
//
// Filter.Status says which invites to follow, at the beginning and later. A followed
// invite remains followed when its status changes: a watch of pending invites reports
// when one is accepted. Limit is the size of a page, 500 if zero. A Like or ILike for
// the status, an Offset and an Order are refused with [ErrInvalidInput].
//
// After the first list, each poll asks the platform for the latest changes. That is one
// request for any number of invites; more pages are read only if more changes have
// occurred than fit on a page of 50. [WithInterval] sets the time between polls. The
// invites are listed again every 60 polls, and when the platform's count shows that an
// invite was removed. If an invite is missing from the list, it is read by its id before
// it is reported, because the list may lag behind.
//
// The loop ends when no followed invite is pending: at once if none is pending at the
// beginning. A status that this package does not know counts as pending.
//
// Each request is a query, which is retried. A temporary failure that remains
// ([ErrUnavailable], [ErrRateLimited]) is returned with a zero change, and the watch
// resumes if the loop continues. No change is missed, but it is reported later. Any
// other error, an error of the first list and the error of ctx are returned once, last.
func (p *RoqPlatform) WatchUserInvites(ctx context.Context, q UserInvitesQuery, opts ...WatchOption) iter.Seq2[UserInviteChange, error] {
	return func(yield func(UserInviteChange, error) bool) {
		r, err := p.identity().watch(ctx, q, opts)
		if err != nil {
			yield(UserInviteChange{}, err)
			return
		}
		r.run(ctx, r.watch(), yield)
	}
}

// run yields the changes that a watch reports.
func (r *reader) run(ctx context.Context, w listing.Watch[UserInvite], yield func(UserInviteChange, error) bool) {
	var last error
	ctx, end := r.as.core.observe(ctx, r.call, trace.CallStart{Loop: true})
	defer func() { end(trace.CallEnd{Err: last}) }()
	w.Run(ctx, func(c listing.Change[UserInvite], err error) bool {
		last = r.failure(err)
		return yield(UserInviteChange{ID: c.ID, Current: c.Row, PreviousStatus: UserInviteStatus(c.PreviousStatus)}, last)
	})
}

// WaitUserInvite returns the invite with that id as soon as it is no longer pending:
// accepted, canceled or expired. It polls like [RoqPlatform.WatchUserInvites], at
// intervals set by [WithInterval]. If the invite is not in the list yet, right after it
// was sent, it is read by its id, and waited for if it exists. If there is no such
// invite, or if it is removed meanwhile, WaitUserInvite returns [ErrNotFound].
//
// It waits until ctx ends, through every temporary failure ([ErrUnavailable],
// [ErrRateLimited]). It returns any other error.
func (p *RoqPlatform) WaitUserInvite(ctx context.Context, id string, opts ...WatchOption) (invite *UserInvite, err error) {
	if err := check.ID(id); err != nil {
		return nil, invalid(wire.UserInvites.Name, "the invite's id "+err.Error())
	}
	r, err := p.identity().watch(ctx, UserInvitesQuery{Filter: UserInviteFilter{ID: &IDFilter{EqualTo: id}}}, opts)
	if err != nil {
		return nil, err
	}
	ctx, end := r.as.core.observe(ctx, r.call, trace.CallStart{Invites: 1})
	defer func() { end(trace.CallEnd{Err: err}) }()
	invite, err = r.watch().Wait(ctx, id)
	switch {
	case err != nil:
		return nil, r.failure(err)
	case invite == nil:
		return nil, failed(r.call.Fail("there is no such invite", exchange.NotFound))
	}
	return invite, nil
}

// WithInterval sets the time between the polls of [RoqPlatform.WatchUserInvites] and
// [RoqPlatform.WaitUserInvite]. It is shortest after a change, and grows by half after
// each poll without a change, up to longest. A jitter of up to a fifth is added, so that
// watches that began together do not poll together. Both must be more than zero and at
// most 24 hours. The default is 2 s to 30 s. Passing the option to another call does not
// compile.
func WithInterval(shortest, longest time.Duration) WatchOption {
	return watchOption(func(o *watchOptions) error {
		if shortest <= 0 || shortest > longest || longest > maxDuration {
			return fmt.Errorf("roq: WithInterval(%v, %v): must be more than 0, the first no longer than the second, and at most %v", shortest, longest, maxDuration)
		}
		o.interval = interval{shortest, longest}
		return nil
	})
}

// interval is how far apart the polls of a watch are.
type interval struct{ shortest, longest time.Duration }

// reader is a call that reads lists of the invites that match a query.
type reader struct {
	call  *exchange.Call
	opt   *callOptions
	as    *identity
	query UserInvitesQuery
	// interval is that of a watch.
	interval interval
}

// watch begins the watch of a query, and refuses what is wrong with it.
func (as *identity) watch(ctx context.Context, q UserInvitesQuery, opts []WatchOption) (*reader, error) {
	operation := wire.UserInvites.Name
	if as.err != nil {
		return nil, as.err.of(operation)
	}
	opt := watchOptions{callOptions: as.core.opt.callOptions, interval: interval{defaultShortest, defaultLongest}}
	for i, o := range opts {
		if o == nil {
			return nil, badOption(operation, i, nil)
		}
		if err := o.applyToWatch(&opt); err != nil {
			return nil, badOption(operation, i, err)
		}
	}
	call, err := as.core.call(ctx, operation, &opt.callOptions)
	if err != nil {
		return nil, err
	}
	f := about()
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
	q.wire(f)
	if err := f.err(call.Operation); err != nil {
		return nil, err
	}
	return &reader{call, &opt.callOptions, as, q, opt.interval}, nil
}

// watch returns the watch of the reader's query.
func (r *reader) watch() listing.Watch[UserInvite] {
	return listing.Watch[UserInvite]{
		Fetch: func(ctx context.Context, l listing.Query) (*listing.Page[UserInvite], error) {
			return r.page(ctx, r.query.of(l), exchange.PurposeWatch)
		},
		Read:        r.read,
		Key:         (*UserInvite).key,
		Matches:     r.query.Filter.Status.matches,
		Conditional: r.query.conditional(),
		Final:       final,
		Passing:     passing,
		Sleep:       r.sleep,
		Limit:       cmp.Or(r.query.Limit, watchPageSize),
		Parallel:    r.opt.parallel,
		Shortest:    r.interval.shortest,
		Longest:     r.interval.longest,
	}
}

// page reads one page of a list, with a budget of attempts of its own.
func (r *reader) page(ctx context.Context, q UserInvitesQuery, purpose string) (*listing.Page[UserInvite], error) {
	list, err := q.variables(r.call.Operation)
	if err != nil {
		return nil, err
	}
	page, failure := r.as.page(ctx, r.call.Another(), list, purpose)
	if failure != nil {
		return nil, failed(failure)
	}
	return &listing.Page[UserInvite]{Rows: page.Data, Total: page.TotalCount}, nil
}

// read reads the invite with an id, with a budget of attempts of its own.
func (r *reader) read(ctx context.Context, id string) (*UserInvite, error) {
	found, failure := r.as.one(ctx, r.call.Another(), id)
	// Something else may be missing: a 404 without a code may be that of a proxy, and
	// the user who asks may have been removed.
	if failure.Has(exchange.NotFound) && failure.Code != "" && failure.Code != "USER_NOT_FOUND" {
		return nil, listing.ErrNone
	}
	return found, failed(failure)
}

// sleep waits for d, or returns the error of a watch whose context has ended.
func (r *reader) sleep(ctx context.Context, d time.Duration) error {
	if err := transport.Sleep(ctx, d); err != nil {
		return failed(r.call.FailBecause("the watch has ended", err, 0))
	}
	return nil
}

// failure makes the call's error of one that is the list's own.
func (r *reader) failure(err error) error {
	if wrong := (*listing.Error)(nil); errors.As(err, &wrong) {
		return failed(r.call.Fail(wrong.Error(), exchange.Unavailable))
	}
	return err
}

// of returns the part of the query that a watch asks for.
func (q UserInvitesQuery) of(l listing.Query) UserInvitesQuery {
	q.Order = &UserInviteOrder{Sort: SortCreatedAt}
	if l.LastUpdated {
		q.Order = &UserInviteOrder{Sort: SortUpdatedAt, Order: Descending}
	}
	if l.AnyStatus {
		q.Filter.Status = nil
	}
	if l.IDs != nil {
		// An id does not change, so that the query's own condition on it holds.
		q.Filter.ID = &IDFilter{ValueIn: l.IDs}
	}
	q.Offset, q.Limit = l.Offset, l.Limit
	return q
}

// key returns what has to be known of an invite to follow it.
func (i *UserInvite) key() listing.Key {
	return listing.Key{ID: i.ID, Status: string(i.Status), CreatedAt: i.CreatedAt, UpdatedAt: i.UpdatedAt}
}

// conditional reports whether an invite may cease to match for another reason than
// its status. What can be changed of an invite is its name, locale, data and
// acceptedByUserId (the platform's updateUserInvite); that a resend makes a new token
// is our reading.
func (q UserInvitesQuery) conditional() bool {
	f := q.Filter
	return f.AcceptedByUserID != nil || f.UserTokenID != nil || f.FirstName != nil || f.LastName != nil || f.Locale != nil || q.Search != nil
}

// matches reports whether a condition on the status holds, as the platform compares.
func (c *StringFilter) matches(s string) bool {
	return c == nil ||
		(c.EqualTo == "" || s == c.EqualTo) && (c.NotEqualTo == "" || s != c.NotEqualTo) &&
			(len(c.ValueIn) == 0 || slices.Contains(c.ValueIn, s)) && !slices.Contains(c.ValueNotIn, s)
}

// final reports whether an invite is waited for no longer once it has that status.
func final(status string) bool {
	switch UserInviteStatus(status) {
	case StatusAccepted, StatusCanceled, StatusExpired:
		return true
	}
	return false
}

// passing reports whether a failure may pass, so that asking again makes sense.
func passing(err error) bool {
	return errors.Is(err, ErrUnavailable) || errors.Is(err, ErrRateLimited)
}
