package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// The one environment, tenant and user of the comparison.
const (
	environmentID = "e3408733-0ac2-4596-8264-0a7da2481801"
	apiKey        = "example-api-key"
	tenantID      = "ee764883-f2c3-4486-9de6-070345e350af"
	userID        = "530c9a92-71c5-4dce-a6e3-c638c2d0b1bc"
)

const (
	// maxPage is the most invites of a call whose cost is measured.
	maxPage = 1_000
	// population is how many invites the platform has.
	population = 10_000
)

// basic is the environment's credentials as HTTP's Basic scheme has them.
func basic() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(environmentID+":"+apiKey))
}

// accessToken looks like a token of the platform, for a day; nobody here checks
// the signature.
func accessToken() string {
	part := func(v any) string {
		encoded, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(encoded)
	}
	now := time.Now()
	return part(map[string]any{"alg": "HS256", "typ": "JWT"}) + "." +
		part(map[string]any{"roqEnvironmentId": environmentID, "roqUserId": userID, "iat": now.Unix(), "exp": now.Add(24 * time.Hour).Unix()}) + "." +
		base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("s", 32)))
}

// person is whom an invite is for. Every client sends the same people.
type person struct {
	CreatedByUserID string   `json:"createdByUserId"`
	Email           string   `json:"email"`
	FirstName       string   `json:"firstName"`
	LastName        string   `json:"lastName"`
	Locale          string   `json:"locale"`
	Roles           []string `json:"roles"`
}

var (
	firstNames = []string{"Amélie", "Ben", "Chiara", "Dmitri", "Eleanor", "Fatima", "George", "Hana", "Ivan", "Julia", "Kwame"}
	lastNames  = []string{"Anderson", "Baker", "Castillo", "Dubois", "Eriksen", "Fischer", "Grant", "Hughes", "Ivanova", "Jansen", "Kowalski", "Lindqvist", "Müller"}
	locales    = []string{"en-US", "de-DE", "fr-FR"}
)

func personAt(i int) person {
	return person{
		CreatedByUserID: userID,
		Email:           fmt.Sprintf("person.%05d@example.com", i),
		FirstName:       firstNames[i%len(firstNames)],
		LastName:        lastNames[i%len(lastNames)],
		Locale:          locales[i%len(locales)],
		Roles:           []string{"content-creator", "reviewer"},
	}
}

// people are the first n.
func people(n int) []person {
	all := make([]person, n)
	for i := range all {
		all[i] = personAt(i)
	}
	return all
}

// row is an invite in JSON, cut in two where its address goes.
type row struct {
	head, tail []byte
	email      string
}

// rowAt is the i-th invite by createdAt. Its members come in the order in which
// all documents but that of @roq/nodejs ask for them, as a GraphQL server answers.
func rowAt(i int) row {
	p := personAt(i)
	roles, _ := json.Marshal(p.Roles)
	at := time.Date(2023, 10, 27, 0, 14, 36, 900e6, time.UTC).Add(time.Duration(i) * 1009 * time.Millisecond).Format("2006-01-02T15:04:05.000Z")
	return row{
		head:  fmt.Appendf(nil, `{"id":"%s","tenantId":"%s","email":"`, idAt(i, 1), tenantID),
		email: p.Email,
		tail: fmt.Appendf(nil, `","firstName":"%s","lastName":"%s","locale":"%s","roleKeys":%s,"data":null,"status":"pending",`+
			`"statusUpdatedAt":"%s","createdAt":"%s","updatedAt":"%s","createdByUserId":"%s","acceptedByUserId":null,"userTokenId":"%s"}`,
			p.FirstName, p.LastName, p.Locale, roles, at, at, at, userID, idAt(i, 2)),
	}
}

// idAt is an id of the i-th invite: its own, or its token's.
func idAt(i, kind int) string {
	return fmt.Sprintf("%08x-7c1e-4%03x-9d2a-%012x", uint32(i)*2654435761, kind, i+1)
}

// appendTo appends the row, for another address if one is given.
func (r *row) appendTo(b []byte, email string) []byte {
	b = append(b, r.head...)
	if email == "" {
		email = r.email
	}
	b = append(b, email...)
	return append(b, r.tail...)
}
