package hipchat

import (
	"strings"
	"unicode"

	"github.com/mackerel-notify/mackerel/internal/provider"
)

// EscapeHTML makes text from elsewhere harmless in a message of [FormatHTML]: the characters that mean something become
// entities, line breaks become <br>, and control characters, which no client can show, the replacement character. The
// result may also stand in an attribute's quotes. In the HTML of a card, which has no <br>, text must be of one line.
func EscapeHTML(text string) string { return htmlEscapes.Replace(provider.Plain(text)) }

var htmlEscapes = strings.NewReplacer(
	"&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;", "\n", "<br>",
)

// EscapeText makes text from elsewhere harmless in a message of [FormatText]: every @, which could mention somebody,
// becomes a full-width one, "@all" becomes "＠all", and so does a slash at the start, which could begin a command.
// Control characters become the replacement character. HipChat documents no way to escape; this relies on mentions and
// commands being written in ASCII. Emoticons stay.
func EscapeText(text string) string {
	text = strings.ReplaceAll(provider.Plain(text), "@", "＠")
	start := strings.TrimLeftFunc(text, invisible)
	if rest, ok := strings.CutPrefix(start, "/"); ok {
		return "／" + rest
	}
	return text
}

func invisible(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }
