package roqtest

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"time"
)

// Request is a request that arrived.
type Request struct {
	// Method and Path are the HTTP method and path.
	Method, Path string
	// Header has all headers, including credentials.
	Header http.Header
	// Operation is the name of a GraphQL operation or one of the Op constants.
	Operation string
	// Variables are the unchanged GraphQL variables.
	Variables json.RawMessage
	// At is when it arrived, by the platform's clock.
	At time.Time
	// Number counts the requests that arrived, from 1.
	Number int
	// Caller is the roqUserId of the user who makes the request, [CallerServiceAccount], or
	// empty if the request has no valid credentials or needs none.
	Caller string
	// Status is the status of the response. It is 0 until there is one, and if the
	// connection was closed instead.
	Status int
	// Duration is how long the request took. It is 0 until it has ended.
	Duration time.Duration
}

// CallerServiceAccount is the [Request].Caller of requests that the service account
// makes.
const CallerServiceAccount = "serviceAccount"

// requestLog keeps the last requests.
type requestLog struct {
	changes *changes

	mu    sync.Mutex
	list  []*Request
	count int // of all that arrived
}

// add notes a request that has arrived, and returns what it becomes part of.
func (l *requestLog) add(r Request) *Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	r.Number = l.count
	if l.list = append(l.list, &r); len(l.list) >= 2*keptRequests {
		l.list = slices.Clone(l.last())
	}
	l.changes.add(Changes{Requests: 1})
	return &r
}

// identify notes who makes a request.
func (l *requestLog) identify(r *Request, caller string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Caller = caller
}

// end notes the outcome of a request.
func (l *requestLog) end(r *Request, status int, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Status, r.Duration = status, took
	l.changes.add(Changes{Requests: 1})
}

// last are the requests that are kept, for who holds the lock.
func (l *requestLog) last() []*Request { return l.list[max(0, len(l.list)-keptRequests):] }

func (l *requestLog) all() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []Request
	for _, r := range l.last() {
		all = append(all, r.clone())
	}
	return all
}

// clone is a request that shares nothing with the log's.
func (r *Request) clone() Request {
	c := *r
	c.Header, c.Variables = r.Header.Clone(), slices.Clone(r.Variables)
	return c
}

// entryKey is the key of a request's entry in its context.
type entryKey struct{}

// answerWriter knows the status of what was answered.
type answerWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements [http.ResponseWriter].
func (w *answerWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (w *answerWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets an [http.ResponseController] flush.
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// operationOf names a GraphQL request: by its operationName, else by the name in
// the document, else by the first field.
func operationOf(body []byte) (string, json.RawMessage) {
	var r struct {
		Query         string          `json:"query"`
		OperationName string          `json:"operationName"`
		Variables     json.RawMessage `json:"variables"`
	}
	_ = json.Unmarshal(body, &r)
	if r.OperationName != "" {
		return r.OperationName, r.Variables
	}
	if m := namedOperation.FindStringSubmatch(noise.ReplaceAllString(r.Query, " ")); m != nil {
		return m[1] + m[2], r.Variables
	}
	return "", r.Variables
}

var (
	// noise is what can hold anything: comments, texts, and lists of arguments that
	// hold no others.
	noise = regexp.MustCompile(`#[^\n]*|"(?:[^"\\]|\\.)*"|\([^()]*\)|fragment\s[^{]*\{[^{}]*\}`)
	// namedOperation is an operation with its name or, without one, its first field.
	namedOperation = regexp.MustCompile(`(?:query|mutation)\s+(\w+)|\{\s*(?:\w+\s*:\s*)?(\w+)`)
)
