package roq_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// behind is a platform whose lists are behind by that long: they show what was there
// before.
func behind(lag time.Duration) func(string, *http.Response) *http.Response {
	begin := time.Now()
	return func(operation string, resp *http.Response) *http.Response {
		if operation == "userInvites" && time.Since(begin) < lag {
			return instead(200, emptyList)(resp)
		}
		return resp
	}
}

// What was processed and answered by something that throttles, or is in the way, is
// found although the list is behind: nobody is mailed twice, and nobody counts as
// refused who was mailed.
func TestThrottledAfterProcessing(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(*http.Response) *http.Response{
		"429": instead(429, ""), "408": instead(408, ""), "a page": instead(403, "<html>"),
	} {
		for _, repeated := range []bool{false, true} {
			for _, lag := range []time.Duration{0, 500 * time.Millisecond, 2 * time.Second} {
				for _, stream := range []bool{false, true} {
					synctest.Test(t, func(t *testing.T) {
						var platform []roqtest.Option
						if repeated {
							platform = append(platform, roqtest.WithRepeatedInvites())
						}
						b := newBubbled(t, platform)
						b.meddle = both(on("sendUserInvites", 1, answer), behind(lag))
						var sent int
						if stream {
							outcomes, err := b.sendAll(t.Context(), t, people(300, "a"))
							if err != nil {
								t.Error(err)
							}
							sent = statuses(outcomes)[roq.OutcomeSent]
						} else {
							result, err := b.send(t.Context(), 300, "a")
							if err != nil {
								t.Error(err)
							}
							sent = len(result.Success)
						}
						if sent != 300 || len(b.Outbox()) != 300 {
							t.Errorf("%s, %v behind, repeated invites %v, a stream %v: %d sent and %d e-mails, want 300", name, lag, repeated, stream, sent, len(b.Outbox()))
						}
					})
				}
			}
		}
	}
}

// A platform that makes one invite after the other stops at the one that it refuses:
// those before it are found, and only the others are sent.
func TestWholeRefusalAfterAPart(t *testing.T) {
	t.Parallel()
	for _, culprit := range []int{0, 1, 50, 99} {
		for _, code := range []string{"USER_ALREADY_EXISTS", "USER_ALREADY_INVITED", "BAD_THING"} {
			synctest.Test(t, func(t *testing.T) {
				b := newBubbled(t, []roqtest.Option{roqtest.WithRepeatedInvites()})
				address := fmt.Sprintf("a%d@example.com", culprit)
				b.meddle = func(string, *http.Response) *http.Response { return nil }
				b.client = newClient(t, withURL(b.Config()), roq.WithHTTPClient(&http.Client{Transport: oneByOne{b, address, code}}))
				b.meddle = nil
				result, err := b.send(t.Context(), 100, "a")
				if err != nil || len(result.Success) != 99 || len(result.Errors) != 1 || !strings.EqualFold(result.Errors[0].Email, address) {
					t.Errorf("%s at %d: %v, %v; want the others sent", code, culprit, account(result), err)
				}
				if n := len(b.Outbox()); n != 99 {
					t.Errorf("%s at %d: %d e-mails, want 99", code, culprit, n)
				}
			})
		}
	}
}

// oneByOne makes the invites of a send up to the one to an address, which it refuses
// together with the whole request.
type oneByOne struct {
	b             *bubbled
	address, code string
}

func (o oneByOne) RoundTrip(r *http.Request) (*http.Response, error) {
	body, emails := sendOf(r)
	for i, email := range emails {
		if !strings.EqualFold(email, o.address) {
			continue
		}
		if i > 0 {
			part := r.Clone(r.Context())
			setBody(part, body(i))
			if _, err := o.b.RoundTrip(part); err != nil {
				return nil, err
			}
		}
		resp, err := jsonAnswer(200, `{"data":null,"errors":[{"message":"no","extensions":{"response":{"statusCode":409,"errorCode":"`+o.code+`"}}}]}`)(r)
		if err == nil {
			resp.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
		}
		return resp, err
	}
	return o.b.RoundTrip(r)
}

// A look-up finds what is stored with only the domain in lower case.
func TestLookUpOfALowerDomain(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(*http.Response) *http.Response{"503": instead(503, ""), "429": instead(429, "")} {
		synctest.Test(t, func(t *testing.T) {
			asked := ""
			b := newBubbled(t, []roqtest.Option{roqtest.WithRepeatedInvites()}, roq.WithTransport(func(next http.RoundTripper) http.RoundTripper {
				return roundTripper(func(r *http.Request) (*http.Response, error) {
					if body := readBody(r); strings.Contains(body, "query userInvites") {
						asked = body
					}
					return next.RoundTrip(r)
				})
			}))
			b.meddle = on("sendUserInvites", 1, answer)
			in := roq.SendUserInvitesInput{TenantID: b.tenant, UserInvites: []roq.UserInviteInput{{Email: "Ann.Lee@Example.COM"}}}
			if _, err := b.client.AsUser(b.user.ID).SendUserInvites(t.Context(), in); err != nil || len(b.Outbox()) != 1 {
				t.Errorf("%s: %v with %d e-mails", name, err, len(b.Outbox()))
			}
			if !strings.Contains(asked, `"Ann.Lee@example.com"`) {
				t.Errorf("%s: the look-up asks %s", name, asked)
			}
		})
	}
}

// A refusal after an attempt that may have been processed is not taken at its word,
// whatever the clocks say and whether it is that of one invite or of the request.
func TestEchoesAreNotTakenAtTheirWord(t *testing.T) {
	t.Parallel()
	whole := instead(200, `{"data":null,"errors":[{"message":"no","extensions":{"response":{"statusCode":409,"errorCode":"USER_ALREADY_INVITED"}}}]}`)
	for name, meddle := range map[string]func(string, *http.Response) *http.Response{
		"a date a second ahead": both(on("sendUserInvites", 1, instead(502, "")), ahead(time.Second)),
		"a date a minute ahead": both(on("sendUserInvites", 1, instead(502, "")), ahead(time.Minute)),
		"a whole refusal":       both(on("sendUserInvites", 1, instead(502, "")), both(on("sendUserInvites", 2, whole), behind(time.Hour))),
		"after a 429":           both(on("sendUserInvites", 1, instead(429, "")), both(on("sendUserInvites", 2, whole), behind(time.Hour))),
		"too large after a 502": both(on("sendUserInvites", 1, instead(502, "")), both(on("sendUserInvites", 2, instead(413, "")), behind(time.Hour))),
	} {
		for _, n := range []int{1, 3} {
			synctest.Test(t, func(t *testing.T) {
				b := newBubbled(t, nil, roq.WithRepeatUnknown())
				fresh := meddle
				b.meddle = fresh
				result, err := b.send(t.Context(), n, "a")
				mailed := len(b.Outbox())
				if mailed != n || len(result.Errors) != 0 || len(result.NotSent) != 0 || len(result.Unknown) > 0 != errors.Is(err, roq.ErrOutcomeUnknown) {
					t.Errorf("%s, %d: %v, %v with %d e-mails; want all sent or unknown", name, n, account(result), err, mailed)
				}
			})
		}
	}
}

// ahead lets the clock that dates answers be ahead of the one that stamps rows.
func ahead(d time.Duration) func(string, *http.Response) *http.Response {
	return func(_ string, resp *http.Response) *http.Response {
		resp.Header.Set("Date", time.Now().Add(d).UTC().Format(http.TimeFormat))
		return resp
	}
}

// Many who are invited already, and whom the platform refuses together with all
// others, do not keep the others from being sent.
func TestManyWhoAreInvitedAlready(t *testing.T) {
	t.Parallel()
	for _, culprits := range []int{7, 8, 10, 60, 99} {
		for _, code := range []string{"USER_ALREADY_INVITED", "USER_ALREADY_EXISTS"} {
			synctest.Test(t, func(t *testing.T) {
				b := newBubbled(t, nil)
				b.client = newClient(t, withURL(b.Config()), roq.WithHTTPClient(&http.Client{Transport: strict{b, culprits, code}}))
				result, err := b.send(t.Context(), 100, "a")
				if err != nil || len(result.Success) != 100-culprits || len(result.Errors) != culprits || len(b.Outbox()) != 100-culprits {
					t.Errorf("%s, %d: %v, %v", code, culprits, account(result), err)
				}
			})
		}
	}
}

// strict refuses a send as a whole if it is to any of the first people.
type strict struct {
	b        *bubbled
	culprits int
	code     string
}

func (s strict) RoundTrip(r *http.Request) (*http.Response, error) {
	_, emails := sendOf(r)
	for _, email := range emails {
		var i int
		if _, err := fmt.Sscanf(strings.ToLower(email), "a%d@", &i); err == nil && i < s.culprits {
			resp, err := jsonAnswer(200, `{"data":null,"errors":[{"message":"no","extensions":{"response":{"statusCode":409,"errorCode":"`+s.code+`"}}}]}`)(r)
			if err == nil {
				resp.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
			}
			return resp, err
		}
	}
	return s.b.RoundTrip(r)
}

// A token that cannot be renewed says nothing of the invites.
func TestRenewalsThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]roqtest.Fault{
		"400":    {Status: 400},
		"409":    {Status: 409, Body: `{"statusCode":409,"error":"Conflict","errorCode":"USER_ALREADY_EXISTS","message":"no"}`},
		"413":    {Status: 413, Body: "<html>"},
		"a page": {Status: 422, Body: "<html>"},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBubbled(t, nil)
			b.Inject(roqtest.Fault{Operation: "sendUserInvites", Skip: 1, Times: 1, Status: 401})
			fault.Operation, fault.Skip = roqtest.OpAuthorize, 1
			b.Inject(fault)
			result, err := b.send(t.Context(), 2, "a", roq.WithBatchSize(1))
			if err == nil || len(result.Success) != 1 || len(result.NotSent) != 1 || errors.Is(err, roq.ErrOutcomeUnknown) {
				t.Errorf("%s: %v, %v; want the second not sent", name, account(result), err)
			}
		})
	}
}

// An invite of a few seconds ago explains a refusal of today's, although the client has
// never seen the platform's clocks: the invites that were made beside it tell. Nothing more
// is waited for then.
func TestARecentInviteExplainsARefusal(t *testing.T) {
	t.Parallel()
	noDate := func(_ string, resp *http.Response) *http.Response {
		resp.Header.Del("Date")
		return resp
	}
	for name, meddle := range map[string]func() func(string, *http.Response) *http.Response{
		"as it is":           func() func(string, *http.Response) *http.Response { return ahead(0) },
		"a date behind":      func() func(string, *http.Response) *http.Response { return ahead(-2 * time.Second) },
		"no date":            func() func(string, *http.Response) *http.Response { return noDate },
		"an outage at first": func() func(string, *http.Response) *http.Response { return first("userInvites", 2, instead(503, "")) },
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBubbled(t, nil)
			if _, err := b.send(t.Context(), 1, "person"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(3 * time.Second) //nolint:forbidigo // the bubble's clock
			b.client = newClient(t, withURL(b.Config()), roq.WithHTTPClient(&http.Client{Transport: b}), roq.WithRepeatUnknown())
			b.meddle = both(on("sendUserInvites", 1, cut), meddle())
			begin := time.Now()
			sent, err := b.send(t.Context(), 5, "person")
			took := time.Since(begin)
			if err != nil || len(sent.Success) != 4 || len(sent.Errors) != 1 || !errors.Is(sent.Errors[0], roq.ErrAlreadyInvited) || len(b.Outbox()) != 5 {
				t.Errorf("%s: %v, %v; want four sent and one refused for the older invite", name, account(sent), err)
			}
			if took > 15*time.Second { // ten before it is sent again
				t.Errorf("%s: it took %v, want it to end when the refusal is explained", name, took)
			}
		})
	}
}
