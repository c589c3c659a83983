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
	}
	content := m.Attachments[0].Content
	card := Card{JSON: content}
	c := checker{unknown: unknown}
	c.want(m.Type == "message", "type", "must be message")
	c.want(m.Attachments[0].ContentType == contentType, "contentType", "must be "+contentType)
	c.note("content", strict.Unmarshal(content, &card, unknown))
	if c.problem == nil {
		c.card(card)
	}
	n := size(body)
	c.want(n <= maxMessage, "RequestEntityTooLarge", strconv.Itoa(n)+" bytes, and at most 28672 are allowed")
	if c.problem != nil {
		return Card{}, c.problem
	}
	return card, nil
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

// A checker checks a card and keeps the first problem.
type checker struct {
	unknown bool // members that version 1.4 does not have are ignored
	problem error
}

func (c *checker) note(where string, err error) {
	if err != nil && c.problem == nil {
		c.problem = fmt.Errorf("%s: %w", where, err)
	}
}

func (c *checker) want(ok bool, where, problem string) {
	if !ok {
		c.note(where, errors.New(problem))
	}
}

// word checks a word. It may be missing, and its case does not count.
func (c *checker) word(where, s string, allowed ...string) {
	known := s == "" || slices.Contains(allowed, strings.ToLower(s))
	c.want(known, where, fmt.Sprintf("%q is not one of %q", s, allowed))
}

func (c *checker) card(card Card) {
	c.want(card.Type == "AdaptiveCard", "type", "must be AdaptiveCard")
	c.want(card.Version != "", "version", "is missing")
	c.word("version", card.Version, "1.0", "1.1", "1.2", "1.3", "1.4")
	c.word("msteams.width", card.MSTeams.Width, "full")
	c.elements("body", card.Body)
	c.want(len(card.Actions) <= maxActions, "actions", strconv.Itoa(len(card.Actions))+" are too many")
	for i, a := range card.Actions {
		where := "actions[" + strconv.Itoa(i) + "]"
		c.want(a.Type == "Action.OpenUrl", where+".type", strconv.Quote(a.Type)+" is not supported")
		c.text(where+".title", a.Title)
		c.address(where+".url", a.URL, "http", "https")
	}
	c.mentions(card)
}

func (c *checker) text(where, s string) {
	c.want(strings.TrimSpace(s) != "", where, "is empty")
}

// address checks an address that must begin with one of the schemes.
func (c *checker) address(where, s string, schemes ...string) {
	scheme, rest, found := strings.Cut(s, "://")
	ok := found && slices.Contains(schemes, strings.ToLower(scheme)) && rest != "" && !strings.ContainsAny(s, " \t\r\n")
	c.want(ok, where, "is not an address of "+strings.Join(schemes, " or "))
}

func (c *checker) elements(where string, all []Element) {
	c.want(len(all) > 0, where, "is empty")
	for i, e := range all {
		c.element(where+"["+strconv.Itoa(i)+"]", e)
	}
}

func (c *checker) element(where string, e Element) {
	c.word(where+".spacing", e.Spacing, "none", "small", "default", "medium", "large", "extralarge", "padding")
	switch e.Type {
	case "TextBlock":
		c.text(where+".text", e.Text)
		c.word(where+".size", e.Size, "default", "small", "medium", "large", "extralarge")
		c.word(where+".weight", e.Weight, "default", "lighter", "bolder")
		c.word(where+".color", e.Color, "default", "dark", "light", "accent", "good", "warning", "attention")
		c.word(where+".fontType", e.FontType, "default", "monospace")
		c.word(where+".horizontalAlignment", e.HorizontalAlignment, "left", "center", "right")
		c.want(e.Style == "" || c.unknown, where+".style", "is newer than version 1.4")
	case "FactSet":
		c.want(len(e.Facts) > 0, where+".facts", "is empty")
		for i, f := range e.Facts {
			c.want(f.Title != nil && f.Value != nil, where+".facts["+strconv.Itoa(i)+"]", "has no title or no value")
		}
	case "Image":
		c.address(where+".url", e.URL, "https")
		c.word(where+".size", e.Size, "auto", "stretch", "small", "medium", "large")
	case "Container":
		c.style(where+".style", e.Style)
		c.elements(where+".items", e.Items)
	case "ColumnSet":
		c.want(len(e.Columns) > 0, where+".columns", "is empty")
		for i, column := range e.Columns {
			where := where + ".columns[" + strconv.Itoa(i) + "]"
			c.word(where+".type", column.Type, "column")
			c.style(where+".style", column.Style)
			c.elements(where+".items", column.Items)
		}
	default:
		c.want(false, where+".type", strconv.Quote(e.Type)+" is not supported")
	}
}

func (c *checker) style(where, s string) {
	c.word(where, s, "default", "emphasis", "good", "attention", "warning", "accent")
}

var tag = regexp.MustCompile(`(?is)<\s*at\b[^>]*>.*?<\s*/\s*at\s*>`)

// mentions compares the tags in the texts with the entities.
func (c *checker) mentions(card Card) {
	if c.problem != nil {
		return // the texts may not be whole
	}
	var tags, entities []string
	for _, text := range card.Texts() {
		tags = append(tags, tag.FindAllString(text, -1)...)
	}
	for i, e := range card.MSTeams.Entities {
		where := "msteams.entities[" + strconv.Itoa(i) + "]"
		c.want(e.Type == "mention", where+".type", "must be mention")
		c.want(e.Mentioned.ID != "", where+".mentioned.id", "is missing")
		c.want(e.Text == "<at>"+e.Mentioned.Name+"</at>", where+".text", "is not the <at> of its name")
		c.want(slices.Contains(tags, e.Text), where+".text", strconv.Quote(e.Text)+" is nowhere in the card")
		entities = append(entities, e.Text)
	}
	for _, t := range tags {
		c.want(slices.Contains(entities, t), "msteams.entities", strconv.Quote(t)+" has no entity")
	}
}
