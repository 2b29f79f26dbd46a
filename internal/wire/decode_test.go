package wire_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/go-roq/roq/internal/wire"
)

// Data that is there but not complete may be the trace of work that was done.
func TestDecodePartialData(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		op            *wire.Operation
		data          string
		complete, any bool
		rows          int
	}{
		{wire.UserInvites, `null`, false, false, 0},
		{wire.UserInvites, `{}`, false, false, 0},
		{wire.UserInvites, `{"userInvites":null}`, false, false, 0},
		{wire.UserInvites, `{"userInvites":{}}`, false, true, 0},
		{wire.UserInvites, `{"userInvites":{"data":[]}}`, false, true, 0},
		{wire.UserInvites, `{"userInvites":{"data":[{"id":"i"}],"totalCount":null}}`, false, true, 1},
		{wire.UserInvites, `{"userInvites":{"data":[null],"totalCount":1}}`, false, true, 0},
		{wire.UserInvites, `{"userInvites":{"data":[{}],"totalCount":1}}`, false, true, 0},
		{wire.UserInvites, `{"userInvites":{"totalCount":0}}`, true, true, 0},
		{wire.UserInvites, `{"userInvites":{"data":[{"id":"i"},{"id":"j"}],"totalCount":2}}`, true, true, 2},
		// What comes after an incomplete row is skipped, whatever it is.
		{wire.UserInvites, `{"userInvites":{"data":[{"id":"i"},{},{"id":"j"},{"id":7},8],"totalCount":2}}`, false, true, 1},
		{wire.SendUserInvitesV2, `{"sendUserInvitesV2":null}`, false, false, 0},
		{wire.SendUserInvitesV2, `{"sendUserInvites":{"success":[]}}`, false, false, 0}, // the other operation's
		{wire.SendUserInvitesV2, `{"sendUserInvitesV2":{}}`, true, true, 0},
		{wire.SendUserInvitesV1, `{"sendUserInvites":{"success":[{"id":"i"}]}}`, true, true, 1},
		{wire.SendUserInvitesV1, `{"sendUserInvites":{"success":[{"id":"i"},null]}}`, false, true, 1},
		{wire.ResendUserInvite, `{"resendUserInvite":null}`, false, false, 0},
		{wire.ResendUserInvite, `{"resendUserInvite":{"email":"e"}}`, false, true, 0},
		{wire.CancelUserInvite, `{"cancelUserInvite":{"id":"i"}}`, true, true, 1},
		{wire.UserInvite, `{"userInvite":{"id":""}}`, false, true, 0},
	} {
		got, rows, err := decode(row.op, `{"data":`+row.data+`,"errors":[{"message":"m"}]}`)
		if err != nil || got.Data != row.complete || got.Partial != (row.any && !row.complete) || len(rows) != row.rows || len(got.Errors) != 1 {
			t.Errorf("%s: %+v with %d rows, %v; want Data %v, Partial %v and %d rows", row.data, got, len(rows), err, row.complete, row.any && !row.complete, row.rows)
		}
	}
}

func TestDecodeRefusals(t *testing.T) {
	t.Parallel()
	var got []string
	answer, err := wire.SendUserInvitesV2.Decode([]byte(`{"data":{"sendUserInvitesV2":{"errors":[{"email":"a","error":"b"},{"error":null,"new":{}},null]}}}`),
		wire.Sink{Refused: func(email, text string) error {
			got = append(got, email+":"+text)
			return nil
		}})
	if all := strings.Join(got, " "); err != nil || !answer.Data || all != "a:b : :" {
		t.Errorf("%+v with %q, %v; want three refusals", answer, all, err)
	}
}

// An error of the receiver's ends the decoding, and is not taken for the answer's.
func TestDecodeStops(t *testing.T) {
	t.Parallel()
	stop := errors.New("stop")
	body := []byte(`{"data":{"sendUserInvitesV2":{"success":[{"id":"i"},{"id":"j"}],"errors":[{},{}]}}}`)
	calls := 0
	for _, sink := range []wire.Sink{
		{Invite: func(*wire.Invite) error { calls++; return stop }},
		{Refused: func(string, string) error { calls++; return stop }},
	} {
		if answer, err := wire.SendUserInvitesV2.Decode(body, sink); err != stop || answer.Data { //nolint:errorlint // as it is
			t.Errorf("Decode = %+v, %v; want the receiver's error", answer, err)
		}
	}
	if calls != 2 {
		t.Errorf("%d calls, want one of each function", calls)
	}
}

func TestDecodeBoundsRows(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		most int
		data string
		want string // "" is success
	}{
		"as many as asked for":   {2, `{"success":[{"id":"i"},{"id":"j"}],"errors":[{},{}]}`, ""},
		"no bound":               {0, `{"success":[{"id":"i"},{"id":"j"}],"errors":[{},{}]}`, ""},
		"one more":               {1, `{"success":[{"id":"i"},{"id":"j"}]}`, "the response has more than 1 invites"},
		"one more, not complete": {1, `{"success":[{},{}]}`, "the response has more than 1 invites"},
		"one more refused":       {1, `{"errors":[{},{}]}`, "the response has more than 1 refused invites"},
	} {
		_, err := wire.SendUserInvitesV2.Decode([]byte(`{"data":{"sendUserInvitesV2":`+row.data+`}}`), wire.Sink{Most: row.most})
		if row.want == "" && err != nil || row.want != "" && (err == nil || err.Error() != row.want) {
			t.Errorf("%s: %v, want %q", name, err, row.want)
		}
	}
}

func TestErrorsAreBounded(t *testing.T) {
	t.Parallel()
	many := strings.Repeat(`{"message":"m"},`, 150)
	body := `{"errors":[` + many + `null]}`
	if answer, _, err := decode(wire.UserInvite, body); err != nil || len(answer.Errors) != 100 {
		t.Errorf("Decode: %d errors, %v; want a hundred", len(answer.Errors), err)
	}
	if got := len(wire.Errors([]byte(body))); got != 100 {
		t.Errorf("Errors: %d errors, want a hundred", got)
	}
}

// A small answer can be unpacked to millions of rows of two bytes. They must cost
// no memory.
//
//nolint:paralleltest // it counts what is allocated
func TestEmptyRowsCostNoMemory(t *testing.T) {
	const size = 2 << 20
	repeated := func(begin, row, end string) []byte {
		return []byte(begin + strings.Repeat(row+",", size/len(row+",")) + row + end)
	}
	decode := func(op *wire.Operation) func([]byte) {
		return func(body []byte) { _, _ = op.Decode(body, wire.Sink{}) }
	}
	for name, row := range map[string]struct {
		body []byte
		read func([]byte)
	}{
		"rows":     {repeated(`{"data":{"userInvites":{"data":[`, `{}`, `]}}}`), decode(wire.UserInvites)},
		"null":     {repeated(`{"data":{"userInvites":{"data":[`, `null`, `]}}}`), decode(wire.UserInvites)},
		"sent":     {repeated(`{"data":{"sendUserInvitesV2":{"success":[`, `{}`, `]}}}`), decode(wire.SendUserInvitesV2)},
		"refused":  {repeated(`{"data":{"sendUserInvitesV2":{"errors":[`, `{}`, `]}}}`), decode(wire.SendUserInvitesV2)},
		"errors":   {repeated(`{"errors":[`, `{}`, `]}`), decode(wire.UserInvite)},
		"none":     {repeated(`{"errors":[`, `null`, `]}`), decode(wire.UserInvite)},
		"unknown":  {repeated(`{"new":[`, `{}`, `]}`), decode(wire.UserInvite)},
		"failure":  {repeated(`{"errors":[`, `{}`, `]}`), func(body []byte) { wire.Errors(body) }},
		"failures": {repeated(`{"errors":[`, `null`, `]}`), func(body []byte) { wire.Errors(body) }},
		"has data": {repeated(`{"data":[`, `{}`, `]}`), func(body []byte) { wire.HasData(body) }},
		"users":    {repeated(`{"data":[`, `{}`, `]}`), func(body []byte) { _, _ = wire.DecodeUsers(body) }},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		row.read(row.body)
		runtime.ReadMemStats(&after)
		// What the other tests do meanwhile counts too, as does a list of 10,000 users.
		if got := after.TotalAlloc - before.TotalAlloc; got > 16<<20 {
			t.Errorf("%s: %d bytes were allocated", name, got)
		}
	}
}

// A reader that is used again has nothing of the answer before.
func TestAnswersAreKeptApart(t *testing.T) {
	t.Parallel()
	full := `{"data":{"userInvites":{"data":[` + rows(20) + `],"totalCount":20}},"errors":[{"message":"m"}]}`
	for range 10 {
		if answer, got, err := decode(wire.UserInvites, full); err != nil || len(got) != 20 || answer.Total != 20 {
			t.Fatalf("%+v with %d rows, %v; want 20", answer, len(got), err)
		}
		if _, _, err := decode(wire.UserInvites, full[:1000]); err == nil {
			t.Fatal("half an answer was read")
		}
		answer, got, err := decode(wire.UserInvites, `{"data":{"userInvites":{"data":[{"id":"i"}],"totalCount":1}}}`)
		if err != nil || len(got) != 1 || answer.Errors != nil || got[0].Email != "" || got[0].RoleKeys != nil {
			t.Fatalf("%+v with %+v, %v; want one row with an id only", answer, got, err)
		}
	}
}
