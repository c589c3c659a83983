package peers

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	peer "github.com/emersion/go-smtp"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/email"
	"github.com/mackerel-notify/mackerel/email/emailtest"
	"github.com/mackerel-notify/mackerel/internal/sample"
)

// smtpPassword is the password of every user of an smtpServer.
const smtpPassword = "smtp-peer-password"

// An smtpServer is go-smtp with mailboxes in memory. Unlike the other peers it is a server: our notifier posts to it.
type smtpServer struct {
	mu     sync.Mutex
	mails  map[string][]string // by recipient
	refuse map[string]error    // what RCPT answers, by recipient
}

// NewSession implements [peer.Backend].
func (s *smtpServer) NewSession(*peer.Conn) (peer.Session, error) {
	return &smtpSession{server: s}, nil
}

func (s *smtpServer) mailsTo(recipient string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mails[recipient]
}

type smtpSession struct {
	server *smtpServer
	user   bool // a user has logged in
	to     []string
}

// AuthMechanisms implements [peer.AuthSession], and so do the methods below.
func (s *smtpSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *smtpSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, _, password string) error {
		if password != smtpPassword {
			return peer.ErrAuthFailed
		}
		s.user = true
		return nil
	}), nil
}

func (s *smtpSession) Mail(string, *peer.MailOptions) error {
	if !s.user {
		return peer.ErrAuthRequired
	}
	return nil
}

func (s *smtpSession) Rcpt(to string, _ *peer.RcptOptions) error {
	if err := s.server.refuse[to]; err != nil {
		return err
	}
	s.to = append(s.to, to)
	return nil
}

func (s *smtpSession) Data(r io.Reader) error {
	mail, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	for _, to := range s.to {
		s.server.mails[to] = append(s.server.mails[to], string(mail))
	}
	return nil
}

func (s *smtpSession) Reset() { s.to = nil }

func (s *smtpSession) Logout() error { return nil }

// newSMTP starts a server that offers STARTTLS, with the certificate that net/http/httptest has for the loopback
// addresses, and returns the configuration of a notifier that sends to hanako and taro through it.
func newSMTP(t *testing.T, refuse map[string]error) (*smtpServer, email.Config) {
	t.Helper()
	certificate := httptest.NewTLSServer(nil)
	t.Cleanup(certificate.Close)
	backend := &smtpServer{mails: make(map[string][]string), refuse: refuse}
	server := peer.NewServer(backend)
	server.Domain, server.TLSConfig, server.ErrorLog = "localhost", certificate.TLS, log.New(io.Discard, "", 0)
	var listen net.ListenConfig
	listener, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		if err := errors.Join(server.Close(), <-done); err != nil && !errors.Is(err, peer.ErrServerClosed) {
			t.Error(err)
		}
	})
	return backend, email.Config{
		Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port,
		TLSConfig: certificate.Client().Transport.(*http.Transport).TLSClientConfig,
		Username:  "alert", Password: mackerel.NewSecret(smtpPassword),
		From: mailFrom, To: []string{mailHanako, mailTaro}, Call: once,
	}
}

func TestSMTPServerTakesOurMails(t *testing.T) {
	server, config := newSMTP(t, nil)
	n, err := email.New(config)
	must(t, n, err)
	for i, entry := range sample.Alerts() {
		if err := n.Notify(t.Context(), entry.Alert); err != nil {
			t.Fatalf("%s: %v", entry.Name, err)
		}
		for _, to := range config.To {
			mails := server.mailsTo(to)
			count(t, entry.Name, mails, i+1)
			m, err := emailtest.Parse([]byte(mails[i]))
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "subject", m.Subject, entry.Alert.Title())
			contains(t, "to", m.Header.Get("To"), to)
			contains(t, "text", m.Text, entry.Alert.URL)
		}
	}
}

func TestSMTPServerRefusesOurMails(t *testing.T) {
	t.Run("a wrong password", func(t *testing.T) {
		server, config := newSMTP(t, nil)
		config.Password = mackerel.NewSecret("wrong")
		n, err := email.New(config)
		err = must(t, n, err).Notify(t.Context(), sample.Alerts()[0].Alert)
		if !errors.Is(err, mackerel.ErrUnauthorized) {
			t.Errorf("%v, want ErrUnauthorized", err)
		}
		count(t, "mails", server.mailsTo(mailHanako), 0)
	})
	unknown := &peer.SMTPError{Code: 550, EnhancedCode: peer.EnhancedCode{5, 1, 1}, Message: "no such user"}
	full := &peer.SMTPError{Code: 452, EnhancedCode: peer.EnhancedCode{4, 2, 2}, Message: "mailbox full"}
	for name, c := range map[string]struct {
		refusal *peer.SMTPError
		want    error
	}{
		"an unknown recipient": {unknown, mackerel.ErrNotFound},
		"a full mailbox":       {full, mackerel.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			server, config := newSMTP(t, map[string]error{mailTaro: c.refusal})
			n, err := email.New(config)
			err = must(t, n, err).Notify(t.Context(), sample.Alerts()[0].Alert)
			failures := mackerel.Failures(err)
			count(t, "failures", failures, 1)
			if !errors.Is(failures[0].Err, c.want) || !strings.Contains(failures[0].Err.Error(), c.refusal.Message) {
				t.Errorf("%v, want %v and the server's words", failures[0].Err, c.want)
			}
			count(t, "mails to hanako", server.mailsTo(mailHanako), 1)
			count(t, "mails to taro", server.mailsTo(mailTaro), 0)
		})
	}
}
