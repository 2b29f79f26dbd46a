package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"

	"github.com/go-roq/roq/roqtest"
)

// odd is a file as people have them.
type odd struct {
	file string
	args []string
	// sent are the people who are sent an invite, others the cells of the report for
	// those who are not, both without their order.
	sent, others []string
	// says is in the report.
	says string
	// stops is what is said if nothing is sent.
	stops string
}

// lots is a CSV file of 600 people. What is behind the address in some lines is
// another text.
func lots(names map[int]string) (file string, people []string) {
	var b strings.Builder
	b.WriteString("email,firstName\n")
	for line := 2; line <= 601; line++ {
		name, ok := names[line]
		if !ok {
			name = "P"
		}
		people = append(people, fmt.Sprintf("p%d@x.example", line))
		fmt.Fprintf(&b, "p%d@x.example,%s\n", line, name)
	}
	return b.String(), people
}

func transformed(t *testing.T, to transform.Transformer, text string) string {
	t.Helper()
	out, _, err := transform.String(to, text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func oddFiles(t *testing.T) map[string]odd {
	t.Helper()
	const plain = "email,firstName\nann@x.example,Änn\nbob@x.example,Bob\n"
	two := []string{"ann@x.example", "bob@x.example"}
	spanning, people := lots(map[int]string{10: `"P`, 500: `P"`})
	open, _ := lots(map[int]string{590: `"P`})
	twice, _ := lots(map[int]string{10: `"P`, 20: `"P"`, 30: `P"`})
	return map[string]odd{
		// Separators and line ends.
		"comma":             {file: plain, sent: two},
		"semicolon":         {file: strings.ReplaceAll(plain, ",", ";"), sent: two},
		"tab":               {file: strings.ReplaceAll(plain, ",", "\t"), sent: two},
		"bar":               {file: strings.ReplaceAll(plain, ",", "|"), sent: two},
		"caret":             {file: strings.ReplaceAll(plain, ",", "^"), stops: `the columns are "email^firstName"`},
		"caret given":       {file: strings.ReplaceAll(plain, ",", "^"), args: []string{"-separator", "^"}, sent: two},
		"sep=;":             {file: "sep=;\r\n" + strings.ReplaceAll(plain, ",", ";"), sent: two},
		"sep= tab":          {file: "SEP=\t\n" + strings.ReplaceAll(plain, ",", "\t"), sent: two},
		"sep=, with a BOM":  {file: "\ufeff\"sep=,\"\n" + plain, sent: two},
		"sep= and nothing":  {file: "sep=\n" + plain, stops: "no column with the e-mail addresses"},
		"CRLF":              {file: strings.ReplaceAll(plain, "\n", "\r\n"), sent: two},
		"CR":                {file: strings.ReplaceAll(plain, "\n", "\r"), sent: two},
		"every line end":    {file: "email\rann@x.example\r\nbob@x.example\n\reve@x.example", sent: append(two, "eve@x.example")},
		"no last line end":  {file: strings.TrimSpace(plain), sent: two},
		"empty lines":       {file: "\n\r\n" + strings.ReplaceAll(plain, "\n", "\n\n,\n \n"), sent: two},
		"markdown":          {file: "| email | first name |\n|---|---|\n| ann@x.example | Ann |\n| bob@x.example | Bob |\n", sent: two, others: []string{"'---"}},
		"ten thousand tabs": {file: "email\tname\nann@x.example" + strings.Repeat("\t", 10_000) + "\nbob@x.example", sent: two},
		// Encodings, and files that are not CSV.
		"UTF-8 with a BOM":   {file: "\ufeff" + plain, sent: two},
		"two BOMs":           {file: "\ufeff\ufeff" + plain, sent: two},
		"UTF-16 LE":          {file: encoded(t, unicode.LittleEndian, plain), sent: two},
		"UTF-16 BE":          {file: encoded(t, unicode.BigEndian, plain), sent: two},
		"UTF-16 LE, no BOM":  {file: encoded(t, unicode.LittleEndian, plain)[2:], sent: two},
		"UTF-16 BE, no BOM":  {file: encoded(t, unicode.BigEndian, plain)[2:], sent: two},
		"UTF-32":             {file: transformed(t, utf32.UTF32(utf32.LittleEndian, utf32.UseBOM).NewEncoder(), plain), stops: `save it as "CSV UTF-8"`},
		"Latin-1":            {file: transformed(t, charmap.ISO8859_1.NewEncoder(), plain), stops: `line 2 is not valid UTF-8: open it in a spreadsheet program and save it as "CSV UTF-8"`},
		"Windows-1252":       {file: transformed(t, charmap.Windows1252.NewEncoder(), "prénom,email\n“Ann”,ann@x.example\n"), stops: "line 1 is not valid UTF-8"},
		"one bad byte":       {file: plain + "eve@x.example,\xff\n", stops: "line 4 is not valid UTF-8"},
		"a zero byte":        {file: plain + "eve@x.example,\x00\n", stops: "line 4 contains zero bytes"},
		".xlsx":              {file: "PK\x03\x04\x14\x00\x06\x00", stops: `it is a workbook (.xlsx, .ods, .numbers) or another archive, not CSV: open it in a spreadsheet program and save it as "CSV UTF-8"`},
		".xls":               {file: "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", stops: `it is a workbook (.xls), not CSV: open it`},
		".pdf":               {file: "%PDF-1.7\n", stops: "it is a PDF file"},
		".csv.gz":            {file: "\x1f\x8b\x08\x00", stops: "it is a compressed file"},
		".rtf":               {file: `{\rtf1\ansi email}`, stops: "it is an RTF document"},
		"JSON":               {file: `[{"email": "ann@x.example"}]`, stops: "the header on line 1 cannot be read"},
		"HTML":               {file: "<table><tr><td>email</td></tr></table>", stops: "no column with the e-mail addresses"},
		"vCard":              {file: "BEGIN:VCARD\nEMAIL:ann@x.example\nEND:VCARD\n", stops: "choose one with -map"},
		"a line of 2 MB":     {file: strings.Repeat("x", 2<<20), stops: "line 1 is longer than"},
		"a long line inside": {file: plain + strings.Repeat("x", 2<<20), stops: "line 4 is longer than"},
		// Headers.
		"empty":                {file: "", stops: "the first row must name the columns"},
		"only line ends":       {file: "\n\r\n\r", stops: "the first row must name the columns"},
		"only a header":        {file: "email\n"},
		"no header":            {file: "ann@x.example,Ann\nbob@x.example,Bob\n", stops: "put a row above it that names the columns"},
		"a title":              {file: "Staff 2024,\n\n" + plain, stops: `the columns are "Staff 2024", ""; choose one with -map`},
		"no addresses":         {file: "name,phone\nAnn,1\n", stops: "choose one with -map email=COLUMN"},
		"other names":          {file: "Vorname;E-Mail-Adresse\nAnn;ann@x.example\n", args: []string{"-map", "email=E-Mail-Adresse,firstName=Vorname"}, sent: two[:1]},
		"other names unmapped": {file: "Vorname;E-Mail-Adresse\nAnn;ann@x.example\n", stops: "choose one with -map"},
		"two for addresses":    {file: "Email,E-mail\nann@x.example,bob@x.example\n", stops: "choose one with -map"},
		"capitals":             {file: " EMAIL ADDRESS , FIRST_NAME \n ann@x.example , Ann \n\tbob@x.example,Bob", sent: two},
		"Google Workspace": {
			file: "First Name [Required],Last Name [Required],Email Address [Required],Password [Required],Recovery Email\nAnn,Lee,ann@x.example,****,a@y.example\nBob,Ray,bob@x.example,****,\n", sent: two,
		},
		"Microsoft 365": {
			file: "Block credential,Display name,First name,Last name,User principal name\nFalse,Ann L.,Ann,Lee,ann@x.example\nFalse,Bob,,,bob@x.example\nFalse,Gus,,,gus_y.example#EXT#@x.example\n",
			sent: two, others: []string{"gus_y.example#EXT#@x.example"}, says: "the user principal name of a guest",
		},
		"Entra": {file: "userPrincipalName,displayName,surname,mail,givenName\na@x.example,Ann,Lee,ann@x.example,Ann\nb@x.example,Bob,Ray,bob@x.example,Bob\n", sent: two},
		// Quotes.
		"everything in quotes":    {file: "\"email\",\"firstName\"\n\"ann@x.example\",\"\"\"A, nn\"\"\"\n\"bob@x.example\",\"Bob\"", sent: two},
		"a quote over 490 rows":   {file: spanning, sent: slices.Concat(people[:8], people[499:]), others: people[8:499], says: `lines 10 to 500 are one row, because of a quote (") that is open at the end of line 10`},
		"a quote never closed":    {file: open, sent: people[:588], others: people[588:], says: "lines 590 to 601 are one row"},
		"quotes out of step":      {file: twice, sent: slices.Concat(people[:8], people[19:28], people[29:]), others: append(people[8:19:19], people[28])},
		"a quote open for 1 MB":   {file: "email,firstName\nann@x.example,Ann\nbob@x.example,\"" + strings.Repeat("Bob\n", 1<<19), stops: "the row that begins on line 3 has no end within 1048576 bytes: close the quote"},
		"a quote in the header":   {file: "email,\"firstName\nann@x.example,Ann\n", stops: "the header on line 1 cannot be read"},
		"header closed later":     {file: "email,\"firstName\nann@x.example,Ann\"\nbob@x.example,Bob\n", stops: "the header goes from line 1 to line 2: close the quote"},
		"inches":                  {file: plain + "eve@x.example,5\" Eve\n", sent: two, others: []string{"eve@x.example"}, says: "double the quote"},
		"text behind a quote":     {file: plain + "eve@x.example,\"Eve\" E.\n", sent: two, others: []string{"eve@x.example"}, says: "text after a closing quote"},
		"a line break in a name":  {file: plain + "eve@x.example,\"Eve\nE.\"\n", sent: two, others: []string{"eve@x.example", "E.\""}, says: "lines 4 to 5 are one row"},
		"a line break in a note":  {file: "email,note\nann@x.example,\"one\n\ntwo, three\"\nbob@x.example,\n", sent: two},
		"a person in a note":      {file: "note,email\n\"one,eve@x.example\nmia@x.example\",ann@x.example\n,bob@x.example\n", sent: two[1:], others: []string{"eve@x.example", "ann@x.example"}, says: "lines 2 to 3 are one row"},
		"a quote around the file": {file: "\"" + plain + "\"", stops: "close the quote"},
		// Cells.
		"short rows":        {file: "email,firstName,lastName\nann@x.example\nbob@x.example,Bob\n", sent: two},
		"no address":        {file: "firstName,email\nAnn,ann@x.example\nBob\n,bob@x.example\nEve,\n", sent: two, others: []string{"", ""}, says: "the address is missing"},
		"empty cells":       {file: "email,firstName\nann@x.example,Ann,,,\nbob@x.example,Bob, \n", sent: two},
		"a comma in a name": {file: plain + "eve@x.example,Eve, E.\n", sent: two, others: []string{"eve@x.example"}, says: "3 cells where the header has 2"},
		"duplicates":        {file: plain + "eve@x.example,Eve\nann@x.example,Ann\nANN@X.example,Ann\n", sent: append(two, "eve@x.example"), others: []string{"ann@x.example", "ANN@X.example"}, says: "duplicate of line 2"},
		"a name inside":     {file: plain + "Eve <eve@x.example>,Eve\n", sent: two, others: []string{"Eve <eve@x.example>"}, says: "without a name"},
		"several inside":    {file: plain + "eve@x.example;mia@x.example,Eve\n", sent: two, others: []string{"eve@x.example;mia@x.example"}, says: "must be one e-mail address"},
		"in quotes":         {file: plain + "'eve@x.example',Eve\n", sent: two, others: []string{"'eve@x.example'"}, says: "without a name, quotes"},
		"zero width":        {file: plain + "eve@x.\u200bexample,Eve\n", sent: two, others: []string{"eve@x.\u200bexample"}, says: "invisible characters"},
		"no @":              {file: plain + "eve.x.example,Eve\n", sent: two, others: []string{"eve.x.example"}},
		"formulas":          {file: plain + "\"=HYPERLINK(\"\"mailto:eve@x.example\"\")\",Eve\n-eve@x.example,Eve\n", sent: append(two, "'-eve@x.example"), others: []string{"'=HYPERLINK(\"mailto:eve@x.example\")"}},
	}
}

// Of an odd file either everybody is in the report with an outcome, or nothing is
// sent and a message says what to do.
func TestOddFiles(t *testing.T) {
	for name, test := range oddFiles(t) {
		t.Run(name, func(t *testing.T) {
			srv := roqtest.NewServer()
			defer srv.Close()
			for name, value := range environment(srv, srv.URL) {
				t.Setenv(name, value)
			}
			ann := srv.AddUser(roqtest.User{TenantID: srv.AddTenant("Acme"), Email: "ann@acme.example", Roles: []string{"admin"}})
			path := people(t, test.file)
			status, stdout, stderr := runs(t, append([]string{"-csv", path, "-platform", "-as", ann.ID, "-tenant", ann.TenantID}, test.args...)...)
			report, err := os.ReadFile(strings.TrimSuffix(path, ".csv") + ".report.csv")
			if test.stops != "" {
				if status != statusUsage || !strings.Contains(stderr, test.stops) || once(t, srv) != 0 || err == nil {
					t.Errorf("the status is %d, %d were mailed, the report has %d bytes; want no report and %q in\n%s", status, once(t, srv), len(report), test.stops, stderr)
				}
				return
			}
			if err != nil {
				t.Fatalf("the status is %d: %v\n%s%s", status, err, stdout, stderr)
			}
			want := statusSent
			if len(test.others) > 0 && !strings.Contains(test.says, "duplicate") {
				want = statusRefused
			}
			if status != want {
				t.Errorf("the status is %d, want %d:\n%s%s", status, want, stdout, stderr)
			}
			sent, others := reported(t, string(report))
			same(t, "sent", sent, test.sent)
			same(t, "not sent", others, test.others)
			if n := once(t, srv); n != len(test.sent) {
				t.Errorf("%d people were mailed, want %d", n, len(test.sent))
			}
			if !strings.Contains(string(report), strings.ReplaceAll(test.says, `"`, `""`)) {
				t.Errorf("the report lacks %q:\n%s", test.says, report)
			}
		})
	}
}

// reported are the addresses in a report, of those who were sent an invite and of
// the others.
func reported(t *testing.T, report string) (sent, others []string) {
	t.Helper()
	r := csv.NewReader(strings.NewReader(report))
	r.Comma = rune(report[len("line")])
	records, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range records[1:] {
		switch {
		case record[2] == "sent":
			sent = append(sent, record[1])
		case record[2] == "" || record[5] == "":
			t.Errorf("line %s has the outcome %q, %q", record[0], record[2], record[5])
		default:
			others = append(others, record[1])
		}
	}
	return sent, others
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if got, want := slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want)); !slices.Equal(got, want) {
		t.Errorf("%s are %q, want %q", what, got, want)
	}
}
