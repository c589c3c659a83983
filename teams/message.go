package teams

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// maxCard is the limit of a card, in bytes of its JSON in ASCII within JSON. It is a limit of our own. Teams takes 28
// KB and counts what it makes of the card (https://github.com/MicrosoftDocs/msteams-docs/issues/11274). See
// https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using.
const maxCard = 24 << 10

// maxTitle is the limit of a title, in bytes. It is a limit of our own, so that there is room for the text.
const maxTitle = 2 << 10

// Limits of our own, in characters.
const (
	maxLink    = 2000 // of the address of a button, a picture or a fact
	maxButton  = 50   // of the text of a button
	maxAltText = 200  // of the text that stands for a picture
)

// rate is the limit of one address. Microsoft documents 4 messages in a second for a connector. The limits for flows
// act after the answer: a card that exceeds them is queued, or fails unseen. One card in a second is below all of these
// limits and keeps the cards in order. See https://learn.microsoft.com/power-automate/limits-and-config.
var rate = transport.Limit{N: 1, Per: time.Second, Gate: 15 * time.Second, GateMax: 5 * time.Minute}

// A Style is the background of a card's head.
type Style string

// The styles of containers.
const (
	StyleDefault   Style = "default"
	StyleEmphasis  Style = "emphasis" // gray
	StyleGood      Style = "good"
	StyleWarning   Style = "warning"
	StyleAttention Style = "attention"
	StyleAccent    Style = "accent"
)

// A Mention is a person to mention.
type Mention struct {
	ID   string `json:"id"`            // user principal name or Microsoft Entra object id
	Name string `json:"name,omitzero"` // as it is shown; the ID unless set
}

// A Message is one card: a title, the first line of the text, mentions, the rest of the text, facts, a memo, a picture,
// and a button that opens URL. The line for the list of notifications is made of the title and the first line. All
// texts are plain and escaped when they are sent, except Raw.
type Message struct {
	Mentions []Mention
	Style    Style // StyleDefault unless set
	Title    string
	Text     string
	Facts    []mackerel.Fact // a value with a URL is a link
	Memo     mackerel.Fact
	URL      string // what the button opens; the last line if a button cannot open it
	Open     string // the text of the button; "Open" unless set
	Image    string // URL of a picture; left out if it is not https
	Raw      string // Markdown of Teams, sent as it is below the first line of the text and never cut
}

// DefaultMessage returns the message that a Notifier posts for an alert, without the mentions, which the Config adds. A
// graph whose address is not https is a fact with its address, because Teams does not show it.
func DefaultMessage(a mackerel.Alert, t mackerel.Text) Message {
	w := provider.Words(a, t)
	m := Message{
		Style: styles.Of(a), Title: w.Title, Text: w.Text, Facts: w.Facts, Memo: w.Memo, URL: w.URL,
		Open: provider.OpenLabel(w.URL, t),
	}
	if showable(w.Graph.Value) {
		m.Image = w.Graph.Value
	} else if w.Graph.Value != "" {
		m.Facts = append(m.Facts, w.Graph)
	}
	return m
}

var styles = provider.PerStatus[Style]{
	OK: StyleGood, Warning: StyleWarning, Critical: StyleAttention, Unknown: StyleEmphasis, Other: StyleEmphasis,
}

// showable reports whether Teams may show a picture.
func showable(image string) bool {
	return strings.HasPrefix(strings.ToLower(image), "https:") && provider.Linkable(image, maxLink)
}

// render fills in the body of the request.
func render(r *transport.Request, m Message, c *provider.Cutter) error {
	body, err := m.payload(c)
	if err != nil {
		return err
	}
	if err := m.problems(body).Err(); err != nil {
		return err
	}
	r.Body, err = provider.EncodeJSON(body)
	return err
}

// problems lists why Teams would not post the card, and a card that is too long without the texts that can be cut.
func (m Message) problems(body payload) (p provider.Problems) {
	checkMentions(&p, "Mentions", m.Mentions)
	provider.OneOf(&p, "Style", m.Style,
		StyleDefault, StyleEmphasis, StyleGood, StyleWarning, StyleAttention, StyleAccent)
	p.Check("Message", len(body.Attachments[0].Content.Body) > 0, "empty")
	p.Check("Message", body.size <= maxCard, "too long without its text: mentions and raw text are never cut")
	return p
}

// checkMentions notes people who cannot be mentioned or have the name of another person.
func checkMentions(p *provider.Problems, field string, all []Mention) {
	for i, m := range all {
		field := field + "[" + strconv.Itoa(i) + "]"
		p.Require(field+".ID", m.ID != "")
		markup := strings.ContainsAny(m.name(), "<>&") || strings.ContainsFunc(m.name(), unicode.IsControl)
		p.Check(field+".Name", !markup, "has a control character or one of < > &")
		other := func(o Mention) bool { return o.name() == m.name() && o.ID != m.ID }
		p.Check(field+".Name", !slices.ContainsFunc(all[:i], other), "is that of another person, too")
	}
}

// name returns how the person is shown.
func (m Mention) name() string { return cmp.Or(m.Name, m.ID) }

// tag returns the text of the mention in the card. Teams compares it with the entity byte for byte.
func (m Mention) tag() string { return "<at>" + m.name() + "</at>" }
