package fakehttp

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
)

// MemoryURL is a base URL for use with [Server.Client]. Any other would do, because that client asks nobody where a host
// is; this one can never be mistaken for a real service.
const MemoryURL = "http://fake.test"

// URL returns the base URL of the server on the loopback interface, such as "http://127.0.0.1:50123". The first call
// opens the port; it panics if none can be had. Not for a testing/synctest bubble, where a goroutine that waits for a
// socket keeps the clock from moving.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loopback == nil {
		s.loopback = s.open(listenLoopback())
	}
	return "http://" + s.loopback.listener.Addr().String()
}

func listenLoopback() net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		return l
	}
	if l, err6 := net.Listen("tcp6", "[::1]:0"); err6 == nil {
		return l
	}
	panic("fakehttp: cannot listen on the loopback interface: " + err.Error())
}

// Client returns a client for which every URL, of whatever host, leads to this server, over a pipe in memory and through
// a real http.Server and http.Transport. An https URL does too, without TLS, so that a client's default base URL can
// stay as it is. All clients of one server share their connections.
func (s *Server) Client() *http.Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.memory == nil {
		l := newPipeListener()
		s.memory = s.open(l)
		s.pipe = &http.Transport{DialContext: l.dial, DialTLSContext: l.dial, MaxIdleConnsPerHost: 100}
	}
	return &http.Client{Transport: s.pipe}
}

// Connections returns how many connections have been made through both doors: a client that reuses its connections
// makes one, however many requests it sends one after the other.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns
}

// Close shuts both doors, ends the faults and handlers that wait, and returns when all have ended. From then on both
// doors refuse connections. A handler of the service's own that waits must watch its request's context.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	doors := []*door{s.loopback, s.memory}
	pipe := s.pipe
	s.mu.Unlock()
	s.cancel()
	if pipe != nil {
		pipe.CloseIdleConnections()
	}
	for _, d := range doors {
		if d != nil {
			d.close()
		}
	}
}

// A door is one way in: a listener and the http.Server behind it.
type door struct {
	listener net.Listener
	server   *http.Server
	served   chan struct{}  // closed when Serve has returned
	conns    sync.WaitGroup // one per connection until its goroutine ends
}

// open serves the listener, or closes it at once if the server is closed. It needs the lock.
func (s *Server) open(l net.Listener) *door {
	d := &door{listener: l, served: make(chan struct{})}
	d.server = &http.Server{
		Handler:     s,
		BaseContext: func(net.Listener) context.Context { return s.ctx },
		ConnState:   func(_ net.Conn, state http.ConnState) { s.count(d, state) },
	}
	if s.closed {
		close(d.served)
		_ = l.Close() // a fresh listener: there is nothing to learn from it
		return d
	}
	go func() {
		defer close(d.served)
		_ = d.server.Serve(l) // it always returns an error: that the listener was closed
	}()
	return d
}

func (s *Server) count(d *door, state http.ConnState) {
	switch state {
	case http.StateNew:
		d.conns.Add(1)
		s.mu.Lock()
		s.conns++
		s.mu.Unlock()
	case http.StateClosed, http.StateHijacked:
		d.conns.Done()
	case http.StateActive, http.StateIdle:
	}
}

// close first lets Serve return, so that no connection is accepted behind its back. The connections are closed rather
// than shut down: Shutdown would wait for clients that are connected and say nothing. What the handlers are doing is
// waited for all the same, because in a bubble a handler that outlives the test is a deadlock.
func (d *door) close() {
	_ = d.listener.Close() // fails only if it is closed already, and then Serve has returned as well
	<-d.served
	_ = d.server.Close() // the listener is no longer its own: only connections are left, whose errors concern nobody
	d.conns.Wait()
}

// A pipeListener accepts the far ends of the pipes that dial makes.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := newPipe()
	select {
	case l.conns <- far:
		return near, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "dial", Net: "pipe", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }

// A pipeConn is one end of a pipe that, unlike net.Pipe, knows a reset from an end.
type pipeConn struct {
	net.Conn
	reset *atomic.Bool // shared by both ends
}

func newPipe() (near, far *pipeConn) {
	a, b := net.Pipe()
	reset := new(atomic.Bool)
	return &pipeConn{a, reset}, &pipeConn{b, reset}
}

// abort closes the connection in such a way that the other end sees a reset.
func (c *pipeConn) abort() error {
	c.reset.Store(true)
	return c.Close()
}

func (c *pipeConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	return n, c.resetError("read", err)
}

func (c *pipeConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	return n, c.resetError("write", err)
}

func (c *pipeConn) resetError(op string, err error) error {
	if c.reset.Load() && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe)) {
		return &net.OpError{Op: op, Net: "pipe", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.NewSyscallError(op, syscall.ECONNRESET)}
	}
	return err
}
