package paste

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-roq/roq/internal/check"
)

// longest bounds what bare looks at, in bytes: an address with all that it may be
// wrapped in.
const longest = 1 << 10

func valid(s string) bool { return check.Email(s) == nil }

// bare returns the address in s without what mail programs and prose write around
// it: quotes, brackets, "mailto:", the full stop of a sentence, and characters that
// cannot be seen. If no address is in it, it returns s without spaces around.
func bare(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > longest {
		return s
	}
	a := strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\u200c' || r == '\u200d' }), "")
	for before := ""; a != before; {
		before = a
		// Symbols around it, bullets and typographic quotes among them. What cannot be read
		// may have been a letter.
		a = strings.TrimFunc(a, func(r rune) bool {
			return r >= utf8.RuneSelf && r != utf8.RuneError && !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r)
		})
		a = uncell(a[label(a):])
		if valid(a) {
			return a
		}
		a = unwrap(a)
	}
	a = strings.TrimRightFunc(a, func(r rune) bool {
		return r != utf8.RuneError && (isQuote(r) || unicode.IsPunct(r) || unicode.IsSymbol(r))
	})
	if valid(a) && bare(a) == a {
		return a
	}
	return s
}

// unwrap takes one layer off an address. What an address may begin with stays,
// unless it is at the end too.
func unwrap(a string) string {
	a = unquote(a)
	if n := len(a) - 1; n > 0 && a[0] == a[n] && strings.IndexByte("*_`", a[0]) >= 0 {
		a = a[1:n]
	}
	a = strings.TrimLeft(a, "<([{.,:;\"")
	a = strings.TrimRight(a, ">)]}.,:;!?…")
	if at := strings.IndexByte(a, '@'); at > 0 && !strings.Contains(a[:at], "/") {
		a = a[strings.LastIndexByte(a[:at], ':')+1:] // whatever it is called
	}
	if to, query, found := strings.Cut(a, "?"); found && !strings.Contains(query, "@") {
		a = to // of a link
	}
	return a
}

// label returns the length of what may be written before an address, with a colon or an
// equals sign.
func label(s string) int {
	end := strings.IndexAny(s[:min(len(s), len("mailto:"))], ":=")
	if end < 0 {
		return 0
	}
	switch name := strings.ToLower(s[:end]); name {
	case "mailto", "email", "e-mail", "mail", "smtp", "from", "to", "cc", "bcc":
		return len(name) + 1
	}
	return 0
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
