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
}

// requestLog keeps the last requests.
type requestLog struct {
	mu   sync.Mutex
	list []Request
}

func (l *requestLog) add(r Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.list = append(l.list, r); len(l.list) >= 2*keptRequests {
		l.list = slices.Clone(l.list[len(l.list)-keptRequests:])
	}
}

func (l *requestLog) all() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := slices.Clone(l.list[max(0, len(l.list)-keptRequests):])
	for i := range last {
		last[i].Header, last[i].Variables = last[i].Header.Clone(), slices.Clone(last[i].Variables)
	}
	return last
}

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
