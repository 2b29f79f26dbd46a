package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"
)

// read reads a whole CSV text: each row as a line of its own.
func read(t *testing.T, f format, text string) (*sheet, []string) {
	t.Helper()
	s, err := f.open(strings.NewReader(text))
	if err != nil {
		t.Fatalf("open(%q) = %v", text, err)
	}
	var rows []string
	for r, err := range s.rows() {
		if err != nil {
			rows = append(rows, err.Error())
			continue
		}
		in := r.input
		line := strings.Join([]string{fmt.Sprint(r.line), in.Email, in.FirstName, in.LastName, in.Locale, strings.Join(in.Roles, "+"), in.CreatedByUserID}, "/")
		if r.err != nil {
			line = fmt.Sprintf("%d: %v", r.line, r.err)
		}
		rows = append(rows, line)
	}
	return s, rows
}

func encoded(t *testing.T, order unicode.Endianness, text string) string {
	t.Helper()
	out, err := unicode.UTF16(order, unicode.UseBOM).NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRows(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		format format
		text   string
		want   []string
	}{
		"comma":            {text: "email,firstName\nann@x.example,Ann\n", want: []string{"2/ann@x.example/Ann////"}},
		"no last line end": {text: "email\nann@x.example", want: []string{"2/ann@x.example/////"}},
		"CRLF":             {text: "email,firstName\r\nann@x.example,Ann\r\n", want: []string{"2/ann@x.example/Ann////"}},
		"semicolon":        {text: "email;firstName\nann@x.example;Ann, the first\n", want: []string{"2/ann@x.example/Ann, the first////"}},
		"tab":              {text: "email\tlastName\nann@x.example\tAdams\n", want: []string{"2/ann@x.example//Adams///"}},
		"UTF-8 BOM":        {text: "\uFEFFemail,firstName\nann@x.example,Änn\n", want: []string{"2/ann@x.example/Änn////"}},
		"UTF-16 LE":        {text: encoded(t, unicode.LittleEndian, "email\tfirstName\r\nann@x.example\tÄnn\r\n"), want: []string{"2/ann@x.example/Änn////"}},
		"UTF-16 BE":        {text: encoded(t, unicode.BigEndian, "email;firstName\nann@x.example;Änn\n"), want: []string{"2/ann@x.example/Änn////"}},
		"order and names": {
			text: "ROLES,Given Name,e_mail,Surname,Language,created-by-user-id\na; b|c,Ann,ann@x.example,Adams,de-DE,u1\n",
			want: []string{"2/ann@x.example/Ann/Adams/de-DE/a+b+c/u1"},
		},
		"mapped": {
			format: format{mapping: map[string]string{fieldEmail: "Work_Email", fieldFirstName: "vorname"}},
			text:   "Email,Work_Email,Vorname\nprivate@x.example,ann@x.example,Ann\n", want: []string{"2/ann@x.example/Ann////"},
		},
		"roles for those without": {
			format: format{roles: []string{"reader"}},
			text:   "email,roles\nann@x.example,\nbob@x.example,editor\n",
			want:   []string{"2/ann@x.example////reader/", "3/bob@x.example////editor/"},
		},
		"separator given": {format: format{separator: '|'}, text: "a;b;c|email\nx|ann@x.example\n", want: []string{"2/ann@x.example/////"}},
		"quoted line ends": {text: "email,\"first\nname\"\nann@x.example,\"Ann\nMary\"\nbob@x.example,Bob\n", want: []string{
			"3: lines 3 to 4 are one row, because of a quote (\") that is open at the end of line 3: close it",
			"4: lines 3 to 4 are one row, because of a quote (\") that is open at the end of line 3: close it",
			"5/bob@x.example/Bob////",
		}},
		"line ends in a note": {text: "note,email\n\"one\ntwo, three\",ann@x.example\n,bob@x.example\n", want: []string{"2/ann@x.example/////", "4/bob@x.example/////"}},
		"a row in a note": {text: "note,email\n\"one,ann@x.example\ntwo\",bob@x.example\n,eve@x.example\n", want: []string{
			"2: lines 2 to 3 are one row, because of a quote (\") that is open at the end of line 2: close it",
			"3: lines 2 to 3 are one row, because of a quote (\") that is open at the end of line 2: close it",
			"4/eve@x.example/////",
		}},
		"CR":         {text: "email,firstName\rann@x.example,Ann\r\rbob@x.example,Bob", want: []string{"2/ann@x.example/Ann////", "4/bob@x.example/Bob////"}},
		"sep=":       {text: "sep=;\r\nemail;firstName\r\nann@x.example;Ann, the first\r\n", want: []string{"3/ann@x.example/Ann, the first////"}},
		"sep= tab":   {text: "\"SEP=\t\"\nemail\tfirstName\nann@x.example\tAnn\n", want: []string{"3/ann@x.example/Ann////"}},
		"bar":        {text: "email|firstName\nann@x.example|Ann\n", want: []string{"2/ann@x.example/Ann////"}},
		"no BOM, LE": {text: encoded(t, unicode.LittleEndian, "email\tfirstName\r\nann@x.example\tÄnn\r\n")[2:], want: []string{"2/ann@x.example/Änn////"}},
		"no BOM, BE": {text: encoded(t, unicode.BigEndian, "email\tfirstName\r\nann@x.example\tÄnn\r\n")[2:], want: []string{"2/ann@x.example/Änn////"}},
		"Google Workspace": {
			text: "First Name [Required],Last Name [Required],Email Address [Required],Password [Required],Org Unit Path [Required]\nAnn,Lee,ann@x.example,,/\n",
			want: []string{"2/ann@x.example/Ann/Lee///"},
		},
		"Microsoft 365": {
			text: "Display name,User principal name,First name,Last name,Preferred language\nAnn L.,ann@x.example,Ann,Lee,en-US\nGus,gus_y.example#EXT#@x.onmicrosoft.com\n",
			want: []string{"2/ann@x.example/Ann/Lee/en-US//", "3: this is the user principal name of a guest, not an e-mail address: write the address"},
		},
		"principal name and address": {text: "userPrincipalName,mail\na1@x.example,ann@x.example\n", want: []string{"2/ann@x.example/////"}},
		"quotes in header":           {text: "\"a;b;c\",email\nx,ann@x.example\n", want: []string{"2/ann@x.example/////"}},
		"padded":                     {text: " email , firstName \n ann@x.example ,\tAnn\n", want: []string{"2/ann@x.example/Ann////"}},
		"empty rows":                 {text: "\n\nemail,firstName\n\n,\nann@x.example,\n , \n", want: []string{"6/ann@x.example/////"}},
		"only a header":              {text: "email\n"},
		"ragged": {
			text: "email,firstName\nann@x.example\nbob@x.example,Bob,x\neve@x.example,Eve\nmia@x.example,Mia,,\n",
			want: []string{"2/ann@x.example/////", "3: 3 cells where the header has 2: put a cell with a ',' in it in quotes", "4/eve@x.example/Eve////", "5/mia@x.example/Mia////"},
		},
		"short": {
			text: "firstName,email,lastName\nAnn,ann@x.example\nBob\n",
			want: []string{"2/ann@x.example/Ann////", "3: 1 cell where the header has 3: the address is missing"},
		},
		"quotes amiss": {
			text: "email,firstName\nann@x.example,A\"nn\neve@x.example,Eve\nbob@x.example,\"Bob\n",
			want: []string{
				`2: a quote (") inside a cell that does not begin with one: put the cell in quotes, and double the quote`, "3/eve@x.example/Eve////",
				`4: a quote (") that is not closed, or text after a closing quote`,
			},
		},
		"invalid UTF-8": {text: "email,firstName\nann@x.example,\xff\n", want: []string{`line 2 is not valid UTF-8: open it in a spreadsheet program and save it as "CSV UTF-8"`}},
		"a row without end": {
			text: "email,firstName\nann@x.example,Ann\nbob@x.example,\"" + strings.Repeat("x\n", maxRecord),
			want: []string{"2/ann@x.example/Ann////", `the row that begins on line 3 has no end within 1048576 bytes: close the quote (") that is open there`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, got := read(t, test.format, test.text); !slices.Equal(got, test.want) {
				t.Errorf("the rows are %q, want %q", got, test.want)
			}
		})
	}
}

func TestHeaderRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		format     format
		text, want string
	}{
		{text: "", want: "it is empty"},
		{text: "\r\n\n", want: "it is empty"},
		{text: "\uFEFF", want: "it is empty"},
		{text: "name,\"phone\"\n", want: `no column with the e-mail addresses: the columns are "name", "phone"; choose one with -map`},
		{text: "e-mail,Mail\n", want: `the columns "e-mail" and "Mail" are both the email`},
		{format: format{mapping: map[string]string{fieldEmail: "Work"}}, text: "email,name\n", want: `no column "Work": the columns are "email", "name"`},
		{format: format{mapping: map[string]string{fieldFirstName: "email"}}, text: "email\n", want: `the column "email" cannot be both the email and the firstName`},
		{text: "email,\"name\n", want: "the header on line 1 cannot be read: a quote"},
		{text: "\nemail,\"name\nann@x.example,Ann\"\n", want: "the header goes from line 2 to line 3: close the quote"},
		{text: "sep=ab\nemail\n", want: `line 1: "ab" is not a separator`},
		{text: "PK\x03\x04\x14\x00", want: "it is a workbook (.xlsx, .ods, .numbers) or another archive, not CSV: open it in a spreadsheet program and save it as \"CSV UTF-8\""},
		{text: "\xd0\xcf\x11\xe0\xa1\xb1", want: "it is a workbook (.xls)"},
		{text: "pr\xe9nom,email\n", want: "line 1 is not valid UTF-8"},
		{text: "email,\x00\n", want: "line 1 contains zero bytes"},
		{text: strings.Repeat("x", maxRecord+1), want: "line 1 is longer than 1048576 bytes"},
		{text: "Email (work),Email (private)\n", want: "are both the email: choose one with -map"},
		{text: "ann@x.example,Ann\n", want: "the first row has an e-mail address in it"},
	} {
		if _, err := test.format.open(strings.NewReader(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("open(%q) = %v, want %q", test.text, err, test.want)
		}
	}
}

func TestIgnoredColumns(t *testing.T) {
	t.Parallel()
	s, _ := read(t, format{}, "id,email,phone\n1,ann@x.example,2\n")
	if got := s.ignored(); !slices.Equal(got, []string{"id", "phone"}) {
		t.Errorf("ignored() = %q, want id and phone", got)
	}
}

// A name of a column cannot do anything to the terminal.
func TestColumnNames(t *testing.T) {
	t.Parallel()
	s, _ := read(t, format{mapping: map[string]string{fieldFirstName: "\x1b[2Jx", fieldLastName: "Nach Name"}}, "email,\x1b[2Jx,Nach Name\n")
	for path, want := range map[string]string{"FirstName": `"\x1b[2Jx"`, "LastName": "Nach Name", "Email": "email", "Roles[1]": "Roles"} {
		if got := s.name(path); got != want {
			t.Errorf("name(%q) = %s, want %s", path, got, want)
		}
	}
}

// What is added to a file later is not read, but noticed.
func TestSourceChanged(t *testing.T) {
	t.Parallel()
	path := people(t, many(3))
	s, err := openSource(path, format{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.file.Close() }()
	if s.changed() {
		t.Error("changed() is true of a file that is as it was")
	}
	if err := os.WriteFile(path, []byte(many(5)), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := count(t.Context(), s.rows()); err != nil || n != 3 || !s.changed() {
		t.Errorf("count = %d, %v, changed() = %v; want 3 rows of a file that was changed", n, err, s.changed())
	}
}

func TestParseMapping(t *testing.T) {
	t.Parallel()
	got, err := parseMapping("email=Work_Email,FIRST_NAME=Vor name")
	if err != nil || len(got) != 2 || got[fieldEmail] != "Work_Email" || got[fieldFirstName] != "Vor name" {
		t.Errorf("parseMapping = %q, %v", got, err)
	}
	for text, want := range map[string]string{
		"email": "is not field=column", "email=": "is not field=column", "": "is not field=column",
		"phone=x": "createdByUserId, email, firstName", "email=a,E-Mail=b": "mapped twice",
	} {
		if _, err := parseMapping(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("parseMapping(%q) = %v, want %q", text, err, want)
		}
	}
}

func TestParseSeparator(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]rune{"tab": '\t', `\t`: '\t', ";": ';', "semicolon": ';', "comma": ',', "|": '|', "": 0, ",,": 0, `"`: 0, "\n": 0, "\xff": 0} {
		if got, err := parseSeparator(text); got != want || (err == nil) != (want != 0) {
			t.Errorf("parseSeparator(%q) = %q, %v, want %q", text, got, err, want)
		}
	}
}
