package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/go-roq/roq"
)

const (
	// maxRecord bounds one row, in bytes: without it a quote that nobody closed
	// would bring the rest of the file into memory.
	maxRecord = 1 << 20
	// maxHeader is how much of the file is looked at for the separator.
	maxHeader = 64 << 10
)

// row is one row under the header.
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
	limit     *limited
	csv       *csv.Reader
	line      int // where the last row that could be read begins
}

// open reads the header of a CSV file: UTF-8, or UTF-16 with a byte order mark.
func (f format) open(r io.Reader) (*sheet, error) {
	// Invalid UTF-8 passes: it is for Validate to refuse, row by row.
	text := bufio.NewReaderSize(transform.NewReader(r, unicode.BOMOverride(transform.Nop)), maxHeader)
	s := &sheet{separator: f.separator, roles: f.roles, limit: &limited{from: text, left: maxRecord}}
	if s.separator == 0 {
		start, err := text.Peek(maxHeader)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		s.separator = guessSeparator(string(start))
	}
	s.csv = csv.NewReader(s.limit)
	s.csv.Comma = s.separator
	s.csv.FieldsPerRecord = -1 // next says more about it
	header, err := s.csv.Read()
	switch {
	case errors.Is(err, io.EOF):
		return nil, errors.New("it is empty: the first row must name the columns")
	case err != nil:
		return nil, fmt.Errorf("the header cannot be read: %w", err)
	}
	for i, name := range header {
		header[i] = strings.TrimSpace(name)
		if strings.Contains(name, "@") {
			// What it is goes into no error, for it is somebody's.
			return nil, errors.New("the first row has an e-mail address in it: it must name the columns")
		}
	}
	s.columns, err = matchColumns(header, f.mapping)
	return s, err
}

// guessSeparator returns the one that is in the header most often, outside of
// quotes: the comma if there is none.
func guessSeparator(text string) rune {
	header := strings.TrimLeft(text, "\r\n")
	counts := make(map[rune]int)
	inQuotes := false
	for _, r := range header {
		switch {
		case r == '"':
			inQuotes = !inQuotes
		case inQuotes:
		case r == '\n' || r == '\r':
			return mostFrequent(counts)
		default:
			counts[r]++
		}
	}
	return mostFrequent(counts)
}

func mostFrequent(counts map[rune]int) rune {
	return slices.MaxFunc([]rune{',', ';', '\t'}, func(a, b rune) int { return counts[a] - counts[b] })
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

// rows reads the rows under the header, without those that have nothing in them.
func (s *sheet) rows() iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		for {
			s.limit.left = maxRecord
			record, err := s.csv.Read()
			var broken *csv.ParseError
			switch {
			case errors.Is(err, io.EOF):
				return
			case errors.As(err, &broken):
				if !yield(row{line: broken.StartLine, err: broken.Err}, nil) {
					return
				}
				continue
			case err != nil:
				yield(row{}, fmt.Errorf("after line %d: %w", s.line, err))
				return
			}
			s.line, _ = s.csv.FieldPos(0)
			if !blank(record) && !yield(s.row(record), nil) {
				return
			}
		}
	}
}

func blank(record []string) bool {
	return !slices.ContainsFunc(record, func(cell string) bool { return strings.TrimSpace(cell) != "" })
}

func (s *sheet) row(record []string) row {
	r := row{line: s.line}
	if len(record) != len(s.header) {
		r.err = fmt.Errorf("%d cells where the header has %d", len(record), len(s.header))
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
	return r
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

// limited refuses to read more than what is left.
type limited struct {
	from io.Reader
	left int
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, fmt.Errorf("a row of more than %d bytes: is a quote missing?", maxRecord)
	}
	n, err := l.from.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}
