package redact

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	blank          = "[redacted]"
	maxMessageSize = 1000
)

// format prints v, which holds no secret, as the verb and its flags ask.
func Format(f fmt.State, verb rune, v any) {
	_, _ = fmt.Fprintf(f, fmt.FormatString(f, verb), v)
}

// mask hides a value and shows whether there is one.
func Mask(s string) string {
	if s == "" {
		return ""
	}
	return blank
}

// scrub makes a text from outside fit for an error: words that hold an e-mail
// address, look like a token or follow the name of an authorization scheme are
// blanked, as are the secrets; line breaks and other control characters become
// spaces; what is very long is cut.
func Text(text string, secrets ...string) string {
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, blank)
		}
	}
	text = strings.ToValidUTF8(text, "?")
	if len(text) > maxMessageSize {
		// Between two words: half an address would not be known for one.
		text = text[:strings.LastIndexFunc(text[:maxMessageSize], separates)+1] + "…"
	}
	var out strings.Builder
	start, scheme := 0, false
	word := func(w string) {
		if scheme || strings.Contains(w, "@") || strings.Contains(w, "%40") || strings.HasPrefix(w, "eyJ") {
			w = Mask(w)
		}
		if w != "" {
			scheme = strings.EqualFold(w, "Basic") || strings.EqualFold(w, "Bearer")
		}
		out.WriteString(w)
	}
	for i, r := range text {
		if !separates(r) {
			continue
		}
		word(text[start:i])
		start = i + utf8.RuneLen(r)
		if unicode.IsControl(r) {
			r = ' '
		}
		out.WriteRune(r)
	}
	word(text[start:])
	return out.String()
}

// separates reports whether r ends a word for scrub. No character that an
// address or a token can hold does.
func separates(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`"<>()[],;`, r)
}

// identifier returns s if it is a short identifier as codes and request ids are,
// and nothing otherwise: a text from outside gets no other way into an error.
func Identifier(s string) string {
	if len(s) > 128 {
		return ""
	}
	for _, r := range s {
		if r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-.:", r) {
			return ""
		}
	}
	return s
}
