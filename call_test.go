package roq_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/go-roq/roq"
)

// A 429 or 503 with Retry-After makes the client's other callers wait too.
func TestRetryAfterPausesEverybody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var early atomic.Int32
		throttle := true
		m := newMock(t, func(*http.Request) (*http.Response, error) {
			if throttle {
				throttle = false
				resp := httpmock.NewStringResponse(503, "")
				resp.Header.Set("Retry-After", "5")
				return resp, nil
			}
			if time.Since(begin) < 5*time.Second {
				early.Add(1)
			}
			return httpmock.NewStringResponse(200, `{"data":{"userInvites":{"data":[],"totalCount":0}}}`), nil
		})
		p := m.client.AsUser(userID)
		done := make(chan error)
		go func() { done <- list(t.Context(), p) }()
		synctest.Wait()
		for range 64 {
			go func() { done <- list(t.Context(), p) }()
		}
		// A caller with less time does not wait longer than that.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := list(ctx, p); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, roq.ErrNotSent) {
			t.Errorf("with a deadline inside the pause: %v, want it and ErrNotSent", err)
		}
		for range 65 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if early.Load() != 0 || time.Since(begin) > 6*time.Second {
			t.Errorf("%d requests came early, the last after %v", early.Load(), time.Since(begin))
		}
	})
}

// A caller without a deadline gets one, where the settings do not give it an end.
func TestACallerWithoutADeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hang := func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
		m := newMock(t, hang)
		begin := time.Now()
		_, err := m.client.AsUser(userID).UserInvite(context.Background(), inviteID, roq.WithTimeout(0))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 5*time.Minute {
			t.Errorf("%v after %v, want the deadline after five minutes", err, time.Since(begin))
		}
	})
}

// Ended in flight, a mutation is not looked for with a context that has ended.
func TestCanceledInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		b.meddle = on("sendUserInvites", 1, func(*http.Response) *http.Response { cancel(); return nil })
		sent, err := b.send(ctx, 2, "person")
		if !errors.Is(err, context.Canceled) || !errors.Is(err, roq.ErrOutcomeUnknown) || len(sent.Unknown) != 2 || count(b.Server)["userInvites"] != 0 {
			t.Errorf("%v, %v", account(sent), err)
		}
	})
}
