package wire

import (
	"bytes"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Invite is UserInviteModel. Null is the zero value; times are UTC.
type Invite struct {
	ID    string
	Email string
	// ShownEmail is the address if it had to be repaired. Email is empty then: such an
	// address is nobody's, and must not be compared with any.
	ShownEmail       string
	FirstName        string
	LastName         string
	Locale           string
	TenantID         string
	CreatedByUserID  string
	AcceptedByUserID string
	UserTokenID      string
	RoleKeys         []string
	Status           string
	Data             []byte // any JSON value
	CreatedAt        time.Time
	UpdatedAt        time.Time
	StatusUpdatedAt  time.Time
}

func (i *Invite) complete() bool { return i.ID != "" }

// member is one of an invite.
type member uint8

const (
	unknown member = iota
	memberID
	memberEmail
	memberFirstName
	memberLastName
	memberLocale
	memberTenantID
	memberCreatedByUserID
	memberAcceptedByUserID
	memberUserTokenID
	memberRoleKeys
	memberStatus
	memberData
	memberCreatedAt
	memberUpdatedAt
	memberStatusUpdatedAt
)

// quotedMembers are their names as the platform writes them before a value.
var quotedMembers = [...][]byte{
	memberID: []byte(`"id":`), memberEmail: []byte(`"email":`), memberFirstName: []byte(`"firstName":`), memberLastName: []byte(`"lastName":`),
	memberLocale: []byte(`"locale":`), memberTenantID: []byte(`"tenantId":`), memberCreatedByUserID: []byte(`"createdByUserId":`),
	memberAcceptedByUserID: []byte(`"acceptedByUserId":`), memberUserTokenID: []byte(`"userTokenId":`), memberRoleKeys: []byte(`"roleKeys":`),
	memberStatus: []byte(`"status":`), memberData: []byte(`"data":`), memberCreatedAt: []byte(`"createdAt":`), memberUpdatedAt: []byte(`"updatedAt":`),
	memberStatusUpdatedAt: []byte(`"statusUpdatedAt":`),
}

var memberNames = func() map[string]member {
	all := make(map[string]member)
	for m, quoted := range quotedMembers {
		if m > 0 {
			all[string(quoted[1:len(quoted)-len(`":`)])] = member(m)
		}
	}
	return all
}()

// memberOf returns the member with that name; unknown if there is none.
func memberOf(name []byte) member { return memberNames[string(name)] }

// readRow reads an invite, which must be valid JSON, into r.row. Most of an answer is
// invites, so they are read by hand: decoding into a struct by reflection costs
// several times as much.
func (r *reader) readRow(value jsontext.Value) error {
	r.row = Invite{}
	switch value.Kind() {
	case '{':
	case 'n':
		return nil
	default:
		return r.unexpected(value.Kind(), nil)
	}
	r.plain = bytes.IndexByte(value, '\\') < 0
	for c := inside(value); ; {
		quoted := c.next()
		if quoted == nil {
			break
		}
		name := r.unquoted(quoted)
		if bad := r.readMember(memberOf(name), c.next()); bad != nil {
			bad.JSONPointer = r.StackPointer() + "/" + jsontext.Pointer(name) + bad.JSONPointer
			return bad
		}
	}
	r.own.assign()
	if r.mended && isMended(r.row.Email) {
		r.row.ShownEmail, r.row.Email = r.row.Email, ""
	}
	return nil
}

// isMended reports whether a text of a repaired answer may have been repaired.
func isMended(text string) bool { return strings.ContainsRune(text, utf8.RuneError) }

// readMember reads a value of the row. Its error, nil if there is none, lacks the
// place of the member.
func (r *reader) readMember(m member, value jsontext.Value) *json.SemanticError {
	i := &r.row
	switch m {
	case memberID:
		return r.readOwnID(&i.ID, value)
	case memberEmail:
		return r.readOwn(&i.Email, value)
	case memberFirstName:
		return r.readOwn(&i.FirstName, value)
	case memberLastName:
		return r.readOwn(&i.LastName, value)
	case memberAcceptedByUserID:
		return r.readOwnID(&i.AcceptedByUserID, value)
	case memberUserTokenID:
		return r.readOwnID(&i.UserTokenID, value)
	case memberLocale:
		return r.readShared(&i.Locale, value)
	case memberTenantID:
		return r.readSharedID(&i.TenantID, value)
	case memberCreatedByUserID:
		return r.readSharedID(&i.CreatedByUserID, value)
	case memberStatus:
		return r.readShared(&i.Status, value)
	case memberRoleKeys:
		return r.readRoles(&i.RoleKeys, value)
	case memberData:
		if value.Kind() != 'n' {
			i.Data = bytes.Clone(value)
		}
	case memberCreatedAt:
		return r.readTime(&i.CreatedAt, value)
	case memberUpdatedAt:
		return r.readTime(&i.UpdatedAt, value)
	case memberStatusUpdatedAt:
		return r.readTime(&i.StatusUpdatedAt, value)
	}
	return nil
}

// unquoted returns the text of a string of the row, in place if possible.
func (r *reader) unquoted(value jsontext.Value) []byte {
	if r.plain {
		return value[1 : len(value)-1]
	}
	return unquoted(value)
}

// textBytes returns the text of a string of the row; none if it is null.
func (r *reader) textBytes(value jsontext.Value) ([]byte, *json.SemanticError) {
	switch value.Kind() {
	case '"':
		return r.unquoted(value), nil
	case 'n':
		return nil, nil
	default:
		return nil, &json.SemanticError{JSONKind: value.Kind()}
	}
}

// readOwn reads a text that other rows do not have.
func (r *reader) readOwn(into *string, value jsontext.Value) *json.SemanticError {
	b, bad := r.textBytes(value)
	if len(b) > 0 {
		r.own.add(into, b)
	}
	return bad
}

// readShared reads a text that other rows of the answer are likely to have too.
func (r *reader) readShared(into *string, value jsontext.Value) *json.SemanticError {
	b, bad := r.textBytes(value)
	if len(b) > 0 {
		*into = r.shared.text(b)
	}
	return bad
}

// readOwnID and readSharedID read an id, which may be a whole number.
func (r *reader) readOwnID(into *string, value jsontext.Value) *json.SemanticError {
	if value[0] != '"' && isInteger(value) {
		r.own.add(into, value)
		return nil
	}
	return r.readOwn(into, value)
}

func (r *reader) readSharedID(into *string, value jsontext.Value) *json.SemanticError {
	if value[0] != '"' && isInteger(value) {
		*into = r.shared.text(value)
		return nil
	}
	return r.readShared(into, value)
}

func (r *reader) readRoles(into *[]string, value jsontext.Value) *json.SemanticError {
	switch value.Kind() {
	case '[':
	case 'n':
		return nil
	default:
		return &json.SemanticError{JSONKind: value.Kind()}
	}
	roles := r.roles[:0]
	for c := inside(value); ; {
		element := c.next()
		if element == nil {
			break
		}
		roles = append(roles, "")
		if bad := r.readShared(&roles[len(roles)-1], element); bad != nil {
			bad.JSONPointer = jsontext.Pointer("/" + strconv.Itoa(len(roles)-1))
			return bad
		}
	}
	r.roles = roles
	// The lists of several rows share an array; none can grow into the next.
	if n := len(roles); n > len(r.room) || r.room == nil {
		if r.rows > 1 {
			n = max(n, min(8*n, 64))
		}
		r.room = make([]string, n)
	}
	*into, r.room = r.room[:len(roles):len(roles)], r.room[len(roles):]
	copy(*into, roles)
	return nil
}

func (r *reader) readTime(into *time.Time, value jsontext.Value) *json.SemanticError {
	switch kind := value.Kind(); kind {
	case '"':
		// The times of a row are often equal, and so are those of rows that were made
		// together.
		if string(value) != string(r.when) {
			t, err := parseTime(value)
			if err != nil {
				return &json.SemanticError{JSONKind: kind, Err: err}
			}
			r.when, r.then = append(r.when[:0], value...), t
		}
		*into = r.then
		return nil
	case 'n':
		return nil
	default:
		return &json.SemanticError{JSONKind: kind}
	}
}

// parseTime reads a time in a JSON string. The platform's form,
// "2023-10-27T00:14:36.900Z", goes to the time package at once; any other goes to
// json, which refuses what that is lenient about: one digit of an hour, a comma,
// large offsets.
func parseTime(value jsontext.Value) (t time.Time, err error) {
	const form = `"2006-01-02T15:04:05.000Z"`
	if len(value) == len(form) && value[13] != ':' && value[20] == '.' && value[len(form)-2] == 'Z' {
		err = t.UnmarshalText(value[1 : len(value)-1])
		return t, err // Z is UTC
	}
	other := new(time.Time)
	err = json.Unmarshal(value, other)
	return other.UTC(), err
}

// ownTexts are the texts of one row that other rows do not have. They are put into
// one buffer, so that they take one allocation in all. A long one has its own: it
// must not stay in memory because a short one does.
type ownTexts struct {
	buf   []byte
	parts []part
}

// part is the place of a text in the buffer.
type part struct {
	into     *string
	from, to int
}

const longText = 256

func (o *ownTexts) add(into *string, text []byte) {
	if len(text) > longText {
		*into = string(text)
		return
	}
	from := len(o.buf)
	o.buf = append(o.buf, text...)
	o.parts = append(o.parts, part{into, from, len(o.buf)})
}

// assign gives the texts that were read their strings.
func (o *ownTexts) assign() {
	all := string(o.buf)
	for _, p := range o.parts {
		*p.into = all[p.from:p.to]
	}
	o.buf, o.parts = o.buf[:0], o.parts[:0]
}

// sharedTexts are texts of one answer that were read before, for the next row that
// has the same: a few of a similar shape side by side. A new one takes the place of
// the oldest.
type sharedTexts struct {
	alike [16][4]string
	next  [16]uint8
}

func (s *sharedTexts) text(b []byte) string {
	i := (len(b) + 3*int(b[0]) + 5*int(b[len(b)-1])) % len(s.alike)
	for _, known := range s.alike[i] {
		if known == string(b) {
			return known
		}
	}
	text := string(b)
	s.alike[i][s.next[i]] = text
	s.next[i] = (s.next[i] + 1) % uint8(len(s.alike[i]))
	return text
}
