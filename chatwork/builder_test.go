package chatwork_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/mackerel-notify/mackerel"
	"github.com/mackerel-notify/mackerel/chatwork"
	"github.com/mackerel-notify/mackerel/chatwork/chatworktest"
)

func TestBuilderWritesTheNotation(t *testing.T) {
	var b chatwork.Builder
	b.To(1).To(2).Text(" Taro, Anna\n").ToAll().Text("\n")
	b.Reply(3, 4, "1990000000000000001").Quote(5, time.Unix(1384242850, 0), "lunch?").Quote(6, time.Time{}, "no")
	b.Info(func() {
		b.Title("CPU").Text("96 %").HR().Code("top\n  1 init").URL("https://example.com/a?b=c")
	})
	b.Icon(7).Name(8).IconName(9).Title("alone").Text("bye")
	want := "[To:1][To:2] Taro, Anna\n[toall]\n[rp aid=3 to=4-1990000000000000001][qt][qtmeta aid=5 time=1384242850]lunch?[/qt][qt][qtmeta aid=6]no[/qt]" +
		"[info][title]CPU[/title]96 %[hr][code]top\n  1 init[/code][url]https://example.com/a?b=c[/url][/info]" +
		"[picon:7][pname:8][piconname:9][info][title]alone[/title][/info]bye"
	if got := b.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if b.Cut() || b.Err() != nil {
		t.Errorf("cut: %v, error: %v", b.Cut(), b.Err())
	}
}

func TestBuilderEscapesText(t *testing.T) {
	for _, tt := range []struct {
		name  string
		build func(b *chatwork.Builder)
		want  string
	}{
		{"text", func(b *chatwork.Builder) { b.Text("[toall] [WARNING]") }, "［toall］ [WARNING]"},
		{"a tag in two texts", func(b *chatwork.Builder) { b.Text("[").Text("toall]") }, "［toall]"},
		{"a tag in three texts", func(b *chatwork.Builder) { b.Text("a[0] [T").Text("o:").Text("1]") }, "a[0] ［To:1]"},
		{"a title", func(b *chatwork.Builder) { b.Title("x[/title][/info]") }, "[info][title]x［/title］［/info］[/title][/info]"},
		{"a quote", func(b *chatwork.Builder) { b.Quote(1, time.Time{}, "[/qt][To:1]") }, "[qt][qtmeta aid=1]［/qt］［To:1］[/qt]"},
		{"code keeps what is literal in it", func(b *chatwork.Builder) { b.Code("[info] [hr] [CODE] [To me] a[0]") }, "[code][info] [hr] [CODE] [To me] a[0][/code]"},
		{"code cannot be ended", func(b *chatwork.Builder) { b.Code("x[/code][/ CODE ][code]") }, "[code]x［/code］［/ CODE ］［code］[/code]"},
		{"code calls nobody", func(b *chatwork.Builder) { b.Code("[toall][TO:1][rp aid = 1 to=2-3]") }, "[code]［toall］［TO:1］［rp aid = 1 to=2-3］[/code]"},
		{"a bracket at the end of code", func(b *chatwork.Builder) { b.Code("[0][/") }, "[code][0]［/[/code]"},
		{"an address", func(b *chatwork.Builder) { b.URL("https://example.com/[toall]") }, "[url]https://example.com/%5Btoall%5D[/url]"},
		{"what is no address", func(b *chatwork.Builder) { b.URL("javascript:[toall]") }, "javascript:［toall］"},
		{"what is no text", func(b *chatwork.Builder) { b.Text("\xff\x00\r\n") }, "\uFFFD\uFFFD\n"},
		{"strictly", func(b *chatwork.Builder) { b.Strict = true; b.Text("[WARNING] a[0]").Code("[0]") }, "［WARNING］ a［0］[code]［0］[/code]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b chatwork.Builder
			tt.build(&b)
			if got := b.String(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestBuilderLeavesOutImpossibleIDsAndSaysSo(t *testing.T) {
	var b chatwork.Builder
	b.To(0).Reply(1, 2, "3]").Reply(-1, 2, "3").Reply(0, 2, "3").Reply(1, 0, "3").Reply(1, 2, "").Quote(0, time.Time{}, "x").Icon(-1).Text("left")
	if b.String() != "left" {
		t.Errorf("got %q", b.String())
	}
	err := b.Err()
	if !errors.Is(err, mackerel.ErrInvalid) || !strings.Contains(err.Error(), "To: not the id of an account; Reply: ") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}

// A part without text fits if its tags do.
func TestBuilderUsesItsBudgetToTheLastByte(t *testing.T) {
	for want, build := range map[string]func(*chatwork.Builder){
		"[To:1]":            func(b *chatwork.Builder) { b.To(1) },
		"[info][/info]":     func(b *chatwork.Builder) { b.Info(func() {}) },
		"[code][/code]":     func(b *chatwork.Builder) { b.Code("") },
		"[code]a[/code]":    func(b *chatwork.Builder) { b.Code("a") },
		"[info][hr][/info]": func(b *chatwork.Builder) { b.Info(func() { b.HR() }) },
	} {
		b := chatwork.Builder{Limit: len(want)}
		if build(&b); b.String() != want || b.Cut() {
			t.Errorf("got %q, cut %v, want %q", b.String(), b.Cut(), want)
		}
		b = chatwork.Builder{Limit: len(want) - 1}
		if build(&b); b.String() == want || !b.Cut() {
			t.Errorf("with a byte less: %q, cut %v", b.String(), b.Cut())
		}
	}
}

// everything adds one of everything, with text in all places that have some.
func everything(b *chatwork.Builder, text string) *chatwork.Builder {
	b.To(1).Text(text).Reply(2, 3, "4").Quote(5, time.Unix(6, 0), text)
	b.Info(func() {
		b.Title(text).Text(text).HR().Info(func() { b.Code(text) }).URL("https://example.com/" + text)
	})
	return b.Title(text).ToAll().Icon(7).Text(text)
}

func TestBuilderKeepsItsBudgetAndClosesWhatItOpens(t *testing.T) {
	for _, text := range []string{"a", "障害", "👨‍👩‍👧‍👦", "[toall]", "[", "x[/code][/info]", strings.Repeat("長い[info]", 300)} {
		for _, strict := range []bool{false, true} {
			whole := everything(&chatwork.Builder{Strict: strict}, text).String()
			if b := everything(&chatwork.Builder{Limit: len(whole), Strict: strict}, text); b.Cut() || b.String() != whole {
				t.Errorf("%d bytes do not fit into %d: %q", len(whole), len(whole), b.String())
			}
			for limit := 1; limit <= min(len(whole)+1, 700); limit++ {
				b := everything(&chatwork.Builder{Limit: limit, Strict: strict}, text)
				body := b.String()
				if len(body) > limit || !utf8.ValidString(body) {
					t.Fatalf("limit %d: %d bytes: %q", limit, len(body), body)
				}
				if b.Cut() != (body != whole) {
					t.Fatalf("limit %d: cut %v, %q", limit, b.Cut(), body)
				}
				if problem := unbalanced(body); problem != "" {
					t.Fatalf("limit %d: %s in %q", limit, problem, body)
				}
			}
		}
	}
}

// unbalanced says which live tag of a body is not closed, or not open.
func unbalanced(body string) string {
	var open []string
	for _, tag := range chatworktest.Tags(body) {
		name := strings.Trim(tag, "[]")
		switch {
		case slices.Contains([]string{"info", "title", "code", "qt", "url"}, name):
			open = append(open, name)
		case !strings.HasPrefix(name, "/"):
		case len(open) == 0 || open[len(open)-1] != name[1:]:
			return tag
		default:
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		return "[" + open[0] + "]"
	}
	return ""
}

func TestACutTextEndsWithAnEllipsisAndNothingFollows(t *testing.T) {
	b := chatwork.Builder{Limit: 40}
	b.Info(func() { b.Text(strings.Repeat("x", 100)).HR() }).Text("y").ToAll()
	if got, want := b.String(), "[info]"+strings.Repeat("x", 24)+"…[/info]"; got != want || !b.Cut() {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestALongMessageIsCutAtTheServicesLimit(t *testing.T) {
	var b chatwork.Builder
	if body := b.Text(strings.Repeat("障", 65535)).String(); len(body) > 65535 || len(body) < 65535-5 {
		t.Errorf("%d bytes", len(body))
	}
}

// FuzzBuilder holds the promise for any two texts, in every place, next to each other and under any budget.
func FuzzBuilder(f *testing.F) {
	f.Add("[", "toall]", uint16(0), false)
	f.Add("[/code", "][To:1]", uint16(50), false)
	f.Add("[x aid = 1]", "[返信", uint16(200), true)
	f.Fuzz(func(t *testing.T, first, second string, limit uint16, strict bool) {
		b := chatwork.Builder{Limit: int(limit), Strict: strict}
		b.Text(first).Text(second).Code(first).Text(second).Title(second).Text(first)
		b.Info(func() {
			b.Text(second).Title(first).Quote(1, time.Time{}, second).Text(first).URL("https://" + first).Text(second)
		})
		body := b.String()
		if tags := strings.Join(chatworktest.Tags(body), ""); !isPrefixOf(tags, "[code][/code][info][title][/title][/info][info][title][/title][qt][qtmeta aid=1][/qt][url][/url][/info]") {
			t.Errorf("%q and %q leave the tags %s in %q", first, second, tags, body)
		}
		if all, accounts := chatworktest.Mentions(body); all || len(accounts) > 0 {
			t.Errorf("%q and %q call %v, %v", first, second, all, accounts)
		}
		if limit > 0 && len(body) > int(limit) || !utf8.ValidString(body) {
			t.Errorf("%d bytes of %d: %q", len(body), limit, body)
		}
	})
}

// isPrefixOf reports whether the tags are the first of all, but for what was closed early and the address that may have
// become text.
func isPrefixOf(tags, all string) bool {
	without := strings.ReplaceAll(all, "[url][/url]", "")
	for {
		if strings.HasPrefix(all, tags) || strings.HasPrefix(without, tags) {
			return true
		}
		rest, closed := strings.CutSuffix(tags, "[/info]")
		if !closed {
			return false
		}
		tags = rest
	}
}

func ExampleBuilder() {
	var b chatwork.Builder
	b.To(1484814).Text("please have a look\n")
	b.Info(func() {
		b.Title("app01: disk full").Code("/dev/sda1 100% /\n[/code] [toall]").HR().URL("https://mackerel.io/orgs/acme")
	})
	fmt.Println(b.String())
	// Output:
	// [To:1484814]please have a look
	// [info][title]app01: disk full[/title][code]/dev/sda1 100% /
	// ［/code］ ［toall］[/code][hr][url]https://mackerel.io/orgs/acme[/url][/info]
}

func ExampleParseNotation() {
	n := chatwork.ParseNotation("[rp aid=123 to=567890123-1990000000000000001] John\n[qt][qtmeta aid=123]disk full[/qt]I am [info]on it[/info]")
	fmt.Println(n.Calls(123), n.Replies[0].MessageID)
	fmt.Printf("%q\n", n.Quotes[0].Text)
	fmt.Printf("%q\n", n.Text)
	// Output:
	// true 1990000000000000001
	// "disk full"
	// "John\nI am \non it"
}
