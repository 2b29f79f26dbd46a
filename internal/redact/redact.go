// Package redact keeps secrets and e-mail addresses out of errors, log lines and
// printed values.
package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	word    = "redacted"
	blank   = "[" + word + "]"
	maxText = 1000
)

// Format prints v, which holds no secret, as the verb and its flags ask. It is
// for the Format methods of types that have secrets.
func Format(f fmt.State, verb rune, v any) {
	_, _ = fmt.Fprintf(f, fmt.FormatString(f, verb), v)
}

// Mask hides a value and shows whether there is one.
func Mask(s string) string {
	if s == "" {
		return ""
	}
	return blank
}

// Identifier returns s if it is a short identifier as codes and request ids are,
// and nothing otherwise: a text from outside gets no other way into an error.
// What looks like a token is no identifier.
func Identifier(s string) string {
	if len(s) > 128 || hasToken(s) {
		return ""
	}
	for _, r := range s {
		if r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-.:", r) {
			return ""
		}
	}
	return s
}

// Text makes a text from outside fit for an error. It blanks
//
//   - the secrets, which are ASCII, also where they are escaped as in a URL, in JSON, in
//     HTML or by %q, and where they are encoded in base64, alone or as a part of a longer
//     text, or in hexadecimal; those that are no short words in any case of letters;
//   - words that hold an e-mail address, written plainly or escaped;
//   - words that hold a JWT, and those after the name of an authorization scheme.
//
// Control characters become spaces and invalid UTF-8 becomes question marks. A
// text of more than 1000 bytes is cut.
func Text(text string, secrets ...string) string {
	for _, s := range spellings(secrets, len(text)) {
		text = replaceFold(text, s)
		if strings.ContainsAny(text, `%\&`) {
			text = replaceEscaped(text, s)
		}
	}
	text = joinQuoted(strings.ToValidUTF8(text, "?"))
	if len(text) > maxText {
		// Between two words: half an address would not be recognized as one.
		text = text[:max(0, strings.LastIndexFunc(text[:maxText], separates))] + "…"
	}
	return blankWords(text)
}

// spellings returns the secrets and their base64 and hexadecimal forms that can occur
// in a text of n bytes. The longest come first: a secret may be a part of another,
// whose other part would be left.
func spellings(secrets []string, n int) []string {
	all := make([]string, 0, 2*len(secrets))
	for _, secret := range secrets {
		if secret == "" || len(secret) > n {
			continue
		}
		all = append(all, secret)
		for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding, base64.RawURLEncoding} {
			if encoding.EncodedLen(len(secret)) <= n {
				all = append(all, encoding.EncodeToString([]byte(secret)))
			}
		}
		if hex.EncodedLen(len(secret)) <= n {
			digits := hex.EncodeToString([]byte(secret))
			all = append(all, digits, strings.ToUpper(digits))
		}
		for _, part := range inBase64(secret) {
			if len(part) <= n {
				all = append(all, part)
			}
		}
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return all
}

// inBase64 returns how a secret looks inside of the base64 of a longer text: without
// the characters at both ends that depend on its neighbors.
func inBase64(secret string) []string {
	const least = 8 // fewer characters may be there by chance
	var parts []string
	for before := range 3 {
		text := append(make([]byte, before), secret...)
		begin, end := (before*8+5)/6, len(text)*8/6
		if end-begin < least {
			continue
		}
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			parts = append(parts, encoding.EncodeToString(text)[begin:end])
		}
	}
	return parts
}

// longWord is the length from which on a secret is blanked in any case of letters: a
// shorter one may be a word that codes and messages have too.
const longWord = 16

// replaceFold blanks a secret in any case of letters.
func replaceFold(text, secret string) string {
	if len(secret) < longWord {
		return strings.ReplaceAll(text, secret, blank)
	}
	low, wanted := lower(text), lower(secret)
	i := strings.Index(low, wanted)
	if i < 0 {
		return text
	}
	var out strings.Builder
	for done := 0; ; {
		out.WriteString(text[done : done+i])
		out.WriteString(blank)
		done += i + len(secret)
		if i = strings.Index(low[done:], wanted); i < 0 {
			out.WriteString(text[done:])
			return out.String()
		}
	}
}

// lower puts ASCII letters in lower case, and leaves the length as it is.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		b[i] = lowerByte(c)
	}
	return string(b)
}

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c - 'A' + 'a'
	}
	return c
}

// replaceEscaped blanks a secret of which some characters are escaped.
func replaceEscaped(text, secret string) string {
	var out strings.Builder
	for i := 0; i < len(text); {
		if n := escapedPrefix(text[i:], secret); n > 0 {
			out.WriteString(blank)
			i += n
			continue
		}
		out.WriteByte(text[i])
		i++
	}
	return out.String()
}

// escapedPrefix returns the length of the secret, escaped in any way, at the
// start of a text; 0 if it is not there.
func escapedPrefix(text, secret string) int {
	n := 0
	for i := range len(secret) {
		size := escapedByte(text[n:], secret[i])
		if size == 0 {
			return 0
		}
		n += size
	}
	return n
}

// escapedByte returns the length of c, escaped or not, at the start of a text; 0
// if it is not there. Every writer escapes other characters, so that any may be.
func escapedByte(text string, c byte) int {
	if text == "" {
		return 0
	}
	switch text[0] {
	case '%':
		if n := percentByte(text, c); n > 0 {
			return n
		}
	case '&':
		if n := entityByte(text, c); n > 0 {
			return n
		}
	}
	if text[0] == '\\' && len(text) > 1 {
		// A text that is quoted twice has each backslash twice.
		rest := strings.TrimLeft(text, `\`)
		slashes := len(text) - len(rest)
		switch {
		case c == '\\' && slashes > 1:
			return len(`\\`)
		case rest != "" && rest[0] == 'u' && isHex(rest[1:], 4, c):
			return slashes + len("u0000")
		case rest != "" && rest[0] == 'x' && isHex(rest[1:], 2, c):
			return slashes + len("x00")
		case rest != "" && rest[0] == c && strings.IndexByte(`"'/`, c) >= 0:
			return slashes + 1
		}
	}
	if lowerByte(text[0]) == lowerByte(c) || text[0] == '+' && c == ' ' {
		return 1
	}
	return 0
}

// percentByte is escapedByte for a text that begins with %, which may be escaped again
// and again.
func percentByte(text string, c byte) int {
	const again = "25"
	for n := len("%"); ; n += len(again) {
		if isHex(text[n:], 2, c) {
			return n + 2
		}
		if !strings.HasPrefix(text[n:], again) {
			return 0
		}
	}
}

// entityByte is escapedByte for a text that begins with &, as in HTML.
func entityByte(text string, c byte) int {
	const longest = len("&#x000000;")
	end := strings.IndexByte(text[:min(len(text), longest)], ';')
	if end < 0 {
		return 0
	}
	if one := html.UnescapeString(text[:end+1]); len(one) != 1 || lowerByte(one[0]) != lowerByte(c) {
		return 0
	}
	return end + 1
}

// isHex reports whether a text starts with c in that many hexadecimal digits.
func isHex(text string, digits int, c byte) bool {
	if len(text) < digits {
		return false
	}
	n, err := strconv.ParseUint(text[:digits], 16, 16)
	return err == nil && n < utf8.RuneSelf && lowerByte(byte(n)) == lowerByte(c)
}

// joinQuoted removes the quoted part of addresses such as "jane doe"@x.example,
// whose words would not be recognized as parts of one. The rest of the address
// is blanked as a word.
func joinQuoted(text string) string {
	if !strings.Contains(text, `"@`) && !strings.Contains(text, `"%40`) {
		return text
	}
	out := make([]byte, 0, len(text))
	for i := range len(text) {
		if rest, ok := strings.CutPrefix(text[i:], `"`); ok && (strings.HasPrefix(rest, "@") || strings.HasPrefix(rest, "%40")) {
			out = out[:openingQuote(out)]
			continue
		}
		out = append(out, text[i])
	}
	return string(out)
}

// openingQuote returns where the quotes open that close at the end of a text; the
// end if nowhere.
func openingQuote(text []byte) int {
	// Far more than the 64 bytes that stand before the @ of an address.
	nearest := max(0, len(text)-256)
	start := len(text)
	for {
		i := bytes.LastIndexByte(text[nearest:start], '"')
		if i < 0 {
			return start
		}
		start = nearest + i
		if start == 0 || text[start-1] != '\\' {
			return start
		}
	}
}

// blankWords blanks the words that must not be shown.
func blankWords(text string) string {
	var out strings.Builder
	start, secret := 0, false
	add := func(w string) {
		switch {
		case w == "":
			return // separators between a scheme and what follows it
		case w == word:
			secret = false // blanked before
		case secret, hasAddress(w), hasToken(w):
			w, secret = blank, false
		default:
			secret = endsInScheme(w)
		}
		out.WriteString(w)
	}
	for i, r := range text {
		if !separates(r) {
			continue
		}
		add(text[start:i])
		start = i + utf8.RuneLen(r)
		if unicode.IsControl(r) {
			r = ' '
		}
		out.WriteRune(r)
	}
	add(text[start:])
	return out.String()
}

// separates reports whether r ends a word. No character that an address or a
// token can hold does, but for an address in quotes: see [joinQuoted].
func separates(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`"<>()[],;`, r)
}

// hasAddress reports whether a word holds an @ in any of its spellings: in URLs,
// escaped once or twice, in JSON and Go strings, and in HTML.
func hasAddress(w string) bool {
	if strings.Contains(w, "@") {
		return true
	}
	if !strings.ContainsAny(w, `%\&`) {
		return false
	}
	for _, at := range []string{"%40", "%2540", `\u0040`, `\x40`, "&#64", "&#x40", "&commat"} {
		if strings.Contains(w, at) {
			return true
		}
	}
	return false
}

// hasToken reports whether a word holds a JWT, which is an object of JSON in
// base64: "eyJ" stands for `{"`. After a letter or a digit it may be a part of a
// longer word, as in keyJar, or the token behind an escape, as in %3DeyJ.
func hasToken(w string) bool {
	const start = "eyJ"
	for i := strings.Index(w, start); i >= 0; {
		if i == 0 || !isAlphanumeric(w[i-1]) || isText(w[i:]) {
			return true
		}
		next := strings.Index(w[i+1:], start)
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return false
}

// isText reports whether s starts with printable ASCII in base64. That of an
// English word hardly ever is.
func isText(s string) bool {
	const size = 8
	if len(s) < size {
		return false
	}
	decoded, err := base64.RawURLEncoding.DecodeString(s[:size])
	return err == nil && !slices.ContainsFunc(decoded, func(b byte) bool { return b < ' ' || b > '~' })
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// endsInScheme reports whether a word ends in the name of an authorization
// scheme, perhaps behind something else, as in "Authorization:Bearer".
func endsInScheme(w string) bool {
	w = strings.TrimRight(w, ":=")
	name := w[len(strings.TrimRightFunc(w, unicode.IsLetter)):]
	return strings.EqualFold(name, "Basic") || strings.EqualFold(name, "Bearer")
}
