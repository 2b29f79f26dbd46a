package wire_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/go-roq/roq/internal/wire"
)

// plain are the types that json decodes by itself.
type (
	plainListed struct {
		Data *struct {
			Page *struct {
				Data       []*plainInvite `json:"data"`
				TotalCount *int           `json:"totalCount"`
			} `json:"userInvites"`
		} `json:"data"`
	}
	plainFound struct {
		Data *struct {
			One *plainInvite `json:"userInvite"`
		} `json:"data"`
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

// rows returns the invites up to the first without an id, and whether there is one.
func rows(all []*plainInvite) (found []wire.Invite, incomplete bool) {
	for _, i := range all {
		if i == nil || i.ID == "" {
			return found, true
		}
		found = append(found, i.invite())
	}
	return found, false
}

// agree compares the decode of what stands under "data" with what json makes of
// plain structs.
func agree(t *testing.T, data []byte) {
	t.Helper()
	body := slices.Concat([]byte(`{"errors":[{}],"data":`), data, []byte(`}`))
	var page plainListed
	var one plainFound
	pageErr, oneErr := wire.Unmarshal("the answer", body, &page), wire.Unmarshal("the answer", body, &one)
	var listed, found []wire.Invite
	incomplete, absent := false, false
	if page.Data != nil && page.Data.Page != nil {
		listed, incomplete = rows(page.Data.Page.Data)
	}
	if one.Data != nil {
		found, absent = rows([]*plainInvite{one.Data.One})
	}
	compare(t, wire.UserInvites, body, pageErr, listed, incomplete)
	compare(t, wire.UserInvite, body, oneErr, found, absent)
}

func compare(t *testing.T, op *wire.Operation, body []byte, wantErr error, want []wire.Invite, incomplete bool) {
	t.Helper()
	got, err := decode(op, string(body))
	switch {
	case err == nil && got.Partial && !incomplete && wantErr != nil && len(got.invites) > 0:
		return // behind a row without an id nothing is read
	case err == nil && wantErr != nil && got.Partial, err == nil && wantErr != nil && !got.Data:
		return
	case (err == nil) != (wantErr == nil), err != nil && err.Error() != wantErr.Error():
		t.Fatalf("%q: %v; plain structs: %v", body, err, wantErr)
	case err == nil && !reflect.DeepEqual(got.invites, want):
		t.Errorf("%q: %+v; plain structs: %+v", body, got.invites, want)
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
			all = append(all, `{"userInvites":{"data":[{"id":"i","`+name+`":`+value+`}]}}`)
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
		rows = append(rows, `{"id":"i","tenantId":"`+s+`","locale":"`+s+`","status":"`+s+`","roleKeys":["`+s+`","r"]}`)
	}
	body := `{"userInvites":{"data":[` + strings.Join(append(rows, rows...), ",") + `]}}`
	agree(t, []byte(body))
	got, err := decode(wire.UserInvites, `{"errors":[{}],"data":`+body+`}`)
	if err != nil {
		t.Fatal(err)
	}
	first, again := got.invites[0], got.invites[len(rows)]
	first.RoleKeys[0] = "changed"
	if _ = append(first.RoleKeys, "appended"); again.RoleKeys[0] != "a" || got.invites[1].RoleKeys[0] != "b" {
		t.Errorf("a change of one row's roles changed others: %v, %v", again.RoleKeys, got.invites[1].RoleKeys)
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
