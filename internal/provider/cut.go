package provider

import (
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"

	"github.com/mackerel-notify/mackerel"
)

// A Unit is what a service's limits count.
type Unit struct {
	Name string // as in a Cut: "bytes", "runes", "utf-16 units"
	Len  func(string) int

	size  func(rune) int
	words string // in errors: "bytes", "characters"
}

// The units. They count valid UTF-8, which Cut, Shorten and Fit make of any text.
var (
	Bytes = Unit{"bytes", func(s string) int { return len(s) }, utf8.RuneLen, "bytes"}
	Runes = Unit{"runes", utf8.RuneCountInString, func(rune) int { return 1 }, "characters"}
	UTF16 = Unit{"utf-16 units", utf16Len, utf16Size, "characters"}
)

func utf16Size(r rune) int {
	if r > 0xffff {
		return 2
	}
	return 1
}

func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		n += utf16Size(r)
	}
	return n
}

// Cut returns the longest beginning of s that has at most n units and ends at the end of a character as a person sees
// it: an extended grapheme cluster (https://www.unicode.org/reports/tr29/). Invalid UTF-8 is replaced first.
func (u Unit) Cut(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	end, used := 0, 0
	for end < len(s) {
		r, size := utf8.DecodeRuneInString(s[end:])
		if used += u.size(r); used > n {
			return s[:boundary(s, end)]
		}
		end += size
	}
	return s
}

// boundary returns the last place at or before i between two characters.
func boundary(s string, i int) int {
	last := 0
	for characters := graphemes.FromString(s); characters.Next() && characters.End() <= i; {
		last = characters.End()
	}
	return last
}

// ellipsis marks text that was cut.
const ellipsis = "…"

// Shorten returns s with an ellipsis in place of what does not fit into n units. The ellipsis counts. If not even the
// ellipsis fits, Shorten returns "".
func (u Unit) Shorten(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if u.Len(s) <= n {
		return s
	}
	if n -= u.Len(ellipsis); n < 0 {
		return ""
	}
	return strings.TrimRight(u.Cut(s, n), " \t\n") + ellipsis
}

// A Part is a text of a message that may be cut, by its name in a [mackerel.Cut].
type Part struct {
	Field string
	Text  *string
}

// Fit renders a message within a limit. While the message is too long, the parts are cut in the order given, each as
// little as possible and down to nothing before the next. The rendered message is what is measured, with its escaping.
// The parts are left as they were rendered, without invalid UTF-8. Neighbours of the same field are one cut.
func (u Unit) Fit(limit int, render func() string, parts ...Part) (string, []mackerel.Cut) {
	whole := make([]int, len(parts))
	for i, p := range parts {
		*p.Text = strings.ToValidUTF8(*p.Text, "\uFFFD")
		whole[i] = u.Len(*p.Text)
		*p.Text = u.Shorten(*p.Text, max(0, limit)) // a part that is too long by itself is cut once, before the search
	}
	out := render()
	if u.Len(out) > limit {
		out = u.cutParts(limit, render, parts)
	}
	var cuts []mackerel.Cut
	for i, p := range parts {
		if to := u.Len(*p.Text); to < whole[i] {
			cuts = addCut(cuts, mackerel.Cut{Field: p.Field, Unit: u.Name, From: whole[i], To: to})
		}
	}
	return out, cuts
}

func addCut(cuts []mackerel.Cut, c mackerel.Cut) []mackerel.Cut {
	if n := len(cuts); n > 0 && cuts[n-1].Field == c.Field {
		cuts[n-1].From += c.From
		cuts[n-1].To += c.To
		return cuts
	}
	return append(cuts, c)
}

// cutParts empties the fewest parts with which the message fits, and fills the last of them again as far as possible.
// Their number is searched: each rendering of a message with 100,000 facts takes milliseconds.
func (u Unit) cutParts(limit int, render func() string, parts []Part) string {
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = *p.Text
	}
	empty := func(n int) {
		for i, p := range parts {
			if *p.Text = texts[i]; i < n {
				*p.Text = ""
			}
		}
	}
	full := sort.Search(len(parts), func(n int) bool {
		empty(n + 1)
		return u.Len(render()) <= limit
	})
	if empty(full); full == len(parts) {
		return render() // the message is too long even without the parts
	}
	return u.cutPart(limit, render, parts[full].Text)
}

// cutPart cuts a part, without which the message fits, to the greatest length with which the message fits.
func (u Unit) cutPart(limit int, render func() string, text *string) string {
	whole := *text
	// The length is searched and not computed, because escaping makes text longer by an amount that depends on the text.
	tooLong := sort.Search(min(u.Len(whole), limit+1), func(n int) bool {
		*text = u.Shorten(whole, n)
		return u.Len(render()) > limit
	})
	*text = u.Shorten(whole, max(0, tooLong-1))
	return render()
}

// A Cutter cuts the texts of one message to their limits and keeps what it cut.
type Cutter struct {
	Unit Unit // of the limits and of the cuts
	Cuts []mackerel.Cut
}

// Text returns a text as [Plain] text of at most limit units.
func (c *Cutter) Text(field, text string, limit int) string {
	text = Plain(text)
	return c.Fit(limit, func() string { return text }, Part{field, &text})
}

// Fit is [Unit.Fit].
func (c *Cutter) Fit(limit int, render func() string, parts ...Part) string {
	out, cuts := c.Unit.Fit(limit, render, parts...)
	c.Cuts = append(c.Cuts, cuts...)
	return out
}

// Items notes that a list of so many items was cut to the first few.
func (c *Cutter) Items(field string, from, to int) {
	c.Cuts = append(c.Cuts, mackerel.Cut{Field: field, Unit: "items", From: from, To: to})
}

// Plain returns text that every service takes as text. Invalid UTF-8, control characters, and the characters that turn
// the direction of what follows become U+FFFD; every kind of line break becomes one line feed. Tabs stay. Plain escapes
// nothing.
func Plain(text string) string {
	if isPlain(text) {
		return text
	}
	var last rune
	return strings.Map(func(r rune) rune {
		before := last
		last = r
		switch {
		case r == '\n' && before == '\r':
			return -1
		case r == '\r':
			return '\n'
		case odd(r):
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// isPlain reports whether Plain would change nothing, which is so for nearly all texts.
func isPlain(text string) bool {
	for _, r := range text {
		if r >= ' ' && r < 0x7f || r == '\n' {
			continue
		}
		if odd(r) || r == unicode.ReplacementChar {
			return false
		}
	}
	return true
}

// odd reports whether r has no place in a message: a control character, or an embedding, override or isolate of the
// direction (U+202A to U+202E, U+2066 to U+2069), with which a host's name could rearrange its line. The marks that
// Arabic and Hebrew need are not odd.
func odd(r rune) bool {
	return unicode.IsControl(r) && r != '\t' && r != '\n' || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}
