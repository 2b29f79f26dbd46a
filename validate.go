package roq

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/go-roq/roq/internal/address"
	"github.com/go-roq/roq/internal/check"
	"github.com/go-roq/roq/internal/delivery"
	"github.com/go-roq/roq/internal/wire"
)

// maxFindings bounds what one error lists: a million bad invites must not make a
// text of a hundred megabytes.
const maxFindings = 100

// Finding is one thing that is wrong with an input. A form can show it beside the
// field.
type Finding struct {
	// Index is the index in [SendUserInvitesInput].UserInvites, or of the input in a
	// stream; -1 if the finding is about the call, or about one input by itself.
	Index int
	// Field is the Go field: "Email", "Roles[1]", "Filter.ID".
	Field string
	// Reason completes a sentence that begins with the field: "must not be empty".
	Reason string
}

// String returns the finding as in the text of an error:
// "UserInvites[3].Email: must not be empty".
func (f Finding) String() string {
	if f.Index >= 0 {
		return fmt.Sprintf("UserInvites[%d].%s: %s", f.Index, f.Field, f.Reason)
	}
	return f.Field + ": " + f.Reason
}

// findings collects everything that is wrong with an input.
type findings struct {
	list []Finding
	more int
	// noTenant is whether a tenant is needed and there is none.
	noTenant bool
	// index is that of the invite that is looked at; -1 if it is none of several.
	index int
}

// about returns findings about a call.
func about() *findings { return &findings{index: -1} }

func (f *findings) add(field, reason string) {
	if len(f.list) == maxFindings {
		f.more++
		return
	}
	f.list = append(f.list, Finding{f.index, field, reason})
}

// check adds err, if it is not nil, as what is wrong with a field.
func (f *findings) check(field string, err error) {
	if err != nil {
		f.add(field, err.Error())
	}
}

// err returns the findings as one error, or nil if there are none.
func (f *findings) err(operation string) error {
	if len(f.list) == 0 {
		return nil
	}
	return f.invalid(operation)
}

// one is invalid for one input of several: the others may be sent.
func (f *findings) one(operation string) *Error {
	e := f.invalid(operation)
	e.known = "it was not sent"
	return e
}

// invalid returns the findings, of which there is one, as one error.
func (f *findings) invalid(operation string) *Error {
	texts := make([]string, len(f.list), len(f.list)+1)
	for i, one := range f.list {
		texts[i] = one.String()
	}
	if f.more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", f.more))
	}
	var kinds []error
	if f.noTenant {
		kinds = append(kinds, ErrNoTenant)
	}
	e := invalid(operation, strings.Join(texts, "; "), kinds...)
	e.Findings = f.list
	return e
}

// prepare checks an input, and completes it with what the identity stands for. With
// skip what is wrong with one invite is no error: skipped has the invite, and invites
// has the others.
func (as *identity) prepare(in *SendUserInvitesInput, skip bool) (tenantID string, invites []delivery.Invite, skipped []UserInviteError, err error) {
	operation := wire.SendUserInvitesV2.Name
	f := about()
	tenantID = as.tenant(f, in.TenantID)
	n := len(in.UserInvites)
	if n == 0 || n > maxInvites {
		f.add("UserInvites", fmt.Sprintf("must have from 1 to %d invites", maxInvites))
		return "", nil, nil, f.err(operation)
	}
	if skip && len(f.list) > 0 { // the call itself is wrong
		return "", nil, nil, f.err(operation)
	}
	invites = make([]delivery.Invite, 0, n)
	seen := make(map[string]int, n)
	for i := range in.UserInvites {
		if f.index = i; skip {
			f = &findings{index: i}
		}
		var out delivery.Invite
		as.prepareOne(f, &in.UserInvites[i], &out)
		valid := !skip || len(f.list) == 0
		first, repeats := seen[out.Mailbox]
		switch {
		case !valid: // so that a valid input with the same address is sent
		case repeats && out.Mailbox != "":
			f.add("Email", fmt.Sprintf("must not be the address of UserInvites[%d]", first))
		default:
			seen[out.Mailbox] = i
		}
		if skip && len(f.list) > 0 {
			skipped = append(skipped, f.refusal(&in.UserInvites[i], operation, valid))
		} else {
			invites = append(invites, out)
		}
	}
	if skip {
		return tenantID, invites, skipped, nil
	}
	return tenantID, invites, nil, f.err(operation)
}

// refusal makes the error of an input that is not sent for what was found in it.
func (f *findings) refusal(in *UserInviteInput, operation string, repeats bool) UserInviteError {
	texts := make([]string, len(f.list))
	for i, one := range f.list {
		texts[i] = one.Field + ": " + one.Reason
	}
	e := UserInviteError{Index: f.index, Message: strings.Join(texts, "; "), own: f.one(operation), repeats: repeats}
	e.Email, e.FirstName, e.LastName = in.Email, in.FirstName, in.LastName
	return e
}

// tenant is the tenant that people are invited to: the given one or the
// identity's own.
func (as *identity) tenant(f *findings, given string) string {
	tenantID := cmp.Or(given, as.tenantID)
	if tenantID == "" {
		f.add("TenantID", "must not be empty")
		f.noTenant = true
	} else {
		f.check("TenantID", check.ID(tenantID))
	}
	return tenantID
}

// prepareOne checks one input, and makes an invite of it.
func (as *identity) prepareOne(f *findings, in *UserInviteInput, out *delivery.Invite) {
	out.Address, out.Mailbox = address.Fold(in.Email), address.Mailbox(in.Email)
	out.Create = wire.Create{
		CreatedByUserID: cmp.Or(in.CreatedByUserID, as.userID),
		Email:           in.Email,
		FirstName:       in.FirstName,
		LastName:        in.LastName,
		Locale:          in.Locale,
		Roles:           in.Roles,
	}
	f.check("CreatedByUserID", check.ID(out.CreatedByUserID))
	f.person(in)
	switch schema := as.core.opt.schema; {
	case schema == SchemaV2 && in.Data != nil:
		f.add("Data", "must be nil in this schema version (WithSchema)")
	case schema == SchemaV1 && in.Variables != nil:
		f.add("Variables", "must be nil in this schema version (WithSchema)")
	}
	out.InjectableVariables = f.object("Variables", in.Variables, check.Variables)
	out.Data = f.object("Data", in.Data, check.Data)
}

// AddressKey returns the form in which this package compares e-mail addresses. Two
// addresses with the same key are the same mailbox: they differ only in case, in their
// Unicode normal form, in the ASCII form of the domain, or in dots at Google's mail. Use
// it to find repeated addresses. Do not mail to it.
func AddressKey(email string) string { return address.Mailbox(email) }

// Validate returns nil if the input is valid. Otherwise it returns an [*Error] of kind
// [ErrInvalidInput] whose Findings name every invalid field. It makes the checks
// of one input that [RoqPlatform.SendUserInvites] makes before it sends anything, so that a
// form can show the findings beside each address and send the rest. Whether an address is
// repeated, and whether Variables or Data are part of the schema version, only the call
// can check. An empty CreatedByUserID is valid: it means the identity's user.
func (in UserInviteInput) Validate() error {
	f := about()
	if in.CreatedByUserID != "" {
		f.check("CreatedByUserID", check.ID(in.CreatedByUserID))
	}
	f.person(&in)
	f.object("Variables", in.Variables, check.Variables)
	f.object("Data", in.Data, check.Data)
	return f.err(wire.SendUserInvitesV2.Name)
}

// person finds what is wrong with an input, whoever sends it.
func (f *findings) person(in *UserInviteInput) {
	f.check("Email", check.Email(in.Email))
	f.check("Locale", check.Locale(in.Locale))
	f.check("FirstName", check.Name(in.FirstName))
	f.check("LastName", check.Name(in.LastName))
	for i, role := range in.Roles {
		if err := check.Role(role); err != nil {
			f.check(fmt.Sprintf("Roles[%d]", i), err)
		}
	}
}

// object encodes a JSON object of the caller's, nil if there is none.
func (f *findings) object(field string, object map[string]any, rule func([]byte) error) []byte {
	if object == nil {
		return nil
	}
	encoded, err := json.Marshal(object)
	if err != nil {
		f.add(field, "cannot be encoded as JSON")
		return nil
	}
	// encoding/json writes this escape for invalid UTF-8 only; once pairs of
	// backslashes are gone, nothing else looks like it.
	if strings.Contains(strings.ReplaceAll(string(encoded), `\\`, ""), `\ufffd`) {
		f.add(field, "must be valid UTF-8")
	} else {
		f.check(field, rule(encoded))
	}
	return encoded
}
