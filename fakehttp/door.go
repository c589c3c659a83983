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

// MemoryURL is a base URL for [Server.Client], which reaches the server under any URL. The host does not exist.
const MemoryURL = "http://fake.test"

// URL returns the base URL of the server on the loopback interface, such as "http://127.0.0.1:50123". The first call
// opens the port, and panics if it cannot. Do not call URL in a testing/synctest bubble: time does not pass there while
// a goroutine waits for a socket.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loopback == nil {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic("fakehttp: cannot listen on the loopback interface: " + err.Error())
		}
		s.loopback = s.open(l)
	}
	return "http://" + s.loopback.listener.Addr().String()
}

// Client returns a client that reaches this server under every http and https URL, over a pipe in memory and through a
// real http.Server and http.Transport. There is no TLS. All clients of a server share their connections.
func (s *Server) Client() *http.Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.memory == nil {
		l := &pipeListener{conns: make(chan net.Conn), closed: s.ctx.Done()}
		s.memory = s.open(l)
		s.pipe = &http.Transport{DialContext: l.dial, DialTLSContext: l.dial, MaxIdleConnsPerHost: 100}
	}
	return &http.Client{Transport: s.pipe}
}

// Connections returns how many connections were made, over sockets and in memory.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns
}

// Close ends all connections, faults that wait and the contexts of requests, and waits for the handlers to return. The
// server then refuses connections. A handler that waits must end with the context of its request.
func (s *Server) Close() {
	s.mu.Lock()
	s.cancel()
	doors := []*door{s.loopback, s.memory}
	pipe := s.pipe
	s.mu.Unlock()
	if pipe != nil {
		pipe.CloseIdleConnections()
	}
	for _, d := range doors {
		if d != nil {
			d.close()
		}
	}
}

// A door is a listener with its http.Server.
type door struct {
	listener net.Listener
	server   *http.Server
	served   chan struct{}  // closed when Serve has returned
	conns    sync.WaitGroup // one per connection until its goroutine ends
}

// open serves the listener, or closes it if the server is closed. The caller holds the lock.
func (s *Server) open(l net.Listener) *door {
	d := &door{listener: l, served: make(chan struct{})}
	d.server = &http.Server{
		Handler:     s,
		BaseContext: func(net.Listener) context.Context { return s.ctx },
		ConnState:   func(_ net.Conn, state http.ConnState) { s.count(d, state) },
	}
	if s.ctx.Err() != nil {
		close(d.served)
		_ = l.Close() // it was not used
		return d
	}
	go func() {
		defer close(d.served)
		_ = d.server.Serve(l) // always an error: the listener was closed
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

// close waits for Serve first, so that no connection is accepted after the others were closed. It does not use
// Shutdown, which waits for clients that send nothing. It waits for the handlers: a goroutine that outlives its
// bubble is a deadlock.
func (d *door) close() {
	_ = d.listener.Close() // fails only if it was closed before
	<-d.served
	_ = d.server.Close() // fails only for connections that the client has broken
	d.conns.Wait()
}

// A pipeListener accepts the far ends of the pipes that dial makes, until the server is closed.
type pipeListener struct {
	conns  chan net.Conn
	closed <-chan struct{}
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

func (l *pipeListener) Close() error   { return nil }
func (l *pipeListener) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }

// A pipeConn is an end of a net.Pipe that can be reset.
type pipeConn struct {
	net.Conn
	reset *atomic.Bool // shared by both ends
}

func newPipe() (near, far *pipeConn) {
	a, b := net.Pipe()
	reset := new(atomic.Bool)
	return &pipeConn{a, reset}, &pipeConn{b, reset}
}

// abort closes the connection. The other end sees a reset.
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
		return &net.OpError{Op: op, Net: "pipe", Err: os.NewSyscallError(op, syscall.ECONNRESET)}
	}
	return err
}
