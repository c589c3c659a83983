package main

import (
	"encoding/json"
	"regexp"

	"github.com/mackerel-notify/mackerel"
)

var (
	atTag     = regexp.MustCompile(`<at>|</at>`)
	escaped   = regexp.MustCompile(`\\([[:punct:]])`)
	blankLine = regexp.MustCompile(`\n\n+`)
	linked    = regexp.MustCompile(`^\[(.*)\]\(([^()]*)\)$`)
)

// A cardPart is an element of an Adaptive Card or of a LINE flex message: both are trees of typed objects.
type cardPart struct {
	Type     string      `json:"type"`
	Style    string      `json:"style"`
	Layout   string      `json:"layout"`
	Text     string      `json:"text"`
	Title    string      `json:"title"`
	URL      string      `json:"url"`
	Items    []cardPart  `json:"items"`
	Contents []cardPart  `json:"contents"`
	Facts    []cardFact  `json:"facts"`
	Action   *cardAction `json:"action"`
}

type cardFact struct{ Title, Value string }

type cardAction struct{ Label, URI string }

var cardColors = map[string]string{
	"attention": "#c4314b", "warning": "#f8d22a", "good": "#6bb700",
	"emphasis": "#8a8886", "accent": "#6264a7",
}

// markdown shows a text of an Adaptive Card. A blank line there is a line break.
func markdown(s string) string {
	return escaped.ReplaceAllString(blankLine.ReplaceAllString(s, "\n"), "$1")
}

func drawTeams(r mackerel.PreviewRequest) (drawing, error) {
	var m struct {
		Summary     string `json:"summary"`
		Attachments []struct {
			Content struct {
				Body    []cardPart `json:"body"`
				Actions []cardPart `json:"actions"`
			} `json:"content"`
		} `json:"attachments"`
	}
	if err := json.Unmarshal([]byte(r.Body), &m); err != nil {
		return drawing{}, err
	}
	d := drawing{Color: "#8a8886", Phone: phone{Text: m.Summary}}
	for _, a := range m.Attachments {
		for _, p := range a.Content.Body {
			p.drawCard(&d)
		}
		for _, p := range a.Content.Actions {
			d.Buttons = append(d.Buttons, p.Title)
		}
	}
	return d, nil
}

func (p cardPart) drawCard(d *drawing) {
	switch {
	case p.Type == "Container":
		if c := cardColors[p.Style]; c != "" {
			d.Color = c
		}
		for _, item := range p.Items {
			item.drawCard(d)
		}
	case p.Type == "Image":
		d.Graph = p.URL
	case p.Type == "TextBlock" && d.Title.isBlank():
		d.Title = plain(markdown(p.Text))
	case p.Type == "TextBlock":
		d.Body.text(atTag.ReplaceAllString(markdown(p.Text), "@"))
	}
	for _, f := range p.Facts {
		value, address := f.Value, ""
		if m := linked.FindStringSubmatch(value); m != nil {
			value, address = m[1], m[2]
		}
		d.Body.fact(markdown(f.Title), markdown(value), address)
	}
}

func drawLINE(r mackerel.PreviewRequest) (drawing, error) {
	var m struct {
		Messages []struct {
			Text     string `json:"text"`
			AltText  string `json:"altText"`
			Contents struct {
				Header, Hero, Body, Footer cardPart
				Styles                     struct {
					Header struct {
						BackgroundColor string `json:"backgroundColor"`
					} `json:"header"`
				} `json:"styles"`
			} `json:"contents"`
		} `json:"messages"`
	}
	if err := json.Unmarshal([]byte(r.Body), &m); err != nil {
		return drawing{}, err
	}
	var d drawing
	for _, message := range m.Messages {
		d.Phone.Text = message.AltText
		d.Body.text(message.Text)
		c := message.Contents
		d.Color, d.Graph = c.Styles.Header.BackgroundColor, c.Hero.URL
		for _, p := range []cardPart{c.Header, c.Body, c.Footer} {
			p.drawFlex(&d)
		}
	}
	return d, nil
}

func (p cardPart) drawFlex(d *drawing) {
	switch {
	case p.Type == "button" && p.Action != nil:
		d.Buttons = append(d.Buttons, p.Action.Label)
	case p.Layout == "baseline" && len(p.Contents) == 2:
		address := ""
		if a := p.Contents[1].Action; a != nil {
			address = a.URI
		}
		d.Body.fact(p.Contents[0].Text, p.Contents[1].Text, address)
	case p.Type == "text" && d.Title.isBlank():
		d.Title = plain(p.Text)
	case p.Type == "text":
		d.Body.text(p.Text)
	default:
		for _, c := range p.Contents {
			c.drawFlex(d)
		}
	}
}
