package check

import (
	"errors"
	"net/mail"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// The longest parts of an e-mail address, in bytes: RFC 5321, section 4.5.3.1,
// less the angle brackets around a path, and RFC 1035, section 2.3.4, less what
// the encoding of a domain adds.
const (
	maxEmail  = 254
	maxLocal  = 64
	maxDomain = 253
	maxLabel  = 63
)

var (
	errLongEmail  = errors.New("must not be longer than 254 bytes")
	errLongLocal  = errors.New("must not have more than 64 bytes before the @")
	errDomain     = errors.New("must have a domain of labels with 1 to 63 letters, digits and inner hyphens")
	errLongDomain = errors.New("must not have a domain of more than 253 bytes")
	errLiteral    = errors.New("must have an IPv4 address in the brackets")
	errOneAddress = errors.New("must be one e-mail address without a name, quotes or spaces")
	errInvisible  = errors.New("must not contain control or invisible characters")
	errSymbol     = errors.New("must not contain symbols outside ASCII")
)

// Email reports why s is not exactly one e-mail address in the form that is
// mailed, or nil: no display name, no list, no quoting, no padding. A domain is
// one as RFC 1035 has it, or an IPv4 address in brackets. Internationalized
// addresses are accepted as they are written; their domain is judged in its ASCII
// form.
func Email(s string) error {
	switch {
	case s == "":
		return errEmpty
	case len(s) > maxEmail:
		return errLongEmail
	case plain(s):
		return nil
	default:
		return address(s)
	}
}

// plain reports whether s is an address as nearly all are: words of letters,
// digits and a few marks, one dot between two, and one @. For those the rules of
// [address] need not be gone through.
func plain(s string) bool {
	at, start := -1, 0 // start is the current word's
	for i := range len(s) {
		switch c := s[i]; {
		case isAlphanumeric(c):
		case c == '-' && (at < 0 || i > start && i+1 < len(s) && s[i+1] != '.'):
		case at < 0 && (c == '_' || c == '+'):
		case at < 0 && c == '@' && start < i && i <= maxLocal:
			at, start = i, i+1
		case c == '.' && start < i && (at < 0 || i-start <= maxLabel):
			start = i + 1
		default:
			return false
		}
	}
	return at > 0 && start < len(s) && len(s)-start <= maxLabel
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func address(s string) error {
	if !utf8.ValidString(s) {
		return errUTF8
	}
	for _, r := range s {
		// The bidirectional, zero-width and other invisible characters make an
		// address look like another one.
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp,
			unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) {
			return errInvisible
		}
		if unicode.IsSpace(r) {
			return errOneAddress
		}
	}
	if strings.ContainsFunc(s, isSymbol) {
		return errSymbol
	}
	parsed, err := mail.ParseAddress(s)
	if err != nil || parsed.Name != "" || parsed.Address != s {
		return errOneAddress
	}
	at := strings.LastIndexByte(s, '@')
	if at > maxLocal {
		return errLongLocal
	}
	return domain(s[at+1:])
}

// isSymbol reports whether r is no letter, mark or digit of a script other than ASCII's,
// and no dot of a domain: what is around an address in a text must not become a part of
// it. Quotation marks have a reason of their own.
func isSymbol(r rune) bool {
	switch {
	case r < utf8.RuneSelf, unicode.IsLetter(r), unicode.IsMark(r), unicode.IsDigit(r), unicode.Is(unicode.Quotation_Mark, r):
		return false
	case r == '\u3002', r == '\uff0e', r == '\uff61', r == '\u30fb', r == '\u00b7': // dots, also those within a name
		return false
	}
	return true
}

// toASCII turns a domain into the form that the DNS knows. It leaves lengths to
// [domain], which says more about them.
var toASCII = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(true), idna.CheckHyphens(true))

// domain reports why s cannot be the domain of an address, or nil.
func domain(s string) error {
	if literal, ok := strings.CutPrefix(s, "["); ok {
		if ip, err := netip.ParseAddr(strings.TrimSuffix(literal, "]")); err != nil || !ip.Is4() {
			return errLiteral
		}
		return nil
	}
	// Addresses are pasted in quotes. Unicode's rules for domains let some pass.
	if strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Quotation_Mark, r) }) {
		return errOneAddress
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) {
		ascii, err := toASCII.ToASCII(s)
		if err != nil {
			return errDomain
		}
		s = ascii
	}
	if len(s) > maxDomain {
		return errLongDomain
	}
	for label := range strings.SplitSeq(s, ".") {
		n := len(label)
		if n == 0 || n > maxLabel || label[0] == '-' || label[n-1] == '-' {
			return errDomain
		}
		for i := range n {
			if label[i] != '-' && !isAlphanumeric(label[i]) {
				return errDomain
			}
		}
	}
	return nil
}
