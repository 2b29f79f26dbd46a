package roq_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// A status that says no beside data that says yes: the data was done.
func TestDataBesideARefusingStatus(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 401, 403, 409, 429, 500, 503} {
		synctest.Test(t, func(t *testing.T) {
			b := newBubbled(t, nil)
			b.meddle = on("sendUserInvites", 0, func(resp *http.Response) *http.Response {
				body, _ := io.ReadAll(resp.Body)
				both := strings.TrimSuffix(string(body), "}") + `,"errors":[{"message":"no","extensions":{"code":"FORBIDDEN"}}]}`
				return instead(status, both)(resp)
			})
			sent, err := b.send(t.Context(), 1, "person")
			if err != nil || len(sent.Success) != 1 || len(b.Outbox()) != 1 {
				t.Errorf("%d: %v, %v and %d e-mails; want the invite: the data decides", status, account(sent), err, len(b.Outbox()))
			}
		})
	}
}

// A 429 with a Retry-After longer than any wait is settled and repeated too.
func TestALongRetryAfterIsSettledToo(t *testing.T) {
	t.Parallel()
	for _, status := range []int{429, 503} {
		for _, processed := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				b := newBubbled(t, nil)
				if processed {
					b.meddle = on("sendUserInvites", 1, func(resp *http.Response) *http.Response {
						resp.Header.Set("Retry-After", "60")
						return instead(status, "")(resp)
					})
				} else {
					b.Inject(roqtest.Fault{Operation: "sendUserInvites", Times: 1, Status: status, Header: http.Header{"Retry-After": {"60"}}})
				}
				sent, err := b.send(t.Context(), 2, "person")
				if want := processed || status == 429; want && (err != nil || len(sent.Success) != 2 || len(b.Outbox()) != 2) || !want && !errors.Is(err, roq.ErrOutcomeUnknown) {
					t.Errorf("%d, processed %v: %v, %v and %d e-mails", status, processed, account(sent), err, len(b.Outbox()))
				}
			})
		}
	}
}

// Repeating ends when there is nothing to repeat with, or a clear no.
func TestRepeatingEnds(t *testing.T) {
	t.Parallel()
	for name, refuse := range map[string]roqtest.Fault{
		"no token": {Operation: roqtest.OpAuthorize, Skip: 1, Status: 403},
		"refused":  {Operation: "sendUserInvites", Skip: 1, Status: 403},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBubbled(t, nil, roq.WithRepeatUnknown())
			b.Inject(roqtest.Fault{Operation: "sendUserInvites", Times: 1, Drop: roqtest.DropBefore})
			b.Inject(refuse)
			if name == "no token" {
				b.Inject(roqtest.Fault{Operation: "userInvites", Status: 401})
			}
			ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
			defer cancel()
			begin := time.Now()
			sent, err := b.send(ctx, 1, "person")
			if !errors.Is(err, roq.ErrOutcomeUnknown) || len(sent.Unknown) != 1 || time.Since(begin) > time.Minute || len(b.Requests()) > 50 {
				t.Errorf("%s: %v, %v after %v and %d requests", name, account(sent), err, time.Since(begin), len(b.Requests()))
			}
		})
	}
}

// A refusal after a maybe is believed only if what it says was there before.
func TestEchoesAreNotRefusals(t *testing.T) {
	t.Parallel()
	empty := instead(200, `{"data":{"userInvites":{"data":[],"totalCount":0}}}`)
	for name, text := range map[string]string{
		"as it is":       "",
		"plain text":     "person0@Example.com was already invited",
		"accepted since": `{\"message\":\"exists\",\"errorCode\":\"USER_ALREADY_EXISTS\"}`,
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBubbled(t, nil, roq.WithRepeatUnknown())
			second := on("sendUserInvites", 2, func(resp *http.Response) *http.Response {
				if text == "" {
					return resp
				}
				return instead(200, `{"data":{"sendUserInvitesV2":{"success":[],"errors":[{"email":"person0@Example.com","error":"`+text+`"}]}}}`)(resp)
			})
			b.meddle = both(on("sendUserInvites", 1, cut), both(second, on("userInvites", 0, empty)))
			sent, err := b.send(t.Context(), 1, "person")
			if !errors.Is(err, roq.ErrOutcomeUnknown) || len(sent.Unknown) != 1 || len(b.Outbox()) != 1 {
				t.Errorf("%s: %v, %v; want it unknown while the list does not show it", name, account(sent), err)
			}
		})
	}
}

// What is not seen is taken for not there only if it would be seen.
func TestAbsenceNeedsProof(t *testing.T) {
	t.Parallel()
	ahead := func(d time.Duration) func(*http.Response) *http.Response {
		return func(resp *http.Response) *http.Response {
			resp.Header.Set("Date", time.Now().Add(d).UTC().Format(http.TimeFormat))
			return resp
		}
	}
	throttled := func() func(string, *http.Response) *http.Response { return on("sendUserInvites", 1, instead(429, "")) }
	for name, meddle := range map[string]func(string, *http.Response) *http.Response{
		"the clock of the answers is ahead": both(throttled(), on("userInvites", 0, ahead(10*time.Second))),
		"the list is in no order": both(throttled(), on("userInvites", 0, instead(200, `{"data":{"userInvites":{"totalCount":2,"data":[
			{"id":"1","email":"x@y.org","createdAt":"1999-01-01T00:00:00Z"},{"id":"2","email":"x@y.org","createdAt":"1999-01-02T00:00:00Z"}]}}}`))),
		// Each page is in order by itself, and hides what should have come before it.
		"the pages are in no order": both(throttled(), func() func(string, *http.Response) *http.Response {
			page := 0
			return on("userInvites", 0, func(resp *http.Response) *http.Response {
				page++
				year := 1999 - page%2
				return instead(200, fmt.Sprintf(`{"data":{"userInvites":{"totalCount":2,"data":[{"id":"1","email":"x@y.org","createdAt":"%d-01-01T00:00:00Z"}]}}}`, year))(resp)
			})
		}()),
		"the list cannot be read": both(throttled(), on("userInvites", 0, instead(503, ""))),
		"no dates": both(throttled(), on("userInvites", 0, func(resp *http.Response) *http.Response {
			resp.Header.Del("Date")
			return resp
		})),
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBubbled(t, []roqtest.Option{roqtest.WithRepeatedInvites()})
			b.meddle = meddle
			sent, err := b.send(t.Context(), 1, "person")
			if !errors.Is(err, roq.ErrOutcomeUnknown) || len(sent.Unknown) != 1 || len(b.Outbox()) != 1 {
				t.Errorf("%s: %v, %v and %d e-mails; want it unknown and mailed once", name, account(sent), err, len(b.Outbox()))
			}
		})
	}
	// A resend: the first look shows nothing yet, and then nothing can be seen.
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, nil)
		made, err := b.send(t.Context(), 1, "person")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour) //nolint:forbidigo // the bubble's clock
		before := b.Invites()[0]
		looks := 0
		b.meddle = both(on("resendUserInvite", 1, instead(429, "")), func(operation string, resp *http.Response) *http.Response {
			if operation != "userInvite" {
				return resp
			}
			if looks++; looks > 1 {
				return instead(503, "")(resp)
			}
			body, _ := io.ReadAll(resp.Body)
			now := b.Invites()[0]
			const format = "2006-01-02T15:04:05.000Z"
			body = bytes.ReplaceAll(body, []byte(now.UpdatedAt.Format(format)), []byte(before.UpdatedAt.Format(format)))
			return instead(200, string(body))(resp)
		})
		_, err = b.client.AsUser(b.user.ID).ResendUserInvite(t.Context(), made.Success[0].ID)
		if !errors.Is(err, roq.ErrOutcomeUnknown) || len(b.Outbox()) != 2 {
			t.Errorf("%v and %d e-mails, want the resend unknown and mailed once", err, len(b.Outbox())-1)
		}
	})
}

// Somebody else's invite is not this call's, nor one from before its first
// attempt, however long the token took.
func TestOthersInvitesAreNoEvidence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, []roqtest.Option{roqtest.WithRepeatedInvites()})
		bob := b.AddUser(roqtest.User{TenantID: b.tenant, Email: "bob@acme.example"})
		invite := func(by roqtest.User) {
			in := roq.SendUserInvitesInput{TenantID: b.tenant, UserInvites: []roq.UserInviteInput{{Email: "person0@example.com"}}}
			if _, err := b.client.AsUser(by.ID).SendUserInvites(t.Context(), in); err != nil {
				t.Error(err)
			}
		}
		b.Inject(roqtest.Fault{Operation: "sendUserInvites", Skip: 1, Times: 1, Drop: roqtest.DropBefore})
		invite(bob) // in the same second
		if sent, err := b.send(t.Context(), 1, "person"); !errors.Is(err, roq.ErrOutcomeUnknown) {
			t.Errorf("with another inviter's: %v, %v; want it unknown", account(sent), err)
		}

		b.RevokeTokens()
		b.Inject(roqtest.Fault{Operation: roqtest.OpAuthorize, Delay: 20 * time.Second})
		b.Inject(roqtest.Fault{Operation: "sendUserInvites", Skip: 1, Times: 1, Drop: roqtest.DropBefore})
		go func() {
			time.Sleep(10 * time.Second) //nolint:forbidigo // the bubble's clock
			other := newClient(t, withURL(b.Config()), roq.WithHTTPClient(&http.Client{Transport: b}))
			in := roq.SendUserInvitesInput{TenantID: b.tenant, UserInvites: []roq.UserInviteInput{{CreatedByUserID: b.user.ID, Email: "late0@example.com"}}}
			_, _ = other.AsSuperAdmin().SendUserInvites(context.Background(), in)
		}()
		client := newClient(t, withURL(b.Config()), roq.WithHTTPClient(&http.Client{Transport: b}))
		in := roq.SendUserInvitesInput{TenantID: b.tenant, UserInvites: []roq.UserInviteInput{{Email: "late0@example.com"}}}
		sent, err := client.AsUser(b.user.ID).SendUserInvites(t.Context(), in)
		if !errors.Is(err, roq.ErrOutcomeUnknown) || len(b.Outbox()) != 2 {
			t.Errorf("with one from before the first attempt: %v, %v with %d e-mails; want it unknown", account(sent), err, len(b.Outbox()))
		}
	})
}

func withURL(cfg roq.Config) roq.Config {
	cfg.PlatformURL = platformURL
	return cfg
}

// No letter outside ASCII becomes one of ASCII.
func TestAddressesThatOnlyLookAlike(t *testing.T) {
	t.Parallel()
	m := newMock(t, answer("sendUserInvitesV2", `{"success":[`+strings.ReplaceAll(invite, "wick.john@roq.tech", "i@x.org")+`]}`), roq.WithSettleTimeout(0))
	result, err := m.client.AsUser(userID).SendUserInvites(t.Context(), invitation("\u0130@x.org"))
	if !errors.Is(err, roq.ErrOutcomeUnknown) || len(result.Success) != 0 {
		t.Errorf("%v, %v; want somebody else's invite not to count", account(result), err)
	}
	m = newMock(t, inviting(t))
	result, err = m.client.AsUser(userID).SendUserInvites(t.Context(), invitation("\u0130@x.org", "i@x.org", "\u017fam@x.org", "sam@x.org", "Ü@x.org"))
	if err != nil || len(result.Success) != 5 {
		t.Errorf("%v, %v; want five different people", account(result), err)
	}
	if _, err = m.client.AsUser(userID).SendUserInvites(t.Context(), invitation("Ü@x.org", "ü@X.ORG")); !errors.Is(err, roq.ErrInvalidInput) {
		t.Errorf("%v, want the second refused as the first's", err)
	}
}

// A pause is bounded by the waits of the call that it holds up, and holds for
// the server that asked for it.
func TestPausesStayWhereTheyBelong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		throttle := httpmock.NewStringResponder(503, "").HeaderSet(http.Header{"Retry-After": {"86400"}})
		m := newMock(t, func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "api.example" {
				return throttle(r)
			}
			return answer("userInvite", invite)(r)
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		long := roq.WithRetry(roq.RetryPolicy{MaxWait: 24 * time.Hour})
		if _, err := m.client.FindUsers(ctx, roq.FindUsersQuery{Email: "a@b.c"}, long); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("FindUsers = %v, want its deadline", err)
		}
		begin := time.Now()
		if _, err := m.client.AsUser(userID).UserInvite(t.Context(), inviteID); err != nil || time.Since(begin) != 0 {
			t.Errorf("the platform was asked after %v (%v), want at once", time.Since(begin), err)
		}
		begin = time.Now()
		_, _ = m.client.FindUsers(t.Context(), roq.FindUsersQuery{Email: "a@b.c"}, roq.WithRetry(roq.RetryPolicy{MaxAttempts: 1}))
		if waited := time.Since(begin); waited != 10*time.Second {
			t.Errorf("another call to the same server waited %v, want its own longest wait", waited)
		}
	})
}

// The end that the package gives a call is the platform's fault, not the
// caller's deadline.
func TestOurOwnEndIsUnavailable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMock(t, func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		if _, err := m.client.AsUser(userID).UserInvite(context.Background(), inviteID, roq.WithTimeout(0)); !errors.Is(err, roq.ErrUnavailable) {
			t.Errorf("%v, want ErrUnavailable", err)
		}
	})
}
