package hipchat

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// Limits of a card, in characters, from the page of send_room_notification, which no longer exists.
const (
	maxCardTitle       = 500
	maxCardDescription = 1000
	maxAttributeLabel  = 50
	maxThumbnailURL    = 250
)

// A CardStyle is the kind of a card.
type CardStyle string

// The styles of cards.
const (
	CardFile        CardStyle = "file"
	CardImage       CardStyle = "image"
	CardApplication CardStyle = "application"
	CardLink        CardStyle = "link"
	CardMedia       CardStyle = "media"
)

// A CardFormat is the size of a card of style application.
type CardFormat string

// The formats of cards.
const (
	CardCompact CardFormat = "compact" // 1 or 2 lines of description
	CardMedium  CardFormat = "medium"  // 1 to 5 lines
)

// A Card is drawn in place of the message by clients for desktops and the web. Clients for phones show the message,
// which therefore has to contain everything. ID, Style and Title are required. See
// https://developer.atlassian.com/server/hipchat/messages.
type Card struct {
	ID          string      `json:"id"` // by which a card that is sent again is recognised
	Style       CardStyle   `json:"style"`
	Format      CardFormat  `json:"format,omitzero"` // of an application's card only
	Title       string      `json:"title"`           // at most 500 characters
	URL         string      `json:"url,omitzero"`    // what a click opens
	Description Description `json:"description,omitzero"`
	Icon        Icon        `json:"icon,omitzero"`
	Thumbnail   *Thumbnail  `json:"thumbnail,omitzero"`
	Activity    *Activity   `json:"activity,omitzero"`
	Attributes  []Attribute `json:"attributes,omitzero"`
}

// A Description is the text of a card, at most 1,000 characters. In JSON it is a string unless it has a format.
type Description struct {
	Value  string `json:"value"`
	Format Format `json:"format"`
}

// An Icon is a small picture. In JSON it is a string unless it has a second URL.
type Icon struct {
	URL   string `json:"url"`
	URL2x string `json:"url@2x,omitzero"` // for screens of double density
}

// A Thumbnail is a picture. The URLs have at most 250 characters.
type Thumbnail struct {
	URL    string `json:"url"`
	URL2x  string `json:"url@2x,omitzero"`
	Width  int    `json:"width,omitzero"`  // pixels, 0 if not known
	Height int    `json:"height,omitzero"` // pixels, 0 if not known
}

// An Activity is the line to which a card is collapsed until a person opens it.
type Activity struct {
	HTML string `json:"html"` // with a, b, i, strong and span only
	Icon Icon   `json:"icon,omitzero"`
}

// An Attribute is a labelled value of a card.
type Attribute struct {
	Label string         `json:"label"` // 1 to 50 characters
	Value AttributeValue `json:"value"`
}

// An AttributeValue is what an Attribute shows.
type AttributeValue struct {
	Label string  `json:"label,omitzero"`
	URL   string  `json:"url,omitzero"`
	Style Lozenge `json:"style,omitzero"`
	Icon  Icon    `json:"icon,omitzero"`
}

// A Lozenge is a coloured frame around a value.
type Lozenge string

// The lozenges.
const (
	LozengeDefault  Lozenge = "lozenge"
	LozengeSuccess  Lozenge = "lozenge-success"
	LozengeError    Lozenge = "lozenge-error"
	LozengeCurrent  Lozenge = "lozenge-current"
	LozengeComplete Lozenge = "lozenge-complete"
	LozengeMoved    Lozenge = "lozenge-moved"
)

// Limits of our own, so that a default card is not longer than the message.
const (
	maxAttributes     = 6
	maxAttributeValue = 250 // characters
)

// lozenges are the frames around the status. A status that this version does not know looks like unknown. An alert that
// its monitor did not close has the neutral frame.
var lozenges = provider.PerStatus[Lozenge]{
	OK: LozengeSuccess, Warning: LozengeCurrent, Critical: LozengeError, Unknown: LozengeDefault, Other: LozengeDefault,
}

// DefaultCard returns the card of an alert. The title says what the alert is about, and the first attribute its status.
// The description has the text and the memo. The other attributes are the first facts, with their links. The card links
// to the alert and has its graph. Its ID is the alert's Key and the status, so that a card that is sent twice is
// recognised.
func DefaultCard(a mackerel.Alert, t mackerel.Text) *Card {
	w := provider.Words(a, t)
	c := &Card{
		ID:    a.Key() + ":" + cmp.Or(string(provider.Rating(a)), string(a.Event)),
		Style: CardApplication, Format: CardMedium, Title: w.Subject,
	}
	if linkable(w.URL) {
		c.URL = w.URL
	}
	if linkable(w.Graph.Value) && provider.Runes.Len(w.Graph.Value) <= maxThumbnailURL {
		c.Thumbnail = &Thumbnail{URL: w.Graph.Value}
	}
	parts := []mackerel.Fact{{Value: w.Text}, w.Memo}
	parts = slices.DeleteFunc(parts, func(f mackerel.Fact) bool { return f.Value == "" })
	if len(parts) > 0 {
		c.Description = Description{Value: provider.Lines(parts), Format: FormatText}
	}
	if w.Status != "" {
		c.addAttribute(mackerel.Fact{Label: provider.StatusLabel(t), Value: w.Status}, lozenges.Of(a))
	}
	for _, f := range w.Facts {
		c.addAttribute(f, "")
	}
	return c
}

// addAttribute adds a fact, unless it has no label, which HipChat requires, or the card is full.
func (c *Card) addAttribute(f mackerel.Fact, style Lozenge) {
	if f.Label == "" || len(c.Attributes) == maxAttributes {
		return
	}
	v := AttributeValue{Label: provider.Runes.ShortenPlain(f.Value, maxAttributeValue), Style: style}
	if linkable(f.URL) {
		v.URL = f.URL
	}
	label := provider.Runes.ShortenPlain(f.Label, maxAttributeLabel)
	c.Attributes = append(c.Attributes, Attribute{Label: label, Value: v})
}

// The types of the objects that Description and Icon are in JSON, without their methods.
type (
	descriptionObject Description
	iconObject        Icon
)

// MarshalJSON returns a string, or an object if there is a format.
func (d Description) MarshalJSON() ([]byte, error) {
	if d.Format == "" {
		return provider.EncodeJSON(d.Value)
	}
	return provider.EncodeJSON(descriptionObject(d))
}

// UnmarshalJSON decodes a string or an object.
func (d *Description) UnmarshalJSON(b []byte) error {
	*d = Description{}
	return unmarshalEither(b, &d.Value, (*descriptionObject)(d))
}

// MarshalJSON returns a string, or an object if there is a second URL.
func (i Icon) MarshalJSON() ([]byte, error) {
	if i.URL2x == "" {
		return provider.EncodeJSON(i.URL)
	}
	return provider.EncodeJSON(iconObject(i))
}

// UnmarshalJSON decodes a string or an object.
func (i *Icon) UnmarshalJSON(b []byte) error {
	*i = Icon{}
	return unmarshalEither(b, &i.URL, (*iconObject)(i))
}

// check notes what the server would certainly refuse. A card that it refuses is answered with the whole schema of
// cards, and not with the field. A nil card has no problems.
func (c *Card) check(p *provider.Problems) {
	if c == nil {
		return
	}
	p.Require("Card.ID", c.ID != "")
	p.Require("Card.Style", c.Style != "")
	provider.OneOf(p, "Card.Style", c.Style, CardFile, CardImage, CardApplication, CardLink, CardMedia)
	provider.OneOf(p, "Card.Format", c.Format, CardCompact, CardMedium)
	p.Require("Card.Title", c.Title != "")
	p.Length("Card.Title", c.Title, provider.Runes, maxCardTitle)
	if d := c.Description; d.Format != "" {
		p.Require("Card.Description.Value", d.Value != "")
		p.Length("Card.Description.Value", d.Value, provider.Runes, maxCardDescription)
		provider.OneOf(p, "Card.Description.Format", d.Format, FormatHTML, FormatText)
	}
	if t := c.Thumbnail; t != nil {
		p.Require("Card.Thumbnail.URL", t.URL != "")
		p.Length("Card.Thumbnail.URL", t.URL, provider.Runes, maxThumbnailURL)
		p.Length("Card.Thumbnail.URL2x", t.URL2x, provider.Runes, maxThumbnailURL)
	}
	if c.Activity != nil {
		p.Require("Card.Activity.HTML", c.Activity.HTML != "")
	}
	for i, a := range c.Attributes {
		field := "Card.Attributes[" + strconv.Itoa(i) + "]"
		p.Require(field+".Label", a.Label != "")
		p.Length(field+".Label", a.Label, provider.Runes, maxAttributeLabel)
		provider.OneOf(p, field+".Value.Style", a.Value.Style,
			LozengeDefault, LozengeSuccess, LozengeError, LozengeCurrent, LozengeComplete, LozengeMoved)
	}
}

// fit returns a copy of the card whose title and description are plain and within their limits. A description in HTML
// stays as it is. A nil card stays nil.
func (c *Card) fit(texts *provider.Cutter) *Card {
	if c == nil {
		return nil
	}
	fitted := *c
	fitted.Title = texts.Text("card.title", c.Title, maxCardTitle)
	if c.Description.Format != FormatHTML {
		fitted.Description.Value = texts.Text("card.description", c.Description.Value, maxCardDescription)
	}
	return &fitted
}
