package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// The fields that a column can hold, as -map names them.
const (
	fieldEmail     = "email"
	fieldFirstName = "firstName"
	fieldLastName  = "lastName"
	fieldLocale    = "locale"
	fieldRoles     = "roles"
	fieldCreatedBy = "createdByUserId"
)

// usualNames are what people call the columns, in the form that plain makes.
func usualNames() map[string][]string {
	return map[string][]string{
		fieldEmail:     {"email", "mail", "emailaddress", "mailaddress", "primaryemail"},
		fieldFirstName: {"firstname", "first", "givenname", "forename"},
		fieldLastName:  {"lastname", "last", "surname", "familyname"},
		fieldLocale:    {"locale", "language", "lang", "preferredlanguage"},
		fieldRoles:     {"roles", "role", "rolekeys"},
		fieldCreatedBy: {"createdbyuserid", "createdby"},
	}
}

// secondNames are what the columns may be called if none has a usual name.
func secondNames() map[string][]string {
	return map[string][]string{fieldEmail: {"userprincipalname", "upn"}}
}

// usual is a name without a remark in brackets: "Email Address [Required]" is one of
// the usual names.
func usual(name string) string {
	if i := strings.IndexAny(name, "[("); i > 0 {
		name = name[:i]
	}
	return plain(name)
}

// plain is the form in which the names of columns are compared: "E-Mail",
// "e_mail" and "Email" are one.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || unicode.IsSpace(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// parseMapping reads what -map says: "email=Work_Email,firstName=Vorname".
func parseMapping(text string) (map[string]string, error) {
	mapping := make(map[string]string)
	for pair := range strings.SplitSeq(text, ",") {
		name, column, found := strings.Cut(pair, "=")
		if !found || strings.TrimSpace(column) == "" {
			return nil, fmt.Errorf("%q is not field=column", pair)
		}
		known := slices.Sorted(maps.Keys(usualNames()))
		i := slices.IndexFunc(known, func(k string) bool { return plain(k) == plain(name) })
		if i < 0 {
			return nil, fmt.Errorf("%q is not a field: the fields are %s", name, strings.Join(known, ", "))
		}
		if _, twice := mapping[known[i]]; twice {
			return nil, fmt.Errorf("%s is mapped twice", known[i])
		}
		mapping[known[i]] = column
	}
	return mapping, nil
}

// columns says where in a record what is.
type columns struct {
	header []string
	at     map[string]int // by field
}

// matchColumns finds the fields in a header, those that are mapped first.
func matchColumns(header []string, mapping map[string]string) (columns, error) {
	c := columns{header: header, at: make(map[string]int)}
	names, second := usualNames(), secondNames()
	for _, field := range slices.Sorted(maps.Keys(names)) {
		column, mapped := mapping[field]
		var found []int
		if mapped {
			found = c.find(plain, plain(column))
		} else if found = c.find(usual, names[field]...); len(found) == 0 {
			found = c.find(usual, second[field]...)
		}
		switch {
		case len(found) == 1:
			c.at[field] = found[0]
		case len(found) > 1:
			return c, fmt.Errorf("the columns %q and %q are both the %s: choose one with -map", header[found[0]], header[found[1]], field)
		case mapped:
			return c, fmt.Errorf("there is no column %q: the columns are %s", column, quoted(header))
		case field == fieldEmail:
			return c, fmt.Errorf("there is no column with the e-mail addresses: the columns are %s; choose one with -map email=COLUMN", quoted(header))
		}
	}
	return c, c.distinct()
}

// find returns the columns with one of the names.
func (c columns) find(form func(string) string, names ...string) []int {
	var found []int
	for i, name := range c.header {
		if slices.Contains(names, form(name)) {
			found = append(found, i)
		}
	}
	return found
}

// distinct refuses one column for two fields.
func (c columns) distinct() error {
	fields := make(map[int]string)
	for _, field := range slices.Sorted(maps.Keys(c.at)) {
		i := c.at[field]
		if other, taken := fields[i]; taken {
			return fmt.Errorf("the column %q cannot be both the %s and the %s", c.header[i], other, field)
		}
		fields[i] = field
	}
	return nil
}

// uses reports whether a column holds a field.
func (c columns) uses(column int) bool {
	return slices.Contains(slices.Collect(maps.Values(c.at)), column)
}

// ignored are the columns that hold no field.
func (c columns) ignored() []string {
	var names []string
	for i, name := range c.header {
		if !c.uses(i) {
			names = append(names, name)
		}
	}
	return names
}

// cell returns what a record has in the column of a field.
func (c columns) cell(record []string, field string) string {
	if i, ok := c.at[field]; ok && i < len(record) {
		return strings.TrimSpace(record[i])
	}
	return ""
}

// name returns the header's name for a field of the SDK: "Vorname" for
// "FirstName", "roles" for "Roles[2]".
func (c columns) name(path string) string {
	path, _, _ = strings.Cut(path, "[")
	for field, i := range c.at {
		if strings.EqualFold(field, path) {
			return printable(c.header[i])
		}
	}
	return path
}

// printable quotes a name that would do something to a terminal.
func printable(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(name)
	}
	return name
}

func quoted(names []string) string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = strconv.Quote(name)
	}
	return strings.Join(all, ", ")
}
