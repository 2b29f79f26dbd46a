package roq_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/journal"
	"github.com/go-roq/roq/roqtest"
)

// gateway lets so many sends through in a minute, and answers the others 429 with the
// rest of the minute in Retry-After.
type gateway struct {
	mu     sync.Mutex
	most   int
	begin  time.Time
	passed int
	next   http.RoundTripper
	all    bool // reads count too
}

func (g *gateway) RoundTrip(r *http.Request) (*http.Response, error) {
	if !g.all && !isSend(r) {
		return g.next.RoundTrip(r)
	}
	g.mu.Lock()
	if time.Since(g.begin) >= time.Minute {
		g.begin, g.passed = time.Now(), 0
	}
	g.passed++
	over := g.passed > g.most
	rest := time.Minute - time.Since(g.begin)
	g.mu.Unlock()
	if !over {
		return g.next.RoundTrip(r)
	}
	resp := httpmock.NewStringResponse(http.StatusTooManyRequests, "slow down")
	resp.Header.Set("Retry-After", fmt.Sprint(int(rest.Seconds())+1))
	return resp, nil
}

func isSend(r *http.Request) bool {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return false
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return bytes.Contains(body, []byte("mutation sendUserInvites"))
}

// A gateway that lets a few sends a minute through delays a stream, and makes nothing
// unknown.
func TestSendAllBehindAGateway(t *testing.T) {
	t.Parallel()
	for _, g := range []*gateway{{most: 5}, {most: 5, all: true}, {most: 3, all: true}, {most: 2, all: true}, {most: 1, all: true}} {
		synctest.Test(t, func(t *testing.T) {
			b := newBubbled(t, nil, roq.WithTransport(func(next http.RoundTripper) http.RoundTripper {
				return &gateway{most: g.most, next: next, all: g.all, begin: time.Now()}
			}))
			outcomes, err := b.sendAll(t.Context(), t, people(2000, "a"))
			if got := statuses(outcomes); err != nil || got[roq.OutcomeSent] != 2000 {
				t.Errorf("%d a minute, reads too %v: %v, %v; want all of them sent", g.most, g.all, got, err)
			}
			if n := len(b.Outbox()); n != 2000 {
				t.Errorf("%d e-mails, want 2000", n)
			}
		})
	}
}

// A platform that fails for a while costs one batch of doubts at most, and the
// stream goes on when it is well.
func TestSendAllThroughAnOutage(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]roqtest.Fault{
		"503":     {Status: 503},
		"cut":     {Drop: roqtest.DropBefore},
		"no page": {Body: "<html>maintenance</html>"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			var until time.Time
			b := newBubbled(t, nil)
			b.meddle = func(_ string, resp *http.Response) *http.Response {
				mu.Lock()
				defer mu.Unlock()
				if until.IsZero() && len(b.Outbox()) >= 500 {
					until = time.Now().Add(2 * time.Minute)
				}
				switch {
				case until.IsZero() || time.Now().After(until):
					return resp
				case fault.Drop != 0:
					return nil
				default:
					return instead(max(fault.Status, 200), fault.Body)(resp)
				}
			}
			outcomes, err := b.sendAll(t.Context(), t, people(2000, "a"))
			if got := statuses(outcomes); err != nil || got[roq.OutcomeSent] != 2000 {
				t.Errorf("%s: %v, %v; want all of them sent", name, got, err)
			}
		})
	}
}

// What was in flight when the trouble began is in doubt, where it was not processed,
// and no more: one batch at the beginning.
func TestSendAllThroughAnOutageThatLosesRequests(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]roqtest.Fault{"503": {Status: 503}, "cut": {Drop: roqtest.DropBefore}, "504": {Status: 504}} {
		for skip, most := range map[int]int{2: 100, 3: 200, 9: 800} { // two are for tokens
			synctest.Test(t, func(t *testing.T) {
				b := newBubbled(t, nil)
				fault.Skip, fault.Times = skip, 60
				b.Inject(fault)
				outcomes, err := b.sendAll(t.Context(), t, people(2000, "a"))
				got := statuses(outcomes)
				if err != nil || got[roq.OutcomeUnknown] > most || got[roq.OutcomeSent]+got[roq.OutcomeUnknown] != 2000 {
					t.Errorf("%s after %d requests: %v, %v; want at most %d unknown and the others sent", name, skip, got, err, most)
				}
				b.mailedOnce(t, outcomes)
			})
		}
	}
}

// Code of the caller's that panics, or ends its goroutine, does so in the loop, after
// every input that was taken has had its outcome.
func TestSendAllEndsOnTheCallersGoroutine(t *testing.T) {
	t.Parallel()
	panics := func() { panic("of the caller's") }
	for _, where := range []string{"token", "send", "look-up", "journal begin", "journal append", "stream"} {
		for name, end := range map[string]func(){"panic": panics, "goexit": runtime.Goexit} {
			t.Run(where+" "+name, func(t *testing.T) {
				t.Parallel()
				b := newBackend(t)
				trip := func(wanted string) {
					if where == wanted {
						end()
					}
				}
				lost := false
				client := newClient(t, b.Config(), roq.WithSettleTimeout(100*time.Millisecond), roq.WithTransport(func(next http.RoundTripper) http.RoundTripper {
					return roundTripper(func(r *http.Request) (*http.Response, error) {
						switch {
						case r.URL.Path != "/v01/server/graphql":
							trip("token")
						case isSend(r):
							trip("send")
							if where == "look-up" {
								lost = true
								return nil, errors.New("reset")
							}
						case lost:
							trip("look-up")
						}
						return next.RoundTrip(r)
					})
				}))
				opts := []roq.StreamOption{roq.WithBatchSize(3)}
				if where == "journal append" || where == "journal begin" {
					opts = append(opts, roq.WithJournal(ending{where == "journal begin", end}))
				}
				taken, told := 0, 0
				stream := func(yield func(roq.UserInviteInput, error) bool) {
					for n := range 10 {
						if where == "stream" && n == 5 {
							end()
						}
						taken++
						if !yield(roq.UserInviteInput{Email: fmt.Sprintf("p%d@x.example", n)}, nil) {
							return
						}
					}
				}
				ended := make(chan any, 1)
				go func() {
					returned := false
					defer func() {
						if v := recover(); v != nil || !returned {
							ended <- v
							return
						}
						ended <- "returned"
					}()
					for _, err := range client.AsUser(b.user.ID).SendAllUserInvites(t.Context(), roq.SendAllUserInvitesInput{TenantID: b.tenant, UserInvites: stream}, opts...) {
						if err == nil {
							told++
						}
					}
					returned = true
				}()
				select {
				case got := <-ended:
					want := any("of the caller's")
					if name == "goexit" {
						want = nil
					}
					if got != want {
						t.Errorf("the loop ended with %v, want %v", got, want)
					}
				case <-time.After(20 * time.Second):
					t.Fatal("the loop hangs")
				}
				if told < taken-1 { // one may be on its way out of the stream
					t.Errorf("%d of %d inputs had an outcome", told, taken)
				}
			})
		}
	}
}

// ending is a journal that does not return.
type ending struct {
	begin bool
	end   func()
}

func (e ending) Begin(context.Context, string) iter.Seq2[roq.JournalRecord, error] {
	return func(func(roq.JournalRecord, error) bool) {
		if e.begin {
			e.end()
		}
	}
}

func (e ending) Append(context.Context, []roq.JournalRecord) error {
	e.end()
	return nil
}

func (ending) End() error { return nil }

// The same for single calls.
func TestCallsEndOnTheCallersGoroutine(t *testing.T) {
	t.Parallel()
	for _, op := range operations() {
		for _, where := range []string{"/v01/authorize", "/v01/server/graphql"} {
			client := newClient(t, roq.Config{PlatformURL: "https://platform.example", EnvironmentID: "e", APIKey: "k"},
				roq.WithTransport(func(http.RoundTripper) http.RoundTripper {
					return roundTripper(func(r *http.Request) (*http.Response, error) {
						if r.URL.Path >= where && r.URL.Path != "/v01/authorize/serviceAccount" || where == "/v01/authorize" {
							panic("in the transport")
						}
						return httpmock.NewStringResponse(200, `{"accessToken":"t"}`), nil
					})
				}))
			func() {
				defer func() {
					if v := recover(); v != "in the transport" {
						t.Errorf("%s: recovered %v", op.name, v)
					}
				}()
				_, _ = op.call(t.Context(), client.AsUser(userID))
			}()
		}
	}
}

// A campaign that is resumed with a wrong key says so.
func TestResumeWithAWrongKey(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	path := filepath.Join(t.TempDir(), "journal")
	run := func(client *roq.Client) ([]roq.SendOutcome, error) {
		file, err := journal.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = file.Close() }()
		return outcomesOf(t, client.AsUser(b.user.ID).SendAllUserInvites(t.Context(),
			roq.SendAllUserInvitesInput{TenantID: b.tenant, UserInvites: people(20, "a")}, roq.WithJournal(file), roq.WithBatchSize(5)))
	}
	b.Inject(roqtest.Fault{Operation: "sendUserInvites", Times: 1, Drop: roqtest.DropAfter})
	b.Inject(roqtest.Fault{Operation: "userInvites", Status: 403})
	if _, err := run(b.client); !errors.Is(err, roq.ErrForbidden) {
		t.Errorf("without the right to read: %v, want ErrForbidden", err)
	}
	wrong := b.Config()
	wrong.APIKey = "wrong"
	outcomes, err := run(newClient(t, wrong))
	if !errors.Is(err, roq.ErrUnauthorized) {
		t.Errorf("with a wrong key: %v, %v; want ErrUnauthorized", statuses(outcomes), err)
	}
}

// A nil or zero Client, or RoqPlatform, is an error of every call.
func TestZeroClient(t *testing.T) {
	t.Parallel()
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://app.example/", nil)
	r.AddCookie(&http.Cookie{Name: "roq-session-token", Value: "x"})
	for name, c := range map[string]*roq.Client{"nil": nil, "zero": {}} {
		for as, p := range map[string]*roq.RoqPlatform{"user": c.AsUser("u"), "admin": c.AsSuperAdmin(), "session": c.AsSession(&roq.Session{}), "nil": nil, "zero": {}} {
			for _, op := range operations() {
				if _, err := op.call(t.Context(), p); !errors.Is(err, roq.ErrInvalidInput) || !errors.Is(err, roq.ErrNotSent) {
					t.Errorf("%s as %s: %s = %v, want ErrInvalidInput", name, as, op.name, err)
				}
			}
			for _, err := range p.AllUserInvites(t.Context(), roq.UserInvitesQuery{}) {
				if !errors.Is(err, roq.ErrInvalidInput) {
					t.Errorf("AllUserInvites: %v", err)
				}
			}
			for _, err := range p.WatchUserInvites(t.Context(), roq.UserInvitesQuery{}) {
				if !errors.Is(err, roq.ErrInvalidInput) {
					t.Errorf("WatchUserInvites: %v", err)
				}
			}
			for _, b := range bulks {
				for _, err := range b.run(p, t.Context(), roq.UserInvitesQuery{}) {
					if !errors.Is(err, roq.ErrInvalidInput) {
						t.Errorf("%s of all: %v", b.name, err)
					}
				}
			}
			for _, err := range p.SendAllUserInvites(t.Context(), roq.SendAllUserInvitesInput{}) {
				if !errors.Is(err, roq.ErrInvalidInput) {
					t.Errorf("SendAllUserInvites: %v", err)
				}
			}
			if _, err := p.WaitUserInvite(t.Context(), inviteID); !errors.Is(err, roq.ErrInvalidInput) {
				t.Errorf("WaitUserInvite: %v", err)
			}
			if err := p.SettleUserInvites(t.Context(), &roq.SendUserInvitesResult{Unknown: make([]roq.UserInviteInput, 1)}); !errors.Is(err, roq.ErrInvalidInput) {
				t.Errorf("SettleUserInvites: %v", err)
			}
		}
		var errs []error
		_, err := c.Session(r)
		errs = append(errs, err)
		_, err = c.ParseSession("x")
		errs = append(errs, err)
		_, err = c.FetchSession(t.Context(), r)
		errs = append(errs, err)
		_, err = c.FindUsers(t.Context(), roq.FindUsersQuery{Email: "a@b.c"})
		errs = append(errs, err)
		_, err = c.WebhookHandler(nil)
		errs = append(errs, err)
		for i, err := range errs {
			if !errors.Is(err, roq.ErrInvalidInput) {
				t.Errorf("%s Client, call %d: %v, want ErrInvalidInput", name, i, err)
			}
		}
		if c.SignInURL(roq.SignInParams{}) != "" || c.SignUpURL(roq.SignInParams{}) != "" || c.SignOutURL() != "" {
			t.Errorf("a %s Client has addresses", name)
		}
		c.CloseIdleConnections()
		_ = c.RequireSession(http.NotFoundHandler())
	}
}

// A stream's own error comes out unchanged, whatever it is made of.
func TestSendAllGivesTheStreamsErrorBack(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	for _, own := range []error{errors.New("plain"), errors.Join(errors.New("a"), errors.New("b")), fmt.Errorf("%w and %w", io.EOF, io.ErrClosedPipe)} {
		_, err := b.sendAll(t.Context(), t, func(yield func(roq.UserInviteInput, error) bool) {
			yield(roq.UserInviteInput{}, own)
		})
		if err != own { //nolint:errorlint // the very same
			t.Errorf("%v, want %v itself", err, own)
		}
	}
}

// A stream that was quiet for long has its patience still when trouble comes.
func TestSendAllIsPatientAfterAQuietWhile(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]roqtest.Fault{"429": {Status: 429}, "503": {Status: 503}} {
		synctest.Test(t, func(t *testing.T) {
			b := newBubbled(t, nil)
			answer.Skip, answer.Times = 3, 1 // two tokens, and the first send
			b.Inject(answer)
			outcomes, err := b.sendAll(t.Context(), t, func(yield func(roq.UserInviteInput, error) bool) {
				if yield(roq.UserInviteInput{Email: "a@x.example"}, nil) {
					time.Sleep(time.Hour) //nolint:forbidigo // the bubble's clock
					yield(roq.UserInviteInput{Email: "b@x.example"}, nil)
				}
			})
			if got := statuses(outcomes); err != nil || name == "429" && got[roq.OutcomeSent] != 2 {
				t.Errorf("%s: %v, %v; want both sent", name, got, err)
			}
		})
	}
}

// Sends that are lost for minutes while reads work cost a batch of doubts, and then
// ever smaller ones. The stream goes on when they get through.
func TestSendAllThroughLostSends(t *testing.T) {
	t.Parallel()
	for _, from := range []int{0, 500} {
		for name, wait := range map[string]time.Duration{"the default waits": 30 * time.Second, "short waits": 50 * time.Millisecond} {
			synctest.Test(t, func(t *testing.T) {
				var b *bubbled
				var until time.Time
				b = newBubbled(t, nil, roq.WithRetry(roq.RetryPolicy{MinWait: wait / 60, MaxWait: wait}), roq.WithTransport(func(next http.RoundTripper) http.RoundTripper {
					return roundTripper(func(r *http.Request) (*http.Response, error) {
						if isSend(r) && len(b.Outbox()) >= from {
							if until.IsZero() {
								until = time.Now().Add(4 * time.Minute)
							}
							if time.Now().Before(until) {
								return httpmock.NewStringResponse(http.StatusBadGateway, "bad gateway"), nil
							}
						}
						return next.RoundTrip(r)
					})
				}))
				outcomes, err := b.sendAll(t.Context(), t, people(2000, "a"), roq.WithParallel(1))
				got := statuses(outcomes)
				if err != nil || got[roq.OutcomeUnknown] > 250 || got[roq.OutcomeSent]+got[roq.OutcomeUnknown] != 2000 {
					t.Errorf("after %d, %s: %v, %v; want at most 250 unknown and the others sent", from, name, got, err)
				}
			})
		}
	}
}

// A stream that panics while it cleans up does so in the loop, and one that yields an
// input after the context has ended gets an outcome for it.
func TestSendAllStreamEndsLate(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(){"return": func() {}, "panic": func() { panic("of the caller's") }} {
		synctest.Test(t, func(t *testing.T) {
			b := newBubbled(t, nil)
			ctx, cancel := context.WithCancel(t.Context())
			given, told := 0, 0
			stream := func(yield func(roq.UserInviteInput, error) bool) {
				defer end()
				for given < 2 {
					given++
					if !yield(roq.UserInviteInput{Email: fmt.Sprintf("p%d@x.example", given)}, nil) {
						return
					}
					cancel()
					<-time.After(moment / 2)
				}
			}
			defer func() {
				if v := recover(); (v != nil) != (name == "panic") {
					t.Errorf("%s: the loop ended with %v", name, v)
				}
				if given != 2 || told != given {
					t.Errorf("%s: %d of %d inputs had an outcome", name, told, given)
				}
			}()
			for _, err := range b.client.AsUser(b.user.ID).SendAllUserInvites(ctx, roq.SendAllUserInvitesInput{TenantID: b.tenant, UserInvites: stream}) {
				if err == nil {
					told++
				}
			}
		})
	}
}

// moment is how long a stream is waited for that was told to stop.
const moment = time.Second
