package wire_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-roq/roq/internal/wire"
)

// decode decodes an answer and keeps its rows.
func decode(op *wire.Operation, body string) (wire.Answer, []wire.Invite, error) {
	var rows []wire.Invite
	answer, err := op.Decode([]byte(body), wire.Sink{Invite: func(i *wire.Invite) error {
		rows = append(rows, *i)
		return nil
	}})
	return answer, rows, err
}

// operations are all operations that are answered with invites.
var operations = []*wire.Operation{
	wire.SendUserInvitesV2, wire.SendUserInvitesV1, wire.ResendUserInvite, wire.CancelUserInvite, wire.UserInvites, wire.UserInvite,
}

// found is an answer to UserInvite, and nested one that holds arrays in arrays.
const found = `{"data":{"userInvite":{"id":"i","status":"pending"}}}`

func nested(depth int) string {
	return `{"data":{"userInvite":{"id":"i"}},"new":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + `}`
}

// safe is every text an error about an answer may have: a place in it is named by
// a number or by a name that this package knows.
var safe = regexp.MustCompile(`^the response (` +
	`(is not JSON|has a member twice in one object) \(byte \d+\)` +
	`|is not UTF-8|is not a session|has more than \d+ (invites|refused invites|users)|lacks the requested data( and has no error)?` +
	`|has (a string|a number|a bool|an object|an array)( that cannot be read)? at ` +
	`"(/(\d+|data|errors|error|success|totalCount|sendUserInvitesV2|sendUserInvites|resendUserInvite|cancelUserInvite|userInvites?` +
	`|id|email|firstName|lastName|locale|tenantId|createdByUserId|acceptedByUserId|userTokenId|roleKeys|status|createdAt|updatedAt|statusUpdatedAt` +
	`|roq_user_id|tenant_id|created_at|updated_at|accessToken|session|roqAccessToken|roqUserId|user|iat|exp|timezone|roles))*")$`)

func TestDecodeAccepts(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		body   string
		status string
		errors int
	}{
		"an invite":                     {found, "pending", 0},
		"white space around it":         {" \r\n\t" + found + "\n", "pending", 0},
		"an unknown status":             {`{"data":{"userInvite":{"id":"i","status":"frozen"}}}`, "frozen", 0},
		"unknown members":               {`{"new":1,"data":{"new":{},"userInvite":{"new":null,"id":"i","status":"pending"}},"extensions":{}}`, "pending", 0},
		"DATA null after data":          {`{"data":{"userInvite":{"id":"i","status":"pending"}},"DATA":null}`, "pending", 0},
		"DATA before data":              {`{"DATA":{"userInvite":{"id":"other"}},"data":{"userInvite":{"id":"i","status":"pending"}}}`, "pending", 0},
		"a status by another name":      {`{"data":{"userInvite":{"id":"i","status":"pending","Status":"accepted"}}}`, "pending", 0},
		"errors null":                   {`{"data":{"userInvite":{"id":"i","status":"pending"}},"errors":null}`, "pending", 0},
		"errors null and by other name": {`{"data":{"userInvite":{"id":"i","status":"pending"}},"errors":null,"Errors":[{}]}`, "pending", 0},
		"data and errors":               {`{"data":{"userInvite":{"id":"i","status":"pending"}},"errors":[{"message":"m"}]}`, "pending", 1},
		"every nullable field null": {`{"data":{"userInvite":{"id":"i","status":"pending","email":null,"firstName":null,"roleKeys":null,"data":null,
			"createdAt":null,"acceptedByUserId":null}}}`, "pending", 0},
		"depth 9,999 inside": {nested(9999), "", 0},
	} {
		got, rows, err := decode(wire.UserInvite, row.body)
		if err != nil || !got.Data || got.Partial || len(rows) != 1 || rows[0].ID != "i" || rows[0].Status != row.status || len(got.Errors) != row.errors {
			t.Errorf("%s: %+v with %+v, %v; want the invite", name, got, rows, err)
		}
	}
}

// What is wrong with an answer is said, and where; what stands there is not.
func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ body, want string }{
		"empty":                   {``, "the response is not JSON (byte 1)"},
		"a page":                  {`<html>`, "the response is not JSON (byte 1)"},
		"null":                    {`null`, "the response lacks the requested data and has no error"},
		"an empty object":         {`{}`, "the response lacks the requested data and has no error"},
		"data null":               {`{"data":null}`, "the response lacks the requested data and has no error"},
		"data by another name":    {`{"DATA":{"userInvite":{"id":"i"}}}`, "the response lacks the requested data and has no error"},
		"an invite without id":    {`{"data":{"userInvite":{"ID":"i"}}}`, "the response lacks the requested data and has no error"},
		"an array":                {`[]`, `the response has an array at ""`},
		"a string":                {`"secret"`, `the response has a string at ""`},
		"true":                    {`true`, `the response has a bool at ""`},
		"data a string":           {`{"data":"secret"}`, `the response has a string at "/data"`},
		"errors an object":        {`{"errors":{"message":"secret"}}`, `the response has an object at "/errors"`},
		"errors a string":         {`{"errors":"secret"}`, `the response has a string at "/errors"`},
		"errors empty":            {`{"errors":[]}`, "the response lacks the requested data and has no error"},
		"a role that is a number": {`{"data":{"userInvite":{"roleKeys":["secret",7]}}}`, `the response has a number at "/data/userInvite/roleKeys/1"`},
		"a time that is none":     {`{"data":{"userInvite":{"createdAt":"secret"}}}`, `the response has a string that cannot be read at "/data/userInvite/createdAt"`},
		"data twice":              {`{"data":{"userInvite":{"id":"i"}},"data":null}`, "the response has a member twice in one object (byte 35)"},
		"data twice by escape":    {`{"data":null,"d\u0061ta":null}`, "the response has a member twice in one object (byte 14)"},
		"an error's member twice": {`{"errors":[{"message":"secret","message":""}]}`, "the response has a member twice in one object (byte 32)"},
		"cut off":                 {found[:40], "the response is not JSON (byte 41)"},
		"trailing bytes":          {found + "secret", "the response is not JSON (byte 54)"},
		"trailing brace":          {found + "}", "the response is not JSON (byte 54)"},
		"two answers":             {found + found, "the response is not JSON (byte 54)"},
		"trailing NUL":            {found + "\x00", "the response is not JSON (byte 54)"},
		"UTF-16":                  {"\xff\xfe{\x00}\x00", "the response is not UTF-8"},
		"depth 10,001":            {nested(10_000), "the response is not JSON (byte 10040)"},
		"depth 1,000,000":         {strings.Repeat("[", 1_000_000), `the response has an array at ""`},
		"depth 1,000,000 inside":  {`{"errors":[` + strings.Repeat(`{"a":`, 1_000_000), "the response is not JSON (byte 50002)"},
		"a comment":               {`{/**/}`, "the response is not JSON (byte 2)"},
		"a comma at the end":      {`{"data":null,}`, "the response is not JSON (byte 13)"},
		"NaN":                     {`{"data":NaN}`, "the response is not JSON (byte 9)"},
	} {
		got, _, err := decode(wire.UserInvite, row.body)
		if err == nil || err.Error() != row.want || got.Data {
			t.Errorf("%s: %+v, %v; want %s", name, got, err, row.want)
		}
		if err != nil && !safe.MatchString(err.Error()) {
			t.Errorf("%s: the error may repeat the answer: %v", name, err)
		}
	}
}

// An answer with an error is read whatever form the error has, for it may have come
// after the work was done.
func TestDecodeReadsErrors(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		body string
		want wire.Error
	}{
		"null":                     {`[null]`, wire.Error{}},
		"empty":                    {`[{}]`, wire.Error{}},
		"a string":                 {`["x"]`, wire.Error{}},
		"a message":                {`[{"message":"m"}]`, wire.Error{Message: "m"}},
		"messages":                 {`[{"message":["m","n"]}]`, wire.Error{Message: "m; n"}},
		"a code":                   {`[{"message":"m","extensions":{"code":"C"}}]`, wire.Error{Code: "C", Message: "m"}},
		"a code of its own":        {`[{"message":"m","extensions":{"code":"C","response":{"errorCode":"E","message":"own","statusCode":409}}}]`, wire.Error{Code: "E", Own: true, Message: "own", Status: 409}},
		"a status in a string":     {`[{"extensions":{"response":{"statusCode":"409"}}}]`, wire.Error{Status: 409}},
		"an exception's status":    {`[{"extensions":{"exception":{"status":403}}}]`, wire.Error{Status: 403}},
		"other names":              {`[{"Message":"m","extensions":{"CODE":"C","Response":{"errorCode":"E"}}}]`, wire.Error{}},
		"the wrong types":          {`[{"message":7,"extensions":{"code":{},"response":[{"errorCode":"E"}]}}]`, wire.Error{}},
		"one wrong type":           {`[{"message":{},"extensions":{"response":"x","code":"C"}}]`, wire.Error{Code: "C"}},
		"a status that is no int":  {`[{"extensions":{"response":{"statusCode":4.5},"exception":{"status":1e400}}}]`, wire.Error{}},
		"an original error":        {`[{"message":"m","extensions":{"code":"C","originalError":{"statusCode":409,"errorCode":"E","message":"own"}}}]`, wire.Error{Code: "E", Own: true, Message: "own", Status: 409}},
		"its response":             {`[{"message":"m","extensions":{"originalError":{"response":{"statusCode":"409","errorCode":"E"},"status":500}}}]`, wire.Error{Code: "E", Own: true, Message: "m", Status: 409}},
		"an exception's response":  {`[{"message":"m","extensions":{"code":"409","exception":{"response":{"errorCode":"E","message":["a","b"]},"status":409}}}]`, wire.Error{Code: "E", Own: true, Message: "a; b", Status: 409}},
		"a status of its own":      {`[{"message":"m","extensions":{"code":"C","status":404}}]`, wire.Error{Code: "C", Message: "m", Status: 404}},
		"a status for HTTP":        {`[{"message":"m","extensions":{"http":{"status":404,"headers":{}}}}]`, wire.Error{Message: "m", Status: 404}},
		"a numeric code":           {`[{"message":"m","extensions":{"code":"404"}}]`, wire.Error{Message: "m", Status: 404}},
		"a number as code":         {`[{"message":"m","extensions":{"code":404}}]`, wire.Error{Message: "m", Status: 404}},
		"a number that is none":    {`[{"message":"m","extensions":{"code":"1001"}}]`, wire.Error{Code: "1001", Message: "m"}},
		"an own code that limits":  {`[{"message":"Too many requests","extensions":{"response":{"errorCode":"E"}}}]`, wire.Error{Code: "E", Own: true, Message: "Too many requests"}},
		"a limit":                  {`[{"message":"m","extensions":{"code":"Rate-Limit-Exceeded"}}]`, wire.Error{Code: "Rate-Limit-Exceeded", Message: "m", Status: 429}},
		"extensions of wrong type": {`[{"message":"m","extensions":7}]`, wire.Error{Message: "m"}},
	} {
		got, _, err := decode(wire.UserInvite, `{"data":null,"errors":`+row.body+`}`)
		if err != nil || got.Data || len(got.Errors) != 1 || got.Errors[0] != row.want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, row.want)
		}
	}
}

func TestDecodeTimesAndData(t *testing.T) {
	t.Parallel()
	_, rows, err := decode(wire.UserInvite, `{"data":{"userInvite":{"id":"i","data":{ "a" : [1.0, "\u00fc"] },"createdAt":"2023-10-27T02:14:36.9+02:00","updatedAt":null}}}`)
	if err != nil || len(rows) != 1 {
		t.Fatalf("%+v, %v; want one row", rows, err)
	}
	i := rows[0]
	if string(i.Data) != `{ "a" : [1.0, "\u00fc"] }` {
		t.Errorf("Data = %s, want it as it came", i.Data)
	}
	if want := time.Date(2023, 10, 27, 0, 14, 36, 900_000_000, time.UTC); !i.CreatedAt.Equal(want) || !i.UpdatedAt.IsZero() {
		t.Errorf("CreatedAt %v, UpdatedAt %v; want %v and none", i.CreatedAt, i.UpdatedAt, want)
	}
}

// The answers that are no GraphQL follow the same rules.
func TestDecodeOthersStrictly(t *testing.T) {
	t.Parallel()
	token := func(body string) (bool, error) {
		token, err := wire.DecodeToken([]byte(body))
		return token.AccessToken == "secret", err
	}
	session := func(body string) (bool, error) {
		answer, err := wire.DecodeSession([]byte(body))
		return answer.Session != nil && answer.Session.ID == "secret", err
	}
	users := func(body string) (bool, error) {
		users, err := wire.DecodeUsers([]byte(body))
		return len(users) == 1 && users[0].ID == "secret", err
	}
	for name, row := range map[string]struct {
		decode func(string) (bool, error)
		body   string
		want   string // "" is success
	}{
		"token":                       {token, `{"accessToken":"secret","AccessToken":"x","new":1}`, ""},
		"token twice":                 {token, `{"accessToken":"secret","accessToken":"x"}`, "the response has a member twice in one object (byte 25)"},
		"token of another type":       {token, `{"accessToken":["secret"]}`, `the response has an array at "/accessToken"`},
		"token with something behind": {token, `{"accessToken":"secret"}x`, "the response is not JSON (byte 25)"},
		"session":                     {session, `{"session":{"id":"secret","user":{"roles":null},"iat":1.5},"Session":null,"status":"authenticated"}`, ""},
		"session by another name":     {session, `{"SESSION":{"id":"secret"}}`, "the response is not a session"},
		"session null":                {session, `null`, "the response is not a session"},
		"session twice":               {session, `{"session":{"id":"secret"},"session":null}`, "the response has a member twice in one object (byte 28)"},
		"session's exp a string":      {session, `{"session":{"id":"secret","exp":"1"}}`, `the response has a string at "/session/exp"`},
		"session's exp over a float":  {session, `{"session":{"exp":1e400}}`, `the response has a number that cannot be read at "/session/exp"`},
		"users":                       {users, `{"data":[{"id":"secret","ID":"x","created_at":null}],"Data":null}`, ""},
		"users null":                  {users, `{"data":null}`, "the response lacks the requested data"},
		"users twice":                 {users, `{"data":[{"id":"secret"}],"data":[]}`, "the response has a member twice in one object (byte 27)"},
		"users without end":           {users, `{"data":[` + strings.Repeat("{},", 20_000), "the response has more than 10000 users"},
		"users by another name":       {users, `{"DATA":[{"id":"secret"}]}`, "the response lacks the requested data"},
	} {
		ok, err := row.decode(row.body)
		if row.want == "" && (!ok || err != nil) || row.want != "" && (err == nil || err.Error() != row.want) {
			t.Errorf("%s: %v, %v; want %s", name, ok, err, cmp.Or(row.want, "success"))
		}
		if err != nil && !safe.MatchString(err.Error()) {
			t.Errorf("%s: the error may repeat the answer: %v", name, err)
		}
	}
	if answer, err := wire.DecodeSession([]byte(`{"session":null,"status":"unauthenticated"}`)); err != nil || answer.Session != nil {
		t.Errorf("no session: %+v, %v; want none and no error", answer, err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		body string
		want []wire.Error
	}{
		"empty":                {``, nil},
		"a page":               {`<html>502</html>`, nil},
		"null":                 {`null`, nil},
		"an array":             {`[{"message":"m"}]`, nil},
		"nothing known":        {`{"new":1}`, nil},
		"GraphQL":              {`{"errors":[{"message":"m"},null,{"message":"n"}]}`, []wire.Error{{Message: "m"}, {Message: "n"}}},
		"errors [null]":        {`{"errors":[null]}`, nil},
		"errors an object":     {`{"errors":{"message":"m"},"message":"n"}`, []wire.Error{{Message: "n"}}},
		"errors a string":      {`{"errors":"m"}`, nil},
		"errors by other name": {`{"Errors":[{"message":"m"}]}`, nil},
		"NestJS":               {`{"statusCode":400,"message":["a","b"],"error":"Bad Request"}`, []wire.Error{{Message: "a; b", Status: 400}}},
		"a code":               {`{"code":"C","CODE":"D","errorCode":null}`, []wire.Error{{Code: "C", Own: true}}},
		"by the user query":    {`{"error":{"message":"m","code":"P2004","reason":"r"}}`, []wire.Error{{Code: "P2004", Own: true, Message: "m"}}},
		"by a policy":          {`{"error":{"reason":"r","rejectedByPolicy":true}}`, []wire.Error{{Code: "FORBIDDEN", Own: true, Message: "r"}}},
		"a policy in a string": {`{"error":{"reason":"r","rejectedByPolicy":"true"}}`, []wire.Error{{Message: "r"}}},
		"the wrong types":      {`{"statusCode":{},"message":7,"code":[1],"error":[]}`, nil},
		"one wrong type":       {`{"statusCode":"x","message":"m","code":{}}`, []wire.Error{{Message: "m"}}},
		"a message twice":      {`{"message":"m","message":"n"}`, nil},
		"trailing bytes":       {`{"message":"m"}x`, nil},
		"a byte order mark":    {"\ufeff" + `{"message":"m"}`, []wire.Error{{Message: "m"}}},
		"invalid UTF-8":        {`{"message":"m` + "\xff" + `"}`, []wire.Error{{Message: "m\ufffd"}}},
		"half a surrogate":     {`{"errors":[{"message":"m\ud800","extensions":{"code":"C"}}]}`, []wire.Error{{Message: "m\ufffd", Code: "C"}}},
		"another member twice": {`{"code":"C","new":1,"new":{"code":"D","code":"E"}}`, []wire.Error{{Code: "C", Own: true}}},
		"a code twice":         {`{"errors":[{"extensions":{"code":"C","code":"D"}}]}`, nil},
		"depth 10,001":         {`{"message":"m","new":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `}`, nil},
	} {
		got := wire.Errors([]byte(row.body))
		if len(got) != len(row.want) {
			t.Errorf("%s: %+v, want %+v", name, got, row.want)
			continue
		}
		for i := range got {
			if got[i] != row.want[i] {
				t.Errorf("%s: %+v, want %+v", name, got, row.want)
			}
		}
	}
}

func TestInviteError(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]wire.Error{
		``:                                   {},
		`plain text`:                         {Message: "plain text"},
		`{"message":"m","errorCode":"E"}`:    {Code: "E", Own: true, Message: "m"},
		`{"message":["m","n"]}`:              {Message: "m; n"},
		`{"Message":"m"}`:                    {Message: `{"Message":"m"}`},
		`{"message":7,"errorCode":"E"}`:      {Code: "E", Own: true},
		`{"message":"m","message":"n"}`:      {Message: `{"message":"m","message":"n"}`},
		`["m"]`:                              {Message: `["m"]`},
		`null`:                               {Message: `null`},
		`{"errorCode":"E"} and more of it`:   {Message: `{"errorCode":"E"} and more of it`},
		`{"errorCode":"E","statusCode":409}`: {Code: "E", Own: true},
	} {
		if got := wire.InviteError(in); got != want {
			t.Errorf("InviteError(%q) = %+v, want %+v", in, got, want)
		}
	}
}

// Whatever is taken for an answer is JSON for everybody; an error about one
// never repeats it.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(found))
	f.Fuzz(func(t *testing.T, body []byte) {
		before := string(body)
		errs := make([]error, 0, 9)
		note := func(err error) { errs = append(errs, err) }
		for _, op := range operations {
			var rows []wire.Invite
			answer, err := op.Decode(body, wire.Sink{Invite: func(i *wire.Invite) error {
				rows = append(rows, *i)
				return nil
			}})
			note(err)
			if err == nil && !answer.Data && len(answer.Errors) == 0 || answer.Data && answer.Partial {
				t.Errorf("%q gives %+v", body, answer)
			}
			for _, row := range rows {
				if row.ID == "" {
					t.Errorf("%q gives a row without an id", body)
				}
			}
		}
		_, err := wire.DecodeToken(body)
		note(err)
		_, err = wire.DecodeSession(body)
		note(err)
		_, err = wire.DecodeUsers(body)
		note(err)
		for _, err := range errs {
			switch {
			case err != nil && !safe.MatchString(err.Error()):
				t.Errorf("the error may repeat the answer: %v", err)
			case err == nil && !json.Valid(withoutMark(body)):
				t.Errorf("%q was taken for an answer", body)
			}
		}
		if string(body) != before {
			t.Errorf("%q was changed to %q", before, body)
		}
	})
}

// withoutMark returns a body without a byte order mark. encoding/json takes it for
// JSON if it has text that is not Unicode, and names twice.
func withoutMark(body []byte) []byte { return bytes.TrimPrefix(body, []byte(wire.ByteOrderMark)) }

// Any body may be asked for its errors, and any text for an invite's.
func FuzzErrors(f *testing.F) {
	f.Add([]byte(`{"errors":[{"message":"m","extensions":{"response":{"errorCode":"E"}}}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		strict := json.Valid(withoutMark(body))
		all := wire.Errors(body)
		if spaced := wire.Errors(slices.Concat([]byte(" \n"), withoutMark(body), []byte("\t"))); !slices.Equal(spaced, all) {
			t.Errorf("Errors(%q) = %+v; with white space around it %+v", body, all, spaced)
		}
		for _, e := range all {
			if !strict || e.Own && e.Code == "" {
				t.Errorf("Errors(%q) has %+v", body, e)
			}
		}
		e := wire.InviteError(string(body))
		if e == (wire.Error{}) && len(body) > 0 || e.Own != (e.Code != "") || !strict && e != (wire.Error{Message: string(body)}) {
			t.Errorf("InviteError(%q) = %+v", body, e)
		}
	})
}

// What refuses a request is the platform only in its own form.
func TestOwn(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		body            string
		graphQL, asREST bool
		looks           string
	}{
		"GraphQL":            {`{"data":null,"errors":[{"message":"m"}]}`, true, false, "JSON of another form"},
		"only extensions":    {`{"errors":[{"extensions":{}}]}`, true, false, "JSON of another form"},
		"errors of others":   {`{"errors":["m"]}`, false, false, "JSON of another form"},
		"no errors":          {`{"errors":[]}`, false, false, "JSON of another form"},
		"NestJS":             {`{"statusCode":403,"message":"Forbidden resource","error":"Forbidden"}`, true, true, "JSON of another form"},
		"nothing there":      {`{"statusCode":404,"message":"Not Found"}`, false, true, "JSON of another form"},
		"no such path":       {`{"statusCode":404,"message":"Cannot GET /x","error":"Not Found"}`, false, false, "JSON of another form"},
		"the platform's":     {`{"statusCode":404,"errorCode":"USER_NOT_FOUND","message":"m"}`, true, true, "JSON of another form"},
		"the user query's":   {`{"error":{"message":"m"}}`, false, false, "JSON of another form"},
		"messages":           {`{"statusCode":400,"message":["a","b"]}`, true, true, "JSON of another form"},
		"its own words":      {`{"statusCode":403,"message":"Out of call volume quota."}`, false, false, "JSON of another form"},
		"no status":          {`{"errorCode":"E","message":"m"}`, false, false, "JSON of another form"},
		"another API's":      {`{"success":false,"errors":[{"code":1,"message":"m"}],"messages":[],"result":null}`, false, false, "JSON of another form"},
		"only a message":     {`{"message":"m"}`, false, false, "JSON of another form"},
		"a status and error": {`{"status":404,"error":"Not Found"}`, false, false, "JSON of another form"},
		"a page":             {"\ufeff \n<!doctype html>", false, false, "a page"},
		"a text":             {"no", false, false, "text"},
		"nothing":            {"\r\n", false, false, "an empty body"},
		"cut JSON":           {`{"statusCode":403`, false, false, "text"},
	} {
		body := []byte(row.body)
		if got := wire.Own(body); got != row.graphQL {
			t.Errorf("%s: Own = %v, want %v", name, got, row.graphQL)
		}
		if got := wire.OwnREST(body); got != row.asREST {
			t.Errorf("%s: OwnREST = %v, want %v", name, got, row.asREST)
		}
		if got := wire.Looks(body); got != row.looks {
			t.Errorf("%s: Looks = %q, want %q", name, got, row.looks)
		}
	}
}

// The user query and an application's session endpoint have forms of their own.
func TestOwnOfOthers(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][2]bool{
		`{"error":{"message":"m","reason":"r","code":"P2004","prisma":true,"rejectedByPolicy":true}}`: {true, true},
		`{"error":{"code":403,"status":"Forbidden","message":"m"}}`:                                   {false, true},
		`{"error":{"code":"forbidden","message":"m","request":"r"}}`:                                  {false, true},
		`{"statusCode":400,"message":"Bad Request"}`:                                                  {true, true},
		`{"code":"SESSION_EXPIRED","message":"m"}`:                                                    {false, true},
		"":            {false, true},
		"<html>":      {false, false},
		"no":          {false, false},
		`"no"`:        {false, false},
		"[1]":         {false, false},
		`{"a":1} <x>`: {false, false},
	} {
		if got := [2]bool{wire.OwnQuery([]byte(body)), wire.OwnSession([]byte(body))}; got != want {
			t.Errorf("%s: %v, want %v", body, got, want)
		}
	}
}
