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

// payload renders the message within maxCard bytes.
func (m Message) payload(c *provider.Cutter) (p payload, err error) {
	texts := provider.Texts{Title: m.Title, Text: m.Text, Facts: m.Facts, Memo: m.Memo, URL: m.URL}
	title := provider.Part{Field: "title", Text: &texts.Title, Cut: provider.CutMiddle}
	c.Fit(maxTitle, func() string { return texts.Title }, title)
	summary := m.summary(c)
	rendered := c.Texts(maxCard, texts, func(t provider.Texts) string {
		var encoded []byte
		p = m.draw(t)
		p.Summary = summary
		encoded, err = provider.EncodeJSON(p)
		return nested(encoded)
	})
	p.size = len(rendered)
	return p, err
}

// summary returns the line for the list of notifications, which is not Markdown.
func (m Message) summary(c *provider.Cutter) string {
	characters := provider.Cutter{Unit: provider.UTF16}
	line, _ := characters.Headline("summary", m.Title, m.Text, provider.MaxHeadline)
	c.Cuts = append(c.Cuts, characters.Cuts...)
	return plain(line)
}

// nested writes JSON as it would look in a string of other JSON, in ASCII and with the characters of HTML escaped. This
// is the longest form in which Teams may count the bytes of a card.
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

// draw returns the payload with these texts. A card must have an element: if it has only a button, the address of the
// button is a text, too.
func (m Message) draw(t provider.Texts) payload {
	linked := ""
	if provider.Linkable(t.URL, maxLink) {
		linked, t.URL = t.URL, ""
	}
	c := card{
		Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4",
		MSTeams: msteams{Width: "Full", Entities: m.entities()}, Body: m.body(t),
	}
	if linked != "" {
		title := provider.Runes.Shorten(plain(cmp.Or(m.Open, "Open")), maxButton)
		c.Actions = []action{{Type: "Action.OpenUrl", Title: title, URL: linked}}
	}
	if len(c.Body) == 0 && linked != "" {
		c.Body = []element{paragraph(Escape(linked))}
	}
	return payload{Type: "message", Attachments: []attachment{{
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

// body returns the elements of the card, which stand above its button. The mentions follow the first line of the text.
// Teams does not post a card with an empty text.
func (m Message) body(t provider.Texts) []element {
	var body []element
	if !blank(t.Title) {
		title := paragraph(Escape(t.Title))
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
	add(Escape(provider.FirstLine(t.Text)), false)
	add(m.mentionLine(), false)
	add(m.Raw, false)
	add(Escape(provider.AfterHeadline(t.Text)), false)
	if lines := factLines(t.Facts); lines != nil {
		body = append(body, element{Type: "FactSet", Facts: lines})
	}
	add(Escape(provider.Line(t.Memo)), true)
	add(Escape(t.URL), false)
	if image := provider.Address(m.Image); showable(image) {
		alt := provider.Runes.ShortenMiddle(cmp.Or(plain(m.Title), image), maxAltText)
		body = append(body, element{Type: "Image", URL: image, AltText: alt, MSTeams: msteams{AllowExpand: true}})
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

// factLines writes the facts. A value with an address is a link.
func factLines(facts []mackerel.Fact) []cardFact {
	var lines []cardFact
	for _, f := range facts {
		value := Escape(f.Value)
		if provider.Linkable(f.URL, maxLink) {
			value = link(f.URL, f.Value)
		}
		lines = append(lines, cardFact{Title: Escape(f.Label), Value: value})
	}
	return lines
}
