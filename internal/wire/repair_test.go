package wire_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-roq/roq/internal/wire"
)

// bad are texts that are not Unicode, as they stand in JSON, and what is shown.
var bad = map[string]struct{ quoted, shown string }{
	"Latin-1":                 {`"J` + "\xfc" + `rgen"`, "J\ufffdrgen"},
	"a cut sequence":          {`"J` + "\xe2\x82" + `"`, "J\ufffd\ufffd"},
	"an encoded surrogate":    {`"J` + "\xed\xa0\x80" + `"`, "J\ufffd\ufffd\ufffd"},
	"half a pair":             {`"J\ud800"`, "J\ufffd"},
	"the other half":          {`"\uDC00J"`, "\ufffdJ"},
	"half a pair and a whole": {`"\ud83d\ud83d\ude80"`, "\ufffd\U0001f680"},
	"half a pair, escaped":    {`"\ud83d\\u"`, "\ufffd\\u"},
	"half a pair twice":       {`"\ud83d\ud83d"`, "\ufffd\ufffd"},
}

// One bad text does not make the rows around it unreadable.
func TestBadTextIsRepaired(t *testing.T) {
	t.Parallel()
	for name, b := range bad {
		rows := make([]string, 100)
		for i := range rows {
			rows[i] = fmt.Sprintf(`{"id":"i%d","email":"e%d@x","data":{ "a":[%d] }}`, i, i, i)
		}
		rows[57] = `{"id":"i57","email":"e57@x","firstName":` + b.quoted + `,"data":{"deep":[` + b.quoted + `]},"roleKeys":[` + b.quoted + `],"new":` + b.quoted + `}`
		var got []wire.Invite
		expected := 0
		answer, err := wire.UserInvites.Decode([]byte(`{"data":{"userInvites":{"data":[`+strings.Join(rows, ",")+`],"totalCount":100}}}`), wire.Sink{
			Invite: func(i *wire.Invite) error { got = append(got, *i); return nil },
			Expect: func(int) { expected++ },
			Most:   100,
		})
		if err != nil || !answer.Data || answer.Total != 100 || len(got) != 100 || expected != 1 || answer.Repaired != 4 {
			t.Fatalf("%s: %+v with %d rows, %v; want a hundred once", name, answer, len(got), err)
		}
		for i, row := range got {
			want := wire.Invite{ID: fmt.Sprintf("i%d", i), Email: fmt.Sprintf("e%d@x", i)}
			if i == 57 {
				want.FirstName = b.shown
			}
			if row.ID != want.ID || row.Email != want.Email || row.FirstName != want.FirstName || !utf8.Valid(row.Data) || !json.Valid(row.Data) {
				t.Errorf("%s: row %d is %+v", name, i, row)
			}
			if plain := fmt.Sprintf(`{ "a":[%d] }`, i); i != 57 && string(row.Data) != plain {
				t.Errorf("%s: the data of row %d is %s, want it as it came", name, i, row.Data)
			}
		}
		if roles := got[57].RoleKeys; len(roles) != 1 || roles[0] != b.shown {
			t.Errorf("%s: roles are %q", name, roles)
		}
	}
}

// White space around a body changes nothing, whichever way it is read.
func TestRepairsBetweenWhiteSpace(t *testing.T) {
	t.Parallel()
	for name, b := range bad {
		for _, space := range [][2]string{{"\n", ""}, {" \t", "\r\n"}, {wire.ByteOrderMark + " ", " "}, {"", "\n"}} {
			body := func(json string) []byte { return []byte(space[0] + json + space[1]) }
			refused := body(`{"errors":[{"message":` + b.quoted + `,"extensions":{"code":"FORBIDDEN"}}],"data":{"a":1}}`)
			if all := wire.Errors(refused); len(all) != 1 || all[0].Code != "FORBIDDEN" || all[0].Message != b.shown || !wire.Own(refused) || !wire.HasData(refused) {
				t.Errorf("%s between %q: errors are %+v", name, space, all)
			}
			if all := wire.Errors(body(`{"statusCode":403,"message":` + b.quoted + `}`)); len(all) != 1 || all[0].Status != 403 || all[0].Message != b.shown {
				t.Errorf("%s between %q: errors of REST are %+v", name, space, all)
			}
			if !wire.OwnREST(body(`{"statusCode":403,"message":"m","error":` + b.quoted + `}`)) {
				t.Errorf("%s between %q: not an exception", name, space)
			}
			if e := wire.InviteError(string(body(`{"errorCode":"E","message":` + b.quoted + `}`))); e.Code != "E" || e.Message != b.shown {
				t.Errorf("%s between %q: the invite's error is %+v", name, space, e)
			}
			answer, err := wire.UserInvites.Decode(body(`{"data":{"userInvites":{"data":[{"id":"i","firstName":`+b.quoted+`}],"totalCount":1}}}`), wire.Sink{})
			if err != nil || !answer.Data || answer.Total != 1 || answer.Repaired != 1 {
				t.Errorf("%s between %q: %+v, %v", name, space, answer, err)
			}
			if _, err := wire.DecodeSession(body(`{"status":"ok","session":{"id":"s","user":{"firstName":` + b.quoted + `}}}`)); err != nil {
				t.Errorf("%s between %q: %v", name, space, err)
			}
		}
	}
}

// The bad text may stand anywhere: what was passed on before it is not passed on
// again, and a receiver that stops is obeyed.
func TestARepairPassesNothingOnTwice(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"before", "first", "second", "refusal", "after"} {
		at := func(place string) string {
			if place == where {
				return `,"new":"` + "\xff" + `"`
			}
			return ""
		}
		body := `{"x":1` + at("before") + `,"data":{"sendUserInvitesV2":{"success":[{"id":"a"` + at("first") + `},{"id":"b"` + at("second") +
			`}],"errors":[{"email":"c"},{"email":"d"` + at("refusal") + `}]}}` + at("after") + `}`
		for stop := range 5 {
			var got []string
			failed := errors.New("stop")
			pass := func(what string) error {
				got = append(got, what)
				if len(got) == stop {
					return failed
				}
				return nil
			}
			answer, err := wire.SendUserInvitesV2.Decode([]byte(body), wire.Sink{
				Invite:  func(i *wire.Invite) error { return pass(i.ID) },
				Refused: func(email, _ string) error { return pass(email) },
			})
			want := "abcd"
			if stop > 0 {
				want = want[:stop]
			}
			if all := strings.Join(got, ""); all != want || (err == nil) != (stop == 0) || stop > 0 && !errors.Is(err, failed) || answer.Data != (stop == 0) {
				t.Errorf("%s, stopped after %d: %q, %+v, %v; want %q", where, stop, all, answer, err, want)
			}
		}
		// Nobody need receive anything.
		if answer, err := wire.SendUserInvitesV2.Decode([]byte(body), wire.Sink{}); err != nil || !answer.Data || answer.Repaired != 1 {
			t.Errorf("%s: %+v, %v", where, answer, err)
		}
	}
}

// The bounds of an answer hold for one that is repaired too.
func TestARepairKeepsTheBounds(t *testing.T) {
	t.Parallel()
	_, err := wire.UserInvites.Decode([]byte(`{"data":{"userInvites":{"data":[{"id":"a","new":"`+"\xff"+`"},{"id":"b"},{"id":"c"}],"totalCount":3}}}`), wire.Sink{Most: 2})
	if err == nil || err.Error() != "the response has more than 2 invites" {
		t.Errorf("Decode = %v, want the bound", err)
	}
}

// What rows are compared by is never taken for something else.
func TestBadIDsAndAddressesMatchNobody(t *testing.T) {
	t.Parallel()
	body := `{"data":{"userInvites":{"totalCount":5,"data":[` +
		`{"id":"a` + "\xff" + `","email":"b` + "\xff" + `@x","tenantId":"t` + "\xff" + `"},` +
		`{"id":"a` + "\xfe" + `","email":"b` + "\xfe" + `@x","tenantId":"t` + "\xff" + `"},` +
		`{"id":"a\ud800","email":"b\ud800@x"},` +
		`{"id":"a` + "\ufffd" + `","email":"b` + "\ufffd" + `@x"},` +
		`{"id":"a","email":"b@x"}]}}}`
	_, rows, err := decode(wire.UserInvites, body)
	if err != nil || len(rows) != 5 {
		t.Fatalf("%+v, %v; want five rows", rows, err)
	}
	ids := map[string]bool{}
	for i, row := range rows {
		ids[row.ID] = true
		if i < 3 && (!strings.HasPrefix(row.ID, "a\ufffd") || row.ID == "a\ufffd") || !utf8.ValidString(row.ID) {
			t.Errorf("row %d has the id %q", i, row.ID)
		}
		if i < 4 && (row.Email != "" || row.ShownEmail != "b\ufffd@x") || i == 4 && (row.Email != "b@x" || row.ShownEmail != "") {
			t.Errorf("row %d has the address %q, shown %q", i, row.Email, row.ShownEmail)
		}
	}
	if len(ids) != 5 || rows[0].TenantID != rows[1].TenantID || rows[0].TenantID == "t\ufffd" {
		t.Errorf("ids of different rows are the same: %v", ids)
	}
	// The same id is the same in the next answer.
	if _, again, _ := decode(wire.UserInvites, body); again[0].ID != rows[0].ID {
		t.Errorf("the id %q became %q", rows[0].ID, again[0].ID)
	}

	var refused []string
	_, err = wire.SendUserInvitesV2.Decode([]byte(`{"data":{"sendUserInvitesV2":{"errors":[{"email":"b`+"\xff"+`@x","error":"e\ud800"},{"email":"b@x","error":"f"}]}}}`),
		wire.Sink{Refused: func(email, text string) error {
			refused = append(refused, email+":"+text)
			return nil
		}})
	if all := strings.Join(refused, " "); err != nil || all != ":e\ufffd b@x:f" {
		t.Errorf("refused are %q, %v; want the first to be nobody", all, err)
	}
}

// An id may be a number, and then it is the same as its digits in a string.
func TestNumericIDs(t *testing.T) {
	t.Parallel()
	_, rows, err := decode(wire.UserInvites, `{"data":{"userInvites":{"totalCount":2,"data":[
		{"id":7,"tenantId":9007199254740993,"createdByUserId":0,"acceptedByUserId":-1,"userTokenId":12345678901234567890},
		{"id":"7","tenantId":"9007199254740993","createdByUserId":null}]}}}`)
	if err != nil || len(rows) != 2 {
		t.Fatalf("%+v, %v; want two rows", rows, err)
	}
	if r := rows[0]; r.ID != "7" || r.TenantID != "9007199254740993" || r.CreatedByUserID != "0" || r.AcceptedByUserID != "-1" || r.UserTokenID != "12345678901234567890" {
		t.Errorf("the first row is %+v", r)
	}
	if rows[0].ID != rows[1].ID || rows[0].TenantID != rows[1].TenantID {
		t.Errorf("a number differs from its digits: %+v", rows)
	}
	for _, value := range []string{"7.0", "1e3", "true", "[7]", "{}"} {
		if _, _, err := decode(wire.UserInvite, `{"data":{"userInvite":{"id":`+value+`}}}`); err == nil || !safe.MatchString(err.Error()) {
			t.Errorf("the id %s: %v, want an error", value, err)
		}
	}
	if _, _, err := decode(wire.UserInvite, `{"data":{"userInvite":{"id":7,"email":7}}}`); err == nil || err.Error() != `the response has a number at "/data/userInvite/email"` {
		t.Errorf("an address that is a number: %v", err)
	}
}

// A member that is not read may come twice; one that is read may not.
func TestMembersThatComeTwice(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		op   *wire.Operation
		body string
		ok   bool
	}{
		"of an invite, unknown":        {wire.UserInvite, `{"data":{"userInvite":{"id":"i","new":1,"new":2}}}`, true},
		"three times":                  {wire.UserInvite, `{"data":{"userInvite":{"id":"i","new":1,"new":{"a":2},"new":3}}}`, true},
		"by an escape":                 {wire.UserInvite, `{"data":{"userInvite":{"new":1,"id":"i","n\u0065w":2}}}`, true},
		"bad ones that look the same":  {wire.UserInvite, `{"data":{"userInvite":{"new` + "\xff" + `":1,"id":"i","new` + "\xfe" + `":2}}}`, true},
		"inside what is unknown":       {wire.UserInvite, `{"data":{"userInvite":{"id":"i","new":[{"id":1,"id":2}]}}}`, true},
		"inside the caller's data":     {wire.UserInvite, `{"data":{"userInvite":{"id":"i","data":{"id":1,"id":2}}}}`, true},
		"of the answer, unknown":       {wire.UserInvite, `{"x":1,"data":{"userInvite":{"id":"i"}},"x":2}`, true},
		"another operation's data":     {wire.UserInvite, `{"data":{"me":1,"userInvite":{"id":"i"},"me":2}}`, true},
		"of a page, unknown":           {wire.UserInvites, `{"data":{"userInvites":{"data":[{"id":"i"}],"more":1,"totalCount":1,"more":2}}}`, true},
		"of a send, unknown":           {wire.SendUserInvitesV2, `{"data":{"sendUserInvitesV2":{"x":1,"success":[{"id":"i","x":1,"x":2}],"x":2,"errors":[{"x":1,"x":2}]}}}`, true},
		"an error's, unknown":          {wire.UserInvite, `{"data":{"userInvite":{"id":"i"}},"errors":[{"message":"m","x":1,"x":2,"extensions":{"x":1,"x":2}}]}`, true},
		"an id":                        {wire.UserInvite, `{"data":{"userInvite":{"id":"i","id":"i"}}}`, false},
		"an id, beside unknown ones":   {wire.UserInvite, `{"data":{"userInvite":{"id":"i","x":1,"x":2,"id":"j"}}}`, false},
		"an id by an escape":           {wire.UserInvite, `{"data":{"userInvite":{"id":"i","\u0069d":"j"}}}`, false},
		"an address":                   {wire.UserInvites, `{"data":{"userInvites":{"data":[{"id":"i","email":"a","email":"b"}],"totalCount":1}}}`, false},
		"the caller's data":            {wire.UserInvite, `{"data":{"userInvite":{"id":"i","data":1,"data":2}}}`, false},
		"a status":                     {wire.CancelUserInvite, `{"data":{"cancelUserInvite":{"id":"i","status":"canceled","status":"pending"}}}`, false},
		"a refused address":            {wire.SendUserInvitesV2, `{"data":{"sendUserInvitesV2":{"success":[],"errors":[{"email":"a","email":"b"}]}}}`, false},
		"the rows":                     {wire.SendUserInvitesV2, `{"data":{"sendUserInvitesV2":{"success":[{"id":"i"}],"success":[]}}}`, false},
		"the operation":                {wire.UserInvite, `{"data":{"userInvite":{"id":"i"},"userInvite":null}}`, false},
		"the data":                     {wire.UserInvite, `{"data":{"userInvite":{"id":"i"}},"data":null}`, false},
		"the errors":                   {wire.UserInvite, `{"data":{"userInvite":{"id":"i"}},"errors":[],"errors":[{}]}`, false},
		"an error's code":              {wire.UserInvite, `{"data":{"userInvite":{"id":"i"}},"errors":[{"extensions":{"code":"A","code":"B"}}]}`, false},
		"an error's own code":          {wire.UserInvite, `{"data":{"userInvite":{"id":"i"}},"errors":[{"extensions":{"response":{"errorCode":"A","errorCode":"B"}}}]}`, false},
		"an original error's code":     {wire.UserInvite, `{"data":{"userInvite":{"id":"i"}},"errors":[{"extensions":{"originalError":{"response":{"errorCode":"A","errorCode":"B"}}}}]}`, false},
		"a total":                      {wire.UserInvites, `{"data":{"userInvites":{"data":[{"id":"i"}],"totalCount":1,"totalCount":2}}}`, false},
		"unknown ones, and not JSON":   {wire.UserInvite, `{"data":{"userInvite":{"id":"i","x":1,"x":2}}`, false},
		"unknown ones, and no address": {wire.UserInvite, `{"data":{"userInvite":{"id":"i","x":1,"x":2,"email":7}}}`, false},
	} {
		answer, rows, err := decode(row.op, row.body)
		if row.ok && (err != nil || !answer.Data || len(rows) != 1 || rows[0].ID != "i" || answer.Repaired == 0) || !row.ok && err == nil {
			t.Errorf("%s: %+v with %+v, %v; want it read: %v", name, answer, rows, err, row.ok)
		}
		if err != nil && !safe.MatchString(err.Error()) {
			t.Errorf("%s: the error may repeat the answer: %v", name, err)
		}
	}
	_, rows, err := decode(wire.UserInvite, `{"data":{"userInvite":{"id":"i","data":{"a":1,"b":[{"c":1,"c":2}],"a":3}}}}`)
	var data struct {
		A int
		B []struct{ C int }
	}
	if err != nil || json.Unmarshal(rows[0].Data, &data) != nil || data.A != 3 || data.B[0].C != 2 {
		t.Errorf("the caller's data is %s, %v; want the last of each", rows[0].Data, err)
	}
}

// A byte order mark is no part of an answer, whichever it is, and is no repair.
func TestByteOrderMarks(t *testing.T) {
	t.Parallel()
	answer, rows, err := decode(wire.UserInvite, "\ufeff"+found)
	if err != nil || !answer.Data || len(rows) != 1 || answer.Repaired != 0 {
		t.Errorf("an invite: %+v with %+v, %v", answer, rows, err)
	}
	if token, err := wire.DecodeToken([]byte("\ufeff" + ` {"accessToken":"t"}`)); err != nil || token.AccessToken != "t" {
		t.Errorf("a token: %+v, %v", token, err)
	}
	if s, err := wire.DecodeSession([]byte("\ufeff" + `{"session":{"id":"s"}}`)); err != nil || s.Session.ID != "s" {
		t.Errorf("a session: %+v, %v", s, err)
	}
	if !wire.HasData([]byte("\ufeff" + found)) {
		t.Error("the data behind the mark was not found")
	}
	for _, body := range []string{"\ufeff", "\ufeff\ufeff" + found, found + "\ufeff", " \ufeff" + found, "\xff\xfe" + found} {
		if answer, _, err := decode(wire.UserInvite, body); err == nil {
			t.Errorf("%q was read: %+v", body, answer)
		}
	}
}

// The answers that are no GraphQL are repaired by the same rules.
func TestOthersAreRepaired(t *testing.T) {
	t.Parallel()
	repaired := 0
	count := func(n int) { repaired += n }
	users, err := wire.DecodeUsers([]byte(`{"data":[{"id":1,"roq_user_id":"u","email":"a@x"},{"id":"2","roq_user_id":"u`+"\xff"+`","firstName":"J`+"\xfc"+`","new":1,"new":2},{"id":3}],"x":1,"x":2}`), count)
	if err != nil || len(users) != 3 || users[0].ID != "1" || users[1].FirstName != "J\ufffd" || !strings.HasPrefix(users[1].RoqUserID, "u\ufffd") || repaired != 4 {
		t.Errorf("users are %+v, %v, with %d repairs", users, err, repaired)
	}
	repaired = 0
	if users, err := wire.DecodeUsers([]byte(`{"data":[{"id":1,"tenant_id":2}]}`), count); err != nil || users[0].TenantID != "2" || repaired != 0 {
		t.Errorf("users are %+v, %v, with %d repairs; want no repair for a number", users, err, repaired)
	}
	for _, body := range []string{`{"data":[{"email":"a","email":"b"}]}`, `{"data":[{"id":1,"id":2}]}`, `{"data":[],"data":[]}`, `{"data":[{"email":7}]}`} {
		if users, err := wire.DecodeUsers([]byte(body), count); err == nil || !safe.MatchString(err.Error()) {
			t.Errorf("%s: %+v, %v; want an error", body, users, err)
		}
	}
	s, err := wire.DecodeSession([]byte(`{"session":{"id":7,"roqUserId":"u","user":{"firstName":"\ud800","new":1,"new":2}}}`))
	if err != nil || s.Session.ID != "7" || s.Session.User.FirstName != "\ufffd" {
		t.Errorf("the session is %+v, %v", s.Session, err)
	}
	for _, body := range []string{`{"session":{"roqAccessToken":"t` + "\xff" + `"}}`, `{"session":{"roqUserId":"a","roqUserId":"b"}}`} {
		if s, err := wire.DecodeSession([]byte(body)); err == nil || !safe.MatchString(err.Error()) {
			t.Errorf("%s: %+v, %v; want an error", body, s.Session, err)
		}
	}
	if _, err := wire.DecodeToken([]byte(`{"accessToken":"t` + "\xff" + `"}`)); err == nil {
		t.Error("a token that is not Unicode was read")
	}
	if e := wire.InviteError(`{"message":"m\ud800","errorCode":"E","x":1,"x":2}`); e.Code != "E" || e.Message != "m\ufffd" {
		t.Errorf("the invite's error is %+v", e)
	}
}

// An answer is repaired in one pass, however deep it is.
func TestRepairingTakesOnePass(t *testing.T) {
	t.Parallel()
	body := `{"new":` + strings.Repeat(`{"a":[`, 4_900) + strings.Repeat("1,", 500_000) + "1" + strings.Repeat(`]}`, 4_900) +
		`,"x":"` + "\xff" + `","data":{"userInvite":{"id":"i"}}}`
	begin := time.Now()
	if answer, _, err := decode(wire.UserInvite, body); err != nil || !answer.Data {
		t.Errorf("%+v, %v", answer, err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

// What is an invite's event is read strictly, and what is not is not read.
func TestWebhooksAreReadWhereTheyAreInvites(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		body string
		id   string // of the event; "" is an error
	}{
		"a numeric id":                  {`{"name":"N","id":7,"object":"user"}`, "7"},
		"a large id":                    {`{"name":"N","id":9007199254740993}`, "9007199254740993"},
		"half a pair in a user":         {`{"name":"N","id":"i","object":"user","data":{"current":{"firstName":"\ud800"}}}`, "i"},
		"Latin-1 in a user":             {`{"name":"N","id":"i","object":"user","data":{"current":{"firstName":"` + "\xfc" + `"}}}`, "i"},
		"an id twice in a user":         {`{"name":"N","id":"i","object":"user","data":{"current":{"id":1,"id":2}}}`, "i"},
		"another's current twice":       {`{"name":"N","id":"i","object":"user","data":{"current":1,"current":2}}`, "i"},
		"another's data is a list":      {`{"name":"N","id":"i","object":"message","data":[1]}`, "i"},
		"another's data is a text":      {`{"name":"N","id":"i","object":"message","data":"\ud800"}`, "i"},
		"an unknown member twice":       {`{"name":"N","id":"i","sent":1,"sent":2}`, "i"},
		"half a pair in an invite":      {`{"name":"ROQ_USER_INVITE_INSERT","id":"i","data":{"current":{"id":"c","firstName":"\ud800"}}}`, "i"},
		"unknown twice in an invite":    {`{"name":"N","object":"userInvite","id":"i","data":{"current":{"id":"c","x":1,"x":2}}}`, "i"},
		"a name twice":                  {`{"name":"N","id":"i","name":"ROQ_USER_INVITE_INSERT"}`, ""},
		"a name twice by an escape":     {`{"name":"N","id":"i","nam\u0065":"N"}`, ""},
		"an id twice":                   {`{"name":"N","id":"i","id":"j"}`, ""},
		"an object twice":               {`{"name":"N","id":"i","object":"user","object":"userInvite"}`, ""},
		"the data twice":                {`{"name":"N","id":"i","data":{},"data":{}}`, ""},
		"an invite's id twice":          {`{"name":"N","object":"userInvite","id":"i","data":{"current":{"id":"a","id":"b"}}}`, ""},
		"an invite's address twice":     {`{"name":"roq.userInvite.update","id":"i","data":{"previous":{"id":"a","email":"a","email":"b"}}}`, ""},
		"two invites":                   {`{"name":"N","object":"user_invite","id":"i","data":{"current":{"id":"a"},"current":{"id":"b"}}}`, ""},
		"a name that is not Unicode":    {`{"name":"ROQ_USER_INVITE` + "\xff" + `_INSERT","id":"i"}`, ""},
		"an object that is not Unicode": {`{"name":"N","object":"user\ud800Invite","id":"i"}`, ""},
		"an id of another type":         {`{"name":"N","id":true}`, ""},
		"an id that is no whole number": {`{"name":"N","id":7.5}`, ""},
		"a name that is a number":       {`{"name":7,"id":"i"}`, ""},
		"an invite's data is a list":    {`{"name":"N","object":"userInvite","id":"i","data":[]}`, ""},
	} {
		hook, err := wire.DecodeWebhook([]byte(row.body))
		if row.id != "" && (err != nil || hook.ID != row.id) || row.id == "" && err == nil {
			t.Errorf("%s: %+v, %v; want the id %q", name, hook, err, row.id)
		}
		if isInvite := hook.Object == wire.UserInviteObject; err == nil && !isInvite && (hook.Data.Current != nil || hook.Data.Previous != nil) {
			t.Errorf("%s: the data was read", name)
		}
		if strings.HasSuffix(name, "in an invite") {
			invite, err := wire.DecodeInvite(hook.Data.Current)
			if err != nil || invite.ID != "c" || hook.Repaired != 1 {
				t.Errorf("%s: the invite is %+v, %v", name, invite, err)
			}
		}
	}
	hook, err := wire.DecodeWebhook([]byte(`{"name":"N","id":"i` + "\xff" + `"}`))
	if err != nil || !strings.HasPrefix(hook.ID, "i\ufffd") || hook.ID == "i\ufffd" {
		t.Errorf("an id that is not Unicode: %+v, %v", hook, err)
	}
}
