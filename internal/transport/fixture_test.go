package transport_test

import (
	"compress/gzip"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// options are the transport's options without the root package's types.
type options = transport.Options[transport.Delivery, transport.Attempt, transport.Pace]

type fault = fakehttp.Fault

// The classes.
const (
	done         = transport.Done
	ambiguous    = transport.Ambiguous
	invalid      = transport.Invalid
	unauthorized = transport.Unauthorized
	notFound     = transport.NotFound
	limited      = transport.RateLimited
	unavailable  = transport.Unavailable
	unsupported  = transport.Unsupported
)

const answer = `{"message_id":"5"}`

// newServer returns a service that answers every request with a success.
func newServer(t testing.TB) *fakehttp.Server {
	t.Helper()
	s := fakehttp.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		say(w, answer)
	}))
	t.Cleanup(s.Close)
	return s
}

// bubble runs a test in which time is synctest's, with a server of its own.
func bubble(t *testing.T, test func(*testing.T, *fakehttp.Server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newServer(t)) })
}

// inBubble runs a subtest in a bubble.
func inBubble(t *testing.T, name string, test func(*testing.T, *fakehttp.Server)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { bubble(t, test) })
}

// do makes a call through the server's in-memory client.
func do(t *testing.T, s *fakehttp.Server, o options, r transport.Request) transport.Result {
	t.Helper()
	o.Client = s.Client()
	return transport.New("chatwork", o).Do(t.Context(), r)
}

// send posts a message through the server's in-memory client.
func send(t *testing.T, s *fakehttp.Server, o options) transport.Result {
	t.Helper()
	return do(t, s, o, post(t, fakehttp.MemoryURL))
}

// refusal is an answer with a Retry-After.
func refusal(status int, retryAfter string) fault {
	return fault{Status: status, Header: after(retryAfter)}
}

func after(value string) http.Header { return http.Header{"Retry-After": {value}} }

// say writes text. It fails only if the reader has gone.
func say(w io.Writer, text string) { _, _ = io.WriteString(w, text) }

func drain(r io.Reader) { _, _ = io.Copy(io.Discard, r) }

// handledBy counts the requests that the service handled.
func handledBy(s *fakehttp.Server) int {
	n := 0
	for _, r := range s.Requests() {
		if r.Handled {
			n++
		}
	}
	return n
}

func parse(t testing.TB, rawURL string) *url.URL {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// post returns a message to the service at base.
func post(t testing.TB, base string) transport.Request {
	t.Helper()
	return transport.Request{
		Op: "post message", Method: http.MethodPost, URL: parse(t, base+"/rooms/1/messages"),
		Header: http.Header{"Content-Type": {"text/plain"}}, Body: []byte("disk full"), Repeat: transport.Message,
	}
}

func get(t testing.TB, base string, repeat transport.Repeat) transport.Request {
	t.Helper()
	return transport.Request{Op: "list", Method: http.MethodGet, URL: parse(t, base+"/rooms"), Repeat: repeat}
}

// through returns options with a client that uses the RoundTripper.
func through(rt http.RoundTripper) options {
	return options{Client: &http.Client{Transport: rt}}
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// wrapped hides the type of a RoundTripper, as instrumentation does.
func wrapped(rt http.RoundTripper) http.RoundTripper { return roundTripFunc(rt.RoundTrip) }

// pipe returns a copy of the in-memory client's transport, which a test may change.
func pipe(t testing.TB, s *fakehttp.Server) *http.Transport {
	t.Helper()
	tp := s.Client().Transport.(*http.Transport).Clone()
	t.Cleanup(tp.CloseIdleConnections)
	return tp
}

// dialing replaces the first dials, all of them if times is negative.
func dialing(tp *http.Transport, times int, first func() (net.Conn, error)) *http.Transport {
	var dials atomic.Int64
	dial := tp.DialContext
	tp.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if n := dials.Add(1); times < 0 || n <= int64(times) {
			return first()
		}
		return dial(ctx, network, addr)
	}
	return tp
}

func response(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: -1,
	}
}

func check[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func writeGzip(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(w)
	say(z, body)
	z.Close()
}
