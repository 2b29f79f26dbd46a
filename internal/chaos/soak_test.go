package chaos_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/go-roq/roq"
)

// lasting are the faults that a connection or an answer can have while a client is
// in use for long.
func lasting() []*fault {
	var pool []*fault
	for _, f := range faults() {
		// One that cancels the caller ends the call, which the soak is not about, and
		// one that lets a connection trickle only costs its time-out.
		if f.serve != nil && !f.tls && !f.tokens && f.number != "44" && f.number != "42" {
			pool = append(pool, f)
		}
	}
	return pool
}

// soakFault does one of them to one request in five, and to one list in five a 500.
func soakFault() *fault {
	pool := lasting()
	return &fault{number: "soak", name: "one request in five",
		serve: func(x *exchange) {
			if x.part(5) != 0 {
				x.write(x.process())
				return
			}
			pool[x.part(len(pool))].serve(x)
		},
		read: func(x *exchange) *httptest.ResponseRecorder {
			if x.part(5) != 0 {
				return x.process()
			}
			answer := httptest.NewRecorder()
			answer.Code = 500
			return answer
		},
	}
}

// A long run of many callers: every invite is mailed exactly once, or reported
// as unknown or not sent.
func TestSoak(t *testing.T) {
	t.Parallel()
	const callers, perCall = 64, 10
	invites := 2_000
	if *full {
		invites = 20_000
	}
	s := newScene(cell{fault: soakFault(), operation: opSend, when: every, callers: 1}, true)
	c := newSDK(s, roq.WithTimeout(2*attemptTimeout))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	if err := c.warm(ctx); err != nil {
		t.Fatal(err)
	}
	s.backend.gate.armed.Store(true)

	begin := time.Now()
	work := make(chan task)
	told := make(map[string]claim, invites)
	var mu sync.Mutex
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for one := range work {
				claims := c.call(ctx, one)
				mu.Lock()
				for i, address := range one.addresses {
					told[address] = claims[i]
				}
				mu.Unlock()
			}
		})
	}
	for n := 0; n < invites; n += perCall {
		one := task{operation: opSend, requestID: fmt.Sprintf("soak-%d", n), tenantID: s.user.TenantID}
		for i := range perCall {
			one.addresses = append(one.addresses, fmt.Sprintf("soak-%d@chaos.example", n+i))
		}
		work <- one
	}
	close(work)
	all.Wait()
	took := time.Since(begin)
	c.closeIdle()
	s.close()

	mailed := s.ledger.read().invited
	count := map[claim]int{}
	for address, claim := range told {
		count[claim]++
		n := mailed[address]
		if n > 1 || claim == claimDone && n != 1 || claim == claimFailed && n != 0 || claim == claimNothing || claim == claimWrong {
			t.Errorf("%s was mailed %d times and reported as %v", address, n, claim)
		}
	}
	// How many are sent depends on the machine, which may be busy with other tests.
	if len(told) != invites || *full && count[claimDone] < invites/2 {
		t.Errorf("%d of %d invites are accounted for, %d sent", len(told), invites, count[claimDone])
	}
	t.Logf("%d invites, %d callers, one request in five failing: %d sent, %d not sent, %d unknown, none twice, in %.1f s",
		invites, callers, count[claimDone], count[claimFailed], count[claimUnknown], took.Seconds())
}
