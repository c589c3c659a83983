package hipchattest

import (
	"strconv"

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

// A card may have members that are not documented. The objects within it may not, and are therefore decoded one by one.
type card struct {
	ID          *string          `json:"id"`
	Style       *string          `json:"style"`
	Format      *string          `json:"format"`
	Title       *string          `json:"title"`
	URL         *string          `json:"url"`
	Description jsontext.Value   `json:"description"` // a string or an object
	Icon        jsontext.Value   `json:"icon"`        // a string or an object
	Thumbnail   jsontext.Value   `json:"thumbnail"`
	Activity    jsontext.Value   `json:"activity"`
	Attributes  []jsontext.Value `json:"attributes"`
}

// checkCard returns the refusal of a card that HipChat would refuse. HipChat's answer does not say what is wrong: it
// has no message, a description with unfilled places, and the schema of all cards.
func checkCard(raw jsontext.Value) *fakehttp.Refusal {
	var k checker
	if k.card(raw); k.first == nil {
		return nil
	}
	r := invalid("type", "card", raw, "", map[string]any{
		"description": "Value {value!r} is not of type {expected_type!r}", "expected_type": jsontext.Value(cardSchema),
	})
	r.Problem = "card: " + k.first.Problem
	return r
}

func (k *checker) card(raw jsontext.Value) {
	var c card
	if !k.decode("card", raw, &c, true) {
		return
	}
	k.require("id", c.ID != nil)
	k.require("style", c.Style != nil)
	k.require("title", c.Title != nil)
	k.text("id", c.ID, 1, noLimit)
	k.word("style", c.Style, "file", "image", "application", "link", "media")
	k.word("format", c.Format, "compact", "medium")
	k.text("title", c.Title, 1, maxCardTitle)
	k.description(c.Description)
	k.icon("icon", c.Icon)
	k.thumbnail(c.Thumbnail)
	k.activity(c.Activity)
	for i, a := range c.Attributes {
		k.attribute("attributes["+strconv.Itoa(i)+"]", a)
	}
}

// decode decodes an object, and reports whether there is one.
func (k *checker) decode(field string, raw jsontext.Value, v any, unknown bool) bool {
	if len(raw) == 0 || raw.Kind() == 'n' {
		return false
	}
	err := strict.Unmarshal(raw, v, unknown)
	if err != nil {
		k.refuse(invalid("type", field, raw, field+": "+err.Error(), nil))
	}
	return err == nil
}

func (k *checker) description(raw jsontext.Value) {
	var d struct {
		Value  *string `json:"value"`
		Format *string `json:"format"`
	}
	if raw.Kind() == '"' || !k.decode("description", raw, &d, false) {
		return
	}
	k.require("description.value", d.Value != nil)
	k.require("description.format", d.Format != nil)
	k.text("description.value", d.Value, 1, maxCardDescription)
	k.word("description.format", d.Format, "html", "text")
}

func (k *checker) icon(field string, raw jsontext.Value) {
	var i struct {
		URL   *string `json:"url"`
		URL2x *string `json:"url@2x"`
	}
	if raw.Kind() == '"' || !k.decode(field, raw, &i, false) {
		return
	}
	k.require(field+".url", i.URL != nil)
	k.text(field+".url", i.URL, 1, noLimit)
}

func (k *checker) thumbnail(raw jsontext.Value) {
	var t struct {
		URL    *string `json:"url"`
		URL2x  *string `json:"url@2x"`
		Width  int     `json:"width"`
		Height int     `json:"height"`
	}
	if !k.decode("thumbnail", raw, &t, false) {
		return
	}
	k.require("thumbnail.url", t.URL != nil)
	k.text("thumbnail.url", t.URL, 1, maxThumbnailURL)
	k.text("thumbnail.url@2x", t.URL2x, 1, maxThumbnailURL)
}

func (k *checker) activity(raw jsontext.Value) {
	var a struct {
		HTML *string        `json:"html"`
		Icon jsontext.Value `json:"icon"`
	}
	if !k.decode("activity", raw, &a, false) {
		return
	}
	k.require("activity.html", a.HTML != nil)
	k.text("activity.html", a.HTML, 1, noLimit)
	k.icon("activity.icon", a.Icon)
}

func (k *checker) attribute(field string, raw jsontext.Value) {
	var a struct {
		Label *string `json:"label"`
		Value *struct {
			Label *string        `json:"label"`
			URL   *string        `json:"url"`
			Style *string        `json:"style"`
			Icon  jsontext.Value `json:"icon"`
		} `json:"value"`
	}
	if !k.decode(field, raw, &a, false) {
		return
	}
	k.require(field+".label", a.Label != nil)
	k.require(field+".value", a.Value != nil)
	k.text(field+".label", a.Label, 1, maxAttributeLabel)
	if a.Value != nil {
		k.word(field+".value.style", a.Value.Style,
			"lozenge-success", "lozenge-error", "lozenge-current", "lozenge-complete", "lozenge-moved", "lozenge")
		k.icon(field+".value.icon", a.Value.Icon)
	}
}

// cardSchema is the schema with which HipChat answers a bad card.
const cardSchema = `[{"type":"object","additionalProperties":true,"required":["id","style","title"],"properties":{
"id":{"type":"string","minLength":1},"style":{"type":"string","enum":["file","image","application","link","media"]},
"format":{"type":"string","minLength":1,"maxLength":25,"enum":["compact","medium"]},
"title":{"type":"string","minLength":1,"maxLength":500},"url":{"type":"string"},
"description":{"type":[{"type":"string"},{"type":"object","additionalProperties":false,"required":["value","format"],"properties":{
"value":{"type":"string","minLength":1,"maxLength":1000},"format":{"type":"string","enum":["html","text"]}}}]},
"icon":{"type":[{"type":"string"},{"type":"object","additionalProperties":false,"required":["url"],"properties":{
"url":{"type":"string","minLength":1},"url@2x":{"type":"string"}}}]},
"thumbnail":{"type":"object","additionalProperties":false,"required":["url"],"properties":{
"url":{"type":"string","minLength":1,"maxLength":250},"url@2x":{"type":"string","minLength":1,"maxLength":250},
"width":{"type":"integer"},"height":{"type":"integer"}}},
"activity":{"type":"object","additionalProperties":false,"required":["html"],"properties":{
"html":{"type":"string","minLength":1},"icon":{"type":[{"type":"string"},{"type":"object","required":["url"]}]}}},
"attributes":{"type":"array","items":{"type":"object","additionalProperties":false,"required":["label","value"],"properties":{
"label":{"type":"string","minLength":1,"maxLength":50},"value":{"type":"object","additionalProperties":false,"properties":{
"label":{"type":"string"},"url":{"type":"string"},"style":{"type":"string","enum":["lozenge-success","lozenge-error",
"lozenge-current","lozenge-complete","lozenge-moved","lozenge"]}}}}}}}},{"type":"null"}]`
