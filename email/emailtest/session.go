package emailtest

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/mackerel-notify/mackerel/fakehttp"
)

// The longest lines, in bytes with their CR LF (https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1).
const (
	maxCommand = 512
	maxLine    = 1000
)

// A session is one connection.
type session struct {
	server *Server
	conn   net.Conn // as it was accepted
	in     *bufio.Reader
	out    io.Writer

	tls   bool
	user  string
	hello bool // there was an EHLO or HELO since TLS began
	mail  transaction
}

// A transaction is a mail on its way, from MAIL on.
type transaction struct {
	begun     bool
	from      string
	to        []string
	eightBits bool
}

// run talks to the client until the session ends.
func (s *session) run(implicit bool) error {
	if implicit {
		if err := s.encrypt(); err != nil {
			return err
		}
	}
	done, err := s.fail(AtConnect)
	if !done {
		err = s.reply("220 " + MemoryHost + " ESMTP emailtest")
	}
	if err != nil {
		return err
	}
	for {
		line, err := s.line()
		if err != nil {
			return err
		}
		s.server.note(line)
		if err := s.command(line); err != nil {
			return err
		}
	}
}

func (s *session) encrypt() error {
	certificates := []tls.Certificate{certificate()}
	conn := tls.Server(s.conn, &tls.Config{Certificates: certificates, MinVersion: tls.VersionTLS12})
	if err := conn.Handshake(); err != nil {
		return err
	}
	*s = session{server: s.server, conn: s.conn, in: bufio.NewReader(conn), out: conn, tls: true}
	return nil
}

// line reads one line without its end. A malformed line ends the session.
func (s *session) line() (string, error) {
	line, err := s.in.ReadString('\n')
	if err != nil {
		return "", err
	}
	text, whole := strings.CutSuffix(line, "\r\n")
	if !whole || len(line) > maxCommand || strings.ContainsAny(text, "\r\x00") {
		if err := s.refuse("500 5.5.2", "a line too long or without CR LF"); err != nil {
			return "", err
		}
		return "", errHangUp
	}
	return text, nil
}

// reply sends the lines of a reply. All but the last have their hyphen already.
func (s *session) reply(lines ...string) error {
	_, err := io.WriteString(s.out, strings.Join(lines, "\r\n")+"\r\n")
	return err
}

// fail applies a pending fault, and reports whether there was one. The error ends the session.
func (s *session) fail(at Step, recipients ...string) (bool, error) {
	f, found := s.server.fault(at, recipients)
	if !found {
		return false, nil
	}
	return true, s.apply(f)
}

func (s *session) apply(f Fault) error {
	switch f.Break {
	case fakehttp.CloseConnection:
		return errBroken
	case fakehttp.Silence:
		<-s.server.closing // until then nothing is read
		return errBroken
	default:
	}
	if err := s.reply(f.Reply); err != nil {
		return err
	}
	if strings.HasPrefix(f.Reply, "421") {
		return errHangUp
	}
	return nil
}

// refuse replies that something is wrong, and remembers why.
func (s *session) refuse(reply, problem string) error {
	s.server.problems.Add(problem)
	return s.reply(reply + " " + problem)
}

// command handles one command. The error ends the session.
func (s *session) command(line string) error {
	verb, rest, _ := strings.Cut(line, " ")
	verb = strings.ToUpper(verb)
	at := Step(verb)
	if verb == "HELO" {
		at = AtHello
	}
	if at != AtRcpt { // its recipient is not known yet
		if done, err := s.fail(at, s.mail.to...); done {
			return err
		}
	}
	switch verb {
	case "EHLO", "HELO":
		return s.greet(verb, rest)
	case "STARTTLS":
		return s.startTLS(rest)
	case "AUTH":
		return s.authenticate(rest)
	case "MAIL":
		return s.begin(rest)
	case "RCPT":
		return s.address(rest)
	case "DATA":
		return s.data(rest)
	case "RSET":
		s.mail = transaction{}
		return s.reply("250 2.0.0 forgotten")
	case "NOOP":
		return s.reply("250 2.0.0 yes")
	case "VRFY": // which every server has to know (https://www.rfc-editor.org/rfc/rfc5321#section-4.5.1)
		return s.reply("252 2.5.2 send a mail, and see")
	case "QUIT":
		if err := s.reply("221 2.0.0 good bye"); err != nil {
			return err
		}
		return errHangUp
	}
	return s.refuse("500 5.5.1", "unknown command "+strconv.Quote(verb))
}

func (s *session) greet(verb, name string) error {
	if name == "" || strings.ContainsAny(name, " \t") {
		return s.refuse("501 5.5.4", verb+" needs the name of the client's machine")
	}
	s.hello, s.mail = true, transaction{}
	if verb == "HELO" {
		return s.reply("250 " + MemoryHost)
	}
	lines := []string{"250-" + MemoryHost, "250-8BITMIME"}
	if s.server.offers("SIZE") {
		lines = append(lines, "250-SIZE "+strconv.Itoa(s.server.limit()))
	}
	ways := s.ways()
	switch {
	case !s.tls && s.server.offers("STARTTLS"):
		lines = append(lines, "250-STARTTLS")
	case len(ways) > 0:
		lines = append(lines, "250-AUTH "+strings.Join(ways, " "))
	}
	return s.reply(append(lines, "250 ENHANCEDSTATUSCODES")...)
}

// ways returns the ways to authenticate.
func (s *session) ways() []string {
	var ways []string
	for _, way := range []string{"PLAIN", "LOGIN"} {
		if s.server.offers("AUTH") && s.server.offers("AUTH "+way) {
			ways = append(ways, way)
		}
	}
	return ways
}

func (s *session) startTLS(parameter string) error {
	switch {
	case parameter != "":
		return s.refuse("501 5.5.4", "STARTTLS takes no parameter")
	case s.tls || !s.server.offers("STARTTLS"):
		return s.refuse("503 5.5.1", "STARTTLS is not offered")
	}
	if err := s.reply("220 2.0.0 go ahead"); err != nil {
		return err
	}
	return s.encrypt()
}

func (s *session) authenticate(parameters string) error {
	way, initial, _ := strings.Cut(parameters, " ")
	switch {
	case !s.hello || s.mail.begun || s.user != "":
		return s.refuse("503 5.5.1", "AUTH out of order")
	case !s.tls && s.server.offers("STARTTLS"):
		return s.refuse("538 5.7.11", "encryption is required for AUTH")
	case !slices.Contains(s.ways(), strings.ToUpper(way)):
		return s.refuse("504 5.5.4", "unknown way to authenticate "+strconv.Quote(way))
	}
	user, password, err := s.credentials(strings.ToUpper(way), initial)
	if err != nil {
		return err
	}
	if !s.server.state.HasToken(user + ":" + password) {
		return s.refuse("535 5.7.8", "wrong user or password")
	}
	s.user = user
	return s.reply("235 2.7.0 welcome")
}

// credentials reads what follows AUTH. Malformed credentials are empty.
func (s *session) credentials(way, initial string) (user, password string, err error) {
	if way == "PLAIN" {
		if initial == "" {
			initial, err = s.ask("")
		}
		parts := strings.Split(decoded(initial), "\x00") // authorization identity, user, password
		if len(parts) != 3 || parts[0] != "" && parts[0] != parts[1] {
			return "", "", err
		}
		return parts[1], parts[2], err
	}
	if initial == "" {
		if initial, err = s.ask("Username:"); err != nil {
			return "", "", err
		}
	}
	answer, err := s.ask("Password:")
	return decoded(initial), decoded(answer), err
}

func (s *session) ask(question string) (string, error) {
	if err := s.reply("334 " + base64.StdEncoding.EncodeToString([]byte(question))); err != nil {
		return "", err
	}
	return s.line()
}

// decoded returns "" if s is not base64.
func decoded(s string) string {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return ""
	}
	return string(b)
}

// begin handles MAIL FROM.
func (s *session) begin(rest string) error {
	from, parameters, ok := path(mailFrom, rest)
	switch {
	case !s.hello || s.mail.begun:
		return s.refuse("503 5.5.1", "MAIL out of order")
	case !s.tls && s.server.offers("STARTTLS"):
		return s.refuse("530 5.7.0", "STARTTLS first")
	case s.user == "" && len(s.ways()) > 0:
		return s.refuse("530 5.7.0", "AUTH first")
	case !ok:
		return s.refuse("501 5.1.7", "MAIL needs FROM:<address>")
	}
	t := transaction{begun: true, from: from}
	for _, p := range parameters {
		if reply, problem := s.parameter(&t, p); reply != "" {
			return s.refuse(reply, problem)
		}
	}
	if !s.server.state.Take(lane, s.user).OK {
		return s.refuse("450 4.2.1", "too many mails")
	}
	s.mail = t
	return s.reply("250 2.1.0 go on")
}

// parameter reads a parameter of MAIL. It returns the reply and the problem if the parameter is refused.
func (s *session) parameter(t *transaction, p string) (reply, problem string) {
	name, value, _ := strings.Cut(strings.ToUpper(p), "=")
	size, err := strconv.Atoi(value)
	switch {
	case name == "BODY" && (value == "8BITMIME" || value == "7BIT"):
		t.eightBits = value == "8BITMIME"
	case name != "SIZE" || err != nil || !s.server.offers("SIZE"):
		return "555 5.5.4", "unknown parameter " + strconv.Quote(p)
	case size > s.server.limit():
		return "552 5.3.4", "the mail is too long"
	}
	return "", ""
}

// address handles RCPT TO.
func (s *session) address(rest string) error {
	to, parameters, ok := path(rcptTo, rest)
	switch {
	case !s.mail.begun:
		return s.refuse("503 5.5.1", "RCPT without MAIL")
	case !ok || to == "":
		return s.refuse("501 5.1.3", "RCPT needs TO:<address>")
	case len(parameters) > 0:
		return s.refuse("555 5.5.4", "unknown parameter "+strconv.Quote(parameters[0]))
	}
	if done, err := s.fail(AtRcpt, to); done {
		return err
	}
	s.mail.to = append(s.mail.to, to)
	return s.reply("250 2.1.5 go on")
}

// mailFrom and rcptTo find the address, whose local part may be quoted, and the parameters.
var (
	mailFrom = regexp.MustCompile(`(?i)^FROM:<((?:"(?:[^"\\]|\\.)*")?[^">]*)>( .*)?$`)
	rcptTo   = regexp.MustCompile(`(?i)^TO:<((?:"(?:[^"\\]|\\.)*")?[^">]*)>( .*)?$`)
)

// path reads the address, which is empty for a bounce, and the parameters after it.
func path(form *regexp.Regexp, rest string) (address string, parameters []string, ok bool) {
	parts := form.FindStringSubmatch(rest)
	if parts == nil {
		return "", nil, false
	}
	_, err := mail.ParseAddress("<" + parts[1] + ">")
	return parts[1], strings.Fields(parts[2]), parts[1] == "" || err == nil && isPrintable(parts[1])
}
