package roqriver_test

import (
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/inviteui"
	"github.com/go-roq/roq/roqtest"
)

// No statement of a worker reads a whole table, so that none takes longer in a larger
// campaign. Tables as small as here are read as a whole if that is allowed.
func TestPlans(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		open    func(t *testing.T) *database
		explain string
		columns int
		whole   *regexp.Regexp
	}{
		"SQLite": {sqlite, "EXPLAIN QUERY PLAN", 4, regexp.MustCompile(`^SCAN (roq_(invite|batch|webhook)|river_job|[biwj])$`)},
		"PostgreSQL": {func(t *testing.T) *database {
			t.Helper()
			return postgresWith(t, map[string]string{"enable_seqscan": "off"})
		}, "EXPLAIN", 1, regexp.MustCompile(`Seq Scan on (roq_(invite|batch|webhook)|river_job)\b`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := row.open(t)
			if err := db.migrate(t); err != nil {
				t.Fatal(err)
			}
			p := newPlatform(t, roqtest.WithBulkLimit(40))
			q := db.open(t)
			var mu sync.Mutex
			seen := map[string]bool{}
			q.Explain(row.explain, row.columns, func(sql, line string) {
				mu.Lock()
				defer mu.Unlock()
				seen[sql] = true
				if row.whole.MatchString(line) && !strings.HasSuffix(sql, "WHERE false") {
					t.Errorf("%s: %s", strings.Join(strings.Fields(sql), " "), line)
				}
			})
			work(t, q, p.client(t))
			p.Inject(roqtest.Fault{Operation: "sendUserInvites", Drop: roqtest.DropAfter, Times: 1})
			invite(t, q, p.campaign, people(250))
			if _, err := db.inviteTx(t, q, true, p.campaign, roq.UserInviteInput{Email: "alone@x.example"}); err != nil {
				t.Fatal(err)
			}
			until(t, q, "all are sent", settled(251))
			p.Inject(roqtest.Fault{Operation: "sendUserInvites", Status: 403})
			sends := pageSendsOf(t, q)
			id := enqueue(t, sends, p, append(people(150), roq.UserInviteInput{Email: "new@x.example"}))
			reported(t, sends, id, "it is stopped", func(r inviteui.Report) bool { return r.Err != nil })
			if err := sends.Cancel(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			reported(t, sends, id, "it is done", done)
			mu.Lock()
			defer mu.Unlock()
			if len(seen) < 30 {
				t.Errorf("%d statements were seen", len(seen))
			}
		})
	}
}
