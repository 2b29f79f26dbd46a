package roq_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

const inviteToken = "canary-invite-token"

// invited is a platform on which one person is invited, and the token of the e-mail.
func invited(t *testing.T, opts ...roq.Option) (b *bubbled, token, id string) {
	t.Helper()
	b = newBubbled(t, nil, opts...)
	made, err := b.send(t.Context(), 1, "person")
	if err != nil {
		t.Fatal(err)
	}
	return b, b.Outbox()[0].Token, made.Success[0].ID
}

func TestAcceptUserInvite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, token, id := invited(t)
		platform := b.client.AsSuperAdmin()
		checked, err := platform.CheckUserInviteToken(t.Context(), token)
		if err != nil || *checked != (roq.UserInviteToken{Email: "person0@Example.com", Valid: true}) {
			t.Errorf("CheckUserInviteToken = %+v, %v", checked, err)
		}
		if got := b.Invites()[0].Status; got != roq.StatusPending {
			t.Errorf("checking the token made the invite %s", got)
		}
		before := len(b.Requests())
		accepted, err := platform.AcceptUserInvite(t.Context(), token)
		if err != nil || accepted.ID != id || accepted.Status != roq.StatusAccepted || accepted.AcceptedByUserID == "" {
			t.Fatalf("AcceptUserInvite = %+v, %v", accepted, err)
		}
		if n := len(b.Requests()) - before; n != 1 {
			t.Errorf("%d requests, want one", n)
		}
		if len(b.Users()) != 2 || len(b.Outbox()) != 1 {
			t.Errorf("%d users and %d e-mails, want two and one", len(b.Users()), len(b.Outbox()))
		}
		if checked, err := platform.CheckUserInviteToken(t.Context(), token); err != nil || checked.Valid || checked.Expired {
			t.Errorf("CheckUserInviteToken of an accepted invite = %+v, %v", checked, err)
		}
	})
}

// Every reason for which an invite cannot be accepted has its Err value, and nothing
// is said of an unknown outcome.
func TestAcceptUserInviteRefused(t *testing.T) {
	t.Parallel()
	kinds := []error{roq.ErrAlreadyAccepted, roq.ErrAlreadyCanceled, roq.ErrInviteExpired, roq.ErrNotFound, roq.ErrForbidden, roq.ErrInvalidInput}
	for name, row := range map[string]struct {
		before func(t *testing.T, b *bubbled, token, id string)
		as     func(b *bubbled) *roq.RoqPlatform
		token  string
		want   error
	}{
		"accepted": {before: func(t *testing.T, b *bubbled, token, _ string) {
			if _, err := b.Accept(token); err != nil {
				t.Fatal(err)
			}
		}, want: roq.ErrAlreadyAccepted},
		"canceled": {before: func(t *testing.T, b *bubbled, _, id string) {
			if _, err := b.client.AsSuperAdmin().CancelUserInvite(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}, want: roq.ErrAlreadyCanceled},
		"expired": {before: func(t *testing.T, b *bubbled, _, id string) {
			if err := b.Expire(id); err != nil {
				t.Fatal(err)
			}
		}, want: roq.ErrInviteExpired},
		"no such token":     {token: "nobody", want: roq.ErrNotFound},
		"for somebody else": {as: func(b *bubbled) *roq.RoqPlatform { return b.client.AsUser(b.user.ID) }, want: roq.ErrForbidden},
	} {
		synctest.Test(t, func(t *testing.T) {
			b, token, id := invited(t)
			if row.before != nil {
				row.before(t, b, token, id)
			}
			platform := b.client.AsSuperAdmin()
			if row.as != nil {
				platform = row.as(b)
			}
			if row.token != "" {
				token = row.token
			}
			users := len(b.Users())
			accepted, err := platform.AcceptUserInvite(t.Context(), token)
			for _, kind := range append(kinds, roq.ErrOutcomeUnknown, roq.ErrNotSent) {
				if errors.Is(err, kind) != errors.Is(kind, row.want) {
					t.Errorf("%s: %v; is it %v?", name, err, kind)
				}
			}
			if accepted != nil || err == nil || !strings.HasSuffix(err.Error(), "; nothing was changed") || len(b.Users()) != users {
				t.Errorf("%s: %+v, %v, %d users", name, accepted, err, len(b.Users()))
			}
		})
	}
}

func TestBadInviteTokens(t *testing.T) {
	t.Parallel()
	client := newClient(t, config())
	for _, token := range []string{"", "canary-token\n", "canary-token canary", strings.Repeat("canary", 1<<20)} {
		_, err := client.AsSuperAdmin().AcceptUserInvite(t.Context(), token)
		if !errors.Is(err, roq.ErrInvalidInput) || !errors.Is(err, roq.ErrNotSent) || !strings.HasSuffix(err.Error(), "; nothing was sent") {
			t.Errorf("AcceptUserInvite = %v", err)
		}
		noCanary(t, "AcceptUserInvite", err)
		_, err = client.AsSuperAdmin().CheckUserInviteToken(t.Context(), token)
		if !errors.Is(err, roq.ErrInvalidInput) {
			t.Errorf("CheckUserInviteToken = %v", err)
		}
		noCanary(t, "CheckUserInviteToken", err)
	}
}

// An accept whose answer was lost is found out, whoever asks.
func TestAcceptSettled(t *testing.T) {
	t.Parallel()
	for name, lose := range lostAnswers() {
		for _, attempts := range []int{1, 4} {
			synctest.Test(t, func(t *testing.T) {
				b, token, id := invited(t, roq.WithRetry(roq.RetryPolicy{MaxAttempts: attempts}))
				<-time.After(time.Hour)
				b.meddle = on("acceptUserInvite", 1, lose)
				accepted, err := b.client.AsSuperAdmin().AcceptUserInvite(t.Context(), token)
				if err != nil || accepted.ID != id || accepted.Status != roq.StatusAccepted {
					t.Errorf("%s, %d attempts: %+v, %v; want it accepted", name, attempts, accepted, err)
				}
				if len(b.Users()) != 2 || len(b.Outbox()) != 1 {
					t.Errorf("%s: %d users and %d e-mails, want two and one", name, len(b.Users()), len(b.Outbox()))
				}
			})
			synctest.Test(t, func(t *testing.T) {
				b, token, _ := invited(t, roq.WithRetry(roq.RetryPolicy{MaxAttempts: attempts}))
				// A user of another tenant may accept the invite, and not read it.
				invitee := b.AddUser(roqtest.User{TenantID: b.AddTenant("Globex"), Email: "person0@example.com"})
				b.meddle = on("acceptUserInvite", 1, lose)
				accepted, err := b.client.AsUser(invitee.ID).AcceptUserInvite(t.Context(), token)
				if accepted != nil || !errors.Is(err, roq.ErrAlreadyAccepted) || errors.Is(err, roq.ErrOutcomeUnknown) || errors.Is(err, roq.ErrNotSent) ||
					!strings.HasSuffix(err.Error(), "; the invite is accepted, perhaps by this call") {
					t.Errorf("%s, %d attempts: %+v, %v; want ErrAlreadyAccepted", name, attempts, accepted, err)
				}
			})
		}
	}
}

// Where the token is still valid, nobody has accepted: the request is made again.
func TestAcceptRepeated(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]roqtest.Fault{
		"cut":          {Drop: roqtest.DropBefore},
		"503":          {Status: 503},
		"429":          {Status: 429},
		"a proxy page": {Status: 200, Body: "<html>"},
	} {
		synctest.Test(t, func(t *testing.T) {
			b, token, _ := invited(t)
			fault.Operation, fault.Times = "acceptUserInvite", 3
			b.Inject(fault)
			accepted, err := b.client.AsSuperAdmin().AcceptUserInvite(t.Context(), token)
			if err != nil || accepted.Status != roq.StatusAccepted {
				t.Errorf("%s, three times: %+v, %v; want it accepted", name, accepted, err)
			}
		})
		synctest.Test(t, func(t *testing.T) {
			b, token, _ := invited(t)
			b.Inject(roqtest.Fault{Operation: "acceptUserInvite", Status: 302})
			_, err := b.client.AsSuperAdmin().AcceptUserInvite(t.Context(), token)
			if n := count(b.Server)["acceptUserInvite"]; !errors.Is(err, roq.ErrOutcomeUnknown) || n != 1 {
				t.Errorf("redirected: %v after %d requests, want one", err, n)
			}
		})
		synctest.Test(t, func(t *testing.T) {
			b, token, _ := invited(t)
			fault.Times = 0
			b.Inject(fault)
			_, err := b.client.AsSuperAdmin().AcceptUserInvite(t.Context(), token)
			want, text := roq.ErrOutcomeUnknown, "valid when it was checked last"
			if name == "429" {
				want, text = roq.ErrNotSent, "; nothing was changed"
			}
			if !errors.Is(err, want) || !strings.Contains(err.Error(), text) || errors.Is(err, roq.ErrOutcomeUnknown) == errors.Is(err, roq.ErrNotSent) {
				t.Errorf("%s, always: %v, want %v", name, err, want)
			}
			if e := (*roq.Error)(nil); !errors.As(err, &e) || e.Attempts != 4 {
				t.Errorf("%s: %v after other than four attempts", name, err)
			}
		})
	}
}

// What happened to the invite before, or meanwhile, is known although the answer says
// nothing.
func TestAcceptSettledAsRefused(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		happens func(t *testing.T, b *bubbled, token, id string)
		want    error
	}{
		"accepted long ago": {func(t *testing.T, b *bubbled, token, _ string) {
			if _, err := b.Accept(token); err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Hour)
		}, roq.ErrAlreadyAccepted},
		"canceled": {func(t *testing.T, b *bubbled, _, id string) {
			if _, err := b.client.AsSuperAdmin().CancelUserInvite(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}, roq.ErrAlreadyCanceled},
		"expired": {func(t *testing.T, b *bubbled, _, id string) {
			if err := b.Expire(id); err != nil {
				t.Fatal(err)
			}
		}, roq.ErrInviteExpired},
	} {
		for _, times := range []int{1, 4} {
			synctest.Test(t, func(t *testing.T) {
				b, token, id := invited(t)
				row.happens(t, b, token, id)
				b.Inject(roqtest.Fault{Operation: "acceptUserInvite", Times: times, Drop: roqtest.DropBefore})
				_, err := b.client.AsSuperAdmin().AcceptUserInvite(t.Context(), token)
				if !errors.Is(err, row.want) || errors.Is(err, roq.ErrOutcomeUnknown) || errors.Is(err, roq.ErrNotFound) {
					t.Errorf("%s, cut %d times: %v, want %v", name, times, err, row.want)
				}
			})
		}
	}
}

// An invite that somebody else has accepted meanwhile is accepted.
func TestAcceptedByAnybody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, token, id := invited(t)
		<-time.After(time.Hour)
		b.Inject(roqtest.Fault{Operation: "acceptUserInvite", Times: 1, Drop: roqtest.DropBefore})
		done := make(chan error, 1)
		go func() {
			<-time.After(time.Second)
			_, err := b.Accept(token)
			done <- err
		}()
		b.Inject(roqtest.Fault{Operation: "checkUserInviteToken", Times: 1, Delay: 2 * time.Second})
		accepted, err := b.client.AsSuperAdmin().AcceptUserInvite(t.Context(), token)
		if err != nil || accepted.ID != id {
			t.Errorf("accepted by somebody else meanwhile: %+v, %v", accepted, err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Other invites to the address are not taken for the one of the token: that none was
// accepted since the request began shows that nothing was changed.
func TestAcceptAmongOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, token, id := invited(t)
		other := b.AddUser(roqtest.User{TenantID: b.AddTenant("Globex"), Email: "gus@globex.example"})
		made := sendTo(b.client.AsUser(other.ID), other.TenantID, "person0@example.com")
		if _, err := b.client.AsSuperAdmin().CancelUserInvite(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Accept(b.Outbox()[1].Token); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Hour)
		b.Inject(roqtest.Fault{Operation: "acceptUserInvite", Times: 1, Drop: roqtest.DropBefore})
		accepted, err := b.client.AsSuperAdmin().AcceptUserInvite(t.Context(), token)
		if accepted != nil || errors.Is(err, roq.ErrAlreadyAccepted) || errors.Is(err, roq.ErrAlreadyCanceled) || errors.Is(err, roq.ErrOutcomeUnknown) ||
			!errors.Is(err, roq.ErrNotFound) || !strings.HasSuffix(err.Error(), "; nothing was changed") {
			t.Errorf("with %s accepted and the token's canceled: %+v, %v", made[0].ID, accepted, err)
		}
	})
}

// If checking the token fails, the error says so.
func TestAcceptCannotBeSettled(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		look httpmock.Responder
		want error
	}{
		"forbidden":    {refusal(403), roq.ErrForbidden},
		"unauthorized": {refusal(401), roq.ErrUnauthorized},
		"down":         {httpmock.NewStringResponder(503, ""), roq.ErrUnavailable},
		"incomplete":   {answer("checkUserInviteToken", `{"email":"a@b.c"}`), roq.ErrUnavailable},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := newMock(t, byOperation("acceptUserInvite", httpmock.NewStringResponder(500, ""), row.look))
			_, err := m.client.AsUser(userID).AcceptUserInvite(t.Context(), inviteToken)
			if !errors.Is(err, roq.ErrOutcomeUnknown) || !errors.Is(err, row.want) || !strings.Contains(err.Error(), "checking the token failed") {
				t.Errorf("%s: %v, want %v", name, err, row.want)
			}
			if n := len(m.sentFor(t, "acceptUserInvite")); n != 1 {
				t.Errorf("%s: %d requests, want one", name, n)
			}
		})
	}
}

// Platforms that say less, or say it in another way.
func TestAcceptOnOtherPlatforms(t *testing.T) {
	t.Parallel()
	refuse := func(code string, status int) httpmock.Responder {
		return jsonAnswer(200, `{"data":null,"errors":[{"message":"no","extensions":{"response":{"statusCode":`+
			map[int]string{400: "400", 404: "404", 409: "409"}[status]+`,"errorCode":"`+code+`"}}}]}`)
	}
	crash := httpmock.NewStringResponder(500, "")
	list := func(rows ...string) httpmock.Responder {
		return answer("userInvites", `{"totalCount":`+map[int]string{0: "0", 1: "1", 2: "2"}[len(rows)]+`,"data":[`+strings.Join(rows, ",")+`]}`)
	}
	canceled := strings.Replace(invite, `"pending"`, `"canceled"`, 1)
	accepted := strings.Replace(invite, `"pending"`, `"accepted"`, 1)
	spent := answer("checkUserInviteToken", `{"email":"wick.john@roq.tech","isValid":false,"isExpired":null}`)
	for name, row := range map[string]struct {
		accept, check, list httpmock.Responder
		want                []error
		not                 []error
	}{
		"a token that is forgotten when it was used": {inOrder(crash, refuse("USER_TOKEN_NOT_FOUND", 404)), refuse("USER_TOKEN_NOT_FOUND", 404), list(),
			[]error{roq.ErrOutcomeUnknown}, []error{roq.ErrNotSent}},
		"and never was": {refuse("USER_TOKEN_NOT_FOUND", 404), crash, crash, []error{roq.ErrNotFound}, []error{roq.ErrOutcomeUnknown}},
		"an expired token is an error": {inOrder(crash, refuse("EXPIRED_USER_TOKEN", 400)), refuse("EXPIRED_USER_TOKEN", 400), list(),
			[]error{roq.ErrInviteExpired}, []error{roq.ErrOutcomeUnknown}},
		"no codes, canceled": {refusal(409), spent, list(canceled), []error{roq.ErrAlreadyCanceled}, []error{roq.ErrOutcomeUnknown, roq.ErrNotFound}},
		"no codes, accepted": {refusal(409), spent, list(accepted), []error{roq.ErrAlreadyAccepted}, []error{roq.ErrOutcomeUnknown, roq.ErrNotFound}},
		"no codes, either":   {refusal(409), spent, list(accepted, canceled), nil, []error{roq.ErrOutcomeUnknown, roq.ErrAlreadyAccepted, roq.ErrAlreadyCanceled}},
		"no codes, in doubt": {inOrder(crash, refusal(409)), spent, list(accepted, canceled), []error{roq.ErrOutcomeUnknown}, []error{roq.ErrAlreadyAccepted, roq.ErrAlreadyCanceled}},
		"an invite that is pending still, as the list was": {inOrder(crash, refuse("INVALID_USER_TOKEN", 400)), spent, list(invite, canceled),
			[]error{roq.ErrOutcomeUnknown}, []error{roq.ErrAlreadyCanceled}},
		"refused while the token is valid": {inOrder(crash, refuse("USER_INVITE_ACCEPTANCE_FAILED", 409)), answer("checkUserInviteToken", `{"isValid":true}`), list(),
			nil, []error{roq.ErrOutcomeUnknown, roq.ErrNotSent}},
		"nobody may list": {inOrder(crash, refuse("USER_INVITE_ALREADY_ACCEPTED", 409)), spent, refusal(403), []error{roq.ErrAlreadyAccepted}, []error{roq.ErrOutcomeUnknown}},
		"data and an error": {jsonAnswer(200, `{"data":{"acceptUserInviteV2":`+accepted+`},"errors":[{"message":"boom"}]}`), spent, list(),
			[]error{roq.ErrOutcomeUnknown}, nil},
		"an answer that shows a pending invite": {answer("acceptUserInviteV2", invite), answer("checkUserInviteToken", `{"isValid":true}`), list(),
			[]error{roq.ErrOutcomeUnknown}, nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := newMock(t, byOperation("acceptUserInvite", row.accept, byOperation("userInvites", row.list, row.check)))
			got, err := m.client.AsUser(userID).AcceptUserInvite(t.Context(), inviteToken)
			if got != nil || err == nil {
				t.Fatalf("%s: %+v, %v", name, got, err)
			}
			for _, want := range row.want {
				if !errors.Is(err, want) {
					t.Errorf("%s: %v, want %v", name, err, want)
				}
			}
			for _, not := range row.not {
				if errors.Is(err, not) {
					t.Errorf("%s: %v is %v", name, err, not)
				}
			}
		})
	}
}

// A context that ends leaves no accept behind.
func TestAcceptContext(t *testing.T) {
	t.Parallel()
	client := newClient(t, config())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := client.AsSuperAdmin().AcceptUserInvite(ctx, inviteToken)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, roq.ErrNotSent) {
		t.Errorf("AcceptUserInvite = %v", err)
	}
}

// CheckUserInviteToken is a query, and says what the platform does.
func TestCheckUserInviteToken(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		its  httpmock.Responder
		want roq.UserInviteToken
		kind error
	}{
		"valid":           {its: answer("checkUserInviteToken", `{"email":"a@b.c","isValid":true,"isExpired":false}`), want: roq.UserInviteToken{Email: "a@b.c", Valid: true}},
		"expired":         {its: answer("checkUserInviteToken", `{"email":"a@b.c","isValid":false,"isExpired":true}`), want: roq.UserInviteToken{Email: "a@b.c", Expired: true}},
		"no such token":   {its: answer("checkUserInviteToken", `{"email":null,"isValid":false,"isExpired":null}`)},
		"after a 503":     {its: inOrder(httpmock.NewStringResponder(503, ""), answer("checkUserInviteToken", `{"isValid":true}`)), want: roq.UserInviteToken{Valid: true}},
		"refused":         {its: refusal(403), kind: roq.ErrForbidden},
		"no isValid":      {its: answer("checkUserInviteToken", `{"email":"a@b.c"}`), kind: roq.ErrUnavailable},
		"another type":    {its: answer("checkUserInviteToken", `{"isValid":"yes"}`), kind: roq.ErrUnavailable},
		"null":            {its: answer("checkUserInviteToken", `null`), kind: roq.ErrUnavailable},
		"a member twice":  {its: answer("checkUserInviteToken", `{"isValid":false,"isValid":true}`), kind: roq.ErrUnavailable},
		"not Unicode":     {its: answer("checkUserInviteToken", `{"email":"\ud800@b.c","isValid":true}`), want: roq.UserInviteToken{Email: "\ufffd@b.c", Valid: true}},
		"an error of its": {its: jsonAnswer(200, `{"data":null,"errors":[{"message":"no","extensions":{"response":{"errorCode":"EXPIRED_USER_TOKEN"}}}]}`), kind: roq.ErrInviteExpired},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := newMock(t, row.its)
			got, err := m.client.AsSuperAdmin().CheckUserInviteToken(t.Context(), inviteToken)
			switch {
			case row.kind != nil:
				if !errors.Is(err, row.kind) || got != nil {
					t.Errorf("%s: %+v, %v; want %v", name, got, err, row.kind)
				}
			case err != nil || *got != row.want:
				t.Errorf("%s: %+v, %v; want %+v", name, got, err, row.want)
			}
			_, operation, variables := m.sent()[0].graphQL(t)
			if operation != "checkUserInviteToken" || len(variables) != 1 || variables["token"] != inviteToken {
				t.Errorf("%s: sent %s with %v", name, operation, variables)
			}
		})
	}
}
