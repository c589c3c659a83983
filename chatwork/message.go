package chatwork

import (
	"slices"
	"strconv"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// maxMention is the most that the mentions of a configuration may take, in bytes, so that there is room for the alert.
const maxMention = maxBody / 2

// A Mention says whom a message calls.
type Mention struct {
	To  []int64 `json:"to,omitzero"`  // account ids
	All bool    `json:"all,omitzero"` // everybody in the room; then To adds nothing
}

// A Message is a message to a room: mentions, and below them a box with a title, text, facts, a memo and a link. A title
// alone stands in the box as text, because the box would be empty below it. All texts are plain and escaped when they
// are sent, except Raw.
type Message struct {
	Mention    Mention
	Title      string
	Text       string
	Facts      []mackerel.Fact // one line each, "label: value"
	Memo       mackerel.Fact   // the last line
	URL        string
	Raw        string // in Chatwork's notation, sent as it is between the mentions and the box, and never cut
	SelfUnread bool   // the message is unread for the account that posts it
}

// DefaultMessage returns the message that a Notifier posts for an alert, without what the Config adds: the Mention and
// SelfUnread.
func DefaultMessage(a mackerel.Alert, t mackerel.Text) Message {
	w := provider.Words(a, t)
	if w.Graph.Value != "" {
		w.Facts = append(w.Facts, w.Graph)
	}
	return Message{Title: w.Title, Text: w.Text, Facts: w.Facts, Memo: w.Memo, URL: w.URL}
}

// render fills in the body of the request.
func render(r *transport.Request, m Message, c *provider.Cutter) error {
	body := c.Texts(maxBody, provider.Texts{Title: m.Title, Text: m.Text, Facts: m.Facts, Memo: m.Memo, URL: m.URL}, m.write)
	if err := m.problems(body).Err(); err != nil {
		return err
	}
	r.Body = PostMessageParams{Body: body, SelfUnread: m.SelfUnread}.form()
	return nil
}

// problems lists what Chatwork would refuse the message for and what cannot be cut.
func (m Message) problems(body string) (p provider.Problems) {
	m.Mention.checkIDs(&p, "Mention")
	p.Check("Message", body != "", "empty")
	p.Length("Message", body, provider.Bytes, maxBody)
	return p
}

// write returns the message with these texts in Chatwork's notation.
func (m Message) write(t provider.Texts) string {
	var b strings.Builder
	b.Grow(80 + len(m.Raw) + t.Size())
	m.Mention.write(&b)
	if m.Raw != "" {
		b.WriteString(m.Raw)
		b.WriteByte('\n')
	}
	before := b.Len()
	b.WriteString("[info]")
	writeBox(&b, t)
	if b.Len() == before+len("[info]") {
		return provider.Plain(b.String()[:before]) // without an empty box
	}
	b.WriteString("[/info]")
	return provider.Plain(b.String())
}

// writeBox writes the inside of the box. There is no line break after the title, because Chatwork would show an empty
// line.
func writeBox(b *strings.Builder, t provider.Texts) {
	lines := provider.Join("\n", t.Text, provider.Lines(t.Facts), provider.Line(t.Memo))
	switch {
	case t.Title == "":
	case lines == "" && t.URL == "":
		b.WriteString(Escape(t.Title))
	default:
		b.WriteString("[title]")
		b.WriteString(Escape(t.Title))
		b.WriteString("[/title]")
	}
	b.WriteString(Escape(lines)) // as a whole: a tag may have a line break in it
	if t.URL != "" {
		b.WriteString("[hr]")
		b.WriteString(Escape(t.URL))
	}
}

// check notes what is wrong with a mention of a configuration.
func (m Mention) check(p *provider.Problems, field string) {
	m.checkIDs(p, field)
	var b strings.Builder
	m.write(&b)
	p.Length(field, b.String(), provider.Bytes, maxMention)
}

func (m Mention) checkIDs(p *provider.Problems, field string) {
	for i, account := range m.To {
		p.Check(field+".To["+strconv.Itoa(i)+"]", account > 0, "must be positive")
	}
}

func (m Mention) clone() Mention { return Mention{To: slices.Clone(m.To), All: m.All} }

// write writes the mentions in a line of their own.
func (m Mention) write(b *strings.Builder) {
	switch {
	case m.All:
		b.WriteString("[toall]\n")
	case len(m.To) > 0:
		for _, account := range m.To {
			b.WriteString("[To:" + id(account) + "]")
		}
		b.WriteByte('\n')
	}
}
