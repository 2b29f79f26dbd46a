package roq_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/go-roq/roq"
)

// entry is an invite of a ledger; updated is null if zero.
type entry struct {
	id, status       string
	created, updated int // seconds
}

// ledger is a platform whose lists are odd in the way that a test sets up.
type ledger struct {
	entries []entry
	looks   int // lists by updatedAt, the first one of the watch's beginning included
	// before is called before the n-th of them (from 1).
	before func(n int, l *ledger)
	// nullsFirst is where PostgreSQL has nulls in a descending order.
	nullsFirst bool
	// heedless is whether it does not heed the order, stuck whether it does not heed
	// the offset.
	heedless, stuck bool
	pages           []int // sizes of all lists
}

func (l *ledger) serve(r *http.Request) (*http.Response, error) {
	var body struct {
		Variables struct {
			Limit, Offset int
			Order         struct{ Sort, Order string }
			Filter        struct {
				Status struct{ EqualTo string }
				ID     struct{ ValueIn []string }
			}
		} `json:"variables"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return nil, err
	}
	v := body.Variables
	if v.Order.Sort == "updatedAt" && v.Offset == 0 {
		if l.looks++; l.before != nil {
			l.before(l.looks, l)
		}
	}
	var found []entry
	for _, e := range l.entries {
		if (v.Filter.Status.EqualTo == "" || e.status == v.Filter.Status.EqualTo) && (v.Filter.ID.ValueIn == nil || slices.Contains(v.Filter.ID.ValueIn, e.id)) {
			found = append(found, e)
		}
	}
	key := func(e entry) int { return e.created }
	if v.Order.Sort == "updatedAt" {
		key = func(e entry) int {
			if e.updated == 0 && l.nullsFirst {
				return 1 << 40
			}
			return e.updated
		}
	}
	slices.SortStableFunc(found, func(a, b entry) int {
		if v.Order.Order == "DESC" {
			return key(b) - key(a)
		}
		return key(a) - key(b)
	})
	if l.heedless && v.Order.Sort == "updatedAt" {
		slices.Reverse(found)
	}
	total := len(found)
	if !l.stuck {
		found = found[min(v.Offset, total):]
	}
	found = found[:min(v.Limit, len(found))]
	l.pages = append(l.pages, len(found))
	var data []string
	at := func(seconds int) string {
		if seconds == 0 {
			return "null"
		}
		return time.Date(2026, 1, 1, 0, 0, seconds, 0, time.UTC).Format(`"2006-01-02T15:04:05.000Z"`)
	}
	for _, e := range found {
		data = append(data, fmt.Sprintf(`{"id":%q,"status":%q,"createdAt":%s,"updatedAt":%s}`, e.id, e.status, at(e.created), at(e.updated)))
	}
	return httpmock.NewStringResponse(200, fmt.Sprintf(`{"data":{"userInvites":{"totalCount":%d,"data":[%s]}}}`, total, strings.Join(data, ","))), nil
}

// set changes an entry.
func (l *ledger) set(id, status string, updated int) {
	i := slices.IndexFunc(l.entries, func(e entry) bool { return e.id == id })
	l.entries[i].status, l.entries[i].updated = status, updated
}

func (l *ledger) add(id, status string, created, updated int) {
	l.entries = append(l.entries, entry{id, status, created, updated})
}

// entries makes n pending invites, one a second from the tenth on.
func entries(n int) []entry {
	all := make([]entry, n)
	for i := range all {
		all[i] = entry{fmt.Sprintf("id%d", i), "pending", 10 + i, 10 + i}
	}
	return all
}

// watch reports what a watch of the ledger sees until so many looks were made or
// it ends.
func (l *ledger) watch(t *testing.T, q roq.UserInvitesQuery, looks int) (reports []string, errs []error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	m := newMock(t, func(r *http.Request) (*http.Response, error) {
		if l.looks > looks { // the first is none
			cancel()
			return nil, context.Canceled
		}
		return l.serve(r)
	})
	for change, err := range m.client.AsUser(userID).WatchUserInvites(ctx, q, roq.WithParallel(1)) {
		switch {
		case errors.Is(err, context.Canceled):
		case err != nil:
			errs = append(errs, err)
		case change.Current == nil:
			reports = append(reports, fmt.Sprintf("%s %s>gone", change.ID, change.PreviousStatus))
		default:
			reports = append(reports, fmt.Sprintf("%s %s>%s", change.ID, change.PreviousStatus, change.Current.Status))
		}
	}
	return reports, errs
}

// What the platform's lists can be like, and what of it is seen.
func TestWatchUserInvitesLists(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		ledger ledger
		looks  int
		want   []string
		pages  []int // nil is not compared
	}{
		"all of the same date, and nothing happens": {
			// However many there are, a look is one page of 50.
			ledger{entries: slices.Repeat([]entry{{}}, 2000), before: func(_ int, l *ledger) {
				for i := range l.entries {
					l.entries[i] = entry{fmt.Sprint(i), "pending", 10, 10}
				}
			}}, 4, nil, []int{1, 500, 500, 500, 500, 4, 50, 50, 50, 50},
		},
		"two at the same moment, one a look later": {
			ledger{entries: entries(60), before: func(n int, l *ledger) {
				switch n {
				case 2:
					l.set("id3", "accepted", 1000)
				case 3:
					l.set("id4", "accepted", 1000)
				}
			}}, 4, []string{"id3 pending>accepted", "id4 pending>accepted"}, nil,
		},
		"committed late": {
			ledger{entries: entries(60), before: func(n int, l *ledger) {
				switch n {
				case 2:
					l.set("id3", "accepted", 1000)
				case 3:
					l.set("id4", "accepted", 997)
				}
			}}, 4, []string{"id3 pending>accepted", "id4 pending>accepted"}, nil,
		},
		"more news than a page": {
			ledger{entries: entries(700), before: func(n int, l *ledger) {
				if n == 2 {
					for i := range 60 {
						l.set(fmt.Sprintf("id%d", i), "accepted", 1000+i)
					}
				}
			}}, 3, func() (all []string) {
				for i := range 60 {
					all = append(all, fmt.Sprintf("id%d pending>accepted", i))
				}
				return all
			}(), []int{1, 500, 201, 50, 500, 50, 50},
		},
		"no updatedAt before the first change, and nulls come first": {
			ledger{nullsFirst: true, entries: []entry{{"a", "pending", 10, 0}, {"b", "pending", 20, 0}, {"c", "pending", 30, 0}}, before: func(n int, l *ledger) {
				switch n {
				case 2:
					l.set("a", "accepted", 1000)
				case 3:
					l.add("d", "pending", 2000, 0)
				case 4:
					l.set("d", "canceled", 3000)
				}
			}}, 5, []string{"a pending>accepted", "d >pending", "d pending>canceled"}, nil,
		},
		"no updatedAt before the first change, and nulls come last": {
			ledger{entries: []entry{{"a", "pending", 10, 0}, {"b", "pending", 20, 0}, {"c", "pending", 30, 0}}, before: func(n int, l *ledger) {
				switch n {
				case 2:
					l.set("a", "accepted", 1000)
				case 3:
					l.add("d", "pending", 2000, 0)
				}
			}}, 5, []string{"a pending>accepted", "d >pending"}, nil,
		},
		"a change that moves no date shows after a while": {
			ledger{entries: entries(60), before: func(n int, l *ledger) {
				if n == 2 {
					l.set("id3", "expired", 13)
				}
			}}, 62, []string{"id3 pending>expired"}, nil,
		},
		"a list that lags behind": {
			ledger{entries: entries(3), before: func(n int, l *ledger) {
				switch n {
				case 2, 4:
					l.set("id0", "accepted", 1000)
				case 3: // a replica that does not know yet
					l.set("id0", "pending", 10)
				}
			}}, 5, []string{"id0 pending>accepted"}, nil,
		},
		"not watched, and changing": {
			// Nobody asked for these, and they make no request more.
			ledger{entries: append(entries(2), entry{"x", "expired", 1, 1}, entry{"y", "canceled", 2, 2}), before: func(n int, l *ledger) {
				if n > 1 {
					l.set("y", "expired", 1000*n)
				}
				if n == 3 {
					l.set("x", "pending", 5000)
				}
			}}, 5, []string{"x >pending"}, []int{1, 2, 4, 4, 4, 4, 4},
		},
		"come and gone between two looks": {
			ledger{entries: entries(2), before: func(n int, l *ledger) {
				switch n {
				case 2:
					l.add("x", "canceled", 1000, 1001)
				case 3:
					l.add("y", "pending", 2000, 2000)
				}
			}}, 5, []string{"y >pending"}, []int{1, 2, 3, 4, 4, 4, 4},
		},
		"gone, and back": {
			ledger{entries: entries(2), before: func(n int, l *ledger) {
				switch n {
				case 2:
					l.entries = l.entries[:1]
				case 3:
					l.add("id1", "pending", 11, 11)
				}
			}}, 4, []string{"id1 pending>gone", "id1 >pending"}, nil,
		},
		"nothing left": {
			ledger{entries: entries(2), before: func(n int, l *ledger) {
				if n == 2 {
					l.entries = nil
				}
			}}, 9, []string{"id0 pending>gone", "id1 pending>gone"}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := test.ledger
				got, errs := l.watch(t, pendingOnly, test.looks)
				if !slices.Equal(got, test.want) || len(errs) != 0 {
					t.Errorf("reported is %q, %v, want %q", got, errs, test.want)
				}
				if test.pages != nil && !slices.Equal(l.pages, test.pages) {
					t.Errorf("the pages have %v, want %v", l.pages, test.pages)
				}
			})
		})
	}
}

// A platform that heeds not what it is asked for must not lose changes in
// silence, and not be asked for ever.
func TestWatchUserInvitesOfUnorderedLists(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		ledger *ledger
		want   string
	}{
		"the order": {&ledger{entries: entries(60), heedless: true}, "the page at offset 0 is not in the order of updatedAt that was asked for"},
		"the offset, in some order": {&ledger{entries: entries(60), before: func(n int, l *ledger) {
			if l.stuck = n > 1; l.stuck {
				for i := range l.entries {
					l.entries[i].updated += 1000
				}
			}
		}}, "the page at offset 50 is not in the order of updatedAt"},
		"the offset": {&ledger{entries: slices.Repeat([]entry{{"a", "pending", 10, 10}}, 200), before: func(n int, l *ledger) {
			l.stuck = n > 1
			for i := range l.entries {
				l.entries[i] = entry{fmt.Sprint(i % 50), "pending", 10, 10 * n}
			}
		}}, "brings nothing new"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, errs := test.ledger.watch(t, roq.UserInvitesQuery{Limit: 50}, 3)
				if len(errs) == 0 || !errors.Is(errs[0], roq.ErrUnavailable) || !strings.Contains(errs[0].Error(), test.want) {
					t.Errorf("the errors are %v, want %q", errs, test.want)
				}
				if n := len(test.ledger.pages); n > 30 {
					t.Errorf("%d requests were made", n)
				}
			})
		})
	}
}
