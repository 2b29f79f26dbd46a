package transport

import (
	"context"
	"net/http"
	"time"
)

// Request is one call.
type Request struct {
	// Operation and Purpose are for the tracer, and so are how many invites it is about,
	// and how many attempts of the same call were made before.
	Operation, Purpose string
	Invites, Before    int
	// Hide makes an error fit to be shown to the tracer.
	Hide func(error) error

	Class  Class
	Method string
	URL    string
	Header http.Header
	Body   []byte
	// MaxBytes bounds the answer's body, after decompression, if it is less than
	// Config.MaxResponseBytes; 0 means the latter.
	MaxBytes int64
	// Judge reads the body of a 2xx answer, and keeps nothing of it: the body is
	// another answer's afterwards. An error goes with any other outcome than
	// Answered. It may be called once for every attempt; the last counts.
	Judge func(body []byte) (Outcome, error)

	// HasTurn is whether the first attempt has had its turn already: see [Sender.Turn].
	HasTurn bool
	// Leaving is called before each attempt, when there is nothing more to wait for.
	// With an error the attempt is Held. Nil lets it go.
	Leaving func(context.Context) error

	Pace    Pace
	Timeout time.Duration // of one attempt; 0 means none
	// HasData reports whether a body holds what was asked for although the status
	// says that it was not done. Nil means never.
	HasData func(body []byte) bool
	// Own reports whether a body is in the server's own form, and not that of something
	// in front of it. Nil means always.
	Own func(body []byte) bool
	// Origin is the server's address: a pause that it asks for holds for it alone.
	Origin string
	// NoCookies leaves the client's cookie jar out of it.
	NoCookies bool
}

// Answer is an HTTP answer that was read to its end.
type Answer struct {
	Status int
	Header http.Header
	// Date is the answer's Date header, Received when it came by this machine's clock.
	Date, Received time.Time
	// RetryAfter is how long its Retry-After asks to be left alone; 0 if it has none.
	RetryAfter time.Duration
	// Body is there to say what went wrong: nil if the outcome is Answered.
	Body []byte
}

// Quota returns what the answer says of how many requests are left.
func (a *Answer) Quota() Quota { return ReadQuota(a.Header, a.now()) }

// now returns the time by the server's clock, as far as the answer has it: a date in a
// header is one of the same clock.
func (a *Answer) now() time.Time {
	if a.Date.IsZero() {
		return a.Received
	}
	return a.Date
}

// Result is the outcome of a call.
type Result struct {
	Outcome Outcome
	// Action is Stop, or Settle if the request may have been processed and must
	// not be repeated. Retry stands here if the attempts or the time ran out.
	Action Action
	// Answer is the last attempt's, nil if that did not get a whole one.
	Answer *Answer
	// Err says why the outcome is not Answered.
	Err      error
	Attempts int
	// Began is when the first attempt did, LastBegan when the last one did; zero if
	// there was none.
	Began, LastBegan time.Time
	// Maybe is whether any attempt may have been processed, Throttled whether any was
	// not by convention only.
	Maybe, Throttled bool
	// Interrupted is whether the caller's context ended before the platform
	// answered.
	Interrupted bool
}
