package roq

import "github.com/go-roq/roq/internal/paste"

// ParseUserInvites reads whom to invite from a text as people paste it: addresses,
// with or without names, as in
//
//	wick.john@roq.tech; "Wick, John" <wick.john@roq.tech>, 'Tim Justin' <t.justin@roq.tech>
//	Lee, Ann <ann@example.com>; Ray, Bob <bob@example.com> and eve@example.com.
//
// People are separated by line ends, semicolons and commas, also by those of other
// scripts; after an address a space is enough, or "and". Quotes and brackets around
// an address, "mailto:", bullets and numbers of a list, the full stop of a sentence
// and invisible characters are removed.
//
// A name is what precedes an address in brackets: first name and last name, or in
// the reverse order with a comma. In rows that are copied from a spreadsheet, with
// tabs between the cells, it is what is in the one or two cells before the address;
// other cells without an address are ignored. A header that names a column of
// addresses (Email, E-mail address) is not a person. Under it cells may be separated
// by commas or semicolons too, as in the header, and the columns for names (First
// name, Last name, Name), wherever they are, give the name. Addresses in other columns
// are people as well.
//
// An address that occurs more than once, in any spelling, is one input, with the first
// name that is given for it. What is not an address is an input as well:
// its Email is what was written, and [UserInviteInput.Validate] says what is wrong.
// It is one input for a line, or for the text between two semicolons, that has no
// address at all. Words directly before an address without brackets need not be its
// name, and are refused together with it. An empty text gives an empty result.
func ParseUserInvites(text string) []UserInviteInput {
	var inputs []UserInviteInput
	for _, p := range paste.People(text) {
		inputs = append(inputs, UserInviteInput{Email: p.Email, FirstName: p.FirstName, LastName: p.LastName})
	}
	return inputs
}
