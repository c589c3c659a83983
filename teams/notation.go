package teams

import (
	"regexp"
	"strings"

	"github.com/mackerel-notify/mackerel/internal/provider"
)

// Escape makes text from elsewhere harmless in a card, whose texts are Markdown.
//
//   - A character that could begin emphasis, a link or code gets a backslash. At the beginning of a line so does a
//     character that could begin a list, a heading or a quote.
//   - The bracket of an <at> becomes full-width. Teams looks for mentions before it reads Markdown.
//   - Each line becomes a paragraph, because Teams ignores a single line break. Blanks at the beginning of a line
//     become non-breaking blanks, because ordinary ones could make it code.
//   - Control characters become the replacement character.
//
// See https://learn.microsoft.com/en-us/microsoftteams/platform/task-modules-and-cards/cards/cards-format.
func Escape(text string) string {
	lines := strings.Split(inline.Replace(plain(text)), "\n")
	for i, line := range lines {
		words := strings.TrimLeft(line, " \t")
		indent := strings.Repeat("\u00a0", len(line)-len(words))
		// The groups 1 to 3 have matched, or 4 and 5, or 6; the others are empty.
		lines[i] = indent + lineStart.ReplaceAllString(words, `${1}\${2}${4}${6}${3}${5}`)
	}
	return strings.Join(lines, "\n\n")
}

// plain makes text harmless where Teams reads no Markdown.
func plain(text string) string { return at.ReplaceAllString(provider.Plain(text), "＜$1$2") }

var (
	at        = regexp.MustCompile(`(?i)<([\s/]*at)(\b|_)`)
	inline    = strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "`", "\\`", "~", `\~`)
	lineStart = regexp.MustCompile(`^(?:(\d+)([.)])([ \t]|$)|([-+])([ \t-]|$)|([#>=]))`)
)

// link writes a link that shows a text. What would end the address or the text early is written otherwise.
func link(address, text string) string {
	return "[" + brackets.Replace(Escape(provider.OneLine(text))) + "](" + parentheses.Replace(address) + ")"
}

var (
	brackets    = strings.NewReplacer("[", "［", "]", "］")
	parentheses = strings.NewReplacer("(", "%28", ")", "%29", "<", "%3C", ">", "%3E", `\\`, "%5C")
)
