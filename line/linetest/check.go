package linetest

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/strict"
)

// Limits of a message (https://developers.line.biz/en/reference/messaging-api/#message-objects).
const (
	maxMessages = 5
	maxText     = 5000  // UTF-16 units
	maxAltText  = 1500  // UTF-16 units
	maxBubble   = 30000 // bytes of its JSON as it was sent
	maxURL      = 2000  // characters of the address of a picture
	maxURI      = 1000  // characters of the address of an action
	maxLabel    = 20    // characters of the label of an action
)

// checkMessages returns the refusal of messages that LINE would refuse. It decodes the bubbles.
func checkMessages(messages []Message, unknown bool) error {
	if n := len(messages); n < 1 || n > maxMessages {
		return invalid("messages", "Size must be between 1 and 5")
	}
	c := checker{unknown: unknown}
	for i := range messages {
		c.message("messages["+strconv.Itoa(i)+"]", &messages[i])
	}
	if c.refusal != nil {
		return c.refusal
	}
	return nil
}

// A checker checks messages and keeps the first refusal. A property is named as LINE names it: "messages[0].text".
type checker struct {
	unknown bool // unknown members are ignored
	refusal *fakehttp.Refusal
}

func (c *checker) want(ok bool, property, problem string) {
	if !ok && c.refusal == nil {
		c.refusal = invalid(property, problem)
	}
}

func (c *checker) message(property string, m *Message) {
	switch m.Type {
	case "text", "textV2":
		c.text(property+".text", m.Text, maxText)
	case "flex":
		c.text(property+".altText", m.AltText, maxAltText)
		c.want(len(m.Contents) <= maxBubble, property+".contents", "must be at most 30000 bytes")
		m.Bubble = new(Bubble)
		c.decode(property+".contents", m.Contents, m.Bubble)
		c.bubble(property+".contents", *m.Bubble)
	case "image":
		c.address(property+".originalContentUrl", m.OriginalContentURL, maxURL, "https")
		c.address(property+".previewImageUrl", m.PreviewImageURL, maxURL, "https")
	default:
		c.want(false, property+".type", "must be one of the types that are allowed here")
	}
}

// decode decodes the value of a property.
func (c *checker) decode(property string, value []byte, v any) {
	err := strict.Unmarshal(value, v, c.unknown)
	var field *strict.FieldError
	switch {
	case errors.As(err, &field):
		c.want(false, property+"."+field.Field, field.Problem)
	case err != nil:
		c.want(false, property, "must be an object")
	}
}

// text checks a text that must not be blank, of at most so many UTF-16 units; 0 is no limit.
func (c *checker) text(property, s string, most int) {
	c.want(strings.TrimSpace(s) != "", property, "May not be empty")
	n := len(utf16.Encode([]rune(s)))
	c.want(most == 0 || n <= most, property, "Length must be between 0 and "+strconv.Itoa(most))
}

// address checks an absolute URL with one of the schemes, of at most so many characters.
func (c *checker) address(property, s string, most int, schemes ...string) {
	u, err := url.Parse(s)
	ok := err == nil && slices.Contains(schemes, u.Scheme) && u.Host != "" && !strings.ContainsAny(s, " \t\r\n")
	c.want(ok, property, "invalid uri scheme")
	c.want(utf8.RuneCountInString(s) <= most, property, "Length must be between 0 and "+strconv.Itoa(most))
}

// words compiles the form of a word in a bubble. Every word may be left out.
func words(pattern string) *regexp.Regexp { return regexp.MustCompile("^(?:" + pattern + ")?$") }

// Sizes and margins can be in pixels.
var (
	colors      = words(`#[0-9A-Fa-f]{6}([0-9A-Fa-f]{2})?`)
	sizes       = words(`xxs|xs|sm|md|lg|xl|xxl|3xl|4xl|5xl|full|\d+(\.\d+)?px`)
	margins     = words(`none|xs|sm|md|lg|xl|xxl|\d+(\.\d+)?px`)
	bubbleSizes = words("nano|micro|deca|hecto|kilo|mega|giga")
	directions  = words("ltr|rtl")
	layouts     = words("horizontal|vertical|baseline")
	weights     = words("regular|bold")
	aligns      = words("start|end|center")
	decorations = words("none|underline|line-through")
	textStyles  = words("normal|italic")
	styles      = words("primary|secondary|link")
	heights     = words("sm|md")
	ratios      = words(`\d+(\.\d+)?:\d+(\.\d+)?`)
	modes       = words("cover|fit")
)

func (c *checker) word(property, s string, form *regexp.Regexp) {
	c.want(form.MatchString(s), property, "invalid property")
}

func (c *checker) bubble(property string, b Bubble) {
	c.want(b.Type == "bubble", property+".type", "must be one of the types that are allowed here")
	c.word(property+".size", b.Size, bubbleSizes)
	c.word(property+".direction", b.Direction, directions)
	c.block(property+".header", b.Header)
	c.block(property+".body", b.Body)
	c.block(property+".footer", b.Footer)
	if b.Hero != nil {
		c.component(property+".hero", *b.Hero)
	}
	if b.Action != nil {
		c.action(property+".action", *b.Action)
	}
	if b.Styles != nil {
		c.style(property+".styles.header", b.Styles.Header)
		c.style(property+".styles.hero", b.Styles.Hero)
		c.style(property+".styles.body", b.Styles.Body)
		c.style(property+".styles.footer", b.Styles.Footer)
	}
}

func (c *checker) style(property string, s BlockStyle) {
	c.word(property+".backgroundColor", s.BackgroundColor, colors)
	c.word(property+".separatorColor", s.SeparatorColor, colors)
}

// block checks the header, body or footer of a bubble, which is a box.
func (c *checker) block(property string, k *Component) {
	if k != nil {
		c.want(k.Type == "box", property+".type", "must be one of the types that are allowed here")
		c.component(property, *k)
	}
}

func (c *checker) component(property string, k Component) {
	switch k.Type {
	case "box":
		c.want(k.Layout != "", property+".layout", "must be specified")
		c.want(k.Contents != nil, property+".contents", "must be specified")
		for i, inner := range k.Contents {
			c.component(property+".contents["+strconv.Itoa(i)+"]", inner)
		}
	case "text":
		c.text(property+".text", k.Text, 0)
		c.word(property+".style", k.Style, textStyles)
	case "image":
		c.address(property+".url", k.URL, maxURL, "https")
	case "button":
		c.want(k.Action != nil, property+".action", "must be specified")
		c.word(property+".style", k.Style, styles)
	case "separator":
	default:
		c.want(false, property+".type", "must be one of the types that are allowed here")
	}
	if k.Action != nil {
		c.action(property+".action", *k.Action)
	}
	c.words(property, k)
}

// words checks what components of several types have.
func (c *checker) words(property string, k Component) {
	for _, w := range []struct {
		name, value string
		form        *regexp.Regexp
	}{
		{"layout", k.Layout, layouts}, {"spacing", k.Spacing, margins}, {"paddingAll", k.PaddingAll, margins},
		{"cornerRadius", k.CornerRadius, margins}, {"weight", k.Weight, weights}, {"height", k.Height, heights},
		{"decoration", k.Decoration, decorations}, {"aspectRatio", k.AspectRatio, ratios},
		{"aspectMode", k.AspectMode, modes}, {"size", k.Size, sizes}, {"color", k.Color, colors},
		{"backgroundColor", k.BackgroundColor, colors}, {"margin", k.Margin, margins}, {"align", k.Align, aligns},
	} {
		c.word(property+"."+w.name, w.value, w.form)
	}
}

func (c *checker) action(property string, a Action) {
	c.want(a.Type == "uri", property+".type", "must be one of the types that are allowed here")
	n := utf8.RuneCountInString(a.Label)
	c.want(n >= 1 && n <= maxLabel, property+".label", "Length must be between 1 and 20")
	c.address(property+".uri", a.URI, maxURI, "http", "https", "line", "tel")
}
