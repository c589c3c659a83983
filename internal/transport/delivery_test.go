package transport_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// An outcome is the number of attempts, the number of requests that reached the service, and the class of the result.
type outcome struct {
	attempts, reached int
	class             transport.Class
}

// The outcomes of the five deliveries below, by kind of fault.
var (
	lost       = outcomes{{2, 2, done}, {3, 3, ambiguous}, {1, 1, ambiguous}, {1, 1, ambiguous}, {3, 3, unavailable}}
	notSent    = outcomes{{2, 1, done}, {3, 0, unavailable}, {3, 0, unavailable}, {3, 0, unavailable}, {3, 0, unavailable}}
	hopeless   = outcomes{{1, 0, unavailable}, {1, 0, unavailable}, {1, 0, unavailable}, {1, 0, unavailable}, {1, 0, unavailable}}
	untraced   = outcomes{{2, 1, done}, {3, 0, ambiguous}, {1, 0, ambiguous}, {1, 0, ambiguous}, {3, 0, unavailable}}
	refusedFor = func(c transport.Class) outcomes {
		return outcomes{{2, 2, done}, {3, 3, c}, {3, 3, c}, {3, 3, c}, {3, 3, c}}
	}
	refused = func(c transport.Class) outcomes {
		return outcomes{{1, 1, c}, {1, 1, c}, {1, 1, c}, {1, 1, c}, {1, 1, c}}
	}
)

type outcomes [5]outcome

var deliveries = [5]struct {
	name     string
	repeat   transport.Repeat
	delivery transport.Delivery // of the options
	times    int                // how often the fault happens; always if negative
	mode     transport.Delivery // of the result
}{
	{"a message that must arrive, the service recovers", transport.Message, transport.AtLeastOnce, 1, transport.AtLeastOnce},
	{"a message that must arrive, the service never recovers", transport.Message, 0, -1, transport.AtLeastOnce},
	{"a message that must not arrive twice", transport.Message, transport.AtMostOnce, -1, transport.AtMostOnce},
	{"an operation that is done once", transport.Once, transport.AtLeastOnce, -1, transport.AtMostOnce},
	{"an operation that may be done twice", transport.Replay, transport.AtMostOnce, -1, transport.AtLeastOnce},
}

// A setup makes a service that fails so many times. It returns how to reach the service, and a count of its requests.
type setup func(t *testing.T, times int) (rt http.RoundTripper, baseURL string, reached func() int)

var deliveryTests = []struct {
	name   string
	setup  setup
	socket bool // it cannot run in a bubble
	want   outcomes
}{
	{"the connection is refused", dialError(errRefused), false, notSent},
	{"the host's name does not exist", dialError(&net.OpError{Op: "dial", Err: errNoHost}), false, hopeless},
	{"the name server does not answer", dialError(&net.DNSError{Err: "misbehaving", IsTemporary: true}), false, notSent},
	{"the connection ends in the handshake", overTLS(trusted, true), true, notSent},
	{"a certificate of an unknown authority", overTLS(unknown, false), true, hopeless},
	{"a certificate that has expired", overTLS(expired, false), true, hopeless},
	{"a RoundTripper that fails and does not trace", mockError, false, untraced},

	{"reset before the request was read", faulted(fault{Break: fakehttp.ResetConnection}), false, lost},
	{"reset after the request was handled", faulted(fault{Break: fakehttp.ResetConnection, Handled: true}), false, lost},
	{"closed", faulted(fault{Break: fakehttp.CloseConnection}), false, lost},
	{"closed after the request was handled", faulted(fault{Break: fakehttp.CloseConnection, Handled: true}), false, lost},
	{"reset on a real socket before the request was read", overSocket(fault{Break: fakehttp.ResetConnection}), true, lost},
	{"reset on a real socket after the request was handled", overSocket(fault{Break: fakehttp.ResetConnection, Handled: true}), true, lost},
	{"an HTTP/2 stream reset after the request was read", overHTTP2, true, lost},
	{"an answer that is not HTTP", garbage, false, lost},
	{"half a body", faulted(fault{Break: fakehttp.HalfBody, Handled: true}), false, lost},
	{"half a body in chunks", faulted(fault{Break: fakehttp.HalfChunked, Handled: true}), false, lost},
	{"silence", faulted(fault{Break: fakehttp.Silence, Handled: true}), false, lost},
	{"half a body, then silence", faulted(fault{Break: fakehttp.StalledBody, Handled: true}), false, lost},

	{"429", faulted(fault{Status: 429}), false, refusedFor(limited)},
	{"429 with half a body", faulted(fault{Status: 429, Break: fakehttp.HalfBody}), false, refusedFor(limited)},
	{"408", faulted(fault{Status: 408}), false, refusedFor(unavailable)},
	{"500", faulted(fault{Status: 500, Handled: true}), false, lost},
	{"502", faulted(fault{Status: 502}), false, lost},
	{"503", faulted(fault{Status: 503}), false, lost},
	{"400", faulted(fault{Status: 400}), false, refused(invalid)},
	{"501", faulted(fault{Status: 501}), false, refused(unsupported)},
	{"a redirect", faulted(fault{Status: 307, Header: http.Header{"Location": {"http://elsewhere.test/"}}}), false, refused(invalid)},
}

func TestDelivery(t *testing.T) {
	for _, tt := range deliveryTests {
		for i, d := range deliveries {
			t.Run(tt.name+"/"+d.name, func(t *testing.T) {
				run := func(t *testing.T) {
					rt, base, reached := tt.setup(t, d.times)
					o := through(rt)
					o.Delivery = d.delivery
					if tt.socket {
						o.MaxWait = time.Millisecond
					}
					r := post(t, base)
					r.Repeat = d.repeat
					result := transport.New("chatwork", o).Do(t.Context(), r)
					if got := (outcome{result.Attempts, reached(), result.Class}); got != tt.want[i] {
						t.Errorf("attempts, requests and class are %v, want %v; %v", got, tt.want[i], result.Err)
					}
					check(t, "the mode", result.Delivery, d.mode)
				}
				if tt.socket {
					run(t)
				} else {
					synctest.Test(t, run)
				}
			})
		}
	}
}

var (
	errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	errNoHost  = &net.DNSError{Err: "no such host", Name: "fake.test", IsNotFound: true}
)

func dialError(err error) setup {
	return func(t *testing.T, times int) (http.RoundTripper, string, func() int) {
		s := newServer(t)
		fail := func() (net.Conn, error) { return nil, err }
		return dialing(pipe(t, s), times, fail), fakehttp.MemoryURL, func() int { return len(s.Requests()) }
	}
}

func faulted(f fault) setup {
	return func(t *testing.T, times int) (http.RoundTripper, string, func() int) {
		s, requests := faulty(t, f, times)
		return s.Client().Transport, fakehttp.MemoryURL, requests
	}
}

func overSocket(f fault) setup {
	return func(t *testing.T, times int) (http.RoundTripper, string, func() int) {
		s, requests := faulty(t, f, times)
		return &http.Transport{}, s.URL(), requests
	}
}

func faulty(t *testing.T, f fault, times int) (*fakehttp.Server, func() int) {
	s := newServer(t)
	f.Times = times
	s.Inject(f)
	return s, func() int { return len(s.Requests()) }
}

// mockError is a RoundTripper whose error says that the connection was refused. Without a trace that is no proof.
func mockError(_ *testing.T, times int) (http.RoundTripper, string, func() int) {
	answered := 0
	succeed := func(*http.Request) (*http.Response, error) {
		answered++
		return httpmock.NewStringResponse(200, answer), nil
	}
	fail := httpmock.NewErrorResponder(errRefused)
	if times > 0 {
		fail = fail.Times(times).Then(succeed)
	}
	m := httpmock.NewMockTransport()
	m.RegisterNoResponder(fail)
	return m, fakehttp.MemoryURL, func() int { return answered }
}

// garbage answers as an SSH server does.
func garbage(t *testing.T, times int) (http.RoundTripper, string, func() int) {
	var served atomic.Int64
	s := fakehttp.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n := served.Add(1); times > 0 && n > int64(times) {
			say(w, answer)
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		say(conn, "SSH-2.0-OpenSSH_9.7\r\n")
	}))
	t.Cleanup(s.Close)
	return s.Client().Transport, fakehttp.MemoryURL, func() int { return len(s.Requests()) }
}

// How a client checks the certificate of a server.
func unknown(c *tls.Config, _ *x509.Certificate)      { c.RootCAs = x509.NewCertPool() }
func trusted(c *tls.Config, server *x509.Certificate) { unknown(c, nil); c.RootCAs.AddCert(server) }
func expired(c *tls.Config, server *x509.Certificate) {
	trusted(c, server)
	c.Time = func() time.Time { return server.NotAfter.Add(time.Hour) }
}

// overTLS reaches a server over TLS. If broken is true, so many of the first connections end in the handshake.
func overTLS(look func(*tls.Config, *x509.Certificate), broken bool) setup {
	return func(t *testing.T, times int) (http.RoundTripper, string, func() int) {
		s := newServer(t)
		good := httptest.NewUnstartedServer(s)
		good.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes fail on purpose
		good.StartTLS()
		t.Cleanup(good.Close)
		tp := &http.Transport{TLSClientConfig: &tls.Config{}, DialContext: new(net.Dialer).DialContext}
		t.Cleanup(tp.CloseIdleConnections)
		look(tp.TLSClientConfig, good.Certificate())
		if broken {
			near, far := net.Pipe()
			far.Close()
			dialing(tp, times, func() (net.Conn, error) { return near, nil })
		}
		return tp, good.URL, func() int { return len(s.Requests()) }
	}
}

func overHTTP2(t *testing.T, times int) (http.RoundTripper, string, func() int) {
	var served atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		drain(r.Body)
		if r.ProtoMajor != 2 {
			t.Errorf("the request came over %s", r.Proto)
		}
		if n := served.Add(1); times < 0 || n <= int64(times) {
			panic(http.ErrAbortHandler)
		}
		say(w, answer)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Client().Transport, s.URL, func() int { return int(served.Load()) }
}
