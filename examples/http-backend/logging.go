package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-roq/roq"
)

// record is what is logged of one request.
type record struct {
	id  string
	err error
}

type recordKey struct{}

// logged logs every request: its route and not its address, in which there may
// be anything. The id that it has in the log goes to the platform with the SDK's
// requests, and back with the answer.
func logged(next http.Handler, logger *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		noted := &record{id: rand.Text()}
		w.Header().Set("X-Request-Id", noted.id)
		r = r.WithContext(context.WithValue(r.Context(), recordKey{}, noted))
		answer := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(answer, r)

		level, attributes := slog.LevelInfo, []any{"route", r.Pattern, "status", answer.status, "duration", time.Since(began), "request", noted.id}
		if noted.err != nil {
			attributes = append(attributes, "error", noted.err)
		}
		if answer.status >= http.StatusInternalServerError {
			level = slog.LevelError
		}
		logger.Log(r.Context(), level, "request", attributes...)
	})
}

// noteError puts an error into the request's line of the log.
func noteError(r *http.Request, err error) {
	if noted, ok := r.Context().Value(recordKey{}).(*record); ok {
		noted.err = err
	}
}

// requestID gives the SDK's requests the id of the visitor's.
func requestID(r *http.Request) roq.CallOption {
	noted, ok := r.Context().Value(recordKey{}).(*record)
	if !ok {
		return roq.WithRequestID(rand.Text())
	}
	return roq.WithRequestID(noted.id)
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
