package slack

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
	"github.com/mackerel-notify/mackerel/internal/transport"
)

// Limits of a message, in characters. Slack may split a text of more than 4,000 characters and cuts it at 40,000, both
// without an error (https://api.slack.com/changelog/2018-04-truncating-really-long-messages). It refuses a block that
// is too long (https://docs.slack.dev/reference/block-kit/blocks/section-block and image-block).
const (
	maxText    = 4000 // title, first line and mention
	maxSection = 3000 // of the text, the facts, the memo and Raw, each
	maxURL     = 3000 // of a picture
	maxAltText = 2000 // of a picture
)

// rate is the limit of one webhook: one message in a second. Slack takes short bursts, but it may answer 200 and hide
// messages of a burst. So two messages are at least a second apart. What a channel shows is limited too, for all of its
// webhooks together. See https://docs.slack.dev/apis/web-api/rate-limits.
var rate = transport.Limit{N: 3, Per: 3 * time.Second, Gap: time.Second, Gate: time.Second, GateMax: 5 * time.Minute}

// Limits of our own, in characters. All sections together stay below 13,200, from where on Slack was seen to answer
// msg_blocks_too_long. That limit is not documented.
const (
	maxMention  = 2000 // so that there is room for a title
	maxLink     = 1500 // of a link, as it is sent
	maxAddress  = 1000 // of the section of an address that cannot be a link
	maxFallback = 500  // of the text for clients that show no blocks
)

// A Message is a line and an attachment below it. The line is "title: first line of the text mention", in which the
// title is a link to URL. The attachment has the rest of the text, the facts, the memo and the picture; without them,
// there is no attachment. If the first line of the text does not fit into the line, the attachment has the whole text.
//
// All texts are plain and escaped when they are sent, except Mention and Raw.
type Message struct {
	Mention string // as in Config.Mentions, sent as it is; at most 2,000 characters, never cut
	Color   string // of the bar beside the attachment: good, warning, danger or #RRGGBB; no colour unless set
	Title   string
	Text    string
	Facts   []mackerel.Fact // one line each, "label: value"; a value with a URL is a link
	Memo    mackerel.Fact
	URL     string // what the title links to; the last line if it cannot be a link
	Image   string // URL of a picture that Slack can fetch; left out if it leads into a private network
	Raw     string // in Slack's notation, sent as it is above the text; at most 3,000 characters, never cut
}

// DefaultMessage returns the message that a Notifier posts for an alert, without the mention, which the Config adds. If
// Slack cannot fetch the graph, its address is a fact.
func DefaultMessage(a mackerel.Alert, t mackerel.Text) Message {
	w := provider.Words(a, t)
	m := Message{Color: colors.Of(a), Title: w.Title, Text: w.Text, Facts: w.Facts, Memo: w.Memo, URL: w.URL}
	if linkable(w.Graph.Value) {
		m.Image = w.Graph.Value
	} else if w.Graph.Value != "" {
		m.Facts = append(m.Facts, w.Graph)
	}
	return m
}

var colors = provider.PerStatus[string]{
	OK: "#2EB67D", Warning: "#ECB22E", Critical: "#E01E5A", Unknown: "#9E9E9E", Other: "#9E9E9E",
}

// linkable reports whether Slack may be able to fetch a picture: the address is not that of a private network.
func linkable(image string) bool {
	u := provider.LinkURL(image, maxURL)
	if u == nil {
		return false
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
		return ip.IsGlobalUnicast() && !ip.IsPrivate()
	}
	_, top, dotted := strings.Cut(u.Hostname(), ".")
	return dotted && !slices.Contains([]string{"local", "localhost", "internal"}, top[strings.LastIndexByte(top, '.')+1:])
}

// render fills in the body of the request.
func render(r *transport.Request, m Message, c *provider.Cutter) (err error) {
	body := m.payload(c)
	if err := m.problems(body).Err(); err != nil {
		return err
	}
	r.Body, err = provider.EncodeJSON(body)
	return err
}

var colorForm = regexp.MustCompile(`^(|good|warning|danger|#[0-9A-Fa-f]{6})$`)

// problems lists why Slack would refuse the message, and the texts that are too long and cannot be cut.
func (m Message) problems(body payload) (p provider.Problems) {
	p.Length("Mention", mention(m.Mention), provider.Runes, maxMention)
	p.Check("Color", colorForm.MatchString(m.Color), "must be good, warning, danger or #RRGGBB")
	p.Length("Raw", m.Raw, provider.Runes, maxSection)
	p.Check("Message", body.Text != "" || len(body.Attachments) > 0, "empty")
	return p
}

// withoutImage returns a message without its picture. It reports whether that message is to be posted in place of the
// refused message: Slack refuses a message if it cannot fetch the picture.
func withoutImage(m Message, refused transport.Result) (Message, mackerel.Cut, bool) {
	cut := mackerel.Cut{Field: "image", Unit: provider.Runes.Name, From: provider.Runes.Len(m.Image)}
	retry := linkable(provider.Address(m.Image)) && refusesBlocks(refused)
	m.Image = ""
	return m, cut, retry
}
