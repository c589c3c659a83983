package linetest

import (
	"errors"
	"regexp"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

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

// checkMessages checks the messages of a request. It decodes the bubbles.
func checkMessages(messages []Message, unknown bool) error {
	c := checker{unknown: unknown}
	c.Want(len(messages) >= 1 && len(messages) <= maxMessages, "messages", "Size must be between 1 and 5")
	for i := range messages {
		c.message(strict.Item("messages", i), &messages[i])
	}
	return c.Err
}

// A checker checks messages. A property is named as LINE names it: "messages[0].text".
type checker struct {
	strict.Checker
	unknown bool // unknown members are ignored
}

func (c *checker) message(property string, m *Message) {
	switch m.Type {
	case "text", "textV2":
		c.text(property+".text", m.Text, maxText)
	case "flex":
		c.text(property+".altText", m.AltText, maxAltText)
		c.Want(len(m.Contents) <= maxBubble, property+".contents", "must be at most 30000 bytes")
		m.Bubble = new(Bubble)
		c.decode(property+".contents", m.Contents, m.Bubble)
		c.bubble(property+".contents", *m.Bubble)
	case "image":
		c.picture(property+".originalContentUrl", m.OriginalContentURL)
		c.picture(property+".previewImageUrl", m.PreviewImageURL)
	default:
		c.Want(false, property+".type", "must be one of the types that are allowed here")
	}
}

// decode decodes the value of a property.
func (c *checker) decode(property string, value []byte, v any) {
	err := strict.Unmarshal(value, v, c.unknown)
	var field *strict.FieldError
	if errors.As(err, &field) {
		c.Want(false, property+"."+field.Field, field.Problem)
	}
	c.Want(err == nil, property, "must be an object")
}

// text checks a text that must not be blank, of at most so many UTF-16 units.
func (c *checker) text(property, s string, most int) {
	c.Text(property, s)
	c.Want(len(utf16.Encode([]rune(s))) <= most, property, "Length must be between 0 and "+strconv.Itoa(most))
}

// length checks the length of an address or a label in characters.
func (c *checker) length(property, s string, most int) {
	n := utf8.RuneCountInString(s)
	c.Want(n >= 1 && n <= most, property, "Length must be between 1 and "+strconv.Itoa(most))
}

func (c *checker) picture(property, address string) {
	c.URL(property, address, "https")
	c.length(property, address, maxURL)
}

// The forms of words that are not from a list. Every word may be left out. Sizes and margins can be in pixels.
var (
	colors  = regexp.MustCompile(`^(#[0-9A-Fa-f]{6}([0-9A-Fa-f]{2})?)?$`)
	sizes   = regexp.MustCompile(`^(xxs|xs|sm|md|lg|xl|xxl|3xl|4xl|5xl|full|\d+(\.\d+)?px)?$`)
	margins = regexp.MustCompile(`^(none|xs|sm|md|lg|xl|xxl|\d+(\.\d+)?px)?$`)
	ratios  = regexp.MustCompile(`^(\d+(\.\d+)?:\d+(\.\d+)?)?$`)
)

func (c *checker) form(property, s string, form *regexp.Regexp) {
	c.Want(form.MatchString(s), property, "invalid property")
}

func (c *checker) bubble(property string, b Bubble) {
	c.Want(b.Type == "bubble", property+".type", "must be bubble")
	c.Word(property+".size", b.Size, "nano", "micro", "deca", "hecto", "kilo", "mega", "giga")
	c.block(property+".header", b.Header)
	c.block(property+".body", b.Body)
	c.block(property+".footer", b.Footer)
	if b.Hero != nil {
		c.component(property+".hero", *b.Hero)
	}
	c.form(property+".styles.header.backgroundColor", b.Styles.Header.BackgroundColor, colors)
}

// block checks the header, body or footer of a bubble, which is a box.
func (c *checker) block(property string, k *Component) {
	if k != nil {
		c.Want(k.Type == "box", property+".type", "must be box")
		c.component(property, *k)
	}
}

func (c *checker) component(property string, k Component) {
	switch k.Type {
	case "box":
		c.Want(k.Layout != "", property+".layout", "must be specified")
		c.Want(k.Contents != nil, property+".contents", "must be specified")
		for i, inner := range k.Contents {
			c.component(strict.Item(property+".contents", i), inner)
		}
	case "text":
		c.Text(property+".text", k.Text)
		c.Word(property+".style", k.Style, "normal", "italic")
	case "image":
		c.picture(property+".url", k.URL)
	case "button":
		c.Want(k.Action != nil, property+".action", "must be specified")
		c.Word(property+".style", k.Style, "primary", "secondary", "link")
	case "separator":
	default:
		c.Want(false, property+".type", "must be one of the types that are allowed here")
	}
	if k.Action != nil {
		c.action(property+".action", *k.Action)
		c.Want(k.Type != "button" || k.Action.Label != "", property+".action.label", "must be specified")
	}
	c.words(property, k)
}

// words checks what components of several types have.
func (c *checker) words(property string, k Component) {
	c.Word(property+".layout", k.Layout, "horizontal", "vertical", "baseline")
	c.form(property+".spacing", k.Spacing, margins)
	c.Word(property+".weight", k.Weight, "regular", "bold")
	c.form(property+".aspectRatio", k.AspectRatio, ratios)
	c.Word(property+".aspectMode", k.AspectMode, "cover", "fit")
	c.Word(property+".height", k.Height, "sm", "md")
	c.form(property+".size", k.Size, sizes)
	c.form(property+".color", k.Color, colors)
	c.form(property+".margin", k.Margin, margins)
}

// action checks an action. Only a button needs a label.
func (c *checker) action(property string, a Action) {
	c.Want(a.Type == "uri", property+".type", "must be uri")
	if a.Label != "" {
		c.length(property+".label", a.Label, maxLabel)
	}
	c.URL(property+".uri", a.URI, "http", "https", "line", "tel")
	c.length(property+".uri", a.URI, maxURI)
}
