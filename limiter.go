package roq

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-roq/roq/internal/transport"
)

// WithRateLimit limits the requests of the Client to that many per second, over all
// its callers and all attempts. Requests are evenly spaced, without bursts. A
// Retry-After from the platform stops them all until it has passed (up to the MaxWait
// of [WithRetry]); then they resume at the same rate. The rate must be above 0 and at
// most 100,000; it may be less than one per second. By default only the platform's own
// limit applies.
func WithRateLimit(requestsPerSecond float64) Option {
	return clientOption(func(o *options) error {
		if !(requestsPerSecond > 0 && requestsPerSecond <= maxRate) { // NaN is neither
			return fmt.Errorf("roq: WithRateLimit(%v): must be above 0 and at most %d", requestsPerSecond, maxRate)
		}
		o.limiter = transport.NewRate(requestsPerSecond)
		return nil
	})
}

// Limiter decides when a request may be sent. Wait returns nil when it may, or an error
// if it may not, for example because the context has ended. A *rate.Limiter of
// golang.org/x/time/rate is a Limiter. It must be safe for concurrent use.
//
// If the Limiter also has a method Pause(ctx context.Context, d time.Duration), it is
// called when the platform asks the client to wait for d, so that others who share the
// limit can wait too.
type Limiter interface {
	Wait(ctx context.Context) error
}

// WithLimiter makes every request wait for a limiter, including retries and requests
// for tokens. Several processes can share one, for example. The wait counts neither
// towards [WithTimeout] nor towards [WithSettleTimeout]. If the limiter fails, the
// request is not sent ([ErrUnavailable]). WithLimiter and [WithRateLimit] replace each
// other: the last option given is used. By default only the platform's own limit
// applies.
func WithLimiter(l Limiter) Option {
	return clientOption(func(o *options) error {
		if l == nil {
			return errors.New("roq: WithLimiter: must not be nil")
		}
		o.limiter = l
		return nil
	})
}
