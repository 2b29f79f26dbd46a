package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-roq/roq"
)

// row is one row under the header, or one line of a record that is refused.
type row struct {
	// line is where it begins in the file, from 1.
	line int
	// input is what it says. Of a row with an err it may be anything.
	input roq.UserInviteInput
	// err is why it cannot be taken for a person.
	err error
}

// format is what is known of a CSV file before it is read.
type format struct {
	// separator is between the cells; 0 means to find out from the header.
	separator rune
	// mapping names columns by field: see parseMapping.
	mapping map[string]string
	// roles are for those whose row has none.
	roles []string
}

// sheet is a CSV file that is being read: its header has been.
type sheet struct {
	columns
	separator rune
	roles     []string
	lines     *lines
	csv       *csv.Reader
}

// open reads the header of a CSV file.
func (f format) open(r io.Reader) (*sheet, error) {
	text, err := decode(r)
	if err != nil {
		return nil, err
	}
	s := &sheet{separator: f.separator, roles: f.roles, lines: newLines(text)}
	if err := s.separate(); err != nil {
		return nil, err
	}
	s.csv = csv.NewReader(s.lines)
	s.csv.Comma = s.separator
	s.csv.FieldsPerRecord = -1 // row says more about it
	header, err := s.csv.Read()
	if err != nil {
		return nil, fmt.Errorf("the header on line %d cannot be read: %w", s.lines.first(), plainError(err))
	}
	for i, name := range header {
		header[i] = strings.TrimSpace(strings.Trim(name, "\ufeff"))
		switch {
		case !strings.Contains(name, "@"):
		case len(s.lines.record) > 1:
			return nil, fmt.Errorf("the header goes from line %d to line %d: close the quote (\") that is open on line %[1]d", s.lines.first(), s.lines.number)
		default:
			// The address goes into no error, for it is somebody's.
			return nil, errors.New("the first row has an e-mail address in it: put a row above it that names the columns, such as email,firstName,lastName")
		}
	}
	s.columns, err = matchColumns(header, f.mapping)
	return s, err
}

// separate finds the separator, unless it was given: in a first line as Excel writes
// it ("sep=;"), which is not of the table, or in the header.
func (s *sheet) separate() error {
	for {
		s.lines.begin()
		line, err := s.lines.next()
		if errors.Is(err, io.EOF) {
			return errors.New("it is empty: the first row must name the columns")
		}
		if err != nil {
			return err
		}
		named := strings.Trim(line, `"`)
		switch {
		case strings.TrimSpace(line) == "":
		case len(named) > len("sep=") && strings.EqualFold(named[:len("sep=")], "sep="):
			separator, err := parseSeparator(named[len("sep="):])
			if err != nil {
				return fmt.Errorf("line %d: %w", s.lines.number, err)
			}
			if s.separator == 0 {
				s.separator = separator
			}
		default:
			if s.separator == 0 {
				s.separator = guessSeparator(line)
			}
			s.lines.again()
			return nil
		}
	}
}

// guessSeparator returns the one that is in the header most often, outside of
// quotes: the comma if there is none.
func guessSeparator(header string) rune {
	counts := make(map[rune]int)
	inQuotes := false
	for _, r := range header {
		if r == '"' {
			inQuotes = !inQuotes
		} else if !inQuotes {
			counts[r]++
		}
	}
	return slices.MaxFunc([]rune{',', ';', '\t', '|'}, func(a, b rune) int { return counts[a] - counts[b] })
}

// parseSeparator reads what -separator says.
func parseSeparator(text string) (rune, error) {
	switch text {
	case "tab", `\t`:
		return '\t', nil
	case "comma":
		return ',', nil
	case "semicolon":
		return ';', nil
	}
	r, size := utf8.DecodeRuneInString(text)
	if size != len(text) || strings.ContainsRune("\"\r\n\uFFFD", r) {
		return 0, fmt.Errorf("%q is not a separator: it must be one character, or tab", text)
	}
	return r, nil
}

// rows reads the rows under the header, without those that have nothing in them. Of
// a record that is refused each line is a row.
func (s *sheet) rows() iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		for {
			s.lines.begin()
			record, err := s.csv.Read()
			first := s.lines.first()
			var broken *csv.ParseError
			switch {
			case errors.Is(err, io.EOF):
				return
			case err != nil && !errors.As(err, &broken):
				yield(row{}, err)
				return
			case err != nil || s.runsOn(record):
				for i, line := range s.lines.record {
					if strings.TrimSpace(line) != "" && !yield(s.refused(first+i, line, s.why(first, err)), nil) {
						return
					}
				}
			case !blank(record) && !yield(s.row(first, record), nil):
				return
			}
		}
	}
}

// runsOn reports whether a record goes over lines that may be rows of their own: a
// cell with a line break is one of those that are used, or has an address in it.
func (s *sheet) runsOn(record []string) bool {
	for i, cell := range record {
		if strings.Contains(cell, "\n") && (s.uses(i) || strings.Contains(cell, "@")) {
			return true
		}
	}
	return false
}

// why says why the lines of a record are refused.
func (s *sheet) why(first int, err error) error {
	if last := s.lines.number; last > first {
		return fmt.Errorf("lines %d to %d are one row, because of a quote (\") that is open at the end of line %[1]d: close it", first, last)
	}
	return plainError(err)
}

// plainError says what is wrong with a record of one line.
func plainError(err error) error {
	switch {
	case errors.Is(err, csv.ErrBareQuote):
		return errors.New(`a quote (") inside a cell that does not begin with one: put the cell in quotes, and double the quote`)
	case errors.Is(err, csv.ErrQuote):
		return errors.New(`a quote (") that is not closed, or text after a closing quote`)
	}
	return err
}

// refused is a line of a record that is refused, with the addresses in it for the
// report.
func (s *sheet) refused(number int, line string, err error) row {
	loose := csv.NewReader(strings.NewReader(line))
	loose.Comma, loose.LazyQuotes = s.separator, true
	record, _ := loose.Read()
	emails := []string{s.cell(record, fieldEmail)}
	if !strings.Contains(emails[0], "@") && strings.Contains(line, "@") {
		emails = nil
		for _, in := range roq.ParseUserInvites(line) {
			if strings.Contains(in.Email, "@") {
				emails = append(emails, in.Email)
			}
		}
	}
	return row{line: number, input: roq.UserInviteInput{Email: strings.Join(emails, " ")}, err: err}
}

func blank(record []string) bool {
	return !slices.ContainsFunc(record, func(cell string) bool { return strings.TrimSpace(cell) != "" })
}

// row makes a row of a record. What it may lack is what can be omitted.
func (s *sheet) row(number int, record []string) row {
	r := row{line: number}
	switch have := len(record); {
	case have > len(s.header) && !blank(record[len(s.header):]):
		r.err = fmt.Errorf("%s where the header has %d: put a cell with a %q in it in quotes", counted(have, "cell"), len(s.header), s.separator)
	case have <= s.at[fieldEmail]:
		r.err = fmt.Errorf("%s where the header has %d: the address is missing", counted(have, "cell"), len(s.header))
	}
	r.input = roq.UserInviteInput{
		Email:           s.cell(record, fieldEmail),
		FirstName:       s.cell(record, fieldFirstName),
		LastName:        s.cell(record, fieldLastName),
		Locale:          s.cell(record, fieldLocale),
		CreatedByUserID: s.cell(record, fieldCreatedBy),
		Roles:           splitRoles(s.cell(record, fieldRoles)),
	}
	if len(r.input.Roles) == 0 {
		r.input.Roles = s.roles
	}
	if strings.Contains(r.input.Email, "#EXT#") {
		r.err = errors.New("this is the user principal name of a guest, not an e-mail address: write the address")
	}
	return r
}

// counted is a number of things: "1 row", "2 rows".
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// splitRoles reads roles with semicolons or vertical bars in between.
func splitRoles(cell string) []string {
	var roles []string
	for _, role := range strings.FieldsFunc(cell, func(r rune) bool { return r == ';' || r == '|' }) {
		if role = strings.TrimSpace(role); role != "" {
			roles = append(roles, role)
		}
	}
	return roles
}
