package wire_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-roq/roq/internal/wire"
)

// A string is plain if each of its bytes is, wherever it stands.
func TestPlainLength(t *testing.T) {
	t.Parallel()
	for length := range 20 {
		for at := range length {
			for c := range 256 {
				text := []byte(strings.Repeat("x", length))
				text[at] = byte(c)
				body := `"` + string(text) + `"` + strings.Repeat(" ", length%9)
				want := 0
				switch {
				case c == '"':
					want = at + 2
				case c >= ' ' && c < 0x80 && c != '\\':
					want = length + 2
				}
				if got := wire.PlainLength([]byte(body)); got != want {
					t.Fatalf("%q: %d, want %d", body, got, want)
				}
				if got := wire.PlainLength([]byte(body[:length+1])); want == length+2 && got != 0 {
					t.Fatalf("%q: %d, want it to have no end", body[:length+1], got)
				}
			}
		}
	}
}

// An answer in another form than the usual is read as well, and nothing of it twice. A row
// that ends the reading ends it in either form.
func TestEveryFormIsPassedOnOnce(t *testing.T) {
	t.Parallel()
	stop := errors.New("stop")
	for name, row := range map[string]struct{ before, between, after string }{
		"the usual":                {`{"data":{"sendUserInvitesV2":{"success":[`, `,`, `],"errors":[{"email":"x@y","error":"{\"a\":1}"}]}}}`},
		"spaces":                   {" {\n\"data\" : {\"sendUserInvitesV2\"\t:{ \"success\" : [ ", " ,\r\n ", " ] , \"errors\" : [ { \"error\" : \"é\" , \"email\":null } ] } } } "},
		"more behind the data":     {`{"data":{"sendUserInvitesV2":{"success":[`, `,`, `],"errors":[{"email":"x@y","error":"e"}]}},"extensions":{}}`},
		"more behind the rows":     {`{"data":{"sendUserInvitesV2":{"success":[`, `,`, `],"errors":[{"email":"x@y","error":"e"}],"new":1}}}`},
		"more in a refusal":        {`{"data":{"sendUserInvitesV2":{"success":[`, `,`, `],"errors":[{"email":"x@y","error":"e","new":1}]}}}`},
		"refusals first":           {`{"data":{"sendUserInvitesV2":{"errors":[{"email":"x@y","error":"e"}],"success":[`, `,`, `]}}}`},
		"an error too":             {`{"errors":[{"message":"m"}],"data":{"sendUserInvitesV2":{"success":[`, `,`, `],"errors":[{"email":"x@y","error":"e"}]}}}`},
		"a row with more, between": {`{"data":{"sendUserInvitesV2":{"success":[`, `,{"id":"more","new":[{}]},`, `],"errors":[{"email":"x@y","error":"e"}]}}}`},
		"a long value, between":    {`{"data":{"sendUserInvitesV2":{"success":[`, `,{"id":"long","data":"` + strings.Repeat("é", 20_000) + `"},`, `],"errors":[{"email":"x@y","error":"e"}]}}}`},
		"text to repair, between":  {`{"data":{"sendUserInvitesV2":{"success":[`, ",{\"id\":\"broken\",\"firstName\":\"\xff\"},", `],"errors":[{"email":"x@y","error":"e"}]}}}`},
	} {
		body := row.before + someRow + row.between + `{"lastName":"L","id":"j","data":{"k":"\u00fc"}}` + row.after
		for stopAt := range 4 {
			seen, refused := map[string]int{}, 0
			answer, err := wire.SendUserInvitesV2.Decode([]byte(body), wire.Sink{
				Invite: func(i *wire.Invite) error {
					if seen[i.ID]++; len(seen) == stopAt {
						return stop
					}
					return nil
				},
				Refused: func(string, string) error {
					refused++
					return nil
				},
			})
			if stopAt > 0 && errors.Is(err, stop) && len(seen) == stopAt {
				continue
			}
			rows := 2
			if strings.Contains(name, "between") {
				rows = 3
			}
			if err != nil || !answer.Data || len(seen) != rows || seen["i"] != 1 || seen["j"] != 1 || refused != 1 || stopAt > 0 && stopAt <= rows {
				t.Errorf("%s, stopped at %d: %+v with %v and %d refused, %v", name, stopAt, answer, seen, refused, err)
			}
		}
	}
}
