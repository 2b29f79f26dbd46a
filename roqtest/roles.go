package roqtest

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/graph-gophers/graphql-go"
)

// Role is a role of the platform's users.
type Role struct {
	// ID is a UUID. If empty, it is generated.
	ID string
	// Key identifies the role in users and invites, as in "member".
	Key string
	// Name is the display name. If empty, it is the key.
	Name string
	// Description is a text for people.
	Description string
	// NotForInvites excludes it from the roles that can be assigned with an invite.
	NotForInvites bool
}

var defaultRoles = []Role{
	{Key: "admin", Name: "Admin"}, {Key: "member", Name: "Member"}, {Key: "content-creator", Name: "Content creator"},
}

func (w *world) addRole(r Role) Role {
	w.mu.Lock()
	defer w.mu.Unlock()
	r.ID, r.Name = cmp.Or(r.ID, uuid.NewString()), cmp.Or(r.Name, r.Key)
	w.changes.add(Changes{Settings: 1})
	if i := slices.IndexFunc(w.roles, func(known *Role) bool { return known.Key == r.Key }); i >= 0 {
		w.roles[i] = &r
	} else {
		w.roles = append(w.roles, &r)
	}
	return r
}

// roleList returns the roles in the order in which they were added.
func (w *world) roleList() []Role {
	all := make([]Role, len(w.roles))
	for i, r := range w.roles {
		all[i] = *r
	}
	return all
}

// The models and arguments of roles.
type (
	roleModel struct {
		Description     *string
		ID              graphql.ID
		InviteRoleKeys  *[]string
		IsSystemManaged bool
		Key, Name       string
		Reference       *string
	}
	rolePageModel struct {
		Data       []*roleModel
		TotalCount int32
	}
	boolFilter struct{ EqualTo, NotEqualTo *bool }
	roleFilter struct {
		Description, Key, Name                *stringFilter
		ID, PermissionID, UserGroupID, UserID *idFilter
		Invite, IsSystemManaged               *boolFilter
	}
	rolesArgs struct {
		Filter        *roleFilter
		Limit, Offset *int32
		Order         *orderArg
		Search        *searchArg
	}
)

// Role resolves Query.role.
func (r *resolver) Role(args struct{ ID graphql.ID }) (*roleModel, error) {
	id := canonical(string(args.ID))
	if id == "" {
		return nil, badInput("id must be a UUID")
	}
	page, err := r.world.rolePage(rolesArgs{Filter: &roleFilter{ID: &idFilter{EqualTo: &args.ID}}}, nil)
	switch {
	case err != nil:
		return nil, err
	case len(page.Data) == 0:
		return nil, notFound("ROLE_NOT_FOUND", "there is no such role")
	}
	return page.Data[0], nil
}

// Roles resolves Query.roles. Everybody may see them, which is our reading.
func (r *resolver) Roles(args rolesArgs) (*rolePageModel, error) { return r.world.rolePage(args, nil) }

// Roles resolves UserInviteModel.roles: those of its keys that exist.
func (m *inviteModel) Roles(ctx context.Context, args rolesArgs) (*rolePageModel, error) {
	return worldOf(ctx).rolePage(args, func(r *Role) bool { return m.RoleKeys != nil && slices.Contains(*m.RoleKeys, r.Key) })
}

// rolePage returns one page of the roles among those that match. Filters by permission,
// group and user match nothing: this platform has no such relations.
func (w *world) rolePage(args rolesArgs, among func(*Role) bool) (*rolePageModel, error) {
	if err := validPage(args.Limit, args.Offset); err != nil {
		return nil, err
	}
	if f := args.Filter; f != nil {
		for _, ids := range []*idFilter{f.ID, f.PermissionID, f.UserGroupID, f.UserID} {
			if ids != nil && !ids.valid() {
				return nil, badInput("ids in a filter must be UUIDs")
			}
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []*Role
	for _, r := range w.roles {
		if (among == nil || among(r)) && args.Filter.matches(r) && args.Search.matchesRole(r) {
			found = append(found, r)
		}
	}
	args.Order.sortRoles(found)
	page := &rolePageModel{Data: []*roleModel{}, TotalCount: int32(len(found))}
	for _, r := range part(found, args.Limit, args.Offset) {
		page.Data = append(page.Data, &roleModel{ID: graphql.ID(r.ID), Key: r.Key, Name: r.Name, Description: known(r.Description)})
	}
	return page, nil
}

func (f *roleFilter) matches(r *Role) bool {
	return f == nil ||
		f.ID.matches(r.ID) && f.Key.matches(r.Key) && f.Name.matches(r.Name) && f.Description.matchesNullable(r.Description) &&
			f.Invite.matches(!r.NotForInvites) && f.IsSystemManaged.matches(false) &&
			f.PermissionID == nil && f.UserGroupID == nil && f.UserID == nil
}

func (f *boolFilter) matches(b bool) bool {
	return f == nil || (f.EqualTo == nil || *f.EqualTo == b) && (f.NotEqualTo == nil || *f.NotEqualTo != b)
}

// matchesRole looks for the value anywhere in the field, whatever the case: our reading.
func (a *searchArg) matchesRole(r *Role) bool {
	if a == nil {
		return true
	}
	field := map[string]string{"description": r.Description, "key": r.Key, "name": r.Name}[a.Key]
	return strings.Contains(strings.ToLower(field), strings.ToLower(a.Value))
}

// sortRoles orders by one field; roles that are equal by it stay in the order in which
// they were added, and so do all by their times.
func (a *orderArg) sortRoles(roles []*Role) {
	if a == nil {
		return
	}
	field := func(r *Role) string {
		return map[string]string{"description": r.Description, "id": r.ID, "key": r.Key, "name": r.Name}[a.Sort]
	}
	slices.SortStableFunc(roles, func(x, y *Role) int {
		if a.Order == "DESC" {
			x, y = y, x
		}
		return strings.Compare(field(x), field(y))
	})
}

// part is one page of a list.
func part[T any](all []T, limit, offset *int32) []T {
	if offset != nil {
		all = all[min(int(*offset), len(all)):]
	}
	if limit != nil {
		all = all[:min(int(*limit), len(all))]
	}
	return all
}

// validPage refuses a page that the schema lets pass.
func validPage(limit, offset *int32) error {
	for _, n := range []*int32{limit, offset} {
		if n != nil && *n < 0 {
			return badInput("limit and offset must not be negative")
		}
	}
	return nil
}
