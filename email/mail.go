package email

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"net/http"
	netmail "net/mail"
	"net/textproto"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wneessen/go-mail"

	"github.com/mackerel-notify/mackerel"
)

// A form is how a mail is written.
type form struct {
	date     string
	encoding mail.Encoding // of a text beyond ASCII
}

var (
	// measured is what a mail is measured with: a date is always as long.
	measured = form{time.RFC1123Z, mail.EncodingB64}
	// shown is for a person to read. Some servers would not take it.
	shown = form{"{date}", mail.NoEncoding}
)

// widest is a recipient as long as one can be, so that what is cut does not depend on whom a mail is for.
var widest = &netmail.Address{Address: strings.Repeat("x", maxAddress-2) + "@x"}

// mail writes one mail to one recipient. It is the same for the same content, date aside.
func (n *Notifier) mail(c content, to *netmail.Address, f form) ([]byte, error) {
	encoding := f.encoding
	if encoding != mail.NoEncoding && isASCII(c.text+c.html) {
		encoding = mail.EncodingQP
	}
	m := mail.NewMsg(mail.WithNoDefaultUserAgent(), mail.WithEncoding(encoding), mail.WithBoundary("mackerel-"+c.boundary()))
	m.FromMailAddress(n.from)
	m.ToMailAddress(to)
	m.Subject(encodeWords(c.title))
	m.SetMessageIDWithValue(n.messageID(c, to))
	m.SetGenHeader(mail.HeaderDate, f.date)
	m.SetGenHeader(mail.HeaderUserAgent, n.userAgent)
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: nobody's absence is to be answered with
	m.SetGenHeader(mail.HeaderXAutoResponseSuppress, "All")
	if c.thread != "" {
		root := "<" + threadID(c.thread) + "@" + domain(n.from) + ">"
		m.SetGenHeader(mail.HeaderInReplyTo, root)
		m.SetGenHeader(mail.HeaderReferences, root)
	}
	m.SetBodyString(mail.TypeTextPlain, crlf(c.text))
	m.AddAlternativeString(mail.TypeTextHTML, crlf(c.html)) // last, as what is preferred: RFC 2046, 5.1.4
	var b bytes.Buffer
	_, err := m.WriteTo(&b)
	return b.Bytes(), err
}

// crlf gives text the line ends of MIME, which base64 would otherwise not have.
func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// boundary depends on the texts it stands between, so that a text cannot have it.
func (c content) boundary() string { return digest(c.text, c.html) }

// messageID is the same for the same mail, whichever process sends it.
func (n *Notifier) messageID(c content, to *netmail.Address) string {
	return digest(n.from.Address, to.Address, c.thread, c.state, c.title, c.text, c.html) + "@" + domain(n.from)
}

// threadID is what all mails of a thread refer to: a mail that never was. Mail programs do not mind.
func threadID(thread string) string {
	odd := func(r rune) bool {
		return (r|0x20 < 'a' || r|0x20 > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}
	if len(thread) > 100 || strings.IndexFunc(thread, odd) >= 0 {
		return digest(thread)
	}
	return thread
}

// digest hashes the parts with their lengths, so that moving a character from one to the next gives another one.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(strconv.Itoa(len(p)) + ":" + p))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// maxWord is how many bytes of text one encoded word has, so that the first stands beside "Subject: " in a line of 76.
const maxWord = 36

// encodeWords encodes one line of text for a header (https://www.rfc-editor.org/rfc/rfc2047). ASCII stays, unless it would
// read as encoded.
func encodeWords(s string) string {
	if isASCII(s) && !strings.Contains(s, "=?") {
		return s
	}
	var words []string
	for len(s) > 0 {
		end := min(maxWord, len(s))
		for end < len(s) && !utf8.RuneStart(s[end]) {
			end--
		}
		words = append(words, "=?utf-8?b?"+base64.StdEncoding.EncodeToString([]byte(s[:end]))+"?=")
		s = s[end:]
	}
	return strings.Join(words, " ")
}

// previewFor shows the mail to one recipient.
func (n *Notifier) previewFor(c content, to *netmail.Address) (mackerel.PreviewRequest, error) {
	raw, err := n.mail(c, to, shown)
	if err != nil {
		return mackerel.PreviewRequest{}, n.service.Invalid(op, "message: cannot be written as a mail")
	}
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return mackerel.PreviewRequest{}, n.service.Invalid(op, "message: cannot be read as a mail")
	}
	body, err := readAll(m.Body)
	if err != nil {
		return mackerel.PreviewRequest{}, n.service.Invalid(op, "message: cannot be read as a mail")
	}
	header := http.Header{}
	var words mime.WordDecoder
	for field, values := range m.Header {
		for _, v := range values {
			if decoded, err := words.DecodeHeader(v); err == nil {
				v = decoded
			}
			header.Add(textproto.CanonicalMIMEHeaderKey(field), v)
		}
	}
	scheme := "smtp://"
	if n.server.tls == TLSImplicit {
		scheme = "smtps://"
	}
	return mackerel.PreviewRequest{Method: "SMTP", URL: scheme + n.server.address(), Header: header, Body: body}, nil
}

// readAll reads what is in memory already.
func readAll(r io.Reader) (string, error) {
	var b strings.Builder
	if _, err := io.Copy(&b, r); err != nil {
		return "", errors.New("cannot be read")
	}
	return strings.ReplaceAll(b.String(), "\r\n", "\n"), nil
}
