package wire

import (
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// DecodeToken reads what a token endpoint answers.
func DecodeToken(body []byte) (Token, error) {
	var token Token
	err := unmarshal("the answer", body, &token)
	return token, err
}

// DecodeSession reads what an application's session endpoint answers. A missing
// session differs from a body that is something else by the member that says so.
func DecodeSession(body []byte) (SessionAnswer, error) {
	var answer struct {
		SessionAnswer
		Status string `json:"status"`
	}
	if err := unmarshal("the answer", body, &answer); err != nil {
		return answer.SessionAnswer, err
	}
	if answer.Session == nil && answer.Status != "unauthenticated" {
		return answer.SessionAnswer, errors.New("the answer is not a session's")
	}
	return answer.SessionAnswer, nil
}

// mostUsers bounds the rows of a user query's answer, which has no limit of its own.
const mostUsers = 10_000

// DecodeUsers reads what the user query answers: at most 10,000 users, or it fails.
func DecodeUsers(body []byte) ([]User, error) {
	var answer struct {
		Data users `json:"data"`
	}
	if err := unmarshal("the answer", body, &answer); err != nil {
		return nil, err
	}
	if answer.Data == nil {
		return nil, errors.New("the answer lacks the data that was asked for")
	}
	return answer.Data, nil
}

// users has a decode of its own for the bound: a row of three bytes takes some two
// hundred bytes of memory.
type users []User

// UnmarshalJSONFrom implements json's UnmarshalerFrom.
func (u *users) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*u = nil
	r := reader{Decoder: dec}
	some, err := r.list(func() error {
		if len(*u) == mostUsers {
			return tooManyError{mostUsers, "users"}
		}
		*u = append(*u, User{})
		return json.UnmarshalDecode(dec, &(*u)[len(*u)-1])
	})
	if some && *u == nil {
		*u = users{}
	}
	return err
}

// unmarshal reads JSON by the strict rules of [json.Unmarshal], which are not
// encoding/json's: names count as they are spelled, no name comes twice, the
// text is UTF-8 and nothing follows it. Otherwise a member "DATA" could take the
// place of "data". Unknown members are skipped.
func unmarshal(what string, body []byte, into any) error {
	return wrong(what, body, json.Unmarshal(body, into))
}

// wrong makes the error of a body from a decoder's error. It begins with what the
// body is, and names a place by position or by names that this package knows: a
// name of the body's own could be an address.
func wrong(what string, body []byte, err error) error {
	var syntax *jsontext.SyntacticError
	var value *json.SemanticError
	var many tooManyError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &many):
		return fmt.Errorf("%s has %w", what, many)
	case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &syntax):
		return fmt.Errorf("%s has a member twice in one object (byte %d)", what, syntax.ByteOffset+1)
	case !utf8.Valid(body):
		return errors.New(what + " is not UTF-8")
	case err == io.EOF: //nolint:errorlint // as the decoder returns it for an empty body
		return fmt.Errorf("%s is not JSON (byte %d)", what, len(body)+1)
	case errors.As(err, &syntax):
		return fmt.Errorf("%s is not JSON (byte %d)", what, syntax.ByteOffset+1)
	case errors.As(err, &value) && value.Err != nil:
		return fmt.Errorf("%s has %s that cannot be read at %q", what, kindName(value.JSONKind), value.JSONPointer)
	case errors.As(err, &value):
		return fmt.Errorf("%s has %s at %q", what, kindName(value.JSONKind), value.JSONPointer)
	default:
		return errors.New(what + " holds a value that cannot be read")
	}
}

func kindName(k jsontext.Kind) string {
	switch k {
	case '"':
		return "a string"
	case '0':
		return "a number"
	case 't', 'f':
		return "a bool"
	case '{':
		return "an object"
	case '[':
		return "an array"
	default:
		return "a value"
	}
}

// tooManyError is the error of an answer with more rows than it may have.
type tooManyError struct {
	most int
	what string
}

func (e tooManyError) Error() string { return fmt.Sprintf("more than %d %s", e.most, e.what) }
