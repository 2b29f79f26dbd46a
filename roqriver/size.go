package roqriver

import (
	"context"
	"time"

	"github.com/go-roq/roq/roqriver/internal/store"
)

// requestSizes is what the requests of one batch say of how many invites the platform
// takes in one.
type requestSizes struct {
	last, fits, tooMany int
	// answered is whether anything is known of the last request: then the next one is not a
	// part of it.
	answered bool
	refused  bool
}

func (r *requestSizes) sending(n int) {
	if n < r.last && !r.answered && (r.tooMany == 0 || r.last < r.tooMany) {
		r.tooMany = r.last
	}
	r.last, r.answered = n, false
}

func (r *requestSizes) sent() { r.fits, r.answered = max(r.fits, r.last), true }

// between is how many invites are sent at once where so many fit, and so many are too
// many: in the middle, until that is near enough.
func between(fits, tooMany int64) int64 {
	if gap := tooMany - fits; gap > max(1, fits/8) {
		return max(1, fits+gap/2)
	}
	return fits
}

// learnSize keeps what the batch's requests say of the size that the platform takes, for
// batches that are sent later. A batch with a refusal says nothing: it may have been split
// to find who is the reason.
func (b *batch[TTx]) learnSize(ctx context.Context) error {
	c, fits, tooMany := b.campaign, int64(b.size.fits), int64(b.size.tooMany)
	if b.size.refused || tooMany == 0 && (c.tooMany == 0 || fits <= c.fits) {
		return nil
	}
	return b.queue.db.Tx(ctx, func(_ TTx, conn store.Conn) error {
		err := conn.Query(ctx, func(scan func(...any) error) error { return scan(&fits, &tooMany) }, `UPDATE {campaign} SET
			fits = CASE WHEN fits > $2 THEN fits ELSE $2 END,
			too_many = CASE WHEN $3 > 0 AND ($3 < too_many OR too_many = 0) THEN $3 ELSE too_many END
			WHERE id = $1 RETURNING fits, too_many`, c.id, fits, tooMany)
		if err != nil || tooMany == 0 {
			return err
		}
		if fits >= tooMany { // the platform takes less than before
			fits = 0
		}
		size := fits
		if fits == 0 {
			size = between(0, tooMany)
		}
		_, err = conn.Exec(ctx, `UPDATE {campaign} SET batch_size = $2, fits = $3, tried_at = 0 WHERE id = $1`, c.id, size, fits)
		return err
	})
}

// tryFor is how long others wait for a worker that tries a larger size.
const tryFor = 10 * time.Second

// requestSize returns how many invites go in one request; 0 if that is the Client's matter.
// While it is not known well what the platform takes, one worker at a time tries more than
// is known to fit.
func (b *batch[TTx]) requestSize(ctx context.Context) (int64, error) {
	c := b.campaign
	if c.tooMany == 0 {
		return 0, nil
	}
	larger := between(c.fits, c.tooMany)
	if larger == c.fits || c.fits == 0 || int64(len(b.invites)) < larger {
		return c.batchSize, nil
	}
	n, err := b.queue.db.Exec(ctx, `UPDATE {campaign} SET tried_at = {now} WHERE id = $1 AND fits = $2 AND too_many = $3 AND tried_at < {now} - $4`,
		c.id, c.fits, c.tooMany, tryFor.Microseconds())
	if n > 0 {
		return larger, nil
	}
	return c.batchSize, err
}

// trim leaves in a batch as many people as fill requests of the size that the platform
// takes. The others wait for those of other batches, so that they share a request.
func (b *batch[TTx]) trim(ctx context.Context, size int) error {
	waiting := len(b.invites)
	rest := waiting % max(size, 1)
	if size == 0 || waiting < size || rest == 0 || b.waiting() != int64(waiting) || len(b.left) > 0 || b.resend {
		return nil
	}
	first := b.invites[waiting-rest].n
	return b.queue.db.Tx(ctx, func(tx TTx, conn store.Conn) error {
		n, err := conn.Exec(ctx, `UPDATE {batch} SET people = people - $3 WHERE id = $1 AND fence = $2`, b.id, b.fence, rest)
		if err == nil && n == 0 {
			err = errLost
		}
		if err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, `UPDATE {invite} SET batch_id = NULL, n = 0 WHERE batch_id = $1 AND n >= $2 AND status = 'waiting'`, b.id, first); err != nil {
			return err
		}
		if err := b.queue.gatherSoon(ctx, tx, b.campaign, b.trace); err != nil {
			return err
		}
		b.people -= int64(rest)
		b.invites = b.invites[:waiting-rest]
		return nil
	})
}
