// Package paste reads whom to invite from a text as people paste it.
//
// [People] goes through the text line by line. A line of a table is read by its
// cells (table.go), any other line by its separators and brackets (line.go). What
// one address may be wrapped in is in address.go, and how files are encoded in
// encoding.go. Everything takes linear time. [Write] is the reverse.
package paste

import (
	"strings"

	"github.com/go-roq/roq/internal/address"
)

// Person is somebody who was found in a text: with a valid address, or with what
// was written instead of one as the Email.
type Person struct{ Email, FirstName, LastName string }

// normal leaves one form of each separator, and takes out what cannot be seen. It
// keeps the two joiners (U+200C and U+200D), which belong to names in some scripts.
var normal = strings.NewReplacer(withNarrow(
	"\r\n", "\n", "\r", "\n", "\v", "\n", "\f", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n",
	"、", ",", "،", ",", "؛", ";", "【", "[", "】", "]", "〔", "[", "〕", "]", "「", "[", "」", "]", "『", "[", "』", "]",
	"《", "<", "》", ">", "〈", "<", "〉", ">", "|", "\t", // cells
	"\u00ad", "", "\u061c", "", "\u180e", "", "\u200b", "", "\u200e", "", "\u200f", "", "\u2060", "", "\ufeff", "",
	"\u202a", "", "\u202b", "", "\u202c", "", "\u202d", "", "\u202e", "", "\u2066", "", "\u2067", "", "\u2068", "", "\u2069", "",
)...)

// withNarrow adds the full-width characters, and their forms in ASCII.
func withNarrow(pairs ...string) []string {
	for r := '！'; r <= '～'; r++ {
		pairs = append(pairs, string(r), string(r-'！'+'!'))
	}
	return append(pairs, "\u3000", " ")
}

// People returns the people in a text, each address once, and those whose address
// occurs before in the text.
func People(text string) (people, repeated []Person) {
	r := reader{at: make(map[string]int)}
	for line := range strings.SplitSeq(normal.Replace(decode(text)), "\n") {
		r.line(line)
	}
	return r.people, r.repeated
}

// Write returns a person as a line that [People] reads again. What would be read as
// something else is left out of the names.
func Write(p Person) string {
	first, last := plainName(p.FirstName, ""), plainName(p.LastName, ",")
	email := strings.ToValidUTF8(p.Email, "\ufffd") // other bytes would give the whole text another encoding
	switch {
	case first == "" && last == "":
		return email
	case last == "":
		return `"` + plainName(first, ",") + `" <` + email + `>`
	default:
		return `"` + last + `, ` + first + `" <` + email + `>`
	}
}

// plain returns a name without what would be read as something else.
func plainName(name, more string) string {
	name = strings.Map(func(r rune) rune {
		if isQuote(r) && r != '\'' && r != '’' || strings.ContainsRune(`@<>\`+more, r) {
			return -1
		}
		return r
	}, normal.Replace(name))
	return strings.Join(between(strings.Fields(name)), " ")
}

// reader collects people.
type reader struct {
	people, repeated []Person
	at               map[string]int // by mailbox
	table            *columns       // what the last header said
}

// add adds a person. One who was found before gets only a name, if there was none.
func (r *reader) add(p Person) {
	if p.Email == "" {
		return
	}
	key := address.Mailbox(p.Email)
	i, found := r.at[key]
	if found {
		r.repeated = append(r.repeated, p)
	}
	switch {
	case !found:
		r.at[key] = len(r.people)
		r.people = append(r.people, p)
	case r.people[i].FirstName == "" && r.people[i].LastName == "":
		r.people[i].FirstName, r.people[i].LastName = p.FirstName, p.LastName
	}
}

// line reads a header, a row of a table, or any other line.
func (r *reader) line(line string) {
	if strings.Trim(line, " \t\u00a0-=_+:*") == "" {
		return // nothing, or a line that is drawn between rows
	}
	if table, ok := header(line); ok {
		r.table = table
		return
	}
	switch {
	case r.table != nil && r.row(line):
	case strings.Contains(line, "\t"):
		r.cells(line)
	default:
		r.scan(line)
	}
}
