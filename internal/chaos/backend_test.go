package chaos_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-roq/roq/roqtest"
)

// busyPath is an endpoint that only occupies a connection.
const busyPath = "/api/model/user/findMany"

// backend is roqtest's platform behind raw connections. A net/http server would
// mend or refuse half of the faults.
type backend struct {
	platform *roqtest.Server
	listener net.Listener
	tls      *tls.Config // nil for plain HTTP
	fault    *fault
	target   string // the operation that the fault hits
	gate     *gate
	// cancel ends the context of the caller with that request id.
	cancel func(requestID string)
	// processed is told of every request that the platform has processed, if it is
	// there.
	processed atomic.Pointer[func(*exchange)]
	// credentials are what HTTP/2 requests, whose headers are not read, come with.
	credentials http.Header

	busy    chan struct{} // gets a value when busyPath is asked for
	conns   sync.WaitGroup
	mu      sync.Mutex
	open    map[net.Conn]bool
	random  *rand.Rand
	stopped chan struct{}
}

// gate says which requests and connections are hit.
type gate struct {
	armed atomic.Bool
	every bool
	conns int // how many connections are hit if not every one

	mu   sync.Mutex
	seen map[string]int
}

// count returns how often it was asked for the key before.
func (g *gate) count(key string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := g.seen[key]
	g.seen[key]++
	return n
}

// hitsConn reports whether a connection is hit. Whose it is shows only later, so
// the first attempts of all callers are as many connections.
func (g *gate) hitsConn() bool {
	return g.armed.Load() && (g.count("connection") < g.conns || g.every)
}

func (b *backend) accept() {
	defer close(b.stopped)
	for {
		conn, err := b.listener.Accept()
		if err != nil {
			return
		}
		b.mu.Lock()
		b.open[conn] = true
		b.mu.Unlock()
		b.conns.Go(func() {
			defer func() {
				_ = conn.Close()
				b.mu.Lock()
				delete(b.open, conn)
				b.mu.Unlock()
			}()
			b.serve(conn)
		})
	}
}

// serve is the life of one connection.
func (b *backend) serve(raw net.Conn) {
	if b.fault.accept != nil && b.gate.hitsConn() {
		b.fault.accept(raw)
		return
	}
	conn := raw
	if b.tls != nil {
		secure := tls.Server(raw, b.tls)
		if secure.Handshake() != nil {
			return
		}
		if secure.ConnectionState().NegotiatedProtocol == "h2" {
			b.serveHTTP2(secure)
			return
		}
		conn = secure
	}
	buffered := bufio.NewReader(conn)
	for served := 0; ; served++ {
		if _, err := buffered.Peek(1); err != nil {
			return
		}
		// The request and the close cross on the way.
		if b.fault.idle && served > 0 && b.gate.hitsConn() {
			reset(raw)
			return
		}
		x, ok := b.read(raw, conn, buffered)
		if !ok || !b.answer(x) {
			return
		}
	}
}

// exchange is one request that arrived.
type exchange struct {
	*backend
	raw, conn net.Conn
	request   *http.Request
	body      []byte
	operation string
	again     int  // how many of the caller's requests for the operation came before
	keep      bool // a whole answer was written last, and the connection can go on
}

func (b *backend) read(raw, conn net.Conn, from *bufio.Reader) (*exchange, bool) {
	request, err := http.ReadRequest(from)
	if err != nil {
		return nil, false
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, false // cut off: a server cannot process it
	}
	return &exchange{backend: b, raw: raw, conn: conn, request: request, body: body, operation: operationOf(request, body)}, true
}

func operationOf(r *http.Request, body []byte) string {
	if strings.HasPrefix(r.URL.Path, "/v01/authorize") {
		return opToken
	}
	var envelope struct {
		Name string `json:"operationName"`
	}
	_ = json.Unmarshal(body, &envelope)
	return envelope.Name
}

// answer answers a request or does the fault to it, and reports whether the
// connection can go on.
func (b *backend) answer(x *exchange) bool {
	key := x.operation + x.request.URL.Path + x.request.Header.Get("X-Request-Id")
	switch {
	case x.request.URL.Path == busyPath:
		b.busy <- struct{}{}
		x.hang()
		return false
	case (x.operation == b.target || x.operation == opList && b.fault.lists) && b.fault.serve != nil && b.gate.armed.Load():
		if x.again = b.gate.count(key); x.again > 0 && !b.gate.every {
			break
		}
		b.fault.serve(x)
		return x.keep
	case b.fault.read != nil && x.operation == opList && b.gate.armed.Load():
		if x.again = b.gate.count(key); x.again > 1 && !b.gate.every {
			break
		}
		return x.write(b.fault.read(x))
	}
	return x.write(x.process())
}

// process lets the platform do what was asked.
func (x *exchange) process() *httptest.ResponseRecorder {
	x.request.Body = io.NopCloser(bytes.NewReader(x.body))
	answer := x.handle(x.request)
	if told := x.processed.Load(); told != nil {
		(*told)(x)
	}
	return answer
}

func (b *backend) handle(r *http.Request) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	b.platform.Handler().ServeHTTP(recorder, r)
	return recorder
}

// maybe processes the request or not, as the seed has it.
func (x *exchange) maybe() {
	x.mu.Lock()
	heads := x.random.IntN(2) == 0
	x.mu.Unlock()
	if heads {
		x.process()
	}
}

// part is from nothing to nearly all of n, as the seed has it.
func (x *exchange) part(n int) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.random.IntN(max(n, 1))
}

// write sends an answer as a server does, with its clock in the Date header.
func (x *exchange) write(answer *httptest.ResponseRecorder) bool {
	_, err := x.conn.Write(encode(answer))
	x.keep = err == nil && !x.request.Close
	return x.keep
}

func encode(answer *httptest.ResponseRecorder) []byte {
	response := answer.Result()
	response.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	response.ContentLength = int64(answer.Body.Len())
	var wire bytes.Buffer
	_ = response.Write(&wire)
	return wire.Bytes()
}

// hang keeps the connection open without a word until the client closes it.
func (x *exchange) hang() { _, _ = io.Copy(io.Discard, x.conn) }

// reset ends the connection by RST instead of FIN.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// close stops listening and waits until every request that arrived was dealt
// with: what is counted afterwards does not change any more.
func (b *backend) close() {
	_ = b.listener.Close()
	<-b.stopped
	done := make(chan struct{})
	go func() {
		b.conns.Wait()
		close(done)
	}()
	patience := time.NewTimer(time.Second)
	defer patience.Stop()
	select {
	case <-done:
	case <-patience.C:
		b.mu.Lock()
		for conn := range b.open {
			_ = conn.Close()
		}
		b.mu.Unlock()
		<-done
	}
	b.platform.Close()
}
