package roq_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/go-roq/roq"
)

// row is an invite of a list that changes while it is read.
type row struct {
	id      string
	created int // minutes
}

// changing is a platform whose list a test changes between two pages.
type changing struct {
	mu    sync.Mutex // pages are asked for side by side
	rows  []row
	pages int
	// between is called before the n-th page (from 1) is served.
	between func(n int, c *changing)
	ignores string // a variable that the platform does not heed
}

func (c *changing) serve(r *http.Request) (*http.Response, error) { return c.capped(r, 1<<30) }

// capped is serve with no more rows on a page than that.
func (c *changing) capped(r *http.Request, most int) (*http.Response, error) {
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
	if c.pages > 500 {
		return httpmock.NewStringResponse(403, "the test went on too long"), nil
	}
	if c.between != nil {
		c.between(c.pages, c)
	}
	rows := slices.Clone(c.rows)
	slices.SortStableFunc(rows, func(a, b row) int { return a.created - b.created })
	if v.Order.Order == "DESC" {
		slices.Reverse(rows)
	}
	total := len(rows)
	if c.ignores != "offset" {
		rows = rows[min(v.Offset, total):]
	}
	rows = rows[:min(v.Limit, len(rows), most)]
	var data []string
	for _, row := range rows {
		at := time.Date(2026, 1, 1, 0, row.created, 0, 0, time.UTC).Format("2006-01-02T15:04:05.000Z")
		data = append(data, fmt.Sprintf(`{"id":%q,"email":"a@b.c","status":"pending","createdAt":%q}`, row.id, at))
	}
	return httpmock.NewStringResponse(200, fmt.Sprintf(`{"data":{"userInvites":{"totalCount":%d,"data":[%s]}}}`, total, strings.Join(data, ","))), nil
}

// rows makes n rows, some of which share their time of creation.
func rows(n int) []row {
	all := make([]row, n)
	for i := range all {
		all[i] = row{fmt.Sprintf("old%03d", i), i / 2}
	}
	return all
}

// remove takes away the rows with those indexes.
func (c *changing) remove(from, to int) { c.rows = slices.Delete(slices.Clone(c.rows), from, to) }

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
// go.
func TestAllUserInvitesWhileTheListChanges(t *testing.T) {
	t.Parallel()
	for name, between := range map[string]func(int, *changing){
		"nothing happens": nil,
		"rows already read go": func(n int, c *changing) {
			if n == 2 {
				c.remove(0, 7)
			}
		},
		"nearly all go": func(n int, c *changing) {
			if n == 4 {
				c.remove(0, 28)
			}
		},
		"the overlap goes": func(n int, c *changing) {
			if n == 2 {
				c.remove(9, 10)
			}
		},
		"the overlap and its like go": func(n int, c *changing) {
			if n == 2 {
				c.remove(8, 12)
			}
		},
		"one goes before every page": func(n int, c *changing) {
			if len(c.rows) > 3 && n > 1 {
				c.remove(0, 1)
			}
		},
		"rows come at the end": func(n int, c *changing) {
			if n < 4 {
				c.rows = append(c.rows, row{fmt.Sprintf("new%d", n), 1000 + n})
			}
		},
		"rows come in front": func(n int, c *changing) {
			if n == 2 || n == 3 {
				c.rows = append([]row{{fmt.Sprintf("new%d", n), 0}}, c.rows...)
			}
		},
		"some come and some go": func(n int, c *changing) {
			if n == 2 || n == 4 {
				c.remove(2, 6)
				c.rows = append([]row{{fmt.Sprintf("new%d", n), 1}}, c.rows...)
			}
		},
		"all go": func(n int, c *changing) {
			if n == 3 {
				c.rows = nil
			}
		},
	} {
		for _, parallel := range []int{1, 2, 8} {
			t.Run(fmt.Sprintf("%s, %d abreast", name, parallel), func(t *testing.T) {
				t.Parallel()
				start := rows(45)
				c := &changing{rows: slices.Clone(start), between: between}
				m := newMock(t, c.serve)
				got, err := collect(t.Context(), m, roq.UserInvitesQuery{Limit: 10}, roq.WithParallel(parallel))
				if err != nil {
					t.Fatalf("after %d: %v", len(got), err)
				}
				comeOnce(t, got, start, c.rows)
				_, _, first := m.sent()[0].graphQL(t)
				if order := first["order"]; fmt.Sprint(order) != "map[order:ASC sort:createdAt]" {
					t.Errorf("order = %v, want it said aloud", order)
				}
				if between == nil && c.pages != 5 { // 10, 9, 9, 9, 8 and the rows they share
					t.Errorf("%d pages, want 5", c.pages)
				}
			})
		}
	}
}

// comeOnce checks that no row comes twice, and that each comes that was there at
// the start and at the end.
func comeOnce(t *testing.T, got []string, start, end []row) {
	t.Helper()
	seen := map[string]int{}
	for _, id := range got {
		if seen[id]++; seen[id] > 1 {
			t.Errorf("%s came %d times", id, seen[id])
		}
	}
	for _, r := range start {
		if slices.Contains(end, r) && seen[r.id] == 0 {
			t.Errorf("%s was there throughout and never came", r.id)
		}
	}
}

// Whatever the size of a page and the number of rows, all of them come in order.
func TestAllUserInvitesPageSizes(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 2, 3, 7, 0} {
		for _, n := range []int{0, 1, 2, 3, 13, 101} {
			for _, order := range []*roq.UserInviteOrder{nil, {Sort: roq.SortCreatedAt, Order: roq.Descending}} {
				c := &changing{rows: rows(n)}
				got, err := collect(t.Context(), newMock(t, c.serve), roq.UserInvitesQuery{Limit: limit, Order: order})
				if err != nil || len(got) != n {
					t.Fatalf("limit %d: %d of %d came, %v", limit, len(got), n, err)
				}
				if order != nil {
					slices.Reverse(got)
				}
				if !slices.IsSorted(got) {
					t.Errorf("limit %d: %v is out of order", limit, got)
				}
			}
		}
	}
}

func TestAllUserInvitesBeginsAtTheOffset(t *testing.T) {
	t.Parallel()
	for _, order := range []*roq.UserInviteOrder{nil, {Sort: roq.SortCreatedAt}} {
		c := &changing{rows: rows(30), between: func(n int, c *changing) {
			if n == 3 {
				c.remove(20, 21)
			}
		}}
		got, err := collect(t.Context(), newMock(t, c.serve), roq.UserInvitesQuery{Limit: 5, Offset: 12, Order: order})
		if err != nil || got[0] != "old012" || got[len(got)-1] != "old029" {
			t.Errorf("%v, %v; want the rows from the 12th on", got, err)
		}
	}
}

// In an order of the caller's an invite comes at most once.
func TestAllUserInvitesInAnotherOrder(t *testing.T) {
	t.Parallel()
	c := &changing{rows: rows(45), between: func(n int, c *changing) {
		if n == 2 { // in front, in this order: a page of known rows comes again
			for i := range 10 {
				c.rows = append(c.rows, row{fmt.Sprintf("new%d", i), 1000})
			}
		}
	}}
	got, err := collect(t.Context(), newMock(t, c.serve), roq.UserInvitesQuery{Limit: 10, Order: &roq.UserInviteOrder{Sort: roq.SortCreatedAt, Order: roq.Descending}})
	if err != nil || len(got) != 45 {
		t.Fatalf("%d came, %v; want the 45 that were there", len(got), err)
	}
	slices.Sort(got)
	if len(slices.Compact(got)) != 45 {
		t.Errorf("some came twice: %v", got)
	}
}

// A list that gets no further ends in an error instead of a loop.
func TestAllUserInvitesThatDoesNotAdvance(t *testing.T) {
	t.Parallel()
	empty := answer("userInvites", `{"totalCount":5,"data":[]}`)
	for name, responder := range map[string]httpmock.Responder{
		"offset ignored":  (&changing{rows: rows(45), ignores: "offset"}).serve,
		"always empty":    empty,
		"empty after one": inOrder((&changing{rows: rows(45)}).serve, empty),
		"rows in no order": func(r *http.Request) (*http.Response, error) {
			// The first page is always the same, and no other begins with a row of it.
			body, _ := io.ReadAll(r.Body)
			id, year := "a", 2026
			if strings.Contains(string(body), `"offset"`) {
				id, year = "b", 2027
			}
			return httpmock.NewStringResponse(200, fmt.Sprintf(`{"data":{"userInvites":{"totalCount":100,"data":[
				{"id":"%s1","createdAt":"%d-01-01T00:00:00Z"},{"id":"%s2","createdAt":"%d-01-01T00:00:00Z"}]}}}`, id, year, id, year)), nil
		},
		"one row at a time": func(*http.Request) (*http.Response, error) {
			return httpmock.NewStringResponse(200, `{"data":{"userInvites":{"totalCount":100,"data":[{"id":"a","createdAt":"2026-01-01T00:00:00Z"}]}}}`), nil
		},
	} {
		for _, order := range []*roq.UserInviteOrder{nil, {Sort: roq.SortEmail}} {
			m := newMock(t, responder)
			got, err := collect(t.Context(), m, roq.UserInvitesQuery{Limit: 10, Order: order})
			if !errors.Is(err, roq.ErrUnavailable) || !strings.Contains(err.Error(), "brings nothing new") || len(m.sent()) > 100 {
				t.Errorf("%s: %d came in %d requests, %v; want an error", name, len(got), len(m.sent()), err)
			}
		}
	}
}

// A platform that does not heed the order must not lose invites in silence.
func TestAllUserInvitesOutOfOrder(t *testing.T) {
	t.Parallel()
	m := newMock(t, answer("userInvites", `{"totalCount":2,"data":[{"id":"a","createdAt":"2026-01-02T00:00:00Z"},{"id":"b","createdAt":"2026-01-01T00:00:00Z"}]}`))
	got, err := collect(t.Context(), m, roq.UserInvitesQuery{})
	if len(got) != 0 || !errors.Is(err, roq.ErrUnavailable) || !strings.Contains(err.Error(), "the page at offset 0 is not in the order of createdAt") {
		t.Errorf("%v, %v; want an error", got, err)
	}
}

func TestAllUserInvitesErrorComesOnceAndLast(t *testing.T) {
	t.Parallel()
	m := newMock(t, inOrder((&changing{rows: rows(45)}).serve, httpmock.NewStringResponder(403, "")))
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

// One invite leaves and another comes while the last page is on its way.
func TestAllUserInvitesEndsWithKnownRows(t *testing.T) {
	t.Parallel()
	c := &changing{rows: rows(3), between: func(n int, c *changing) {
		if n == 2 {
			c.remove(0, 1)
			c.rows = append(c.rows, row{"new", 1000})
		}
	}}
	got, err := collect(t.Context(), newMock(t, c.serve), roq.UserInvitesQuery{Limit: 2, Order: &roq.UserInviteOrder{Sort: roq.SortCreatedAt, Order: roq.Descending}})
	if err != nil || len(got) != 2 {
		t.Errorf("%v, %v; want the two that stayed", got, err)
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
