package hipchat

import (
	"cmp"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// Limits of a notification, in characters. maxMessage is from https://developer.atlassian.com/server/hipchat/messages.
// The others are from the page of send_room_notification, which no longer exists.
const (
	maxMessage  = 10000
	maxFrom     = 64
	maxAttachTo = 36 // the id of a message is a UUID
)

// rate is the limit of messages to a room or a person with one token. HipChat documents 30 in a minute, and 100 calls
// in five minutes for a person's token: 20 in a minute are within both.
// See https://developer.atlassian.com/server/hipchat/hipchat-rest-api-rate-limits.
var rate = transport.Limit{N: 20, Per: time.Minute, Gate: time.Minute}

// maxLink is the longest address, escaped and in characters, that is sent as a link. A longer address is sent as text
// and cut like other text.
const maxLink = 2000

// A Message is a title, text, facts, a memo, a link and a picture. In HTML, the title and the facts that have a URL are
// links. Plain text has the mentions behind the first line of the text, the link and the picture's address in lines at
// the end, and no links of facts. All texts are plain and escaped when they are sent, except Raw and what a Card
// documents as HTML.
type Message struct {
	Format   Format   // FormatHTML unless set, or FormatText if there are Mentions
	Mentions []string // as in Config.Mentions; left out of HTML
	Color    Color    // ColorYellow unless set
	Notify   bool     // disturb people
	From     string   // as in Config.From
	Title    string
	Text     string
	Facts    []mackerel.Fact // one line each, "label: value"
	Memo     mackerel.Fact
	URL      string // what the title links to; in plain text the last line
	Image    string // URL of a picture; left out unless http or https
	Raw      string // in the message's format, sent as it is in front of the title and never cut
	AttachTo string // id of the message in the room to show this one with; histories have it
	Card     *Card
}

// DefaultMessage returns the message that a Notifier sends for an alert, without what the Config adds: mentions, a card
// and the sender. Events without a status are gray. They do not disturb people, and neither do closed alerts.
func DefaultMessage(a mackerel.Alert, t mackerel.Text) Message {
	w := provider.Words(a, t)
	return Message{
		Color: colors.Of(a), Notify: provider.Rating(a) != "" && !a.Closed() && disturbing.Of(a), Title: w.Title,
		Text: w.Text, Facts: w.Facts, Memo: w.Memo, URL: w.URL, Image: w.Graph.Value,
	}
}

// A status that this version does not know looks like unknown. An alert that its monitor did not close is gray.
var (
	colors = provider.PerStatus[Color]{
		OK: ColorGreen, Warning: ColorYellow, Critical: ColorRed, Unknown: ColorGray, Other: ColorGray,
	}
	disturbing = provider.PerStatus[bool]{Critical: true, Unknown: true, Other: true}
)

// render fills in the body of the request.
func render(r *transport.Request, m Message, c *provider.Cutter) (err error) {
	n := m.notification(c)
	if err := m.problems(n).Err(); err != nil {
		return err
	}
	r.Body, err = provider.EncodeJSON(n)
	return err
}

// problems lists what HipChat would refuse the message for and what cannot be cut, which includes Raw and the Mentions.
func (m Message) problems(rendered Notification) (p provider.Problems) {
	checkMentions(&p, "Mentions", m.Mentions)
	rendered.check(&p, "Format")
	p.Check("Message", strings.TrimSpace(rendered.Message) != "", "empty")
	return p
}

// notification renders the message within all limits.
func (m Message) notification(c *provider.Cutter) Notification {
	format := m.Format
	if format == "" && len(m.Mentions) > 0 {
		format = FormatText
	}
	format = cmp.Or(format, FormatHTML)
	draw := m.html
	if format == FormatText {
		draw = m.text
	}
	texts := provider.Texts{Title: m.Title, Text: m.Text, Facts: m.Facts, Memo: m.Memo, URL: m.URL}
	return Notification{
		Message: c.Texts(maxMessage, texts, draw), Card: m.Card.fit(c),
		MessageFormat: format, Color: m.Color, Notify: m.Notify, From: m.From, AttachTo: m.AttachTo,
	}
}
