package transport_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// listen serves each connection to a port on the loopback interface, and returns the base URL.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// The types and errors of frames (https://www.rfc-editor.org/rfc/rfc9113#section-6).
const (
	headersFrame   = 1
	resetFrame     = 3
	settingsFrame  = 4
	protocolError  = 1
	refusedStream  = 7
	clientPreface  = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	frameHeaderLen = 9
)

// resetting speaks HTTP/2 and resets each stream with a code. It counts the streams.
func resetting(streams *atomic.Int64, code uint32) func(net.Conn) {
	return func(conn net.Conn) {
		preface := make([]byte, len(clientPreface))
		if _, err := io.ReadFull(conn, preface); err != nil {
			return
		}
		say(conn, string([]byte{0, 0, 0, settingsFrame, 0, 0, 0, 0, 0}))
		for {
			header := make([]byte, frameHeaderLen)
			if _, err := io.ReadFull(conn, header); err != nil {
				return
			}
			length := int64(header[0])<<16 | int64(header[1])<<8 | int64(header[2])
			if _, err := io.CopyN(io.Discard, conn, length); err != nil {
				return
			}
			if header[3] == headersFrame {
				streams.Add(1)
				reset := append([]byte{0, 0, 4, resetFrame, 0}, header[5:9]...)
				say(conn, string(binary.BigEndian.AppendUint32(reset, code)))
			}
		}
	}
}

// http2Client speaks HTTP/2 without TLS.
func http2Client(t *testing.T) *http.Client {
	t.Helper()
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	tp := &http.Transport{Protocols: protocols}
	t.Cleanup(tp.CloseIdleConnections)
	return &http.Client{Transport: tp}
}

func TestAResetStreamIsOneRequestPerAttempt(t *testing.T) {
	t.Parallel() // net/http waits before it repeats
	for _, tt := range []struct {
		method   string
		repeat   transport.Repeat
		class    transport.Class
		attempts int
		requests int
	}{
		{http.MethodPost, transport.Message, ambiguous, 2, 2},
		{http.MethodPost, transport.Once, ambiguous, 1, 1},
		{http.MethodPost, transport.Replay, unavailable, 2, 2},
		{http.MethodGet, transport.Once, ambiguous, 1, 1},
		{http.MethodGet, transport.Replay, unavailable, 2, 4}, // net/http repeats each once
		{http.MethodDelete, transport.Replay, unavailable, 2, 4},
	} {
		for name, code := range map[string]uint32{"REFUSED_STREAM": refusedStream, "PROTOCOL_ERROR": protocolError} {
			t.Run(fmt.Sprint(name, " ", tt.method, " ", tt.repeat), func(t *testing.T) {
				t.Parallel()
				var streams atomic.Int64
				r := post(t, listen(t, resetting(&streams, code)))
				r.Method, r.Repeat = tt.method, tt.repeat
				if tt.method != http.MethodPost {
					r.Body = nil
				}
				tr := transport.New("chatwork", options{Client: http2Client(t), MaxAttempts: 2, MaxWait: time.Millisecond})
				result := tr.Do(t.Context(), r)
				check(t, "class", result.Class, tt.class)
				check(t, "attempts", result.Attempts, tt.attempts)
				if got := int(streams.Load()); got > tt.requests || got < tt.attempts {
					t.Errorf("%d requests, want at most %d", got, tt.requests)
				}
			})
		}
	}
}

func TestSwitchingProtocolsIsNoAnswer(t *testing.T) {
	base := listen(t, func(conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			say(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			drain(conn) // until the client closes the connection
		}
	})
	tr := transport.New("chatwork", options{MaxAttempts: 1, Delivery: transport.AtMostOnce})
	start := time.Now()
	result := tr.Do(t.Context(), post(t, base))
	check(t, "class", result.Class, ambiguous)
	check(t, "status", result.Status, 101)
	check(t, "error", result.Err.Error(), "the server switched protocols")
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestAProxyThatRefusesToConnect(t *testing.T) {
	for status, class := range map[string]transport.Class{
		"407 Proxy Authentication Required":         unauthorized,
		"407 Authentication of user:hunter2 failed": unauthorized,
		"502 Bad Gateway for user:hunter2":          unavailable,
	} {
		t.Run(status, func(t *testing.T) {
			var requests atomic.Int64
			proxy := listen(t, func(conn net.Conn) {
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					requests.Add(1)
					say(conn, "HTTP/1.1 "+status+"\r\nContent-Length: 0\r\n\r\n")
				}
			})
			tp := &http.Transport{Proxy: http.ProxyURL(parse(t, strings.Replace(proxy, "//", "//user:hunter2@", 1)))}
			t.Cleanup(tp.CloseIdleConnections)
			for mode, tries := range map[transport.Delivery]int64{transport.AtLeastOnce: 2, transport.AtMostOnce: 2} {
				requests.Store(0)
				tr := transport.New("chatwork", options{
					Client: &http.Client{Transport: tp}, MaxAttempts: 2, MaxWait: time.Millisecond, Delivery: mode,
				})
				r := tr.Do(t.Context(), post(t, "https://api.test"))
				if class == unauthorized {
					tries = 1
				}
				check(t, "class", r.Class, class)
				check(t, "error", r.Err.Error(), "the proxy refused the connection")
				check(t, "requests to the proxy", requests.Load(), tries)
			}
		})
	}
}

// Only an answer to CONNECT is a proxy's refusal. Other errors behind a proxy keep their words.
func TestErrorsBehindAProxy(t *testing.T) {
	noRoute := errors.New("no route")
	for _, tt := range []struct {
		name  string
		proxy string // "" if the URL has no proxy
		dial  error
		fault fault
		words string
	}{
		{"the proxy is down", "http://proxy.test", errRefused, fault{}, "proxyconnect tcp: dial tcp: connect: connection refused"},
		{"a dialer's own error, without a proxy", "", noRoute, fault{}, "no route"},
		{"the connection is closed", "http://proxy.test", nil, fault{Break: fakehttp.CloseConnection}, "EOF"},
	} {
		inBubble(t, tt.name, func(t *testing.T, s *fakehttp.Server) {
			tp := pipe(t, s)
			tp.Proxy = func(*http.Request) (*url.URL, error) {
				if tt.proxy == "" {
					return nil, nil
				}
				return url.Parse(tt.proxy)
			}
			if tt.dial != nil {
				dialing(tp, -1, func() (net.Conn, error) { return nil, tt.dial })
			}
			s.Inject(tt.fault)
			o := through(tp)
			o.MaxAttempts = 1
			r := transport.New("chatwork", o).Do(t.Context(), post(t, fakehttp.MemoryURL))
			check(t, "error", words(r.Err), tt.words)
		})
	}
}

// TestDeadPooledConnectionsCostOneAttempt answers one request on each connection, and the second in some other way.
func TestDeadPooledConnectionsCostOneAttempt(t *testing.T) {
	t.Parallel() // the silent server takes a second
	for name, die := range map[string]func(net.Conn){
		"reset":  func(conn net.Conn) { _ = conn.(*net.TCPConn).SetLinger(0) },
		"closed": func(net.Conn) {},
		"silent": func(conn net.Conn) { drain(conn) },
	} {
		t.Run(name, func(t *testing.T) {
			var filled sync.WaitGroup // the first twenty requests, which are answered together: each has a connection
			filled.Add(20)
			var number atomic.Int64
			base := listen(t, func(conn net.Conn) {
				reader := bufio.NewReader(conn)
				for i := 0; ; i++ {
					r, err := http.ReadRequest(reader)
					if err != nil {
						return
					}
					drain(r.Body)
					if i > 0 {
						die(conn)
						return
					}
					if number.Add(1) <= 20 {
						filled.Done()
						filled.Wait()
					}
					say(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
				}
			})
			tp := &http.Transport{MaxIdleConnsPerHost: 100}
			t.Cleanup(tp.CloseIdleConnections)
			tr := transport.New("chatwork", options{
				Client: &http.Client{Transport: tp}, Timeout: time.Second, MaxWait: time.Millisecond, Delivery: transport.AtLeastOnce,
			})
			fill(t, tr, base, 20)
			result := tr.Do(t.Context(), post(t, base))
			check(t, "class", result.Class, done)
			check(t, "attempts", result.Attempts, 2)
		})
	}
}

// fill makes n calls at once, so that the pool has as many connections.
func fill(t *testing.T, tr *transport.Transport, base string, n int) {
	t.Helper()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			r := tr.Do(t.Context(), post(t, base))
			check(t, "class while the pool is filled", r.Class, done)
		})
	}
	wg.Wait()
}
