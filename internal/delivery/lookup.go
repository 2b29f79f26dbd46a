package delivery

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/go-roq/roq/internal/address"
	"github.com/go-roq/roq/internal/evidence"
	"github.com/go-roq/roq/internal/exchange"
	"github.com/go-roq/roq/internal/wire"
)

// candidate is a row that a look-up found for an invite.
type candidate struct {
	place int
	row   wire.Invite
	// other is whether the address is written in another form, or the inviter is
	// another one.
	other bool
}

// lookUp implements [mutation]: it asks which of the invites the tenant has.
func (b *batch) lookUp(ctx context.Context, asking *exchange.Call) (complete bool, failed *exchange.Failure) {
	var open []int
	for _, i := range b.places {
		if !b.d.fates[i].Known() {
			open = append(open, i)
		}
	}
	return b.find(ctx, asking, open)
}

// find looks up some of the invites, in parts if the platform finds the question
// too large.
func (b *batch) find(ctx context.Context, asking *exchange.Call, open []int) (complete bool, failed *exchange.Failure) {
	s := search{b: b, asking: asking, wanted: make(map[string]int, len(open)), loose: make(map[string]int, len(open))}
	complete, failed = s.run(ctx, open)
	if !failed.Has(exchange.BatchTooLarge) && !s.cut || len(open) == 1 {
		return complete, failed
	}
	complete, failed = b.find(ctx, asking, open[:len(open)/2])
	if failed != nil {
		return false, failed
	}
	rest, failed := b.find(ctx, asking, open[len(open)/2:])
	return complete && rest, failed
}

// search is one look-up of some invites of a batch.
type search struct {
	b      *batch
	asking *exchange.Call
	// wanted and loose are the places of those that are looked for, by address and by
	// the form that other spellings have too.
	wanted, loose map[string]int
	found         map[int]evidence.Finding
	explained     map[int]bool
	// earliest is the start of the invite that was first sent.
	earliest evidence.Start
	// ordered is whether the rows came in the order that was asked for, so far down to
	// last.
	ordered bool
	last    time.Time
	// cut is whether a request for a page was cut, perhaps for its size.
	cut bool
}

// run reads the newest invites to the addresses.
func (s *search) run(ctx context.Context, open []int) (complete bool, failed *exchange.Failure) {
	// Newest first, what is looked for comes first; the bound only ends a list that
	// does not.
	const maxPages = 20
	list := wire.List{
		Filter: &wire.Filter{TenantID: &wire.IDFilter{EqualTo: s.b.d.TenantID}, Email: &wire.StringFilter{ValueIn: s.addresses(open)}},
		Order:  &wire.Order{Sort: "createdAt", Order: "DESC"},
		Limit:  max(2*len(open), 10),
	}
	s.found, s.explained, s.ordered = make(map[int]evidence.Finding), make(map[int]bool), true
	for range maxPages {
		read, past, reply := s.page(ctx, list)
		if reply.Failure != nil {
			return false, reply.Failure
		}
		list.Offset += read
		if past || read == 0 || list.Offset >= reply.Total {
			s.record(open)
			return s.ordered, nil
		}
	}
	return false, s.asking.Fail("the list of invites has no end", exchange.Unavailable)
}

// addresses notes which invites are looked for, and returns how their addresses
// may be written.
func (s *search) addresses(open []int) []string {
	var all []string
	for _, i := range open {
		out := &s.b.d.Invites[i]
		s.wanted[out.Address], s.loose[out.Mailbox] = i, i
		all = append(all, address.Spellings(out.Email)...)
		if start := s.b.d.fates[i].start; s.earliest.At.IsZero() || start.At.Before(s.earliest.At) {
			s.earliest = start
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// page reads one page, and judges the rows in it. It reports how many there were,
// and whether all that follow are older.
func (s *search) page(ctx context.Context, list wire.List) (read int, past bool, reply *exchange.Reply) {
	var stamps evidence.Stamps
	var candidates []candidate
	ordered, last := s.ordered, s.last
	reply = query(ctx, s.asking, s.b.d.As, exchange.Request{
		Operation: wire.UserInvites,
		Variables: list,
		MaxBytes:  exchange.AnswerBytes(list.Limit),
		Restart: func() {
			read, stamps, candidates, ordered, last = 0, evidence.Stamps{}, nil, s.ordered, s.last
		},
		Sink: wire.Sink{Most: max(list.Limit, exchange.LeastRows), Invite: func(row *wire.Invite) error {
			read++
			stamps.Add(row.ID, exchange.Changed(row))
			ordered = ordered && (last.IsZero() || !row.CreatedAt.After(last))
			last = row.CreatedAt
			if c, ok := s.candidate(row); ok {
				candidates = append(candidates, c)
			}
			return nil
		}},
	})
	if reply.Failure != nil {
		s.cut = reply.WasCut()
		return 0, false, reply
	}
	s.ordered, s.last = ordered, last
	clock, when := &s.asking.Client.Clock, reply.When()
	s.b.d.floor.Receive(stamps.Newest(), when.Received)
	begin := clock.Moment(s.earliest, when, stamps.Newest())
	for n := range candidates {
		c := &candidates[n]
		past = past || begin.Long(c.row.CreatedAt)
		s.judge(c, func(start evidence.Start) evidence.Moment {
			return clock.Moment(start, when, stamps.Newest()).NotBefore(s.b.d.floor)
		})
	}
	return read, past, reply
}

// candidate returns the row as that of an invite that is looked for.
func (s *search) candidate(row *wire.Invite) (candidate, bool) {
	i, same := s.wanted[address.Fold(row.Email)]
	if !same {
		var other bool
		if i, other = s.loose[address.Mailbox(row.Email)]; !other {
			return candidate{}, false
		}
	}
	inviter := row.CreatedByUserID
	named := inviter == "" || strings.EqualFold(inviter, s.b.d.Invites[i].CreatedByUserID)
	return candidate{place: i, row: *row, other: !same || !named}, true
}

// judge records what a row proves about the invite that it may be.
func (s *search) judge(c *candidate, moment func(evidence.Start) evidence.Moment) {
	f := &s.b.d.fates[c.place]
	status := statusOf(c.row.Status)
	finding := moment(s.b.d.fates[c.place].start).Made(evidence.Row{ID: c.row.ID, Stamp: c.row.CreatedAt, Status: status, Other: c.other})
	pending := status == evidence.Pending
	switch {
	case pending && finding == evidence.Older:
		s.explained[c.place] = true
	case pending && finding == evidence.Doubtful && !c.other && f.echo == exchange.AlreadyInvited && s.b.d.RepeatUnknown:
		// The platform has said that this one is in the way of the same one again.
		finding = evidence.Done
	}
	if finding <= s.found[c.place] {
		return // the newest of several comes first
	}
	s.found[c.place] = finding
	if finding == evidence.Done {
		s.b.d.Keep(c.place, &c.row)
	}
}

// record records what the look-up found.
func (s *search) record(open []int) {
	for _, i := range open {
		f := &s.b.d.fates[i]
		f.Finding = s.found[i]
		f.Explained = s.ordered && s.explained[i] && f.echo == exchange.AlreadyInvited
	}
}

// statusOf turns the platform's status into one that can be judged.
func statusOf(status string) evidence.Status {
	switch status {
	case wire.StatusPending:
		return evidence.Pending
	case wire.StatusAccepted:
		return evidence.Accepted
	case wire.StatusCanceled:
		return evidence.Canceled
	case wire.StatusExpired:
		return evidence.Expired
	default:
		return evidence.StatusOther
	}
}
