package email

import (
	"regexp"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// Limits of a mail.
const (
	// maxMail is the size of the longest mail as it is sent, in bytes, with its header and both texts. Every server
	// must take that much: https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1.7.
	maxMail = 64 << 10
	// maxTitle is our own limit of a subject, in characters. A line of a header may have 998 bytes:
	// https://www.rfc-editor.org/rfc/rfc5322#section-2.1.1.
	maxTitle = provider.MaxHeadline
	// maxBodyTitle is our own limit of a title in the body, in characters, so that it does not take the place of the
	// text.
	maxBodyTitle = 4000
)

// maxLink is our own limit of the address of a link or a picture, in characters.
const maxLink = 2000

// A Message is one mail: the title is the subject, and text, facts, a memo, a link and a picture are the body. All texts
// are plain and escaped in the HTML, except RawHTML.
type Message struct {
	Color string // of the bar beside the HTML, #RRGGBB; no bar unless set
	// Title is the subject. The body repeats it only if it is longer than a subject may be, or if the body would have no
	// text, facts, memo and RawHTML. The body has at most 4,000 characters of it.
	Title   string
	Text    string
	Facts   []mackerel.Fact // one line each, "label: value"; in the HTML, values with a URL are links
	Memo    mackerel.Fact
	URL     string // the page to open; a line without a link if it cannot be a link
	Image   string // URL of a picture; left out if it is not http or https
	RawHTML string // sent as it is above the text, in the HTML only, and never cut
	Thread  string // the same in all mails of a thread; without it the mail is in no thread
	// State is a part of the Message-ID. It tells this mail from another mail that says the same. Without a State, each
	// delivery has a Message-ID of its own.
	State string
}

// DefaultMessage returns the message that a Notifier sends for an alert. The first line of its Text says how bad it is;
// lists of mails show that line beside the subject. Its Thread is the alert's Key. Its State is made of the alert's
// Event, Status and times, and is empty if the alert has no time. A graph at an address that cannot be a picture's is a
// line with its address.
func DefaultMessage(a mackerel.Alert, t mackerel.Text) Message {
	w := provider.Words(a, t)
	m := Message{
		Color: colors.Of(a), Title: w.Title, Text: w.Text, Facts: w.Facts, Memo: w.Memo, URL: w.URL,
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
func (n *Notifier) render(m Message) (content, []mackerel.Cut, error) {
	l := newLayout(m, n.config.Text.Language)
	bytes := provider.Cutter{Unit: provider.Bytes, Language: l.language}
	c := content{thread: m.Thread, state: m.State, title: l.subject}
	out := bytes.Texts(maxMail, l.texts(), func(t provider.Texts) string {
		c.text, c.html = l.plain(t), l.html(t)
		return string(n.mail(c, widest, measured))
	})
	if err := l.problems(out).Err(); err != nil {
		return content{}, nil, n.flow.Invalid(op, err.Error())
	}
	return c, l.cuts(bytes.Cuts), nil
}

var colorForm = regexp.MustCompile(`^(|#[0-9A-Fa-f]{6})$`)

// problems lists what makes a message impossible to send. The mail was cut as far as possible.
func (l *layout) problems(mail string) (p provider.Problems) {
	p.Check("Color", colorForm.MatchString(l.Color), "must be #RRGGBB")
	p.Check("Message", l.hasFacts() || !provider.Blank(l.Title, l.Text, l.Memo.Value, l.URL, l.Image, l.RawHTML), "empty")
	p.Length("Message", mail, provider.Bytes, maxMail)
	return p
}
