package roq_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// A loop that is left while the platform cannot be reached does not wait for it, and
// nobody is mailed afterwards.
func TestSendAllBrokenInAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		up := true
		b := newPiped(t, nil, func() bool { return up || time.Since(begin) > 10*time.Minute })
		for o, err := range b.client.AsUser(b.user.ID).SendAllUserInvites(t.Context(),
			roq.SendAllUserInvitesInput{TenantID: b.tenant, UserInvites: people(50, "a")}, roq.WithBatchSize(5), roq.WithParallel(1)) {
			if err != nil || o.Status != roq.OutcomeSent {
				t.Fatalf("%v, %v", o.Status, err)
			}
			up = false
			if o.Index == 4 {
				time.Sleep(time.Minute) //nolint:forbidigo // in a bubble: the next batch is being tried
				break
			}
		}
		took, mails := time.Since(begin), len(b.Outbox())
		if took > 2*time.Minute {
			t.Errorf("it took %v", took)
		}
		time.Sleep(time.Hour) //nolint:forbidigo // in a bubble
		if later := len(b.Outbox()); mails != 5 || later != mails {
			t.Errorf("%d e-mails at the end, %d later; want 5", mails, later)
		}
	})
}

// What waits for its turn when the context ends does not leave any more.
func TestSendAllCanceledBeforeTheirTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, nil, roq.WithRateLimit(0.5))
		ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
		defer cancel()
		outcomes, err := b.sendAll(ctx, t, people(80, "a"), roq.WithBatchSize(10))
		if got := statuses(outcomes); !errors.Is(err, context.DeadlineExceeded) || got[roq.OutcomeSent] != 30 || got[roq.OutcomeUnknown] > 0 {
			t.Errorf("%v, %v; want 30 sent and none unknown", got, err)
		}
		b.mailedOnce(t, outcomes)
	})
}

// A context that ends while the last batch is tried says so.
func TestSendAllCutShort(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b *bubbled
		b = newPiped(t, nil, func() bool { return len(b.Outbox()) == 0 })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		outcomes, err := b.sendAll(ctx, t, people(10, "a"), roq.WithBatchSize(5), roq.WithParallel(1))
		if got := statuses(outcomes); !errors.Is(err, context.DeadlineExceeded) || got[roq.OutcomeSent] != 5 || got[roq.OutcomeNotSent] != 5 {
			t.Errorf("%v, %v; want half of them and the context's error", got, err)
		}
	})
}

// One batch in a campaign that nothing comes of any more does not keep it for ever,
// whatever has come of it before.
func TestSendAllGivesUpHalfOfABatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sends := 0
		var b *bubbled
		b = newPiped(t, []roqtest.Option{roqtest.WithBulkLimit(5)}, func() bool {
			sends = 0
			for _, r := range b.Requests() {
				if r.Operation == "sendUserInvites" {
					sends++
				}
			}
			return sends < 2 // one is refused for its size, one is sent
		})
		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Hour)
		defer cancel()
		outcomes, err := b.sendAll(ctx, t, people(10, "a"))
		if got := statuses(outcomes); !errors.Is(err, roq.ErrUnavailable) || got[roq.OutcomeSent] != 5 || got[roq.OutcomeNotSent] != 5 {
			t.Errorf("%v, %v; want half of them sent", got, err)
		}
		if took := time.Since(begin); took < 5*time.Minute || took > 7*time.Minute {
			t.Errorf("it took %v, want five minutes of patience", took)
		}
	})
}

// Parts of a batch that stay unknown count as batches do.
func TestSendAllGivesUpOnUnknownParts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, []roqtest.Option{roqtest.WithBulkLimit(5)})
		answered := 0
		b.meddle = func(operation string, resp *http.Response) *http.Response {
			if operation != "sendUserInvites" {
				return resp
			}
			if len(b.Outbox()) > 0 {
				answered++
			}
			if answered > 1 {
				for _, i := range b.Invites()[5:] {
					_ = b.Remove(i.ID) // it was not processed after all
				}
				return instead(500, "")(resp)
			}
			return resp
		}
		outcomes, err := b.sendAll(t.Context(), t, people(100, "a"))
		if got := statuses(outcomes); err == nil || got[roq.OutcomeUnknown] > 60 || got[roq.OutcomeSent] != 5 {
			t.Errorf("%v, %v; want an end after five parts", got, err)
		}
	})
}

// A stream that panics does so in the loop, where it can be recovered from.
func TestSendAllStreamPanics(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	defer func() {
		if v := recover(); v != "in the stream" {
			t.Errorf("recovered %v", v)
		}
	}()
	_, _ = b.sendAll(t.Context(), t, func(yield func(roq.UserInviteInput, error) bool) {
		if yield(roq.UserInviteInput{Email: "a@example.com"}, nil) {
			panic("in the stream")
		}
	})
}

// A transport that panics does so in the loop too.
func TestPanicsOfTheTransport(t *testing.T) {
	t.Parallel()
	m := newMock(t, (&changing{rows: rows(100)}).serve, roq.WithTransport(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPost && r.ContentLength > 300 {
				panic("in the transport")
			}
			return next.RoundTrip(r)
		})
	}))
	for name, call := range map[string]func(){
		"a list": func() {
			for _, err := range m.client.AsUser(userID).AllUserInvites(t.Context(), roq.UserInvitesQuery{Limit: 10}, roq.WithParallel(1)) {
				if err != nil {
					t.Error(err)
				}
			}
		},
		"a stream": func() {
			for _, err := range m.client.AsUser(userID).SendAllUserInvites(t.Context(), roq.SendAllUserInvitesInput{TenantID: tenantID, UserInvites: people(1, "a")}) {
				if err != nil {
					t.Error(err)
				}
			}
		},
	} {
		func() {
			defer func() {
				if v := recover(); v != "in the transport" {
					t.Errorf("%s: recovered %v", name, v)
				}
			}()
			call()
		}()
	}
}

// A stream may use one slice of roles for all.
func TestSendAllKeepsRoles(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	roles := make([]string, 1)
	outcomes, err := b.sendAll(t.Context(), t, func(yield func(roq.UserInviteInput, error) bool) {
		for _, roles[0] = range []string{"admin", "reader"} {
			if !yield(roq.UserInviteInput{Email: roles[0] + "@example.com", Roles: roles}, nil) {
				return
			}
		}
	})
	if err != nil || outcomes[0].Invite.RoleKeys[0] != "admin" || outcomes[1].Invite.RoleKeys[0] != "reader" {
		t.Errorf("%+v, %v", outcomes, err)
	}
}

// A context that ends while a call waits for its turn says that nothing was sent,
// whatever the transport is.
func TestRateLimitOutlastsTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMock(t, func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }, roq.WithRateLimit(0.1))
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		_, err := m.client.AsUser(userID).SendUserInvites(ctx, invitation("a@example.com"))
		if !errors.Is(err, roq.ErrNotSent) || errors.Is(err, roq.ErrOutcomeUnknown) || len(m.sent()) > 0 {
			t.Errorf("%v after %d requests, want it not sent", err, len(m.sent()))
		}
	})
}

// Look-ups find what they look for although they wait for their turn.
func TestSettlingWithARateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, nil, roq.WithRateLimit(0.5))
		b.meddle = on("sendUserInvites", 1, cut)
		outcomes, err := b.sendAll(t.Context(), t, people(200, "a"), roq.WithBatchSize(10))
		if got := statuses(outcomes); err != nil || got[roq.OutcomeSent] != 200 {
			t.Errorf("%v, %v; want all sent", got, err)
		}
	})
}
