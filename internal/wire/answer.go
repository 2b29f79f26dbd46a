package wire

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Answer is a decoded GraphQL answer: data, errors, or both.
type Answer[T Data] struct {
	// Data is nil unless the answer's data is complete.
	Data   *T
	Errors []Error
	// Partial is whether there is some data that is not complete.
	Partial bool
}

// Decode reads a GraphQL answer. Its error says in which way the body is not
// one; it never repeats the body.
func Decode[T Data](body []byte) (Answer[T], error) {
	var answer Answer[T]
	var envelope struct {
		Data   *T               `json:"data"`
		Errors []jsontext.Value `json:"errors"`
	}
	if err := unmarshal("the answer", body, &envelope); err != nil {
		return answer, err
	}
	for _, e := range envelope.Errors {
		answer.Errors = append(answer.Errors, readError(e))
	}
	if data := envelope.Data; data != nil {
		if (*data).Complete() {
			answer.Data = data
		} else {
			answer.Partial = !reflect.ValueOf(*data).IsZero()
		}
	}
	if answer.Data == nil && len(answer.Errors) == 0 {
		return answer, errors.New("the answer lacks the data that was asked for and gives no error")
	}
	return answer, nil
}

// HasData reports whether a body of any status is a GraphQL answer with some data.
func HasData(body []byte) bool {
	for _, value := range members(members(body)["data"]) {
		if value.Kind() != 'n' {
			return true
		}
	}
	return false
}

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

// Error is one refusal by the platform, read from any of the shapes in which it
// comes: a GraphQL error with or without extensions.response, a REST error of
// the token endpoints or the user query, a refused invite.
type Error struct {
	// Code is the platform's errorCode or, without one, the GraphQL code.
	Code string
	// Own is whether Code is an errorCode, the platform's own, and not a code that
	// the GraphQL server gives every error.
	Own     bool
	Message string
	// Status is the HTTP status inside the error, 0 if there is none.
	Status int
}

// readError reads a GraphQL error. Members of an unexpected type are passed
// over: an odd error is still an error.
func readError(e jsontext.Value) Error {
	top := members(e)
	extensions := members(top["extensions"])
	response := members(extensions["response"])
	own := text(response["errorCode"])
	return Error{
		Code:    cmp.Or(own, text(extensions["code"])),
		Own:     own != "",
		Message: cmp.Or(text(response["message"]), text(top["message"])),
		Status:  cmp.Or(number(response["statusCode"]), number(members(extensions["exception"])["status"])),
	}
}

// Errors reads the errors in the body of an answer whose status says failure,
// in whichever shape it has. A body of another kind, a proxy's page say, has
// none.
func Errors(body []byte) []Error {
	top := members(body)
	var list []jsontext.Value
	_ = json.Unmarshal(top["errors"], &list)
	var found []Error
	for _, e := range list {
		if e.Kind() != 'n' {
			found = append(found, readError(e))
		}
	}
	if len(found) > 0 {
		return found
	}
	// A REST endpoint of NestJS puts its members at the top, the user query under
	// "error".
	query := members(top["error"])
	rest := Error{
		Code:    cmp.Or(text(top["errorCode"]), text(top["code"]), text(query["code"])),
		Message: cmp.Or(text(top["message"]), text(query["message"]), text(query["reason"])),
		Status:  number(top["statusCode"]),
	}
	if string(query["rejectedByPolicy"]) == "true" {
		rest.Code = "FORBIDDEN"
	}
	if rest == (Error{}) {
		return nil
	}
	rest.Own = rest.Code != ""
	return []Error{rest}
}

// InviteError reads the error of one refused invite: plain text, or a string
// that holds JSON.
func InviteError(s string) Error {
	top := members([]byte(s))
	e := Error{Code: text(top["errorCode"]), Message: text(top["message"])}
	if e == (Error{}) {
		return Error{Message: s}
	}
	e.Own = e.Code != ""
	return e
}

// members returns the members of an object; nil for any other value and for
// what is not JSON.
func members(object jsontext.Value) map[string]jsontext.Value {
	var m map[string]jsontext.Value
	if json.Unmarshal(object, &m) != nil {
		return nil
	}
	return m
}

// text reads a string, or an array of strings joined; anything else is empty.
func text(v jsontext.Value) string {
	var one string
	if json.Unmarshal(v, &one) == nil {
		return one
	}
	var many []string
	if json.Unmarshal(v, &many) == nil {
		return strings.Join(many, "; ")
	}
	return ""
}

// number reads a whole number, also if it comes as a string; anything else is 0.
func number(v jsontext.Value) int {
	n, err := strconv.Atoi(strings.Trim(string(v), `"`))
	if err != nil {
		return 0
	}
	return n
}
