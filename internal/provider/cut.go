package provider

import (
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel"
)

// A Unit is what a service's limits count.
type Unit struct {
	Name string
	Len  func(string) int
	size func(rune) int
}

// The units. Text that is not valid UTF-8 counts by the replacement character that it will be sent as.
var (
	Bytes = Unit{"bytes", func(s string) int { return len(s) }, utf8.RuneLen}
	Runes = Unit{"runes", utf8.RuneCountInString, func(rune) int { return 1 }}
	UTF16 = Unit{"utf-16 units", utf16Len, utf16Size}
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
// it, which may be several code points. It never panics; invalid UTF-8 is replaced first.
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

// ellipsis marks text that was cut.
const ellipsis = "…"

// Shorten is Cut with an ellipsis in place of what was cut, which counts. Where not even that fits it returns "".
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

// boundary returns the last place at or before i where s may be cut: not before something that joins to the left, not
// after a joiner, not within a pair of flag letters or a Hangul syllable.
func boundary(s string, i int) int {
	for i > 0 && i < len(s) {
		before, size := utf8.DecodeLastRuneInString(s[:i])
		after, _ := utf8.DecodeRuneInString(s[i:])
		if !joined(s[:i], before, after) {
			break
		}
		i -= size
	}
	return i
}

const (
	zwj  = 0x200D
	zwnj = 0x200C
)

// joined reports whether two neighbours are one character to a reader. It joins rather too much than too little: a
// prefix that ends early is still whole.
func joined(left string, before, after rune) bool {
	switch {
	case before == '\r' && after == '\n':
		return true
	case unicode.IsControl(before) || unicode.IsControl(after):
		return false
	case before == zwj || after == zwj || after == zwnj:
		return true
	case unicode.In(after, unicode.M, unicode.Variation_Selector, unicode.Other_Grapheme_Extend, prependedOrEmoji):
		return true
	case regional(before) && regional(after):
		return flagOpen(left)
	}
	return hangul(before) && hangul(after) && !(syllable(before) && syllable(after)) || unicode.Is(unicode.Prepended_Concatenation_Mark, before)
}

// prependedOrEmoji are the emoji modifiers and tags, which belong to what precedes them.
var prependedOrEmoji = &unicode.RangeTable{R32: []unicode.Range32{
	{Lo: 0x1F3FB, Hi: 0x1F3FF, Stride: 1}, {Lo: 0xE0020, Hi: 0xE007F, Stride: 1},
}}

func regional(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }

// flagOpen reports whether left ends in an odd number of flag letters: the next one completes a flag.
func flagOpen(left string) bool {
	n := 0
	for {
		r, size := utf8.DecodeLastRuneInString(left)
		if !regional(r) {
			return n%2 == 1
		}
		left, n = left[:len(left)-size], n+1
	}
}

func hangul(r rune) bool {
	return r >= 0x1100 && r <= 0x11FF || r >= 0xA960 && r <= 0xA97C || r >= 0xAC00 && r <= 0xD7FB
}

func syllable(r rune) bool { return r >= 0xAC00 && r <= 0xD7A3 }

// A Part is a text of a message that may be cut, by its name in a Cut.
type Part struct {
	Field string
	Text  *string
}

// Fit renders a message within a limit. As long as it is too long, the parts are cut in the order given, each as little
// as possible and down to nothing before the next; what is measured is always the rendered message, escaping and all.
// The parts are left as they were rendered.
func (u Unit) Fit(limit int, render func() string, parts ...Part) (string, []mackerel.Cut) {
	out := render()
	var cuts []mackerel.Cut
	for _, p := range parts {
		if u.Len(out) <= limit {
			break
		}
		whole := *p.Text
		from := u.Len(whole)
		// The first length that is too long is one more than the longest that fits.
		n := sort.Search(min(from, limit), func(n int) bool {
			*p.Text = u.Shorten(whole, n)
			return u.Len(render()) > limit
		})
		*p.Text = u.Shorten(whole, max(0, n-1))
		out = render()
		if to := u.Len(*p.Text); to < from {
			cuts = append(cuts, mackerel.Cut{Field: p.Field, Unit: u.Name, From: from, To: to})
		}
	}
	return out, cuts
}
