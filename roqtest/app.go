package roqtest

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// The names of a visitor's session cookie. @roq/nextjs writes the second when it
// is told to be secure.
const (
	sessionCookie       = "roq-session-token"
	secureSessionCookie = "__Secure-roq-session-token"
)

// session answers who the visitor is, as @roq/nextjs does for the application.
func (s *Server) session(w http.ResponseWriter, r *http.Request, _ []byte) {
	s.answerSession(w, r, visitorToken(r))
}

// refetchSession answers who the visitor is, with new tokens, as @roq/nextjs does. It is
// what @roq/ui-react 1.0.13 asks first.
func (s *Server) refetchSession(w http.ResponseWriter, r *http.Request, _ []byte) {
	token := visitorToken(r)
	if _, user, code := s.visitor(token); code == "" {
		token = s.sessionToken(user)
		setSession(w, token)
	}
	s.answerSession(w, r, token)
}

// visitorToken returns the session token in a request's cookies.
func visitorToken(r *http.Request) string {
	for _, name := range []string{secureSessionCookie, sessionCookie} {
		if c, err := r.Cookie(name); err == nil && c.Value != "" {
			return c.Value
		}
	}
	return ""
}

// setSession gives the browser a session.
func setSession(w http.ResponseWriter, token string) {
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: token, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

// answerSession answers whose session a token is.
func (s *Server) answerSession(w http.ResponseWriter, r *http.Request, token string) {
	if token == "" {
		writeJSON(w, http.StatusOK, map[string]any{"session": nil, "status": "unauthenticated"})
		return
	}
	claims, user, code := s.visitor(token)
	if code != "" {
		writeJSON(w, http.StatusUnauthorized, map[string]string{"code": code, "message": "the session is not valid"})
		return
	}
	s.identify(r, caller{&user})
	writeJSON(w, http.StatusOK, map[string]any{
		"status": "authenticated",
		"session": map[string]any{
			"id": claims["id"], "roqAccessToken": claims["roqAccessToken"], "roqUserId": user.ID,
			"iat": claims["iat"], "exp": claims["exp"],
			"user": map[string]any{
				"firstName": user.FirstName, "lastName": user.LastName, "email": user.Email, "timezone": user.Timezone,
				"locale": user.Locale, "roles": user.Roles, "tenantId": user.TenantID,
			},
		},
	})
}

// visitor verifies a session token, or returns the code of the refusal.
func (s *Server) visitor(token string) (jwt.MapClaims, User, string) {
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return []byte(s.apiKey), nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithoutClaimsValidation())
	access, _ := claims["roqAccessToken"].(string)
	if err != nil || access == "" {
		return nil, User{}, "TOKEN_MALFORMED"
	}
	at := time.Now()
	issued, _ := claims.GetIssuedAt()
	expires, _ := claims.GetExpirationTime()
	verified, refusal := s.verify(access, "access")
	if refusal != nil || issued == nil || expires == nil || !at.Before(expires.Time) || !at.Before(issued.Add(30*24*time.Hour)) {
		return nil, User{}, "SESSION_EXPIRED"
	}
	id, _ := verified["roqUserId"].(string)
	user, ok := s.world.user(id)
	if !ok {
		return nil, User{}, "TOKEN_MALFORMED"
	}
	return claims, user, ""
}

// signOut takes the session back, under both names.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request, _ []byte) {
	for _, name := range []string{sessionCookie, secureSessionCookie} {
		http.SetCookie(w, &http.Cookie{Name: name, Path: "/", MaxAge: -1, HttpOnly: true, Secure: name == secureSessionCookie})
	}
	http.Redirect(w, r, "/", http.StatusFound)
}

// ownAddress reports whether a redirect to the address stays on this machine.
func ownAddress(address string) bool {
	u, err := url.Parse(address)
	if err != nil || strings.ContainsRune(address, '\\') {
		return false
	}
	if u.Host == "" {
		return u.Scheme == "" && strings.HasPrefix(address, "/")
	}
	ip := net.ParseIP(u.Hostname())
	return (u.Scheme == "http" || u.Scheme == "https") && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// findUsers is the user query of the REST API, as far as this package's users
// ask it: equality on columns.
func (s *Server) findUsers(w http.ResponseWriter, r *http.Request, _ []byte) {
	who, ok := s.queryCaller(r)
	if !ok {
		writeQueryError(w, http.StatusUnauthorized, "UNAUTHORIZED", "the request is not authorized")
		return
	}
	s.identify(r, who)
	var q struct {
		Where map[string]struct {
			Equals *string `json:"equals"`
		} `json:"where"`
	}
	if text := r.URL.Query().Get("q"); text != "" {
		// What is not understood must not find everybody.
		d := json.NewDecoder(strings.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&q); err != nil {
			writeQueryError(w, http.StatusBadRequest, "BAD_REQUEST", "q must be JSON of the form {\"where\":{\"email\":{\"equals\":\"…\"}}}")
			return
		}
	}
	for column := range q.Where {
		if _, known := (&member{}).columns()[column]; !known {
			writeQueryError(w, http.StatusUnprocessableEntity, "UNKNOWN_FIELD", "unknown field "+column)
			return
		}
	}
	rows := []map[string]any{}
	for _, m := range s.world.members(func(m *member) bool { return who.sees(m.TenantID) }) {
		row, match := m.columns(), true
		for column, condition := range q.Where {
			match = match && condition.Equals != nil && row[column] == *condition.Equals
		}
		if match {
			rows = append(rows, row)
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"data": rows})
}

// queryCaller says who asks: the environment's credentials are the service
// account, a session token is its visitor.
func (s *Server) queryCaller(r *http.Request) (caller, bool) {
	value := r.Header.Get("Authorization")
	if value == s.basic() {
		return caller{}, true
	}
	token, refusal := bearer(value)
	if refusal != nil {
		return caller{}, false
	}
	_, user, code := s.visitor(token)
	return caller{&user}, code == ""
}

// columns is the user's row. The columns are those of the documentation's answer;
// that names are in camel case beside the rest is as it shows them.
func (m *member) columns() map[string]any {
	at := m.createdAt.Format("2006-01-02T15:04:05.000Z")
	return map[string]any{
		"id": m.rowID, "roq_user_id": m.ID, "tenant_id": m.TenantID, "email": m.Email,
		"firstName": m.FirstName, "lastName": m.LastName, "created_at": at, "updated_at": at,
	}
}

// writeQueryError answers in the form of the REST API's errors (npm @roq/cli
// 0.0.17).
func writeQueryError(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, map[string]any{"error": map[string]any{
		"message": message, "reason": nil, "code": code, "prisma": false, "rejectedByPolicy": false,
	}})
}
