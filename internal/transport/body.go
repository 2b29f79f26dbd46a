package transport

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
)

var errTooLarge = errors.New("it is longer than the limit (WithMaxResponseBytes)")

// bodies reads bodies into buffers that were used before. A buffer has one owner:
// the call that read into it, from read to recycle. A call that does not recycle
// its buffer, because somebody may still look at it, leaves it to the garbage
// collector.
type bodies struct{ pool, pieces sync.Pool }

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
	first := min(limit, usual-bytes.MinRead)
	into.limited = io.LimitedReader{R: resp.Body, N: first + 1}
	_, err := into.ReadFrom(&into.limited)
	into.limited.R = nil
	if err == nil && int64(into.Len()) > first {
		err = b.rest(resp.Body, into, limit)
	}
	if err != nil {
		b.recycle(into)
		return nil, err
	}
	return into, nil
}

// rest reads what is longer than usual, in pieces that are joined only if the body
// ends within the limit: one without an end costs no more than the pieces, which the
// next one reads into.
func (b *bodies) rest(from io.Reader, into *body, limit int64) (err error) {
	var pieces [][]byte
	defer func() {
		for _, piece := range pieces {
			b.pieces.Put(&piece)
		}
	}()
	for total := int64(into.Len()); err == nil; {
		if total > limit {
			return errTooLarge
		}
		piece, ok := b.pieces.Get().(*[]byte)
		if !ok {
			piece = new(make([]byte, usual))
		}
		// Not io.ReadFull, which makes a body that was cut look like one that ended.
		n, room := 0, (*piece)[:min(usual, limit-total+1)]
		for n < len(room) && err == nil {
			var more int
			more, err = from.Read(room[n:])
			n += more
		}
		pieces = append(pieces, (*piece)[:n])
		total += int64(n)
		if total > limit {
			return errTooLarge
		}
	}
	if err != io.EOF { // an error that wraps it is another one
		return err
	}
	whole := slices.Concat(append([][]byte{into.Bytes()}, pieces...)...)
	into.Buffer = *bytes.NewBuffer(whole)
	return nil
}

// recycle takes a buffer back that nobody looks at any more.
func (b *bodies) recycle(done *body) {
	if done.Cap() <= usual+bytes.MinRead {
		done.Reset()
		b.pool.Put(done)
	}
}
