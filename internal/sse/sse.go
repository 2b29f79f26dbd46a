// Package sse writes server-sent events.
package sse

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Stream is an answer that does not end by itself.
type Stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	limit   time.Duration
}

// Open begins a stream. An event that takes longer than the limit to be written ends it,
// whatever the time-outs of the server are. For a HEAD request the stream is nil.
func Open(w http.ResponseWriter, r *http.Request, limit time.Duration) *Stream {
	s := &Stream{w, http.NewResponseController(w), limit}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy would collect what is to arrive now
	if r.Method == http.MethodHead {
		return nil
	}
	_ = s.control.SetReadDeadline(time.Time{}) // a server's time-outs are for pages
	_ = s.control.SetWriteDeadline(time.Now().Add(limit))
	w.WriteHeader(http.StatusOK)
	_ = s.control.Flush()
	return s
}

// Send sends an event with data as JSON, and reports whether it could be written. It may
// have no name, and no id.
func (s *Stream) Send(name, id string, data any) bool {
	text, err := json.Marshal(data)
	if err != nil {
		return false
	}
	_ = s.control.SetWriteDeadline(time.Now().Add(s.limit))
	for _, field := range [][2]string{{"event", name}, {"id", id}, {"data", string(text)}} {
		if field[1] != "" && err == nil {
			_, err = fmt.Fprintf(s.w, "%s: %s\n", field[0], field[1])
		}
	}
	if err == nil {
		_, err = fmt.Fprintln(s.w)
	}
	return err == nil && s.control.Flush() == nil
}
