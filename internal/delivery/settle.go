package delivery

import (
	"context"
	"time"

	"github.com/go-roq/roq/internal/exchange"
	"github.com/go-roq/roq/internal/trace"
	"github.com/go-roq/roq/internal/transport"
)

// mutation is a request that changes something, with what it takes to find out
// its outcome.
type mutation interface {
	// attempt makes the request, at most so many times, and records its outcome.
	attempt(ctx context.Context, attempts int) *exchange.Reply
	// open returns how much is left that reading could find out, and after how long from
	// now a few complete look-ups are enough for that: all of it was only throttled, or
	// refused for what they show, or left so long ago that the list must show it by now. It
	// is negative if no number of look-ups is enough.
	open() (left int, quiet time.Duration)
	// lookUp reads once, and records what it finds. It reports whether it showed
	// everything, or why it failed.
	lookUp(ctx context.Context, asking *exchange.Call) (complete bool, failed *exchange.Failure)
	// again reports whether anything may be sent again, which the next attempt then
	// sends.
	again(complete bool, last *exchange.Reply) bool
}

// notMade is the reply to a request that has not been made. Nobody changes it.
var notMade exchange.Reply

// looks is the result of the look-ups for one request.
type looks struct {
	// complete is whether the last one was: answered, in the order that was asked for,
	// and exhaustive. failed is why it failed, if it did.
	complete bool
	failed   *exchange.Failure
}

// deliver makes a request, finds out its outcome, and makes it again where that is
// safe. With resumed it begins with finding out: another process may have made it.
func deliver(ctx, hurry context.Context, call *exchange.Call, m mutation, resumed bool) (l looks) {
	last := &notMade
	for left := call.Pace.MaxAttempts; ; {
		if !resumed {
			last = m.attempt(ctx, left)
			left -= last.Attempts
		}
		if more, _ := m.open(); more == 0 {
			return l
		}
		l = traced(ctx, hurry, call, m)
		stuck := !resumed && last.Attempts == 0
		if stuck || left <= 0 || !m.again(l.complete, last) {
			return l
		}
		if !resumed && call.Pace.Wait(ctx, call.Pace.MaxAttempts-left) != nil {
			return l
		}
		resumed = false
	}
}

// traced is settle, of which the tracer is told.
func traced(ctx, hurry context.Context, call *exchange.Call, m mutation) looks {
	tracer := call.Client.Tracer
	if tracer == nil {
		l, _ := settle(ctx, hurry, call, m)
		return l
	}
	before, _ := m.open()
	ctx = tracer.SettleStart(ctx, trace.SettleStart{Operation: call.Operation, Open: before})
	l, n := settle(ctx, hurry, call, m)
	after, _ := m.open()
	tracer.SettleEnd(ctx, trace.SettleEnd{LookUps: n, Found: before - after, Open: after})
	return l
}

// settle finds out the outcome of a request by reading, until there is nothing
// more to find out, the settle time-out is over, or the context ends. The waits of
// the retry policy pace the look-ups, which do not count as attempts; waiting
// because the platform asked for it, or for the rate limit, does not count either. It
// returns how many look-ups there were.
func settle(ctx, hurry context.Context, call *exchange.Call, m mutation) (l looks, n int) {
	left, complete, vain, last := call.Settle, 0, 0, false
	for try := 1; left > 0; try++ {
		if turn(ctx, hurry, call) != nil {
			return l, n
		}
		begin := time.Now()
		end := begin.Add(left)
		if d, ok := ctx.Deadline(); ok && d.Before(end) {
			end = d
		}
		n++
		l.complete, l.failed = look(ctx, end, call, m)
		more, quiet := m.open()
		switch {
		case l.complete:
			complete++
		case l.failed == nil:
			complete = 0
		}
		if vain++; !hopeless(l.failed) {
			vain = 0
		}
		if more == 0 || quiet == 0 && complete >= enough || vain == enough+1 || last {
			return l, n
		}
		took := time.Since(begin)
		// The time from one to the next grows with how long has been looked up so far,
		// whatever bound waits have: many who look for long at once must not be a storm.
		wait := max(call.Pace.After(try), (call.Settle-left+took)/2-took, quiet)
		if rest := time.Until(end); rest < wait {
			wait, last = rest-max(rest/8, 2*took), true // there is time for one more, near the end
		}
		if transport.Sleep(ctx, wait) != nil {
			return l, n
		}
		left -= time.Since(begin)
	}
	return l, n
}

// look looks once, and ends in time. One look-up that hangs leaves time for others.
func look(ctx context.Context, end time.Time, call *exchange.Call, m mutation) (complete bool, failed *exchange.Failure) {
	rest := time.Until(end)
	looking, cancel := context.WithTimeout(ctx, min(rest, max(rest/2, call.Settle/4)))
	defer cancel()
	complete, failed = m.lookUp(looking, lookingUp(call))
	if failed != nil && looking.Err() != nil && ctx.Err() == nil {
		failed = failed.Because(exchange.Unavailable) // it did not answer in time
	}
	return complete, failed
}

// turn waits until the platform may be asked again. If there is no time for that,
// because the call has to end before, or the hurry context has ended, it is asked at
// once: what can be known is not to stay unknown for politeness.
func turn(ctx, hurry context.Context, call *exchange.Call) error {
	sender, origin := call.Client.Sender, call.Client.PlatformURL
	if end, ok := ctx.Deadline(); ok && sender.Pause(origin, call.Pace.Longest()) > time.Until(end) {
		return ctx.Err()
	}
	err := sender.Turn(hurry, origin, call.Pace.Longest())
	if _, bounded := ctx.Deadline(); err != nil && !bounded {
		return ctx.Err()
	}
	return err
}

// enough is how many complete look-ups in a row show that what was throttled was not
// processed: the first may show the list as it was before.
const enough = 2

// lag returns how far lists may be behind what was processed. Before it is over nothing
// that was throttled is sent again.
func lag(call *exchange.Call) time.Duration { return min(3*time.Second, call.Settle/3) }

// never is the quiet of what no number of look-ups shows.
const never = time.Duration(-1)

// lookingUp returns the call of one look-up, which has one attempt: the look-ups
// are the retries.
func lookingUp(call *exchange.Call) *exchange.Call {
	asking := call.Another()
	asking.Pace.MaxAttempts = 1
	return asking
}

// hopeless reports whether looking up again would fail in the same way.
func hopeless(f *exchange.Failure) bool {
	return f.Has(exchange.Unauthorized | exchange.Forbidden | exchange.InvalidInput)
}

// query makes the request of a look-up. Its turn has come.
func query(ctx context.Context, asking *exchange.Call, as *exchange.Identity, r exchange.Request) *exchange.Reply {
	r.Purpose, r.Attempts, r.HasTurn = exchange.PurposeLookUp, asking.Pace.MaxAttempts, true
	return asking.Do(ctx, as, r)
}

// timedOut reports whether the platform, or what is in front of it, took longer
// than the request was given.
func timedOut(r *exchange.Reply) bool {
	const gatewayTimeout = 504
	return r.TimedOut() || r.Answer != nil && r.Answer.Status == gatewayTimeout
}

// refusal reports whether the platform said that it did not process the request.
func refused(r *exchange.Reply) bool {
	return r.Outcome == transport.Refused || r.Outcome == transport.Unauthorized
}
