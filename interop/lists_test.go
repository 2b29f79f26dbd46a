package interop_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/go-roq/roq"
)

// populate makes invites of every status, with and without names, whose fields
// have something to tell apart.
func populate(t *testing.T, s *scene) []roq.UserInvite {
	t.Helper()
	admin := newGopher(t, s.Server, "")
	locales, names := []string{"en-US", "en-GB", "de-DE", ""}, []string{"Ada", "ada", "Zoë", "O'Hara", "50%", "a_b", ""}
	for i := range 24 {
		in := roq.UserInviteInput{
			CreatedByUserID: []string{ann, ben}[i%2], Email: fmt.Sprintf("Person.%02d@%s.example", i, []string{"one", "two"}[i%2]),
			FirstName: names[i%len(names)], LastName: names[(i+3)%len(names)], Locale: locales[i%len(locales)],
		}
		if i%3 == 0 {
			in.Roles = []string{"member"}
		}
		id := s.invited(admin.send(to(acme, in)), 0)
		s.Advance(time.Second)
		var err error
		switch i % 4 {
		case 1:
			_, err = s.Accept(s.token(in.Email))
		case 2:
			admin.cancel(id)
		case 3:
			err = s.Expire(id)
		}
		if err != nil {
			t.Fatal(err)
		}
		s.Advance(time.Second)
	}
	admin.send(to(other, roq.UserInviteInput{CreatedByUserID: otto, Email: "person.00@one.example"}))
	return s.Invites()
}

// conditions are all that can be asked of a field, with values that some
// invites have.
func conditions(has []string) []any {
	slices.Sort(has)
	has = slices.Compact(has)
	some := has[len(has)/2]
	letters := []rune(some)
	first, last, rest := string(letters[:1]), string(letters[len(letters)-1:]), string(letters[1:])
	return []any{
		roq.IDFilter{EqualTo: some},
		roq.IDFilter{NotEqualTo: some},
		roq.IDFilter{ValueIn: has[:(len(has)+1)/2]},
		roq.IDFilter{ValueNotIn: has[:(len(has)+1)/2]},
		roq.IDFilter{ValueIn: has, NotEqualTo: some},
		roq.StringFilter{EqualTo: some},
		roq.StringFilter{NotEqualTo: some},
		roq.StringFilter{ValueIn: has[:(len(has)+1)/2]},
		roq.StringFilter{ValueNotIn: has[:(len(has)+1)/2]},
		roq.StringFilter{Like: "%" + first + "%"},
		roq.StringFilter{ILike: "%" + last + "%"},
		roq.StringFilter{Like: "_" + rest},
		roq.StringFilter{ILike: some},
		roq.StringFilter{Like: "%e%", ILike: "%A%", NotEqualTo: some},
	}
}

// queries asks every field of the filter every operator, and every order, search
// and page.
func queries(invites []roq.UserInvite) []roq.UserInvitesQuery {
	var all []roq.UserInvitesQuery
	for field := range reflect.TypeFor[roq.UserInviteFilter]().Fields() {
		var has []string
		for _, i := range invites {
			if value := reflect.ValueOf(i).FieldByName(field.Name).String(); value != "" {
				has = append(has, value)
			}
		}
		for _, condition := range conditions(has) {
			if reflect.TypeOf(condition) == field.Type.Elem() {
				var q roq.UserInvitesQuery
				pointer := reflect.New(field.Type.Elem())
				pointer.Elem().Set(reflect.ValueOf(condition))
				reflect.ValueOf(&q.Filter).Elem().FieldByIndex(field.Index).Set(pointer)
				all = append(all, q)
			}
		}
	}
	for _, sort := range []roq.UserInviteSort{roq.SortCreatedAt, roq.SortData, roq.SortEmail, roq.SortFirstName, roq.SortLastName, roq.SortLocale, roq.SortStatus, roq.SortUpdatedAt} {
		for _, order := range []roq.Order{roq.Ascending, roq.Descending} {
			all = append(all, roq.UserInvitesQuery{Order: &roq.UserInviteOrder{Sort: sort, Order: order}})
		}
	}
	for _, key := range []roq.UserInviteSearchKey{roq.SearchFirstName, roq.SearchLastName, roq.SearchLocale} {
		for _, value := range []string{"a", "A", "zoë", "50%", "_", "'", "en", "no such thing"} {
			all = append(all, roq.UserInvitesQuery{Search: &roq.UserInviteSearch{Key: key, Value: value}})
		}
	}
	for _, page := range [][2]int{{0, 0}, {1, 0}, {10, 0}, {10, 10}, {10, 20}, {10, 24}, {10, 1000}, {1000, 3}, {0, 5}} {
		all = append(all, roq.UserInvitesQuery{Limit: page[0], Offset: page[1]})
	}
	return append(all,
		roq.UserInvitesQuery{
			Filter: roq.UserInviteFilter{
				TenantID: &roq.IDFilter{EqualTo: acme}, Email: &roq.StringFilter{ILike: "%TWO%"},
				Status: &roq.StringFilter{ValueIn: []string{"accepted", "expired"}},
			},
			Order:  &roq.UserInviteOrder{Sort: roq.SortEmail, Order: roq.Descending},
			Search: &roq.UserInviteSearch{Key: roq.SearchLastName, Value: "a"},
			Limit:  3, Offset: 1,
		},
		// Refusals.
		roq.UserInvitesQuery{Filter: roq.UserInviteFilter{ID: &roq.IDFilter{EqualTo: "no-uuid"}}},
		roq.UserInvitesQuery{Filter: roq.UserInviteFilter{TenantID: &roq.IDFilter{ValueIn: []string{acme, "no-uuid"}}}},
	)
}

// TestLists lets every client ask every query of one platform. They see the same
// invites in the same order, in every field to the letter.
func TestLists(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	asked := queries(populate(t, s))
	for _, test := range []struct{ driver, user string }{{"nodejs.mjs", ann}, {"nodejs.mjs", ""}, {"client.mjs", ann}} {
		t.Run(test.driver+" as "+map[string]string{ann: "ann", "": "super admin"}[test.user], func(t *testing.T) {
			t.Parallel()
			ours := newGopher(t, s.Server, test.user)
			theirs := newScript(t, start(t, test.driver), s.Server, test.user)
			counts := map[int]int{}
			for _, q := range asked {
				got, want := theirs.list(q), ours.list(q)
				same(t, fmt.Sprintf("what %v came to", plain(t, q, false)), got, want)
				if page, ok := want.Data.(map[string]any); ok {
					counts[len(page["data"].([]any))]++
				}
			}
			// The queries tell something apart if few find all or nothing.
			if len(asked) < 100 || counts[0] > len(asked)/4 || counts[24]+counts[25] > len(asked)/2 {
				t.Errorf("%d queries found so many invites so often: %v", len(asked), counts)
			}
			t.Logf("%d queries", len(asked))
		})
	}
}
