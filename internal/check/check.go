// Package check holds the rules for what a caller may hand to the platform:
// addresses of servers, credentials, identifiers and e-mail addresses.
//
// Every function returns nil or an error whose text completes a sentence that
// starts with the name of the argument ("Config.APIKey: must not be empty"). No
// text repeats the value: it may be a secret or somebody's address.
package check

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// The longest values that are accepted, in bytes: far above what the platform
// issues, to keep one value from filling a request.
const (
	maxID     = 256
	maxSecret = 4096
	maxToken  = 16 << 10
	maxURL    = 2048
)

var (
	errEmpty     = errors.New("must not be empty")
	errLong      = errors.New("is too long")
	errUTF8      = errors.New("must be valid UTF-8")
	errPrintable = errors.New("must be printable ASCII without spaces")
)

// ID reports why s cannot be an identifier, or nil. Whether it is a UUID of the
// right kind is for the platform to say.
func ID(s string) error { return printable(s, maxID) }

// Secret reports why s cannot be a key that travels in a header or a JSON body.
func Secret(s string) error { return printable(s, maxSecret) }

// Token reports why s cannot be an access token that travels in a header.
func Token(s string) error { return printable(s, maxToken) }

// EnvironmentID is [ID] and refuses the colon, which would move the boundary
// between user and password in the Basic credential made of it.
func EnvironmentID(s string) error {
	if strings.Contains(s, ":") {
		return errors.New("must not contain a colon")
	}
	return ID(s)
}

func printable(s string, limit int) error {
	switch {
	case s == "":
		return errEmpty
	case len(s) > limit:
		return errLong
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return errPrintable
		}
	}
	return nil
}

// HeaderText reports why s cannot be a header value of several words.
func HeaderText(s string) error {
	return printable(strings.ReplaceAll(s, " ", "_"), maxID)
}

// BaseURL returns s without trailing slashes if it can be the base of the
// platform's endpoints: an absolute http or https address of a host and
// perhaps a path.
func BaseURL(s string) (string, error) {
	switch {
	case s == "":
		return "", errEmpty
	case len(s) > maxURL:
		return "", errLong
	case printable(s, maxURL) != nil:
		// Also keeps out hosts that only look like another one.
		return "", errPrintable
	}
	u, err := url.Parse(s)
	if err != nil {
		// url.Parse repeats the value in its errors, and with it a password.
		return "", errors.New("is not a URL")
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return "", errors.New("must start with https:// or http://")
	case u.Opaque != "" || u.Hostname() == "":
		return "", errors.New("must name a host")
	case u.User != nil || strings.Contains(s, "@"):
		return "", errors.New("must not contain a user name or password")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#"):
		return "", errors.New("must not contain a query or fragment")
	case strings.ContainsAny(s, `%\`):
		return "", errors.New("must not contain escapes or backslashes")
	case !validPort(u):
		return "", errors.New("must have a port between 1 and 65535, or none")
	}
	for segment := range strings.SplitSeq(u.Path, "/") {
		if segment == "." || segment == ".." {
			return "", errors.New("must not contain dot segments")
		}
	}
	return strings.TrimRight(s, "/"), nil
}

func validPort(u *url.URL) bool {
	port := u.Port()
	if port == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	n, err := strconv.Atoi(port)
	return err == nil && n >= 1 && n <= 65535
}

// Confidential reports whether a request to the base address keeps its
// credentials to itself: https, or a host on this machine.
func Confidential(base string) bool {
	u, err := url.Parse(base)
	if err != nil {
		return false
	}
	if u.Scheme == "https" {
		return true
	}
	host := strings.ToLower(u.Hostname())
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
