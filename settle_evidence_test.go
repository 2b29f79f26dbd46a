package roq_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/go-roq/roq"
)

// seenAs is the invite as a look-up shows it, with times relative to the moment
// at which the request began.
type seenAs struct {
	status                         roq.UserInviteStatus
	created, updated, statusChange time.Duration
	// undated leaves the Date out of the answer.
	undated bool
}

func (s seenAs) answer(began time.Time) httpmock.Responder {
	at := func(d time.Duration) string { return began.Add(d).UTC().Format("2006-01-02T15:04:05.000Z") }
	body := fmt.Sprintf(`{"data":{"userInvite":{"id":%q,"email":"bob@example.com","status":%q,"createdAt":%q,"updatedAt":%q,"statusUpdatedAt":%q}}}`,
		inviteID, s.status, at(s.created), at(s.updated), at(s.statusChange))
	return func(*http.Request) (*http.Response, error) {
		resp := httpmock.NewStringResponse(http.StatusOK, body)
		if !s.undated {
			resp.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
		}
		return resp, nil
	}
}

// What an invite, as it is now, tells about a resend whose answer was lost, or
// that the platform put off. Only a change since then shows that it was done;
// it is repeated only if the list definitely has none.
func TestEvidenceOfAResend(t *testing.T) {
	t.Parallel()
	const long = -24 * time.Hour
	for name, test := range map[string]struct {
		seen seenAs
		// done is whether it was processed, repeated whether a request that was put off
		// is made again.
		done, repeated bool
	}{
		"changed since":                      {seen: seenAs{roq.StatusPending, long, time.Second, long, false}, done: true},
		"its status changed since":           {seen: seenAs{roq.StatusPending, long, long, time.Second, false}, done: true},
		"changed in the same second":         {seen: seenAs{roq.StatusPending, long, 0, long, false}, done: true},
		"changed long before":                {seen: seenAs{roq.StatusPending, long, -time.Hour, long, false}, repeated: true},
		"never changed":                      {seen: seenAs{roq.StatusPending, long, long, long, false}, repeated: true},
		"made since, and never changed":      {seen: seenAs{roq.StatusPending, time.Second, time.Second, time.Second, false}, repeated: true},
		"changed a minute before":            {seen: seenAs{roq.StatusPending, long, -time.Minute, long, false}},
		"just within the clocks' difference": {seen: seenAs{roq.StatusPending, long, -5*time.Minute + 2*time.Second, long, false}},
		"just beyond it":                     {seen: seenAs{roq.StatusPending, long, -5*time.Minute - 2*time.Second, long, false}, repeated: true},
		"accepted since":                     {seen: seenAs{roq.StatusAccepted, long, time.Second, time.Second, false}},
		"expired since":                      {seen: seenAs{roq.StatusExpired, long, time.Second, time.Second, false}},
		"changed since, says nobody when":    {seen: seenAs{roq.StatusPending, long, time.Second, long, true}},
		"never changed, says nobody when":    {seen: seenAs{roq.StatusPending, long, long, long, true}},
	} {
		for trouble, first := range map[string]httpmock.Responder{
			"lost":    httpmock.NewErrorResponder(errors.New("connection reset")),
			"put off": jsonAnswer(429, ""),
		} {
			t.Run(name+", "+trouble, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					again := jsonAnswer(200, `{"data":{"resendUserInvite":{"id":"`+inviteID+`","status":"pending"}}}`)
					m := newMock(t, byOperation("resendUserInvite", inOrder(first, again), test.seen.answer(time.Now())),
						roq.WithSettleTimeout(time.Second))
					got, err := m.client.AsUser(userID).ResendUserInvite(t.Context(), inviteID)
					repeated := test.repeated && trouble == "put off"
					if success := test.done || repeated; success != (err == nil) || success != (got != nil) {
						t.Errorf("ResendUserInvite = %+v, %v, want success %v", got, err, success)
					}
					if err != nil && !errors.Is(err, roq.ErrOutcomeUnknown) {
						t.Errorf("the error is %v, want ErrOutcomeUnknown", err)
					}
					want := 1
					if repeated {
						want = 2
					}
					if n := len(m.sentFor(t, "resendUserInvite")); n != want {
						t.Errorf("the resend was sent %d times, want %d", n, want)
					}
				})
			})
		}
	}
}

// What an invite tells about a cancel whose answer was lost.
func TestEvidenceOfACancel(t *testing.T) {
	t.Parallel()
	for status, want := range map[roq.UserInviteStatus]error{
		roq.StatusCanceled: nil,
		roq.StatusAccepted: roq.ErrAlreadyAccepted,
		roq.StatusPending:  roq.ErrOutcomeUnknown,
		roq.StatusExpired:  roq.ErrOutcomeUnknown,
		"someday":          roq.ErrOutcomeUnknown,
	} {
		t.Run(string(status), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				lost := httpmock.NewErrorResponder(errors.New("connection reset"))
				m := newMock(t, byOperation("cancelUserInvite", lost, seenAs{status: status}.answer(time.Now())), roq.WithSettleTimeout(time.Second))
				got, err := m.client.AsUser(userID).CancelUserInvite(t.Context(), inviteID)
				if !errors.Is(err, want) || (err == nil) != (want == nil) || (got != nil) != (want == nil) {
					t.Errorf("CancelUserInvite = %+v, %v, want %v", got, err, want)
				}
				if n := len(m.sentFor(t, "cancelUserInvite")); n != 1 {
					t.Errorf("the cancel was sent %d times, want once", n)
				}
			})
		})
	}
}

// An answer that is long on its way makes no invite newer than it is.
func TestSlowLookUpsAreNoEvidence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lost := false
		b := newBubbled(t, nil, roq.WithTransport(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				body, err := io.ReadAll(r.Body)
				if err != nil || lost && bytes.Contains(body, []byte("sendUserInvitesV2")) {
					return nil, io.ErrUnexpectedEOF // before it was processed
				}
				r.Body = io.NopCloser(bytes.NewReader(body))
				resp, err := next.RoundTrip(r)
				if lost {
					time.Sleep(3 * time.Second) //nolint:forbidigo // in a bubble: the way back
				}
				return resp, err
			})
		}))
		before, err := b.send(t.Context(), 1, "guest")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.client.AsUser(b.user.ID).CancelUserInvite(t.Context(), before.Success[0].ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1500 * time.Millisecond) //nolint:forbidigo // in a bubble
		lost = true
		result, err := b.send(t.Context(), 1, "guest")
		if !errors.Is(err, roq.ErrOutcomeUnknown) || len(result.Unknown) != 1 {
			t.Errorf("%+v, %v; want it unknown: the invite that is there is an old one", result, err)
		}
	})
}
