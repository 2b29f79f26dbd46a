package wire

import (
	"errors"
	"fmt"
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
// session is told from a body that is something else by the member that says so.
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

// DecodeUsers reads what the user query answers.
func DecodeUsers(body []byte) ([]User, error) {
	var users Users
	if err := unmarshal("the answer", body, &users); err != nil {
		return nil, err
	}
	if users.Data == nil {
		return nil, errors.New("the answer lacks the data that was asked for")
	}
	return users.Data, nil
}

// unmarshal reads JSON by the strict rules of [json.Unmarshal], which are not
// encoding/json's: names count as they are spelled, no name comes twice, the
// text is UTF-8 and nothing follows it. Else a member "DATA" could take the place
// of "data". Members that are not known are passed over.
//
// Its error begins with what the body is, and names a place by position or by
// names that this package knows: a name of the body's own could be anybody's
// address.
func unmarshal(what string, body []byte, into any) error {
	err := json.Unmarshal(body, into)
	var syntax *jsontext.SyntacticError
	var value *json.SemanticError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &syntax):
		return fmt.Errorf("%s has a member twice in one object (byte %d)", what, syntax.ByteOffset+1)
	case !utf8.Valid(body):
		return errors.New(what + " is not UTF-8")
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
