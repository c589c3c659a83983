package email

import (
	"bufio"
	"encoding/base64"
	"errors"
	"net"
	"net/textproto"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxReply is the longest reply that is read, in bytes, with all its lines. It is our own limit: the standard limits
// only a line, to 512 bytes (https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1.5).
const maxReply = 8 << 10

// Errors of our own.
var (
	errNoSTARTTLS = errors.New("the server offers no STARTTLS")
	errNoAuth     = errors.New("the server takes no credentials by PLAIN or LOGIN")
	errNoReply    = errors.New("the server's answer is not a reply of SMTP")
	errLongReply  = errors.New("the server's reply is longer than " + strconv.Itoa(maxReply) + " bytes")
)

// A client speaks SMTP over one connection (https://www.rfc-editor.org/rfc/rfc5321). net/smtp and go-mail/smtp, which
// began as a copy of it, are not used: they keep a reply of any length in memory, refuse a reply without text, know
// keywords in capitals only, and say HELO to a server that has refused EHLO for now.
//
// A reply that is not the expected reply is a [textproto.Error]. After any other error the connection cannot be used.
type client struct {
	in  *bufio.Reader
	out *textproto.Writer
	// offers are the parameters of the extensions that the server offers, by the keyword in capitals. It is empty after
	// HELO.
	offers map[string]string
}

func newClient(conn net.Conn) *client {
	return &client{in: bufio.NewReader(conn), out: textproto.NewWriter(bufio.NewWriter(conn))}
}

// command sends a command and reads the reply. A want of three digits is the expected code, a want of two digits is how
// the code begins.
func (c *client) command(want, line string) (text string, err error) {
	if err := c.out.PrintfLine("%s", line); err != nil {
		return "", err
	}
	return c.expect(want)
}

// expect reads a reply with the expected code. Its text has a line feed between two lines.
func (c *client) expect(want string) (text string, err error) {
	raw, err := c.read()
	if err != nil {
		return "", err
	}
	var code string
	var texts []string
	for line := range strings.Lines(raw) {
		parts := lineForm.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		if parts == nil {
			return "", errNoReply
		}
		code = parts[1] // that of the last line counts
		texts = append(texts, parts[2])
	}
	text = strings.Join(texts, "\n")
	if !strings.HasPrefix(code, want) {
		number, _ := strconv.Atoi(code) // cannot fail: it is three digits
		return "", &textproto.Error{Code: number, Msg: text}
	}
	return text, nil
}

// lineForm is a line of a reply. A client must accept a code without text, with or without the blank
// (https://www.rfc-editor.org/rfc/rfc5321#section-4.2).
var lineForm = regexp.MustCompile(`^([2-5][0-9][0-9])(?:[ -](.*))?$`)

// read reads the lines of a reply. All lines but the last have a hyphen behind the code.
func (c *client) read() (string, error) {
	var raw []byte
	for start := 0; ; { // of the last line
		part, err := c.in.ReadSlice('\n')
		raw = append(raw, part...)
		last := raw[start:]
		switch {
		case len(raw) > maxReply:
			return "", errLongReply
		case errors.Is(err, bufio.ErrBufferFull): // the line goes on
		case err != nil:
			return "", err
		case len(last) < 4 || last[3] != '-':
			return string(raw), nil
		default:
			start = len(raw)
		}
	}
}

// hello sends EHLO and notes what the server offers. HELO follows only if EHLO is refused for good, because a server
// that does not know EHLO does that (https://www.rfc-editor.org/rfc/rfc5321#section-3.2). A refusal for now is about
// the session, and a server that offers nothing after HELO would seem to lack STARTTLS.
func (c *client) hello(name string) error {
	c.offers = make(map[string]string)
	text, err := c.command("250", "EHLO "+name)
	if refusedForGood(err) {
		return c.oldHello(name, err)
	}
	lines := strings.Split(text, "\n")
	for _, line := range lines[1:] { // the first has the server's name
		keyword, parameters, _ := strings.Cut(line, " ")
		c.offers[strings.ToUpper(keyword)] = parameters
	}
	return err
}

// oldHello sends HELO. If that has no reply, the error is the refusal of EHLO: some servers hang up after it.
func (c *client) oldHello(name string, refused error) error {
	_, err := c.command("250", "HELO "+name)
	if err == nil || errors.As(err, new(*textproto.Error)) {
		return err
	}
	return refused
}

func refusedForGood(err error) bool {
	var reply *textproto.Error
	return errors.As(err, &reply) && reply.Code/100 == 5
}

// authenticate sends credentials (https://www.rfc-editor.org/rfc/rfc4954). LOGIN has no standard: it asks for the user
// and then for the password.
func (c *client) authenticate(username, password string) error {
	offered := strings.Fields(strings.ToUpper(c.offers["AUTH"]))
	encode := base64.StdEncoding.EncodeToString
	if slices.Contains(offered, "PLAIN") {
		_, err := c.command("235", "AUTH PLAIN "+encode([]byte("\x00"+username+"\x00"+password)))
		return err
	}
	if !slices.Contains(offered, "LOGIN") {
		return errNoAuth
	}
	if _, err := c.command("334", "AUTH LOGIN"); err != nil {
		return err
	}
	if _, err := c.command("334", encode([]byte(username))); err != nil {
		return err
	}
	_, err := c.command("235", encode([]byte(password)))
	return err
}

// mailFrom begins a transaction.
func (c *client) mailFrom(mailbox string) error {
	line := "MAIL FROM:<" + mailbox + ">"
	if _, offered := c.offers["8BITMIME"]; offered {
		line += " BODY=8BITMIME"
	}
	_, err := c.command("250", line)
	return err
}

// rcptTo names the recipient. 251 is a success too: the server forwards the mail.
func (c *client) rcptTo(mailbox string) error {
	_, err := c.command("25", "RCPT TO:<"+mailbox+">")
	return err
}
