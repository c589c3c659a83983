package provider

import (
	"slices"
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

// The units. They count valid UTF-8, which is what Cut, Shorten and Fit make of text.
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

// boundary returns the last place at or before i where s may be cut.
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

// joined reports whether two neighbours are one character to a reader: what Unicode calls an extended grapheme cluster
// (https://www.unicode.org/reports/tr29/), conjuncts included. It joins rather too much than too little, for a beginning
// that ends early is still whole.
func joined(left string, before, after rune) bool {
	switch {
	case before == '\r' && after == '\n':
		return true
	case unicode.IsControl(before) || unicode.IsControl(after):
		return false
	case before == zwj || prepended.have(before) || unicode.Is(unicode.Prepended_Concatenation_Mark, before):
		return true
	case unicode.In(after, unicode.M, unicode.Other_Grapheme_Extend) || extending.have(after):
		return true
	case viramas.have(before):
		return unicode.IsLetter(after)
	case flagLetters.have(before) && flagLetters.have(after):
		return flagOpen(left)
	case leadingJamo.have(before) || otherJamo.have(after):
		return unicode.Is(unicode.Hangul, before) && unicode.Is(unicode.Hangul, after)
	}
	return false
}

const zwj = 0x200D // the zero-width joiner

// runeRanges are pairs of a first and a last code point.
type runeRanges [][2]rune

func (rr runeRanges) have(r rune) bool {
	return slices.ContainsFunc(rr, func(pair [2]rune) bool { return pair[0] <= r && r <= pair[1] })
}

var (
	// What joins to its left and is in no such table of the standard library: the joiners, the vowel signs AM of Thai and
	// Lao, the skin tones.
	extending = runeRanges{{0x200C, zwj}, {0x0E33, 0x0E33}, {0x0EB3, 0x0EB3}, {0x1F3FB, 0x1F3FF}}
	// Indic letters that join to their right.
	prepended = runeRanges{
		{0x0D4E, 0x0D4E}, {0x111C2, 0x111C3}, {0x1193F, 0x1193F}, {0x11941, 0x11941}, {0x11A3A, 0x11A3A}, {0x11A84, 0x11A89},
		{0x11D46, 0x11D46}, {0x11F02, 0x11F02},
	}
	// The signs that make one of two consonants, of the scripts in which that is one character.
	viramas = runeRanges{
		{0x094D, 0x094D}, {0x09CD, 0x09CD}, {0x0ACD, 0x0ACD}, {0x0B4D, 0x0B4D}, {0x0C4D, 0x0C4D}, {0x0D4D, 0x0D4D},
	}
	// The letters of which two make a flag.
	flagLetters = runeRanges{{0x1F1E6, 0x1F1FF}}
	// The letters that begin a Hangul syllable, and those that go on with it.
	leadingJamo = runeRanges{{0x1100, 0x115F}, {0xA960, 0xA97C}}
	otherJamo   = runeRanges{{0x1160, 0x11FF}, {0xD7B0, 0xD7FB}}
)

// flagOpen reports whether left ends in an odd number of flag letters: the next one completes a flag.
func flagOpen(left string) bool {
	n := 0
	for {
		r, size := utf8.DecodeLastRuneInString(left)
		if !flagLetters.have(r) {
			return n%2 == 1
		}
		left, n = left[:len(left)-size], n+1
	}
}

// A Part is a text of a message that may be cut, by its name in a Cut.
type Part struct {
	Field string
	Text  *string
}

// Fit renders a message within a limit. As long as it is too long, the parts are cut in the order given, each as little
// as possible and down to nothing before the next; what is measured is always the rendered message, escaping and all.
// The parts are left as they were rendered, without invalid UTF-8.
func (u Unit) Fit(limit int, render func() string, parts ...Part) (string, []mackerel.Cut) {
	whole := make([]int, len(parts))
	for i, p := range parts {
		*p.Text = strings.ToValidUTF8(*p.Text, "\uFFFD")
		whole[i] = u.Len(*p.Text)
		*p.Text = u.Shorten(*p.Text, max(0, limit)) // what is longer by itself need not be rendered again and again
	}
	out := render()
	for _, p := range parts {
		if u.Len(out) <= limit {
			break
		}
		out = u.cutPart(limit, render, p.Text)
	}
	var cuts []mackerel.Cut
	for i, p := range parts {
		if to := u.Len(*p.Text); to < whole[i] {
			cuts = append(cuts, mackerel.Cut{Field: p.Field, Unit: u.Name, From: whole[i], To: to})
		}
	}
	return out, cuts
}

// cutPart cuts one part to the greatest length with which the message fits, or to nothing.
func (u Unit) cutPart(limit int, render func() string, text *string) string {
	whole := *text
	*text = ""
	if out := render(); u.Len(out) > limit || whole == "" {
		return out // even without it the message is too long
	}
	// The first length that is too long is one more than the longest that fits.
	tooLong := sort.Search(min(u.Len(whole), limit+1), func(n int) bool {
		*text = u.Shorten(whole, n)
		return u.Len(render()) > limit
	})
	*text = u.Shorten(whole, max(0, tooLong-1))
	return render()
}
