package email

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/textproto"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// complete fills in what stands for the zero values of a server's configuration.
func (c Config) complete() Config {
	c.Port = cmp.Or(c.Port, DefaultPort)
	if c.TLS == "" && c.Port == ImplicitTLS {
		c.TLS = TLSImplicit
	}
	c.TLS = cmp.Or(c.TLS, TLSStart)
	c.Hello = cmp.Or(c.Hello, machine())
	c.TLSConfig = c.TLSConfig.Clone()
	if c.TLSConfig == nil {
		c.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	c.TLSConfig.ServerName = cmp.Or(c.TLSConfig.ServerName, c.Host)
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	return c
}

// machine returns the name of this machine, as far as it is fit for EHLO.
func machine() string {
	if host, err := os.Hostname(); err == nil && isHost(host) {
		return host
	}
	return "localhost"
}

func (c Config) address() string { return net.JoinHostPort(c.Host, strconv.Itoa(c.Port)) }

// url returns the server's address for a preview.
func (c Config) url() *url.URL {
	scheme := "smtp"
	if c.TLS == TLSImplicit {
		scheme = "smtps"
	}
	return &url.URL{Scheme: scheme, Host: c.address()}
}

// A session is one connection to the server, ready to take mails.
type session struct {
	conn    net.Conn // as it was dialed
	smtp    *client
	release func() bool // stops watching the context
	wire    *transport.Transport
	turn    *transport.Turn // of the current mail
	broken  bool            // no more mails can be sent
}

// open connects, encrypts and authenticates. If that fails, it returns nil, and the result says why.
func (n *Notifier) open(ctx context.Context, turn *transport.Turn) (*session, transport.Result) {
	s := &session{wire: n.flow.Transport(), turn: turn}
	err := s.connect(ctx, n.config)
	if err == nil {
		return s, transport.Result{Class: transport.Done}
	}
	result := s.failed(ctx, opening, err)
	if errors.Is(err, errNoSTARTTLS) || errors.Is(err, errNoAuth) {
		result.Class = transport.Unsupported
	}
	s.close()
	return nil, result
}

func (s *session) connect(ctx context.Context, to Config) error {
	dialing, cancel := context.WithTimeout(ctx, s.wire.Timeout())
	defer cancel()
	conn, err := to.Dial(dialing, "tcp", to.address())
	if err != nil {
		return err
	}
	s.conn = conn
	s.release = context.AfterFunc(ctx, func() { _ = conn.Close() }) // ends all reads and writes
	deadline, _ := dialing.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return err
	}
	return s.introduce(dialing, to)
}

// introduce does what comes before the first mail: the greeting, EHLO, STARTTLS, AUTH.
func (s *session) introduce(ctx context.Context, to Config) error {
	s.smtp = newClient(s.conn)
	if to.TLS == TLSImplicit {
		if err := s.encrypt(ctx, to.TLSConfig); err != nil {
			return err
		}
	}
	if _, err := s.smtp.expect("220"); err != nil {
		return err
	}
	if err := s.smtp.hello(to.Hello); err != nil {
		return err
	}
	if to.TLS == TLSStart {
		if err := s.startTLS(ctx, to); err != nil {
			return err
		}
	}
	if to.Username == "" {
		return nil
	}
	return s.smtp.authenticate(to.Username, to.Password.Reveal()) // encrypted, or to this machine: see New
}

// startTLS encrypts the connection, and says EHLO again: what the server offered before may have been changed on the
// way (https://www.rfc-editor.org/rfc/rfc3207#section-4.2).
func (s *session) startTLS(ctx context.Context, to Config) error {
	if _, offered := s.smtp.offers["STARTTLS"]; !offered {
		return errNoSTARTTLS
	}
	if _, err := s.smtp.command("220", "STARTTLS"); err != nil {
		return err
	}
	if err := s.encrypt(ctx, to.TLSConfig); err != nil {
		return err
	}
	return s.smtp.hello(to.Hello)
}

// encrypt begins TLS. What was read before and not used is dropped, because it was not encrypted.
func (s *session) encrypt(ctx context.Context, config *tls.Config) error {
	conn := tls.Client(s.conn, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		return err
	}
	s.smtp = newClient(conn)
	return nil
}

// send sends one mail, within the time of one attempt.
func (s *session) send(ctx context.Context, from, to string, mail []byte) transport.Result {
	if err := s.conn.SetDeadline(time.Now().Add(s.wire.Timeout())); err != nil {
		return s.failed(ctx, sending, err)
	}
	if problem := s.tooLong(mail); problem != nil {
		return transport.Result{Class: transport.Invalid, Err: problem}
	}
	if err := s.smtp.mailFrom(from); err != nil {
		return s.refused(ctx, beginning, err)
	}
	if err := s.smtp.rcptTo(to); err != nil {
		return s.refused(ctx, naming, err)
	}
	if _, err := s.smtp.command("354", "DATA"); err != nil {
		return s.refused(ctx, sending, err)
	}
	return s.content(ctx, mail)
}

// content sends the mail itself. Until the final dot is sent, a lost connection proves that the mail was not accepted.
func (s *session) content(ctx context.Context, mail []byte) transport.Result {
	w := s.smtp.out.DotWriter()
	_, err := w.Write(mail)
	if err == nil {
		err = s.smtp.out.W.Flush()
	}
	if err != nil {
		return s.failed(ctx, sending, err)
	}
	if err = w.Close(); err == nil { // writes the dot
		_, err = s.smtp.expect("250")
	}
	if err != nil {
		return s.failed(ctx, ending, err)
	}
	return transport.Result{Class: transport.Done}
}

// tooLong compares a mail with the limit that the server has announced. 0 means that there is no limit
// (https://www.rfc-editor.org/rfc/rfc1870#section-4).
func (s *session) tooLong(mail []byte) error {
	if most, err := strconv.Atoi(s.smtp.offers["SIZE"]); err == nil && most > 0 && len(mail) > most {
		return errors.New("the mail has " + strconv.Itoa(len(mail)) + " bytes, and the server takes " + strconv.Itoa(most))
	}
	return nil
}

// refused returns the result of an error within a transaction, and ends the transaction so that the next can begin.
func (s *session) refused(ctx context.Context, at step, err error) transport.Result {
	result := s.failed(ctx, at, err)
	if !s.broken {
		_, err := s.smtp.command("250", "RSET")
		s.broken = err != nil
	}
	return result
}

// failed returns the result of an error. Without a reply the connection cannot be used any more. After 421 the server
// closes it.
func (s *session) failed(ctx context.Context, at step, err error) transport.Result {
	var reply *textproto.Error
	if errors.As(err, &reply) {
		s.broken = reply.Code == 421 || reply.Code/100 < 4
		result := transport.Result{Class: classOf(at, reply), Body: line(reply)}
		if throttles(at, reply) {
			result.RetryAfter = s.turn.Refused()
		}
		return result
	}
	s.broken = true
	return transport.Result{Class: lostAt(at), Err: s.wire.Lost(ctx, err)}
}

// farewell is how long the end of a session may take. It is short, because the caller is waiting and the mails are
// accepted.
const farewell = time.Second

// close ends the session, with QUIT if the connection is in order.
func (s *session) close() {
	if s.conn == nil {
		return
	}
	if s.smtp != nil && !s.broken && s.conn.SetDeadline(time.Now().Add(farewell)) == nil {
		_, _ = s.smtp.command("221", "QUIT") // the connection is closed in either case
	}
	s.release()
	_ = s.conn.Close() // the mails are sent: an error changes nothing
}
