package teamstest

import (
	"github.com/go-json-experiment/json/jsontext"
)

// A message is the body of a request.
type message struct {
	Type        string       `json:"type"`
	Summary     string       `json:"summary"`
	Attachments []attachment `json:"attachments"`
}

type attachment struct {
	ContentType string         `json:"contentType"`
	ContentURL  *string        `json:"contentUrl"`
	Content     jsontext.Value `json:"content"`
}

// A Card is an Adaptive Card (https://adaptivecards.io/explorer), with the members of version 1.4 that
// https://learn.microsoft.com/en-us/microsoftteams/platform/task-modules-and-cards/cards/cards-reference supports.
type Card struct {
	JSON         jsontext.Value `json:"-"` // as it was posted
	Schema       string         `json:"$schema"`
	Type         string         `json:"type"`
	Version      string         `json:"version"`
	MSTeams      MSTeams        `json:"msteams"`
	Body         []Element      `json:"body"`
	Actions      []Action       `json:"actions"`
	FallbackText string         `json:"fallbackText"`
	Speak        string         `json:"speak"`
	Lang         string         `json:"lang"`
}

// MSTeams is what Teams adds to a card.
type MSTeams struct {
	Width    string   `json:"width"`
	Entities []Entity `json:"entities"`
}

// An Entity says whom the text of an <at> mentions.
type Entity struct {
	Type      string  `json:"type"`
	Text      string  `json:"text"`
	Mentioned Mention `json:"mentioned"`
}

// A Mention is a person whom a card mentions.
type Mention struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// An Element is a TextBlock, FactSet, Image, Container, ColumnSet or Column.
type Element struct {
	Type                string         `json:"type"`
	Text                string         `json:"text"` // of a TextBlock
	Wrap                bool           `json:"wrap"`
	IsSubtle            bool           `json:"isSubtle"`
	MaxLines            float64        `json:"maxLines"`
	Weight              string         `json:"weight"`
	Color               string         `json:"color"`
	FontType            string         `json:"fontType"`
	HorizontalAlignment string         `json:"horizontalAlignment"`
	Facts               []Fact         `json:"facts"` // of a FactSet
	URL                 string         `json:"url"`   // of an Image
	AltText             string         `json:"altText"`
	MSTeams             ImageMSTeams   `json:"msteams"`
	Size                string         `json:"size"`  // of a TextBlock or Image
	Items               []Element      `json:"items"` // of a Container or Column
	Style               string         `json:"style"` // of a Container or Column
	Bleed               bool           `json:"bleed"`
	Columns             []Element      `json:"columns"` // of a ColumnSet
	Width               jsontext.Value `json:"width"`   // of a Column
	ID                  string         `json:"id"`
	Spacing             string         `json:"spacing"`
	Separator           bool           `json:"separator"`
}

// A Fact is a line of a FactSet.
type Fact struct {
	Title *string `json:"title"`
	Value *string `json:"value"`
}

// ImageMSTeams is what Teams adds to an Image.
type ImageMSTeams struct {
	AllowExpand bool `json:"allowExpand"`
}

// An Action is a button.
type Action struct {
	Type  string `json:"type"`
	Title string `json:"title"`
	URL   string `json:"url"`
	ID    string `json:"id"`
}

// Texts returns the texts that people see: what the buttons say, and then the Markdown of the card from top to bottom.
func (c Card) Texts() []string {
	var all []string
	for _, a := range c.Actions {
		all = append(all, a.Title)
	}
	c.each(func(e Element) {
		if e.Type == "TextBlock" {
			all = append(all, e.Text)
		}
		for _, f := range e.Facts {
			all = append(all, *f.Title, *f.Value)
		}
	})
	return all
}

// Mentions returns the people whom the card mentions.
func (c Card) Mentions() []Mention {
	var all []Mention
	for _, e := range c.MSTeams.Entities {
		all = append(all, e.Mentioned)
	}
	return all
}

// Buttons returns the addresses that the card's buttons open.
func (c Card) Buttons() []string {
	var all []string
	for _, a := range c.Actions {
		all = append(all, a.URL)
	}
	return all
}

// Images returns the addresses of the card's pictures.
func (c Card) Images() []string {
	var all []string
	c.each(func(e Element) {
		if e.Type == "Image" {
			all = append(all, e.URL)
		}
	})
	return all
}

// each calls f with all elements of the card, from top to bottom.
func (c Card) each(f func(Element)) {
	var walk func([]Element)
	walk = func(all []Element) {
		for _, e := range all {
			f(e)
			walk(e.Items)
			walk(e.Columns)
		}
	}
	walk(c.Body)
}
