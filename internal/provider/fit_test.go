package provider_test

import (
	"fmt"
	"html"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// message is rendered as many services want it: markup of its own around text that is escaped.
type message struct{ title, text, memo string }

func (m *message) render() string {
	return "<b>" + html.EscapeString(m.title) + "</b>" + html.EscapeString(m.text) + "<i>" + html.EscapeString(m.memo) + "</i>"
}

func (m *message) parts() []provider.Part {
	return []provider.Part{{Field: "memo", Text: &m.memo}, {Field: "text", Text: &m.text}, {Field: "title", Text: &m.title}}
}

const markup = len("<b></b><i></i>")

func TestFit(t *testing.T) {
	long := strings.Repeat("x", 100)
	tests := []struct {
		name  string
		limit int
		unit  provider.Unit
		in    message
		want  message
		cuts  []mackerel.Cut
	}{
		{"at the limit nothing is cut", markup + 12, provider.Runes, message{"disk", "full", "memo"}, message{"disk", "full", "memo"}, nil},
		{"one over the limit, and the ellipsis takes another", markup + 11, provider.Runes, message{"disk", "full", "memo"}, message{"disk", "full", "me…"}, []mackerel.Cut{{Field: "memo", Unit: "runes", From: 4, To: 3}}},
		{"far over the limit, the first part is cut to what is left", markup + 20, provider.Runes, message{"disk", "full", long}, message{"disk", "full", strings.Repeat("x", 11) + "…"}, []mackerel.Cut{{Field: "memo", Unit: "runes", From: 100, To: 12}}},
		{"the first part goes before the second is touched", markup + 10, provider.Runes, message{"disk", long, long}, message{"disk", "xxxxx…", ""}, []mackerel.Cut{{Field: "memo", Unit: "runes", From: 100, To: 0}, {Field: "text", Unit: "runes", From: 100, To: 6}}},
		{"all but the last part go", markup + 3, provider.Runes, message{"disk full", long, long}, message{"di…", "", ""}, []mackerel.Cut{{Field: "memo", Unit: "runes", From: 100, To: 0}, {Field: "text", Unit: "runes", From: 100, To: 0}, {Field: "title", Unit: "runes", From: 9, To: 3}}},
		{"a part alone that is longer than the limit uses all of it", markup + 50, provider.Runes, message{"", "", long}, message{"", "", strings.Repeat("x", 49) + "…"}, []mackerel.Cut{{Field: "memo", Unit: "runes", From: 100, To: 50}}},
		{"a part that is empty was not cut", markup + 3, provider.Runes, message{"disk", "", ""}, message{"di…", "", ""}, []mackerel.Cut{{Field: "title", Unit: "runes", From: 4, To: 3}}},
		{"in bytes the ellipsis has three", markup + 10, provider.Bytes, message{"disk", "", "障害発生"}, message{"disk", "", "障…"}, []mackerel.Cut{{Field: "memo", Unit: "bytes", From: 12, To: 6}}},
		{"in utf-16 units", markup + 6, provider.UTF16, message{"", "", "\U0001f525\U0001f525\U0001f525\U0001f525"}, message{"", "", "\U0001f525\U0001f525…"}, []mackerel.Cut{{Field: "memo", Unit: "utf-16 units", From: 8, To: 5}}},
		{"what escaping adds is counted", markup + 12, provider.Runes, message{"", "", "<<<<<"}, message{"", "", "<<…"}, []mackerel.Cut{{Field: "memo", Unit: "runes", From: 5, To: 3}}},
		{"invalid UTF-8 is replaced before it is counted", markup + 7, provider.Bytes, message{"a\xff", "", "b\xff\xfe"}, message{"a\uFFFD", "", "…"}, []mackerel.Cut{{Field: "memo", Unit: "bytes", From: 4, To: 3}}},
		{"where even the markup does not fit all parts are gone", 5, provider.Runes, message{"disk", "full", "memo"}, message{"", "", ""}, []mackerel.Cut{{Field: "memo", Unit: "runes", From: 4, To: 0}, {Field: "text", Unit: "runes", From: 4, To: 0}, {Field: "title", Unit: "runes", From: 4, To: 0}}},
		{"a limit of nothing", 0, provider.Runes, message{"disk", "", ""}, message{"", "", ""}, []mackerel.Cut{{Field: "title", Unit: "runes", From: 4, To: 0}}},
		{"a limit of less than nothing", -7, provider.Runes, message{"disk", "", ""}, message{"", "", ""}, []mackerel.Cut{{Field: "title", Unit: "runes", From: 4, To: 0}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := tt.in
			out, cuts := tt.unit.Fit(tt.limit, m.render, m.parts()...)
			if m != tt.want {
				t.Errorf("%+q, want %+q", m, tt.want)
			}
			if out != m.render() {
				t.Errorf("the result is not the parts as they were left: %q", out)
			}
			if tt.limit >= markup && tt.unit.Len(out) > tt.limit {
				t.Errorf("%d %s, the limit being %d", tt.unit.Len(out), tt.unit.Name, tt.limit)
			}
			if !slices.Equal(cuts, tt.cuts) {
				t.Errorf("cuts %+v, want %+v", cuts, tt.cuts)
			}
		})
	}
}

func TestFitOfATextAlone(t *testing.T) {
	text := strings.Repeat("x", 100)
	out, _ := provider.Runes.Fit(50, func() string { return text }, provider.Part{Field: "text", Text: &text})
	check(t, "all of the limit is used", out, strings.Repeat("x", 49)+"…")
	for limit, want := range map[int]string{5: "whole", 4: ""} {
		text = "whole"
		out, _ = provider.Runes.Fit(limit, func() string { return text }, provider.Part{Field: "text", Text: &text, Cut: provider.CutWhole})
		check(t, "a text that is not divided", out, want)
	}
	c := provider.Cutter{Unit: provider.Runes}
	check(t, "plain text", c.Text("text", "a\r\n"+strings.Repeat("x", 200), 10), "a\nxxxxxxx…")
	check(t, "its cut", fmt.Sprint(c.Cuts), "[text from 202 to 10 runes]")
}

// The search halves if the size of a message says nothing about the number of units that it can keep.
func TestFitOfAMessageThatGrowsInOneStep(t *testing.T) {
	const limit, kept = 1 << 17, 12_345
	short, long := strings.Repeat("s", limit), strings.Repeat("l", 32*limit)
	text, renders := strings.Repeat("x", 2*limit), 0
	out, _ := provider.Bytes.Fit(limit, func() string {
		renders++
		if len(text) > kept {
			return long
		}
		return short
	}, provider.Part{Field: "text", Text: &text})
	if out != short || len(text) != kept || renders > 45 {
		t.Errorf("%d bytes in %d renderings, %d bytes of the text", len(out), renders, len(text))
	}
}

// An escape that depends on what follows can make a shorter text longer: "[to" at the end might become a tag, "[tom"
// not.
func TestFitWithAnEscapeThatShrinks(t *testing.T) {
	text := "a[tomato"
	render := func() string {
		return strings.NewReplacer("[to…", "(left bracket)to…", "[…", "(left bracket)…").Replace(text)
	}
	for limit := 3; limit <= 12; limit++ {
		text = "a[tomato"
		out, _ := provider.Bytes.Fit(limit, render, provider.Part{Field: "text", Text: &text})
		if len(out) > limit {
			t.Errorf("%q has %d bytes, the limit being %d", out, len(out), limit)
		}
	}
}

func FuzzFit(f *testing.F) {
	f.Add("disk", "full", "memo", 20)
	f.Add("<b>", "障害\xff", strings.Repeat("&\U0001f525", 50), 64)
	f.Add(family, japan, "\u0301", 15)
	f.Fuzz(func(t *testing.T, title, text, memo string, limit int) {
		for _, u := range units {
			m := message{title, text, memo}
			out, cuts := u.Fit(limit, m.render, m.parts()...)
			if u.Len(out) > max(limit, markup) || !utf8.ValidString(out) {
				t.Errorf("limit %d: %q has %d %s", limit, out, u.Len(out), u.Name)
			}
			for _, c := range cuts {
				if c.To >= c.From || c.To < 0 || c.Unit != u.Name {
					t.Errorf("limit %d: cut %+v", limit, c)
				}
			}
		}
	})
}

// TestFitOfManyParts counts renderings, because their number must not grow with that of the parts.
func TestFitOfManyParts(t *testing.T) {
	const n = 100_000
	texts, parts := make([]string, n), make([]provider.Part, n)
	for i := range parts {
		texts[i] = "12345"
		parts[i] = provider.Part{Field: "facts", Text: &texts[i]}
	}
	renders := 0
	out, cuts := provider.Bytes.Fit(7, func() string { renders++; return strings.Join(texts, "") }, parts...)
	if out != "12345" || texts[n-1] != "12345" || texts[0] != "" {
		t.Errorf("left is %q", out)
	}
	if want := (mackerel.Cut{Field: "facts", Unit: "bytes", From: 5 * n, To: 5}); len(cuts) != 1 || cuts[0] != want {
		t.Errorf("cuts are %.300v", cuts)
	}
	if renders > 30 {
		t.Errorf("%d renderings", renders)
	}
	texts[n-2] = "12345"
	if out, _ = provider.Bytes.Fit(9, func() string { return strings.Join(texts, "") }, parts[n-2:]...); out != "1…12345" {
		t.Errorf("with a part that is cut: %q", out)
	}
}
