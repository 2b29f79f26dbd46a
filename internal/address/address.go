// Package address compares e-mail addresses.
package address

import (
	"slices"
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

// Mailbox returns the form that all spellings of one mailbox have in common: without
// spaces around it, in lower case and Unicode's form NFC, with the domain in its ASCII
// form, and, at Google's mail, which does not heed them, without dots. Two people may
// have addresses that have it in common, on a mail server that keeps them apart: a
// platform's answer is compared by [Fold] first.
func Mailbox(email string) string {
	email = Fold(strings.TrimSpace(email))
	if isASCII(email) && !strings.Contains(email, "xn--") {
		return google(email)
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
	return google(email[:at+1] + domain)
}

// google returns an address of Google's mail in its own form, and any other as it is.
func google(email string) string {
	local, ok := strings.CutSuffix(email, "@gmail.com")
	if !ok {
		if local, ok = strings.CutSuffix(email, "@googlemail.com"); !ok {
			return email
		}
	}
	return strings.ReplaceAll(local, ".", "") + "@gmail.com"
}

// Spellings returns how a platform may have stored an address: as it is, in lower case,
// with only the domain in lower case, in Unicode's form NFC, and with the domain in its
// ASCII form or not.
func Spellings(email string) []string {
	mailbox := Mailbox(email)
	all := []string{email, Fold(email), mailbox, norm.NFC.String(email)}
	if at := strings.LastIndexByte(email, '@'); at >= 0 {
		domain := mailbox[strings.LastIndexByte(mailbox, '@')+1:]
		for _, local := range []string{email[:at+1], Fold(email[:at+1]), mailbox[:len(mailbox)-len(domain)]} {
			all = append(all, local+Fold(email[at+1:]), local+domain)
			if unicode, err := toASCII.ToUnicode(domain); err == nil {
				all = append(all, local+unicode)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Skeleton returns what stays of a [Mailbox] when a platform leaves out what some mail
// servers do not heed: marks in the part before the @, and what follows a plus sign.
func Skeleton(mailbox string) string {
	at := strings.LastIndexByte(mailbox, '@')
	if at < 0 {
		return mailbox
	}
	local, _, _ := strings.Cut(mailbox[:at], "+")
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, local) + mailbox[at:]
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
