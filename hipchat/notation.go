package hipchat

import (
	"cmp"
	"strings"
	"unicode"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// EscapeHTML makes text from elsewhere harmless in a message of [FormatHTML]: the characters of markup become entities,
// line breaks become <br>, and control characters the replacement character. The result can also be put into the quotes
// of an attribute. The HTML of a card has no <br>: there, the text must be of one line.
func EscapeHTML(text string) string { return htmlEscapes.Replace(provider.Plain(text)) }

var htmlEscapes = strings.NewReplacer(
	"&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;", "\n", "<br>",
)

// EscapeText makes text from elsewhere harmless in a message of [FormatText]. Every @, which could mention somebody,
// becomes the full-width ＠. A slash at the start, which could begin a command, becomes full-width too. Control
// characters become the replacement character. HipChat documents no way to escape; mentions and commands are taken to
// be written in ASCII. Emoticons stay.
func EscapeText(text string) string { return noCommand(noMentions(text)) }

func noMentions(text string) string { return strings.ReplaceAll(provider.Plain(text), "@", "＠") }

// noCommand makes a slash at the start of a message harmless. A slash at the start of another line begins no command.
func noCommand(message string) string {
	start := strings.TrimLeftFunc(message, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
	if rest, ok := strings.CutPrefix(start, "/"); ok {
		return "／" + rest
	}
	return message
}

// linkable reports whether an address can be a link, also after it was escaped, which makes it longer.
func linkable(address string) bool {
	return provider.Linkable(address, maxLink) && provider.Runes.Len(EscapeHTML(address)) <= maxLink
}

// html writes the message in HTML. The title is a link if there is an address for it. An address that cannot be a link
// is text in a line of its own.
func (m Message) html(t provider.Texts) string {
	title, address, picture := element("b", t.Title), t.URL, ""
	if linkable(address) {
		title, address = link(address, cmp.Or(title, EscapeHTML(address))), ""
	}
	if image := provider.Address(m.Image); linkable(image) {
		picture = `<img src="` + EscapeHTML(image) + `">`
	}
	memo := element("i", provider.Line(t.Memo))
	return provider.Join("<br>", m.Raw, title, EscapeHTML(t.Text), factLines(t.Facts), memo, EscapeHTML(address), picture)
}

func link(address, inner string) string {
	return `<a href="` + EscapeHTML(address) + `">` + inner + `</a>`
}

// factLines writes the facts, a line each.
func factLines(facts []mackerel.Fact) string {
	var b strings.Builder
	for i, f := range facts {
		if i > 0 {
			b.WriteString("<br>")
		}
		if !linkable(f.URL) {
			b.WriteString(EscapeHTML(provider.Line(f)))
			continue
		}
		if f.Label != "" {
			b.WriteString(EscapeHTML(f.Label + ": "))
		}
		b.WriteString(link(f.URL, EscapeHTML(f.Value)))
	}
	return b.String()
}

func element(tag, text string) string {
	if text == "" {
		return ""
	}
	return "<" + tag + ">" + EscapeHTML(text) + "</" + tag + ">"
}

// text writes the message in plain text. The mentions are behind the first line of the text, because a phone shows the
// beginning of a message. Addresses are in lines of their own, where clients make links of them.
func (m Message) text(t provider.Texts) string {
	mentions := make([]string, len(m.Mentions))
	for i, name := range m.Mentions {
		mentions[i] = "@" + strings.TrimPrefix(name, "@")
	}
	address := noMentions(t.URL)
	if linkable(t.URL) {
		address = plainLink(t.URL)
	}
	picture := provider.Address(m.Image)
	if !linkable(picture) {
		picture = ""
	}
	message := provider.Join("\n",
		noMentions(t.Title), noMentions(provider.FirstLine(t.Text)), provider.Join(" ", mentions...),
		noMentions(provider.AfterHeadline(t.Text)), noMentions(provider.Lines(t.Facts)), noMentions(provider.Line(t.Memo)),
		address, plainLink(picture))
	return provider.Join("\n", m.Raw, noCommand(message))
}

// plainLink writes an address so that nothing in it mentions anybody.
func plainLink(address string) string { return strings.ReplaceAll(address, "@", "%40") }
