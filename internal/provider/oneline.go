package provider

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/oneline"
)

// MaxHeadline is how long a line for the screen of a phone becomes, in units: what is beyond is not seen there.
const MaxHeadline = 150

// minHeadline is the least of a first line that is worth showing, in units.
const minHeadline = 10

// Headline returns the title and the first line of the text, for a line that stands for the whole message: "title:
// first line". The two have at most MaxHeadline units together, for which the first line is cut. A title that is longer
// than limit is cut in its middle. Headline reports whether both are whole: then the message goes on with
// [AfterHeadline].
func (u Unit) Headline(title, text string, limit int) (head, first string, whole bool) {
	title, isTitle := ends(title, limit)
	line, isLine := beginning(FirstLine(text), MaxHeadline)
	title, line = oneline.Of(title), oneline.Of(line)
	head = u.ShortenMiddle(title, limit)
	room := min(limit, MaxHeadline) - u.Len(head)
	if head != "" {
		room -= len(": ")
	}
	if first = u.Shorten(line, max(room, 0)); first != line && u.Len(first) < minHeadline {
		first = ""
	}
	return Plain(head), Plain(first), isTitle && isLine && head == title && first == line
}

// Headline is [Unit.Headline] as one text, which is noted under the name of the field if it is cut.
func (c *Cutter) Headline(field, title, text string, limit int) (line string, whole bool) {
	head, first, whole := c.Unit.Headline(title, text, limit)
	line = Join(": ", head, first)
	if !whole {
		first := FirstLine(text)
		from := c.Unit.Len(valid(title)) + c.Unit.Len(valid(first))
		if title != "" && first != "" {
			from += len(": ")
		}
		c.Cuts = append(c.Cuts, mackerel.Cut{Field: field, Unit: c.Unit.Name, From: from, To: c.Unit.Len(line)})
	}
	return line, whole
}

// Summary is Headline with what the line does not say in full: the title if it was cut, and the text, without its first
// line if that is whole. A title that was cut leaves no room for the first line.
func (c *Cutter) Summary(field, title, text string, limit int) (line, restTitle, restText string) {
	line, whole := c.Headline(field, title, text, limit)
	if whole {
		return line, "", AfterHeadline(text)
	}
	if _, _, isTitle := c.Unit.Headline(title, "", limit); isTitle {
		title = ""
	}
	return line, title, text
}

// EmptyLine reports whether a text has nothing to see as one line: it has white space and control characters only.
func EmptyLine(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsSpace(r) && !oneline.Breaks(r) })
}

// AfterHeadline returns the text below its first line.
func AfterHeadline(text string) string {
	_, rest := cutLine(Trim(text))
	return rest
}

// FirstLine returns the first line of a text.
func FirstLine(text string) string {
	line, _ := cutLine(Trim(text))
	return line
}

// bytesPerUnit is more than one unit of a text takes, in bytes, with blanks that a line does not show.
const bytesPerUnit = 8

// beginning returns a beginning of a text that has more than n units, and whether that is all of the text.
func beginning(s string, n int) (string, bool) {
	if len(s) <= n*bytesPerUnit {
		return s, true
	}
	end := n * bytesPerUnit
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end], false
}

// ends returns a beginning and an end of a text that have more than n units each, and whether that is all of the text.
func ends(s string, n int) (string, bool) {
	first, _ := beginning(s, n)
	if len(s) <= 2*len(first) {
		return s, true
	}
	start := len(s) - len(first)
	for start < len(s) && !utf8.RuneStart(s[start]) {
		start++
	}
	return strings.TrimSpace(first) + " " + strings.TrimSpace(s[start:]), false
}
