package line

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/mackerel-notify/mackerel/internal/provider"
)

// A bubble is a flex message's contents, as far as alerts need it.
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
	Header block `json:"header"`
}

type block struct {
	BackgroundColor string `json:"backgroundColor"`
}

// A component is any part of a bubble: a box, a text, an image or a button.
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

// bubble draws the message as a bubble. LINE refuses an empty text, so rows without one are left out.
func (m Message) bubble(facts, link, address string) string {
	b := bubble{Type: "bubble", Size: "mega"}
	color := cmp.Or(m.Color, gray)
	b.Header = vertical(text(component{Text: m.Title, Weight: "bold", Color: onto(color)}))
	if b.Header != nil {
		b.Styles = &styles{block{color}}
	}
	b.Hero = m.hero()
	b.Body = vertical(
		text(component{Text: m.Text, Size: "sm"}),
		table(facts),
		text(component{Text: provider.Line(m.Memo), Size: "xs", Color: labelColor}),
		text(component{Text: address, Size: "xs", Color: labelColor}),
	)
	if link != "" {
		open := &action{Type: "uri", Label: m.label(), URI: link}
		b.Footer = vertical(&component{Type: "button", Style: "secondary", Height: "sm", Action: open})
	}
	encoded, err := provider.EncodeJSON(b)
	if err != nil { // strings and structs always encode
		return ""
	}
	return string(encoded)
}

// labelColor is the colour of what matters less.
const labelColor = "#888888"

// text is a text that breaks its lines, nil if it is blank.
func text(c component) *component {
	c.Type, c.Text, c.Wrap = "text", provider.Plain(c.Text), true
	if blank(c.Text) {
		return nil
	}
	return &c
}

// vertical is a box of what is not nil, nil if everything is.
func vertical(contents ...*component) *component {
	return box("vertical", "md", contents)
}

func box(layout, spacing string, contents []*component) *component {
	contents = slices.DeleteFunc(contents, func(c *component) bool { return c == nil })
	if len(contents) == 0 {
		return nil
	}
	return &component{Type: "box", Layout: layout, Spacing: spacing, Contents: contents}
}

// table is the facts in two columns.
func table(facts string) *component {
	var lines []*component
	for _, f := range provider.SplitFacts(facts) {
		label := text(component{Text: f.Label, Size: "sm", Color: labelColor, Flex: 2})
		if value := text(component{Text: f.Value, Size: "sm", Flex: 5}); value != nil {
			lines = append(lines, box("baseline", "sm", []*component{label, value}))
		}
	}
	return box("vertical", "sm", lines)
}

// hero is the picture, in the shape of Mackerel's graphs.
func (m Message) hero() *component {
	if !strings.HasPrefix(m.Image, "https://") || !provider.Linkable(m.Image, MaxImageURL) {
		return nil
	}
	return &component{Type: "image", URL: m.Image, Size: "full", AspectRatio: "20:13", AspectMode: "fit"}
}

// onto is black or white, whichever can be read on a colour of the form #RRGGBB.
func onto(color string) string {
	rgb, err := strconv.ParseUint(color[1:], 16, 32)
	if err != nil {
		return "#FFFFFF"
	}
	// The usual weights of the three for how bright they look, in thousandths.
	if brightness := 299*(rgb>>16) + 587*(rgb>>8&0xff) + 114*(rgb&0xff); brightness > 150_000 {
		return "#000000"
	}
	return "#FFFFFF"
}
