package provider_test

import (
	"html"
	"strings"
	"testing"

	"github.com/clipperhouse/uax29/v2/graphemes"

	"github.com/mackerel-notify/mackerel/internal/provider"
)

var units = []provider.Unit{provider.Bytes, provider.Runes, provider.UTF16}

// FuzzLimit compares what is made of the beginning of a text with what is made of the whole text.
func FuzzLimit(f *testing.F) {
	for _, text := range []string{
		"disk full", "a" + family, japan + usa + japan + "a\u0301", "\xff\xfe\xff\xfea\xff", "a\r\nb\r\n\r\r\nc\x1b[31m\u0085",
		"障害\u3099\u202e発生", "\u1112\u1161\u11abab\u0301\r\ncd", "अंतरराष्ट्रीय", "\ufffd\xff\ufffd",
		"a\r", "±1 – “2”\u202e±",
	} {
		for _, n := range []int{-1, 0, 1, 2, 3, 5, 8, 100} {
			f.Add(text, n)
		}
	}
	f.Fuzz(func(t *testing.T, text string, n int) {
		n %= 1000
		whole, plain := strings.ToValidUTF8(text, "\uFFFD"), provider.Plain(text)
		for _, u := range units {
			beginning, rest := u.Limit(text, n)
			valid := strings.ToValidUTF8(beginning, "\uFFFD")
			if got, want := u.Len(valid)+rest, u.Len(whole); got != want {
				t.Errorf("%q limited to %d %s has %d, and %d together", text, n, u.Name, want, got)
			}
			if rest > 0 && u.Len(valid) <= n {
				t.Errorf("%q limited to %d %s is too short: %q", text, n, u.Name, beginning)
			}
			if got, want := u.Shorten(text, n), shorten(u, whole, n); got != want {
				t.Errorf("%q shortened to %d %s is %q, want %q", text, n, u.Name, got, want)
			}
			beginning, rest = u.Plain(text, n)
			if got, want := u.Len(beginning)+rest, u.Len(plain); got != want || !strings.HasPrefix(plain, beginning) {
				t.Errorf("%q as plain text has %d %s, and %d together, beginning with %q", text, want, u.Name, got, beginning)
			}
			if got, want := u.ShortenPlain(text, n), shorten(u, plain, n); got != want {
				t.Errorf("%q shortened to %d %s of plain text is %q, want %q", text, n, u.Name, got, want)
			}
		}
	})
}

// The rest of a long text is only counted, so that a text of megabytes costs little.
func TestLimitReturnsNoMoreThanIsNeeded(t *testing.T) {
	for _, text := range []string{"x", "障", "\U0001f525", "\ufffd", "\xffa", "a\xff"} {
		for _, u := range units {
			beginning, _ := u.Limit(strings.Repeat(text, 1000), 20)
			if n := u.Len(strings.ToValidUTF8(beginning, "\uFFFD")); n <= 20 || n > 24 {
				t.Errorf("%q limited to 20 %s has %d", text, u.Name, n)
			}
		}
	}
}

// shorten is Shorten for valid text, written without regard to time.
func shorten(u provider.Unit, s string, n int) string {
	if u.Len(s) <= n {
		return s
	}
	if n -= u.Len("…"); n < 0 {
		return ""
	}
	end := 0
	for c := graphemes.FromString(s); c.Next() && u.Len(s[:c.End()]) <= n; {
		end = c.End()
	}
	return strings.TrimRight(s[:end], " \t\n") + "…"
}

// FuzzFitKeepsTheMost compares Fit with a search that tries every length.
func FuzzFitKeepsTheMost(f *testing.F) {
	f.Add("disk", "full", "memo", uint8(20))
	f.Add("<b>", "障害\xff", strings.Repeat("&\U0001f525", 50), uint8(64))
	f.Add(family, japan+"<", "\u0301", uint8(15))
	f.Add("", strings.Repeat("a", 40)+strings.Repeat("<", 40), family+family, uint8(90))
	f.Fuzz(func(t *testing.T, title, text, memo string, limit uint8) {
		for _, u := range units {
			m := message{title, text, memo}
			out, _ := u.Fit(int(limit), m.render, m.parts()...)
			if want := fitSlowly(u, int(limit), title, text, memo); out != want {
				t.Errorf("in %d %s: %q, want %q", limit, u.Name, out, want)
			}
		}
	})
}

func fitSlowly(u provider.Unit, limit int, title, text, memo string) string {
	m := message{u.Shorten(title, limit), u.Shorten(text, limit), u.Shorten(memo, limit)}
	for _, part := range m.parts() {
		whole := *part.Text
		for n := u.Len(whole); n > 0 && u.Len(m.render()) > limit; n-- {
			*part.Text = u.Shorten(whole, n-1)
		}
	}
	return m.render()
}

// TestFitRendersFewTimes counts renderings, of which each costs as much as the message is long.
func TestFitRendersFewTimes(t *testing.T) {
	for _, c := range []struct{ name, text string }{
		{"ASCII", "disk full "}, {"Japanese", "ディスクの空き容量が足りません。"}, {"what is escaped", "<"},
		{"what is escaped in part", "if a < b && c > d {\n"}, {"characters of many runes", family + japan},
		{"control characters", "\x00\x1b"}, {"invalid UTF-8", "\xff\xfea"}, {"white space", "a          \n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, u := range units {
				renders := 0
				m := message{"title", strings.Repeat("text ", 100), strings.Repeat(c.text, 1_000_000/len(c.text))}
				limit := 50_000
				out, cuts := u.Fit(limit, func() string { renders++; return m.render() }, m.parts()...)
				if most := 12; renders > most {
					t.Errorf("%d renderings in %s, want at most %d", renders, u.Name, most)
				}
				if n := u.Len(out); n > limit || n < limit-50 || len(cuts) != 1 {
					t.Errorf("the message has %d of %d %s, cuts %v", n, limit, u.Name, cuts)
				}
			}
		})
	}
}

// The message is twice as long as its text at first, and then not longer.
func TestFitWithEscapesInOnePlace(t *testing.T) {
	text := strings.Repeat("<", 5000) + strings.Repeat("a", 100_000) + strings.Repeat("&", 100_000)
	renders := 0
	out, _ := provider.Bytes.Fit(120_002, func() string { renders++; return html.EscapeString(text) }, provider.Part{Field: "text", Text: &text})
	if len(out) != 120_002 && len(out) < 119_998 || renders > 30 {
		t.Errorf("%d bytes in %d renderings", len(out), renders)
	}
}
