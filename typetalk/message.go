package typetalk

import (
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// MaxMessage is the longest message, in UTF-16 units. The page says 4,000 characters and not what it counts; this is the
// reading that is safe for emoji. See https://developer.nulab.com/docs/typetalk/api/1/post-message/.
const MaxMessage = 4000

// A Message is one message: a title, text, lines of facts, a memo and a link. All of it is plain text that is escaped
// when it is sent, but for Raw.
type Message struct {
	Raw   string // in Typetalk's own markup, sent as it is in front of the title and never cut
	Title string
	Text  string
	Facts []mackerel.Fact // one line each, "label: value"
	Memo  mackerel.Fact   // cut first if the message is too long
	URL   string
}

// DefaultMessage is what a Notifier sends unless its Config has a Message function, which may well start from this and
// change a field. It has no prefix; that comes from the Config.
func DefaultMessage(a mackerel.Alert, t mackerel.Text) Message {
	w := provider.Words(a, t)
	if w.Graph.Value != "" {
		w.Facts = append(w.Facts, w.Graph)
	}
	return Message{Title: w.Title, Text: w.Message, Facts: w.Facts, Memo: w.Memo, URL: w.URL}
}

// body renders the message in at most MaxMessage units, and says what was cut for that.
func (m Message) body() (string, []mackerel.Cut) {
	facts := provider.Lines(m.Facts)
	return provider.UTF16.Fit(MaxMessage, func() string { return m.render(facts) },
		provider.Part{Field: "memo", Text: &m.Memo.Value}, provider.Part{Field: "text", Text: &m.Text},
		provider.Part{Field: "facts", Text: &facts}, provider.Part{Field: "title", Text: &m.Title},
		provider.Part{Field: "url", Text: &m.URL},
	)
}

// render writes the link in a line of its own, where clients make a link of it, and the prefix in the title's.
func (m Message) render(facts string) string {
	text := Escape(provider.Join("\n", m.Title, m.Text, facts, provider.Line(m.Memo)))
	return provider.Join("\n", provider.Join(" ", m.Raw, text), address(m.URL))
}

// maxLink is the longest address, in characters, that is left as it is. What is longer is text.
const maxLink = 2000

// address writes a link so that nothing in it mentions anybody, and what is no link as text.
func address(s string) string {
	if provider.Linkable(s, maxLink) {
		return strings.ReplaceAll(provider.Plain(s), "@", "%40")
	}
	return Escape(s)
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }

// Escape makes text from elsewhere harmless in a message: every @, which could mention somebody, becomes a full-width
// one; so do three backquotes, which would begin or end a block of code and swallow what follows; and a blank comes
// between the brackets of what could be a link under another name. Control characters become the replacement character.
// Typetalk documents no way to escape; this relies on its markup being written in ASCII. Emoji codes stay, and tags are
// prevented by how the message is posted.
func Escape(text string) string { return escapes.Replace(provider.Plain(text)) }

var escapes = strings.NewReplacer("@", "＠", "```", "｀｀｀", "](", "] (")
