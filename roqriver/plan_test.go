package roqriver_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// No statement of a worker reads a whole table, so that none takes longer in a larger
// campaign.
func TestPlans(t *testing.T) {
	t.Parallel()
	db := sqlite(t)
	if err := db.migrate(t); err != nil {
		t.Fatal(err)
	}
	p := newPlatform(t)
	q := db.open(t)
	var mu sync.Mutex
	seen := map[string]bool{}
	q.Explain(func(sql, detail string) {
		mu.Lock()
		defer mu.Unlock()
		seen[sql] = true
		for _, table := range []string{"roq_invite", "roq_batch", "b", "i", "roq_webhook", "w", "j", "river_job"} {
			if detail == "SCAN "+table && !strings.HasSuffix(sql, "WHERE false") {
				t.Errorf("%s: %s", strings.Join(strings.Fields(sql), " "), detail)
			}
		}
	})
	work(t, q, p.client(t))
	p.Inject(roqtest.Fault{Operation: "sendUserInvites", Drop: roqtest.DropAfter, Times: 1})
	invite(t, q, p.campaign, people(250))
	if _, err := db.inviteTx(t, q, true, p.campaign, roq.UserInviteInput{Email: "alone@x.example"}); err != nil {
		t.Fatal(err)
	}
	until(t, q, "all are sent", settled(251))
	mu.Lock()
	defer mu.Unlock()
	if len(seen) < 20 {
		t.Errorf("%d statements were seen", len(seen))
	}
}
