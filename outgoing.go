package roq

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-roq/roq/internal/check"
	"github.com/go-roq/roq/internal/wire"
)

// outgoing is one input that was found valid.
type outgoing struct {
	input *UserInviteInput // the caller's, which nobody changes
	// createdBy is the input's or the identity's own.
	createdBy string
	// variables and data are the input's, encoded; nil if there are none.
	variables, data []byte
	// address is what the platform's answer is matched by.
	address string
	// index is its place in a stream.
	index int
	// began is when an earlier process may have sent it; zero if none has.
	began time.Time
}

// mailing is an input that was found valid.
type mailing struct {
	tenantID string
	invites  []outgoing
}

// prepare checks an input, and completes it with what the identity stands for.
func (as *identity) prepare(in SendUserInvitesInput) (*mailing, error) {
	var f findings
	m := &mailing{tenantID: as.tenant(&f, in.TenantID)}
	if n := len(in.UserInvites); n == 0 || n > maxInvites {
		f.add("UserInvites", fmt.Sprintf("must hold from 1 to %d invites", maxInvites))
		return nil, f.err(wire.SendUserInvitesV2.Name)
	}
	m.invites = make([]outgoing, len(in.UserInvites))
	seen := make(map[string]int, len(in.UserInvites))
	for i := range in.UserInvites {
		f.invite = i + 1
		out := as.prepareOne(&f, &in.UserInvites[i])
		if first, ok := seen[out.address]; ok && out.address != "" {
			f.add("Email", fmt.Sprintf("must not be the address of UserInvites[%d]", first))
		} else {
			seen[out.address] = i
		}
		m.invites[i] = out
	}
	return m, f.err(wire.SendUserInvitesV2.Name)
}

// tenant is the tenant that people are invited to: the given one or the
// identity's own.
func (as *identity) tenant(f *findings, given string) string {
	tenantID := cmp.Or(given, as.tenantID)
	if tenantID == "" {
		f.add("TenantID", "must not be empty")
		f.kinds = append(f.kinds, ErrNoTenant)
	} else {
		f.check("TenantID", check.ID(tenantID))
	}
	return tenantID
}

func (as *identity) prepareOne(f *findings, input *UserInviteInput) outgoing {
	out := outgoing{input: input, createdBy: cmp.Or(input.CreatedByUserID, as.userID), address: foldAddress(input.Email)}
	f.check("CreatedByUserID", check.ID(out.createdBy))
	f.person(input)
	switch schema := as.core.opt.schema; {
	case schema == SchemaV2 && input.Data != nil:
		f.add("Data", "is not part of this schema version (WithSchema)")
	case schema == SchemaV1 && input.Variables != nil:
		f.add("Variables", "is not part of this schema version (WithSchema)")
	}
	out.variables = f.object("Variables", input.Variables)
	out.data = f.object("Data", input.Data)
	return out
}

// person finds what is wrong with an input, whoever sends it.
func (f *findings) person(in *UserInviteInput) {
	f.check("Email", check.Email(in.Email))
	f.check("Locale", check.Text(in.Locale))
	f.check("FirstName", check.Text(in.FirstName))
	f.check("LastName", check.Text(in.LastName))
	for i, role := range in.Roles {
		if err := check.Text(role); err != nil {
			f.check(fmt.Sprintf("Roles[%d]", i), err)
		}
	}
}

// object encodes a JSON object of the caller's, nil if there is none.
func (f *findings) object(path string, object map[string]any) []byte {
	if object == nil {
		return nil
	}
	encoded, err := json.Marshal(object)
	if err != nil {
		f.add(path, "cannot be encoded as JSON")
		return nil
	}
	// encoding/json writes this escape for invalid UTF-8 only; once pairs of
	// backslashes are gone, nothing else looks like it.
	if strings.Contains(strings.ReplaceAll(string(encoded), `\\`, ""), `\ufffd`) {
		f.add(path, "must be valid UTF-8")
	}
	return encoded
}

// foldAddress is the form in which addresses are compared: platforms may answer
// in lower case. No other letter becomes one of ASCII, or two people with
// different addresses would be taken for one.
func foldAddress(email string) string {
	for i := range len(email) {
		if c := email[i]; 'A' <= c && c <= 'Z' || c >= utf8.RuneSelf {
			return strings.Map(foldRune, email)
		}
	}
	return email
}

func foldRune(r rune) rune {
	if lower := unicode.ToLower(r); r < utf8.RuneSelf || lower >= utf8.RuneSelf {
		return lower
	}
	return r
}

// post makes one request. What it returns is nil if the platform gave no account
// of the invites.
func (c *call) post(ctx context.Context, as *identity, tenantID string, batch []outgoing) (*wire.Sent, error) {
	send := wire.Send{TenantID: tenantID, Len: len(batch), At: func(i int, c *wire.Create) { batch[i].fill(c) }}
	if c.core.opt.schema == SchemaV1 {
		data, err := attempt(ctx, c, as, wire.SendUserInvitesV1, wire.SendV1{UserInvites: send})
		return data.Sent, err
	}
	data, err := attempt(ctx, c, as, wire.SendUserInvitesV2, wire.SendV2{Data: send})
	return data.Sent, err
}

// fill makes c the invite as it travels.
func (o *outgoing) fill(c *wire.Create) {
	c.CreatedByUserID, c.Email = o.createdBy, o.input.Email
	c.FirstName, c.LastName, c.Locale, c.Roles = o.input.FirstName, o.input.LastName, o.input.Locale, o.input.Roles
	c.InjectableVariables, c.Data = o.variables, o.data
}
