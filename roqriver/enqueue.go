package roqriver

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/riverqueue/river"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqriver/internal/store"
)

const (
	// maxPeople bounds one InviteTx.
	maxPeople = 10_000
	// chunk is how many people Invite enqueues in one transaction.
	chunk = 5_000
	// gatherAfter is how long few people wait for others to share a request with.
	gatherAfter = time.Second
	// maxTrace bounds what a tracer has kept with each batch.
	maxTrace = 4 << 10
)

// Enqueued is what was enqueued.
type Enqueued struct {
	// Added is how many people are new in the campaign.
	Added int
	// Known is how many were in the campaign already, or came before in the same call.
	Known int
	// Invalid is what is wrong with those who were not enqueued. The Index is the place in
	// the call or the stream.
	Invalid []roq.Finding
}

// InviteTx enqueues up to 10,000 people in a transaction of the application: they are
// invited if it is committed. The first call of a campaign begins it. People who are not
// valid are in Enqueued, and the others are enqueued. Fewer people than fill a request wait
// a second for others to share one with.
//
// It fails if the campaign is canceled, or is one of another tenant, inviter or scope. The
// transaction should then be rolled back.
func (q *Queue[TTx]) InviteTx(ctx context.Context, tx TTx, c Campaign, people ...roq.UserInviteInput) (Enqueued, error) {
	if err := q.checkInvite(c); err != nil {
		return Enqueued{}, err
	}
	if n := len(people); n > maxPeople {
		return Enqueued{}, fmt.Errorf("roqriver: InviteTx: there are %d people, must be at most %d: Invite takes any number: %w", n, maxPeople, roq.ErrInvalidInput)
	}
	return q.enqueue(ctx, tx, q.db.On(tx), c, people, 0)
}

// Invite enqueues any number of people, 5,000 in one transaction. If it is cut off, it
// returns what was enqueued until then; called again with the same people, it resumes.
func (q *Queue[TTx]) Invite(ctx context.Context, c Campaign, people iter.Seq2[roq.UserInviteInput, error]) (Enqueued, error) {
	var total Enqueued
	if err := q.checkInvite(c); err != nil {
		return total, err
	}
	if people == nil {
		return total, fmt.Errorf("roqriver: Invite: the people must not be nil: %w", roq.ErrInvalidInput)
	}
	first, some := 0, make([]roq.UserInviteInput, 0, chunk)
	flush := func() error {
		var added Enqueued
		err := q.db.Tx(ctx, func(tx TTx, conn store.Conn) (err error) {
			added, err = q.enqueue(ctx, tx, conn, c, some, first)
			return err
		})
		if err != nil {
			return err
		}
		total.Added, total.Known = total.Added+added.Added, total.Known+added.Known
		total.Invalid = append(total.Invalid, added.Invalid...)
		first, some = first+len(some), some[:0]
		return nil
	}
	for one, err := range people {
		if err != nil {
			return total, errors.Join(flush(), err) // those that came before it are enqueued
		}
		one.Roles = slices.Clone(one.Roles) // a stream may use one slice for all
		if some = append(some, one); len(some) == chunk {
			if err := flush(); err != nil {
				return total, err
			}
		}
	}
	return total, flush()
}

func (q *Queue[TTx]) checkInvite(c Campaign) error {
	if err := q.ready(); err != nil {
		return err
	}
	return c.check()
}

// newInvite is a person about to be enqueued.
type newInvite struct {
	Key   string `json:"key"`
	Batch *int64 `json:"batch"`
	N     int64  `json:"n"`
	Input string `json:"input"`
}

// enqueue adds people to a campaign, which begins with the first of them. The places of
// the people are counted from first.
func (q *Queue[TTx]) enqueue(ctx context.Context, tx TTx, conn store.Conn, in Campaign, people []roq.UserInviteInput, first int) (Enqueued, error) {
	c, err := q.begin(ctx, conn, in)
	if err != nil {
		return Enqueued{}, err
	}
	var result Enqueued
	invites, seen := make([]newInvite, 0, len(people)), make(map[string]bool, len(people))
	for i := range people {
		findings := check(&people[i], in.UserID)
		input, err := json.Marshal(people[i])
		if err != nil && findings == nil {
			findings = []roq.Finding{{Field: "Variables", Reason: "cannot be encoded as JSON"}}
		}
		if findings != nil {
			for _, f := range findings {
				f.Index = first + i
				result.Invalid = append(result.Invalid, f)
			}
			continue
		}
		key := c.key(people[i].Email)
		if seen[key] {
			result.Known++
			continue
		}
		seen[key] = true
		invites = append(invites, newInvite{Key: key, Input: string(input)})
	}
	valid := len(invites)
	if invites, err = fresh(ctx, conn, c, invites); err != nil {
		return Enqueued{}, err
	}
	if len(invites) > 0 {
		result.Added, err = q.add(ctx, tx, conn, c, invites)
	}
	result.Known += valid - result.Added
	return result, err
}

// check returns what is wrong with a person, nil if nothing is.
func check(in *roq.UserInviteInput, userID string) []roq.Finding {
	var findings []roq.Finding
	if err := in.Validate(); err != nil {
		findings = []roq.Finding{{Field: "UserInvites", Reason: "is not valid"}}
		if e := (*roq.Error)(nil); errors.As(err, &e) && len(e.Findings) > 0 {
			findings = e.Findings
		}
	}
	if userID == "" && in.CreatedByUserID == "" {
		findings = append(findings, roq.Finding{Field: "CreatedByUserID", Reason: "must not be empty in a campaign without a UserID"})
	}
	return findings
}

// begin returns the campaign, and makes it if it is new.
func (q *Queue[TTx]) begin(ctx context.Context, conn store.Conn, in Campaign) (*campaign, error) {
	c, err := find(ctx, conn, in.Name)
	if errors.Is(err, errNoCampaign) {
		if _, err = q.insert(ctx, conn, in); err == nil {
			c, err = find(ctx, conn, in.Name)
		}
	}
	if err != nil {
		return nil, err
	}
	var other string
	switch {
	case c.TenantID != in.TenantID:
		other = "is for another tenant"
	case c.UserID != in.UserID:
		other = "has another inviter"
	case c.scope != "" && q.opt.Scope != "" && c.scope != q.opt.Scope:
		other = "is for another platform or environment"
	case c.state == StateCanceled:
		other = "is canceled"
	default:
		return c, nil
	}
	return nil, fmt.Errorf("roqriver: the campaign %q %s: %w", in.Name, other, roq.ErrInvalidInput)
}

// insert makes a campaign if there is none of that name, and returns how many it has made.
func (q *Queue[TTx]) insert(ctx context.Context, conn store.Conn, in Campaign) (int64, error) {
	return conn.Exec(ctx, `INSERT INTO {campaign} (name, scope, tenant_id, user_id, salt, created_at)
		VALUES ($1, $2, $3, $4, $5, {now}) ON CONFLICT (name) DO NOTHING`, in.Name, q.opt.Scope, in.TenantID, in.UserID, rand.Text())
}

// key stands for a mailbox in a campaign. It is short because each row has it twice: the
// first 16 bytes of a SHA-256; collisions are negligible.
func (c *campaign) key(email string) string {
	mac := hmac.New(sha256.New, []byte(c.salt))
	mac.Write([]byte(roq.AddressKey(email)))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// fresh returns the invites that are not in the campaign yet.
func fresh(ctx context.Context, conn store.Conn, c *campaign, invites []newInvite) ([]newInvite, error) {
	keys := make([]string, len(invites))
	for i := range invites {
		keys[i] = invites[i].Key
	}
	list, err := store.Rows(keys)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	err = conn.Query(ctx, func(scan func(...any) error) error {
		var key string
		err := scan(&key)
		known[key] = true
		return err
	}, `SELECT key FROM {invite} WHERE campaign_id = $1 AND key {in $2}`, c.id, list)
	return slices.DeleteFunc(invites, func(i newInvite) bool { return known[i.Key] }), err
}

// add adds invites that are probably new, and returns how many were.
func (q *Queue[TTx]) add(ctx context.Context, tx TTx, conn store.Conn, c *campaign, invites []newInvite) (int, error) {
	loose := int64(len(invites)) < c.batchSize
	batches := map[int64]int64{}
	if !loose {
		sizes := make([]int64, (int64(len(invites))+c.batchSize-1)/c.batchSize)
		ids, err := newBatches(ctx, conn, c, len(sizes), q.trace(ctx))
		if err != nil {
			return 0, err
		}
		for i := range invites {
			id := &ids[int64(i)/c.batchSize]
			invites[i].Batch, invites[i].N = id, int64(i)%c.batchSize
			batches[*id] = 0
		}
	}
	// In the order of their keys, so that two transactions with the same people wait for
	// one another, and not each for the other.
	slices.SortFunc(invites, func(a, b newInvite) int { return bytes.Compare([]byte(a.Key), []byte(b.Key)) })
	list, err := store.Rows(invites)
	if err != nil {
		return 0, err
	}
	added := 0
	err = conn.Query(ctx, func(scan func(...any) error) error {
		var batch *int64
		if err := scan(&batch); err != nil {
			return err
		}
		if added++; batch != nil {
			batches[*batch]++
		}
		return nil
	}, `INSERT INTO {invite} (campaign_id, key, batch_id, n, input, added_at)
		SELECT $1, r.key, r.batch, r.n, r.input, {now} FROM {rows $2 key text, batch bigint, n bigint, input text} WHERE true
		ON CONFLICT (campaign_id, key) DO NOTHING RETURNING batch_id`, c.id, list)
	switch {
	case err != nil || added == 0 && loose:
		return 0, err
	case loose:
		return added, q.gatherSoon(ctx, tx, c, q.trace(ctx))
	default:
		return added, q.start(ctx, tx, conn, batches)
	}
}

// trace is what the tracer ties jobs to whoever enqueues with, as a batch's row has it.
func (q *Queue[TTx]) trace(ctx context.Context) string {
	if q.opt.Tracer == nil {
		return ""
	}
	encoded, err := json.Marshal(q.opt.Tracer.TraceEnqueue(ctx))
	if err != nil || len(encoded) > maxTrace {
		return ""
	}
	return string(encoded)
}

// newBatches makes n batches without people.
func newBatches(ctx context.Context, conn store.Conn, c *campaign, n int, trace string) ([]int64, error) {
	list, err := store.Rows(make([]struct{}, n))
	if err != nil {
		return nil, err
	}
	var ids []int64
	err = conn.Query(ctx, func(scan func(...any) error) error {
		ids = append(ids, 0)
		return scan(&ids[len(ids)-1])
	}, `INSERT INTO {batch} (campaign_id, people, ready_at, created_at, trace)
		SELECT $1, 0, {now}, {now}, $3 FROM {rows $2 n bigint} WHERE true RETURNING id`, c.id, list, trace)
	slices.Sort(ids)
	return ids, err
}

// start gives batches their people, by their id, and a job each. Without anybody a batch is
// deleted, so that nobody looks for its job.
func (q *Queue[TTx]) start(ctx context.Context, tx TTx, conn store.Conn, batches map[int64]int64) error {
	type size struct {
		ID     int64 `json:"id"`
		People int64 `json:"people"`
	}
	var sizes []size
	var ids []int64
	empty := false
	for id, people := range batches {
		sizes = append(sizes, size{id, people})
		if empty = empty || people == 0; people > 0 {
			ids = append(ids, id)
		}
	}
	list, err := store.Rows(sizes)
	if err != nil {
		return err
	}
	if empty {
		if _, err := conn.Exec(ctx, `DELETE FROM {batch} WHERE id IN (SELECT r.id FROM {rows $1 id bigint, people bigint} WHERE r.people = 0)`, list); err != nil {
			return err
		}
	}
	if _, err := conn.Exec(ctx, `UPDATE {batch} AS b SET people = r.people FROM {rows $1 id bigint, people bigint} WHERE b.id = r.id`, list); err != nil {
		return err
	}
	slices.Sort(ids)
	return q.insertJobs(ctx, tx, conn, ids, time.Time{})
}

// insertJobs makes a job for each batch, to run at once if at is zero.
func (q *Queue[TTx]) insertJobs(ctx context.Context, tx TTx, conn store.Conn, batches []int64, at time.Time) error {
	if len(batches) == 0 {
		return nil
	}
	params := make([]river.InsertManyParams, len(batches))
	for i, id := range batches {
		params[i] = river.InsertManyParams{Args: batchArgs{id}, InsertOpts: &river.InsertOpts{ScheduledAt: at}}
	}
	results, err := q.river.InsertManyTx(ctx, tx, params)
	if err != nil {
		return fmt.Errorf("roqriver: %w", err)
	}
	type pair struct {
		ID  int64 `json:"id"`
		Job int64 `json:"job"`
	}
	pairs := make([]pair, len(results))
	for i, r := range results {
		pairs[i] = pair{batches[i], r.Job.ID}
	}
	list, err := store.Rows(pairs)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, `UPDATE {batch} AS b SET job_id = r.job FROM {rows $1 id bigint, job bigint} WHERE b.id = r.id`, list)
	return err
}
