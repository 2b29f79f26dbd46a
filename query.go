package roq

import (
	"math"

	"github.com/go-roq/roq/internal/check"
	"github.com/go-roq/roq/internal/wire"
)

// UserInvitesQuery says which invites to list. The zero value lists all invites, up to
// the number that the platform returns in one page.
type UserInvitesQuery struct {
	// Filter must match in every field that is set.
	Filter UserInviteFilter
	// Limit is the maximum number of invites on a page. Offset is the number to skip. Zero
	// is not sent.
	Limit, Offset int
	// Order sorts the list. If nil, the platform's own order is used.
	Order *UserInviteOrder
	// Search searches one field. If nil, there is no search.
	Search *UserInviteSearch
}

// UserInviteFilter has a condition for each field that is not nil.
type UserInviteFilter struct {
	// ID, TenantID, CreatedByUserID, AcceptedByUserID and UserTokenID compare ids.
	ID, TenantID, CreatedByUserID, AcceptedByUserID, UserTokenID *IDFilter
	// Email, FirstName, LastName, Locale and Status compare texts; a Status is one of
	// the [UserInviteStatus] constants.
	Email, FirstName, LastName, Locale, Status *StringFilter
}

// IDFilter is a condition on an id. All fields that are set must match. Empty fields
// are not sent, so an empty ValueIn is no condition.
type IDFilter struct {
	// EqualTo and NotEqualTo compare with one id.
	EqualTo, NotEqualTo string
	// ValueIn and ValueNotIn compare with each of several ids.
	ValueIn, ValueNotIn []string
}

// StringFilter is a condition on a text. All fields that are set must match. Empty
// fields are not sent, so an empty ValueIn is no condition.
type StringFilter struct {
	// EqualTo and NotEqualTo compare with one text, case-sensitively.
	EqualTo, NotEqualTo string
	// ValueIn and ValueNotIn compare with each of several texts.
	ValueIn, ValueNotIn []string
	// Like and ILike are SQL patterns (% and _). ILike ignores case.
	Like, ILike string
}

// StatusIn returns a condition for [UserInviteFilter].Status: the status must be one of
// those given. If none is given, it is no condition, like an empty ValueIn.
func StatusIn(statuses ...UserInviteStatus) *StringFilter {
	c := new(StringFilter)
	for _, status := range statuses {
		c.ValueIn = append(c.ValueIn, string(status))
	}
	return c
}

// UserInviteOrder sorts a list.
type UserInviteOrder struct {
	// Sort is one of the Sort constants. Required.
	Sort UserInviteSort
	// Order is Ascending if empty.
	Order Order
}

// UserInviteSort is a field that a list can be sorted by.
type UserInviteSort string

// The fields that the schema can sort by.
const (
	SortCreatedAt UserInviteSort = "createdAt"
	SortData      UserInviteSort = "data"
	SortEmail     UserInviteSort = "email"
	SortFirstName UserInviteSort = "firstName"
	SortLastName  UserInviteSort = "lastName"
	SortLocale    UserInviteSort = "locale"
	SortStatus    UserInviteSort = "status"
	SortUpdatedAt UserInviteSort = "updatedAt"
)

// Order is the direction of a sort.
type Order string

// The directions.
const (
	Ascending  Order = "ASC"
	Descending Order = "DESC"
)

// UserInviteSearch looks for a text in one field.
type UserInviteSearch struct {
	// Key is one of the Search constants. Required.
	Key UserInviteSearchKey
	// Value is the text that the field must contain, ignoring case. That is our reading:
	// the schema does not say.
	Value string
}

// UserInviteSearchKey is a field that can be searched.
type UserInviteSearchKey string

// The fields that the schema can search.
const (
	SearchFirstName UserInviteSearchKey = "firstName"
	SearchLastName  UserInviteSearchKey = "lastName"
	SearchLocale    UserInviteSearchKey = "locale"
)

// variables returns the query as it travels, or everything that is wrong with it.
func (q UserInvitesQuery) variables(operation string) (wire.List, error) {
	f := about()
	list := q.wire(f)
	return list, f.err(operation)
}

// wire returns the query as it travels, and adds what is wrong with it to f.
func (q UserInvitesQuery) wire(f *findings) wire.List {
	for _, n := range []struct {
		field string
		value int
	}{{"Limit", q.Limit}, {"Offset", q.Offset}} {
		if n.value < 0 || n.value > math.MaxInt32 {
			f.add(n.field, "must be from 0 to 2147483647")
		}
	}
	list := wire.List{Filter: q.Filter.wire(f), Limit: q.Limit, Offset: q.Offset}
	if q.Order != nil {
		list.Order = q.Order.wire(f)
	}
	if q.Search != nil {
		list.Search = q.Search.wire(f)
	}
	return list
}

// wire returns the filter as it travels, nil if it holds no condition.
func (u *UserInviteFilter) wire(f *findings) *wire.Filter {
	w := wire.Filter{
		ID:               u.ID.wire(f, "Filter.ID"),
		TenantID:         u.TenantID.wire(f, "Filter.TenantID"),
		CreatedByUserID:  u.CreatedByUserID.wire(f, "Filter.CreatedByUserID"),
		AcceptedByUserID: u.AcceptedByUserID.wire(f, "Filter.AcceptedByUserID"),
		UserTokenID:      u.UserTokenID.wire(f, "Filter.UserTokenID"),
		Email:            u.Email.wire(f, "Filter.Email"),
		FirstName:        u.FirstName.wire(f, "Filter.FirstName"),
		LastName:         u.LastName.wire(f, "Filter.LastName"),
		Locale:           u.Locale.wire(f, "Filter.Locale"),
		Status:           u.Status.wire(f, "Filter.Status"),
	}
	if w == (wire.Filter{}) {
		return nil
	}
	return &w
}

func (c *IDFilter) wire(f *findings, path string) *wire.IDFilter {
	if c == nil || c.EqualTo == "" && c.NotEqualTo == "" && len(c.ValueIn) == 0 && len(c.ValueNotIn) == 0 {
		return nil
	}
	f.texts(path, [][]string{{c.EqualTo, c.NotEqualTo}, c.ValueIn, c.ValueNotIn})
	w := wire.IDFilter(*c)
	return &w
}

func (c *StringFilter) wire(f *findings, path string) *wire.StringFilter {
	if c == nil || c.EqualTo == "" && c.NotEqualTo == "" && len(c.ValueIn) == 0 && len(c.ValueNotIn) == 0 && c.Like == "" && c.ILike == "" {
		return nil
	}
	f.texts(path, [][]string{{c.EqualTo, c.NotEqualTo, c.Like, c.ILike}, c.ValueIn, c.ValueNotIn})
	w := wire.StringFilter(*c)
	return &w
}

// texts finds what cannot be sent as it is among the values of one condition.
func (f *findings) texts(path string, values [][]string) {
	for _, list := range values {
		for _, s := range list {
			if err := check.Text(s); err != nil {
				f.add(path, err.Error())
				return
			}
		}
	}
}

func (o *UserInviteOrder) wire(f *findings) *wire.Order {
	switch o.Sort {
	case SortCreatedAt, SortData, SortEmail, SortFirstName, SortLastName, SortLocale, SortStatus, SortUpdatedAt:
	default:
		f.add("Order.Sort", "must be one of the UserInviteSort values")
	}
	w := &wire.Order{Sort: string(o.Sort), Order: string(o.Order)}
	switch o.Order {
	case Ascending, Descending:
	case "":
		w.Order = string(Ascending)
	default:
		f.add("Order.Order", "must be Ascending or Descending")
	}
	return w
}

func (s *UserInviteSearch) wire(f *findings) *wire.Search {
	switch s.Key {
	case SearchFirstName, SearchLastName, SearchLocale:
	default:
		f.add("Search.Key", "must be one of the UserInviteSearchKey values")
	}
	f.check("Search.Value", check.Text(s.Value))
	return &wire.Search{Key: string(s.Key), Value: s.Value}
}
