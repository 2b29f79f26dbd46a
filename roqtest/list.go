package roqtest

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/graph-gophers/graphql-go"

	"github.com/go-roq/roq"
)

// The arguments of the list, as the schema has them.
type (
	listArgs struct {
		Filter        *filterArg
		Limit, Offset *int32
		Order         *orderArg
		Search        *searchArg
	}
	filterArg struct {
		AcceptedByUserID, CreatedByUserID, ID, TenantID, UserTokenID *idFilter
		Email, FirstName, LastName, Locale, Status                   *stringFilter
	}
	idFilter struct {
		EqualTo, NotEqualTo *graphql.ID
		ValueIn, ValueNotIn *[]graphql.ID
	}
	stringFilter struct {
		EqualTo, NotEqualTo, Like, ILike *string
		ValueIn, ValueNotIn              *[]string
	}
	orderArg  struct{ Order, Sort string }
	searchArg struct{ Key, Value string }
)

// list returns one page of the invites that the caller sees and that match, and
// how many match in all. Without an order the oldest come first, and without a
// limit all come at once: our readings.
func (w *world) list(c caller, args listArgs) (page []roq.UserInvite, total int, err error) {
	if err := args.validate(); err != nil {
		return nil, 0, err
	}
	mayMatch := args.Filter.emails()
	found := w.snapshot(func(i *roq.UserInvite) bool {
		return mayMatch(i.Email) && c.sees(i.TenantID) && args.Filter.matches(i) && args.Search.matches(i)
	})
	args.Order.sort(found)
	total = len(found)
	return part(found, args.Limit, args.Offset), total, nil
}

// validate refuses what the schema lets pass and the platform does not: it parses
// ids as UUIDs.
func (a *listArgs) validate() error {
	if err := validPage(a.Limit, a.Offset); err != nil {
		return err
	}
	if a.Filter == nil {
		return nil
	}
	f := a.Filter
	for _, ids := range []*idFilter{f.AcceptedByUserID, f.CreatedByUserID, f.ID, f.TenantID, f.UserTokenID} {
		if ids != nil && !ids.valid() {
			return badInput("ids in a filter must be UUIDs")
		}
	}
	return nil
}

func (f *idFilter) valid() bool {
	var all []graphql.ID
	for _, one := range []*graphql.ID{f.EqualTo, f.NotEqualTo} {
		if one != nil {
			all = append(all, *one)
		}
	}
	for _, many := range []*[]graphql.ID{f.ValueIn, f.ValueNotIn} {
		if many != nil {
			all = append(all, *many...)
		}
	}
	return !slices.ContainsFunc(all, func(id graphql.ID) bool { return canonical(string(id)) == "" })
}

// emails is a quick check of an email before all else: a filter may hold thousands
// of them, and the platform many times as many invites.
func (f *filterArg) emails() func(string) bool {
	if f == nil || f.Email == nil || f.Email.ValueIn == nil {
		return func(string) bool { return true }
	}
	wanted := make(map[string]bool, len(*f.Email.ValueIn))
	for _, email := range *f.Email.ValueIn {
		wanted[email] = true
	}
	return func(email string) bool { return wanted[email] }
}

// matches reports whether the conditions on all fields hold.
func (f *filterArg) matches(i *roq.UserInvite) bool {
	return f == nil ||
		f.ID.matches(i.ID) && f.TenantID.matches(i.TenantID) && f.UserTokenID.matches(i.UserTokenID) &&
			f.CreatedByUserID.matches(i.CreatedByUserID) && f.AcceptedByUserID.matches(i.AcceptedByUserID) &&
			f.Email.matches(i.Email) && f.FirstName.matchesNullable(i.FirstName) && f.LastName.matchesNullable(i.LastName) &&
			f.Locale.matchesNullable(i.Locale) && f.Status.matches(string(i.Status))
}

// matches compares as SQL does: no condition, not even an unequal one, holds for
// an id that is null.
func (f *idFilter) matches(id string) bool {
	if f == nil {
		return true
	}
	if id == "" {
		return *f == idFilter{ValueNotIn: f.ValueNotIn} && (f.ValueNotIn == nil || len(*f.ValueNotIn) == 0)
	}
	same := func(given graphql.ID) bool { return canonical(string(given)) == id }
	return (f.EqualTo == nil || same(*f.EqualTo)) && (f.NotEqualTo == nil || !same(*f.NotEqualTo)) &&
		(f.ValueIn == nil || slices.ContainsFunc(*f.ValueIn, same)) && (f.ValueNotIn == nil || !slices.ContainsFunc(*f.ValueNotIn, same))
}

// matches reports whether every condition holds. LIKE is SQL's, by the schema's
// own descriptions.
func (f *stringFilter) matches(s string) bool {
	return f == nil ||
		(f.EqualTo == nil || s == *f.EqualTo) && (f.NotEqualTo == nil || s != *f.NotEqualTo) &&
			(f.ValueIn == nil || slices.Contains(*f.ValueIn, s)) && (f.ValueNotIn == nil || !slices.Contains(*f.ValueNotIn, s)) &&
			(f.Like == nil || like(*f.Like, s)) &&
			(f.ILike == nil || like(strings.ToLower(*f.ILike), strings.ToLower(s)))
}

// matchesNullable is matches for a column where an empty text stands for null.
func (f *stringFilter) matchesNullable(s string) bool {
	if f == nil || s != "" {
		return f.matches(s)
	}
	return *f == stringFilter{ValueNotIn: f.ValueNotIn} && (f.ValueNotIn == nil || len(*f.ValueNotIn) == 0)
}

// like reports whether s matches a SQL pattern: % is any text, _ any character,
// a backslash takes the special meaning from what follows.
func like(pattern, s string) bool {
	// On a mismatch only the last % can take one character more.
	retryPattern, retryText := "", ""
	wild := false
	for s != "" {
		r, size := utf8.DecodeRuneInString(s)
		p, rest, literal := next(pattern)
		switch {
		case p == '%' && !literal:
			wild, retryPattern, retryText = true, rest, s
			pattern = rest
			continue
		case pattern != "" && (p == r || p == '_' && !literal):
			pattern, s = rest, s[size:]
			continue
		case !wild:
			return false
		}
		_, size = utf8.DecodeRuneInString(retryText)
		retryText = retryText[size:]
		pattern, s = retryPattern, retryText
	}
	return strings.Trim(pattern, "%") == ""
}

// next takes one character off a pattern, and says whether it stands for itself.
func next(pattern string) (p rune, rest string, literal bool) {
	p, size := utf8.DecodeRuneInString(pattern)
	rest = pattern[size:]
	if p == '\\' && rest != "" {
		p, size = utf8.DecodeRuneInString(rest)
		return p, rest[size:], true
	}
	return p, rest, false
}

// matches looks for the value anywhere in the field, whatever the case: our
// reading.
func (a *searchArg) matches(i *roq.UserInvite) bool {
	if a == nil {
		return true
	}
	field := map[string]string{"firstName": i.FirstName, "lastName": i.LastName, "locale": i.Locale}[a.Key]
	return strings.Contains(strings.ToLower(field), strings.ToLower(a.Value))
}

// sort orders by one field. That equals stay in the order of their creation, or
// in the reverse if descending, is our reading.
func (a *orderArg) sort(invites []roq.UserInvite) {
	if a == nil {
		return
	}
	compare := map[string]func(a, b *roq.UserInvite) int{
		"createdAt": func(a, b *roq.UserInvite) int { return a.CreatedAt.Compare(b.CreatedAt) },
		"updatedAt": func(a, b *roq.UserInvite) int { return a.UpdatedAt.Compare(b.UpdatedAt) },
		"data":      func(a, b *roq.UserInvite) int { return cmp.Compare(string(a.Data), string(b.Data)) },
		"email":     func(a, b *roq.UserInvite) int { return cmp.Compare(a.Email, b.Email) },
		"firstName": func(a, b *roq.UserInvite) int { return cmp.Compare(a.FirstName, b.FirstName) },
		"lastName":  func(a, b *roq.UserInvite) int { return cmp.Compare(a.LastName, b.LastName) },
		"locale":    func(a, b *roq.UserInvite) int { return cmp.Compare(a.Locale, b.Locale) },
		"status":    func(a, b *roq.UserInvite) int { return cmp.Compare(a.Status, b.Status) },
	}[a.Sort]
	if a.Order == "DESC" {
		slices.Reverse(invites) // so that of equals the newest comes first
	}
	slices.SortStableFunc(invites, func(x, y roq.UserInvite) int {
		if a.Order == "DESC" {
			return compare(&y, &x)
		}
		return compare(&x, &y)
	})
}
