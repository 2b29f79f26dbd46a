package roq

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-roq/roq/internal/address"
	"github.com/go-roq/roq/internal/check"
)

// ParseUserInvites reads whom to invite from a text as people paste it: addresses
// separated by commas, semicolons, line ends or, between addresses, spaces; each
// alone or with a name, and perhaps in quotes, as in
//
//	wick.john@roq.tech; "Wick, John" <wick.john@roq.tech>, 'Tim Justin' <t.justin@roq.tech>
//
// An address that comes again, in any case of letters, counts once, with the name
// that came first. What is not an address is in the result all the same, as an
// Email for which [UserInviteInput.Validate] says what is wrong: nobody who was
// written down is lost. An empty text gives an empty result.
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
	add := func(piece string) {
		words := strings.Fields(piece)
		if len(words) > 1 && allAddresses(words) {
			all = append(all, words...)
			return
		}
		all = append(all, strings.TrimSpace(piece))
	}
	start, name := 0, 0 // where the piece starts, and where a name in it ends
	quoted, angled := false, false
	for i, r := range text {
		switch {
		case r == '\n', r == '\r':
			// Whoever forgot to close something has at least ended the line.
			quoted, angled = false, false
			add(text[start:i])
			start = i + 1
		case i < name:
		case r == '"' && !angled:
			quoted = !quoted
		case quoted:
		case r == '<':
			angled = true
		case r == '>' && angled:
			// Who comes next may come without a separator.
			angled = false
			add(text[start : i+1])
			start = i + 1
		case angled:
		case r == ',', r == ';', r == '\t':
			add(text[start:i])
			start = i + 1
		case isQuote(r) && strings.TrimSpace(text[start:i]) == "":
			name = i + quotedName(text[i:])
		}
	}
	add(text[start:])
	return all
}

// quotedName returns the length of the name that s starts with, in quotes of any
// kind but ", if an address in angle brackets follows it, and 0 otherwise. Those
// quotes are apostrophes too, so that it must be clear where the name ends.
func quotedName(s string) int {
	// The bound keeps the time for a text of many quotes linear.
	const longest = 256
	s = s[:min(len(s), longest)]
	_, opening := utf8.DecodeRuneInString(s)
	for i, r := range s[opening:] {
		if strings.ContainsRune("<>\r\n", r) {
			return 0
		}
		end := opening + i + utf8.RuneLen(r)
		if !isQuote(r) {
			continue
		}
		if next, _ := utf8.DecodeRuneInString(s[end:]); unicode.IsLetter(next) {
			continue
		}
		if strings.HasPrefix(strings.TrimSpace(s[end:]), "<") {
			return end
		}
		return 0
	}
	return 0
}

// allAddresses reports whether a piece is a list that is separated by spaces.
func allAddresses(words []string) bool {
	for _, w := range words {
		if !strings.Contains(w, "@") || strings.ContainsAny(unquote(w), `<>"`) {
			return false
		}
	}
	return true
}

// invitee reads one person: an address, or a name and an address.
func invitee(piece string) UserInviteInput {
	start := strings.LastIndexByte(piece, '<')
	angled, closed := strings.CutSuffix(piece[start+1:], ">")
	if start < 0 || !closed {
		return UserInviteInput{Email: unquoteAddress(piece)}
	}
	name, in := unquote(piece[:start]), UserInviteInput{Email: unquoteAddress(strings.TrimSpace(angled))}
	if in.Email == "" || name != "" && strings.TrimFunc(name, isQuote) == "" {
		return UserInviteInput{Email: piece} // to be refused as it was written
	}
	switch last, first, reversed := strings.Cut(name, ","); {
	case address.Fold(name) == address.Fold(in.Email):
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

// unquoteAddress returns the address that is written in quotes, as mail programs
// copy it, and anything else as it is.
func unquoteAddress(s string) string {
	if bare := unquote(s); check.Email(bare) == nil {
		return bare
	}
	return s
}

// unquote returns s without spaces and quotes around it. There may be several
// pairs, as Outlook writes "'Jane Doe'", and of any kind.
func unquote(s string) string {
	for {
		s = strings.TrimSpace(s)
		opening, first := utf8.DecodeRuneInString(s)
		closing, last := utf8.DecodeLastRuneInString(s)
		if first+last > len(s) || !isQuote(opening) || !isQuote(closing) {
			return s
		}
		s = s[first : len(s)-last]
	}
}

func isQuote(r rune) bool { return unicode.Is(unicode.Quotation_Mark, r) }
