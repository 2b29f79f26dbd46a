package transport

import (
	"net/http"
	"testing"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		outcome                    Outcome
		query, withdrawal, mailing Action
		maybe                      bool
	}{
		{Answered, Stop, Stop, Stop, false},
		{Refused, Stop, Stop, Stop, false},
		{Unauthorized, Stop, Stop, Stop, false},
		{Unsent, Retry, Retry, Retry, false},
		{Untrusted, Stop, Stop, Stop, false}, // the certificate will not get better
		{Held, Stop, Stop, Stop, false},
		{Cut, Retry, Retry, Retry, false}, // half a request cannot be processed
		{Throttled, Retry, Retry, Settle, false},
		{Intercepted, Retry, Retry, Settle, false},
		{Unclear, Retry, Settle, Settle, true},
		{Redirected, Stop, Settle, Settle, true}, // a gateway may have redirected what the platform had done
	} {
		for class, want := range map[Class]Action{Query: row.query, Withdrawal: row.withdrawal, Mailing: row.mailing} {
			if got := Decide(class, row.outcome); got != want {
				t.Errorf("Decide(%v, %v) = %v, want %v", class, row.outcome, got, want)
			}
		}
		if got := row.outcome.Maybe(); got != row.maybe {
			t.Errorf("%v.Maybe() = %v, want %v", row.outcome, got, row.maybe)
		}
	}
}

func TestStatusOutcome(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]Outcome{
		100: Unclear, 101: Unclear, 0: Unclear, // not answers at all
		200: Answered, 201: Answered, 204: Answered, 299: Answered,
		301: Redirected, 302: Redirected, 303: Redirected, 304: Redirected, 307: Redirected, 308: Redirected,
		400: Refused, 403: Refused, 404: Refused, 409: Refused, 413: Refused, 415: Refused, 418: Refused, 422: Refused, 451: Refused,
		401: Unauthorized,
		408: Throttled, 425: Throttled, 429: Throttled,
		500: Unclear, 501: Unclear, 502: Unclear, 503: Unclear, 504: Unclear, 505: Unclear, 599: Unclear, 999: Unclear,
	} {
		if got := StatusOutcome(status, func() bool { return true }); got != want {
			t.Errorf("StatusOutcome(%d %s, true) = %v, want %v", status, http.StatusText(status), got, want)
		}
		if (want == Refused || want == Unauthorized) && status != http.StatusRequestEntityTooLarge {
			want = Intercepted
		}
		if got := StatusOutcome(status, func() bool { return false }); got != want {
			t.Errorf("StatusOutcome(%d %s, false) = %v, want %v", status, http.StatusText(status), got, want)
		}
	}
}
