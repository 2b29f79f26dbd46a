package check

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// The longest texts that are accepted, in characters: what a column of a database
// usually holds.
const (
	maxName   = 255
	maxLocale = 64
)

var (
	errNUL      = errors.New("must not contain a NUL character")
	errControl  = errors.New("must not contain control characters, line breaks or marks of text direction")
	errLongName = errors.New("must not be longer than 255 characters")
	errLocale   = errors.New("must not be longer than 64 characters")
)

// Text reports why s cannot be sent as text. Invalid UTF-8 is refused because
// encoding/json would replace it: another text than the caller's would be sent. NUL is
// what databases fail on.
func Text(s string) error {
	switch {
	case !utf8.ValidString(s):
		return errUTF8
	case strings.Contains(s, "\x00"):
		return errNUL
	}
	return nil
}

// Name reports why s cannot be a name that is shown and mailed, or the key of a role:
// one line, without anything that makes a text look like another one, of up to 255
// characters. Empty is fine.
func Name(s string) error { return line(s, maxName, errLongName) }

// Locale reports why s cannot be the name of a language.
func Locale(s string) error { return line(s, maxLocale, errLocale) }

// Role is Name for what must not be empty.
func Role(s string) error {
	if s == "" {
		return errEmpty
	}
	return Name(s)
}

func line(s string, most int, long error) error {
	switch {
	case len(s) <= most && printableASCII(s):
		return nil // as most are
	case !utf8.ValidString(s):
		return errUTF8
	case strings.ContainsFunc(s, deceives):
		return errControl
	case utf8.RuneCountInString(s) > most:
		return long
	}
	return nil
}

func printableASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// deceives reports whether a character has no place in a line of text.
func deceives(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
}

// Variables reports why an encoded JSON object cannot be the variables of an e-mail:
// its strings are put into lines of text. They may be of any length.
func Variables(object []byte) error { return jsonTexts(object, deceives, errControl) }

// Data reports why an encoded JSON object cannot be kept with an invite: a database
// does not hold NUL.
func Data(object []byte) error {
	return jsonTexts(object, func(r rune) bool { return r == 0 }, errNUL)
}

// jsonTexts returns refusal if any string in valid JSON has a character that is bad.
func jsonTexts(value []byte, bad func(rune) bool, refusal error) error {
	if !bytes.ContainsFunc(value, func(r rune) bool { return r == '\\' || r >= 0x7f }) {
		return nil // printable ASCII, as in most
	}
	for dec := jsontext.NewDecoder(bytes.NewReader(value), jsontext.AllowDuplicateNames(true)); ; {
		token, err := dec.ReadToken()
		switch {
		case err == io.EOF: //nolint:errorlint // as the decoder returns it
			return nil
		case err != nil:
			return errUTF8 // an escape that is half a character
		case token.Kind() == '"' && strings.ContainsFunc(token.String(), bad):
			return refusal
		}
	}
}
