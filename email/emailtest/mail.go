package emailtest

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// A Mail is one mail as the server got it.
type Mail struct {
	Time time.Time // when it was accepted, by the server's clock
	User string    // as authenticated; "" without AUTH
	TLS  bool      // the connection was encrypted

	From string   // of the envelope
	To   []string // of the envelope

	Header  mail.Header // as it was sent, unfolded
	Subject string      // decoded
	Text    string      // the first text/plain part, decoded, with line feeds only
	HTML    string      // the first text/html part, in the same form
	Types   []string    // the media types of all parts, in their order
	Raw     []byte      // the whole mail
}

// Parse reads a mail, as a server that is Strict does. It returns an error if the mail is against RFC 5322 or MIME.
func Parse(raw []byte) (Mail, error) { return parse(raw, true) }

func parse(raw []byte, strict bool) (Mail, error) {
	m := Mail{Raw: raw}
	head, _, whole := strings.Cut(string(raw), "\r\n\r\n")
	if !whole {
		return m, errors.New("no empty line after the header")
	}
	if err := checkLines(head); err != nil {
		return m, err
	}
	read, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return m, fmt.Errorf("the header: %w", err)
	}
	m.Header = read.Header
	if err := m.checkHeader(strict); err != nil {
		return m, err
	}
	var decoder mime.WordDecoder
	if m.Subject, err = decoder.DecodeHeader(m.Header.Get("Subject")); err != nil {
		return m, fmt.Errorf("the subject: %w", err)
	}
	if !utf8.ValidString(m.Subject) || strings.ContainsAny(m.Subject, "\r\n\x00") {
		return m, errors.New("the subject is not one line of UTF-8")
	}
	return m, m.walk(textproto.MIMEHeader(m.Header), read.Body)
}

var fieldName = regexp.MustCompile(`^[!-9;-~]+:`)

// checkLines checks the lines of a header before the fields are parsed.
func checkLines(head string) error {
	for i, line := range strings.Split(head, "\r\n") {
		folded := i > 0 && line != "" && strings.ContainsAny(line[:1], " \t")
		switch {
		case !isASCII(line):
			return fmt.Errorf("the header has %q, which is not ASCII", line)
		case strings.TrimSpace(line) == "":
			return errors.New("the header has a line of white space")
		case !folded && !fieldName.MatchString(line):
			return fmt.Errorf("the header has %q, which is no field", line)
		}
	}
	return nil
}

// once are the fields that may stand in a header once at most (https://www.rfc-editor.org/rfc/rfc5322#section-3.6).
var once = []string{
	"Date", "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Message-Id", "In-Reply-To", "References", "Subject",
	"Mime-Version", "Content-Type", "Content-Transfer-Encoding", "Auto-Submitted",
}

var messageIDs = regexp.MustCompile(`^<[^<>\s@]+@[^<>\s@]+>([ \t]+<[^<>\s@]+@[^<>\s@]+>)*$`)

func (m *Mail) checkHeader(strict bool) error {
	for _, field := range once {
		if n := len(m.Header[field]); n > 1 {
			return fmt.Errorf("%s stands in the header %d times", field, n)
		}
	}
	for _, field := range []string{"From", "Date", "Message-Id"} {
		if m.Header.Get(field) == "" && (strict || field == "From") {
			return fmt.Errorf("%s is missing", field)
		}
	}
	if _, err := m.Header.Date(); err != nil && !errors.Is(err, mail.ErrHeaderNotPresent) {
		return fmt.Errorf("the date: %w", err)
	}
	for _, field := range []string{"From", "To", "Cc", "Reply-To"} {
		if _, err := m.Header.AddressList(field); err != nil && !errors.Is(err, mail.ErrHeaderNotPresent) {
			return fmt.Errorf("%s: %w", field, err)
		}
	}
	for _, field := range []string{"Message-Id", "In-Reply-To", "References"} {
		if ids := m.Header.Get(field); ids != "" && !messageIDs.MatchString(ids) {
			return fmt.Errorf("%s is malformed: %q", field, ids)
		}
	}
	return nil
}

// walk reads a part and the parts within it.
func (m *Mail) walk(header textproto.MIMEHeader, body io.Reader) error {
	kind, parameters := "text/plain", map[string]string(nil)
	if declared := header.Get("Content-Type"); declared != "" {
		var err error
		if kind, parameters, err = mime.ParseMediaType(declared); err != nil {
			return fmt.Errorf("the Content-Type %q: %w", declared, err)
		}
	}
	m.Types = append(m.Types, kind)
	if strings.HasPrefix(kind, "multipart/") {
		return m.walkAll(multipart.NewReader(body, parameters["boundary"]))
	}
	content, err := decode(header.Get("Content-Transfer-Encoding"), body)
	if err != nil {
		return fmt.Errorf("a part of the type %s: %w", kind, err)
	}
	return m.keep(kind, cmp.Or(strings.ToLower(parameters["charset"]), "us-ascii"), content)
}

func (m *Mail) walkAll(parts *multipart.Reader) error {
	for n := 0; ; n++ {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) && n > 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the parts: %w", err)
		}
		if err := m.walk(part.Header, part); err != nil {
			return err
		}
	}
}

// decode undoes a transfer encoding.
func decode(encoding string, body io.Reader) ([]byte, error) {
	switch strings.ToLower(encoding) {
	case "", "7bit", "8bit":
		return io.ReadAll(body)
	case "quoted-printable":
		return io.ReadAll(quotedprintable.NewReader(body))
	case "base64":
		return io.ReadAll(base64.NewDecoder(base64.StdEncoding, body))
	}
	return nil, fmt.Errorf("the encoding %q is unknown", encoding)
}

// keep keeps the first text of each kind.
func (m *Mail) keep(kind, charset string, content []byte) error {
	target := map[string]*string{"text/plain": &m.Text, "text/html": &m.HTML}[kind]
	switch {
	case !strings.HasPrefix(kind, "text/"):
		return nil
	case charset != "utf-8" && charset != "us-ascii":
		return fmt.Errorf("the character set %q is unknown", charset)
	case !utf8.Valid(content), charset == "us-ascii" && !isASCII(string(content)):
		return fmt.Errorf("a text of the type %s is not %s", kind, charset)
	}
	if target != nil && *target == "" {
		*target = strings.ReplaceAll(string(content), "\r\n", "\n")
	}
	return nil
}
