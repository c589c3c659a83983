package emailtest

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/email"
	"github.com/mackerel-notify/mackerel/fakehttp"
)

// The account of a new server.
const (
	Username = "alert@fake.test"
	Password = "emailtest-password"
)

// The addresses of Config and MemoryConfig. The fake takes mail from and to any address.
const (
	Sender    = "Mackerel <alert@example.com>"
	Recipient = "hanako@example.com"
)

// MemoryHost is a host's name for use with [Server.Dial]. The server's certificate is valid for it.
const MemoryHost = "fake.test"

// lane is the lane of the only limit, counted for each user.
const lane = "mails"

// defaultSize is the size of the longest mail in bytes, as many servers have it.
const defaultSize = 10 << 20

// A Server is a fake SMTP server. It is safe for concurrent use.
type Server struct {
	state    *fakehttp.Server // has limits, tokens and clock, and serves nothing
	closing  chan struct{}    // closed by Close
	sessions sync.WaitGroup

	commands fakehttp.Log[string]
	mails    fakehttp.Log[Mail]
	problems fakehttp.Log[string]

	mu       sync.Mutex
	start    net.Listener
	implicit net.Listener
	conns    map[net.Conn]struct{}
	made     int // connections
	closed   bool
	faults   []Fault
	hidden   []string
	size     int
}

// New returns a server with the account [Username]. Close ends it.
func New() *Server {
	s := &Server{
		state: fakehttp.NewFake(nil, nil, fakehttp.Limit{Lane: lane}),
		conns: make(map[net.Conn]struct{}), closing: make(chan struct{}), size: defaultSize,
	}
	s.AddToken(Username + ":" + Password)
	return s
}

// Config returns the configuration of a notifier that sends from [Sender] to [Recipient] through the fake over the
// loopback interface.
func (s *Server) Config() email.Config {
	c := s.MemoryConfig()
	c.Host, c.Port, c.Dial = s.Host(), s.Port(), nil
	return c
}

// MemoryConfig returns the configuration of a notifier that sends from [Sender] to [Recipient] through the fake in
// memory, for testing/synctest.
func (s *Server) MemoryConfig() email.Config {
	return email.Config{
		Host: MemoryHost, Dial: s.Dial, TLSConfig: s.TLSConfig(),
		Username: Username, Password: mackerel.NewSecret(Password), From: Sender, To: []string{Recipient},
		Call: mackerel.CallOptions{Pace: mackerel.Unpaced},
	}
}

// TLSConfig returns a client's configuration that trusts the server's certificate, which is for [MemoryHost], localhost
// and the loopback addresses.
func (s *Server) TLSConfig() *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(certificate().Leaf)
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}

// Host returns the loopback address of the server.
func (s *Server) Host() string { return "127.0.0.1" }

// Port returns the port of Host on which sessions begin without TLS and STARTTLS is offered. Port and TLSPort are not
// for a testing/synctest bubble.
func (s *Server) Port() int { return s.port(&s.start, false) }

// TLSPort returns the port of Host with TLS from the first byte.
func (s *Server) TLSPort() int { return s.port(&s.implicit, true) }

// port opens a port if it is not open yet. It panics if there is no free port.
func (s *Server) port(l *net.Listener, implicit bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if *l == nil {
		opened, err := net.Listen("tcp", s.Host()+":0")
		if err != nil {
			panic("emailtest: cannot listen on the loopback interface: " + err.Error())
		}
		*l = opened
		if s.closed {
			_ = opened.Close() // only the address is wanted
		} else {
			s.sessions.Go(func() { s.accept(opened, implicit) })
		}
	}
	return (*l).Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // of a TCP listener
}

func (s *Server) accept(l net.Listener, implicit bool) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return // the listener was closed
		}
		if !s.serve(conn, implicit) {
			_ = conn.Close() // the server is closed
		}
	}
}

// Dial connects to the server in memory, for every address. Port 465 has TLS from the first byte.
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

// serve begins a session on a connection. It reports false if the server is closed.
func (s *Server) serve(conn net.Conn, implicit bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.made++
	s.conns[conn] = struct{}{}
	s.sessions.Go(func() {
		session := &session{server: s, conn: conn, in: bufio.NewReader(conn), out: conn}
		err := session.run(implicit)
		if p, ok := conn.(*pipe); ok && errors.Is(err, errHangUp) {
			_ = p.flush() // fails if the client does not read the last reply
		}
		_ = conn.Close() // the session is over
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.conns, conn)
	})
	return true
}

// Close ends the server and all sessions, and returns when they have ended. From then on connections are refused.
func (s *Server) Close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.closing)
		s.state.Close()
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
	s.sessions.Wait()
}

// Mails returns the mails that were accepted, oldest first: one for each transaction.
func (s *Server) Mails() []Mail { return s.mails.All() }

// Accepted returns how many mails were accepted.
func (s *Server) Accepted() int { return s.state.Accepted() }

// Problems returns in plain words why commands and mails were refused, oldest first. Refusals by a fault are not among
// them.
func (s *Server) Problems() []string { return s.problems.All() }

// Commands returns the commands of all sessions, oldest first, without the credentials of AUTH.
func (s *Server) Commands() []string { return s.commands.All() }

// Connections returns how many connections were made.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.made
}

// AddToken makes credentials valid, each in the form "user:password".
func (s *Server) AddToken(tokens ...string) { s.state.AddToken(tokens...) }

// RevokeToken makes a "user:password" invalid.
func (s *Server) RevokeToken(token string) { s.state.RevokeToken(token) }

// SetLimit lets each user send n mails within per. The only lane is "mails".
func (s *Server) SetLimit(lane string, n int, per time.Duration) { s.state.SetLimit(lane, n, per) }

// Documented does nothing: SMTP servers have no documented limit in common.
func (s *Server) Documented() { s.state.Documented() }

// SetClock replaces the clock of the limits and of Mail.Time, which is time.Now unless set.
func (s *Server) SetClock(now func() time.Time) { s.state.SetClock(now) }

// Advance puts the server's clock forward by d.
func (s *Server) Advance(d time.Duration) { s.state.Advance(d) }

// Strict chooses whether mails are refused that servers accept: see the documentation of the package. At first they are
// accepted.
func (s *Server) Strict(on bool) { s.state.Strict(on) }

// hideable are the extensions that Hide knows.
var hideable = []string{"STARTTLS", "AUTH", "AUTH PLAIN", "AUTH LOGIN", "SIZE"}

// Hide leaves extensions out of what the server offers from now on: STARTTLS, SIZE, AUTH, or a way to authenticate, as
// "AUTH PLAIN". It panics if it does not know an extension.
func (s *Server) Hide(names ...string) {
	for _, name := range names {
		if !slices.Contains(hideable, name) {
			panic("emailtest: Hide: unknown extension " + name)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hidden = append(s.hidden, names...)
}

// SetSize changes the size of the longest mail, in bytes, which is 10 MiB at first.
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

// limit returns the size of the longest mail in bytes.
func (s *Server) limit() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.size
}

// note remembers a command.
func (s *Server) note(command string) {
	if fields := strings.Fields(command); len(fields) > 2 && strings.EqualFold(fields[0], "AUTH") {
		command = fields[0] + " " + fields[1] + " [redacted]"
	}
	s.commands.Add(command)
}

// Why the server ends a session.
var (
	errBroken = errors.New("a fault has broken the connection")
	errHangUp = errors.New("the server hangs up after its last reply")
)
