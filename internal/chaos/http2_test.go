package chaos_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/http"

	"github.com/go-roq/roq/internal/wire"
)

// The little of HTTP/2 (RFC 9113) that it takes to fail in it.
const (
	http2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

	frameData, frameHeaders, frameReset, frameSettings, framePing, frameGoAway = 0, 1, 3, 4, 6, 7

	flagEndStream, flagAck, flagEndHeaders = 1, 1, 4

	protocolError = 1
	maxFrame      = 16 << 10
	// status200 is ":status 200" in HPACK's static table.
	status200 = "\x88"
)

// writeFrame writes one frame.
func writeFrame(conn net.Conn, kind, flags byte, stream uint32, payload []byte) {
	head := make([]byte, 9, 9+len(payload))
	binary.BigEndian.PutUint32(head, uint32(len(payload))<<8)
	head[3], head[4] = kind, flags
	binary.BigEndian.PutUint32(head[5:], stream)
	_, _ = conn.Write(append(head, payload...))
}

// serveHTTP2 answers one request after the other. Headers are not decoded: what
// is asked for shows in the body, and who asks is known.
func (b *backend) serveHTTP2(conn net.Conn) {
	from := bufio.NewReader(conn)
	if _, err := io.ReadFull(from, make([]byte, len(http2Preface))); err != nil {
		return
	}
	writeFrame(conn, frameSettings, 0, 0, nil)
	bodies := make(map[uint32]*bytes.Buffer)
	for {
		head := make([]byte, 9)
		if _, err := io.ReadFull(from, head); err != nil {
			return
		}
		payload := make([]byte, binary.BigEndian.Uint32(head)>>8)
		if _, err := io.ReadFull(from, payload); err != nil {
			return
		}
		kind, flags, stream := head[3], head[4], binary.BigEndian.Uint32(head[5:])
		switch {
		case kind == frameSettings && flags&flagAck == 0:
			writeFrame(conn, frameSettings, flagAck, 0, nil)
		case kind == framePing && flags&flagAck == 0:
			writeFrame(conn, framePing, flagAck, 0, payload)
		case kind == frameHeaders:
			bodies[stream] = new(bytes.Buffer)
		case kind == frameData && bodies[stream] != nil:
			bodies[stream].Write(payload)
			if flags&flagEndStream != 0 && !b.answerHTTP2(conn, stream, bodies[stream].Bytes()) {
				return
			}
		}
	}
}

// answerHTTP2 reports whether the connection can go on.
func (b *backend) answerHTTP2(conn net.Conn, stream uint32, body []byte) bool {
	request, err := http.NewRequest(http.MethodPost, wire.GraphQLPath, bytes.NewReader(body))
	if err != nil {
		return false
	}
	if bytes.Contains(body, []byte(`"apiKey"`)) {
		request.URL.Path = wire.ServiceAccountPath
	}
	request.Header = b.credentials.Clone()
	operation := operationOf(request, body)
	answer := b.handle(request).Body.Bytes()
	if operation == b.target && b.gate.hitsConn() {
		b.fault.http2(conn, stream)
		return b.fault.keepsHTTP2
	}
	writeFrame(conn, frameHeaders, flagEndHeaders, stream, []byte(status200))
	for len(answer) > maxFrame {
		writeFrame(conn, frameData, 0, stream, answer[:maxFrame])
		answer = answer[maxFrame:]
	}
	writeFrame(conn, frameData, flagEndStream, stream, answer)
	return true
}

// resetStream processes a request and says that it was malformed.
func resetStream(conn net.Conn, stream uint32) {
	writeFrame(conn, frameReset, 0, stream, []byte{0, 0, 0, protocolError})
}

// goAway processes a request and says that it was not.
func goAway(conn net.Conn, _ uint32) { writeFrame(conn, frameGoAway, 0, 0, make([]byte, 8)) }
