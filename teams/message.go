package teams

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// Limits of a message, in bytes. See
// https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using#rate-limiting-for-connectors
// for the 28 KB, and https://github.com/MicrosoftDocs/msteams-docs/issues/11274 for how they are counted.
const (
	MaxMessage = 28 << 10 // of what Teams makes of it
	MaxCard    = 24 << 10 // of our own: of the JSON within JSON, in ASCII
)

// maxLink is the longest address, in characters, that a button opens or a picture is at: our own limit, so that there is
// room for everything else.
const maxLink = 2000

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

// A Mention is a person to call.
type Mention struct {
	ID   string `json:"id"`            // user principal name or Microsoft Entra object id
	Name string `json:"name,omitzero"` // as it is shown; the ID unless set
}

// A Message is one card: a title, mentions, text, facts, a memo, a picture, and a button that opens URL. All of it is
// plain text that is escaped when it is sent, but for Raw.
type Message struct {
	Mentions []Mention
	Style    Style // StyleDefault unless set
	Title    string
	Text     string
	Facts    []mackerel.Fact
	Memo     mackerel.Fact // cut first if the card is too long
	URL      string        // what the button opens; one that cannot be opened is the last line
	Open     string        // what the button says; "Open" unless set
	Image    string        // URL of a picture; one that is not https is left out
	Raw      string        // in the Markdown of Teams, sent as it is above the text and never cut
}

// DefaultMessage is what a Notifier posts unless its Config has a Message function, which may well start from this and
// change a field. It has no mentions; those come from the Config. A graph whose address is not https, which Teams does
// not show, is a fact with its address.
func DefaultMessage(a mackerel.Alert, t mackerel.Text) Message {
	w := provider.Words(a, t)
	m := Message{
		Style: styleOf(provider.Rating(a)), Title: w.Title, Text: w.Message, Facts: w.Facts, Memo: w.Memo, URL: w.URL,
	}
	if t.Language == mackerel.Japanese {
		m.Open = "開く"
	}
	if showable(w.Graph.Value) {
		m.Image = w.Graph.Value
	} else if w.Graph.Value != "" {
		m.Facts = append(m.Facts, w.Graph)
	}
	return m
}

// styleOf draws what has no status, or one that is newer than this package, in gray.
func styleOf(s mackerel.Status) Style {
	switch s {
	case mackerel.StatusOK:
		return StyleGood
	case mackerel.StatusWarning:
		return StyleWarning
	case mackerel.StatusCritical:
		return StyleAttention
	case mackerel.StatusUnknown:
	}
	return StyleEmphasis
}

// showable reports whether Teams may show a picture.
func showable(image string) bool {
	return strings.HasPrefix(strings.ToLower(image), "https:") && provider.Linkable(image, maxLink)
}

func (m Mention) name() string {
	if m.Name == "" {
		return m.ID
	}
	return m.Name
}

// text is what stands in the card. Teams compares it with the entity byte for byte.
func (m Mention) text() string { return "<at>" + m.name() + "</at>" }

// checkMention notes what cannot be mentioned, or not apart from the others of the same name.
func checkMention(p *provider.Problems, field string, all []Mention) {
	for i, m := range all {
		field := field + "[" + strconv.Itoa(i) + "]"
		p.Require(field+".ID", m.ID != "")
		if strings.ContainsFunc(m.name(), func(r rune) bool { return unicode.IsControl(r) || strings.ContainsRune("<>&", r) }) {
			p.Add(field+".Name", "has a control character or one of < > &")
		}
		if slices.ContainsFunc(all[:i], func(o Mention) bool { return o.name() == m.name() && o.ID != m.ID }) {
			p.Add(field+".Name", "is somebody else's too")
		}
	}
}

func checkMentions(p *provider.Problems, mentions map[mackerel.Status][]Mention) {
	for _, status := range slices.Sorted(maps.Keys(mentions)) {
		checkMention(p, "Mentions["+string(status)+"]", mentions[status])
	}
}

func copyMentions(mentions map[mackerel.Status][]Mention) map[mackerel.Status][]Mention {
	folded := provider.ByStatus(mentions)
	for status, all := range folded {
		folded[status] = slices.Clone(all)
	}
	return folded
}
