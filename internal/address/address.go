// Package address compares e-mail addresses.
package address

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Fold returns the form in which addresses are compared: platforms may answer
// in lower case. No other letter becomes one of ASCII, or two people with
// different addresses would be taken for one.
func Fold(email string) string {
	for i := range len(email) {
		if c := email[i]; 'A' <= c && c <= 'Z' || c >= utf8.RuneSelf {
			return strings.Map(foldRune, email)
		}
	}
	return email
}

func foldRune(r rune) rune {
	if lower := unicode.ToLower(r); r < utf8.RuneSelf || lower >= utf8.RuneSelf {
		return lower
	}
	return r
}

// Loose returns a form that other spellings of one mailbox have too.
func Loose(email string) string { return Fold(strings.TrimSpace(email)) }
