package wire_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/go-roq/roq/internal/wire"
)

// Data without invites is read by the same strict rules, and what can be repaired is.
func TestModels(t *testing.T) {
	t.Parallel()
	yes, one := true, 1
	for name, row := range map[string]struct {
		op      *wire.Operation
		data    string
		into    wire.Model
		want    wire.Model
		partial bool
		err     string
	}{
		"a token":         {op: wire.CheckUserInviteToken, data: `{"checkUserInviteToken":{"isValid":true,"email":"a@b.c","more":[{}]}}`, into: new(wire.TokenCheck), want: &wire.TokenCheck{Email: "a@b.c", IsValid: &yes}},
		"without isValid": {op: wire.CheckUserInviteToken, data: `{"checkUserInviteToken":{"email":"a@b.c"}}`, into: new(wire.TokenCheck), partial: true},
		"null":            {op: wire.CheckUserInviteToken, data: `{"checkUserInviteToken":null}`, into: new(wire.TokenCheck), err: "lacks"},
		"a text":          {op: wire.CheckUserInviteToken, data: `{"checkUserInviteToken":"a@b.c"}`, into: new(wire.TokenCheck), err: "a string"},
		"another case":    {op: wire.CheckUserInviteToken, data: `{"checkUserInviteToken":{"ISVALID":true}}`, into: new(wire.TokenCheck), partial: true},
		"read twice":      {op: wire.CheckUserInviteToken, data: `{"checkUserInviteToken":{"isValid":true,"isValid":true}}`, into: new(wire.TokenCheck), err: "twice"},
		"unread twice":    {op: wire.CheckUserInviteToken, data: `{"checkUserInviteToken":{"isValid":true,"x":1,"x":2}}`, into: new(wire.TokenCheck), want: &wire.TokenCheck{IsValid: &yes}},
		"a tenant":        {op: wire.GetTenant, data: `{"tenant":{"id":7,"name":"N","reference":null}}`, into: new(wire.Tenant), want: &wire.Tenant{ID: "7", Name: "N"}},
		"half a pair":     {op: wire.GetTenant, data: `{"tenant":{"id":"t","name":"\ud800"}}`, into: new(wire.Tenant), want: &wire.Tenant{ID: "t", Name: "\ufffd"}},
		"half an id":      {op: wire.GetTenant, data: `{"tenant":{"id":1.5}}`, into: new(wire.Tenant), err: "a number"},
		"a time":          {op: wire.GetTenant, data: `{"tenant":{"id":"t","createdAt":"canary@acme.example"}}`, into: new(wire.Tenant), err: "cannot be read"},
		"roles":           {op: wire.Roles, data: `{"roles":{"totalCount":1,"data":[{"id":"r","key":"k","name":"N"}]}}`, into: new(wire.RolePage), want: &wire.RolePage{Data: []wire.Role{{ID: "r", Key: "k", Name: "N"}}, TotalCount: &one}},
		"no list":         {op: wire.Roles, data: `{"roles":{"totalCount":1}}`, into: new(wire.RolePage), partial: true},
		"no count":        {op: wire.Roles, data: `{"roles":{"data":[]}}`, into: new(wire.RolePage), partial: true},
		"no key":          {op: wire.Roles, data: `{"roles":{"totalCount":1,"data":[{"id":"r"}]}}`, into: new(wire.RolePage), partial: true},
		"null in a list":  {op: wire.Roles, data: `{"roles":{"totalCount":1,"data":[null]}}`, into: new(wire.RolePage), partial: true},
		"too many":        {op: wire.Roles, data: `{"roles":{"totalCount":1,"data":[` + strings.Repeat(`{"key":"k"},`, 1000) + `{"key":"k"}]}}`, into: new(wire.RolePage), err: "more than 1000 roles"},
	} {
		answer, err := row.op.Decode([]byte(`{"data":`+row.data+`}`), wire.Sink{Into: row.into})
		switch {
		case row.err != "":
			if err == nil || !strings.Contains(err.Error(), row.err) || strings.Contains(err.Error(), "@") || answer.Data {
				t.Errorf("%s: %+v, %v; want %q", name, answer, err, row.err)
			}
		case row.partial:
			if err == nil && (answer.Data || !answer.Partial) {
				t.Errorf("%s: %+v, %v; want it in part", name, answer, err)
			}
		case err != nil || !answer.Data:
			t.Errorf("%s: %+v, %v", name, answer, err)
		default:
			if diff := cmp.Diff(row.want, row.into); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	}
}
