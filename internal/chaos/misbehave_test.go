package chaos_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// say writes something that need not be HTTP, after which the connection ends.
func (x *exchange) say(text string) { _, _ = io.WriteString(x.conn, text) }

// reply answers by itself; headers are names and values in turn.
func (x *exchange) reply(status int, contentType, body string, headers ...string) {
	answer := httptest.NewRecorder()
	answer.Code = status
	if contentType != "" {
		answer.Header().Set("Content-Type", contentType)
	}
	for pair := range slices.Chunk(headers, 2) {
		answer.Header().Set(pair[0], pair[1])
	}
	answer.Body.WriteString(body)
	x.write(answer)
}

// says processes the request or not, which the answer does not tell.
func says(status int, contentType, body string, headers ...string) func(*exchange) {
	return func(x *exchange) {
		x.maybe()
		x.reply(status, contentType, body, headers...)
	}
}

func (x *exchange) sayHalfAChunk() {
	body := x.process().Body.String()
	x.say("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
	x.say(fmt.Sprintf("%x\r\n%s", len(body), body[:x.part(len(body)-1)]))
}

// forgetOne leaves the first invite out of the answer.
func (x *exchange) forgetOne() {
	answer := x.process()
	var whole map[string]map[string]map[string][]json.RawMessage
	if json.Unmarshal(answer.Body.Bytes(), &whole) == nil {
		for _, sent := range whole["data"] {
			if made := sent["success"]; len(made) > 0 {
				sent["success"] = made[1:]
			}
		}
		answer.Body = bytes.NewBuffer(must(json.Marshal(whole)))
	}
	x.write(answer)
}

// crashOne says of the first invite that was made that it was not, for a crash.
func (x *exchange) crashOne() {
	answer := x.process()
	var whole map[string]map[string]map[string][]json.RawMessage
	var first struct {
		Email string `json:"email"`
	}
	if json.Unmarshal(answer.Body.Bytes(), &whole) == nil {
		for _, sent := range whole["data"] {
			if made := sent["success"]; len(made) > 0 && json.Unmarshal(made[0], &first) == nil {
				sent["success"] = made[1:]
				sent["errors"] = append(sent["errors"], must(json.Marshal(map[string]string{
					"email": first.Email, "error": `{"errorCode":"INTERNAL_ERROR","message":"crashed"}`})))
			}
		}
		answer.Body = bytes.NewBuffer(must(json.Marshal(whole)))
	}
	x.write(answer)
}

// answerAnother answers with an invite that nobody asked for, whether the request was
// processed or not.
func (x *exchange) answerAnother() {
	x.maybe()
	field := x.operation
	if field == opAccept {
		field += "V2"
	}
	x.reply(200, "application/json", fmt.Sprintf(`{"data":{%q:{"id":"00000000-0000-4000-8000-000000000000","status":"canceled"}}}`, field))
}

// emptyRows answers with rows that are none, as many as fit into the bomb.
func (x *exchange) emptyRows() {
	x.maybe()
	rows := strings.Repeat("{},", 1<<16)
	x.reply(200, "application/json", `{"data":{"userInvites":{"totalCount":1,"data":[`+rows+`{}]},"sendUserInvitesV2":{"success":[`+rows+`{}]}}}`)
}

// addAnError answers with the data and an error beside it.
func (x *exchange) addAnError() {
	answer := x.process()
	var whole map[string]json.RawMessage
	if json.Unmarshal(answer.Body.Bytes(), &whole) == nil {
		whole["errors"] = json.RawMessage(`[{"message":"a resolver failed","path":["x"]}]`)
		answer.Body = bytes.NewBuffer(must(json.Marshal(whole)))
	}
	x.write(answer)
}

// trickle writes a byte a second for as long as the client listens.
func (x *exchange) trickle() {
	for _, b := range encode(x.process()) {
		if _, err := x.conn.Write([]byte{b}); err != nil {
			return
		}
		_ = x.conn.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := x.conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
	}
}

// zeros is the bomb, packed.
var zeros = sync.OnceValue(func() string {
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	_, _ = zip.Write(make([]byte, bombSize))
	_ = zip.Close()
	return packed.String()
})

func (x *exchange) bomb() {
	x.process()
	x.reply(200, "application/json", zeros(), "Content-Encoding", "gzip")
}

// emptyList is a list from before the write.
func (x *exchange) emptyList() *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	answer.Header().Set("Content-Type", "application/json")
	answer.Body.WriteString(`{"data":{"userInvites":{"data":[],"totalCount":0}}}`)
	return answer
}

var errBroken = errors.New("broken pipe")

// faultyConn fails in its first write after the fault was switched on.
type faultyConn struct {
	net.Conn
	gate  *gate
	write func(net.Conn, []byte) (int, error)
}

func (c *faultyConn) Write(p []byte) (int, error) {
	if c.gate.hitsConn() {
		return c.write(c.Conn, p)
	}
	return c.Conn.Write(p)
}

func writesNothing(c net.Conn, _ []byte) (int, error) {
	_ = c.Close()
	return 0, errBroken
}

func writesHalf(c net.Conn, p []byte) (int, error) {
	n, _ := c.Write(p[:len(p)/2])
	_ = c.Close()
	return n, errBroken
}
