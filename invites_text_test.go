package roq_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/go-roq/roq"
)

// One bad name does not take its page along.
func TestListsWithABadName(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]string{
		"half a pair":     `"firstName":"\ud800"`,
		"Latin-1":         "\"firstName\":\"\xfc\"",
		"a member twice":  `"new":1,"new":2,"firstName":"\ufffd"`,
		"inside the data": `"data":{"a":"\ud800","a":1},"firstName":"\ufffd"`,
	} {
		page := make([]string, 100)
		for i := range page {
			page[i] = fmt.Sprintf(`{"id":"i%d","email":"e%d@acme.example","status":"pending","createdAt":"2026-01-02T03:04:05.000Z"}`, i, i)
		}
		page[31] = `{"id":"i31","email":"e31@acme.example",` + bad + `,"createdAt":"2026-01-02T03:04:05.000Z"}`
		page[32] = `{"id":32,"email":"e32` + "\xff" + `@acme.example","createdAt":"2026-01-02T03:04:05.000Z"}`
		m := newMock(t, answer("userInvites", `{"data":[`+strings.Join(page, ",")+`],"totalCount":100}`))
		n := 0
		for invite, err := range m.client.AsUser(userID).AllUserInvites(t.Context(), roq.UserInvitesQuery{}) {
			if err != nil {
				t.Fatalf("%s: after %d invites: %v", name, n, err)
			}
			switch n {
			case 31:
				if invite.FirstName != "\ufffd" {
					t.Errorf("%s: the name is %q", name, invite.FirstName)
				}
			case 32:
				if invite.ID != "32" || invite.Email != "e32\ufffd@acme.example" {
					t.Errorf("%s: the invite is %+v", name, invite)
				}
			default:
				if want := fmt.Sprintf("e%d@acme.example", n); invite.Email != want {
					t.Errorf("%s: the address is %q, want %q", name, invite.Email, want)
				}
			}
			n++
		}
		if n != 100 || len(m.sent()) != 1 {
			t.Errorf("%s: %d invites of %d requests, want a hundred of one", name, n, len(m.sent()))
		}
	}
}

// An address that had to be repaired is nobody's, not even that of somebody whose
// address looks so.
func TestABadAddressIsNobodys(t *testing.T) {
	t.Parallel()
	made := func(email string) string {
		return `{"id":"i","email":"` + email + `","status":"pending","createdAt":"2026-01-02T03:04:05.000Z"}`
	}
	for name, body := range map[string]string{
		"made":    `{"success":[` + made("bob\xff@acme.example") + `],"errors":[]}`,
		"refused": `{"success":[],"errors":[{"email":"bob\ud800@acme.example","error":"{\"errorCode\":\"USER_ALREADY_EXISTS\"}"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newMock(t, byOperation("sendUserInvites", answer("sendUserInvitesV2", body),
					answer("userInvites", `{"data":[`+made("bob\xfe@acme.example")+`],"totalCount":1}`)))
				for _, email := range []string{"bob@acme.example", "bob\ufffd@acme.example"} {
					sent, err := m.client.AsUser(userID).SendUserInvites(t.Context(), invitation(email))
					if errors.Is(err, roq.ErrInvalidInput) {
						continue
					}
					if !errors.Is(err, roq.ErrOutcomeUnknown) || len(sent.Unknown) != 1 {
						t.Errorf("%s: %+v, %v; want its outcome unknown", email, sent, err)
					}
				}
			})
		})
	}
}

// An answer about an id that had to be repaired is about another invite.
func TestABadIDIsAnotherInvites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		other := strings.Replace(invite, inviteID, inviteID+"\xff", 1)
		m := newMock(t, byOperation("cancelUserInvite", answer("cancelUserInvite", other), nothingFound()))
		if got, err := m.client.AsUser(userID).CancelUserInvite(t.Context(), inviteID); !errors.Is(err, roq.ErrOutcomeUnknown) || got != nil {
			t.Errorf("CancelUserInvite = %+v, %v; want ErrOutcomeUnknown", got, err)
		}
	})
}
