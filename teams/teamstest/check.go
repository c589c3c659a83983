package teamstest

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/mackerel-notify/mackerel/internal/strict"
)

const (
	contentType = "application/vnd.microsoft.card.adaptive"
	maxMessage  = 28672 // bytes (https://github.com/MicrosoftDocs/msteams-docs/issues/11274)
	maxActions  = 6
)

// post returns the card that the workflow posts for a body, or why its run fails.
func post(body []byte, unknown bool) (Card, error) {
	var m message
	if err := strict.Unmarshal(body, &m, unknown); err != nil {
		return Card{}, err
	}
	switch {
	case m.Attachments == nil:
		return Card{}, errors.New("ExpressionEvaluationFailed: the 'foreach' expression is of type 'Null'")
	case len(m.Attachments) != 1:
		return Card{}, fmt.Errorf("%d attachments, and only one is posted", len(m.Attachments))
	case size(body) > maxMessage:
		return Card{}, fmt.Errorf("RequestEntityTooLarge: %d bytes, and at most %d are allowed", size(body), maxMessage)
	}
	a := m.Attachments[0]
	var c checker
	c.Want(m.Type == "message", "type", "must be message")
	c.Want(a.ContentType == contentType, "contentType", "must be "+contentType)
	c.card(a.Content)
	if c.Err != nil {
		return Card{}, c.Err
	}
	return a.Content, nil
}

// size counts the JSON as a string within JSON, with every character beyond ASCII escaped in both.
func size(body []byte) int {
	n := 0
	for _, r := range string(body) {
		switch {
		case r == '"' || r == '\\':
			n += len(`\"`)
		case r > 0x7e:
			n += len(`\\u0000`) * utf16.RuneLen(r)
		default:
			n++
		}
	}
	return n
}

// A checker checks a card.
type checker struct{ strict.Checker }

// word checks a word, whose case does not count.
func (c *checker) word(where, s string, allowed ...string) {
	c.Word(where, strings.ToLower(s), allowed...)
}

func (c *checker) card(card Card) {
	c.Want(card.Type == "AdaptiveCard", "type", "must be AdaptiveCard")
	c.Want(card.Version != "", "version", "is missing")
	c.Word("version", card.Version, "1.0", "1.1", "1.2", "1.3", "1.4")
	c.word("msteams.width", card.MSTeams.Width, "full")
	c.elements("body", card.Body)
	c.Want(len(card.Actions) <= maxActions, "actions", "are more than 6")
	for i, a := range card.Actions {
		where := strict.Item("actions", i)
		c.Want(a.Type == "Action.OpenUrl", where+".type", strconv.Quote(a.Type)+" is not supported")
		c.Text(where+".title", a.Title)
		c.URL(where+".url", a.URL, "http", "https")
	}
	c.mentions(card)
}

func (c *checker) elements(where string, all []Element) {
	c.Want(len(all) > 0, where, "is empty")
	for i, e := range all {
		c.element(strict.Item(where, i), e)
	}
}

func (c *checker) element(where string, e Element) {
	switch e.Type {
	case "TextBlock":
		c.Text(where+".text", e.Text)
		c.word(where+".size", e.Size, "default", "small", "medium", "large", "extralarge")
		c.word(where+".weight", e.Weight, "default", "lighter", "bolder")
		c.word(where+".color", e.Color, "default", "dark", "light", "accent", "good", "warning", "attention")
	case "FactSet":
		c.Want(len(e.Facts) > 0, where+".facts", "is empty")
	case "Image":
		c.URL(where+".url", e.URL, "https")
		c.word(where+".size", e.Size, "auto", "stretch", "small", "medium", "large")
	case "Container":
		c.word(where+".style", e.Style, "default", "emphasis", "good", "attention", "warning", "accent")
		c.elements(where+".items", e.Items)
	default:
		c.Want(slices.Contains(unchecked, e.Type), where+".type", strconv.Quote(e.Type)+" is not supported")
	}
}

// unchecked are types of elements that the fake takes without a look.
var unchecked = []string{"ActionSet", "ColumnSet", "ImageSet", "Media", "RichTextBlock", "Table"}

var tag = regexp.MustCompile(`(?is)<\s*at\b[^>]*>.*?<\s*/\s*at\s*>`)

// mentions compares the tags in the texts with the entities.
func (c *checker) mentions(card Card) {
	var tags, entities []string
	for _, text := range card.Texts() {
		tags = append(tags, tag.FindAllString(text, -1)...)
	}
	for i, e := range card.MSTeams.Entities {
		where := strict.Item("msteams.entities", i)
		c.Want(e.Type == "mention", where+".type", "must be mention")
		c.Want(e.Mentioned.ID != "", where+".mentioned.id", "is missing")
		c.Want(e.Text == "<at>"+e.Mentioned.Name+"</at>", where+".text", "is not the <at> of its name")
		c.Want(slices.Contains(tags, e.Text), where+".text", strconv.Quote(e.Text)+" is nowhere in the card")
		entities = append(entities, e.Text)
	}
	for _, t := range tags {
		c.Want(slices.Contains(entities, t), "msteams.entities", strconv.Quote(t)+" has no entity")
	}
}
