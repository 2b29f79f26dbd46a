package roq_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// batches returns how many invites each request to send them had.
func (b *backend) batches(t *testing.T) (sizes []int) {
	t.Helper()
	for _, r := range b.Requests() {
		if r.Operation != "sendUserInvites" {
			continue
		}
		var variables struct {
			Data struct{ UserInvites []any }
		}
		if err := json.Unmarshal(r.Variables, &variables); err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(variables.Data.UserInvites))
	}
	return sizes
}

// sent sends so many invites, all of which must go through, and returns the sizes of
// the batches.
func (b *backend) sent(t *testing.T, n int, name string, opts ...roq.CallOption) []int {
	t.Helper()
	before := len(b.batches(t))
	result, err := b.send(t.Context(), n, name, opts...)
	if err != nil || len(result.Success) != n {
		t.Fatalf("%s: %d of %d sent, %v", name, len(result.Success), n, err)
	}
	return b.batches(t)[before:]
}

// What one call has found out about the platform's limit, the next ones go by: of
// every identity, and streams.
func TestTheClientRemembersTheLimit(t *testing.T) {
	t.Parallel()
	b := newBackend(t, roqtest.WithBulkLimit(30))
	if got := b.sent(t, 100, "first"); !slices.Equal(got, []int{100, 50, 25, 25, 25, 25}) {
		t.Errorf("the first call's batches are %v", got)
	}
	if got := b.sent(t, 100, "second"); !slices.Equal(got, []int{25, 25, 25, 25}) {
		t.Errorf("the second call's batches are %v, want none refused", got)
	}
	if got := b.sent(t, 50, "third", roq.WithBatchSize(10)); !slices.Equal(got, []int{10, 10, 10, 10, 10}) {
		t.Errorf("of a call with a smaller size: %v", got)
	}
	before := len(b.batches(t))
	in := roq.SendAllUserInvitesInput{TenantID: b.tenant, UserInvites: func(yield func(roq.UserInviteInput, error) bool) {
		for i := range 60 {
			if !yield(roq.UserInviteInput{Email: fmt.Sprintf("fourth%d@example.com", i), CreatedByUserID: b.user.ID}, nil) {
				return
			}
		}
	}}
	for o, err := range b.client.AsSuperAdmin().SendAllUserInvites(t.Context(), in, roq.WithParallel(1)) {
		if err != nil || o.Status != roq.OutcomeSent {
			t.Fatalf("the stream: %+v, %v", o, err)
		}
	}
	if got := b.batches(t)[before:]; !slices.Equal(got, []int{25, 25, 10}) {
		t.Errorf("the stream's batches are %v", got)
	}
	// Another Client has learned nothing.
	b.client = newClient(t, b.Config())
	if got := b.sent(t, 40, "fifth"); got[0] != 40 {
		t.Errorf("another client's batches are %v", got)
	}
}

// Twenty batches in a row that were taken double it, and an hour makes it forgotten.
func TestTheLimitRises(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, []roqtest.Option{roqtest.WithBulkLimit(2)}, roq.WithBatchSize(4))
		b.sent(t, 4, "first") // 4, 2, 2
		for i := range 10 {
			if got := b.sent(t, 4, fmt.Sprint("call", i)); !slices.Equal(got, []int{2, 2}) {
				t.Fatalf("call %d: %v", i, got)
			}
		}
		if got := b.sent(t, 4, "larger"); !slices.Equal(got, []int{4, 2, 2}) {
			t.Errorf("after twenty batches: %v, want a larger one tried", got)
		}
		if got := b.sent(t, 4, "again"); !slices.Equal(got, []int{2, 2}) {
			t.Errorf("after that was refused: %v", got)
		}
		time.Sleep(time.Hour) //nolint:forbidigo // the bubble's clock
		if got := b.sent(t, 4, "later"); !slices.Equal(got, []int{4, 2, 2}) {
			t.Errorf("an hour later: %v", got)
		}
	})
}

// After a time-out of a full batch all calls send smaller ones; that a small one timed
// out says nothing about size.
func TestTheLimitAfterATimeout(t *testing.T) {
	t.Parallel()
	for n, want := range map[int][]int{100: {50, 50}, 99: {100}, 2: {100}, 1: {100}} {
		synctest.Test(t, func(t *testing.T) {
			b := newBubbled(t, nil)
			b.Inject(roqtest.Fault{Operation: "sendUserInvites", Times: 1, Status: 504})
			if _, err := b.send(t.Context(), n, "slow"); !errors.Is(err, roq.ErrOutcomeUnknown) {
				t.Fatalf("of %d: %v", n, err)
			}
			if got := b.sent(t, 100, "next"); !slices.Equal(got, want) {
				t.Errorf("after a time-out of %d: %v, want %v", n, got, want)
			}
		})
	}
}

// A few invites that are too large together for their content, and an invite that is
// too large alone, leave the others' batches as they are.
func TestLargeInvitesLowerNoLimit(t *testing.T) {
	t.Parallel()
	invite := inviting(t)
	requests := 0
	m := newMock(t, func(r *http.Request) (*http.Response, error) {
		requests++
		if r.ContentLength > 30_000 {
			return httpmock.NewStringResponse(413, "<html>"), nil
		}
		return invite(r)
	})
	p := m.client.AsUser(userID)
	for _, length := range []int{20_000, 40_000} { // too large for two, and for one
		in := invitation(addresses(4)...)
		for i := range in.UserInvites[:2] {
			in.UserInvites[i].Variables = map[string]any{"text": strings.Repeat("x", length)}
		}
		if _, err := p.SendUserInvites(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	requests = 0
	if sent, err := p.SendUserInvites(t.Context(), invitation(addresses(100)...)); err != nil || len(sent.Success) != 100 || requests != 1 {
		t.Errorf("%d requests, %v; want one", requests, err)
	}
}

// Calls side by side share what each of them finds out.
func TestConcurrentCallsShareTheLimit(t *testing.T) {
	t.Parallel()
	b := newBackend(t, roqtest.WithBulkLimit(10))
	b.sent(t, 20, "first") // 20, 10, 10
	before := len(b.batches(t))
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			if sent, err := b.send(t.Context(), 20, fmt.Sprint("call", i, "-")); err != nil || len(sent.Success) != 20 {
				t.Errorf("call %d: %v", i, err)
			}
		})
	}
	group.Wait()
	for _, size := range b.batches(t)[before:] {
		if size != 10 {
			t.Errorf("a batch has %d invites, want 10", size)
		}
	}
}
