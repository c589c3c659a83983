package main

import (
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"strings"

	"github.com/mackerel-notify/mackerel"
)

var (
	chatworkTo   = regexp.MustCompile(`\[To:(\d+)\]|\[toall\]`)
	chatworkTag  = regexp.MustCompile(`\[/?(?:info|title|hr|To:\d+|toall)\]`)
	slackTag     = regexp.MustCompile(`<([^|>]*)(?:\|([^>]*))?>`)
	slackBold    = regexp.MustCompile(`(?m)(^|[\s(])\*([^\s*](?:[^*\n]*[^\s*])?)\*`)
	typetalkName = regexp.MustCompile(`@[0-9A-Za-z_-]+`)
)

// drawChatwork reads the message's notation: mentions, then a box with a title. A rule is above the last line.
func drawChatwork(r mackerel.PreviewRequest, _ words) (d drawing, err error) {
	form, err := url.ParseQuery(r.Body)
	if err != nil {
		return drawing{}, err
	}
	before, box, _ := strings.Cut(form.Get("body"), "[info]")
	mentions := richText{}
	for _, m := range chatworkTo.FindAllStringSubmatch(before, -1) {
		name := "TO ALL"
		if m[1] != "" {
			name = "TO " + m[1]
		}
		mentions = append(mentions, run{Text: name, Mention: true}, run{Text: " "})
	}
	d.Blocks.text("", mentions)
	d.Blocks.text("", linked(chatworkTag.ReplaceAllString(before, "")))
	var inner blocks
	title, rest, hasTitle := strings.Cut(strings.TrimPrefix(box, "[title]"), "[/title]")
	if !hasTitle {
		title, rest = "", box
	}
	inner.text("title strip", plain("ⓘ "+title))
	for i, part := range strings.Split(strings.TrimSuffix(rest, "[/info]"), "[hr]") {
		if i > 0 {
			inner = append(inner, block{Look: "rule"})
		}
		inner.text("", linked(chatworkTag.ReplaceAllString(part, "")))
	}
	d.Blocks.frame("box", "", inner)
	d.Phone.Text = join(mentions.String(), title, chatworkTag.ReplaceAllString(firstLine(rest), ""))
	return d, nil
}

var hipchatColors = map[string]string{
	"green": "#14892c", "yellow": "#f6c342", "red": "#d04437",
	"gray": "#999999", "purple": "#8d67a8",
}

// drawHipChat draws the HTML of the message behind a bar in the message's colour.
func drawHipChat(r mackerel.PreviewRequest, w words) (d drawing, err error) {
	var m struct {
		Message string `json:"message"`
		Color   string `json:"color"`
		Notify  bool   `json:"notify"`
	}
	if err := json.Unmarshal([]byte(r.Body), &m); err != nil {
		return drawing{}, err
	}
	message, err := readHTML(m.Message)
	if err != nil {
		return drawing{}, err
	}
	d.Blocks.frame("bar", hipchatColors[m.Color], message)
	if m.Notify {
		d.Blocks.text("small", plain(w.Sound))
	}
	for _, b := range message {
		title, rest, _ := strings.Cut(b.Text.String(), "\n")
		d.Phone.Text = join(title, firstLine(rest))
		break
	}
	return d, nil
}

// slackText reads Slack's notation: links, mentions and bold text.
func slackText(s string) (t richText) {
	end := 0
	for _, at := range slackTag.FindAllStringSubmatchIndex(s, -1) {
		t = append(t, slackWords(s[end:at[0]])...)
		end = at[1]
		target, label := html.UnescapeString(s[at[2]:at[3]]), ""
		if at[4] >= 0 {
			label = html.UnescapeString(s[at[4]:at[5]])
		}
		switch {
		case strings.HasPrefix(target, "!"), strings.HasPrefix(target, "@"):
			t = append(t, run{Text: "@" + target[1:], Mention: true})
		case label == "":
			t = append(t, run{Text: target, URL: target})
		default:
			t = append(t, run{Text: label, URL: target})
		}
	}
	return append(t, slackWords(s[end:])...)
}

// slackWords reads text between links.
func slackWords(s string) (t richText) {
	end := 0
	for _, at := range slackBold.FindAllStringSubmatchIndex(s, -1) {
		t = append(t, run{Text: html.UnescapeString(s[end:at[3]])})
		t = append(t, run{Text: html.UnescapeString(s[at[4]:at[5]]), Bold: true})
		end = at[1]
	}
	return append(t, run{Text: html.UnescapeString(s[end:])})
}

// drawSlack draws the text of the message, and below it the blocks of the attachments behind a bar.
func drawSlack(r mackerel.PreviewRequest, _ words) (d drawing, err error) {
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
	text := slackText(m.Text)
	d.Phone.Text = join(text.String())
	d.Blocks.text("", text)
	for _, a := range m.Attachments {
		var inner blocks
		for _, p := range a.Blocks {
			p.draw(&inner)
		}
		d.Blocks.frame("bar", a.Color, inner)
	}
	return d, nil
}

// A slackPart is a block or an element of one. The form of its text depends on the type.
type slackPart struct {
	Type     string          `json:"type"`
	Text     json.RawMessage `json:"text"`
	Fields   []slackPart     `json:"fields"`
	Elements []slackPart     `json:"elements"`
	ImageURL string          `json:"image_url"`
	URL      string          `json:"url"`
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
		return "" // the part has no text
	}
	return object.Text
}

func (p slackPart) draw(b *blocks) {
	switch p.Type {
	case "image":
		b.picture(p.ImageURL)
	case "actions":
		var buttons []run
		for _, e := range p.Elements {
			buttons = append(buttons, run{Text: html.UnescapeString(e.words()), URL: e.URL})
		}
		b.buttons("buttons", buttons)
	case "context":
		for _, e := range p.Elements {
			b.text("small", slackText(e.words()))
		}
	default:
		b.text("", slackText(p.words()))
		for _, f := range p.Fields {
			b.text("", slackText(f.words()))
		}
	}
}

// drawTypetalk draws the text of the message, in which Typetalk looks for names and addresses itself.
func drawTypetalk(r mackerel.PreviewRequest, _ words) (d drawing, err error) {
	form, err := url.ParseQuery(r.Body)
	if err != nil {
		return drawing{}, err
	}
	message := form.Get("message")
	var text richText
	for _, part := range linked(message) {
		if part.URL != "" {
			text = append(text, part)
			continue
		}
		text = append(text, mentioned(part.Text)...)
	}
	d.Blocks.text("", text)
	title, rest, _ := strings.Cut(message, "\n")
	d.Phone.Text = join(title, firstLine(rest))
	return d, nil
}

// mentioned marks the names in a text of Typetalk.
func mentioned(text string) (t richText) {
	end := 0
	for _, at := range typetalkName.FindAllStringIndex(text, -1) {
		t = append(t, run{Text: text[end:at[0]]}, run{Text: text[at[0]:at[1]], Mention: true})
		end = at[1]
	}
	return append(t, run{Text: text[end:]})
}
