package hipchat

import (
	"cmp"
	"encoding/json"
	"strconv"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// Limits of a card, in characters, as the description of send_room_notification had them.
const (
	MaxCardTitle       = 500
	MaxCardDescription = 1000
	MaxAttributeLabel  = 50
	MaxThumbnailURL    = 250
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

// A Card is drawn in place of the message by the clients for desktops and the web; those for phones show the message,
// which must therefore say everything. ID, Style and Title are required.
// See https://developer.atlassian.com/server/hipchat/messages.
type Card struct {
	ID          string      `json:"id"` // the same for the same card sent again
	Style       CardStyle   `json:"style"`
	Format      CardFormat  `json:"format,omitzero"` // of an application's card only
	Title       string      `json:"title"`           // at most [MaxCardTitle] characters
	URL         string      `json:"url,omitzero"`    // what a click opens
	Description Description `json:"description,omitzero"`
	Icon        Icon        `json:"icon,omitzero"`
	Thumbnail   *Thumbnail  `json:"thumbnail,omitzero"`
	Activity    *Activity   `json:"activity,omitzero"`
	Attributes  []Attribute `json:"attributes,omitzero"`
}

// A Description is the text of a card, at most [MaxCardDescription] characters. In JSON it is a string unless it has a
// format.
type Description struct {
	Value  string `json:"value"`
	Format Format `json:"format"`
}

// An Icon is a small picture. In JSON it is a string unless it has a second URL.
type Icon struct {
	URL   string `json:"url"`
	URL2x string `json:"url@2x,omitzero"` // for screens of double density
}

// A Thumbnail is a picture. The URLs have at most [MaxThumbnailURL] characters.
type Thumbnail struct {
	URL    string `json:"url"`
	URL2x  string `json:"url@2x,omitzero"`
	Width  int    `json:"width,omitzero"`  // pixels, 0 if not known
	Height int    `json:"height,omitzero"` // pixels, 0 if not known
}

// An Activity is one line that the card collapses to until somebody opens it.
type Activity struct {
	HTML string `json:"html"` // with a, b, i, strong and span only
	Icon Icon   `json:"icon,omitzero"`
}

// An Attribute is a labelled value of a card.
type Attribute struct {
	Label string         `json:"label"` // 1 to [MaxAttributeLabel] characters
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

// maxAttributes and maxAttributeValue, in characters, keep a default card from becoming longer than the message.
const (
	maxAttributes     = 6
	maxAttributeValue = 250
)

// DefaultCard is the alert as a card: title, link, text, the status and the first five facts. Its ID is the alert's Key
// and the status, so that a card sent twice is known as one.
func DefaultCard(a mackerel.Alert, t mackerel.Text) *Card {
	w, status := provider.Words(a, t), provider.Rating(a)
	c := &Card{
		ID:    a.Key() + ":" + cmp.Or(string(status), string(a.Event)),
		Style: CardApplication, Format: CardMedium, Title: provider.Plain(w.Title),
	}
	if linkable(w.URL) {
		c.URL = w.URL
	}
	if linkable(w.Graph.Value) && provider.Runes.Len(w.Graph.Value) <= MaxThumbnailURL {
		c.Thumbnail = &Thumbnail{URL: w.Graph.Value}
	}
	if text := provider.Join("\n", w.Message, w.Memo.Value); text != "" {
		c.Description = Description{Value: provider.Plain(text), Format: FormatText}
	}
	if status != "" {
		c.addAttribute(provider.StatusLabel(t), status.Label(), lookOf(status).lozenge)
	}
	for _, f := range w.Facts {
		c.addAttribute(f.Label, f.Value, "")
	}
	return c
}

func (c *Card) addAttribute(label, value string, style Lozenge) {
	if label == "" || len(c.Attributes) == maxAttributes {
		return
	}
	c.Attributes = append(c.Attributes, Attribute{
		Label: provider.Runes.Shorten(provider.Plain(label), MaxAttributeLabel),
		Value: AttributeValue{Label: provider.Runes.Shorten(provider.Plain(value), maxAttributeValue), Style: style},
	})
}

// The types behind Description and Icon have their members and not their methods.
type (
	descriptionObject Description
	iconObject        Icon
)

// MarshalJSON writes the shorter of the two forms that say the same.
func (d Description) MarshalJSON() ([]byte, error) {
	if d.Format == "" {
		return provider.EncodeJSON(d.Value)
	}
	return provider.EncodeJSON(descriptionObject(d))
}

// UnmarshalJSON reads either form.
func (d *Description) UnmarshalJSON(b []byte) error {
	*d = Description{}
	return unmarshalEither(b, &d.Value, (*descriptionObject)(d))
}

// MarshalJSON writes the shorter of the two forms that say the same.
func (i Icon) MarshalJSON() ([]byte, error) {
	if i.URL2x == "" {
		return provider.EncodeJSON(i.URL)
	}
	return provider.EncodeJSON(iconObject(i))
}

// UnmarshalJSON reads either form.
func (i *Icon) UnmarshalJSON(b []byte) error {
	*i = Icon{}
	return unmarshalEither(b, &i.URL, (*iconObject)(i))
}

// unmarshalEither reads what is a string in the simple case and an object in any other.
func unmarshalEither(b []byte, text *string, object any) error {
	if json.Unmarshal(b, text) == nil {
		return nil
	}
	return json.Unmarshal(b, object)
}

// check notes what the server is certain to refuse. Its own answer to a bad card would be a dump of its schema.
func (c *Card) check(p *provider.Problems) {
	p.Require("card.id", c.ID != "")
	checkWord(p, "card.style", c.Style, CardFile, CardImage, CardApplication, CardLink, CardMedia)
	checkWord(p, "card.format", c.Format, "", CardCompact, CardMedium)
	checkLength(p, "card.title", c.Title, 1, MaxCardTitle)
	if d := c.Description; d.Format != "" {
		checkLength(p, "card.description.value", d.Value, 1, MaxCardDescription)
		checkWord(p, "card.description.format", d.Format, FormatHTML, FormatText)
	}
	if t := c.Thumbnail; t != nil {
		checkLength(p, "card.thumbnail.url", t.URL, 1, MaxThumbnailURL)
		checkLength(p, "card.thumbnail.url@2x", t.URL2x, 0, MaxThumbnailURL)
	}
	if c.Activity != nil {
		p.Require("card.activity.html", c.Activity.HTML != "")
	}
	for i, a := range c.Attributes {
		field := "card.attributes[" + strconv.Itoa(i) + "]"
		checkLength(p, field+".label", a.Label, 1, MaxAttributeLabel)
		checkWord(p, field+".value.style", a.Value.Style,
			"", LozengeDefault, LozengeSuccess, LozengeError, LozengeCurrent, LozengeComplete, LozengeMoved)
	}
}

// fit returns a copy of the card, and in it everything that can be cut within its limit.
func (c *Card) fit() (*Card, []mackerel.Cut) {
	if c == nil {
		return nil, nil
	}
	fitted := *c
	var cuts []mackerel.Cut
	cut := func(field string, text *string, most int) {
		from := provider.Runes.Len(*text)
		if from <= most {
			return
		}
		*text = provider.Runes.Shorten(*text, most)
		cuts = append(cuts, mackerel.Cut{Field: field, Unit: provider.Runes.Name, From: from, To: provider.Runes.Len(*text)})
	}
	cut("card.title", &fitted.Title, MaxCardTitle)
	if c.Description.Format != FormatHTML {
		cut("card.description", &fitted.Description.Value, MaxCardDescription)
	}
	return &fitted, cuts
}
