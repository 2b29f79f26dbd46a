package wire

import (
	"bytes"
	"errors"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Sink receives what an answer holds, piece by piece, while it is read. Either
// function may be nil. If the answer turns out to be malformed or incomplete, the
// receiver must forget what it was given.
type Sink struct {
	// Invite is called with each invite. The row is the decoder's own and valid during
	// the call only; its strings and slices may be kept. An error ends the decoding
	// and is returned as it is.
	Invite func(*Invite) error
	// Refused is called with each refused invite of a send.
	Refused func(email, text string) error
	// Expect, if it is not nil, is called after the first invite with a guess of how
	// many come after it.
	Expect func(more int)
	// Into is what the data of an operation without invites is read into, and is needed
	// for one. It must be zero.
	Into Model
	// Most bounds the rows, and the refusals, of one answer: with one more Decode
	// fails. 0 means no bound.
	Most int
}

// Answer is what a GraphQL answer says besides its rows.
type Answer struct {
	// Data is whether the data is complete: everything is there that the schema calls
	// non-null and callers rely on.
	Data bool
	// Partial is whether there is some data that is not complete.
	Partial bool
	// Total is the totalCount of a list.
	Total int
	// Errors are at most a hundred; further ones are skipped.
	Errors []Error
	// Repaired is how much of the answer had to be repaired: texts that are not Unicode,
	// and members that are not read and come twice.
	Repaired int
}

// Decode reads a GraphQL answer, and passes its rows on. Rows after one that is
// incomplete are skipped. Rows may have been passed on although Decode fails or the
// answer's data is not complete.
//
// The error says in which way the body is not an answer; it never repeats the body.
// The rules are those of [unmarshal], and what can be [repaired] is.
func (op *Operation) Decode(body []byte, into Sink) (Answer, error) {
	answer, passed, ok := op.scan(body, into)
	if ok {
		return answer, passed.stopped
	}
	// What was passed on stands at the beginning, so it comes again as it was.
	answer, passed, err := op.decode(body, passed.skip(into), false)
	if err == nil {
		return answer, nil
	}
	if again, ok, bad := op.decodeRepaired(body, into, passed, err); ok {
		return again, bad
	}
	return answer, passed.wrong(body, err)
}

// decodeRepaired reads an answer that broke the strict rules, of which a part was
// passed on. It reports whether the answer could be repaired.
func (op *Operation) decodeRepaired(body []byte, into Sink, before passed, broken error) (answer Answer, ok bool, err error) {
	if before.stopped != nil || !errors.As(broken, new(*jsontext.SyntacticError)) {
		return Answer{}, false, nil //nolint:nilerr // that of the strict rules stands
	}
	fixed, n := repaired(body, op.reading())
	if fixed == nil {
		return Answer{}, false, nil
	}
	// What was passed on stands before what is wrong, so it comes again as it was.
	answer, after, err := op.decode(fixed, before.skip(into), true)
	if err != nil && after.stopped == nil && !errors.As(err, new(tooManyError)) {
		return Answer{}, false, nil
	}
	answer.Repaired = n
	return answer, true, after.wrong(fixed, err)
}

// passed is what was passed on while an answer was read.
type passed struct {
	invites, refusals int
	stopped           error // by the sink
}

// wrong makes the error of an answer.
func (p passed) wrong(body []byte, err error) error {
	if p.stopped != nil {
		return p.stopped
	}
	return wrong("the response", body, err)
}

// skip returns a sink that passes on what comes after that.
func (p passed) skip(into Sink) Sink {
	if p == (passed{}) {
		return into
	}
	invite, refused := into.Invite, into.Refused
	if p.invites > 0 {
		into.Expect = nil
	}
	into.Invite = func(row *Invite) error {
		if p.invites > 0 {
			p.invites--
			return nil
		}
		if invite == nil {
			return nil
		}
		return invite(row)
	}
	into.Refused = func(email, text string) error {
		if p.refusals > 0 {
			p.refusals--
			return nil
		}
		if refused == nil {
			return nil
		}
		return refused(email, text)
	}
	return into
}

// errNothing is the error of an answer that says nothing.
var errNothing = errors.New("the response lacks the requested data and has no error")

// decode reads an answer, by the strict rules. mended is whether it was repaired.
func (op *Operation) decode(body []byte, into Sink, mended bool) (Answer, passed, error) {
	r := newReader(body)
	defer r.free()
	r.sink, r.mended = into, mended
	err := r.readAnswer(op)
	if err == nil {
		err = r.readEnd()
	}
	if err != nil {
		return Answer{}, r.passed, err
	}
	if answer := r.answer; !answer.Data && len(answer.Errors) == 0 {
		return answer, r.passed, errNothing
	}
	return r.answer, r.passed, nil
}

// reader reads one body. The decoder checks the JSON, and the values that it has
// checked are taken apart in place.
type reader struct {
	*jsontext.Decoder
	buf bytes.Buffer

	sink   Sink
	answer Answer
	passed passed
	mended bool // the body was repaired

	// What follows is for the rows: see readRow.

	row    Invite
	rows   int
	plain  bool // what is read has no escapes
	own    ownTexts
	shared sharedTexts
	// roles are those of the row before, and room is for those of the next rows.
	roles, room []string
	// when and then are the time that was read last, as it was written and as it is.
	when []byte
	then time.Time
	// order is that of the members in the row before.
	order []member
}

// readers are readers that were used before: a new one takes a dozen allocations.
var readers sync.Pool

func newReader(body []byte) *reader {
	r, ok := readers.Get().(*reader)
	if !ok {
		r = &reader{Decoder: new(jsontext.Decoder)}
	}
	r.buf = *bytes.NewBuffer(body)
	r.Reset(&r.buf) // which reads a bytes.Buffer in place
	return r
}

// free lets another answer have the reader, without anything of this one.
func (r *reader) free() {
	r.buf = bytes.Buffer{}
	r.Reset(&r.buf)
	const mostRoles = 256
	kept := reader{
		Decoder: r.Decoder,
		own:     ownTexts{buf: r.own.buf[:0], parts: r.own.parts[:0]},
		when:    r.when[:0],
		order:   r.order,
	}
	if cap(r.roles) <= mostRoles {
		clear(r.roles[:cap(r.roles)])
		kept.roles = r.roles[:0]
	}
	*r = kept
	readers.Put(r)
}

// readEnd reads the end of the body.
func (r *reader) readEnd() error {
	if rest := bytes.TrimLeft(r.UnreadBuffer(), " \t\r\n"); len(rest) > 0 {
		behind := r.InputOffset() + int64(len(r.UnreadBuffer())-len(rest))
		return &jsontext.SyntacticError{ByteOffset: behind, Err: errors.New("more than one value")}
	}
	return nil
}

func (r *reader) readAnswer(op *Operation) error {
	_, err := r.object(func(name []byte) error {
		switch string(name) {
		case "data":
			return r.readData(op)
		case "errors":
			return r.readErrors()
		default:
			return r.SkipValue()
		}
	})
	return err
}

func (r *reader) readErrors() error {
	_, err := r.list(func() error {
		if len(r.answer.Errors) == mostErrors {
			return r.SkipValue()
		}
		value, err := r.ReadValue()
		if err == nil {
			r.answer.Errors = append(r.answer.Errors, readError(value))
		}
		return err
	})
	return err
}

func (r *reader) readData(op *Operation) error {
	_, err := r.object(func(name []byte) error {
		if string(name) != op.field {
			return r.SkipValue()
		}
		var some, complete bool
		var err error
		switch op.shape {
		case page:
			some, complete, err = r.readPage()
		case sent:
			some, complete, err = r.readSent()
		case other:
			some, complete, err = r.readModel()
		default:
			some, complete, err = r.readOne()
		}
		r.answer.Data, r.answer.Partial = some && complete, some && !complete
		return err
	})
	return err
}

// readOne reads an invite, and reports whether there is one and whether it is
// complete.
func (r *reader) readOne() (some, complete bool, err error) {
	value, err := r.ReadValue()
	if err != nil || value.Kind() == 'n' {
		return false, false, err
	}
	complete, err = r.passRow(value)
	return true, complete, err
}

// readPage reads a page, and reports whether there is one and whether it is
// complete.
func (r *reader) readPage() (some, complete bool, err error) {
	rows, total := true, false
	some, err = r.object(func(name []byte) (err error) {
		switch string(name) {
		case "data":
			rows, err = r.readRows()
		case "totalCount":
			total, err = r.readTotal()
		default:
			err = r.SkipValue()
		}
		return err
	})
	return some, rows && total, err
}

// readSent reads the result of a send, and reports whether there is anything and
// whether it is complete.
func (r *reader) readSent() (some, complete bool, err error) {
	complete = true
	some, err = r.object(func(name []byte) (err error) {
		switch string(name) {
		case "success":
			complete, err = r.readRows()
		case "errors":
			err = r.readRefusals()
		default:
			err = r.SkipValue()
		}
		return err
	})
	return some, complete, err
}

// readRows reads a list of invites, and reports whether all are complete.
func (r *reader) readRows() (complete bool, err error) {
	complete = true
	_, err = r.list(func() error {
		if r.rows++; r.sink.Most > 0 && r.rows > r.sink.Most {
			return tooManyError{r.sink.Most, "invites"}
		}
		if !complete {
			return r.SkipValue()
		}
		value, err := r.ReadValue()
		if err == nil {
			size := len(value) // what passRow reads into may be the same memory
			complete, err = r.passRow(value)
			if r.rows == 1 && r.sink.Expect != nil && err == nil {
				r.sink.Expect(more(len(r.UnreadBuffer()), size))
			}
		}
		return err
	})
	return complete, err
}

// more guesses how many rows come after the first, which was size bytes long, in
// the rest of the answer. An answer that begins with a tiny one gets no more room
// than a large page takes.
func more(rest, size int) int {
	const most = 1024
	return min(rest/size, most)
}

// passRow reads an invite, and passes it on if it is complete.
func (r *reader) passRow(value jsontext.Value) (complete bool, err error) {
	if err := r.readRow(value); err != nil || !r.row.complete() {
		return false, err
	}
	return true, r.pass()
}

// pass passes the invite on that was read.
func (r *reader) pass() error {
	if r.sink.Invite != nil {
		r.passed.stopped = r.sink.Invite(&r.row)
	}
	r.passed.invites++
	return r.passed.stopped
}

// passRefusal passes a refused invite on.
func (r *reader) passRefusal(email, text string) error {
	if r.sink.Refused != nil {
		r.passed.stopped = r.sink.Refused(email, text)
	}
	r.passed.refusals++
	return r.passed.stopped
}

// readRefusals reads a list of CreateUserInviteErrorModel, of which the part is
// known that is asked for.
func (r *reader) readRefusals() error {
	refusals := 0
	_, err := r.list(func() error {
		if refusals++; r.sink.Most > 0 && refusals > r.sink.Most {
			return tooManyError{r.sink.Most, "refused invites"}
		}
		var email, text string
		_, err := r.object(func(name []byte) (err error) {
			switch string(name) {
			case "email":
				email, err = r.readText()
			case "error":
				text, err = r.readText()
			default:
				err = r.SkipValue()
			}
			return err
		})
		if err != nil {
			return err
		}
		if r.mended && isMended(email) {
			email = "" // it is nobody's
		}
		return r.passRefusal(email, text)
	})
	return err
}
