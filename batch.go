package roq

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/go-roq/roq/internal/delivery"
	"github.com/go-roq/roq/internal/evidence"
	"github.com/go-roq/roq/internal/exchange"
	"github.com/go-roq/roq/internal/trace"
	"github.com/go-roq/roq/internal/wire"
)

// UserInviteBatch is a batch of invites whose state somebody else keeps: a queue, for
// example, whose workers are on many machines. [RoqPlatform.SendAllUserInvites] does the
// same with each of its batches, and its journal keeps the state.
type UserInviteBatch struct {
	// TenantID is the tenant that all of them join. If it is empty, it is the session's,
	// with [Client.AsSession]; otherwise it is required.
	TenantID string
	// UserInvites are the people to invite, from 1 to 10,000.
	UserInvites []UserInviteInput
	// Since is how long ago a request with the i-th input may have left, by a clock that
	// all who work on the batch share. It is negative or missing if none has. An input with
	// which one may have left is looked up. If it is not found, its outcome is unknown, and
	// it is sent again only with [WithRepeatUnknown].
	Since []time.Duration
	// BeforeSend is called before each request leaves, repeated ones included, with the
	// places in UserInvites of who is in it. If it returns an error, the request does not
	// leave, and the call ends. It must return nil only when others who take up the batch
	// would know of the request, and it must fail if somebody else has taken it up.
	// Required.
	BeforeSend func(ctx context.Context, invites []int) error
	// Settled receives outcomes as soon as they are known, each once: those of invites
	// that are sent or refused after each request, and the others at the end. Its context
	// does not end with that of the call, and has 30 seconds. If it returns an error,
	// nothing is sent any more, and the error of the call wraps it. Required.
	Settled func(ctx context.Context, outcomes []SendOutcome) error
}

// settledTimeout bounds what keeps outcomes, when everything else may have ended.
const settledTimeout = 30 * time.Second

// SendUserInviteBatch sends a batch whose state somebody else keeps, and returns the
// outcome of each input, in their order. Each request is sent, repeated, split and settled
// as by [RoqPlatform.SendUserInvites].
//
// With [WithBatchSize] among the options, the batch goes by that alone, and not by what
// the Client remembers of the size that the platform accepts: whoever keeps the state of
// batches can remember that for all machines.
//
// An input that is not valid is OutcomeRefused, and one whose address came before in the
// batch is OutcomeDuplicate; the others are sent. An input that a request may have left
// with ([UserInviteBatch].Since) and that is not valid is OutcomeUnknown.
//
// Inputs that a request may have left with are looked up before the others are sent. If
// that fails because the platform cannot be asked, the others are not sent.
//
// The error is nil if every input is sent, refused or a duplicate. Otherwise it says why
// not: it matches [ErrOutcomeUnknown] if any outcome is unknown, and [ErrNotSent] if
// nothing was sent. The Err of each outcome matches one of the two. The error wraps that of
// BeforeSend or Settled. What is wrong with the batch itself is [ErrInvalidInput], and the
// outcomes are nil then.
func (p *RoqPlatform) SendUserInviteBatch(ctx context.Context, b UserInviteBatch, opts ...CallOption) (outcomes []SendOutcome, err error) {
	as := p.identity()
	call, opt, err := as.begin(ctx, wire.SendUserInvitesV2.Name, opts)
	if err != nil {
		return nil, err
	}
	ctx, end := as.core.observe(ctx, call, trace.CallStart{Mutation: true, Invites: len(b.UserInvites)})
	defer func() {
		total := trace.CallEnd{Err: err}
		for i := range outcomes {
			count(&total, outcomes[i].Status)
		}
		end(total)
	}()
	s, err := as.prepareBatch(&b)
	if err != nil {
		return nil, err
	}
	limit := &as.core.limit
	if opt.sized {
		limit = new(delivery.Limit)
	}
	size := delivery.NewSize(limit, opt.batchSize)
	return s.send(ctx, call, func(invites []delivery.Invite) *delivery.Delivery {
		return as.delivery(call, s.tenantID, invites, size)
	})
}

// batchSending is a batch on its way.
type batchSending struct {
	*UserInviteBatch
	tenantID string
	// doubtful are the invites that may have been sent before, fresh the others.
	doubtful, fresh batchPart
	outcomes        []SendOutcome
	// kept are the places of those that Settled has received, failed is why that failed, if
	// it did.
	kept   []bool
	failed error
}

// batchPart is some of the invites of a batch, with their places in it.
type batchPart struct {
	invites []delivery.Invite
	places  []int
}

func (p *batchPart) add(invite delivery.Invite, place int) {
	p.invites, p.places = append(p.invites, invite), append(p.places, place)
}

// prepareBatch checks a batch.
func (as *identity) prepareBatch(b *UserInviteBatch) (*batchSending, error) {
	operation, n := wire.SendUserInvitesV2.Name, len(b.UserInvites)
	f := about()
	tenantID := as.tenant(f, b.TenantID)
	if n == 0 || n > maxBatch {
		f.add("UserInvites", fmt.Sprintf("must hold from 1 to %d invites", maxBatch))
	}
	if len(b.Since) > n {
		f.add("Since", "must not be longer than UserInvites")
	}
	if b.BeforeSend == nil {
		f.add("BeforeSend", "must not be nil")
	}
	if b.Settled == nil {
		f.add("Settled", "must not be nil")
	}
	if err := f.err(operation); err != nil {
		return nil, err
	}
	_, invites, skipped, err := as.prepare(&SendUserInvitesInput{TenantID: tenantID, UserInvites: b.UserInvites}, true)
	if err != nil {
		return nil, err
	}
	s := &batchSending{UserInviteBatch: b, tenantID: tenantID, outcomes: make([]SendOutcome, n), kept: make([]bool, n)}
	now := time.Now()
	for i := range s.outcomes {
		o := &s.outcomes[i]
		o.Index, o.Input = i, b.UserInvites[i]
		before := i < len(b.Since) && b.Since[i] >= 0
		if len(skipped) == 0 || skipped[0].Index != i {
			invite := invites[0]
			invites = invites[1:]
			if before {
				invite.Before.At = now.Add(-b.Since[i])
				s.doubtful.add(invite, i)
			} else {
				s.fresh.add(invite, i)
			}
			continue
		}
		o.Status, o.Err = skipped[0].outcome()
		if before && o.Status == OutcomeRefused { // by rules that have changed since
			own := *skipped[0].own
			own.kinds, own.known = exchange.InvalidInput|exchange.OutcomeUnknown, "the outcome is unknown"
			o.Status, o.Err = OutcomeUnknown, &own
		}
		skipped = skipped[1:]
	}
	return s, nil
}

// unable are the kinds of a failure that another request would meet too.
const unable = exchange.Unavailable | exchange.RateLimited | exchange.Unauthorized | exchange.Forbidden

// send sends what can be sent, and reports every outcome. Its error says why not all are
// sent or refused.
func (s *batchSending) send(ctx context.Context, call *exchange.Call, newDelivery func([]delivery.Invite) *delivery.Delivery) ([]SendOutcome, error) {
	failure := s.run(ctx, &s.doubtful, newDelivery)
	if failure.Has(unable) || ctx.Err() != nil && failure != nil {
		for _, i := range s.fresh.places {
			s.outcomes[i].Status, s.outcomes[i].Err = OutcomeNotSent, failed(delivery.Because(failure, evidence.NotSent))
		}
	} else if failed := s.run(ctx, &s.fresh, newDelivery); failed != nil {
		failure = failed
	}
	var rest []SendOutcome
	var total trace.CallEnd
	for i := range s.outcomes {
		if o := s.outcomes[i]; o.Status == OutcomeDuplicate {
			total.Refused++ // by this package
		} else {
			count(&total, o.Status)
		}
		if !s.kept[i] {
			rest = append(rest, s.outcomes[i])
		}
	}
	if len(rest) > 0 {
		s.report(ctx, rest)
	}
	if failure == nil && total.Unknown > 0 {
		failure = call.Fail("an input that may have been sent is not valid any more", 0)
	}
	if failure != nil {
		failure = delivery.Conclude(failure, total.Sent, total.Refused, total.Unknown, total.NotSent)
	}
	err := failed(failure)
	if s.failed != nil {
		err = errors.Join(err, fmt.Errorf("roq: UserInviteBatch.Settled: %w", s.failed))
	}
	return s.outcomes, err
}

// run sends a part of the batch.
func (s *batchSending) run(ctx context.Context, part *batchPart, newDelivery func([]delivery.Invite) *delivery.Delivery) *exchange.Failure {
	if len(part.invites) == 0 {
		return nil
	}
	d, made := newDelivery(part.invites), make([]UserInvite, len(part.invites))
	d.Keep = func(n int, row *wire.Invite) { made[n].read(row) }
	d.BeforeSend = func(ctx context.Context, sending []int, _ bool) error {
		if s.failed != nil {
			return s.failed
		}
		invites := make([]int, len(sending))
		for k, n := range sending {
			invites[k] = part.places[n]
		}
		return s.BeforeSend(ctx, invites)
	}
	settle := func(n int, failure *exchange.Failure) SendOutcome {
		o := &s.outcomes[part.places[n]]
		switch verdict := d.Verdict(n); verdict {
		case evidence.Sent:
			o.Status, o.InviteID, o.Invite = OutcomeSent, made[n].ID, &made[n]
		case evidence.Refused:
			o.Status, o.Err = OutcomeRefused, refusal(o.Index, &o.Input, d.Refusal(n))
		case evidence.Unknown:
			o.Status, o.Err = OutcomeUnknown, failed(delivery.Because(failure, verdict))
		default:
			o.Status, o.Err = OutcomeNotSent, failed(delivery.Because(failure, verdict))
		}
		return *o
	}
	d.Settled = func(known []int) {
		outcomes := make([]SendOutcome, len(known))
		for k, n := range known {
			outcomes[k] = settle(n, nil)
			s.kept[part.places[n]] = true
		}
		s.report(ctx, outcomes)
	}
	failure := d.Run(ctx)
	for n, i := range part.places {
		if !s.kept[i] {
			settle(n, failure)
		}
	}
	return failure
}

// report passes outcomes on to Settled.
func (s *batchSending) report(ctx context.Context, outcomes []SendOutcome) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settledTimeout)
	defer cancel()
	if err := s.Settled(ctx, outcomes); err != nil && s.failed == nil {
		s.failed = err
	}
}

// Scope returns a hash of the platform and the environment, 32 hexadecimal digits: what a
// Client enqueues, another one with the same Scope may send. It is empty for a nil or zero
// Client.
func (c *Client) Scope() string {
	core, err := c.ready("")
	if err != nil {
		return ""
	}
	sum := sha256.Sum256([]byte(core.cfg.PlatformURL + "\x00" + core.cfg.EnvironmentID))
	return hex.EncodeToString(sum[:16])
}
