package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

const (
	// maxPage is what a page may have, strictly.
	maxPage = 200_000
	// maxPaint is how long it may take, generously: other tests run beside this one.
	maxPaint = time.Second
)

// large is a platform after campaigns: 100,000 invites of which every second one was
// accepted, and as many requests as are kept.
func large(t *testing.T, n int) *roqtest.Server {
	t.Helper()
	small := roqtest.NewHandler()
	defer small.Close()
	populate(small)
	var kept bytes.Buffer
	if err := small.Save(&kept); err != nil {
		t.Fatal(err)
	}
	state := map[string]any{}
	if err := json.Unmarshal(kept.Bytes(), &state); err != nil {
		t.Fatal(err)
	}
	ann := small.Users()[0]
	type invite struct {
		roq.UserInvite
		Token     string    `json:"token"`
		ExpiresAt time.Time `json:"expiresAt"`
	}
	var invites, mails []any
	users := state["users"].([]any)
	now := time.Now().UTC()
	for i := range n {
		id := fmt.Sprintf("00000000-0000-4000-8000-%012d", i)
		one := invite{UserInvite: roq.UserInvite{
			ID: id, TenantID: ann.TenantID, CreatedByUserID: ann.ID, Email: fmt.Sprintf("user%d@example.com", i), FirstName: "User", Locale: "de-DE",
			RoleKeys: []string{"member"}, Status: roq.StatusPending, CreatedAt: now, UpdatedAt: now, StatusUpdatedAt: now,
		}, Token: fmt.Sprintf("token%d", i), ExpiresAt: now.Add(time.Hour)}
		if i%2 == 0 {
			one.Status = roq.StatusAccepted
			users = append(users, map[string]any{"ID": fmt.Sprintf("10000000-0000-4000-8000-%012d", i), "TenantID": ann.TenantID, "Email": one.Email, "FirstName": "User", "LastName": fmt.Sprint(i), "Roles": one.RoleKeys, "rowId": id, "createdAt": now})
		}
		invites = append(invites, one)
		mails = append(mails, roqtest.Email{To: one.Email, InviteID: id, Kind: roqtest.KindInvite, Token: one.Token, At: now})
	}
	state["users"], state["invites"], state["outbox"] = users, invites, mails
	encoded, err := json.Marshal(state)
	if err != nil {
		t.Fatal(err)
	}
	platform := roqtest.NewHandler()
	t.Cleanup(platform.Close)
	if err := platform.Restore(bytes.NewReader(encoded)); err != nil {
		t.Fatal(err)
	}
	return platform
}

// requested makes requests that fail: what they ask for is on the page anyway.
func requested(t *testing.T, platform *roqtest.Server, n int, variables string) {
	t.Helper()
	for range n {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/v01/server/graphql", strings.NewReader(`{"query":"query userInvites { userInvites { totalCount } }","variables":`+variables+`}`))
		platform.Handler().ServeHTTP(httptest.NewRecorder(), r)
	}
}

// painted gets a page from a server, and checks its bounds.
func painted(t *testing.T, handler http.Handler, path string) string {
	t.Helper()
	var took time.Duration
	var body string
	for range 3 { // the best of them: the machine has other things to do
		w, began := httptest.NewRecorder(), time.Now()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", path, nil))
		took, body = time.Since(began), w.Body.String()
		if w.Code != 200 {
			t.Fatalf("%s = %d %s", path, w.Code, body)
		}
		if took < maxPaint {
			break
		}
	}
	t.Logf("%-40s %7d bytes in %v", path, len(body), took.Round(10*time.Microsecond))
	if len(body) > maxPage {
		t.Errorf("%s has %d bytes, want at most %d", path, len(body), maxPage)
	}
	if took > maxPaint {
		t.Errorf("%s took %v, want at most %v", path, took, maxPaint)
	}
	return body
}

// With 100,000 invites, every page is as small and as fast as with a few.
func TestLarge(t *testing.T) {
	const n = 100_000
	platform := large(t, n)
	requested(t, platform, 10_500, `{"limit":10,"filter":{"status":{"equalTo":"pending"}}}`)
	handler, err := newSite(platform, true, "")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/":                               "100,000 lines",
		"/?q=user99999":                   "1 line matches",
		"/?q=no-such-address":             "Nothing matches",
		"/?status=accepted":               "50,000 lines",
		"/?before=50":                     "user48@example.com",
		"/?open=5&q=user&status=accepted": "user4@example.com",
		"/invites":                        "100,000 lines",
		"/invites?q=user5&status=pending": "lines match",
		"/users":                          "50,003 lines",
		"/users?q=user+4":                 "lines match",
		"/requests":                       "10,000 lines",
		"/requests?q=invites&open=9000":   "lines match",
		"/webhooks":                       "No webhook",
		"/api/auth/login":                 "ann@acme.example",
		"/accept?token=token99999":        "Join Acme",
		"/dev/api/mails?limit=500":        `"total":100000`,
	} {
		if body := painted(t, handler, path); !strings.Contains(body, want) && path != "/dev/api/mails?limit=500" || strings.Count(body, "<tr id=") > shownRows {
			t.Errorf("%s does not show %q", path, want)
		}
	}
}

// What others wrote is long: the pages are not.
func TestLongTexts(t *testing.T) {
	t.Parallel()
	long := strings.Repeat(`"<&ä>'`, 5000)
	platform := roqtest.NewHandler()
	t.Cleanup(platform.Close)
	var last roqtest.User
	for i := range 120 {
		tenant := platform.AddTenant(long)
		last = platform.AddUser(roqtest.User{TenantID: tenant, Email: fmt.Sprintf("u%d@example.com", i), FirstName: long, LastName: long, Locale: long, Roles: []string{long, long}})
	}
	client, err := newClient(platform)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat(`"<&ä>'`, 40)
	for i := range 60 {
		sent, err := client.AsUser(last.ID).SendUserInvites(t.Context(), roq.SendUserInvitesInput{TenantID: last.TenantID, UserInvites: []roq.UserInviteInput{{
			Email: fmt.Sprintf("%s%d@example.com", strings.Repeat("x", 50), i), FirstName: text, LastName: text, Locale: "de", Roles: []string{text, text},
		}}})
		if err != nil || len(sent.Success) != 1 {
			t.Fatalf("%v %v", sent, err)
		}
	}
	requested(t, platform, 60, `{"text":`+fmt.Sprintf("%q", strings.Repeat("&<", 3000))+`}`)
	handler, err := newSite(platform, true, "")
	if err != nil {
		t.Fatal(err)
	}
	search := "?q=" + url.QueryEscape("x")
	for _, path := range []string{
		"/", "/" + search, "/?open=1", "/mails/1/html", "/invites", "/invites?open=" + platform.Invites()[0].ID, "/users", "/users?open=" + last.ID,
		"/requests", "/requests?open=10", fmt.Sprintf("/requests?open=%d", platform.FindRequests(one).Rows[0].Number), "/webhooks", "/api/auth/login",
	} {
		painted(t, handler, path)
	}
}
