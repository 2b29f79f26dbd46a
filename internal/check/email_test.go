package check_test

import (
	"strings"
	"testing"

	"golang.org/x/net/idna"

	"github.com/go-roq/roq/internal/check"
)

// labels returns a domain of labels with those lengths.
func labels(lengths ...int) string {
	var all []string
	for _, n := range lengths {
		all = append(all, strings.Repeat("b", n))
	}
	return strings.Join(all, ".")
}

func TestEmail(t *testing.T) {
	t.Parallel()
	for _, ok := range []string{
		"wick.john@roq.tech", "a@b.c", "A.B+tag@EXAMPLE.com", "o'brien@example.com", "a@localhost",
		"用户@例子.广告", "jürgen@bücher.example", "x@xn--bcher-kva.example",
		strings.Repeat("a", 64) + "@" + labels(63, 63, 57, 3),
		"a@" + labels(63), "a@" + labels(63, 63, 63, 59), "a@" + labels(63, 2), "a-b_c+d@e-f.g-h", "-a-@b.c", "_@1.2.3", "a@b--c.d",
		"a@[127.0.0.1]", "a!#$%&'*+/=?^_`{|}~b@c.d", "'t.hooft@x.nl", "o’brien@example.com", "ö@x.example",
		strings.Repeat("ö", 32) + "@x.example", "a@BÜCHER.example", "a@faß.example", "a@l·l.example", "a@例子。广告", "a@مثال.example",
		"a@" + strings.Repeat("ü", 57) + ".example", // 63 bytes in ASCII
		"a@" + strings.Repeat("ü.", 30) + "example",
	} {
		if err := check.Email(ok); err != nil {
			t.Errorf("Email(%q) = %v, want nil", ok, err)
		}
	}
	for name, bad := range map[string]string{
		"empty":               "",
		"no at":               "example.com",
		"a bracket behind":    "a@x.example】",
		"a sign behind":       "a@x.example®",
		"an arrow behind":     "a@x.example→",
		"a number above":      "a@x.example¹",
		"a bullet before":     "•a@x.example",
		"a number in a ring":  "①a@x.example",
		"an emoji":            "a@i❤.ws",
		"no local part":       "@example.com",
		"no domain":           "ann@",
		"two at":              "ann@bob@example.com",
		"display name":        "Bob <a@b.c>",
		"angle brackets":      "<a@b.c>",
		"padded in front":     " a@b.c",
		"padded behind":       "a@b.c ",
		"list":                "a@b.c,d@e.f",
		"list by semicolon":   "a@b.c;d@e.f",
		"comment":             "a@b.c (Ann)",
		"quoted":              `"a b"@c.d`,
		"line break":          "a@b.c\r\nBcc: d@e.f",
		"line feed":           "a@b.c\n",
		"NUL":                 "a\x00@b.c",
		"tab":                 "a\t@b.c",
		"space inside":        "a b@c.d",
		"no-break space":      "a\u00a0@b.c",
		"zero width space":    "a\u200b@b.c",
		"zero width joiner":   "a\u200d@b.c",
		"bidi override":       "a\u202e@b.c",
		"bidi isolate":        "a\u2066@b.c",
		"soft hyphen":         "a\u00ad@b.c",
		"line separator":      "a\u2028@b.c",
		"byte order mark":     "\ufeffa@b.c",
		"Hangul filler":       "a\u3164@b.c",
		"grapheme joiner":     "a\u034f@b.c",
		"variation selector":  "a\ufe0f@b.c",
		"invalid UTF-8":       "a\xff@b.c",
		"overlong UTF-8":      "a\xc0\xaf@b.c",
		"255 bytes":           strings.Repeat("a", 64) + "@" + strings.Repeat("b", 186) + ".com",
		"dots in a row":       "a@b..c",
		"leading dot":         ".a@b.c",
		"mailto":              "mailto:a@b.c",
		"percent at the host": "a%40b.c",
		"local part of 65":    strings.Repeat("a", 65) + "@b.c",
		"local part of 66":    strings.Repeat("ö", 33) + "@b.c",
		"marks, 65 of them":   strings.Repeat("!", 65) + "@b.c",
		"label of 64":         "a@" + labels(64),
		"first label of 64":   "a@" + labels(64, 3),
		"last label of 64":    "a@" + labels(3, 64),
		"label, other marks":  "a!@" + labels(64, 3),
		"label begins with -": "a@-b.c",
		"label ends with -":   "a@b-.c",
		"last begins with -":  "a@b.-c",
		"last ends with -":    "a@b.c-",
		"label of -":          "a@-",
		"label of - too":      "a@b.-.c",
		"other mark, then -":  "a!@-b.c",
		"single quotes":       "'jane@x.example'",
		"typographic quotes":  "“jane@x.example”",
		"single typographic":  "‘jane@x.example’",
		"German quotes":       "„jane@x.example“",
		"French quotes":       "«jane@x.example»",
		"quote behind":        "jane@x.example'",
		"underscore":          "a@b_c.d",
		"plus":                "a@b+c.d",
		"slash":               "a@b/c.d",
		"asterisk":            "a@*.b.c",
		"exclamation mark":    "a@b.c!",
		"empty label":         "a!@b..c",
		"trailing dot":        "a@b.c.",
		"only dots":           "a@.",
		"IDN, underscore":     "a@bü_cher.example",
		"IDN, quote":          "a@bü'cher.example",
		"IDN begins with -":   "a@-bücher.example",
		"IDN ends with -":     "a@bücher-.example",
		"IDN, empty label":    "a@bücher..example",
		"IDN, empty by mark":  "a@例子。。广告",
		"IDN, trailing dot":   "a@bücher.example.",
		"IDN, slash":          "a@bücher.example／x",
		"IDN, private use":    "a@b\ue000.example",
		"IDN label of 64":     "a@" + strings.Repeat("ü", 58) + ".example",
		"IDN of 254":          "a@" + strings.Repeat("ü.", 31) + "example",
		"no address literal":  "a@[b.c]",
		"empty literal":       "a@[]",
		"literal with zone":   "a@[127.0.0.1%eth0]",
		"bare IPv6 literal":   "a@[::1]",
		"octet over 255":      "a@[127.0.0.256]",
	} {
		if err := check.Email(bad); err == nil {
			t.Errorf("%s: Email(%q) = nil, want an error", name, bad)
		} else if bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("%s: the error repeats the address: %v", name, err)
		}
	}
}

// The fast path and the slow one draw the same lines.
func TestEmailLimits(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		local, domain int
		ok            bool
	}{{1, 1, true}, {64, 63, true}, {65, 1, false}, {64, 64, false}, {1, 64, false}} {
		plain := strings.Repeat("a", row.local) + "@" + strings.Repeat("b", row.domain)
		// A mark that only the slow path knows.
		other := "!" + plain[1:]
		for _, email := range []string{plain, other} {
			if err := check.Email(email); (err == nil) != row.ok {
				t.Errorf("%d@%d: Email(%q) = %v", row.local, row.domain, email, err)
			}
		}
		if check.Plain(plain) != row.ok || check.Plain(other) {
			t.Errorf("%d@%d: the fast path says %v, %v", row.local, row.domain, check.Plain(plain), check.Plain(other))
		}
	}
}

func TestEmailAllocatesNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { _ = check.Email("wick.john+test@mail.roq-platform.tech") }); n != 0 {
		t.Errorf("Email allocates %v times", n)
	}
}

func BenchmarkEmail(b *testing.B) {
	for name, email := range map[string]string{"plain": "wick.john@roq.tech", "mark": "o'brien@roq.tech", "IDN": "jürgen@bücher.example"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = check.Email(email)
			}
		})
	}
}

func FuzzEmail(f *testing.F) {
	for _, seed := range []string{"wick.john@roq.tech", "Bob <a@b.c>", "a@b.c\r\n", "a\u202e@b.c", `"a b"@c.d`, "a@b,c@d", ""} {
		f.Add(seed)
	}
	for _, seed := range []string{"a.b+c-d_e@f-g.h", "a..b@c", ".a@b", "a.@b", "a@b.", "a@.b", "a@", "@a", "a@b@c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if err := check.Address(s); check.Plain(s) && err != nil {
			t.Errorf("%q looks plain: %v", s, err)
		}
		if check.Email(s) != nil {
			return
		}
		if strings.Count(s, "@") != 1 || len(s) > 254 || strings.ContainsAny(s, " \t\r\n,;<>\"()") {
			t.Errorf("Email(%q) = nil", s)
		}
		local, domain, _ := strings.Cut(s, "@")
		if ascii, err := idna.Punycode.ToASCII(domain); err == nil {
			domain = ascii
		}
		if len(local) > 64 || strings.HasPrefix(domain, "-") || strings.HasSuffix(domain, "-") || strings.HasSuffix(domain, ".") || strings.Contains(domain, "..") ||
			strings.ContainsAny(domain, "'_!") {
			t.Errorf("Email(%q) = nil", s)
		}
		for label := range strings.SplitSeq(domain, ".") {
			if domain[0] != '[' && len(label) > 63 {
				t.Errorf("Email(%q) = nil, with a label of %d bytes", s, len(label))
			}
		}
	})
}
