package slack

import (
	"regexp"
	"strings"

	"github.com/mackerel-notify/mackerel/internal/provider"
)

// Escape makes text from elsewhere harmless in Slack's notation: & < and > become entities, which is all that Slack
// asks for and all that it undoes. Line breaks become line feeds, and control characters the replacement character.
// See https://docs.slack.dev/messaging/formatting-message-text.
func Escape(text string) string { return escapes.Replace(provider.Plain(text)) }

var escapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// link writes a link that shows a label. What would end the address or the label early is written otherwise.
func link(address, label string) string {
	address = addressEscapes.Replace(address)
	if label == "" {
		return "<" + address + ">"
	}
	return "<" + address + "|" + labelEscapes.Replace(provider.Plain(label)) + ">"
}

var (
	addressEscapes = strings.NewReplacer("&", "&amp;", "<", "%3C", ">", "%3E", "|", "%7C")
	labelEscapes   = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "|", "｜", "\n", " ")
)

// addresses finds addresses in text, in ASCII: in Japanese a word may follow without a blank.
var addresses = regexp.MustCompile(`https?://[0-9A-Za-z\[][!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]*`)

// afterAddress are characters that are not part of an address at its end: they end a sentence, or are formatting.
const afterAddress = ".,;:!?'*_~)]"

// escapeLinking is Escape, with links for addresses: the blocks are sent as verbatim, so that Slack looks for neither
// addresses nor names in them. An address that was cut stays text, because it leads elsewhere.
func escapeLinking(text string) string {
	text = provider.Plain(text)
	var b strings.Builder
	end := 0
	for _, at := range addresses.FindAllStringIndex(text, -1) {
		address := strings.TrimRight(text[at[0]:at[1]], afterAddress)
		if strings.HasPrefix(text[at[1]:], "…") {
			continue
		}
		b.WriteString(escapes.Replace(text[end:at[0]]))
		b.WriteString(link(address, ""))
		end = at[0] + len(address)
	}
	b.WriteString(escapes.Replace(text[end:]))
	return b.String()
}

// broadcast finds the words by which Mackerel's mentions call everybody, and what makes another name of one.
var broadcast = regexp.MustCompile(`\B@(channel|group|here|everyone)\b(-\w)?`)

// mention writes @here and the like as commands, as Mackerel does, and leaves everything else.
func mention(text string) string {
	return broadcast.ReplaceAllStringFunc(text, func(word string) string {
		switch word {
		case "@channel", "@group": // Slack has no command for the latter any more
			return "<!channel>"
		case "@here":
			return "<!here>"
		case "@everyone":
			return "<!everyone>"
		}
		return word
	})
}
