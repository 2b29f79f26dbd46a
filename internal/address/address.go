// Package address compares e-mail addresses.
package address

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// Fold returns the form in which addresses are compared: platforms may answer in
// lower case. No other letter becomes one of ASCII, or two people with different
// addresses would be taken for one.
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

// toASCII accepts any domain that can be looked up.
var toASCII = idna.New(idna.MapForLookup(), idna.Transitional(false))

// Loose returns a form by which another spelling of one mailbox is recognized:
// without spaces around it, in lower case and Unicode's form NFC, and with the
// domain in its ASCII form. Two people may have addresses that have it in common,
// on a mail server that keeps them apart: what must not be confused is compared
// by [Fold].
func Loose(email string) string {
	email = Fold(strings.TrimSpace(email))
	if isASCII(email) && !strings.Contains(email, "xn--") {
		return email
	}
	// Lower case of what is normal need not be normal.
	email = norm.NFC.String(Fold(norm.NFC.String(email)))
	at := strings.LastIndexByte(email, '@')
	if at < 0 {
		return email
	}
	domain, err := toASCII.ToASCII(email[at+1:])
	if err != nil {
		return email // no domain: as it was written
	}
	return email[:at+1] + domain
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
