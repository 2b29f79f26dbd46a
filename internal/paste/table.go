package paste

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// columns says which cells of a row hold what: -1 is none.
type columns struct {
	separator                byte
	email, first, last, name int
}

// header reads the first row of a table: cells with tabs, commas or semicolons in
// between. One of them is a name for addresses. In a line without tabs another one
// is a name for names, unless it is the only one.
func header(line string) (*columns, bool) {
	const longestHeader = 4 << 10
	if len(line) > longestHeader || strings.Contains(line, "@") {
		return nil, false
	}
	for _, separator := range []byte("\t,;") {
		cells := split(line, separator)
		for i, cell := range cells {
			cells[i] = plain(cell)
		}
		find := func(names ...string) int {
			return slices.IndexFunc(cells, func(cell string) bool { return slices.Contains(names, cell) })
		}
		c := columns{
			separator: separator,
			email: find("email", "emails", "mail", "emailaddress", "emailaddresses", "mailaddress", "userprincipalname",
				"emailadresse", "mailadresse", "adresseemail", "adressemail", "adresseélectronique", "courriel", "correo", "correoelectrónico", "correoelectronico",
				"direccióndecorreoelectrónico", "direccióndecorreo"),
			first: find("firstname", "first", "givenname", "forename", "vorname", "rufname", "prénom", "prenom", "nombre"),
			last:  find("lastname", "last", "surname", "familyname", "nachname", "familienname", "zuname", "nomdefamille", "apellido", "apellidos"),
			name:  find("name", "nom", "fullname", "displayname", "vollständigername", "anzeigename", "nomcomplet", "nombrecompleto"),
		}
		if c.first >= 0 && c.last < 0 { // "Vorname;Name"
			c.last = find("name", "nom")
		}
		if named := c.first >= 0 || c.last >= 0 || c.name >= 0; c.email >= 0 && (named || separator == '\t' || len(cells) == 1) {
			return &c, true
		}
	}
	return nil, false
}

// plain is the form in which the names of columns are compared: "E-mail address
// [Required]" and "EmailAddress:" are one.
func plain(name string) string {
	name = norm.NFC.String(name)
	if i := strings.IndexAny(name, "[("); i > 0 {
		name = name[:i]
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// split returns the cells of a row, without spaces around and without the quotes
// of a cell that a separator is in.
func split(line string, separator byte) []string {
	var cells []string
	start, text := 0, false // where the cell begins, and whether there is something in it
	add := func(end int) {
		cell := strings.TrimSpace(line[start:end])
		if n := len(cell) - 1; n > 0 && cell[0] == '"' && cell[n] == '"' {
			cell = strings.TrimSpace(strings.ReplaceAll(cell[1:n], `""`, `"`))
		}
		cells = append(cells, cell)
		start, text = end+1, false
	}
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == separator:
			add(i)
		case c == '"' && !text:
			i += strings.IndexByte(line[i+1:], '"') + 1
			text = true
		case c != ' ':
			text = true
		}
	}
	add(len(line))
	return cells
}

// row reads a row under a header, and reports whether there is an address where
// the header says.
func (r *reader) row(line string) bool {
	cells := split(line, r.table.separator)
	if r.table.email >= len(cells) || !strings.Contains(cells[r.table.email], "@") {
		return false
	}
	name := func(i int) string {
		if i < 0 || i >= len(cells) || strings.Contains(cells[i], "@") {
			return ""
		}
		return uncell(cells[i])
	}
	p := Person{Email: bare(cells[r.table.email]), FirstName: name(r.table.first), LastName: name(r.table.last)}
	if p.FirstName == "" && p.LastName == "" {
		p.FirstName, p.LastName = names(name(r.table.name))
	}
	if valid(p.Email) {
		r.add(p)
	}
	// A cell may hold more than an address, and others may hold addresses too.
	for i, cell := range cells {
		if strings.Contains(cell, "@") && (i != r.table.email || !valid(p.Email)) {
			r.scan(cell)
		}
	}
	return true
}

// cells reads a row of a table whose header is not known: addresses, each with the one
// or two cells before it as its name. Numbers of rows are no names. A row without an
// address is one input.
func (r *reader) cells(line string) {
	if !strings.Contains(line, "@") {
		r.whole(strings.Join(strings.Fields(line), " "))
		return
	}
	var before []string
	for _, cell := range split(line, '\t') {
		switch email := bare(cell); {
		case !strings.Contains(cell, "@"):
			if strings.ContainsFunc(cell, unicode.IsLetter) {
				before = append(before, cell)
			}
			continue
		case valid(email):
			p := Person{Email: email}
			p.FirstName, p.LastName = cellNames(before)
			r.add(p)
		default:
			r.scan(cell)
		}
		before = nil
	}
}

// cellNames makes a name of the cells before an address, unless they are something
// else.
func cellNames(cells []string) (first, last string) {
	if slices.ContainsFunc(cells, func(cell string) bool { return strings.ContainsFunc(cell, unicode.IsDigit) }) {
		return "", ""
	}
	switch len(cells) {
	case 1:
		return names(cells[0])
	case 2:
		return cells[0], cells[1]
	}
	return "", ""
}
