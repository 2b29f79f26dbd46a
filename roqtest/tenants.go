package roqtest

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/graph-gophers/graphql-go"
)

func (w *world) addTenant(name string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	id := uuid.NewString()
	w.tenants[id] = &tenant{Tenant{id, name}, w.now()}
	w.changes.add(Changes{Settings: 1})
	return id
}

// tenantList returns the tenants by name.
func (w *world) tenantList() []Tenant {
	var all []Tenant
	for _, t := range w.tenants {
		all = append(all, t.Tenant)
	}
	slices.SortFunc(all, func(a, b Tenant) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	return all
}

// The models of tenants.
type (
	tenantModel struct {
		ID                   graphql.ID
		Name                 string
		CreatedAt, UpdatedAt date
		IsDefault            bool
		Reference            *string
	}
	tenantPageModel struct {
		Data       []*tenantModel
		TotalCount int32
	}
	tenantFilter struct {
		ID        *idFilter
		Reference *stringFilter
	}
	tenantsArgs struct {
		Filter        *tenantFilter
		Limit, Offset *int32
	}
)

// Tenant resolves Query.tenant. A user knows their own tenant only, which is our
// reading.
func (r *resolver) Tenant(ctx context.Context, args struct{ ID graphql.ID }) (*tenantModel, error) {
	id := canonical(string(args.ID))
	if id == "" {
		return nil, badInput("id must be a UUID")
	}
	all, _ := r.world.tenantPage(callerOf(ctx), tenantsArgs{Filter: &tenantFilter{ID: &idFilter{EqualTo: &args.ID}}})
	if len(all) == 0 {
		return nil, notFound("TENANT_NOT_FOUND", "there is no such tenant")
	}
	return all[0], nil
}

// Tenants resolves Query.tenants: by name, which is our reading.
func (r *resolver) Tenants(ctx context.Context, args tenantsArgs) (*tenantPageModel, error) {
	if err := validPage(args.Limit, args.Offset); err != nil {
		return nil, err
	}
	if f := args.Filter; f != nil && f.ID != nil && !f.ID.valid() {
		return nil, badInput("ids in a filter must be UUIDs")
	}
	page, total := r.world.tenantPage(callerOf(ctx), args)
	return &tenantPageModel{Data: page, TotalCount: int32(total)}, nil
}

// matches reports whether the conditions hold for a tenant; none has a reference.
func (f *tenantFilter) matches(id string) bool {
	return f == nil || f.ID.matches(id) && f.Reference.matchesNullable("")
}

// tenantPage returns one page of the tenants that the caller sees and that match, and
// how many match in all.
func (w *world) tenantPage(c caller, args tenantsArgs) (page []*tenantModel, total int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	found := []*tenantModel{}
	for _, t := range w.tenantList() {
		if c.sees(t.ID) && args.Filter.matches(t.ID) {
			made := date{w.tenants[t.ID].createdAt}
			found = append(found, &tenantModel{ID: graphql.ID(t.ID), Name: t.Name, CreatedAt: made, UpdatedAt: made})
		}
	}
	return part(found, args.Limit, args.Offset), len(found)
}
