package transport

import (
	"bytes"
	"slices"
	"strconv"
)

// framing follows the answer that is being read from a connection, to find its end. What
// a server says behind that, net/http prints to the standard logger, whatever is in it.
// Over TLS the answer cannot be seen here, and everything counts as part of it.
type framing struct {
	state frame
	// held is the beginning of a header, or of a chunk's size, that did not come whole.
	held []byte
	left int64 // bytes of the body or the chunk
}

type frame int

const (
	opaque    frame = iota // not followed
	inHeader               // of an answer
	inBody                 // of a length that the header has
	inSize                 // of a chunk
	inChunk                // and the line end behind it
	inTrailer              // behind the last chunk
	atEnd                  // of the answer
)

// longestLine bounds the size of a chunk, with its extensions, and a trailer's line.
const longestLine = 4 << 10

// begin follows the next answer.
func (f *framing) begin() { *f = framing{state: inHeader, held: f.held[:0]} }

// take takes in what was read, and returns how much of it belongs to the answer.
func (f *framing) take(b []byte) (n int) {
	for n < len(b) && f.state != atEnd && f.state != opaque {
		switch f.state {
		case inHeader:
			n += f.header(b[n:])
		case inBody, inChunk:
			part := min(f.left, int64(len(b)-n))
			n += int(part)
			switch f.left -= part; {
			case f.left > 0:
			case f.state == inBody:
				f.state = atEnd
			default:
				f.state = inSize
			}
		default:
			n += f.line(b[n:])
		}
	}
	if f.state == opaque {
		return len(b)
	}
	return n
}

// header reads a header, or a part of one, and returns how much of b that is.
func (f *framing) header(b []byte) int {
	whole := b
	if len(f.held) > 0 {
		whole = slices.Concat(f.held, b)
	}
	end := headerEnd(whole)
	switch {
	case !bytes.HasPrefix(whole, []byte("HTTP/")[:min(len(whole), len("HTTP/"))]), end < 0 && len(whole) > maxHeaderBytes:
		f.state = opaque
		return len(b)
	case end < 0:
		f.held = append(f.held[:0], whole...)
		return len(b)
	}
	taken := end - (len(whole) - len(b))
	f.read(whole[:end])
	f.held = f.held[:0]
	return taken
}

// headerEnd returns where the empty line behind a header ends; negative if it is not
// there.
func headerEnd(b []byte) int {
	for at := 0; ; {
		n := bytes.IndexByte(b[at:], '\n')
		if n < 0 {
			return -1
		}
		at += n + 1
		rest := bytes.TrimPrefix(b[at:], []byte("\r"))
		if len(rest) > 0 && rest[0] == '\n' {
			return len(b) - len(rest) + 1
		}
	}
}

// read finds out how the body ends that follows a header (RFC 9112, 6.3).
func (f *framing) read(header []byte) {
	first, rest, _ := bytes.Cut(header, []byte("\n"))
	_, status, _ := bytes.Cut(first, []byte(" "))
	length, chunked := int64(-1), false
	for len(rest) > 0 {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		if len(line) == 0 || line[0]|' ' != 'c' && line[0]|' ' != 't' {
			continue // most are neither
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch value = bytes.TrimSpace(value); {
		case bytes.EqualFold(name, []byte("Content-Length")):
			n, err := strconv.ParseInt(string(value), 10, 64)
			if err != nil || n < 0 || length >= 0 && n != length {
				f.state = opaque // net/http will refuse it
				return
			}
			length = n
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = true
		}
	}
	switch {
	case bytes.HasPrefix(status, []byte("101")):
		f.state = opaque
	case bytes.HasPrefix(status, []byte("1")): // another one follows
	case bytes.HasPrefix(status, []byte("204")), bytes.HasPrefix(status, []byte("304")):
		f.state = atEnd
	case chunked:
		f.state = inSize
	case length == 0:
		f.state = atEnd
	case length > 0:
		f.state, f.left = inBody, length
	default:
		f.state = opaque // up to the end of the connection
	}
}

// line reads a line of the chunked encoding, or a part of one, and returns how much of
// b that is.
func (f *framing) line(b []byte) int {
	end := bytes.IndexByte(b, '\n') + 1
	part := b[:end]
	if end == 0 {
		part = b
	}
	if len(f.held)+len(part) > longestLine {
		f.state = opaque
		return len(b)
	}
	f.held = append(f.held, part...)
	if end == 0 {
		return len(b)
	}
	text := bytes.TrimSpace(f.held)
	f.held = f.held[:0]
	if f.state == inTrailer {
		if len(text) == 0 {
			f.state = atEnd
		}
		return end
	}
	size, _, _ := bytes.Cut(text, []byte(";"))
	n, err := strconv.ParseInt(string(bytes.TrimSpace(size)), 16, 32)
	switch {
	case err != nil || n < 0:
		f.state = opaque
	case n == 0:
		f.state = inTrailer
	default:
		f.state, f.left = inChunk, n+int64(len("\r\n"))
	}
	return end
}
