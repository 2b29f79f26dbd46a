package roq

import (
	"github.com/google/go-querystring/query"

	"github.com/go-roq/roq/internal/wire"
)

// SignInParams are the query parameters of the sign-in and sign-up pages. Empty
// parameters are omitted.
type SignInParams struct {
	// VariantKey chooses a variant of the page; the platform's default is "default".
	VariantKey string
	// PostLoginRedirect is where the visitor is sent after signing in.
	PostLoginRedirect string
	// DefaultLocale is the language of the page, as in "en-US".
	DefaultLocale string
}

// SignInURL returns the URL of the application's sign-in page, or "" if Config.AppURL
// is empty.
func (c *Client) SignInURL(p SignInParams) string { return c.pageURL(wire.SignInPath, p) }

// SignUpURL returns the URL of the application's sign-up page, or "" if Config.AppURL
// is empty.
func (c *Client) SignUpURL(p SignInParams) string { return c.pageURL(wire.SignUpPath, p) }

// SignOutURL returns the URL that signs a visitor out, or "" if Config.AppURL is empty.
func (c *Client) SignOutURL() string { return c.pageURL(wire.SignOutPath, SignInParams{}) }

func (c *Client) pageURL(path string, p SignInParams) string {
	core, err := c.ready("")
	if err != nil || core.cfg.AppURL == "" {
		return ""
	}
	return withQuery(core.cfg.AppURL+path, wire.SignIn(p))
}

// withQuery appends the parameters, a struct with url tags, to an address.
func withQuery(address string, parameters any) string {
	// Values fails for what is not a struct only.
	values, _ := query.Values(parameters)
	if encoded := values.Encode(); encoded != "" {
		address += "?" + encoded
	}
	return address
}
