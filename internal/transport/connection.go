package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// The limits of a connection of our own making. Idle connections fit 64 callers
// that use one client at once; net/http keeps two and would dial for the rest.
const (
	dialTimeout      = 10 * time.Second
	idleConnsPerHost = 64
	idleConnTimeout  = 90 * time.Second
	maxHeaderBytes   = 256 << 10
)

// newTransport returns the transport of a client that brought none.
func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}
	return http1Only(&http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dialer.DialContext,
		MaxIdleConns:        4 * idleConnsPerHost,
		MaxIdleConnsPerHost: idleConnsPerHost,
		IdleConnTimeout:     idleConnTimeout,
		TLSHandshakeTimeout: dialTimeout,
	})
}

// http1Only keeps t, which is changed, to HTTP/1.1 and to bounded headers. Over HTTP/2 net/http repeats
// requests by itself, and with them mutations. All three settings are needed: a
// clone of a transport that has spoken HTTP/2 still offers it in NextProtos.
func http1Only(t *http.Transport) *http.Transport {
	t.ForceAttemptHTTP2 = false
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	t.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	if t.TLSClientConfig == nil {
		t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	} else {
		t.TLSClientConfig = t.TLSClientConfig.Clone()
	}
	t.TLSClientConfig.NextProtos = []string{"http/1.1"}
	if t.MaxResponseHeaderBytes == 0 {
		t.MaxResponseHeaderBytes = maxHeaderBytes
	}
	return t
}

// counted is a connection that counts what is written to it, and ends itself when a
// server announces that it will.
type counted struct {
	net.Conn
	idling
	written atomic.Int64
	failed  atomic.Int64 // the length of the first write that failed; 0 if none has
}

// Write counts before it writes, so that whoever sees the old count knows that
// nothing has left, and takes back what was not written after all.
func (c *counted) Write(b []byte) (int, error) {
	c.written.Add(int64(len(b)))
	n, err := c.Conn.Write(b)
	c.written.Add(int64(n - len(b)))
	if err != nil {
		c.failed.CompareAndSwap(0, int64(len(b)))
	}
	return n, err
}

// longestAlert is longer than what TLS writes of its own accord, when a request may
// have been written to its end: an alert, or a new key.
const longestAlert = 512

// counting makes a transport, which is changed, count what it writes, on connections that
// live for so long at most; zero means for ever.
func counting(t *http.Transport, maxAge time.Duration) *http.Transport {
	dial := t.DialContext
	if dial == nil && t.Dial != nil { //nolint:staticcheck // a caller's transport may still have it
		old := t.Dial //nolint:staticcheck // see above
		dial = func(_ context.Context, network, addr string) (net.Conn, error) { return old(network, addr) }
	}
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	t.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		c := &counted{Conn: conn}
		c.age(maxAge)
		return c, nil
	}
	return t
}

// countOf returns the counting connection below, nil if there is none: a caller's
// DialTLS makes its own.
func countOf(conn net.Conn) (c *counted, overTLS bool) {
	for {
		switch c := conn.(type) {
		case *counted:
			return c, overTLS
		case interface{ NetConn() net.Conn }:
			conn, overTLS = c.NetConn(), true
		default:
			return nil, overTLS
		}
	}
}

// progress records how far one attempt got.
type progress struct {
	mu sync.Mutex
	// failed is whether a transport of ours returned an error.
	failed bool
	// used are the connections that the attempt was given, with their counts then.
	used []usedConn
}

type usedConn struct {
	conn    *counted
	overTLS bool
	from    int64
	use     int64 // which of the connection's
}

// cut reports whether a part of the request could not be written.
func (u usedConn) cut() bool {
	if u.conn == nil {
		return false
	}
	failed := u.conn.failed.Load()
	return failed > 0 && (!u.overTLS || failed > longestAlert)
}

func (p *progress) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed, p.used = false, p.used[:0]
}

func (p *progress) got(info httptrace.GotConnInfo) {
	var used usedConn
	if used.conn, used.overTLS = countOf(info.Conn); used.conn != nil {
		used.use = used.conn.take()
		used.from = used.conn.written.Load()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used = append(p.used, used)
}

// sent reports whether anything may have been written.
func (p *progress) sent() bool {
	return slices.ContainsFunc(p.used, func(u usedConn) bool { return u.conn == nil || u.conn.written.Load() != u.from })
}

// outcome judges an attempt that failed with err. That nothing left is a fact
// only of a transport of ours that returned an error, before anything was
// written, which still is the reason: a RoundTripper around it may have done
// anything else. A time-out of the HTTP client hides the transport's error
// behind its own.
func (p *progress) outcome(err error) Outcome {
	p.mu.Lock()
	defer p.mu.Unlock()
	ours := p.failed && (errors.As(err, new(transportError)) || errors.Is(err, context.DeadlineExceeded))
	switch {
	case !ours:
		return Unclear
	case !p.sent() && untrusted(err):
		return Untrusted
	case !p.sent():
		return Unsent
	case slices.ContainsFunc(p.used, usedConn.cut):
		return Cut
	default:
		return Unclear
	}
}

// short reports whether the connections that the attempt used have not taken so many
// bytes, and sees to it that they take no more.
func (p *progress) short(bytes int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	whole := func(u usedConn) bool { return u.conn == nil || u.conn.written.Load()-u.from >= int64(bytes) }
	if len(p.used) == 0 || slices.ContainsFunc(p.used, whole) {
		return false
	}
	for _, u := range p.used {
		_ = u.conn.Close() // nobody else has it: it takes another request only after this one
	}
	return !slices.ContainsFunc(p.used, whole)
}

type progressKey struct{}

// traced is a transport of ours that records how far the attempt got that a
// request belongs to.
type traced struct {
	base *http.Transport
	// ends is whether connections have begun to end by themselves: any answer has announced
	// it, or one grows old.
	ends *atomic.Bool
}

// transportError marks an error as that of a transport of ours.
type transportError struct{ error }

func (e transportError) Unwrap() error { return e.error }

// RoundTrip finds the attempt in the request's context, past the wrappers that
// are between it and the transport.
func (t traced) RoundTrip(req *http.Request) (*http.Response, error) {
	attempt, ok := req.Context().Value(progressKey{}).(*progress)
	if !ok {
		// Something between us and the transport sent it with a context of its own.
		return t.send(req.Context(), req, new(progress))
	}
	return t.record(req.Context(), req, attempt)
}

// record makes the request with that context and records how far it gets.
func (t traced) record(ctx context.Context, req *http.Request, attempt *progress) (*http.Response, error) {
	resp, err := t.send(ctx, req, attempt)
	if err != nil {
		attempt.mu.Lock()
		attempt.failed = true
		attempt.mu.Unlock()
		err = transportError{err}
	}
	return resp, err
}

// send makes the request, and tells its connection when it is used.
func (t traced) send(ctx context.Context, req *http.Request, attempt *progress) (*http.Response, error) {
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: attempt.got, PutIdleConn: attempt.put})
	req = req.WithContext(ctx)
	if t.ends.Load() {
		if err := dialAnew(req); err != nil {
			return nil, err
		}
	}
	resp, err := t.base.RoundTrip(req)
	if err == nil {
		if attempt.answered(parseKeepAlive(resp.Header["Keep-Alive"])) {
			t.ends.Store(true)
		}
	}
	return resp, err
}

// untrusted reports whether err is a certificate that does not hold.
func untrusted(err error) bool {
	return errors.As(err, new(*tls.CertificateVerificationError))
}

// clientFor returns the HTTP client of a Sender and what closes its idle
// connections. The caller's client is copied, never changed.
func clientFor(cfg Config) (http.Client, func(), error) {
	var client http.Client
	if cfg.Client != nil {
		client = *cfg.Client
	}
	var base http.RoundTripper
	closeIdle := func() {}
	switch t := client.Transport.(type) {
	case nil:
		ours := counting(newTransport(), cfg.MaxConnAge)
		base, closeIdle = traced{ours, new(atomic.Bool)}, ours.CloseIdleConnections
	case *http.Transport:
		if t == nil {
			return client, nil, errors.New("roq: WithHTTPClient: the Transport is a nil *http.Transport")
		}
		ours := counting(http1Only(t.Clone()), cfg.MaxConnAge)
		base, closeIdle = traced{ours, new(atomic.Bool)}, ours.CloseIdleConnections
	default:
		base = t
		if c, ok := t.(interface{ CloseIdleConnections() }); ok {
			closeIdle = c.CloseIdleConnections
		}
	}
	for _, wrap := range slices.Backward(cfg.Wrap) {
		if base = wrap(base); base == nil {
			return client, nil, errors.New("roq: WithTransport: returned a nil RoundTripper")
		}
	}
	client.Transport = base
	// A redirect would carry the credentials to wherever it points.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client, closeIdle, nil
}
