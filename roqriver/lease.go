package roqriver

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqriver/internal/store"
)

// batch is a batch that this worker has leased. Every write compares its fence: a worker
// that stood still for longer than its lease writes nothing.
type batch[TTx any] struct {
	queue    *Queue[TTx]
	campaign *campaign
	id       int64
	fence    int64

	people, sent, refused, unknown int64
	failures, looked               int64
	resend                         bool
	// now is the database's clock when the batch was read, ready since when it could be
	// taken.
	now, ready int64
	// trace is what the tracer knows whoever enqueued it by.
	trace string
	// left is when a request with the n-th invite left first, if it may have been
	// processed.
	left    map[int64]int64
	invites []leased

	// progress is whether anything was settled.
	progress bool
	size     requestSizes
}

// leased is an invite that has no final outcome.
type leased struct {
	n      int64
	input  roq.UserInviteInput
	status string
}

// The status of an invite that has no outcome. The others are those of roq.
const waiting = "waiting"

// take leases a batch. It returns nil if another worker has it, or if there is nothing to
// do with it now.
func (q *Queue[TTx]) take(ctx context.Context, id int64, scope string) (*batch[TTx], error) {
	c, err := findWhere(ctx, q.db, "id = (SELECT campaign_id FROM {batch} WHERE id = $1)", id)
	if errors.Is(err, errNoCampaign) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if c.scope == "" {
		if _, err := q.db.Exec(ctx, `UPDATE {campaign} SET scope = $2 WHERE id = $1 AND scope = ''`, c.id, scope); err != nil {
			return nil, err
		}
		if c, err = findWhere(ctx, q.db, "id = $1", c.id); err != nil {
			return nil, err
		}
	}
	if c.scope != scope {
		return nil, errScope
	}
	var b *batch[TTx]
	err = q.db.Query(ctx, func(scan func(...any) error) error {
		b = &batch[TTx]{queue: q, campaign: c, id: id}
		var resend int64
		var underWay string
		err := scan(&b.fence, &b.people, &b.sent, &b.refused, &b.unknown, &b.failures, &b.looked, &resend, &underWay, &b.trace, &b.ready, &b.now)
		if err == nil {
			b.resend = resend != 0
			b.left, err = parseUnderWay(underWay)
		}
		return err
	}, `UPDATE {batch} SET fence = fence + 1, lease_until = {now} + $2
		WHERE id = $1 AND lease_until < {now} AND ready_at < {now} + 1000000
		AND (under_way <> '' OR EXISTS (SELECT 1 FROM {campaign} c WHERE c.id = campaign_id AND c.state = 'open'))
		RETURNING fence, people, sent, refused, unknown, failures, looked, resend, under_way, trace, ready_at, {now}`, id, q.lease.Microseconds())
	if err != nil || b == nil {
		return nil, err
	}
	err = q.db.Query(ctx, func(scan func(...any) error) error {
		var one leased
		var input string
		if err := scan(&one.n, &input, &one.status); err != nil {
			return err
		}
		if _, under := b.left[one.n]; !under && c.state != StateOpen {
			return nil // it is not sent now
		}
		decoder := json.NewDecoder(strings.NewReader(input))
		decoder.UseNumber() // a large number in Variables stays what it is
		if err := decoder.Decode(&one.input); err != nil {
			return errUnreadable
		}
		b.invites = append(b.invites, one)
		return nil
	}, `SELECT n, input, status FROM {invite} WHERE batch_id = $1 AND status IN ('waiting', 'unknown') AND input <> '' ORDER BY n`, id)
	return b, err
}

func (b *batch[TTx]) waiting() int64 { return b.people - b.sent - b.refused - b.unknown }

func (b *batch[TTx]) inputs() []roq.UserInviteInput {
	inputs := make([]roq.UserInviteInput, len(b.invites))
	for i := range inputs {
		inputs[i] = b.invites[i].input
	}
	return inputs
}

// since is how long ago a request with each invite may have left, by the database's clock.
func (b *batch[TTx]) since() []time.Duration {
	since := make([]time.Duration, len(b.invites))
	for i := range since {
		since[i] = -1
		if at, ok := b.left[b.invites[i].n]; ok {
			since[i] = max(0, time.Duration(b.now-at)*time.Microsecond)
		}
	}
	return since
}

// keepLease renews the lease until it is told to stop, and ends the work if it is lost.
func (b *batch[TTx]) keepLease(ctx context.Context, lost context.CancelCauseFunc) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(b.queue.lease / 3)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			n, err := b.queue.db.Exec(ctx, `UPDATE {batch} SET lease_until = {now} + $3 WHERE id = $1 AND fence = $2`, b.id, b.fence, b.queue.lease.Microseconds())
			if err == nil && n == 0 {
				lost(errLost)
				return
			}
		}
	}()
	return func() { close(done); <-ended }
}

// beforeSend writes down that a request leaves, at the time of the database.
func (b *batch[TTx]) beforeSend(ctx context.Context, places []int) error {
	b.size.sending(len(places))
	n := make([]int64, len(places))
	for i, place := range places {
		n[i] = b.invites[place].n
	}
	slices.Sort(n)
	var underWay string
	written := false
	err := b.queue.db.Query(ctx, func(scan func(...any) error) error {
		written = true
		return scan(&underWay)
	}, `UPDATE {batch} SET under_way = under_way || CAST({now} AS TEXT) || CAST($3 AS TEXT), lease_until = {now} + $4
		WHERE id = $1 AND fence = $2 AND EXISTS (SELECT 1 FROM {campaign} c WHERE c.id = campaign_id AND c.state = 'open')
		RETURNING under_way`, b.id, b.fence, " "+ranges(n)+";", b.queue.lease.Microseconds())
	if err != nil {
		return storage(err)
	}
	if !written {
		return b.whyNot(ctx)
	}
	if b.left, err = parseUnderWay(underWay); err != nil {
		return storage(err)
	}
	return nil
}

// whyNot is why a write of this worker changed nothing.
func (b *batch[TTx]) whyNot(ctx context.Context) error {
	why := errLost
	err := b.queue.db.Query(ctx, func(scan func(...any) error) error {
		var fence int64
		err := scan(&fence)
		if fence == b.fence {
			why = errNotOpen
		}
		return err
	}, `SELECT fence FROM {batch} WHERE id = $1`, b.id)
	if err != nil {
		return storage(err)
	}
	return why
}

// settleAgain writes outcomes down that could not be written because the database was
// away. They include those whose request did not leave for that reason: without it, they
// would be under way.
func (b *batch[TTx]) settleAgain(ctx context.Context, outcomes []roq.SendOutcome) {
	for errors.Is(b.settled(ctx, outcomes), errStorage) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// settlement is an outcome as it is written down.
type settlement struct {
	N        int64  `json:"n"`
	Status   string `json:"status"`
	InviteID string `json:"invite_id"`
	Code     string `json:"code"`
	Message  string `json:"message"`
}

// settled writes outcomes down. Who was not sent waits on, and is not under way any more.
func (b *batch[TTx]) settled(ctx context.Context, outcomes []roq.SendOutcome) error {
	list := make([]settlement, 0, len(outcomes))
	for i := range outcomes {
		o, invite := &outcomes[i], &b.invites[outcomes[i].Index]
		s := settlement{N: invite.n, Status: string(o.Status), InviteID: clean(o.InviteID)}
		switch o.Status {
		case roq.OutcomeSent:
			b.size.sent()
		case roq.OutcomeUnknown:
			b.size.answered = true
			s.Message = clean(o.Err.Error())
		case roq.OutcomeRefused, roq.OutcomeDuplicate:
			s.Status = string(roq.OutcomeRefused)
			s.Message = clean(o.Err.Error())
			if e := (roq.UserInviteError{}); errors.As(o.Err, &e) {
				s.Code, s.Message = clean(e.Code), clean(e.Message)
			}
			b.size.refused = true
		default:
			if invite.status == waiting {
				delete(b.left, invite.n)
			}
			continue
		}
		if s.Status != string(roq.OutcomeUnknown) {
			b.progress = true
			delete(b.left, invite.n)
		}
		list = append(list, s)
	}
	return b.write(ctx, list, "")
}

// write changes invites and the batch together: it is done as a whole, or not at all.
func (b *batch[TTx]) write(ctx context.Context, list []settlement, also string) error {
	places := make(map[int64]*leased, len(b.invites))
	for i := range b.invites {
		places[b.invites[i].n] = &b.invites[i]
	}
	sent, refused, unknown := b.sent, b.refused, b.unknown
	count := func(status string, by int64) {
		switch status {
		case string(roq.OutcomeSent):
			sent += by
		case string(roq.OutcomeRefused):
			refused += by
		case string(roq.OutcomeUnknown):
			unknown += by
		}
	}
	for _, s := range list {
		count(places[s.N].status, -1)
		count(s.Status, +1)
	}
	rows, err := store.Rows(list)
	if err != nil {
		return storage(err)
	}
	err = b.queue.db.Tx(ctx, func(_ TTx, conn store.Conn) error {
		n, err := conn.Exec(ctx, `UPDATE {batch} SET under_way = $3, sent = $4, refused = $5, unknown = $6, settled_at = {now}`+also+` WHERE id = $1 AND fence = $2`,
			b.id, b.fence, formatUnderWay(b.left), sent, refused, unknown)
		if err == nil && n == 0 {
			err = errLost
		}
		if err != nil || len(list) == 0 {
			return err
		}
		_, err = conn.Exec(ctx, `UPDATE {invite} AS i SET status = r.status, invite_id = r.invite_id, code = r.code, message = r.message, settled_at = {now}
			FROM {rows $2 n bigint, status text, invite_id text, code text, message text} WHERE i.batch_id = $1 AND i.n = r.n`, b.id, rows)
		return err
	})
	if err != nil {
		return storage(err)
	}
	b.sent, b.refused, b.unknown = sent, refused, unknown
	for _, s := range list {
		places[s.N].status = s.Status
	}
	return nil
}

// giveUpUnknown makes those wait again who were looked for and not found, because somebody
// has decided that they are sent again.
func (b *batch[TTx]) giveUpUnknown(ctx context.Context, outcomes []roq.SendOutcome) error {
	var list []settlement
	for i := range outcomes {
		o := &outcomes[i]
		if o.Status != roq.OutcomeUnknown {
			continue
		}
		if errors.Is(o.Err, roq.ErrUnavailable) || errors.Is(o.Err, roq.ErrRateLimited) || errors.Is(o.Err, context.Canceled) || errors.Is(o.Err, context.DeadlineExceeded) || isFinal(o.Err) {
			return nil // they were not looked for; next time
		}
		n := b.invites[o.Index].n
		delete(b.left, n)
		list = append(list, settlement{N: n, Status: waiting})
	}
	return b.write(ctx, list, ", resend = 0")
}

// stopCampaign stops the campaign, so that a person looks at it. It does not if somebody has
// looked at it since the batch was taken: what failed then need not fail now.
func (b *batch[TTx]) stopCampaign(ctx context.Context, failure error) (stopped bool, err error) {
	cause := ""
	if errors.Is(failure, roq.ErrForbidden) {
		cause = causeForbidden
	}
	n, err := b.queue.db.Exec(ctx, `UPDATE {campaign} SET state = 'stopped', reason = $2, cause = $3 WHERE id = $1 AND state = 'open' AND resumes = $4`,
		b.campaign.id, reason(failure), cause, b.campaign.resumes)
	return n > 0, err
}

// rest means that a batch has nothing to do.
const rest = time.Duration(-1)

// release gives back the lease. The batch is taken up again after a time by a job or,
// without one, when the campaign is resumed.
func (b *batch[TTx]) release(ctx context.Context, next time.Duration, job bool) error {
	return b.queue.db.Tx(ctx, func(tx TTx, conn store.Conn) error {
		if !job && b.waiting() > 0 {
			open, err := b.resumed(ctx, conn)
			if err != nil {
				return err
			}
			if open {
				next, job = max(next, 0), true
			}
		}
		var ready any // NULL means that nothing is to be done
		if next != rest {
			ready = next.Microseconds()
		}
		var at int64 = -1
		err := conn.Query(ctx, func(scan func(...any) error) error { return scan(&at) },
			`UPDATE {batch} SET lease_until = 0, ready_at = {now} + CAST($3 AS BIGINT), failures = $4, looked = $5 WHERE id = $1 AND fence = $2 RETURNING coalesce(ready_at, 0)`,
			b.id, b.fence, ready, b.failures, b.looked)
		switch {
		case err != nil:
			return err
		case at < 0:
			return errLost
		case !job || next == rest:
			return nil
		}
		return b.queue.insertJobs(ctx, tx, conn, []int64{b.id}, time.UnixMicro(at))
	})
}

// resumed reports whether the campaign is open, although it was not when the batch was
// taken. It keeps Resume waiting until the lease is given back: until then Resume does not
// see the batch.
func (b *batch[TTx]) resumed(ctx context.Context, conn store.Conn) (bool, error) {
	var state State
	err := conn.Query(ctx, func(scan func(...any) error) error { return scan(&state) },
		`UPDATE {campaign} SET resumes = resumes WHERE id = $1 RETURNING state`, b.campaign.id)
	return state == StateOpen, err
}
