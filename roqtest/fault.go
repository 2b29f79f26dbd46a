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

// Fault is a fault between a client and the platform. The zero value matches every
// request and does nothing to it.
type Fault struct {
	// Operation selects the requests: the name of a GraphQL operation
	// ("sendUserInvites"), or one of the Op constants. If empty, it matches any.
	Operation string
	// Skip is how many matching requests pass first. Times is how many the fault is then
	// applied to; zero means all. Requests to which another fault was applied do not count
	// for Times, so faults that are injected one after the other happen in that order.
	Skip, Times int

	// Delay is the wait before anything else happens. If the client closes the connection
	// meanwhile, the request is not processed.
	Delay time.Duration
	// Status, from 200 to 599, is the status of a response that is sent, with Body, instead
	// of processing the request. If it is a refusal (400 to 499, but not 408, 425 and 429)
	// and Body is empty, the body is a refusal in the platform's own form. If only Body is
	// set, the status is 200.
	Status int
	// Body is the body of the response in place of the platform's. Its Content-Type is
	// detected from the text, unless Header has one.
	Body string
	// Header is added to the response, whether it is the platform's or the fault's. A nil
	// value removes a header, even Date.
	Header http.Header
	// Drop closes the connection instead of responding.
	Drop Drop
	// Truncate closes the connection after that many bytes of the response body. The
	// Content-Length is that of the whole body. Zero means that nothing is cut off.
	Truncate int
}

// Drop says when a Fault closes the connection.
type Drop int

const (
	// DropNever does not close the connection.
	DropNever Drop = iota
	// DropBefore closes the connection before the request is processed.
	DropBefore
	// DropAfter closes it after the request was processed, without a response.
	DropAfter
)

// The operations that are not GraphQL operations, for [Fault] and [Request].
const (
	OpAuthorizeServiceAccount = "authorizeServiceAccount"
	OpAuthorize               = "authorize"
	OpRefreshToken            = "refreshToken"
	OpSession                 = "session"
	OpFindUsers               = "findUsers"
)

// faults are the faults injected so far.
type faults struct {
	changes *changes

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
	f.changes.add(Changes{Settings: 1})
}

// replace replaces all at once by what change makes of those that are left.
func (f *faults) replace(change func(left []Fault) []Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := change(f.remaining())
	f.list = nil
	for _, one := range all {
		one.Header = one.Header.Clone()
		f.list = append(f.list, &fault{Fault: one})
	}
	f.changes.add(Changes{Settings: 1})
}

// left returns the faults that can still happen.
func (f *faults) left() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.remaining()
}

// remaining is left with the lock held.
func (f *faults) remaining() []Fault {
	var all []Fault
	for _, one := range f.list {
		left := one.Fault
		if left.Times > 0 {
			if left.Times -= one.happened; left.Times == 0 {
				continue
			}
		}
		left.Skip, left.Header = max(0, left.Skip-one.seen), left.Header.Clone()
		all = append(all, left)
	}
	return all
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
			f.changes.add(Changes{Settings: 1})
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
