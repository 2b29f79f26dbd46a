package paste

import "strings"

// formula is what a formula begins with, in a spreadsheet of any language.
const formula = "=+-@\t\r＝＋－＠"

// Cell returns a text that a spreadsheet does not take for a formula, in a cell of a file
// with any separator.
func Cell(text string) string {
	text = strings.ToValidUTF8(text, "\ufffd")
	if digits := strings.TrimLeft(text, "+-"); digits != "" && len(text)-len(digits) <= 1 && strings.Trim(digits, "0123456789") == "" {
		return text
	}
	var out strings.Builder
	begins := true
	for _, r := range text {
		if begins && strings.ContainsRune(formula, r) {
			out.WriteByte('\'')
		}
		out.WriteRune(r)
		begins = strings.ContainsRune(",;\t\r\n\"", r)
	}
	return out.String()
}

// uncell returns a text without what [Cell] has put before it.
func uncell(text string) string {
	if rest, found := strings.CutPrefix(text, "'"); found && strings.IndexAny(rest, formula) == 0 {
		return rest
	}
	return text
}
