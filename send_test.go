package roq_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-roq/roq"
)

func TestRefusedInvites(t *testing.T) {
	t.Parallel()
	m := newMock(t, answer("sendUserInvitesV2", `{"success":null,"errors":[
		{"email":"a@x.org","error":"plain text about a@x.org"},
		{"email":"b@x.org","error":"{\"message\":\"b@x.org has a pending invite\",\"variables\":{},\"errorCode\":\"USER_ALREADY_INVITED\"}"},
		{"email":"c@x.org","error":"{\"errorCode\":\"USER_ALREADY_EXISTS\"}"},
		{"email":"d@x.org","error":"{\"unknown\":1}"}]}`))
	in := invitation("a@x.org", "b@x.org", "c@x.org", "d@x.org")
	in.UserInvites[1].FirstName, in.UserInvites[1].LastName = "Bea", "Bell"
	result, err := m.client.AsUser(userID).SendUserInvites(t.Context(), in)
	if err != nil {
		t.Fatalf("SendUserInvites = %v, want no error of the call", err)
	}
	want := []roq.UserInviteError{
		{Email: "a@x.org", Message: "plain text about [redacted]"},
		{Index: 1, Email: "b@x.org", FirstName: "Bea", LastName: "Bell", Code: "USER_ALREADY_INVITED", Message: "[redacted] has a pending invite"},
		{Index: 2, Email: "c@x.org", Code: "USER_ALREADY_EXISTS"},
		{Index: 3, Email: "d@x.org", Message: `{"unknown":1}`},
	}
	if !slices.Equal(result.Errors, want) {
		for i := range result.Errors {
			t.Errorf("Errors[%d] = %q %q %q", i, result.Errors[i].Email, result.Errors[i].Code, result.Errors[i].Message)
		}
	}
	all := result.Err()
	for _, kind := range []error{roq.ErrAlreadyInvited, roq.ErrAlreadyExists} {
		if !errors.Is(all, kind) {
			t.Errorf("Err() = %v, want it to match %v", all, kind)
		}
	}
	if errors.Is(all, roq.ErrAlreadyAccepted) || errors.Is(result.Errors[0], roq.ErrAlreadyInvited) {
		t.Error("an error matches what did not happen")
	}
	var one roq.UserInviteError
	if !errors.As(all, &one) || one.Email != "a@x.org" {
		t.Errorf("errors.As found %q, want the first refusal", one.Email)
	}
}

func TestErrOfACompleteResult(t *testing.T) {
	t.Parallel()
	if err := new(roq.SendUserInvitesResult).Err(); err != nil {
		t.Errorf("Err() = %v, want nil", err)
	}
	var none *roq.SendUserInvitesResult
	if err := none.Err(); err != nil {
		t.Errorf("Err() of no result = %v, want nil", err)
	}
}

// All findings come at once, with their paths, and nothing is sent.
func TestBadInvitesNameEveryFinding(t *testing.T) {
	t.Parallel()
	m := newMock(t, answer("sendUserInvitesV2", `{}`))
	in := roq.SendUserInvitesInput{UserInvites: []roq.UserInviteInput{
		{Email: "good@example.com"},
		{Email: "Bob <b@example.com>", CreatedByUserID: "a\nb"},
		{Email: "GOOD@example.com", CreatedByUserID: "u"},
		{Email: "c@example.com", CreatedByUserID: "u", Locale: "\xff", FirstName: "\xff", LastName: "\xff", Roles: []string{"ok", "\xff"}},
		{Email: "d@example.com", CreatedByUserID: "u", Variables: map[string]any{"f": func() {}}, Data: map[string]any{}},
		{Email: "e@example.com", CreatedByUserID: "u", Variables: map[string]any{"deep": []any{map[string]string{"x": "\xff"}}}},
		{Email: "f@example.com", CreatedByUserID: "u", Variables: map[string]any{"fine": `\ufffd \\ufffd �`}},
	}}
	result, err := m.client.AsSuperAdmin().SendUserInvites(t.Context(), in)
	if result != nil || !errors.Is(err, roq.ErrInvalidInput) || !errors.Is(err, roq.ErrNotSent) || !errors.Is(err, roq.ErrNoTenant) {
		t.Fatalf("SendUserInvites = %+v, %v; want ErrInvalidInput, ErrNotSent and ErrNoTenant", result, err)
	}
	var e *roq.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	want := []string{
		"TenantID: must not be empty",
		"UserInvites[0].CreatedByUserID: must not be empty",
		"UserInvites[1].CreatedByUserID: must be printable ASCII without spaces",
		"UserInvites[1].Email: must be one e-mail address without a name, quotes or spaces",
		"UserInvites[2].Email: must not be the address of UserInvites[0]",
		"UserInvites[3].Locale: must be valid UTF-8",
		"UserInvites[3].FirstName: must be valid UTF-8",
		"UserInvites[3].LastName: must be valid UTF-8",
		"UserInvites[3].Roles[1]: must be valid UTF-8",
		"UserInvites[4].Data: must be nil in this schema version (WithSchema)",
		"UserInvites[4].Variables: cannot be encoded as JSON",
		"UserInvites[5].Variables: must be valid UTF-8",
	}
	if diff := cmp.Diff(want, strings.Split(e.Message, "; ")); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if len(m.requests) != 0 {
		t.Errorf("%d requests were made", len(m.requests))
	}
}

func TestSizesOfAnInput(t *testing.T) {
	t.Parallel()
	m := newMock(t, answer("sendUserInvitesV2", `{}`))
	for name, in := range map[string]roq.SendUserInvitesInput{
		"nobody":    {TenantID: tenantID},
		"a million": {TenantID: tenantID, UserInvites: make([]roq.UserInviteInput, 1_000_000)},
	} {
		_, err := m.client.AsUser(userID).SendUserInvites(t.Context(), in)
		if !errors.Is(err, roq.ErrInvalidInput) || !strings.Contains(err.Error(), "UserInvites: must have from 1 to 100000 invites") {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := m.client.AsUser(userID).SendUserInvites(t.Context(), roq.SendUserInvitesInput{TenantID: tenantID, UserInvites: make([]roq.UserInviteInput, 10_000)})
	if !errors.Is(err, roq.ErrInvalidInput) || len(err.Error()) > 10_000 || !strings.Contains(err.Error(), "and 9900 more") {
		t.Errorf("ten thousand findings made %d bytes of error", len(err.Error()))
	}
}

func TestASessionStandsForWhatIsLeftEmpty(t *testing.T) {
	t.Parallel()
	m := newMock(t, inviting(t))
	session := &roq.Session{RoqUserID: userID, RoqAccessToken: "token", User: roq.SessionUser{TenantID: tenantID}}
	in := roq.SendUserInvitesInput{UserInvites: []roq.UserInviteInput{{Email: "a@x.org"}, {Email: "b@x.org", CreatedByUserID: "other"}}}
	if _, err := m.client.AsSession(session).SendUserInvites(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	_, _, got := m.sent()[0].graphQL(t)
	want := map[string]any{"data": map[string]any{"tenantId": tenantID, "userInvites": []any{
		map[string]any{"email": "a@x.org", "createdByUserId": userID},
		map[string]any{"email": "b@x.org", "createdByUserId": "other"},
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	if in.UserInvites[0].CreatedByUserID != "" {
		t.Error("the caller's input was changed")
	}
	session.User.TenantID = ""
	if _, err := m.client.AsSession(session).SendUserInvites(t.Context(), in); !errors.Is(err, roq.ErrNoTenant) {
		t.Errorf("without a tenant: %v, want ErrNoTenant", err)
	}
}

// Both schema versions, with everything that an invite can have in each.
func TestSchemas(t *testing.T) {
	t.Parallel()
	full := roq.UserInviteInput{CreatedByUserID: userID, Email: "a@x.org", FirstName: "A", LastName: "B", Locale: "en-US", Roles: []string{"r"}}
	fields := func() map[string]any {
		return map[string]any{"createdByUserId": userID, "email": "a@x.org", "firstName": "A", "lastName": "B", "locale": "en-US", "roles": []any{"r"}}
	}
	extra := map[string]any{"k": []any{1.0, "<&>"}}
	for _, row := range []struct {
		schema              roq.Schema
		field, name, object string
		set                 func(*roq.UserInviteInput)
	}{
		{roq.SchemaV2, "sendUserInvitesV2", "data", "injectableVariables", func(i *roq.UserInviteInput) { i.Variables = extra }},
		{roq.SchemaV1, "sendUserInvites", "userInvites", "data", func(i *roq.UserInviteInput) { i.Data = extra }},
	} {
		m := newMock(t, answer(row.field, `{"success":[`+strings.ReplaceAll(invite, "wick.john@roq.tech", "a@x.org")+`]}`), roq.WithSchema(row.schema))
		in := full
		row.set(&in)
		result, err := m.client.AsUser(userID).SendUserInvites(t.Context(), roq.SendUserInvitesInput{TenantID: tenantID, UserInvites: []roq.UserInviteInput{in}})
		if err != nil || len(result.Success) != 1 {
			t.Fatalf("%s: %+v, %v", row.field, result, err)
		}
		one := fields()
		one[row.object] = extra
		want := map[string]any{row.name: map[string]any{"tenantId": tenantID, "userInvites": []any{one}}}
		_, _, got := m.sent()[0].graphQL(t)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.field, diff)
		}
	}
	m := newMock(t, answer("sendUserInvites", `{}`), roq.WithSchema(roq.SchemaV1))
	in := full
	in.Variables = extra
	_, err := m.client.AsUser(userID).SendUserInvites(t.Context(), roq.SendUserInvitesInput{TenantID: tenantID, UserInvites: []roq.UserInviteInput{in}})
	if !errors.Is(err, roq.ErrInvalidInput) || !strings.Contains(err.Error(), "UserInvites[0].Variables") {
		t.Errorf("Variables in the first schema = %v, want ErrInvalidInput", err)
	}
}

// Data of the first schema is kept with the invite and comes back.
func TestDataComesBack(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	client := newClient(t, b.Config(), roq.WithSchema(roq.SchemaV1))
	in := roq.SendUserInvitesInput{TenantID: b.tenant, UserInvites: []roq.UserInviteInput{{Email: "a@x.org", Data: map[string]any{"plan": "gold"}}}}
	result, err := client.AsUser(b.user.ID).SendUserInvites(t.Context(), in)
	if err != nil || len(result.Success) != 1 {
		t.Fatalf("SendUserInvites = %+v, %v", result, err)
	}
	var data struct{ Plan string }
	if err := json.Unmarshal(result.Success[0].Data, &data); err != nil || data.Plan != "gold" {
		t.Errorf("Data = %s, want what was sent", result.Success[0].Data)
	}
}

// The text of a result's error is bounded, and what it matches is not.
func TestErrOfManyIsBounded(t *testing.T) {
	t.Parallel()
	var result roq.SendUserInvitesResult
	for i := range 250 {
		result.Errors = append(result.Errors, roq.UserInviteError{Email: fmt.Sprintf("person%d@example.com", i), Code: "USER_ALREADY_INVITED", Message: "no"})
	}
	result.Errors = append(result.Errors, roq.UserInviteError{Code: "USER_ALREADY_EXISTS"})
	result.Unknown = make([]roq.UserInviteInput, 3)
	result.NotSent = make([]roq.UserInviteInput, 4)
	err := result.Err()
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 101 || lines[100] != "and 153 more" || strings.Contains(err.Error(), "person") {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
	for _, kind := range []error{roq.ErrAlreadyInvited, roq.ErrAlreadyExists, roq.ErrOutcomeUnknown, roq.ErrNotSent} {
		if !errors.Is(err, kind) {
			t.Errorf("the error is not %v", kind)
		}
	}
}
