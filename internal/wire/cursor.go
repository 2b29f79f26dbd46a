package wire

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// cursor walks the elements of an array, or the names and values of an object, in
// place. It checks nothing: the JSON must have been found valid.
type cursor []byte

// inside returns a cursor at the beginning of an object or array.
func inside(value jsontext.Value) cursor { return cursor(value[1:]) }

// next returns the next element, name or value; nil at the end.
func (c *cursor) next() jsontext.Value {
	b := []byte(*c)
	for b[0] <= ' ' || b[0] == ',' || b[0] == ':' {
		b = b[1:]
	}
	var n int
	if b[0] == '"' { // most are short strings
		if n = bytes.IndexByte(b[1:], '"') + len(`""`); b[n-len(`""`)] == '\\' {
			n = stringLength(b)
		}
	} else {
		n = length(b)
	}
	*c = b[n:]
	if n == 0 {
		return nil
	}
	return b[:n:n]
}

// length returns how long the value is that b begins with; 0 at the end of an
// object or array.
func length(b []byte) int {
	switch b[0] {
	case '"':
		return stringLength(b)
	case '{', '[':
		return nestedLength(b)
	case 'n', 't':
		return len("null")
	case 'f':
		return len("false")
	}
	for n, c := range b {
		switch c {
		case ',', ']', '}', ' ', '\t', '\r', '\n':
			return n
		}
	}
	return len(b)
}

func stringLength(b []byte) int {
	for n := 1; ; {
		n += bytes.IndexByte(b[n:], '"') + len(`"`)
		backslashes := 0
		for b[n-len(`"`)-1-backslashes] == '\\' {
			backslashes++
		}
		if backslashes%2 == 0 { // else the quote is escaped
			return n
		}
	}
}

func nestedLength(b []byte) int {
	depth := 0
	for n := 0; ; n++ {
		switch b[n] {
		case '"':
			n += stringLength(b[n:]) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return n + 1
			}
		}
	}
}

// unquoted returns the text of a JSON string, which is valid: in place, if it has
// no escapes.
func unquoted(value jsontext.Value) []byte {
	if bytes.IndexByte(value, '\\') < 0 {
		return value[1 : len(value)-1]
	}
	text, _ := jsontext.AppendUnquote(nil, value)
	return text
}

// valid returns a body without the white space around it; nil if it is not JSON
// by the rules that [unmarshal] describes. A body that can be repaired is.
func valid(body []byte, of *reading) jsontext.Value {
	if !jsontext.Value(body).IsValid() {
		fixed, _ := repaired(body, of)
		return fixed
	}
	return bytes.TrimSpace(body)
}

// find returns the member with that name; nil if there is none, or if the value is
// not an object.
func find(value jsontext.Value, name string) jsontext.Value {
	if value.Kind() != '{' {
		return nil
	}
	for c := inside(value); ; {
		found := c.next()
		if found == nil {
			return nil
		}
		if member := c.next(); string(unquoted(found)) == name {
			return member
		}
	}
}
