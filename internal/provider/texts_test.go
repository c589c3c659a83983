package provider_test

import (
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/internal/provider"
)

// full has every kind of text, each so that a test can see whether it is there.
func full() provider.Texts {
	t := provider.Texts{
		Title: "[CRITICAL] monitor on host", Text: "first " + strings.Repeat("f", 100) + "END\nline2\nline3\nline4\nline5\nline6\nline7",
		Memo: mackerel.Fact{Label: "Memo", Value: "memo1\nmemo2\nmemo3\n4\n5\n6\n7\n8\n9\n10\nmemo11"}, URL: "https://mackerel.io/alerts/5",
	}
	for i := range 12 {
		t.Facts = append(t.Facts, mackerel.Fact{Label: "own", Value: fmt.Sprintf("caller%d", i+1)})
	}
	for _, label := range []string{"Reason", "Host", "Role", "Host memo", "Service", "Labels", "Metric", "Opened", "Closed", "By", "Last state", "Organization", "Graph"} {
		t.Facts = append(t.Facts, mackerel.Fact{Label: label, Value: "<" + label + ">"})
	}
	return t
}

// draw escapes text as many services do.
func draw(t provider.Texts) string {
	return html.EscapeString(provider.Join("\n", t.Title, t.Text, provider.Lines(t.Facts), provider.Line(t.Memo), t.URL))
}

// As a message gets less room, this goes, one after the other.
func TestTheOrderOfCutting(t *testing.T) {
	want := []string{
		"Graph: &lt;", "Organization: ", "Host memo: ", "Metric: ", "Role: ", "Last state: ", "line6", "caller12", "caller11", "memo11", "memo2",
		"By: ", "Closed: ", "Opened: ", "line2", "END", "memo1", "caller10", "caller1", "Labels: ", "Service: ", "Host: ", "Reason: ",
		"first", "https://mackerel.io/alerts/5", "monitor",
	}
	for _, u := range units {
		var gone []string
		for limit := u.Len(draw(full())); limit >= 0; limit-- {
			c := provider.Cutter{Unit: u}
			out := c.Texts(limit, full(), draw)
			if n := u.Len(out); n > limit && out != "" {
				t.Fatalf("%d %s, and %d are allowed: %q", n, u.Name, limit, out)
			}
			for _, word := range want {
				if !strings.Contains(out, word) && !slices.Contains(gone, word) {
					gone = append(gone, word)
				}
			}
			if limit >= 100 && (!strings.HasPrefix(out, "[CRITICAL]") || !strings.Contains(out, "https://mackerel.io/alerts/5")) {
				t.Fatalf("in %d %s: %q", limit, u.Name, out)
			}
		}
		if !slices.Equal(gone, want) {
			t.Errorf("in %s they go in the order\n%q, want\n%q", u.Name, gone, want)
		}
	}
}

func TestLinesThatAreCutAreCounted(t *testing.T) {
	for _, tt := range []struct {
		language mackerel.Language
		limit    int
		text     string
		want     string
	}{
		{"", 100, "1\n2\n3\n4\n5\n6\n7", "1\n2\n3\n4\n5\n6\n7"},
		{"", 23, "1111\n2\n3\n4\n5\n66666666666666666\n77777777777777777", "1111\n2\n3\n4\n5\n(+2 lines)"},
		{"", 24, "1111\n2\n3\n4\n5\n66666666666666666\n77777777777777777", "1111\n2\n3\n4\n5\n(+2 lines)"},
		{"", 27, "1111\n2\n3\n4\n5\n66666666666666666\n77777777777777777", "1111\n2\n3\n4\n5\n666…\n(+1 line)"},
		{mackerel.Japanese, 21, "1111\n2\n3\n4\n5\n6666\r\n7777\r888", "1111\n2\n3\n4\n5\n（ほか3行）"},
		{"", 8, strings.Repeat("x", 20), "xxxxxxx…"},
		{"", 60, strings.Repeat("x", 200), strings.Repeat("x", 59) + "…"},
		{"", 100, strings.Repeat("x", 200), strings.Repeat("x", 98) + "…"}, // the ellipsis stays when the rest of the line is gone
		{"", 101, strings.Repeat("x", 200), strings.Repeat("x", 100) + "…"},
		{"", 20, "xxxxxxxxxxxxxxxxxxxxx\nyyyyyyyyyyyy", "xxxxxxxxx…\n(+1 line)"},
	} {
		c := provider.Cutter{Unit: provider.Runes, Language: tt.language}
		got := c.Texts(tt.limit, provider.Texts{Text: tt.text}, func(t provider.Texts) string { return t.Text })
		check(t, fmt.Sprintf("%q in %d", tt.text, tt.limit), got, tt.want)
	}
}

func TestAnEllipsisStandsForLinesOfTheMemo(t *testing.T) {
	for limit, want := range map[int]string{13: "one\ntwo\nthree", 12: "one\ntwo\nthr…", 4: "one…"} {
		c := provider.Cutter{Unit: provider.Runes}
		got := c.Texts(limit, provider.Texts{Memo: mackerel.Fact{Value: "one\ntwo\nthree"}}, func(t provider.Texts) string { return t.Memo.Value })
		check(t, strconv.Itoa(limit), got, want)
	}
}

func TestALinkIsWholeOrNotThere(t *testing.T) {
	long := "https://mackerel.io/" + strings.Repeat("x", 200)
	c := provider.Cutter{Unit: provider.Runes}
	out := c.Texts(300, provider.Texts{Title: strings.Repeat("t", 500), URL: long}, draw)
	check(t, "a link of more than half", out, strings.Repeat("t", 150)+"…"+strings.Repeat("t", 149))
	check(t, "cuts", fmt.Sprint(c.Cuts), "[url from 220 to 0 runes title from 500 to 300 runes]")
	c = provider.Cutter{Unit: provider.Runes}
	out = c.Texts(500, provider.Texts{Title: strings.Repeat("t", 500), URL: long}, draw)
	check(t, "a link of less than half", strings.HasSuffix(out, "\n"+long), true)
	check(t, "cuts", fmt.Sprint(c.Cuts), "[title from 500 to 279 runes]")
	for name, link := range map[string]string{"of more than half": long, "that is too long as it is rendered": "https://x.test/?" + strings.Repeat("&", 100)} {
		c = provider.Cutter{Unit: provider.Runes}
		out = c.Texts(300, provider.Texts{Title: "title", Text: "text", URL: link}, draw)
		check(t, "a link "+name+" costs no other text", out, "title\ntext")
		check(t, "cuts", fmt.Sprint(c.Cuts), fmt.Sprintf("[url from %d to 0 runes]", len(link)))
	}
}

func TestALongTitleLeavesRoomForTheFirstLine(t *testing.T) {
	c := provider.Cutter{Unit: provider.Runes}
	out := c.Texts(200, provider.Texts{Title: "[OK] " + strings.Repeat("t", 500) + " on app01", Text: "the first line\n" + strings.Repeat("x", 300)}, draw)
	beginning, rest, _ := strings.Cut(out, "\n")
	check(t, "the title", beginning, "[OK] "+strings.Repeat("t", 45)+"…"+strings.Repeat("t", 41)+" on app01")
	check(t, "the first line", strings.HasPrefix(rest, "the first line"), true)
	check(t, "all room is used", provider.Runes.Len(out) > 195, true)
}

func TestTheMiddleOfATitle(t *testing.T) {
	for _, tt := range []struct {
		name, title, want string
		limit             int
	}{
		{"half of the limit stays whole", "abcdefghie\u0301klmnopqrs", "abcdefghie\u0301klmnopqrs", 40},
		{"one character stays, because the ellipsis is as long", "abcdefghijklmnopqrstu", "abcdefghijklmnopqrstu", 40},
		{"two characters go", "abcdefghijklmnopqrstuv", "abcdefghij…mnopqrstuv", 42},
	} {
		c := provider.Cutter{Unit: provider.Runes}
		title, _, _ := strings.Cut(c.Texts(tt.limit, provider.Texts{Title: tt.title, Text: strings.Repeat("x", 100)}, draw), "\n")
		check(t, tt.name, title, tt.want)
	}
}

// A fact of this module that matters less than the time goes before it. A metric with its value matters more.
func TestWhichFactsMatterMore(t *testing.T) {
	cut := func(facts ...mackerel.Fact) string {
		lines := provider.Lines(facts)
		c := provider.Cutter{Unit: provider.Runes}
		return c.Texts(provider.Runes.Len(lines)-3, provider.Texts{Facts: facts}, func(t provider.Texts) string { return provider.Lines(t.Facts) })
	}
	opened := mackerel.Fact{Label: "Opened", Value: "2026-01-01 10:00 +00:00"}
	for _, tt := range []struct {
		label, value string
		more         bool
	}{
		{"Metric", "cpu.user 96.5%", true}, {"メトリック", "cpu.user 96.5%", true}, {"Expression", "avg(x) 5", true}, {"式", "avg(x) 5", true},
		{"Metric", "cpu1", false}, {"Metric", "all of my cpus", false}, {"Role", "Shop 1: app", false},
	} {
		f := mackerel.Fact{Label: tt.label, Value: tt.value}
		want := opened
		if tt.more {
			want = f
			check(t, "beside a caller's fact", strings.Contains(cut(mackerel.Fact{Label: "own", Value: "123456"}, f), provider.Line(f)), true)
		}
		check(t, tt.label+" "+tt.value, cut(f, opened), provider.Line(want))
	}
	first, second := mackerel.Fact{Label: "Role", Value: "Shop: app"}, mackerel.Fact{Label: "Role", Value: "Blog: web"}
	check(t, "of two roles the last goes first", cut(first, second), provider.Line(first))
}

func TestTheRoomForFacts(t *testing.T) {
	for _, tt := range []struct {
		name  string
		facts []mackerel.Fact
		limit int
		want  string
	}{
		{"facts that fit are there", slices.Repeat([]mackerel.Fact{{Value: "v"}}, 20), 39, strings.Repeat("v\n", 19) + "v"},
		{"facts that matter less take no room from others", []mackerel.Fact{{Label: "Organization", Value: strings.Repeat("x", 100)}, {Label: "own", Value: "1"}}, 60, "own: 1"},
	} {
		c := provider.Cutter{Unit: provider.Runes}
		check(t, tt.name, c.Texts(tt.limit, provider.Texts{Facts: tt.facts}, func(t provider.Texts) string { return provider.Lines(t.Facts) }), tt.want)
	}
}

func TestALongLabelIsCut(t *testing.T) {
	long := strings.Repeat("x", 5000)
	c := provider.Cutter{Unit: provider.Runes}
	texts := provider.Texts{Text: "text", Facts: []mackerel.Fact{{Label: long, Value: "1"}}, Memo: mackerel.Fact{Label: long, Value: "memo"}}
	out := c.Texts(1000, texts, draw)
	check(t, "message", out, "text\n"+long[:99]+"…: 1\n"+long[:99]+"…: memo")
	check(t, "cuts", fmt.Sprint(c.Cuts), "[memo from 4904 to 4 runes facts from 4901 to 1 runes]")
	c = provider.Cutter{Unit: provider.Runes}
	out = c.Texts(1000, provider.Texts{Memo: mackerel.Fact{Label: long[:150], Value: "memo"}}, draw)
	check(t, "message that would have room", out, long[:99]+"…: memo")
	check(t, "its cuts", fmt.Sprint(c.Cuts), "[memo from 54 to 4 runes]")
}

func TestTextsArePlain(t *testing.T) {
	c := provider.Cutter{Unit: provider.Bytes}
	var got provider.Texts
	c.Texts(10_000, provider.Texts{
		Title: "a\x00b", Text: " \nc\r\nd\u202e \n", URL: " https://x.test/a b\xff ", Memo: mackerel.Fact{Label: "M\n\n2", Value: "\te\xff\n"},
		Facts: []mackerel.Fact{{Label: "f\x1b", Value: "g\x00"}, {Label: "blank", Value: " \r\n"}, {Label: "link", Value: "v", URL: "https://x.test/手"}, {Label: "none"}},
	}, func(t provider.Texts) string { got = t; return "" })
	check(t, "texts", fmt.Sprintf("%+q", got), fmt.Sprintf("%+q", provider.Texts{
		Title: "a\uFFFDb", Text: "c\nd\uFFFD", URL: "https://x.test/a b\uFFFD", Memo: mackerel.Fact{Label: "M 2", Value: "e\uFFFD"},
		Facts: []mackerel.Fact{{Label: "f\uFFFD", Value: "g\uFFFD"}, {Label: "link", Value: "v", URL: "https://x.test/%E6%89%8B"}},
	}))
	check(t, "cuts", len(c.Cuts), 0)
}

// What there is no room for is counted as if it were there.
func TestFactsThatHaveNoRoomAreCounted(t *testing.T) {
	facts := []mackerel.Fact{{Label: "a", Value: "12"}, {Label: "b"}, {Label: "障害", Value: strings.Repeat("x\r\n", 50)}, {Label: "c", Value: "\xff\xfe"}}
	facts = append(facts, slices.Repeat([]mackerel.Fact{{Label: "d", Value: "障害"}}, 100)...)
	facts = append(facts, mackerel.Fact{Label: "Host", Value: "app01"})
	for _, u := range units {
		want := 0
		for _, f := range facts {
			want += u.Len(provider.Plain(f.Value))
		}
		for limit := range 400 {
			c := provider.Cutter{Unit: u}
			out := c.Texts(limit, provider.Texts{Facts: facts}, func(t provider.Texts) string { return provider.Lines(t.Facts) })
			if n := u.Len(out); n > limit {
				t.Fatalf("%d of %d %s", n, limit, u.Name)
			}
			for _, cut := range c.Cuts {
				if cut.Field != "facts" || cut.From != want || cut.To > limit {
					t.Errorf("in %d %s: %v, want from %d", limit, u.Name, cut, want)
				}
			}
			if limit > 20 && !strings.Contains(out, "Host: app01") {
				t.Errorf("in %d %s there is no host: %q", limit, u.Name, out)
			}
		}
	}
}

// FuzzTexts cuts any texts in any room.
func FuzzTexts(f *testing.F) {
	f.Add("title", "text\nline", "memo", "label", "value", "https://x.test/a", uint16(20))
	f.Add(family+japan, "\xff<&\r\n\u202e", strings.Repeat("&\n", 40), "Host", "a\u0301", "x", uint16(64))
	f.Fuzz(func(t *testing.T, title, text, memo, label, value, address string, limit uint16) {
		texts := provider.Texts{Title: title, Text: text, Memo: mackerel.Fact{Label: "Memo", Value: memo}, URL: address}
		for i := range 15 {
			texts.Facts = append(texts.Facts, mackerel.Fact{Label: label, Value: value + strings.Repeat("x", i)})
		}
		for _, u := range units {
			c := provider.Cutter{Unit: u}
			out := c.Texts(int(limit), texts, draw)
			if !utf8.ValidString(out) || u.Len(out) > int(limit)+len("Memo: ") {
				t.Errorf("%d %s: %q", u.Len(out), u.Name, out)
			}
			for _, cut := range c.Cuts {
				if cut.From <= cut.To || cut.To < 0 {
					t.Errorf("%v of %+q", cut, texts)
				}
			}
			if whole := draw(texts); u.Len(whole) <= int(limit)/2 && len(c.Cuts) > 0 && provider.Plain(whole) == whole {
				t.Errorf("%v, though %q fits into %d", c.Cuts, whole, limit)
			}
		}
	})
}

func TestHeadline(t *testing.T) {
	long := strings.Repeat("0123456789", 20)
	for _, tt := range []struct {
		name, title, text string
		limit             int
		want              string
		whole             bool
	}{
		{"title and first line", "[CRITICAL] CPU % on app01", " 96.51% > 90%  (x)\nrest", 1000, "[CRITICAL] CPU % on app01: 96.51% > 90% (x)", true},
		{"a title alone", "[CRITICAL] backup failed", "", 1000, "[CRITICAL] backup failed", true},
		{"a text alone", "", "text\r\nrest", 1000, "text", true},
		{"nothing", " ", "\n", 1000, "", true},
		{"the first line is cut at 150", "title", long, 1000, "title: " + long[:142] + "…", false},
		{"what is left of the first line is not worth showing", long[:140], long, 1000, long[:140], false},
		{"a title beyond 150", long, "text", 1000, long, false},
		{"a title beyond the limit is cut in its middle", "[OK] " + long + " on app01", "text", 50, middle("[OK] "+long+" on app01", 50), false},
		{"line breaks and control characters", "a\nb\x00c", "d\te", 1000, "a b c: d e", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := provider.Cutter{Unit: provider.Runes}
			line, whole := c.Headline("summary", tt.title, tt.text, tt.limit)
			check(t, "line", line, tt.want)
			check(t, "whole", whole, tt.whole)
			check(t, "a cut is noted", len(c.Cuts) == 0, tt.whole)
		})
	}
	testHeadlinesWithBlanks(t)
	endless := strings.Repeat("障害 ", 1<<20)
	c := provider.Cutter{Unit: provider.UTF16}
	line, whole := c.Headline("summary", endless+"app01", endless, 150)
	check(t, "an endless title", strings.HasSuffix(line, " app01") && provider.UTF16.Len(line) >= 148 && !whole, true)
	check(t, "the cut", c.Cuts[0].From > 6<<20 && c.Cuts[0].To <= 150, true)
}

// testHeadlinesWithBlanks has texts that are too long with their blanks. Of these, only 80 bytes at each end of a title
// and 1,200 bytes at the beginning of a text are looked at.
func testHeadlinesWithBlanks(t *testing.T) {
	t.Helper()
	blanks := func(n int) string { return strings.Repeat(" ", n) }
	for _, tt := range []struct {
		name, title, text string
		want              string
		whole             bool
	}{
		{"160 bytes are both ends", "a" + blanks(158) + "b", "", "a b", true},
		{"100 bytes are not said twice", "a" + blanks(40) + "m" + blanks(57) + "b", "", "a m b", true},
		{"of 161 bytes the middle is lost", "a" + blanks(79) + "m" + blanks(79) + "b", "", "a b", false},
		{"the end begins 80 bytes before the end", "a" + blanks(119) + "m" + blanks(78) + "b", "", "a m b", false},
		{"the end begins with a whole character", "a" + blanks(117) + "障" + blanks(79) + "b", "", "a b", false},
		{"an end of invalid bytes", "a" + blanks(120) + strings.Repeat("\x83", 80), "", "a", false},
		{"1,200 bytes of the first line", "t", "a" + blanks(1198) + "b", "t: a b", true},
		{"the rest of the first line is lost", "t", "a" + blanks(1199) + "b", "t: a", false},
		{"a first line ends with a whole character", "t", "a" + blanks(1198) + "障", "t: a", false},
		{"a first line of invalid bytes", "t", strings.Repeat("\x83", 2000), "t", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := provider.Cutter{Unit: provider.Runes}
			line, whole := c.Headline("summary", tt.title, tt.text, 10)
			check(t, "line", line, tt.want)
			check(t, "whole", whole, tt.whole)
		})
	}
}

// middle is what a title in ASCII is cut to.
func middle(s string, n int) string { return s[:n-1-(n-1)/2] + "…" + s[len(s)-(n-1)/2:] }

func TestShortenMiddle(t *testing.T) {
	for _, tt := range []struct {
		unit provider.Unit
		text string
		n    int
		want string
	}{
		{provider.Runes, "disk on app01", 13, "disk on app01"},
		{provider.Runes, "disk on app01", 12, "disk o…app01"},
		{provider.Runes, "disk on app01", 8, "disk…p01"},
		{provider.Runes, "disk  on  app01", 9, "disk…pp01"},
		{provider.Runes, "disk on app01", 2, "d…"},
		{provider.Runes, "disk on app01", 1, "…"},
		{provider.Runes, "disk on app01", 0, ""},
		{provider.Bytes, "disk on app01", 2, ""},
		{provider.Bytes, "障害障害障害", 12, "障…害"},
		{provider.Runes, family + "xxx" + family, 12, family + "x…" + family},
		{provider.Runes, "disk full on " + family + "x", 8, "disk…x"},
		{provider.UTF16, japan + japan + japan + usa, 9, japan + "…" + usa},
		{provider.Runes, "disk" + strings.Repeat("\x83", 600), 2, "d…"},
		{provider.Runes, "a\xff\xfeb" + strings.Repeat("c", 10), 6, "a\uFFFDb…cc"},
	} {
		check(t, fmt.Sprintf("%q in %d %s", tt.text, tt.n, tt.unit.Name), tt.unit.ShortenMiddle(tt.text, tt.n), tt.want)
	}
}

// FuzzShortenMiddle checks that both ends are those of the text, that characters are whole, and that no room is left.
func FuzzShortenMiddle(f *testing.F) {
	f.Add("[CRITICAL] disk on app01", uint8(12))
	f.Add(family+japan+"a\u0301"+usa, uint8(7))
	f.Add("\xff\xfe"+strings.Repeat("障", 40)+"\xff", uint8(30))
	f.Fuzz(func(t *testing.T, text string, limit uint8) {
		for _, u := range units {
			got, whole := u.ShortenMiddle(text, int(limit)), strings.ToValidUTF8(text, "\uFFFD")
			if u.Len(got) > int(limit) || !utf8.ValidString(got) {
				t.Errorf("%q has %d %s, and %d are allowed", got, u.Len(got), u.Name, limit)
			}
			if u.Len(whole) <= int(limit) && got != whole {
				t.Errorf("%q became %q in %d %s", text, got, limit, u.Name)
			}
			before, after, cut := strings.Cut(got, "…")
			bothEnds := strings.HasPrefix(whole, before) && strings.HasSuffix(whole, after)
			if cut && !strings.Contains(text, "…") && !bothEnds {
				t.Errorf("%q became %q", text, got)
			}
		}
	})
}

func TestATextThatFitsIsNoCut(t *testing.T) {
	for text, want := range map[string][]mackerel.Cut{
		"":            nil,
		"12345":       nil,
		"1\r\n3\r\n5": nil,
		"123456":      {{Field: "source", Unit: "runes", From: 6, To: 5}},
	} {
		c := provider.Cutter{Unit: provider.Runes}
		if shown := c.Text("source", text, 5); provider.Runes.Len(shown) > 5 || !slices.Equal(c.Cuts, want) {
			t.Errorf("Text(%q) = %q, cuts %v, want %v", text, shown, c.Cuts, want)
		}
	}
}
