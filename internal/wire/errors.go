package wire

import (
	"bytes"
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

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
//
// The platform's own form has extensions.response (roq-core). Beside it stand the forms
// in which servers of its kind write the same: NestJS with Apollo Server 4 and 5 has
// extensions.originalError, with Apollo Server 3 extensions.exception, which may hold
// the response; a status is in any of these, in extensions.status, in extensions.http
// (Apollo Server 4, graphql-yoga), or is the code itself (NestJS, for an HttpException
// that Apollo has no name for). Which of them the platform of today writes is not
// published: reading all of them is our choice.
func readError(e jsontext.Value) Error {
	extensions := find(e, "extensions")
	exception := find(extensions, "exception")
	// From the most to the least specific.
	sources := []jsontext.Value{
		find(extensions, "response"), find(find(extensions, "originalError"), "response"), find(extensions, "originalError"),
		find(exception, "response"), exception, extensions, find(extensions, "http"),
	}
	var read Error
	for _, source := range sources {
		read.Code = cmp.Or(read.Code, text(find(source, "errorCode")))
		read.Status = cmp.Or(read.Status, number(find(source, "statusCode")), number(find(source, "status")))
		read.Message = cmp.Or(read.Message, text(find(source, "message")))
	}
	read.Own = read.Code != ""
	read.Message = cmp.Or(read.Message, text(find(e, "message")))
	code := find(extensions, "code")
	if n := number(code); n >= 400 && n <= 599 {
		read.Status = cmp.Or(read.Status, n)
	} else {
		read.Code = cmp.Or(read.Code, text(code), text(find(e, "type"))) // the latter is GitHub's
	}
	if isThrottle(read.Code) || !read.Own && saysThrottle(read.Message) {
		read.Status = http.StatusTooManyRequests
	}
	return read
}

// isThrottle reports whether a code says that there were too many requests: what
// GraphQL servers, gateways and rate limiters write for that, in any case of letters
// and with any separator.
func isThrottle(code string) bool {
	switch strings.ToUpper(strings.NewReplacer("-", "", "_", "", " ", "").Replace(code)) {
	case "RATELIMITED", "RATELIMIT", "RATELIMITEXCEEDED", "RATELIMITERROR", "REQUESTRATELIMITED",
		"TOOMANYREQUESTS", "THROTTLED", "THROTTLING", "REQUESTSEXCEEDED":
		return true
	}
	return false
}

// saysThrottle reports whether a message says so. Errors of NestJS's throttler, and of
// the usual directives for GraphQL, have the code of a crash.
func saysThrottle(message string) bool {
	message = strings.ToLower(message)
	return strings.HasPrefix(message, "throttlerexception") || strings.HasPrefix(message, "too many requests") ||
		strings.HasPrefix(message, "rate limit exceeded") || strings.HasPrefix(message, "you are trying to access '")
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
	rest := restError(top)
	if rest == (Error{}) {
		return nil
	}
	return []Error{rest}
}

// restError reads an error of a REST endpoint: NestJS puts its members at the top, the
// user query under "error".
func restError(top jsontext.Value) Error {
	query := find(top, "error")
	rest := Error{
		Code:    cmp.Or(text(find(top, "errorCode")), text(find(top, "code")), text(find(query, "code"))),
		Message: cmp.Or(text(find(top, "message")), text(find(query, "message")), text(find(query, "reason"))),
		Status:  number(find(top, "statusCode")),
	}
	if string(find(query, "rejectedByPolicy")) == "true" {
		rest.Code = "FORBIDDEN"
	}
	rest.Own = rest.Code != ""
	return rest
}

// Own reports whether the body of an answer that refuses a GraphQL request is in the
// platform's form: GraphQL errors, or an exception of NestJS from a part that knows
// nothing of GraphQL. Such a part never speaks of an invite: what it does not find is
// the way.
func Own(body []byte) bool {
	top := valid(body, errorsReading)
	if list := find(top, "errors"); list.Kind() == '[' {
		c := inside(list)
		first := c.next()
		return only(top, "data", "errors", "extensions") && (find(first, "message").Kind() == '"' || find(first, "extensions").Kind() == '{')
	}
	return isException(top) && (find(top, "errorCode").Kind() == '"' || number(find(top, "statusCode")) != http.StatusNotFound)
}

// OwnREST is Own for the endpoints that issue tokens.
func OwnREST(body []byte) bool { return isException(valid(body, errorsReading)) }

// OwnQuery is Own for the user query, which puts its errors under "error".
func OwnQuery(body []byte) bool {
	top := valid(body, errorsReading)
	e := find(top, "error")
	return isException(top) || only(top, "error", "data") && only(e, "message", "reason", "code", "prisma", "rejectedByPolicy") &&
		(find(e, "code") == nil || find(e, "code").Kind() == '"')
}

// OwnSession is Own for the application's session endpoint, whose answers are JSON, or
// nothing. Which JSON its errors have is for the application to say.
func OwnSession(body []byte) bool {
	return len(bytes.TrimSpace(body)) == 0 || valid(body, errorsReading).Kind() == '{'
}

// isException reports whether a body is an exception as NestJS writes it: with the name
// of the status, unless that is the message; the platform's have an errorCode too.
// Gateways write a status and a message as well. NestJS also answers for a path that it
// does not have.
func isException(top jsontext.Value) bool {
	status, message := number(find(top, "statusCode")), find(top, "message")
	switch said := text(message); {
	case status == 0, strings.HasPrefix(said, "Cannot "):
		return false
	case find(top, "errorCode").Kind() == '"', find(top, "error").Kind() == '"', message == nil, message.Kind() == '[':
		return true
	default:
		return said == http.StatusText(status)
	}
}

// only reports whether a value is an object with no other members than these.
func only(value jsontext.Value, names ...string) bool {
	if value.Kind() != '{' {
		return false
	}
	for c := inside(value); ; {
		name := c.next()
		if name == nil {
			return true
		}
		if !slices.Contains(names, string(unquoted(name))) {
			return false
		}
		c.next()
	}
}

// Looks says what kind of body it is, for an error that must not repeat it.
func Looks(body []byte) string {
	trimmed := bytes.TrimLeft(body, "\ufeff \t\r\n")
	switch {
	case len(trimmed) == 0:
		return "an empty body"
	case trimmed[0] == '<':
		return "a page"
	case valid(trimmed, nil) != nil:
		return "JSON of another form"
	default:
		return "text"
	}
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
