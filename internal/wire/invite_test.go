package wire_test

import (
	"errors"
	"reflect"
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
		One *plainInvite `json:"userInvite"`
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
	listed struct {
		Page *wire.Page   `json:"userInvites"`
		One  *wire.Invite `json:"userInvite"`
	}
)

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

func (p plainListed) listed() listed {
	var l listed
	if p.Page != nil {
		l.Page = &wire.Page{TotalCount: p.Page.TotalCount}
		if p.Page.Data != nil {
			l.Page.Data = wire.Invites{}
		}
		for _, i := range p.Page.Data {
			l.Page.Data = append(l.Page.Data, i.invite())
		}
	}
	if p.One != nil {
		one := p.One.invite()
		l.One = &one
	}
	return l
}

// where says what an error is about and where.
func where(err error) (duplicate bool, kind jsontext.Kind, pointer jsontext.Pointer, offset int64) {
	var syntactic *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.As(err, &syntactic):
		return errors.Is(err, jsontext.ErrDuplicateName), 0, "", syntactic.ByteOffset
	case errors.As(err, &semantic):
		return false, semantic.JSONKind, semantic.JSONPointer, 0
	default:
		return false, 0, "", 0
	}
}

// agree compares the decode of an invite with what json makes of plain structs.
func agree(t *testing.T, body []byte) {
	t.Helper()
	var plain plainListed
	var got listed
	wantErr := json.Unmarshal(body, &plain)
	ours := []byte(string(body))
	gotErr := json.Unmarshal(ours, &got)
	// Nothing that was decoded may lie in the body, which other answers will be
	// read into.
	for i := range ours {
		ours[i] = 'x'
	}
	if (gotErr == nil) != (wantErr == nil) {
		t.Fatalf("%q: %v; plain structs: %v", body, gotErr, wantErr)
	}
	if gotErr != nil {
		duplicate, kind, pointer, offset := where(gotErr)
		wantDuplicate, wantKind, wantPointer, wantOffset := where(wantErr)
		if duplicate != wantDuplicate || kind != wantKind || pointer != wantPointer || offset != wantOffset {
			t.Errorf("%q: %v; plain structs: %v", body, gotErr, wantErr)
		}
		return
	}
	if want := plain.listed(); !reflect.DeepEqual(got, want) {
		t.Errorf("%q: %+v; plain structs: %+v", body, got, want)
	}
}

// answers are bodies whose every byte somebody may get wrong.
func answers() []string {
	row := `{"id":"i","email":"e@x","firstName":"F","lastName":"L","locale":"en-US","tenantId":"t","createdByUserId":"c","acceptedByUserId":"a",
"userTokenId":"u","roleKeys":["r","s"],"status":"pending","data":{"a":[1.0]},"createdAt":"2023-10-27T00:14:36.900Z","updatedAt":"2023-10-27T02:14:36+02:00","statusUpdatedAt":null}`
	all := []string{
		`{"userInvites":{"data":[` + row + `,` + row + `],"totalCount":2},"userInvite":` + row + `}`,
		`{"userInvites":{"data":[null,{},{"new":{"id":[]}}],"totalCount":null},"userInvite":null}`,
		`{"userInvites":{"data":null}}`, `{"userInvites":{"data":[]}}`, `{"userInvites":{"data":{}}}`, `{"userInvite":[]}`,
		`{"userInvite":{"id":"\u0069","\u0065mail":"\"\ud83d\ude80","firstName":"é"}}`,
	}
	for _, value := range []string{
		`null`, `true`, `7`, `""`, `"x"`, `"\n"`, `[]`, `{}`, `["x"]`, `[null,"x"]`, `["x",7]`, `{"a":1,"a":2}`, "\"\xff\"", `"\ud83d"`, `[`, `"`,
		`"2023-10-27T00:14:36.900Z"`, `"2023-10-27t00:14:36.900z"`, `"2023-10-27T0:14:36.9000Z"`, `"2023-10-27T00:14:36,900Z"`, `"2023-02-30T00:14:36.900Z"`,
		`"2023-10-27T24:00:00.000Z"`, `"2023-10-27T00:14:60.000Z"`, `"2023-10-27T00:14:36.900+24:00"`, `"2023-10-27T00:14:36+01:60"`, `"2023-10-27T00:14:36.90\u0030Z"`,
	} {
		for _, name := range []string{"id", "acceptedByUserId", "locale", "roleKeys", "data", "createdAt", "new"} {
			all = append(all, `{"userInvites":{"data":[{"`+name+`":`+value+`}]}}`)
		}
	}
	return all
}

func TestInvitesAreDecodedAsPlainStructsAre(t *testing.T) {
	t.Parallel()
	for _, body := range answers() {
		agree(t, []byte(body))
	}
	whole := answers()[0]
	for i := range whole {
		agree(t, []byte(whole[:i]))
		for _, b := range []string{"", "\"", "{", "}", "]", "7", "\\", " ", "\x00", "\xff"} {
			agree(t, []byte(whole[:i]+b+whole[i+1:]))
		}
	}
}

// What one row was long says little about the others, and a page may have any
// number.
func TestPagesOfAnyLength(t *testing.T) {
	t.Parallel()
	for _, rows := range [][]string{
		{`{}`, `{"id":"` + strings.Repeat("x", 1000) + `"}`}, {`{"id":"` + strings.Repeat("x", 1000) + `"}`, `{}`, `{}`, `null`},
		strings.Split(strings.Repeat(`{"id":"i"};`, 3000)+`{}`, ";"),
	} {
		agree(t, []byte(`{"userInvites":{"data":[`+strings.Join(rows, ",")+`]}}`))
	}
}

// Rows that differ in what is expected to be the same keep their own, and no two
// share a list.
func TestRowsKeepTheirOwn(t *testing.T) {
	t.Parallel()
	var rows []string
	for _, s := range strings.Split("a b ab ba aa bb abc acc cba en-US en-GB de-DE x", " ") {
		rows = append(rows, `{"tenantId":"`+s+`","locale":"`+s+`","status":"`+s+`","roleKeys":["`+s+`","r"]}`)
	}
	body := `{"userInvites":{"data":[` + strings.Join(append(rows, rows...), ",") + `]}}`
	agree(t, []byte(body))
	var got listed
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	first, again := got.Page.Data[0], got.Page.Data[len(rows)]
	first.RoleKeys[0] = "changed"
	if _ = append(first.RoleKeys, "appended"); again.RoleKeys[0] != "a" || got.Page.Data[1].RoleKeys[0] != "b" {
		t.Errorf("a change of one row's roles changed others: %v, %v", again.RoleKeys, got.Page.Data[1].RoleKeys)
	}
}

func FuzzInvites(f *testing.F) {
	for _, body := range answers() {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) { agree(t, body) })
}

// A time is read as json reads one, whatever its form.
func FuzzTime(f *testing.F) {
	for _, seed := range []string{"2023-10-27T00:14:36.900Z", "2024-02-29T23:59:59.999Z", "0000-01-01T00:00:00.000Z", "2023-10-27T00:14:36.900+00:00", "2023-10-27T0:14:36.9000Z"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		quoted, err := jsontext.AppendQuote([]byte(`{"userInvite":{"createdAt":`), s)
		if err == nil {
			agree(t, append(quoted, "}}"...))
		}
	})
}
