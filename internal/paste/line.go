package paste

import (
	"strings"
	"unicode"

	"github.com/go-roq/roq/internal/address"
)

// scan reads a line that is not a row of a table. A semicolon ends a person, and so
// do an address in brackets and a comma behind an address. A comma behind something
// else may be within a name: "Lee, Ann <ann@x.example>". So parts of the line wait
// until it is known what they are.
func (r *reader) scan(line string) {
	var parts []string
	start := 0     // of the current part
	group := 0     // what is behind the last semicolon
	found := false // whether somebody is in the group
	end := func(i int) {
		if all := line[group:i]; found || strings.Contains(all, "@") {
			r.alone(append(parts, line[start:i]))
		} else {
			r.whole(all)
		}
		parts, start, group, found = nil, i+1, i+1, false
	}
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case ',':
			part := line[start:i]
			if strings.Contains(part, "@") {
				r.alone(parts)
				parts, part = nil, r.addresses(part)
			}
			parts = append(parts, part)
			start = i + 1
		case ';':
			end(i)
		case '<', '(', '[':
			if in, email := bracketed(line[i:]); email {
				r.named(parts, line[start:i], in)
				i += len(in) + 1
				parts, start, found = nil, i+1, true
			} else if line[i] == '(' && in != "" {
				i += len(in) + 1 // a remark, perhaps with commas
			}
		case '"':
			i += quoted(line[i:])
		}
	}
	end(len(line))
}

// bracketed returns what is in the brackets that s begins with, without others
// inside, and whether that is somebody's address. In angle brackets it is one,
// valid or not, unless it is a list. It returns nothing if other brackets hold more
// than an address.
func bracketed(s string) (in string, email bool) {
	closing := map[byte]byte{'<': '>', '(': ')', '[': ']'}[s[0]]
	end := strings.IndexAny(s[1:], "<>()[]") + 1
	if end == 0 || s[end] != closing {
		return "", false
	}
	in = s[1:end]
	switch n := strings.Count(in, "@"); {
	case s[0] == '<':
		return in, n <= 1 && strings.TrimSpace(in) != ""
	case n == 0:
		return in, false
	case valid(bare(in)):
		return in, true
	}
	return "", false
}

// quoted returns how many bytes follow the quote that s begins with, up to the one
// that closes it, if separators in between mean nothing: in a name, which an
// address in angle brackets follows, or where no address is.
func quoted(s string) int {
	end := strings.IndexByte(s[1:], '"') + 1
	if end > 0 && (strings.HasPrefix(strings.TrimLeft(s[end+1:], " "), "<") || !strings.Contains(s[:end], "@")) {
		return end
	}
	return 0
}

// whole adds what is no address as it was written.
func (r *reader) whole(text string) {
	r.add(Person{Email: strings.TrimFunc(text, func(r rune) bool { return r == ',' || r == ';' || unicode.IsSpace(r) })})
}

// alone adds the people of parts that no address in brackets follows.
func (r *reader) alone(parts []string) {
	for _, part := range parts {
		if strings.Contains(part, "@") {
			part = r.addresses(part)
		}
		if len(between(strings.Fields(part))) > 0 {
			r.whole(part)
		}
	}
}

// addresses adds the people of a text whose addresses are not in brackets, and
// returns what follows the last one. Words before an address need not be a name:
// the two are added as they are written, to be refused.
func (r *reader) addresses(text string) (rest string) {
	words := strings.Fields(text)
	start := 0
	for i, word := range words {
		if !strings.Contains(word, "@") || word == "@" {
			continue
		}
		if before := between(words[start:i]); len(before) > 0 {
			r.add(Person{Email: strings.Join(append(before, word), " ")})
		} else {
			r.add(Person{Email: bare(word)})
		}
		start = i + 1
	}
	if start == 0 {
		return text
	}
	return strings.Join(between(words[start:]), " ")
}

// named adds the person whose address is in brackets, and the people before.
func (r *reader) named(parts []string, before, in string) {
	name := strings.TrimSpace(before)
	last := len(parts) - 1
	switch complete := unquote(name) != name; {
	case complete && strings.Count(name, "@") > 1:
		r.alone(parts)
		r.scan(unquote(name)) // others in its place
		parts, name = nil, ""
	case complete && !strings.ContainsFunc(unquote(name), isQuote):
	case strings.Contains(name, "@"):
		r.alone(parts)
		parts, name = nil, r.addresses(name)
	case !complete && name != "" && last >= 0 && surname(parts[last]):
		name = parts[last] + "," + name
		parts = parts[:last]
	}
	r.alone(parts)
	p := Person{Email: bare(in)}
	if p.FirstName, p.LastName = names(name); address.Fold(unquote(name)) == address.Fold(p.Email) {
		p.FirstName, p.LastName = "", "" // the address once more
	}
	r.add(p)
}

// surname reports whether the part of a line before a comma may be a last name, and
// not an address without its @ or a name by itself.
func surname(part string) bool {
	part = strings.TrimSpace(part)
	before, after, dotted := strings.Cut(part, ".")
	site := dotted && before != "" && after != "" && !strings.ContainsFunc(part, unicode.IsSpace)
	return strings.ContainsFunc(part, unicode.IsLetter) && !site && unquote(part) == part
}

// names splits a name: "Ann Lee" or "Lee, Ann", perhaps in quotes.
func names(name string) (first, last string) {
	name = strings.Trim(unquote(strings.Join(between(strings.Fields(name)), " ")), "[]")
	if last, first, reversed := strings.Cut(name, ","); reversed {
		return strings.TrimSpace(first), strings.TrimSpace(last)
	}
	if i := strings.LastIndexByte(name, ' '); i >= 0 {
		return name[:i], name[i+1:]
	}
	return name, ""
}

// between returns words without those at the beginning that only connect people:
// "and", bullets, numbers of a list.
func between(words []string) []string {
	for len(words) > 0 && connects(words[0]) {
		words = words[1:]
	}
	return words
}

func connects(word string) bool {
	switch word {
	case "and", "or", "und", "et", "y":
		return true
	}
	if digits := strings.Trim(word, "(.)"); digits != word && strings.Trim(digits, "0123456789") == "" {
		return true
	}
	return label(word) == len(word) || !strings.ContainsFunc(word, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
}
