package peers

import (
	"errors"
	"net/smtp"
	"net/textproto"
	"strconv"
	"strings"
	"testing"

	peer "github.com/jordan-wright/email"

	"github.com/mackerel-notify/mackerel/email/emailtest"
)

// jwemailMail is a mail in two forms. The package sends with net/smtp of the standard library.
func jwemailMail() *peer.Email {
	m := peer.NewEmail()
	m.From, m.To = "Mackerel <"+mailFrom+">", []string{mailHanako, mailTaro}
	m.Subject = "障害: disk full"
	m.Text, m.HTML = []byte("ディスク 98 %\n"), []byte("<p>ディスク 98 %</p>\n")
	return m
}

// jwemailSend sends a mail with STARTTLS and a login.
func jwemailSend(s *emailtest.Server, password string) error {
	address := s.Host() + ":" + strconv.Itoa(s.Port())
	auth := smtp.PlainAuth("", emailtest.Username, password, s.Host())
	trust := s.TLSConfig()
	trust.ServerName = s.Host()
	return jwemailMail().SendWithStartTLS(address, auth, trust)
}

func TestJwemailClientPosts(t *testing.T) {
	s, _ := newMail(t)
	if err := jwemailSend(s, emailtest.Password); err != nil {
		t.Fatalf("%v: %q", err, s.Problems())
	}
	mails := s.Mails()
	count(t, "mails", mails, 1)
	equal(t, "from", mails[0].From, mailFrom)
	equal(t, "to", strings.Join(mails[0].To, " "), mailHanako+" "+mailTaro)
	equal(t, "subject", mails[0].Subject, "障害: disk full")
	equal(t, "text", mails[0].Text, "ディスク 98 %\n")
	equal(t, "HTML", mails[0].HTML, "<p>ディスク 98 %</p>\n")
}

func TestJwemailClientIsRefused(t *testing.T) {
	s, _ := newMail(t)
	var refused *textproto.Error
	if err := jwemailSend(s, "wrong"); !errors.As(err, &refused) || refused.Code != 535 {
		t.Errorf("%v, want a textproto.Error of 535", err)
	}
	count(t, "mails", s.Mails(), 0)
}
