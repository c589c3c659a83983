package typetalk

import (
	"strings"
	"time"

	"github.com/google/go-querystring/query"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// Limits of a message, in UTF-16 units: a character beyond the Basic Multilingual Plane counts twice. The page says
// 4,000 characters (https://developer.nulab.com/docs/typetalk/api/1/post-message/).
const (
	maxMessage = 4000
	maxRaw     = 2000 // so that there is room for a title; our own limit
)

// rate is the limit of one topic. Typetalk documented no limit: one message in a second is a guess.
var rate = transport.Limit{N: 1, Per: time.Second, Gate: time.Minute}

// maxLink is the longest address, in characters, that is sent as a link. A longer address is sent as text.
const maxLink = 2000

// A Message is a title, text, facts, a memo and a link. All texts are plain and escaped when they are sent, except Raw.
type Message struct {
	Raw   string // in Typetalk's markup, sent as it is before the title; at most 2,000 characters, never cut
	Title string
	Text  string
	Facts []mackerel.Fact // one line each, "label: value"
	Memo  mackerel.Fact   // the last line before the link
	URL   string          // the last line
}

// DefaultMessage returns the message that a Notifier posts for an alert, without the prefix, which the Config adds. The
// address of a graph is a line.
func DefaultMessage(a mackerel.Alert, t mackerel.Text) Message {
	w := provider.Words(a, t)
	if w.Graph.Value != "" {
		w.Facts = append(w.Facts, w.Graph)
	}
	return Message{Title: w.Title, Text: w.Text, Facts: w.Facts, Memo: w.Memo, URL: w.URL}
}

// form is the body of a request. With IgnoreHashtag, Typetalk makes no tag of a "#1".
type form struct {
	Message       string `url:"message"`
	IgnoreHashtag bool   `url:"ignoreHashtag"`
}

// render fills in the body of the request.
func render(r *transport.Request, m Message, c *provider.Cutter) error {
	texts := provider.Texts{Title: m.Title, Text: m.Text, Facts: m.Facts, Memo: m.Memo, URL: m.URL}
	text := c.Texts(maxMessage, texts, m.lines)
	if err := m.problems(text).Err(); err != nil {
		return err
	}
	values, err := query.Values(form{text, true})
	r.Body = []byte(values.Encode())
	return err
}

// problems lists what Typetalk would refuse the message for and what cannot be cut.
func (m Message) problems(text string) (p provider.Problems) {
	p.Length("Raw", m.Raw, provider.UTF16, maxRaw)
	p.Check("Message", strings.TrimSpace(text) != "", "empty")
	return p
}

// lines puts what is raw in front of the title, and the link into a line of its own, where clients make a link of it.
func (m Message) lines(t provider.Texts) string {
	text := Escape(provider.Join("\n", t.Title, t.Text, provider.Lines(t.Facts), provider.Line(t.Memo)))
	return provider.Join("\n", provider.Join(" ", m.Raw, text), address(t.URL))
}
