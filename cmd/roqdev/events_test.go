package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// stream is what an open page receives.
type stream struct {
	mu     sync.Mutex
	header http.Header
	sent   bytes.Buffer
}

func (s *stream) Header() http.Header { return s.header }
func (s *stream) WriteHeader(int)     {}
func (s *stream) Flush()              {}
func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent.Write(p)
}

// received returns what has been sent since the last time.
func (s *stream) received(t *testing.T) (notices []notice, size int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	size = s.sent.Len()
	for event := range strings.SplitSeq(s.sent.String(), "\n\n") {
		if event == "" {
			continue
		}
		var n notice
		_, data, _ := strings.Cut(event, "\ndata: ")
		if err := json.Unmarshal([]byte(data), &n); err != nil {
			t.Fatalf("%q: %v", event, err)
		}
		notices = append(notices, n)
	}
	s.sent.Reset()
	return notices, size
}

// viewer is a platform in a bubble, with pages that people leave open.
type viewer struct {
	t        *testing.T
	platform *roqtest.Server
	handler  http.Handler
	ann      roqtest.User
	invites  *roq.RoqPlatform
}

func newViewer(t *testing.T) *viewer {
	t.Helper()
	v := &viewer{t: t, platform: roqtest.NewHandler()}
	t.Cleanup(v.platform.Close)
	populate(v.platform)
	client, err := newClient(v.platform)
	if err != nil {
		t.Fatal(err)
	}
	if v.handler, err = newSite(v.platform, true, ""); err != nil {
		t.Fatal(err)
	}
	v.ann = v.platform.Users()[0]
	v.invites = client.AsUser(v.ann.ID)
	return v
}

// open opens a page and the events that it asks for.
func (v *viewer) open(ctx context.Context, path string) *stream {
	v.t.Helper()
	w := httptest.NewRecorder()
	v.handler.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", path, nil))
	found := regexp.MustCompile(`data-events="([^"]+)"`).FindStringSubmatch(w.Body.String())
	if w.Code != 200 || found == nil {
		v.t.Fatalf("%s = %d %s", path, w.Code, w.Body)
	}
	s := &stream{header: http.Header{}}
	go v.handler.ServeHTTP(s, httptest.NewRequestWithContext(ctx, "GET", strings.ReplaceAll(found[1], "&amp;", "&"), nil))
	synctest.Wait()
	return s
}

func (v *viewer) invite(emails ...string) []roq.UserInvite {
	v.t.Helper()
	in := roq.SendUserInvitesInput{TenantID: v.ann.TenantID}
	for _, email := range emails {
		in.UserInvites = append(in.UserInvites, roq.UserInviteInput{Email: email})
	}
	sent, err := v.invites.SendUserInvites(v.t.Context(), in)
	if err != nil || len(sent.Success) != len(emails) {
		v.t.Fatal(err)
	}
	return sent.Success
}

// after lets time pass, in which what has changed is sent.
func after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// An open page receives nothing for an hour in which nothing happens, and then only what
// has changed.
func TestEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		v := newViewer(t)
		made := v.invite("bob@example.com", "eve@example.com")
		inbox, pending, users, open := v.open(ctx, "/"), v.open(ctx, "/?status=pending&q=b"), v.open(ctx, "/users"), v.open(ctx, "/?open=1")
		after(time.Hour)
		for _, s := range []*stream{inbox, pending, users, open} {
			if got, size := s.received(t); size != 0 {
				t.Errorf("while nothing happens, %d bytes are sent: %+v", size, got)
			}
		}

		v.invite("joe@example.com")
		after(time.Second)
		got, size := inbox.received(t)
		if len(got) != 1 || len(got[0].Lines) != 1 || !strings.Contains(string(got[0].Lines[0].HTML), "joe@example.com") || got[0].Totals["inbox"] != "3" || size > 1500 {
			t.Errorf("for one e-mail, %d bytes are sent: %+v", size, got)
		}
		if got, _ := pending.received(t); len(got) != 1 || len(got[0].Lines) != 0 || got[0].Totals["invites"] != "3" {
			t.Errorf("a page whose search does not match is sent %+v", got)
		}
		open.received(t)

		// Somebody accepts: the line changes, leaves the list that it no longer belongs to,
		// and the reading pane follows.
		if _, err := v.platform.Accept(v.platform.Outbox()[0].Token); err != nil {
			t.Fatal(err)
		}
		after(time.Second)
		if got, _ := inbox.received(t); len(got) != 1 || len(got[0].Lines) != 1 || got[0].Lines[0].ID != "m1" || !strings.Contains(string(got[0].Lines[0].HTML), "accepted") || len(got[0].Totals) != 1 {
			t.Errorf("for a new status is sent %+v", got)
		}
		if got, _ := pending.received(t); len(got) != 1 || len(got[0].Gone) != 1 || got[0].Gone[0] != "m1" {
			t.Errorf("the list of pending ones is sent %+v", got)
		}
		if got, _ := open.received(t); len(got) != 1 || !strings.Contains(string(got[0].Parts["open-state"]), "accepted") {
			t.Errorf("the reading pane is sent %+v", got)
		}
		if got, _ := users.received(t); len(got) == 0 || got[len(got)-1].Totals["users"] != "4" || len(got[len(got)-1].Lines) != 1 {
			t.Errorf("the list of users is sent %+v", got)
		}

		// The platform is set to something, by whomever.
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(ctx, "POST", "/trouble", strings.NewReader(url.Values{"trouble": {"slow"}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		v.handler.ServeHTTP(w, r)
		after(time.Second)
		if got, _ := inbox.received(t); len(got) != 1 || !strings.Contains(string(got[0].Parts["state"]), `data-pressed="slow"`) || len(got[0].Lines) != 0 {
			t.Errorf("for a trouble is sent %+v", got)
		}
		v.platform.ClearFaults()
		if err := v.platform.Remove(made[1].ID); err != nil {
			t.Fatal(err)
		}
		after(time.Second)
		if got, _ := inbox.received(t); len(got) != 1 || len(got[0].Lines) != 1 || !strings.Contains(string(got[0].Lines[0].HTML), "removed") {
			t.Errorf("for a removal is sent %+v", got)
		}
		cancel()
		synctest.Wait()
	})
}

// A campaign does not flood an open page: it is sent how many lines are new, at most
// four times a second.
func TestEventsOfACampaign(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		v := newViewer(t)
		v.invite("a@example.com", "b@example.com", "c@example.com", "d@example.com")
		inbox, older := v.open(ctx, "/"), v.open(ctx, "/?before=5")
		for i := range 100 {
			var emails []string
			for j := range 100 {
				emails = append(emails, fmt.Sprintf("u%d-%d@example.com", i, j))
			}
			v.invite(emails...)
			after(50 * time.Millisecond)
		}
		after(time.Second)
		got, size := inbox.received(t)
		last := got[len(got)-1]
		if last.More != "10,000 new lines" || last.Totals["inbox"] != "10,004" || len(last.Lines) != 0 {
			t.Errorf("the last notice is %+v", last)
		}
		if len(got) > 24 || size > 24*500 {
			t.Errorf("in 5 seconds, %d notices with %d bytes were sent", len(got), size)
		}
		if got, size := older.received(t); len(got) > 24 || size > 24*500 || len(got[0].Lines) != 0 {
			t.Errorf("a page of older lines was sent %d notices with %d bytes", len(got), size)
		}
		after(time.Hour)
		if _, size := inbox.received(t); size != 0 {
			t.Errorf("when it is over, %d bytes are sent", size)
		}
		cancel()
		synctest.Wait()
	})
}

// The list of requests forgets the oldest: new ones are counted all the same.
func TestEventsOfAFullList(t *testing.T) {
	t.Parallel()
	for _, before := range []int{100, 9_900, 10_000, 12_000} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			v := newViewer(t)
			more := func(n int) {
				for range n {
					if _, err := v.invites.UserInvite(ctx, "db7a682d-6dca-4259-b15b-83aef12d1f5c"); err == nil {
						t.Fatal("found")
					}
				}
				after(time.Second)
			}
			more(before - 1) // and one for the token
			all, some := v.open(ctx, "/requests"), v.open(ctx, "/requests?q=userInvite")
			for _, step := range []struct {
				n    int
				want string
			}{{300, "300 new lines"}, {200, "500 new lines"}, {1, "501 new lines"}} {
				more(step.n)
				for _, s := range []*stream{all, some} {
					if got, _ := s.received(t); len(got) == 0 || got[len(got)-1].More != step.want {
						t.Errorf("%d before, %d more: %+v, want %s", before, step.n, got, step.want)
					}
				}
			}
			cancel()
			synctest.Wait()
		})
	}
}

// A page that missed something, or whose connection was lost, is sent its lines.
func TestEventsAfterAGap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		v := newViewer(t)
		v.invite("bob@example.com")
		s := &stream{header: http.Header{}}
		go v.handler.ServeHTTP(s, httptest.NewRequestWithContext(ctx, "GET", "/events?tab=inbox&seen=old", nil))
		synctest.Wait()
		if got, _ := s.received(t); len(got) != 1 || len(got[0].Lines) != 1 || got[0].Totals["inbox"] != "1" || !got[0].Whole || len(got[0].Parts) != 3 {
			t.Errorf("after a gap is sent %+v", got)
		}
		w := httptest.NewRecorder()
		v.handler.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/events?tab=odd", nil))
		if w.Code != 400 {
			t.Errorf("the events of an unknown tab = %d", w.Code)
		}
		cancel()
		synctest.Wait()
	})
}

// A line that comes into a list because another one has left it comes to its place, and
// what has left the list while nobody looked is not on it afterwards.
func TestEventsOfAFilter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		v := newViewer(t)
		var emails []string
		for i := range 60 {
			emails = append(emails, fmt.Sprintf("u%d@example.com", i+1))
		}
		v.invite(emails...)
		pending := v.open(ctx, "/?status=pending")
		if _, err := v.platform.Accept(v.platform.Outbox()[58].Token); err != nil {
			t.Fatal(err)
		}
		after(time.Second)
		got, _ := pending.received(t)
		if len(got) != 1 || strings.Join(got[0].Gone, " ") != "m59" || len(got[0].Lines) != 1 || got[0].Lines[0].ID != "m10" || *got[0].Lines[0].After != "m11" {
			t.Errorf("when the second line leaves, %+v is sent", got)
		}
		if !strings.Contains(string(got[0].Parts["pages"]), "before=10&amp;status=pending") {
			t.Errorf("older lines are then at %s", got[0].Parts["pages"])
		}
		v.platform.Advance(8 * 24 * time.Hour)
		after(time.Second)
		if got, _ := pending.received(t); len(got) != 1 || len(got[0].Lines) != 0 || !got[0].Whole && len(got[0].Gone) != 50 {
			t.Errorf("when all have expired, %+v is sent", got)
		}
		cancel()
		synctest.Wait()
	})
}

// Who comes back with the id of the last event is sent nothing if nothing has changed.
func TestEventsResume(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		v := newViewer(t)
		first := v.open(ctx, "/")
		v.invite("bob@example.com")
		after(time.Second)
		_, rest, _ := strings.Cut(first.sent.String(), "id: ")
		id, _, _ := strings.Cut(rest, "\n")
		for last, want := range map[string]int{id: 0, "other": 1} {
			s := &stream{header: http.Header{}}
			r := httptest.NewRequestWithContext(ctx, "GET", "/events?tab=inbox&seen=old", nil)
			r.Header.Set("Last-Event-ID", last)
			go v.handler.ServeHTTP(s, r)
			synctest.Wait()
			if got, _ := s.received(t); len(got) != want {
				t.Errorf("who has seen %s is sent %+v, want %d", last, got, want)
			}
		}
		cancel()
		synctest.Wait()
	})
}

// The page's program asks for nothing by itself.
func TestNoPolling(t *testing.T) {
	t.Parallel()
	program, err := assets.ReadFile("assets/roqdev.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range []string{"setInterval", "setTimeout", "fetch(", "XMLHttpRequest", "eval("} {
		if bytes.Contains(program, []byte(call)) {
			t.Errorf("roqdev.js has %s", call)
		}
	}
}
