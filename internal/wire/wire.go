// Package wire is the one place that knows what travels between a client and
// the ROQ platform: GraphQL documents, the JSON of requests and answers, and
// the shapes of errors. Field and variable names are those of the published
// schema and clients.
package wire

import (
	"bytes"
	"encoding/json"
	"net/url"
	"reflect"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/go-roq/roq/internal/transport"
)

// The statuses of an invite.
const (
	StatusPending  = "pending"
	StatusAccepted = "accepted"
	StatusCanceled = "canceled"
	StatusExpired  = "expired"
)

// Paths and headers of the platform (npm @roq/nodejs 1.0.20).
const (
	GraphQLPath        = "/v01/server/graphql"
	ServiceAccountPath = "/v01/authorize/serviceAccount"
	AuthorizePath      = "/v01/authorize"

	// UserAuthorization carries the access token: who acts.
	UserAuthorization = "Roq-Platform-Authorization"
	// ServerAuthorization carries the environment's credentials: which backend.
	ServerAuthorization = "Roq-Platform-Server-Authorization"

	// ServiceAccountEmail is the user name of every environment's service account.
	ServiceAccountEmail = "project-service-account@roq.tech"
)

// Paths and names of an application that uses ROQ (npm @roq/client 0.0.12,
// @roq/nextjs 2.0.3) and of its REST API.
const (
	SessionPath  = "/api/auth/session"
	SignInPath   = "/api/auth/login"
	SignUpPath   = "/api/auth/signup"
	SignOutPath  = "/api/auth/logout"
	FindManyPath = "/api/model/user/findMany"

	SessionCookie       = "roq-session-token"
	SecureSessionCookie = "__Secure-roq-session-token"
)

// Operation is a GraphQL operation.
type Operation struct {
	Name  string
	Class transport.Class
	// head is the part of a request's body that is the same for all requests.
	head []byte
	// field is the operation's field in the schema, under which its data stands, in
	// the shape of one of the models.
	field string
	shape shape
	// model is what is read of the data, if that has no invites.
	model *reading
}

// shape is the form of an operation's data.
type shape int

const (
	one   shape = iota // UserInviteModel
	page               // UserInvitePageModel
	sent               // CreateUserInvitesModel
	other              // a model without invites, which is read into Sink.Into
)

// The operations of the platform that have to do with invites, and with what a page
// of invites shows. Accepting is of the class of a withdrawal: a token is good once.
var (
	SendUserInvitesV2 = operation("sendUserInvites", transport.Mailing, sendV2Document, "sendUserInvitesV2", sent)
	SendUserInvitesV1 = operation("sendUserInvites", transport.Mailing, sendV1Document, "sendUserInvites", sent)
	ResendUserInvite  = operation("resendUserInvite", transport.Mailing, resendDocument, "resendUserInvite", one)
	CancelUserInvite  = operation("cancelUserInvite", transport.Withdrawal, cancelDocument, "cancelUserInvite", one)
	AcceptUserInvite  = operation("acceptUserInvite", transport.Withdrawal, acceptDocument, "acceptUserInviteV2", one)
	UserInvites       = operation("userInvites", transport.Query, listDocument, "userInvites", page)
	UserInvite        = operation("userInvite", transport.Query, getDocument, "userInvite", one)

	CheckUserInviteToken = query("checkUserInviteToken", checkTokenDocument, tokenCheckReading)
	Roles                = query("roles", rolesDocument, rolesReading)
	GetTenant            = query("tenant", tenantDocument, tenantReading)
)

func operation(name string, class transport.Class, document, field string, shape shape) *Operation {
	// Both are constants of this package: valid UTF-8, which is all that can go wrong.
	head, _ := jsontext.AppendQuote([]byte(`{"query":`), document)
	head, _ = jsontext.AppendQuote(append(head, `,"operationName":`...), name)
	return &Operation{Name: name, Class: class, head: head, field: field, shape: shape}
}

// query is an operation that reads a model without invites, from the field of its
// name.
func query(name, document string, model *reading) *Operation {
	op := operation(name, transport.Query, document, name, other)
	op.model = model
	return op
}

// Request encodes the body of a request for the operation. Variables that are
// all zero are left out.
func (op *Operation) Request(variables any) ([]byte, error) {
	if send, ok := variables.(appender); ok {
		return append(send.appendTo(op.head), '}'), nil
	}
	var body bytes.Buffer
	body.Grow(len(op.head) + 512) // enough for most variables
	body.Write(op.head)
	if !reflect.ValueOf(variables).IsZero() {
		body.WriteString(`,"variables":`)
		// An encoder writes into the body at once; Marshal would make a copy.
		if err := json.NewEncoder(&body).Encode(variables); err != nil {
			return nil, err
		}
	}
	body.WriteByte('}')
	return body.Bytes(), nil
}

// ServiceAccount is the body of a request for a service-account token.
type ServiceAccount struct {
	Email         string `json:"email"`
	EnvironmentID string `json:"environmentId"`
	APIKey        string `json:"apiKey"`
}

// Authorize is the body of a request for a user's token.
type Authorize struct {
	EnvironmentID string `json:"environmentId"`
	APIKey        string `json:"apiKey"`
	UserID        string `json:"userId"`
}

// Token is the part that this client uses of what the token endpoints answer.
type Token struct {
	AccessToken string `json:"accessToken"`
}

// ID is the variables of an operation on one invite.
type ID struct {
	UserInviteID string `json:"userInviteId"`
}

// GetID is the variables of [UserInvite], which names them differently.
type GetID struct {
	ID string `json:"id"`
}

// InviteToken is the variables of [CheckUserInviteToken].
type InviteToken struct {
	Token string `json:"token"`
}

// Accept is the variables of [AcceptUserInvite].
type Accept struct {
	Data InviteToken `json:"data"`
}

// ListRoles is the variables of [Roles].
type ListRoles struct {
	Filter RoleFilter `json:"filter"`
	Limit  int        `json:"limit"`
	Offset int        `json:"offset,omitempty"`
	Order  Order      `json:"order"`
}

// RoleFilter is the part of RoleFilterArgType that is asked for.
type RoleFilter struct {
	// Invite asks for the roles that can be given with an invite.
	Invite BoolFilter `json:"invite"`
}

// BoolFilter is the part of BooleanFilterArgType that is asked for.
type BoolFilter struct {
	EqualTo bool `json:"equalTo"`
}

// List is the variables of [UserInvites].
type List struct {
	Filter *Filter `json:"filter,omitempty"`
	Limit  int     `json:"limit,omitempty"`
	Offset int     `json:"offset,omitempty"`
	Order  *Order  `json:"order,omitempty"`
	Search *Search `json:"search,omitempty"`
}

// Filter is UserInviteFilterArgType.
type Filter struct {
	ID               *IDFilter     `json:"id,omitempty"`
	TenantID         *IDFilter     `json:"tenantId,omitempty"`
	CreatedByUserID  *IDFilter     `json:"createdByUserId,omitempty"`
	AcceptedByUserID *IDFilter     `json:"acceptedByUserId,omitempty"`
	UserTokenID      *IDFilter     `json:"userTokenId,omitempty"`
	Email            *StringFilter `json:"email,omitempty"`
	FirstName        *StringFilter `json:"firstName,omitempty"`
	LastName         *StringFilter `json:"lastName,omitempty"`
	Locale           *StringFilter `json:"locale,omitempty"`
	Status           *StringFilter `json:"status,omitempty"`
}

// IDFilter is IdFilterArgType.
type IDFilter struct {
	EqualTo    string   `json:"equalTo,omitempty"`
	NotEqualTo string   `json:"notEqualTo,omitempty"`
	ValueIn    []string `json:"valueIn,omitempty"`
	ValueNotIn []string `json:"valueNotIn,omitempty"`
}

// StringFilter is StringFilterArgType.
type StringFilter struct {
	EqualTo    string   `json:"equalTo,omitempty"`
	NotEqualTo string   `json:"notEqualTo,omitempty"`
	ValueIn    []string `json:"valueIn,omitempty"`
	ValueNotIn []string `json:"valueNotIn,omitempty"`
	Like       string   `json:"like,omitempty"`
	ILike      string   `json:"iLike,omitempty"`
}

// Order is UserInviteOrderArgType.
type Order struct {
	Sort  string `json:"sort"`
	Order string `json:"order"`
}

// Search is UserInviteSearchArgType.
type Search struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// SessionAnswer is what an application's session endpoint answers with 200.
type SessionAnswer struct {
	Session *Session `json:"session"`
}

// Session is the visitor's session in a [SessionAnswer]; times are in seconds.
type Session struct {
	ID             string      `json:"id"`
	RoqAccessToken string      `json:"roqAccessToken"`
	RoqUserID      string      `json:"roqUserId"`
	User           SessionUser `json:"user"`
	IssuedAt       float64     `json:"iat"`
	ExpiresAt      float64     `json:"exp"`
}

// SessionUser is the user in a [Session].
type SessionUser struct {
	FirstName string   `json:"firstName"`
	LastName  string   `json:"lastName"`
	Email     string   `json:"email"`
	Timezone  string   `json:"timezone"`
	Locale    string   `json:"locale"`
	TenantID  string   `json:"tenantId"`
	Roles     []string `json:"roles"`
}

// SignIn is the query of the sign-in and sign-up pages.
type SignIn struct {
	VariantKey        string `url:"variantKey,omitempty"`
	PostLoginRedirect string `url:"postLoginRedirect,omitempty"`
	DefaultLocale     string `url:"defaultLocale,omitempty"`
}

// FindMany is the query of the user query.
type FindMany struct {
	Q UserWhere `url:"q"`
}

// UserWhere is the JSON in [FindMany]. That ids are asked for by the names which
// the rows give them is our reading: the documentation shows email only.
type UserWhere struct {
	Email     *Equals `json:"email,omitempty"`
	RoqUserID *Equals `json:"roq_user_id,omitempty"`
	TenantID  *Equals `json:"tenant_id,omitempty"`
}

// Equals is a condition on one column.
type Equals struct {
	Equals string `json:"equals"`
}

// EncodeValues implements go-querystring's Encoder.
func (w UserWhere) EncodeValues(key string, v *url.Values) error {
	q, err := json.Marshal(map[string]UserWhere{"where": w})
	v.Set(key, string(q))
	return err
}

// User is one row of the user query.
type User struct {
	ID        string    `json:"id"`
	RoqUserID string    `json:"roq_user_id"`
	TenantID  string    `json:"tenant_id"`
	Email     string    `json:"email"`
	FirstName string    `json:"firstName"`
	LastName  string    `json:"lastName"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}
