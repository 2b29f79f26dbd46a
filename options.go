package roq

import (
	"cmp"
	"context"
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

// Option configures a [Client]. Options are made by the With functions.
type Option interface{ applyToClient(*options) error }

// CallOption configures one call. Options are made by the With functions.
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

// RetryPolicy says how often a request is made, and how long is waited between
// two attempts. A field that is zero has its default.
//
// The wait doubles from MinWait to MaxWait, half of it at random. A Retry-After
// of the platform makes it longer, up to MaxWait.
type RetryPolicy struct {
	// MaxAttempts counts the first attempt; 1 means no retry. The default is 4, the
	// most is 100.
	MaxAttempts int
	// MinWait is the wait before the second attempt. The default is 200 ms.
	MinWait time.Duration
	// MaxWait bounds every wait. The default is 10 s.
	MaxWait time.Duration
}

// Schema is a version of the schema in which invites are sent.
type Schema int

const (
	// SchemaV2 is what today's published clients send: invites have Variables and
	// no Data.
	SchemaV2 Schema = iota
	// SchemaV1 is the form of the platform's guide: invites have Data and no
	// Variables.
	SchemaV1
)

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

// WithHTTPClient makes the Client send through a copy of c, taken when [New] is
// called. Its Timeout (of one attempt, if shorter than [WithTimeout]'s) and Jar
// are kept; redirects are never followed.
//
// A Transport that is an *http.Transport is cloned, so that its proxy and TLS
// settings hold, and kept to HTTP/1.1. With any other RoundTripper this package
// cannot know whether a failed request left the machine, and takes it that it
// may have.
//
// The default is a client of the package's own, with 64 idle connections and the
// proxy of net/http's [http.ProxyFromEnvironment].
func WithHTTPClient(c *http.Client) Option {
	return clientOption(func(o *options) error {
		if c == nil {
			return errors.New("roq: WithHTTPClient: must not be nil")
		}
		o.client = c
		return nil
	})
}

// WithTransport wraps the transport that requests are sent through: for tracing,
// signing, or a fake in a test. Unlike a RoundTripper in [WithHTTPClient] a
// wrapper leaves it known whether a failed request left the machine, as long as
// it passes on the request's context. Of several the first is the outermost.
func WithTransport(wrap func(http.RoundTripper) http.RoundTripper) Option {
	return clientOption(func(o *options) error {
		if wrap == nil {
			return errors.New("roq: WithTransport: must not be nil")
		}
		o.wrap = append(o.wrap, wrap)
		return nil
	})
}

// WithRetry sets how often a request is made and how long is waited in between.
// What may be repeated is not up to the policy: see the package documentation.
// The default is 4 attempts, with 200 ms to 10 s in between.
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

// WithTimeout bounds one attempt, from dialling to the last byte of the answer;
// the context bounds the whole call. Zero means no bound, the most is 24 hours.
// The default is 30 s.
func WithTimeout(d time.Duration) ClientCallOption {
	return setting(func(o *callOptions) error {
		o.timeout = d
		return checkDuration("WithTimeout", d)
	})
}

// WithSettleTimeout bounds how long a call looks for the outcome of a request that
// may have been processed, by reading the invites; the context bounds it too. The
// waits between the look-ups are those of [WithRetry]. Zero means not to look: the
// outcome is then unknown at once. The most is 24 hours, the default 10 s.
func WithSettleTimeout(d time.Duration) ClientCallOption {
	return setting(func(o *callOptions) error {
		o.settleTimeout = d
		return checkDuration("WithSettleTimeout", d)
	})
}

// WithRepeatUnknown says that the platform refuses a second pending invite to the
// same address (USER_ALREADY_INVITED), so that sending again what may have been
// sent mails nobody twice. Then invites that may have been sent and are not found
// are sent again, as far as [WithRetry] allows. By default they are not: whether a
// platform refuses a second invite is not published.
func WithRepeatUnknown() Option {
	return clientOption(func(o *options) error {
		o.repeatUnknown = true
		return nil
	})
}

// WithRequestID sends id as the x-request-id of every request of the call, so
// that the platform's log, yours and the error name it alike: up to 128 letters,
// digits and _-.: characters. The default is a random id. A request for an access
// token, which calls share, carries the id of the call that came first.
func WithRequestID(id string) CallOption {
	return callOption(func(o *callOptions) error {
		if id == "" || redact.Identifier(id) == "" {
			return errors.New("roq: WithRequestID: must be 1 to 128 letters, digits and _-.: characters")
		}
		o.requestID = id
		return nil
	})
}

// WithLogger logs what a [Tracer] is told: calls, attempts, batches and look-ups at
// level Debug; retries, what is sent again, and outcomes that are unknown at level
// Warn. The records have the call's context, operation and request id, and durations.
// No address, key, token or body is logged. The default is silence.
func WithLogger(l *slog.Logger) Option {
	return clientOption(func(o *options) error {
		if l == nil {
			return errors.New("roq: WithLogger: must not be nil")
		}
		o.logger, o.logs = l, true
		return nil
	})
}

// WithUserAgent puts a product of yours, "acme-backend/2.1" say, in front of this
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

// WithSchema chooses the schema version in which invites are sent. The default
// is [SchemaV2].
func WithSchema(s Schema) Option {
	return clientOption(func(o *options) error {
		if s != SchemaV1 && s != SchemaV2 {
			return fmt.Errorf("roq: WithSchema(%d): must be SchemaV1 or SchemaV2", s)
		}
		o.schema = s
		return nil
	})
}

// WithBatchSize sets how many invites go in one request at most, from 1 to
// 10,000. A batch that is too large for the platform, whose limit is not published, is
// split. After a batch that timed out the next ones are half as large, until twenty in
// a row were taken. The default is 100.
//
// The Client remembers the size that the platform takes, and all its calls go by it.
// Twenty batches of that size in a row that are taken double it, and an hour after it
// last fell it is forgotten. A time-out of a batch that was not full, or an invite that
// is too large by itself, does not change it.
func WithBatchSize(n int) ClientCallOption {
	return setting(func(o *callOptions) error {
		if n < 1 || n > maxBatch {
			return fmt.Errorf("roq: WithBatchSize(%d): must be from 1 to %d", n, maxBatch)
		}
		o.batchSize = n
		return nil
	})
}

// WithParallel sets how many requests one call keeps in flight at once, from 1 to 64.
// [RoqPlatform.SendAllUserInvites] sends that many batches.
// [RoqPlatform.AllUserInvites] reads that many pages ahead, and so does
// [RoqPlatform.WatchUserInvites] when it lists the invites; it reads as many invites
// that a list misses. Other calls make one request at a time. The default is 8.
func WithParallel(n int) ClientCallOption {
	return setting(func(o *callOptions) error {
		if n < 1 || n > maxParallel {
			return fmt.Errorf("roq: WithParallel(%d): must be from 1 to %d", n, maxParallel)
		}
		o.parallel = n
		return nil
	})
}

// WithRateLimit spreads the requests of the Client, those of all its callers and
// all attempts together, so that no second sees more than so many: each leaves
// that fraction of a second after the one before it. A Retry-After of the platform
// stops them all until it has passed (up to the MaxWait of [WithRetry]), and they
// go on at the same rate, without a burst. At most 100,000; less than one means
// less than one a second. By default there is no limit but the platform's own.
func WithRateLimit(requestsPerSecond float64) Option {
	return clientOption(func(o *options) error {
		if !(requestsPerSecond > 0 && requestsPerSecond <= maxRate) { // NaN is neither
			return fmt.Errorf("roq: WithRateLimit(%v): must be above 0 and at most %d", requestsPerSecond, maxRate)
		}
		o.limiter = transport.NewRate(requestsPerSecond)
		return nil
	})
}

// Limiter says when a request may leave: Wait returns then, or with an error if it may
// not, as when the context has ended. A *rate.Limiter of golang.org/x/time/rate is one.
// It is used by many goroutines at once.
//
// One that also has a method Pause(ctx context.Context, d time.Duration) is told when
// the platform asks to be left alone for so long, so that others who share a limit heed
// it too.
type Limiter interface {
	Wait(ctx context.Context) error
}

// WithLimiter makes every request wait for a limiter, repeated ones and those for tokens
// included: one that several processes share, say. The wait counts neither as an
// attempt's time nor as that of settling. If the limiter fails, the request is not
// sent ([ErrUnavailable]). It takes the place of [WithRateLimit]; of several options the
// last one counts. By default there is no limit but the platform's own.
func WithLimiter(l Limiter) Option {
	return clientOption(func(o *options) error {
		if l == nil {
			return errors.New("roq: WithLimiter: must not be nil")
		}
		o.limiter = l
		return nil
	})
}

// WithMaxResponseBytes bounds the body of one answer, after decompression; a
// longer one is an error. The most is 1 GiB. The default is 32 MiB, some 40,000
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

// WithConnectionMaxAge bounds how long a connection is used, so that a fail-over by DNS
// is noticed: a connection that is older takes no request any more, and the next one
// dials. What is under way on it is finished. Each connection gets up to an eighth less,
// at random, so that those that were made together do not end together. Zero means no
// bound, and otherwise it is from 1 s to 24 hours. It has no effect with a RoundTripper in
// [WithHTTPClient] that is no *http.Transport. The default is 5 minutes.
func WithConnectionMaxAge(d time.Duration) Option {
	return clientOption(func(o *options) error {
		if d != 0 && (d < time.Second || d > maxDuration) {
			return fmt.Errorf("roq: WithConnectionMaxAge(%v): must be 0 or from 1 s to %v", d, maxDuration)
		}
		o.maxConnAge = d
		return nil
	})
}

// WithInsecureHTTP lets credentials travel unencrypted to a host that is not
// this machine, as inside a test network. By default [New] refuses such
// addresses.
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
