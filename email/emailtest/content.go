package emailtest

import (
	"strconv"
	"strings"
	"unicode"
)

// data handles DATA and the mail after it.
func (s *session) data(parameter string) error {
	switch {
	case parameter != "":
		return s.refuse("501 5.5.4", "DATA takes no parameter")
	case len(s.mail.to) == 0:
		return s.refuse("503 5.5.1", "DATA without a recipient")
	}
	if err := s.reply("354 end with a dot"); err != nil {
		return err
	}
	raw, problem, err := s.content()
	if err != nil {
		return err
	}
	t := s.mail
	s.mail = transaction{}
	return s.finish(t, raw, problem)
}

// content reads a mail up to the line with the dot. A malformed line is a problem of the mail.
func (s *session) content() (raw, problem string, err error) {
	var b strings.Builder
	for n := 1; ; n++ {
		line, err := s.in.ReadString('\n')
		if err != nil {
			return "", "", err
		}
		if line == ".\r\n" {
			return b.String(), problem, nil
		}
		text, whole := strings.CutSuffix(line, "\r\n")
		if problem == "" && (!whole || len(line) > maxLine || strings.ContainsAny(text, "\r\x00")) {
			problem = "line " + strconv.Itoa(n) + " is too long or has a bare CR or LF or a NUL"
		}
		b.WriteString(strings.TrimPrefix(line, "."))
		if n == 1 {
			if done, err := s.fail(AtBody, s.mail.to...); done {
				return "", "", err
			}
		}
	}
}

// finish replies to a whole mail.
func (s *session) finish(t transaction, raw, problem string) error {
	f, faulty := s.server.fault(AtContent, t.to)
	if faulty && !f.Handled {
		return s.apply(f)
	}
	strict := s.server.state.IsStrict()
	if problem == "" && strict && !t.eightBits && !isASCII(raw) {
		problem = "bytes beyond ASCII without BODY=8BITMIME"
	}
	if len(raw) > s.server.limit() {
		return s.refuse("552 5.3.4", "the mail is too long")
	}
	m, err := parse([]byte(raw), strict)
	if problem == "" && err != nil {
		problem = err.Error()
	}
	if problem != "" {
		return s.refuse("554 5.6.0", problem)
	}
	m.Time, m.From, m.To, m.User, m.TLS = s.server.state.Now(), t.from, t.to, s.user, s.tls
	s.server.mails.Add(m)
	s.server.state.Accept()
	if faulty {
		return s.apply(f)
	}
	return s.reply("250 2.0.0 accepted")
}

// isASCII reports whether all bytes are ASCII. ASCII has control characters, and ISO-2022-JP needs one of them (ESC).
func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) < 0
}
