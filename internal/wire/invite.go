package wire

import (
	"bytes"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Invite is UserInviteModel. Null is the zero value; times are UTC.
type Invite struct {
	ID               string
	Email            string
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

// UnmarshalJSONFrom implements json's UnmarshalerFrom.
func (i *Invite) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	r := reader{Decoder: dec}
	return r.invite(i)
}

// reader reads the invites of one answer.
type reader struct {
	*jsontext.Decoder
	shared texts
	// roles is how many the row before had: the next is likely to have as many.
	roles int
	// when and then are the time that was read last, as it was written and as it is.
	when []byte
	then time.Time
}

func (r *reader) invite(i *Invite) error {
	*i = Invite{}
	some, err := r.begins('{')
	if !some || err != nil {
		return err
	}
	for r.PeekKind() != '}' {
		name, err := r.ReadValue()
		if err != nil {
			return err
		}
		if err := r.member(i, unquoted(name)); err != nil {
			return err
		}
	}
	return r.end()
}

// member reads the value of the member with that name.
func (r *reader) member(i *Invite, name []byte) (err error) {
	switch string(name) {
	case "id":
		i.ID, err = r.text()
	case "email":
		i.Email, err = r.text()
	case "firstName":
		i.FirstName, err = r.text()
	case "lastName":
		i.LastName, err = r.text()
	case "locale":
		i.Locale, err = r.sharedText()
	case "tenantId":
		i.TenantID, err = r.sharedText()
	case "createdByUserId":
		i.CreatedByUserID, err = r.sharedText()
	case "acceptedByUserId":
		i.AcceptedByUserID, err = r.text()
	case "userTokenId":
		i.UserTokenID, err = r.text()
	case "roleKeys":
		i.RoleKeys, err = r.sharedTexts()
	case "status":
		i.Status, err = r.sharedText()
	case "data":
		i.Data, err = r.raw()
	case "createdAt":
		i.CreatedAt, err = r.time()
	case "updatedAt":
		i.UpdatedAt, err = r.time()
	case "statusUpdatedAt":
		i.StatusUpdatedAt, err = r.time()
	default:
		err = r.SkipValue()
	}
	return err
}

// begins reads the beginning of an object or array, and reports whether there is
// one and not null.
func (r *reader) begins(kind jsontext.Kind) (bool, error) {
	token, err := r.ReadToken()
	switch {
	case err != nil:
		return false, err
	case token.Kind() == kind:
		return true, nil
	case token.Kind() == 'n':
		return false, nil
	default:
		return false, r.unexpected(token.Kind(), nil)
	}
}

func (r *reader) end() error {
	_, err := r.ReadToken()
	return err
}

// unexpected is the error of the value that was read last.
func (r *reader) unexpected(kind jsontext.Kind, err error) error {
	return &json.SemanticError{JSONKind: kind, JSONPointer: r.StackPointer(), Err: err}
}

// bytes reads a string and returns its text, valid until the next read; none if
// it is null.
func (r *reader) bytes() ([]byte, error) {
	value, err := r.ReadValue()
	switch {
	case err != nil:
		return nil, err
	case value.Kind() == '"':
		return unquoted(value), nil
	case value.Kind() == 'n':
		return nil, nil
	default:
		return nil, r.unexpected(value.Kind(), nil)
	}
}

func (r *reader) text() (string, error) {
	b, err := r.bytes()
	return string(b), err
}

// sharedText reads a text that other rows of the answer are likely to have too.
func (r *reader) sharedText() (string, error) {
	b, err := r.bytes()
	return r.shared.text(b), err
}

func (r *reader) sharedTexts() ([]string, error) {
	some, err := r.begins('[')
	if !some || err != nil {
		return nil, err
	}
	list := make([]string, 0, r.roles)
	for r.PeekKind() != ']' {
		s, err := r.sharedText()
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	r.roles = len(list)
	return list, r.end()
}

// raw reads any value as it is.
func (r *reader) raw() ([]byte, error) {
	value, err := r.ReadValue()
	if err != nil || value.Kind() == 'n' {
		return nil, err
	}
	return bytes.Clone(value), nil
}

func (r *reader) time() (t time.Time, err error) {
	value, err := r.ReadValue()
	if err != nil {
		return t, err
	}
	switch value.Kind() {
	case '"':
		// Mostly a row's times are one, and so are those of rows that came together.
		if string(value) == string(r.when) {
			return r.then, nil
		}
		if t, err = parseTime(value); err != nil {
			return t, r.unexpected('"', err)
		}
		r.when, r.then = append(r.when[:0], value...), t
	case 'n':
	default:
		err = r.unexpected(value.Kind(), nil)
	}
	return t, err
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

// texts are texts of one answer that were read before, for the next row that has
// the same: a few that look alike side by side. What finds no room takes that of
// the one that came first.
type texts struct {
	alike [16][4]string
	next  [16]uint8
}

func (t *texts) text(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	i := (len(b) + 3*int(b[0]) + 5*int(b[len(b)-1])) % len(t.alike)
	for _, known := range t.alike[i] {
		if known == string(b) {
			return known
		}
	}
	s := string(b)
	t.alike[i][t.next[i]] = s
	t.next[i] = (t.next[i] + 1) % uint8(len(t.alike[i]))
	return s
}
