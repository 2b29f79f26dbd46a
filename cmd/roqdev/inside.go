package main

import (
	"bytes"
	"io"
	"net/http"
	"time"

	"github.com/go-roq/roq"
	"github.com/go-roq/roq/roqtest"
)

// newClient returns a client of the platform that needs no connection. Whoever waits for
// a page does not wait for long, whatever mood the platform is in.
func newClient(platform *roqtest.Server) (*roq.Client, error) {
	cfg := platform.Config()
	cfg.PlatformURL, cfg.APIURL, cfg.AppURL = "http://127.0.0.1", "", ""
	return roq.New(cfg,
		roq.WithTransport(func(http.RoundTripper) http.RoundTripper { return inside{platform.Handler()} }),
		roq.WithRetry(roq.RetryPolicy{MaxAttempts: 2, MinWait: 100 * time.Millisecond, MaxWait: time.Second}),
		roq.WithSettleTimeout(2*time.Second))
}

// inside makes requests of a handler.
type inside struct{ handler http.Handler }

// RoundTrip implements [http.RoundTripper].
func (t inside) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	w := &answer{header: make(http.Header), status: http.StatusOK}
	defer func() {
		if recover() != nil { // http.ErrAbortHandler: a mood that closes the connection
			resp, err = nil, io.ErrUnexpectedEOF
		}
	}()
	t.handler.ServeHTTP(w, r)
	return &http.Response{
		StatusCode: w.status, Header: w.header, Body: io.NopCloser(&w.body), Request: r,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(w.body.Len()),
	}, nil
}

// answer keeps what a handler answers.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements [http.ResponseWriter], as the following methods do.
func (w *answer) Header() http.Header         { return w.header }
func (w *answer) WriteHeader(status int)      { w.status = status }
func (w *answer) Write(p []byte) (int, error) { return w.body.Write(p) }
