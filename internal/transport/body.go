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

// body is a buffer, and what limits the reading into it.
type body struct {
	bytes.Buffer
	limited io.LimitedReader
}

// read reads a body up to the limit. What comes out of decompression counts, so
// that a small answer cannot become a large one. It returns nil with an error.
func (b *bodies) read(resp *http.Response, limit int64) (*body, error) {
	if resp.ContentLength > limit {
		return nil, errTooLarge
	}
	into, ok := b.pool.Get().(*body)
	if !ok {
		into = new(body)
	}
	// With room for more than was announced ReadFrom sees the end without growing.
	if room := int(min(max(resp.ContentLength, 0), usual)) + bytes.MinRead; into.Cap() < room {
		into.Buffer = *bytes.NewBuffer(make([]byte, 0, room))
	}
	into.limited = io.LimitedReader{R: resp.Body, N: limit + 1}
	_, err := into.ReadFrom(&into.limited)
	into.limited.R = nil
	if err != nil {
		return nil, err
	}
	if int64(into.Len()) > limit {
		return nil, errTooLarge
	}
	return into, nil
}

// recycle takes a buffer back that nobody looks at any more.
func (b *bodies) recycle(done *body) {
	if done.Cap() <= usual+bytes.MinRead {
		done.Reset()
		b.pool.Put(done)
	}
}
