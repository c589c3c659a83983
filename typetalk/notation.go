package typetalk

import (
	"strings"

	"github.com/mackerel-notify/mackerel/internal/provider"
)

// Escape makes text from elsewhere harmless in a message. Every @, which could mention somebody, becomes the full-width
// ＠. Three backquotes, which would begin or end a block of code, become full-width too. A blank is put between "]" and
// "(", which could make a link that shows another text. Line breaks become line feeds, and control characters the
// replacement character. Typetalk documents no way to escape; its markup is taken to be written in ASCII. Codes of
// emoji such as :smile: stay.
func Escape(text string) string { return escapes.Replace(provider.Plain(text)) }

var escapes = strings.NewReplacer("@", "＠", "```", "｀｀｀", "](", "] (")

// address returns a link in which nothing mentions anybody. What cannot be a link is text.
func address(s string) string {
	if provider.Linkable(s, maxLink) {
		return strings.ReplaceAll(provider.Plain(s), "@", "%40")
	}
	return Escape(s)
}
