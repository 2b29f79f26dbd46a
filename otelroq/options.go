package otelroq

import (
	"errors"
	"fmt"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Option configures [NewTracer].
type Option interface{ apply(o *options) error }

type optionFunc func(o *options) error

func (f optionFunc) apply(o *options) error { return f(o) }

type options struct {
	tracers    trace.TracerProvider
	meters     metric.MeterProvider
	propagator propagation.TextMapPropagator
	attributes []attribute.KeyValue
	noRequests bool
}

func newOptions(opts []Option) (*options, error) {
	o := new(options)
	for i, opt := range opts {
		if opt == nil {
			return nil, fmt.Errorf("otelroq: option %d is nil", i)
		}
		if err := opt.apply(o); err != nil {
			return nil, err
		}
	}
	if o.tracers == nil {
		o.tracers = otel.GetTracerProvider()
	}
	if o.meters == nil {
		o.meters = otel.GetMeterProvider()
	}
	return o, nil
}

// WithTracerProvider makes the spans with that provider. The default is the global one.
func WithTracerProvider(p trace.TracerProvider) Option {
	return optionFunc(func(o *options) error {
		if p == nil {
			return errors.New("otelroq: WithTracerProvider: must not be nil")
		}
		o.tracers = p
		return nil
	})
}

// WithMeterProvider makes the metrics with that provider. The default is the global one.
func WithMeterProvider(p metric.MeterProvider) Option {
	return optionFunc(func(o *options) error {
		if p == nil {
			return errors.New("otelroq: WithMeterProvider: must not be nil")
		}
		o.meters = p
		return nil
	})
}

// WithPropagator hands the trace on to the platform in the headers that the propagator
// sets: propagation.TraceContext sets traceparent. The default is none, and not the
// global propagator, since that may hand on baggage too, and what is in it is the
// application's own.
func WithPropagator(p propagation.TextMapPropagator) Option {
	return optionFunc(func(o *options) error {
		if p == nil {
			return errors.New("otelroq: WithPropagator: must not be nil")
		}
		o.propagator = p
		return nil
	})
}

// WithAttributes adds attributes to every span and every metric.
func WithAttributes(attributes ...attribute.KeyValue) Option {
	return optionFunc(func(o *options) error {
		o.attributes = append(o.attributes, attributes...)
		return nil
	})
}

// WithoutRequests makes no spans of requests and no http.client.request.duration, for
// programs in which otelhttp makes them: roq.WithTransport takes its transport. Note that
// otelhttp records the address of a request in url.full, and that of FindUsers has the
// e-mail address that it looks for.
func WithoutRequests() Option {
	return optionFunc(func(o *options) error {
		o.noRequests = true
		return nil
	})
}
