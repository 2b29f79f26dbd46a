// Package exchange makes the requests of a call: with which identity and
// credentials, how often, and what their answers mean. It knows the platform's
// errors, and nothing of what a request is for.
package exchange

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-roq/roq/internal/evidence"
	"github.com/go-roq/roq/internal/token"
	"github.com/go-roq/roq/internal/trace"
	"github.com/go-roq/roq/internal/transport"
	"github.com/go-roq/roq/internal/wire"
)

// Client is what the calls of one client share.
type Client struct {
	Environment
	UserAgent string
	Sender    *transport.Sender
	Log       *slog.Logger
	Tokens    *token.Cache
	// Tracer is told what calls do; nil is told nothing.
	Tracer trace.Tracer
	// Clock is what the answers so far tell about the platform's clock.
	Clock evidence.Clock
}

// Environment is a platform, and an environment of it.
type Environment struct {
	PlatformURL, EnvironmentID, APIKey string
	// Basic is the environment's credentials in HTTP's Basic scheme.
	Basic string
}

// Settings are those of one call.
type Settings struct {
	Pace    transport.Pace
	Timeout time.Duration // of one attempt; 0 means none
	// Settle bounds finding out the outcome of one request.
	Settle    time.Duration
	RequestID string
}

// LongestRequest is how long a request with all its attempts can take: the bound
// for one that does not end with a caller's context.
func (s *Settings) LongestRequest() time.Duration {
	const usual = 30 * time.Second // where there is no time-out
	timeout := s.Timeout
	if timeout == 0 {
		timeout = usual
	}
	return time.Duration(s.Pace.MaxAttempts) * (timeout + s.Pace.MaxWait)
}

// Call is one call of a method by a user of this module: under one name and one
// request id it may make several requests.
type Call struct {
	Client    *Client
	Operation string
	Settings
	// Attempts counts the requests made, look-ups and those for a token apart.
	Attempts int
	// Requests counts them with the look-ups, if it is not nil. Calls made by Another
	// share it.
	Requests *atomic.Int64
	// Private are secrets that the requests carry in their variables, for errors to
	// blank.
	Private []string
	// secrets are what the requests act with, for errors to blank.
	secrets []string
}

// Another returns a call for requests that do not count as this one's: look-ups,
// and pages that are read side by side.
func (c *Call) Another() *Call {
	return &Call{Client: c.Client, Operation: c.Operation, Settings: c.Settings, Requests: c.Requests, Private: c.Private}
}

// count counts requests that were made.
func (c *Call) count(n int) {
	c.Attempts += n
	if c.Requests != nil {
		c.Requests.Add(int64(n))
	}
}

// Request is a GraphQL request.
type Request struct {
	Operation *wire.Operation
	Variables any
	// Sink receives what the answer holds. If the answer turns out not to be usable,
	// what it received is not either; Restart is called before each answer.
	Sink    wire.Sink
	Restart func()
	// Attempts bounds how often the request is made; at least once, and once more with
	// a fresh token.
	Attempts int
	Purpose  string
	// Invites is how many invites it is about, for the tracer.
	Invites int
	// MaxBytes bounds the answer; 0 means the client's bound.
	MaxBytes int64
	// HasTurn is whether the first attempt need not wait for its turn.
	HasTurn bool
	// BeforeSend is called before an attempt leaves, and may keep it here.
	BeforeSend func(context.Context) error
}

// Reply is the outcome of a request.
type Reply struct {
	transport.Result
	// Data is whether the platform's answer has all the data that was asked for, Total
	// is a list's totalCount.
	Data  bool
	Total int
	// Start is what was known when the first attempt left.
	Start evidence.Start
	// Failure is why the request failed, or what the platform said beside the data.
	Failure *Failure
	// errors are the platform's in its last answer, newest the newest stamp in it.
	errors []wire.Error
	newest time.Time
}

// Answered reports whether the platform's answer has the data, and no error.
func (r *Reply) Answered() bool { return r.Data && r.Failure == nil }

// When returns when the last answer was given.
func (r *Reply) When() evidence.Answer {
	if r.Answer == nil {
		return evidence.Answer{}
	}
	return evidence.Answer{Date: r.Answer.Date, Asked: r.LastBegan, Received: r.Answer.Received}
}

// WasThrottled reports whether the last attempt was: it may be repeated if it was
// not processed.
func (r *Reply) WasThrottled() bool { return r.Outcome.Throttled() }

// WasCut reports whether the last attempt was cut while it was being written.
func (r *Reply) WasCut() bool { return r.Outcome == transport.Cut }

// TimedOut reports whether the last attempt took longer than it was given.
func (r *Reply) TimedOut() bool {
	return errors.Is(r.Err, context.DeadlineExceeded) && !r.Interrupted
}

// Do makes a GraphQL request as an identity. If the token is refused it tries once
// with a fresh one.
func (c *Call) Do(ctx context.Context, as *Identity, r Request) *Reply {
	body, err := r.Operation.Request(r.Variables)
	if err != nil {
		return &Reply{Failure: c.Refuse("the variables cannot be encoded as JSON", InvalidInput|NotSent)}
	}
	reply := new(Reply)
	mutation := r.Operation.Class != transport.Query
	request := transport.Request{
		Operation: r.Operation.Name,
		Purpose:   r.Purpose,
		Invites:   r.Invites,
		Hide:      c.hide,
		Class:     r.Operation.Class,
		Method:    http.MethodPost,
		URL:       c.Client.PlatformURL + wire.GraphQLPath,
		Origin:    c.Client.PlatformURL,
		Body:      body,
		MaxBytes:  r.MaxBytes,
		Pace:      c.Pace,
		Timeout:   c.Timeout,
		HasTurn:   r.HasTurn,
		HasData:   wire.HasData,
		Own:       wire.Own,
		Judge: func(body []byte) (transport.Outcome, error) {
			return c.read(reply, r, body)
		},
	}
	request.Pace.MaxAttempts = max(1, r.Attempts)
	if mutation {
		request.Leaving = func(ctx context.Context) error {
			if r.BeforeSend != nil {
				if err := r.BeforeSend(ctx); err != nil {
					return err
				}
			}
			if reply.Start.At.IsZero() {
				reply.Start = c.Client.Clock.Start()
			}
			return nil
		}
	}
	for fresh := false; ; fresh = true {
		token, err := as.Token(ctx, c.RequestID)
		if err != nil {
			// Whatever was answered before: the request that it was for has not left.
			reply.Failure, reply.Outcome = c.noToken(ctx, err), transport.Unsent
			return reply
		}
		request.Header = c.header(token)
		request.Header[wire.ServerAuthorization] = []string{c.Client.Basic}
		request.Header["Content-Type"] = jsonType
		before := reply.Result
		request.Before = c.Attempts
		reply.Result = c.Client.Sender.Do(ctx, request)
		reply.add(before)
		c.count(reply.Attempts - before.Attempts)
		if reply.Outcome == transport.Unauthorized && !fresh && as.Renew(token) {
			request.Pace.MaxAttempts = max(1, request.Pace.MaxAttempts-reply.Attempts)
			continue
		}
		switch {
		case reply.Outcome != transport.Answered:
			reply.Data = false
			reply.Failure = c.failure(&reply.Result, nil)
		case len(reply.errors) > 0:
			reply.Failure = c.failure(&reply.Result, reply.errors)
		case mutation:
			c.Client.Clock.Learn(reply.Start, reply.newest, reply.When())
		}
		return reply
	}
}

// add adds the attempts before to a result.
func (r *Reply) add(before transport.Result) {
	r.Attempts += before.Attempts
	r.Maybe = r.Maybe || before.Maybe
	r.Throttled = r.Throttled || before.Throttled
	if !before.Began.IsZero() {
		r.Began = before.Began
	}
}

// read reads the answer to a request, and says what it means.
func (c *Call) read(reply *Reply, r Request, body []byte) (transport.Outcome, error) {
	reply.Data, reply.errors = false, nil
	if r.Restart != nil {
		r.Restart()
	}
	var stamps evidence.Stamps
	sink := r.Sink
	if deliver := sink.Invite; deliver != nil {
		sink.Invite = func(row *wire.Invite) error {
			stamps.Add(row.ID, Changed(row))
			return deliver(row)
		}
	}
	answer, err := r.Operation.Decode(body, sink)
	if err != nil {
		return transport.Unclear, err
	}
	if answer.Repaired > 0 {
		c.Client.Log.Warn("roq: response repaired", "operation", c.Operation, "purpose", r.Purpose, "request", c.RequestID, "repaired", answer.Repaired)
	}
	c.Client.Clock.Receive(stamps)
	reply.newest = stamps.Newest()
	reply.Data, reply.Total, reply.errors = answer.Data, answer.Total, answer.Errors
	return judge(answer)
}

// jsonType is the Content-Type of every request with a body. Nobody changes it.
var jsonType = []string{"application/json"}

// Changed returns when an invite was changed last, by any of its stamps.
func Changed(row *wire.Invite) time.Time {
	stamp := row.CreatedAt
	if row.UpdatedAt.After(stamp) {
		stamp = row.UpdatedAt
	}
	if row.StatusUpdatedAt.After(stamp) {
		stamp = row.StatusUpdatedAt
	}
	return stamp
}

// GetRequest is a GET request to an address of the application's, or of the
// environment's REST API.
type GetRequest struct {
	Origin, URL string
	Header      http.Header
	// NoCookies leaves the HTTP client's cookie jar out of it.
	NoCookies bool
	// Secrets are those in the header, for errors to blank.
	Secrets []string
	// Read reads the answer's body, and keeps nothing of it.
	Read func(body []byte) error
	// Own reports whether a body that refuses the request is the server's: see
	// [transport.Request].
	Own func(body []byte) bool
}

// Get makes a GET request.
func (c *Call) Get(ctx context.Context, r GetRequest) *Failure {
	c.secrets = append(c.secrets, r.Secrets...)
	result := c.Client.Sender.Do(ctx, transport.Request{
		Operation: c.Operation,
		Purpose:   PurposeCall,
		Hide:      c.hide,
		Method:    http.MethodGet,
		Origin:    r.Origin,
		URL:       r.URL,
		Header:    r.Header,
		Pace:      c.Pace,
		Timeout:   c.Timeout,
		MaxBytes:  AnswerBytes(LeastRows),
		NoCookies: r.NoCookies,
		Judge:     judged(r.Read),
		Own:       r.Own,
	})
	c.count(result.Attempts)
	if result.Outcome == transport.Answered {
		return nil
	}
	return c.failure(&result, nil)
}

// judged turns a function that reads an answer into one that also judges it.
func judged(read func([]byte) error) func([]byte) (transport.Outcome, error) {
	return func(body []byte) (transport.Outcome, error) {
		if err := read(body); err != nil {
			return transport.Unclear, err
		}
		return transport.Answered, nil
	}
}

// Header returns the headers of a request that acts with no access token.
func (c *Call) Header() http.Header { return c.header("") }

// header returns the headers of a request; the access token may be empty. They
// are the request's own, for whoever stands between this module and the network.
func (c *Call) header(accessToken string) http.Header {
	h := make(http.Header, 7)
	values := make([]string, 0, 5) // one allocation for all
	set := func(name, value string) {
		values = append(values, value)
		h[name] = values[len(values)-1 : len(values) : len(values)]
	}
	set("Accept", "*/*")
	set("User-Agent", c.Client.UserAgent)
	set(transport.RequestID, c.RequestID)
	if accessToken != "" {
		set(wire.UserAuthorization, "Bearer "+accessToken)
		c.secrets = append(c.secrets[:0:0], accessToken)
	}
	return h
}

// AnswerBytes bounds an answer with so many rows: each may have 64 KiB on average,
// and any answer a megabyte.
func AnswerBytes(rows int) int64 { return 1<<20 + int64(rows)<<16 }

// LeastRows is how many rows any answer with a list may have: servers that do not
// heed a small limit are followed.
const LeastRows = 1000

// The purposes of requests, for the tracer.
const (
	PurposeCall   = "call"
	PurposeToken  = "token"
	PurposeLookUp = "settle"
	PurposePage   = "page"
	PurposeWatch  = "watch"
)
