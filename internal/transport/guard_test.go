package transport_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"testing"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// guard returns a guarded transport that uses the RoundTripper, or the shared pool if rt is nil.
func guard(t *testing.T, rt http.RoundTripper) *transport.Transport {
	t.Helper()
	o := options{}
	if rt != nil {
		o = through(rt)
	}
	tr := transport.New("test", o)
	if err := tr.Guard(); err != nil {
		t.Fatal(err)
	}
	return tr
}

// wantGuarded checks that nothing was sent and that the error does not name the address.
func wantGuarded(t *testing.T, in string, r transport.Result) {
	t.Helper()
	check(t, in+": class", r.Class, invalid)
	check(t, in+": attempts", r.Attempts, 1)
	check(t, in+": error", words(r.Err), "the host's address is not public")
}

func TestGuardRefusesOwnAddressesHoweverTheyAreWritten(t *testing.T) {
	s := newServer(t)
	port := parse(t, s.URL()).Port()
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::1]", "0.0.0.0", "[::]", "169.254.169.254", "10.0.0.1"} {
		for _, repeat := range []transport.Repeat{transport.Once, transport.Message, transport.Replay} {
			r := post(t, "http://"+host+":"+port)
			r.Repeat = repeat
			wantGuarded(t, host, guard(t, nil).Do(t.Context(), r))
		}
	}
	check(t, "requests", len(s.Requests()), 0)
}

func TestGuardTakesTheCallersDialersAndProxyAway(t *testing.T) {
	s := newServer(t)
	base := parse(t, s.URL())
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", base.Host)
	}
	dialTLS := func(string, string) (net.Conn, error) { return dial(context.Background(), "", "") }
	proxy := func(*http.Request) (*url.URL, error) {
		t.Error("the proxy is asked for")
		return base, nil
	}
	for in, tr := range map[string]*http.Transport{
		"a dialer":             {DialContext: dial},
		"an old dialer":        {Dial: dialTLS},
		"a dialer for TLS":     {DialTLSContext: dial},
		"an old one for TLS":   {DialTLS: dialTLS},
		"a proxy":              {Proxy: proxy},
		"an HTTP/2 of its own": {TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{"h2": nil}},
	} {
		for _, scheme := range []string{"http", "https"} {
			wantGuarded(t, in+", "+scheme, guard(t, tr).Do(t.Context(), post(t, scheme+"://127.0.0.1:"+base.Port())))
		}
	}
	check(t, "connections", s.Connections(), 0)
}

func TestGuardCannotLookIntoAnotherRoundTripper(t *testing.T) {
	tr := transport.New("test", through(wrapped(http.DefaultTransport)))
	if err := tr.Guard(); !errors.Is(err, transport.ErrOwnDialer) {
		t.Errorf("got %v", err)
	}
}

func TestGuardLeavesTheCallersTransportAlone(t *testing.T) {
	s := newServer(t)
	tp := &http.Transport{Proxy: http.ProxyFromEnvironment}
	t.Cleanup(tp.CloseIdleConnections)
	wantGuarded(t, "guarded", guard(t, tp).Do(t.Context(), post(t, s.URL())))
	check(t, "not guarded", transport.New("test", through(tp)).Do(t.Context(), post(t, s.URL())).Class, done)
	check(t, "shared", transport.New("test", options{}).Do(t.Context(), post(t, s.URL())).Class, done)
}
