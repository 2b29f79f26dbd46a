package roq_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// What was processed comes back as done, however the answer got lost.
func TestProcessedIsFound(t *testing.T) {
	t.Parallel()
	for name, lost := range lostAnswers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBubbled(t, nil)
				made, err := b.send(t.Context(), 2, "early")
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute) //nolint:forbidigo // the bubble's clock
				platform := b.client.AsUser(b.user.ID)

				b.meddle = on("sendUserInvites", 1, lost)
				sent, err := b.send(t.Context(), 5, "Person")
				if err != nil || len(sent.Success) != 5 || sent.Err() != nil || len(b.Outbox()) != 7 {
					t.Errorf("send: %v, %v and %d e-mails; want five sent once", account(sent), err, len(b.Outbox())-2)
				}
				b.meddle = on("resendUserInvite", 1, lost)
				again, err := platform.ResendUserInvite(t.Context(), made.Success[0].ID)
				if err != nil || again.ID != made.Success[0].ID || len(b.Outbox()) != 8 {
					t.Errorf("resend: %v, %v and %d e-mails; want it done once", again, err, len(b.Outbox())-7)
				}
				b.meddle = on("cancelUserInvite", 1, lost)
				gone, err := platform.CancelUserInvite(t.Context(), made.Success[1].ID)
				if err != nil || gone.Status != roq.StatusCanceled {
					t.Errorf("cancel: %v, %v; want it canceled", gone, err)
				}
			})
		})
	}
}

// What was not processed is unknown, never sent and never repeated, unless the
// platform said that it would not process it.
func TestNotProcessedIsUnknown(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		fault    roqtest.Fault
		repeated bool
	}{
		"cut":      {roqtest.Fault{Drop: roqtest.DropBefore}, false},
		"500":      {roqtest.Fault{Status: 500}, false},
		"503":      {roqtest.Fault{Status: 503, Header: http.Header{"Retry-After": {"3600"}}}, false},
		"a page":   {roqtest.Fault{Body: "<html>"}, false},
		"redirect": {roqtest.Fault{Status: 302}, false},
		"429":      {roqtest.Fault{Status: 429}, true},
		"408":      {roqtest.Fault{Status: 408}, true},
		"425":      {roqtest.Fault{Status: 425}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBubbled(t, nil)
				made, err := b.send(t.Context(), 2, "early")
				if err != nil {
					t.Fatal(err)
				}
				platform := b.client.AsUser(b.user.ID)
				for _, operation := range []string{"sendUserInvites", "resendUserInvite", "cancelUserInvite"} {
					row.fault.Operation, row.fault.Times = operation, 1
					b.Inject(row.fault)
				}
				sent, err := b.send(t.Context(), 3, "person")
				wantMails := 2
				if row.repeated {
					wantMails = 5
				}
				if row.repeated != (err == nil) || !row.repeated && (!errors.Is(err, roq.ErrOutcomeUnknown) || len(sent.Unknown) != 3) || len(b.Outbox()) != wantMails {
					t.Errorf("send: %v, %v and %d e-mails", account(sent), err, len(b.Outbox()))
				}
				// The invite was made in this very second, which proves nothing of the resend.
				_, err = platform.ResendUserInvite(t.Context(), made.Success[0].ID)
				if row.repeated {
					wantMails++
				}
				if row.repeated != (err == nil) || !row.repeated && !errors.Is(err, roq.ErrOutcomeUnknown) || len(b.Outbox()) != wantMails {
					t.Errorf("resend: %v and %d e-mails", err, len(b.Outbox()))
				}
				_, err = platform.CancelUserInvite(t.Context(), made.Success[1].ID)
				if row.repeated != (err == nil) || !row.repeated && !errors.Is(err, roq.ErrOutcomeUnknown) {
					t.Errorf("cancel: %v", err)
				}
				if n := count(b.Server); !row.repeated && (n["sendUserInvites"] != 2 || n["resendUserInvite"] != 1 || n["cancelUserInvite"] != 1) {
					t.Errorf("requests = %v, want no repetition", n)
				}
			})
		})
	}
}

// An older invite to the same address proves nothing, nor does one whose time
// cannot be told.
func TestOldEvidenceProvesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, []roqtest.Option{roqtest.WithRepeatedInvites()})
		if _, err := b.send(t.Context(), 1, "person"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second) //nolint:forbidigo // the bubble's clock
		b.Inject(roqtest.Fault{Operation: "sendUserInvites", Times: 1, Drop: roqtest.DropBefore})
		if sent, err := b.send(t.Context(), 1, "person"); !errors.Is(err, roq.ErrOutcomeUnknown) || len(sent.Unknown) != 1 {
			t.Errorf("with an older invite: %v, %v; want it unknown", account(sent), err)
		}
		// Processed, but the platform's answers have no Date.
		b.meddle = func(operation string, resp *http.Response) *http.Response {
			resp.Header.Del("Date")
			if operation == "sendUserInvites" {
				return nil
			}
			return resp
		}
		if sent, err := b.send(t.Context(), 1, "other"); !errors.Is(err, roq.ErrOutcomeUnknown) || len(sent.Unknown) != 1 {
			t.Errorf("without a Date: %v, %v; want it unknown", account(sent), err)
		}
	})
}

// The platform's clock need not agree with this machine's.
func TestClocksNeedNotAgree(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{-48 * time.Hour, -time.Minute, time.Minute, 48 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			b := newBubbled(t, nil)
			shift := func(resp *http.Response) *http.Response {
				// Both what the platform says of the time, and the times of its invites.
				body, _ := io.ReadAll(resp.Body)
				for _, invite := range b.Invites() {
					for _, at := range []time.Time{invite.CreatedAt, invite.UpdatedAt, invite.StatusUpdatedAt} {
						body = bytes.ReplaceAll(body, []byte(at.Format("2006-01-02T15:04:05.000Z")), []byte(at.Add(skew).Format("2006-01-02T15:04:05.000Z")))
					}
				}
				resp.Header.Set("Date", time.Now().Add(skew).UTC().Format(http.TimeFormat))
				resp.Body = io.NopCloser(bytes.NewReader(body))
				resp.ContentLength = -1
				return resp
			}
			b.meddle = func(operation string, resp *http.Response) *http.Response {
				if operation == "sendUserInvites" {
					return nil
				}
				if operation == "userInvites" {
					return shift(resp)
				}
				return resp
			}
			if sent, err := b.send(t.Context(), 2, "person"); err != nil || len(sent.Success) != 2 {
				t.Errorf("with a clock %v off: %v, %v; want both found", skew, account(sent), err)
			}
		})
	}
}

// The write may show in the list only after a while.
func TestTheListMayLag(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, nil)
		lagging := 3
		b.meddle = func(operation string, resp *http.Response) *http.Response {
			switch {
			case operation == "sendUserInvites":
				return nil
			case operation == "userInvites" && lagging > 0:
				lagging--
				return instead(200, `{"data":{"userInvites":{"data":[],"totalCount":0}}}`)(resp)
			}
			return resp
		}
		begin := time.Now()
		sent, err := b.send(t.Context(), 2, "person")
		if err != nil || len(sent.Success) != 2 || time.Since(begin) < 700*time.Millisecond {
			t.Errorf("%v, %v after %v; want both found after a few waits", account(sent), err, time.Since(begin))
		}
	})
}

// An address that the answer leaves out is looked up like an unknown one.
func TestALeftOutAddressIsLookedUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, nil)
		b.meddle = on("sendUserInvites", 1, instead(200, `{"data":{"sendUserInvitesV2":{"success":[],"errors":[]}}}`))
		if sent, err := b.send(t.Context(), 3, "person"); err != nil || len(sent.Success) != 3 || len(b.Outbox()) != 3 {
			t.Errorf("%v, %v; want all three found", account(sent), err)
		}
	})
}

// What an accepted invite says about canceling it is certain.
func TestCancelingWhatWasAcceptedMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, nil)
		sent, err := b.send(t.Context(), 1, "person")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Accept(b.Outbox()[0].Token); err != nil {
			t.Fatal(err)
		}
		b.Inject(roqtest.Fault{Operation: "cancelUserInvite", Times: 1, Drop: roqtest.DropBefore})
		_, err = b.client.AsUser(b.user.ID).CancelUserInvite(t.Context(), sent.Success[0].ID)
		if !errors.Is(err, roq.ErrAlreadyAccepted) || errors.Is(err, roq.ErrOutcomeUnknown) {
			t.Errorf("%v, want ErrAlreadyAccepted", err)
		}
	})
}

// A refusal after an attempt that may have gone through is not taken at its word.
func TestALaterRefusalIsSettled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, nil)
		made, err := b.send(t.Context(), 1, "early")
		if err != nil {
			t.Fatal(err)
		}
		// Processed and answered 429, so that the cancel is repeated and refused.
		b.meddle = on("cancelUserInvite", 1, instead(429, ""))
		gone, err := b.client.AsUser(b.user.ID).CancelUserInvite(t.Context(), made.Success[0].ID)
		if err != nil || gone.Status != roq.StatusCanceled || count(b.Server)["cancelUserInvite"] != 2 {
			t.Errorf("cancel = %v, %v after %d requests; want it canceled after two", gone, err, count(b.Server)["cancelUserInvite"])
		}
	})
}

// The caller says that the platform takes no second invite: what is unknown is
// sent again, and mailed once.
func TestRepeatUnknown(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]func(*bubbled){
		"processed and found": func(b *bubbled) { b.meddle = on("sendUserInvites", 1, cut) },
		"processed, and the list was down": func(b *bubbled) {
			b.meddle = both(on("sendUserInvites", 1, cut), first("userInvites", 5, instead(503, "")))
		},
		"processed, and no Date": func(b *bubbled) {
			b.Inject(roqtest.Fault{Operation: "sendUserInvites", Times: 1, Drop: roqtest.DropAfter})
			b.meddle = func(_ string, resp *http.Response) *http.Response {
				resp.Header.Del("Date")
				return resp
			}
		},
		"not processed": func(b *bubbled) {
			b.Inject(roqtest.Fault{Operation: "sendUserInvites", Times: 1, Drop: roqtest.DropBefore})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBubbled(t, nil, roq.WithRepeatUnknown())
				trouble(b)
				sent, err := b.send(t.Context(), 3, "person")
				if err != nil || len(sent.Success) != 3 || len(b.Outbox()) != 3 {
					t.Errorf("%v, %v and %d e-mails; want three sent once", account(sent), err, len(b.Outbox()))
				}
			})
		})
	}
	t.Run("an older invite", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := newBubbled(t, nil, roq.WithRepeatUnknown())
			if _, err := b.send(t.Context(), 1, "person"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour) //nolint:forbidigo // the bubble's clock
			b.meddle = on("sendUserInvites", 1, cut)
			sent, err := b.send(t.Context(), 2, "person")
			if err != nil || len(sent.Success) != 1 || len(sent.Errors) != 1 || !errors.Is(sent.Errors[0], roq.ErrAlreadyInvited) || len(b.Outbox()) != 2 {
				t.Errorf("%v, %v; want one sent and one refused for the older invite", account(sent), err)
			}
		})
	})
	t.Run("always", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := newBubbled(t, nil, roq.WithRepeatUnknown(), roq.WithRetry(roq.RetryPolicy{MaxAttempts: 3}))
			b.Inject(roqtest.Fault{Operation: "sendUserInvites", Drop: roqtest.DropBefore})
			sent, err := b.send(t.Context(), 2, "person")
			var e *roq.Error
			if !errors.As(err, &e) || !errors.Is(err, roq.ErrOutcomeUnknown) || len(sent.Unknown) != 2 || e.Attempts != 3 || count(b.Server)["sendUserInvites"] != 3 {
				t.Errorf("%v, %v after %d requests; want both unknown after three", account(sent), err, count(b.Server)["sendUserInvites"])
			}
		})
	})
}

// Settling ends with the context, and with its own time-out.
func TestSettlingIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, nil, roq.WithRetry(roq.RetryPolicy{MinWait: 10 * time.Second, MaxWait: time.Minute}))
		b.Inject(roqtest.Fault{Operation: "sendUserInvites", Drop: roqtest.DropBefore})
		for _, row := range []struct {
			deadline time.Duration
			opts     []roq.CallOption
			within   time.Duration
		}{
			{time.Hour, []roq.CallOption{roq.WithSettleTimeout(3 * time.Second)}, 3 * time.Second},
			{time.Second, nil, time.Second},
			{time.Hour, nil, 10 * time.Second},
			{time.Hour, []roq.CallOption{roq.WithSettleTimeout(0)}, 0},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), row.deadline)
			begin := time.Now()
			sent, err := b.send(ctx, 1, "person", row.opts...)
			if !errors.Is(err, roq.ErrOutcomeUnknown) || len(sent.Unknown) != 1 || time.Since(begin) > row.within || time.Since(begin) < row.within*3/4 {
				t.Errorf("%v after %v, want it unknown shortly before %v are over", err, time.Since(begin), row.within)
			}
			cancel()
		}
	})
	m := newMock(t, answer("userInvite", invite))
	if _, err := m.client.AsUser(userID).UserInvite(t.Context(), inviteID, roq.WithSettleTimeout(-1)); !errors.Is(err, roq.ErrInvalidInput) {
		t.Errorf("WithSettleTimeout(-1) = %v, want ErrInvalidInput", err)
	}
}

// Look-ups do not use up the attempts, and ask for the addresses as they were
// given and in lower case, in the tenant.
func TestLookUps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMock(t, byOperation("sendUserInvites", httpmock.NewStringResponder(500, ""), nothingFound()))
		_, err := m.client.AsUser(userID).SendUserInvites(t.Context(), invitation("Ann@X.org", "bob@x.org"), roq.WithRequestID("mine"))
		var e *roq.Error
		lookUps := m.sentFor(t, "userInvites")
		if !errors.As(err, &e) || e.Attempts != 1 || len(lookUps) < 5 || len(lookUps) > 8 {
			t.Fatalf("%v (%d attempts) after %d look-ups, want one attempt, and look-ups for ten seconds", err, e.Attempts, len(lookUps))
		}
		_, _, got := lookUps[0].graphQL(t)
		want := map[string]any{
			"filter": map[string]any{"tenantId": map[string]any{"equalTo": tenantID}, "email": map[string]any{"valueIn": []any{"Ann@X.org", "Ann@x.org", "ann@x.org", "bob@x.org"}}},
			"order":  map[string]any{"sort": "createdAt", "order": "DESC"}, "limit": 10.0,
		}
		if diff := cmp.Diff(want, got); diff != "" || lookUps[0].Header.Get("X-Request-Id") != "mine" {
			t.Errorf("look-up (-want +got):\n%s", diff)
		}
	})
}

// Invites of the same batch that are sent, refused and lost are told apart.
func TestABatchOfEverything(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBubbled(t, nil)
		b.meddle = on("sendUserInvites", 1, func(resp *http.Response) *http.Response {
			body, _ := io.ReadAll(resp.Body)
			// The answer forgets the first invite that was made.
			from := bytes.Index(body, []byte(`"success":[{`)) + len(`"success":[`)
			to := bytes.Index(body, []byte(`},{`)) + 2
			return instead(200, string(slices.Concat(body[:from], body[to:])))(resp)
		})
		in := roq.SendUserInvitesInput{TenantID: b.tenant, UserInvites: []roq.UserInviteInput{{Email: "a@x.org"}, {Email: "ann@acme.example"}, {Email: "b@x.org"}}}
		sent, err := b.client.AsUser(b.user.ID).SendUserInvites(t.Context(), in)
		if got := account(sent); err != nil || strings.Join(got["success"], " ") != "a@x.org b@x.org" || strings.Join(got["errors"], " ") != "ann@acme.example" {
			t.Errorf("%v, %v", got, err)
		}
	})
}
