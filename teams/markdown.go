package teams

import (
	"regexp"
	"strings"

	"github.com/mackerel-notify/mackerel/internal/provider"
)

// Escape makes text from elsewhere harmless in a card, whose texts are Markdown: what could begin emphasis, a link or
// code gets a backslash, and so does what could begin a list, a heading or a quote at the beginning of a line. The
// bracket of an <at>, which could mention somebody, becomes a full-width one: Teams looks for it before it reads the
// Markdown. Each line becomes a paragraph, for a single line break would be lost; blanks at its beginning become
// non-breaking ones, for they could make it code. Control characters become the replacement character.
// See https://learn.microsoft.com/en-us/microsoftteams/platform/task-modules-and-cards/cards/cards-format.
func Escape(text string) string {
	lines := strings.Split(inline.Replace(plain(text)), "\n")
	for i, line := range lines {
		words := strings.TrimLeft(line, " \t")
		indent := strings.Repeat("\u00a0", len(line)-len(words))
		lines[i] = indent + lineStart.ReplaceAllString(words, `${1}\${2}${4}${6}${3}${5}`) // it is 1 to 3, 4 to 5, or 6
	}
	return strings.Join(lines, "\n\n")
}

// plain is text for where there is no Markdown.
func plain(text string) string { return at.ReplaceAllString(provider.Plain(text), "＜$1$2") }

var (
	at        = regexp.MustCompile(`(?i)<([\s/]*at)(\b|_)`)
	inline    = strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "`", "\\`", "~", `\~`)
	lineStart = regexp.MustCompile(`^(?:(\d+)([.)])([ \t]|$)|([-+])([ \t-]|$)|([#>=]))`)
)
