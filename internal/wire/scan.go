package wire

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// scan reads an answer of the form that the platform gives, in one pass: the data that was
// asked for and nothing beside it, each member once, and only complete rows. It reports
// whether the answer was of that form, or the sink has ended the reading. Every other
// answer is left to [Operation.decode], which follows the same rules, reads every form,
// and says what is wrong with an answer.
func (op *Operation) scan(body []byte, into Sink) (answer Answer, p passed, ok bool) {
	if op.shape == other {
		return Answer{}, passed{}, false
	}
	r := newReader(nil)
	defer r.free()
	r.sink = into
	s := scanner{reader: r, rest: body}
	ok = s.only(func(int) bool {
		return s.only(func(int) bool { return s.data(op.shape) }, op.field)
	}, "data")
	s.space()
	if ok = ok && len(s.rest) == 0; ok {
		r.answer.Data = true
	}
	return r.answer, r.passed, ok || r.passed.stopped != nil
}

// scanner is where the scan of an answer has come to. Its methods take what comes next,
// and report whether it has the form that is scanned.
type scanner struct {
	*reader
	rest []byte
}

func (s *scanner) space() {
	for len(s.rest) > 0 && s.rest[0] <= ' ' && (s.rest[0] == ' ' || s.rest[0] == '\n' || s.rest[0] == '\r' || s.rest[0] == '\t') {
		s.rest = s.rest[1:]
	}
}

// punctuation takes one of the bytes between values.
func (s *scanner) punctuation(c byte) bool {
	if s.space(); len(s.rest) == 0 || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// name takes the name of a member and the colon behind it; nil if there is none.
func (s *scanner) name() []byte {
	s.space()
	n := plainLength(s.rest)
	if n == 0 {
		return nil
	}
	name := s.rest[1 : n-1]
	if s.rest = s.rest[n:]; !s.punctuation(':') {
		return nil
	}
	return name
}

// only takes an object that has each of those members once, and no other. The function
// takes the value of the i-th.
func (s *scanner) only(value func(i int) bool, names ...string) bool {
	ok, seen := s.punctuation('{'), 0
	for n := range names {
		ok = ok && (n == 0 || s.punctuation(','))
		if !ok {
			return false
		}
		name := s.name()
		i := slices.IndexFunc(names, func(one string) bool { return one == string(name) })
		ok = i >= 0 && seen&(1<<i) == 0 && value(i)
		seen |= 1 << max(i, 0)
	}
	return ok && s.punctuation('}')
}

// list takes an array. The function takes an element.
func (s *scanner) list(element func() bool) bool {
	if !s.punctuation('[') {
		return false
	}
	if s.punctuation(']') {
		return true
	}
	for element() {
		if s.punctuation(']') {
			return true
		}
		if !s.punctuation(',') {
			return false
		}
	}
	return false
}

// plainLength returns how long the string is that b begins with, if it is of ASCII without
// escapes; otherwise 0.
func plainLength(b []byte) int {
	if len(b) == 0 || b[0] != '"' {
		return 0
	}
	n := 1
	for n+8 <= len(b) && plainBytes(binary.LittleEndian.Uint64(b[n:])) {
		n += 8
	}
	for ; n < len(b); n++ {
		switch c := b[n]; {
		case c == '"':
			return n + 1
		case c < ' ' || c == '\\' || c >= utf8.RuneSelf:
			return 0
		}
	}
	return 0
}

// plainBytes reports whether eight bytes are a part of such a string. Below each of them
// that is not, the subtraction borrows from its highest bit, or the bit is set already. It
// may do so above one of them too, and then it says no where it might say yes.
func plainBytes(eight uint64) bool {
	const each, highest = 0x0101010101010101, 0x8080808080808080
	return (eight|(eight-each*' ')|((eight^each*'"')-each)|((eight^each*'\\')-each))&highest == 0
}

// plainListLength returns how long the array is that b begins with, if it is of such
// strings only, without spaces; otherwise 0.
func plainListLength(b []byte) int {
	if len(b) == 0 || b[0] != '[' {
		return 0
	}
	for n := 1; n < len(b); n++ {
		length := plainLength(b[n:])
		n += length
		switch {
		case length == 0 || n == len(b):
			return 0
		case b[n] == ']':
			return n + 1
		case b[n] != ',':
			return 0
		}
	}
	return 0
}

// longestValue bounds what is read as one value, so that an answer in which values are
// nested deeper than its reader takes is none that is scanned.
const longestValue = 16 << 10

// value takes a value, of any form; nil if it is not valid.
func (s *scanner) value() jsontext.Value {
	s.space()
	n := max(plainLength(s.rest), plainListLength(s.rest))
	s.plain = n > 0
	switch {
	case n > 0:
	case bytes.HasPrefix(s.rest, []byte("null")):
		n = len("null")
	default:
		s.buf = *bytes.NewBuffer(s.rest[:min(len(s.rest), longestValue)])
		s.Reset(&s.buf)
		if _, err := s.ReadValue(); err != nil {
			return nil
		}
		n = int(s.InputOffset())
	}
	value := s.rest[:n:n]
	s.rest = s.rest[n:]
	return value
}

func (s *scanner) data(of shape) bool {
	switch of {
	case page:
		return s.only(func(i int) bool {
			if i == 0 {
				return s.invites()
			}
			return s.total()
		}, "data", "totalCount")
	case sent:
		return s.only(func(i int) bool {
			if i == 0 {
				return s.invites()
			}
			return s.refusals()
		}, "success", "errors")
	default:
		return s.invite()
	}
}

func (s *scanner) total() bool {
	total, err := strconv.Atoi(string(s.value()))
	s.answer.Total = total
	return err == nil
}

func (s *scanner) invites() bool {
	return s.list(func() bool {
		if s.rows++; s.sink.Most > 0 && s.rows > s.sink.Most {
			return false
		}
		before := len(s.rest)
		if !s.invite() {
			return false
		}
		if s.rows == 1 && s.sink.Expect != nil {
			s.sink.Expect(more(len(s.rest), before-len(s.rest)))
		}
		return true
	})
}

// invite takes an invite, and passes it on.
func (s *scanner) invite() bool {
	s.row = Invite{}
	ok := s.members()
	s.own.assign()
	return ok && s.row.complete() && s.pass() == nil
}

// members takes an invite's members. As a rule they come in the order of the row before,
// so that each is compared with the one that is expected.
func (s *scanner) members() bool {
	if !s.punctuation('{') {
		return false
	}
	for i, seen := 0, uint32(0); ; i++ {
		var m member
		if i < len(s.order) {
			m = s.order[i]
		}
		s.space()
		if quoted := quotedMembers[m]; m != unknown && bytes.HasPrefix(s.rest, quoted) {
			s.rest = s.rest[len(quoted):]
		} else {
			m = memberOf(s.name())
			s.order = append(s.order[:min(i, len(s.order))], m)
		}
		if m == unknown || seen&(1<<m) != 0 {
			return false
		}
		seen |= 1 << m
		if value := s.value(); value == nil || s.readMember(m, value) != nil {
			return false
		}
		if s.punctuation('}') {
			return true
		}
		if !s.punctuation(',') {
			return false
		}
	}
}

func (s *scanner) refusals() bool {
	refusals := 0
	return s.list(func() bool {
		if refusals++; s.sink.Most > 0 && refusals > s.sink.Most {
			return false
		}
		var texts [2]string
		ok := s.only(func(i int) bool {
			text, bad := s.textBytes(s.value())
			texts[i] = string(text)
			return bad == nil
		}, "email", "error")
		return ok && s.passRefusal(texts[0], texts[1]) == nil
	})
}
