package roq_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/journal"
)

// spellings are addresses as they are written, and as a platform may store them.
func spellings() map[string][2]string {
	return map[string][2]string{
		"case":                 {"Ann.Lee@Example.com", "ann.lee@example.com"},
		"dots":                 {"ann.lee@gmail.com", "annlee@gmail.com"},
		"Google's other name":  {"ann.lee@googlemail.com", "annlee@gmail.com"},
		"NFC":                  {"ju\u0308rgen@example.com", "j\u00fcrgen@example.com"},
		"NFD":                  {"j\u00fcrgen@example.com", "ju\u0308rgen@example.com"},
		"punycode":             {"ann@b\u00fccher.example", "ann@xn--bcher-kva.example"},
		"Unicode":              {"ann@xn--bcher-kva.example", "ann@b\u00fccher.example"},
		"dots elsewhere":       {"ann.lee@example.com", "annlee@example.com"},
		"without what follows": {"ann+roq@example.com", "ann@example.com"},
	}
}

// What an answer has left over is who was asked for in another spelling.
func TestSendStoredInAnotherSpelling(t *testing.T) {
	t.Parallel()
	named := func(email string) string { return strings.ReplaceAll(invite, "wick.john@roq.tech", email) }
	for name, s := range spellings() {
		made := newMock(t, answer("sendUserInvitesV2", `{"success":[`+named(s[1])+`,`+named("b@x.org")+`]}`), roq.WithSettleTimeout(0))
		result, err := made.client.AsUser(userID).SendUserInvites(t.Context(), invitation("b@x.org", s[0]))
		if err != nil || len(result.Success) != 2 {
			t.Errorf("%s: %v, %v; want both sent", name, account(result), err)
		}
		refused := newMock(t, answer("sendUserInvitesV2", `{"success":[`+named("b@x.org")+`],"errors":[{"email":"`+s[1]+`","error":"no"}]}`), roq.WithSettleTimeout(0))
		result, err = refused.client.AsUser(userID).SendUserInvites(t.Context(), invitation("b@x.org", s[0]))
		if diff := cmp.Diff(map[string][]string{"success": {"b@x.org"}, "errors": {s[0]}}, account(result)); err != nil || diff != "" {
			t.Errorf("%s refused: %v (-want +got):\n%s", name, err, diff)
		}
	}
	for name, row := range map[string]struct {
		asked, made []string
		want        map[string][]string
	}{
		"two at once":  {[]string{"a.b@gmail.com", "c.d@gmail.com"}, []string{"cd@gmail.com", "ab@gmail.com"}, map[string][]string{"success": {"a.b@gmail.com", "c.d@gmail.com"}}},
		"two alike":    {[]string{"a.b@x.org", "a_b@x.org"}, []string{"ab@x.org"}, map[string][]string{"unknown": {"a.b@x.org", "a_b@x.org"}}},
		"one was said": {[]string{"a.b@x.org", "ab@x.org"}, []string{"ab@x.org"}, map[string][]string{"success": {"ab@x.org"}, "unknown": {"a.b@x.org"}}},
		"a stranger":   {[]string{"a@x.org"}, []string{"eve@x.org"}, map[string][]string{"unknown": {"a@x.org"}}},
	} {
		var rows []string
		for _, email := range row.made {
			rows = append(rows, named(email))
		}
		m := newMock(t, answer("sendUserInvitesV2", `{"success":[`+strings.Join(rows, ",")+`]}`), roq.WithSettleTimeout(0))
		result, err := m.client.AsUser(userID).SendUserInvites(t.Context(), invitation(row.asked...))
		got := account(result)
		if len(row.want["unknown"]) == 0 {
			got = map[string][]string{"success": row.asked} // which account has as they are stored
			if len(result.Success) != len(row.asked) {
				t.Errorf("%s: %v", name, account(result))
			}
		}
		if diff := cmp.Diff(row.want, got); diff != "" || errors.Is(err, roq.ErrOutcomeUnknown) != (len(row.want["unknown"]) > 0) {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

// One mailbox in two spellings is one address: in a call, in a stream, and from one
// run of a campaign to the next.
func TestSendOneMailboxOnce(t *testing.T) {
	t.Parallel()
	for name, s := range spellings() {
		if name == "dots elsewhere" || name == "without what follows" {
			continue // which may be two
		}
		synctest.Test(t, func(t *testing.T) {
			b := newBubbled(t, nil)
			_, err := b.client.AsUser(b.user.ID).SendUserInvites(t.Context(), roq.SendUserInvitesInput{TenantID: b.tenant, UserInvites: []roq.UserInviteInput{{Email: s[0]}, {Email: s[1]}}})
			var e *roq.Error
			if !errors.As(err, &e) || len(e.Findings) != 1 || e.Findings[0].Index != 1 || e.Findings[0].Reason != "must not be the address of UserInvites[0]" {
				t.Errorf("%s: %v, want the second to be refused", name, err)
			}
			path := filepath.Join(t.TempDir(), "journal")
			for run, emails := range [][]string{{s[0], s[1]}, {s[1]}, {s[0]}} {
				file, err := journal.Open(path)
				if err != nil {
					t.Fatal(err)
				}
				outcomes, err := b.sendAll(t.Context(), t, streamOf(nil, emails...), roq.WithJournal(file))
				want := map[roq.OutcomeStatus]int{roq.OutcomeSent: 1}
				if len(emails) == 2 {
					want[roq.OutcomeDuplicate] = 1
				}
				if diff := cmp.Diff(want, statuses(outcomes)); err != nil || diff != "" || len(b.Outbox()) != 1 {
					t.Errorf("%s, run %d: %v, %d e-mails (-want +got):\n%s", name, run, err, len(b.Outbox()), diff)
				}
				if err := file.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// A look-up finds what is stored in another spelling, and does not take it for proof.
func TestLookUpAsksForSpellings(t *testing.T) {
	t.Parallel()
	for name, s := range spellings() {
		if name == "NFD" || name == "dots elsewhere" || name == "without what follows" {
			continue // nobody asks for those
		}
		synctest.Test(t, func(t *testing.T) {
			asked := false
			b := newBubbled(t, nil, roq.WithTransport(func(next http.RoundTripper) http.RoundTripper {
				return roundTripper(func(r *http.Request) (*http.Response, error) {
					body, err := io.ReadAll(r.Body)
					if err != nil {
						return nil, err
					}
					asked = asked || bytes.Contains(body, []byte("query userInvites")) && bytes.Contains(body, []byte(`"`+s[1]+`"`))
					r.Body = io.NopCloser(bytes.NewReader(body))
					return next.RoundTrip(r)
				})
			}))
			b.meddle = on("sendUserInvites", 1, cut)
			if _, err := b.client.AsUser(b.user.ID).SendUserInvites(t.Context(), roq.SendUserInvitesInput{TenantID: b.tenant, UserInvites: []roq.UserInviteInput{{Email: s[0]}}}); err != nil || !asked {
				t.Errorf("%s: %v, asked for the other spelling: %v", name, err, asked)
			}
		})
	}
}
