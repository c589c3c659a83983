package email

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A session is one connection to the server, ready to take mails. Of go-mail it uses the protocol and not the client
// around it, which gives nobody a mail of which one recipient is refused, takes a lost RSET after the mail for a failure of
// the mail, heeds the context only while it dials, and leaves connections open.
type session struct {
	conn    net.Conn
	smtp    *smtp.Client
	release func() bool // stops watching the context
	wire    *transport.Transport
	broken  bool // nothing more can be sent
}

// The reasons that are our own.
var (
	errNoSTARTTLS = errors.New("the server offers no STARTTLS")
	errNoAuth     = errors.New("the server takes no credentials by PLAIN or LOGIN")
)

// open connects, encrypts and authenticates. If it cannot, the result says why, and nothing was sent.
func (n *Notifier) open(ctx context.Context) (*session, transport.Result) {
	s := &session{wire: n.service.Transport()}
	err := s.connect(ctx, n.server)
	if err == nil {
		err = s.introduce(n.server)
	}
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

func (s *session) connect(ctx context.Context, to *server) error {
	dialing, cancel := context.WithTimeout(ctx, s.wire.Timeout())
	defer cancel()
	conn, err := to.dial(dialing, "tcp", to.address())
	if err != nil {
		return err
	}
	s.conn = conn
	s.release = context.AfterFunc(ctx, func() { _ = conn.Close() }) // ends whatever is waiting
	if deadline, ok := dialing.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	if to.tls == TLSImplicit {
		encrypted := tls.Client(conn, to.config)
		if err := encrypted.HandshakeContext(dialing); err != nil {
			return err
		}
		conn = encrypted
	}
	s.smtp, err = smtp.NewClient(conn, to.host)
	return err
}

// introduce does what comes before the first mail.
func (s *session) introduce(to *server) error {
	s.smtp.SkipSMTPUTF8(true) // addresses are ASCII, and the next server may not have it
	if err := s.smtp.Hello(to.hello); err != nil {
		return err
	}
	if to.tls == TLSStart {
		if offered, _ := s.smtp.Extension("STARTTLS"); !offered {
			return errNoSTARTTLS
		}
		if err := s.smtp.StartTLS(to.config); err != nil {
			return err
		}
	}
	if to.username == "" {
		return nil
	}
	open := to.tls == TLSNone // which New allows to this machine itself only
	_, ways := s.smtp.Extension("AUTH")
	switch offered := strings.Fields(ways); {
	case slices.Contains(offered, "PLAIN"):
		return s.smtp.Auth(smtp.PlainAuth("", to.username, to.password.Reveal(), to.host, open))
	case slices.Contains(offered, "LOGIN"):
		return s.smtp.Auth(smtp.LoginAuth(to.username, to.password.Reveal(), to.host, open))
	}
	return errNoAuth
}

// send sends one mail. It has the time of one attempt.
func (s *session) send(ctx context.Context, from, to string, mail []byte) transport.Result {
	if err := s.conn.SetDeadline(time.Now().Add(s.wire.Timeout())); err != nil {
		return s.failed(ctx, sending, err)
	}
	if problem := s.tooLong(mail); problem != nil {
		return transport.Result{Class: transport.Invalid, Err: problem}
	}
	if err := s.smtp.Mail("<" + from + ">"); err != nil {
		return s.refused(ctx, sending, err)
	}
	if err := s.smtp.Rcpt("<" + to + ">"); err != nil {
		return s.refused(ctx, naming, err)
	}
	w, err := s.smtp.Data()
	if err != nil {
		return s.refused(ctx, sending, err)
	}
	if _, err = w.Write(mail); err == nil {
		err = s.smtp.Text.W.Flush() // so that of what is lost from here on the dot may have been a part
	}
	if err != nil {
		return s.failed(ctx, sending, err)
	}
	if err := w.Close(); err != nil {
		return s.failed(ctx, ending, err)
	}
	return transport.Result{Class: transport.Done}
}

// tooLong compares a mail with the limit that the server has announced, 0 being none
// (https://www.rfc-editor.org/rfc/rfc1870#section-4).
func (s *session) tooLong(mail []byte) error {
	_, words := s.smtp.Extension("SIZE")
	if most, err := strconv.Atoi(words); err == nil && most > 0 && len(mail) > most {
		return errors.New("the mail has " + strconv.Itoa(len(mail)) + " bytes, and the server takes " + strconv.Itoa(most))
	}
	return nil
}

// refused is failed within a transaction, which is then given up for the next one.
func (s *session) refused(ctx context.Context, at step, err error) transport.Result {
	result := s.failed(ctx, at, err)
	if !s.broken {
		s.broken = s.smtp.Reset() != nil
	}
	return result
}

// failed says what an error means: the server's reply, or that there is none, after which the connection is of no use. 421
// announces that it ends.
func (s *session) failed(ctx context.Context, at step, err error) transport.Result {
	var reply *textproto.Error
	if errors.As(err, &reply) {
		s.broken = reply.Code == 421 || reply.Code/100 < 4
		return transport.Result{Class: classOf(at, reply), Body: line(reply)}
	}
	s.broken = true
	return transport.Result{Class: lostAt(at), Err: s.wire.Lost(ctx, err)}
}

// farewell is how long the end of a session may take: the mails are accepted, and somebody is waiting.
const farewell = time.Second

// close ends the session, politely if it can.
func (s *session) close() {
	if s.conn == nil {
		return
	}
	if s.smtp != nil && !s.broken && s.conn.SetDeadline(time.Now().Add(farewell)) == nil {
		_ = s.smtp.Quit() // whatever comes of it, the connection ends
	}
	s.release()
	_ = s.conn.Close() // the same
}
