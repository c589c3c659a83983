package main

import (
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/mackerel-notify/mackerel"
)

var (
	toTag    = regexp.MustCompile(`\[To:(\d+)\]`)
	codeTag  = regexp.MustCompile(`\[/?(info|title|hr|To:\d+|toall)\]`)
	slackTag = regexp.MustCompile(`<([^|>]*)(?:\|([^>]*))?>`)
	slackRow = regexp.MustCompile(`^\*([^*\n]+):\* (.+)$`)
)

// drawChatwork reads the message's notation.
func drawChatwork(r mackerel.PreviewRequest) (drawing, error) {
	form, err := url.ParseQuery(r.Body)
	if err != nil {
		return drawing{}, err
	}
	d := drawing{Color: "#c9d3dc"}
	before, box, _ := strings.Cut(form.Get("body"), "[info]")
	box = strings.TrimSuffix(box, "[/info]")
	d.Mention = toTag.ReplaceAllString(strings.TrimSpace(before), "To $1 ")
	title, rest, hasTitle := strings.Cut(strings.TrimPrefix(box, "[title]"), "[/title]")
	d.Title = plain(title)
	if !hasTitle {
		rest = ""
	}
	rest, link, _ := strings.Cut(rest, "[hr]")
	rest = codeTag.ReplaceAllString(rest, "")
	d.Body.text(rest)
	if link != "" {
		d.Body.address(link)
	}
	d.Phone.Text = join(d.Mention, title, firstLine(rest))
	return d, nil
}

// join puts blanks between texts that are not empty.
func join(texts ...string) string {
	return strings.Join(strings.Fields(strings.Join(texts, " ")), " ")
}

var hipchatColors = map[string]string{
	"green": "#14892c", "yellow": "#f6c342", "red": "#d04437",
	"gray": "#999999", "purple": "#8d67a8",
}

func drawHipChat(r mackerel.PreviewRequest) (drawing, error) {
	var m struct {
		Message string `json:"message"`
		Color   string `json:"color"`
		Notify  bool   `json:"notify"`
	}
	if err := json.Unmarshal([]byte(r.Body), &m); err != nil {
		return drawing{}, err
	}
	page, err := readHTML(m.Message)
	if err != nil || len(page.body) == 0 {
		return drawing{}, err
	}
	d := drawing{Color: hipchatColors[m.Color], Title: page.body[0].Line, Body: page.body[1:], Graph: page.graph}
	d.Phone.Text = d.Title.String()
	if len(d.Body) > 0 {
		d.Phone.Text = join(d.Phone.Text, d.Body[0].Line.String())
	}
	if m.Notify {
		d.Small = []string{"with a sound"}
	}
	return d, nil
}

// slackLine reads Slack's notation: links and mentions. Bold text is shown as it is.
func slackLine(s string) (l richText) {
	add := func(r run) {
		if r.Text = html.UnescapeString(r.Text); r.Text != "" {
			l = append(l, r)
		}
	}
	bare := func(s string) string { return strings.ReplaceAll(s, "*", "") }
	end := 0
	for _, at := range slackTag.FindAllStringSubmatchIndex(s, -1) {
		add(run{Text: bare(s[end:at[0]])})
		end = at[1]
		target, text := s[at[2]:at[3]], ""
		if at[4] >= 0 {
			text = s[at[4]:at[5]]
		}
		switch {
		case strings.HasPrefix(target, "!"), strings.HasPrefix(target, "@"):
			add(run{Text: "@" + target[1:], Mention: true})
		case text == "":
			add(run{Text: target, URL: target})
		default:
			add(run{Text: text, URL: html.UnescapeString(target)})
		}
	}
	add(run{Text: bare(s[end:])})
	return l
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
	d := drawing{Title: slackLine(m.Text), Color: "transparent"} // a message without attachments has no bar
	d.Phone.Text = d.Title.String()
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

// words returns the text in Slack's notation.
func (p slackPart) words() string {
	var s string
	if json.Unmarshal(p.Text, &s) == nil {
		return s
	}
	var object struct {
		Text string `json:"text"`
	}
	if json.Unmarshal(p.Text, &object) != nil {
		return ""
	}
	return object.Text
}

func (p slackPart) draw(d *drawing) {
	switch p.Type {
	case "image":
		d.Graph = p.ImageURL
	case "button":
		d.Buttons = append(d.Buttons, slackLine(p.words()).String())
	case "context":
		for _, e := range p.Elements {
			d.Small = append(d.Small, slackLine(e.words()).String())
		}
	default:
		p.drawSection(d)
		for _, e := range slices.Concat(p.Fields, p.Elements) {
			e.draw(d)
		}
	}
}

// drawSection draws lines such as "*Host:* <https://...|app01>" as facts, and other lines as text.
func (p slackPart) drawSection(d *drawing) {
	var text []string
	for _, l := range strings.Split(p.words(), "\n") {
		row := slackRow.FindStringSubmatch(l)
		if row == nil {
			text = append(text, l)
			continue
		}
		value, address := slackLine(row[2]), ""
		if len(value) == 1 {
			address = value[0].URL
		}
		d.Body.fact(html.UnescapeString(row[1]), value.String(), address)
	}
	d.Body.line(slackLine(strings.Join(text, "\n")))
}

func drawTypetalk(r mackerel.PreviewRequest) (drawing, error) {
	form, err := url.ParseQuery(r.Body)
	if err != nil {
		return drawing{}, err
	}
	title, rest, _ := strings.Cut(form.Get("message"), "\n")
	d := drawing{Color: "#63b0cd", Title: plain(title)}
	d.Phone.Text = join(title, firstLine(rest))
	d.Body.addressLast(rest)
	return d, nil
}
