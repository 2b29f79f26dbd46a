package roq

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"
)

// logTracer is the [Tracer] of [WithLogger].
type logTracer struct{ log *slog.Logger }

type (
	loggedCallKey    struct{}
	loggedRequestKey struct{}
)

// loggedCall is what the log keeps of a call that has begun.
type loggedCall struct {
	data  TraceCallStartData
	began time.Time
	// announced is whether the next attempt was announced.
	announced atomic.Bool
}

// loggedRequest is what it keeps of a request.
type loggedRequest struct {
	data  TraceRequestStartData
	began time.Time
}

func (t logTracer) TraceCallStart(ctx context.Context, data TraceCallStartData) context.Context {
	return context.WithValue(ctx, loggedCallKey{}, &loggedCall{data: data, began: time.Now()})
}

// TraceCallEnd logs an outcome that is unknown as a warning.
func (t logTracer) TraceCallEnd(ctx context.Context, data TraceCallEndData) {
	call, ok := ctx.Value(loggedCallKey{}).(*loggedCall)
	if !ok {
		return
	}
	level, message := slog.LevelDebug, "roq: call"
	if data.Unknown > 0 || errors.Is(data.Err, ErrOutcomeUnknown) {
		level, message = slog.LevelWarn, "roq: outcome unknown"
	}
	if !t.log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("operation", call.data.Operation), slog.String("request", call.data.RequestID),
		slog.Int("requests", data.Requests), slog.Duration("duration", time.Since(call.began)),
	}
	if call.data.Invites > 0 || data.Sent+data.Refused+data.Unknown+data.NotSent > 0 {
		attrs = append(attrs, slog.Int("sent", data.Sent), slog.Int("refused", data.Refused), slog.Int("unknown", data.Unknown), slog.Int("not_sent", data.NotSent))
	}
	t.log.LogAttrs(ctx, level, message, withError(attrs, data.Err)...)
}

func (t logTracer) TraceRequestStart(ctx context.Context, data TraceRequestStartData) context.Context {
	call, ok := ctx.Value(loggedCallKey{}).(*loggedCall)
	// A retry was announced with the attempt before. What comes without that is
	// repeated because reading has shown that it may be.
	if ok && data.Purpose == PurposeCall && data.Attempt > 1 && !call.announced.Swap(false) {
		t.log.LogAttrs(ctx, slog.LevelWarn, "roq: sending again", slog.String("operation", data.Operation), slog.String("request", data.RequestID),
			slog.Int("attempt", data.Attempt), slog.Int("invites", data.Invites))
	}
	return context.WithValue(ctx, loggedRequestKey{}, &loggedRequest{data, time.Now()})
}

// TraceRequestEnd gives the log no error text of a request: a transport of the
// caller's may put anything into one.
func (t logTracer) TraceRequestEnd(ctx context.Context, data TraceRequestEndData) {
	r, ok := ctx.Value(loggedRequestKey{}).(*loggedRequest)
	if !ok {
		return
	}
	attrs := []slog.Attr{
		slog.String("operation", r.data.Operation), slog.String("purpose", string(r.data.Purpose)), slog.String("request", r.data.RequestID),
		slog.Int("attempt", r.data.Attempt),
	}
	t.log.LogAttrs(ctx, slog.LevelDebug, "roq: attempt", append(attrs, slog.Int("status", data.StatusCode), slog.String("outcome", data.Outcome),
		slog.Duration("duration", time.Since(r.began)))...)
	if data.RetryIn > 0 {
		if call, ok := ctx.Value(loggedCallKey{}).(*loggedCall); ok && r.data.Purpose == PurposeCall {
			call.announced.Store(true)
		}
		t.log.LogAttrs(ctx, slog.LevelWarn, "roq: trying again", append(attrs, slog.String("outcome", data.Outcome), slog.Duration("wait", data.RetryIn))...)
	}
}

func (t logTracer) TraceSettleStart(ctx context.Context, _ TraceSettleStartData) context.Context {
	return ctx
}

func (t logTracer) TraceSettleEnd(ctx context.Context, data TraceSettleEndData) {
	t.log.LogAttrs(ctx, slog.LevelDebug, "roq: settled", slog.Int("look_ups", data.LookUps), slog.Int("found", data.Found), slog.Int("open", data.Open))
}

// TraceBatchEnd logs a batch of a stream.
func (t logTracer) TraceBatchEnd(ctx context.Context, data TraceBatchEndData) {
	attrs := []slog.Attr{
		slog.Int("size", data.Size), slog.Int("sent", data.Sent), slog.Int("refused", data.Refused), slog.Int("unknown", data.Unknown), slog.Int("not_sent", data.NotSent),
	}
	t.log.LogAttrs(ctx, slog.LevelDebug, "roq: batch", withError(attrs, data.Err)...)
}

// withError adds an error of this package's, whose text has no secrets.
func withError(attrs []slog.Attr, err error) []slog.Attr {
	if e := (*Error)(nil); errors.As(err, &e) {
		attrs = append(attrs, slog.String("error", e.Error()))
	}
	return attrs
}
