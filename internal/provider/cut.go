package provider

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"

	"github.com/mackerel-notify/mackerel"
)

// A Unit is what a service's limits count.
type Unit struct {
	Name string           // as in a Cut: "bytes", "runes", "utf-16 units"
	Len  func(string) int // of valid UTF-8
	Size func(rune) int   // of one rune; Len is the sum of the sizes

	Ellipsis string // marks text that was cut; … unless set

	words string // in errors: "bytes", "characters"; Name unless set
}

// The units. They count valid UTF-8, which Cut, Shorten and Fit make of any text.
var (
	Bytes = Unit{Name: "bytes", Len: func(s string) int { return len(s) }, Size: utf8.RuneLen}
	Runes = Unit{Name: "runes", Len: utf8.RuneCountInString, Size: func(rune) int { return 1 }, words: "characters"}
	UTF16 = Unit{Name: "utf-16 units", Len: utf16Len, Size: utf16Size, words: "characters"}
)

func utf16Size(r rune) int {
	if r > 0xffff {
		return 2
	}
	return 1
}

func utf16Len(s string) int {
	n := 0
	for i := range len(s) {
		n += int(utf16Units[s[i]])
	}
	return n
}

// utf16Units has the units of a rune by its first byte. The other bytes of a rune are 0.
var utf16Units = func() (units [256]uint8) {
	for b := range units {
		switch {
		case b >= 0xf0: // the first of four bytes
			units[b] = 2
		case b < 0x80 || b >= 0xc0:
			units[b] = 1
		}
	}
	return units
}()

// Limit returns a beginning of s that is long enough for cutting s to n units, and how many units the rest has. If
// there is a rest, the beginning has more than n units; it is empty if n is negative. With Limit, the rest of a text of
// megabytes is only counted.
func (u Unit) Limit(s string, n int) (beginning string, rest int) {
	end := u.enough(s, n)
	return s[:end], u.Len(valid(s[end:]))
}

// Plain is Limit for s as [Plain] text.
func (u Unit) Plain(s string, n int) (beginning string, rest int) {
	end := u.enough(s, 2*n) // a line break of two characters becomes one of one character
	if 0 < end && end < len(s) && s[end-1] == '\r' && s[end] == '\n' {
		end++
	}
	return Plain(s[:end]), u.plainLen(s[end:])
}

// plainLen returns u.Len(Plain(s)).
func (u Unit) plainLen(s string) int {
	if !utf8.ValidString(s) {
		return u.Len(Plain(s))
	}
	n := u.Len(s) - strings.Count(s, "\r\n")*u.Size('\n')
	if u.Size(unicode.ReplacementChar) == u.Size(' ') {
		return n
	}
	for i := range len(s) {
		if !beginsOdd[s[i]] || s[i] == '\r' {
			continue
		}
		if r, _ := utf8.DecodeRuneInString(s[i:]); odd(r) {
			n += u.Size(unicode.ReplacementChar) - u.Size(r)
		}
	}
	return n
}

// enough returns the length in bytes of a beginning of s that has more than n units, or len(s) if s has no more. A row
// of invalid bytes counts as one rune and is not divided, because [valid] replaces it with one rune.
func (u Unit) enough(s string, n int) (end int) {
	if len(s) <= n {
		return len(s)
	}
	used, invalid := 0, false
	for end < len(s) {
		r, size := utf8.DecodeRuneInString(s[end:])
		wasInvalid := invalid
		if invalid = r == utf8.RuneError && size == 1; !invalid || !wasInvalid {
			if used > n {
				return end
			}
			used += u.Size(r)
		}
		end += size
	}
	return end
}

// valid returns s with each row of invalid bytes replaced by U+FFFD.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// Cut returns the longest beginning of s that has at most n units and ends at the end of a character as a person sees
// it: an extended grapheme cluster (https://www.unicode.org/reports/tr29/). Invalid UTF-8 is replaced first.
func (u Unit) Cut(s string, n int) string {
	s = valid(s)
	end, used := 0, 0
	for end < len(s) {
		r, size := utf8.DecodeRuneInString(s[end:])
		if used += u.Size(r); used > n {
			return s[:boundary(s, end)]
		}
		end += size
	}
	return s
}

// boundary returns the last place at or before i between two characters.
func boundary(s string, i int) int {
	start := betweenASCII(s, i)
	last := start
	for characters := graphemes.FromString(s[start:]); characters.Next() && start+characters.End() <= i; {
		last = start + characters.End()
	}
	return last
}

// betweenASCII returns the last place at or before i between two ASCII characters that are not a line break, or 0. Such
// a place is between two characters whatever stands in front of it.
func betweenASCII(s string, i int) int {
	for ; i > 0; i-- {
		if i < len(s) && s[i] < utf8.RuneSelf && s[i-1] < utf8.RuneSelf && (s[i-1] != '\r' || s[i] != '\n') {
			return i
		}
	}
	return 0
}

// ellipsis marks text that was cut.
func (u Unit) ellipsis() string { return cmp.Or(u.Ellipsis, "…") }

// Shorten returns s with an ellipsis in place of what does not fit into n units. The ellipsis counts. If not even the
// ellipsis fits, Shorten returns "".
func (u Unit) Shorten(s string, n int) string {
	s = valid(s[:u.enough(s, n)])
	if u.Len(s) <= n {
		return s
	}
	if n -= u.Len(u.ellipsis()); n < 0 {
		return ""
	}
	return strings.TrimRight(u.Cut(s, n), " \t\n") + u.ellipsis()
}

// ShortenMiddle is Shorten for the middle of s: of a title, the beginning says the status and the end says the host.
func (u Unit) ShortenMiddle(s string, n int) string {
	if end := u.enough(s, n); end == len(s) {
		if s = valid(s); u.Len(s) <= n {
			return s
		}
	}
	if n -= u.Len(u.ellipsis()); n < 0 {
		return ""
	}
	beginning := strings.TrimRight(u.Cut(s[:u.enough(s, n)], n-n/2), " \t\n")
	return beginning + u.ellipsis() + strings.TrimLeft(u.end(s, n/2), " \t\n")
}

// maxLookBack is how far in front of a place the beginning of a character is looked for, in bytes.
const maxLookBack = 512

// end returns the longest end of s that has at most n units and begins at the beginning of a character.
func (u Unit) end(s string, n int) string {
	start, used := len(s), 0
	for start > 0 {
		r, size := utf8.DecodeLastRuneInString(s[:start])
		if used += u.Size(r); used > n {
			break
		}
		start -= size
	}
	// Where a character begins depends on what is before it, but hardly on more than the nearest few hundred bytes.
	before := max(betweenASCII(s, start), start-maxLookBack)
	for before > 0 && before < start && !utf8.RuneStart(s[before]) {
		before++
	}
	for characters := graphemes.FromString(s[before:]); before < start && characters.Next(); {
		before += len(characters.Value())
	}
	return valid(s[before:])
}

// ShortenPlain is Shorten for s as [Plain] text.
func (u Unit) ShortenPlain(s string, n int) string {
	return u.Shorten(Plain(s[:u.enough(s, 2*max(n, 0))]), n)
}

// A Part is a text of a message that may be cut, by its name in a [mackerel.Cut].
type Part struct {
	Field string
	Text  *string
	Rest  int // how many units of the field are not in Text, because there is no room for them: see [Unit.Limit]
	Cut   Cut
}

// A Cut says how a text is cut.
type Cut uint8

// The ways to cut a text.
const (
	CutEnd    Cut = iota // an ellipsis takes the place of its end
	CutMiddle            // an ellipsis takes the place of its middle
	CutWhole             // it stays or goes as a whole
)

// shorten returns a text cut to n units.
func (p Part) shorten(u Unit, text string, n int) string {
	switch p.Cut {
	case CutMiddle:
		return u.ShortenMiddle(text, n)
	case CutWhole:
		if text, rest := u.Limit(text, n); rest > 0 || u.Len(text) > n {
			return ""
		}
		return valid(text)
	case CutEnd:
	}
	return u.Shorten(text, n)
}

// Fit renders a message within a limit. While the message is too long, the parts are cut in the order given, each as
// little as possible and down to nothing before the next. The rendered message is what is measured, with its escaping.
// The parts are left as they were rendered, without invalid UTF-8. The parts of one field are one cut.
//
// A part that is longer than the limit is cut before it is rendered for the first time.
func (u Unit) Fit(limit int, render func() string, parts ...Part) (string, []mackerel.Cut) {
	whole := make([]int, len(parts))
	for i, p := range parts {
		text, rest := u.Limit(*p.Text, max(0, limit))
		text = valid(text)
		whole[i] = u.Len(text) + rest + p.Rest
		*p.Text = p.shorten(u, *p.Text, max(0, limit))
	}
	out := render()
	if size := u.Len(out); size > limit {
		out = newSearch(u, limit, render, parts).run(size)
	}
	return out, u.cuts(parts, whole)
}

// cuts returns what was cut of each field, in the order in which the fields were first cut.
func (u Unit) cuts(parts []Part, whole []int) (cuts []mackerel.Cut) {
	at := make(map[string]int)
	for i, p := range parts {
		if _, known := at[p.Field]; !known && u.Len(*p.Text) < whole[i] {
			at[p.Field] = len(cuts)
			cuts = append(cuts, mackerel.Cut{Field: p.Field, Unit: u.Name})
		}
	}
	if cuts == nil {
		return nil
	}
	for i, p := range parts {
		if n, known := at[p.Field]; known {
			cuts[n].From += whole[i]
			cuts[n].To += u.Len(*p.Text)
		}
	}
	return cuts
}

// A Cutter cuts the texts of one message to their limits and keeps what it cut.
type Cutter struct {
	Unit     Unit              // of the limits and of the cuts
	Language mackerel.Language // of what stands in place of lines
	Cuts     []mackerel.Cut
}

// Text returns a text as [Plain] text of at most limit units.
func (c *Cutter) Text(field, text string, limit int) string {
	u := c.Unit
	whole, rest := u.Plain(text, limit)
	shown := u.Shorten(whole, limit)
	if from, to := u.Len(whole)+rest, u.Len(shown); to < from {
		c.Cuts = append(c.Cuts, mackerel.Cut{Field: field, Unit: u.Name, From: from, To: to})
	}
	return shown
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
	return strings.Map(toPlain(), text)
}

// toPlain returns a function that makes the runes of one text plain, in their order. It returns -1 for a rune that is
// left out.
func toPlain() func(rune) rune {
	var last rune
	return func(r rune) rune {
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
	}
}

// Blank reports whether there is nothing to see in texts as [Plain] text: they have white space only.
func Blank(texts ...string) bool {
	return !slices.ContainsFunc(texts, func(s string) bool { return strings.ContainsFunc(s, visible) })
}

// Trim returns s without the white space at both ends that [Plain] leaves or makes.
func Trim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return !visible(r) })
}

// visible reports whether Plain makes of r something other than white space.
func visible(r rune) bool { return r != '\r' && (odd(r) || !unicode.IsSpace(r)) }

// isPlain reports whether Plain would change nothing, which is so for nearly all texts.
func isPlain(text string) bool {
	for i := range len(text) {
		if !beginsOdd[text[i]] {
			continue
		}
		if r, _ := utf8.DecodeRuneInString(text[i:]); odd(r) {
			return false
		}
	}
	return utf8.ValidString(text)
}

// beginsOdd has the first bytes of the odd characters in UTF-8.
var beginsOdd = func() (first [256]bool) {
	for r := range rune(0x2070) {
		if odd(r) {
			first[string(r)[0]] = true
		}
	}
	return first
}()

// odd reports whether r has no place in a message: a control character, or an embedding, override or isolate of the
// direction (U+202A to U+202E, U+2066 to U+2069), with which a host's name could rearrange its line. The marks that
// Arabic and Hebrew need are not odd.
func odd(r rune) bool {
	return unicode.IsControl(r) && r != '\t' && r != '\n' || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}
