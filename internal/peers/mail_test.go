package peers

import (
	"bytes"
	"cmp"
	"errors"
	"mime"
	"strings"
	"testing"

	peer "github.com/wneessen/go-mail"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/email"
	"github.com/mackerel-notify/mackerel/email/emailtest"
	"github.com/mackerel-notify/mackerel/internal/sample"
)

// The addresses of the mails in this file and in smtp_test.go.
const (
	mailFrom   = "alert@example.com"
	mailHanako = "hanako@example.com"
	mailTaro   = "taro@example.com"
)

func newMail(t *testing.T) (*emailtest.Server, *email.Notifier) {
	t.Helper()
	s := start(t, emailtest.New())
	s.Strict(true)
	config := s.Config()
	config.To, config.Call = []string{mailHanako, mailTaro}, once
	n, err := email.New(config)
	return s, must(t, n, err)
}

// mailClient returns a client that insists on TLS and logs in.
func mailClient(t *testing.T, s *emailtest.Server, password string, options ...peer.Option) *peer.Client {
	t.Helper()
	trust := s.TLSConfig()
	trust.ServerName = s.Host() // go-mail does not set it
	options = append([]peer.Option{
		peer.WithPort(s.Port()), peer.WithTLSPolicy(peer.TLSMandatory), peer.WithTLSConfig(trust),
		peer.WithSMTPAuth(peer.SMTPAuthPlain), peer.WithUsername(emailtest.Username), peer.WithPassword(password),
	}, options...)
	client, err := peer.NewClient(s.Host(), options...)
	return must(t, client, err)
}

// mailMessage is a mail in two forms with a subject that must be encoded.
func mailMessage(t *testing.T) *peer.Msg {
	t.Helper()
	m := peer.NewMsg()
	if err := errors.Join(m.FromFormat("監視", mailFrom), m.To(mailHanako, mailTaro)); err != nil {
		t.Fatal(err)
	}
	m.Subject("障害: disk full")
	m.SetDate()
	m.SetMessageID()
	m.SetBodyString(peer.TypeTextPlain, "ディスク 98 %\n")
	m.AddAlternativeString(peer.TypeTextHTML, "<p>ディスク 98 %</p>\n")
	return m
}

func TestMailClientPosts(t *testing.T) {
	s, _ := newMail(t)
	for name, options := range map[string][]peer.Option{
		"STARTTLS and PLAIN": nil,
		"STARTTLS and LOGIN": {peer.WithSMTPAuth(peer.SMTPAuthLogin)},
		"the best method":    {peer.WithSMTPAuth(peer.SMTPAuthAutoDiscover)},
		"implicit TLS":       {peer.WithSSL(), peer.WithPort(s.TLSPort())},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(s.Mails())
			client := mailClient(t, s, emailtest.Password, options...)
			if err := client.DialAndSendWithContext(t.Context(), mailMessage(t)); err != nil {
				t.Fatalf("%v: %q", err, s.Problems())
			}
			mails := s.Mails()[before:]
			count(t, "mails", mails, 1)
			equal(t, "from", mails[0].From, mailFrom)
			equal(t, "to", strings.Join(mails[0].To, " "), mailHanako+" "+mailTaro)
			equal(t, "subject", mails[0].Subject, "障害: disk full")
			equal(t, "text", mails[0].Text, "ディスク 98 %\n")
			equal(t, "HTML", mails[0].HTML, "<p>ディスク 98 %</p>\n")
		})
	}
}

// The client reports a refused login as an error without a type.
func TestMailClientIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		fault    *emailtest.Fault
		password string // emailtest.Password unless set
		reason   peer.SendErrReason
		code     int
	}{
		"a wrong password": {password: "wrong", code: 535},
		"an unknown recipient": {
			fault:  &emailtest.Fault{At: emailtest.AtRcpt, Recipient: mailTaro, Reply: "550 5.1.1 no such user"},
			reason: peer.ErrSMTPRcptTo, code: 550,
		},
		"a mail that is not accepted": {
			fault:  &emailtest.Fault{At: emailtest.AtContent, Reply: "452 4.2.2 mailbox full"},
			reason: peer.ErrSMTPDataClose, code: 452,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := newMail(t)
			if c.fault != nil {
				s.Inject(*c.fault)
			}
			client := mailClient(t, s, cmp.Or(c.password, emailtest.Password))
			err := client.DialAndSendWithContext(t.Context(), mailMessage(t))
			var refused *peer.SendError
			switch {
			case c.fault == nil && err != nil:
				contains(t, "error", err.Error(), "535")
			case !errors.As(err, &refused):
				t.Errorf("%v, want a SendError", err)
			default:
				equal(t, "reason", refused.Reason, c.reason)
				equal(t, "code", refused.ErrorCode(), c.code)
				equal(t, "temporary", refused.IsTemp(), c.code < 500)
			}
			count(t, "mails", s.Mails(), 0)
		})
	}
}

func TestMailTypesDecodeOurRequests(t *testing.T) {
	s, n := newMail(t)
	for _, entry := range sample.Alerts() {
		t.Run(entry.Name, func(t *testing.T) {
			before := len(s.Mails())
			if err := n.Notify(t.Context(), entry.Alert); err != nil {
				t.Fatalf("%v: %q", err, s.Problems())
			}
			mails := s.Mails()[before:]
			count(t, "mails", mails, 2)
			for i, to := range []string{mailHanako, mailTaro} {
				m, err := peer.EMLToMsgFromReader(bytes.NewReader(mails[i].Raw))
				checkMail(t, must(t, m, err), entry.Alert, to)
			}
		})
	}
}

// checkMail checks what the peer's parser has read from one of our mails.
func checkMail(t *testing.T, m *peer.Msg, a mackerel.Alert, to string) {
	t.Helper()
	count(t, "from", m.GetFrom(), 1)
	equal(t, "from", m.GetFrom()[0].String(), `"Mackerel" <`+mailFrom+">")
	count(t, "to", m.GetTo(), 1)
	equal(t, "to", m.GetTo()[0].Address, to)
	count(t, "subjects", m.GetGenHeader(peer.HeaderSubject), 1)
	encoded := m.GetGenHeader(peer.HeaderSubject)[0] // the parser does not decode it
	subject, err := new(mime.WordDecoder).DecodeHeader(encoded)
	equal(t, "subject", must(t, subject, err), a.Title())
	parts := m.GetParts()
	count(t, "parts", parts, 2)
	equal(t, "first part", parts[0].GetContentType(), peer.TypeTextPlain)
	equal(t, "second part", parts[1].GetContentType(), peer.TypeTextHTML)
	text, err := parts[0].GetContent()
	if err != nil {
		t.Fatal(err)
	}
	plain := strings.ReplaceAll(string(text), "\r\n", "\n")
	for _, want := range []string{email.DefaultMessage(a, mackerel.Text{}).Text, a.URL} {
		contains(t, "text", plain, want)
	}
}
