package transport

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"
)

var errTooLarge = errors.New("it is longer than the limit (WithMaxResponseBytes)")

// bodies reads bodies into buffers that were used before. A buffer has one owner:
// the call that read into it, from read to recycle. A call that does not recycle
// its buffer, because somebody may still look at it, leaves it to the garbage
// collector.
type bodies struct{ pool sync.Pool }

// usual bounds what is allocated because a server has announced it, and what is
// kept for the next answer. A page of a thousand invites is half as long.
const usual = 1 << 20

// read reads a body up to the limit. What comes out of decompression counts, so
// that a small answer cannot become a large one. It returns nil with an
// error.
func (b *bodies) read(resp *http.Response, limit int64) (*bytes.Buffer, error) {
	if resp.ContentLength > limit {
		return nil, errTooLarge
	}
	buf, ok := b.pool.Get().(*bytes.Buffer)
	if !ok {
		buf = new(bytes.Buffer)
	}
	// With room for more than was announced ReadFrom sees the end without growing.
	buf.Grow(int(min(max(resp.ContentLength, 0), usual)) + bytes.MinRead)
	if _, err := buf.ReadFrom(io.LimitReader(resp.Body, limit+1)); err != nil {
		return nil, err
	}
	if int64(buf.Len()) > limit {
		return nil, errTooLarge
	}
	return buf, nil
}

// recycle takes a buffer back that nobody looks at any more.
func (b *bodies) recycle(buf *bytes.Buffer) {
	if buf.Cap() <= usual+bytes.MinRead {
		buf.Reset()
		b.pool.Put(buf)
	}
}
