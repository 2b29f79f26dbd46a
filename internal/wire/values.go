package wire

import (
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

func (r *reader) readText() (string, error) {
	value, err := r.ReadValue()
	if err != nil {
		return "", err
	}
	switch kind := value.Kind(); kind {
	case '"':
		return string(unquoted(value)), nil
	case 'n':
		return "", nil
	default:
		return "", r.unexpected(kind, nil)
	}
}

// readTotal reads a totalCount, and reports whether there is one.
func (r *reader) readTotal() (some bool, err error) {
	value, err := r.ReadValue()
	if err != nil {
		return false, err
	}
	switch kind := value.Kind(); kind {
	case '0':
		if r.answer.Total, err = strconv.Atoi(string(value)); err != nil {
			return false, r.unexpected(kind, err)
		}
		return true, nil
	case 'n':
		return false, nil
	default:
		return false, r.unexpected(kind, nil)
	}
}

// object reads an object, and reports whether there is one and not null. member is
// called with each name, and reads the value.
func (r *reader) object(member func(name []byte) error) (bool, error) {
	some, err := r.begin('{')
	if !some || err != nil {
		return false, err
	}
	for r.PeekKind() != '}' {
		name, err := r.ReadValue()
		if err != nil {
			return false, err
		}
		if err := member(unquoted(name)); err != nil {
			return false, err
		}
	}
	_, err = r.ReadToken()
	return true, err
}

// list reads an array, and reports whether there is one and not null. element is
// called for each element, and reads it.
func (r *reader) list(element func() error) (bool, error) {
	some, err := r.begin('[')
	if !some || err != nil {
		return false, err
	}
	for r.PeekKind() != ']' {
		if err := element(); err != nil {
			return false, err
		}
	}
	_, err = r.ReadToken()
	return true, err
}

// begin reads the beginning of an object or array, and reports whether there is
// one and not null.
func (r *reader) begin(kind jsontext.Kind) (bool, error) {
	token, err := r.ReadToken()
	switch {
	case err != nil:
		return false, err
	case token.Kind() == kind:
		return true, nil
	case token.Kind() == 'n':
		return false, nil
	default:
		return false, r.unexpected(token.Kind(), nil)
	}
}

// unexpected is the error of the value that was read last.
func (r *reader) unexpected(kind jsontext.Kind, err error) error {
	return &json.SemanticError{JSONKind: kind, JSONPointer: r.StackPointer(), Err: err}
}
