package email

import (
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// Limits of a mail.
const (
	// maxMail is the size of the longest mail as it is sent, in bytes, with its header and both texts. Every server
	// must take that much: https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1.7.
	maxMail = 64 << 10
	// maxTitle is our own limit of a title, in characters. A line of a header may have 998 bytes:
	// https://www.rfc-editor.org/rfc/rfc5322#section-2.1.1.
	maxTitle = 255
)

// maxLink is our own limit of the address of a link or a picture, in characters.
const maxLink = 2000

// A Message is one mail: a title, which is the subject too, text, facts, a memo, a link and a picture. All texts are
// plain and escaped in the HTML, except RawHTML.
type Message struct {
	Color   string // of the bar beside the HTML, #RRGGBB; no bar unless set
	Title   string
	Text    string
	Facts   []mackerel.Fact // one line each, "label: value"
	Memo    mackerel.Fact
	URL     string // the page to open; a line without a link if it cannot be a link
	Image   string // URL of a picture; left out if it is not http or https
	RawHTML string // sent as it is above the text, in the HTML only, and never cut
	Thread  string // the same in all mails of a thread; without it the mail is in no thread
	// State is a part of the Message-ID. It tells this mail from another mail that says the same. Without a State, each
	// delivery has a Message-ID of its own.
	State string
}

// DefaultMessage returns the message that a Notifier sends for an alert. Its Thread is the alert's Key. Its State is
// made of the alert's Event, Status and times, and is empty if the alert has no time. A graph at an address that cannot
// be a picture's is a line with its address.
func DefaultMessage(a mackerel.Alert, t mackerel.Text) Message {
	w := provider.Words(a, t)
	m := Message{
		Color: colors.Of(a), Title: w.Title, Text: w.Message, Facts: w.Facts, Memo: w.Memo, URL: w.URL,
		Thread: a.Key(), State: state(a),
	}
	if provider.Linkable(w.Graph.Value, maxLink) {
		m.Image = w.Graph.Value
	} else if w.Graph.Value != "" {
		m.Facts = append(m.Facts, w.Graph)
	}
	return m
}

var colors = provider.PerStatus[string]{
	OK: "#2E7D32", Warning: "#F9A825", Critical: "#C62828", Unknown: "#757575", Other: "#757575",
}

// state returns a text that differs for different states of an alert. It is empty if the alert has no time: the same
// event may then happen again the next night and say the same.
func state(a mackerel.Alert) string {
	if a.OpenedAt.IsZero() && a.ChangedAt.IsZero() && a.ClosedAt.IsZero() {
		return ""
	}
	parts := []string{string(a.Event), string(a.Status.Fold())}
	for _, t := range [...]time.Time{a.OpenedAt, a.ChangedAt, a.ClosedAt} {
		at := ""
		if !t.IsZero() {
			at = t.UTC().Format(time.RFC3339Nano)
		}
		parts = append(parts, at)
	}
	return strings.Join(parts, " ")
}

// A content is a message within all limits, in both of its forms.
type content struct {
	title, text, html string
	thread, state     string
	delivery          string // names the delivery in Message-IDs; empty if the state tells mails apart
	id                string // of a preview, in place of the hash
}

// render returns the content of a message, and says what was cut.
func (n *Notifier) render(m Message) (c content, cuts []mackerel.Cut, err error) {
	l, cuts := newLayout(m, n.config.Text.Language)
	c = content{thread: m.Thread, state: m.State}
	out, more := provider.Bytes.Fit(maxMail, func() string {
		c.title, c.text, c.html = l.title, l.plain(), l.html()
		return string(n.mail(c, widest, measured))
	}, l.parts()...)
	if err := l.problems(out).Err(); err != nil {
		return content{}, nil, n.flow.Invalid(op, err.Error())
	}
	return c, append(cuts, more...), nil
}

var colorForm = regexp.MustCompile(`^(|#[0-9A-Fa-f]{6})$`)

// problems lists what makes a message impossible to send. The mail was cut as far as possible.
func (l *layout) problems(mail string) (p provider.Problems) {
	p.Check("Color", colorForm.MatchString(l.Color), "must be #RRGGBB")
	p.Check("Message", l.title+l.Text+l.facts+l.Memo.Value+l.url+l.image+l.RawHTML != "", "empty")
	p.Length("Message", mail, provider.Bytes, maxMail)
	return p
}

// oneLine replaces each run of white space and control characters with a blank, so that the text fits into a header.
func oneLine(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for word := range strings.FieldsFuncSeq(strings.ToValidUTF8(s, "\uFFFD"), func(r rune) bool {
		return r == ' ' || unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
	}) {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(word)
	}
	return b.String()
}
