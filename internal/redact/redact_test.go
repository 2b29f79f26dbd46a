package redact_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-roq/roq/internal/redact"
)

const token = "eyJhbGciOiJIUzI1NiJ9.eyJpZCI6MX0.c2lnbmF0dXJl"

func TestText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                           "",
		"already invited":            "already invited",
		"a\r\nb\x00c":                "a  b c",
		"a\xffb":                     "a?b",
		"no jane@x.example here":     "no [redacted] here",
		"to=jane%40x.example&x=1":    "[redacted]",
		"twice: jane%2540x.example":  "twice: [redacted]",
		"mailto:jane@x.example":      "[redacted]",
		"<mailto:jane@x.example>":    "<[redacted]>",
		"user:jane@x.example.":       "[redacted]",
		"'jane@x.example'":           "[redacted]",
		"“jane@x.example”":           "[redacted]",
		`jane\u0040x.example`:        "[redacted]",
		`jane\x40x.example`:          "[redacted]",
		"jane&#64;x.example":         "[redacted];x.example",
		"jane&commat;x.example":      "[redacted];x.example",
		`{"email":"jane@x.example"}`: `{"email":"[redacted]"}`,
		// An address in quotes has spaces, and may have quotes.
		`no "jane doe"@x.example here`:            "no [redacted] here",
		`no "jane \"j\" doe"@x.example here`:      "no [redacted] here",
		`no "jane doe"%40x.example here`:          "no [redacted] here",
		`{"message":"no \"jane doe\"@x.example"}`: `{"message"[redacted]"}`,
		`jane doe"@x.example`:                     "jane [redacted]",
		// A token alone, and as a part of a word.
		token:                               "[redacted]",
		"token=" + token:                    "[redacted]",
		"'" + token + "'":                   "[redacted]",
		"jwt:" + token:                      "[redacted]",
		`{"t":"` + token + `"}`:             `{"t":"[redacted]"}`,
		"https://a.example/x?t=" + token:    "[redacted]",
		"/x?t=" + token + "&x=1 failed":     "[redacted] failed",
		"/x?y=t%3D" + token + "%26x%3D1":    "[redacted]",
		`t\u003d` + token:                   "[redacted]",
		`\n` + token:                        "[redacted]",
		"keyJar=1&t=" + token:               "[redacted]",
		"keyJar%3D" + token:                 "[redacted]",
		"eyJhbGciOi…":                       "[redacted]",
		"the keyJar of keyJungle and ReyJr": "the keyJar of keyJungle and ReyJr",
		"keyJournalEntry, monkeyJuggling":   "keyJournalEntry, monkeyJuggling",
		"keyJ":                              "keyJ",
		// What follows a scheme is a credential.
		"Basic dTpw":                "Basic [redacted]",
		"bearer  opaque":            "bearer  [redacted]",
		"Bearer [redacted] x":       "Bearer [redacted] x",
		"Authorization:Bearer abc":  "Authorization:Bearer [redacted]",
		"'Basic abc":                "'Basic [redacted]",
		"“Bearer: abc":              "“Bearer: [redacted]",
		`"Bearer" "abc" is a token`: `"Bearer" "[redacted]" is a token`,
		"a visualbasic program":     "a visualbasic program",
	} {
		if got := redact.Text(in); got != want {
			t.Errorf("Text(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestTextIsCut(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]string{
		"an address":         " jane@x.example",
		"a quoted address":   ` "jane doe"@x.example`,
		"a token":            " " + token,
		"a wide space":       "\u3000jane doe",
		"nowhere to be cut":  strings.Repeat("x", 1000),
		"one that is barely": " " + strings.Repeat("y", 1000),
	} {
		for size := 970; size <= 1010; size++ {
			got := redact.Text(strings.Repeat("x", size) + end + " and more" + strings.Repeat(" z", 100))
			if len(got) > 1010 || !utf8.ValidString(got) || strings.Contains(got, "jane") && name != "a wide space" || strings.Contains(got, "eyJ") {
				t.Errorf("%s after %d bytes: %q", name, size, got)
			}
		}
	}
	// Many quotes take no more time than other characters.
	if got := redact.Text(strings.Repeat(`\"@`, 1<<18)); len(got) > 1010 {
		t.Errorf("a text of quotes has %d bytes", len(got))
	}
}

// quoted returns s as encoding/json and %q write it, without the quotes.
func quoted(t *testing.T, s string) (asJSON, asGo string) {
	t.Helper()
	encoded, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	asGo = fmt.Sprintf("%q", s)
	return string(encoded[1 : len(encoded)-1]), asGo[1 : len(asGo)-1]
}

func TestTextFindsSecrets(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"s3cret", "s+3/cr=et", "s3&<cr>et", `s3"cr\et`, "s3%25cret", "s3 cr,et", `\s3\"`, "~s3'cr(et)!*", "%5Cs3%5C", "??>>s3~~"} {
		inJSON, inGo := quoted(t, secret)
		twice, _ := quoted(t, inJSON)
		_, jsonInGo := quoted(t, inJSON)
		forms := map[string]string{
			"plain":          secret,
			"query":          url.QueryEscape(secret),
			"path":           url.PathEscape(secret),
			"lower case":     strings.NewReplacer("%2B", "%2b", "%2F", "%2f", "%3D", "%3d", "%5C", "%5c").Replace(url.QueryEscape(secret)),
			"every byte":     "%" + strings.ToUpper(strings.TrimSpace(strings.ReplaceAll(fmt.Sprintf("% x", secret), " ", "%"))),
			"JSON":           inJSON,
			"JSON, slashes":  strings.ReplaceAll(inJSON, "/", `\/`),
			"%q":             inGo,
			"HTML":           html.EscapeString(secret),
			"hexadecimal":    hex.EncodeToString([]byte(secret)),
			"its upper case": fmt.Sprintf("%X", secret),
			"base64":         base64.StdEncoding.EncodeToString([]byte(secret)),
			"base64 URL":     base64.URLEncoding.EncodeToString([]byte(secret)),
			"base64 raw":     base64.RawStdEncoding.EncodeToString([]byte(secret)),
			"base64 raw URL": base64.RawURLEncoding.EncodeToString([]byte(secret)),
			"base64 in URL":  url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(secret))),
		}
		if !strings.Contains(secret, `\`) { // whose escapes of escapes are ambiguous
			forms["JSON twice"], forms["JSON in %q"] = twice, jsonInGo
		}
		if !strings.ContainsAny(secret, "% ") { // the same
			forms["query twice"] = url.QueryEscape(url.QueryEscape(secret))
			forms["path, three times"] = url.PathEscape(url.PathEscape(url.PathEscape(secret)))
		}
		for name, form := range forms {
			for _, text := range []string{"no %s here", "no k=%s&x=1 here", "no k%%3D%s%%26x here", "no '%s' here"} {
				in := fmt.Sprintf(text, form)
				want := fmt.Sprintf(text, "[redacted]")
				if got := redact.Text(in, "", secret); got != want {
					t.Errorf("%q as %s: Text(%q) = %q, want %q", secret, name, in, got, want)
				}
			}
		}
	}
}

// A secret of some length is found in any case of letters, and inside of the base64 of
// a longer text but for the characters at its ends. A short one may be a word.
func TestTextFindsDisguisedSecrets(t *testing.T) {
	t.Parallel()
	const secret, word = "Long-Secret+Of/24==Bytes", "expired"
	for _, form := range []string{strings.ToUpper(secret), strings.ToLower(secret), url.QueryEscape(strings.ToLower(secret))} {
		if got := redact.Text("a "+form+" b", secret); got != "a [redacted] b" {
			t.Errorf("Text(%q) = %q", form, got)
		}
	}
	if got := redact.Text("SESSION_EXPIRED expired", word); got != "SESSION_EXPIRED [redacted]" {
		t.Errorf("with a word for a secret: %q", got)
	}
	for before := range 4 {
		for after := range 4 {
			text := strings.Repeat("x", before) + secret + strings.Repeat("y", after)
			for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawURLEncoding} {
				got := redact.Text(encoding.EncodeToString([]byte(text)), secret)
				if left := strings.Replace(got, "[redacted]", "", 1); len(left) > 14 || left == got {
					t.Errorf("%q in base64 becomes %q", text, got)
				}
			}
		}
	}
}

func TestTextFindsSeveralSecrets(t *testing.T) {
	t.Parallel()
	for _, secrets := range [][]string{{"key", "the-key-and-more"}, {"the-key-and-more", "key"}} {
		if got, want := redact.Text("a the-key-and-more, key k%65y", secrets...), "a [redacted], [redacted] [redacted]"; got != want {
			t.Errorf("Text with %q = %q, want %q", secrets, got, want)
		}
	}
	if got, want := redact.Text("Basic dTpw", "dTpw"), "Basic [redacted]"; got != want {
		t.Errorf("Text = %q, want %q", got, want)
	}
	if got, want := redact.Text("100% of the keys \\ none", "secret"), `100% of the keys \ none`; got != want {
		t.Errorf("Text = %q, want %q", got, want)
	}
}

func TestIdentifier(t *testing.T) {
	t.Parallel()
	for _, ok := range []string{"USER_ALREADY_INVITED", "7f3a-1", "a.b:c", "keyJar", strings.Repeat("a", 128), ""} {
		if got := redact.Identifier(ok); got != ok {
			t.Errorf("Identifier(%q) = %q", ok, got)
		}
	}
	for _, bad := range []string{"a b", "jane@x.example", "é", "a%40", "a\n", strings.Repeat("a", 129), token, "id-" + token, "x" + token} {
		if got := redact.Identifier(bad); got != "" {
			t.Errorf("Identifier(%q) = %q, want nothing", bad, got)
		}
	}
}

func TestMask(t *testing.T) {
	t.Parallel()
	if got := redact.Mask("secret"); got != "[redacted]" {
		t.Errorf("Mask(secret) = %q", got)
	}
	if got := redact.Mask(""); got != "" {
		t.Errorf("Mask of nothing = %q", got)
	}
}

// shown prints as its text.
type shown struct{ text string }

func (s shown) Format(f fmt.State, verb rune) { redact.Format(f, verb, s.text) }

func TestFormat(t *testing.T) {
	t.Parallel()
	for verb, want := range map[string]string{"%v": "a", "%q": `"a"`, "%#v": `"a"`, "%-3s|": "a  |", "%x": "61"} {
		if got := fmt.Sprintf(verb, shown{"a"}); got != want {
			t.Errorf("%s prints %q, want %q", verb, got, want)
		}
	}
}

// FuzzText takes any text and secret: neither the secret nor an @ is left, and
// the text is short, valid and on one line.
func FuzzText(f *testing.F) {
	for _, seed := range []string{"no jane@x.example", `"jane doe"@x.example`, "t=" + token, "Bearer abc", "k%65y", "\x00\xff", `\\\"@`} {
		f.Add(seed, "key")
	}
	f.Fuzz(func(t *testing.T, text, secret string) {
		got := redact.Text(text, secret)
		switch {
		case strings.Contains(got, "@"), strings.Contains(got, token):
			t.Errorf("Text(%q) = %q", text, got)
		case len(got) > 8000 || !utf8.ValidString(got) || strings.ContainsAny(got, "\r\n\x00"):
			t.Errorf("Text(%q) is not fit for an error: %q", text, got)
		case len(secret) > 20 && utf8.ValidString(secret) && strings.Contains(got, secret):
			t.Errorf("Text(%q, %q) = %q", text, secret, got)
		}
	})
}

func BenchmarkText(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		redact.Text("the user has been invited already", "an-api-key-of-the-usual-length-0123456789", token)
	}
}
