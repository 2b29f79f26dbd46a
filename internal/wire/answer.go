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
	token, _, err := unmarshal[Token]("the response", body, tokenReading)
	return token, err
}

// DecodeSession reads what an application's session endpoint answers. A missing
// session differs from a body that is something else by the member that says so.
func DecodeSession(body []byte) (SessionAnswer, error) {
	answer, _, err := unmarshal[struct {
		SessionAnswer
		Status string `json:"status"`
	}]("the response", body, sessionReading)
	if err != nil {
		return SessionAnswer{}, err
	}
	if answer.Session == nil && answer.Status != "unauthenticated" {
		return answer.SessionAnswer, errors.New("the response is not a session")
	}
	return answer.SessionAnswer, nil
}

// mostUsers bounds the rows of a user query's answer, which has no limit of its own.
const mostUsers = 10_000

// DecodeUsers reads what the user query answers: at most 10,000 users, or it fails.
// Each of the functions is called with how much of the answer had to be repaired, if
// that is more than nothing.
func DecodeUsers(body []byte, noticed ...func(repaired int)) ([]User, error) {
	answer, repaired, err := unmarshal[struct {
		Data users `json:"data"`
	}]("the response", body, usersReading)
	if err != nil {
		return nil, err
	}
	if answer.Data == nil {
		return nil, errors.New("the response lacks the requested data")
	}
	for _, notice := range noticed {
		if repaired > 0 {
			notice(repaired)
		}
	}
	return answer.Data, nil
}

// users has a decode of its own for the bound: a row of three bytes takes some two
// hundred bytes of memory.
type users []User

// UnmarshalJSONFrom implements json's UnmarshalerFrom.
func (u *users) UnmarshalJSONFrom(dec *jsontext.Decoder) (err error) {
	*u, err = list[User](dec, mostUsers, "users")
	return err
}

// list reads an array of at most so many elements. Null is nil, an empty one is not.
func list[T any](dec *jsontext.Decoder, most int, what string) (all []T, err error) {
	r := reader{Decoder: dec}
	some, err := r.list(func() error {
		if len(all) == most {
			return tooManyError{most, what}
		}
		all = append(all, *new(T))
		return json.UnmarshalDecode(dec, &all[len(all)-1])
	})
	if some && all == nil {
		all = []T{}
	}
	return all, err
}

// unmarshal reads JSON by the strict rules of [json.Unmarshal], which are not
// encoding/json's: names count as they are spelled, no name comes twice, the
// text is UTF-8 and nothing follows it. Otherwise a member "DATA" could take the
// place of "data". Unknown members are skipped.
//
// What breaks these rules and can be [repaired] is read all the same. It returns how
// much that was.
func unmarshal[T any](what string, body []byte, of *reading) (value T, n int, err error) {
	err = json.Unmarshal(body, &value)
	if err == nil || errors.As(err, new(tooManyError)) {
		return value, 0, wrong(what, body, err)
	}
	if fixed, n := repaired(body, of); fixed != nil {
		var again T
		if json.Unmarshal(fixed, &again) == nil {
			return again, n, nil
		}
	}
	return value, 0, wrong(what, body, err)
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
	case err == errNothing: //nolint:errorlint // as decode returns it
		return err
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
		return errors.New(what + " has a value that cannot be read")
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
