package line

import (
	"cmp"
	"math"
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

// fitBubble returns the bubble within maxBubble.
func (m Message) fitBubble(c *provider.Cutter) (b bubble, err error) {
	bytes := provider.Cutter{Unit: provider.Bytes, Language: c.Language}
	language := mackerel.Text{Language: c.Language}
	bytes.Texts(maxBubble, m.texts(), func(t provider.Texts) string {
		var encoded []byte
		b = m.bubble(t, language)
		encoded, err = provider.EncodeJSON(b)
		return string(encoded)
	})
	c.Cuts = append(c.Cuts, bytes.Cuts...)
	return b, err
}

// bubble draws the message. LINE refuses an empty text, so a component without text is left out.
func (m Message) bubble(t provider.Texts, language mackerel.Text) bubble {
	linked, address := "", t.URL
	if provider.Linkable(address, maxURI) {
		linked, address = address, ""
	}
	b := bubble{Type: "bubble", Size: "mega", Hero: m.hero()}
	color := cmp.Or(m.Color, gray)
	b.Header = vertical("md", text(component{Text: t.Title, Weight: "bold", Color: onto(color)}))
	if b.Header != nil {
		b.Styles = &styles{blockStyle{color}}
	}
	b.Body = vertical("md",
		text(component{Text: t.Text, Size: "sm"}),
		factTable(t.Facts, language),
		text(component{Text: provider.Line(t.Memo), Size: "xs", Color: subtle}),
		text(component{Text: address, Size: "xs", Color: subtle}),
	)
	if linked != "" {
		b.Footer = vertical("md", &component{
			Type: "button", Style: "secondary", Height: "sm", Action: open(linked, m.URLLabel, language),
		})
	}
	return b
}

// open returns the action that opens an address. LINE shows the label on a button only; elsewhere it is read aloud to
// those who do not see the screen.
func open(address, label string, language mackerel.Text) *action {
	label = strings.TrimSpace(provider.Plain(label))
	return &action{Type: "uri", Label: cmp.Or(label, provider.OpenLabel(address, language)), URI: address}
}

// subtle is the colour of labels, of the memo and of an address. Its contrast to white is 5.7 to 1; W3C asks for 4.5.
const subtle = "#666666"

// linkColor is the colour of a text that opens an address.
const linkColor = "#1A5FB4"

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

// factTable returns the facts in two columns. A tap on a value with an address opens the address.
func factTable(facts []mackerel.Fact, language mackerel.Text) *component {
	var lines []*component
	for _, f := range facts {
		label := text(component{Text: f.Label, Size: "sm", Color: subtle, Flex: 2})
		value := text(component{Text: f.Value, Size: "sm", Flex: 5})
		if value == nil {
			continue
		}
		if provider.Linkable(f.URL, maxURI) {
			value.Action, value.Color = open(f.URL, "", language), linkColor
		}
		lines = append(lines, box("baseline", "sm", label, value))
	}
	return vertical("sm", lines...)
}

// hero returns the picture, in the shape of Mackerel's graphs, nil if LINE would refuse its address.
func (m Message) hero() *component {
	image := provider.Address(m.Image)
	if !strings.HasPrefix(image, "https://") || !provider.Linkable(image, maxImageURL) {
		return nil
	}
	return &component{Type: "image", URL: image, Size: "full", AspectRatio: "20:13", AspectMode: "fit"}
}

// onto returns black or white, whichever has more contrast to a colour of the form #RRGGBB.
func onto(color string) string {
	rgb, _ := strconv.ParseUint(color[1:], 16, 32) // cannot fail: the form was checked
	luminance := 0.2126*linear(rgb>>16) + 0.7152*linear(rgb>>8&0xff) + 0.0722*linear(rgb&0xff)
	if (luminance+0.05)/0.05 > 1.05/(luminance+0.05) {
		return "#000000"
	}
	return "#FFFFFF"
}

// linear returns the light of a channel of sRGB, from 0 to 1 (https://www.w3.org/TR/WCAG22/#dfn-relative-luminance).
// The definition has another formula for channels that are nearly black. There, this one gives 0.001 more at most.
func linear(channel uint64) float64 {
	return math.Pow((float64(channel)/255+0.055)/1.055, 2.4)
}
