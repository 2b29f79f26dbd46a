package roq_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/go-roq/roq"
)

// row is an invite of a list that changes while it is read.
type row struct {
	id      string
	created int // minutes
}

// rows makes n rows, some of which share their time of creation.
func rows(n int) []row {
	all := make([]row, n)
	for i := range all {
		all[i] = row{fmt.Sprintf("old%03d", i), i / 2}
	}
	return all
}

// changing is a platform whose list a test changes between two pages.
type changing struct {
	mu    sync.Mutex // pages are read side by side
	rows  []row
	pages int
	// between is called before the n-th page (from 1) is served.
	between func(n int, c *changing)
}

func (c *changing) serve(r *http.Request) (*http.Response, error) {
	var body struct {
		Variables struct {
			Limit, Offset int
			Order         *struct{ Sort, Order string }
		} `json:"variables"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return nil, err
	}
	v := body.Variables
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pages++
	if c.between != nil {
		c.between(c.pages, c)
	}
	rows := slices.Clone(c.rows)
	slices.SortStableFunc(rows, func(a, b row) int { return a.created - b.created })
	if v.Order.Order == "DESC" {
		slices.Reverse(rows)
	}
	total := len(rows)
	rows = rows[min(v.Offset, total):]
	rows = rows[:min(v.Limit, len(rows))]
	var data []string
	for _, row := range rows {
		at := time.Date(2026, 1, 1, 0, row.created, 0, 0, time.UTC).Format("2006-01-02T15:04:05.000Z")
		data = append(data, fmt.Sprintf(`{"id":%q,"email":"a@b.c","status":"pending","createdAt":%q}`, row.id, at))
	}
	return httpmock.NewStringResponse(200, fmt.Sprintf(`{"data":{"userInvites":{"totalCount":%d,"data":[%s]}}}`, total, strings.Join(data, ","))), nil
}

func collect(ctx context.Context, m *mock, q roq.UserInvitesQuery, opts ...roq.CallOption) ([]string, error) {
	var ids []string
	for invite, err := range m.client.AsUser(userID).AllUserInvites(ctx, q, opts...) {
		if err != nil {
			return ids, err
		}
		ids = append(ids, invite.ID)
	}
	return ids, nil
}

// An invite that matches throughout comes exactly once, although others come and
// go, and the order that this takes is sent.
func TestAllUserInvitesWhileTheListChanges(t *testing.T) {
	t.Parallel()
	c := &changing{rows: rows(45), between: func(n int, c *changing) {
		if n == 2 || n == 4 {
			c.rows = append([]row{{fmt.Sprintf("new%d", n), 1}}, slices.Delete(slices.Clone(c.rows), 2, 6)...)
		}
	}}
	start := slices.Clone(c.rows)
	m := newMock(t, c.serve)
	got, err := collect(t.Context(), m, roq.UserInvitesQuery{Limit: 10})
	if err != nil {
		t.Fatalf("after %d: %v", len(got), err)
	}
	for _, r := range start {
		if n := len(slices.DeleteFunc(slices.Clone(got), func(id string) bool { return id != r.id })); n > 1 || n == 0 && slices.Contains(c.rows, r) {
			t.Errorf("%s came %d times", r.id, n)
		}
	}
	_, _, first := m.sent()[0].graphQL(t)
	if fmt.Sprint(first["order"]) != "map[order:ASC sort:createdAt]" {
		t.Errorf("order = %v, want it sent", first["order"])
	}
}

// Invites that were made in one transaction share their CreatedAt, and may come in
// another order on each page: everybody comes once.
func TestAllUserInvitesOfOneTransaction(t *testing.T) {
	t.Parallel()
	for _, order := range []*roq.UserInviteOrder{nil, {Sort: roq.SortStatus, Order: roq.Ascending}, {Sort: roq.SortCreatedAt, Order: roq.Descending}} {
		for _, toStamp := range []int{10, 100} {
			var mu sync.Mutex
			random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // repeatable
			sorts := make(map[string]int)
			m := newMock(t, func(r *http.Request) (*http.Response, error) {
				var body struct {
					Variables struct {
						Limit, Offset int
						Order         struct{ Sort, Order string }
					} `json:"variables"`
				}
				if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
					return nil, err
				}
				mu.Lock()
				defer mu.Unlock()
				v := body.Variables
				sorts[v.Order.Sort]++
				places := random.Perm(1000)
				slices.SortStableFunc(places, func(a, b int) int {
					switch {
					case v.Order.Sort == "email":
						return a - b
					case v.Order.Sort == "status":
						return 0
					case v.Order.Order == "DESC":
						return b/toStamp - a/toStamp
					}
					return a/toStamp - b/toStamp
				})
				places = places[min(v.Offset, 1000):]
				var data []string
				for _, i := range places[:min(v.Limit, len(places))] {
					at := time.Date(2026, 1, 1, 0, i/toStamp, 0, 0, time.UTC).Format(time.RFC3339)
					data = append(data, fmt.Sprintf(`{"id":"i%d","email":"p%03d@b.c","status":"pending","createdAt":%q}`, i, i, at))
				}
				return httpmock.NewStringResponse(200, fmt.Sprintf(`{"data":{"userInvites":{"totalCount":1000,"data":[%s]}}}`, strings.Join(data, ","))), nil
			})
			got, err := collect(t.Context(), m, roq.UserInvitesQuery{Order: order})
			slices.Sort(got)
			if err != nil || len(got) != 1000 || len(slices.Compact(got)) != 1000 {
				t.Errorf("in the order %v, %d to a stamp: %d came, %v; want each once", order, toStamp, len(got), err)
			}
			if order != nil && order.Sort == roq.SortStatus && sorts["email"] == 0 {
				t.Errorf("asked in the orders %v", sorts)
			}
		}
	}
}

// The size of a page is the query's or 100, and the query's own order is sent.
func TestAllUserInvitesAsks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		q    roq.UserInvitesQuery
		want []string
	}{
		{roq.UserInvitesQuery{}, []string{"ASC createdAt 100 0", "ASC createdAt 100 99"}},
		{roq.UserInvitesQuery{Limit: 60, Offset: 30}, []string{"ASC createdAt 60 30", "ASC createdAt 60 89"}},
		{roq.UserInvitesQuery{Limit: 60, Order: &roq.UserInviteOrder{Sort: roq.SortCreatedAt, Order: roq.Descending}},
			[]string{"DESC createdAt 60 0", "DESC createdAt 60 60"}},
	} {
		m := newMock(t, (&changing{rows: rows(120)}).serve)
		got, err := collect(t.Context(), m, test.q)
		if err != nil || len(got) != 120-test.q.Offset {
			t.Errorf("%d came, %v; want %d", len(got), err, 120-test.q.Offset)
		}
		var asked []string
		for _, r := range m.sent() {
			_, _, v := r.graphQL(t)
			order, offset := v["order"].(map[string]any), 0
			if n, set := v["offset"].(float64); set {
				offset = int(n)
			}
			asked = append(asked, fmt.Sprint(order["order"], " ", order["sort"], " ", v["limit"], " ", offset))
		}
		if !slices.Equal(asked, test.want) {
			t.Errorf("asked is %q, want %q", asked, test.want)
		}
	}
}

// A list that does not advance ends in an error instead of a loop, and so does one
// that is not in the order that was asked for.
func TestAllUserInvitesOfBadLists(t *testing.T) {
	t.Parallel()
	for want, list := range map[string]string{
		"roq: userInvites: the page at offset 0 has nothing new, and the list has not ended": `{"totalCount":5,"data":[]}`,
		"roq: userInvites: the page at offset 0 is not in the requested order of createdAt": `{"totalCount":2,"data":[
			{"id":"a","createdAt":"2026-01-02T00:00:00Z"},{"id":"b","createdAt":"2026-01-01T00:00:00Z"}]}`,
	} {
		got, err := collect(t.Context(), newMock(t, answer("userInvites", list)), roq.UserInvitesQuery{})
		if len(got) != 0 || !errors.Is(err, roq.ErrUnavailable) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, %v; want %q", got, err, want)
		}
	}
}

// Pages are read ahead, as many at once as WithParallel says.
func TestAllUserInvitesReadsAhead(t *testing.T) {
	t.Parallel()
	for _, parallel := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			list := changing{rows: rows(280)}
			m := newMock(t, func(r *http.Request) (*http.Response, error) {
				<-time.After(time.Second)
				return list.serve(r)
			})
			begin := time.Now()
			got, err := collect(t.Context(), m, roq.UserInvitesQuery{Limit: 40}, roq.WithParallel(parallel))
			want := time.Duration(1+(7+parallel-1)/parallel) * time.Second
			if took := time.Since(begin); err != nil || len(got) != 280 || took != want {
				t.Errorf("%d ahead: %d came in %v, %v; want all in %v", parallel, len(got), took, err, want)
			}
		})
	}
}

func TestAllUserInvitesErrorComesOnceAndLast(t *testing.T) {
	t.Parallel()
	m := newMock(t, inOrder((&changing{rows: rows(45)}).serve, refusal(403)))
	count, failed := 0, 0
	for invite, err := range m.client.AsUser(userID).AllUserInvites(t.Context(), roq.UserInvitesQuery{Limit: 10}) {
		if err != nil {
			failed++
			if invite != nil || !errors.Is(err, roq.ErrForbidden) {
				t.Errorf("%v came with %v", invite, err)
			}
			continue // the loop must end by itself
		}
		count++
		if failed > 0 {
			t.Error("an invite came after the error")
		}
	}
	if count != 10 || failed != 1 {
		t.Errorf("%d invites and %d errors, want 10 and one", count, failed)
	}
}

func TestAllUserInvitesStopsWhenTheCallerBreaks(t *testing.T) {
	t.Parallel()
	m := newMock(t, (&changing{rows: rows(45)}).serve)
	for _, err := range m.client.AsUser(userID).AllUserInvites(t.Context(), roq.UserInvitesQuery{Limit: 10}) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	if got := len(m.sent()); got != 1 {
		t.Errorf("%d pages were fetched, want one", got)
	}
}

// The iterator can be ranged over again, and starts from the beginning.
func TestAllUserInvitesCanBeRangedAgain(t *testing.T) {
	t.Parallel()
	m := newMock(t, (&changing{rows: rows(15)}).serve)
	all := m.client.AsUser(userID).AllUserInvites(t.Context(), roq.UserInvitesQuery{Limit: 10})
	for range 2 {
		n := 0
		for _, err := range all {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != 15 {
			t.Errorf("%d invites came, want 15", n)
		}
	}
}

// Ten thousand invites are listed without noticeable slowness.
func TestTenThousandInvites(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	platform := b.client.AsUser(b.user.ID)
	in := invitation(addresses(10_000)...)
	in.TenantID = b.tenant
	for i := range in.UserInvites {
		in.UserInvites[i].CreatedByUserID = ""
	}
	sent, err := platform.SendUserInvites(t.Context(), in)
	if err != nil || len(sent.Success) != 10_000 {
		t.Fatalf("SendUserInvites: %d, %v", len(sent.Success), err)
	}
	i := 0
	for invite, err := range platform.AllUserInvites(t.Context(), roq.UserInvitesQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		if invite.ID != sent.Success[i].ID {
			t.Fatalf("invite %d is %s, want %s", i, invite.ID, sent.Success[i].ID)
		}
		i++
	}
	if i != 10_000 {
		t.Errorf("%d invites came, want 10,000", i)
	}
}

// A panic or runtime.Goexit in the caller's transport, on a goroutine of the
// package's own, comes out on the caller's.
func TestAllUserInvitesWithATransportThatDoesNotReturn(t *testing.T) {
	t.Parallel()
	failure := errors.New("the transport's own")
	for name, test := range map[string]struct {
		end  func()
		want any // what the loop panics with; nil is runtime.Goexit
	}{
		"panic":  {func() { panic(failure) }, failure},
		"Goexit": {runtime.Goexit, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int32
			m := newMock(t, (&changing{rows: rows(45)}).serve, roq.WithTransport(func(next http.RoundTripper) http.RoundTripper {
				return roundTripper(func(r *http.Request) (*http.Response, error) {
					if strings.HasSuffix(r.URL.Path, "/graphql") && requests.Add(1) > 1 {
						test.end()
					}
					return next.RoundTrip(r)
				})
			}))
			var panicked any
			returned, ended := false, make(chan struct{})
			go func() {
				defer close(ended)
				defer func() { panicked = recover() }()
				_, _ = collect(t.Context(), m, roq.UserInvitesQuery{Limit: 10})
				returned = true
			}()
			<-ended
			if returned || panicked != test.want {
				t.Errorf("the loop returned: %v, or panicked with %v; want %v", returned, panicked, test.want)
			}
		})
	}
}

// One bad name does not take its page along: it is repaired, and the log says so,
// without the name.
func TestOneBadNameInAPage(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]string{"half a pair": `Ann\ud83d`, "no UTF-8": "Ann\xff"} {
		var said bytes.Buffer
		page := `{"totalCount":2,"data":[{"id":"a","email":"a@b.c","firstName":"` + bad + `","status":"pending","createdAt":"2026-01-01T00:00:00Z"},{"id":"b","email":"b@b.c","status":"pending","createdAt":"2026-01-02T00:00:00Z"}]}`
		m := newMock(t, answer("userInvites", page), roq.WithLogger(slog.New(slog.NewTextHandler(&said, nil))))
		got, err := m.client.AsUser(userID).UserInvites(t.Context(), roq.UserInvitesQuery{})
		if err != nil || len(got.Data) != 2 || got.Data[0].FirstName != "Ann\ufffd" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if log := said.String(); strings.Count(log, "response repaired") != 1 || !strings.Contains(log, "level=WARN") || strings.Contains(log, "Ann") {
			t.Errorf("%s: the log is %s", name, log)
		}
	}
}
