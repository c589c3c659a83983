package main

import (
	"encoding/json"
	"encoding/xml"
	"html"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/mackerel-notify/mackerel"
)

// A drawing is about what a person would see. It is made from the request alone, as the service would make it: what is
// not in the request cannot be in the picture.
type drawing struct {
	Color   string // of the bar or head
	Mention string
	Title   string
	Texts   []string
	Facts   []mackerel.Fact
	Graph   string // address of the picture
	Buttons []string
	Small   []string // at the bottom: keys, priorities, footers
}

func (d *drawing) text(s string) {
	if s = strings.TrimSpace(s); s != "" {
		d.Texts = append(d.Texts, s)
	}
}

func (d *drawing) fact(label, value string) {
	if value != "" {
		d.Facts = append(d.Facts, mackerel.Fact{Label: label, Value: value})
	}
}

func (d *drawing) small(label, value string) {
	if value != "" {
		d.Small = append(d.Small, label+": "+value)
	}
}

var (
	anyTag   = regexp.MustCompile(`<[^>]*>`)
	atTag    = regexp.MustCompile(`<at>|</at>`)
	toTag    = regexp.MustCompile(`\[To:(\d+)\]`)
	codeTag  = regexp.MustCompile(`\[/?(info|title|hr|To:\d+|toall)\]`)
	slackTag = regexp.MustCompile(`<([^|>]*)(\|([^>]*))?>`)
	escaped  = regexp.MustCompile(`\\([[:punct:]])`)
)

// drawChatwork reads the message's notation.
func drawChatwork(r mackerel.PreviewRequest) (drawing, error) {
	form, err := url.ParseQuery(r.Body)
	if err != nil {
		return drawing{}, err
	}
	d := drawing{Color: "#c9d3dc"}
	before, box, _ := strings.Cut(form.Get("body"), "[info]")
	d.Mention = toTag.ReplaceAllString(strings.TrimSpace(before), "To $1 ")
	title, rest, _ := strings.Cut(strings.TrimPrefix(box, "[title]"), "[/title]")
	d.Title = title
	rest, link, hasLink := strings.Cut(rest, "[hr]")
	d.text(codeTag.ReplaceAllString(strings.TrimSuffix(rest, "[/info]"), ""))
	if hasLink {
		d.Small = append(d.Small, strings.TrimSuffix(link, "[/info]"))
	}
	return d, nil
}

var hipchatColors = map[string]string{"green": "#14892c", "yellow": "#f6c342", "red": "#d04437", "gray": "#999999", "purple": "#8d67a8"}

func drawHipChat(r mackerel.PreviewRequest) (drawing, error) {
	var m struct {
		Message string `json:"message"`
		Color   string `json:"color"`
		Notify  bool   `json:"notify"`
	}
	if err := json.Unmarshal([]byte(r.Body), &m); err != nil {
		return drawing{}, err
	}
	d := drawing{Color: hipchatColors[m.Color]}
	var lines []string
	for _, line := range strings.Split(m.Message, "<br>") {
		if src, ok := strings.CutPrefix(line, `<img src="`); ok {
			d.Graph = html.UnescapeString(strings.TrimSuffix(src, `">`))
			continue
		}
		lines = append(lines, html.UnescapeString(anyTag.ReplaceAllString(line, "")))
	}
	d.Title = lines[0]
	d.text(strings.Join(lines[1:], "\n"))
	if m.Notify {
		d.Small = []string{"with a sound"}
	}
	return d, nil
}

// slackText shows Slack's notation as plain text.
func slackText(s string) string {
	s = slackTag.ReplaceAllStringFunc(s, func(tag string) string {
		m := slackTag.FindStringSubmatch(tag)
		if m[3] != "" {
			return m[3]
		}
		return strings.Replace(m[1], "!", "@", 1)
	})
	return html.UnescapeString(strings.ReplaceAll(s, "*", ""))
}

func drawSlack(r mackerel.PreviewRequest) (drawing, error) {
	var m struct {
		Text        string `json:"text"`
		Attachments []struct {
			Color  string      `json:"color"`
			Blocks []slackPart `json:"blocks"`
		} `json:"attachments"`
	}
	if err := json.Unmarshal([]byte(r.Body), &m); err != nil {
		return drawing{}, err
	}
	d := drawing{Title: slackText(m.Text)}
	for _, a := range m.Attachments {
		d.Color = a.Color
		for _, b := range a.Blocks {
			b.draw(&d)
		}
	}
	return d, nil
}

// A slackPart is a block or an element of one. What its text is depends on the type.
type slackPart struct {
	Type     string          `json:"type"`
	Text     json.RawMessage `json:"text"`
	Fields   []slackPart     `json:"fields"`
	Elements []slackPart     `json:"elements"`
	ImageURL string          `json:"image_url"`
}

func (p slackPart) words() string {
	var s string
	if json.Unmarshal(p.Text, &s) == nil {
		return slackText(s)
	}
	var object struct {
		Text string `json:"text"`
	}
	if json.Unmarshal(p.Text, &object) != nil {
		return ""
	}
	return slackText(object.Text)
}

func (p slackPart) draw(d *drawing) {
	switch p.Type {
	case "image":
		d.Graph = p.ImageURL
	case "button":
		d.Buttons = append(d.Buttons, p.words())
	case "context":
		for _, e := range p.Elements {
			d.Small = append(d.Small, e.words())
		}
	default:
		d.text(p.words())
		for _, e := range slices.Concat(p.Fields, p.Elements) {
			e.draw(d)
		}
	}
}

// A cardPart is an element of an Adaptive Card or of a LINE flex message: both are trees of typed objects.
type cardPart struct {
	Type     string                  `json:"type"`
	Style    string                  `json:"style"`
	Layout   string                  `json:"layout"`
	Text     string                  `json:"text"`
	Title    string                  `json:"title"`
	URL      string                  `json:"url"`
	Items    []cardPart              `json:"items"`
	Contents []cardPart              `json:"contents"`
	Facts    []cardFact              `json:"facts"`
	Action   *struct{ Label string } `json:"action"`
}

type cardFact struct{ Title, Value string }

var cardColors = map[string]string{"attention": "#c4314b", "warning": "#f8d22a", "good": "#6bb700", "emphasis": "#8a8886", "accent": "#6264a7"}

func markdown(s string) string { return escaped.ReplaceAllString(s, "$1") }

func drawTeams(r mackerel.PreviewRequest) (drawing, error) {
	var m struct {
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
	d := drawing{Color: "#8a8886"}
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
	case p.Type == "TextBlock" && d.Title == "":
		d.Title = markdown(p.Text)
	case p.Type == "TextBlock":
		d.text(atTag.ReplaceAllString(markdown(p.Text), "@"))
	}
	for _, f := range p.Facts {
		d.fact(markdown(f.Title), markdown(f.Value))
	}
}

func drawLINE(r mackerel.PreviewRequest) (drawing, error) {
	var m struct {
		Messages []struct {
			Text     string `json:"text"`
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
		d.text(message.Text)
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
		d.fact(p.Contents[0].Text, p.Contents[1].Text)
	case p.Type == "text" && d.Title == "":
		d.Title = p.Text
	case p.Type == "text":
		d.text(p.Text)
	default:
		for _, c := range p.Contents {
			c.drawFlex(d)
		}
	}
}

// drawText draws a message that is text: its first line is the title.
func drawText(color, body string) drawing {
	d := drawing{Color: color}
	title, rest, _ := strings.Cut(body, "\n")
	d.Title = title
	d.text(rest)
	return d
}

func drawTypetalk(r mackerel.PreviewRequest) (drawing, error) {
	form, err := url.ParseQuery(r.Body)
	return drawText("#63b0cd", form.Get("message")), err
}

// drawTwilio draws a text message, or what a voice says.
func drawTwilio(r mackerel.PreviewRequest) (drawing, error) {
	form, err := url.ParseQuery(r.Body)
	if err != nil {
		return drawing{}, err
	}
	if form.Has("Body") {
		return drawText("#f22f46", form.Get("Body")), nil
	}
	var says []string
	for dec := xml.NewDecoder(strings.NewReader(form.Get("Twiml"))); ; {
		token, err := dec.Token()
		if err == io.EOF { //nolint:errorlint // Token returns it as it is
			break
		}
		if err != nil {
			return drawing{}, err
		}
		if text, ok := token.(xml.CharData); ok {
			says = append(says, string(text))
		}
	}
	return drawing{Color: "#f22f46", Title: "A call to " + form.Get("To"), Texts: []string{"“" + strings.Join(says, " ") + "”"}}, nil
}
