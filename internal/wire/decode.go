package wire

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// Sink receives what an answer holds, piece by piece, while it is read: so no row
// is held twice. If the answer turns out not to be usable, or not to be complete,
// what it received is not either.
type Sink struct {
	// Invite is called with each invite. The row is the decoder's own, and valid during
	// the call only; its texts and lists may be kept. An error ends the decoding.
	Invite func(*Invite) error
	// Refused is called with each invite of a send that was refused.
	Refused func(email, text string) error
	// Expect, if it is not nil, is called after the first invite with a guess of how
	// many come after it.
	Expect func(more int)
	// Most bounds the invites, and the refusals, of an answer; one with more is an
	// error. 0 means no bound.
	Most int
}

// Answer is what a GraphQL answer is beside its invites.
type Answer struct {
	// Data is whether everything is there that the schema calls non-null and callers
	// rely on, Partial whether there is some data and not all of it.
	Data, Partial bool
	// Total is the totalCount of a list.
	Total int
	// Errors are at most a hundred; no more are read.
	Errors []Error
}

// shape is what the data of an operation's answer is.
type shape int

const (
	oneInvite     shape = iota // UserInviteModel
	pageOfInvites              // UserInvitePageModel
	sentInvites                // CreateUserInvitesModel
)

// Decode reads a GraphQL answer by the rules that [unmarshal] describes. Its error
// says in which way the body is not one; it never repeats the body.
func (op *Operation) Decode(body []byte, into Sink) (Answer, error) {
	d := decoding{op: op, sink: into}
	err := unmarshal("the answer", body, &d)
	switch {
	case d.err != nil:
		return Answer{}, d.err
	case err != nil:
		return Answer{}, err
	case !d.answer.Data && len(d.answer.Errors) == 0:
		return d.answer, errors.New("the answer lacks the data that was asked for and gives no error")
	}
	return d.answer, nil
}

// decoding is the reading of one answer. Most of an answer is invites, so it reads
// tokens and values by itself: reflection costs three times as much.
type decoding struct {
	reader

	op     *Operation
	sink   Sink
	answer Answer
	row    Invite
	// rows and refusals count what the sink has received.
	rows, refusals int
	// incomplete is whether a row lacks its id: those that follow are skipped.
	incomplete bool
	// err is the sink's own error, or that of a bound.
	err error
}

// UnmarshalJSONFrom implements json's UnmarshalerFrom.
func (d *decoding) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	d.Decoder = dec
	return d.object(func(name []byte) error {
		switch string(name) {
		case "data":
			return d.data()
		case "errors":
			return d.errors()
		default:
			return dec.SkipValue()
		}
	})
}

// object reads an object, or null, and calls member before each value in it.
func (d *decoding) object(member func(name []byte) error) error {
	some, err := d.begins('{')
	if !some || err != nil {
		return err
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadValue()
		if err != nil {
			return err
		}
		if err := member(unquoted(name)); err != nil {
			return err
		}
	}
	return d.end()
}

// array reads an array, or null, and calls element before each value in it. It
// reports whether there was one.
func (d *decoding) array(element func() error) (some bool, err error) {
	some, err = d.begins('[')
	if !some || err != nil {
		return some, err
	}
	for d.PeekKind() != ']' {
		if err := element(); err != nil {
			return true, err
		}
	}
	return true, d.end()
}

// data reads what is under "data". Fields that were not asked for are skipped.
func (d *decoding) data() error {
	return d.object(func(name []byte) error {
		if string(name) != d.op.field {
			return d.SkipValue()
		}
		some := d.PeekKind() != 'n'
		complete, err := d.field()
		d.answer.Data = complete && !d.incomplete
		d.answer.Partial = some && !d.answer.Data
		return err
	})
}

// field reads the operation's own field, and reports whether it is complete but for
// the invites in it.
func (d *decoding) field() (complete bool, err error) {
	switch d.op.shape {
	case oneInvite:
		return true, d.invite()
	case pageOfInvites:
		return d.page()
	default:
		return d.sent()
	}
}

func (d *decoding) page() (complete bool, err error) {
	counted := false
	err = d.object(func(name []byte) error {
		switch string(name) {
		case "totalCount":
			var err error
			counted, err = d.total()
			return err
		case "data":
			_, err := d.array(d.invite)
			return err
		default:
			return d.SkipValue()
		}
	})
	return counted, err
}

func (d *decoding) total() (some bool, err error) {
	value, err := d.ReadValue()
	if err != nil || value.Kind() == 'n' {
		return false, err
	}
	if value.Kind() != '0' {
		return false, d.unexpected(value.Kind(), nil)
	}
	if d.answer.Total, err = strconv.Atoi(string(value)); err != nil {
		return false, d.unexpected('0', err)
	}
	return true, nil
}

func (d *decoding) sent() (complete bool, err error) {
	some := d.PeekKind() != 'n'
	return some, d.object(func(name []byte) error {
		var err error
		switch string(name) {
		case "success":
			_, err = d.array(d.invite)
		case "errors":
			_, err = d.array(d.refused)
		default:
			err = d.SkipValue()
		}
		return err
	})
}

// invite reads an invite and hands it on.
func (d *decoding) invite() error {
	if d.incomplete {
		return d.SkipValue()
	}
	begin := d.InputOffset()
	if err := d.reader.invite(&d.row); err != nil {
		return err
	}
	if d.row.ID == "" {
		d.incomplete = true
		return nil
	}
	if d.rows++; d.tooMany(d.rows) || d.sink.Invite == nil {
		return d.err
	}
	if d.err = d.sink.Invite(&d.row); d.rows == 1 && d.sink.Expect != nil {
		d.sink.Expect(more(len(d.UnreadBuffer()), int(d.InputOffset()-begin)))
	}
	return d.err
}

// more guesses how many rows come after the first, which was size bytes long, in
// the rest of the answer. An answer that begins with a tiny one gets no more room
// than a large page takes.
func more(rest, size int) int {
	const most = 1024
	return min(rest/size, most)
}

// refused reads a refused invite and hands it on.
func (d *decoding) refused() error {
	var email, text string
	err := d.object(func(name []byte) (err error) {
		switch string(name) {
		case "email":
			email, err = d.text()
		case "error":
			text, err = d.text()
		default:
			err = d.SkipValue()
		}
		return err
	})
	if err != nil {
		return err
	}
	if d.refusals++; d.tooMany(d.refusals) || d.sink.Refused == nil {
		return d.err
	}
	d.err = d.sink.Refused(email, text)
	return d.err
}

func (d *decoding) tooMany(n int) bool {
	if d.sink.Most == 0 || n <= d.sink.Most {
		return false
	}
	d.err = fmt.Errorf("the answer holds more than the %d invites that it can be about", d.sink.Most)
	return true
}

// errors reads the errors, as far as they are bounded.
func (d *decoding) errors() error {
	_, err := d.array(func() error {
		if len(d.answer.Errors) == mostErrors {
			return d.SkipValue()
		}
		e, err := d.ReadValue()
		if err == nil {
			d.answer.Errors = append(d.answer.Errors, readError(e))
		}
		return err
	})
	return err
}
