package roq_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/go-roq/roq"
)

func email(emails ...string) []roq.UserInviteInput {
	var all []roq.UserInviteInput
	for _, e := range emails {
		all = append(all, roq.UserInviteInput{Email: e})
	}
	return all
}

func named(first, last, e string) []roq.UserInviteInput {
	return []roq.UserInviteInput{{FirstName: first, LastName: last, Email: e}}
}

// parses checks what some texts give.
func parses(t *testing.T, tests map[string][]roq.UserInviteInput) {
	t.Helper()
	for text, want := range tests {
		if diff := cmp.Diff(want, roq.ParseUserInvites(text)); diff != "" {
			t.Errorf("ParseUserInvites(%q) (-want +got):\n%s", text, diff)
		}
	}
}

func TestParseUserInvites(t *testing.T) {
	t.Parallel()
	parses(t, map[string][]roq.UserInviteInput{
		"":                            nil,
		" \r\n\t,;, \n":               nil,
		"a@x.org":                     email("a@x.org"),
		"a@x.org, b@x.org;c@x.org":    email("a@x.org", "b@x.org", "c@x.org"),
		"a@x.org\nb@x.org\r\nc@x.org": email("a@x.org", "b@x.org", "c@x.org"),
		"a@x.org b@x.org\tc@x.org":    email("a@x.org", "b@x.org", "c@x.org"),
		"a@x.org, A@X.org\na@x.org":   email("a@x.org"),
		"<a@x.org>":                   email("a@x.org"),
		"Ann <ann@x.org>":             named("Ann", "", "ann@x.org"),
		"Ann Lee <ann@x.org>":         named("Ann", "Lee", "ann@x.org"),
		"Ann van Lee < ann@x.org >":   named("Ann van", "Lee", "ann@x.org"),
		`"Lee, Ann" <ann@x.org>`:      named("Ann", "Lee", "ann@x.org"),
		`'Ann Lee' <ann@x.org>`:       named("Ann", "Lee", "ann@x.org"),
		`"ann@x.org" <ann@x.org>`:     email("ann@x.org"),
		"Ann Lee<ann@x.org>":          named("Ann", "Lee", "ann@x.org"),
		"Ann  Lee\u00a0<ann@x.org>":   named("Ann", "Lee", "ann@x.org"),
		"jürgen@x.org":                email("jürgen@x.org"),
		`"a;b" <a@x.org>; c@x.org`:    append(named("a;b", "", "a@x.org"), email("c@x.org")...),
		`"Ann <Lee>" <ann@x.org>`:     named("Ann", "<Lee>", "ann@x.org"),
		// Quotes, as Outlook and others put them around what they copy.
		"'a@x.org'": email("a@x.org"),
		`"a@x.org"`: email("a@x.org"),
		"“a@x.org”, ‘b@x.org’; „c@x.org“":       email("a@x.org", "b@x.org", "c@x.org"),
		"'a@x.org'; 'b@x.org'\n'c@x.org'":       email("a@x.org", "b@x.org", "c@x.org"),
		`'a@x.org' "b@x.org" “c@x.org”`:         email("a@x.org", "b@x.org", "c@x.org"),
		`"'a@x.org'"`:                           email("a@x.org"),
		"<'a@x.org'>":                           email("a@x.org"),
		"< ‘a@x.org’ >":                         email("a@x.org"),
		"'Ann Lee' <'ann@x.org'>":               named("Ann", "Lee", "ann@x.org"),
		"‘Ann Lee’ <ann@x.org>":                 named("Ann", "Lee", "ann@x.org"),
		"“Ann Lee” <ann@x.org>":                 named("Ann", "Lee", "ann@x.org"),
		`"'Ann Lee'" <ann@x.org>`:               named("Ann", "Lee", "ann@x.org"),
		"'Lee, Ann' <ann@x.org>; b@x.org":       append(named("Ann", "Lee", "ann@x.org"), email("b@x.org")...),
		"“Lee, Ann” <ann@x.org>, „Lee“ <l@x>":   append(named("Ann", "Lee", "ann@x.org"), named("Lee", "", "l@x")...),
		"'O'Lee, Ann'<ann@x.org>":               named("Ann", "O'Lee", "ann@x.org"),
		"'ann@x.org' <ann@x.org>":               email("ann@x.org"),
		"‘Ann@X.org’ <ann@x.org>":               email("ann@x.org"),
		`"'ann@x.org'" <'ann@x.org'>`:           email("ann@x.org"),
		"o'brien@x.org, 'o'brien@y.org'":        email("o'brien@x.org", "o'brien@y.org"),
		"Ann O'Brien <ann@x.org>":               named("Ann", "O'Brien", "ann@x.org"),
		"'t Hooft <a@x.org>; 'Bob' <b@x.org>":   append(named("'t", "Hooft", "a@x.org"), named("Bob", "", "b@x.org")...),
		"'a@x.org', 'Bob' <b@x.org>":            append(email("a@x.org"), named("Bob", "", "b@x.org")...),
		"Jess' <j@x.org>":                       named("Jess'", "", "j@x.org"),
		"‘a@x.org, b@x.org":                     email("a@x.org", "b@x.org"),
		"'a@x.org\nBob' <b@x.org>":              append(email("'a@x.org"), named("Bob'", "", "b@x.org")...),
		`"ann@y.org" <ann@x.org>`:               named("ann@y.org", "", "ann@x.org"),
		"Ann Lee <ann@x.org> Bob Ray <b@x.org>": append(named("Ann", "Lee", "ann@x.org"), named("Bob", "Ray", "b@x.org")...),
		"<a@x.org><b@x.org> <c@x.org>":          email("a@x.org", "b@x.org", "c@x.org"),
		// What is no address is still there.
		"Ann <ann@x.org> (Sales)":          append(named("Ann", "", "ann@x.org"), email("(Sales)")...),
		"''":                               email("''"),
		"'nobody'":                         email("'nobody'"),
		"'Ann' and 'Bob'":                  email("'Ann' and 'Bob'"),
		"<''>":                             email("''"),
		"'<a@x.org>'":                      email("a@x.org"),
		`"<a@x.org>"`:                      email("a@x.org"),
		"nobody":                           email("nobody"),
		"Ann ann@x.org":                    email("Ann ann@x.org"),
		"Ann <ann@x.org":                   email("Ann <ann@x.org"),
		"Ann <>":                           email("Ann <>"),
		"\"never closed, a@x.org\nb@x.org": email(`"never closed`, "a@x.org", "b@x.org"),
		"<never closed, a@x.org\nb@x.org":  email("<never closed", "a@x.org", "b@x.org"),
		"---\nnobody,noone;and\n,;\n1.":    email("nobody,noone", "and", "1."),
		"Lee, Ann; Ray, Bob":               email("Lee, Ann", "Ray, Bob"),
		"Total,5,,foo\na@x.org,5,foo":      email("Total,5,,foo", "a@x.org", "5", "foo"),
		"Ann <ann.x.org>, nobody; noone":   append(named("Ann", "", "ann.x.org"), email("nobody", "noone")...),
		"nobody\nNobody, a@x.org":          email("nobody", "a@x.org"),
	})
}

// Names may have a comma, and people may follow each other without a separator.
func TestParseSeveralUserInvites(t *testing.T) {
	t.Parallel()
	both := slices.Concat(named("Ann", "Lee", "a@x.example"), named("Bob", "Ray", "b@x.example"))
	parses(t, map[string][]roq.UserInviteInput{
		"Lee, Ann <a@x.example>; Ray, Bob <b@x.example>":             both,
		"Lee, Ann <a@x.example>, Ray, Bob <b@x.example>":             both,
		"Lee, Ann <a@x.example> Ray, Bob <b@x.example>":              both,
		"'Lee, Ann' <a@x.example>, \"Ray, Bob\" <b@x.example>":       both,
		"Lee, Ann <a@x.example>\nBob Ray <b@x.example>":              both,
		"Ann Lee <a@x.example> and Bob Ray <b@x.example>":            both,
		"Ann Lee (a@x.example), Bob Ray [b@x.example]":               both,
		"To: Ann Lee <a@x.example>\nCc: Ray, Bob <b@x.example>":      both,
		"a@x.example; Lee, Ann <a@x.example> Ray, Bob <b@x.example>": both,
		"Lee, Ann (Sales, EMEA) <a@x.example>":                       named("Ann (Sales, EMEA)", "Lee", "a@x.example"),
		"Bob <b@x.example> Ann <a@x.example>":                        slices.Concat(named("Bob", "", "b@x.example"), named("Ann", "", "a@x.example")),
		"b@x.example Ann <a@x.example>":                              slices.Concat(email("b@x.example"), named("Ann", "", "a@x.example")),
		"b@x.example, Ann <a@x.example> c@x.example d@x.example":     slices.Concat(email("b@x.example"), named("Ann", "", "a@x.example"), email("c@x.example", "d@x.example")),
		"b@x.example c@x.example Ann Lee <a@x.example>":              slices.Concat(email("b@x.example", "c@x.example"), named("Ann", "Lee", "a@x.example")),
		"b@x.example and Lee, Ann <a@x.example>":                     slices.Concat(email("b@x.example"), email("Lee")[:0], named("Ann", "Lee", "a@x.example")),
		"a@x.example <mailto:a@x.example>":                           email("a@x.example"),
		"b@x.example <a@x.example>":                                  email("b@x.example", "a@x.example"),
		"nobody, noone, Lee, Ann <a@x.example>":                      slices.Concat(email("nobody", "noone"), named("Ann", "Lee", "a@x.example")),
		"nobody; Ann <a@x.example>":                                  slices.Concat(email("nobody"), named("Ann", "", "a@x.example")),
		"b.x.example, Ann Lee <a@x.example>":                         slices.Concat(email("b.x.example"), named("Ann", "Lee", "a@x.example")),
		"'Bob', 'Ann' <a@x.example>":                                 slices.Concat(email("'Bob'"), named("Ann", "", "a@x.example")),
		"Lee, <a@x.example>":                                         email("Lee", "a@x.example"),
		"<a@x.example, b@x.example>":                                 email("a@x.example", "b@x.example"),
		"\"a@x.example; b@x.example\"":                               email("a@x.example", "b@x.example"),
		"\"Bob <b@x.example>, \"Ann\" <a@x.example>":                 slices.Concat(named("\"Bob", "", "b@x.example"), named("Ann", "", "a@x.example")),
		"Ann <Lee <a@x.example>":                                     named("Ann", "<Lee", "a@x.example"),
		"Ann a@x.example b@x.example Bob":                            email("Ann a@x.example", "b@x.example", "Bob"),
		"Please invite a@x.example and b@x.example.":                 email("Please invite a@x.example", "b@x.example"),
	})
}

// Prose, lists and mail programs write more than addresses.
func TestParseWrappedAddresses(t *testing.T) {
	t.Parallel()
	one, two := email("a@x.example"), email("a@x.example", "b@x.example")
	for _, text := range []string{
		"'a@x.example'", "‘a@x.example’.", "`a@x.example`", "*a@x.example*", "_a@x.example_", "**a@x.example**,", "«a@x.example»", "(a@x.example)",
		"[a@x.example](mailto:a@x.example)", "('a@x.example').", "{a@x.example}", "<a@x.example>.", "a@x.example>", "a@x.example'", "<'mailto:a@x.example'>",
		"mailto:a@x.example", "<mailto:a@x.example>", "MAILTO:a@x.example?subject=Hi", "Email: a@x.example", "e-mail:a@x.example", "SMTP:a@x.example",
		"- a@x.example", "-\ta@x.example", "* a@x.example", "• a@x.example", "•\ta@x.example", "– a@x.example", "1. a@x.example", "1.\ta@x.example", "(2) a@x.example", "3) a@x.example",
		"a@x.example.", "a@x.example!", "a@x.example …", "a@x.example,", ";a@x.example;;", "a@x.example and", "\ta@x.example\t",
		"\ufeffa@x.example", "a@x.\u200bexample", "a\u00ad@x.exam\u00adple", "\u202aa@x.example\u202c", "\u2060a@x.example\u200e", "a\u200c@\u200dx.example",
		"a＠x.example", "＜a@x.example＞", "（a@x.example）", "a@x.example\u3000",
		"Email\na@x.example", "E-mail addresses:\r\na@x.example\r\n", "\ufeffEMAIL\ra@x.example\r",
	} {
		parses(t, map[string][]roq.UserInviteInput{text: one})
	}
	for _, text := range []string{
		"a@x.example and b@x.example", "a@x.example & b@x.example", "a@x.example, and b@x.example.", "a@x.example or b@x.example",
		"a@x.example，b@x.example", "a@x.example、b@x.example", "a@x.example；b@x.example", "a@x.example،b@x.example", "a@x.example؛ b@x.example",
		"a@x.example | b@x.example", "1. a@x.example 2. b@x.example", "- a@x.example\n- b@x.example", "a@x.example\u2028b@x.example", "a@x.example\vb@x.example",
		"mailto:a@x.example,b@x.example", "a@x.example; ; ,b@x.example", "<a@x.example>,<b@x.example>.", "a@x.example\n\n\u200b\nb@x.example",
	} {
		parses(t, map[string][]roq.UserInviteInput{text: two})
	}
	// What an address may have stays, and what is beyond repair is shown.
	parses(t, map[string][]roq.UserInviteInput{
		"+a@x.example":                            email("+a@x.example"),
		"_a_@x.example":                           email("_a_@x.example"),
		"-a@x.example":                            email("-a@x.example"),
		"1.a@x.example":                           email("1.a@x.example"),
		"a@[192.0.2.1]":                           email("a@[192.0.2.1]"),
		"a@x..example.":                           email("a@x..example."),
		"a @ x.example":                           email("a @ x.example"),
		"mailto:a@x.example?cc=b@x":               email("mailto:a@x.example?cc=b@x"),
		"https://ann:x@x.example/":                email("https://ann:x@x.example/"),
		"a@x.example/b@x.example":                 email("a@x.example/b@x.example"),
		"a@\xffx.example; jürgen@x.example":       email("a@\xffx.example", "jürgen@x.example"),
		"\xff\u200b":                              email("\xff"),
		"بهاره\u200cعلی <a@x.example>":            named("بهاره\u200cعلی", "", "a@x.example"),
		"And Hansen <a@x.example>":                named("And", "Hansen", "a@x.example"),
		strings.Repeat("(", 2000) + "a@x.example": email(strings.Repeat("(", 2000) + "a@x.example"),
	})
}

// A header of a table is not a person, and says where the names are.
func TestParseTable(t *testing.T) {
	t.Parallel()
	both := slices.Concat(named("Ann", "Lee", "a@x.example"), named("Bob", "Ray", "b@x.example"))
	for _, text := range []string{
		"Email\tFirst name\tLast name\na@x.example\tAnn\tLee\nb@x.example\tBob\tRay\n",
		"First name\tLast name\tE-mail\r\nAnn\tLee\ta@x.example\r\nBob\tRay\tb@x.example",
		"Name\tE-mail\nAnn Lee\ta@x.example\nRay, Bob\tb@x.example\n",
		"E-Mail Address\tFull Name\tPhone\na@x.example\tAnn Lee\t+1 555 0100\n\nb@x.example\tBob Ray",
		"No.\tEmail Address [Required]\tFirst Name [Required]\tLast Name [Required]\n1\ta@x.example\tAnn\tLee\n2\tb@x.example\tBob\tRay",
		"User principal name\tDisplay name\tFirst name\tLast name\na@x.example\tAnn L.\tAnn\tLee\nb@x.example\tBob Ray\t\t",
		"email,first name,last name\na@x.example,Ann,Lee\nb@x.example,Bob,Ray",
		"Name;Vorname;E-Mail-Adresse\nLee;Ann;a@x.example\nRay;Bob;b@x.example",
		"E-Mail;Vorname;Nachname\na@x.example;Ann;Lee\nb@x.example;Bob;Ray",
		"Prénom;Nom;Courriel\nAnn;Lee;a@x.example\nBob;Ray;b@x.example",
		"Nombre;Apellidos;Dirección de correo electro\u0301nico\nAnn;Lee;a@x.example\nBob;Ray;b@x.example",
		"Prénom;Nom;Adresse électronique\nAnn;Lee;a@x.example\nBob;Ray;b@x.example",
		"Nombre;Apellidos;Correo electrónico\nAnn;Lee;a@x.example\nBob;Ray;b@x.example",
		"Name;Email\n\"Lee, Ann\";a@x.example\nBob Ray;<b@x.example>",
		"Name,Email\n\"Lee, Ann\",a@x.example\n\"Bob Ray\",\"b@x.example\"",
		"Email\tName\n'a@x.example'\tAnn Lee\nmailto:b@x.example\t'Bob Ray'",
		"Email\tName\nAnn Lee <a@x.example>\tA. Lee\nBob Ray <b@x.example>",
		"Invitees\nEmail\tName\na@x.example\tAnn Lee\nb@x.example\tBob Ray"[len("Invitees\n"):],
		// Without a header a name comes first.
		"Ann\tLee\ta@x.example\nBob\tRay\tb@x.example\tSales\t42",
		"1\tAnn Lee\ta@x.example\n2\tRay, Bob\tb@x.example",
		"Ann Lee\ta@x.example\tBob Ray\tb@x.example",
		"Lee, Ann <a@x.example>\tBob Ray <b@x.example>",
	} {
		parses(t, map[string][]roq.UserInviteInput{text: both})
	}
	parses(t, map[string][]roq.UserInviteInput{
		"Email\tFirst name\n\tAnn\na@x.example\t\nb@x.example":           email("Ann", "a@x.example", "b@x.example"),
		"Email\tSecond\na@x.example\tb@x.example":                        email("a@x.example", "b@x.example"),
		"Email\tName\na@x.example, b@x.example\tAnn\nnobody\tBob\tRay\n": email("a@x.example", "b@x.example", "nobody Bob Ray"),
		"email,name\nLee, Ann <a@x.example>\nb@x.example c@x.example":    slices.Concat(named("Ann", "Lee", "a@x.example"), email("b@x.example", "c@x.example")),
		"Email\tName\na@x.example\tb@y.example":                          email("a@x.example", "b@y.example"),
		"Total\t5\t\tfoo\nTotal\t5\t\tfoo":                               email("Total 5 foo"),
		"a@x.example\tSales\tBerlin":                                     email("a@x.example"),
		"Floor 2\ta@x.example\na\tb\tc\tb@x.example":                     email("a@x.example", "b@x.example"),
		"Invitees\nEmail\tName\na@x.example\tAnn":                        slices.Concat(email("Invitees"), named("Ann", "", "a@x.example")),
		"email, nobody":       email("email, nobody"),
		"Name\tPhone\nAnn\t5": email("Name Phone", "Ann 5"),
	})
}

// A file is read as spreadsheets save it.
func TestParseEncodings(t *testing.T) {
	t.Parallel()
	const table = "E-mail;Name\r\njörg@x.example;Jörg Weiß\r\n"
	units := utf16.Encode([]rune(table))
	little, big := []byte("\xff\xfe"), []byte("\xfe\xff")
	for _, u := range units {
		little, big = binary.LittleEndian.AppendUint16(little, u), binary.BigEndian.AppendUint16(big, u)
	}
	var western []byte
	for _, r := range table {
		western = append(western, byte(r))
	}
	want := named("Jörg", "Weiß", "jörg@x.example")
	parses(t, map[string][]roq.UserInviteInput{
		"\ufeff" + table: want, string(little): want, string(big): want, string(western): want,
		"Wei\xdf\x96J\xfcrgen M\xfcller <j@x.example>": named("Weiß–Jürgen", "Müller", "j@x.example"),
		string(little) + "\x00":                        want, "Zo\xeb \x96 <zoe@x.example>": named("Zoë", "–", "zoe@x.example"),
		"\xff\xfe": nil, "\xfe": email("þ"),
	})
}

// Who is repeated is reported once for each repetition, in a table too.
func TestRepeatedUserInvites(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]roq.UserInviteInput{
		"": nil, "a@x.org b@x.org": nil,
		"a@x.org, A@X.org; b@x.org\nAnn <a@x.org>":    append(email("A@X.org"), named("Ann", "", "a@x.org")...),
		"email,name\na@x.org,Ann\na@x.org,\nb@x.org,": email("a@x.org"),
		"nobody\nnobody": email("nobody"),
	} {
		if diff := cmp.Diff(want, roq.RepeatedUserInvites(text)); diff != "" {
			t.Errorf("RepeatedUserInvites(%q) (-want +got):\n%s", text, diff)
		}
	}
}

// What is written is read again.
func TestFormatUserInvites(t *testing.T) {
	t.Parallel()
	people := slices.Concat(email("a@x.org", "foo@@bar", "nobody"), named("Ann", "Lee", "ann@x.org"), named("Zoë", "", "zoe@x.org"),
		named("Ann Mary", "van der Lee, Jr.", "m@x.org"), named("O’Neil", "D'Arcy", "o@x.org"), named("يوسف", "كمال", "y@x.org"), named("", "Lee", "l@x.org"))
	if got := roq.FormatUserInvites(nil); got != "" {
		t.Errorf("nobody is written as %q", got)
	}
	again := roq.ParseUserInvites(roq.FormatUserInvites(people))
	people[5].LastName = "van der Lee Jr." // a comma would separate the names
	if diff := cmp.Diff(people, again); diff != "" {
		t.Errorf("read again (-written +read):\n%s", diff)
	}
}

// An address with bytes that are not UTF-8 does not turn the others into other people's.
func TestFormatKeepsTheEncoding(t *testing.T) {
	t.Parallel()
	people := []roq.UserInviteInput{{Email: "\xff\xfeann@x.example"}, {Email: "jürgen@x.example"}, {Email: "\x89\x9c\x93@x.example", FirstName: "J\xfcrgen"}}
	written := roq.FormatUserInvites(people)
	read := roq.ParseUserInvites(written)
	if !utf8.ValidString(written) || len(read) != 3 || read[1].Email != "jürgen@x.example" || read[0].Validate() == nil || read[2].Validate() == nil {
		t.Errorf("%q is read as %+v", written, read)
	}
}

// FuzzFormatUserInvites takes any names: nobody else is read of them.
func FuzzFormatUserInvites(f *testing.F) {
	for _, name := range []string{"", "Ann", "A\"n\\n <b@x.org>,\n", "„Lee“; c@x.org", "＜b＠x.org＞", ",", "1.", "email\tname", "and", "'b@x.org' b@x.org"} {
		f.Add(name, "Lee")
		f.Add("Ann", name)
		f.Add(name, name)
	}
	f.Fuzz(func(t *testing.T, first, last string) {
		written := roq.FormatUserInvites(named(first, last, "a@x.org"))
		read := roq.ParseUserInvites(written)
		if len(read) != 1 || read[0].Email != "a@x.org" {
			t.Errorf("%q is read as %+v", written, read)
		}
	})
}

// No cell is a formula, whatever separates cells for the spreadsheet, and an address that is
// one survives.
func TestSpreadsheetCell(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"":                       "",
		"ann@x.example":          "ann@x.example",
		"=HYPERLINK(\"x\")":      "'=HYPERLINK(\"x\")",
		"+1+1":                   "'+1+1",
		"-cmd|' /C calc'!A0":     "'-cmd|' /C calc'!A0",
		"@SUM(A1)":               "'@SUM(A1)",
		"＝1+1":                   "'＝1+1",
		"\t=1":                   "'\t'=1",
		"\r=1":                   "'\r'=1",
		"x;=1+1,-2+3\n@a\"=b":    "x;'=1+1,'-2+3\n'@a\"'=b",
		"-12":                    "-12",
		"+491701234567":          "+491701234567",
		"--1":                    "'--1",
		"-":                      "'-",
		"1=1":                    "1=1",
		"first-last@x.example":   "first-last@x.example",
		"\xff":                   "\uFFFD",
		"+tag@x.example":         "'+tag@x.example",
		"not sent: a=b, c":       "not sent: a=b, c",
		"two\nlines\n=of a cell": "two\nlines\n'=of a cell",
	} {
		if got := roq.SpreadsheetCell(cell); got != want {
			t.Errorf("SpreadsheetCell(%q) = %q, want %q", cell, got, want)
		}
	}
	for _, name := range []string{"=Ann", "-Ann", "+Ann", "'Ann", "O'Neil", "Ann"} {
		parses(t, map[string][]roq.UserInviteInput{"Email,First name,Last name\na@x.example," + roq.SpreadsheetCell(name) + ",Lee": named(name, "Lee", "a@x.example")})
	}
	for _, address := range []string{"-a@x.example", "+b@x.example", "=c@x.example", "'d@x.example"} {
		parses(t, map[string][]roq.UserInviteInput{"Email,Name\n" + roq.SpreadsheetCell(address) + ",": email(address)})
	}
}

// Sixteen times as much of anything takes about sixteen times as long: with quadratic
// time it would be 256 times.
func TestParseUserInvitesTime(t *testing.T) {
	took := func(text string) time.Duration {
		began := time.Now()
		roq.ParseUserInvites(text)
		return time.Since(began)
	}
	slow := func(form func(int) string) (small, large time.Duration, is bool) {
		small, large = took(form(1<<14)), took(form(1<<18))
		return small, large, large > 80*max(small, 100*time.Microsecond)
	}
	for _, text := range []string{
		"a", "@", "<", ">", "\"", "'", "(", "[", ",", ";", "\t", "\n", " ", "a ", "a,", "a@", "a@b ", "a@b,", "<a@b>", "<a@", "(a@", "(a", "\"a", "\"a@b", "\"a\"<",
		"a <", "<<>", "'a' ", "\"'", "('", "*_", "1. ", "and ", "\ufeff", "\u200c", "\xff", "a,b <c@d>,", "a\t@\t", "mailto:", "email\tname\n", "email,", "to: ", "“", "x\"", "\"x\" ", "\"x\"\n",
	} {
		forms := []func(size int) string{
			func(size int) string { return strings.Repeat(text, size/len(text)) },
			func(size int) string {
				return "email,name\n" + strings.Repeat(" ", size/2) + strings.Repeat(text, size/2/len(text))
			},
			func(size int) string { return strings.Repeat(text, size/2/len(text)) + strings.Repeat(" ", size/2) },
		}
		for i, form := range forms {
			small, large, is := slow(form)
			for again := 0; is && again < 2; again++ { // what else runs on the machine disturbs one measurement, not three
				small, large, is = slow(form)
			}
			if is {
				t.Errorf("form %d of %q took %v for 16 KiB and %v for 256 KiB", i, text, small, large)
			}
		}
	}
}

// Validate says the same as SendUserInvites, before anything is sent.
func TestValidate(t *testing.T) {
	t.Parallel()
	client := newClient(t, config())
	for name, in := range map[string]roq.UserInviteInput{
		"fine":       {Email: "a@x.org"},
		"empty":      {},
		"no address": {Email: "nobody"},
		"a name":     {Email: "Ann <ann@x.org>"},
		"no UTF-8":   {Email: "a@x.org", FirstName: "\xff", LastName: "\xff", Locale: "\xff", Roles: []string{"ok", "\xff"}},
		"an id":      {Email: "a@x.org", CreatedByUserID: "a b"},
		"variables":  {Email: "a@x.org", Variables: map[string]any{"f": func() {}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := in.Validate()
			if (err == nil) != (name == "fine") || err != nil && (!errors.Is(err, roq.ErrInvalidInput) || !errors.Is(err, roq.ErrNotSent)) {
				t.Errorf("Validate() = %v", err)
			}
			if err == nil {
				return
			}
			_, sending := client.AsUser(userID).SendUserInvites(t.Context(), roq.SendUserInvitesInput{TenantID: tenantID, UserInvites: []roq.UserInviteInput{in}})
			if got, want := err.Error(), strings.ReplaceAll(fmt.Sprint(sending), "UserInvites[0].", ""); got != want {
				t.Errorf("Validate says %q, SendUserInvites %q", got, want)
			}
		})
	}
}

// FuzzParseUserInvites takes any text: nobody is in the result twice or without an
// address, what is valid is found again when it is pasted again, and nothing that
// looks like an address is lost.
func FuzzParseUserInvites(f *testing.F) {
	for _, text := range []string{
		"a@x.org, b@x.org", `"Lee, Ann" <ann@x.org>; <b@x.org>`, "a@x.org b@x.org\nnobody", "\"<,>\n<\"", "'a@x.org' <'a@x.org'>; “Lee, Ann” <b@x.org>'",
		"Email\tName\na@x.org\tAnn Lee\n", "name;email\n\"Lee; A\";a@x.org", "Ann\tLee\ta@x.org\tb", "mailto:a@x.org?cc=b@x.org and (c@x.org).", "To: a, (b, c) <a@x.org>",
		"\"'+a@x.org", "mailto:'=a@x.org", "('-a@x.org)", "''+a@x.org", "\xff\xfe\x7f\xff9@b",
		"\u2007\x89\x9ce,A@ȥ,\x93”",
	} {
		f.Add(text)
	}
	looks := regexp.MustCompile(`[a-z0-9]+@[a-z0-9]+(\.[a-z0-9]+)*`)
	f.Fuzz(func(t *testing.T, text string) {
		seen := map[string]bool{}
		var valid []string
		var written strings.Builder
		for _, in := range roq.ParseUserInvites(text) {
			fmt.Fprintln(&written, in.Email, in.FirstName, in.LastName)
			if in.Email == "" || seen[in.Email] {
				t.Errorf("%q gives %+v", text, in)
			}
			seen[in.Email] = true
			if in.Validate() == nil {
				valid = append(valid, in.Email)
			}
		}
		isUTF16 := strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") // its bytes are not its characters
		for _, address := range looks.FindAllString(text, -1) {
			// One that comes again may come in another case.
			if !isUTF16 && !strings.Contains(strings.ToLower(written.String()), address) {
				t.Errorf("%q is lost: %q gives %q", address, text, written.String())
			}
		}
		var again []string
		for _, in := range roq.ParseUserInvites(strings.Join(valid, ", ")) {
			again = append(again, in.Email)
		}
		if diff := cmp.Diff(valid, again); diff != "" {
			t.Errorf("pasted again (-first +second):\n%s", diff)
		}
		again = nil
		for _, in := range roq.ParseUserInvites(roq.FormatUserInvites(roq.ParseUserInvites(text))) {
			if slices.Contains(valid, in.Email) {
				again = append(again, in.Email)
			}
		}
		if diff := cmp.Diff(valid, again); diff != "" {
			t.Errorf("written and read again (-first +second):\n%s", diff)
		}
	})
}

// Lists, tables and labels as people of all scripts write them.
func TestParseDecorated(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"•ann@x.example\n–bob@x.example\n☐carl@x.example":          "ann@x.example bob@x.example carl@x.example",
		"→ann@x.example ✓bob@x.example ①carl@x.example":            "ann@x.example bob@x.example carl@x.example",
		"邮箱：wang@x.example":                                        "wang@x.example",
		"Email：wang@x.example, To：li@x.example":                    "wang@x.example li@x.example",
		"王小明：wang@x.example":                                       "wang@x.example",
		"【wang@x.example】《li@x.example》〈zhao@x.example〉":           "wang@x.example li@x.example zhao@x.example",
		"ｗａｎｇ＠ｘ．ｅｘａｍｐｌｅ":                                           "wang@x.example",
		"email=ann@x.example":                                      "ann@x.example",
		"| Name | Email |\n|---|---|\n| Ann Lee | ann@x.example |": "ann@x.example Ann Lee",
		"|Ann|ann@x.example|":                                      "ann@x.example Ann",
		"ann@x.example®, bob@x.example→":                           "ann@x.example bob@x.example",
		`"ann@x.example; bob@x.example" <carl@x.example>`:          "ann@x.example bob@x.example carl@x.example",
		`"ann@x.example" <ann@x.example>`:                          "ann@x.example",
		"[Ann Lee](mailto:ann@x.example)":                          "ann@x.example Ann Lee",
	} {
		var got []string
		for _, in := range roq.ParseUserInvites(text) {
			if err := in.Validate(); err != nil {
				t.Errorf("%q: %+v: %v", text, in, err)
			}
			got = append(got, strings.Join(strings.Fields(in.Email+" "+in.FirstName+" "+in.LastName), " "))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("ParseUserInvites(%q) = %q, want %q", text, got, want)
		}
	}
}
