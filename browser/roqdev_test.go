package browser

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// A page of any origin can use roqdev's endpoint for browsers, as ROQ's own
// client for them does, and no other.
func TestBrowserOfAnotherOrigin(t *testing.T) {
	b := newTab(t)
	front := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(front.Close)
	b.open(front.URL)
	asks := func(path string) string {
		t.Helper()
		return perform(b, "ask "+path, chromedp.Evaluate[string](`fetch('`+b.dev+path+`', {
			method: 'POST', headers: {'content-type': 'application/json', 'roq-platform-authorization': 'Bearer x'}, body: '{"query":"{ userInvites { totalCount } }"}',
		}).then((r) => r.text(), (e) => String(e))`, chromedp.EvalAwaitPromise))
	}
	if got := asks("/v01/graphql"); !strings.Contains(got, "INVALID_TOKEN") {
		t.Errorf("the endpoint for browsers says %s", got)
	}
	if got := asks("/v01/server/graphql"); !strings.Contains(got, "Failed to fetch") {
		t.Errorf("the endpoint for backends says %s", got)
	}
}
