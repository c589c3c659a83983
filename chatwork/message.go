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

// A Message is a message to a room: mentions, and below them a box with a title, text, facts, a memo and a link. All
// texts are plain and escaped when they are sent, except Raw.
type Message struct {
	Mention    Mention
	Title      string
	Text       string
	Facts      []mackerel.Fact // one line each, "label: value"
	Memo       mackerel.Fact   // cut first if the message is too long
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
	return Message{Title: w.Title, Text: w.Message, Facts: w.Facts, Memo: w.Memo, URL: w.URL}
}

// render fills in the body of the request.
func render(r *transport.Request, m Message) ([]mackerel.Cut, error) {
	body, cuts := m.body()
	if err := m.problems(body).Err(); err != nil {
		return nil, err
	}
	r.Body = PostMessageParams{Body: body, SelfUnread: m.SelfUnread}.form()
	return cuts, nil
}

// problems lists what Chatwork would refuse the message for and what cannot be cut.
func (m Message) problems(body string) (p provider.Problems) {
	m.Mention.checkIDs(&p, "Mention")
	p.Check("Message", body != "", "empty")
	p.Length("Message", body, provider.Bytes, maxBody)
	return p
}

// body returns the message in Chatwork's notation, in at most maxBody bytes if cutting is enough, and what was cut.
func (m Message) body() (string, []mackerel.Cut) {
	var moreTitle, moreText int
	m.Title, moreTitle = provider.Bytes.Plain(m.Title, maxBody)
	m.Text, moreText = provider.Bytes.Plain(m.Text, maxBody)
	facts, moreFacts := provider.Bytes.Lines(m.Facts, maxBody)
	memo, moreMemo := provider.Bytes.Line(m.Memo, maxBody)
	return provider.Bytes.Fit(maxBody, func() string { return m.write(facts, memo) },
		provider.Part{Field: "memo", Text: &memo, Rest: moreMemo},
		provider.Part{Field: "text", Text: &m.Text, Rest: moreText},
		provider.Part{Field: "facts", Text: &facts, Rest: moreFacts},
		provider.Part{Field: "title", Text: &m.Title, Rest: moreTitle}, provider.Part{Field: "url", Text: &m.URL},
	)
}

func (m Message) write(facts, memo string) string {
	var b strings.Builder
	b.Grow(80 + len(m.Raw) + len(m.Title) + len(m.Text) + len(facts) + len(memo) + len(m.URL))
	m.Mention.write(&b)
	if m.Raw != "" {
		b.WriteString(m.Raw)
		b.WriteByte('\n')
	}
	before := b.Len()
	b.WriteString("[info]")
	m.writeBox(&b, facts, memo)
	if b.Len() == before+len("[info]") {
		return provider.Plain(b.String()[:before]) // without an empty box
	}
	b.WriteString("[/info]")
	return provider.Plain(b.String())
}

// writeBox writes the inside of the box. A line break after the title would show as an empty line.
func (m Message) writeBox(b *strings.Builder, facts, memo string) {
	if m.Title != "" {
		b.WriteString("[title]")
		b.WriteString(Escape(m.Title))
		b.WriteString("[/title]")
	}
	b.WriteString(Escape(provider.Join("\n", m.Text, facts, memo))) // as a whole: a tag may have a line break in it
	if m.URL != "" {
		b.WriteString("[hr]")
		b.WriteString(Escape(m.URL))
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
