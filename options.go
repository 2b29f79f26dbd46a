package roq

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-roq/roq/internal/check"
	"github.com/go-roq/roq/internal/redact"
	"github.com/go-roq/roq/internal/transport"
)

// The defaults of every option, and the bounds that no option moves.
const (
	defaultMaxAttempts      = 4
	defaultMinWait          = 200 * time.Millisecond
	defaultMaxWait          = 10 * time.Second
	defaultTimeout          = 30 * time.Second
	defaultSettleTimeout    = 10 * time.Second
	defaultBatchSize        = 100
	defaultParallel         = 8
	defaultMaxResponseBytes = 32 << 20
	defaultMaxConnAge       = 5 * time.Minute

	maxAttempts = 100
	// maxDuration keeps sums and products of durations far from overflow.
	maxDuration = 24 * time.Hour
	// maxBatch keeps what is looked up of a batch in one answer.
	maxBatch = 10_000
	// maxParallel is what the idle connections of the package's own client fit.
	maxParallel = 64
	// maxRate is far above what one process can send.
	maxRate = 100_000
	// maxInvites bounds one call of SendUserInvites.
	maxInvites = 100_000
	// maxTokens bounds the identities whose tokens a Client keeps.
	maxTokens = 4096
)

// Option configures a [Client]. The With functions return options.
type Option interface{ applyToClient(*options) error }

// CallOption configures one call. The With functions return options.
type CallOption interface {
	StreamOption
	WatchOption
	applyToCall(*callOptions) error
}

// StreamOption configures one [RoqPlatform.SendAllUserInvites]. Every CallOption is
// one too.
type StreamOption interface{ applyToStream(*streamOptions) error }

// WatchOption configures one [RoqPlatform.WatchUserInvites] or
// [RoqPlatform.WaitUserInvite]. Every CallOption is one too.
type WatchOption interface{ applyToWatch(*watchOptions) error }

// ClientCallOption configures a [Client] or one call, where it takes precedence.
type ClientCallOption interface {
	Option
	CallOption
}

// RetryPolicy sets the number of attempts of a request, and the wait between two
// attempts. If a field is zero, its default is used.
//
// The wait doubles from MinWait to MaxWait; half of it is jitter. A Retry-After
// from the platform makes it longer, up to MaxWait.
type RetryPolicy struct {
	// MaxAttempts includes the first attempt; 1 means no retry. The default is 4, the
	// maximum is 100.
	MaxAttempts int
	// MinWait is the wait before the second attempt. The default is 200 ms.
	MinWait time.Duration
	// MaxWait bounds every wait. The default is 10 s.
	MaxWait time.Duration
}

// options is everything that options set.
type options struct {
	callOptions

	client           *http.Client
	wrap             []func(http.RoundTripper) http.RoundTripper
	logger           *slog.Logger
	logs             bool
	tracers          []Tracer
	userAgent        string
	schema           Schema
	maxResponseBytes int64
	maxConnAge       time.Duration
	limiter          Limiter
	insecureHTTP     bool
	repeatUnknown    bool
}

// callOptions is the part of them that one call may set for itself.
type callOptions struct {
	pace      transport.Pace
	timeout   time.Duration
	requestID string
	// settleTimeout bounds finding out the outcome of one request.
	settleTimeout time.Duration
	batchSize     int
	// sized is whether the call itself sets batchSize.
	sized bool
	// skipInvalid is whether a send goes on without the inputs that are not valid.
	skipInvalid bool
	// parallel is how many requests a call that makes many keeps under way.
	parallel int
}

// streamOptions are the options of one stream.
type streamOptions struct {
	callOptions
	journal Journal
}

// watchOptions are the options of one watch.
type watchOptions struct {
	callOptions
	// interval is how far apart a watch asks.
	interval interval
}

func defaultOptions() options {
	return options{
		callOptions: callOptions{
			pace:          transport.Pace{MaxAttempts: defaultMaxAttempts, MinWait: defaultMinWait, MaxWait: defaultMaxWait},
			timeout:       defaultTimeout,
			settleTimeout: defaultSettleTimeout,
			batchSize:     defaultBatchSize,
			parallel:      defaultParallel,
		},
		logger:           slog.New(slog.DiscardHandler),
		userAgent:        "roq-go/" + Version,
		maxResponseBytes: defaultMaxResponseBytes,
		maxConnAge:       defaultMaxConnAge,
	}
}

// clientOption is an [Option].
type clientOption func(*options) error

func (f clientOption) applyToClient(o *options) error { return f(o) }

// callOption is a [CallOption].
type callOption func(*callOptions) error

func (f callOption) applyToCall(o *callOptions) error     { return f(o) }
func (f callOption) applyToStream(o *streamOptions) error { return f(&o.callOptions) }
func (f callOption) applyToWatch(o *watchOptions) error   { return f(&o.callOptions) }

// streamOption is a [StreamOption].
type streamOption func(*streamOptions) error

func (f streamOption) applyToStream(o *streamOptions) error { return f(o) }

// watchOption is a [WatchOption].
type watchOption func(*watchOptions) error

func (f watchOption) applyToWatch(o *watchOptions) error { return f(o) }

// setting is a [ClientCallOption].
type setting func(*callOptions) error

func (f setting) applyToClient(o *options) error       { return f(&o.callOptions) }
func (f setting) applyToCall(o *callOptions) error     { return f(o) }
func (f setting) applyToStream(o *streamOptions) error { return f(&o.callOptions) }
func (f setting) applyToWatch(o *watchOptions) error   { return f(&o.callOptions) }

// WithHTTPClient sends requests with a copy of c, made when [New] is called. Its Jar
// and Timeout are kept. The Timeout applies to each attempt if it is shorter than that
// of [WithTimeout]. Redirects are never followed.
//
// A Transport that is an *http.Transport is cloned, with its proxy and TLS settings,
// and limited to HTTP/1.1. With any other RoundTripper this package cannot know
// whether a failed request was sent, and assumes that it may have been.
//
// The default is a client of this package's own, with 64 idle connections and the
// proxy that [http.ProxyFromEnvironment] returns.
func WithHTTPClient(c *http.Client) Option {
	return clientOption(func(o *options) error {
		if c == nil {
			return errors.New("roq: WithHTTPClient: must not be nil")
		}
		o.client = c
		return nil
	})
}

// WithTransport wraps the transport that sends requests: for tracing, signing, or a
// fake in a test. Unlike with a RoundTripper in [WithHTTPClient], this package still
// knows whether a failed request was sent, if the wrapper passes on the request's
// context. If the option is given several times, the first wrapper is the outermost.
func WithTransport(wrap func(http.RoundTripper) http.RoundTripper) Option {
	return clientOption(func(o *options) error {
		if wrap == nil {
			return errors.New("roq: WithTransport: must not be nil")
		}
		o.wrap = append(o.wrap, wrap)
		return nil
	})
}

// WithRetry sets the number of attempts of a request and the waits between them.
// It does not change what may be repeated: see the package documentation.
// The default is 4 attempts, with waits from 200 ms to 10 s.
func WithRetry(p RetryPolicy) ClientCallOption {
	return setting(func(o *callOptions) error {
		pace := transport.Pace{
			MaxAttempts: cmp.Or(p.MaxAttempts, defaultMaxAttempts),
			MinWait:     cmp.Or(p.MinWait, defaultMinWait),
			MaxWait:     cmp.Or(p.MaxWait, max(defaultMaxWait, p.MinWait)),
		}
		switch {
		case p.MaxAttempts < 0 || p.MaxAttempts > maxAttempts:
			return fmt.Errorf("roq: WithRetry: MaxAttempts is %d, must be from 1 to %d", p.MaxAttempts, maxAttempts)
		case p.MinWait < 0 || p.MaxWait < 0 || p.MinWait > maxDuration || p.MaxWait > maxDuration:
			return fmt.Errorf("roq: WithRetry: MinWait %v and MaxWait %v must be from 0 to %v", p.MinWait, p.MaxWait, maxDuration)
		case pace.MinWait > pace.MaxWait && p.MinWait != 0:
			return fmt.Errorf("roq: WithRetry: MinWait %v is longer than MaxWait %v", p.MinWait, p.MaxWait)
		}
		pace.MinWait = min(pace.MinWait, pace.MaxWait)
		o.pace = pace
		return nil
	})
}

// WithTimeout sets the timeout of one attempt, from dialing to the last byte of the
// response. The context bounds the whole call. Zero means no timeout; the maximum is
// 24 hours. The default is 30 s.
func WithTimeout(d time.Duration) ClientCallOption {
	return setting(func(o *callOptions) error {
		o.timeout = d
		return checkDuration("WithTimeout", d)
	})
}

// WithSettleTimeout bounds how long a call reads the invites to find out the outcome
// of a request that may have been processed. The context bounds it too. The waits
// between look-ups are those of [WithRetry]. Zero means no look-ups: the outcome is
// then unknown at once. The maximum is 24 hours. The default is 10 s.
func WithSettleTimeout(d time.Duration) ClientCallOption {
	return setting(func(o *callOptions) error {
		o.settleTimeout = d
		return checkDuration("WithSettleTimeout", d)
	})
}

// WithRepeatUnknown sends invites again that may have been sent and are not found, as
// often as [WithRetry] allows. Use it only if the platform refuses a second pending
// invite to the same address (USER_ALREADY_INVITED): then sending again mails nobody
// twice. By default they are not sent again, because it is not published whether a
// platform refuses a second invite.
func WithRepeatUnknown() Option {
	return clientOption(func(o *options) error {
		o.repeatUnknown = true
		return nil
	})
}

// WithRequestID sends id as the x-request-id of every request of the call, so that the
// platform's log, your log and the error have the same id. It is 1 to 128 letters,
// digits and _-.: characters. Calls can share a request for an access token; it has the
// id of the first of them. The default is a random id.
func WithRequestID(id string) CallOption {
	return callOption(func(o *callOptions) error {
		if id == "" || redact.Identifier(id) == "" {
			return errors.New("roq: WithRequestID: must be 1 to 128 letters, digits and _-.: characters")
		}
		o.requestID = id
		return nil
	})
}

// WithLogger logs the events of a [Tracer]: calls, attempts, batches and look-ups at
// level Debug; retries, repeated sends and unknown outcomes at level Warn. The records
// have the call's context, operation and request id, and durations. No address, key,
// token or body is logged. By default nothing is logged.
func WithLogger(l *slog.Logger) Option {
	return clientOption(func(o *options) error {
		if l == nil {
			return errors.New("roq: WithLogger: must not be nil")
		}
		o.logger, o.logs = l, true
		return nil
	})
}

// WithUserAgent puts your product, such as "acme-backend/2.1", in front of this
// package's in the User-Agent header. The default is "roq-go/" and [Version].
func WithUserAgent(product string) Option {
	return clientOption(func(o *options) error {
		if err := check.HeaderText(product); err != nil {
			return fmt.Errorf("roq: WithUserAgent: %w", err)
		}
		o.userAgent = product + " roq-go/" + Version
		return nil
	})
}

// WithBatchSize sets the maximum number of invites in one request, from 1 to 10,000.
// A batch that is too large for the platform is split; the platform's limit is not
// published. After a batch times out, the next batches are half as large, until twenty
// in a row succeed. The default is 100.
//
// The Client remembers the size that the platform accepts, and all its calls use it.
// The size doubles after twenty batches of that size in a row succeed, and is forgotten
// an hour after it last fell. A timeout of a batch that was not full, or an invite that
// is too large by itself, does not change it.
func WithBatchSize(n int) ClientCallOption {
	return setting(func(o *callOptions) error {
		if n < 1 || n > maxBatch {
			return fmt.Errorf("roq: WithBatchSize(%d): must be from 1 to %d", n, maxBatch)
		}
		o.batchSize, o.sized = n, true
		return nil
	})
}

// WithParallel sets how many requests one call keeps in flight, from 1 to 64.
// [RoqPlatform.SendAllUserInvites] sends that many batches at a time.
// [RoqPlatform.AllUserInvites] reads that many pages ahead, and so does
// [RoqPlatform.WatchUserInvites] when it lists the invites. If invites are missing from
// the list, the watch reads that many of them at a time.
// [RoqPlatform.ResendAllUserInvites] and [RoqPlatform.CancelAllUserInvites] change that
// many invites at a time. Other calls make one request at a time. The default is 8.
func WithParallel(n int) ClientCallOption {
	return setting(func(o *callOptions) error {
		if n < 1 || n > maxParallel {
			return fmt.Errorf("roq: WithParallel(%d): must be from 1 to %d", n, maxParallel)
		}
		o.parallel = n
		return nil
	})
}

// WithMaxResponseBytes limits the body of one response, after decompression. A
// longer one is an error. The maximum is 1 GiB. The default is 32 MiB, about 40,000
// invites.
func WithMaxResponseBytes(n int64) Option {
	return clientOption(func(o *options) error {
		if n < 1 || n > 1<<30 {
			return fmt.Errorf("roq: WithMaxResponseBytes(%d): must be from 1 to %d", n, 1<<30)
		}
		o.maxResponseBytes = n
		return nil
	})
}

// WithConnectionMaxAge limits how long a connection is used, so that a DNS failover is
// noticed. An older connection takes no new request, and the next request dials a new
// one. Requests in flight on the old one finish. Up to an eighth of d is subtracted at
// random for each connection, so that connections opened together do not end together.
// Zero means no limit; otherwise d is from 1 s to 24 hours. The option has no effect
// with a RoundTripper in [WithHTTPClient] that is not an *http.Transport. The default
// is 5 minutes.
func WithConnectionMaxAge(d time.Duration) Option {
	return clientOption(func(o *options) error {
		if d != 0 && (d < time.Second || d > maxDuration) {
			return fmt.Errorf("roq: WithConnectionMaxAge(%v): must be 0 or from 1 s to %v", d, maxDuration)
		}
		o.maxConnAge = d
		return nil
	})
}

// WithInsecureHTTP allows credentials to travel unencrypted to a host that is not
// this machine, for example inside a test network. By default [New] refuses such
// URLs.
func WithInsecureHTTP() Option {
	return clientOption(func(o *options) error {
		o.insecureHTTP = true
		return nil
	})
}

func checkDuration(option string, d time.Duration) error {
	if d < 0 || d > maxDuration {
		return fmt.Errorf("roq: %s(%v): must be from 0 to %v", option, d, maxDuration)
	}
	return nil
}
