package transport

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
)

const said = "ann@canary.example"

// answers are answers of every framing, with whether their end can be found.
func answers() map[string]string {
	return map[string]string{
		"a length":         "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
		"no body":          "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		"204":              "HTTP/1.1 204 No Content\r\n\r\n",
		"bare line feeds":  "HTTP/1.1 200 OK\ncontent-length: 2\n\n{}",
		"chunks":           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"more chunks":      "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n1;a=b\r\n{\r\n00001 \r\n}\r\n0\r\nX-Trailer: x\r\n\r\n",
		"an interim one":   "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
		"a length, twice":  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
		"a length beside":  "HTTP/1.1 200 OK\r\nContent-Length: 900\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"an empty line in": "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{\r\n\r\n\r\n}",
	}
}

// However an answer comes, its end is found.
func TestFraming(t *testing.T) {
	t.Parallel()
	for name, answer := range answers() {
		for size := 1; size <= len(answer)+len(said); size++ {
			var f framing
			for range 2 { // two answers on one connection
				f.begin()
				got := 0
				for part := range chunks([]byte(answer+said), size) {
					got += f.take(part)
				}
				if got != len(answer) || f.state != atEnd {
					t.Errorf("%s in parts of %d: %d bytes, want %d", name, size, got, len(answer))
				}
			}
		}
	}
	for name, text := range map[string]string{
		"TLS":                    "\x17\x03\x03\x00\x02ab" + said,
		"up to the end":          "HTTP/1.1 200 OK\r\n\r\n{}" + said,
		"an upgrade":             "HTTP/1.1 101 Switching Protocols\r\n\r\n" + said,
		"no length":              "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}" + said,
		"two lengths":            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}" + said,
		"a chunk of no size":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n" + said,
		"a chunk's endless line": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("0", 2*longestLine),
		"an endless header":      "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2*maxHeaderBytes),
	} {
		var f framing
		f.begin()
		got := 0
		for part := range chunks([]byte(text), 100) {
			got += f.take(part)
		}
		if got != len(text) {
			t.Errorf("%s: %d bytes of %d, want all", name, got, len(text))
		}
	}
}

// FuzzFraming compares with net/http: it reads the same of an answer whether what is
// behind the end is there or not.
func FuzzFraming(f *testing.F) {
	for _, answer := range answers() {
		f.Add(answer, 7)
	}
	f.Fuzz(func(t *testing.T, answer string, size int) {
		var follow framing
		follow.begin()
		got := 0
		for part := range chunks([]byte(answer), max(1, size)) {
			got += follow.take(part)
		}
		if got > len(answer) {
			t.Fatalf("%d bytes of %d", got, len(answer))
		}
		resp, body, err := readAnswer(answer)
		if resp == nil || resp.StatusCode < 200 || follow.state != atEnd {
			return
		}
		if _, part, failed := readAnswer(answer[:got]); part != body || (failed == nil) != (err == nil) {
			t.Errorf("the end is at %d, up to where net/http reads %q, %v, and otherwise %q, %v", got, part, failed, body, err)
		}
	})
}

// readAnswer reads an answer as net/http does.
func readAnswer(answer string) (*http.Response, string, error) {
	resp, err := http.ReadResponse(bufio.NewReader(iotest.OneByteReader(strings.NewReader(answer))), nil)
	if err != nil {
		return nil, "", err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	return resp, string(body), err
}

// What a server says behind its answer, in the same packet, is not printed.
func TestBytesBehindAnAnswer(t *testing.T) {
	var printed lockedBuffer
	old := log.Writer()
	log.SetOutput(&printed)
	defer log.SetOutput(old)
	for name, answer := range answers() {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					r := bufio.NewReader(conn)
					for {
						req, err := http.ReadRequest(r)
						if err != nil {
							return
						}
						_, _ = io.Copy(io.Discard, req.Body)
						_, _ = fmt.Fprint(conn, answer+said)
					}
				}()
			}
		}()
		s := newSender(t, Config{})
		for range 3 {
			r := request(Mailing, "http://"+l.Addr().String())
			r.Judge = func([]byte) (Outcome, error) { return Answered, nil }
			// A request that is handed the connection while it ends leaves on another one.
			if result := s.Do(t.Context(), r); result.Outcome != Answered || result.Maybe || result.Attempts > 2 {
				t.Errorf("%s: %v after %d attempts (%v)", name, result.Outcome, result.Attempts, result.Err)
			}
		}
		s.CloseIdleConnections()
		_ = l.Close()
	}
	if text := printed.String(); text != "" {
		t.Errorf("printed: %s", text)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// chunks returns b in parts of that size.
func chunks(b []byte, size int) func(func([]byte) bool) {
	return slices.Chunk(b, size)
}
