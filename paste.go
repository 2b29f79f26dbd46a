package roq

import (
	"strings"

	"github.com/go-roq/roq/internal/paste"
)

// ParseUserInvites reads the people to invite from pasted text: addresses, with or
// without names, as in
//
//	wick.john@roq.tech; "Wick, John" <wick.john@roq.tech>, 'Tim Justin' <t.justin@roq.tech>
//	Lee, Ann <ann@example.com>; Ray, Bob <bob@example.com> and eve@example.com.
//
// People are separated by line ends, semicolons and commas, including those of other
// scripts. After an address, a space or "and" is sufficient. Quotes and brackets around
// an address, "mailto:", bullets, list numbers, the period at the end of a sentence and
// invisible characters are removed.
//
// The text before an address in brackets is a name: first name and last name, or the
// reverse with a comma. In rows copied from a spreadsheet, with tabs between the cells,
// the name is in the one or two cells before the address, and other cells without an
// address are ignored. A header row that names a column of addresses (Email, E-mail
// address) is not a person. Below it, cells may be separated by commas or semicolons
// too, as in the header, and the name is in the columns for names (First name, Last
// name, Name), in any position. Addresses in other columns are people too. Headers are
// known in English, German, French and Spanish.
//
// An address that occurs more than once, in any spelling, is one input, with the first
// name that is given for it. Text that is not an address is an input too: its Email is
// the text, and [UserInviteInput.Validate] reports what is wrong with it. A line without
// an address, or the text between two semicolons, is one such input. Words directly
// before an address without brackets may not be its name, and are refused together with
// it. An empty text gives an empty result.
//
// The text can be the content of a file, as spreadsheets save it: in UTF-8, in UTF-16 with
// a byte order mark, or, if it is neither, in Windows-1252.
func ParseUserInvites(text string) []UserInviteInput {
	people, _ := paste.People(text)
	return inputs(people)
}

// RepeatedUserInvites returns what [ParseUserInvites] leaves out: one input for each time
// that an address occurs again in the text, in any spelling.
func RepeatedUserInvites(text string) []UserInviteInput {
	_, repeated := paste.People(text)
	return inputs(repeated)
}

// FormatUserInvites writes the addresses and names of inputs as a text that
// [ParseUserInvites] reads again, one line for each: for a form in which people correct
// who was refused. It is for people to read and correct, not for storage. Names lose what
// would be read as something else, such as quotes, brackets, at signs, bullets, numbers in
// front, and the commas of a last name. A first name of several words without a last name
// is read as a first and a last name. A few unusual addresses are read as another one:
// those with a vertical bar, and those that begin like a label, as in
// to=bob@example.com.
func FormatUserInvites(inputs []UserInviteInput) string {
	lines := make([]string, len(inputs))
	for i, in := range inputs {
		lines[i] = paste.Write(paste.Person{Email: in.Email, FirstName: in.FirstName, LastName: in.LastName})
	}
	return strings.Join(lines, "\n")
}

// SpreadsheetCell returns a text for a cell of a CSV file, such that no spreadsheet computes
// it as a formula: an apostrophe is put before what begins like one, at the beginning and
// after what a spreadsheet with another separator takes for the end of a cell. A signed
// number remains as it is. [ParseUserInvites] removes the apostrophe before an address.
func SpreadsheetCell(text string) string { return paste.Cell(text) }

func inputs(people []paste.Person) []UserInviteInput {
	var inputs []UserInviteInput
	for _, p := range people {
		inputs = append(inputs, UserInviteInput{Email: p.Email, FirstName: p.FirstName, LastName: p.LastName})
	}
	return inputs
}
