// Package delivery makes the requests that change something on the platform, and
// finds out the outcome of each: it sends batches of invites, and resends, cancels and
// accepts single ones. One loop (settle.go) attempts, looks up, waits, and asks
// package evidence what to do next.
package delivery

import (
	"context"
	"slices"
	"time"

	"github.com/go-roq/roq/internal/evidence"
	"github.com/go-roq/roq/internal/exchange"
	"github.com/go-roq/roq/internal/wire"
)

// Invite is one person to invite, who was found valid.
type Invite struct {
	wire.Create
	// Address is the form in which the address is compared, Mailbox the one by which
	// another spelling of it is recognized.
	Address, Mailbox string
	// Before is when an earlier delivery may have sent it; zero if none has. Throttled is
	// whether all its attempts were only throttled.
	Before    evidence.Start
	Throttled bool
	// Earlier is when an earlier delivery sent it, to be throttled. Look-ups did not show
	// it; a later refusal may be an echo of that all the same. Zero if there was none.
	Earlier evidence.Start
}

// Refusal is what the platform said of one invite that it refused.
type Refusal struct{ Code, Message string }

// Delivery sends invites in batches, one after the other, and keeps what is known
// of each. Its fields are set before Run and not changed afterwards.
type Delivery struct {
	Call     *exchange.Call
	As       *exchange.Identity
	TenantID string
	Invites  []Invite
	// Send is the operation, in one of the schema's versions.
	Send func(wire.Send) (*wire.Operation, any)
	Size *Size
	// Keep is called with each row that shows an invite that was made. What it is
	// called with last counts, if the verdict is Sent at all.
	Keep func(i int, row *wire.Invite)
	// BeforeSend, if it is not nil, is called before a batch leaves, with the places
	// of the invites in it, and again before each repetition. With an error the batch
	// stays here.
	BeforeSend func(ctx context.Context, places []int, again bool) error
	// Split, if it is not nil, is called with the places of a batch that was not sent
	// because it is sent in parts.
	Split func(places []int)
	// Settled, if it is not nil, is called with the places of invites that are sent or
	// refused for good, each once and as soon as that is known.
	Settled func(places []int)
	// RepeatUnknown says that the platform refuses a second pending invite, so that
	// sending again what may have been sent mails nobody twice.
	RepeatUnknown bool
	// OnlyOnce leaves it to the caller to send again what was throttled.
	OnlyOnce bool
	// Hurry, if it is not nil, ends waiting for the platform to be asked again: what
	// can be known is then read at once.
	Hurry context.Context //nolint:containedctx // beside the one that Run is given

	fates []fate
	index map[string]int // by Address; made when it is needed
	// unclear is whether any batch had a time-out, or an answer that says nothing.
	unclear bool
	// lone counts the invites that were refused by themselves for what is known to be
	// theirs, their size for example; all is why, if that happened to all of them.
	lone int
	all  *exchange.Failure
	// depth is how often the present part was halved.
	depth int
	// invalid are batches of one that were refused for their content, answered is
	// whether the platform has taken any batch.
	invalid  []*batch
	answered bool
	// blind is why the last look-up failed, if it did.
	blind *exchange.Failure
	// floor is what the rows of all look-ups tell of the clock that stamps them.
	floor evidence.Floor
	// asked is how long the last answer to a send asks to be left alone.
	asked time.Duration
	// heldUp is whether the last send was throttled.
	heldUp bool
}

// fate is what is known of one invite.
type fate struct {
	evidence.Record
	verdict evidence.Verdict
	// start is what was known when the first attempt with it left.
	start   evidence.Start
	refusal *Refusal
	// echo is what an Echo was refused as.
	echo exchange.Kind
	// reported is whether Settled was called with it.
	reported bool
}

// Run sends the invites, batch after batch, until one fails. A batch that the
// platform answered, leaving somebody out, has not failed. Invites that an earlier
// process may have sent are looked up first, and sent only where that is safe. The
// error is nil if every invite is sent or refused.
func (d *Delivery) Run(ctx context.Context) *exchange.Failure {
	d.fates = make([]fate, len(d.Invites))
	for i := range d.Invites {
		if !d.Invites[i].Before.At.IsZero() {
			f := &d.fates[i]
			f.Maybe, f.Throttled = !d.Invites[i].Throttled, d.Invites[i].Throttled
			f.verdict, f.start = evidence.Unknown, d.Invites[i].Before
		} else if !d.Invites[i].Earlier.At.IsZero() {
			f := &d.fates[i]
			f.Throttled, f.start = true, d.Invites[i].Earlier
		}
	}
	returned := false
	defer func() {
		if !returned { // code of the caller's panicked, or ended its goroutine
			for i := range d.fates {
				d.fates[i].verdict = d.fates[i].Verdict(false)
			}
		}
	}()
	_, base := d.part(ctx, places(0, len(d.Invites)))
	returned = true
	if !d.answered && d.invalid != nil {
		base = d.unrefuse()
	}
	if base == nil && d.lone == len(d.Invites) {
		base = d.all // there was none that could be sent
	}
	return d.conclude(base)
}

// hurry returns the context for waiting.
func (d *Delivery) hurry(ctx context.Context) context.Context {
	if d.Hurry != nil {
		return d.Hurry
	}
	return ctx
}

// places returns the numbers from begin to end.
func places(begin, end int) []int {
	list := make([]int, end-begin)
	for i := range list {
		list[i] = begin + i
	}
	return list
}

// part sends some of the invites, in batches. It reports whether one of them was
// refused by itself for its size, which then explains why a larger part was refused.
func (d *Delivery) part(ctx context.Context, all []int) (lone bool, failed *exchange.Failure) {
	var odd *exchange.Failure
	for len(all) > 0 {
		b := &batch{d: d, places: all[:min(d.Size.Get(), len(all))]}
		all = all[len(b.places):]
		err := b.run(ctx)
		d.answered = d.answered || b.reply.Data || slices.ContainsFunc(b.places, func(i int) bool { return d.Verdict(i) == evidence.Sent })
		switch reason := b.whole(); {
		case reason == tooLarge && len(b.places) == 1:
			d.lone, d.all = d.lone+1, b.reply.Failure
			d.refuse(b, exchange.PayloadTooLarge)
			lone, err = true, nil
		case reason == content && len(b.places) == 1 && b.reply.Failure.Has(already):
			d.lone, d.all = d.lone+1, b.reply.Failure
			d.refuse(b, "")
			err = nil
		case reason == content && len(b.places) == 1:
			d.invalid = append(d.invalid, b)
			d.refuse(b, "")
			if err = nil; !d.answered && len(d.invalid) == maxInvalid {
				err = b.reply.Failure
			}
		case reason == content:
			err = d.without(ctx, b)
		case reason != another && len(b.places) > 1:
			var culprit bool
			culprit, err = d.smaller(ctx, b)
			lone = lone || culprit
		case timedOut(b.reply):
			d.Size.Shrink(len(b.places))
		case b.reply.Answered():
			d.Size.grow(len(b.places))
		}
		d.unclear = d.unclear || b.unclear
		d.report(b.places)
		if err != nil && !b.reply.Data {
			return lone, err
		}
		if odd == nil {
			odd = err
		}
	}
	return lone, odd
}

// report says which of those invites are sent or refused. What was refused for its
// content waits until the platform has taken another one: until then the request may be
// the reason.
func (d *Delivery) report(places []int) {
	if d.Settled == nil {
		return
	}
	if d.answered {
		for _, b := range d.invalid {
			places = append(places[:len(places):len(places)], b.places...)
		}
	}
	var final []int
	for _, i := range places {
		f := &d.fates[i]
		settled := f.verdict == evidence.Sent || f.verdict == evidence.Refused && (d.answered || !d.isInvalid(i))
		if settled && !f.reported {
			f.reported = true
			final = append(final, i)
		}
	}
	if len(final) > 0 {
		d.Settled(final)
	}
}

// isInvalid reports whether an invite was refused alone for its content.
func (d *Delivery) isInvalid(i int) bool {
	return slices.ContainsFunc(d.invalid, func(b *batch) bool { return b.places[0] == i })
}

// maxInvalid is how many invites are refused for their content, one by one, until the
// request itself must be what is wrong, if the platform has taken none.
const maxInvalid = 8

// refuse makes the refusal of a batch of one that of its invite, with that code if it
// has none that says the same.
func (d *Delivery) refuse(b *batch, code string) {
	f := &d.fates[b.places[0]]
	f.Refused, f.verdict, f.refusal = true, evidence.Refused, d.refusal(b.reply.Failure)
	if code != "" && exchange.KindOfCode(f.refusal.Code) != exchange.KindOfCode(code) {
		f.refusal.Code = code
	}
}

// refusal makes the refusal of one invite of that of a request.
func (d *Delivery) refusal(failed *exchange.Failure) *Refusal {
	return &Refusal{Code: failed.Code, Message: failed.Message}
}

// unrefuse takes back the refusals of single invites for their content, since the
// platform has taken no other: the reason may as well lie in the request. It returns
// that reason.
func (d *Delivery) unrefuse() *exchange.Failure {
	for _, b := range d.invalid {
		f := &d.fates[b.places[0]]
		f.Refused, f.refusal = false, nil
		f.verdict = f.Verdict(false)
	}
	return d.invalid[0].reply.Failure
}

// Verdict returns the outcome of the i-th invite.
func (d *Delivery) Verdict(i int) evidence.Verdict { return d.fates[i].verdict }

// Refusal returns why the i-th invite was refused.
func (d *Delivery) Refusal(i int) Refusal { return *d.fates[i].refusal }

// at returns the place of an address, in any case of letters: the one at guess, if
// the platform keeps to the order in which it was asked.
func (d *Delivery) at(address string, guess int) (int, bool) {
	if guess < len(d.Invites) && d.Invites[guess].Address == address {
		return guess, true
	}
	if d.index == nil {
		d.index = make(map[string]int, len(d.Invites))
		for i := range d.Invites {
			d.index[d.Invites[i].Address] = i
		}
	}
	i, ok := d.index[address]
	return i, ok
}

// Start returns what was known when the i-th invite was first sent.
func (d *Delivery) Start(i int) evidence.Start { return d.fates[i].start }

// OnlyThrottled reports whether nothing speaks for the i-th invite's having been
// processed but that something throttled its attempts.
func (d *Delivery) OnlyThrottled(i int) bool {
	return d.fates[i].Throttled && !d.fates[i].Maybe && !d.fates[i].Echo
}

// Throttled reports whether any attempt with the i-th invite was throttled.
func (d *Delivery) Throttled(i int) bool { return d.fates[i].Throttled }

// Unclear reports whether the platform, or what is in front of it, is in trouble:
// whether any batch had a time-out or an answer that says nothing.
func (d *Delivery) Unclear() bool { return d.unclear }

// Blind returns why the last look-up failed; nil if none did.
func (d *Delivery) Blind() *exchange.Failure { return d.blind }

// HeldUp reports whether the last send was throttled, or answered by something in front
// of the platform.
func (d *Delivery) HeldUp() bool { return d.heldUp }

// Asked returns how long the last answer to a send asked to be left alone. Behind
// a limit that counts every request, what was read since is counted too.
func (d *Delivery) Asked() time.Duration { return d.asked }

// Count returns how many invites have each verdict.
func (d *Delivery) Count() (sent, refused, unknown, notSent int) {
	for i := range d.fates {
		switch d.Verdict(i) {
		case evidence.Sent:
			sent++
		case evidence.Refused:
			refused++
		case evidence.Unknown:
			unknown++
		default:
			notSent++
		}
	}
	return sent, refused, unknown, notSent
}
