package roqtest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// lived is a platform on which something has happened.
func lived(t *testing.T) (srv *roqtest.Server, ann roqtest.User) {
	t.Helper()
	srv = roqtest.NewServer()
	t.Cleanup(srv.Close)
	ann = srv.AddUser(roqtest.User{TenantID: srv.AddTenant("Acme"), Email: "ann@acme.example", FirstName: "Ann", Roles: []string{"admin"}})
	srv.AddTenant("Globex")
	srv.AddRole(roqtest.Role{Key: "auditor", Name: "Auditor", NotForInvites: true})
	client, err := roq.New(srv.Config(), roq.WithSchema(roq.SchemaV1))
	if err != nil {
		t.Fatal(err)
	}
	platform := client.AsUser(ann.ID)
	sent, err := platform.SendUserInvites(t.Context(), roq.SendUserInvitesInput{TenantID: ann.TenantID, UserInvites: []roq.UserInviteInput{
		{Email: "bob@example.com", Data: map[string]any{"team": "sales"}}, {Email: "eve@example.com"}, {Email: "joe@example.com"}, {Email: "zoe@example.com"},
	}})
	if err := errors.Join(err, sent.Err()); err != nil {
		t.Fatal(err)
	}
	if _, err := srv.Accept(srv.Outbox()[0].Token); err != nil {
		t.Fatal(err)
	}
	if _, err := platform.CancelUserInvite(t.Context(), sent.Success[1].ID); err != nil {
		t.Fatal(err)
	}
	if err := srv.Expire(sent.Success[2].ID); err != nil {
		t.Fatal(err)
	}
	srv.Advance(3 * 24 * time.Hour)
	return srv, ann
}

func restored(t *testing.T, kept string) *roqtest.Server {
	t.Helper()
	srv := roqtest.NewServer()
	t.Cleanup(srv.Close)
	if err := srv.Restore(strings.NewReader(kept)); err != nil {
		t.Fatal(err)
	}
	return srv
}

// A platform that was saved and restored is the same: everything in it, its
// clients, sessions and links.
func TestSaveAndRestore(t *testing.T) {
	t.Parallel()
	before, ann := lived(t)
	session := before.SessionToken(ann.ID)
	var kept bytes.Buffer
	if err := before.Save(&kept); err != nil {
		t.Fatal(err)
	}
	after := restored(t, kept.String())

	for name, pair := range map[string][2]any{
		"invites": {before.Invites(), after.Invites()}, "outbox": {before.Outbox(), after.Outbox()},
		"users": {before.Users(), after.Users()}, "tenants": {before.Tenants(), after.Tenants()}, "roles": {before.Roles(), after.Roles()},
	} {
		if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
			t.Errorf("the %s are others (-before +after):\n%s", name, diff)
		}
	}
	was, is := before.Config(), after.Config()
	was.PlatformURL, was.APIURL, was.AppURL = is.PlatformURL, is.APIURL, is.AppURL
	if was != is {
		t.Error("the keys are others")
	}
	client, err := roq.New(is)
	if err != nil {
		t.Fatal(err)
	}
	visitor, err := client.ParseSession(session)
	if err != nil {
		t.Fatalf("the session of before: %v", err)
	}
	if page, err := client.AsSession(visitor).UserInvites(t.Context(), roq.UserInvitesQuery{}); err != nil || page.TotalCount != 4 {
		t.Errorf("UserInvites with the session of before = %+v, %v", page, err)
	}
	if found, err := client.FindUsers(t.Context(), roq.FindUsersQuery{Email: "bob@example.com"}); err != nil || len(found) != 1 {
		t.Errorf("FindUsers = %+v, %v", found, err)
	}
	if i, err := after.Accept(after.Outbox()[3].Token); err != nil || i.Email != "zoe@example.com" {
		t.Errorf("the link of before: %+v, %v", i, err)
	}
	// Four more days, and a week has passed since the invite was made.
	var again bytes.Buffer
	if err := after.Save(&again); err != nil {
		t.Fatal(err)
	}
	if third := restored(t, again.String()); len(third.Users()) != 3 {
		t.Errorf("restored once more there are %d users, want 3", len(third.Users()))
	}
}

// What was saved before there were roles has the default ones.
func TestRestoreWithoutRoles(t *testing.T) {
	t.Parallel()
	before, _ := lived(t)
	var kept bytes.Buffer
	if err := before.Save(&kept); err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(kept.Bytes(), &all); err != nil {
		t.Fatal(err)
	}
	delete(all, "roles")
	for _, tenant := range all["tenants"].([]any) {
		delete(tenant.(map[string]any), "createdAt")
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	if after := restored(t, string(text)); len(after.Roles()) != 3 || len(after.Tenants()) != 2 {
		t.Errorf("restored are %+v and %+v", after.Roles(), after.Tenants())
	}
}

// The clock goes on where it was.
func TestRestoredClock(t *testing.T) {
	t.Parallel()
	before, _ := lived(t)
	var kept bytes.Buffer
	if err := before.Save(&kept); err != nil {
		t.Fatal(err)
	}
	after := restored(t, kept.String())
	if got := after.Invites()[3].Status; got != roq.StatusPending {
		t.Errorf("after three days the invite is %s", got)
	}
	after.Advance(4 * 24 * time.Hour)
	if got := after.Invites()[3].Status; got != roq.StatusExpired {
		t.Errorf("after seven days the invite is %s", got)
	}
}

// What is not a whole state of this version is refused, and nothing changes.
func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	before, _ := lived(t)
	var kept bytes.Buffer
	if err := before.Save(&kept); err != nil {
		t.Fatal(err)
	}
	changed := func(change func(map[string]any)) string {
		var all map[string]any
		if err := json.Unmarshal(kept.Bytes(), &all); err != nil {
			t.Fatal(err)
		}
		change(all)
		text, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	first := func(all map[string]any, list string) map[string]any { return all[list].([]any)[0].(map[string]any) }
	for name, test := range map[string]struct{ text, want string }{
		"nothing":           {"", "cannot be read"},
		"half of it":        {kept.String()[:kept.Len()/2], "cannot be read"},
		"another file":      {`{"name":"x"}`, "cannot be read"},
		"a newer version":   {changed(func(all map[string]any) { all["version"] = 2 }), "version is 2"},
		"a member more":     {changed(func(all map[string]any) { all["more"] = 1 }), "cannot be read"},
		"no keys":           {changed(func(all map[string]any) { delete(all, "apiKey") }), "keys"},
		"a user's id":       {changed(func(all map[string]any) { first(all, "users")["ID"] = "x" }), "not a UUID"},
		"a user twice":      {changed(func(all map[string]any) { all["users"] = append(all["users"].([]any), first(all, "users")) }), "twice"},
		"no such tenant":    {changed(func(all map[string]any) { all["tenants"] = nil }), "a tenant that does not exist"},
		"an invite's token": {changed(func(all map[string]any) { first(all, "invites")["token"] = "" }), "or no token"},
		"an invite twice":   {changed(func(all map[string]any) { all["invites"] = append(all["invites"].([]any), first(all, "invites")) }), "twice"},
	} {
		srv := roqtest.NewServer()
		cfg := srv.Config()
		if err := srv.Restore(strings.NewReader(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: Restore = %v, want %q", name, err, test.want)
		}
		if srv.Config() != cfg || len(srv.Users()) != 0 {
			t.Errorf("%s: something was changed", name)
		}
		srv.Close()
	}
}
