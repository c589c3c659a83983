package slack

import (
	"regexp"
	"strings"

	"github.com/mackerel-notify/mackerel/internal/provider"
)

// Escape makes text from elsewhere harmless in Slack's notation. The characters &, < and > become entities; Slack asks
// for no others and undoes no others. Line breaks become line feeds, and control characters the replacement character.
// See https://docs.slack.dev/messaging/formatting-message-text.
func Escape(text string) string { return escapes.Replace(provider.Plain(text)) }

var escapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// linkTo returns an address as it stands in a link: a character that would end it is percent-encoded. It reports
// whether the address can be put behind a link of at most maxLink characters.
func linkTo(address string) (target string, fits bool) {
	if !provider.Linkable(address, maxLink) {
		return "", false
	}
	target = addressEscapes.Replace(address)
	return target, provider.Runes.Len(target)+len("<>") <= maxLink
}

// writeLink writes a link to what linkTo returned. It shows a label, or the address itself if the label is empty. A
// character that would end the label becomes an entity, a full-width sign or a blank.
func writeLink(b *strings.Builder, target, label string) {
	b.Grow(len(target) + len(label) + len("<|>"))
	b.WriteByte('<')
	b.WriteString(target)
	if label != "" {
		b.WriteByte('|')
		b.WriteString(labelEscapes.Replace(provider.Plain(label)))
	}
	b.WriteByte('>')
}

var (
	addressEscapes = strings.NewReplacer("&", "&amp;", "<", "%3C", ">", "%3E", "|", "%7C")
	labelEscapes   = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "|", "｜", "\n", " ")
)

// addresses finds addresses in text. They end at the first character beyond ASCII, because a Japanese word may follow
// without a blank.
var addresses = regexp.MustCompile(`https?://[0-9A-Za-z\[][!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]*`)

// afterAddress has the characters that are not part of an address if they are at its end. They end a sentence or are
// formatting.
const afterAddress = ".,;:!?'*_~)]"

// writeLinking writes text that is plain already as Escape does, and makes addresses links. Slack does not do that in blocks,
// which are sent as verbatim so that it does not look for names in them. An address that was cut stays text, because it
// leads elsewhere.
func writeLinking(b *strings.Builder, text string) {
	end := 0
	for _, at := range addresses.FindAllStringIndex(text, -1) {
		address := strings.TrimRight(text[at[0]:at[1]], afterAddress)
		if strings.HasPrefix(text[at[1]:], "…") {
			continue
		}
		b.WriteString(escapes.Replace(text[end:at[0]]))
		writeLink(b, addressEscapes.Replace(address), "")
		end = at[0] + len(address)
	}
	b.WriteString(escapes.Replace(text[end:]))
}

// broadcast finds the words with which Mackerel's mentions call everybody in a channel. A hyphen and a letter behind
// the word make it another name: @here-team.
var broadcast = regexp.MustCompile(`\B@(channel|group|here|everyone)\b(-\w)?`)

// mention replaces the words of broadcast with Slack's commands, as Mackerel does. All other text stays as it is.
func mention(text string) string {
	if !strings.Contains(text, "@") {
		return text
	}
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
