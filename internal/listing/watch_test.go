package listing_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-roq/roq/internal/listing"
)

// What the platform's lists can be like, and what of it is seen.
func TestRunLists(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		ledger *ledger
		polls  int
		want   []string
		pages  []int // nil is not compared
	}{
		"all of the same date, and nothing happens": {
			// However many there are, a poll is one page of 50.
			&ledger{entries: slices.Repeat([]entry{{}}, 2000), before: func(_ int, l *ledger) {
				for i := range l.entries {
					l.entries[i] = entry{fmt.Sprint(i), "pending", 10, 10}
				}
			}}, 4, nil, []int{1, 500, 500, 500, 500, 4, 50, 50, 50, 50},
		},
		"two at the same moment, one a poll later": {
			&ledger{entries: entries(60), before: func(n int, l *ledger) {
				switch n {
				case 2:
					l.set("id3", "accepted", 1000)
				case 3:
					l.set("id4", "accepted", 1000)
				}
			}}, 4, []string{"id3 pending>accepted", "id4 pending>accepted"}, nil,
		},
		"committed late": {
			&ledger{entries: entries(60), before: func(n int, l *ledger) {
				switch n {
				case 2:
					l.set("id3", "accepted", 1000)
				case 3:
					l.set("id4", "accepted", 997)
				}
			}}, 4, []string{"id3 pending>accepted", "id4 pending>accepted"}, nil,
		},
		"more news than a page": {
			&ledger{entries: entries(700), before: func(n int, l *ledger) {
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
			&ledger{nullsFirst: true, entries: []entry{{"a", "pending", 10, 0}, {"b", "pending", 20, 0}, {"c", "pending", 30, 0}}, before: func(n int, l *ledger) {
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
			&ledger{entries: []entry{{"a", "pending", 10, 0}, {"b", "pending", 20, 0}, {"c", "pending", 30, 0}}, before: func(n int, l *ledger) {
				switch n {
				case 2:
					l.set("a", "accepted", 1000)
				case 3:
					l.add("d", "pending", 2000, 0)
				}
			}}, 5, []string{"a pending>accepted", "d >pending"}, nil,
		},
		"a change that moves no date shows after a while": {
			&ledger{entries: entries(60), before: func(n int, l *ledger) {
				if n == 2 {
					l.set("id3", "expired", 13)
				}
			}}, 62, []string{"id3 pending>expired"}, nil,
		},
		"a list that lags behind": {
			&ledger{entries: entries(3), before: func(n int, l *ledger) {
				switch n {
				case 2, 4:
					l.set("id0", "accepted", 1000)
				case 3: // a replica that does not know yet
					l.set("id0", "pending", 10)
				}
			}}, 5, []string{"id0 pending>accepted"}, nil,
		},
		"not watched, and changing": {
			// Nobody asked for these, and they cost no further request.
			&ledger{entries: append(entries(2), entry{"x", "expired", 1, 1}, entry{"y", "canceled", 2, 2}), before: func(n int, l *ledger) {
				if n > 1 {
					l.set("y", "expired", 1000*n)
				}
				if n == 3 {
					l.set("x", "pending", 5000)
				}
			}}, 5, []string{"x >pending"}, []int{1, 2, 4, 4, 4, 4, 4},
		},
		"come and gone between two polls": {
			&ledger{entries: entries(2), before: func(n int, l *ledger) {
				switch n {
				case 2:
					l.add("x", "canceled", 1000, 1001)
				case 3:
					l.add("y", "pending", 2000, 2000)
				}
			}}, 5, []string{"y >pending"}, []int{1, 2, 3, 4, 4, 4, 4},
		},
		"gone, and back": {
			&ledger{entries: entries(2), before: func(n int, l *ledger) {
				switch n {
				case 2:
					l.entries = l.entries[:1]
				case 3:
					l.add("id1", "pending", 11, 11)
				}
			}}, 4, []string{"id1 pending>gone", "id1 >pending"}, nil,
		},
		"nothing left": {
			&ledger{entries: entries(2), before: func(n int, l *ledger) {
				if n == 2 {
					l.entries = nil
				}
			}}, 9, []string{"id0 pending>gone", "id1 pending>gone"}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := test.ledger
			got, errs := l.watch(t, l.newWatch(), test.polls)
			if !slices.Equal(got, test.want) || len(errs) != 0 {
				t.Errorf("reported is %q, %v, want %q", got, errs, test.want)
			}
			if test.pages != nil && !slices.Equal(l.pages, test.pages) {
				t.Errorf("the pages have %v, want %v", l.pages, test.pages)
			}
		})
	}
}

// A platform that ignores what it is asked for must not lose changes in silence,
// and must not be asked forever.
func TestRunOfUnorderedLists(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		ledger *ledger
		want   string
	}{
		"the order": {&ledger{entries: entries(60), heedless: true}, "the page at offset 0 is not in the requested order of updatedAt"},
		"the offset, in some order": {&ledger{entries: entries(60), before: func(n int, l *ledger) {
			if l.stuck = n > 1; l.stuck {
				for i := range l.entries {
					l.entries[i].updated += 1000
				}
			}
		}}, "the page at offset 50 is not in the requested order of updatedAt"},
		"the offset": {&ledger{entries: slices.Repeat([]entry{{"a", "pending", 10, 10}}, 200), before: func(n int, l *ledger) {
			l.stuck = n > 1
			for i := range l.entries {
				l.entries[i] = entry{fmt.Sprint(i % 50), "pending", 10, 10 * n}
			}
		}}, "returned only 50 of 200 rows"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := test.ledger.newWatch()
			w.Limit = 50
			_, errs := test.ledger.watch(t, w, 3)
			wrong := (*listing.Error)(nil)
			if len(errs) == 0 || !errors.As(errs[0], &wrong) || !strings.Contains(errs[0].Error(), test.want) {
				t.Errorf("the errors are %v, want %q", errs, test.want)
			}
			if n := len(test.ledger.pages); n > 30 {
				t.Errorf("%d requests were made", n)
			}
		})
	}
}
