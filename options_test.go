package roq_test

import (
	"errors"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for want, opt := range map[string]roq.Option{
		"WithHTTPClient":            roq.WithHTTPClient(nil),
		"WithTransport":             roq.WithTransport(nil),
		"WithLogger":                roq.WithLogger(nil),
		"WithUserAgent":             roq.WithUserAgent("a\r\nb: c"),
		"WithSchema(7)":             roq.WithSchema(7),
		"WithBatchSize(-1)":         roq.WithBatchSize(-1),
		"WithMaxResponseBytes(0)":   roq.WithMaxResponseBytes(0),
		"WithConnectionMaxAge(1ms)": roq.WithConnectionMaxAge(time.Millisecond),
		"WithConnectionMaxAge(25h":  roq.WithConnectionMaxAge(25 * time.Hour),
		"WithConnectionMaxAge(-1s)": roq.WithConnectionMaxAge(-time.Second),
		"MaxAttempts is -1":         roq.WithRetry(roq.RetryPolicy{MaxAttempts: -1}),
		"MaxAttempts is 101":        roq.WithRetry(roq.RetryPolicy{MaxAttempts: 101}),
		"MinWait -1ns":              roq.WithRetry(roq.RetryPolicy{MinWait: -1}),
		"must be from 0 to 24h":     roq.WithRetry(roq.RetryPolicy{MaxWait: 1 << 61}),
		"WithTimeout(25h0m0s)":      roq.WithTimeout(25 * time.Hour),
		"WithSettleTimeout(25h":     roq.WithSettleTimeout(25 * time.Hour),
		"WithBatchSize(100000)":     roq.WithBatchSize(100_000),
		"longer than MaxWait 1s":    roq.WithRetry(roq.RetryPolicy{MinWait: 2 * time.Second, MaxWait: time.Second}),
		"returned a nil RoundTripp": roq.WithTransport(func(http.RoundTripper) http.RoundTripper { return nil }),
	} {
		if _, err := roq.New(config(), opt); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New = %v, want an error with %q", err, want)
		}
	}
	for _, opt := range []roq.Option{
		roq.WithRetry(roq.RetryPolicy{}), roq.WithRetry(roq.RetryPolicy{MinWait: time.Minute}), roq.WithRetry(roq.RetryPolicy{MaxWait: time.Millisecond}),
		roq.WithTimeout(0), roq.WithMaxResponseBytes(1), roq.WithConnectionMaxAge(0), roq.WithSchema(roq.SchemaV1),
	} {
		if _, err := roq.New(config(), opt); err != nil {
			t.Errorf("New = %v", err)
		}
	}
}

func TestCallOptionsAreChecked(t *testing.T) {
	t.Parallel()
	m := newMock(t, answer("userInvite", invite))
	for want, opt := range map[string]roq.CallOption{
		"call option 0 is nil": nil,
		"WithRequestID":        roq.WithRequestID("a b"),
		"WithTimeout":          roq.WithTimeout(-1),
	} {
		_, err := m.client.AsSuperAdmin().UserInvite(t.Context(), inviteID, opt)
		if !errors.Is(err, roq.ErrInvalidInput) || !errors.Is(err, roq.ErrNotSent) || !strings.Contains(err.Error(), want) {
			t.Errorf("UserInvite = %v, want ErrInvalidInput with %q", err, want)
		}
	}
	if len(m.requests) != 0 {
		t.Errorf("%d requests were made", len(m.requests))
	}
}

func TestTheCallersJar(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	b.Inject(roqtest.Fault{Operation: "userInvites", Skip: 1, Times: 2, Status: 503})
	b.Inject(roqtest.Fault{Header: http.Header{"Set-Cookie": {"sticky=1; Path=/", "roq-session-token=another; Path=/"}}})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := newClient(t, b.Config(), roq.WithHTTPClient(&http.Client{Jar: jar}), roq.WithRetry(roq.RetryPolicy{MinWait: time.Microsecond}))
	for range 2 {
		if err := list(t.Context(), client.AsSuperAdmin()); err != nil {
			t.Fatal(err)
		}
	}
	token := b.SessionToken(b.user.ID)
	if _, err := client.FetchSession(t.Context(), visit("__Secure-roq-session-token", token)); err != nil {
		t.Fatal(err)
	}
	for i, r := range b.Requests() {
		got := r.Header.Get("Cookie")
		switch {
		case r.Operation == roqtest.OpSession && got != "__Secure-roq-session-token="+token:
			t.Errorf("the session endpoint was sent %q, want the visitor's cookies only", got)
		case r.Operation == "userInvites" && i > 1 && strings.Count(got, "sticky=1") != 1:
			t.Errorf("request %d was sent %q, want the jar's cookies once", i, got)
		}
	}
	if _, err := roq.New(b.Config(), roq.WithHTTPClient(&http.Client{Transport: (*http.Transport)(nil)})); err == nil {
		t.Error("New with a nil *http.Transport = nil, want an error")
	}
}

func TestTheCallersClientIsNotChanged(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	transport := &http.Transport{MaxIdleConnsPerHost: 3}
	theirs := &http.Client{Transport: transport, Timeout: time.Minute}
	client := newClient(t, b.Config(), roq.WithHTTPClient(theirs))
	if err := list(t.Context(), client.AsSuperAdmin()); err != nil {
		t.Fatal(err)
	}
	// Clone sets up HTTP/2 on the original, as its own first request would.
	if theirs.Transport != transport || transport.Protocols != nil || transport.MaxIdleConnsPerHost != 3 ||
		theirs.CheckRedirect != nil || theirs.Timeout != time.Minute {
		t.Errorf("the caller's client became %+v with %+v", theirs, transport)
	}
}

func TestRetryOptionOfACall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMock(t, httpmock.NewStringResponder(503, ""), roq.WithRetry(roq.RetryPolicy{MaxAttempts: 2}))
		p := m.client.AsUser(userID)
		for want, opts := range map[int][]roq.CallOption{2: nil, 1: {roq.WithRetry(roq.RetryPolicy{MaxAttempts: 1})}, 6: {roq.WithRetry(roq.RetryPolicy{MaxAttempts: 6})}} {
			before := len(m.sent())
			_, err := p.UserInvite(t.Context(), inviteID, opts...)
			var e *roq.Error
			if !errors.As(err, &e) || e.Attempts != want || len(m.sent())-before != want {
				t.Errorf("%v after %d requests, want %d", err, len(m.sent())-before, want)
			}
		}
	})
}
