package slack

import (
	"cmp"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// A payload is a message as it is posted. Slack is told not to show previews of links, because the message has the
// graph.
type payload struct {
	Text        string       `json:"text,omitzero"` // all that a push message shows
	Attachments []attachment `json:"attachments,omitzero"`
	UnfurlLinks bool         `json:"unfurl_links"`
	UnfurlMedia bool         `json:"unfurl_media"`
}

type attachment struct {
	Color    string  `json:"color,omitzero"`
	Fallback string  `json:"fallback"` // for clients that show no blocks
	Blocks   []block `json:"blocks"`
}

// A block is a section, which has a text, or an image.
type block struct {
	Type     string    `json:"type"`
	Text     *markdown `json:"text,omitzero"`
	ImageURL string    `json:"image_url,omitzero"`
	AltText  string    `json:"alt_text,omitzero"`
}

// markdown is a text in Slack's notation. Verbatim keeps Slack from looking for names and addresses in the text.
// See https://docs.slack.dev/reference/block-kit/composition-objects/text-object.
type markdown struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Verbatim bool   `json:"verbatim"`
}

// payload renders the message within all limits. The attachment has what the line does not show of the text.
func (m Message) payload(c *provider.Cutter) (p payload) {
	address := provider.Address(m.URL)
	target, linked := linkTo(address)
	unlinked := ""
	if !linked {
		target, unlinked = "", address
	}
	var l line
	title := m.Title
	p.Text = c.Fit(maxText, func() string {
		l = m.line(title, target, c.Unit)
		return l.text
	}, provider.Part{Field: "title", Text: &title, Cut: provider.CutMiddle})
	if l.whole {
		m.Text = provider.AfterHeadline(m.Text)
	}
	if blocks := m.blocks(unlinked, c); len(blocks) > 0 {
		fallback := Escape(provider.Runes.Shorten(l.plain, maxFallback))
		p.Attachments = []attachment{{Color: m.Color, Fallback: cmp.Or(fallback, name), Blocks: blocks}}
	}
	return p
}

// A line is what stands above the attachment.
type line struct {
	text  string // in Slack's notation
	plain string // without the link and the mention
	whole bool   // it has the whole first line of the message's text
}

// line writes the title, which is a link if there is an address for it, the first line of the text, and the mention.
// The mention is last, because a push message shows only the beginning. If the first line does not fit, as beside a
// long mention, it is left out.
func (m Message) line(title, target string, unit provider.Unit) line {
	title, first, whole := unit.Headline(title, m.Text, maxText)
	var b strings.Builder
	if target != "" {
		writeLink(&b, target, title)
	} else {
		b.WriteString(Escape(title))
	}
	shown := b.String()
	text := provider.Join(" ", provider.Join(": ", shown, Escape(first)), mention(m.Mention))
	if unit.Len(text) <= maxText {
		return line{text, provider.Join(": ", title, first), whole}
	}
	return line{text: provider.Join(" ", shown, mention(m.Mention)), plain: title}
}

// blocks returns the parts of the attachment, each text cut to the limit of its section.
func (m Message) blocks(address string, c *provider.Cutter) (blocks []block) {
	blocks = make([]block, 0, 6) // as many as there can be
	add := func(limit int, texts provider.Texts, render func(provider.Texts) string) {
		shown := c.Texts(limit, texts, render)
		if strings.TrimSpace(shown) != "" { // Slack takes no empty section
			blocks = append(blocks, section(shown))
		}
	}
	if strings.TrimSpace(m.Raw) != "" {
		blocks = append(blocks, section(m.Raw))
	}
	add(maxSection, provider.Texts{Text: m.Text}, func(t provider.Texts) string {
		return factLines(mackerel.Fact{Value: t.Text})
	})
	add(maxSection, provider.Texts{Facts: m.Facts}, func(t provider.Texts) string { return factLines(t.Facts...) })
	add(maxSection, provider.Texts{Memo: m.Memo}, func(t provider.Texts) string { return factLines(t.Memo) })
	add(maxAddress, provider.Texts{URL: address}, func(t provider.Texts) string { return Escape(t.URL) })
	if image := provider.Address(m.Image); linkable(image) {
		alt := provider.Runes.ShortenMiddle(cmp.Or(provider.Plain(m.Title), image), maxAltText)
		blocks = append(blocks, block{Type: "image", ImageURL: image, AltText: alt})
	}
	return blocks
}

func section(text string) block {
	return block{Type: "section", Text: &markdown{Type: "mrkdwn", Text: text, Verbatim: true}}
}

// factLines writes facts, a line each.
func factLines(facts ...mackerel.Fact) string {
	var b strings.Builder
	b.Grow(provider.Texts{Facts: facts}.Size())
	for i, f := range facts {
		if i > 0 {
			b.WriteByte('\n')
		}
		writeFact(&b, f)
	}
	return b.String()
}

// writeFact writes the label in bold, and the value as a link if it has an address.
func writeFact(b *strings.Builder, f mackerel.Fact) {
	if f.Value == "" {
		return
	}
	if f.Label != "" {
		b.WriteByte('*')
		b.WriteString(Escape(f.Label))
		b.WriteString(":* ")
	}
	if target, fits := linkTo(f.URL); fits {
		writeLink(b, target, f.Value)
	} else {
		writeLinking(b, f.Value)
	}
}
