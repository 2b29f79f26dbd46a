package roq_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// stampedAhead moves every stamp of the platform's invites in an answer, and not its
// Date.
func stampedAhead(b *bubbled, resp *http.Response, ahead time.Duration) *http.Response {
	const form = "2006-01-02T15:04:05.000Z"
	body, _ := io.ReadAll(resp.Body)
	done := map[string]bool{}
	for _, invite := range b.Invites() {
		for _, at := range []time.Time{invite.CreatedAt, invite.UpdatedAt, invite.StatusUpdatedAt} {
			if text := at.Format(form); !done[text] {
				done[text] = true
				body = bytes.ReplaceAll(body, []byte(text), []byte("@"+at.Add(ahead).Format(form)))
			}
		}
	}
	body = bytes.ReplaceAll(body, []byte(`"@`), []byte(`"`))
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), -1
	return resp
}

// An invite that was there before proves nothing about a request that was cut
// before it was processed, however close together they are and whatever the clocks
// say.
func TestOldInvitesProveNothing(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{0, 2 * time.Minute, -2 * time.Minute} {
		for _, pause := range []time.Duration{0, 10 * time.Millisecond, 1500 * time.Millisecond} {
			name := fmt.Sprintf("stamps %v ahead, after %v", ahead, pause)
			scene := func(t *testing.T, act func(t *testing.T, b *bubbled, platform *roq.RoqPlatform)) {
				synctest.Test(t, func(t *testing.T) {
					b := newBubbled(t, []roqtest.Option{roqtest.WithRepeatedInvites()})
					b.meddle = func(_ string, resp *http.Response) *http.Response { return stampedAhead(b, resp, ahead) }
					act(t, b, b.client.AsUser(b.user.ID))
				})
			}
			scene(t, func(t *testing.T, b *bubbled, platform *roq.RoqPlatform) {
				for _, cancel := range []bool{true, false} {
					first, err := b.send(t.Context(), 1, "person")
					if err != nil {
						t.Fatal(err)
					}
					time.Sleep(pause) //nolint:forbidigo // the bubble's clock
					if cancel {
						if _, err := platform.CancelUserInvite(t.Context(), first.Success[0].ID); err != nil {
							t.Fatal(err)
						}
					}
					mails := len(b.Outbox())
					b.Inject(roqtest.Fault{Operation: "sendUserInvites", Times: 1, Drop: roqtest.DropBefore})
					again, err := b.send(t.Context(), 1, "person")
					if !errors.Is(err, roq.ErrOutcomeUnknown) || len(again.Unknown) != 1 || len(b.Outbox()) != mails {
						t.Errorf("%s, canceled %v: %v, %v; want it unknown", name, cancel, account(again), err)
					}
				}
			})
			scene(t, func(t *testing.T, b *bubbled, platform *roq.RoqPlatform) {
				made, err := b.send(t.Context(), 1, "person")
				if err != nil {
					t.Fatal(err)
				}
				id := made.Success[0].ID
				time.Sleep(pause) //nolint:forbidigo // the bubble's clock
				if _, err := platform.ResendUserInvite(t.Context(), id); err != nil {
					t.Fatal(err)
				}
				time.Sleep(pause) //nolint:forbidigo // the bubble's clock
				b.Inject(roqtest.Fault{Operation: "resendUserInvite", Times: 1, Drop: roqtest.DropBefore})
				if again, err := platform.ResendUserInvite(t.Context(), id); !errors.Is(err, roq.ErrOutcomeUnknown) || len(b.Outbox()) != 2 {
					t.Errorf("%s: resend = %v, %v; want it unknown", name, again, err)
				}
			})
		}
	}
}

// What was processed is found although the stamps run ahead of Date, once a few
// answers have shown by how much.
func TestClocksThatDisagreeAreLearned(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{2 * time.Minute, -2 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			b := newBubbled(t, nil)
			b.meddle = func(_ string, resp *http.Response) *http.Response { return stampedAhead(b, resp, ahead) }
			for _, name := range []string{"first", "second", "third"} {
				if _, err := b.send(t.Context(), 1, name); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute) //nolint:forbidigo // the bubble's clock
			}
			b.Inject(roqtest.Fault{Operation: "sendUserInvites", Times: 1, Drop: roqtest.DropAfter})
			if sent, err := b.send(t.Context(), 2, "person"); err != nil || len(sent.Success) != 2 {
				t.Errorf("stamps %v ahead: %v, %v; want both found", ahead, account(sent), err)
			}
		})
	}
}

// changes are the operations that change one invite.
func changes() map[string]func(context.Context, *roq.RoqPlatform, string) (*roq.UserInvite, error) {
	return map[string]func(context.Context, *roq.RoqPlatform, string) (*roq.UserInvite, error){
		"resendUserInvite": func(ctx context.Context, p *roq.RoqPlatform, id string) (*roq.UserInvite, error) {
			return p.ResendUserInvite(ctx, id)
		},
		"cancelUserInvite": func(ctx context.Context, p *roq.RoqPlatform, id string) (*roq.UserInvite, error) {
			return p.CancelUserInvite(ctx, id)
		},
	}
}

// An answer to a resend or cancel that is about another invite is none.
func TestAnswersAreAboutTheirInvite(t *testing.T) {
	t.Parallel()
	for operation, call := range changes() {
		for processed, want := range map[bool]error{true: nil, false: roq.ErrOutcomeUnknown} {
			synctest.Test(t, func(t *testing.T) {
				b := newBubbled(t, nil)
				made, err := b.send(t.Context(), 2, "person")
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute) //nolint:forbidigo // the bubble's clock
				if processed {
					b.meddle = on(operation, 1, func(resp *http.Response) *http.Response {
						body, _ := io.ReadAll(resp.Body)
						return instead(200, strings.ReplaceAll(string(body), made.Success[0].ID, made.Success[1].ID))(resp)
					})
				} else {
					other := fmt.Sprintf(`{"data":{%q:{"id":%q,"status":"canceled"}}}`, operation, made.Success[1].ID)
					b.Inject(roqtest.Fault{Operation: operation, Times: 1, Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: other})
				}
				got, err := call(t.Context(), b.client.AsUser(b.user.ID), made.Success[0].ID)
				if !errors.Is(err, want) || (err == nil) != (want == nil) || want == nil && got.ID != made.Success[0].ID {
					t.Errorf("%s, processed %v: %v, %v; want %v", operation, processed, got, err, want)
				}
				if n := count(b.Server)[operation]; n != 1 {
					t.Errorf("%s was sent %d times, want once", operation, n)
				}
			})
		}
	}
}

// Data and errors together: the data shows what happened, or reading does.
func TestDataAndErrorsOfAChange(t *testing.T) {
	t.Parallel()
	const errs = `,"errors":[{"message":"a field failed","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}`
	for operation, call := range changes() {
		for _, processed := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				b := newBubbled(t, nil)
				made, err := b.send(t.Context(), 1, "person")
				if err != nil {
					t.Fatal(err)
				}
				id := made.Success[0].ID
				time.Sleep(time.Minute) //nolint:forbidigo // the bubble's clock
				if processed {
					b.meddle = on(operation, 1, func(resp *http.Response) *http.Response {
						body, _ := io.ReadAll(resp.Body)
						resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader(strings.TrimSuffix(string(body), "}")+errs)), -1
						return resp
					})
				} else {
					old := fmt.Sprintf(`{"data":{%q:{"id":%q,"status":"pending","createdAt":"1999-01-01T00:00:00Z","updatedAt":"1999-01-01T00:00:00Z"}}`, operation, id)
					b.Inject(roqtest.Fault{Operation: operation, Times: 1, Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: old + errs})
				}
				_, err = call(t.Context(), b.client.AsUser(b.user.ID), id)
				if processed && err != nil || !processed && !errors.Is(err, roq.ErrOutcomeUnknown) {
					t.Errorf("%s, processed %v: %v", operation, processed, err)
				}
			})
		}
	}
}

// One invite of a batch that a crash refuses may have been made.
func TestACrashOfOneInviteIsSettled(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"INTERNAL_ERROR", "INTERNAL_SERVER_ERROR"} {
		for _, made := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				b := newBubbled(t, nil)
				b.meddle = on("sendUserInvites", 1, func(resp *http.Response) *http.Response {
					body, _ := io.ReadAll(resp.Body)
					if !made {
						_ = b.Remove(b.Invites()[0].ID)
					}
					end := bytes.Index(body, []byte(`},{`)) + 2
					begin := bytes.Index(body, []byte(`"success":[`)) + len(`"success":[`)
					text := string(body[:begin]) + string(body[end:])
					text = strings.Replace(text, `"errors":[`, `"errors":[{"email":"person0@Example.com","error":"{\"errorCode\":\"`+code+`\",\"message\":\"boom\"}"}`, 1)
					return instead(200, text)(resp)
				})
				sent, err := b.send(t.Context(), 2, "person")
				if made && (err != nil || len(sent.Success) != 2) || !made && (!errors.Is(err, roq.ErrOutcomeUnknown) || len(sent.Unknown) != 1 || len(sent.Success) != 1) {
					t.Errorf("%s, made %v: %v, %v", code, made, account(sent), err)
				}
			})
		}
	}
}

// behindALimit is a client of a platform behind something that answers 413 to a body
// over a limit.
func behindALimit(t *testing.T, bytesAtMost int64) *backend {
	t.Helper()
	b := newBackend(t)
	b.client = newClient(t, b.Config(), roq.WithTransport(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.ContentLength > bytesAtMost {
				return httpmock.NewStringResponse(http.StatusRequestEntityTooLarge, "<html>413 Request Entity Too Large</html>"), nil
			}
			return next.RoundTrip(r)
		})
	}))
	return b
}

// One invite that is too large alone is refused alone, and costs some requests more.
func TestOneInviteIsTooLarge(t *testing.T) {
	t.Parallel()
	large := map[string]any{"text": strings.Repeat("x", 2<<20)}
	for _, n := range []int{10, 1000} {
		for _, at := range []int{0, n / 2, n - 1} {
			b := behindALimit(t, 1<<20)
			in := roq.SendUserInvitesInput{TenantID: b.tenant}
			for i := range n {
				in.UserInvites = append(in.UserInvites, roq.UserInviteInput{Email: fmt.Sprintf("p%d@x.example", i)})
			}
			in.UserInvites[at].Variables = large
			sent, err := b.client.AsUser(b.user.ID).SendUserInvites(t.Context(), in)
			if err != nil || len(sent.Success) != n-1 || len(sent.Errors) != 1 || !errors.Is(sent.Errors[0], roq.ErrBatchTooLarge) || len(b.Outbox()) != n-1 {
				t.Errorf("%d of %d sent, %d refused, %v; want all but one", len(sent.Success), n, len(sent.Errors), err)
			}
			if got := count(b.Server)["sendUserInvites"]; got > (n+99)/100+20 {
				t.Errorf("%d requests were taken for %d invites, want some twenty more than without", got, n)
			}
		}
	}
}

// An endless answer to a send, and to each look-up, costs what was asked for.
func TestEndlessAnswersAreBounded(t *testing.T) {
	endless := func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}, "Date": {time.Now().UTC().Format(http.TimeFormat)}},
			Body: io.NopCloser(zeroes{}), ContentLength: -1}, nil
	}
	for _, n := range []int{1, 100, 1000} {
		m := newMock(t, endless, roq.WithSettleTimeout(2*time.Second))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := m.client.AsUser(userID).SendUserInvites(t.Context(), invitation(addresses(n)...))
		runtime.ReadMemStats(&after)
		if !errors.Is(err, roq.ErrOutcomeUnknown) {
			t.Errorf("%v, want it unknown", err)
		}
		if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; mib > 400 {
			t.Errorf("%d MiB allocated for %d invites, want at most 400", mib, n)
		}
	}
}

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { return len(p), nil }

// Looking goes on until the settle time-out is over, not for a number of tries.
func TestSettlingHasTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, nil, roq.WithSettleTimeout(10*time.Minute))
		begin := time.Now()
		b.meddle = func(operation string, resp *http.Response) *http.Response {
			switch {
			case operation == "sendUserInvites":
				return nil
			case operation == "userInvites" && time.Since(begin) < 30*time.Second:
				return instead(200, `{"data":{"userInvites":{"data":[],"totalCount":0}}}`)(resp)
			}
			return resp
		}
		sent, err := b.send(t.Context(), 2, "person")
		if err != nil || len(sent.Success) != 2 || time.Since(begin) > 45*time.Second {
			t.Errorf("%v, %v after %v; want both found soon after they show", account(sent), err, time.Since(begin))
		}
	})
}

// An older pending invite, of whoever's, explains why a repeated one is refused.
func TestSomebodyElsesInviteExplainsARefusal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, nil, roq.WithRepeatUnknown())
		other := b.AddUser(roqtest.User{TenantID: b.tenant, Email: "other@acme.example"})
		in := roq.SendUserInvitesInput{TenantID: b.tenant, UserInvites: []roq.UserInviteInput{{Email: "person0@example.com"}}}
		if _, err := b.client.AsUser(other.ID).SendUserInvites(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour) //nolint:forbidigo // the bubble's clock
		b.Inject(roqtest.Fault{Operation: "sendUserInvites", Times: 1, Drop: roqtest.DropBefore})
		sent, err := b.send(t.Context(), 1, "person")
		if err != nil || len(sent.Errors) != 1 || !errors.Is(sent.Errors[0], roq.ErrAlreadyInvited) {
			t.Errorf("%v, %v; want it refused as already invited", account(sent), err)
		}
	})
}

// A refused cancel or resend of a canceled invite says so.
func TestCanceledInvitesCannotBeChanged(t *testing.T) {
	t.Parallel()
	for operation, call := range changes() {
		b := newBackend(t)
		made, err := b.send(t.Context(), 1, "person")
		if err != nil {
			t.Fatal(err)
		}
		platform := b.client.AsUser(b.user.ID)
		if _, err := platform.CancelUserInvite(t.Context(), made.Success[0].ID); err != nil {
			t.Fatal(err)
		}
		_, err = call(t.Context(), platform, made.Success[0].ID)
		if !errors.Is(err, roq.ErrAlreadyCanceled) || errors.Is(err, roq.ErrOutcomeUnknown) {
			t.Errorf("%s of a canceled invite = %v, want ErrAlreadyCanceled", operation, err)
		}
	}
}

// The text of every error of a mutation ends with what is known.
func TestErrorsEndWithWhatIsKnown(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		its  httpmock.Responder
		want string
	}{
		"refused": {jsonAnswer(403, `{"statusCode":403,"error":"Refused","message":"no"}`), "nothing was "},
		"unclear": {httpmock.NewStringResponder(500, ""), "; the outcome is unknown"},
	} {
		for _, op := range operations() {
			if !op.mutation {
				continue
			}
			synctest.Test(t, func(t *testing.T) {
				m := newMock(t, byOperation(op.name, row.its, nothingFound()))
				if _, err := op.call(t.Context(), m.client.AsUser(userID)); err == nil || !strings.Contains(err.Error(), row.want) {
					t.Errorf("%s, %s: %v, want it to end with %q", name, op.name, err, row.want)
				}
				if _, err := op.call(t.Context(), m.client.AsUser("")); err == nil || !strings.HasSuffix(err.Error(), "; nothing was sent") {
					t.Errorf("%s without a user: %v, want it to say that nothing was sent", op.name, err)
				}
			})
		}
	}
}

// An answer speaks for its own request: what it says of somebody of another batch is
// not believed.
func TestAnswersSpeakForTheirBatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, nil, roq.WithBatchSize(1))
		b.meddle = on("sendUserInvites", 1, func(resp *http.Response) *http.Response {
			body, _ := io.ReadAll(resp.Body)
			return instead(200, strings.Replace(string(body), `"success":[`, `"success":[{"id":"x","email":"person1@example.com","status":"pending"},`, 1))(resp)
		})
		b.Inject(roqtest.Fault{Operation: "sendUserInvites", Skip: 1, Times: 1, Status: 403})
		sent, err := b.send(t.Context(), 2, "person")
		if !errors.Is(err, roq.ErrForbidden) || len(sent.Success) != 1 || len(sent.NotSent) != 1 {
			t.Errorf("%v, %v; want one sent and the other not", account(sent), err)
		}
	})
}

// SettleUserInvites puts what it finds where it belongs, and sends nothing.
func TestSettleUserInvites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, nil)
		b.meddle = on("sendUserInvites", 1, func(resp *http.Response) *http.Response {
			body, _ := io.ReadAll(resp.Body)
			from := bytes.Index(body, []byte(`"success":[{`)) + len(`"success":[`)
			to := bytes.Index(body, []byte(`},{`)) + 2
			return instead(200, string(body[:from])+string(body[to:]))(resp) // the first is left out
		})
		platform := b.client.AsUser(b.user.ID)
		sent, err := b.send(t.Context(), 3, "person", roq.WithSettleTimeout(0))
		if !errors.Is(err, roq.ErrOutcomeUnknown) || len(sent.Unknown) != 1 || len(sent.Success) != 2 {
			t.Fatalf("%v, %v; want one unknown", account(sent), err)
		}
		b.Inject(roqtest.Fault{Operation: "userInvites", Times: 3, Status: 503})
		if err := platform.SettleUserInvites(t.Context(), sent, roq.WithSettleTimeout(time.Millisecond)); !errors.Is(err, roq.ErrOutcomeUnknown) || !errors.Is(err, roq.ErrUnavailable) || len(sent.Unknown) != 1 {
			t.Errorf("while the list is down: %v, %v", account(sent), err)
		}
		time.Sleep(time.Hour) //nolint:forbidigo // the bubble's clock
		if err := platform.SettleUserInvites(t.Context(), sent); err != nil || len(sent.Unknown) != 0 || len(sent.Success) != 3 {
			t.Fatalf("%v, %v; want it found", account(sent), err)
		}
		for i, invite := range sent.Success {
			if want := fmt.Sprintf("person%d@Example.com", i); invite.Email != want {
				t.Errorf("Success[%d] is %s's, want %s", i, invite.Email, want)
			}
		}
		if err := platform.SettleUserInvites(t.Context(), sent); err != nil || len(b.Outbox()) != 3 || count(b.Server)["sendUserInvites"] != 1 {
			t.Errorf("%v and %d e-mails, want nothing sent", err, len(b.Outbox()))
		}
		for _, odd := range []*roq.SendUserInvitesResult{nil, {Unknown: make([]roq.UserInviteInput, 2)}} {
			if err := platform.SettleUserInvites(t.Context(), odd); !errors.Is(err, roq.ErrInvalidInput) {
				t.Errorf("%+v: %v, want ErrInvalidInput", odd, err)
			}
		}
	})
}

// Findings are what was wrong, as data.
func TestFindings(t *testing.T) {
	t.Parallel()
	m := newMock(t, answer("userInvite", invite))
	_, err := m.client.AsSuperAdmin().SendUserInvites(t.Context(), roq.SendUserInvitesInput{UserInvites: []roq.UserInviteInput{
		{CreatedByUserID: userID, Email: "a@x.example"}, {Email: "A@x.example", Roles: []string{"ok", "\xff"}},
	}})
	var e *roq.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	want := []roq.Finding{
		{Index: -1, Field: "TenantID", Reason: "must not be empty"},
		{Index: 1, Field: "CreatedByUserID", Reason: "must not be empty"},
		{Index: 1, Field: "Roles[1]", Reason: "must be valid UTF-8"},
		{Index: 1, Field: "Email", Reason: "must not be the address of UserInvites[0]"},
	}
	if !slices.Equal(e.Findings, want) || len(m.sent()) != 0 {
		t.Errorf("%+v, want %+v", e.Findings, want)
	}
}

// A look-up that hangs leaves time for others: it does not eat the settle time-out.
func TestLookUpsThatHang(t *testing.T) {
	t.Parallel()
	for _, settle := range []time.Duration{2 * time.Second, 10 * time.Second, time.Minute} {
		for hanging := range 2 {
			synctest.Test(t, func(t *testing.T) {
				b := newBubbled(t, nil, roq.WithSettleTimeout(settle), roq.WithTimeout(2*time.Minute))
				b.Inject(roqtest.Fault{Operation: "sendUserInvites", Times: 1, Drop: roqtest.DropAfter})
				b.Inject(roqtest.Fault{Operation: "userInvites", Times: 1 + hanging, Delay: time.Hour})
				begin := time.Now()
				result, err := b.send(t.Context(), 3, "a")
				if err != nil || len(result.Success) != 3 || time.Since(begin) > settle {
					t.Fatalf("%v with %d hanging: %v after %v, want them found", settle, 1+hanging, err, time.Since(begin))
				}
				b.Inject(roqtest.Fault{Operation: "cancelUserInvite", Times: 1, Drop: roqtest.DropAfter})
				b.Inject(roqtest.Fault{Operation: "userInvite", Times: 1 + hanging, Delay: time.Hour})
				if i, err := b.client.AsUser(b.user.ID).CancelUserInvite(t.Context(), result.Success[0].ID); err != nil || i.Status != roq.StatusCanceled {
					t.Errorf("%v with %d hanging: a cancel: %v", settle, 1+hanging, err)
				}
			})
		}
	}
}

// A deadline that comes before another attempt could be made is not waited for.
func TestDeadlinesBeforeTheNextAttempt(t *testing.T) {
	t.Parallel()
	for _, status := range []int{429, 503} {
		for _, op := range operations() {
			if op.mutation {
				continue // which uses the time to find out the outcome
			}
			synctest.Test(t, func(t *testing.T) {
				b := newBubbled(t, nil)
				if _, err := b.send(t.Context(), 1, "a"); err != nil { // for the tokens
					t.Fatal(err)
				}
				b.Inject(roqtest.Fault{Status: status, Header: http.Header{"Retry-After": {"9"}}})
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				begin := time.Now()
				_, err := op.call(ctx, b.client.AsUser(b.user.ID))
				if took := time.Since(begin); err == nil || took > time.Second {
					t.Errorf("%s, %d: %v after %v, want it to end at once", op.name, status, err, took)
				}
			})
		}
	}
}
