package email

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"mime"
	"net/http"
	netmail "net/mail"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wneessen/go-mail"

	"github.com/mackerel-notify/mackerel/internal/transport"
)

// A form says how a mail is written.
type form struct {
	date     string
	encoding mail.Encoding // of a text with characters beyond ASCII
}

var (
	// measured is for measuring a mail: all dates have the same length.
	measured = form{time.RFC1123Z, mail.EncodingB64}
	// shown is for people to read. Some servers would refuse it.
	shown = form{"{date}", mail.NoEncoding}
)

// widest is the longest possible recipient. Measuring with it cuts the mail for every recipient at the same place.
var widest = &netmail.Address{Address: strings.Repeat("x", maxAddress-2) + "@x"}

// mail writes the mail to one recipient. The same content gives the same mail, except for the date.
func (n *Notifier) mail(c content, to *netmail.Address, f form) []byte {
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
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no automatic replies, such as an absence's
	m.SetGenHeader(mail.HeaderXAutoResponseSuppress, "All")
	if c.thread != "" {
		root := "<" + threadID(c.thread) + "@" + domain(n.from) + ">"
		m.SetGenHeader(mail.HeaderInReplyTo, root)
		m.SetGenHeader(mail.HeaderReferences, root)
	}
	m.SetBodyString(mail.TypeTextPlain, crlf(c.text))
	m.AddAlternativeString(mail.TypeTextHTML, crlf(c.html)) // last, because mail programs prefer the last: RFC 2046, 5.1.4
	var b bytes.Buffer
	_, _ = m.WriteTo(&b) // fails only if the writer or a file does
	return b.Bytes()
}

// crlf gives text the line ends of MIME, which go-mail leaves alone within base64.
func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// boundary is made of the texts that it stands between, so that no text can contain it.
func (c content) boundary() string { return digest(c.text, c.html) }

// messageID returns the same id for the same mail of the same delivery in every process.
func (n *Notifier) messageID(c content, to *netmail.Address) string {
	id := c.id
	if id == "" {
		id = digest(n.from.Address, to.Address, c.thread, c.state, c.delivery, c.title, c.text, c.html)
	}
	return id + "@" + domain(n.from)
}

// threadForm is the form of a thread that is the part of an id before the @. The length is our own limit.
var threadForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)

// threadID returns the id to which all mails of a thread refer. There is no mail with this id, which mail programs
// accept.
func threadID(thread string) string {
	if threadForm.MatchString(thread) {
		return thread
	}
	return digest(thread)
}

// digest returns a hash of the parts and their lengths, so that no two lists of parts have the same.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(strconv.Itoa(len(p)) + ":" + p))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// maxWord is the longest text of an encoded word, in bytes. So the first word and "Subject: " fit into a line of 76
// bytes.
const maxWord = 36

// encodeWords encodes a line of text for a header (https://www.rfc-editor.org/rfc/rfc2047). ASCII stays as it is unless
// it could be read as encoded.
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

// preview returns the mail to one recipient as people read it.
func (n *Notifier) preview(c content, to *netmail.Address) (transport.Request, error) {
	raw := n.mail(c, to, shown)
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return transport.Request{}, n.flow.Invalid(op, "Message: cannot be read as a mail")
	}
	header := http.Header{}
	var words mime.WordDecoder
	for field, values := range m.Header {
		for _, v := range values {
			if decoded, err := words.DecodeHeader(v); err == nil {
				v = decoded
			}
			header.Add(field, v)
		}
	}
	_, body, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	body = bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n"))
	return transport.Request{Method: "SMTP", URL: n.config.url(), Header: header, Body: body}, nil
}
