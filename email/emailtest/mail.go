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
	Subject string      // decoded, unless it is in another character set than UTF-8 and ISO-8859-1
	Text    string      // the first text/plain part that is no file, decoded in the same way, with line feeds only
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
	m.Subject, err = decoder.DecodeHeader(m.Header.Get("Subject"))
	switch {
	case err != nil && strict:
		return m, fmt.Errorf("the subject: %w", err)
	case err != nil: // an unknown character set
		m.Subject = m.Header.Get("Subject")
	}
	if !utf8.ValidString(m.Subject) || strings.ContainsAny(m.Subject, "\r\n\x00") {
		return m, errors.New("the subject is not one line of UTF-8")
	}
	return m, m.walk(textproto.MIMEHeader(m.Header), read.Body, strict)
}

var fieldName = regexp.MustCompile(`^[!-9;-~]+:`)

// checkLines checks the lines of a header before the fields are parsed.
func checkLines(head string) error {
	for i, line := range strings.Split(head, "\r\n") {
		folded := i > 0 && line != "" && strings.ContainsAny(line[:1], " \t")
		switch {
		case !isPrintable(line):
			return fmt.Errorf("the header has %q, which is not printable ASCII", line)
		case strings.TrimSpace(line) == "":
			return errors.New("the header has a line of white space")
		case !folded && !fieldName.MatchString(line):
			return fmt.Errorf("the header has %q, which is no field", line)
		}
	}
	return nil
}

func isPrintable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > '~' || r < ' ' && r != '\t' }) < 0
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
	var parser mail.AddressParser
	if !strict {
		parser.WordDecoder = &mime.WordDecoder{CharsetReader: anyCharset}
	}
	for _, field := range []string{"From", "To", "Cc", "Reply-To"} {
		list := m.Header.Get(field)
		if list == "" {
			continue
		}
		if _, err := parser.ParseList(list); err != nil {
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

// anyCharset accepts a name in every character set. Names are not decoded, only checked for their form.
func anyCharset(_ string, name io.Reader) (io.Reader, error) { return name, nil }

// walk reads a part and the parts within it.
func (m *Mail) walk(header textproto.MIMEHeader, body io.Reader, strict bool) error {
	kind, parameters := "text/plain", map[string]string(nil)
	if declared := header.Get("Content-Type"); declared != "" {
		var err error
		if kind, parameters, err = mime.ParseMediaType(declared); err != nil {
			return fmt.Errorf("the Content-Type %q: %w", declared, err)
		}
	}
	m.Types = append(m.Types, kind)
	if strings.HasPrefix(kind, "multipart/") {
		return m.walkAll(multipart.NewReader(body, parameters["boundary"]), strict)
	}
	content, err := decode(header.Get("Content-Transfer-Encoding"), body)
	if err != nil {
		return fmt.Errorf("a part of the type %s: %w", kind, err)
	}
	if !strings.HasPrefix(kind, "text/") || isFile(header) {
		return nil
	}
	text, err := decodeText(cmp.Or(strings.ToLower(parameters["charset"]), "us-ascii"), content, strict)
	if err != nil {
		return fmt.Errorf("a text of the type %s: %w", kind, err)
	}
	m.keep(kind, text)
	return nil
}

func (m *Mail) walkAll(parts *multipart.Reader, strict bool) error {
	for n := 0; ; n++ {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) && n > 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the parts: %w", err)
		}
		if err := m.walk(part.Header, part, strict); err != nil {
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

// isFile reports whether a part is a file. A file may have bytes that its type does not speak of.
func isFile(header textproto.MIMEHeader) bool {
	disposition, parameters, _ := mime.ParseMediaType(header.Get("Content-Disposition")) // an odd one is no file
	return disposition == "attachment" || parameters["filename"] != ""
}

// decodeText undoes the encoding of characters. A text in an unknown character set stays as it is, unless strict.
func decodeText(charset string, content []byte, strict bool) (string, error) {
	switch {
	case charset == "utf-8" && utf8.Valid(content), charset == "us-ascii" && isASCII(string(content)):
		return string(content), nil
	case charset == "utf-8", charset == "us-ascii":
		return "", errors.New("it is not " + charset)
	case strict:
		return "", fmt.Errorf("the character set %q is unknown", charset)
	case charset == "iso-8859-1":
		runes := make([]rune, len(content))
		for i, b := range content {
			runes[i] = rune(b)
		}
		return string(runes), nil
	}
	return string(content), nil
}

// keep keeps the first text of each kind.
func (m *Mail) keep(kind, text string) {
	target := map[string]*string{"text/plain": &m.Text, "text/html": &m.HTML}[kind]
	if target != nil && *target == "" {
		*target = strings.ReplaceAll(text, "\r\n", "\n")
	}
}
