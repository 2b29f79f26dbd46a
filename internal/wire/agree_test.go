package wire_test

import (
	"bytes"
	"cmp"
	jsonv1 "encoding/json"
	"errors"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/go-roq/roq/internal/wire"
)

// plain are the types that json decodes by itself.
type (
	plainListed struct {
		Page *struct {
			Data       []plainInvite `json:"data"`
			TotalCount *int          `json:"totalCount"`
		} `json:"userInvites"`
	}
	plainFound struct {
		One *plainInvite `json:"userInvite"`
	}
	plainSent struct {
		Sent *struct {
			Success []plainInvite  `json:"success"`
			Errors  []plainRefusal `json:"errors"`
		} `json:"sendUserInvitesV2"`
	}
	plainRefusal struct {
		Email string `json:"email"`
		Error string `json:"error"`
	}
	plainInvite struct {
		ID               string         `json:"id"`
		Email            string         `json:"email"`
		FirstName        string         `json:"firstName"`
		LastName         string         `json:"lastName"`
		Locale           string         `json:"locale"`
		TenantID         string         `json:"tenantId"`
		CreatedByUserID  string         `json:"createdByUserId"`
		AcceptedByUserID string         `json:"acceptedByUserId"`
		UserTokenID      string         `json:"userTokenId"`
		RoleKeys         []string       `json:"roleKeys"`
		Status           string         `json:"status"`
		Data             jsontext.Value `json:"data"`
		CreatedAt        time.Time      `json:"createdAt"`
		UpdatedAt        time.Time      `json:"updatedAt"`
		StatusUpdatedAt  time.Time      `json:"statusUpdatedAt"`
	}
)

// plainData is the data of an operation: whether there is some and it is complete
// but for the rows, its rows, and what else is in there.
type plainData interface {
	parts() (some, complete bool, rows []plainInvite, total int, refusals []plainRefusal)
}

func (p plainListed) parts() (some, complete bool, rows []plainInvite, total int, refusals []plainRefusal) {
	if p.Page == nil {
		return false, false, nil, 0, nil
	}
	if p.Page.TotalCount == nil {
		return true, false, p.Page.Data, 0, nil
	}
	return true, true, p.Page.Data, *p.Page.TotalCount, nil
}

func (p plainFound) parts() (some, complete bool, rows []plainInvite, total int, refusals []plainRefusal) {
	if p.One == nil {
		return false, false, nil, 0, nil
	}
	return true, true, []plainInvite{*p.One}, 0, nil
}

func (p plainSent) parts() (some, complete bool, rows []plainInvite, total int, refusals []plainRefusal) {
	if p.Sent == nil {
		return false, false, nil, 0, nil
	}
	return true, true, p.Sent.Success, 0, p.Sent.Errors
}

func (p plainInvite) invite() wire.Invite {
	if p.Data.Kind() == 'n' {
		p.Data = nil
	}
	return wire.Invite{
		ID: p.ID, Email: p.Email, FirstName: p.FirstName, LastName: p.LastName, Locale: p.Locale, TenantID: p.TenantID,
		CreatedByUserID: p.CreatedByUserID, AcceptedByUserID: p.AcceptedByUserID, UserTokenID: p.UserTokenID,
		RoleKeys: p.RoleKeys, Status: p.Status, Data: p.Data,
		CreatedAt: p.CreatedAt.UTC(), UpdatedAt: p.UpdatedAt.UTC(), StatusUpdatedAt: p.StatusUpdatedAt.UTC(),
	}
}

// agree compares what is read of an answer with that data with what json makes of
// plain structs.
func agree(t *testing.T, data string) {
	t.Helper()
	agreeAs[plainListed](t, wire.UserInvites, data)
	agreeAs[plainFound](t, wire.UserInvite, data)
	agreeAs[plainSent](t, wire.SendUserInvitesV2, data)
}

func agreeAs[T plainData](t *testing.T, op *wire.Operation, data string) {
	t.Helper()
	body := []byte(`{"errors":[null],"data":` + data + `}`)
	var plain struct {
		Data T `json:"data"`
	}
	strictErr := json.Unmarshal(body, &plain)
	plainErr, repaired := strictErr, false
	if errors.As(strictErr, new(*jsontext.SyntacticError)) {
		// What can be repaired is read as json reads it when it is told to.
		plain.Data = *new(T)
		plainErr = json.Unmarshal(body, &plain, jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
		repaired = !errors.As(plainErr, new(*jsontext.SyntacticError))
	}
	var rows []wire.Invite
	var refusals []plainRefusal
	ours := bytes.Clone(body)
	answer, err := op.Decode(ours, wire.Sink{
		Invite: func(i *wire.Invite) error {
			rows = append(rows, *i)
			return nil
		},
		Refused: func(email, text string) error {
			refusals = append(refusals, plainRefusal{email, text})
			return nil
		},
	})
	// Nothing that was decoded may lie in the body, which other answers will be read
	// into.
	for i := range ours {
		ours[i] = 'x'
	}
	some, complete, plainRows, total, plainRefusals := plain.Data.parts()
	var want []wire.Invite
	for _, row := range plainRows {
		if row.ID == "" {
			// The rows behind it are skipped, whatever is in them.
			complete = false
			break
		}
		want = append(want, row.invite())
	}
	for i := range rows {
		if repaired {
			rows[i] = likePlain(rows[i])
		}
	}
	if repaired {
		for i := range want {
			want[i].Data = repairedData(want[i].Data)
		}
		for i, r := range plainRefusals {
			if strings.Contains(r.Email, "\ufffd") {
				plainRefusals[i].Email = "" // it is nobody's
			}
		}
	}
	if err != nil {
		// A row is checked as a whole before it is read, and plain structs end at an id that
		// is a number. A value that is skipped is wrong at its comma, and not behind it.
		text, syntax := err.Error(), wireError(body, json.Unmarshal(body, new(jsontext.Value)))
		if text != wireError(body, strictErr) && position.ReplaceAllString(text, "") != position.ReplaceAllString(syntax, "") && !isNumberedID(strictErr) {
			t.Errorf("%q: %v; plain structs: %v", body, err, strictErr)
		}
		return
	}
	if isNumberedID(plainErr) {
		return
	}
	if repaired && answer.Repaired == 0 {
		t.Errorf("%q was read, and nothing was repaired", body)
	}
	if plainErr != nil {
		var semantic *json.SemanticError
		if answer.Data || !errors.As(plainErr, &semantic) {
			t.Errorf("%q was read; plain structs: %v", body, plainErr)
		}
		return
	}
	if answer.Data != (some && complete) || answer.Partial != (some && !complete) || answer.Total != total ||
		!reflect.DeepEqual(rows, want) || !slices.Equal(refusals, plainRefusals) {
		t.Errorf("%q: %+v with %+v and %+v; plain structs: %+v", body, answer, rows, refusals, plain)
	}
}

// position matches a place in an error, isID the place of an id, and fingerprint the
// hash in one that was repaired.
var (
	position    = regexp.MustCompile(` \(byte \d+\)`)
	isID        = regexp.MustCompile(`(?i)id$`)
	fingerprint = regexp.MustCompile("\ufffd[0-9a-f]{16}$")
)

// isNumberedID reports whether an error is that an id is a number, which it may be.
func isNumberedID(err error) bool {
	semantic := (*json.SemanticError)(nil)
	return errors.As(err, &semantic) && semantic.JSONKind == '0' && isID.MatchString(string(semantic.JSONPointer))
}

// likePlain returns a row of an answer that was repaired as a plain struct has it:
// with nothing in its ids, and its address, to tell them from others.
func likePlain(i wire.Invite) wire.Invite {
	for _, id := range []*string{&i.ID, &i.TenantID, &i.CreatedByUserID, &i.AcceptedByUserID, &i.UserTokenID} {
		*id = fingerprint.ReplaceAllString(*id, "")
	}
	i.Email, i.ShownEmail = cmp.Or(i.Email, i.ShownEmail), ""
	i.Data = repairedData(i.Data)
	return i
}

// repairedData reads a value as encoding/json does, which is as lenient as a repair,
// and writes it again.
func repairedData(data []byte) []byte {
	if data == nil {
		return nil
	}
	dec := jsonv1.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return []byte(err.Error())
	}
	again, err := jsonv1.Marshal(value)
	if err != nil {
		return []byte(err.Error())
	}
	return again
}

func wireError(body []byte, err error) string {
	if err == nil {
		return ""
	}
	return wire.Wrong("the response", body, err).Error()
}

const someRow = `{"id":"i","email":"e@x","firstName":"F","lastName":"L","locale":"en-US","tenantId":"t","createdByUserId":"c","acceptedByUserId":"a",
"userTokenId":"u","roleKeys":["r","s"],"status":"pending","data":{"a":[1.0]},"createdAt":"2023-10-27T00:14:36.900Z","updatedAt":"2023-10-27T02:14:36+02:00","statusUpdatedAt":null}`

// answers are data in which any byte may be wrong.
func answers() []string {
	all := []string{
		`{"userInvites":{"data":[` + someRow + `,` + someRow + `],"totalCount":2},"userInvite":` + someRow + `}`,
		`{"userInvites":{"data":[null,{},{"new":{"id":[]}}],"totalCount":null},"userInvite":null}`,
		`{"sendUserInvitesV2":{"success":[` + someRow + `,` + someRow + `],"errors":[{"email":"e@x","error":"{}"},null,{},{"new":1}]}}`,
		`{"sendUserInvitesV2":null}`, `{"sendUserInvitesV2":{"success":null,"errors":null}}`, `{"sendUserInvitesV2":{"success":[{}],"errors":[7]}}`,
		`{"userInvites":{"data":null}}`, `{"userInvites":{"data":[]}}`, `{"userInvites":{"data":{}}}`, `{"userInvite":[]}`,
		`{"userInvite":{"id":"\u0069","\u0065mail":"\"\ud83d\ude80","firstName":"é"}}`,
	}
	for _, value := range []string{
		`null`, `true`, `7`, `""`, `"x"`, `"\n"`, `[]`, `{}`, `["x"]`, `[null,"x"]`, `["x",7]`, `{"a":1,"a":2}`, "\"\xff\"", `"\ud83d"`, `[`, `"`,
		`"2023-10-27T00:14:36.900Z"`, `"2023-10-27t00:14:36.900z"`, `"2023-10-27T0:14:36.9000Z"`, `"2023-10-27T00:14:36,900Z"`, `"2023-02-30T00:14:36.900Z"`,
		`"2023-10-27T24:00:00.000Z"`, `"2023-10-27T00:14:60.000Z"`, `"2023-10-27T00:14:36.900+24:00"`, `"2023-10-27T00:14:36+01:60"`, `"2023-10-27T00:14:36.90\u0030Z"`,
	} {
		for _, name := range []string{"acceptedByUserId", "locale", "roleKeys", "data", "createdAt", "new"} {
			all = append(all, `{"userInvites":{"totalCount":1,"data":[{"id":"i","not-`+name+`":7,"`+name+`":`+value+`}]}}`)
		}
		all = append(all, `{"userInvite":{"id":`+value+`}}`, `{"userInvites":{"data":[{"id":7,"acceptedByUserId":`+value+`}]`,
			`{"userInvites":{"data":[{},{"updatedAt":`+value+`}]},"userInvite":{"lastName":"L",}`, `{"userInvites":{"totalCount":`+value+`}}`,
			`{"sendUserInvitesV2":{"errors":[{"email":`+value+`,"error":`+value+`}]}}`)
	}
	return all
}

func TestInvitesAreDecodedAsPlainStructsAre(t *testing.T) {
	t.Parallel()
	for _, body := range answers() {
		agree(t, body)
	}
	mutate := func(whole string, agree func(string)) {
		for i := range whole {
			agree(whole[:i])
			for _, b := range []string{"", "\"", "{", "}", "]", "7", "\\", " ", "\x00", "\xff"} {
				agree(whole[:i] + b + whole[i+1:])
			}
		}
	}
	mutate(`{"userInvites":{"data":[`+someRow+`,{"id":"i"}],"totalCount":2}}`, func(data string) { agreeAs[plainListed](t, wire.UserInvites, data) })
	mutate(`{"userInvite":`+someRow+`}`, func(data string) { agreeAs[plainFound](t, wire.UserInvite, data) })
	mutate(`{"sendUserInvitesV2":{"success":[{"id":"i"}],"errors":[{"email":"e@x","error":"{}"},null]}}`,
		func(data string) { agreeAs[plainSent](t, wire.SendUserInvitesV2, data) })
}

// What one row was long says little about the others, and a page may have any
// number.
func TestPagesOfAnyLength(t *testing.T) {
	t.Parallel()
	for _, rows := range [][]string{
		{`{}`, `{"id":"` + strings.Repeat("x", 1000) + `"}`}, {`{"id":"` + strings.Repeat("x", 1000) + `"}`, `{}`, `{}`, `null`},
		strings.Split(strings.Repeat(`{"id":"i"};`, 3000)+`{}`, ";"),
	} {
		agree(t, `{"userInvites":{"totalCount":1,"data":[`+strings.Join(rows, ",")+`]}}`)
	}
}

// Rows that differ in what is expected to be the same keep their own, and no two
// share a list.
func TestRowsKeepTheirOwn(t *testing.T) {
	t.Parallel()
	var rows []string
	for _, s := range strings.Split("a b ab ba aa bb abc acc cba en-US en-GB de-DE x", " ") {
		rows = append(rows, `{"id":"`+s+`","tenantId":"`+s+`","locale":"`+s+`","status":"`+s+`","roleKeys":["`+s+`","r"]}`)
	}
	data := `{"userInvites":{"totalCount":26,"data":[` + strings.Join(append(rows, rows...), ",") + `]}}`
	agree(t, data)
	_, got, err := decode(wire.UserInvites, `{"data":`+data+`}`)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		got[i].RoleKeys[0] = "changed"
		_ = append(got[i].RoleKeys, "appended")
		if i+1 < len(got) && got[i+1].RoleKeys[0] != got[i+1].ID {
			t.Errorf("a change of one row's roles changed others: %v", got[i+1].RoleKeys)
		}
	}
}

func FuzzInvites(f *testing.F) {
	for _, body := range answers() {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, data []byte) { agree(t, string(data)) })
}

// A time is read as json reads one, whatever its form.
func FuzzTime(f *testing.F) {
	for _, seed := range []string{"2023-10-27T00:14:36.900Z", "2024-02-29T23:59:59.999Z", "0000-01-01T00:00:00.000Z", "2023-10-27T00:14:36.900+00:00", "2023-10-27T0:14:36.9000Z"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		quoted, err := jsontext.AppendQuote([]byte(`{"userInvite":{"id":"i","createdAt":`), s)
		if err == nil {
			agree(t, string(quoted)+"}}")
		}
	})
}
