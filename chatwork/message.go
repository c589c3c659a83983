package chatwork

import (
	"slices"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// A Message is one message to a room: mentions, then a box with a title, text, lines of facts, a memo and a link. All
// of it is plain text that is escaped when it is sent, but for Raw.
type Message struct {
	Mention Mention
	Title   string
	Text    string
	Facts   []mackerel.Fact // one line each, "label: value"
	Memo    mackerel.Fact   // cut first if the message is too long
	URL     string
	Raw     string // in Chatwork's own notation, sent as it is between the mentions and the box, and never cut
}

// A Mention says whom a message calls. Everybody in the room with All, in which case To adds nothing.
type Mention struct {
	To  []int64 `json:"to,omitzero"` // account ids
	All bool    `json:"all,omitzero"`
}

// DefaultMessage is what a Notifier sends unless its Config has a Message function, which may well start from this and
// change a field. It has no mentions; those come from the Config.
func DefaultMessage(a mackerel.Alert, t mackerel.Text) Message {
	w := provider.Words(a, t)
	if w.Graph.Value != "" {
		w.Facts = append(w.Facts, w.Graph)
	}
	return Message{Title: w.Title, Text: w.Message, Facts: w.Facts, Memo: w.Memo, URL: w.URL}
}

// body renders the message in at most MaxBody bytes, and says what was cut for that.
func (m Message) body() (string, []mackerel.Cut) {
	facts := provider.Lines(m.Facts)
	if body := m.render(facts); len(body) <= MaxBody {
		return body, nil
	}
	return m.fit(facts)
}

func (m Message) fit(facts string) (string, []mackerel.Cut) {
	return provider.Bytes.Fit(MaxBody, func() string { return m.render(facts) },
		provider.Part{Field: "memo", Text: &m.Memo.Value}, provider.Part{Field: "text", Text: &m.Text},
		provider.Part{Field: "facts", Text: &facts}, provider.Part{Field: "title", Text: &m.Title},
		provider.Part{Field: "url", Text: &m.URL},
	)
}

func (m Message) render(facts string) string {
	var b strings.Builder
	b.Grow(80 + len(m.Raw) + len(m.Title) + len(m.Text) + len(facts) + len(m.Memo.Value) + len(m.URL))
	m.Mention.write(&b)
	if m.Raw != "" {
		b.WriteString(m.Raw)
		b.WriteByte('\n')
	}
	before := b.Len()
	b.WriteString("[info]")
	m.writeBox(&b, facts)
	if b.Len() == before+len("[info]") {
		return provider.Plain(b.String()[:before])
	}
	b.WriteString("[/info]")
	return provider.Plain(b.String())
}

// writeBox writes what is within the box. There is no line break after the title: it would show as an empty line.
func (m Message) writeBox(b *strings.Builder, facts string) {
	if m.Title != "" {
		b.WriteString("[title]")
		b.WriteString(Escape(m.Title))
		b.WriteString("[/title]")
	}
	lines := 0
	for _, text := range [...]string{m.Text, facts, provider.Line(m.Memo)} {
		if text == "" {
			continue
		}
		if lines++; lines > 1 {
			b.WriteByte('\n')
		}
		b.WriteString(Escape(text))
	}
	if m.URL != "" {
		b.WriteString("[hr]")
		b.WriteString(Escape(m.URL))
	}
}

func (m Mention) none() bool { return !m.All && len(m.To) == 0 }

// checkMentions notes mentions of impossible accounts.
func checkMentions(p *provider.Problems, mentions map[mackerel.Status]Mention) {
	for status, m := range mentions {
		for _, account := range m.To {
			if account <= 0 {
				p.Add("Mentions["+string(status)+"]", "an account id must be positive")
			}
		}
	}
}

// copyMentions copies what New was given, so that a caller who changes it later changes nothing here.
func copyMentions(mentions map[mackerel.Status]Mention) map[mackerel.Status]Mention {
	copied := provider.ByStatus(mentions)
	for status, m := range copied {
		copied[status] = Mention{To: slices.Clone(m.To), All: m.All}
	}
	return copied
}

// write writes the mentions on a line of their own.
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
