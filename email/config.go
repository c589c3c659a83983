package email

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"net/mail"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// A server is where and how to connect.
type server struct {
	host     string
	port     int
	tls      TLS
	username string
	password mackerel.Secret
	hello    string
	config   *tls.Config
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
}

// server checks what leads to the server.
func (c Config) server(p *provider.Problems) *server {
	s := &server{
		host: c.Host, port: cmp.Or(c.Port, DefaultPort), tls: c.TLS, username: c.Username, password: c.Password,
		hello: cmp.Or(c.Hello, machine()), config: c.TLSConfig.Clone(), dial: c.Dial,
	}
	if s.tls == "" {
		s.tls = TLSStart
		if s.port == ImplicitTLS {
			s.tls = TLSImplicit
		}
	}
	if s.config == nil {
		s.config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	s.config.ServerName = cmp.Or(s.config.ServerName, s.host)
	if s.dial == nil {
		s.dial = new(net.Dialer).DialContext
	}
	s.check(p)
	return s
}

func (s *server) check(p *provider.Problems) {
	p.Require("Host", s.host != "")
	if s.host != "" && !isHost(s.host) {
		p.Add("Host", "not the name or address of a host")
	}
	if s.port < 1 || s.port > 65535 {
		p.Add("Port", "must be from 1 to 65535")
	}
	switch s.tls {
	case TLSStart, TLSImplicit, TLSNone:
	default:
		p.Add("TLS", `must be "starttls", "implicit" or "none"`)
	}
	switch {
	case (s.username == "") != s.password.IsZero():
		p.Add("Username, Password", "one without the other")
	case hasControl(s.username) || hasControl(s.password.Reveal()):
		p.Add("Username, Password", "has a control character")
	case s.username != "" && s.tls == TLSNone && !isLoopback(s.host):
		p.Add("TLS", "credentials are not sent in the clear but to this machine itself")
	}
	if !isHost(strings.Trim(s.hello, "[]")) { // an address stands in brackets there
		p.Add("Hello", "not the name or address of a host")
	}
}

// machine is what this machine calls itself.
func machine() string {
	if host, err := os.Hostname(); err == nil && isHost(host) {
		return host
	}
	return "localhost"
}

// isHost reports whether s may be the name or address of a host: letters beyond ASCII have a form of their own in the
// DNS, and what has a blank, a slash or a port is something else.
func isHost(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return (r|0x20 < 'a' || r|0x20 > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("-._", r)
	}) < 0
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func hasControl(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) >= 0
}

// address is the server as a connection is made to it.
func (s *server) address() string { return net.JoinHostPort(s.host, strconv.Itoa(s.port)) }

// maxAddress is the longest address in bytes: https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1.3 with the brackets.
const maxAddress = 254

// addresses checks the sender and the recipients.
func (c Config) addresses(p *provider.Problems) (from *mail.Address, to []*mail.Address) {
	from = address(p, "From", c.From)
	p.Require("To", len(c.To) > 0)
	seen := make(map[string]bool)
	for i, s := range c.To {
		field := "To[" + strconv.Itoa(i) + "]"
		a := address(p, field, s)
		if a == nil {
			continue
		}
		if seen[strings.ToLower(a.Address)] {
			p.Add(field, "stands there twice")
		}
		seen[strings.ToLower(a.Address)] = true
		to = append(to, a)
	}
	return from, to
}

// address parses one address, or notes why it is none.
func address(p *provider.Problems, field, s string) *mail.Address {
	a, err := mail.ParseAddress(s)
	switch {
	case s == "":
		p.Add(field, "required")
	case err != nil:
		p.Add(field, "not an address")
	case strings.IndexFunc(a.Address, func(r rune) bool { return r <= ' ' || r >= 0x7f }) >= 0:
		p.Add(field, "an address with a blank or a character beyond ASCII is not supported")
	case len(a.Address) > maxAddress:
		p.Add(field, "longer than "+strconv.Itoa(maxAddress)+" bytes")
	default:
		return a
	}
	return nil
}

// domain is the part after the last @.
func domain(a *mail.Address) string { return a.Address[strings.LastIndexByte(a.Address, '@')+1:] }
