package roq_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// people is a stream of n people.
func people(n int, name string) iter.Seq2[roq.UserInviteInput, error] {
	return func(yield func(roq.UserInviteInput, error) bool) {
		for i := range n {
			if !yield(roq.UserInviteInput{Email: fmt.Sprintf("%s%d@example.com", name, i)}, nil) {
				return
			}
		}
	}
}

// streamOf is a stream of these addresses, and of an error at its end.
func streamOf(err error, emails ...string) iter.Seq2[roq.UserInviteInput, error] {
	return func(yield func(roq.UserInviteInput, error) bool) {
		for _, email := range emails {
			if !yield(roq.UserInviteInput{Email: email}, nil) {
				return
			}
		}
		if err != nil {
			yield(roq.UserInviteInput{}, err)
		}
	}
}

// sendAll sends a stream as the user, and returns the outcomes by index.
func (b *backend) sendAll(ctx context.Context, t testing.TB, stream iter.Seq2[roq.UserInviteInput, error], opts ...roq.StreamOption) ([]roq.SendOutcome, error) {
	t.Helper()
	return outcomesOf(t, b.client.AsUser(b.user.ID).SendAllUserInvites(ctx, roq.SendAllUserInvitesInput{TenantID: b.tenant, UserInvites: stream}, opts...))
}

// outcomesOf reads a stream of outcomes to its end. Each input must come out once.
func outcomesOf(t testing.TB, outcomes iter.Seq2[roq.SendOutcome, error]) (byIndex []roq.SendOutcome, last error) {
	t.Helper()
	for o, err := range outcomes {
		if last != nil {
			t.Fatalf("after the error %v came %v, %v", last, o.Status, err)
		}
		if err != nil {
			last = err
			continue
		}
		if (o.Err == nil) != (o.Status == roq.OutcomeSent) || (o.InviteID != "") != (o.Status == roq.OutcomeSent) {
			t.Errorf("input %d is %s with invite %q and error %v", o.Index, o.Status, o.InviteID, o.Err)
		}
		byIndex = append(byIndex, o)
	}
	slices.SortFunc(byIndex, func(a, b roq.SendOutcome) int { return a.Index - b.Index })
	for i, o := range byIndex {
		if o.Index != i {
			t.Fatalf("outcome %d is of input %d", i, o.Index)
		}
	}
	return byIndex, last
}

// statuses counts outcomes.
func statuses(outcomes []roq.SendOutcome) map[roq.OutcomeStatus]int {
	count := map[roq.OutcomeStatus]int{}
	for _, o := range outcomes {
		count[o.Status]++
	}
	return count
}

// mailedOnce reports whether exactly these addresses have one e-mail each.
func (b *backend) mailedOnce(t testing.TB, outcomes []roq.SendOutcome) {
	t.Helper()
	mails := map[string]int{}
	for _, m := range b.Outbox() {
		mails[strings.ToLower(m.To)]++
	}
	for _, o := range outcomes {
		n := mails[strings.ToLower(o.Input.Email)]
		var ok bool
		switch o.Status {
		case roq.OutcomeSent:
			ok = n == 1
		case roq.OutcomeUnknown, roq.OutcomeDuplicate:
			ok = n <= 1
		default:
			ok = n == 0
		}
		if !ok {
			t.Errorf("input %d is %s and was mailed %d times", o.Index, o.Status, n)
		}
	}
}

// Whatever an input is, it comes out once, with its outcome.
func TestSendAll(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	if _, err := b.send(t.Context(), 1, "guest"); err != nil {
		t.Fatal(err)
	}
	outcomes, err := b.sendAll(t.Context(), t, streamOf(nil,
		"new@example.com", "no address", "ANN@acme.example", "New@Example.com", "guest0@example.com", "no address", "other@example.com"))
	if err != nil {
		t.Fatalf("SendAllUserInvites: %v", err)
	}
	want := []struct {
		status roq.OutcomeStatus
		err    error
	}{
		{roq.OutcomeSent, nil},
		{roq.OutcomeRefused, roq.ErrInvalidInput},
		{roq.OutcomeRefused, roq.ErrAlreadyExists},
		{roq.OutcomeDuplicate, roq.ErrInvalidInput},
		{roq.OutcomeRefused, roq.ErrAlreadyInvited},
		{roq.OutcomeRefused, roq.ErrInvalidInput}, // each is told, and none is the other's duplicate
		{roq.OutcomeSent, nil},
	}
	if len(outcomes) != len(want) {
		t.Fatalf("%d outcomes, want %d", len(outcomes), len(want))
	}
	for i, w := range want {
		if o := outcomes[i]; o.Status != w.status || !errors.Is(o.Err, w.err) {
			t.Errorf("input %d is %s (%v), want %s (%v)", i, o.Status, o.Err, w.status, w.err)
		}
	}
	if first := outcomes[0]; first.Invite == nil || first.Invite.ID != first.InviteID || first.Invite.Email != "new@example.com" {
		t.Errorf("the invite sent is %+v", first.Invite)
	}
	if text := outcomes[3].Err.Error(); !strings.Contains(text, "address of input 0") || strings.Contains(text, "@") {
		t.Errorf("the duplicate says %q", text)
	}
	b.mailedOnce(t, slices.DeleteFunc(outcomes, func(o roq.SendOutcome) bool { return o.Index == 4 }))
}

// Many go in batches side by side, and refused ones leave the others alone.
func TestSendAllInBatches(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	outcomes, err := b.sendAll(t.Context(), t, people(1234, "person"), roq.WithBatchSize(50), roq.WithParallel(4))
	if got := statuses(outcomes); err != nil || got[roq.OutcomeSent] != 1234 {
		t.Fatalf("SendAllUserInvites = %v, %v; want 1234 sent", got, err)
	}
	sends := 0
	for _, r := range b.Requests() {
		if r.Operation == "sendUserInvites" {
			sends++
		}
	}
	if sends != 25 {
		t.Errorf("%d requests, want 25", sends)
	}
	b.mailedOnce(t, outcomes)
}

func TestSendAllOfNothing(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	if outcomes, err := b.sendAll(t.Context(), t, streamOf(nil)); len(outcomes) > 0 || err != nil {
		t.Errorf("of an empty stream came %v, %v", outcomes, err)
	}
	if n := len(b.Requests()); n > 0 {
		t.Errorf("%d requests for nobody", n)
	}
}

func TestSendAllRefuses(t *testing.T) {
	t.Parallel()
	m := newMock(t, inviting(t))
	user := m.client.AsUser(userID)
	for want, seq := range map[string]iter.Seq2[roq.SendOutcome, error]{
		"UserInvites: must not be nil":  user.SendAllUserInvites(t.Context(), roq.SendAllUserInvitesInput{TenantID: tenantID}),
		"TenantID: must not be empty":   user.SendAllUserInvites(t.Context(), roq.SendAllUserInvitesInput{UserInvites: people(1, "a")}),
		"Campaign: must be valid UTF-8": user.SendAllUserInvites(t.Context(), roq.SendAllUserInvitesInput{TenantID: tenantID, UserInvites: people(1, "a"), Campaign: "\xff"}),
		"Campaign: must not be longer":  user.SendAllUserInvites(t.Context(), roq.SendAllUserInvitesInput{TenantID: tenantID, UserInvites: people(1, "a"), Campaign: strings.Repeat("x", 257)}),
		"context is nil":                user.SendAllUserInvites(nil, roq.SendAllUserInvitesInput{TenantID: tenantID, UserInvites: people(1, "a")}), //nolint:staticcheck // that is the test
		"WithParallel(0)":               user.SendAllUserInvites(t.Context(), roq.SendAllUserInvitesInput{TenantID: tenantID, UserInvites: people(1, "a")}, roq.WithParallel(0)),
		"WithJournal: must not be nil":  user.SendAllUserInvites(t.Context(), roq.SendAllUserInvitesInput{TenantID: tenantID, UserInvites: people(1, "a")}, roq.WithJournal(nil)),
		"the session is nil":            m.client.AsSession(nil).SendAllUserInvites(t.Context(), roq.SendAllUserInvitesInput{TenantID: tenantID, UserInvites: people(1, "a")}),
	} {
		outcomes, err := outcomesOf(t, seq)
		if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, roq.ErrNotSent) || len(outcomes) > 0 {
			t.Errorf("SendAllUserInvites = %v, %v; want an error with %q", outcomes, err, want)
		}
	}
	if n := len(m.sent()); n > 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// What the stream gave before its error is sent, and the error comes as it is.
func TestSendAllStreamFails(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	broken := errors.New("line 3 is not CSV")
	outcomes, err := b.sendAll(t.Context(), t, streamOf(broken, "a@example.com", "b@example.com"))
	if err != broken { //nolint:errorlint // the very same
		t.Errorf("the error is %v, want the stream's own", err)
	}
	if got := statuses(outcomes); len(outcomes) != 2 || got[roq.OutcomeSent] != 2 {
		t.Errorf("the outcomes are %v, want both sent", got)
	}
}

// A batch that is too much for the platform is halved, for the others too.
func TestSendAllHalves(t *testing.T) {
	t.Parallel()
	b := newBackend(t, roqtest.WithBulkLimit(30))
	outcomes, err := b.sendAll(t.Context(), t, people(500, "person"), roq.WithBatchSize(100), roq.WithParallel(1))
	if got := statuses(outcomes); err != nil || got[roq.OutcomeSent] != 500 {
		t.Fatalf("SendAllUserInvites = %v, %v; want 500 sent", got, err)
	}
	refused := 0
	for _, r := range b.Requests() {
		if r.Operation == "sendUserInvites" && strings.Count(string(r.Variables), `"email"`) > 30 {
			refused++
		}
	}
	if refused != 2 { // of 100 and of 50, once
		t.Errorf("%d batches were too large, want 2", refused)
	}
}

// A batch that the platform is too slow for is settled, and those after it are half
// as large.
func TestSendAllHalvesAfterATimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := true
		b := newBubbled(t, nil, roq.WithTimeout(time.Second), roq.WithTransport(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				resp, err := next.RoundTrip(r)
				if slow && r.ContentLength > 4000 { // the first batch
					slow = false
					<-r.Context().Done()
					return nil, r.Context().Err()
				}
				return resp, err
			})
		}))
		outcomes, err := b.sendAll(t.Context(), t, people(160, "person"), roq.WithBatchSize(80), roq.WithParallel(1))
		if got := statuses(outcomes); err != nil || got[roq.OutcomeSent] != 160 {
			t.Fatalf("SendAllUserInvites = %v, %v; want 160 sent", got, err)
		}
		var sizes []int
		for _, r := range b.Requests() {
			if r.Operation == "sendUserInvites" {
				sizes = append(sizes, strings.Count(string(r.Variables), `"email"`))
			}
		}
		if !slices.Equal(sizes, []int{80, 40, 40}) {
			t.Errorf("batches of %v, want 80, 40, 40", sizes)
		}
		b.mailedOnce(t, outcomes)
	})
}

// The size rises again when the platform has caught up, but not to one that it has
// refused.
func TestSendAllGrowsAgain(t *testing.T) {
	t.Parallel()
	for limit, want := range map[int][]int{0: {80, 40, 80}, 50: {80, 40, 20, 40}} {
		synctest.Test(t, func(t *testing.T) {
			b := newBubbled(t, []roqtest.Option{roqtest.WithBulkLimit(limit)})
			n := 1
			if limit > 0 {
				n = 2 // the first is refused for its size
			}
			b.meddle = on("sendUserInvites", n, instead(504, ""))
			outcomes, err := b.sendAll(t.Context(), t, people(3000, "person"), roq.WithBatchSize(80), roq.WithParallel(1))
			if got := statuses(outcomes); err != nil || got[roq.OutcomeSent] != 3000 {
				t.Fatalf("SendAllUserInvites = %v, %v; want 3000 sent", got, err)
			}
			var sizes []int
			for _, r := range b.Requests() {
				if r.Operation == "sendUserInvites" {
					sizes = append(sizes, strings.Count(string(r.Variables), `"email"`))
				}
			}
			if sizes = slices.Compact(sizes[:len(sizes)-1]); !slices.Equal(sizes, want) {
				t.Errorf("batches of %v, want %v", sizes, want)
			}
		})
	}
}

// The client's rate holds for all its callers and attempts.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{0, -1, math.NaN(), math.Inf(1), 100_001} {
		if _, err := roq.New(config(), roq.WithRateLimit(rate)); err == nil {
			t.Errorf("WithRateLimit(%v) is taken", rate)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var at []time.Duration
		m := newMock(t, func(r *http.Request) (*http.Response, error) {
			at = append(at, time.Since(begin))
			return inviting(t)(r)
		}, roq.WithRateLimit(10))
		_, err := outcomesOf(t, m.client.AsUser(userID).SendAllUserInvites(t.Context(),
			roq.SendAllUserInvitesInput{TenantID: tenantID, UserInvites: people(50, "a")}, roq.WithBatchSize(5)))
		if err != nil || len(at) != 10 {
			t.Fatalf("%d requests, %v", len(at), err)
		}
		for i := range at { // behind two for the token
			if want := time.Duration(i+2) * 100 * time.Millisecond; at[i].Round(time.Millisecond) != want {
				t.Errorf("request %d left at %v, want %v", i, at[i], want)
			}
		}
	})
}

// Who waits for a Retry-After goes on at the client's rate afterwards.
func TestRateLimitFollowsRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var at []time.Duration
		m := newMock(t, func(*http.Request) (*http.Response, error) {
			at = append(at, time.Since(begin))
			resp := httpmock.NewStringResponse(200, `{"data":{"userInvite":`+invite+`}}`)
			if len(at) == 1 {
				resp = httpmock.NewStringResponse(429, "")
				resp.Header.Set("Retry-After", "5")
			}
			return resp, nil
		}, roq.WithRateLimit(10))
		done := make(chan error)
		for range 20 {
			go func() {
				_, err := m.client.AsSuperAdmin().UserInvite(t.Context(), inviteID)
				done <- err
			}()
		}
		for range 20 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		slices.Sort(at)
		for i := 1; i < len(at); i++ {
			if at[i] < at[0]+5*time.Second {
				t.Errorf("request %d left %v after the platform asked for 5 s", i, at[i]-at[0])
			}
			if i > 1 && at[i]-at[i-1] < 99*time.Millisecond {
				t.Errorf("request %d left %v after the one before", i, at[i]-at[i-1])
			}
		}
	})
}
