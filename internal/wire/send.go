package wire

import (
	"slices"
	"unicode/utf8"

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
	// appendTo appends the member with the variables to the first part of a body, which
	// it leaves as it is.
	appendTo(head []byte) []byte
}

func (s SendV2) appendTo(head []byte) []byte {
	return s.Data.appendTo(head, `,"variables":{"data":{"tenantId":`)
}

func (s SendV1) appendTo(head []byte) []byte {
	return s.UserInvites.appendTo(head, `,"variables":{"userInvites":{"tenantId":`)
}

func (s Send) appendTo(head []byte, begin string) []byte {
	const middle, end = `,"userInvites":[`, `]}}`
	c := new(Create)
	if s.Len > 0 {
		s.At(0, c)
	}
	// The others are likely to be as long as the first.
	room := len(begin) + len(`""`) + len(s.TenantID) + len(middle) + s.Len*c.size() + len(end) + len(`}`)
	b := append(make([]byte, 0, len(head)+room), head...)
	b = append(quoted(append(b, begin...), s.TenantID), middle...)
	for i := range s.Len {
		if i > 0 {
			*c = Create{}
			s.At(i, c)
			b = append(b, ',')
			if n := c.size(); cap(b)-len(b) < n+len(end)+len(`}`) {
				b = slices.Grow(b, max(n, len(b)/i)*(s.Len-i)+len(end)+len(`}`))
			}
		}
		b = c.append(b)
	}
	return append(b, end...)
}

// size is about how many bytes append appends, with a comma: no less if nothing
// needs an escape.
func (c *Create) size() int {
	const names = `{"createdByUserId":"","email":"","firstName":"","lastName":"","locale":"","roles":[],"injectableVariables":,"data":},`
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

// quoted appends a text, which is valid UTF-8, as a JSON string.
func quoted(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			b, _ = jsontext.AppendQuote(b, text) // which fails for invalid UTF-8 only
			return b
		}
	}
	return append(append(append(b, '"'), text...), '"')
}
