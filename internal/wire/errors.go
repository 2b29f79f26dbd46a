package wire

import (
	"bytes"
	"cmp"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

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

// mostErrors bounds the errors that are read of one answer.
const mostErrors = 100

// readError reads a GraphQL error. Members of an unexpected type are skipped: an
// unexpected error is still an error.
func readError(e jsontext.Value) Error {
	extensions := find(e, "extensions")
	response := find(extensions, "response")
	own := text(find(response, "errorCode"))
	return Error{
		Code:    cmp.Or(own, text(find(extensions, "code"))),
		Own:     own != "",
		Message: cmp.Or(text(find(response, "message")), text(find(e, "message"))),
		Status:  cmp.Or(number(find(response, "statusCode")), number(find(find(extensions, "exception"), "status"))),
	}
}

// Errors reads the errors in the body of an answer whose status says failure, in
// whichever shape it has, and at most a hundred of them. A body of another kind, a
// proxy's page for example, has none.
func Errors(body []byte) []Error {
	top := valid(body, errorsReading)
	var found []Error
	if list := find(top, "errors"); list.Kind() == '[' {
		for c := inside(list); len(found) < mostErrors; {
			e := c.next()
			if e == nil {
				break
			}
			if e.Kind() != 'n' {
				found = append(found, readError(e))
			}
		}
	}
	if len(found) > 0 {
		return found
	}
	// A REST endpoint of NestJS puts its members at the top, the user query under
	// "error".
	query := find(top, "error")
	rest := Error{
		Code:    cmp.Or(text(find(top, "errorCode")), text(find(top, "code")), text(find(query, "code"))),
		Message: cmp.Or(text(find(top, "message")), text(find(query, "message")), text(find(query, "reason"))),
		Status:  number(find(top, "statusCode")),
	}
	if string(find(query, "rejectedByPolicy")) == "true" {
		rest.Code = "FORBIDDEN"
	}
	if rest == (Error{}) {
		return nil
	}
	rest.Own = rest.Code != ""
	return []Error{rest}
}

// HasData reports whether a body of any status is a GraphQL answer with some data.
func HasData(body []byte) bool {
	data := find(valid(body, dataReading), "data")
	if data.Kind() != '{' {
		return false
	}
	for c := inside(data); c.next() != nil; {
		if c.next().Kind() != 'n' {
			return true
		}
	}
	return false
}

// InviteError reads the error of one refused invite: plain text, or a string
// that holds JSON.
func InviteError(s string) Error {
	top := valid([]byte(s), inviteErrorReading)
	e := Error{Code: text(find(top, "errorCode")), Message: text(find(top, "message"))}
	if e == (Error{}) {
		return Error{Message: s}
	}
	e.Own = e.Code != ""
	return e
}

// text reads a string, or an array of strings joined; anything else is empty.
func text(v jsontext.Value) string {
	switch v.Kind() {
	case '"':
		return string(unquoted(v))
	case '[':
		return joined(v)
	default:
		return ""
	}
}

func joined(list jsontext.Value) string {
	var all bytes.Buffer
	for c, first := inside(list), true; ; first = false {
		one := c.next()
		if one == nil {
			return all.String()
		}
		if !first {
			all.WriteString("; ")
		}
		switch one.Kind() {
		case '"':
			all.Write(unquoted(one))
		case 'n':
		default:
			return ""
		}
	}
}

// number reads a whole number, also if it comes as a string; anything else is 0.
func number(v jsontext.Value) int {
	n, err := strconv.Atoi(string(bytes.Trim(v, `"`)))
	if err != nil {
		return 0
	}
	return n
}
