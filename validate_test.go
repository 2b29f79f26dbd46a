package roq_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/go-roq/roq"
)

// What a database or a mail program fails on, or shows as another text, is refused
// before anything is sent, and named.
func TestValidateTexts(t *testing.T) {
	t.Parallel()
	bad := map[string]string{
		"NUL": "A\x00B", "a line break": "A\nB", "a return": "A\rB", "a tab": "A\tB", "ESC": "A\x1b[31mB", "DEL": "A\x7fB", "C1": "A\u0085B",
		"a line separator": "A\u2028B", "a paragraph separator": "A\u2029B", "an override": "A\u202eB", "an isolate": "A\u2066B", "a mark": "A\u200fB",
	}
	fields := map[string]func(*roq.UserInviteInput, string){
		"FirstName": func(in *roq.UserInviteInput, s string) { in.FirstName = s },
		"LastName":  func(in *roq.UserInviteInput, s string) { in.LastName = s },
		"Locale":    func(in *roq.UserInviteInput, s string) { in.Locale = s },
		"Roles[1]":  func(in *roq.UserInviteInput, s string) { in.Roles = []string{"admin", s} },
		"Variables": func(in *roq.UserInviteInput, s string) {
			in.Variables = map[string]any{"a": []any{map[string]any{"b": s}}}
		},
	}
	in := func(field, s string) roq.UserInviteInput {
		input := roq.UserInviteInput{Email: "ann@example.com"}
		fields[field](&input, s)
		return input
	}
	for field := range fields {
		for name, s := range bad {
			expectFinding(t, field+" with "+name, in(field, s), field, "must not contain control characters, line breaks or marks of text direction")
		}
		for _, s := range []string{"Jürgen", "Ana María de la Cruz", "O’Neil-Smith", "Mária", "李小龍", "می\u200cخواهم", "🚀", "<b>&\"\\"} {
			if err := in(field, s).Validate(); err != nil {
				t.Errorf("%s %q: %v", field, s, err)
			}
		}
	}
	for field, most := range map[string]int{"FirstName": 255, "LastName": 255, "Roles[1]": 255, "Locale": 64} {
		if err := in(field, strings.Repeat("é", most)).Validate(); err != nil {
			t.Errorf("%s of %d characters: %v", field, most, err)
		}
		for _, n := range []int{most + 1, 1 << 20} {
			expectFinding(t, field+" too long", in(field, strings.Repeat("é", n)), field, "must not be longer than")
		}
	}
	expectFinding(t, "an empty role", in("Roles[1]", ""), "Roles[1]", "must not be empty")
	with := func(variables map[string]any) roq.UserInviteInput {
		return roq.UserInviteInput{Email: "ann@example.com", Variables: variables}
	}
	expectFinding(t, "a name of a variable", with(map[string]any{"a\x00b": 1}), "Variables", "must not contain control")
	expectFinding(t, "raw JSON", with(map[string]any{"a": json.RawMessage(`"\u202e"`)}), "Variables", "must not contain control")
	expectFinding(t, "half a character", with(map[string]any{"a": json.RawMessage(`"\ud800"`)}), "Variables", "must be valid UTF-8")
	if err := with(map[string]any{"a": strings.Repeat("x", 4<<20)}).Validate(); err != nil {
		t.Errorf("a long variable: %v", err)
	}
	data := roq.UserInviteInput{Email: "ann@example.com", Data: map[string]any{"note": "a\nb"}}
	if err := data.Validate(); err != nil {
		t.Errorf("a line break in Data: %v", err)
	}
	data.Data["note"] = "\x00"
	expectFinding(t, "NUL in Data", data, "Data", "must not contain a NUL character")
}

func expectFinding(t *testing.T, what string, in roq.UserInviteInput, field, reason string) {
	t.Helper()
	var e *roq.Error
	err := in.Validate()
	if !errors.As(err, &e) || len(e.Findings) != 1 || e.Findings[0].Field != field || !strings.HasPrefix(e.Findings[0].Reason, reason) {
		t.Errorf("%s: %.200v, want %s: %s", what, err, field, reason)
	}
}

// The same holds for a send, of which nothing leaves, and for filters.
func TestBadTextsAreNotSent(t *testing.T) {
	t.Parallel()
	m := newMock(t, refusal(500))
	_, err := m.client.AsUser(userID).SendUserInvites(t.Context(), roq.SendUserInvitesInput{TenantID: tenantID, UserInvites: []roq.UserInviteInput{
		{Email: "a@example.com"}, {Email: "b@example.com", FirstName: "A\x00"},
	}})
	if !errors.Is(err, roq.ErrInvalidInput) || !errors.Is(err, roq.ErrNotSent) {
		t.Errorf("a send: %v", err)
	}
	_, err = m.client.AsUser(userID).UserInvites(t.Context(), roq.UserInvitesQuery{Search: &roq.UserInviteSearch{Key: roq.SearchFirstName, Value: "\x00"}})
	if !errors.Is(err, roq.ErrInvalidInput) || len(m.requests) != 0 {
		t.Errorf("a search: %v after %d requests", err, len(m.requests))
	}
}
