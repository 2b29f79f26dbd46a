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

// WithTracerProvider sets the provider for spans. The default is the global one.
func WithTracerProvider(p trace.TracerProvider) Option {
	return optionFunc(func(o *options) error {
		if p == nil {
			return errors.New("otelroq: WithTracerProvider: must not be nil")
		}
		o.tracers = p
		return nil
	})
}

// WithMeterProvider sets the provider for metrics. The default is the global one.
func WithMeterProvider(p metric.MeterProvider) Option {
	return optionFunc(func(o *options) error {
		if p == nil {
			return errors.New("otelroq: WithMeterProvider: must not be nil")
		}
		o.meters = p
		return nil
	})
}

// WithPropagator propagates the trace to the platform in the headers that p sets:
// propagation.TraceContext sets traceparent. By default nothing is propagated. The global
// propagator is not used, because it may propagate baggage too, which is the
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

// WithoutRequests omits the spans of requests and http.client.request.duration, for
// programs that get them from otelhttp, with its transport in roq.WithTransport. Note
// that otelhttp records the URL of a request in url.full, and that the URL of FindUsers
// contains the e-mail address that it looks for.
func WithoutRequests() Option {
	return optionFunc(func(o *options) error {
		o.noRequests = true
		return nil
	})
}
