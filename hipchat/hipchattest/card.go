package hipchattest

import (
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mackerel-notify/mackerel/fakehttp"
	"github.com/mackerel-notify/mackerel/internal/strict"
)

// Limits of a card in characters, from the reference of the API.
const (
	maxCardTitle       = 500
	maxCardDescription = 1000
	maxAttributeLabel  = 50
	maxThumbnailURL    = 250
)

type card struct {
	ID          *string             `json:"id"`
	Style       *string             `json:"style"`
	Format      *string             `json:"format"`
	Title       *string             `json:"title"`
	URL         *string             `json:"url"`
	Description either[description] `json:"description"`
	Icon        either[icon]        `json:"icon"`
	Thumbnail   *thumbnail          `json:"thumbnail"`
	Activity    *activity           `json:"activity"`
	Attributes  []cardAttribute     `json:"attributes"`
}

type description struct {
	Value  *string `json:"value"`
	Format *string `json:"format"`
}

type icon struct {
	URL   *string `json:"url"`
	URL2x *string `json:"url@2x"`
}

type thumbnail struct {
	icon
	Width  int `json:"width"`
	Height int `json:"height"`
}

type activity struct {
	HTML *string      `json:"html"`
	Icon either[icon] `json:"icon"`
}

type cardAttribute struct {
	Label *string         `json:"label"`
	Value *attributeValue `json:"value"`
}

type attributeValue struct {
	Label *string      `json:"label"`
	URL   *string      `json:"url"`
	Style *string      `json:"style"`
	Icon  either[icon] `json:"icon"`
}

// An either is a string or an object.
type either[T any] struct{ object *T }

// UnmarshalJSONFrom decodes an object, with the options of the decoder, and passes over a string.
func (e *either[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '"' {
		return d.SkipValue()
	}
	return json.UnmarshalDecode(d, &e.object)
}

// checkCard returns the refusal of a card that HipChat would refuse. HipChat's answer does not say what is wrong: it
// has no message, a description with unfilled places, and the schema of all cards.
func checkCard(raw jsontext.Value, unknown bool) *fakehttp.Refusal {
	if len(raw) == 0 || raw.Kind() == 'n' {
		return nil
	}
	var c card
	var k checker
	if err := strict.Unmarshal(raw, &c, unknown); err != nil {
		k.refuse(refuseBody(err))
	} else {
		c.check(&k)
	}
	if k.first == nil {
		return nil
	}
	r := invalid("type", "card", raw, "", map[string]any{
		"description": "Value {value!r} is not of type {expected_type!r}", "expected_type": jsontext.Value(cardSchema),
	})
	r.Problem = "card: " + k.first.Problem
	return r
}

func (c card) check(k *checker) {
	k.require("id", c.ID, 1, noLimit)
	k.require("style", c.Style, 0, noLimit)
	k.word("style", c.Style, "file", "image", "application", "link", "media")
	k.word("format", c.Format, "compact", "medium")
	k.require("title", c.Title, 1, maxCardTitle)
	if d := c.Description.object; d != nil {
		k.require("description.value", d.Value, 1, maxCardDescription)
		k.require("description.format", d.Format, 0, noLimit)
		k.word("description.format", d.Format, "html", "text")
	}
	c.Icon.object.check(k, "icon", noLimit)
	if c.Thumbnail != nil {
		c.Thumbnail.check(k, "thumbnail", maxThumbnailURL)
	}
	if c.Activity != nil {
		k.require("activity.html", c.Activity.HTML, 1, noLimit)
		c.Activity.Icon.object.check(k, "activity.icon", noLimit)
	}
	for i, a := range c.Attributes {
		a.check(k, "attributes["+strconv.Itoa(i)+"]")
	}
}

func (i *icon) check(k *checker, field string, most int) {
	if i != nil {
		k.require(field+".url", i.URL, 1, most)
		k.text(field+".url@2x", i.URL2x, 0, most)
	}
}

func (a cardAttribute) check(k *checker, field string) {
	k.require(field+".label", a.Label, 1, maxAttributeLabel)
	if a.Value == nil {
		k.missing(field + ".value")
		return
	}
	k.word(field+".value.style", a.Value.Style,
		"lozenge-success", "lozenge-error", "lozenge-current", "lozenge-complete", "lozenge-moved", "lozenge")
	a.Value.Icon.object.check(k, field+".value.icon", noLimit)
}

// cardSchema is the beginning of the schema with which HipChat answers a bad card.
const cardSchema = `[{"type":"object","additionalProperties":true,"required":["id","style","title"],"properties":{
"id":{"type":"string","minLength":1},"style":{"type":"string","enum":["file","image","application","link","media"]},
"format":{"type":"string","minLength":1,"maxLength":25,"enum":["compact","medium"]},
"title":{"type":"string","minLength":1,"maxLength":500},"url":{"type":"string"},
"description":{"type":[{"type":"string"},{"type":"object","additionalProperties":false,"required":["value","format"],
"properties":{"value":{"type":"string","minLength":1,"maxLength":1000},"format":{"enum":["html","text"]}}}]},
"thumbnail":{"type":"object","additionalProperties":false,"required":["url"],"properties":{
"url":{"type":"string","minLength":1,"maxLength":250},"url@2x":{"type":"string","minLength":1,"maxLength":250},
"width":{"type":"integer"},"height":{"type":"integer"}}}}},{"type":"null"}]`
