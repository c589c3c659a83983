package email

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// Limits of a mail.
const (
	// MaxMail is the longest mail in bytes as it is sent, header and both texts included. Every server must take as much.
	// See https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1.7.
	MaxMail = 64 << 10
	// MaxTitle is the longest title in characters: our own limit, far below the line of 998 bytes that a header may have.
	// See https://www.rfc-editor.org/rfc/rfc5322#section-2.1.1.
	MaxTitle = 255
)

// maxLink is the longest address, in characters, that is a link or a picture: our own limit.
const maxLink = 2000

// A Message is one mail: a title, which is the subject too, text, facts, a memo, a picture and a link. All of it is plain
// text that is escaped where it is HTML, but for RawHTML.
type Message struct {
	Color   string // of the bar beside the HTML, #RRGGBB; none unless set
	Title   string
	Text    string
	Facts   []mackerel.Fact
	Memo    mackerel.Fact // cut first if the mail is too long
	URL     string        // the page to open; one that cannot be a link is a line
	Image   string        // URL of a picture; one that is not http or https is left out
	RawHTML string        // sent as it is above the text, in the HTML only, and never cut

	// Thread is what all mails of a thread have in common; the alert's Key unless set. Without one a mail stands alone.
	Thread string
	// State tells this mail from another one that reads the same: it is part of the Message-ID. Unless set it is what the
	// alert's Event, Status and times are.
	State string
}

// DefaultMessage is what a Notifier sends unless its Config has a Message function, which may well start from this and
// change a field. A graph whose address cannot be a picture's is a fact.
func DefaultMessage(a mackerel.Alert, t mackerel.Text) Message {
	w := provider.Words(a, t)
	m := Message{
		Color: colorOf(provider.Rating(a)), Title: w.Title, Text: w.Message, Facts: w.Facts, Memo: w.Memo, URL: w.URL,
		Thread: a.Key(), State: state(a),
	}
	if provider.Linkable(w.Graph.Value, maxLink) {
		m.Image = w.Graph.Value
	} else if w.Graph.Value != "" {
		m.Facts = append(m.Facts, w.Graph)
	}
	return m
}

// colorOf draws what has no status, or one that is newer than this package, in gray.
func colorOf(s mackerel.Status) string {
	switch s {
	case mackerel.StatusOK:
		return "#2E7D32"
	case mackerel.StatusWarning:
		return "#F9A825"
	case mackerel.StatusCritical:
		return "#C62828"
	case mackerel.StatusUnknown:
	}
	return "#757575"
}

// state is all that says at which point of its life an alert is.
func state(a mackerel.Alert) string {
	times := make([]string, 0, 3)
	for _, t := range []time.Time{a.OpenedAt, a.ChangedAt, a.ClosedAt} {
		at := ""
		if !t.IsZero() {
			at = t.UTC().Format(time.RFC3339Nano)
		}
		times = append(times, at)
	}
	return string(a.Event) + " " + string(a.Status.Fold()) + " " + strings.Join(times, " ")
}

// A content is a message as it is sent: plain, within the limits, and in both forms.
type content struct {
	title, text, html string
	thread, state     string
}

var colors = regexp.MustCompile(`^(|#[0-9A-Fa-f]{6})$`)

// prepare checks a message and cuts it to the limits.
func (n *Notifier) prepare(m Message) (content, []mackerel.Cut, error) {
	if !colors.MatchString(m.Color) {
		return content{}, nil, n.service.Invalid(op, "color: must be #RRGGBB")
	}
	l, cuts := n.layout(m)
	if l.title+l.Text+l.facts+l.Memo.Value+l.url+l.image+m.RawHTML == "" {
		return content{}, nil, n.service.Invalid(op, "message: empty")
	}
	c := content{thread: m.Thread, state: m.State}
	var sizeErr error
	size := func() string {
		c.title, c.text, c.html = l.title, l.plain(), l.html()
		var mail []byte
		mail, sizeErr = n.mail(c, widest, measured)
		return string(mail)
	}
	out, more := provider.Bytes.Fit(MaxMail, size,
		provider.Part{Field: "memo", Text: &l.Memo.Value}, provider.Part{Field: "text", Text: &l.Text},
		provider.Part{Field: "facts", Text: &l.facts}, provider.Part{Field: "url", Text: &l.url})
	if sizeErr != nil {
		return content{}, nil, n.service.Invalid(op, "message: cannot be written as a mail")
	}
	if len(out) > MaxMail {
		return content{}, nil, n.service.Invalid(op, "message: "+strconv.Itoa(len(out))+" bytes, and at most "+strconv.Itoa(MaxMail)+" are sent")
	}
	return c, append(cuts, more...), nil
}

// layout makes the texts of a message plain and the title short enough.
func (n *Notifier) layout(m Message) (*layout, []mackerel.Cut) {
	l := &layout{
		Message: m, title: oneLine(m.Title), facts: provider.JoinFacts(m.Facts), url: oneLine(m.URL), lang: string(n.language),
	}
	l.Text = strings.TrimSpace(provider.Plain(m.Text))
	l.Memo = mackerel.Fact{Label: oneLine(m.Memo.Label), Value: provider.Plain(m.Memo.Value)}
	if image := oneLine(m.Image); provider.Linkable(image, maxLink) {
		l.image = image
	}
	var cuts []mackerel.Cut
	if from := provider.Runes.Len(l.title); from > MaxTitle {
		l.title = provider.Runes.Shorten(l.title, MaxTitle)
		cuts = append(cuts, mackerel.Cut{Field: "title", Unit: provider.Runes.Name, From: from, To: provider.Runes.Len(l.title)})
	}
	return l, cuts
}

// oneLine makes every run of white space and control characters one blank, so that what is left fits into a header.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), func(r rune) bool {
		return r == ' ' || unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
	}), " ")
}
