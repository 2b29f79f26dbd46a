package transport

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// idling is what a connection knows of the time between two requests. net/http uses a
// connection again as long as it looks open: a request that leaves while the server
// closes it has an unknown outcome. And what a server says there, unasked, net/http
// prints to the standard logger, whatever is in it.
type idling struct {
	// uses is how many requests the connection was given to, idle whether the last of
	// them was answered to its end.
	uses atomic.Int64
	idle atomic.Bool

	mu sync.Mutex // for what follows, and for changes of what precedes
	// answer is the one that is being read.
	answer framing
	// end is when the server may close the connection if it is idle, zero if it has not
	// said; spent is whether it takes no more requests.
	end   time.Time
	spent bool
	// timer is for end, life for old.
	timer, life *time.Timer
	// old is when the connection has lived for as long as connections do, and aging when
	// for half of that; zero if it is not bounded.
	aging, old time.Time
}

// Read reads what the server answers. What it says unasked ends the connection in its
// place. That is so behind an answer, when the connection is idle, and when nothing has
// been written to it. Over TLS a message of TLS itself cannot be told from that: it ends a connection
// that is idle too, which costs a dial.
func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && (c.idle.Load() || c.uses.Load() == 0 && c.written.Load() == 0) {
		_ = c.Conn.Close()
		return 0, io.EOF
	}
	c.mu.Lock()
	whole := c.answer.take(b[:n])
	c.mu.Unlock()
	if whole < n {
		_ = c.Conn.Close()
		if whole == 0 {
			return 0, io.EOF
		}
		return whole, nil
	}
	return n, err
}

// Close implements [net.Conn].
func (c *counted) Close() error {
	c.mu.Lock()
	stop(c.timer)
	stop(c.life)
	c.mu.Unlock()
	return c.Conn.Close()
}

func stop(t *time.Timer) {
	if t != nil {
		t.Stop()
	}
}

// take gives the connection to a request, and returns which use that is. If it is over,
// nothing of the request can be written.
func (c *counted) take() (use int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	use = c.uses.Add(1)
	c.idle.Store(false)
	c.answer.begin()
	stop(c.timer)
	if c.over() {
		_ = c.Conn.Close()
	}
	c.end, c.spent = time.Time{}, false
	return use
}

// over reports whether the connection is to take no request: the server may close it, or
// it is old.
func (c *counted) over() bool { return c.spent || passed(c.end) || passed(c.old) }

// passed reports whether a time is over, by any of two clocks: the monotonic one stands
// still while a machine sleeps. A zero time never is.
func passed(end time.Time) bool {
	if end.IsZero() {
		return false
	}
	now := time.Now()
	return !now.Before(end) || !now.Round(0).Before(end.Round(0))
}

// age lets the connection live for so long. Connections that were made together do not
// end together: each has up to an eighth less, at random.
func (c *counted) age(most time.Duration) {
	if most > 0 {
		most -= rand.N(most/8 + 1)
		c.aging, c.old = time.Now().Add(most/2), time.Now().Add(most)
		c.life = time.AfterFunc(most, c.expire)
	}
}

// answered records what the answer to a use announces.
func (c *counted) answered(use int64, said keepAlive) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.uses.Load() != use {
		return // the next request has the connection
	}
	if said.timeout >= 0 {
		c.end = time.Now().Add(said.timeout - min(keepAliveMargin, said.timeout/2))
	}
	// Some servers count down, and others repeat how many they take in all. To stop at
	// the latter is right for both.
	c.spent = said.most >= 0 && use >= int64(said.most)
	c.watch()
}

// put records that the connection is idle after a use.
func (c *counted) put(use int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.uses.Load() != use {
		return
	}
	c.idle.Store(true)
	c.watch()
}

// watch sees to it that the connection is closed in time if it is idle.
func (c *counted) watch() {
	switch {
	case !c.idle.Load():
	case c.over():
		_ = c.Conn.Close() // the transport's reading fails, and it drops the connection
	case c.end.IsZero():
	case c.timer == nil:
		c.timer = time.AfterFunc(time.Until(c.end), c.expire)
	default:
		c.timer.Reset(time.Until(c.end))
	}
}

// expire closes the connection if no request has taken it in the meantime.
func (c *counted) expire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.idle.Load() && c.over() {
		_ = c.Conn.Close()
	}
}

// keepAliveMargin is how long before the time that a server announces its connection is
// no longer used: longer than a request is under way. If it announces less than twice
// as much, half of the time is left.
const keepAliveMargin = time.Second

// put records that the attempt's connection is idle, unless the transport closed it.
func (p *progress) put(err error) {
	if u, ok := p.last(); ok && err == nil {
		u.conn.put(u.use)
	}
}

// answered records what the answer announces of the attempt's connection, and reports
// whether that will end by itself before long.
func (p *progress) answered(said keepAlive) bool {
	u, ok := p.last()
	if ok {
		u.conn.answered(u.use, said)
	}
	return said != silent || ok && passed(u.conn.aging)
}

// last returns the connection that the attempt was given last, if it is counted.
func (p *progress) last() (usedConn, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.used) == 0 {
		return usedConn{}, false
	}
	u := p.used[len(p.used)-1]
	return u, u.conn != nil
}

// dialAnew lets net/http send a request, which is changed, on another connection if the
// one that it has taken is over: callers that wait for a connection are handed one
// before it can be closed.
//
// With GetBody net/http repeats a request of which nothing was written, and only that,
// unless a header says that it may be repeated in any case.
func dialAnew(req *http.Request) error {
	if req.Body == nil || req.ContentLength <= 0 || req.GetBody != nil || req.Header["Idempotency-Key"] != nil || req.Header["X-Idempotency-Key"] != nil {
		return nil
	}
	whole, err := io.ReadAll(req.Body)
	if err := errors.Join(err, req.Body.Close()); err != nil {
		return err
	}
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(whole)), nil }
	req.Body, err = req.GetBody()
	return err
}
