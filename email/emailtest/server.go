package emailtest

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// The account of the server.
const (
	Username = "alert@fake.test"
	Password = "emailtest-password"
)

// MemoryHost is a host's name for use with [Server.Dial], which the server's certificate is for.
const MemoryHost = "fake.test"

// A Server is a fake SMTP server. It is safe for concurrent use.
type Server struct {
	tls  *tls.Config // the server's
	root *tls.Config // a client's

	mu       sync.Mutex
	start    net.Listener
	implicit net.Listener
	conns    map[net.Conn]struct{}
	closed   bool
	done     chan struct{} // closed by Close
	running  sync.WaitGroup

	connections int
	commands    []string
	mails       []Mail
	problems    []string
	faults      []Fault
	hidden      []string
	size        int
}

// NewServer returns a server. It listens nowhere until Host, Port, TLSPort or Dial is called; Close ends it.
func NewServer() *Server {
	server, client := certificates()
	return &Server{tls: server, root: client, conns: make(map[net.Conn]struct{}), done: make(chan struct{}), size: defaultSize}
}

// defaultSize is the longest mail in bytes, as many servers have it.
const defaultSize = 10 << 20

// TLSConfig returns what a client needs to trust the server's certificate, which is for [MemoryHost], localhost and the
// loopback addresses. It is the caller's.
func (s *Server) TLSConfig() *tls.Config { return s.root.Clone() }

// Host returns the loopback address of the server. As Port and TLSPort, it is not for a testing/synctest bubble.
func (s *Server) Host() string { return s.listener(&s.start, false).IP.String() }

// Port returns the port on which a session begins in the clear and STARTTLS is offered.
func (s *Server) Port() int { return s.listener(&s.start, false).Port }

// TLSPort returns the port on which a session is encrypted from the first byte.
func (s *Server) TLSPort() int { return s.listener(&s.implicit, true).Port }

// listener opens a port if it is not open yet. It panics if none can be had.
func (s *Server) listener(l *net.Listener, implicit bool) *net.TCPAddr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if *l == nil {
		opened, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic("emailtest: cannot listen on the loopback interface: " + err.Error())
		}
		*l = opened
		if s.closed {
			_ = opened.Close() // only the address is wanted, where nobody listens
		} else {
			s.running.Go(func() { s.accept(opened, implicit) })
		}
	}
	return (*l).Addr().(*net.TCPAddr) //nolint:forcetypeassert // of a TCP listener
}

func (s *Server) accept(l net.Listener, implicit bool) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return // the listener was closed
		}
		if !s.serve(conn, implicit) {
			_ = conn.Close() // too late for a session; nobody is interested in how that ends
		}
	}
}

// Dial connects to the server in memory, whatever the address. Port 465 has TLS from the first byte.
func (s *Server) Dial(ctx context.Context, _, address string) (net.Conn, error) {
	near, far := net.Pipe()
	switch _, port, err := net.SplitHostPort(address); {
	case err != nil:
		return nil, err
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case !s.serve(&pipe{Conn: far}, port == "465"):
		return nil, &net.OpError{Op: "dial", Net: "pipe", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	return near, nil
}

// serve begins a session on a connection, and reports false if the server is closed.
func (s *Server) serve(conn net.Conn, implicit bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.connections++
	s.conns[conn] = struct{}{}
	s.running.Go(func() {
		err := newSession(s, conn).run(implicit)
		if p, ok := conn.(*pipe); ok && errors.Is(err, errHangUp) {
			_ = p.flush() // the client may not want to read the last reply
		}
		s.mu.Lock()
		delete(s.conns, conn)
		s.mu.Unlock()
		_ = conn.Close() // the session is over, and how this ends concerns nobody
	})
	return true
}

// Close ends the server and all sessions, and returns when they have ended. From then on connections are refused.
func (s *Server) Close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.done)
	}
	for _, l := range []net.Listener{s.start, s.implicit} {
		if l != nil {
			_ = l.Close() // fails only if it is closed already
		}
	}
	for conn := range s.conns {
		_ = conn.Close() // the same
	}
	s.mu.Unlock()
	s.running.Wait()
}

// Mails returns the mails that were accepted, oldest first: one for each transaction.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// Problems returns in plain words what commands and mails were refused for, oldest first; refusals by a fault are not
// among them.
func (s *Server) Problems() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.problems)
}

// Commands returns the commands of all sessions, without what follows AUTH and its name.
func (s *Server) Commands() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.commands)
}

// Connections returns how many connections were made.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connections
}

// Hide leaves extensions out of what the server offers from now on: STARTTLS, AUTH, SIZE, 8BITMIME, ENHANCEDSTATUSCODES,
// or one way to authenticate, as "AUTH PLAIN". It panics if it knows none of that name.
func (s *Server) Hide(extensions ...string) {
	for _, e := range extensions {
		if !slices.Contains([]string{"STARTTLS", "AUTH", "AUTH PLAIN", "AUTH LOGIN", "SIZE", "8BITMIME", "ENHANCEDSTATUSCODES"}, e) {
			panic("emailtest: Hide: unknown extension " + e)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hidden = append(s.hidden, extensions...)
}

// SetSize changes the size of the longest mail, in bytes, which is 10 MiB.
func (s *Server) SetSize(bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.size = bytes
}

func (s *Server) offers(extension string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !slices.Contains(s.hidden, extension)
}

// limit is the size of the longest mail in bytes.
func (s *Server) limit() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.size
}

func (s *Server) note(command string) {
	if fields := strings.Fields(command); len(fields) > 2 && strings.EqualFold(fields[0], "AUTH") {
		command = fields[0] + " " + fields[1] + " [redacted]"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commands = append(s.commands, command)
}

func (s *Server) refused(problem string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problems = append(s.problems, problem)
}

func (s *Server) accepted(m Mail) {
	m.Time = time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails = append(s.mails, m)
}

// The ways in which a session ends from the server's side.
var (
	errBroken = errors.New("a fault has broken the connection")
	errHangUp = errors.New("the server hangs up after its last reply")
)
