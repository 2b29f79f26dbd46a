package roq

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// sessionKey is the key of the session in a request's context.
type sessionKey struct{}

// SessionFromContext returns the session that [Client.RequireSession] put into a
// request's context, and whether there is one. Do not modify it: everything that uses
// the context shares it.
func SessionFromContext(ctx context.Context) (*Session, bool) {
	if ctx == nil {
		return nil, false
	}
	s, ok := ctx.Value(sessionKey{}).(*Session)
	return s, ok
}

// RequireSession passes requests with a valid session cookie to next, which gets the
// session with [SessionFromContext].
//
// Without a valid session, a browser that requests a page is redirected to the sign-in
// page, with the page's path as postLoginRedirect, if Config.AppURL is set. Other
// requests are answered with 401 and JSON of the form {"code","message"}. The code is
// NO_SESSION, TOKEN_MALFORMED or SESSION_EXPIRED, the last two as in npm @roq/nextjs
// 2.0.3.
//
// The cookie alone is sufficient. Protect requests that change anything with
// [http.CrossOriginProtection].
func (c *Client) RequireSession(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, err := c.Session(r)
		if err == nil {
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), sessionKey{}, session)))
			return
		}
		// Whether there is a session may change with the next request.
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Add("Vary", "Cookie, Accept")
		if page := c.SignInURL(SignInParams{PostLoginRedirect: localPath(r.URL)}); page != "" && wantsPage(r) {
			http.Redirect(w, r, page, http.StatusFound)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		_ = json.NewEncoder(w).Encode(noSession(err))
	})
}

// noSession says why there is no session, with the platform's own codes where it
// has one (npm @roq/nextjs 2.0.3).
func noSession(err error) any {
	body := struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}{"NO_SESSION", "Sign in first."}
	switch {
	case errors.Is(err, ErrInvalidSession):
		body.Code, body.Message = "TOKEN_MALFORMED", "The session is not valid. Sign in again."
	case errors.Is(err, ErrSessionExpired):
		body.Code, body.Message = "SESSION_EXPIRED", "The session has expired. Sign in again."
	}
	return body
}

// wantsPage reports whether r is a browser's navigation, and not a script's
// request, which could do nothing with a sign-in page.
func wantsPage(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// localPath returns the path and query of u if a browser cannot take them for
// another host's address, and "/" otherwise.
func localPath(u *url.URL) string {
	path := u.EscapedPath()
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsRune(path, '\\') {
		return "/"
	}
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	return path
}
