package wire_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-roq/roq/internal/wire"
)

// A send's answer is handed on in its order, refusals and invites alike.
func TestDecodeSent(t *testing.T) {
	t.Parallel()
	var got []string
	answer, err := wire.SendUserInvitesV2.Decode([]byte(`{"data":{"sendUserInvitesV2":{"errors":[{"email":"a","error":"no","new":1},{"email":null,"error":null}],
		"success":[{"id":"1","email":"b"},{"id":"2","email":"c"}],"new":[]}}}`), wire.Sink{
		Invite:  func(row *wire.Invite) error { got = append(got, row.ID+" "+row.Email); return nil },
		Refused: func(email, text string) error { got = append(got, email+": "+text); return nil },
	})
	if want := []string{"a: no", ": ", "1 b", "2 c"}; err != nil || !answer.Data || answer.Partial || !slices.Equal(got, want) {
		t.Errorf("%q, %+v, %v; want %q", got, answer, err, want)
	}
}

// The field of another operation is not this one's answer.
func TestDecodeItsOwnField(t *testing.T) {
	t.Parallel()
	for body, complete := range map[string]bool{
		`{"data":{"sendUserInvites":{"success":[]}}}`:                           false,
		`{"data":{"sendUserInvitesV2":{"success":[],"errors":[]}}}`:             true,
		`{"data":{"sendUserInvitesV2":{}}}`:                                     true,
		`{"data":{"sendUserInvitesV2":{"success":[{"id":"1"},{"email":"b"}]}}}`: false,
	} {
		got, err := decode(wire.SendUserInvitesV2, body)
		if got.Data != complete || (err == nil) != complete {
			t.Errorf("%s: %+v, %v; want complete %v", body, got, err, complete)
		}
	}
}

// What was not asked for is bounded: rows by what was, errors by a hundred.
func TestDecodeIsBounded(t *testing.T) {
	t.Parallel()
	const size = 8 << 20
	filled := func(begin, element, end string) []byte {
		n := size / len(element)
		return []byte(begin + strings.Repeat(element+",", n-1) + element + end)
	}
	row := `{"id":"0123456789"}`
	for name, test := range map[string]struct {
		body []byte
		op   *wire.Operation
		// rows is how many the sink receives, errs how many errors there are.
		rows, errs int
		fails      bool
	}{
		"rows without an id": {body: filled(`{"errors":[{}],"data":{"userInvites":{"totalCount":1,"data":[`, `{}`, `]}}}`), op: wire.UserInvites, errs: 1},
		"too many rows":      {body: filled(`{"data":{"userInvites":{"totalCount":1,"data":[`, row, `]}}}`), op: wire.UserInvites, rows: 100, fails: true},
		"too many made":      {body: filled(`{"data":{"sendUserInvitesV2":{"success":[`, row, `]}}}`), op: wire.SendUserInvitesV2, rows: 100, fails: true},
		"too many refused":   {body: filled(`{"data":{"sendUserInvitesV2":{"errors":[`, `{"email":"a"}`, `]}}}`), op: wire.SendUserInvitesV2, rows: 100, fails: true},
		"errors":             {body: filled(`{"errors":[`, `{}`, `]}`), op: wire.UserInvites, errs: 100},
		"errors null":        {body: filled(`{"errors":[`, `null`, `]}`), op: wire.UserInvites, errs: 100},
	} {
		rows := 0
		answer, err := test.op.Decode(test.body, wire.Sink{
			Most:    100,
			Invite:  func(*wire.Invite) error { rows++; return nil },
			Refused: func(string, string) error { rows++; return nil },
		})
		if rows != test.rows || len(answer.Errors) != test.errs || (err != nil) != test.fails || answer.Data {
			t.Errorf("%s: %d rows, %d errors, %v", name, rows, len(answer.Errors), err)
		}
		if err != nil && !strings.Contains(err.Error(), "more than the 100 invites") {
			t.Errorf("%s: %v, want what is wrong", name, err)
		}
	}
	if users, err := wire.DecodeUsers(filled(`{"data":[`, `{}`, `]}`)); err == nil || len(users) > 0 {
		t.Errorf("%d users, %v; want an error", len(users), err)
	}
	if errs := wire.Errors(filled(`{"errors":[`, `{}`, `]}`)); len(errs) > 100 {
		t.Errorf("%d errors, want a hundred", len(errs))
	}
}

// An error of the sink ends the decoding, and comes out as it is.
func TestDecodeEndsWithTheSink(t *testing.T) {
	t.Parallel()
	enough := errors.New("enough")
	rows := 0
	_, err := wire.UserInvites.Decode(page(100), wire.Sink{Invite: func(*wire.Invite) error {
		if rows++; rows == 3 {
			return enough
		}
		return nil
	}})
	if err != enough || rows != 3 { //nolint:errorlint // the very same
		t.Errorf("%v after %d rows, want %v", err, rows, enough)
	}
}

// Rows that are skipped leave nothing behind.
func TestDecodeSkipsCheaply(t *testing.T) {
	body := []byte(`{"errors":[{}],"data":{"userInvites":{"totalCount":1,"data":[{}` + strings.Repeat(",{}", 100_000) + `]}}}`)
	sink := wire.Sink{Invite: func(*wire.Invite) error { return nil }}
	if n := testing.AllocsPerRun(5, func() { _, _ = wire.UserInvites.Decode(body, sink) }); n > 50 {
		t.Errorf("%.0f allocations, want none for each row", n)
	}
}

func ExampleOperation_Decode() {
	body := []byte(`{"data":{"userInvites":{"totalCount":2,"data":[{"id":"1","status":"pending"},{"id":"2","status":"accepted"}]}}}`)
	answer, err := wire.UserInvites.Decode(body, wire.Sink{Invite: func(row *wire.Invite) error {
		fmt.Println(row.ID, row.Status)
		return nil
	}})
	fmt.Println(answer.Total, err)
	// Output:
	// 1 pending
	// 2 accepted
	// 2 <nil>
}
