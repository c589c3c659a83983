package provider_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel/internal/provider"
)

const (
	family   = "\U0001f468\u200d\U0001f469\u200d\U0001f467"                             // 5 runes, 18 bytes, 8 utf-16 units
	scotland = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f" // 7 runes
	japan    = "\U0001f1ef\U0001f1f5"
	usa      = "\U0001f1fa\U0001f1f8"
)

func TestCut(t *testing.T) {
	tests := []struct {
		name string
		unit provider.Unit
		text string
		n    int
		want string
	}{
		{"nothing is left alone", provider.Bytes, "", 0, ""},
		{"what fits is left alone", provider.Bytes, "disk full", 9, "disk full"},
		{"one byte too many", provider.Bytes, "disk full", 8, "disk ful"},
		{"to nothing", provider.Bytes, "disk", 0, ""},
		{"to less than nothing", provider.Bytes, "disk", -1, ""},
		{"bytes never split a code point", provider.Bytes, "障害", 5, "障"},
		{"runes count code points", provider.Runes, "障害発生", 3, "障害発"},
		{"utf-16 units count twice beyond the first plane", provider.UTF16, "a\U0001f525b", 3, "a\U0001f525"},
		{"utf-16 units never split a pair", provider.UTF16, "a\U0001f525b", 2, "a"},
		{"the last code point of the first plane is one utf-16 unit", provider.UTF16, "\uffffb", 1, "\uffff"},
		{"an accent stays on its letter", provider.Runes, "cafe\u0301s", 4, "caf"},
		{"a voiced sign stays on its kana", provider.Runes, "か\u3099き", 1, ""},
		{"a family stays together", provider.Runes, "a" + family, 5, "a"},
		{"a family that fits is whole", provider.Runes, "a" + family + "b", 6, "a" + family},
		{"a skin tone stays on its hand", provider.Runes, "\U0001f44d\U0001f3fd!", 1, ""},
		{"a keycap stays a key", provider.Runes, "a1\ufe0f\u20e3", 3, "a"},
		{"a flag is two letters", provider.Runes, japan + usa, 3, japan},
		{"of a long row of flags only the last is lost", provider.Runes, strings.Repeat(japan, 50), 75, strings.Repeat(japan, 37)},
		{"a flag of a region stays whole", provider.Runes, "a" + scotland, 7, "a"},
		{"a syllable of jamo stays whole", provider.Runes, "\u1112\u1161\u11ab\u1100\u1173\u11af", 5, "\u1112\u1161\u11ab"},
		{"a syllable and its final stay whole", provider.Runes, "가\u11a8나", 1, ""},
		{"Hangul syllables are characters of their own", provider.Runes, "가나다", 2, "가나"},
		{"a Thai vowel stays with its consonant", provider.Runes, "กน\u0e33", 2, "ก"},
		{"a Devanagari vowel stays with its consonant", provider.Runes, "मनि", 2, "म"},
		{"a Devanagari conjunct stays whole", provider.Runes, "म\u0915\u094d\u0937", 3, "म"},
		{"an Arabic number sign stays with its number", provider.Runes, "x\u06001y", 2, "x"},
		{"both halves of a line break", provider.Runes, "a\r\nb", 2, "a"},
		{"a mark after a line break stands by itself", provider.Runes, "a\n\u0301", 2, "a\n"},
		{"invalid UTF-8 is replaced first", provider.Bytes, "a\xff\xfeb", 4, "a\uFFFD"},
		{"and counts as what it becomes", provider.Bytes, "a\xffb", 3, "a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.unit.Cut(tt.text, tt.n); got != tt.want {
				t.Errorf("%+q, want %+q", got, tt.want)
			}
		})
	}
}

// Cutting early is allowed, but a text must not shrink to nothing because its script joins much.
func TestCutKeepsMost(t *testing.T) {
	tests := []struct{ name, text string }{
		{"Korean in jamo, as macOS names files", strings.Repeat("\u1112\u1161\u11ab\u1100\u1173\u11af ", 100)},
		{"Korean in jamo without a blank", strings.Repeat("\u1112\u1161\u11ab\u1100\u1173\u11af", 100)},
		{"Thai", strings.Repeat("น้ำมันเชื้อเพลิง", 50)},
		{"Hindi", strings.Repeat("अंतरराष्ट्रीय", 50)},
		{"Japanese", strings.Repeat("ディスクの空き容量が足りません。", 50)},
		{"Arabic with its marks", strings.Repeat("مُحَمَّد", 100)},
		{"flags", strings.Repeat(japan+usa, 100)},
		{"families", strings.Repeat(family, 100)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for n := 200; n < 230; n++ {
				if got := provider.Runes.Len(provider.Runes.Cut(tt.text, n)); got < n-7 {
					t.Errorf("%d runes are left of %d", got, n)
				}
			}
		})
	}
}

func TestShorten(t *testing.T) {
	tests := []struct {
		name string
		unit provider.Unit
		text string
		n    int
		want string
	}{
		{"what fits is left alone", provider.Runes, "disk full", 9, "disk full"},
		{"the ellipsis counts", provider.Runes, "disk full", 8, "disk fu…"},
		{"the ellipsis has three bytes", provider.Bytes, "disk full", 8, "disk…"},
		{"no blank before the ellipsis", provider.Runes, "disk\t \n full", 7, "disk…"},
		{"nothing but the ellipsis", provider.Runes, "disk", 1, "…"},
		{"not even the ellipsis", provider.Bytes, "disk", 2, ""},
		{"nothing", provider.Runes, "disk", 0, ""},
		{"less than nothing", provider.Runes, "disk", -5, ""},
		{"never inside a character", provider.Runes, "a" + family, 5, "a…"},
		{"invalid UTF-8 is replaced, also of what fits", provider.Bytes, "a\xff", 4, "a\uFFFD"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.unit.Shorten(tt.text, tt.n); got != tt.want {
				t.Errorf("%+q, want %+q", got, tt.want)
			}
		})
	}
}

func FuzzCut(f *testing.F) {
	for _, text := range []string{"disk full", "a" + family, scotland + japan + usa, "\u1112\u1161\u11ab", "न\u093f", "a\xff\r\n\u0301"} {
		for _, n := range []int{-1, 0, 1, 3, 8, 100} {
			f.Add(text, n)
		}
	}
	f.Fuzz(func(t *testing.T, text string, n int) {
		for _, u := range units {
			valid := strings.ToValidUTF8(text, "\uFFFD")
			cut := u.Cut(text, n)
			switch {
			case !utf8.ValidString(cut):
				t.Errorf("%q cut to %d %s is not valid: %q", text, n, u.Name, cut)
			case !strings.HasPrefix(valid, cut):
				t.Errorf("%q cut to %d %s is no beginning of it: %q", text, n, u.Name, cut)
			case u.Len(cut) > max(0, n):
				t.Errorf("%q cut to %d %s has %d", text, n, u.Name, u.Len(cut))
			case u.Len(valid) <= n && cut != valid:
				t.Errorf("%q fits %d %s and was cut to %q", text, n, u.Name, cut)
			}
			if short := u.Shorten(text, n); u.Len(short) > max(0, n) || !utf8.ValidString(short) {
				t.Errorf("%q shortened to %d %s is %q", text, n, u.Name, short)
			}
		}
	})
}
