package roq_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-roq/roq"
)

// Every filter, with every operator, arrives as the schema names it.
func TestQueryVariables(t *testing.T) {
	t.Parallel()
	m := newMock(t, answer("userInvites", `{"data":[],"totalCount":0}`))
	id := func(s string) *roq.IDFilter {
		return &roq.IDFilter{EqualTo: s, NotEqualTo: s, ValueIn: []string{s}, ValueNotIn: []string{s, s}}
	}
	text := func(s string) *roq.StringFilter {
		return &roq.StringFilter{EqualTo: s, NotEqualTo: s, ValueIn: []string{s}, ValueNotIn: []string{s, s}, Like: s, ILike: s}
	}
	q := roq.UserInvitesQuery{
		Limit: 7, Offset: 9,
		Filter: roq.UserInviteFilter{
			ID: id("1"), TenantID: id("2"), CreatedByUserID: id("3"), AcceptedByUserID: id("4"), UserTokenID: id("5"),
			Email: text("6"), FirstName: text("7"), LastName: text("8"), Locale: text("9"), Status: text("10"),
		},
		Order:  &roq.UserInviteOrder{Sort: roq.SortLastName},
		Search: &roq.UserInviteSearch{Key: roq.SearchLocale, Value: "en"},
	}
	if _, err := m.client.AsUser(userID).UserInvites(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	filter := map[string]any{}
	for i, name := range []string{"id", "tenantId", "createdByUserId", "acceptedByUserId", "userTokenId", "email", "firstName", "lastName", "locale", "status"} {
		s := strconv.Itoa(i + 1)
		operators := map[string]any{"equalTo": s, "notEqualTo": s, "valueIn": []any{s}, "valueNotIn": []any{s, s}}
		if i >= 5 {
			operators["like"], operators["iLike"] = s, s
		}
		filter[name] = operators
	}
	want := map[string]any{
		"limit": 7.0, "offset": 9.0, "filter": filter,
		"order":  map[string]any{"sort": "lastName", "order": "ASC"},
		"search": map[string]any{"key": "locale", "value": "en"},
	}
	_, _, got := m.sent()[0].graphQL(t)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
}

// What is empty is not sent.
func TestEmptyConditionsAreNotSent(t *testing.T) {
	t.Parallel()
	m := newMock(t, answer("userInvites", `{"data":[],"totalCount":0}`))
	q := roq.UserInvitesQuery{Filter: roq.UserInviteFilter{ID: &roq.IDFilter{ValueIn: []string{}}, Email: &roq.StringFilter{}}}
	if _, err := m.client.AsUser(userID).UserInvites(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	if _, _, got := m.sent()[0].graphQL(t); len(got) != 0 {
		t.Errorf("variables = %v, want none", got)
	}
}

func TestBadQueriesNameEveryFinding(t *testing.T) {
	t.Parallel()
	m := newMock(t, answer("userInvites", `{"data":[],"totalCount":0}`))
	q := roq.UserInvitesQuery{
		Limit: -1, Offset: 1 << 40,
		Filter: roq.UserInviteFilter{Email: &roq.StringFilter{Like: "\xff"}, ID: &roq.IDFilter{ValueIn: []string{"\xff"}}},
		Order:  &roq.UserInviteOrder{Sort: "color", Order: "UP"},
		Search: &roq.UserInviteSearch{Key: "email", Value: "\xff"},
	}
	check := func(err error) {
		t.Helper()
		if !errors.Is(err, roq.ErrInvalidInput) || !errors.Is(err, roq.ErrNotSent) {
			t.Fatalf("%v, want ErrInvalidInput", err)
		}
		for _, path := range []string{"Limit: ", "Offset: ", "Filter.Email: ", "Filter.ID: ", "Order.Sort: ", "Order.Order: ", "Search.Key: ", "Search.Value: "} {
			if !strings.Contains(err.Error(), path) {
				t.Errorf("the error does not name %s: %v", path, err)
			}
		}
	}
	_, err := m.client.AsUser(userID).UserInvites(t.Context(), q)
	check(err)
	for _, err := range m.client.AsUser(userID).AllUserInvites(t.Context(), roq.UserInvitesQuery{Limit: -5}) {
		if !errors.Is(err, roq.ErrInvalidInput) {
			t.Errorf("AllUserInvites with a negative Limit: %v", err)
		}
	}
	for _, err := range m.client.AsUser(userID).AllUserInvites(t.Context(), q) {
		check(err)
	}
	if len(m.requests) != 0 {
		t.Errorf("%d requests were made", len(m.requests))
	}
}

// StatusIn is a condition on the status in the schema's words, and none if it is
// empty.
func TestStatusIn(t *testing.T) {
	t.Parallel()
	m := newMock(t, answer("userInvites", `{"data":[],"totalCount":0}`))
	for _, filter := range []*roq.StringFilter{roq.StatusIn(roq.StatusPending, roq.StatusExpired), roq.StatusIn()} {
		q := roq.UserInvitesQuery{Filter: roq.UserInviteFilter{Status: filter}}
		if _, err := m.client.AsUser(userID).UserInvites(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	_, _, got := m.sent()[0].graphQL(t)
	want := map[string]any{"filter": map[string]any{"status": map[string]any{"valueIn": []any{"pending", "expired"}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	if _, _, got := m.sent()[1].graphQL(t); got["filter"] != nil {
		t.Errorf("StatusIn() is sent as %v", got)
	}
}
