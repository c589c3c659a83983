package main

import (
	"encoding/json"
	"regexp"

	"github.com/mackerel-notify/mackerel"
)

var (
	escaped   = regexp.MustCompile(`\\([[:punct:]])`)
	blankLine = regexp.MustCompile(`\n\n+`)
	cardLink  = regexp.MustCompile(`\[([^\]]*)\]\(([^()\s]*)\)|<at>([^<]*)</at>`)
)

// A cardPart is an element of an Adaptive Card.
type cardPart struct {
	Type     string     `json:"type"`
	Style    string     `json:"style"`
	Weight   string     `json:"weight"`
	IsSubtle bool       `json:"isSubtle"`
	Text     string     `json:"text"`
	Title    string     `json:"title"`
	URL      string     `json:"url"`
	Items    []cardPart `json:"items"`
	Facts    []struct {
		Title string `json:"title"`
		Value string `json:"value"`
	} `json:"facts"`
}

// markdown reads the Markdown of an Adaptive Card: links, mentions and line breaks, which are blank lines.
func markdown(s string) (t richText) {
	undo := func(s string) string { return escaped.ReplaceAllString(blankLine.ReplaceAllString(s, "\n"), "$1") }
	end := 0
	for _, at := range cardLink.FindAllStringSubmatchIndex(s, -1) {
		t = append(t, run{Text: undo(s[end:at[0]])})
		end = at[1]
		if at[6] >= 0 {
			t = append(t, run{Text: "@" + s[at[6]:at[7]], Mention: true})
			continue
		}
		t = append(t, run{Text: undo(s[at[2]:at[3]]), URL: s[at[4]:at[5]]})
	}
	return append(t, run{Text: undo(s[end:])})
}

// drawTeams draws the elements of the card in their order, and the actions at its foot.
func drawTeams(r mackerel.PreviewRequest, _ words) (d drawing, err error) {
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
	d.Phone.Text = m.Summary
	for _, a := range m.Attachments {
		var card blocks
		for _, p := range a.Content.Body {
			p.draw(&card)
		}
		var buttons []run
		for _, p := range a.Content.Actions {
			buttons = append(buttons, run{Text: p.Title, URL: p.URL})
		}
		card.buttons("buttons", buttons)
		d.Blocks.frame("card", "", card)
	}
	return d, nil
}

func (p cardPart) draw(b *blocks) {
	switch p.Type {
	case "Container":
		var inner blocks
		for _, item := range p.Items {
			item.draw(&inner)
		}
		b.frame("tint "+p.Style, "", inner) // page.css has the colours of the styles
	case "Image":
		b.picture(p.URL)
	case "FactSet":
		for _, f := range p.Facts {
			b.fact(fact{Label: markdown(f.Title), Value: markdown(f.Value)})
		}
	default:
		look := ""
		if p.Weight == "bolder" {
			look = "title"
		}
		if p.IsSubtle {
			look = "muted"
		}
		b.text(look, markdown(p.Text))
	}
}

// A flexPart is a component of a flex message of LINE.
type flexPart struct {
	Type     string     `json:"type"`
	Layout   string     `json:"layout"`
	Text     string     `json:"text"`
	Weight   string     `json:"weight"`
	Size     string     `json:"size"`
	Color    string     `json:"color"`
	URL      string     `json:"url"`
	Contents []flexPart `json:"contents"`
	Action   struct {
		Label string `json:"label"`
		URI   string `json:"uri"`
	} `json:"action"`
}

// A bubble is a flex message. LINE shows its parts in this order.
type bubble struct {
	Header flexPart `json:"header"`
	Hero   flexPart `json:"hero"`
	Body   flexPart `json:"body"`
	Footer flexPart `json:"footer"`
	Styles struct {
		Header struct {
			BackgroundColor string `json:"backgroundColor"`
		} `json:"header"`
	} `json:"styles"`
}

func drawLINE(r mackerel.PreviewRequest, w words) (d drawing, err error) {
	var m struct {
		Messages []struct {
			Text     string `json:"text"`
			AltText  string `json:"altText"`
			Contents bubble `json:"contents"`
		} `json:"messages"`
		NotificationDisabled bool `json:"notificationDisabled"`
	}
	if err := json.Unmarshal([]byte(r.Body), &m); err != nil {
		return drawing{}, err
	}
	for _, message := range m.Messages {
		d.Phone.Text = join(d.Phone.Text, message.AltText, firstLine(message.Text))
		var text blocks
		text.text("", linked(message.Text))
		d.Blocks.frame("bubble", "", append(text, message.Contents.draw()...))
	}
	if m.NotificationDisabled {
		d.Blocks.text("small", plain(w.Silent))
	}
	return d, nil
}

// draw draws the parts of a bubble: the head, the picture, the body and the foot.
func (m bubble) draw() (b blocks) {
	var head blocks
	m.Header.draw(&head)
	b.frame("head", m.Styles.Header.BackgroundColor, head)
	b.picture(m.Hero.URL)
	m.Body.draw(&b)
	m.Footer.draw(&b)
	return b
}

func (p flexPart) draw(b *blocks) {
	switch {
	case p.Type == "button":
		b.buttons("buttons wide", []run{{Text: p.Action.Label, URL: p.Action.URI}})
	case p.Type == "text":
		b.text(p.Size, p.rich())
	case p.Layout == "baseline" && len(p.Contents) == 2:
		b.fact(fact{Label: p.Contents[0].rich(), Value: p.Contents[1].rich()})
	default:
		for _, c := range p.Contents {
			c.draw(b)
		}
	}
}

// rich returns the text of a component. A tap on it opens the address of its action.
func (p flexPart) rich() richText {
	return richText{{Text: p.Text, URL: p.Action.URI, Bold: p.Weight == "bold", Ink: p.Color}}
}
