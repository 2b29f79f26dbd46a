package roq_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// endless is a stream that never ends, and counts what was taken.
func endless(given *int) func(func(roq.UserInviteInput, error) bool) {
	return func(yield func(roq.UserInviteInput, error) bool) {
		for in, err := range people(1<<30, "person") {
			*given++
			if !yield(in, err) {
				return
			}
		}
	}
}

// slowly lets each send take so long, by the bubble's clock.
func slowly(d time.Duration) roq.Option {
	return roq.WithTransport(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(r)
			timer := time.NewTimer(d)
			defer timer.Stop()
			select {
			case <-timer.C:
				return resp, err
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		})
	})
}

// When the context ends, what is under way comes to its end, and every input that
// the stream gave has its outcome.
func TestSendAllCanceled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, nil, slowly(3*time.Second))
		ctx, cancel := context.WithCancelCause(t.Context())
		closing := errors.New("closing time")
		time.AfterFunc(10*time.Second, func() { cancel(closing) })
		given := 0
		begin := time.Now()
		outcomes, err := b.sendAll(ctx, t, endless(&given), roq.WithBatchSize(10), roq.WithParallel(2))
		if !errors.Is(err, context.Canceled) || !errors.Is(err, closing) {
			t.Errorf("the error is %v, want the context's and its cause", err)
		}
		if took := time.Since(begin); took != 12*time.Second { // two token requests, and two rounds of sends
			t.Errorf("it took %v, want until the batches under way had ended", took)
		}
		got := statuses(outcomes)
		if len(outcomes) != given || got[roq.OutcomeSent] != 30 || got[roq.OutcomeSent]+got[roq.OutcomeNotSent] != given {
			t.Errorf("of %d inputs became %v, want a round of one and one of two sent, and the rest not", given, got)
		}
		for _, o := range outcomes {
			if o.Status == roq.OutcomeNotSent && (!errors.Is(o.Err, roq.ErrNotSent) || !errors.Is(o.Err, context.Canceled)) {
				t.Fatalf("input %d was not sent because of %v", o.Index, o.Err)
			}
		}
		b.mailedOnce(t, outcomes)
	})
}

// Requests that do not come to an end have the time of one.
func TestSendAllCanceledWhileTheyHang(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hanging := func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
		m := newMock(t, hanging, roq.WithTimeout(time.Hour), roq.WithSettleTimeout(time.Minute))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		outcomes, err := outcomesOf(t, m.client.AsUser(userID).SendAllUserInvites(ctx,
			roq.SendAllUserInvitesInput{TenantID: tenantID, UserInvites: people(200, "a")}, roq.WithTimeout(time.Minute)))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the error is %v, want the context's", err)
		}
		if got := statuses(outcomes); got[roq.OutcomeUnknown] != 100 || got[roq.OutcomeNotSent] != 100 {
			t.Errorf("%v, want the batch in flight unknown, and the other not sent", got)
		}
		if took := time.Since(begin); took < time.Minute || took > 2*time.Minute+time.Second {
			t.Errorf("it took %v, want one time-out and the settling", took)
		}
	})
}

// Breaking out of the loop waits for what is under way, and stops the stream.
func TestSendAllBroken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, nil, slowly(3*time.Second))
		given := 0
		for o, err := range b.client.AsUser(b.user.ID).SendAllUserInvites(t.Context(), roq.SendAllUserInvitesInput{
			TenantID: b.tenant, UserInvites: endless(&given),
		}, roq.WithBatchSize(10), roq.WithParallel(3)) {
			if err != nil || o.Status != roq.OutcomeSent {
				t.Fatalf("the first outcome is %v, %v", o.Status, err)
			}
			break
		}
		taken := given // the stream's goroutine has ended, or this is a race
		if mails := len(b.Outbox()); mails < 10 || mails%10 != 0 || mails > taken {
			t.Errorf("%d e-mails of %d inputs, want those of whole batches", mails, taken)
		}
		synctest.Wait()
		if given != taken {
			t.Errorf("the stream went on")
		}
	})
}

// A stream that blocks holds up neither outcomes nor the end.
func TestSendAllBlockedStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		never := make(chan struct{})
		defer close(never) // the bubble waits for the stream's goroutine
		stream := func(yield func(roq.UserInviteInput, error) bool) {
			if yield(roq.UserInviteInput{Email: "a@example.com"}, nil) && yield(roq.UserInviteInput{Email: "b@example.com"}, nil) {
				<-never
				yield(roq.UserInviteInput{Email: "late@example.com"}, nil)
			}
		}
		begin, n := time.Now(), 0
		for o, err := range b.client.AsUser(b.user.ID).SendAllUserInvites(ctx, roq.SendAllUserInvitesInput{TenantID: b.tenant, UserInvites: stream}) {
			if err != nil {
				if n != 2 || !errors.Is(err, context.Canceled) {
					t.Errorf("after %d outcomes: %v", n, err)
				}
				continue
			}
			if n++; o.Status != roq.OutcomeSent || time.Since(begin) != time.Second {
				t.Errorf("input %d is %s after %v, want sent after a second's pause", o.Index, o.Status, time.Since(begin))
			}
			if n == 2 {
				cancel()
			}
		}
		if took := time.Since(begin); took != 2*time.Second {
			t.Errorf("it took %v, want a second more for the stream", took)
		}
	})
}

// piped is a platform at the other end of pipes, which work in a bubble, and which
// can be out of reach.
type piped struct {
	conns chan net.Conn
	up    func() bool
}

func (p *piped) Accept() (net.Conn, error) {
	conn, ok := <-p.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (p *piped) Close() error   { return nil }
func (p *piped) Addr() net.Addr { return &net.UnixAddr{} }

// newPiped is a backend behind pipes, which can be reached while up says so.
func newPiped(t *testing.T, platform []roqtest.Option, up func() bool, opts ...roq.Option) *bubbled {
	t.Helper()
	net := &piped{conns: make(chan net.Conn), up: up}
	b := newBubbled(t, platform)
	server := &http.Server{Handler: b.Handler()} //nolint:gosec // nobody is slow in a bubble
	go func() { _ = server.Serve(net) }()
	t.Cleanup(func() {
		close(net.conns)
		_ = server.Close()
	})
	cfg := b.Config()
	cfg.PlatformURL = "http://127.0.0.1"
	b.client = newClient(t, cfg, append(opts,
		roq.WithHTTPClient(&http.Client{Transport: &http.Transport{DialContext: net.dial, DisableKeepAlives: true}}))...)
	return b
}

// dial connects, if the platform can be reached.
func (p *piped) dial(context.Context, string, string) (net.Conn, error) {
	if !p.up() {
		return nil, errors.New("no route to host")
	}
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours, nil
}

// Batches that were not sent are tried again, for as long as there is hope.
func TestSendAllOutlastsAnOutage(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		from, to time.Duration
		sent     int
		took     time.Duration
	}{
		"a short one":           {time.Minute, 5 * time.Minute, 100, 10 * time.Minute},
		"a long one":            {time.Minute, time.Hour, 40, 7 * time.Minute},
		"from the beginning on": {0, time.Minute, 0, 40 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				b := newPiped(t, nil, func() bool {
					now := time.Since(begin)
					return now < tt.from || now >= tt.to
				}, roq.WithRateLimit(0.1))
				outcomes, err := b.sendAll(t.Context(), t, people(100, "a"), roq.WithBatchSize(10), roq.WithParallel(1))
				if got := statuses(outcomes); got[roq.OutcomeSent] != tt.sent || got[roq.OutcomeUnknown] > 0 {
					t.Errorf("%v, want %d sent and none unknown", got, tt.sent)
				}
				if (err == nil) != (tt.sent == 100) || err != nil && !errors.Is(err, roq.ErrUnavailable) {
					t.Errorf("the error is %v", err)
				}
				if took := time.Since(begin); took > tt.took {
					t.Errorf("it took %v, want %v at most", took, tt.took)
				}
				b.mailedOnce(t, outcomes)
			})
		})
	}
}

// There is no point in asking for everybody what is refused to the caller.
func TestSendAllEndsEarly(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		its     httpmock.Responder
		want    error
		status  roq.OutcomeStatus
		batches int // at most
	}{
		"unauthorized":      {refusal(401), roq.ErrUnauthorized, roq.OutcomeNotSent, 2}, // with a fresh token too
		"forbidden":         {refusal(403), roq.ErrForbidden, roq.OutcomeNotSent, 1},
		"refused each time": {refusal(400), roq.ErrInvalidInput, roq.OutcomeNotSent, 80},
		"unclear each time": {refusal(500), roq.ErrUnavailable, roq.OutcomeUnknown, 15},
		"cut each time": {func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF },
			roq.ErrUnavailable, roq.OutcomeUnknown, 15},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newMock(t, byOperation("sendUserInvites", tt.its, nothingFound()))
				outcomes, err := outcomesOf(t, m.client.AsUser(userID).SendAllUserInvites(t.Context(),
					roq.SendAllUserInvitesInput{TenantID: tenantID, UserInvites: people(100, "a")}, roq.WithBatchSize(10), roq.WithParallel(1)))
				if !errors.Is(err, tt.want) || errors.Is(err, roq.ErrNotSent) || errors.Is(err, roq.ErrOutcomeUnknown) {
					t.Errorf("the error is %v, want %v and nothing about single invites", err, tt.want)
				}
				tried := 0
				for _, o := range outcomes {
					if o.Status == tt.status && errors.Is(o.Err, tt.want) {
						tried++
					} else if o.Status != roq.OutcomeNotSent {
						t.Errorf("input %d is %s: %v", o.Index, o.Status, o.Err)
					}
				}
				if n := len(m.sentFor(t, "sendUserInvites")); n > tt.batches || tt.status == roq.OutcomeNotSent && n != tt.batches || tried < 10 || len(outcomes) >= 100 {
					t.Errorf("%d requests for %d of %d inputs, want %d at most", n, tried, len(outcomes), tt.batches)
				}
			})
		})
	}
}

// A panic in the loop leaves nothing behind.
func TestSendAllPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, nil)
		defer func() {
			if recover() == nil {
				t.Error("the panic is gone")
			}
		}()
		given := 0
		for _, err := range b.client.AsUser(b.user.ID).SendAllUserInvites(t.Context(), roq.SendAllUserInvitesInput{TenantID: b.tenant, UserInvites: endless(&given)}) {
			panic(fmt.Sprint("in the loop ", err))
		}
	})
}
