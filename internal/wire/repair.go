package wire

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// ByteOrderMark is what some servers write before a body.
const ByteOrderMark = "\ufeff"

// reading says what is read of a value: nil stands for nothing.
type reading struct {
	kind textKind
	// members are those that are read of an object, or of each object in a list.
	members map[string]*reading
}

// textKind says what a text that is not valid Unicode is good for.
type textKind int

const (
	// anyText is shown to people: it is repaired.
	anyText textKind = iota
	// idText names something: repaired, it must not name anything else. It may also be
	// a whole number.
	idText
	// exactText decides what the body means: it cannot be repaired.
	exactText
)

// object is the reading of an object with those members, separated by spaces. A name
// that begins with # is that of an id, one with = that of an exact text.
func object(names string, inside map[string]*reading) *reading {
	of := &reading{members: make(map[string]*reading)}
	for name := range strings.FieldsSeq(names) {
		kind := anyText
		switch name[0] {
		case '#':
			kind, name = idText, name[1:]
		case '=':
			kind, name = exactText, name[1:]
		}
		of.members[name] = &reading{kind: kind}
	}
	for name, r := range inside {
		of.members[name] = r
	}
	return of
}

// What is read of the bodies and of what is in them.
var (
	inviteReading = object("#id email firstName lastName locale #tenantId #createdByUserId #acceptedByUserId #userTokenId roleKeys "+
		"status data createdAt updatedAt statusUpdatedAt", nil)
	// What readError looks for, and where.
	errorSource  = object("errorCode statusCode status message", nil)
	errorReading = object("message type", map[string]*reading{
		"extensions": object("code errorCode statusCode status message", map[string]*reading{
			"response":      errorSource,
			"originalError": object("errorCode statusCode status message", map[string]*reading{"response": errorSource}),
			"exception":     object("errorCode statusCode status message", map[string]*reading{"response": errorSource}),
			"http":          errorSource,
		}),
	})
	errorsReading = object("errorCode code message statusCode", map[string]*reading{
		"errors": errorReading,
		"error":  object("code message reason rejectedByPolicy", nil),
	})
	inviteErrorReading = object("errorCode message", nil)
	dataReading        = object("data", nil)
	tokenReading       = object("=accessToken", nil)
	sessionReading     = object("status", map[string]*reading{
		"session": object("#id =roqAccessToken #roqUserId iat exp", map[string]*reading{
			"user": object("firstName lastName email timezone locale #tenantId roles", nil),
		}),
	})
	usersReading = object("", map[string]*reading{
		"data": object("#id #roq_user_id #tenant_id email firstName lastName created_at updated_at", nil),
	})
	tokenCheckReading = object("email isValid isExpired", nil)
	tenantReading     = object("#id name reference createdAt updatedAt", nil)
	// A key names a role as an id does.
	rolesReading = object("totalCount", map[string]*reading{"data": object("#id #key name", nil)})
	// What is in the data of an event is read only if it is about an invite.
	eventReading       = object("#id =name =object #environmentId data", nil)
	inviteEventReading = object("#id =name =object #environmentId", map[string]*reading{
		"data": object("", map[string]*reading{"current": inviteReading, "previous": inviteReading}),
	})
)

// reading says what is read of the operation's answer.
func (op *Operation) reading() *reading {
	of := inviteReading
	switch op.shape {
	case other:
		of = op.model
	case page:
		of = object("totalCount", map[string]*reading{"data": inviteReading})
	case sent:
		of = object("", map[string]*reading{"success": inviteReading, "errors": object("email error", nil)})
	}
	return object("", map[string]*reading{"data": object("", map[string]*reading{op.field: of}), "errors": errorReading})
}

// repaired returns a copy of a body that strict rules accept, without the white space
// around it, and how much of it had to be repaired; nil if that cannot be done. One bad
// name must not make everything else unreadable that came with it:
//
//   - Text that is not Unicode, invalid UTF-8 or half a surrogate pair, gets U+FFFD in
//     its place. An id also gets a part of its hash, so that two of them stay two.
//   - Of a member that comes twice, and is not read, the last one stays, as
//     encoding/json and JavaScript would have it. One that is read is ambiguous: then
//     nothing is repaired.
//   - An id that is a whole number becomes text, and a byte order mark is skipped.
//     Neither counts.
func repaired(body []byte, of *reading) (repaired []byte, n int) {
	body = bytes.TrimPrefix(body, []byte(ByteOrderMark))
	if !jsontext.Value(body).IsValid(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)) {
		return nil, 0
	}
	r := repairer{out: make([]byte, 0, len(body)+len(body)/16)}
	r.value(bytes.TrimSpace(body), of)
	if r.failed {
		return nil, 0
	}
	return r.out, r.n
}

// repairer writes a value anew. It goes through the value once, whatever the depth.
type repairer struct {
	out    []byte
	n      int
	failed bool
}

// value writes the value that b begins with, and returns what follows.
func (r *repairer) value(b []byte, of *reading) (rest []byte) {
	b = r.space(b)
	switch b[0] {
	case '{':
		return r.object(b, of)
	case '[':
		return r.list(b, of)
	case '"':
		n := stringLength(b)
		r.text(b[:n], of)
		return b[n:]
	}
	n := length(b)
	if of != nil && of.kind == idText && isInteger(b[:n]) {
		r.out = append(append(append(r.out, '"'), b[:n]...), '"')
		return b[n:]
	}
	return r.copy(b, n)
}

func (r *repairer) list(b []byte, of *reading) (rest []byte) {
	for b = r.space(r.copy(b, len("["))); b[0] != ']'; b = r.space(b) {
		if b[0] == ',' {
			b = r.copy(b, len(","))
		}
		b = r.value(b, of)
	}
	return r.copy(b, len("]"))
}

func (r *repairer) object(b []byte, of *reading) (rest []byte) {
	type place struct{ begin, end int }
	written := make(map[string]*place)
	last := new(place)
	for b = r.space(r.copy(b, len("{"))); b[0] != '}'; b = r.space(b) {
		if b[0] == ',' {
			b = r.space(r.copy(b, len(",")))
		}
		last.end = len(r.out) // with the comma behind it
		last = &place{begin: len(r.out)}
		n := stringLength(b)
		name := r.text(b[:n], nil)
		var inside *reading
		isRead := false
		if of != nil {
			inside, isRead = of.members[name]
		}
		if before, twice := written[name]; twice {
			r.n++
			r.failed = r.failed || isRead
			for i := before.begin; i < before.end; i++ {
				r.out[i] = ' '
			}
		}
		written[name] = last
		b = r.copy(r.space(b[n:]), len(":"))
		b = r.value(b, inside)
	}
	return r.copy(b, len("}"))
}

// copy writes the first n bytes of b, and returns what follows.
func (r *repairer) copy(b []byte, n int) (rest []byte) {
	r.out = append(r.out, b[:n]...)
	return b[n:]
}

// space writes the white space that b begins with, and returns what follows.
func (r *repairer) space(b []byte) (rest []byte) {
	n := 0
	for n < len(b) && (b[n] == ' ' || b[n] == '\t' || b[n] == '\r' || b[n] == '\n') {
		n++
	}
	return r.copy(b, n)
}

// text writes a string, and returns its text.
func (r *repairer) text(quoted []byte, of *reading) string {
	text, bad := jsontext.AppendUnquote(nil, quoted)
	if bad == nil {
		r.out = append(r.out, quoted...)
		return string(text)
	}
	r.n++
	if of != nil {
		switch of.kind {
		case idText:
			sum := sha256.Sum256(quoted)
			text = hex.AppendEncode(utf8.AppendRune(text, utf8.RuneError), sum[:8])
		case exactText:
			r.failed = true
		}
	}
	r.out, _ = jsontext.AppendQuote(r.out, text) // which is Unicode now
	return string(text)
}

// isInteger reports whether a JSON value is a number without fraction and exponent.
func isInteger(value []byte) bool {
	digits := bytes.TrimPrefix(value, []byte("-"))
	for _, c := range digits {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(digits) > 0
}
