package otelroq

import (
	"errors"

	"go.opentelemetry.io/otel/metric"
)

// seconds are the bounds of histograms of durations: those that OpenTelemetry advises
// for HTTP, and longer ones for calls that wait and repeat.
var seconds = []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 300}

// sizes are the bounds of a histogram of batches.
var sizes = []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000}

// metrics are the instruments.
type metrics struct {
	calls, durations, waits metric.Float64Histogram
	jobs, jobWaits          metric.Float64Histogram
	sizes                   metric.Int64Histogram
	invites, requests       metric.Int64Counter
	settles, campaigns      metric.Int64Counter
}

func newMetrics(m metric.Meter) (metrics, error) {
	var failed error
	histogram := func(name, description string) metric.Float64Histogram {
		h, err := m.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description), metric.WithExplicitBucketBoundaries(seconds...))
		failed = errors.Join(failed, err)
		return h
	}
	counter := func(name, unit, description string) metric.Int64Counter {
		c, err := m.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
		failed = errors.Join(failed, err)
		return c
	}
	all := metrics{
		calls:     histogram("roq.call.duration", "Duration of calls."),
		durations: histogram("http.client.request.duration", "Duration of HTTP client requests."),
		waits:     histogram("roq.limiter.wait", "How long requests waited for their turn."),
		jobs:      histogram("roq.job.duration", "Duration of a queue's jobs."),
		jobWaits:  histogram("roq.job.wait", "How long batches of a queue were ready before a worker took them."),
		campaigns: counter("roq.campaign.invites", "{invite}", "Invites of a queue's campaigns by final outcome."),
		invites:   counter("roq.invites", "{invite}", "Invites by outcome."),
		requests:  counter("roq.requests", "{request}", "HTTP requests by purpose and outcome."),
		settles:   counter("roq.settles", "{settle}", "Outcomes found out by reading, by result."),
	}
	var err error
	all.sizes, err = m.Int64Histogram("roq.batch.size", metric.WithUnit("{invite}"), metric.WithDescription("Invites in a batch of a stream."),
		metric.WithExplicitBucketBoundaries(sizes...))
	return all, errors.Join(failed, err)
}
