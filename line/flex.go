package line

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// A bubble is the contents of a flex message.
// See https://developers.line.biz/en/reference/messaging-api/#flex-message.
type bubble struct {
	Type   string     `json:"type"`
	Size   string     `json:"size"`
	Header *component `json:"header,omitzero"`
	Hero   *component `json:"hero,omitzero"`
	Body   *component `json:"body,omitzero"`
	Footer *component `json:"footer,omitzero"`
	Styles *styles    `json:"styles,omitzero"`
}

type styles struct {
	Header blockStyle `json:"header"`
}

type blockStyle struct {
	BackgroundColor string `json:"backgroundColor"`
}

// A component is a box, a text, an image or a button.
type component struct {
	Type        string       `json:"type"`
	Layout      string       `json:"layout,omitzero"`
	Spacing     string       `json:"spacing,omitzero"`
	Text        string       `json:"text,omitzero"`
	URL         string       `json:"url,omitzero"`
	Size        string       `json:"size,omitzero"`
	Weight      string       `json:"weight,omitzero"`
	Color       string       `json:"color,omitzero"`
	Wrap        bool         `json:"wrap,omitzero"`
	Flex        int          `json:"flex,omitzero"`
	AspectRatio string       `json:"aspectRatio,omitzero"`
	AspectMode  string       `json:"aspectMode,omitzero"`
	Style       string       `json:"style,omitzero"`
	Height      string       `json:"height,omitzero"`
	Action      *action      `json:"action,omitzero"`
	Contents    []*component `json:"contents,omitzero"`
}

type action struct {
	Type  string `json:"type"`
	Label string `json:"label"`
	URI   string `json:"uri"`
}

// fitBubble returns the bubble within maxBubble, and says what was cut for that.
func (m Message) fitBubble() (b bubble, cuts []mackerel.Cut, err error) {
	facts, moreFacts := provider.Bytes.JoinFacts(m.Facts, maxBubble)
	linked, address := "", m.URL
	if provider.Linkable(address, maxURI) {
		linked, address = address, ""
	}
	_, cuts = provider.Bytes.Fit(maxBubble, func() string {
		var encoded []byte
		b = m.bubble(facts, linked, address)
		encoded, err = provider.EncodeJSON(b)
		return string(encoded)
	},
		provider.Part{Field: "memo", Text: &m.Memo.Value}, provider.Part{Field: "text", Text: &m.Text},
		provider.Part{Field: "facts", Text: &facts, Rest: moreFacts}, provider.Part{Field: "url", Text: &address},
		provider.Part{Field: "title", Text: &m.Title},
	)
	return b, cuts, err
}

// bubble draws the message. LINE refuses an empty text, so a component without text is left out.
func (m Message) bubble(facts, linked, address string) bubble {
	b := bubble{Type: "bubble", Size: "mega", Hero: m.hero()}
	color := cmp.Or(m.Color, gray)
	b.Header = vertical("md", text(component{Text: m.Title, Weight: "bold", Color: onto(color)}))
	if b.Header != nil {
		b.Styles = &styles{blockStyle{color}}
	}
	b.Body = vertical("md",
		text(component{Text: m.Text, Size: "sm"}),
		factTable(facts),
		text(component{Text: provider.Line(m.Memo), Size: "xs", Color: subtle}),
		text(component{Text: address, Size: "xs", Color: subtle}),
	)
	if linked != "" {
		label := cmp.Or(strings.TrimSpace(provider.Plain(m.URLLabel)), defaultLabel)
		b.Footer = vertical("md", &component{
			Type: "button", Style: "secondary", Height: "sm", Action: &action{Type: "uri", Label: label, URI: linked},
		})
	}
	return b
}

// subtle is the colour of labels, of the memo and of an address.
const subtle = "#888888"

// text returns a text that wraps, nil if it is blank.
func text(c component) *component {
	c.Type, c.Text, c.Wrap = "text", provider.Plain(c.Text), true
	if blank(c.Text) {
		return nil
	}
	return &c
}

func vertical(spacing string, contents ...*component) *component {
	return box("vertical", spacing, contents...)
}

// box returns a box with the contents that are not nil, nil if all are nil.
func box(layout, spacing string, contents ...*component) *component {
	contents = slices.DeleteFunc(contents, func(c *component) bool { return c == nil })
	if len(contents) == 0 {
		return nil
	}
	return &component{Type: "box", Layout: layout, Spacing: spacing, Contents: contents}
}

// factTable returns the facts in two columns.
func factTable(joined string) *component {
	var lines []*component
	for _, f := range provider.SplitFacts(joined) {
		label := text(component{Text: f.Label, Size: "sm", Color: subtle, Flex: 2})
		if value := text(component{Text: f.Value, Size: "sm", Flex: 5}); value != nil {
			lines = append(lines, box("baseline", "sm", label, value))
		}
	}
	return vertical("sm", lines...)
}

// hero returns the picture, in the shape of Mackerel's graphs, nil if LINE would refuse its address.
func (m Message) hero() *component {
	if !strings.HasPrefix(m.Image, "https://") || !provider.Linkable(m.Image, maxImageURL) {
		return nil
	}
	return &component{Type: "image", URL: m.Image, Size: "full", AspectRatio: "20:13", AspectMode: "fit"}
}

// onto returns black or white, whichever can be read on a colour of the form #RRGGBB.
func onto(color string) string {
	rgb, err := strconv.ParseUint(color[1:], 16, 32)
	if err != nil {
		return "#FFFFFF"
	}
	// The brightness that people see, in thousandths of 255 (https://www.w3.org/TR/AERT/#color-contrast).
	if 299*(rgb>>16)+587*(rgb>>8&0xff)+114*(rgb&0xff) > 150_000 {
		return "#000000"
	}
	return "#FFFFFF"
}
