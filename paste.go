package roq

import (
	"strings"
	"unicode"

	"github.com/go-roq/roq/internal/address"
)

// ParseUserInvites reads whom to invite from a text as people paste it: addresses
// separated by commas, semicolons, line ends or, between addresses, spaces; each
// alone or with a name, as in
//
//	wick.john@roq.tech; "Wick, John" <wick.john@roq.tech>, Tim Justin <t.justin@roq.tech>
//
// An address that comes again, in any case of letters, counts once. What is not
// an address is in the result all the same, as an Email for which
// [UserInviteInput.Validate] says what is wrong: nothing that somebody wrote is
// lost. An empty text gives an empty result.
func ParseUserInvites(text string) []UserInviteInput {
	var inputs []UserInviteInput
	seen := make(map[string]bool)
	for _, piece := range pieces(text) {
		in := invitee(piece)
		if folded := address.Fold(in.Email); in.Email != "" && !seen[folded] {
			seen[folded] = true
			inputs = append(inputs, in)
		}
	}
	return inputs
}

// pieces splits a text where one person ends and the next begins.
func pieces(text string) []string {
	var all []string
	quoted, angled := false, false
	for piece := range strings.FieldsFuncSeq(text, func(r rune) bool {
		switch r {
		case '"':
			quoted = !quoted && !angled
		case '<':
			angled = !quoted
		case '>':
			angled = false
		case '\n', '\r':
			// Whoever forgot to close something has at least ended the line.
			quoted, angled = false, false
			return true
		case ',', ';', '\t':
			return !quoted && !angled
		}
		return false
	}) {
		words := strings.Fields(piece)
		if len(words) > 1 && allAddresses(words) {
			all = append(all, words...)
			continue
		}
		all = append(all, strings.TrimSpace(piece))
	}
	return all
}

// allAddresses reports whether a piece is a list that is separated by spaces.
func allAddresses(words []string) bool {
	for _, w := range words {
		if !strings.Contains(w, "@") || strings.ContainsAny(w, `<>"`) {
			return false
		}
	}
	return true
}

// invitee reads one person: an address, or a name and an address.
func invitee(piece string) UserInviteInput {
	start := strings.LastIndexByte(piece, '<')
	address, closed := strings.CutSuffix(piece[start+1:], ">")
	if start < 0 || !closed {
		return UserInviteInput{Email: piece}
	}
	name, in := piece[:start], UserInviteInput{Email: strings.TrimSpace(address)}
	if in.Email == "" {
		return UserInviteInput{Email: piece} // to be refused as it was written
	}
	name = strings.TrimSpace(strings.Trim(strings.TrimSpace(name), `"'`))
	switch last, first, reversed := strings.Cut(name, ","); {
	case strings.Contains(name, "@"):
		// The address once more.
	case reversed:
		in.FirstName, in.LastName = strings.TrimSpace(first), strings.TrimSpace(last)
	default:
		in.FirstName = name
		if i := strings.LastIndexFunc(name, unicode.IsSpace); i >= 0 {
			in.FirstName, in.LastName = strings.TrimSpace(name[:i]), strings.TrimSpace(name[i:])
		}
	}
	return in
}
