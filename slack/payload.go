package slack

import (
	"cmp"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// A payload is a message as it is posted. Slack is told not to unfold links: the graph is in the message.
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

// payload renders the message within all limits, and says what was cut for that.
func (m Message) payload() (payload, []mackerel.Cut) {
	linked, address := m.URL, ""
	if !provider.Linkable(m.URL, maxLink) || provider.Runes.Len(link(m.URL, "")) > maxLink {
		linked, address = "", m.URL
	}
	c := provider.Cutter{Unit: provider.Runes}
	var p payload
	p.Text = c.Fit(maxText, func() string { return m.headline(linked) }, provider.Part{Field: "title", Text: &m.Title})
	blocks := m.blocks(address, &c)
	title := provider.Runes.Shorten(m.Title, maxAgain)
	if len(blocks) == 0 && m.Color != "" && strings.TrimSpace(title) != "" {
		blocks = []block{section(Escape(title))} // the bar has to stand beside something
	}
	if len(blocks) > 0 {
		p.Attachments = []attachment{{Color: m.Color, Fallback: cmp.Or(Escape(title), name), Blocks: blocks}}
	}
	return p, c.Cuts
}

// headline is the mention and the title, which is a link if there is an address for it.
func (m Message) headline(linked string) string {
	title := Escape(m.Title)
	if linked != "" {
		title = link(linked, m.Title)
	}
	return provider.Join(" ", mention(m.Mention), title)
}

// blocks are what stands in the attachment, each text cut to the limit of its section.
func (m Message) blocks(address string, c *provider.Cutter) (blocks []block) {
	facts, moreFacts := provider.Runes.JoinFacts(m.Facts, maxSection)
	memo, moreMemo := provider.Runes.JoinFacts([]mackerel.Fact{m.Memo}, maxSection)
	add := func(limit int, text provider.Part, render func() string) {
		shown := c.Fit(limit, render, text)
		if strings.TrimSpace(shown) != "" { // Slack takes no empty section
			blocks = append(blocks, section(shown))
		}
	}
	if strings.TrimSpace(m.Raw) != "" {
		blocks = append(blocks, section(m.Raw))
	}
	add(maxSection, provider.Part{Field: "text", Text: &m.Text}, func() string { return escapeLinking(m.Text) })
	add(maxSection, provider.Part{Field: "facts", Text: &facts, Rest: moreFacts}, func() string { return factLines(facts) })
	add(maxSection, provider.Part{Field: "memo", Text: &memo, Rest: moreMemo}, func() string { return factLines(memo) })
	add(maxAddress, provider.Part{Field: "url", Text: &address}, func() string { return Escape(address) })
	if linkable(m.Image) {
		alt := provider.Runes.Shorten(cmp.Or(provider.Plain(m.Title), m.Image), maxAltText)
		blocks = append(blocks, block{Type: "image", ImageURL: m.Image, AltText: alt})
	}
	return blocks
}

func section(text string) block {
	return block{Type: "section", Text: &markdown{Type: "mrkdwn", Text: text, Verbatim: true}}
}

// factLines writes the facts, a line each.
func factLines(joined string) string {
	var lines []string
	for _, f := range provider.SplitFacts(joined) {
		lines = append(lines, factLine(f))
	}
	return provider.Join("\n", lines...)
}

// factLine writes the label in bold; of a fact that was cut within its label only that is left.
func factLine(f mackerel.Fact) string {
	switch {
	case f.Label == "":
		return escapeLinking(f.Value)
	case f.Value == "":
		return Escape(f.Label)
	}
	return "*" + Escape(f.Label) + ":* " + escapeLinking(f.Value)
}
