// Package oracle compares our cutting of text with a Unicode library that the module does not want to depend on.
package oracle

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/rivo/uniseg"

	"github.com/mackerel-notify/mackerel/internal/provider"
)

// pieces are what difficult texts are made of. In any order they make characters of any kind, sensible or not.
var pieces = [][]string{
	{"a", "e", "Z", "0", "9", "#", "*", " ", ".", "日", "本", "。", "\u3000", "é", "ß"},
	{"\u0301", "\u0308", "\u20dd", "\u3099", "\u309a", "\ufe0e", "\ufe0f", "\U000e0100", "\uff9e", "\uff9f", "\u20e3"},
	{"か\u3099", "ハ\u309a", "e\u0301\u0308", "1\ufe0f\u20e3", "#\u20e3"},
	{"\U0001f468", "\U0001f469", "\U0001f467", "\U0001f4bb", "\u2764", "\u2620", "\U0001f3f4", "\U0001f3f3", "\U0001f308", "\u26a7", "©", "\u203c"},
	{"\u200d", "\u200c", "\u200b", "\u2060", "\ufeff", "\u200e", "\u202e", "\u2028", "\u00ad", "\u034f"},
	{"\U0001f3fb", "\U0001f3ff", "\U0001f44d\U0001f3fd", "\U0001f469\U0001f3fe\u200d\U0001f4bb"},
	{"\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", "\u2764\ufe0f\u200d\U0001f525", "\U0001f3f3\ufe0f\u200d\U0001f308"},
	{"\U0001f1ef", "\U0001f1f5", "\U0001f1fa", "\U0001f1f8", "\U0001f1ef\U0001f1f5"},
	{"\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", "\U000e0067", "\U000e007f", "\U000e0001"},
	{"\u1112", "\u1161", "\u11ab", "\ua960", "\ua97c", "\ud7b0", "\ud7c6", "\ud7cb", "\ud7fb", "가", "각", "힣", "ㅎ", "ﾡ", "\u302e", "\u115f", "\u1160"},
	{"ก", "\u0e33", "\u0e31", "\u0e48", "เ", "ນ", "\u0eb3", "\u0ec8", "น้ำ"},
	{"क", "\u094d", "ष", "\u093f", "\u0940", "\u0902", "क्षि", "\u09cd", "ক", "\u0bbf", "\u0d4e", "ക", "\u0d4d", "த", "\u0bcd", "\U000111c2", "\U00011347", "\U00011a3a"},
	{"\u0600", "\u06dd", "\u070f", "\u08e2", "\U000110bd", "ا", "\u0651", "\u05d0", "\u05b0"},
	{"\r", "\n", "\r\n", "\t", "\x00", "\x1b", "\u0085", "\x7f"},
	{"\U000112fe", "\U0001193f", "\U00011941", "\U00011d46", "\U00011f02", "\U00011f41", "\u1b35", "\u0f3e", "\u102b", "\u19b0", "\uaa4d"},
	{"\xff", "\xc3", "\xe3\x81", "\xf0\x9f\x91", "\ufffd", "\U0010ffff", "\ue000"},
}

func generate(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(12) {
		kind := pieces[r.IntN(len(pieces))]
		for range 1 + r.IntN(3) {
			b.WriteString(kind[r.IntN(len(kind))])
		}
	}
	return b.String()
}

func TestCutEndsBetweenCharacters(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		checkCuts(t, generate(r))
		if t.Failed() {
			return
		}
	}
}

// Every pair and triple of code points that Unicode has a rule for would be too many; every pair of the pieces is not.
func TestCutOfEveryPair(t *testing.T) {
	all := slices.Concat(pieces...)
	for _, a := range all {
		for _, b := range all {
			checkCuts(t, "x"+a+b+"y")
		}
	}
}

// Every code point there is, before and after one that joins nothing.
func TestCutOfEveryCodePoint(t *testing.T) {
	for r := rune(0); r <= 0x10ffff; r++ {
		if s := "x" + string(r) + "y"; !endsBetween(s, provider.Runes.Cut(s, 1)) || !endsBetween(s, provider.Runes.Cut(s, 2)) {
			t.Errorf("%U is cut off from what it joins", r)
		}
	}
}

func FuzzCut(f *testing.F) {
	for _, kind := range pieces {
		f.Add(strings.Join(kind, ""))
	}
	f.Fuzz(checkCuts[*testing.T])
}

// checkCuts cuts s everywhere and in every unit.
func checkCuts[T testing.TB](t T, s string) {
	t.Helper()
	valid := strings.ToValidUTF8(s, "\ufffd")
	for _, u := range []provider.Unit{provider.Bytes, provider.Runes, provider.UTF16} {
		for n := range min(u.Len(valid), 200) + 2 {
			cut := u.Cut(s, n)
			if !endsBetween(valid, cut) || u.Len(cut) > n {
				t.Errorf("%+q cut to %d %s: %+q", s, n, u.Name, cut)
			}
		}
	}
}

// endsBetween reports whether the cut is a beginning of s and ends where a character does.
func endsBetween(s, cut string) bool {
	if !strings.HasPrefix(s, cut) {
		return false
	}
	for state, rest, at := -1, s, 0; at < len(cut); {
		var character string
		character, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		at += len(character)
		if at > len(cut) {
			return false
		}
	}
	return true
}
