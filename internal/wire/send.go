package wire

import (
	"github.com/go-json-experiment/json/jsontext"
)

// SendV2 is the variables of [SendUserInvitesV2].
type SendV2 struct{ Data Send }

// SendV1 is the variables of [SendUserInvitesV1].
type SendV1 struct{ UserInvites Send }

// Send is UserInvitesCreateV2Dto and UserInvitesCreateDto.
type Send struct {
	TenantID string
	// Len is how many invites there are, and At fills in the i-th, which is zero: so
	// that there need not be a second list of them.
	Len int
	At  func(i int, c *Create)
}

// Create is UserInviteCreateV2Dto, which has injectableVariables and no data,
// and UserInviteCreateDto, where it is the other way round. Texts are valid UTF-8;
// what is empty is left out, but for the first two.
type Create struct {
	CreatedByUserID     string
	Email               string
	FirstName           string
	LastName            string
	Locale              string
	Roles               []string
	InjectableVariables jsontext.Value
	Data                jsontext.Value
}

// appender is variables of a request that may be long: they append themselves to
// its body, where reflection and a copy would cost as much again.
type appender interface {
	// size is about how many bytes append appends, and no less if nothing needs an
	// escape.
	size() int
	append(b []byte) []byte
}

func (s SendV2) size() int              { return len(`{"data":}`) + s.Data.size() }
func (s SendV2) append(b []byte) []byte { return append(s.Data.append(append(b, `{"data":`...)), '}') }

func (s SendV1) size() int { return len(`{"userInvites":}`) + s.UserInvites.size() }
func (s SendV1) append(b []byte) []byte {
	return append(s.UserInvites.append(append(b, `{"userInvites":`...)), '}')
}

func (s Send) size() int {
	n := len(`{"tenantId":"","userInvites":[]}`) + len(s.TenantID)
	s.each(func(c *Create) { n += c.size() + 1 })
	return n
}

func (s Send) each(do func(*Create)) {
	c := new(Create)
	for i := range s.Len {
		*c = Create{}
		s.At(i, c)
		do(c)
	}
}

func (s Send) append(b []byte) []byte {
	b = quoted(append(b, `{"tenantId":`...), s.TenantID)
	b = append(b, `,"userInvites":[`...)
	separator := ""
	s.each(func(c *Create) {
		b = c.append(append(b, separator...))
		separator = ","
	})
	return append(b, `]}`...)
}

func (c *Create) size() int {
	const names = `{"createdByUserId":"","email":"","firstName":"","lastName":"","locale":"","roles":[],"injectableVariables":,"data":}`
	n := len(names) + len(c.CreatedByUserID) + len(c.Email) + len(c.FirstName) + len(c.LastName) + len(c.Locale)
	for _, role := range c.Roles {
		n += len(role) + len(`"",`)
	}
	return n + len(c.InjectableVariables) + len(c.Data)
}

func (c *Create) append(b []byte) []byte {
	b = quoted(append(b, `{"createdByUserId":`...), c.CreatedByUserID)
	b = quoted(append(b, `,"email":`...), c.Email)
	b = optional(b, `,"firstName":`, c.FirstName)
	b = optional(b, `,"lastName":`, c.LastName)
	b = optional(b, `,"locale":`, c.Locale)
	if len(c.Roles) > 0 {
		b = append(b, `,"roles":`...)
		for i, role := range c.Roles {
			separator := byte(',')
			if i == 0 {
				separator = '['
			}
			b = quoted(append(b, separator), role)
		}
		b = append(b, ']')
	}
	if len(c.InjectableVariables) > 0 {
		b = append(append(b, `,"injectableVariables":`...), c.InjectableVariables...)
	}
	if len(c.Data) > 0 {
		b = append(append(b, `,"data":`...), c.Data...)
	}
	return append(b, '}')
}

func optional(b []byte, name, text string) []byte {
	if text == "" {
		return b
	}
	return quoted(append(b, name...), text)
}

// quoted appends a text as a JSON string. It is valid UTF-8, or it would not have
// come this far: nothing else can go wrong.
func quoted(b []byte, text string) []byte {
	b, _ = jsontext.AppendQuote(b, text)
	return b
}
