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

	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// options are the transport's options without the root package's types.
type options = transport.Options[transport.Delivery, transport.Attempt]

const answer = `{"message_id":"5"}`

// newServer returns a fake that answers what it gets with a documented success.
func newServer(t testing.TB) *fakehttp.Server {
	t.Helper()
	s := fakehttp.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		say(w, answer)
	}))
	t.Cleanup(s.Close)
	return s
}

// say writes text. That fails only if whoever reads it has gone, and that is theirs to notice.
func say(w io.Writer, text string) { _, _ = io.WriteString(w, text) }

func drain(r io.Reader) { _, _ = io.Copy(io.Discard, r) }

// handledBy counts the requests that the service itself got to see.
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

// post is a message to the service at base.
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

// through returns options with a client over the RoundTripper.
func through(rt http.RoundTripper) options {
	return options{Client: &http.Client{Transport: rt}}
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// wrapped hides that a RoundTripper is net/http's own, as instrumentation does.
func wrapped(rt http.RoundTripper) http.RoundTripper { return roundTripFunc(rt.RoundTrip) }

// pipe is the transport of the server's in-memory client, for a test to change.
func pipe(t testing.TB, s *fakehttp.Server) *http.Transport {
	t.Helper()
	tp := s.Client().Transport.(*http.Transport).Clone()
	t.Cleanup(tp.CloseIdleConnections)
	return tp
}

// failing makes the first dials fail with err; all of them if times is negative.
func failing(tp *http.Transport, times int, err error) *http.Transport {
	var dials atomic.Int64
	dial := tp.DialContext
	tp.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if n := dials.Add(1); times < 0 || n <= int64(times) {
			return nil, err
		}
		return dial(ctx, network, addr)
	}
	return tp
}

func response(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: -1}
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
