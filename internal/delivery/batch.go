package delivery

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/go-roq/roq/internal/address"
	"github.com/go-roq/roq/internal/evidence"
	"github.com/go-roq/roq/internal/exchange"
	"github.com/go-roq/roq/internal/wire"
)

// batch is some of a delivery's invites, which one request sends.
type batch struct {
	d      *Delivery
	places []int
	// sending are the places of those that the next attempt sends.
	sending []int
	// announced is whether BeforeSend has let the batch go.
	announced bool
	// reply is the outcome of the last attempt.
	reply *exchange.Reply
	// made and refusals are what the answer that is being read says of whom, and
	// excess is how many it names whom nobody asked for.
	made     []int
	refusals []said
	excess   int
	// strays are whom the answer names in a spelling that nobody asked for.
	strays []stray
	// asked is how many invites the last attempt was about.
	asked int

	unclear bool
	// refusedWhole is whether an attempt with several invites was refused as a whole.
	refusedWhole bool
	looks        looks
}

// said is what an answer says of one invite that was refused.
type said struct {
	place int
	Refusal
	kind exchange.Kind
}

// run sends the batch, and returns why not every invite in it is sent or refused.
func (b *batch) run(ctx context.Context) *exchange.Failure {
	b.sending, b.reply = b.places, &notMade
	resumed := slices.ContainsFunc(b.places, func(i int) bool { return !b.d.Invites[i].Before.At.IsZero() })
	b.looks = deliver(ctx, b.d.hurry(ctx), b.d.Call, b, resumed)
	if b.looks.failed != nil {
		b.d.blind = b.looks.failed
	}
	for _, i := range b.places {
		f := &b.d.fates[i]
		f.verdict = f.Verdict(b.looks.complete)
	}
	return b.failure()
}

// attempt implements [mutation].
func (b *batch) attempt(ctx context.Context, attempts int) *exchange.Reply {
	list := b.sending
	b.asked = len(list)
	operation, variables := b.d.Send(wire.Send{
		TenantID: b.d.TenantID,
		Len:      len(list),
		At:       func(n int, c *wire.Create) { *c = b.d.Invites[list[n]].Create },
	})
	request := exchange.Request{
		Operation: operation,
		Variables: variables,
		Sink:      wire.Sink{Invite: b.invite, Refused: b.refused, Most: 2*len(list) + mostExcess},
		Restart:   b.restart,
		Attempts:  attempts,
		Purpose:   exchange.PurposeCall,
		Invites:   len(list),
		MaxBytes:  exchange.AnswerBytes(len(list)),
	}
	if before := b.d.BeforeSend; before != nil {
		request.BeforeSend = func(ctx context.Context) error {
			err := before(ctx, list, b.announced)
			b.announced = b.announced || err == nil
			return err
		}
	}
	returned := false
	defer func() {
		// A transport of the caller's that panics may have sent the request.
		for _, i := range list {
			f := &b.d.fates[i]
			f.Maybe = f.Maybe || !returned && (b.announced || b.d.BeforeSend == nil)
		}
	}()
	reply := b.d.Call.Do(ctx, b.d.As, request)
	returned = true
	b.reply, b.d.asked, b.d.heldUp = reply, 0, reply.WasThrottled()
	if reply.Answer != nil {
		b.d.asked = reply.Answer.RetryAfter
	}
	b.record()
	return b.reply
}

// mostExcess is how many invites that nobody asked for an answer may name before it
// counts as none.
const mostExcess = 100

// restart forgets an answer of which it is not known whether it can be used.
func (b *batch) restart() {
	b.made, b.refusals, b.strays, b.excess = b.made[:0], b.refusals[:0], b.strays[:0], 0
}

// invite takes an invite out of the answer.
func (b *batch) invite(row *wire.Invite) error {
	guess := 0
	if n := len(b.made); n > 0 {
		guess = b.made[n-1] + 1
	} else if len(b.sending) > 0 {
		guess = b.sending[0]
	}
	i, asked := b.asks(row.Email, guess)
	again := asked && len(b.made) > 0 && i <= b.made[len(b.made)-1] && slices.Contains(b.made, i)
	switch {
	case again:
		b.excess++
		return nil
	case !asked:
		one := *row
		b.strays = append(b.strays, stray{email: row.Email, row: &one})
		return nil
	}
	b.made = append(b.made, i)
	b.d.Keep(i, row)
	return nil
}

// asks returns the place of an address if the last attempt asked for it: the answer to
// one request says nothing about another.
func (b *batch) asks(email string, guess int) (int, bool) {
	i, known := b.d.at(address.Fold(email), guess)
	if !known {
		return 0, false
	}
	_, asked := slices.BinarySearch(b.sending, i)
	return i, asked
}

// refused takes a refused invite out of the answer.
func (b *batch) refused(email, text string) error {
	e := wire.InviteError(text)
	r := said{
		Refusal: Refusal{Code: b.d.Call.Identifier(e.Code), Message: b.d.Call.Redact(e.Message)},
		kind:    exchange.KindOfCode(e.Code),
	}
	if i, asked := b.asks(email, len(b.d.Invites)); asked {
		r.place = i
		b.refusals = append(b.refusals, r)
	} else {
		b.strays = append(b.strays, stray{email: email, refusal: r})
	}
	return nil
}

// record records the outcome of the last attempt.
func (b *batch) record() {
	reply := b.reply
	b.unclear = b.unclear || reply.Maybe || timedOut(reply)
	if !reply.Data {
		b.restart()
	}
	b.pair()
	// Whoever the platform says it has made, it has: whatever it says besides.
	for _, i := range b.made {
		if f := &b.d.fates[i]; f.Finding == evidence.Done {
			b.excess++
		} else {
			f.Finding = evidence.Done
		}
	}
	for _, r := range b.refusals {
		b.refuse(r)
	}
	for _, i := range b.sending {
		f := &b.d.fates[i]
		if f.start.At.IsZero() {
			f.start = reply.Start
		}
		f.Maybe = f.Maybe || reply.Maybe
		f.Throttled = f.Throttled || reply.Throttled
		if reply.Data && !f.Echo && f.Finding != evidence.Done && !f.Refused {
			f.Maybe = true // the answer leaves it out, or says that something crashed
		}
	}
	if b.aboutContent() {
		b.refuseWhole()
	}
}

// refuse records what an answer says of an invite that was refused.
func (b *batch) refuse(r said) {
	f := &b.d.fates[r.place]
	switch {
	case f.Finding == evidence.Done:
	case r.kind == exchange.Unavailable:
		// A crash may have come after the work was done.
	case (f.Maybe || f.Throttled) && (r.Code == "" || r.kind&already != 0):
		// What says that it is so already, or does not say why, may be an echo of our own
		// earlier attempt.
		f.Echo, f.echo, f.refusal = true, r.kind, &r.Refusal
	default:
		f.Refused, f.refusal = true, &r.Refusal
	}
}

// open implements [mutation].
func (b *batch) open() (left int, quiet time.Duration) {
	for _, i := range b.places {
		f := &b.d.fates[i]
		if f.Known() {
			continue
		}
		left++
		switch since := time.Since(b.left(f)); {
		case quiet == never:
		case !f.Maybe && !f.Echo && b.refusedWhole:
			// The platform has answered that it did not do it: it only has to be seen whether
			// it did a part.
		case f.Explained, !f.Maybe && !f.Echo:
			quiet = max(quiet, lag(b.d.Call)-since, 0)
		case since <= b.d.Call.Settle:
			quiet = never
		}
	}
	return left, quiet
}

// left returns when the last attempt with an invite left.
func (b *batch) left(f *fate) time.Time {
	if b.reply.LastBegan.After(f.start.At) {
		return b.reply.LastBegan
	}
	return f.start.At
}

// again implements [mutation].
func (b *batch) again(complete bool, last *exchange.Reply) bool {
	b.sending = nil
	for _, i := range b.places {
		f := &b.d.fates[i]
		if f.Known() {
			continue
		}
		switch f.Verdict(complete) {
		case evidence.NotSent:
			if last.WasThrottled() && !b.d.OnlyOnce {
				b.sending = append(b.sending, i)
			}
		case evidence.Unknown:
			if b.d.RepeatUnknown && !f.Echo && !refused(last) {
				b.sending = append(b.sending, i)
			}
		}
	}
	return len(b.sending) > 0
}

// why is the reason for which a batch was refused as a whole, if a part of it need not
// meet it.
type why int

const (
	another why = iota
	tooLarge
	content // of one of the invites, as far as can be told
	wasCut  // while it was being written, perhaps for its size
)

// whole returns why the batch was refused as a whole, if that is all that is known of
// its invites: but for those that were found, of a request that was refused for the
// content of another.
func (b *batch) whole() why {
	doubtful, found := false, false
	for _, i := range b.places {
		switch f := &b.d.fates[i]; {
		case f.verdict == evidence.NotSent:
		case f.verdict == evidence.Sent && b.refusedWhole:
			found = true
		case f.verdict == evidence.Unknown && b.d.RepeatUnknown && !f.Echo && f.Finding == evidence.Nothing:
			doubtful = true // of an earlier attempt; this one may be made in parts
		default:
			return another
		}
	}
	switch f := b.reply.Failure; {
	case doubtful && len(b.places) == 1:
		return another
	case found:
		if b.aboutContent() && !doubtful {
			return content
		}
		return another
	case b.reply.WasCut():
		return wasCut
	case !refused(b.reply):
		return another
	case f.Has(exchange.BatchTooLarge):
		return tooLarge
	case b.aboutContent() && !doubtful:
		return content
	default:
		return another
	}
}

// already are the kinds of what an invite is refused for because of what is there.
const already = exchange.AlreadyInvited | exchange.AlreadyExists | exchange.AlreadyAccepted

// aboutContent reports whether the last attempt was refused as a whole, and perhaps for
// an invite in it: not for who asks, for its tenant or its size, or for its form.
func (b *batch) aboutContent() bool {
	return refused(b.reply) && !b.reply.Data && !b.reply.Failure.Has(exchange.Malformed|exchange.Unauthorized|exchange.Forbidden|
		exchange.BatchTooLarge|exchange.RateLimited|exchange.Unavailable)
}

// refuseWhole records that the last attempt was refused as a whole. A platform that
// makes one invite after the other may have made some before it came to the one that it
// refuses. And if that is refused as being there, it may be an echo of an earlier
// attempt of our own.
func (b *batch) refuseWhole() {
	b.refusedWhole = len(b.sending) > 1
	kind := b.reply.Failure.Kinds & already
	for _, i := range b.sending {
		f := &b.d.fates[i]
		if f.Finding == evidence.Done || f.Refused {
			continue
		}
		f.echo = kind
		if doubtful := f.Maybe || f.Throttled; doubtful && kind != 0 {
			f.Echo, f.refusal = true, b.d.refusal(b.reply.Failure)
		}
		f.Throttled = f.Throttled || b.refusedWhole
	}
}

// failure returns why not every invite of the batch is sent or refused.
func (b *batch) failure() *exchange.Failure {
	unknown, doubtful, undone := 0, 0, 0
	for _, i := range b.places {
		switch f := &b.d.fates[i]; f.verdict {
		case evidence.Unknown:
			unknown++
			if f.Finding >= evidence.OlderByClock {
				doubtful++
			}
			undone++
		case evidence.NotSent:
			undone++
		}
	}
	var f *exchange.Failure
	switch call := b.d.Call; {
	case undone == 0 && b.excess == 0:
		return nil
	case undone == 0:
		return call.Fail(fmt.Sprintf("the response names invites that were not requested (%d)", b.excess), exchange.Unavailable)
	case b.reply.Failure != nil:
		f = b.reply.Failure
	case b.reply.Data:
		f = call.Fail(fmt.Sprintf("the response omits %d of %d invites", undone, b.asked), exchange.Unavailable)
	default:
		f = call.Fail(fmt.Sprintf("it is unknown whether %d invites were sent before", undone), 0)
	}
	if doubtful > 0 {
		f = f.And(fmt.Sprintf("%d may be an invite that existed before", doubtful), 0)
	}
	if unknown > 0 && b.looks.failed != nil {
		f = f.And("looking for the invites failed: "+b.looks.failed.Message, b.looks.failed.Kinds)
	}
	return f
}
