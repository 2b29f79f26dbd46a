package roq

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-roq/roq/internal/transport"
	"github.com/go-roq/roq/internal/wire"
)

// settleTries is how often the platform is asked what became of a request whose
// outcome is unknown: the write may show only after a while.
const settleTries = 5

// settle finds out by reading whether the call's request was processed. look
// asks the platform once and reports whether everything was found. The retry
// policy's waits pace the look-ups, and the settle time-out bounds them; they do
// not draw on the budget of attempts. A pause that the platform asked for does
// not count.
func (c *call) settle(ctx context.Context, look func(context.Context, *call) bool) {
	left := c.opt.settleTimeout
	for try := 1; try <= settleTries && left > 0; try++ {
		// Waiting for a turn does not count either: others may be before it.
		if c.core.sender.Turn(ctx, c.core.cfg.PlatformURL, c.opt.pace.MaxWait) != nil {
			return
		}
		begin := time.Now()
		trying, cancel := context.WithTimeout(ctx, left)
		asking := &call{core: c.core, operation: c.operation, opt: c.opt}
		asking.opt.pace.MaxAttempts = 1 // the tries are the retries
		asking.hasTurn = true
		found := look(trying, asking)
		if !found && try < settleTries {
			_ = c.opt.pace.Wait(trying, try, nil)
		}
		cancel()
		if found {
			return
		}
		left -= time.Since(begin)
	}
}

// skew is how far the clock that dates the platform's answers may be off the one
// that dates its invites. Who is in between may be what is looked for, or not: it
// does not count as found, and nothing is repeated on the strength of it.
const skew = 5 * time.Minute

// date is the platform's clock at the call's last answer, in whole seconds
// rounded down, as the Date header has it.
func (c *call) date() (time.Time, bool) {
	if c.last.Answer == nil {
		return time.Time{}, false
	}
	date, err := http.ParseTime(c.last.Answer.Header.Get("Date"))
	return date, err == nil
}

// dated reports whether the last answer says when it was given. Without that there
// is nothing to compare the times in it with.
func (c *call) dated() bool {
	_, ok := c.date()
	return ok
}

// since returns the moment, by the platform's clock, at which a request began, or up to
// a second before: so coarse is a Date. It is computed from that of what the call was
// answered, less the time that had passed here when the call asked, so that the two
// clocks need not agree. Where the answer was long on its way, what is dated in between
// may be from before or not; earliest is the moment that the request cannot have begun
// before.
func (c *call) since(began time.Time) (moment, earliest time.Time, ok bool) {
	date, ok := c.date()
	// The platform's times are in milliseconds, rounded down.
	moment = date.Add(-c.last.Began.Sub(began)).Truncate(time.Millisecond)
	earliest = date.Add(-time.Since(began)).Truncate(time.Millisecond)
	return moment, earliest, ok
}

// throttled reports whether the platform said that it would not process the
// request, so that it may be repeated if it was not.
func (c *call) throttled() bool { return c.left > 0 && c.last.Outcome == transport.Throttled }

// waitToRepeat waits as before any other attempt.
func (c *call) waitToRepeat(ctx context.Context) error {
	var header http.Header
	if c.last.Answer != nil {
		header = c.last.Answer.Header
	}
	return c.opt.pace.Wait(ctx, c.opt.pace.MaxAttempts-c.left, header)
}

// evidence is what the invite, as it is now, tells about a request to change it.
type evidence int

const (
	// silent: the request was not processed, as far as can be seen.
	silent evidence = iota
	// doubtful: it may have been.
	doubtful
	// done: it was.
	done
	// accepted: the invite was accepted, so it surely was not.
	accepted
)

// wasResent judges by what was changed since the request began. That the invite
// was made after that moment, which is rounded down, is no such change.
func wasResent(i *UserInvite, since time.Time, dated bool) evidence {
	changed := i.UpdatedAt
	if i.StatusUpdatedAt.After(changed) {
		changed = i.StatusUpdatedAt
	}
	switch {
	case !dated:
		return doubtful
	case !changed.After(i.CreatedAt) || changed.Before(since.Add(-skew)):
		return silent
	case changed.Before(since) || i.Status != StatusPending:
		return doubtful
	default:
		return done
	}
}

// wasCanceled: an invite that is canceled was, whoever did it, and one that is
// accepted can never be.
func wasCanceled(i *UserInvite, _ time.Time, _ bool) evidence {
	switch i.Status {
	case StatusCanceled:
		return done
	case StatusAccepted:
		return accepted
	default:
		return silent
	}
}

// changer is the data of an operation that changes an invite.
type changer interface {
	wire.Data
	Changed() *wire.Invite
}

// change makes a request that changes an invite, and settles what it came to.
func change[T changer](ctx context.Context, as *identity, op wire.Operation[T], id string, tells func(i *UserInvite, since time.Time, dated bool) evidence, opts []CallOption) (*UserInvite, error) {
	c, err := as.begin(ctx, op.Name, opts)
	if err != nil {
		return nil, err
	}
	for {
		data, err := attempt(ctx, c, as, op, wire.ID{UserInviteID: id})
		if invite := (*data).Changed(); invite != nil || !errors.Is(err, ErrOutcomeUnknown) {
			return userInvite(invite), err
		}
		var found *UserInvite
		var told evidence
		c.settle(ctx, func(ctx context.Context, asking *call) bool {
			told = doubtful
			data, err := exchange(ctx, asking, as, wire.UserInvite, wire.GetID{ID: id})
			if err != nil {
				return false
			}
			found = userInvite(data.Invite)
			since, _, dated := asking.since(c.began)
			told = tells(found, since, dated)
			return told == done || told == accepted
		})
		switch {
		case told == done:
			return found, nil
		case told == accepted:
			return nil, c.error("the invite has been accepted", ErrAlreadyAccepted)
		case told == doubtful || found == nil || !c.throttled() || c.waitToRepeat(ctx) != nil:
			return nil, err
		}
	}
}

// seen is what a look-up saw.
type seen struct {
	// found are the newest invites by address: those made since the request began,
	// or all of them if the answer was not dated.
	found map[string]UserInvite
	// older are addresses with a pending invite from before the request.
	older map[string]bool
	// complete is whether the platform answered, with dates, and showed all there is
	// to see: nothing in between, and in the order that was asked for.
	complete bool
	// answered is whether it answered at all.
	answered bool
}

// lookUp asks which of the invites the tenant has.
func (c *call) lookUp(ctx context.Context, asking *call, as *identity, tenantID string, open []outgoing) seen {
	// Newest first, what is looked for comes first; the bound only ends a list that
	// does not.
	const maxPages = 20
	wanted := make(map[string]*outgoing, len(open))
	var emails []string
	for i := range open {
		out := &open[i]
		wanted[out.address] = out
		emails = append(emails, out.input.Email, out.address)
	}
	slices.Sort(emails)
	q := UserInvitesQuery{
		Filter: UserInviteFilter{TenantID: &IDFilter{EqualTo: tenantID}, Email: &StringFilter{ValueIn: slices.Compact(emails)}},
		Order:  &UserInviteOrder{Sort: SortCreatedAt, Order: Descending},
		Limit:  max(2*len(open), 10),
	}
	s := seen{found: make(map[string]UserInvite, len(open)), older: make(map[string]bool)}
	inBetween, ordered, before := false, true, time.Time{}
	for range maxPages {
		variables, err := q.variables(c.operation)
		if err != nil {
			return s
		}
		data, err := exchange(ctx, asking, as, wire.UserInvites, variables)
		if err != nil {
			return s
		}
		s.answered = true
		dated := asking.dated()
		page := userInvitePage(data.Page)
		past := false
		for _, invite := range page.Data {
			ordered = ordered && (before.IsZero() || !invite.CreatedAt.After(before))
			before = invite.CreatedAt
			address := foldAddress(invite.Email)
			out, asked := wanted[address]
			if !asked || invite.CreatedByUserID != "" && !strings.EqualFold(invite.CreatedByUserID, out.createdBy) {
				continue // not what was asked for
			}
			since, earliest, _ := asking.since(cmp.Or(out.began, c.began))
			switch {
			case dated && invite.CreatedAt.Before(since):
				s.older[address] = s.older[address] || invite.Status == StatusPending && invite.CreatedAt.Before(earliest)
				long := invite.CreatedAt.Before(since.Add(-skew))
				past, inBetween = past || long, inBetween || !long
			default:
				if _, newer := s.found[address]; !newer {
					s.found[address] = invite
				}
			}
		}
		q.Offset += len(page.Data)
		if past || len(page.Data) == 0 || q.Offset >= page.TotalCount {
			s.complete = dated && ordered && !inBetween
			return s
		}
	}
	return s
}
