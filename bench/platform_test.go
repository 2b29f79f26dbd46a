package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-roq/roq"
)

func newPlatformClient(t *testing.T, url string) *roq.RoqPlatform {
	t.Helper()
	client, err := roq.New(roq.Config{PlatformURL: url, EnvironmentID: environmentID, APIKey: apiKey})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return client.AsUser(userID)
}

// The stock is listed whole, each invite once, in order.
func TestStockLists(t *testing.T) {
	t.Parallel()
	_, url := served(t, newStock())
	n := 0
	for invite, err := range newPlatformClient(t, url).AllUserInvites(t.Context(), roq.UserInvitesQuery{Limit: 500, Offset: 5_000}) {
		if err != nil {
			t.Fatal(err)
		}
		if want := personAt(5_000 + n).Email; invite.Email != want {
			t.Fatalf("invite %d is for %q, want %q", n, invite.Email, want)
		}
		n++
	}
	if n != 5_000 {
		t.Errorf("%d invites from 5,000 on, want 5,000", n)
	}
}

func TestStockRefuses(t *testing.T) {
	t.Parallel()
	for _, variables := range []string{`{"limit":1,"order":{"sort":"email","order":"ASC"}}`, `{"limit":1,"order":{"sort":"createdAt","order":"DESC"}}`, `{"limit":-1}`, `[]`} {
		if body, err := newStock().list([]byte(`{"variables":` + variables + `}`)); err == nil {
			t.Errorf("list(%s) = %.40s, want an error", variables, body)
		}
	}
}

// The stock makes an invite for each address of a send of many batches.
func TestStockSends(t *testing.T) {
	t.Parallel()
	p, url := served(t, newStock())
	in := roq.SendUserInvitesInput{TenantID: tenantID}
	for i := range 950 {
		in.UserInvites = append(in.UserInvites, roq.UserInviteInput{Email: fmt.Sprintf("somebody.%d@example.com", i)})
	}
	sent, err := newPlatformClient(t, url).SendUserInvites(t.Context(), in)
	if err != nil || len(sent.Success) != len(in.UserInvites) {
		t.Fatalf("%d invites were made, %v, want %d", len(sent.Success), err, len(in.UserInvites))
	}
	ids := map[string]bool{}
	for _, invite := range sent.Success {
		ids[invite.ID] = true
	}
	if len(ids) != len(in.UserInvites) || p.calls.Load() != 10 || p.invites.Load() != int64(len(in.UserInvites)) {
		t.Errorf("%d ids in %d requests of %d invites, want %d in 10", len(ids), p.calls.Load(), p.invites.Load(), len(in.UserInvites))
	}
}

// Requests without the right credentials are not counted in a comparison.
func TestPlatformChecksHeaders(t *testing.T) {
	t.Parallel()
	p, url := served(t, newCanned())
	for _, missing := range []string{userAuthorization, serverAuthorization} {
		req, err := http.NewRequest(http.MethodPost, url+graphQLPath, strings.NewReader(`{"variables":{"limit":1}}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(userAuthorization, p.bearer)
		req.Header.Set(serverAuthorization, p.basic)
		req.Header.Del(missing)
		recorded := httptest.NewRecorder()
		p.ServeHTTP(recorded, req)
		if recorded.Code != http.StatusUnauthorized {
			t.Errorf("without %s: HTTP %d, want 401", missing, recorded.Code)
		}
	}
}

// The platforms say where they are, answer, and end with their input.
func TestServePlatforms(t *testing.T) {
	t.Parallel()
	in, stop := io.Pipe()
	said, out := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- servePlatforms(in, out) }()
	var at addresses
	if err := json.NewDecoder(said).Decode(&at); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{at.Fast, at.Delayed} {
		if page, err := newPlatformClient(t, url).UserInvites(t.Context(), roq.UserInvitesQuery{Limit: 3}); err != nil || len(page.Data) != 3 {
			t.Errorf("%v, %v, want three invites", page, err)
		}
	}
	_ = stop.Close()
	if err := <-ended; err != nil {
		t.Errorf("the platforms ended with %v", err)
	}
}
