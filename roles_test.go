package roq_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

func TestInviteRoles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, []roqtest.Option{roqtest.WithRoles(
			roqtest.Role{Key: "writer", Name: "Writer"},
			roqtest.Role{Key: "root", Name: "Administrator", NotForInvites: true},
			roqtest.Role{Key: "editor", Name: "Editor"},
		)})
		roles, err := b.client.AsUser(b.user.ID).InviteRoles(t.Context())
		known := b.Roles()
		want := []roq.Role{{ID: known[2].ID, Key: "editor", Name: "Editor"}, {ID: known[0].ID, Key: "writer", Name: "Writer"}}
		if diff := cmp.Diff(want, roles); diff != "" || err != nil {
			t.Errorf("InviteRoles: %v (-want +got):\n%s", err, diff)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, []roqtest.Option{roqtest.WithRoles()})
		if roles, err := b.client.AsSuperAdmin().InviteRoles(t.Context()); err != nil || roles == nil || len(roles) != 0 {
			t.Errorf("InviteRoles without roles = %v, %v", roles, err)
		}
	})
	// More than fit on a page.
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, nil)
		for i := range 250 {
			b.AddRole(roqtest.Role{Key: fmt.Sprintf("role%03d", i)})
		}
		roles, err := b.client.AsSuperAdmin().InviteRoles(t.Context())
		if err != nil || len(roles) != 253 || roles[252].Key != "role249" {
			t.Errorf("InviteRoles = %d roles, %v; want 253", len(roles), err)
		}
	})
}

func TestInviteRolesAnswers(t *testing.T) {
	t.Parallel()
	one := answer("roles", `{"totalCount":1,"data":[{"id":1,"key":"k","name":"N"}]}`)
	for name, row := range map[string]struct {
		its  httpmock.Responder
		want []roq.Role
		kind error
	}{
		"one":                   {its: one, want: []roq.Role{{ID: "1", Key: "k", Name: "N"}}},
		"after a 503":           {its: inOrder(httpmock.NewStringResponder(503, ""), one), want: []roq.Role{{ID: "1", Key: "k", Name: "N"}}},
		"an error beside it":    {its: jsonAnswer(200, `{"data":{"roles":{"totalCount":2,"data":[{"id":"1","key":"k"}]}},"errors":[{"message":"m","extensions":{"code":"FORBIDDEN"}}]}`), want: []roq.Role{{ID: "1", Key: "k"}}, kind: roq.ErrForbidden},
		"more than there are":   {its: answer("roles", `{"totalCount":9,"data":[]}`), want: []roq.Role{}},
		"refused":               {its: refusal(403), kind: roq.ErrForbidden},
		"no totalCount":         {its: answer("roles", `{"data":[]}`), kind: roq.ErrUnavailable},
		"no data":               {its: answer("roles", `{"totalCount":0}`), kind: roq.ErrUnavailable},
		"no key":                {its: answer("roles", `{"totalCount":1,"data":[{"id":"1"}]}`), kind: roq.ErrUnavailable},
		"another type":          {its: answer("roles", `{"totalCount":1,"data":[{"id":{},"key":"k"}]}`), kind: roq.ErrUnavailable},
		"too many":              {its: answer("roles", `{"totalCount":1,"data":[`+strings.Repeat(`{},`, 2000)+`{}]}`), kind: roq.ErrUnavailable},
		"a list without an end": {its: answer("roles", `{"totalCount":1000000,"data":[{"key":"k"}]}`), kind: roq.ErrUnavailable},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := newMock(t, row.its)
			got, err := m.client.AsUser(userID).InviteRoles(t.Context())
			if (err != nil) != (row.kind != nil) || row.kind != nil && !errors.Is(err, row.kind) {
				t.Errorf("%s: %v, want %v", name, err, row.kind)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
			_, operation, variables := m.sent()[0].graphQL(t)
			want := map[string]any{"filter": map[string]any{"invite": map[string]any{"equalTo": true}}, "limit": 100.0, "order": map[string]any{"sort": "name", "order": "ASC"}}
			if diff := cmp.Diff(want, variables); diff != "" || operation != "roles" {
				t.Errorf("%s: sent %s (-want +got):\n%s", name, operation, diff)
			}
		})
	}
}

func TestTenant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, nil)
		other := b.AddTenant("Globex")
		platform := b.client.AsUser(b.user.ID)
		tenant, err := platform.Tenant(t.Context(), b.tenant)
		if err != nil || tenant.ID != b.tenant || tenant.Name != "Acme" || tenant.Reference != "" || tenant.CreatedAt.IsZero() || !tenant.UpdatedAt.Equal(tenant.CreatedAt) {
			t.Errorf("Tenant = %+v, %v", tenant, err)
		}
		if tenant, err := platform.Tenant(t.Context(), other); !errors.Is(err, roq.ErrNotFound) {
			t.Errorf("another tenant: %+v, %v", tenant, err)
		}
		if tenant, err := b.client.AsSuperAdmin().Tenant(t.Context(), other); err != nil || tenant.Name != "Globex" {
			t.Errorf("as super admin: %+v, %v", tenant, err)
		}
		if _, err := platform.Tenant(t.Context(), "no-uuid"); !errors.Is(err, roq.ErrInvalidInput) || errors.Is(err, roq.ErrNotSent) {
			t.Errorf("an id that is no UUID: %v", err)
		}
		if _, err := platform.Tenant(t.Context(), ""); !errors.Is(err, roq.ErrInvalidInput) || !errors.Is(err, roq.ErrNotSent) {
			t.Errorf("no id: %v", err)
		}
	})
	for name, row := range map[string]struct {
		its  httpmock.Responder
		want *roq.Tenant
		kind error
	}{
		"little":       {its: answer("tenant", `{"id":"t","name":null,"reference":"r","createdAt":null}`), want: &roq.Tenant{ID: "t", Reference: "r"}},
		"null":         {its: jsonAnswer(200, `{"data":{"tenant":null},"errors":[{"message":"m","extensions":{"response":{"statusCode":404}}}]}`), kind: roq.ErrNotFound},
		"no id":        {its: answer("tenant", `{"name":"n"}`), kind: roq.ErrUnavailable},
		"another type": {its: answer("tenant", `{"id":"t","createdAt":"yesterday"}`), kind: roq.ErrUnavailable},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := newMock(t, row.its)
			got, err := m.client.AsUser(userID).Tenant(t.Context(), tenantID)
			if (err != nil) != (row.kind != nil) || row.kind != nil && !errors.Is(err, row.kind) {
				t.Errorf("%s: %v, want %v", name, err, row.kind)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		})
	}
}
