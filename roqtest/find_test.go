package roqtest_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// Pages follow each other without a gap and without a repeat, whatever is added in
// between.
func TestFindPages(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	token := p.tokenOf(p.ann.ID)
	var want []string
	for i := range 7 {
		email := fmt.Sprintf("u%d@example.com", i)
		p.invite(token, email)
		want = append(want, email)
	}
	slices.Reverse(want)
	var got []string
	for q := (roqtest.Query{Limit: 3}); ; {
		page := p.FindEmails(q)
		if page.Total != 7+len(got)/3 {
			t.Errorf("Total = %d after %d", page.Total, len(got))
		}
		for _, m := range page.Rows {
			got = append(got, m.To)
		}
		if q.Before = page.Next; q.Before == 0 {
			break
		}
		p.invite(token, fmt.Sprintf("new%d@example.com", len(got)))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the pages have %q, want %q", got, want)
	}
	if page := p.FindInvites(roqtest.Query{Limit: 9}); len(page.Rows) != 9 || page.Next != 0 || page.Total != 9 {
		t.Errorf("a page of exactly all = %d rows of %d, next %d", len(page.Rows), page.Total, page.Next)
	}
}

// Every condition selects by itself and with the others.
func TestFindConditions(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	token := p.tokenOf(p.ann.ID)
	ids := p.invite(token, "bob@example.com", "Bobby@example.com", "eve@example.com")
	globex := p.AddTenant("Globex")
	gus := p.AddUser(roqtest.User{TenantID: globex, Email: "gus@globex.example", FirstName: "Gus", LastName: "Guest"})
	p.invite(token, "bo@example.com")
	if err := p.Expire(ids[0]); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		q    roqtest.Query
		want int
	}{
		{roqtest.Query{}, 4},
		{roqtest.Query{Search: "BOB"}, 2},
		{roqtest.Query{Email: "BOB@example.com"}, 1},
		{roqtest.Query{Email: "bob"}, 0},
		{roqtest.Query{Status: roq.StatusExpired}, 1},
		{roqtest.Query{Search: "bob", Status: roq.StatusPending}, 1},
		{roqtest.Query{TenantID: p.ann.TenantID}, 4},
		{roqtest.Query{TenantID: globex}, 0},
		{roqtest.Query{After: 3}, 1},
		{roqtest.Query{After: 99}, 0},
		{roqtest.Query{Search: "bob", After: 1}, 1},
		{roqtest.Query{Limit: -1}, 4},
	} {
		if page := p.FindEmails(row.q); page.Total != row.want || len(page.Rows) != row.want {
			t.Errorf("FindEmails(%+v) = %d of %d, want %d", row.q, len(page.Rows), page.Total, row.want)
		}
		if page := p.FindInvites(row.q); page.Total != row.want || len(page.Rows) != row.want {
			t.Errorf("FindInvites(%+v) = %d of %d, want %d", row.q, len(page.Rows), page.Total, row.want)
		}
	}
	for _, row := range []struct {
		q    roqtest.Query
		want []string
	}{
		{roqtest.Query{Search: "gus g"}, []string{gus.ID}},
		{roqtest.Query{TenantID: globex}, []string{gus.ID}},
		{roqtest.Query{Limit: 1}, []string{gus.ID}},
		{roqtest.Query{Email: "GUS@globex.example"}, []string{gus.ID}},
		{roqtest.Query{Search: "nobody"}, nil},
	} {
		var got []string
		for _, u := range p.FindUsers(row.q).Rows {
			got = append(got, u.ID)
		}
		if !slices.Equal(got, row.want) {
			t.Errorf("FindUsers(%+v) = %q, want %q", row.q, got, row.want)
		}
	}
	// The e-mail of an invite that was removed remains, and belongs to no tenant.
	if err := p.Remove(ids[1]); err != nil {
		t.Fatal(err)
	}
	if all, own := p.FindEmails(roqtest.Query{}), p.FindEmails(roqtest.Query{TenantID: p.ann.TenantID}); all.Total != 4 || own.Total != 3 {
		t.Errorf("after a removal there are %d e-mails, %d of the tenant", all.Total, own.Total)
	}
	if _, ok := p.Invite(ids[1]); ok {
		t.Error("a removed invite is found")
	}
	if _, ok := p.User("nobody"); ok {
		t.Error("a user that does not exist is found")
	}
}

// A request has its outcome and who made it, whatever happened to it.
func TestRequestOutcomes(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	token := p.tokenOf(p.ann.ID)
	last := func() roqtest.Request {
		t.Helper()
		return p.FindRequests(roqtest.Query{Limit: 1}).Rows[0]
	}
	const query = "query userInvites { userInvites { totalCount } }"
	p.graphQL(token, query, nil)
	if r := last(); r.Operation != "userInvites" || r.Status != 200 || r.Caller != p.ann.ID || r.Duration <= 0 {
		t.Errorf("a request of a user: %+v", r)
	}
	p.graphQL(p.serviceToken(), query, nil)
	if r := last(); r.Caller != roqtest.CallerServiceAccount {
		t.Errorf("a request of the service account has the caller %q", r.Caller)
	}
	p.graphQL("x", query, nil)
	if r := last(); r.Caller != "" || r.Status != 200 {
		t.Errorf("a request of nobody: %+v", r)
	}
	p.Inject(roqtest.Fault{Times: 1, Status: 503, Body: "{}"})
	p.post("/v01/server/graphql", http.Header{"Roq-Platform-Authorization": {"Bearer " + token}}, map[string]any{"query": query})
	if r := last(); r.Caller != p.ann.ID || r.Status != 503 {
		t.Errorf("a request that a fault answers: %+v", r)
	}
	p.Inject(roqtest.Fault{Times: 1, Drop: roqtest.DropAfter})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.URL+"/v01/graphql", strings.NewReader(`{"query":"`+query+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := http.DefaultClient.Do(r); err == nil {
		_ = resp.Body.Close()
		t.Fatalf("a dropped request = %v", resp.Status)
	}
	for last().Duration == 0 {
		_, changed := p.Changes()
		if last().Duration == 0 {
			<-changed
		}
	}
	if r := last(); r.Status != 0 {
		t.Errorf("a request without a response: %+v", r)
	}
	if page := p.FindRequests(roqtest.Query{Search: "AUTHORIZE"}); page.Total < 2 {
		t.Errorf("%d requests for tokens are found", page.Total)
	}
}

// Faults that are used up are gone, the others have what is left of them.
func TestFaultsLeft(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.Inject(roqtest.Fault{Operation: "session", Times: 1, Status: 500})
	p.Inject(roqtest.Fault{Operation: "session", Skip: 3, Status: 503})
	p.Inject(roqtest.Fault{Operation: "other", Times: 2})
	p.get("/api/auth/session", http.Header{})
	left := p.Faults()
	if len(left) != 2 || left[0].Skip != 2 || left[0].Times != 0 || left[0].Status != 503 || left[1].Times != 2 {
		t.Errorf("left are %+v", left)
	}
	p.ClearFaults()
	if left := p.Faults(); len(left) != 0 {
		t.Errorf("after clearing, left are %+v", left)
	}
}

// An e-mail is found by the name of the invitee.
func TestFindEmailsByName(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	token := p.tokenOf(p.ann.ID)
	p.invite(token, "bob@example.com", "eve@example.com") // First0 and First1
	for search, want := range map[string]int{"bob": 1, "Bob@EX": 1, "first": 2, "FIRST1": 1, "nobody": 0} {
		if page := p.FindEmails(roqtest.Query{Search: search}); page.Total != want {
			t.Errorf("%q finds %d, want %d", search, page.Total, want)
		}
	}
}

// While others are changed, a fault that is kept happens to every request, and as many times
// as it was to.
func TestChangeFaults(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	const times = 500
	p.Inject(roqtest.Fault{Operation: "session", Times: times, Status: 503})
	done := make(chan struct{})
	var changing sync.WaitGroup
	changing.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			default:
			}
			p.ChangeFaults(func(left []roqtest.Fault) []roqtest.Fault {
				left = slices.DeleteFunc(left, func(f roqtest.Fault) bool { return f.Operation == "other" })
				if n%2 == 0 {
					left = append(left, roqtest.Fault{Operation: "other"})
				}
				return left
			})
		}
	})
	for n := range times + 1 {
		resp := p.get("/api/auth/session", http.Header{})
		if _ = resp.Body.Close(); (resp.StatusCode == 503) != (n < times) {
			t.Errorf("request %d: status %d", n, resp.StatusCode)
		}
	}
	close(done)
	changing.Wait()
}

// The clock knows what waits for it.
func TestClockKnowsWhatIsDue(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	r := newReceiver(t)
	r.answers(func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) })
	if c := p.Clock(); !c.NextExpiry.IsZero() || !c.NextWebhook.IsZero() || c.Webhooks != 0 || c.Ahead != 0 {
		t.Errorf("at the start: %+v", c)
	}
	p.SendWebhooks(r.URL)
	p.made("bob@example.com")
	p.Advance(0)
	c := p.Clock()
	if c.Webhooks != 1 || c.NextWebhook.Sub(c.Now) > 30*time.Minute || c.NextExpiry.Sub(c.Now) < 24*time.Hour {
		t.Errorf("after an invite: %+v", c)
	}
	before, _ := p.Changes()
	p.Advance(c.NextWebhook.Sub(c.Now))
	if after, _ := p.Changes(); after.Deliveries != before.Deliveries+1 || after.Settings != before.Settings+1 {
		t.Errorf("turning the clock: %+v, before %+v", after, before)
	}
	if d := p.FindDeliveries(roqtest.Query{Search: "invite"}); d.Total != 2 || d.Rows[0].Attempt != 2 || d.Rows[0].Number != 2 {
		t.Errorf("the deliveries are %+v", d)
	}
}

// The sign-in page is bounded, and finds everybody.
func TestSignInPageIsBounded(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	for i := range 300 {
		p.AddUser(roqtest.User{TenantID: p.ann.TenantID, Email: fmt.Sprintf("user%d@example.com", i), FirstName: "User", LastName: fmt.Sprint(i)})
	}
	read := func(path string) string {
		t.Helper()
		resp := p.get(path, http.Header{})
		body, err := io.ReadAll(resp.Body)
		if err != nil || !strings.HasPrefix(resp.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: %v, %v", path, err, resp.Header)
		}
		return string(body)
	}
	body := read("/api/auth/login?postLoginRedirect=/back")
	if len(body) > 20_000 || !strings.Contains(body, p.ann.Email) || !strings.Contains(body, "251 more match") || !strings.Contains(body, "width=device-width") {
		t.Errorf("the page has %d bytes:\n%.3000s", len(body), body)
	}
	if body := read("/api/auth/login?search=USER299@&postLoginRedirect=/back"); !strings.Contains(body, "user299@example.com") || strings.Contains(body, p.ann.Email) || !strings.Contains(body, "postLoginRedirect=%2fback") {
		t.Errorf("a search shows %s", body)
	}
}
