// Package otel shows how to trace the calls of a notifier with OpenTelemetry without recording the address of a
// webhook. It is a module of its own, so that the library does not depend on OpenTelemetry. Copy what you need.
//
// The instrumentation of net/http records the address of each request as url.full. The address of a webhook is a
// credential: whoever reads the trace could post. [Client] shows the instrumentation only the scheme and the host.
package otel

import (
	"context"
	"net/http"
	"net/url"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
)

// Client returns a client for [mackerel.CallOptions] whose requests become spans, one per attempt. The requests go
// through base.
func Client(base http.RoundTripper, options ...otelhttp.Option) *http.Client {
	return &http.Client{Transport: hide{otelhttp.NewTransport(restore{base}, options...)}}
}

type addressKey struct{}

// hide keeps the address of a request from the RoundTripper after it.
type hide struct{ next http.RoundTripper }

// RoundTrip sends a request whose URL has only the scheme and the host. The whole URL is in the context.
func (h hide) RoundTrip(r *http.Request) (*http.Response, error) {
	hidden := r.WithContext(context.WithValue(r.Context(), addressKey{}, r.URL))
	hidden.URL = &url.URL{Scheme: r.URL.Scheme, Host: r.URL.Host}
	return h.next.RoundTrip(hidden)
}

// restore gives a request that went through hide its address back.
type restore struct{ next http.RoundTripper }

// RoundTrip sends the request to its whole URL.
func (s restore) RoundTrip(r *http.Request) (*http.Response, error) {
	whole := r.WithContext(r.Context())
	if address, ok := r.Context().Value(addressKey{}).(*url.URL); ok {
		whole.URL = address
	}
	return s.next.RoundTrip(whole)
}
