package slack

import (
	"maps"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// Limits of a message, in characters. What Slack does to a longer text it does in silence: it may split it from 4,000
// on, and cuts it at 40,000 (https://api.slack.com/changelog/2018-04-truncating-really-long-messages); a block that is too
// long it refuses (https://docs.slack.dev/reference/block-kit/blocks/section-block and image-block).
const (
	MaxText    = 4000 // mention and title
	MaxMention = 2000 // so that there is room for a title
	MaxSection = 3000 // of the text, the facts, the memo and what is raw, each
	MaxURL     = 3000 // of a picture
	MaxAltText = 2000 // of a picture
)

// Limits of our own, in characters. All sections together stay below the 13,200 from which on people have met
// msg_blocks_too_long, which is not documented.
const (
	maxLink    = 1500 // of a link, as it is sent
	maxAddress = 500  // of an address that cannot be a link
	maxAgain   = 500  // of the title where it stands a second time
)

// A Message is one message: a mention and a title that links to URL, and below, in one attachment, text, lines of facts,
// a memo and a picture. All of it is plain text that is escaped when it is sent, but for Mention and Raw.
type Message struct {
	Mention string // as in Config.Mentions, sent as it is and never cut
	Color   string // of the attachment's bar: good, warning, danger or #RRGGBB; none unless set
	Title   string
	Text    string
	Facts   []mackerel.Fact // one line each, "label: value"
	Memo    mackerel.Fact
	URL     string // what the title links to; one that cannot be a link is the last line
	Image   string // URL of a picture that Slack can fetch; one that it surely cannot is left out
	Raw     string // in Slack's notation, sent as it is above the text and never cut
}

// DefaultMessage is what a Notifier posts unless its Config has a Message function, which may well start from this and
// change a field. It has no mention; that comes from the Config. A graph that Slack cannot fetch, because its address
// leads into a private network, is a line with its address.
func DefaultMessage(a mackerel.Alert, t mackerel.Text) Message {
	w := provider.Words(a, t)
	m := Message{
		Color: colorOf(provider.Rating(a)), Title: w.Title, Text: w.Message, Facts: w.Facts, Memo: w.Memo, URL: w.URL,
	}
	if linkable(w.Graph.Value) {
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
		return "#2EB67D"
	case mackerel.StatusWarning:
		return "#ECB22E"
	case mackerel.StatusCritical:
		return "#E01E5A"
	case mackerel.StatusUnknown:
	}
	return "#9E9E9E"
}

// linkable reports whether Slack may be able to fetch a picture: at a public address, as far as one can tell by looking.
func linkable(image string) bool {
	if !provider.Linkable(image, MaxURL) {
		return false
	}
	u, err := url.Parse(image)
	if err != nil {
		return false
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
		return ip.IsGlobalUnicast() && !ip.IsPrivate()
	}
	_, top, dotted := strings.Cut(u.Hostname(), ".")
	return dotted && !slices.Contains([]string{"local", "localhost", "internal"}, top[strings.LastIndexByte(top, '.')+1:])
}

var colors = regexp.MustCompile(`^(|good|warning|danger|#[0-9A-Fa-f]{6})$`)

// problem says what Slack would refuse the message for and cannot be cut, "" if there is nothing.
func (m Message) problem(p payload) string {
	var all provider.Problems
	checkLength(&all, "mention", mention(m.Mention), MaxMention)
	checkLength(&all, "raw", m.Raw, MaxSection)
	if !colors.MatchString(m.Color) {
		all.Add("color", "must be good, warning, danger or #RRGGBB")
	}
	if p.Text == "" && len(p.Attachments) == 0 {
		all.Add("message", "empty")
	}
	return strings.Join(all, "; ")
}

func checkLength(p *provider.Problems, field, text string, most int) {
	if n := provider.Runes.Len(text); n > most {
		p.Add(field, strconv.Itoa(n)+" characters, and at most "+strconv.Itoa(most)+" are allowed")
	}
}

func checkMentions(p *provider.Problems, mentions map[mackerel.Status]string) {
	for _, status := range slices.Sorted(maps.Keys(mentions)) {
		checkLength(p, "Mentions["+string(status)+"]", mention(mentions[status]), MaxMention)
	}
}
