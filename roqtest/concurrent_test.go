package roqtest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// Everything at once: the platform's numbers add up afterwards, whoever won.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	const people = 40
	srv := roqtest.NewServer()
	defer srv.Close()
	ann, platform := acme(srv)
	receiver := newReceiver(t)
	srv.SendWebhooks(receiver.URL)

	var wg sync.WaitGroup
	for i := range people {
		email := fmt.Sprintf("person%d@example.com", i)
		// Two callers invite everybody: one of them is refused.
		for range 2 {
			wg.Go(func() {
				sent, err := send(platform, ann.TenantID, email)
				if err != nil {
					t.Errorf("send: %v", err)
					return
				}
				if len(sent.Success) == 0 {
					if !errors.Is(sent.Err(), roq.ErrAlreadyInvited) && !errors.Is(sent.Err(), roq.ErrAlreadyExists) {
						t.Errorf("send: %v", sent.Err())
					}
					return
				}
				id := sent.Success[0].ID
				switch i % 4 {
				case 0:
					_, err = platform.ResendUserInvite(t.Context(), id)
				case 1:
					_, err = platform.CancelUserInvite(t.Context(), id)
				case 2:
					err = srv.Expire(id)
				case 3:
					for _, mail := range srv.Outbox() {
						if mail.InviteID == id {
							_, err = srv.Accept(mail.Token)
						}
					}
				}
				if err != nil {
					t.Errorf("person %d: %v", i, err)
				}
			})
		}
		wg.Go(func() {
			srv.Requests()
			srv.Invites()
			srv.Deliveries()
			srv.Advance(time.Millisecond)
		})
	}
	wg.Wait()
	srv.Advance(0)

	// Who came second was refused, unless the first invite had been canceled or had
	// expired by then; so nobody has two that are pending or accepted.
	counts, open := map[roq.UserInviteStatus]int{}, map[string]int{}
	for _, i := range srv.Invites() {
		counts[i.Status]++
		if i.Status == roq.StatusPending || i.Status == roq.StatusAccepted {
			open[i.Email]++
		}
	}
	for email, n := range open {
		if n > 1 {
			t.Errorf("%s has %d invites", email, n)
		}
	}
	if counts[roq.StatusPending] != people/4 || counts[roq.StatusAccepted] != people/4 {
		t.Errorf("the invites are %v", counts)
	}
	if mails, want := len(srv.Outbox()), len(srv.Invites())+people/4; mails != want {
		t.Errorf("%d e-mails, want one for each invite and %d more: %d", mails, people/4, want)
	}
	// One event for each that was made or changed, and for each new user.
	events := map[string]int{}
	for _, e := range receiver.received() {
		events[e.Name]++
	}
	changes := len(srv.Invites()) // each was resent, canceled, expired or accepted
	if events["ROQ_USER_INVITE_INSERT"] != len(srv.Invites()) || events["ROQ_USER_INVITE_UPDATE"] != changes || events["ROQ_USER_INSERT"] != people/4 {
		t.Errorf("the events are %v for %d invites", events, len(srv.Invites()))
	}
}

// A refresh token gives new tokens, and nothing else does.
func TestRefreshTokens(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	_, granted := p.userTokens(p.ann.ID, nil)
	refresh, access := at(granted, "refreshToken").(string), at(granted, "accessToken").(string)
	status, renewed := p.post("/v01/authorize/refreshToken", http.Header{}, map[string]any{"refreshToken": refresh})
	if status != 200 || at(renewed, "accessToken") == nil || at(renewed, "accessToken") == access {
		t.Fatalf("refresh = %d %v", status, renewed)
	}
	if _, answer := p.graphQL(at(renewed, "accessToken").(string), `{ userInvites { totalCount } }`, nil); at(answer, "data", "userInvites", "totalCount") != 0.0 {
		t.Errorf("the new token gives %v", answer)
	}
	for name, body := range map[string]any{
		"an access token": map[string]any{"refreshToken": access},
		"nothing":         map[string]any{},
		"no object":       []int{},
		"no JWT":          map[string]any{"refreshToken": "x"},
	} {
		if status, answer := p.post("/v01/authorize/refreshToken", http.Header{}, body); status != 400 && status != 401 {
			t.Errorf("%s gives %d %v", name, status, answer)
		}
	}
	p.RevokeTokens()
	if status, answer := p.post("/v01/authorize/refreshToken", http.Header{}, map[string]any{"refreshToken": refresh}); status != 401 {
		t.Errorf("a revoked refresh token gives %d %v", status, answer)
	}
}

// What is no endpoint, or not with that method, is not answered as one.
func TestOtherRequests(t *testing.T) {
	t.Parallel()
	srv := roqtest.NewServer()
	defer srv.Close()
	for _, test := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/", 404},
		{"GET", "/v01/server/graphql", 405},
		{"PUT", "/v01/graphql", 405},
		{"GET", "/v01/authorize", 405},
		{"POST", "/api/auth/session", 405},
		{"POST", "/api/model/user/findMany", 405},
		{"POST", "/v02/server/graphql", 404},
	} {
		r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), test.method, srv.URL+test.path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != test.want {
			t.Errorf("%s %s = %d, want %d", test.method, test.path, resp.StatusCode, test.want)
		}
	}
}
