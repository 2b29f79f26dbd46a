package roq

import "github.com/go-roq/roq/internal/paste"

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
// name, Name), in any position. Addresses in other columns are people too.
//
// An address that occurs more than once, in any spelling, is one input, with the first
// name that is given for it. Text that is not an address is an input too: its Email is
// the text, and [UserInviteInput.Validate] reports what is wrong with it. A line without
// an address, or the text between two semicolons, is one such input. Words directly
// before an address without brackets may not be its name, and are refused together with
// it. An empty text gives an empty result.
//
// To write a person so that this function reads the same again, for a form that shows who
// was refused, use "Last, First" <address>, without quotes and backslashes in the names.
func ParseUserInvites(text string) []UserInviteInput {
	var inputs []UserInviteInput
	for _, p := range paste.People(text) {
		inputs = append(inputs, UserInviteInput{Email: p.Email, FirstName: p.FirstName, LastName: p.LastName})
	}
	return inputs
}
