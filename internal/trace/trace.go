// Package trace tells a tracer what calls do. It knows nothing of the packages above
// it; no address, key or token is in what it passes on.
package trace

import (
	"context"
	"net/http"
	"time"
)

// Tracer is told what happens. A nil Tracer is told nothing: whoever has one asks for
// that first, so that a call without a tracer costs nothing more.
type Tracer interface {
	CallStart(context.Context, CallStart) context.Context
	CallEnd(context.Context, CallEnd)
	RequestStart(context.Context, RequestStart) context.Context
	// RequestHeader returns headers for the request that has started; nil for none.
	RequestHeader(context.Context) http.Header
	RequestEnd(context.Context, RequestEnd)
	SettleStart(context.Context, SettleStart) context.Context
	SettleEnd(context.Context, SettleEnd)
	BatchStart(context.Context, BatchStart) context.Context
	BatchEnd(context.Context, BatchEnd)
}

// CallStart is the beginning of a call.
type CallStart struct {
	Operation, RequestID string
	Mutation             bool
	Invites              int
	// Loop is whether it lasts as long as a loop of the caller's.
	Loop bool
}

// CallEnd is the end of a call.
type CallEnd struct {
	Err                             error
	Requests                        int
	Sent, Refused, Unknown, NotSent int
}

// RequestStart is the beginning of one attempt.
type RequestStart struct {
	Operation, Purpose      string
	Attempt, Invites        int
	RequestID, Method, Host string
	// Waited is how long the request waited for its turn.
	Waited time.Duration
}

// RequestEnd is the end of one attempt.
type RequestEnd struct {
	StatusCode int
	Outcome    string
	Err        error
	// RetryIn is how long it is until the next attempt; 0 if there is none.
	RetryIn time.Duration
	// RetryAfter is how long the answer asks to be left alone. Limit, Remaining and Reset
	// are what it says of a quota.
	RetryAfter       time.Duration
	Limit, Remaining int
	Reset            time.Duration
}

// SettleStart is the beginning of finding out an outcome by reading.
type SettleStart struct {
	Operation string
	Open      int
}

// SettleEnd is the end of that.
type SettleEnd struct{ LookUps, Found, Open int }

// BatchStart is the beginning of a batch of a stream.
type BatchStart struct {
	Campaign string
	Size     int
}

// BatchEnd is the end of a batch of a stream.
type BatchEnd struct {
	Campaign                              string
	Size, Sent, Refused, Unknown, NotSent int
	Err                                   error
}

type requestKey struct{}

// WithRequest returns a context that has an attempt, for the transports that it passes.
func WithRequest(ctx context.Context, r RequestStart) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

// Request returns the attempt that a context has.
func Request(ctx context.Context) (RequestStart, bool) {
	r, ok := ctx.Value(requestKey{}).(RequestStart)
	return r, ok
}
