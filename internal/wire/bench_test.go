package wire_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-roq/roq/internal/wire"
)

// rows are so many invites as the platform gives them.
func rows(invites int) string {
	rows := make([]string, invites)
	for i := range rows {
		rows[i] = fmt.Sprintf(`{"id":"db7a682d-6dca-4259-b15b-%012d","tenantId":"ee764883-f2c3-4486-9de6-070345e350af","email":"person%d@example.com","firstName":"Ada%d","lastName":"Lovelace%d","locale":"en-US","roleKeys":["member","editor"],"data":null,"status":"pending","statusUpdatedAt":"2023-10-27T00:14:36.900Z","createdAt":"2023-10-27T00:14:36.900Z","updatedAt":"2023-10-27T00:14:36.900Z","createdByUserId":"530c9a92-71c5-4dce-a6e3-c638c2d0b1bc","acceptedByUserId":null,"userTokenId":"2b7a682d-6dca-4259-b15b-%012d"}`, i, i, i%50, i%70, i)
	}
	return strings.Join(rows, ",")
}

func benchmarkDecode(b *testing.B, op *wire.Operation, format string, sizes ...int) {
	for _, invites := range sizes {
		body := []byte(strings.NewReplacer("%s", rows(invites), "%d", fmt.Sprint(invites)).Replace(format))
		b.Run(fmt.Sprint(invites), func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				n := 0
				answer, err := op.Decode(body, wire.Sink{Invite: func(*wire.Invite) error {
					n++
					return nil
				}})
				if err != nil || !answer.Data || n != invites {
					b.Fatalf("%+v with %d invites, %v; want %d", answer, n, err, invites)
				}
			}
		})
	}
}

func BenchmarkDecodePage(b *testing.B) {
	benchmarkDecode(b, wire.UserInvites, `{"data":{"userInvites":{"data":[%s],"totalCount":%d}}}`, 1, 10, 1000)
}

func BenchmarkDecodeSent(b *testing.B) {
	benchmarkDecode(b, wire.SendUserInvitesV2, `{"data":{"sendUserInvitesV2":{"success":[%s],"errors":[]}}}`, 1, 100, 1000)
}

func BenchmarkRequestSend(b *testing.B) {
	for _, invites := range []int{1, 100, 1000} {
		emails := make([]string, invites)
		for i := range emails {
			emails[i] = fmt.Sprintf("person%d@example.com", i)
		}
		roles := []string{"member", "editor"}
		send := wire.SendV2{Data: wire.Send{TenantID: "ee764883-f2c3-4486-9de6-070345e350af", Len: invites, At: func(i int, c *wire.Create) {
			c.CreatedByUserID, c.Email = "530c9a92-71c5-4dce-a6e3-c638c2d0b1bc", emails[i]
			c.FirstName, c.LastName, c.Locale, c.Roles = "Ada", "Lovelace", "en-US", roles
		}}}
		b.Run(fmt.Sprint(invites), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := wire.SendUserInvitesV2.Request(send); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
