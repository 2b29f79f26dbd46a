package roqtest

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"time"
)

// Fault is trouble on the way between a client and the platform. The zero value
// fits every request and does nothing to it.
type Fault struct {
	// Operation is which requests it is for: a GraphQL operation by its name
	// ("sendUserInvites"), or one of the Op constants. Empty is any.
	Operation string
	// Skip is how many of those pass first, Times how many it then happens to; zero
	// is every one. One that another fault happens to does not count for Times, so
	// that faults injected one after the other happen one after the other.
	Skip, Times int

	// Delay passes before anything else happens. If the client gives up meanwhile,
	// the request is not processed.
	Delay time.Duration
	// Status, from 200 to 599, answers with that status instead of processing the
	// request, and with Body. A refusal (from 400 to 499, but not 408, 425 and 429)
	// without a Body is the platform's, in its own form; with one it is that of whatever
	// writes such a Body. A Body without a Status is answered with 200.
	Status int
	// Body is what is answered in the platform's place. Its Content-Type is found
	// out from the text, unless Header has one.
	Body string
	// Header is added to the answer, whoever makes it. A nil value leaves a header
	// out, Date too.
	Header http.Header
	// Drop closes the connection instead of answering.
	Drop Drop
	// Truncate closes the connection after that many bytes of the answer's body,
	// whose Content-Length promises all of it. Zero is the whole.
	Truncate int
}

// Drop says when a Fault closes the connection.
type Drop int

const (
	// DropNever lets the request be answered.
	DropNever Drop = iota
	// DropBefore closes the connection before the request is processed.
	DropBefore
	// DropAfter closes it after the request was processed, without an answer.
	DropAfter
)

// The operations that are not GraphQL's, for [Fault] and [Request].
const (
	OpAuthorizeServiceAccount = "authorizeServiceAccount"
	OpAuthorize               = "authorize"
	OpRefreshToken            = "refreshToken"
	OpSession                 = "session"
	OpFindUsers               = "findUsers"
)

// faults are the faults injected so far.
type faults struct {
	mu   sync.Mutex
	list []*fault
}

// fault is one of them, and how many requests it fitted and happened to.
type fault struct {
	Fault
	seen, happened int
}

func (f *faults) add(one Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	one.Header = one.Header.Clone()
	f.list = append(f.list, &fault{Fault: one})
}

func (f *faults) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = nil
}

// take counts a request and returns the first fault that happens to it, or nil.
func (f *faults) take(operation string) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	var happens *Fault
	for _, one := range f.list {
		if one.Operation != "" && one.Operation != operation {
			continue
		}
		one.seen++
		if happens == nil && one.seen > one.Skip && (one.Times == 0 || one.happened < one.Times) {
			one.happened++
			happens = &one.Fault
		}
	}
	return happens
}

// serve answers a request in the way of the fault, with process for what the
// platform would answer. When closed is closed a delay ends.
func (f *Fault) serve(w http.ResponseWriter, r *http.Request, process http.HandlerFunc, closed <-chan struct{}) {
	if !sleep(r.Context(), f.Delay, closed) || f.Drop == DropBefore {
		panic(http.ErrAbortHandler) // which closes the connection and logs nothing
	}
	// The answer is made before any of it is sent: a fault may change all of it.
	answer := httptest.NewRecorder()
	if f.Drop != DropAfter && (f.Status != 0 || f.Body != "") {
		answer.Code = min(max(f.Status, 200), 599)
		answer.Body.WriteString(f.Body)
		if f.Body == "" && isRefusal(answer.Code) {
			refuse(answer, r, answer.Code)
		}
	} else {
		process(answer, r)
	}
	if f.Drop == DropAfter {
		panic(http.ErrAbortHandler)
	}
	body := answer.Body.Bytes()
	maps.Copy(w.Header(), answer.Header())
	maps.Copy(w.Header(), f.Header)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	cut := f.Truncate > 0 && f.Truncate < len(body)
	if cut {
		body = body[:f.Truncate]
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(body)
	if cut {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// isRefusal reports whether the platform refuses a request with that status, rather than
// something that asks to wait.
func isRefusal(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return status >= 400 && status <= 499
}

// sleep waits, and reports whether the request is still wanted.
func sleep(ctx context.Context, d time.Duration, closed <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-closed:
		return false
	case <-timer.C:
		return true
	}
}
