package roqtest

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

const serviceAccountEmail = "project-service-account@roq.tech"

// sessionLife is how long @roq/nextjs signs a session token for.
const sessionLife = 365 * 24 * time.Hour

// tokens is what the authorize endpoints answer. That the service account gets
// an access token only is how @roq/nodejs 1.0.20 reads it.
type tokens struct {
	AccessToken  string `json:"accessToken"`
	IDToken      string `json:"idToken,omitempty"`
	RefreshToken string `json:"refreshToken,omitempty"`
}

// sign makes a JWT of the platform. The kind keeps one token from passing for
// another; its name is our own.
func (s *Server) sign(kind string, life time.Duration, claims jwt.MapClaims) string {
	at := time.Now()
	claims["kind"], claims["jti"], claims["roqEnvironmentId"] = kind, uuid.NewString(), s.environmentID
	claims["generation"] = s.generation.Load()
	claims["iat"], claims["exp"] = at.Unix(), at.Add(life).Unix()
	signed, _ := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(s.secret)
	return signed
}

// serviceToken is the service account's access token.
func (s *Server) serviceToken() string {
	return s.sign("service", s.tokenLifetime, jwt.MapClaims{})
}

// userTokens is what a user is signed in with. The claims of the id token are
// those that @roq/nextjs 2.0.3 reads. Of the access token @roq/ui-react 1.0.13 reads the
// tenantId too.
func (s *Server) userTokens(u User, life time.Duration) tokens {
	return tokens{
		AccessToken: s.sign("access", life, jwt.MapClaims{"roqUserId": u.ID, "tenantId": u.TenantID}),
		IDToken: s.sign("id", life, jwt.MapClaims{
			"roqUserId": u.ID, "tenantId": u.TenantID, "email": u.Email, "firstName": u.FirstName, "lastName": u.LastName,
			"locale": u.Locale, "timezone": u.Timezone, "roles": u.Roles,
		}),
		RefreshToken: s.sign("refresh", sessionLife, jwt.MapClaims{"roqUserId": u.ID}),
	}
}

// verify returns the claims of a token of the platform, of one of the kinds.
func (s *Server) verify(token string, kinds ...string) (jwt.MapClaims, *platformError) {
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return s.secret, nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired())
	if err == nil && claims["generation"] == float64(s.generation.Load()) {
		for _, kind := range kinds {
			if claims["kind"] == kind {
				return claims, nil
			}
		}
	}
	return nil, unauthorized("INVALID_TOKEN", "the token is not valid")
}

// bearer returns the token of a header value.
func bearer(value string) (string, *platformError) {
	if value == "" {
		return "", unauthorized("MISSING_AUTH", "the authorization header is missing")
	}
	token, ok := strings.CutPrefix(value, "Bearer ")
	if !ok {
		return "", unauthorized("INVALID_AUTH_HEADER", "the authorization header is malformed")
	}
	return token, nil
}

// callerFrom says who makes a GraphQL request. On the server's side the
// environment's credentials are needed too.
func (s *Server) callerFrom(r *http.Request, server bool) (caller, *platformError) {
	if server && r.Header.Get("roq-platform-server-authorization") != s.basic() {
		return caller{}, unauthorized("INVALID_CREDENTIALS", "the environment's credentials are missing or wrong")
	}
	token, refusal := bearer(r.Header.Get("roq-platform-authorization"))
	if refusal != nil {
		return caller{}, refusal
	}
	claims, refusal := s.verify(token, "service", "access")
	if refusal != nil {
		return caller{}, refusal
	}
	if claims["kind"] == "service" {
		return caller{}, nil
	}
	id, _ := claims["roqUserId"].(string)
	user, ok := s.world.user(id)
	if !ok {
		return caller{}, unauthorized("INVALID_TOKEN", "the token's user does not exist")
	}
	return caller{&user}, nil
}

// basic is the environment's credentials, as a backend sends them.
func (s *Server) basic() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(s.environmentID+":"+s.apiKey))
}

// credentials is the body of a token request.
type credentials struct {
	Email         string          `json:"email"`
	EnvironmentID string          `json:"environmentId"`
	APIKey        string          `json:"apiKey"`
	UserID        string          `json:"userId"`
	ExpiresIn     json.RawMessage `json:"expiresIn"`
	RefreshToken  string          `json:"refreshToken"`
}

// authorizeServiceAccount gives whoever has the API key the token of the service
// account.
func (s *Server) authorizeServiceAccount(w http.ResponseWriter, _ *http.Request, body []byte) {
	var in credentials
	if json.Unmarshal(body, &in) != nil || in.Email != serviceAccountEmail || in.EnvironmentID != s.environmentID || in.APIKey != s.apiKey {
		unauthorized("INVALID_CREDENTIALS", "the credentials are wrong").writeREST(w)
		return
	}
	writeJSON(w, http.StatusOK, tokens{AccessToken: s.serviceToken()})
}

// authorize gives the service account the tokens of any user. An id that is no
// UUID is refused before it is looked up, as the platform parses ids.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request, body []byte) {
	token, refusal := bearer(r.Header.Get("roq-platform-authorization"))
	if refusal == nil {
		_, refusal = s.verify(token, "service")
	}
	if refusal != nil {
		refusal.writeREST(w)
		return
	}
	s.identify(r, caller{})
	var in credentials
	if json.Unmarshal(body, &in) != nil || in.EnvironmentID != s.environmentID || in.APIKey != s.apiKey {
		unauthorized("INVALID_CREDENTIALS", "the credentials are wrong").writeREST(w)
		return
	}
	if uuid.Validate(in.UserID) != nil {
		badInput("userId must be a UUID").writeREST(w)
		return
	}
	life, ok := expiresIn(in.ExpiresIn)
	if !ok {
		badInput("expiresIn must be a number of seconds or a duration such as 30m").writeREST(w)
		return
	}
	if life == 0 {
		life = s.tokenLifetime
	}
	user, ok := s.world.user(in.UserID)
	if !ok {
		notFound("USER_NOT_FOUND", "there is no such user").writeREST(w)
		return
	}
	writeJSON(w, http.StatusOK, s.userTokens(user, life))
}

// refresh exchanges a refresh token for new tokens. @roq/nextjs 2.0.3 sends environmentId
// and scope too.
func (s *Server) refresh(w http.ResponseWriter, _ *http.Request, body []byte) {
	var in credentials
	if json.Unmarshal(body, &in) != nil {
		badInput("the body must be JSON").writeREST(w)
		return
	}
	claims, refusal := s.verify(in.RefreshToken, "refresh")
	if refusal != nil {
		refusal.writeREST(w)
		return
	}
	id, _ := claims["roqUserId"].(string)
	user, ok := s.world.user(id)
	if !ok {
		notFound("USER_NOT_FOUND", "there is no such user").writeREST(w)
		return
	}
	writeJSON(w, http.StatusOK, s.userTokens(user, s.tokenLifetime))
}

// expiresIn reads a lifetime: a number is seconds, a text has a unit, from s to h.
// The published clients pass on what jsonwebtoken takes, which is more.
func expiresIn(raw json.RawMessage) (time.Duration, bool) {
	text := strings.Trim(string(raw), `"`)
	if text == "" || text == "null" {
		return 0, true
	}
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d > 0
}

// sessionToken signs a visitor's session as @roq/nextjs does.
func (s *Server) sessionToken(u User) string {
	t := s.userTokens(u, s.tokenLifetime)
	at := time.Now()
	signed, _ := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"id": uuid.NewString(), "roqUserId": u.ID,
		"roqAccessToken": t.AccessToken, "roqIdToken": t.IDToken, "roqRefreshToken": t.RefreshToken,
		"iat": at.Unix(), "nbf": at.Unix(), "exp": at.Add(sessionLife).Unix(),
	}).SignedString([]byte(s.apiKey))
	return signed
}
