package wire

import (
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Model is the data of an operation that has no invites in it.
type Model interface {
	// complete reports whether everything is there that callers rely on.
	complete() bool
}

// TokenCheck is CheckUserInviteTokenModel. Null is the zero value, but for IsValid,
// without which it says nothing.
type TokenCheck struct {
	Email     string `json:"email"`
	IsValid   *bool  `json:"isValid"`
	IsExpired bool   `json:"isExpired"`
}

func (c *TokenCheck) complete() bool { return c.IsValid != nil }

// Tenant is the part of TenantModel that is asked for. Null is the zero value.
type Tenant struct {
	ID        ident     `json:"id"`
	Name      string    `json:"name"`
	Reference string    `json:"reference"`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
}

func (t *Tenant) complete() bool { return t.ID != "" }

// RolePage is the part of RolePageModel that is asked for.
type RolePage struct {
	Data       roleRows `json:"data"`
	TotalCount *int     `json:"totalCount"`
}

func (p *RolePage) complete() bool {
	if p.Data == nil || p.TotalCount == nil {
		return false
	}
	for _, r := range p.Data {
		if r.Key == "" {
			return false
		}
	}
	return true
}

// Role is the part of RoleModel that is asked for.
type Role struct {
	ID   ident  `json:"id"`
	Key  string `json:"key"`
	Name string `json:"name"`
}

// mostRoleRows bounds the rows of one page: a server that does not heed a small limit is
// followed.
const mostRoleRows = 1000

// roleRows has a decode of its own for the bound.
type roleRows []Role

// UnmarshalJSONFrom implements json's UnmarshalerFrom.
func (all *roleRows) UnmarshalJSONFrom(dec *jsontext.Decoder) (err error) {
	*all, err = list[Role](dec, mostRoleRows, "roles")
	return err
}

// ident is an id, which may come as a whole number.
type ident string

// UnmarshalJSONFrom implements json's UnmarshalerFrom.
func (id *ident) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	value, err := dec.ReadValue()
	switch {
	case err != nil:
		return err
	case value.Kind() == '"':
		*id = ident(unquoted(value))
	case isInteger(value):
		*id = ident(value)
	case value.Kind() != 'n':
		return &json.SemanticError{JSONKind: value.Kind(), JSONPointer: dec.StackPointer()}
	}
	return nil
}

// readModel reads data without invites, and reports whether there is any and whether
// it is complete.
func (r *reader) readModel() (some, complete bool, err error) {
	value, err := r.ReadValue()
	if err != nil || value.Kind() == 'n' {
		return false, false, err
	}
	if err := json.Unmarshal(value, r.sink.Into); err != nil {
		return false, false, err
	}
	return true, r.sink.Into.complete(), nil
}
