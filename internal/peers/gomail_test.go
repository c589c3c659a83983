package peers

import (
	"cmp"
	"strings"
	"testing"

	peer "gopkg.in/gomail.v2"

	"github.com/mackerel-notify/mackerel/email/emailtest"
)

// gomailDialer returns a dialer that uses STARTTLS, because the fake offers it, and logs in.
func gomailDialer(s *emailtest.Server, password string) *peer.Dialer {
	d := peer.NewDialer(s.Host(), s.Port(), emailtest.Username, password)
	d.TLSConfig = s.TLSConfig()
	d.TLSConfig.ServerName = s.Host() // gomail does not set it
	return d
}

func gomailMessage() *peer.Message {
	m := peer.NewMessage()
	m.SetHeader("From", m.FormatAddress(mailFrom, "監視"))
	m.SetHeader("To", mailHanako, mailTaro)
	m.SetHeader("Subject", "障害: disk full")
	m.SetBody("text/plain", "ディスク 98 %\n")
	m.AddAlternative("text/html", "<p>ディスク 98 %</p>\n")
	return m
}

func TestGomailClientPosts(t *testing.T) {
	for name, change := range map[string]func(*peer.Dialer, *emailtest.Server){
		"STARTTLS":     func(*peer.Dialer, *emailtest.Server) {},
		"implicit TLS": func(d *peer.Dialer, s *emailtest.Server) { d.Port, d.SSL = s.TLSPort(), true },
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := newMail(t)
			s.Strict(false) // gomail writes no Message-ID
			d := gomailDialer(s, emailtest.Password)
			change(d, s)
			if err := d.DialAndSend(gomailMessage()); err != nil {
				t.Fatalf("%v: %q", err, s.Problems())
			}
			mails := s.Mails()
			count(t, "mails", mails, 1)
			equal(t, "from", mails[0].From, mailFrom)
			equal(t, "to", strings.Join(mails[0].To, " "), mailHanako+" "+mailTaro)
			equal(t, "subject", mails[0].Subject, "障害: disk full")
			equal(t, "text", mails[0].Text, "ディスク 98 %\n")
			equal(t, "HTML", mails[0].HTML, "<p>ディスク 98 %</p>\n")
		})
	}
}

func TestGomailClientIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		fault    *emailtest.Fault
		password string // emailtest.Password unless set
		code     string
	}{
		"a wrong password": {password: "wrong", code: "535"},
		"an unknown recipient": {
			fault: &emailtest.Fault{At: emailtest.AtRcpt, Recipient: mailTaro, Reply: "550 5.1.1 no such user"},
			code:  "5.1.1 no such user",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := newMail(t)
			if c.fault != nil {
				s.Inject(*c.fault)
			}
			d := gomailDialer(s, cmp.Or(c.password, emailtest.Password))
			refused(t, d.DialAndSend(gomailMessage()), c.code)
			count(t, "mails", s.Mails(), 0)
		})
	}
}
