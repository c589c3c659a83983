package emailtest_test

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mackerel-notify/mackerel/email/emailtest"
	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/servicetest"
)

// A client sends lines and reads a reply after each.
type client struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

// newClient connects to port 587, or 465.
func newClient(t *testing.T, s *emailtest.Server, port string) *client {
	t.Helper()
	conn, err := s.Dial(t.Context(), "tcp", net.JoinHostPort(emailtest.MemoryHost, port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // how it ends concerns no test
	c := &client{t, conn, bufio.NewReader(conn)}
	if port == "465" {
		c.encrypt(s)
	}
	c.want("220")
	return c
}

func (c *client) encrypt(s *emailtest.Server) {
	config := s.TLSConfig()
	config.ServerName = emailtest.MemoryHost
	conn := tls.Client(c.conn, config)
	c.conn, c.in = conn, bufio.NewReader(conn)
}

// want reads a reply and checks its beginning.
func (c *client) want(begins string) string {
	c.t.Helper()
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			c.t.Fatalf("%v; want %s", err, begins)
		}
		if len(line) > 3 && line[3] == '-' {
			continue
		}
		if !strings.HasPrefix(line, begins) {
			c.t.Errorf("%q, want %s", line, begins)
		}
		return line
	}
}

// say sends lines, each followed by the beginning of its reply: "EHLO x", "250", ...
func (c *client) say(linesAndReplies ...string) {
	c.t.Helper()
	for i := 0; i < len(linesAndReplies); i += 2 {
		if _, err := io.WriteString(c.conn, linesAndReplies[i]+"\r\n"); err != nil {
			c.t.Fatal(err)
		}
		if reply := linesAndReplies[i+1]; reply != "" {
			c.want(reply)
		}
	}
}

var credentials = base64.StdEncoding.EncodeToString([]byte("\x00" + emailtest.Username + "\x00" + emailtest.Password))

// ready returns a client after AUTH.
func ready(t *testing.T, s *emailtest.Server) *client {
	t.Helper()
	c := newClient(t, s, "465")
	c.say("EHLO x", "250", "AUTH PLAIN "+credentials, "235")
	return c
}

const good = "From: a@example.com\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n"

func TestASession(t *testing.T) {
	s := servicetest.Start(t, emailtest.New())
	c := newClient(t, s, "587")
	c.say("EHLO x", "250", "STARTTLS", "220")
	c.encrypt(s)
	c.say("EHLO x", "250", "AUTH LOGIN", "334 VXNlcm5hbWU6", base64.StdEncoding.EncodeToString([]byte(emailtest.Username)), "334",
		base64.StdEncoding.EncodeToString([]byte(emailtest.Password)), "235",
		"mail from:<a@example.com> SIZE=1000 BODY=8BITMIME", "250", "RCPT TO:<b@example.com>", "250", "rcpt to:<c@example.com>", "250",
		"DATA", "354", good+"Subject: =?utf-8?b?6Zqc5a6z?=\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n..\r\n障害\r\n.", "250", "NOOP", "250", "RSET", "250", "QUIT", "221")
	if _, err := c.in.ReadByte(); err == nil {
		t.Error("the connection is still open")
	}
	m := s.Mails()[0]
	if m.From != "a@example.com" || strings.Join(m.To, " ") != "b@example.com c@example.com" || m.Subject != "障害" || m.Text != ".\n障害\n" || !m.TLS || m.User != emailtest.Username || m.Time.IsZero() {
		t.Errorf("%+v", m)
	}
	if len(s.Problems()) != 0 || s.Connections() != 1 || !slices.Contains(s.Commands(), "STARTTLS") {
		t.Errorf("%q, %d, %q", s.Problems(), s.Connections(), s.Commands())
	}
}

// TestCommandsThatAreRefused tries all in sessions that go on after each refusal.
func TestCommandsThatAreRefused(t *testing.T) {
	s := servicetest.Start(t, emailtest.New())
	c := newClient(t, s, "587")
	c.say("MAIL FROM:<a@b>", "503", "EHLO", "501", "EHLO a b", "501", "HELO x", "250", "EHLO x", "250", "MAIL FROM:<a@b>", "530",
		"AUTH PLAIN "+credentials, "538", "STARTTLS now", "501", "EXPN b", "500", "", "500")
	c = newClient(t, s, "465")
	c.say("AUTH PLAIN "+credentials, "503", "EHLO x", "250", "STARTTLS", "503", "MAIL FROM:<a@b>", "530", "AUTH CRAM-MD5", "504", "AUTH PLAIN !", "535",
		"AUTH PLAIN", "334", base64.StdEncoding.EncodeToString([]byte("x\x00y\x00z")), "535", "AUTH PLAIN "+credentials, "235", "AUTH PLAIN "+credentials, "503",
		"RCPT TO:<a@b>", "503", "DATA", "503", "MAIL FROM:a@b", "501", "MAIL TO:<a@b>", "501", "MAIL FROM:<a b>", "501", `MAIL FROM:<"a>@b>`, "501",
		`MAIL FROM:<"a> b"c@d>`, "501", "MAIL FROM:<a@b>x", "501",
		"MAIL FROM:<a@b> SMTPUTF8", "555", "MAIL FROM:<a@b> SIZE=99999999", "552", "MAIL FROM:<a@b> BODY=x", "555", `MAIL FROM:<"a\"> b"@c>`, "250", "RSET", "250",
		"MAIL FROM:<>", "250", "MAIL FROM:<a@b>", "503",
		"RCPT TO:<>", "501", "RCPT TO:<ä@b>", "501", "RCPT TO:<a@b> NOTIFY=NEVER", "555", "DATA", "503", "RCPT TO:<a@b>", "250", "DATA x", "501", "RSET", "250", "DATA", "503")
	if len(s.Problems()) < 20 || len(s.Mails()) != 0 {
		t.Errorf("%q", s.Problems())
	}
}

// TestLinesThatEndASession: after such a line it is not known where the next line begins.
func TestLinesThatEndASession(t *testing.T) {
	for _, line := range []string{"NOOP\n", "NOOP\rx\r\n", "NO\x00OP\r\n", strings.Repeat("x", 600) + "\r\n"} {
		c := newClient(t, servicetest.Start(t, emailtest.New()), "587")
		if _, err := io.WriteString(c.conn, line); err != nil {
			t.Fatal(err)
		}
		c.want("500")
		if _, err := c.in.ReadByte(); err == nil {
			t.Errorf("%q does not end the session", line)
		}
	}
}

// TestMailsThatAreRefused sends mails with one fault each.
func TestMailsThatAreRefused(t *testing.T) {
	multipart := good + "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
	for name, raw := range map[string]string{
		"no header":                  "hello\r\n",
		"no end of the header":       good,
		"no field":                   good + "hello\r\n\r\n",
		"a line of white space":      good + "Subject: a\r\n \r\n b\r\n\r\n",
		"bytes in the header":        good + "Subject: é\r\n\r\n",
		"no From":                    "Date: Thu, 01 Jan 2026 00:00:00 +0000\r\nMessage-ID: <1@x>\r\n\r\n",
		"no Date":                    "From: a@x\r\nMessage-ID: <1@x>\r\n\r\n",
		"no Message-ID":              "From: a@x\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\n\r\n",
		"no date that is one":        strings.Replace(good, "Thu, 01 Jan", "x", 1) + "\r\n",
		"a Message-ID without @":     strings.Replace(good, "<1@example.com>", "<1>", 1) + "\r\n",
		"two subjects":               good + "Subject: a\r\nSubject: b\r\n\r\n",
		"To is no address":           good + "To: hanako\r\n\r\n",
		"References are none":        good + "References: x\r\n\r\n",
		"a subject with a break":     good + "Subject: =?utf-8?q?a=0D=0ABcc:_x?=\r\n\r\n",
		"a subject in bad UTF-8":     good + "Subject: =?utf-8?q?=FF?=\r\n\r\n",
		"no Content-Type":            good + "Content-Type: x y\r\n\r\n",
		"an unknown encoding":        good + "Content-Transfer-Encoding: x\r\n\r\n",
		"no base64":                  good + "Content-Transfer-Encoding: base64\r\n\r\n!\r\n",
		"an unknown character set":   good + "Content-Type: text/plain; charset=x\r\n\r\n",
		"bad UTF-8 in base64":        good + "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n/w==\r\n",
		"UTF-8 that is said ASCII":   good + "Content-Transfer-Encoding: base64\r\n\r\n6Zqc\r\n",
		"a multipart without a part": multipart + "\r\n",
		"a multipart without an end": multipart + "--b\r\n\r\nx\r\n",
		"a bare LF":                  good + "\r\na\nb\r\n",
		"a bare CR":                  good + "\r\na\rb\r\n",
		"a line too long":            good + "\r\n" + strings.Repeat("x", 999) + "\r\n",
		"bytes without 8BITMIME":     good + "\r\n障害\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := servicetest.Start(t, emailtest.New())
			s.Strict(true)
			c := ready(t, s)
			c.say("MAIL FROM:<a@b>", "250", "RCPT TO:<a@b>", "250", "DATA", "354", raw+".", "554 5.6.0", "MAIL FROM:<a@b>", "250")
			if s.Accepted() != 0 || len(s.Problems()) != 1 {
				t.Errorf("%d mails, %q", len(s.Mails()), s.Problems())
			}
		})
	}
}

func TestDateAndMessageIDMayBeMissingUnlessTheFakeIsStrict(t *testing.T) {
	s := servicetest.Start(t, emailtest.New())
	ready(t, s).say("MAIL FROM:<a@b>", "250", "RCPT TO:<a@b>", "250", "DATA", "354", "From: a@b\r\n\r\nx\r\n.", "250")
	ready(t, s).say("MAIL FROM:<a@b>", "250", "RCPT TO:<a@b>", "250", "DATA", "354", "Subject: a\r\n\r\nx\r\n.", "554")
	if s.Accepted() != 1 || s.Mails()[0].Text != "x\n" {
		t.Errorf("%q, %+v", s.Problems(), s.Mails())
	}
}

// TestMailsOfOtherProgramsAreAccepted has mails as other programs write them.
func TestMailsOfOtherProgramsAreAccepted(t *testing.T) {
	const utf8Text = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n障害\r\n"
	for name, test := range map[string]struct{ raw, subject, text string }{
		"8bit without BODY=8BITMIME, by msmtp and smtplib": {good + "Subject: =?utf-8?b?6Zqc5a6z?=\r\n" + utf8Text, "障害", "障害\n"},
		"ISO-8859-1, by mutt": {
			good + "Subject: =?iso-8859-1?Q?caf=E9?=\r\nContent-Type: text/plain; charset=iso-8859-1\r\n" +
				"Content-Transfer-Encoding: quoted-printable\r\n\r\ncaf=E9\r\n", "café", "café\n",
		},
		"ISO-2022-JP, by mailers in Japan": {
			good + "To: =?ISO-2022-JP?B?GyRCMlY7UhsoQg==?= <hanako@example.com>\r\nSubject: =?ISO-2022-JP?B?GyRCPmMzMhsoQg==?=\r\n" +
				"Content-Type: text/plain; charset=ISO-2022-JP\r\n\r\n\x1b$B>c32\x1b(B\r\n",
			"=?ISO-2022-JP?B?GyRCPmMzMhsoQg==?=", "\x1b$B>c32\x1b(B\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := servicetest.Start(t, emailtest.New())
			c := ready(t, s)
			send := []string{"MAIL FROM:<a@b>", "250", "VRFY b@c", "252", "RCPT TO:<b@c>", "250", "DATA", "354", test.raw + ".", "250"}
			c.say(send...)
			if m := s.Mails()[0]; m.Subject != test.subject || m.Text != test.text {
				t.Errorf("%q, %q", m.Subject, m.Text)
			}
			s.Strict(true)
			send[len(send)-1] = "554"
			c.say(send...)
		})
	}
}

func TestAccountsAreAddedAndRevoked(t *testing.T) {
	s := servicetest.Start(t, emailtest.New())
	s.AddToken("second:a:b")
	s.RevokeToken(emailtest.Username + ":" + emailtest.Password)
	c := newClient(t, s, "465")
	second := base64.StdEncoding.EncodeToString([]byte("\x00second\x00a:b"))
	c.say("EHLO x", "250", "AUTH PLAIN "+credentials, "535", "AUTH PLAIN "+second, "235")
}

func TestTheRateIsLimitedIfToldTo(t *testing.T) {
	s := servicetest.Start(t, emailtest.New())
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s.SetClock(func() time.Time { return now })
	s.Documented() // which is no limit
	c := ready(t, s)
	mail := []string{"MAIL FROM:<a@b>", "250", "RCPT TO:<a@b>", "250", "DATA", "354", good + "\r\nx\r\n.", "250"}
	c.say(mail...)
	c.say(mail...)
	s.SetLimit("mails", 1, time.Minute)
	c.say(mail...)
	c.say("MAIL FROM:<a@b>", "450", "RCPT TO:<a@b>", "503")
	s.Advance(time.Minute)
	c.say(mail...)
	if all := s.Mails(); s.Accepted() != 4 || !all[0].Time.Equal(now) || !all[3].Time.Equal(now.Add(time.Minute)) {
		t.Errorf("%d mails, %v", s.Accepted(), all[3].Time)
	}
}

// TestParts: all encodings are decoded, and the first part of each kind counts.
func TestParts(t *testing.T) {
	raw := good + "Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n" +
		"--i\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\n\r\n6Zqc5a6z\r\n" +
		"--i\r\nContent-Type: text/html; charset=UTF-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<b>=E9=9A=\r\n=9C</b>\r\n--i--\r\n" +
		"--o\r\nContent-Type: text/plain\r\n\r\nsecond\r\n--o\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--o--\r\n"
	m, err := emailtest.Parse([]byte(raw))
	if err != nil || m.Text != "障害" || m.HTML != "<b>障</b>" || strings.Join(m.Types, " ") != "multipart/mixed multipart/alternative text/plain text/html text/plain image/png" {
		t.Errorf("%v, %+v", err, m)
	}
}

// TestFilesMayHaveAnyBytes has attachments as Symfony, Swift Mailer and PHPMailer write them: a text file has no
// character set.
func TestFilesMayHaveAnyBytes(t *testing.T) {
	raw := good + "Content-Type: multipart/mixed; boundary=b\r\n\r\n" +
		"--b\r\nContent-Type: text/plain; name=log.txt\r\nContent-Transfer-Encoding: base64\r\n" +
		"Content-Disposition: attachment; name=log.txt; filename=log.txt\r\n\r\n6Zqc5a6z\r\n" +
		"--b\r\nContent-Type: text/html\r\nContent-Disposition: inline; filename=a.html\r\n\r\n<p>file</p>\r\n" +
		"--b\r\nContent-Type: text/plain\r\nContent-Disposition: inline\r\n\r\nsee the file\r\n--b--\r\n"
	m, err := emailtest.Parse([]byte(raw))
	if err != nil || m.Text != "see the file" || m.HTML != "" || len(m.Types) != 4 {
		t.Errorf("%v, %+v", err, m)
	}
}

// TestTheCertificateHasAnIssuer: curl refuses a certificate without the name of an issuer.
func TestTheCertificateHasAnIssuer(t *testing.T) {
	c := newClient(t, servicetest.Start(t, emailtest.New()), "465")
	leaf := c.conn.(*tls.Conn).ConnectionState().PeerCertificates[0] //nolint:forcetypeassert // of port 465
	if leaf.Issuer.CommonName == "" || leaf.Issuer.String() != leaf.Subject.String() {
		t.Errorf("%q, %q", leaf.Issuer, leaf.Subject)
	}
}

func TestHiddenExtensionsAreRefused(t *testing.T) {
	s := servicetest.Start(t, emailtest.New())
	s.Hide("STARTTLS", "AUTH", "SIZE")
	c := newClient(t, s, "587")
	c.say("EHLO x", "250", "STARTTLS", "503", "MAIL FROM:<a@b> SIZE=1", "555", "MAIL FROM:<a@b>", "250")
	plain := servicetest.Start(t, emailtest.New())
	plain.Hide("STARTTLS", "AUTH LOGIN")
	c = newClient(t, plain, "587")
	c.say("EHLO x", "250", "AUTH LOGIN", "504", "AUTH PLAIN "+credentials, "235")
}

func TestFaultsHappenAsOftenAsTheySay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := servicetest.Start(t, emailtest.New())
		s.Inject(
			emailtest.Fault{At: emailtest.AtRcpt, Recipient: "B@example.com", Reply: "550 5.1.1 no", Times: 2},
			emailtest.Fault{At: emailtest.AtMail, Reply: "451 later"},
			emailtest.Fault{At: emailtest.AtContent, Reply: "452 full", Handled: true},
			emailtest.Fault{At: emailtest.AtReset, Reply: "421 tired"},
		)
		c := ready(t, s)
		c.say("MAIL FROM:<a@b>", "451 later", "MAIL FROM:<a@b>", "250", "RCPT TO:<a@b>", "250", "RCPT TO:<b@example.com>", "550", "RCPT TO:<b@example.com>", "550",
			"RCPT TO:<b@example.com>", "250", "DATA", "354", good+"\r\nx\r\n.", "452", "RSET", "421")
		if _, err := c.in.ReadByte(); err == nil || strings.Join(s.Mails()[0].To, " ") != "a@b b@example.com" {
			t.Errorf("%v, %+v", err, s.Mails())
		}
		s.Inject(emailtest.Fault{At: emailtest.AtConnect, Break: fakehttp.CloseConnection, Times: -1})
		s.Clear()
		c = newClient(t, s, "587")
		s.Inject(emailtest.Fault{At: emailtest.AtHello, Break: fakehttp.Silence})
		c.say("EHLO x", "")
		synctest.Wait()
		s.Close()
		if _, err := c.in.ReadByte(); err == nil {
			t.Error("it has answered")
		}
	})
}

func TestFaultsThatCannotBeAppliedPanic(t *testing.T) {
	s := servicetest.Start(t, emailtest.New())
	for _, f := range []emailtest.Fault{
		{At: "x", Reply: "550 x"},
		{At: emailtest.AtMail},
		{At: emailtest.AtMail, Break: fakehttp.HalfBody},
		{At: emailtest.AtMail, Reply: "no"},
		{At: emailtest.AtMail, Reply: "550 x\r\n"},
		{At: emailtest.AtBody, Reply: "550 x"},
		{At: emailtest.AtMail, Handled: true, Break: fakehttp.CloseConnection},
	} {
		if !panics(func() { s.Inject(f) }) {
			t.Errorf("%+v does not panic", f)
		}
	}
	if !panics(func() { s.Hide("x") }) {
		t.Error("an unknown extension does not panic")
	}
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return false
}

// TestClose: a closed server refuses connections, and can be closed again.
func TestClose(t *testing.T) {
	s := emailtest.New()
	address := net.JoinHostPort(s.Host(), strconv.Itoa(s.Port()))
	s.Close()
	s.Close()
	if _, err := s.Dial(t.Context(), "tcp", "x:587"); err == nil {
		t.Error("a connection in memory")
	}
	if _, err := net.Dial("tcp", address); err == nil {
		t.Error("a connection to the port")
	}
	if _, err := net.Dial("tcp", net.JoinHostPort(s.Host(), strconv.Itoa(s.TLSPort()))); err == nil {
		t.Error("a connection to a port of later")
	}
}

func TestCredentialsAreNotAmongTheCommands(t *testing.T) {
	s := servicetest.Start(t, emailtest.New())
	ready(t, s)
	if all := strings.Join(s.Commands(), "\n"); strings.Contains(all, credentials) || !strings.Contains(all, "AUTH PLAIN [redacted]") {
		t.Error(all)
	}
}

// FuzzParse checks that Parse does not panic, and that a mail without an error has what a mail must have.
func FuzzParse(f *testing.F) {
	f.Add([]byte(good + "\r\nx\r\n"))
	f.Add([]byte(good + "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n"))
	f.Add([]byte(good + "Subject: =?utf-8?b?6Zqc5a6z?=\r\nContent-Transfer-Encoding: base64\r\n\r\n6Zqc\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := emailtest.Parse(raw)
		if err == nil && (m.Header.Get("From") == "" || len(m.Types) == 0 || strings.ContainsAny(m.Subject, "\r\n")) {
			t.Errorf("%+v", m)
		}
	})
}
