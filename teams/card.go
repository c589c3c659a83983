package teams

import (
	"cmp"
	"slices"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// A payload is a message as it is posted.
type payload struct {
	Type        string       `json:"type"`
	Summary     string       `json:"summary,omitzero"` // for the list of notifications
	Attachments []attachment `json:"attachments"`

	size int // bytes, as nested writes it
}

type attachment struct {
	ContentType string  `json:"contentType"`
	ContentURL  *string `json:"contentUrl"` // always null
	Content     card    `json:"content"`
}

// A card is an Adaptive Card of version 1.4.
// See https://adaptivecards.io/explorer/AdaptiveCard.html.
type card struct {
	Schema  string    `json:"$schema"`
	Type    string    `json:"type"`
	Version string    `json:"version"`
	MSTeams msteams   `json:"msteams"`
	Body    []element `json:"body"`
	Actions []action  `json:"actions,omitzero"`
}

// An msteams is what Teams adds to a card or, AllowExpand, to an image.
type msteams struct {
	Width       string   `json:"width,omitzero"`
	Entities    []entity `json:"entities,omitzero"`
	AllowExpand bool     `json:"allowExpand,omitzero"`
}

type entity struct {
	Type      string  `json:"type"`
	Text      string  `json:"text"`
	Mentioned Mention `json:"mentioned"`
}

// An element is a Container, TextBlock, FactSet or Image.
type element struct {
	Type     string     `json:"type"`
	Style    Style      `json:"style,omitzero"`
	Bleed    bool       `json:"bleed,omitzero"`
	Items    []element  `json:"items,omitzero"`
	Text     string     `json:"text,omitzero"`
	Wrap     bool       `json:"wrap,omitzero"`
	Size     string     `json:"size,omitzero"`
	Weight   string     `json:"weight,omitzero"`
	IsSubtle bool       `json:"isSubtle,omitzero"`
	Facts    []cardFact `json:"facts,omitzero"`
	URL      string     `json:"url,omitzero"`
	AltText  string     `json:"altText,omitzero"`
	MSTeams  msteams    `json:"msteams,omitzero"`
}

type cardFact struct {
	Title string `json:"title"`
	Value string `json:"value"`
}

type action struct {
	Type  string `json:"type"`
	Title string `json:"title"`
	URL   string `json:"url"`
}

// payload renders the message within maxCard bytes, and says what was cut for that.
func (m Message) payload() (p payload, cuts []mackerel.Cut, err error) {
	facts, moreFacts := provider.Bytes.JoinFacts(m.Facts, maxCard)
	memo, moreMemo := provider.Bytes.Line(m.Memo, maxCard)
	linked, address := m.URL, ""
	if !provider.Linkable(m.URL, maxLink) {
		linked, address = "", m.URL
	}
	rendered, cuts := provider.Bytes.Fit(maxCard, func() string {
		var encoded []byte
		p = m.draw(facts, memo, linked, address)
		encoded, err = provider.EncodeJSON(p)
		return nested(encoded)
	},
		provider.Part{Field: "memo", Text: &memo, Rest: moreMemo}, provider.Part{Field: "text", Text: &m.Text},
		provider.Part{Field: "facts", Text: &facts, Rest: moreFacts}, provider.Part{Field: "url", Text: &address},
		provider.Part{Field: "title", Text: &m.Title},
	)
	p.size = len(rendered)
	return p, cuts, err
}

// nested writes JSON as it would look in a string of other JSON, in ASCII and with the characters of HTML escaped. That
// is the longest that it may be when Teams counts its bytes.
func nested(encoded []byte) string {
	const escape = `\\u0000`
	var b strings.Builder
	b.Grow(len(encoded) + len(encoded)/2)
	for _, r := range string(encoded) {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r > 0xffff:
			b.WriteString(escape + escape)
		case r >= 0x7f || strings.ContainsRune("<>&'", r):
			b.WriteString(escape)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// draw returns the payload with these texts. A card must have an element, so the address of a button that stands alone
// is written, too.
func (m Message) draw(facts, memo, linked, address string) payload {
	c := card{
		Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4",
		MSTeams: msteams{Width: "Full", Entities: m.entities()}, Body: m.body(facts, memo, address),
	}
	if linked != "" {
		title := provider.Runes.Shorten(plain(cmp.Or(m.Open, "Open")), maxButton)
		c.Actions = []action{{Type: "Action.OpenUrl", Title: title, URL: linked}}
	}
	if len(c.Body) == 0 && linked != "" {
		c.Body = []element{paragraph(Escape(linked))}
	}
	return payload{Type: "message", Summary: plain(m.Title), Attachments: []attachment{{
		ContentType: "application/vnd.microsoft.card.adaptive", Content: c,
	}}}
}

func (m Message) entities() []entity {
	var all []entity
	for i, o := range m.Mentions {
		if slices.Contains(m.Mentions[:i], o) {
			continue // an entity is for all places with its text
		}
		all = append(all, entity{Type: "mention", Text: o.tag(), Mentioned: Mention{ID: o.ID, Name: o.name()}})
	}
	return all
}

// body returns the elements of the card, which stand above its button. Teams does not post a card with an empty text.
func (m Message) body(facts, memo, address string) []element {
	var body []element
	if !blank(m.Title) {
		title := paragraph(Escape(m.Title))
		title.Size, title.Weight = "medium", "bolder"
		body = append(body, element{
			Type: "Container", Style: cmp.Or(m.Style, StyleDefault), Bleed: true, Items: []element{title},
		})
	}
	add := func(text string, subtle bool) {
		if !blank(text) {
			p := paragraph(text)
			p.IsSubtle = subtle
			body = append(body, p)
		}
	}
	add(m.mentionLine(), false)
	add(m.Raw, false)
	add(Escape(m.Text), false)
	if lines := factLines(facts); lines != nil {
		body = append(body, element{Type: "FactSet", Facts: lines})
	}
	add(Escape(memo), true)
	add(Escape(address), false)
	if showable(m.Image) {
		alt := provider.Runes.Shorten(cmp.Or(plain(m.Title), m.Image), maxAltText)
		body = append(body, element{Type: "Image", URL: m.Image, AltText: alt, MSTeams: msteams{AllowExpand: true}})
	}
	return body
}

func blank(text string) bool { return strings.TrimSpace(text) == "" }

func paragraph(text string) element { return element{Type: "TextBlock", Text: text, Wrap: true} }

func (m Message) mentionLine() string {
	var all []string
	for _, o := range m.Mentions {
		all = append(all, o.tag())
	}
	return strings.Join(all, " ")
}

func factLines(joined string) []cardFact {
	var lines []cardFact
	for _, f := range provider.SplitFacts(joined) {
		lines = append(lines, cardFact{Title: Escape(f.Label), Value: Escape(f.Value)})
	}
	return lines
}
