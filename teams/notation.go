package teams

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel/internal/oneline"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// joiner is U+2060, a character that has no width and is not a blank. Readers do not see it, and it parts what Markdown
// would take together.
const joiner = "\u2060"

// Escape makes text from elsewhere harmless in a card, whose texts are Markdown. The clients of Teams differ in the
// backslashes that they undo. All clients undo \* and \_. Android shows the backslash of 1\. and \- and \~ and \\, and
// iOS shows every other backslash (https://github.com/microsoft/AdaptiveCards/issues/5590). So only two characters get
// a backslash, and the rest is done by means that readers do not see.
//
//   - The characters * and _ get a backslash.
//   - U+2060, a character without a width, prevents other markup. It stands between the brackets of a link or a
//     picture, behind the < of a link in angle brackets, between two ~, behind a backslash that would take effect, and
//     in front of a line that would begin a list, a heading or a quote. All other brackets stay as they are:
//     "[CRITICAL]".
//   - If a line has several backticks, they become U+02CB, which looks the same. A single backtick stays.
//   - An http address stays as it is, so that people can copy it. Only a * or _ with which emphasis within an address
//     could end is percent-encoded: https://x.test/__init%5F%5F.py.
//   - The bracket of an <at> becomes full-width. Teams looks for mentions before it reads Markdown.
//   - Each line becomes a paragraph, because Teams ignores a single line break. Blanks at the beginning of a line
//     become non-breaking blanks, because ordinary blanks could make the line code.
//   - Control characters become the replacement character.
//
// See https://learn.microsoft.com/en-us/microsoftteams/platform/task-modules-and-cards/cards/cards-format.
func Escape(text string) string {
	var b strings.Builder
	b.Grow(len(text) + len(text)/8)
	before := ""
	for i, line := range strings.Split(plain(text), "\n") {
		if i > 0 {
			b.WriteString("\n\n")
		}
		words := strings.TrimLeft(line, " \t")
		b.WriteString(strings.Repeat("\u00a0", len(line)-len(words)))
		if begins(words, before) {
			b.WriteString(joiner)
		}
		escapeLine(&b, words)
		before = line
	}
	return b.String()
}

// begins reports whether a line begins a list, a heading or a quote, or goes on with a link of the line before.
func begins(words, before string) bool {
	return lineStart.MatchString(words) ||
		strings.HasPrefix(words, "(") && strings.HasSuffix(strings.TrimRight(before, " \t"), "]")
}

// plain makes text harmless where Teams reads no Markdown.
func plain(text string) string { return at.ReplaceAllString(provider.Plain(text), "＜$1$2") }

var (
	at        = regexp.MustCompile(`(?i)<([\s/]*at)(\b|_)`)
	lineStart = regexp.MustCompile(`^(?:\d+[.)](?:[ \t]|$)|[-+](?:[ \t-]|$)|[#>=])`)
	// addresses finds addresses in text. An address ends at a square bracket, so that a link cannot be a part of it. It
	// ends at the first character beyond ASCII, because a Japanese word may follow without a blank.
	addresses = regexp.MustCompile(`(?i:https?)://[0-9A-Za-z!#$%&'()*+,\-./:;=?@_~]+`)
	// autolink finds, behind a <, the scheme of an address or the name of a mail address.
	autolink = regexp.MustCompile(`^(?:[A-Za-z][0-9A-Za-z+.\-]*:|[^\s<>@]+@)`)
)

// escapeLine writes a line without the blanks at its beginning.
func escapeLine(b *strings.Builder, line string) {
	if strings.Count(line, "`") > 1 {
		line = strings.ReplaceAll(line, "`", "\u02cb")
	}
	var e emphasis
	end := 0
	for _, at := range addresses.FindAllStringIndex(line, -1) {
		escapeText(b, line, end, at[0])
		e.escapeAddress(b, line, at[0], at[1])
		end = at[1]
	}
	escapeText(b, line, end, len(line))
}

// escapeText writes the part of a line from start to end.
func escapeText(b *strings.Builder, line string, start, end int) {
	for i := start; i < end; i++ {
		c := line[i]
		if c == '*' || c == '_' {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
		if takesEffect(c, line[i+1:], line) {
			b.WriteString(joiner)
		}
	}
}

// takesEffect reports whether a character of a line would be markup together with the rest of the line. A line that
// begins with "[x]: address" would make links of every [x] in the text.
func takesEffect(c byte, rest, line string) bool {
	switch c {
	case '\\':
		return rest == "" || isPunctuation(rest[0])
	case '~':
		return strings.HasPrefix(rest, "~")
	case '<':
		return autolink.MatchString(rest)
	case ']':
		rest = strings.TrimLeft(rest, " \t")
		return strings.HasPrefix(rest, "(") || line[0] == '[' && strings.HasPrefix(rest, ":")
	}
	return false
}

// isPunctuation reports whether a backslash in front of c takes effect.
func isPunctuation(c byte) bool {
	return c < utf8.RuneSelf && unicode.In(rune(c), unicode.P, unicode.S)
}

// An emphasis says which of the characters * and _ an address of the line has had where emphasis may begin.
type emphasis struct{ star, underscore bool }

// escapeAddress writes the part of a line that is an address. A backslash would be a part of the address, so a
// character with which emphasis could end is percent-encoded.
func (e *emphasis) escapeAddress(b *strings.Builder, line string, start, end int) {
	for i := start; i < end; {
		c, next := line[i], i+1
		for next < end && line[next] == c {
			next++
		}
		switch {
		case c == '~':
			b.WriteString("~" + strings.Repeat("%7E", next-i-1))
		case c == '*' && begun(&e.star):
			b.WriteString(strings.Repeat("%2A", next-i))
		case c == '_' && !withinWord(line, i, next) && begun(&e.underscore):
			b.WriteString(strings.Repeat("%5F", next-i))
		default:
			b.WriteString(line[i:next])
		}
		i = next
	}
}

// begun reports whether emphasis may have begun before. From now on it may have.
func begun(had *bool) bool {
	before := *had
	*had = true
	return before
}

// withinWord reports whether a letter or a digit is on both sides of a part of a line. There _ is no emphasis.
func withinWord(line string, start, end int) bool {
	return isWord(line[start-1]) && end < len(line) && isWord(line[end])
}

// isWord reports whether c is a letter or a digit.
func isWord(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// link writes a link that shows a text. A character that would end the text is full-width, and a character that would
// end the address is percent-encoded.
func link(address, text string) string {
	return "[" + brackets.Replace(Escape(oneline.Of(text))) + "](" + notInAddress.Replace(address) + ")"
}

var (
	brackets     = strings.NewReplacer("[", "［", "]", "］")
	notInAddress = strings.NewReplacer("(", "%28", ")", "%29", "<", "%3C", ">", "%3E", `\`, "%5C", "`", "%60")
)
