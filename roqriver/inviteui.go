package roqriver

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/inviteui"
	"github.com/go-roq/roq/roqriver/internal/store"
)

const (
	// pageSends begins the names of a page's campaigns. In traces and metrics all of them
	// have this name.
	pageSends = "inviteui"
	// maxOthers bounds the outcomes in a report. maxOthersYet bounds them while the send is
	// not done: an open page reads the report every second.
	maxOthers, maxOthersYet = 100_000, 1_000
	// settleFor bounds the time to find out whether a transaction was committed.
	settleFor = 5 * time.Second
)

// sendID matches the Key of a [inviteui.Send] and what [rand.Text] returns: no other
// campaign can be read as a send.
var sendID = regexp.MustCompile(`^[A-Z2-7]{26,64}$|^[0-9a-f]{64}$`)

// InviteUI returns the queue for an invitation page: for [inviteui.WithQueue]. The
// processes that call [Queue.Work] do the page's sends of more than 100 people. Every
// process with the page and this database shows the progress and the report of each send,
// and can stop it.
//
// Each send is a campaign of its own, with the tenant and the user of the send. Its name is
// "inviteui/" and the id of the report, which is the Key of the send: a form that is sent
// twice, to any instances, is one campaign. All people of a send are enqueued in one
// transaction: if Enqueue fails, nobody is invited. A person in two sends is invited twice
// if the platform allows second invites.
//
// A send is done when each person has an outcome. It is also done when it is canceled and
// no request is in flight. Unknown outcomes are looked for again after that
// ([WithLookUps]), and the report then changes. A send whose campaign is stopped is not
// done: its report has an error, which is [roq.ErrForbidden] if the platform does not let
// the inviter send. [Queue.Resume] continues it, and Cancel ends it.
//
// A report has the outcomes of up to 100,000 people who were not mailed, or of 1,000 while
// the send is not done. Addresses and names stay in the database until [Queue.Forget], and
// after that a report has the counts only. There is no report with an unknown id: that is
// [roq.ErrNotFound].
//
// The queue also has the method Cancel, for the page's button.
func (q *Queue[TTx]) InviteUI() inviteui.Queue { return &pageQueue[TTx]{q} }

// pageQueue is a Queue as a page needs it.
type pageQueue[TTx any] struct{ queue *Queue[TTx] }

// Enqueue implements [inviteui.Queue].
func (p *pageQueue[TTx]) Enqueue(ctx context.Context, send inviteui.Send) (string, error) {
	q, id := p.queue, cmp.Or(send.Key, rand.Text())
	if !sendID.MatchString(id) {
		return "", fmt.Errorf("roqriver: Enqueue: Send.Key: must be 64 hexadecimal digits: %w", roq.ErrInvalidInput)
	}
	rest, err := json.Marshal(send.Refused)
	if err != nil {
		return "", fmt.Errorf("roqriver: Enqueue: Send.Refused: cannot be encoded as JSON: %w", roq.ErrInvalidInput)
	}
	c := Campaign{Name: pageSends + "/" + id, TenantID: send.TenantID, UserID: send.UserID}
	if err := q.checkInvite(c); err != nil {
		return "", err
	}
	if len(send.UserInvites) == 0 {
		return "", fmt.Errorf("roqriver: Enqueue: Send.UserInvites: must not be empty: %w", roq.ErrInvalidInput)
	}
	err = q.db.Tx(ctx, func(tx TTx, conn store.Conn) error {
		if n, err := q.insert(ctx, conn, c); err != nil || n == 0 {
			return err // without one, the form was sent before
		}
		if len(send.Refused) > 0 {
			if _, err := conn.Exec(ctx, `UPDATE {campaign} SET rest = $2, rest_people = $3 WHERE name = $1`, c.Name, string(rest), len(send.Refused)); err != nil {
				return err
			}
		}
		first := 0
		for some := range slices.Chunk(send.UserInvites, chunk) {
			added, err := q.enqueue(ctx, tx, conn, c, some, first)
			if err != nil {
				return err
			}
			if len(added.Invalid) > 0 {
				return fmt.Errorf("roqriver: Enqueue: Send.%v: %w", added.Invalid[0], roq.ErrInvalidInput)
			}
			first += len(some)
		}
		return nil
	})
	if err != nil && !errors.Is(err, roq.ErrInvalidInput) && q.begun(ctx, c) {
		err = nil
	}
	if err != nil {
		return "", err
	}
	return id, nil
}

// errUndone rolls back a transaction that only finds something out.
var errUndone = errors.New("roqriver: the transaction is rolled back")

// begun reports whether a campaign was committed although its transaction returned an
// error: the context or the connection may have ended during the commit.
func (q *Queue[TTx]) begun(ctx context.Context, c Campaign) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleFor)
	defer cancel()
	there := false
	_ = q.db.Tx(ctx, func(_ TTx, conn store.Conn) error {
		// An insert waits until the database has ended the other transaction. A read would
		// not.
		n, err := q.insert(ctx, conn, c)
		there = err == nil && n == 0
		return errUndone
	})
	return there
}

// find returns the campaign of a send.
func (p *pageQueue[TTx]) find(ctx context.Context, id string) (*campaign, error) {
	if err := p.queue.ready(); err != nil {
		return nil, err
	}
	err := errNoCampaign
	if sendID.MatchString(id) {
		var c *campaign
		if c, err = find(ctx, p.queue.db, pageSends+"/"+id); err == nil {
			return c, nil
		}
	}
	if errors.Is(err, errNoCampaign) {
		err = fmt.Errorf("roqriver: there is no send with this id: %w", roq.ErrNotFound)
	}
	return nil, err
}

// Cancel ends a send: those who were not sent to are not invited. Requests in flight end.
func (p *pageQueue[TTx]) Cancel(ctx context.Context, id string) error {
	c, err := p.find(ctx, id)
	if err != nil {
		return err
	}
	return p.queue.Cancel(ctx, c.Name)
}

// Report implements [inviteui.Queue].
func (p *pageQueue[TTx]) Report(ctx context.Context, id string) (inviteui.Report, error) {
	q := p.queue
	c, err := p.find(ctx, id)
	if err != nil {
		return inviteui.Report{}, err
	}
	// This is read before the counts. A request that leaves or ends in between is then
	// either that of a batch with a worker, or its outcomes are in the counts.
	var inFlight int
	if c.state == StateCanceled {
		if inFlight, err = q.inFlight(ctx, c); err != nil {
			return inviteui.Report{}, err
		}
	}
	n, err := q.count(ctx, c)
	if err != nil {
		return inviteui.Report{}, err
	}
	r := inviteui.Report{
		TenantID: c.TenantID, UserID: c.UserID, Started: c.created,
		Total: int(n.people), Handled: int(n.people - n.waiting()), Sent: int(n.sent),
	}
	limit, notSent := maxOthersYet, false
	switch {
	case n.waiting() == 0:
		r.Done = true
	case c.state == StateCanceled && inFlight == 0 && n.held == 0:
		r.Done, r.Handled, notSent = true, r.Total, true
		r.Err = fmt.Errorf("roqriver: the send was canceled: %w", context.Canceled)
	case c.state == StateStopped:
		r.Err = c.stopped()
	}
	if r.Done {
		limit = maxOthers
	}
	rest, people, err := q.rest(ctx, c, r.Done)
	if err != nil {
		return inviteui.Report{}, err
	}
	r.Total, r.Handled = r.Total+people, r.Handled+people
	others, err := q.others(ctx, c, limit, notSent)
	r.Others = slices.Concat(rest, others)
	return r, err
}

// rest returns how many people of a send were not enqueued because they are not valid, and
// with list also who. The database does not have the reasons, which follow from the input.
func (q *Queue[TTx]) rest(ctx context.Context, c *campaign, list bool) (outcomes []roq.SendOutcome, people int, err error) {
	var encoded string
	err = q.db.Query(ctx, func(scan func(...any) error) error { return scan(&people) }, `SELECT rest_people FROM {campaign} WHERE id = $1`, c.id)
	if err != nil || !list || people == 0 {
		return nil, people, err
	}
	err = q.db.Query(ctx, func(scan func(...any) error) error { return scan(&encoded) }, `SELECT rest FROM {campaign} WHERE id = $1`, c.id)
	if err != nil || encoded == "" {
		return nil, people, err
	}
	var refused []roq.UserInviteInput
	if json.Unmarshal([]byte(encoded), &refused) != nil {
		return nil, people, errUnreadable
	}
	for _, in := range refused[:min(len(refused), maxOthers)] {
		outcomes = append(outcomes, roq.SendOutcome{Input: in, Status: roq.OutcomeRefused, Err: cmp.Or(in.Validate(), roq.ErrInvalidInput)})
	}
	return outcomes, people, nil
}

// inFlight returns how many people of a campaign are in requests that have left and have
// no outcome, whether their worker is alive or not.
func (q *Queue[TTx]) inFlight(ctx context.Context, c *campaign) (int, error) {
	n := 0
	err := q.db.Query(ctx, func(scan func(...any) error) error {
		var underWay string
		var unknown int
		if err := scan(&underWay, &unknown); err != nil {
			return err
		}
		left, err := parseUnderWay(underWay)
		n += max(0, len(left)-unknown) // unknown ones stay under way
		return err
	}, `SELECT under_way, unknown FROM {batch} WHERE campaign_id = $1 AND under_way <> ''`, c.id)
	return n, err
}

// pageError is an error that was kept in the database as text.
type pageError struct {
	text  string
	kinds []error
}

func (e *pageError) Error() string { return e.text }

func (e *pageError) Unwrap() []error { return e.kinds }

// stopped returns why a campaign is stopped.
func (c *campaign) stopped() error {
	err := &pageError{text: "roqriver: the send is stopped: " + c.reason}
	if c.cause == causeForbidden {
		err.kinds = []error{roq.ErrForbidden}
	}
	return err
}

// why returns why somebody was not mailed.
func why(o *roq.SendOutcome, code, message string) error {
	switch o.Status {
	case roq.OutcomeRefused:
		return roq.UserInviteError{Email: o.Input.Email, FirstName: o.Input.FirstName, LastName: o.Input.LastName, Code: code, Message: message}
	case roq.OutcomeUnknown: // no usable response came
		return &pageError{message, []error{roq.ErrOutcomeUnknown, roq.ErrUnavailable}}
	default:
		return roq.ErrNotSent
	}
}

// others returns up to limit outcomes of those who were not mailed, about in the order in
// which they were enqueued. With notSent, they include those who wait.
func (q *Queue[TTx]) others(ctx context.Context, c *campaign, limit int, notSent bool) ([]roq.SendOutcome, error) {
	statuses, without := "'refused', 'unknown'", "refused + unknown"
	if notSent {
		statuses, without = statuses+", 'waiting'", "people - sent"
	}
	batches, err := q.batchesWith(ctx, c, without, limit)
	if err != nil {
		return nil, err
	}
	type placed struct {
		roq.SendOutcome
		batch, n int64
	}
	var found []placed
	read := func(scan func(...any) error) error {
		var one placed
		var input, code, message string
		if err := scan(&one.batch, &one.n, &input, &one.Status, &code, &message); err != nil {
			return err
		}
		if json.Unmarshal([]byte(input), &one.Input) != nil {
			return errUnreadable
		}
		if one.Status == waiting {
			one.Status = roq.OutcomeNotSent
		}
		one.Err = why(&one.SendOutcome, code, message)
		found = append(found, one)
		return nil
	}
	const columns = `SELECT coalesce(batch_id, 0), n, input, status, code, message FROM {invite} `
	if len(batches) > 0 {
		list, err := store.Rows(batches)
		if err != nil {
			return nil, err
		}
		if err := q.db.Query(ctx, read, columns+`WHERE batch_id IN (SELECT r.id FROM {rows $1 id bigint})
			AND status IN (`+statuses+`) AND input <> '' LIMIT $2`, list, limit); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(found, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.batch, b.batch), cmp.Compare(a.n, b.n))
	})
	if rest := limit - len(found); notSent && rest > 0 {
		if err := q.db.Query(ctx, read, columns+`WHERE campaign_id = $1 AND batch_id IS NULL AND input <> '' LIMIT $2`, c.id, rest); err != nil {
			return nil, err
		}
	}
	outcomes := make([]roq.SendOutcome, len(found))
	for i := range found {
		outcomes[i] = found[i].SendOutcome
	}
	return outcomes, nil
}

// someBatch is a batch, and how many people in it are looked for.
type someBatch struct {
	ID     int64 `json:"id"`
	people int
}

// batchesWith returns the first batches of a campaign that together have limit of the
// people whom an expression counts. They say where to look, so that a report does not take
// longer if more people were mailed.
func (q *Queue[TTx]) batchesWith(ctx context.Context, c *campaign, people string, limit int) ([]someBatch, error) {
	var all []someBatch
	err := q.db.Query(ctx, func(scan func(...any) error) error {
		var b someBatch
		err := scan(&b.ID, &b.people)
		all = append(all, b)
		return err
	}, `SELECT id, `+people+` FROM {batch} WHERE campaign_id = $1 AND `+people+` > 0`, c.id)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b someBatch) int { return cmp.Compare(a.ID, b.ID) })
	n := 0
	for i := range all {
		if n += all[i].people; n >= limit {
			return all[:i+1], nil
		}
	}
	return all, nil
}
