package wire_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/go-roq/roq/internal/wire"
)

// The body of a send is what encoding/json understands it to be, whatever is in the
// texts and however the lengths of the invites differ.
func TestRequestSend(t *testing.T) {
	t.Parallel()
	texts := []string{"", "Ada", "J\u00fcrgen", `"quoted" \ text`, "line\nbreak", "\x00\x7f", "<&>\u2028", strings.Repeat("long", 1000)}
	for _, invites := range []int{0, 1, 2, 50} {
		send := wire.Send{TenantID: "t\u00fc", Len: invites, At: func(i int, c *wire.Create) {
			if !reflect.DeepEqual(*c, wire.Create{}) {
				t.Errorf("the %d-th invite began as %+v, want it zero", i, c)
			}
			c.CreatedByUserID, c.Email, c.FirstName = "c", fmt.Sprint(i, "@example.com"), texts[i%len(texts)]
			if i%3 == 0 {
				c.Roles, c.InjectableVariables = []string{"r", texts[i%len(texts)]}, []byte(`{"a":[1]}`)
			}
		}}
		before, err := wire.SendUserInvitesV2.Request(wire.GetID{ID: "i"})
		if err != nil {
			t.Fatal(err)
		}
		body, err := wire.SendUserInvitesV2.Request(wire.SendV2{Data: send})
		if err != nil {
			t.Fatal(err)
		}
		type create struct {
			CreatedByUserID     string          `json:"createdByUserId"`
			Email               string          `json:"email"`
			FirstName           string          `json:"firstName"`
			Roles               []string        `json:"roles"`
			InjectableVariables json.RawMessage `json:"injectableVariables"`
		}
		var got struct {
			Variables struct {
				Data struct {
					TenantID    string   `json:"tenantId"`
					UserInvites []create `json:"userInvites"`
				} `json:"data"`
			} `json:"variables"`
		}
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatalf("%d invites: %v", invites, err)
		}
		if data := got.Variables.Data; data.TenantID != send.TenantID || len(data.UserInvites) != invites {
			t.Errorf("tenant %q and %d invites, want %q and %d", data.TenantID, len(data.UserInvites), send.TenantID, invites)
		}
		for i, got := range got.Variables.Data.UserInvites {
			var c wire.Create
			send.At(i, &c)
			if want := (create{c.CreatedByUserID, c.Email, c.FirstName, c.Roles, json.RawMessage(c.InjectableVariables)}); !reflect.DeepEqual(got, want) {
				t.Errorf("invite %d = %+v, want %+v", i, got, want)
			}
		}
		// A request leaves what all requests begin with alone.
		if after, err := wire.SendUserInvitesV2.Request(wire.GetID{ID: "i"}); err != nil || string(after) != string(before) {
			t.Errorf("the next request is %q, %v; want %q", after, err, before)
		}
	}
}
