package wire_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-roq/roq/internal/wire"
)

// page is an answer that lists so many invites as the platform gives them.
func page(invites int) []byte {
	rows := make([]string, invites)
	for i := range rows {
		rows[i] = fmt.Sprintf(`{"id":"db7a682d-6dca-4259-b15b-%012d","tenantId":"ee764883-f2c3-4486-9de6-070345e350af",
"email":"person%d@example.com","firstName":"Ada%d","lastName":"Lovelace%d","locale":"en-US","roleKeys":["member","editor"],"data":null,
"status":"pending","statusUpdatedAt":"2023-10-27T00:14:36.900Z","createdAt":"2023-10-27T00:14:36.900Z","updatedAt":"2023-10-27T00:14:36.900Z",
"createdByUserId":"530c9a92-71c5-4dce-a6e3-c638c2d0b1bc","acceptedByUserId":null,"userTokenId":"2b7a682d-6dca-4259-b15b-%012d"}`, i, i, i%50, i%70, i)
	}
	return fmt.Appendf(nil, `{"data":{"userInvites":{"totalCount":%d,"data":[%s]}}}`, invites, strings.Join(rows, ","))
}

func BenchmarkDecode(b *testing.B) {
	for _, invites := range []int{1, 10, 1000} {
		body := page(invites)
		b.Run(fmt.Sprint(invites), func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				rows := make([]wire.Invite, 0, invites)
				answer, err := wire.UserInvites.Decode(body, wire.Sink{Invite: func(row *wire.Invite) error {
					rows = append(rows, *row)
					return nil
				}})
				if err != nil || !answer.Data || len(rows) != invites {
					b.Fatalf("%d invites, %v; want %d", len(rows), err, invites)
				}
			}
		})
	}
}
