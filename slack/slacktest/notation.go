package slacktest

import (
	"regexp"
	"strings"
)

// A Link is a link in a message: an address, and what it shows, "" if that is the address.
type Link struct{ URL, Label string }

// Mentions returns whom a message calls, in Slack's notation: "<!here>", "<@U012AB3CD>".
func (m Message) Mentions() []string {
	var all []string
	for _, inner := range m.sequences() {
		if strings.HasPrefix(inner, "!") || strings.HasPrefix(inner, "@") {
			all = append(all, "<"+inner+">")
		}
	}
	return all
}

// Links returns the links of a message.
func (m Message) Links() []Link {
	var all []Link
	for _, inner := range m.sequences() {
		if strings.ContainsRune("!@#", rune(inner[0])) {
			continue
		}
		address, label, _ := strings.Cut(inner, "|")
		all = append(all, Link{Unescape(address), Unescape(label)})
	}
	return all
}

// Unescape undoes the three entities that Slack knows.
func Unescape(text string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(text)
}

// sequence is what Slack takes for something else than text.
var sequence = regexp.MustCompile(`<([^<>]+)>`)

// sequences returns the insides of all that stands between < and > in the message's text and in its mrkdwn.
func (m Message) sequences() []string {
	var all []string
	for _, text := range m.notation() {
		for _, found := range sequence.FindAllStringSubmatch(text, -1) {
			all = append(all, found[1])
		}
	}
	return all
}

// notation returns all texts of the message that are in Slack's notation.
func (m Message) notation() []string {
	texts := []string{m.Text}
	blocks := m.Blocks
	for _, a := range m.Attachments {
		texts = append(texts, a.Pretext, a.Text)
		blocks = append(blocks[:len(blocks):len(blocks)], a.Blocks...)
	}
	for _, b := range blocks {
		inner := b.Fields[:len(b.Fields):len(b.Fields)]
		for _, e := range b.Elements {
			inner = append(inner, e.asText())
		}
		if b.Text != nil {
			inner = append(inner, *b.Text)
		}
		for _, t := range inner {
			if t.Type == "mrkdwn" {
				texts = append(texts, t.Text)
			}
		}
	}
	return texts
}
