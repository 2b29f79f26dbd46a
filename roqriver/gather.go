package roqriver

import (
	"context"
	"slices"

	"github.com/riverqueue/river"

	"github.com/go-roq/roq/roqriver/internal/store"
)

// gatherSoon makes a job that makes batches of those who are without one.
func (q *Queue[TTx]) gatherSoon(ctx context.Context, tx TTx, c *campaign, trace string) error {
	_, err := q.river.InsertTx(ctx, tx, gatherArgs{c.id, trace}, &river.InsertOpts{ScheduledAt: c.now.Add(gatherAfter)})
	return err
}

// gather makes batches of those who were enqueued alone.
func (q *Queue[TTx]) gather(ctx context.Context, campaignID int64, trace string) error {
	for more := true; more; {
		err := q.db.Tx(ctx, func(tx TTx, conn store.Conn) error {
			// Of two that gather at once, one waits for the other.
			if _, err := conn.Exec(ctx, `UPDATE {campaign} SET name = name WHERE id = $1`, campaignID); err != nil {
				return err
			}
			c, err := findWhere(ctx, conn, "id = $1", campaignID)
			if err != nil {
				return err
			}
			var loose []string
			err = conn.Query(ctx, func(scan func(...any) error) error {
				loose = append(loose, "")
				return scan(&loose[len(loose)-1])
			}, `SELECT key FROM {invite} WHERE campaign_id = $1 AND batch_id IS NULL ORDER BY added_at LIMIT $2`, c.id, chunk)
			if more = len(loose) == chunk; err != nil || len(loose) == 0 {
				return err
			}
			ids, err := newBatches(ctx, conn, c, int((int64(len(loose))+c.batchSize-1)/c.batchSize), trace)
			if err != nil {
				return err
			}
			batches := map[int64]int64{}
			for some := range slices.Chunk(loose, int(c.batchSize)) {
				id := ids[len(batches)]
				batches[id] = int64(len(some))
				if err := fill(ctx, conn, c, id, some); err != nil {
					return err
				}
			}
			return q.start(ctx, tx, conn, batches)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// fill gives a batch its people, by their keys.
func fill(ctx context.Context, conn store.Conn, c *campaign, batch int64, keys []string) error {
	type place struct {
		Key string `json:"key"`
		N   int    `json:"n"`
	}
	places := make([]place, len(keys))
	for n, key := range keys {
		places[n] = place{key, n}
	}
	list, err := store.Rows(places)
	if err != nil {
		return err
	}
	in, err := store.Rows(keys)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, `UPDATE {invite} AS i SET batch_id = $2, n = r.n
		FROM {rows $3 key text, n bigint} WHERE i.campaign_id = $1 AND i.key {in $4} AND i.key = r.key`, c.id, batch, list, in)
	return err
}
